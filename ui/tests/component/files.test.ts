import { queries, screen, waitFor, within, type BoundFunctions } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Attachment, Message } from '../../src/lib/backend/generated'
import { fail, MemoryBackend } from '../memory/backend'
import { text, type PersonName } from '../memory/world'
import { addCabin, lastCall, openDetails } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
})

const item = (given: Partial<Attachment>): Attachment => ({
  ...{ index: 0, name: 'trail map.pdf', media_type: 'application/pdf', size: 2_400_000, source: 'remote' },
  ...{ host: 'files.example', state: 'offered', done_bytes: 0, total_bytes: null, failure: null },
  thumbnail: null,
  ...given,
})
const picture = (name: string, given: Partial<Attachment> = {}): Partial<Attachment> => ({
  ...{ name, media_type: 'image/png', state: 'stored', thumbnail: { width: 800, height: 400 } },
  ...given,
})
const sent = (from: PersonName, ...items: Partial<Attachment>[]): Message => ({
  ...text('cabin', from, 'files', backend.now()),
  content: { kind: 'attachments', items: items.map((one, index) => item({ ...one, index })) },
})
function put(from: PersonName, ...items: Partial<Attachment>[]): Message {
  const one = sent(from, ...items)
  backend.store(one)
  backend.read.set('cabin', backend.messages.get('cabin')?.length ?? 0)
  backend.project('cabin')
  return one
}
function arrive(one: Message): void {
  backend.store(one)
  backend.emit({ event: 'messages', conversation_id: 'cabin', messages: [one] })
}

/** Opens the list; what is in it is `within` the dialog. */
async function openFiles(): Promise<{ user: UserEvent; list: BoundFunctions<typeof queries> }> {
  const user = await openDetails(backend)
  await user.click(await screen.findByTestId('info-files'))
  return { user, list: within(await screen.findByTestId('files-dialog')) }
}

const asked = (): number => backend.calls.filter(({ command }) => command === 'conversation_files').length
const reads = (id: string): unknown[] =>
  backend.calls.filter(
    ({ command, args }) =>
      command === 'attachment_read' && (args as { message_id: string }).message_id === id,
  )

