import { screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, message, people, SELF, text } from '../memory/world'
import { addCabin, lastCall, minutesAgo, open, openConversation, openDetails } from './open'

let backend: MemoryBackend
const WEEK = '604800000000000'

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
})

describe('editing a group', () => {
  it('sends only what was changed', async () => {
    backend.put('cabin', { description: 'Old' })
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('edit-group'))
    await user.clear(screen.getByTestId('edit-name'))
    await user.type(screen.getByTestId('edit-name'), ' Lake house ')
    await user.type(screen.getByTestId('edit-picture'), 'https://example.org/lake.png')
    await user.click(screen.getByTestId('edit-save'))
    expect(lastCall(backend, 'group_update')).toEqual({
      conversation_id: 'cabin',
      name: 'Lake house',
      description: null,
      image_url: 'https://example.org/lake.png',
      app_data: null,
      minimum_version: null,
    })
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Lake house'))
  })

  it('counts bytes as they are typed', async () => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('edit-group'))
    await user.clear(screen.getByTestId('edit-name'))
    await user.type(screen.getByTestId('edit-name'), 'é'.repeat(45))
    expect(screen.getByTestId('edit-name-note')).toHaveTextContent('10 of 100 bytes left')
    await user.type(screen.getByTestId('edit-name'), 'é'.repeat(6))
    expect(screen.getByTestId('edit-name-note')).toHaveTextContent('2 bytes too long')
    expect(screen.getByTestId('edit-save')).toBeDisabled()
  })

  it.each([
    ['http://example.org/a.png', /begin with https/],
    ['javascript:alert(1)', /begin with https/],
    ['lake.png', /not a whole web address/],
  ])('refuses the picture %s and says why', async (url, reason) => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('edit-group'))
    await user.type(screen.getByTestId('edit-picture'), url)
    expect(screen.getByTestId('edit-picture-note')).toHaveTextContent(reason)
    expect(screen.getByTestId('edit-save')).toBeDisabled()
  })

  it('takes plain versions only, and app data only where there is some', async () => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('edit-group'))
    expect(screen.queryByTestId('edit-app-data')).toBeNull()
    await user.click(screen.getByTestId('edit-advanced'))
    await user.type(screen.getByTestId('edit-version'), '1.6')
    expect(screen.getByTestId('edit-version-note')).toHaveTextContent('three numbers')
    await user.type(screen.getByTestId('edit-version'), '.0')
    await user.click(screen.getByTestId('edit-save'))
    expect(lastCall(backend, 'group_update')).toMatchObject({ minimum_version: '1.6.0', name: null })
    await waitFor(() => expect(screen.getByTestId('info-version')).toHaveTextContent('1.6.0'))
  })

  it('shows the data of apps where there is some', async () => {
    backend.appData.set('cabin', '{"theme":"pine"}')
    const user = await openDetails(backend)
    await waitFor(() => expect(screen.getByTestId('edit-group')).toBeEnabled())
    await user.click(screen.getByTestId('edit-group'))
    expect(screen.getByTestId('edit-app-data')).toHaveValue('{"theme":"pine"}')
  })

  it('allows what the rules allow, and names who could do the rest', async () => {
    const permissions = backend.permissionsOf('cabin')
    backend.permissions.set('cabin', {
      ...permissions,
      update_metadata: { ...permissions.update_metadata, group_name: 'admin' },
    })
    addCabin(backend, [member('alix'), member('bo', 'super_admin')])
    const user = await openDetails(backend)
    await waitFor(() => expect(screen.getByTestId('edit-group')).toBeEnabled())
    await user.click(screen.getByTestId('edit-group'))
    expect(screen.getByTestId('edit-name')).toBeDisabled()
    expect(screen.getByTestId('edit-name-why')).toHaveTextContent(/^Only admins may change the name here: 0x/)
    expect(screen.getByTestId('edit-description')).toBeEnabled()
  })
})

