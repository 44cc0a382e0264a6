import { Listeners } from '../../src/lib/backend/backend'
import type {
  ApiError,
  Consent,
  Content,
  Conversation,
  Event,
  GroupRules,
  Member,
  Message,
  Permissions,
  Resolved,
  Role,
} from '../../src/lib/backend/generated'
import { actions, judged, preset } from './policies'
import { message, people, SELF, text, type PersonName } from './world'

export function fail(code: string, sentence: string, retryable = true): ApiError {
  return { code, message: sentence, retryable }
}

type Update = Extract<Content, { kind: 'group_updated' }>

/** What the backend in memory holds, and what follows from it. */
export class Store {
  readonly listeners = new Listeners()
  readonly conversations = new Map<string, Conversation>()
  readonly messages = new Map<string, Message[]>()
  readonly members = new Map<string, Member[]>()
  readonly permissions = new Map<string, Permissions>()
  readonly appData = new Map<string, string>()
  /** Decisions about conversations and people; none where nothing was decided. */
  readonly records = new Map<string, Consent>()
  readonly inboxes = new Map<string, { state: Consent; decidedNs: string }>()
  /** Read position by conversation, as an index into its messages. */
  readonly read = new Map<string, number>()
  /** Conversations that were deleted while we are in them, until something new comes. */
  readonly hidden = new Set<string>()
  #count = 0

  emit(event: Event): void {
    this.listeners.emit(structuredClone(event))
  }

  now(): string {
    return `${Date.now()}${String(++this.#count).padStart(6, '0')}`
  }

  newId(prefix: string): string {
    return `${prefix}${String(++this.#count)}`.padEnd(32, '0')
  }

  get(id: string): Conversation {
    const one = this.conversations.get(id)
    if (one === undefined) throw fail('unknown_conversation', 'There is no such conversation.', false)
    return one
  }

  add(one: Conversation, messages: Message[], members: Member[] = [], unread = 0): void {
    this.messages.set(one.id, messages)
    this.members.set(one.id, [...members])
    this.read.set(one.id, messages.length - unread)
    if (one.consent !== 'unknown') this.records.set(one.id, one.consent)
    this.conversations.set(one.id, one)
    this.project(one.id)
  }

