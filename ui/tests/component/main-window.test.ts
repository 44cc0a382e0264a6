import { screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, message, people, text } from '../memory/world'
import { open } from './open'

let backend: MemoryBackend
const { bo, caro, davon } = people
const minutesAgo = (n: number): string => `${Date.now() - n * 60_000}000000`

beforeEach(() => {
  backend = new MemoryBackend()
  backend.add(
    conversation({ id: 'trip', name: 'Winter cabin', created_at_ns: minutesAgo(90) }),
    [
      message.change('trip', people.alix.inboxId, { added: [bo.inboxId, caro.inboxId] }, minutesAgo(60)),
      text('trip', 'bo', 'Who has the key?', minutesAgo(50)),
      text('trip', 'alix', 'I do.', minutesAgo(40)),
      message.gap('trip', 'A message could not be read. Ask Bo to send it again.', minutesAgo(30)),
      text('trip', 'caro', '<b>Bold</b> & שלום', minutesAgo(20)),
    ],
    [member('alix', 'super_admin'), member('bo', 'admin'), member('caro')],
    1,
  )
  backend.add(
    conversation({ id: 'choir', name: 'Choir' }),
    [text('choir', 'caro', 'Small hall today', minutesAgo(500))],
    [member('alix'), member('caro', 'super_admin')],
  )
})

const last = (command: string): unknown => backend.calls.findLast((call) => call.command === command)?.args
const row = (title: string): Promise<HTMLElement> => screen.findByRole('button', { name: new RegExp(title) })

async function openTrip() {
  const user = open(backend)
  await user.click(await row('Winter cabin'))
  await screen.findAllByTestId('message')
  return user
}

describe('the details', () => {
  const before = window.innerWidth
  afterEach(() => (window.innerWidth = before))

  it.each([
    [1_400, 'beside a conversation stay open for the next one', true],
    [1_000, 'that cover a conversation close for the next one', false],
  ])('%i px: %s', async (width, _, stay) => {
    window.innerWidth = width
    const user = await openTrip()
    await user.click(screen.getByTestId('details'))
    await screen.findByTestId('info-pane')
    await user.keyboard('{Alt>}{ArrowDown}{/Alt}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Choir'))
    await waitFor(() => expect(screen.queryAllByTestId('info-pane')).toHaveLength(stay ? 1 : 0))
  })
})

describe('the list', () => {
  it('shows names, previews with their sender, and what is unread', async () => {
    open(backend)
    const trip = await row('Winter cabin')
    await waitFor(() => expect(trip).toHaveTextContent(/0x.{4}….{4}: ?<b>Bold<\/b>/))
    expect(within(trip).getByTestId('unread-badge')).toHaveTextContent('1 unread')
    expect(document.title).toBe('(1) Conclave')
  })

  it('filters, and keeps what is open', async () => {
    const user = open(backend)
    await row('Winter cabin')
    await user.click(screen.getByTestId('filter-unread'))
    expect(screen.getAllByTestId('conversation-row')).toHaveLength(1)
    await user.click(screen.getByTestId('conversation-row'))
    await waitFor(() => expect(last('conversation_mark_read')).toEqual({ conversation_id: 'trip' }))
    await waitFor(() => expect(screen.queryByTestId('unread-badge')).toBeNull())
    expect(screen.getAllByTestId('conversation-row')).toHaveLength(1)
  })

  it('says what to do when there is nothing', async () => {
    backend = new MemoryBackend()
    const user = open(backend)
    await user.click(await screen.findByTestId('empty-new-group'))
    expect(screen.getByTestId('new-group-dialog')).toBeVisible()
  })

  it('says when the connection is lost', async () => {
    open(backend)
    await row('Choir')
    backend.emit({ event: 'connection', connection: 'offline', message: 'The node does not answer.' })
    expect(await screen.findByTestId('offline-note')).toHaveTextContent('The node does not answer.')
    expect(screen.getByTestId('connection')).toHaveAttribute('data-state', 'offline')
  })

  it('has one row for the Tab key, and arrow keys for the others', async () => {
    const user = open(backend)
    const [first, second] = [await row('Winter cabin'), await row('Choir')]
    expect(first).toHaveAttribute('tabindex', '0')
    expect(second).toHaveAttribute('tabindex', '-1')
    first.focus()
    await user.keyboard('{ArrowDown}')
    await waitFor(() => expect(second).toHaveFocus())
    expect(second).toHaveAttribute('tabindex', '0')
  })
})