describe('the picture of a group', () => {
  it('is fetched on a click and not before', async () => {
    backend.put('cabin', { image_url: 'https://pictures.example.org/a.png' })
    const user = await openDetails(backend)
    const show = await screen.findByTestId('picture-show')
    expect(show).toHaveTextContent('Show picture from pictures.example.org')
    expect(lastCall(backend, 'group_image')).toBeUndefined()
    expect(document.querySelector('img')).toBeNull()
    await user.click(show)
    await waitFor(() => expect(screen.getAllByTestId('group-picture').length).toBeGreaterThan(1))
    for (const image of screen.getAllByTestId('group-picture')) {
      expect(image.getAttribute('src')).toMatch(/^data:image\/png;base64,/)
    }
    await user.click(screen.getByTestId('picture-hide'))
    expect(screen.queryByTestId('group-picture')).toBeNull()
  })

  it('is never fetched from an odd address, and its failure is told', async () => {
    backend.put('cabin', { image_url: 'http://example.org/a.png' })
    const user = await openDetails(backend)
    expect(await screen.findByTestId('picture-unsafe')).toHaveTextContent('not https')
    expect(screen.queryByTestId('picture-show')).toBeNull()
    backend.put('cabin', { image_url: 'https://example.org/wrong' })
    await user.click(await screen.findByTestId('picture-show'))
    expect(await screen.findByTestId('problem')).toHaveAttribute('data-code', 'image_refused')
  })
})

describe('disappearing messages', () => {
  it('are set to a usual time, to another, and off', async () => {
    const user = await openDetails(backend)
    expect(await screen.findByTestId('info-disappearing')).toHaveTextContent('Off')
    await user.click(screen.getByTestId('info-disappearing'))
    await user.selectOptions(screen.getByTestId('disappearing-choice'), '1 week')
    await user.click(screen.getByTestId('disappearing-save'))
    expect(lastCall(backend, 'disappearing_set')).toEqual({ conversation_id: 'cabin', in_ns: WEEK })
    await waitFor(() => expect(screen.getByTestId('info-disappearing')).toHaveTextContent('1 week'))

    await user.click(screen.getByTestId('info-disappearing'))
    await user.selectOptions(screen.getByTestId('disappearing-choice'), 'custom')
    await user.clear(screen.getByTestId('disappearing-amount'))
    expect(screen.getByTestId('disappearing-save')).toBeDisabled()
    await user.type(screen.getByTestId('disappearing-amount'), '36')
    await user.selectOptions(screen.getByTestId('disappearing-unit'), 'hour')
    await user.click(screen.getByTestId('disappearing-save'))
    await waitFor(() => expect(screen.getByTestId('info-disappearing')).toHaveTextContent('1 day, 12 hours'))

    await user.click(screen.getByTestId('info-disappearing'))
    await user.selectOptions(screen.getByTestId('disappearing-choice'), 'off')
    await user.click(screen.getByTestId('disappearing-save'))
    await waitFor(() => expect(lastCall(backend, 'disappearing_set')).toMatchObject({ in_ns: null }))
  })

  it('say who may change them', async () => {
    addCabin(backend, [member('alix'), member('bo', 'super_admin')])
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('info-disappearing'))
    expect(await screen.findByTestId('reason')).toHaveTextContent(
      /^Only admins may change disappearing messages/,
    )
    expect(screen.getByTestId('disappearing-choice')).toBeDisabled()
  })
})

describe('the changes of a group', () => {
  beforeEach(() => {
    for (let n = 0; n < 60; n++) {
      const fields = [{ field: 'group_name', old: `Name ${n}`, new: `Name ${n + 1}` }]
      backend.store(message.change('cabin', people.bo.inboxId, { fields }, minutesAgo(45)))
    }
    backend.store(
      message.change(
        'cabin',
        SELF.inboxId,
        { fields: [{ field: 'permissions.add_member', old: 'allow', new: 'admin' }] },
        minutesAgo(30),
      ),
    )
    backend.store(
      message.refused('cabin', 'davon', 'Davon tried to remove Bo. Nothing changed.', minutesAgo(20)),
    )
  })

  it('are listed with who and when, newest first, page by page', async () => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('info-changes'))
    await waitFor(() => expect(screen.getAllByTestId('change')).toHaveLength(50))
    const [refused, own, named] = screen.getAllByTestId('change')
    expect(refused).toHaveAttribute('data-refused', 'true')
    expect(refused).toHaveTextContent(/Refused ?Davon tried to remove Bo\./)
    expect(own).toHaveTextContent(/You let only admins add people.*Before: Everyone/)
    expect(named).toHaveTextContent('Before: Name 59')
    await user.click(screen.getByTestId('changes-older'))
    await waitFor(() => expect(screen.getAllByTestId('change')).toHaveLength(62))
    expect(screen.queryByTestId('changes-older')).toBeNull()
  })

  it('grow while they are looked at', async () => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('info-changes'))
    await waitFor(() => expect(screen.getAllByTestId('change')).toHaveLength(50))
    backend.change('cabin', people.bo.inboxId, { added: [people.eri.inboxId] })
    await waitFor(() => expect(screen.getAllByTestId('change')[0]).toHaveTextContent(/added/))
    expect(screen.getByTestId('changes-older')).toBeVisible()
  })
})

