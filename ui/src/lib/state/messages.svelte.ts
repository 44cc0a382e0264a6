import { tick } from 'svelte'
import { toApiError, type Backend } from '../backend/backend'
import type { Anchor, ApiError, Event, Message, MessagePage } from '../backend/generated'
import { compareNs } from '../format/time'
import { words } from '../words'

const PAGE = 60

/** The order in which messages are shown. */
export function inOrder(a: Message, b: Message): number {
  return compareNs(a.sent_at_ns, b.sent_at_ns) || compareNs(a.inserted_at_ns, b.inserted_at_ns)
}

/** A message with one of its attachments further on its way. */
export function withProgress(
  message: Message,
  { index, state, done_bytes, total_bytes }: Extract<Event, { event: 'attachment_progress' }>,
): Message {
  const { content } = message
  if (content.kind !== 'attachments') return message
  const items = content.items.map((item) =>
    item.index === index ? { ...item, state, done_bytes, total_bytes } : item,
  )
  return { ...message, content: { ...content, items } }
}

/** How something is sent, and with what. */
export type Sending = { markdown?: boolean; replyTo?: string | null; attachments?: string[] }

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
  /** Words that are searched for, in lower case, to be marked where they stand. */
  sought = $state.raw<readonly string[]>([])
  /** What was marked unread stays so while it is looked at. */
  keepsUnread = $state(false)
  #busy = false
  #opening: Promise<void> = Promise.resolve()

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.conversationId = conversationId
  }

  /** Opens the window at the first unread message, else at the newest. */
  open(): Promise<void> {
    this.#opening = this.#reset({ at: 'first_unread' })
    return this.#opening
  }

  /** Moves the window to what was written from a moment on; says which message comes first, null if none. */
  async from(ns: string): Promise<string | null> {
    await this.#opening
    const page = await this.#backend.call('message_list', {
      conversation_id: this.conversationId,
      anchor: { at: 'date', at_ns: ns },
      limit: PAGE,
    })
    this.#show(page)
    const first = this.items.find((one) => compareNs(one.sent_at_ns, ns) >= 0) ?? this.items.at(-1)
    return first?.id ?? null
  }

  /** Moves the window to the newest messages. */
  toLatest(): Promise<void> {
    return this.newer === null ? Promise.resolve() : this.#reset({ at: 'latest' })
  }

  /** Moves the window so that a message is in it. Rejects if it is not on this installation. */
  async around(messageId: string): Promise<void> {
    // Its answer would come after ours and move the window away again.
    await this.#opening
    if (this.items.some(({ id }) => id === messageId)) return
    const page = await this.#backend.call('message_list', {
      conversation_id: this.conversationId,
      anchor: { at: 'message', message_id: messageId },
      limit: PAGE,
    })
    this.#show(page)
  }

  /** One message, without moving the window; null if it is not on this installation. */
  async read(messageId: string): Promise<Message | null> {
    try {
      const page = await this.#backend.call('message_list', {
        conversation_id: this.conversationId,
        anchor: { at: 'message', message_id: messageId },
        limit: 1,
      })
      return page.items.find(({ id }) => id === messageId) ?? null
    } catch {
      return null
    }
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

  async send(
    text: string,
    { markdown = false, replyTo = null, attachments = [] }: Sending = {},
  ): Promise<void> {
    const message = await this.#backend.call('message_send', {
      conversation_id: this.conversationId,
      text,
      format: markdown ? 'markdown' : 'text',
      ...(replyTo === null ? {} : { reply_to: replyTo }),
      attachments,
    })
    this.firstUnreadId = null
    this.keepsUnread = false
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

  react(messageId: string, content: string, isAdded: boolean): Promise<void> {
    return this.change(
      messageId,
      this.#backend.call('message_react', { message_id: messageId, content, is_added: isAdded }),
    )
  }

  deleteForEveryone(messageId: string): Promise<void> {
    return this.change(
      messageId,
      this.#backend.call('message_delete_for_everyone', { message_id: messageId }),
    )
  }

  /** Takes in a message as a command leaves it, unless an event was quicker and says more. */
  async change(messageId: string, command: Promise<Message>): Promise<void> {
    const find = (): Message | undefined => this.items.find(({ id }) => id === messageId)
    const before = find()
    const after = await command
    if (find() === before) this.receive([after])
  }

  /** Answers a question that came with buttons. */
  async answer(messageId: string, actionId: string): Promise<void> {
    this.#answered(await this.#backend.call('actions_answer', { message_id: messageId, action_id: actionId }))
  }

  /** Everything from a message on counts as unread, until the conversation is opened again. */
  async markUnread(messageId: string): Promise<void> {
    this.keepsUnread = true
    await this.#backend.call('conversation_mark_unread', {
      conversation_id: this.conversationId,
      message_id: messageId,
    })
    this.firstUnreadId = messageId
  }

  /** How far the transfer of an attachment is. */
  progress(event: Extract<Event, { event: 'attachment_progress' }>): void {
    const message = this.items.find(({ id }) => id === event.message_id)
    if (message !== undefined) this.receive([withProgress(message, event)])
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
