import type { Args, Backend, Command, Listener, Result } from '../../src/lib/backend/backend'
import { Listeners } from '../../src/lib/backend/backend'
import type {
  Anchor,
  ApiError,
  Conversation,
  Event,
  Member,
  Message,
  MessagePage,
  RegistrationStep,
  Resolved,
  Stage,
} from '../../src/lib/backend/generated'
import { conversation, message, people, SELF, text, type PersonName } from './world'

type Handlers = { [K in Command]: (args: Args<K>) => Result<K> | Promise<Result<K>> }

export const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow'.split(' ')
const STEPS: RegistrationStep[] = [
  'look_up_inbox',
  'create_keys',
  'sign',
  'upload_key_package',
  'publish_identity',
  'first_sync',
]

export function fail(code: string, sentence: string, retryable = true): ApiError {
  return { code, message: sentence, retryable }
}

/** A backend that holds everything in memory. Only tests and the harness use it. */
export class MemoryBackend implements Backend {
  readonly listeners = new Listeners()
  readonly conversations = new Map<string, Conversation>()
  readonly messages = new Map<string, Message[]>()
  readonly members = new Map<string, Member[]>()
  /** Calls so far, for tests to look at. */
  readonly calls: { command: Command; args: unknown }[] = []
  /** Commands that are refused, with what they answer. */
  readonly refuse = new Map<Command, ApiError>()
  stage: Stage = 'ready'
  /** Whether what is sent is on the network at once. */
  online = true
  /** Read position by conversation, as an index into its messages. */
  readonly read = new Map<string, number>()
  /** Time that `register` takes for each step. */
  stepMs = 0
  #count = 0

  async call<K extends Command>(command: K, args: Args<K>): Promise<Result<K>> {
    this.calls.push({ command, args: structuredClone(args) })
    await Promise.resolve()
    const refused = this.refuse.get(command)
    if (refused !== undefined) throw refused
    const handler = this.#handlers[command] as (args: Args<K>) => Result<K> | Promise<Result<K>>
    return structuredClone(await handler(args))
  }

  subscribe(listener: Listener): () => void {
    return this.listeners.add(listener)
  }

  emit(event: Event): void {
    this.listeners.emit(structuredClone(event))
  }

  add(one: Conversation, messages: Message[], members: Member[] = [], unread = 0): void {
    this.messages.set(one.id, messages)
    this.members.set(one.id, members)
    this.read.set(one.id, messages.length - unread)
    this.conversations.set(one.id, one)
    this.#project(one.id)
  }

  /** Someone else writes. */
  arrive(conversationId: string, from: PersonName, words: string, sentNs?: string): Message {
    const one = text(conversationId, from, words, sentNs ?? this.now())
    this.#store(one)
    this.emit({ event: 'messages', conversation_id: conversationId, messages: [one] })
    this.emit({ event: 'conversation', conversation: this.#project(conversationId) })
    return one
  }

  /** A message gets another state. */
  deliver(one: Message, delivery: Message['delivery'], failure: string | null = null): void {
    const list = this.messages.get(one.conversation_id) ?? []
    const next = { ...one, delivery, failure }
    list.splice(
      list.findIndex(({ id }) => id === one.id),
      1,
      next,
    )
    this.emit({ event: 'messages', conversation_id: one.conversation_id, messages: [next] })
    this.emit({ event: 'conversation', conversation: this.#project(one.conversation_id) })
  }

  now(): string {
    return `${Date.now()}${String(++this.#count).padStart(6, '0')}`
  }

  #store(one: Message): void {
    this.messages.set(one.conversation_id, [...(this.messages.get(one.conversation_id) ?? []), one])
  }

  #get(id: string): Conversation {
    const one = this.conversations.get(id)
    if (one === undefined) throw fail('unknown_conversation', 'There is no such conversation.', false)
    return one
  }

  /** Works out the row of a conversation from its messages. */
  #project(id: string): Conversation {
    const list = this.messages.get(id) ?? []
    const newest = list.at(-1)
    const unread = list
      .slice(this.read.get(id) ?? 0)
      .filter((one) => !one.is_own && one.kind === 'application')
    const row: Conversation = {
      ...this.#get(id),
      last_activity_ns: newest?.sent_at_ns ?? this.#get(id).created_at_ns,
      unread_count: unread.length,
      failed_count: list.filter(({ delivery }) => delivery === 'failed').length,
      member_count: this.members.get(id)?.length ?? 0,
      preview:
        newest === undefined
          ? null
          : {
              message_id: newest.id,
              text: newest.text.slice(0, 200),
              sender_inbox_id: newest.sender_inbox_id,
              kind: newest.kind,
              delivery: newest.delivery,
              sent_at_ns: newest.sent_at_ns,
            },
    }
    this.conversations.set(id, row)
    return row
  }

  #page(id: string, anchor: Anchor, limit: number): MessagePage {
    const list = this.messages.get(id) ?? []
    const read = this.read.get(id) ?? list.length
    const firstUnread = list.findIndex((one, at) => at >= read && !one.is_own && one.kind === 'application')
    let from = Math.max(0, list.length - limit)
    let to = list.length
    if (anchor.at === 'first_unread' && firstUnread !== -1) {
      from = Math.max(0, firstUnread - Math.floor(limit / 2))
      to = Math.min(list.length, from + limit)
    } else if (anchor.at === 'before') {
      to = Number(anchor.position)
      from = Math.max(0, to - limit)
    } else if (anchor.at === 'after') {
      from = Number(anchor.position)
      to = Math.min(list.length, from + limit)
    }
    const unread = list[firstUnread]
    return {
      items: list.slice(from, to),
      older: from === 0 ? null : String(from),
      newer: to === list.length ? null : String(to),
      first_unread_id: unread !== undefined && firstUnread >= from && firstUnread < to ? unread.id : null,
    }
  }