describe('a conversation', () => {
  it('shows messages, lines and gaps, and all text as text', async () => {
    await openTrip()
    expect(screen.getByText('<b>Bold</b> & שלום', { selector: '[data-testid=message-text]' })).toBeVisible()
    expect(screen.getByTestId('gap-line')).toHaveTextContent('Ask Bo to send it again')
    await waitFor(() => expect(screen.getByTestId('system-line')).toHaveTextContent(/^You added 0x.*and 0x/))
    expect(screen.getByTestId('unread-divider')).toBeVisible()
    expect(screen.getByTestId('member-count')).toHaveTextContent('3 members')
  })

  it('sends with Enter, breaks lines with Shift and Enter, and shows the state', async () => {
    const user = await openTrip()
    await user.type(screen.getByTestId('composer'), 'one{Shift>}{Enter}{/Shift}two{Enter}')
    expect(last('message_send')).toMatchObject({ conversation_id: 'trip', text: 'one\ntwo' })
    expect(screen.getByTestId('composer')).toHaveValue('')
    const sent = await screen.findByText(/one\s+two/, { selector: '[data-testid=message-text]' })
    const bubble = sent.closest<HTMLElement>('[data-testid=message]')
    await waitFor(() => expect(bubble).toHaveAttribute('data-delivery', 'published'))
  })

  it('keeps the text when it could not be stored', async () => {
    backend.refuse.set('message_send', fail('storage_full', 'The disk is full. Your text is kept here.'))
    const user = await openTrip()
    await user.type(screen.getByTestId('composer'), 'precious{Enter}')
    expect(await screen.findByTestId('problem')).toHaveTextContent('The disk is full')
    expect(screen.getByTestId('composer')).toHaveValue('precious')
  })

  it('does not send nothing, and says when there is too much', async () => {
    const user = await openTrip()
    await user.type(screen.getByTestId('composer'), '  {Enter}')
    expect(last('message_send')).toBeUndefined()
    await user.clear(screen.getByTestId('composer'))
    await user.click(screen.getByTestId('composer'))
    await user.paste('é'.repeat(32_769))
    expect(screen.getByTestId('composer-limit')).toHaveTextContent('2 bytes too long')
    expect(screen.getByTestId('send')).toBeDisabled()
  })

  it('keeps a draft for each conversation', async () => {
    const user = await openTrip()
    await user.type(screen.getByTestId('composer'), 'half a thought')
    await user.click(await row('Choir'))
    await waitFor(() => expect(screen.getByTestId('composer')).toHaveValue(''))
    expect(await row('Winter cabin')).toHaveTextContent('Draft: half a thought')
    await user.click(await row('Winter cabin'))
    await waitFor(() => expect(screen.getByTestId('composer')).toHaveValue('half a thought'))
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain('half a thought')
  })

  it('offers Retry, Copy and Delete for what failed', async () => {
    const user = await openTrip()
    backend.online = false
    await user.type(screen.getByTestId('composer'), 'lost{Enter}')
    const stored = backend.messages.get('trip')?.at(-1)
    if (stored !== undefined) backend.deliver(stored, 'failed', 'not_published')
    await screen.findByTestId('message-failed')
    await user.click(screen.getByTestId('message-retry'))
    await waitFor(() => expect(screen.queryByTestId('message-failed')).toBeNull())
    if (stored !== undefined) backend.deliver(stored, 'failed', 'not_published')
    await user.click(await screen.findByTestId('message-delete'))
    await waitFor(() =>
      expect(screen.queryByText('lost', { selector: '[data-testid=message-text]' })).toBeNull(),
    )
  })

  it('takes in what others write, and announces it', async () => {
    await openTrip()
    backend.arrive('trip', 'bo', 'On my way')
    await screen.findByText('On my way', { selector: '[data-testid=message-text]' })
    expect(screen.getByTestId('announcer')).toHaveTextContent(/0x.*: On my way/)
    await waitFor(() => expect(last('conversation_mark_read')).toEqual({ conversation_id: 'trip' }))
  })

  it('explains why nothing can be written', async () => {
    await openTrip()
    const trip = backend.conversations.get('trip')
    if (trip === undefined) return
    backend.emit({ event: 'conversation', conversation: { ...trip, is_active: false } })
    expect(await screen.findByTestId('composer-closed')).toHaveTextContent('no longer in this group')
    backend.emit({ event: 'conversation', conversation: { ...trip, paused_for_version: '2.0.0' } })
    await waitFor(() => expect(screen.getByTestId('composer-closed')).toHaveTextContent('version 2.0.0'))
  })
})

