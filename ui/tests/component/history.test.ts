import { cleanup, screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { CODE, transfer } from '../memory/history'
import { addCabin, lastCall, minutesAgo, open, openConversation } from './open'

const LAPTOP = '1a'.repeat(32)
const DAY_MS = 86_400_000
let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  backend.own.addDevice(LAPTOP, '1700000000000000000', 'Laptop')
})

async function openHistory(): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('settings'))
  await user.click(screen.getByTestId('settings-devices'))
  await user.click(await screen.findByTestId('history-open'))
  await screen.findByTestId('history-ask')
  return user
}

async function ask(): Promise<UserEvent> {
  const user = await openHistory()
  await user.click(screen.getByTestId('history-ask'))
  await screen.findByTestId('transfer-dialog')
  return user
}

const phase = (): string | undefined => screen.getByTestId('transfer-phase').dataset.phase

describe('a device that asks for the past', () => {
  it('chooses how much, and shows the code to compare', async () => {
    const user = await openHistory()
    expect(screen.getByText(/You have 1 other device/)).toBeVisible()
    await user.click(screen.getByTestId('range-month'))
    await user.click(screen.getByTestId('history-consent'))
    await user.click(screen.getByTestId('history-attachments'))
    await user.click(screen.getByTestId('history-ask'))
    await screen.findByTestId('code-coming')
    expect(screen.getByTestId('transfer-dialog')).toHaveTextContent('answer by themselves')
    backend.past.to('pin1', 'held', { code: CODE, installation_id: LAPTOP, device_name: 'Laptop' })
    expect(await screen.findByTestId('history-code')).toHaveAttribute('data-code', CODE.join(' '))
    expect(screen.getByTestId('transfer-dialog')).toHaveTextContent(/From .Laptop/)
    const asked = lastCall(backend, 'history_request') as { since_ns: string }
    expect(asked).toMatchObject({ consent: false, attachments: true, conversation_ids: null })
    const days = (Date.now() - Number(asked.since_ns.slice(0, -6))) / DAY_MS
    expect(Math.abs(days - 30)).toBeLessThan(0.01)
  })

  it('asks for everything without a moment', async () => {
    const user = await openHistory()
    await user.click(screen.getByTestId('range-all'))
    await user.click(screen.getByTestId('history-ask'))
    await screen.findByTestId('code-coming')
    expect(lastCall(backend, 'history_request')).toMatchObject({ since_ns: null, consent: true })
  })

  it('says why it could not ask', async () => {
    const user = await openHistory()
    backend.refuse.set('history_request', fail('no_server', 'Your node offers no server for history.'))
    await user.click(screen.getByTestId('history-ask'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('no server')
    expect(screen.getByTestId('history-ask')).toBeEnabled()
  })

  it('follows what happens, in the background too, and says it aloud', async () => {
    const user = await ask()
    await user.click(screen.getByTestId('transfer-background'))
    await waitFor(() => expect(screen.queryByTestId('transfer-dialog')).toBeNull())
    backend.past.to('pin1', 'downloading', { bytes_done: 5_000_000, bytes_total: 10_000_000 })
    await waitFor(() => expect(screen.getByTestId('announcer')).toHaveTextContent('Fetching the history'))
    const notice = screen.getByTestId('transfer-notice')
    expect(within(notice).getByRole('progressbar')).toHaveAttribute('value', '0.5')
    await user.click(within(notice).getByTestId('transfer-notice-show'))
    expect(await screen.findByTestId('measure-bytes')).toHaveTextContent('5 MB of 10 MB')
    backend.past.to('pin1', 'importing', {
      ...{ conversations_done: 3, conversations_total: 12, messages_done: 1_200, messages_total: 5_000 },
    })
    await waitFor(() => expect(phase()).toBe('importing'))
    expect(screen.getByTestId('measure-conversations')).toHaveTextContent('3 of 12')
    expect(screen.getByTestId('measure-messages')).toHaveTextContent('1,200 of 5,000')
    backend.past.to('pin1', 'done', { conversations_done: 12, messages_done: 5_000, skipped: 1 })
    const done = await screen.findByTestId('transfer-done')
    expect(done).toHaveTextContent('12 conversations and 5,000 messages are here now. 1 entry was left out.')
    expect(screen.getByTestId('read-only-note')).toHaveTextContent('add this device')
    await user.click(screen.getByTestId('transfer-close'))
    await waitFor(() => expect(screen.queryByTestId('transfer-notice')).toBeNull())
  })

  it('tells of an end that came unseen until it was read, also after a restart', async () => {
    const user = await ask()
    await user.click(screen.getByTestId('transfer-background'))
    await waitFor(() => expect(screen.queryByTestId('transfer-dialog')).toBeNull())
    backend.past.to('pin1', 'done', { conversations_done: 12, messages_done: 5_000 })
    await waitFor(() =>
      expect(screen.getByTestId('transfer-notice')).toHaveTextContent('The history is here'),
    )
    await user.click(screen.getByTestId('transfer-notice-show'))
    await user.click(await screen.findByTestId('transfer-close'))
    await waitFor(() => expect(screen.queryByTestId('transfer-notice')).toBeNull())
    cleanup()
    backend.past.put(transfer({ pin: 'pin2', phase: 'refused' }))
    const again = open(backend)
    const notice = await screen.findByTestId('transfer-notice')
    expect(notice).toHaveTextContent('Your other device refused')
    await again.click(within(notice).getByTestId('transfer-notice-close'))
    await waitFor(() => expect(screen.queryByTestId('transfer-notice')).toBeNull())
  })

  it('is paused, goes on, and is stopped', async () => {
    const user = await ask()
    expect(screen.queryByTestId('transfer-pause')).toBeNull()
    backend.past.to('pin1', 'downloading')
    await user.click(await screen.findByTestId('transfer-pause'))
    await waitFor(() => expect(phase()).toBe('paused'))
    await user.click(screen.getByTestId('transfer-take'))
    await waitFor(() => expect(phase()).toBe('downloading'))
    await user.click(screen.getByTestId('transfer-cancel'))
    await waitFor(() => expect(phase()).toBe('cancelled'))
    await user.click(screen.getByTestId('transfer-again'))
    await screen.findByTestId('history-dialog')
  })

  it('goes on after a failure, which is named', async () => {
    const user = await ask()
    backend.past.to('pin1', 'failed', { error: fail('archive_truncated', 'The server stopped midway.') })
    expect(await screen.findByTestId('problem')).toHaveTextContent('stopped midway')
    await user.click(screen.getByTestId('transfer-take'))
    await waitFor(() => expect(phase()).toBe('downloading'))
    expect(screen.queryByTestId('problem')).toBeNull()
  })

  it('learns that it was refused', async () => {
    await ask()
    backend.past.to('pin1', 'refused')
    await waitFor(() => expect(screen.getByTestId('transfer-phase')).toHaveTextContent('refused'))
    expect(screen.queryByTestId('transfer-cancel')).toBeNull()
  })

  it('fetches from a server it did not choose only if the person says so', async () => {
    const user = await ask()
    backend.past.to('pin1', 'ready', { foreign_server: true, server: 'other.example.net' })
    expect(await screen.findByTestId('foreign-server')).toHaveTextContent('other.example.net')
    expect(screen.getByTestId('transfer-take')).toBeDisabled()
    await user.click(screen.getByTestId('foreign-allow'))
    await user.click(screen.getByTestId('transfer-take'))
    await waitFor(() => expect(phase()).toBe('downloading'))
    expect(lastCall(backend, 'history_take')).toEqual({ pin: 'pin1', host_allowed: true })
  })

  it('lists what lies ready, and warns of what nobody asked for', async () => {
    const one = { installation_id: LAPTOP, device_name: 'Laptop', since_ns: null }
    backend.past.set({
      archives: [
        { ...one, pin: 'a', exported_at_ns: minutesAgo(9), asked_for: true },
        { ...one, pin: 'b', exported_at_ns: minutesAgo(99), asked_for: false },
      ],
    })
    const user = await openHistory()
    const dialog = within(screen.getByTestId('history-dialog'))
    expect(dialog.getAllByTestId('available-archive')).toHaveLength(2)
    const apart = dialog.getByTestId('archives-unasked')
    expect(apart).toHaveTextContent('without a request')
    expect(within(apart).getByTestId('available-archive')).toHaveAttribute('data-pin', 'b')
    const other = dialog.getAllByTestId('available-archive').find((one) => one.dataset.pin === 'a')
    await user.click(within(other as HTMLElement).getByTestId('archive-ignore'))
    await waitFor(() => expect(dialog.getAllByTestId('available-archive')).toHaveLength(1))
    expect(lastCall(backend, 'history_cancel')).toEqual({ pin: 'a' })
    await user.click(within(dialog.getByTestId('archives-unasked')).getByTestId('archive-take'))
    await waitFor(() => expect(phase()).toBe('downloading'))
    expect(lastCall(backend, 'history_take')).toEqual({ pin: 'b', host_allowed: false })
  })

  it('says when there is no other device', async () => {
    backend.own.others = []
    const user = open(backend)
    await user.click(await screen.findByTestId('settings'))
    await user.click(screen.getByTestId('settings-devices'))
    await user.click(await screen.findByTestId('history-open'))
    expect(await screen.findByText('This is your only device')).toBeVisible()
    expect(screen.queryByTestId('history-ask')).toBeNull()
    await user.click(screen.getByTestId('history-from-file'))
    await screen.findByTestId('import-dialog')
  })
})

describe('a device that is asked', () => {
  const YEAR = `${Date.now() - 365 * DAY_MS}000000`
  const held = (given: Parameters<typeof transfer>[0] | object = {}): void => {
    backend.past.put(
      transfer({
        ...{ pin: 'held', role: 'answering', phase: 'held', installation_id: LAPTOP, device_name: 'Laptop' },
        ...{ since_ns: YEAR, attachments: true, estimate_bytes: 48_200_000 },
        ...given,
      }),
    )
  }

  async function look(): Promise<UserEvent> {
    const user = open(backend)
    const notice = await screen.findByTestId('transfer-notice')
    expect(notice).toHaveTextContent(/Laptop.* asks for your history|device asks/)
    await user.click(within(notice).getByTestId('transfer-notice-show'))
    await screen.findByTestId('history-sheet')
    return user
  }

  it('sees who asks, for what, how large it is, by way of which server, and the code', async () => {
    held()
    const user = await look()
    expect(screen.getByTestId('request-device')).toHaveAttribute('data-value', LAPTOP)
    expect(screen.getByTestId('request-what')).toHaveTextContent(/since .*blocked, files and pictures/)
    expect(screen.getByTestId('request-size')).toHaveTextContent('48 MB')
    expect(screen.getByTestId('request-server')).toHaveTextContent('history.example.org')
    expect(screen.getByTestId('history-code')).toHaveAttribute('data-code', CODE.join(' '))
    await user.click(screen.getByTestId('request-allow'))
    await waitFor(() => expect(phase()).toBe('building'))
    expect(lastCall(backend, 'history_answer')).toEqual({
      ...{ pin: 'held', answer: 'allow', since_ns: YEAR, attachments: true },
      ...{ conversation_ids: null, host_allowed: false },
    })
  })

  it('refuses', async () => {
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-refuse'))
    await waitFor(() => expect(phase()).toBe('refused'))
    expect(screen.getByTestId('transfer-dialog')).toHaveTextContent('Nothing was sent')
    expect(screen.queryByTestId('transfer-notice')).toBeNull()
  })

  it('sends less, and never more than was asked', async () => {
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-less'))
    await user.click(screen.getByTestId('request-allow'))
    await waitFor(() => expect(phase()).toBe('building'))
    const less = lastCall(backend, 'history_answer') as { since_ns: string; attachments: boolean }
    expect(less.attachments).toBe(false)
    expect((Date.now() - Number(less.since_ns.slice(0, -6))) / DAY_MS).toBeCloseTo(30, 1)
  })

  it('sends some conversations, and not none', async () => {
    addCabin(backend)
    addCabin(backend, undefined, { id: 'choir', name: 'Choir' })
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-less'))
    const boxes = await screen.findAllByTestId('less-conversation')
    expect(boxes).toHaveLength(2)
    await user.click(screen.getByTestId('less-none'))
    expect(screen.getByTestId('less-count')).toHaveTextContent('0 of 2')
    expect(screen.getByTestId('request-allow')).toBeDisabled()
    await user.click(screen.getByLabelText('Choir'))
    await user.click(screen.getByTestId('request-allow'))
    await waitFor(() => expect(phase()).toBe('building'))
    expect(lastCall(backend, 'history_answer')).toMatchObject({ conversation_ids: ['choir'] })
  })

  it('offers only the conversations that were asked for', async () => {
    addCabin(backend)
    addCabin(backend, undefined, { id: 'choir', name: 'Choir' })
    held({ conversation_ids: ['cabin'] })
    const user = await look()
    expect(screen.getByTestId('request-what')).toHaveTextContent('of 1 conversation')
    await user.click(screen.getByTestId('request-less'))
    expect(await screen.findAllByTestId('less-conversation')).toHaveLength(1)
  })

  it('cannot be made to send more by choosing everything', async () => {
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-less'))
    await user.click(screen.getByTestId('range-all'))
    await user.click(screen.getByTestId('request-allow'))
    await waitFor(() => expect(phase()).toBe('building'))
    expect(lastCall(backend, 'history_answer')).toMatchObject({ since_ns: YEAR })
  })

  it('revokes the device that asks', async () => {
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-revoke'))
    expect(await screen.findByTestId('sign-dialog')).toHaveTextContent('Revoke')
    expect(lastCall(backend, 'inbox_change_preview')).toEqual({
      change: { kind: 'revoke_installations', installation_ids: [LAPTOP] },
    })
  })

  it('of an official app compares ids, for there is no code', async () => {
    held({ code: null, official_app: true })
    await look()
    expect(screen.getByTestId('request-no-code')).toHaveTextContent('shows no code')
    expect(screen.queryByTestId('history-code')).toBeNull()
    expect(screen.getByText(LAPTOP)).toBeVisible()
  })

  it('sends by way of a server it did not choose only if the person says so', async () => {
    held({ foreign_server: true, server: 'other.example.net' })
    const user = await look()
    expect(screen.getByTestId('request-allow')).toBeDisabled()
    expect(screen.getByTestId('request-refuse')).toBeEnabled()
    await user.click(screen.getByTestId('foreign-allow'))
    await user.click(screen.getByTestId('request-allow'))
    await waitFor(() => expect(phase()).toBe('building'))
    expect(lastCall(backend, 'history_answer')).toMatchObject({ host_allowed: true })
  })

  it('sees how far sending is, and how much it was', async () => {
    held()
    const user = await look()
    await user.click(screen.getByTestId('request-allow'))
    backend.past.to('held', 'uploading', { bytes_done: 1_000_000, bytes_total: 4_000_000 })
    expect(await screen.findByTestId('measure-bytes')).toHaveTextContent('1 MB of 4 MB')
    backend.past.to('held', 'sent', { conversations_done: 12, messages_done: 5_000 })
    expect(await screen.findByTestId('transfer-done')).toHaveTextContent('5,000 messages were sent')
    expect(screen.getByTestId('transfer-dialog')).toHaveTextContent('What was sent is deleted')
  })

  it('goes on with what was allowed', async () => {
    held({ phase: 'failed', error: fail('disk_full', 'The disk is full.') })
    const user = open(backend)
    await user.click(await screen.findByTestId('transfer-notice-show'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('disk is full')
    await user.click(screen.getByTestId('transfer-take'))
    await waitFor(() => expect(phase()).toBe('uploading'))
    expect(lastCall(backend, 'history_take')).toEqual({ pin: 'held', host_allowed: false })
    await user.click(screen.getByTestId('transfer-pause'))
    await waitFor(() => expect(phase()).toBe('paused'))
  })
})

describe('a conversation from the past', () => {
  it('is marked, and says why nothing can be written yet', async () => {
    addCabin(backend, undefined, { is_active: false, is_restored: true })
    await openConversation(backend)
    expect(screen.getByTestId('restored-badge')).toHaveAttribute(
      'title',
      expect.stringContaining('Read-only'),
    )
    expect(screen.getByTestId('open-restored')).toBeVisible()
    expect(screen.getByTestId('composer-closed')).toHaveTextContent('happens by itself')
    backend.put('cabin', { is_active: true, is_restored: false })
    await screen.findByTestId('composer')
    expect(screen.queryByTestId('restored-badge')).toBeNull()
  })
})
