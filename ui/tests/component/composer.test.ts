import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, people, text } from '../memory/world'
import { addCabin, lastCall, minutesAgo, open, openConversation } from './open'

let backend: MemoryBackend
const composer = (): HTMLTextAreaElement => screen.getByTestId('composer')
const shown = (words: string): Promise<HTMLElement> =>
  screen.findByText(words, { selector: '[data-testid=message-text] *, [data-testid=message-text]' })

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
  backend.add(
    conversation({ id: 'choir', name: 'Choir' }),
    [text('choir', 'caro', 'Small hall today', minutesAgo(500))],
    [member('alix'), member('caro')],
  )
})

describe('drafts', () => {
  it('are stored after a pause, and at once when another conversation is opened', async () => {
    const user = await openConversation(backend)
    await user.type(composer(), 'half a')
    expect(lastCall(backend, 'draft_set')).toBeUndefined()
    await waitFor(() =>
      expect(lastCall(backend, 'draft_set')).toEqual({
        conversation_id: 'cabin',
        text: 'half a',
        reply_to: null,
      }),
    )
    await user.type(composer(), ' thought')
    await user.click(screen.getByRole('button', { name: /Choir/ }))
    await waitFor(() => expect(lastCall(backend, 'draft_set')).toMatchObject({ text: 'half a thought' }))
    expect(screen.getByRole('button', { name: /Cabin/ })).toHaveTextContent('Draft: half a thought')
  })

  it('are there again after a restart, with what they answer', async () => {
    const [first] = backend.messages.get('cabin') ?? []
    backend.put('cabin', { draft: { text: 'As I was saying', reply_to: first?.id ?? '' } })
    await openConversation(backend)
    expect(composer()).toHaveValue('As I was saying')
    expect(await screen.findByTestId('reply-banner')).toHaveTextContent('Who has the key?')
  })

  it('are gone once they are sent', async () => {
    const user = await openConversation(backend)
    await user.type(composer(), 'done{Enter}')
    await waitFor(() => expect(lastCall(backend, 'draft_set')).toMatchObject({ text: '' }))
    expect(backend.get('cabin').draft).toBeNull()
  })
})

describe('answering', () => {
  it('quotes the last message with Up in an empty composer, and Escape gives it up', async () => {
    const user = await openConversation(backend)
    await user.click(composer())
    await user.keyboard('{ArrowUp}')
    const banner = await screen.findByTestId('reply-banner')
    expect(banner).toHaveTextContent(/Reply to 0x.*Who has the key\?/)
    await user.keyboard('{Escape}')
    expect(screen.queryByTestId('reply-banner')).toBeNull()
    expect(screen.getByTestId('conversation-header')).toBeVisible()
    await user.type(composer(), 'text{ArrowUp}')
    expect(screen.queryByTestId('reply-banner')).toBeNull()
  })

  it('names the message that is answered when it is sent, and forgets it then', async () => {
    const user = await openConversation(backend)
    const [first] = backend.messages.get('cabin') ?? []
    await user.click(composer())
    await user.keyboard('{ArrowUp}I do.{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({
      conversation_id: 'cabin',
      text: 'I do.',
      reply_to: first?.id,
    })
    await waitFor(() => expect(screen.queryByTestId('reply-banner')).toBeNull())
  })

  it('keeps text and quote when it could not be stored', async () => {
    backend.refuse.set('message_send', fail('storage_full', 'The disk is full.'))
    const user = await openConversation(backend)
    await user.click(composer())
    await user.keyboard('{ArrowUp}I do.{Enter}')
    await screen.findByTestId('problem')
    expect(composer()).toHaveValue('I do.')
    expect(screen.getByTestId('reply-banner')).toBeVisible()
  })
})