describe('a request', () => {
  it('can be accepted', async () => {
    backend.add(
      conversation({
        id: 'tickets',
        name: 'Tickets',
        consent: 'unknown',
        creator_inbox_id: davon.inboxId,
        added_by_inbox_id: davon.inboxId,
      }),
      [text('tickets', 'davon', 'Hello', minutesAgo(1))],
      [member('davon', 'super_admin'), member('alix')],
    )
    const user = open(backend)
    await row('Choir')
    expect(screen.queryByRole('button', { name: /Tickets/ })).toBeNull()
    await user.click(screen.getByTestId('filter-requests'))
    await user.click(await row('Tickets'))
    expect(screen.queryByTestId('composer')).toBeNull()
    await user.click(await screen.findByTestId('request-accept'))
    expect(last('consent_set')).toEqual({ conversation_id: 'tickets', state: 'allowed' })
    await screen.findByTestId('composer')
    expect(screen.getByTestId('filter-all')).toHaveAttribute('aria-selected', 'true')
  })
})

describe('people', () => {
  it('are checked as they are typed, and a group is made of those who can be added', async () => {
    const user = open(backend)
    await row('Choir')
    await user.click(screen.getByTestId('new-group'))
    await user.click(screen.getByTestId('who-input'))
    await user.paste(`${bo.address}, ${caro.inboxId}\n0x12 ${bo.inboxId} 0x${'1'.repeat(40)} `)
    await waitFor(() =>
      expect(screen.getAllByTestId('who-chip').map(({ dataset }) => dataset.standing)).toEqual([
        'reachable',
        'reachable',
        'malformed',
        'duplicate',
        'not_registered',
      ]),
    )
    expect(screen.getByTestId('who-summary')).toHaveTextContent('2 people can be added · 3 left out')
    await user.type(screen.getByTestId('group-name'), ' New year ')
    await user.click(screen.getByTestId('preset-admins'))
    await user.click(screen.getByTestId('create'))
    expect(last('group_create')).toMatchObject({
      who: [bo.address, caro.inboxId],
      name: 'New year',
      preset: 'admins',
    })
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('New year'))
  })

  it('who could not be added are named', async () => {
    const user = open(backend)
    await row('Choir')
    const created = {
      conversation: conversation({ id: 'new' }),
      failed: [
        { who: caro.address, code: 'key_package_expired', message: 'Their device was not seen for long.' },
      ],
    }
    const original = backend.call.bind(backend)
    backend.call = (command, args) =>
      command === 'group_create' ? Promise.resolve(created as never) : original(command, args)
    await user.click(screen.getByTestId('new-group'))
    await user.click(screen.getByTestId('create'))
    expect(await screen.findByTestId('failure')).toHaveTextContent('not seen for long')
    await user.click(screen.getByTestId('open-group'))
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Unnamed group'))
  })

  it('are written to directly', async () => {
    const user = open(backend)
    await row('Choir')
    await user.click(screen.getByTestId('new-direct'))
    await user.type(screen.getByTestId('direct-who'), people.alix.address)
    await waitFor(() =>
      expect(screen.getByTestId('direct-standing')).toHaveAttribute('data-standing', 'is_self'),
    )
    await user.clear(screen.getByTestId('direct-who'))
    await user.type(screen.getByTestId('direct-who'), davon.address)
    await waitFor(() => expect(screen.getByTestId('direct-start')).toBeEnabled())
    await user.keyboard('{Enter}')
    await waitFor(() => expect(screen.getByTestId('member-count')).toHaveTextContent('Direct message'))
  })

  it('are added to a group, and removed after a question', async () => {
    const user = await openTrip()
    await user.click(screen.getByTestId('details'))
    expect(await screen.findAllByTestId('member')).toHaveLength(3)
    await user.click(screen.getByTestId('add-people'))
    await user.click(screen.getByTestId('who-input'))
    await user.paste(`${bo.address} ${davon.address} `)
    await waitFor(() =>
      expect(screen.getAllByTestId('who-chip').map(({ dataset }) => dataset.standing)).toEqual([
        'member',
        'reachable',
      ]),
    )
    await user.click(screen.getByTestId('add-submit'))
    expect(last('member_add')).toMatchObject({ conversation_id: 'trip', who: [davon.address] })
    await waitFor(() => expect(screen.getAllByTestId('member')).toHaveLength(4))

    const added = screen.getAllByTestId('member').find(({ dataset }) => dataset.inboxId === davon.inboxId)
    if (added === undefined) throw new Error('Davon is not shown')
    await user.click(within(added).getByTestId('member-menu-open'))
    await user.click(screen.getByTestId('member-menu-remove'))
    expect(last('member_remove')).toBeUndefined()
    await user.click(screen.getByTestId('remove-confirm'))
    expect(last('member_remove')).toMatchObject({ conversation_id: 'trip', who: [davon.inboxId] })
    await waitFor(() => expect(screen.getAllByTestId('member')).toHaveLength(3))
  })

  it('see the name that was given to a group', async () => {
    const user = await openTrip()
    await user.click(screen.getByTestId('details'))
    await user.click(await screen.findByTestId('edit-group'))
    await user.clear(screen.getByTestId('edit-name'))
    await user.type(screen.getByTestId('edit-name'), 'Summer cabin')
    await user.click(screen.getByTestId('edit-save'))
    expect(last('group_update')).toMatchObject({ name: 'Summer cabin', description: null })
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Summer cabin'))
  })
})