  #resolve(who: string): Resolved {
    const unknown = { who, inbox_id: null, reachable: false, addresses: [] }
    if (!/^(0x[0-9a-f]{40}|[0-9a-f]{64})$/i.test(who)) return { ...unknown, problem: 'malformed' }
    const found = Object.values(people).find(
      ({ inboxId, address }) => inboxId === who.toLowerCase() || address.toLowerCase() === who.toLowerCase(),
    )
    if (found === undefined) return { ...unknown, problem: 'not_registered' }
    return {
      who,
      inbox_id: found.inboxId,
      reachable: true,
      addresses: [found.address],
      problem: found.inboxId === SELF.inboxId ? 'is_self' : null,
    }
  }

  #change(id: string, by: string, change: { added?: string[]; removed?: string[] }): void {
    this.#store(message.change(id, by, change, this.now()))
    const row = { ...this.#project(id), epoch: this.#get(id).epoch + 1 }
    this.conversations.set(id, row)
    this.emit({ event: 'messages', conversation_id: id, messages: (this.messages.get(id) ?? []).slice(-1) })
    this.emit({ event: 'conversation', conversation: row })
  }

  #member(inboxId: string, role: Member['role']): Member {
    const found = Object.values(people).find((one) => one.inboxId === inboxId)
    return {
      inbox_id: inboxId,
      addresses: found === undefined ? [] : [found.address],
      installation_ids: [inboxId.slice(0, 64)],
      role,
      consent: 'allowed',
      is_self: inboxId === SELF.inboxId,
    }
  }

  readonly #handlers: Handlers = {
    status: () => ({
      stage: this.stage,
      account:
        this.stage === 'empty'
          ? null
          : {
              inbox_id: SELF.inboxId,
              installation_id: 'f'.repeat(64),
              address: SELF.address,
              node: 'built-in',
              registered: this.stage === 'ready',
            },
      connection: this.online ? 'online' : 'offline',
      version: '0.1.0',
    }),
    wallet_create: () => ({ address: SELF.address, recovery_phrase: PHRASE }),
    wallet_import: ({ secret }) => {
      if (secret === 'wrong')
        throw fail(
          'bad_phrase',
          'This is not a recovery phrase: the last word does not fit. Check each word.',
        )
      return { address: SELF.address }
    },
    network_check: ({ node }) => {
      if (node.kind === 'address' && node.url.includes('wrong'))
        throw fail(
          'unreachable',
          'No node answers at this address. Nothing was changed. Check the address and that you are connected.',
        )
      return { url: node.kind === 'address' ? node.url : 'http://127.0.0.1:5556' }
    },
    registration_preview: () => ({
      address: SELF.address,
      inbox_id: SELF.inboxId,
      inbox_exists: false,
      installations: [],
      signature_text: [
        'XMTP : Authenticate to inbox',
        '',
        `Inbox ID: ${SELF.inboxId}`,
        'Current time: 2026-11-22T18:00:00.000000000Z',
        '',
        '- Create inbox',
        `  (Owner: ${SELF.address.toLowerCase()})`,
        '- Grant messaging access to app',
        `  (ID: ${'f'.repeat(64)})`,
        '',
        'For more info: https://xmtp.org/signatures',
      ].join('\n'),
    }),
    register: async () => {
      for (const step of STEPS) {
        this.emit({ event: 'registration', step, state: 'running' })
        if (this.stepMs > 0) await new Promise((done) => setTimeout(done, this.stepMs))
        this.emit({ event: 'registration', step, state: 'done' })
      }
      this.stage = 'ready'
      return (await this.#handlers.status({} as Args<'status'>)).account as Result<'register'>
    },
    conversation_list: ({ after, limit }) => {
      const all = [...this.conversations.values()]
        .filter(({ consent }) => consent !== 'denied')
        .sort((a, b) => (BigInt(a.last_activity_ns) > BigInt(b.last_activity_ns) ? -1 : 1))
      const from = Number(after ?? 0)
      return {
        items: all.slice(from, from + limit),
        next: from + limit < all.length ? String(from + limit) : null,
        total_unread: all.reduce((sum, one) => sum + one.unread_count, 0),
        requests: all.filter(({ consent }) => consent === 'unknown').length,
      }
    },
    conversation_get: ({ conversation_id }) => this.#get(conversation_id),
    conversation_mark_read: ({ conversation_id }) => {
      this.read.set(conversation_id, this.messages.get(conversation_id)?.length ?? 0)
      const conversation = this.#project(conversation_id)
      this.emit({ event: 'conversation', conversation })
      return conversation
    },
    consent_set: ({ conversation_id, state }) => {
      const conversation = { ...this.#get(conversation_id), consent: state }
      this.conversations.set(conversation_id, conversation)
      this.emit({ event: 'conversation', conversation })
      return conversation
    },
    message_list: ({ conversation_id, anchor, limit }) => this.#page(conversation_id, anchor, limit),
    message_send: ({ conversation_id, text: words }) => {
      const one: Message = { ...text(conversation_id, 'alix', words, this.now()), delivery: 'unpublished' }
      this.#store(one)
      this.#project(conversation_id)
      if (this.online) setTimeout(() => this.deliver(one, 'published'), 30)
      return one
    },
    message_retry: ({ message_id }) => {
      const one = [...this.messages.values()].flat().find(({ id }) => id === message_id)
      if (one === undefined) throw fail('unknown_message', 'There is no such message.', false)
      const next: Message = { ...one, delivery: 'unpublished', failure: null }
      if (this.online) setTimeout(() => this.deliver(next, 'published'), 30)
      return next
    },
    message_delete: ({ message_id }) => {
      for (const [id, list] of this.messages)
        this.messages.set(
          id,
          list.filter((one) => one.id !== message_id),
        )
      return {} as Result<'message_delete'>
    },
    who_resolve: ({ who }) => who.map((one) => this.#resolve(one)),
    group_create: ({ who, name, description }) => {
      const resolved = who.map((one) => this.#resolve(one))
      const id = `c${String(++this.#count)}`.padEnd(32, '0')
      const members = [
        this.#member(SELF.inboxId, 'super_admin'),
        ...resolved.flatMap(({ inbox_id }) => (inbox_id === null ? [] : [this.#member(inbox_id, 'member')])),
      ]
      this.add(conversation({ id, name, description, created_at_ns: this.now() }), [], members)
      return { conversation: this.#get(id), failed: [] }
    },
    dm_create: ({ who }) => {
      const { inbox_id, addresses } = this.#resolve(who)
      const id = `d${String(++this.#count)}`.padEnd(32, '0')
      this.add(
        conversation({
          id,
          kind: 'dm',
          created_at_ns: this.now(),
          peer_inbox_id: inbox_id,
          peer_address: addresses[0] ?? null,
        }),
        [],
      )
      return { conversation: this.#get(id), failed: [] }
    },
    group_update: ({ conversation_id, name, description }) => {
      const one = this.#get(conversation_id)
      const next = { ...one, name: name ?? one.name, description: description ?? one.description }
      this.conversations.set(conversation_id, next)
      return next
    },
    member_list: ({ conversation_id }) => this.members.get(conversation_id) ?? [],
    member_add: ({ conversation_id, who }) => {
      const added = who.flatMap((one) => this.#resolve(one).inbox_id ?? [])
      this.members.set(conversation_id, [
        ...(this.members.get(conversation_id) ?? []),
        ...added.map((inboxId) => this.#member(inboxId, 'member')),
      ])
      this.#change(conversation_id, SELF.inboxId, { added })
      return { added, failed: [] }
    },
    member_remove: ({ conversation_id, who }) => {
      this.members.set(
        conversation_id,
        (this.members.get(conversation_id) ?? []).filter(({ inbox_id }) => !who.includes(inbox_id)),
      )
      this.#change(conversation_id, SELF.inboxId, { removed: who })
      return { removed: who, failed: [] }
    },
    conversation_sync: () => ({ new_messages: 0, published: 0, failed: 0 }),
    sync_all: () => ({ synced: this.conversations.size, failed: 0, new_messages: 0 }),
    group_debug: () => ({ epoch: 1, epoch_authenticator: '', cursor: 0, fork: 'none', leaf_count: 1 }),
  }
}
