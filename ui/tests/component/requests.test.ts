import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, people, text } from '../memory/world'
import { addCabin, lastCall, minutesAgo, open } from './open'

let backend: MemoryBackend
const { davon } = people

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
  backend.add(
    conversation({
      id: 'tickets',
      name: 'Free tickets',
      consent: 'unknown',
      creator_inbox_id: davon.inboxId,
      added_by_inbox_id: davon.inboxId,
    }),
    [text('tickets', 'davon', 'You have won', minutesAgo(1))],
    [member('davon', 'super_admin'), member('alix'), member('eri')],
    1,
  )
})

async function openRequest(): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('filter-requests'))
  await user.click(await screen.findByRole('button', { name: /Free tickets/ }))
  await screen.findByTestId('request-card')
  return user
}

describe('a request', () => {
  it('waits apart and is counted, and its words stay closed', async () => {
    const user = open(backend)
    await screen.findByRole('button', { name: /Cabin/ })
    expect(screen.queryByRole('button', { name: /Free tickets/ })).toBeNull()
    expect(screen.getByTestId('filter-requests')).toHaveTextContent('Requests 1')
    await user.click(screen.getByTestId('filter-requests'))
    expect(screen.getByTestId('conversation-row')).toHaveTextContent(/0x.{4}….{4} added you/)
    expect(document.body).not.toHaveTextContent('You have won')
    expect(document.title).toBe('Conclave')
  })

  it('says who, how many, and what we share, before anything is shown', async () => {
    await openRequest()
    await waitFor(() => expect(screen.getByTestId('request-shared')).toHaveTextContent('Cabin'))
    expect(screen.getByTestId('request-address')).toHaveAttribute('data-value', davon.address)
    expect(screen.getByTestId('request-consent')).toHaveAttribute('data-consent', 'unknown')
    expect(screen.getByTestId('request-members')).toHaveTextContent('3 members')
    expect(screen.queryByTestId('message-list')).toBeNull()
    expect(screen.queryByTestId('composer')).toBeNull()
    expect(document.body).not.toHaveTextContent('You have won')
  })

  it('can be looked into without reading or answering', async () => {
    const user = await openRequest()
    await user.click(screen.getByTestId('request-preview'))
    expect(await screen.findByText('You have won', { selector: '[data-testid=message-text]' })).toBeVisible()
    expect(screen.queryByTestId('composer')).toBeNull()
    expect(lastCall(backend, 'conversation_mark_read')).toBeUndefined()
    await user.click(screen.getByTestId('request-hide'))
    expect(screen.queryByTestId('message-list')).toBeNull()
  })

  it('is accepted', async () => {
    const user = await openRequest()
    await user.click(screen.getByTestId('request-accept'))
    expect(lastCall(backend, 'consent_set')).toEqual({ conversation_id: 'tickets', state: 'allowed' })
    await screen.findByTestId('composer')
    expect(screen.getByTestId('filter-all')).toHaveAttribute('aria-selected', 'true')
    await waitFor(() => expect(lastCall(backend, 'conversation_mark_read')).toBeDefined())
  })

  it('vanishes when the person is blocked, after a question that says what happens', async () => {
    const user = await openRequest()
    await user.click(screen.getByTestId('request-block'))
    expect(screen.getByTestId('block-dialog')).toHaveTextContent(/hidden and stay silent/)
    expect(lastCall(backend, 'inbox_consent_set')).toBeUndefined()
    await user.click(screen.getByTestId('block-dialog-confirm'))
    expect(lastCall(backend, 'inbox_consent_set')).toEqual({ inbox_id: davon.inboxId, state: 'denied' })
    await waitFor(() => expect(screen.queryByTestId('request-card')).toBeNull())
    expect(screen.queryByRole('button', { name: /Free tickets/ })).toBeNull()
    expect(lastCall(backend, 'group_leave')).toBeUndefined()
  })

  it('is blocked and left', async () => {
    const user = await openRequest()
    await user.click(screen.getByTestId('request-leave'))
    await user.click(screen.getByTestId('block-leave-confirm'))
    await waitFor(() => expect(lastCall(backend, 'group_leave')).toEqual({ conversation_id: 'tickets' }))
    await waitFor(() => expect(screen.queryByTestId('block-leave-dialog')).toBeNull())
    expect(screen.queryByTestId('request-card')).toBeNull()
  })

  it('stays blocked when leaving fails, says so, and tries again', async () => {
    const user = await openRequest()
    backend.refuse.set('group_leave', fail('offline', 'The node does not answer.'))
    await user.click(screen.getByTestId('request-leave'))
    await user.click(screen.getByTestId('block-leave-confirm'))
    const dialog = screen.getByTestId('block-leave-dialog')
    await waitFor(() => expect(dialog).toHaveTextContent('Blocked, but you are still in the group'))
    expect(within(dialog).getByTestId('problem')).toHaveTextContent('The node does not answer.')
    backend.refuse.clear()
    await user.click(screen.getByTestId('block-leave-confirm'))
    await waitFor(() => expect(screen.queryByTestId('block-leave-dialog')).toBeNull())
    expect(backend.calls.filter(({ command }) => command === 'inbox_consent_set')).toHaveLength(1)
  })

  it('of a direct message offers no leaving', async () => {
    backend.add(
      conversation({
        id: 'dm',
        kind: 'dm',
        consent: 'unknown',
        creator_inbox_id: people.eri.inboxId,
        added_by_inbox_id: people.eri.inboxId,
        peer_inbox_id: people.eri.inboxId,
        peer_address: people.eri.address,
      }),
      [text('dm', 'eri', 'Hello', minutesAgo(1))],
      [member('alix'), member('eri')],
    )
    const user = open(backend)
    await user.click(await screen.findByTestId('filter-requests'))
    await user.click(await screen.findByRole('button', { name: /wants to write/ }))
    await screen.findByTestId('request-card')
    expect(screen.queryByTestId('request-leave')).toBeNull()
    await user.click(screen.getByTestId('request-accept'))
    await screen.findByTestId('composer')
  })
})

