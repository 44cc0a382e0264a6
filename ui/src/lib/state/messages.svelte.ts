import { tick } from 'svelte'
import { toApiError, type Backend } from '../backend/backend'
import type { Anchor, ApiError, Message, MessagePage } from '../backend/generated'
import { compareNs } from '../format/time'
import { words } from '../words'

const PAGE = 60

/** The order in which messages are shown. */
export function inOrder(a: Message, b: Message): number {
  return compareNs(a.sent_at_ns, b.sent_at_ns) || compareNs(a.inserted_at_ns, b.inserted_at_ns)
}

/** A window on the messages of one conversation, grown at both ends as the person reads. */
export class Timeline {
  readonly #backend: Backend
  readonly conversationId: string

  items = $state.raw<Message[]>([])
  firstUnreadId = $state<string | null>(null)
  /** Positions of what lies beyond the window; null where it ends. */
  older = $state<string | null>(null)
  newer = $state<string | null>(null)
  loaded = $state(false)
  failure = $state<ApiError | null>(null)
  /** True while rows are put in front, for the virtual list to keep what is seen in place. */
  prepending = $state(false)
  #busy = false

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.conversationId = conversationId
  }

  /** Opens the window at the first unread message, else at the newest. */
  open(): Promise<void> {
    return this.#reset({ at: 'first_unread' })
  }

  /** Moves the window to the newest messages. */
  toLatest(): Promise<void> {
    return this.newer === null ? Promise.resolve() : this.#reset({ at: 'latest' })
  }

  /** After a gap in the events: reads what is new, and what changed of what is shown. */
  async resync(): Promise<void> {
    if (this.newer !== null) return
    const page = await this.#page({ at: 'latest' })
    if (page === null) return
    const first = page.items[0]
    const last = this.items.at(-1)
    const meets =
      first === undefined || last === undefined || inOrder(first, last) <= 0 || page.older === null
    if (meets) {
      this.receive(page.items)
      this.newer = page.newer
    } else this.#show(page)
  }

  async loadOlder(): Promise<void> {
    if (this.older === null || this.#busy) return
    this.#busy = true
    const page = await this.#page({ at: 'before', position: this.older })
    if (page !== null) {
      this.prepending = true
      this.older = page.older
      this.items = combine(page.items, this.items)
      await tick()
      this.prepending = false
    }
    this.#busy = false
  }

  async loadNewer(): Promise<void> {
    if (this.newer === null || this.#busy) return
    this.#busy = true
    const page = await this.#page({ at: 'after', position: this.newer })
    if (page !== null) {
      this.newer = page.newer
      this.items = combine(this.items, page.items)
    }
    this.#busy = false
  }

  /**
   * Takes in rows that came or changed; says which were not there before. Rows outside the window are
   * left out: they come when the window grows.
   */
  receive(messages: Message[]): Message[] {
    const known = new Set(this.items.map(({ id }) => id))
    const first = this.items[0]
    const relevant = messages.filter(
      (one) =>
        known.has(one.id) ||
        (this.newer === null && (this.older === null || first === undefined || inOrder(one, first) > 0)),
    )
    if (relevant.length > 0) this.items = combine(this.items, relevant)
    return messages.filter(({ id }) => !known.has(id))
  }

  remove(messageId: string): void {
    this.items = this.items.filter(({ id }) => id !== messageId)
  }

  async send(text: string): Promise<void> {
    const message = await this.#backend.call('message_send', { conversation_id: this.conversationId, text })
    this.firstUnreadId = null
    await this.toLatest()
    this.#answered(message)
  }

  async retry(messageId: string): Promise<void> {
    this.#answered(await this.#backend.call('message_retry', { message_id: messageId }))
  }

  async delete(messageId: string): Promise<void> {
    await this.#backend.call('message_delete', { message_id: messageId })
    this.remove(messageId)
  }

  /** Takes in the answer to a command, unless an event was quicker to say that the message is out. */
  #answered(message: Message): void {
    const known = this.items.find(({ id }) => id === message.id)
    if (known?.delivery !== 'published') this.receive([message])
  }

  async #reset(anchor: Anchor): Promise<void> {
    const page = await this.#page(anchor)
    if (page !== null) this.#show(page)
  }

  #show(page: MessagePage): void {
    this.items = [...page.items].sort(inOrder)
    this.older = page.older
    this.newer = page.newer
    this.firstUnreadId = page.first_unread_id
    this.loaded = true
  }

  async #page(anchor: Anchor): Promise<MessagePage | null> {
    try {
      const page = await this.#backend.call('message_list', {
        conversation_id: this.conversationId,
        anchor,
        limit: PAGE,
      })
      this.failure = null
      return page
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
      return null
    }
  }
}

/** Rows of `b` replace those of `a` with the same id; the result is in order. */
function combine(a: Message[], b: Message[]): Message[] {
  const byId = new Map(a.map((one) => [one.id, one]))
  for (const one of b) byId.set(one.id, one)
  return [...byId.values()].sort(inOrder)
}