describe('leaving', () => {
  it('asks, then says that we wait', async () => {
    addCabin(backend, [member('alix'), member('bo', 'super_admin')])
    const user = await openDetails(backend)
    await waitFor(() => expect(screen.getByTestId('info-leave')).toBeEnabled())
    await user.click(screen.getByTestId('info-leave'))
    expect(lastCall(backend, 'group_leave')).toBeUndefined()
    await user.click(screen.getByTestId('leave-dialog-confirm'))
    expect(lastCall(backend, 'group_leave')).toEqual({ conversation_id: 'cabin' })
    expect(await screen.findByTestId('composer-closed')).toHaveTextContent('You asked to leave')
    expect(screen.getByTestId('info-leave')).toBeDisabled()
    expect(screen.getByTestId('info-leave')).toHaveTextContent('You asked to leave')
  })

  it('says why it is not possible', async () => {
    await openDetails(backend)
    expect(await screen.findByTestId('leave-why')).toHaveTextContent(/super admin cannot leave/)
    expect(screen.getByTestId('info-leave')).toBeDisabled()
  })
})

describe('deleting on this device', () => {
  it('says what is lost, and takes the conversation away', async () => {
    addCabin(backend, undefined, { is_active: false })
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('info-delete'))
    expect(screen.getByTestId('delete-dialog')).toHaveTextContent(/can’t be brought back/)
    await user.click(screen.getByTestId('delete-dialog-confirm'))
    expect(lastCall(backend, 'conversation_delete')).toEqual({ conversation_id: 'cabin' })
    await waitFor(() => expect(screen.queryByTestId('conversation-row')).toBeNull())
    expect(screen.queryByTestId('conversation-header')).toBeNull()
  })

  it('leaves a group first, if that is wanted and possible', async () => {
    addCabin(backend, [member('alix'), member('bo', 'super_admin')])
    const user = await openDetails(backend)
    await waitFor(() => expect(screen.getByTestId('info-leave')).toBeEnabled())
    await user.click(screen.getByTestId('info-delete'))
    expect(screen.getByTestId('delete-dialog-confirm')).toHaveTextContent('Leave and delete')
    backend.refuse.set('group_leave', fail('offline', 'The node does not answer.'))
    await user.click(screen.getByTestId('delete-dialog-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('The node does not answer.')
    expect(lastCall(backend, 'conversation_delete')).toBeUndefined()
    await user.click(screen.getByTestId('delete-leave'))
    await user.click(screen.getByTestId('delete-dialog-confirm'))
    await waitFor(() => expect(lastCall(backend, 'conversation_delete')).toBeDefined())
    await waitFor(() => expect(screen.queryByTestId('conversation-row')).toBeNull())
    backend.arrive('cabin', 'bo', 'Anyone there?')
    expect(await screen.findByTestId('conversation-row')).toHaveTextContent('Anyone there?')
    expect(screen.queryByTestId('conversation-header')).toBeNull()
  })

  it('of a group that cannot be left only takes the messages', async () => {
    const user = await openDetails(backend)
    await screen.findByTestId('leave-why')
    await user.click(screen.getByTestId('info-delete'))
    expect(screen.queryByTestId('delete-leave')).toBeNull()
    expect(screen.getByTestId('delete-dialog')).toHaveTextContent(/comes back with just that/)
  })

  it('in another window closes it here too, and it does not open by itself when it comes back', async () => {
    await openConversation(backend)
    backend.emit({ event: 'conversation_deleted', conversation_id: 'cabin' })
    await waitFor(() => expect(screen.queryByTestId('conversation-header')).toBeNull())
    backend.put('cabin', {})
    await screen.findByRole('button', { name: /Cabin/ })
    expect(screen.queryByTestId('conversation-header')).toBeNull()
  })
})

describe('a fork', () => {
  const fork = {
    state: 'confirmed',
    reason: 'authenticators_differ',
    text: 'Your state differs. Ask to be added again.',
    can_request: true,
    requested_at_ns: null,
  } as const

  it('is shown with what to do, and what was asked for', async () => {
    backend.put('cabin', { fork })
    const user = await openConversation(backend)
    expect(screen.getByTestId('fork-bar')).toHaveTextContent(fork.text)
    expect(screen.getByTestId('composer-closed')).toHaveTextContent(/differs/)
    await user.click(screen.getByTestId('fork-ask'))
    expect(lastCall(backend, 'readd_request')).toEqual({ conversation_id: 'cabin' })
    expect(await screen.findByTestId('fork-asked')).toHaveTextContent(/You asked to be added again/)
  })

  it('that is only suspected leaves the composer open', async () => {
    backend.put('cabin', { fork: { ...fork, state: 'suspected', can_request: false } })
    await openConversation(backend)
    expect(screen.getByTestId('fork-bar')).toHaveAttribute('data-state', 'suspected')
    expect(screen.queryByTestId('fork-ask')).toBeNull()
    expect(screen.getByTestId('composer')).toBeVisible()
  })

  it('says why asking did not work', async () => {
    backend.put('cabin', { fork })
    backend.refuse.set('readd_request', fail('readd_unavailable', 'No super admin can be reached.'))
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('fork-ask'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('No super admin can be reached.')
  })
})

describe('being removed', () => {
  it('keeps the history and says who did it', async () => {
    await openConversation(backend)
    backend.change('cabin', people.bo.inboxId, { removed: [SELF.inboxId] }, { is_active: false })
    expect(await screen.findByTestId('composer-closed')).toHaveTextContent(/^0x.{4}….{4} removed you/)
    expect(screen.getByText('Who has the key?', { selector: '[data-testid=message-text]' })).toBeVisible()
  })
})

describe('names that were made to deceive', () => {
  it('are shown harmlessly everywhere', async () => {
    backend.add(conversation({ id: 'odd', name: 'invoice\u202Efdp.exe\n\u0007' }), [
      text('odd', 'bo', 'a\u202Eb', minutesAgo(3)),
    ])
    backend.add(conversation({ id: 'none', name: '\u3164\u200B' }), [])
    const user = open(backend)
    const row = await screen.findByRole('button', { name: /invoice/ })
    expect(within(row).getByTestId('conversation-title')).toHaveTextContent('invoicefdp.exe \u2407')
    expect(await screen.findByRole('button', { name: /Unnamed group/ })).toBeVisible()
    await user.click(row)
    expect((await screen.findByTestId('message-text')).textContent).toBe('ab')
    expect(document.body.textContent).not.toMatch(/[\u202A-\u202E]/)
  })
})

describe('a direct message', () => {
  it('stays open with what was begun to be written when another id stands for it', async () => {
    const dm = (id: string, other: string) =>
      conversation({ id, kind: 'dm', peer_inbox_id: people.eri.inboxId, duplicate_ids: [other] })
    backend.add(
      dm('one', 'two'),
      [text('one', 'eri', 'Hello', minutesAgo(2))],
      [member('alix'), member('eri')],
    )
    const user = await openConversation(backend, people.eri.inboxId.slice(0, 4))
    await user.type(screen.getByTestId('composer'), 'half a thought')
    await user.upload(screen.getByTestId('attach-input'), new File(['x'], 'map.pdf'))
    await screen.findByText('map.pdf')
    backend.add(
      dm('two', 'one'),
      [text('two', 'eri', 'Hello again', minutesAgo(1))],
      [member('alix'), member('eri')],
    )
    backend.put('two', {})
    await screen.findByText('Hello again', { selector: '[data-testid=message-text]' })
    await waitFor(() => expect(screen.getByTestId('composer')).toHaveValue('half a thought'))
    expect(screen.getByText('map.pdf')).toBeVisible()
    expect(
      screen.getAllByTestId('conversation-row').filter(({ dataset }) => dataset.id !== 'cabin'),
    ).toHaveLength(1)
    // Messages come under any of its ids.
    const late = text('one', 'eri', 'And a late one', minutesAgo(0))
    backend.emit({ event: 'messages', conversation_id: 'one', messages: [late] })
    await screen.findByText('And a late one', { selector: '[data-testid=message-text]' })
  })

  it('has no controls of admins, and lets the person be blocked', async () => {
    backend.add(
      conversation({
        id: 'dm',
        kind: 'dm',
        peer_inbox_id: people.eri.inboxId,
        peer_address: people.eri.address,
      }),
      [text('dm', 'eri', 'Hello', minutesAgo(1))],
      [member('alix'), member('eri')],
    )
    const user = await openDetails(backend, people.eri.address.slice(0, 6))
    for (const id of ['info-permissions', 'info-changes', 'info-leave', 'edit-group', 'members']) {
      expect(screen.queryByTestId(id)).toBeNull()
    }
    await user.click(screen.getByTestId('info-block'))
    await user.click(screen.getByTestId('block-dialog-confirm'))
    expect(lastCall(backend, 'inbox_consent_set')).toEqual({ inbox_id: people.eri.inboxId, state: 'denied' })
    await waitFor(() => expect(screen.queryByTestId('conversation-header')).toBeNull())
    expect(screen.queryByRole('button', { name: new RegExp(people.eri.address.slice(0, 6)) })).toBeNull()
  })
})