  /** Works out the row of a conversation. */
  project(id: string): Conversation {
    const list = this.messages.get(id) ?? []
    const newest = list.at(-1)
    const unread = list
      .slice(this.read.get(id) ?? 0)
      .filter((one) => !one.is_own && one.kind === 'application')
    const one = this.get(id)
    const person = one.peer_inbox_id ?? one.added_by_inbox_id
    const personal = this.inboxes.get(person)?.state ?? 'unknown'
    const consent = this.records.get(id) ?? (person === SELF.inboxId ? one.consent : personal)
    const row: Conversation = {
      ...one,
      consent,
      request: consent === 'unknown' && one.creator_inbox_id !== SELF.inboxId,
      added_by_consent: this.inboxes.get(one.added_by_inbox_id)?.state ?? 'unknown',
      my_role: this.role(id),
      last_activity_ns: newest?.sent_at_ns ?? one.created_at_ns,
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

  /** Changes a row and says so. */
  put(id: string, change: Partial<Conversation>): Conversation {
    this.conversations.set(id, { ...this.get(id), ...change })
    const conversation = this.project(id)
    this.emit({ event: 'conversation', conversation })
    return conversation
  }

  /** Our role. */
  role(id: string): Role {
    return this.members.get(id)?.find(({ is_self }) => is_self)?.role ?? 'member'
  }

  permissionsOf(id: string): Permissions {
    return this.permissions.get(id) ?? preset(this.get(id).kind === 'dm' ? 'dm' : 'everyone')
  }

  rules(id: string): GroupRules {
    const one = this.get(id)
    const members = this.members.get(id) ?? []
    const ids = (role: Role): string[] =>
      members.filter((member) => member.role === role).map(({ inbox_id }) => inbox_id)
    return {
      permissions: this.permissionsOf(id),
      my_role: this.role(id),
      admins: ids('admin'),
      super_admins: ids('super_admin'),
      creator_inbox_id: one.creator_inbox_id,
      minimum_version: one.minimum_version,
      app_data: this.appData.get(id) ?? '',
      actions: actions(one, this.permissionsOf(id), this.role(id), members),
    }
  }

  /** Refuses what our role does not allow. */
  require(id: string, action: string): void {
    const rule = this.rules(id).actions[action]
    if (rule?.allowed === false) throw fail('denied_by_policy', rule.reason ?? '', false)
  }

  judgedMembers(id: string): Member[] {
    const members = this.members.get(id) ?? []
    return members.map((one) => ({
      ...judged(this.permissionsOf(id), one, this.role(id), members),
      consent: one.is_self ? 'allowed' : (this.inboxes.get(one.inbox_id)?.state ?? 'unknown'),
    }))
  }

  store(one: Message): void {
    this.messages.set(one.conversation_id, [...(this.messages.get(one.conversation_id) ?? []), one])
  }

  /** A commit: its line, the next epoch, and what else of the row it changes. */
  change(id: string, by: string, change: Partial<Update>, row: Partial<Conversation> = {}): Conversation {
    this.store(message.change(id, by, change, this.now()))
    this.emit({ event: 'messages', conversation_id: id, messages: (this.messages.get(id) ?? []).slice(-1) })
    return this.put(id, { ...row, epoch: this.get(id).epoch + 1 })
  }

  /** A change of one field of the metadata. */
  changeField(
    id: string,
    field: string,
    before: string | null,
    after: string | null,
    row: Partial<Conversation>,
    by: string = SELF.inboxId,
  ): Conversation {
    return this.change(id, by, { fields: [{ field, old: before, new: after }] }, row)
  }

  /** Someone else writes. */
  arrive(conversationId: string, from: PersonName, words: string, sentNs?: string): Message {
    const one = text(conversationId, from, words, sentNs ?? this.now())
    this.hidden.delete(conversationId)
    this.store(one)
    this.emit({ event: 'messages', conversation_id: conversationId, messages: [one] })
    this.emit({ event: 'conversation', conversation: this.project(conversationId) })
    return one
  }

  /** Somebody adds a reaction or takes it back; the message as it is then. */
  react(one: Message, by: string, content: string, isAdded: boolean): Message {
    const known = one.reactions
    const before = known.find((reaction) => reaction.content === content)
    const senders = (before?.senders ?? []).filter((sender) => sender !== by)
    if (isAdded) senders.push(by)
    const after = {
      content,
      schema: 'unicode' as const,
      count: senders.length,
      is_own: senders.includes(SELF.inboxId),
      senders,
    }
    const others =
      before === undefined ? [...known, after] : known.map((all) => (all === before ? after : all))
    return { ...one, reactions: others.filter(({ count }) => count > 0) }
  }

  /** A message changes. */
  update(one: Message): void {
    this.deliver(one, one.delivery, one.failure)
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
    this.emit({ event: 'conversation', conversation: this.project(one.conversation_id) })
  }

  /** Someone takes a decision about a person: everything they began comes or goes. */
  decide(inboxId: string, state: Consent): void {
    this.inboxes.delete(inboxId)
    if (state !== 'unknown') this.inboxes.set(inboxId, { state, decidedNs: this.now() })
    this.emit({ event: 'consent', entity: 'inbox', id: inboxId, state })
    for (const one of [...this.conversations.values()]) {
      if ((one.peer_inbox_id ?? one.added_by_inbox_id) !== inboxId) continue
      if (one.kind === 'dm' && state !== 'unknown') this.records.set(one.id, state)
      this.put(one.id, {})
    }
  }

  resolve(who: string): Resolved {
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

  newMember(inboxId: string, role: Role): Member {
    const found = Object.values(people).find((one) => one.inboxId === inboxId)
    return {
      inbox_id: inboxId,
      addresses: found === undefined ? [] : [found.address],
      installation_ids: [inboxId.slice(0, 64)],
      role,
      consent: 'unknown',
      is_self: inboxId === SELF.inboxId,
      can: [],
      denied: {},
    }
  }
}