describe('Enter', () => {
  it('breaks the line if the person wants that, and Ctrl and Enter send', async () => {
    const user = await openConversation(backend)
    await user.keyboard('{Control>},{/Control}')
    await user.click(await screen.findByTestId('enter-sends'))
    await user.click(within(screen.getByTestId('settings-dialog')).getByRole('button', { name: 'Close' }))
    await user.type(composer(), 'one{Enter}two')
    expect(lastCall(backend, 'message_send')).toBeUndefined()
    await user.keyboard('{Control>}{Enter}{/Control}')
    expect(lastCall(backend, 'message_send')).toMatchObject({ text: 'one\ntwo' })
  })
})

describe('mentions', () => {
  it('are offered after an @, chosen by keyboard, and written out when they are sent', async () => {
    const user = await openConversation(backend)
    const { address } = people.bo
    await user.type(composer(), `Ask @${address.slice(0, 6)}`)
    expect(await screen.findAllByTestId('mention-option')).toHaveLength(1)
    await user.keyboard('{Enter}')
    expect(composer()).toHaveValue(`Ask @${address.slice(0, 6)}…${address.slice(-4)} `)
    expect(lastCall(backend, 'message_send')).toBeUndefined()
    await user.keyboard('please{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({ text: `Ask @${address} please` })
  })

  it('go through all members with the arrows, never ourselves, and Escape closes them only', async () => {
    const user = await openConversation(backend)
    await user.type(composer(), '@')
    const options = await screen.findAllByTestId('mention-option')
    expect(options.map(({ dataset }) => dataset.inboxId)).not.toContain(people.alix.inboxId)
    expect(options).toHaveLength(3)
    await user.keyboard('{ArrowUp}')
    expect(screen.getAllByTestId('mention-option').at(-1)).toHaveAttribute('aria-selected', 'true')
    await user.keyboard('{Escape}')
    expect(screen.queryByTestId('mention-list')).toBeNull()
    expect(composer()).toHaveValue('@')
  })
})

describe('emoji', () => {
  it('are found by name and put where the caret is; those used last come first', async () => {
    const user = await openConversation(backend)
    await user.type(composer(), 'Snow!')
    await user.click(screen.getByTestId('emoji-open'))
    await user.type(await screen.findByTestId('emoji-search'), 'snowman')
    await waitFor(() => expect(screen.getAllByTestId('emoji').length).toBeLessThan(6))
    await user.keyboard('{Enter}')
    expect(screen.queryByTestId('emoji-picker')).toBeNull()
    await waitFor(() => expect(composer().value).toMatch(/^Snow!(☃️|⛄)$/u))
    await user.click(screen.getByTestId('emoji-open'))
    expect(await screen.findAllByTestId('emoji')).toHaveLength(1)
    await user.keyboard('{Escape}')
    expect(screen.queryByTestId('emoji-picker')).toBeNull()
  })

  it('are taken one after the other while Shift is held', async () => {
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('emoji-open'))
    await user.type(await screen.findByTestId('emoji-search'), 'snowman')
    await waitFor(() => expect(screen.getAllByTestId('emoji').length).toBeLessThan(6))
    await user.keyboard('{Shift>}{Enter}{/Shift}')
    await waitFor(() => expect(composer().value).not.toBe(''))
    const one = composer().value
    expect(screen.getByTestId('emoji-search')).toHaveFocus()
    await user.keyboard('{Shift>}{Enter}{/Shift}')
    await waitFor(() => expect(composer().value).toBe(one + one))
    await user.keyboard('{Escape}')
    expect(screen.queryByTestId('emoji-picker')).toBeNull()
  })
})

