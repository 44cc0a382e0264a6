import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Attachment, Content, Message } from '../../src/lib/backend/generated'
import { fail, MemoryBackend } from '../memory/backend'
import { PIXEL } from '../memory/content'
import { people, text, type PersonName } from '../memory/world'
import { addCabin, lastCall, openConversation } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
})

/** Puts a message at the end of the cabin. */
function put(from: PersonName, content: Content, given: Partial<Message> = {}): Message {
  const words = 'text' in content ? content.text : ''
  const one: Message = { ...text('cabin', from, words, backend.now()), content, ...given }
  backend.store(one)
  backend.read.set('cabin', backend.messages.get('cabin')?.length ?? 0)
  backend.project('cabin')
  return one
}

const says = (words: string): Content => ({ kind: 'text', text: words })
const bubble = async ({ id }: Message): Promise<HTMLElement> => {
  const all = await screen.findAllByTestId('message')
  const found = all.find(({ dataset }) => dataset.id === id)
  if (found === undefined) throw new Error(`the message ${id} is not shown`)
  return found
}
async function menu(user: UserEvent, one: Message): Promise<void> {
  await user.click(within(await bubble(one)).getByTestId('message-menu-open'))
}

describe('a reply', () => {
  it('shows what it answers and goes there', async () => {
    const [first] = backend.messages.get('cabin') ?? []
    if (first === undefined) throw new Error('nothing to answer')
    const { id: message_id, sender_inbox_id } = first
    const reply_to = { message_id, sender_inbox_id, text: first.text, state: 'known' as const }
    const answer = put('caro', says('Davon does.'), { reply_to })
    const user = await openConversation(backend)
    const quote = within(await bubble(answer)).getByTestId('message-quote')
    expect(quote).toHaveTextContent('Who has the key?')
    await user.click(quote)
    await waitFor(async () => expect(await bubble(first)).toHaveFocus())
  })

  it('to nothing, or to what was deleted, says so and leads nowhere', async () => {
    const missing = put('caro', says('Yes'), {
      reply_to: { message_id: 'e'.repeat(64), sender_inbox_id: null, text: '', state: 'missing' },
    })
    const deleted = put('caro', says('No'), {
      reply_to: {
        message_id: 'f'.repeat(64),
        sender_inbox_id: people.bo.inboxId,
        text: '',
        state: 'deleted',
      },
    })
    await openConversation(backend)
    const quote = within(await bubble(missing)).getByTestId('message-quote')
    expect(quote).toHaveTextContent('The message is not on this device')
    expect(quote).toBeDisabled()
    expect(within(await bubble(deleted)).getByTestId('message-quote')).toHaveTextContent('Deleted message')
  })

  it('begins from the menu, with the keyboard in the composer', async () => {
    const one = put('bo', says('Who drives?'))
    const user = await openConversation(backend)
    await menu(user, one)
    await user.click(screen.getByTestId('message-menu-reply'))
    expect(await screen.findByTestId('reply-banner')).toHaveTextContent('Who drives?')
    await waitFor(() => expect(screen.getByTestId('composer')).toHaveFocus())
    await user.keyboard('I do.{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({ text: 'I do.', reply_to: one.id })
    const quotes = await screen.findAllByTestId('message-quote')
    expect(quotes.at(-1)).toHaveTextContent('Who drives?')
  })
})

describe('reactions', () => {
  it('show what, how many, whether ours, and who', async () => {
    let one = put('bo', says('Snow!'))
    for (const name of ['bo', 'caro'] as const) one = backend.react(one, people[name].inboxId, '❄️', true)
    backend.update(backend.react(one, people.alix.inboxId, '👍', true))
    const user = await openConversation(backend)
    const [snow, thumb] = within(await bubble(one)).getAllByTestId('reaction')
    await waitFor(() => expect(snow).toHaveAccessibleName(/^❄️, 2 reactions: 0x.*, 0x/))
    expect(snow).toHaveAttribute('aria-pressed', 'false')
    expect(thumb).toHaveAccessibleName('👍, 1 reaction: You')
    await user.click(snow as HTMLElement)
    expect(lastCall(backend, 'message_react')).toEqual({ message_id: one.id, content: '❄️', is_added: true })
    await waitFor(() => expect(snow).toHaveAttribute('data-count', '3'))
    await user.click(snow as HTMLElement)
    expect(lastCall(backend, 'message_react')).toMatchObject({ is_added: false })
  })

  it('are given from the quick bar, or from all emoji', async () => {
    const one = put('bo', says('Snow!'))
    const user = await openConversation(backend)
    await user.click(within(await bubble(one)).getByTestId('message-react'))
    await user.click((await screen.findAllByTestId('reaction-quick'))[1] as HTMLElement)
    expect(lastCall(backend, 'message_react')).toMatchObject({ content: '❤️', is_added: true })
    await menu(user, one)
    await user.click(screen.getByTestId('message-menu-react'))
    await user.click(await screen.findByTestId('reaction-more'))
    await user.type(await screen.findByTestId('emoji-search'), 'snowflake')
    await waitFor(() => expect(screen.getAllByTestId('emoji')).toHaveLength(1))
    await user.keyboard('{Enter}')
    expect(lastCall(backend, 'message_react')).toMatchObject({ content: '❄️' })
    expect(screen.queryByTestId('reaction-bar')).toBeNull()
  })

  it('of ten thousand kinds stay few, and odd ones are text', async () => {
    const senders = [people.bo.inboxId]
    const one = put('bo', says('Snow!'), {
      reactions: [
        {
          content: `<b>x</b>\u202E${'long '.repeat(40)}`,
          schema: 'custom',
          count: 9_999,
          is_own: false,
          senders,
        },
        { content: 'thumbsup', schema: 'shortcode', count: 1, is_own: false, senders },
      ],
    })
    await openConversation(backend)
    const [odd, code] = within(await bubble(one)).getAllByTestId('reaction')
    expect(odd?.querySelector('b')).toBeNull()
    expect(odd?.textContent.length).toBeLessThan(40)
    expect(odd).toHaveAccessibleName(/9,999 reactions: 0x.* and 9,998 more$/)
    expect(code).toHaveTextContent(':thumbsup:')
  })
})

describe('many reactions', () => {
  it('show the first, and the rest on a press', async () => {
    const reactions = Array.from({ length: 50 }, (_, n) => ({
      ...{ content: `r${n}`, schema: 'custom' as const, count: 1, is_own: false },
      senders: [people.bo.inboxId],
    }))
    const one = put('bo', says('Snow!'), { reactions })
    const user = await openConversation(backend)
    expect(within(await bubble(one)).getAllByTestId('reaction')).toHaveLength(16)
    await user.click(within(await bubble(one)).getByTestId('reaction-rest'))
    expect(within(await bubble(one)).getAllByTestId('reaction')).toHaveLength(50)
    expect(lastCall(backend, 'message_react')).toBeUndefined()
  })
})

describe('deleting', () => {
  it('here asks and takes it away on this device', async () => {
    const one = put('bo', says('Wrong room'))
    const user = await openConversation(backend)
    await menu(user, one)
    await user.click(screen.getByTestId('message-menu-delete'))
    expect(lastCall(backend, 'message_delete')).toBeUndefined()
    await user.click(await screen.findByTestId('delete-message-dialog-confirm'))
    expect(lastCall(backend, 'message_delete')).toEqual({ message_id: one.id })
    await waitFor(() => expect(screen.queryByText('Wrong room')).toBeNull())
  })

  it('for everyone asks, and leaves a sign without reactions', async () => {
    const one = put('bo', says('A secret'))
    backend.update(backend.react(one, people.caro.inboxId, '👀', true))
    const user = await openConversation(backend)
    await menu(user, one)
    await user.click(screen.getByTestId('message-menu-delete-everyone'))
    await user.click(await screen.findByTestId('delete-message-dialog-confirm'))
    expect(lastCall(backend, 'message_delete_for_everyone')).toEqual({ message_id: one.id })
    await waitFor(async () => expect(await bubble(one)).toHaveTextContent('You deleted this message'))
    expect(within(await bubble(one)).queryByTestId('reaction')).toBeNull()
    expect(within(await bubble(one)).queryByTestId('message-reply')).toBeNull()
  })

  it('for everyone is for the author and super admins, and says what went wrong', async () => {
    backend = new MemoryBackend()
    addCabin(backend, undefined, {})
    const members = backend.members.get('cabin') ?? []
    backend.members.set(
      'cabin',
      members.map((one) => (one.is_self ? { ...one, role: 'member' as const } : one)),
    )
    const theirs = put('bo', says('Mine'))
    const ours = put('alix', says('Ours'))
    const user = await openConversation(backend)
    await menu(user, theirs)
    expect(screen.getByTestId('message-menu-delete-everyone')).toHaveAccessibleDescription(/super admins/)
    await user.keyboard('{Escape}')
    backend.refuse.set('message_delete_for_everyone', fail('not_deletable', 'It is too late for that.'))
    await menu(user, ours)
    await user.click(screen.getByTestId('message-menu-delete-everyone'))
    await user.click(await screen.findByTestId('delete-message-dialog-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('It is too late')
  })
})

describe('markdown', () => {
  it('is drawn from nodes: no HTML, no pictures from elsewhere, links with their real host', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    const one = put('bo', {
      kind: 'markdown',
      text: [
        '# Plan',
        '**Bold**, *soft* and ~~gone~~',
        '- [x] wood',
        '<script>alert(1)</script><img src="https://spy.example/x.png" onerror="alert(2)">',
        '![cabin](https://spy.example/cabin.png)',
        '[https://bank.example](https://evil.example/login) [run](javascript:alert(3))',
        '| a | b |\n|---|---|\n| 1 | 2 |',
      ].join('\n\n'),
    })
    const user = await openConversation(backend)
    const body = within(await bubble(one)).getByTestId('message-text')
    expect(within(body).getByText('Bold').tagName).toBe('STRONG')
    expect(body.querySelector('img, script, a, iframe')).toBeNull()
    expect(body).toHaveTextContent('<script>alert(1)</script>')
    expect(body).toHaveTextContent('[run](javascript:alert(3))')
    expect(within(body).getAllByRole('cell')).toHaveLength(2)
    const links = within(body).getAllByTestId('message-link')
    expect(links.map(({ dataset }) => dataset.host)).toEqual(['spy.example', 'evil.example'])
    expect(body).toHaveTextContent('https://bank.example (evil.example)')
    await user.click(links[1] as HTMLElement)
    expect(await screen.findByTestId('link-host')).toHaveTextContent('evil.example')
    expect(fetched).not.toHaveBeenCalled()
  })

  it('names the host of a link whose words only hold it somewhere', async () => {
    const one = put('bo', {
      kind: 'markdown',
      text: '[https://bank.example/evil.test](https://evil.test) [b](https://b.test) [b.test](https://b.test/x)',
    })
    await openConversation(backend)
    const body = within(await bubble(one)).getByTestId('message-text')
    expect(body).toHaveTextContent(/evil\.test \(evil\.test\) b \(b\.test\) b\.test$/)
  })

  it('that is long is drawn from the first piece on', async () => {
    const one = put('bo', { kind: 'markdown', text: `**Bold**\n\n${'a line of words\n\n'.repeat(500)}` })
    await openConversation(backend)
    const body = within(await bubble(one)).getByTestId('message-text')
    expect(within(body).getByText('Bold').tagName).toBe('STRONG')
    expect(body.textContent.length).toBeLessThan(5_000)
    expect(within(await bubble(one)).getByTestId('message-more')).toBeVisible()
  })

  it('in plain text only links and mentions count, and a link opens outside after a question', async () => {
    const opened: string[] = []
    backend.shell = {
      chooseFiles: () => Promise.resolve([]),
      saveAttachment: () => Promise.resolve(null),
      choosePath: () => Promise.resolve(null),
      openLink: (url) => {
        opened.push(url)
        return Promise.resolve()
      },
    }
    const one = put(
      'bo',
      says(`**Not bold** @${people.alix.address} see https://cabin.example/map?x=1, please.`),
    )
    const user = await openConversation(backend)
    const body = within(await bubble(one)).getByTestId('message-text')
    expect(body).toHaveTextContent('**Not bold**')
    expect(within(body).getByTestId('mention')).toHaveAttribute('data-self', 'true')
    expect(await bubble(one)).toHaveAttribute('data-mentioned', 'true')
    await user.click(within(body).getByTestId('message-link'))
    expect(opened).toEqual([])
    await user.click(await screen.findByTestId('link-dialog-confirm'))
    expect(opened).toEqual(['https://cabin.example/map?x=1'])
  })
})

describe('long and odd texts', () => {
  it('of a megabyte are shown piece by piece', async () => {
    const one = put('bo', says('words and '.repeat(100_000)))
    const user = await openConversation(backend)
    const body = within(await bubble(one)).getByTestId('message-text')
    expect(body.textContent.length).toBeLessThan(5_000)
    await user.click(within(await bubble(one)).getByTestId('message-more'))
    expect(body.textContent.length).toBeGreaterThan(15_000)
  })

  it('of unknown kinds are shown by what stands in for them', async () => {
    const one = put('bo', { kind: 'other', fallback: 'Bo moved a knight' }, { text: '' })
    const bare = put('bo', { kind: 'other', fallback: null }, { text: '' })
    await openConversation(backend)
    expect(await bubble(one)).toHaveTextContent('Bo moved a knight')
    expect(await bubble(bare)).toHaveTextContent('This kind of message cannot be shown yet')
  })

  it('that disappear say when', async () => {
    const one = put('bo', says('Soon gone'), { expires_at_ns: `${Date.now() + 3_600_000 * 3}000000` })
    await openConversation(backend)
    expect(within(await bubble(one)).getByTestId('message-expiry')).toHaveTextContent(
      /3 h.*Disappears in (3 hours|2 hours, 59 minutes)/,
    )
  })
})

describe('cards', () => {
  it('show a transaction as something that was said, not as something checked', async () => {
    const one = put('bo', {
      ...{ kind: 'transaction_reference', namespace: 'eip155', network_id: '8453', reference: '0xabc' },
      ...{
        transaction_type: 'transfer',
        currency: 'USDC',
        amount: '12.50',
        from_address: null,
        to_address: '0xdef',
      },
    } as Content)
    await openConversation(backend)
    expect(within(await bubble(one)).getByTestId('transaction-card')).toHaveTextContent(
      /Transaction.*12\.50 USDC.*eip155:8453.*0xabc.*not checked/,
    )
  })

  it('show wallet calls and carry out nothing', async () => {
    const one = put('bo', {
      kind: 'wallet_send_calls',
      chain_id: '0x2105',
      from: people.alix.address,
      calls: Array.from({ length: 8 }, (_, n) => ({
        to: people.bo.address,
        value: `0x${n}`,
        data: '0x00',
        description: `Call ${n}`,
      })),
    })
    await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('wallet-card')
    expect(card).toHaveTextContent(/8 calls.*Call 0.*and 3 more.*Nothing of this is carried out/)
    for (const one of within(card).getAllByRole('button')) expect(one).toHaveAccessibleName(/^Copy /)
  })

  it('shorten addresses, and copy them whole', async () => {
    const one = put('bo', {
      kind: 'wallet_send_calls',
      chain_id: '0x2105',
      from: people.alix.address,
      calls: [],
    })
    await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('wallet-card')
    expect(card).not.toHaveTextContent(people.alix.address)
    expect(within(card).getByTitle(people.alix.address)).toHaveAttribute('data-value', people.alix.address)
  })

  /** As senders write times. */
  const written = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString()

  const question = (expires_at: string | null): Content => ({
    kind: 'actions',
    id: 'q1',
    description: 'Shall we go?',
    expires_at,
    actions: [
      { id: 'yes', label: 'Yes', image_url: 'https://spy.example/a.png', style: 'primary', expires_at: null },
      { id: 'no', label: 'No', image_url: null, style: 'danger', expires_at: written(-1) },
    ],
  })

  it('let a question be answered with a button, which becomes a line', async () => {
    const one = put('bo', question(null))
    const user = await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('actions-card')
    expect(card.querySelector('img')).toBeNull()
    const [yes, no] = within(card).getAllByTestId('action')
    expect(no).toBeDisabled()
    await user.click(yes as HTMLElement)
    expect(lastCall(backend, 'actions_answer')).toEqual({ message_id: one.id, action_id: 'yes' })
    await waitFor(() =>
      expect(
        screen
          .getAllByTestId('system-line')
          .at(-1)
          ?.textContent.replace(/[\u2068\u2069]/g, ''),
      ).toMatch(/^\s*You chose “Yes”/),
    )
    await waitFor(() => expect(yes).toHaveAttribute('aria-pressed', 'true'))
  })

  it('take no answer once they have expired', async () => {
    const one = put('bo', question(written(-5)))
    await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('actions-card')
    expect(card).toHaveTextContent('This has expired')
    for (const button of within(card).getAllByTestId('action')) expect(button).toBeDisabled()
  })

  it('take an answer while their time is not over, or cannot be read', async () => {
    const open = put('bo', question(written(60)))
    const odd = put('bo', question('next week'))
    await openConversation(backend)
    expect(within(await bubble(open)).getByTestId('actions-expiry')).toHaveTextContent(/^Until /)
    expect(within(await bubble(odd)).queryByTestId('actions-expiry')).toBeNull()
    for (const one of [open, odd]) expect(within(await bubble(one)).getAllByTestId('action')[0]).toBeEnabled()
  })

  it('are all shown, also where ids are the same', async () => {
    const actions = Array.from({ length: 30 }, (_, n) => ({
      ...{ id: 'same', label: `Choice ${n}`, image_url: null, style: null, expires_at: null },
    }))
    const one = put('bo', { kind: 'actions', id: 'q2', description: 'Which?', expires_at: null, actions })
    await openConversation(backend)
    expect(within(await bubble(one)).getAllByTestId('action')).toHaveLength(30)
  })

  it('say why an answer could not be sent again', async () => {
    put('bo', question(null))
    put(
      'alix',
      { kind: 'intent', id: 'q1', action_id: 'yes' },
      { delivery: 'failed', failure: 'send_failed' },
    )
    backend.refuse.set('message_retry', fail('storage', 'The database cannot be written.'))
    const user = await openConversation(backend)
    const lines = await screen.findAllByTestId('system-line')
    const line = lines.at(-1) as HTMLElement
    await user.click(within(line).getByTestId('message-retry'))
    expect(await within(line).findByTestId('problem')).toHaveTextContent('cannot be written')
  })
})

describe('attachments', () => {
  const item = (given: Partial<Attachment>): Attachment => ({
    ...{ index: 0, name: 'trail map.pdf', media_type: 'application/pdf', size: 2_400_000, source: 'remote' },
    ...{ host: 'files.example', state: 'offered', done_bytes: 0, total_bytes: null, failure: null },
    thumbnail: null,
    ...given,
  })
  const put1 = (given: Partial<Attachment>): Message =>
    put('bo', { kind: 'attachments', items: [item(given)] }, { text: 'trail map.pdf' })

  it('wait for a click, show how far they are, pause, go on, and can be saved', async () => {
    let open: (value: unknown) => void = () => undefined
    backend.enclosed.gate = new Promise((done) => (open = done))
    const saved: unknown[] = []
    backend.shell = {
      chooseFiles: () => Promise.resolve([]),
      saveAttachment: (...all) => {
        saved.push(all)
        return Promise.resolve('/home/alix/trail map.pdf')
      },
      choosePath: () => Promise.resolve(null),
      openLink: () => Promise.resolve(),
    }
    const one = put1({})
    const user = await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('attachment')
    expect(card).toHaveTextContent(/trail map\.pdf.*2\.4 MB · from files\.example/)
    expect(lastCall(backend, 'attachment_read')).toBeUndefined()
    await user.click(within(card).getByTestId('attachment-download'))
    await waitFor(() => expect(card).toHaveAttribute('data-state', 'transferring'))
    expect(within(card).getByTestId('attachment-cancel')).toBeEnabled()
    expect(card).toHaveTextContent('1.2 MB of 2.4 MB')
    expect(within(card).getByTestId('attachment-progress')).toHaveValue(1_200_000)
    await user.click(within(card).getByTestId('attachment-pause'))
    await waitFor(() => expect(card).toHaveAttribute('data-state', 'paused'))
    await user.click(within(card).getByTestId('attachment-resume'))
    open(null)
    await waitFor(() => expect(card).toHaveAttribute('data-state', 'stored'))
    await user.click(within(card).getByTestId('attachment-save'))
    expect(saved).toEqual([[one.id, 0, 'trail map.pdf']])
    expect(await within(card).findByTestId('attachment-saved')).toHaveTextContent('Saved as /home/alix/')
  })

  it.each([
    ['attachment_gone', 'failed', 'no longer on the server'],
    ['attachment_refused', 'refused', 'is not what was sent'],
    ['attachment_too_large', 'refused', 'larger than this app takes'],
    ['anything_else', 'failed', 'could not be downloaded'],
  ] as const)('say why they did not come: %s', async (failure, state, words) => {
    backend.enclosed.refusal = { state, failure }
    const one = put1({})
    const user = await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('attachment')
    await user.click(within(card).getByTestId('attachment-download'))
    await waitFor(() => expect(card).toHaveTextContent(words))
    expect(within(card).queryByTestId('attachment-retry') !== null).toBe(state === 'failed')
  })

  it('from a private network come only after that host is allowed', async () => {
    const one = put1({ host: '192.168.1.7' })
    const user = await openConversation(backend)
    const card = within(await bubble(one)).getByTestId('attachment')
    await user.click(within(card).getByTestId('attachment-download'))
    await waitFor(() => expect(card).toHaveTextContent('your own network'))
    await user.click(within(card).getByTestId('attachment-allow'))
    expect(lastCall(backend, 'attachment_allow_host')).toEqual({ host: '192.168.1.7', is_allowed: true })
    await waitFor(() => expect(card).toHaveAttribute('data-state', 'stored'))
  })

  it('that are pictures are shown from the local store, small first and whole on a click', async () => {
    const one = put1({
      name: 'cabin.png',
      media_type: 'image/png',
      state: 'stored',
      thumbnail: { width: 800, height: 400 },
    })
    backend.enclosed.blobs.set(`${one.id}/0`, { media_type: 'image/png', base64: PIXEL })
    const user = await openConversation(backend)
    const picture = await within(await bubble(one)).findByTestId('attachment-picture')
    expect(lastCall(backend, 'attachment_read')).toMatchObject({ thumbnail: true })
    await user.click(picture)
    expect(await screen.findByTestId('picture-full')).toHaveAttribute('src', `data:image/png;base64,${PIXEL}`)
    expect(lastCall(backend, 'attachment_read')).toMatchObject({ thumbnail: false })
  })

  it('that are pictures are seen while they are sent, and can be stopped', async () => {
    const items = [
      item({
        ...{ name: 'cabin.png', media_type: 'image/png', state: 'transferring', host: null },
        ...{ done_bytes: 20, total_bytes: 80, thumbnail: { width: 800, height: 400 } },
      }),
    ]
    const one = put(
      'alix',
      { kind: 'attachments', items },
      { text: 'cabin.png', delivery: 'unpublished', content_type: 'xmtp.org/remoteStaticAttachment:1.0' },
    )
    backend.enclosed.thumbnails.add(`${one.id}/0`)
    const user = await openConversation(backend)
    expect(await within(await bubble(one)).findByTestId('attachment-picture')).toBeVisible()
    expect(within(await bubble(one)).getByTestId('attachment-progress')).toHaveValue(20)
    await user.click(within(await bubble(one)).getByTestId('attachment-cancel'))
    expect(lastCall(backend, 'attachment_transfer')).toEqual({
      ...{ message_id: one.id, index: 0, action: 'cancel' },
    })
  })

  it('that only say they are pictures stay files', async () => {
    const one = put1({
      name: 'page.png\u202Elmth',
      media_type: 'image/png',
      state: 'stored',
      thumbnail: { width: 8, height: 4 },
    })
    backend.enclosed.blobs.set(`${one.id}/0`, { media_type: 'image/svg+xml', base64: PIXEL })
    await openConversation(backend)
    const card = await within(await bubble(one)).findByTestId('attachment-name')
    expect(card).toHaveTextContent('page.pnglmth')
    expect(within(await bubble(one)).queryByTestId('attachment-picture')).toBeNull()
  })
})

describe('read receipts', () => {
  it('show who has read what we wrote, as they come', async () => {
    const first = put('alix', says('First'), { delivery: 'published' })
    const second = put('alix', says('Second'), { delivery: 'published' })
    const reads = (ns: string): void => {
      backend.enclosed.reads.set('cabin', [
        { inbox_id: people.alix.inboxId, read_up_to_ns: second.sent_at_ns },
        { inbox_id: people.bo.inboxId, read_up_to_ns: ns },
      ])
      backend.put('cabin', {})
    }
    await openConversation(backend)
    const state = async (one: Message): Promise<HTMLElement> =>
      within(await bubble(one)).getByTestId('message-state')
    expect(await state(first)).toHaveTextContent('Sent')
    reads(first.sent_at_ns)
    await waitFor(async () => expect(await state(first)).toHaveTextContent(/^Read by 0x/))
    expect(await state(second)).toHaveTextContent('Sent')
    reads(second.sent_at_ns)
    await waitFor(async () => expect(await state(second)).toHaveAttribute('data-read', '1'))
  })
})

describe('marking unread', () => {
  it('from a message on keeps it unread while the conversation is looked at', async () => {
    const one = put('bo', says('Read me later'))
    put('bo', says('And me'))
    const user = await openConversation(backend)
    await menu(user, one)
    await user.click(screen.getByTestId('message-menu-unread'))
    expect(lastCall(backend, 'conversation_mark_unread')).toEqual({
      conversation_id: 'cabin',
      message_id: one.id,
    })
    expect(await screen.findByTestId('unread-divider')).toBeVisible()
    await waitFor(() => expect(screen.getByTestId('conversation-row')).toHaveAttribute('data-unread', '2'))
  })
})
