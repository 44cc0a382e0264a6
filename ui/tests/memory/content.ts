import type {
  Attachment,
  Media,
  Message,
  PreparedAttachment,
  ReadTime,
  SearchPage,
  Settings,
  TransferState,
} from '../../src/lib/backend/generated'
import type { Handlers } from './groups'
import { fail, type Store } from './store'
import { people, SELF, text } from './world'

type Contents = Pick<
  Handlers,
  | 'message_send'
  | 'message_retry'
  | 'message_delete'
  | 'message_react'
  | 'message_delete_for_everyone'
  | 'actions_answer'
  | 'message_actions'
  | 'conversation_files'
  | 'conversation_read_times'
  | 'conversation_mark_unread'
  | 'draft_set'
  | 'search_messages'
  | 'attachment_prepare'
  | 'attachment_discard'
  | 'prepared_read'
  | 'attachment_transfer'
  | 'attachment_read'
  | 'attachment_save'
  | 'attachment_allow_host'
  | 'settings_get'
  | 'settings_set'
>

/** A picture of one grey pixel. */
export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaGj4DwAEggIBm3lyYQAAAABJRU5ErkJggg=='
const INLINE_BYTES = 512 * 1024

/** What the messages of the backend in memory hold beside their texts. */
export class Enclosed {
  readonly prepared = new Map<string, PreparedAttachment & { bytes: Media }>()
  /** By message and index, what is on this device. */
  readonly blobs = new Map<string, Media>()
  /** Of what is not here as a whole, by message and index, whether there is a small picture. */
  readonly thumbnails = new Set<string>()
  /** By conversation, who has read how far. */
  readonly reads = new Map<string, ReadTime[]>()
  readonly allowedHosts = new Set<string>()
  settings: Settings = {
    send_read_receipts: true,
    auto_download_bytes: 5 * 1024 * 1024,
    upload_server: null,
  }
  /** Downloads wait for it, half done. */
  gate: Promise<unknown> | null = null
  /** What every download ends with. */
  refusal: { state: TransferState; failure: string } | null = null
}

function sizeOf(base64: string): number {
  return Math.floor((base64.length * 3) / 4) - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
}

const bodyOf = ({ content }: Message): string =>
  content.kind === 'text' || content.kind === 'markdown' ? content.text : ''

const wordsOf = (body: string): string[] =>
  body
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)

/** Words, quotes and filters of a query. */
function readQuery(
  store: Store,
  query: string,
): { test: (one: Message) => boolean; terms: string[] } | string {
  const terms: string[] = []
  const tests: ((one: Message) => boolean)[] = []
  for (const { 0: all, 1: key, 2: value, 3: quoted } of query.matchAll(
    /(?:(from|in|before|after):(\S+))|"([^"]*)"|\S+/gi,
  )) {
    if (key === undefined || value === undefined) {
      terms.push((quoted ?? all).toLowerCase())
      continue
    }
    if (key === 'before' || key === 'after') {
      const at = Date.parse(value)
      if (!/^\d{4}-\d\d-\d\d$/.test(value) || Number.isNaN(at))
        return `“${value}” is not a date. Write it as 2026-11-01.`
      tests.push(({ sent_at_ns }) =>
        key === 'before' ? Number(sent_at_ns) / 1e6 < at : Number(sent_at_ns) / 1e6 >= at + 86_400_000,
      )
    } else if (key === 'from') {
      tests.push(({ sender_inbox_id }) => {
        const known = Object.entries(people).find(([, { inboxId }]) => inboxId === sender_inbox_id)
        return [sender_inbox_id, known?.[0], known?.[1].address].some((one) =>
          one?.toLowerCase().startsWith(value.toLowerCase()),
        )
      })
    } else {
      tests.push(({ conversation_id: id }) =>
        [id, store.get(id).name].some((one) => one.toLowerCase().includes(value.toLowerCase())),
      )
    }
  }
  tests.push((one) => {
    const all = wordsOf(bodyOf(one))
    return terms.every((term, at) =>
      term.includes(' ')
        ? ` ${all.join(' ')} `.includes(` ${wordsOf(term).join(' ')} `)
        : all.some((word) => (at === terms.length - 1 ? word.startsWith(term) : word === term)),
    )
  })
  return { test: (one) => tests.every((test) => test(one)), terms }
}