describe('the settings', () => {
  it('say what could not be changed, and keep what was', async () => {
    backend.refuse.set('settings_set', fail('storage', 'The database cannot be written.'))
    const user = await openConversation(backend)
    await user.keyboard('{Control>},{/Control}')
    const receipts = await screen.findByTestId('read-receipts')
    await user.click(receipts)
    expect(await screen.findByTestId('problem')).toHaveTextContent('cannot be written')
    await waitFor(() => expect(receipts).toBeChecked())
  })

  const server = async (): Promise<{ user: UserEvent; field: HTMLElement }> => {
    const user = await openConversation(backend)
    await user.keyboard('{Control>},{/Control}')
    return { user, field: await screen.findByTestId('upload-server') }
  }
  const stored = (): unknown[] =>
    backend.calls.flatMap(({ command, args }) => (command === 'settings_set' ? [args] : []))

  it('take a server for files on Enter or when it is left, and none again', async () => {
    const { user, field } = await server()
    await user.type(field, 'https://files.example.org/put')
    expect(stored()).toEqual([])
    await user.keyboard('{Enter}')
    const note = screen.getByTestId('upload-server-note')
    await waitFor(() => expect(note).toHaveTextContent('Files you send from now on go there'))
    await user.clear(field)
    await user.tab()
    await waitFor(() => expect(note).toHaveTextContent('go to the one your node offers'))
    expect(stored()).toEqual([{ upload_server: 'https://files.example.org/put' }, { upload_server: '' }])
    expect(field).toHaveValue('')
  })

  it.each([
    ['files.example.org', 'not a whole web address'],
    ['https://', 'not a whole web address'],
    ['http://files.example.org', 'must begin with https'],
    ['https://alix:secret@files.example.org', 'user name or password'],
    ['https://files.example.org/?key=1', 'must not hold “?”'],
  ])('refuse the server %s and say why', async (address, why) => {
    const { user, field } = await server()
    await user.type(field, address)
    expect(field).toBeInvalid()
    expect(field).toHaveAccessibleDescription(expect.stringContaining(why) as string)
    await user.keyboard('{Enter}')
    await user.tab()
    expect(stored()).toEqual([])
    expect(field).toHaveValue(address)
  })

  it('say why a server was not stored, and keep what was typed', async () => {
    const { user, field } = await server()
    backend.refuse.set('settings_set', fail('storage', 'The database cannot be written.'))
    await user.type(field, 'https://files.example.org{Enter}')
    const note = screen.getByTestId('upload-server-note')
    await waitFor(() => expect(note).toHaveTextContent('cannot be written'))
    expect(field).toHaveValue('https://files.example.org')
    backend.refuse.clear()
    await user.type(field, '{Enter}')
    await waitFor(() => expect(note).toHaveTextContent('go there'))
  })
})