describe('the files of a conversation', () => {
  it('are pictures in a grid, newest first, which lead to their messages', async () => {
    const older = put('bo', picture('lake.png'), picture('hut.png'))
    const newer = put('caro', picture('valley.png'))
    const { user, list } = await openFiles()
    const tiles = await list.findAllByTestId('picture-tile')
    expect(tiles.map(({ dataset }) => dataset.id)).toEqual([newer.id, older.id, older.id])
    await waitFor(() => expect(tiles.every((one) => one.querySelector('img') !== null)).toBe(true))
    expect(lastCall(backend, 'attachment_read')).toMatchObject({ thumbnail: true })
    const go = within(tiles[1] as HTMLElement).getByTestId('picture-tile-go')
    expect(go).toHaveAccessibleName(/^lake\.png, from 0x.*, .*\. Go to the message$/)
    await user.click(go)
    await waitFor(() => expect(screen.queryByTestId('files-dialog')).toBeNull())
    await waitFor(() => expect(document.activeElement).toHaveAttribute('data-id', older.id))
  })

  it('that are pictures are one stop for the keyboard, and arrows go through them', async () => {
    put('bo', picture('a.png'), picture('b.png'), picture('c.png'))
    const { user, list } = await openFiles()
    const goes = await list.findAllByTestId('picture-tile-go')
    expect(goes.map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1])
    goes[0]?.focus()
    await user.keyboard('{ArrowRight}')
    await waitFor(() => expect(goes[1]).toHaveFocus())
    await user.keyboard('{End}')
    await waitFor(() => expect(goes[2]).toHaveFocus())
    expect(goes.map(({ tabIndex }) => tabIndex)).toEqual([-1, -1, 0])
    await user.tab()
    expect(list.getAllByTestId('picture-tile-view')[2]).toHaveFocus()
    await user.keyboard('{Enter}')
    expect(await screen.findByTestId('picture-full')).toBeVisible()
  })

  it('that are not here are not fetched by looking, but on a click, and stay where they are', async () => {
    put('bo', picture('seen.png'))
    const one = put('caro', picture('peak.png', { state: 'offered' }), {})
    const { user, list } = await openFiles()
    expect(await list.findAllByTestId('picture-tile')).toHaveLength(1)
    await user.click(list.getByTestId('files-others'))
    const cards = list.getAllByTestId('shared-file')
    expect(cards.map((card) => card.textContent)).toEqual([
      expect.stringMatching(/peak\.png.*2\.4 MB · from files\.example.*0x.* · /s),
      expect.stringMatching(/trail map\.pdf.*2\.4 MB/s),
    ])
    expect(reads(one.id)).toEqual([])
    expect(lastCall(backend, 'attachment_transfer')).toBeUndefined()
    await user.click(within(cards[0] as HTMLElement).getByTestId('attachment-download'))
    expect(lastCall(backend, 'attachment_transfer')).toEqual({
      ...{ message_id: one.id, index: 0, action: 'start' },
    })
    expect(await within(cards[0] as HTMLElement).findByTestId('attachment-save')).toBeEnabled()
    await user.click(list.getByTestId('files-pictures'))
    expect(await list.findAllByTestId('picture-tile')).toHaveLength(2)
  })

  it('that are other files can be saved and lead to their messages', async () => {
    const one = put('bo', { state: 'stored', name: 'contract.pdf' })
    backend.shell = {
      chooseFiles: () => Promise.resolve([]),
      saveAttachment: () => Promise.resolve('/home/alix/contract.pdf'),
      choosePath: () => Promise.resolve(null),
      openLink: () => Promise.resolve(),
    }
    const { user, list } = await openFiles()
    // There are no pictures, so these are shown at first.
    const card = within(await list.findByTestId('shared-file'))
    await user.click(card.getByTestId('attachment-save'))
    expect(await card.findByTestId('attachment-saved')).toHaveTextContent('Saved as /home/alix/contract.pdf')
    await user.click(card.getByRole('button', { name: 'Go to the message with contract.pdf' }))
    await waitFor(() => expect(screen.queryByTestId('files-dialog')).toBeNull())
    await waitFor(() => expect(document.activeElement).toHaveAttribute('data-id', one.id))
  })

  it('come, change and go while they are looked at', async () => {
    const one = put('bo', picture('lake.png'))
    const { list } = await openFiles()
    await list.findByTestId('picture-tile')
    const two = sent('caro', picture('hut.png'), picture('well.png'))
    arrive(two)
    arrive({
      ...sent('caro', picture('answer.png')),
      reply_to: { message_id: one.id, sender_inbox_id: null, text: '', state: 'known' },
    })
    await waitFor(() =>
      expect(list.getAllByTestId('picture-tile').map(({ dataset }) => dataset.id)).toEqual([
        two.id,
        two.id,
        one.id,
      ]),
    )
    // Its time is over, or someone deleted it here.
    backend.emit({ event: 'message_deleted', conversation_id: 'cabin', message_id: one.id })
    await waitFor(() => expect(list.getAllByTestId('picture-tile')).toHaveLength(2))
    // Deleted for everyone.
    backend.update({ ...two, content: { kind: 'deleted', by: two.sender_inbox_id } })
    await waitFor(() => expect(list.getByTestId('empty')).toHaveTextContent('No files yet'))
  })

  it('that go while they are read do not come back', async () => {
    const one = put('bo', picture('lake.png'))
    put('bo', picture('hut.png'))
    let release: (value: unknown) => void = () => undefined
    const { user, list } = await openFiles()
    await list.findAllByTestId('picture-tile')
    await user.click(list.getByRole('button', { name: 'Close' }))
    // The answer is under way, with a message that is deleted meanwhile.
    const call = backend.call.bind(backend)
    const gate = new Promise((done) => (release = done))
    backend.call = async (command, args) => {
      const answer = await call(command, args)
      if (command === 'conversation_files') await gate
      return answer
    }
    await user.click(screen.getByTestId('info-files'))
    await waitFor(() => expect(asked()).toBe(2))
    backend.emit({ event: 'message_deleted', conversation_id: 'cabin', message_id: one.id })
    release(null)
    const dialog = within(await screen.findByTestId('files-dialog'))
    await new Promise((done) => setTimeout(done))
    await waitFor(() => expect(dialog.getAllByTestId('picture-tile')).toHaveLength(1))
  })

  it('are read anew after a gap in the events', async () => {
    const one = put('bo', picture('lake.png'))
    const { list } = await openFiles()
    await list.findByTestId('picture-tile')
    backend.messages.set(
      'cabin',
      (backend.messages.get('cabin') ?? []).filter(({ id }) => id !== one.id),
    )
    const two = put('bo', picture('hut.png'))
    backend.emit({ event: 'resync' })
    await waitFor(() =>
      expect(list.getAllByTestId('picture-tile').map(({ dataset }) => dataset.id)).toEqual([two.id]),
    )
  })

  it('are read page by page', async () => {
    for (let n = 0; n < 120; n++) put('bo', picture(`${n}.png`))
    const { list } = await openFiles()
    await waitFor(() => expect(list.getAllByTestId('picture-tile')).toHaveLength(120))
    expect(asked()).toBe(3)
    expect(list.queryByTestId('files-older')).toBeNull()
  })

  it('that cannot be read say so, and are asked for again', async () => {
    put('bo', picture('lake.png'))
    backend.refuse.set('conversation_files', fail('storage', 'The database cannot be read.'))
    const { user, list } = await openFiles()
    expect(await list.findByTestId('problem')).toHaveTextContent('cannot be read')
    backend.refuse.clear()
    await user.click(list.getByTestId('problem-retry'))
    expect(await list.findByTestId('picture-tile')).toBeVisible()
  })

  it('say how to begin where there are none', async () => {
    const { list } = await openFiles()
    expect(await list.findByTestId('empty')).toHaveTextContent(/No files yet.*paper clip/)
  })

  it('that are all pictures leave the other list empty, with its reason', async () => {
    put('bo', picture('lake.png'))
    const { user, list } = await openFiles()
    await list.findByTestId('picture-tile')
    await user.click(list.getByTestId('files-others'))
    expect(list.getByTestId('empty')).toHaveTextContent('No other files')
  })

  it('that are all elsewhere leave the pictures empty, and say where they are', async () => {
    put('bo', picture('lake.png', { state: 'offered' }))
    const { user, list } = await openFiles()
    await list.findByTestId('shared-file')
    await user.click(list.getByTestId('files-pictures'))
    expect(list.getByTestId('empty')).toHaveTextContent(/Download one under “Other files”/)
  })
})