function snippet(body: string, terms: string[]): { text: string; is_match: boolean }[] {
  const escaped = terms.filter(Boolean).map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (escaped.length === 0) return [{ text: body.slice(0, 120), is_match: false }]
  return body
    .split(new RegExp(`(${escaped.join('|')})`, 'giu'))
    .map((part, at) => ({ text: part, is_match: at % 2 === 1 }))
    .filter((part) => part.text !== '')
}

export function contents(store: Store, held: Enclosed, isOnline: () => boolean): Contents {
  const find = (id: string): Message => {
    const one = [...store.messages.values()].flat().find((message) => message.id === id)
    if (one === undefined) throw fail('unknown_message', 'There is no such message.', false)
    return one
  }
  const change = (one: Message): Message => {
    const list = store.messages.get(one.conversation_id) ?? []
    list.splice(
      list.findIndex(({ id }) => id === one.id),
      1,
      one,
    )
    store.emit({ event: 'messages', conversation_id: one.conversation_id, messages: [one] })
    store.emit({ event: 'conversation', conversation: store.project(one.conversation_id) })
    return one
  }
  const publish = (one: Message): Message => {
    store.store(one)
    store.project(one.conversation_id)
    if (isOnline()) setTimeout(() => store.deliver(find(one.id), 'published'), 30)
    return one
  }
  const quoteOf = (id: string): Message['reply_to'] => {
    const one = [...store.messages.values()].flat().find((message) => message.id === id)
    if (one === undefined) return { message_id: id, sender_inbox_id: null, text: '', state: 'missing' }
    const state = one.content.kind === 'deleted' ? 'deleted' : 'known'
    return { message_id: id, sender_inbox_id: one.sender_inbox_id, text: one.text, state }
  }
  const itemOf = (one: Message, index: number): Attachment => {
    const item = one.content.kind === 'attachments' ? one.content.items[index] : undefined
    if (item === undefined) throw fail('unknown_message', 'There is no such attachment.', false)
    return item
  }
  const withItem = (one: Message, index: number, given: Partial<Attachment>): Message =>
    one.content.kind !== 'attachments'
      ? one
      : {
          ...one,
          content: {
            ...one.content,
            items: one.content.items.map((item) => (item.index === index ? { ...item, ...given } : item)),
          },
        }
  const progress = (id: string, index: number, given: Partial<Attachment>): void => {
    const one = withItem(find(id), index, given)
    const list = store.messages.get(one.conversation_id) ?? []
    list.splice(
      list.findIndex((other) => other.id === id),
      1,
      one,
    )
    const { state, done_bytes, total_bytes } = itemOf(one, index)
    store.emit({
      event: 'attachment_progress',
      conversation_id: one.conversation_id,
      message_id: id,
      index,
      state,
      done_bytes,
      total_bytes,
    })
  }

  async function download(id: string, index: number): Promise<void> {
    const total = itemOf(find(id), index).size ?? 0
    await Promise.resolve()
    progress(id, index, { state: 'transferring', done_bytes: Math.floor(total / 2), total_bytes: total })
    await held.gate
    if (itemOf(find(id), index).state !== 'transferring') return
    if (held.refusal !== null) {
      change(withItem(find(id), index, { ...held.refusal }))
      return
    }
    held.blobs.set(`${id}/${index}`, {
      media_type: itemOf(find(id), index).media_type ?? 'application/octet-stream',
      base64: PIXEL,
    })
    change(withItem(find(id), index, { state: 'stored', done_bytes: total, total_bytes: total }))
  }

  return {
    message_send: ({ conversation_id, text: body, format, reply_to, attachments }) => {
      const base = (words: string): Message => ({
        ...text(conversation_id, 'alix', words, store.now()),
        delivery: 'unpublished',
        reply_to: typeof reply_to === 'string' ? quoteOf(reply_to) : null,
      })
      let last: Message | null = null
      if (Array.isArray(attachments) && attachments.length > 0) {
        const message = base('')
        const items = attachments.map((id, index): Attachment => {
          const prepared = held.prepared.get(id)
          if (prepared === undefined) throw fail('unknown_attachment', 'This file is not prepared.', false)
          held.prepared.delete(id)
          held.blobs.set(`${message.id}/${index}`, prepared.bytes)
          const { name, media_type, size, thumbnail } = prepared
          return {
            ...{ index, name, media_type, size, thumbnail, failure: null, host: null, total_bytes: size },
            source: size <= INLINE_BYTES ? 'inline' : 'remote',
            state: 'stored',
            done_bytes: size,
          }
        })
        last = publish({
          ...message,
          text: items.map(({ name }) => name).join(', '),
          content_type: 'xmtp.org/remoteStaticAttachment:1.0',
          content: { kind: 'attachments', items },
        })
        if (body !== '') store.emit({ event: 'messages', conversation_id, messages: [last] })
      }
      if (body !== '' || last === null) {
        const kind = format === 'markdown' ? 'markdown' : 'text'
        last = publish({
          ...base(body),
          content_type: `xmtp.org/${kind}:1.0`,
          content: { kind, text: body },
        })
      }
      return last
    },
    message_retry: ({ message_id }) => {
      // It is sent anew, so it stands at the end.
      const one = find(message_id)
      const list = (store.messages.get(one.conversation_id) ?? []).filter(({ id }) => id !== message_id)
      const next: Message = { ...one, delivery: 'unpublished', failure: null, sent_at_ns: store.now() }
      store.messages.set(one.conversation_id, [...list, next])
      if (isOnline()) setTimeout(() => store.deliver(find(message_id), 'published'), 30)
      return next
    },
    message_delete: ({ message_id }) => {
      const { conversation_id } = find(message_id)
      for (const [id, list] of store.messages)
        store.messages.set(
          id,
          list.filter((one) => one.id !== message_id),
        )
      store.emit({ event: 'message_deleted', conversation_id, message_id })
      store.emit({ event: 'conversation', conversation: store.project(conversation_id) })
      return {}
    },
    message_react: ({ message_id, content, is_added }) =>
      change(store.react(find(message_id), SELF.inboxId, content, is_added)),
    message_delete_for_everyone: ({ message_id }) => {
      const one = find(message_id)
      if (!one.is_own && store.role(one.conversation_id) !== 'super_admin')
        throw fail('not_deletable', 'Only super admins may delete what others wrote.', false)
      return change({
        ...one,
        text: '',
        reactions: [],
        reply_to: null,
        content: { kind: 'deleted', by: SELF.inboxId },
      })
    },
    actions_answer: ({ message_id, action_id }) => {
      const one = find(message_id)
      if (one.content.kind !== 'actions') throw fail('unknown_message', 'These are no actions.', false)
      return publish({
        ...text(one.conversation_id, 'alix', action_id, store.now()),
        delivery: 'unpublished',
        content_type: 'coinbase.com/intent:1.0',
        content: { kind: 'intent', id: one.content.id, action_id },
      })
    },
    conversation_mark_unread: ({ conversation_id, message_id }) => {
      const list = store.messages.get(conversation_id) ?? []
      const at =
        message_id === undefined
          ? list.findLastIndex((one) => !one.is_own && one.kind === 'application')
          : list.findIndex(({ id }) => id === message_id)
      if (at !== -1) store.read.set(conversation_id, at)
      return store.put(conversation_id, {})
    },
    draft_set: ({ conversation_id, text: words, reply_to }) => {
      const draft = words === '' && reply_to === null ? null : { text: words, reply_to }
      store.put(conversation_id, { draft })
      return {}
    },
    search_messages: ({ query, conversation_id, limit = 50, before }): SearchPage => {
      const read = readQuery(store, query)
      if (typeof read === 'string') return { items: [], next: null, problem: read }
      const found = [...store.messages.values()]
        .flat()
        .filter((one) => conversation_id === undefined || one.conversation_id === conversation_id)
        .filter((one) => one.kind === 'application' && bodyOf(one) !== '' && read.test(one))
        .sort((a, b) => (BigInt(a.sent_at_ns) > BigInt(b.sent_at_ns) ? -1 : 1))
      const from = Number(before ?? 0)
      return {
        items: found
          .slice(from, from + limit)
          .map((message) => ({ message, snippet: snippet(bodyOf(message), read.terms) })),
        next: from + limit < found.length ? String(from + limit) : null,
        problem: null,
      }
    },
    conversation_files: ({ conversation_id, before, limit }) => {
      const all = (store.messages.get(conversation_id) ?? []).filter(
        (one) => one.content.kind === 'attachments' && one.reply_to === null,
      )
      // Positions stay true while others come and go, as those of the real one do.
      const end =
        before === null
          ? all.length
          : all.filter(({ sent_at_ns }) => BigInt(sent_at_ns) < BigInt(before)).length
      const from = Math.max(0, end - limit)
      return {
        items: all.slice(from, end).reverse(),
        older: from === 0 ? null : (all[from]?.sent_at_ns ?? null),
        newer: null,
        first_unread_id: null,
      }
    },
    attachment_prepare: ({ name, media_type = 'application/octet-stream', base64 }) => {
      if (name === undefined || base64 === undefined)
        throw fail('invalid_arguments', 'Give a path, or a name and base64.', false)
      const id = store.newId('f')
      const thumbnail = media_type.startsWith('image/') ? { width: 320, height: 200 } : null
      const prepared = { id, name, media_type, size: sizeOf(base64), thumbnail }
      held.prepared.set(id, { ...prepared, bytes: { media_type, base64 } })
      return prepared
    },
    attachment_discard: ({ id }) => {
      held.prepared.delete(id)
      return {}
    },
    prepared_read: ({ id }) => {
      const one = held.prepared.get(id)
      if (one === undefined) throw fail('unknown_attachment', 'This file is not prepared.', false)
      return { media_type: 'image/png', base64: PIXEL }
    },
    attachment_transfer: ({ message_id, index, action }) => {
      const one = find(message_id)
      const { host } = itemOf(one, index)
      if (action === 'pause') return change(withItem(one, index, { state: 'paused' }))
      if (action === 'cancel' && one.is_own)
        return change({
          ...withItem(one, index, { state: 'paused' }),
          delivery: 'failed',
          failure: 'cancelled',
        })
      if (action === 'cancel') return change(withItem(one, index, { state: 'offered', done_bytes: 0 }))
      if (host !== null && /^(localhost|127\.|10\.|192\.168\.)/.test(host) && !held.allowedHosts.has(host))
        return change(withItem(one, index, { state: 'refused', failure: 'url_refused' }))
      void download(message_id, index)
      return change(withItem(one, index, { state: 'waiting', failure: null }))
    },
    attachment_read: ({ message_id, index, thumbnail }) => {
      const item = itemOf(find(message_id), index)
      if (thumbnail && held.thumbnails.has(`${message_id}/${index}`))
        return { media_type: 'image/png', base64: PIXEL }
      if (item.state !== 'stored') throw fail('not_stored', 'It is not on this device yet.', true)
      return held.blobs.get(`${message_id}/${index}`) ?? { media_type: 'image/png', base64: PIXEL }
    },
    attachment_save: ({ path }) => ({ path }),
    attachment_allow_host: ({ host, is_allowed }) => {
      if (is_allowed) held.allowedHosts.add(host)
      else held.allowedHosts.delete(host)
      return {}
    },
    message_actions: ({ message_id }) => {
      const one = find(message_id)
      const can = one.is_own || store.role(one.conversation_id) === 'super_admin'
      return { can_delete_for_everyone: can, reason: can ? null : 'Only super admins may do this.' }
    },
    conversation_read_times: ({ conversation_id }) => held.reads.get(conversation_id) ?? [],
    settings_get: () => held.settings,
    settings_set: ({ upload_server, ...given }) =>
      (held.settings = {
        ...held.settings,
        ...given,
        ...(upload_server === undefined ? {} : { upload_server: upload_server || null }),
      }),
  }
}