describe('files', () => {
  const file = (name: string, type: string, size = 12): File => {
    const one = new File(['x'.repeat(12)], name, { type })
    Object.defineProperty(one, 'size', { value: size })
    return one
  }

  it('that are pasted get a chip, can be removed, and are sent with the text', async () => {
    const user = await openConversation(backend)
    await fireEvent.paste(composer(), {
      clipboardData: {
        files: [file('tickets.pdf', 'application/pdf'), file('stove.png', 'image/png')],
        getData: () => '',
      },
    })
    await waitFor(() =>
      expect(screen.getAllByTestId('enclosure').map(({ dataset }) => dataset.state)).toEqual([
        'ready',
        'ready',
      ]),
    )
    expect(screen.getAllByTestId('enclosure')[0]).toHaveTextContent(/tickets\.pdf.*12 byte/)
    await waitFor(() =>
      expect(screen.getAllByTestId('enclosure')[1]?.querySelector('img')).toBeInTheDocument(),
    )
    const [, keep] = [...backend.enclosed.prepared.keys()]
    await user.click(screen.getAllByTestId('enclosure-remove')[0] as HTMLElement)
    expect(screen.getAllByTestId('enclosure')).toHaveLength(1)
    await user.type(composer(), 'Look{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({
      conversation_id: 'cabin',
      text: 'Look',
      attachments: [keep],
    })
    expect(screen.queryByTestId('enclosures')).toBeNull()
    await shown('Look')
  })

  it('that come with a formatted text, as from a document, give way to the text', async () => {
    await openConversation(backend)
    const both = { 'text/plain': 'Two rooms', 'text/html': '<b>Two rooms</b>' } as Record<string, string>
    const clipboardData = {
      files: [file('image.png', 'image/png')],
      getData: (type: string) => both[type] ?? '',
    }
    // Left to the browser, which pastes the text.
    expect(await fireEvent.paste(composer(), { clipboardData })).toBe(true)
    expect(screen.queryByTestId('enclosures')).toBeNull()
  })

  it('are not what a dragged text is: that goes where it is dropped, and never away from the page', async () => {
    await openConversation(backend)
    const dataTransfer = { types: ['text/plain'], files: [] }
    expect(await fireEvent.drop(composer(), { dataTransfer })).toBe(true)
    expect(await fireEvent.drop(screen.getByTestId('message-list'), { dataTransfer })).toBe(false)
    expect(await fireEvent.drop(composer(), { dataTransfer: { types: ['text/uri-list'], files: [] } })).toBe(
      true,
    )
  })

  it('that are dropped anywhere are taken in, also without a text', async () => {
    const user = await openConversation(backend)
    const dataTransfer = { types: ['Files'], files: [file('plan.txt', 'text/plain')] }
    await fireEvent.dragEnter(document.body, { dataTransfer })
    expect(screen.getByTestId('drop-zone')).toBeVisible()
    await fireEvent.drop(document.body, { dataTransfer })
    expect(screen.queryByTestId('drop-zone')).toBeNull()
    await waitFor(() => expect(screen.getByTestId('send')).toBeEnabled())
    await user.click(screen.getByTestId('send'))
    expect(lastCall(backend, 'message_send')).toMatchObject({ text: '', attachments: [expect.any(String)] })
  })

  it('that are too large say so before anything is sent, and are never read', async () => {
    const user = await openConversation(backend)
    await fireEvent.paste(composer(), {
      clipboardData: {
        files: [file('film.mkv', 'video/x-matroska', 101 * 1024 * 1024)],
        getData: () => '',
      },
    })
    expect(await screen.findByTestId('enclosure')).toHaveTextContent(/film\.mkv.*Too large: at most 100 MB/)
    expect(lastCall(backend, 'attachment_prepare')).toBeUndefined()
    await user.type(composer(), 'Look')
    expect(screen.getByTestId('send')).toBeDisabled()
    expect(screen.getByTestId('composer-limit')).toHaveTextContent('Remove what cannot be sent')
    await user.click(screen.getByTestId('enclosure-remove'))
    expect(screen.getByTestId('send')).toBeEnabled()
  })

  it('are chosen in the dialog of the system where there is one', async () => {
    const prepared = {
      id: 'p1',
      name: 'chosen.zip',
      media_type: 'application/pdf',
      size: 4_000,
      thumbnail: null,
    }
    backend.shell = {
      chooseFiles: () =>
        Promise.resolve([
          { name: 'chosen.zip', prepared, failure: null },
          {
            name: 'locked.txt',
            prepared: null,
            failure: { code: 'file_unreadable', message: 'This file cannot be read.', retryable: false },
          },
        ]),
      saveAttachment: () => Promise.resolve(null),
      choosePath: () => Promise.resolve(null),
      openLink: () => Promise.resolve(),
    }
    const user = open(backend)
    await user.click(await screen.findByRole('button', { name: /Cabin/ }))
    await user.click(await screen.findByTestId('attach'))
    const [ready, refused] = await screen.findAllByTestId('enclosure')
    expect(ready).toHaveTextContent(/chosen\.zip.*4 kB/)
    expect(refused).toHaveTextContent(/locked\.txt.*This file cannot be read/)
  })
})

describe('markdown', () => {
  it('shows what the others will see, never HTML, and says how it is sent', async () => {
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('markdown-toggle'))
    await user.type(composer(), '**Bold** <img src=x> and `code`')
    const preview = screen.getByTestId('markdown-preview')
    expect(within(preview).getByText('Bold').tagName).toBe('STRONG')
    expect(preview.querySelector('img')).toBeNull()
    expect(preview).toHaveTextContent('Bold <img src=x> and code')
    await user.keyboard('{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({ format: 'markdown' })
    await user.click(screen.getByTestId('markdown-toggle'))
    await user.type(composer(), 'plain{Enter}')
    expect(lastCall(backend, 'message_send')).toMatchObject({ text: 'plain', format: 'text' })
  })
})
