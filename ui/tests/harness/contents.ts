import type { Attachment, Content, Message } from '../../src/lib/backend/generated'
import type { MemoryBackend } from '../memory/backend'
import { PIXEL } from '../memory/content'
import { conversation, member, people, text, type PersonName } from '../memory/world'

const ago = (minutes: number): string => `${Date.now() - minutes * 60_000}000000`
const ID = 'c0ffee'.padEnd(32, '1')

/** A drawn hill under a drawn sun, as large as a photo. */
const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mNkYPhfz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC'

/** A conversation with one message of every kind, in the backend of a scene. */
export function addContents(backend: MemoryBackend): void {
  const list: Message[] = []
  const put = (
    minutes: number,
    from: PersonName,
    content: Content,
    given: Partial<Message> = {},
  ): Message => {
    const words = 'text' in content ? content.text : ''
    const one: Message = { ...text(ID, from, words, ago(minutes)), content, ...given }
    list.push(one)
    return one
  }
  const says = (words: string): Content => ({ kind: 'text', text: words })
  const file = (given: Partial<Attachment>): Attachment => ({
    ...{ index: 0, name: 'trail map.pdf', media_type: 'application/pdf', size: 2_400_000, source: 'remote' },
    ...{ host: 'files.example.org', state: 'offered', done_bytes: 0, total_bytes: null, failure: null },
    thumbnail: null,
    ...given,
  })
  const files = (minutes: number, from: PersonName, ...items: Partial<Attachment>[]): Message =>
    put(
      minutes,
      from,
      { kind: 'attachments', items: items.map((one, index) => file({ index, ...one })) },
      { text: 'files' },
    )

  const plan = put(90, 'caro', {
    kind: 'markdown',
    text: '# Plan for Friday\n\nMeet at **16:30**, leave at *17:00* sharp. The road report is at [the pass](https://road.example.org/pass) and ~~the old page~~ is gone.\n\n1. Wood and `matches`\n2. Food\n   - bread\n   - cheese\n\n- [x] book the cabin\n- [ ] find the key\n\n> Never trust the forecast.\n\n```\nkm 12   turn left\nkm 31   park at the chapel, walk the last four hundred metres to the cabin by the river\n```\n\n| who | what |\n|---|---|\n| Bo | stove |\n| Eri | pot |',
  })
  const quote = {
    message_id: plan.id,
    sender_inbox_id: people.caro.inboxId,
    text: 'Plan for Friday. Meet at 16:30, leave at 17:00 sharp.',
    state: 'known' as const,
  }
  put(80, 'bo', says('Sounds good. I bring the stove.'), { reply_to: quote })
  put(79, 'alix', says('And I the wood 👍'), {
    reply_to: quote,
    reactions: [
      {
        content: '❤️',
        schema: 'unicode',
        count: 3,
        is_own: false,
        senders: [people.bo.inboxId, people.caro.inboxId, people.eri.inboxId],
      },
      { content: '🔥', schema: 'unicode', count: 1, is_own: true, senders: [people.alix.inboxId] },
    ],
  })
  put(
    70,
    'davon',
    says(`@${people.alix.address} can you look at https://road.example.org/pass?from=12 before we go?`),
    {
      reactions: [
        {
          content: '👀',
          schema: 'unicode',
          count: 12,
          is_own: true,
          senders: [people.alix.inboxId, people.bo.inboxId],
        },
        { content: 'party', schema: 'shortcode', count: 2, is_own: false, senders: [people.eri.inboxId] },
        { content: '❄️', schema: 'unicode', count: 1, is_own: false, senders: [people.caro.inboxId] },
      ],
    },
  )
  put(69, 'alix', says('Yes'), {
    reply_to: { message_id: 'e'.repeat(64), sender_inbox_id: null, text: '', state: 'missing' },
  })
  put(60, 'eri', { kind: 'deleted', by: people.eri.inboxId }, { text: '' })
  const photo = files(55, 'eri', {
    name: 'valley.png',
    media_type: 'image/png',
    state: 'stored',
    thumbnail: { width: 1_600, height: 1_000 },
  })
  backend.enclosed.blobs.set(`${photo.id}/0`, { media_type: 'image/png', base64: PICTURE })
  files(
    54,
    'alix',
    ...['a', 'b', 'c'].map((name): Partial<Attachment> => ({
      name: `${name}.png`,
      media_type: 'image/png',
      state: 'stored',
      thumbnail: { width: 900, height: 1_200 },
    })),
  )
  files(
    50,
    'bo',
    {},
    {
      name: 'hut rules, the long version that nobody reads to the end.docx',
      media_type: null,
      size: 48_200,
      state: 'transferring',
      done_bytes: 20_000,
      total_bytes: 48_200,
    },
    { name: 'tracks.gpx', state: 'paused', done_bytes: 600_000, total_bytes: 2_400_000 },
    { name: 'old.zip', state: 'failed', failure: 'attachment_gone' },
    { name: 'odd.bin', state: 'refused', failure: 'url_refused', host: '192.168.1.7' },
  )
  files(49, 'alix', { name: 'contract.pdf', state: 'stored', size: 120_000 })
  put(40, 'bo', {
    ...{ kind: 'transaction_reference', namespace: 'eip155', network_id: '8453' },
    ...{
      reference: `0x${'ab12'.repeat(16)}`,
      transaction_type: 'transfer',
      currency: 'USDC',
      amount: '48.00',
    },
    ...{ from_address: people.bo.address, to_address: people.alix.address },
  } as Content)
  put(35, 'davon', {
    kind: 'wallet_send_calls',
    chain_id: '0x2105',
    from: people.alix.address,
    calls: [
      {
        to: people.davon.address,
        value: '0x5af3107a4000',
        data: '0x',
        description: 'Pay your share of the cabin',
      },
    ],
  })
  put(30, 'caro', {
    kind: 'actions',
    id: 'q1',
    description: 'Shall we leave on Thursday already?',
    expires_at: new Date(Date.now() + 600 * 60_000).toISOString(),
    actions: [
      { id: 'yes', label: 'Yes, Thursday', image_url: null, style: 'primary', expires_at: null },
      { id: 'no', label: 'No, Friday', image_url: null, style: 'secondary', expires_at: null },
      { id: 'out', label: 'I am out', image_url: null, style: 'danger', expires_at: null },
    ],
  })
  put(28, 'bo', { kind: 'intent', id: 'q1', action_id: 'yes' })
  put(20, 'fritz', says('This one goes away soon.'), { expires_at_ns: ago(-183) })
  put(
    19,
    'alix',
    says('Mine too, and it is pinned to a longer line so that the time has to find its place.'),
    {
      expires_at_ns: ago(-1),
    },
  )
  put(10, 'fritz', { kind: 'other', fallback: 'Fritz moved a knight to f3' }, { text: '' })
  put(5, 'fritz', says('אני מביא את הגיטרה https://road.example.org'))

  addAlbum(backend)
  backend.add(conversation({ id: ID, name: 'Everything', created_at_ns: ago(100) }), list, [
    member('alix', 'super_admin'),
    ...(['bo', 'caro', 'davon', 'eri', 'fritz'] as const).map((name) => member(name)),
  ])
}

/** A conversation of pictures, more than are read at once. */
function addAlbum(backend: MemoryBackend): void {
  const id = 'a1b0'.padEnd(32, '2')
  const list = Array.from({ length: 160 }, (_, n): Message => {
    const one = text(id, n % 3 === 0 ? 'caro' : 'bo', 'files', ago(260 - n))
    backend.enclosed.blobs.set(`${one.id}/0`, {
      media_type: 'image/png',
      base64: n % 2 === 0 ? PICTURE : PIXEL,
    })
    const item: Attachment = {
      ...{ index: 0, name: `walk ${n}.png`, media_type: 'image/png', size: 900_000, source: 'remote' },
      ...{ host: 'files.example.org', state: 'stored', done_bytes: 900_000, total_bytes: 900_000 },
      ...{ failure: null, thumbnail: { width: 900, height: 1_200 } },
    }
    return { ...one, content: { kind: 'attachments', items: [item] } }
  })
  backend.add(conversation({ id, name: 'Album', created_at_ns: ago(300) }), list, [
    member('alix', 'super_admin'),
    member('bo'),
    member('caro'),
  ])
}