describe('the keyboard', () => {
  it('jumps to a conversation', async () => {
    const user = open(backend)
    await row('Choir')
    await user.keyboard('{Control>}k{/Control}')
    await user.type(screen.getByTestId('palette-input'), 'cho{Enter}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Choir'))
    expect(screen.queryByTestId('palette')).toBeNull()
  })

  it('steps through conversations and the unread ones', async () => {
    const user = open(backend)
    await row('Choir')
    await user.keyboard('{Control>}[Digit2]{/Control}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Choir'))
    await user.keyboard('{Alt>}{Shift>}{ArrowUp}{/Shift}{/Alt}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Winter cabin'))
    await user.keyboard('{Alt>}{ArrowDown}{/Alt}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Choir'))
  })

  it('opens the sheet of shortcuts and the settings', async () => {
    const user = open(backend)
    await row('Choir')
    await user.keyboard('{Control>}/{/Control}')
    expect(screen.getByTestId('shortcut-sheet')).toBeVisible()
    await user.click(within(screen.getByTestId('shortcut-sheet')).getByRole('button'))
    await user.keyboard('{Control>},{/Control}')
    await user.click(screen.getByTestId('theme-dark'))
    expect(document.documentElement.dataset.theme).toBe('dark')
    await user.click(screen.getByTestId('theme-system'))
    expect(document.documentElement.dataset.theme).toBeUndefined()
  })
})

it('reads everything again after a gap in the events', async () => {
  await openTrip()
  const before = backend.calls.filter(({ command }) => command === 'conversation_list').length
  backend.emit({ event: 'resync' })
  await waitFor(() =>
    expect(backend.calls.filter(({ command }) => command === 'conversation_list').length).toBe(before + 1),
  )
})
