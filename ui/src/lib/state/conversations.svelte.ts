import { SvelteMap } from 'svelte/reactivity'
import { nothing, toApiError, type Backend } from '../backend/backend'
import type { ApiError, Consent, Conversation, ListFilter } from '../backend/generated'
import { shorten } from '../format/address'
import { compareNs } from '../format/time'
import { visible } from '../format/visible'
import { words } from '../words'
import type { People } from './people.svelte'

const FIRST_PAGE = 100
const FURTHER_PAGES = 1_000

/** Newest activity first; the id decides between equals, so that the order never flickers. */
function byActivity(a: Conversation, b: Conversation): number {
  return compareNs(b.last_activity_ns, a.last_activity_ns) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** All conversations, in the order of the list. */
export class Conversations {
  readonly #backend: Backend
  readonly #people: People
  readonly #byId = new SvelteMap<string, Conversation>()
  /** Rows that came since the list was last put in order. */
  #fresh = new Map<string, Conversation>()
  /** The newest reading of the list; an older one that still runs stops. */
  #reading = 0
  /** Rows that came while the list is being read; its answers may not know them yet. */
  #meanwhile = new Set<string>()

  sorted = $state.raw<Conversation[]>([])
  loaded = $state(false)
  failure = $state<ApiError | null>(null)

  readonly accepted = $derived(this.sorted.filter((one) => !one.request))
  readonly unread = $derived(this.accepted.filter((one) => one.unread_count > 0))
  readonly requests = $derived(this.sorted.filter((one) => one.request))
  readonly totalUnread = $derived(this.accepted.reduce((sum, one) => sum + one.unread_count, 0))

  constructor(backend: Backend, people: People) {
    this.#backend = backend
    this.#people = people
  }

  get(id: string): Conversation | null {
    return this.#byId.get(id) ?? null
  }

  filtered(filter: ListFilter): Conversation[] {
    return filter === 'all' ? this.accepted : filter === 'unread' ? this.unread : this.requests
  }

  title(one: Conversation): string {
    if (one.kind === 'group') return visible(one.name) || words.list.untitled
    if (one.peer_inbox_id !== null) return this.#people.shortId(one.peer_inbox_id)
    return shorten(one.peer_address ?? one.id)
  }

  /** What the generated mark of a conversation is made from. */
  markId(one: Conversation): string {
    return one.peer_inbox_id ?? one.id
  }

  /** Reads the whole list: the first page is shown at once, the rest follows, what is not in it goes. */
  async load(): Promise<void> {
    const reading = ++this.#reading
    const read = new Set<string>()
    this.#meanwhile.clear()
    let after: string | null = null
    try {
      do {
        const limit: number = after === null ? FIRST_PAGE : FURTHER_PAGES
        const page: { items: Conversation[]; next: string | null } = await this.#backend.call(
          'conversation_list',
          { filter: 'all', after, limit },
        )
        if (reading !== this.#reading) return
        for (const one of page.items) {
          read.add(one.id)
          if (!this.#meanwhile.has(one.id)) this.#fresh.set(one.id, one)
        }
        this.#settle()
        this.loaded = true
        after = page.next
      } while (after !== null)
      for (const id of [...this.#byId.keys()]) {
        if (!read.has(id) && !this.#meanwhile.has(id)) this.remove(id)
      }
      this.failure = null
    } catch (error) {
      if (reading === this.#reading) this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Takes in a row that changed. Many in one turn are put in order once. */
  receive(conversation: Conversation): void {
    const before = this.#byId.get(conversation.id)
    if (before?.epoch !== conversation.epoch) this.#people.forget(conversation.id)
    if (this.#fresh.size === 0) queueMicrotask(() => this.#settle())
    for (const other of conversation.duplicate_ids) this.#fresh.delete(other)
    this.#fresh.set(conversation.id, conversation)
    this.#meanwhile.add(conversation.id)
  }

  /** Whether an id is that of a conversation, or one of the others under which it was begun. */
  isOf(id: string, conversationId: string): boolean {
    return id === conversationId || this.get(conversationId)?.duplicate_ids.includes(id) === true
  }

  /** A conversation is gone from this installation. */
  remove(id: string): void {
    this.#fresh.delete(id)
    this.#meanwhile.delete(id)
    if (this.#byId.delete(id)) this.sorted = this.sorted.filter((one) => one.id !== id)
  }

  /**
   * Takes in the row that a command answered with, if it is the first of its conversation. A known one
   * comes with an event, in order; answers overtake each other and could bring an older row back.
   */
  answered(conversation: Conversation): void {
    if (!this.#byId.has(conversation.id) && !this.#fresh.has(conversation.id)) this.receive(conversation)
  }

  async markRead(id: string): Promise<void> {
    if ((this.get(id)?.unread_count ?? 0) === 0) return
    try {
      await this.#backend.call('conversation_mark_read', { conversation_id: id })
    } catch {
      // The badge stays; the next look at the conversation tries again.
    }
  }

  /** The newest message of somebody else counts as unread again. */
  async markUnread(id: string): Promise<void> {
    await this.#backend.call('conversation_mark_unread', { conversation_id: id })
  }

  async setConsent(id: string, state: Consent): Promise<void> {
    await this.#backend.call('consent_set', { conversation_id: id, state })
  }

  async syncAll(): Promise<void> {
    await this.#backend.call('sync_all', nothing)
  }

  #settle(): void {
    if (this.#fresh.size === 0) return
    const fresh = this.#fresh
    this.#fresh = new Map()
    const incoming: Conversation[] = []
    const replaced = new Set(fresh.keys())
    for (const one of fresh.values()) {
      this.#people.learnConversation(one)
      // Which id stands for a direct message may change with a message: the other row goes.
      for (const other of one.duplicate_ids) {
        if (fresh.has(other)) continue
        replaced.add(other)
        this.#byId.delete(other)
      }
      if (one.consent === 'denied') this.#byId.delete(one.id)
      else {
        this.#byId.set(one.id, one)
        incoming.push(one)
      }
    }
    incoming.sort(byActivity)
    this.sorted = merge(
      this.sorted.filter((one) => !replaced.has(one.id)),
      incoming,
    )
  }
}

/** Two lists in order become one. */
function merge(a: Conversation[], b: Conversation[]): Conversation[] {
  const out: Conversation[] = []
  let i = 0
  for (const next of b) {
    for (let other = a[i]; other !== undefined && byActivity(other, next) <= 0; other = a[++i])
      out.push(other)
    out.push(next)
  }
  for (let other = a[i]; other !== undefined; other = a[++i]) out.push(other)
  return out
}