describe('a decision on another device', () => {
  it('takes conversations away live, and brings them back', async () => {
    await openRequest()
    backend.decide(davon.inboxId, 'denied')
    await waitFor(() => expect(screen.queryByTestId('request-card')).toBeNull())
    expect(screen.queryByRole('button', { name: /Free tickets/ })).toBeNull()
    backend.decide(davon.inboxId, 'unknown')
    expect(await screen.findByRole('button', { name: /Free tickets/ })).toBeVisible()
    expect(screen.queryByTestId('request-card')).toBeNull()
  })
})

describe('the people one decided about', () => {
  async function openPeople(): Promise<UserEvent> {
    const user = open(backend)
    await screen.findByRole('button', { name: /Cabin/ })
    await user.click(screen.getByTestId('settings'))
    await user.click(screen.getByTestId('settings-people'))
    await screen.findByTestId('people-dialog')
    return user
  }

  it('are none at first', async () => {
    const user = await openPeople()
    const dialog = screen.getByTestId('people-dialog')
    await within(dialog).findByText('Nobody is blocked')
    await user.click(screen.getByTestId('people-allowed'))
    expect(within(dialog).getByText('Nobody yet')).toBeVisible()
  })

  it('are unblocked, blocked and forgotten', async () => {
    backend.decide(davon.inboxId, 'denied')
    backend.decide(people.bo.inboxId, 'allowed')
    const user = await openPeople()
    expect(await screen.findByTestId('person')).toHaveAttribute('data-inbox-id', davon.inboxId)
    await user.click(screen.getByTestId('person-unblock'))
    expect(lastCall(backend, 'inbox_consent_set')).toEqual({ inbox_id: davon.inboxId, state: 'allowed' })
    await waitFor(() => expect(screen.queryByTestId('person')).toBeNull())
    await user.click(screen.getByTestId('people-allowed'))
    expect(screen.getAllByTestId('person').map(({ dataset }) => dataset.inboxId)).toEqual([
      davon.inboxId,
      people.bo.inboxId,
    ])
    await user.click(screen.getAllByTestId('person-forget')[0] as HTMLElement)
    expect(lastCall(backend, 'inbox_consent_set')).toEqual({ inbox_id: davon.inboxId, state: 'unknown' })
    await waitFor(() => expect(screen.getAllByTestId('person')).toHaveLength(1))
    await user.click(screen.getByTestId('person-block'))
    await user.click(screen.getByTestId('block-dialog-confirm'))
    await waitFor(() => expect(screen.queryByTestId('person')).toBeNull())
    expect(backend.inboxes.get(people.bo.inboxId)?.state).toBe('denied')
  })
})
