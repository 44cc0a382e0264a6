import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, Message } from '../backend/generated'
import { words } from '../words'
import { inOrder } from './messages.svelte'

const PAGE = 50

/** Chosen messages of a conversation, newest first, read page by page. */
export class Backwards {
  readonly #backend: Backend
  readonly #command: 'group_changes' | 'conversation_files'
  readonly conversationId: string

  items = $state.raw<Message[]>([])
  /** Where older ones begin; null at the end. */
  older = $state<string | null>(null)
  loaded = $state(false)
  loading = $state(false)
  failure = $state<ApiError | null>(null)
  /** What events told about while a page was on its way: it is older than they are. */
  readonly #told = new Set<string>()
  /** Counts fresh starts; what was asked for before the last is not wanted any more. */
  #start = 0

  constructor(backend: Backend, command: 'group_changes' | 'conversation_files', conversationId: string) {
    this.#backend = backend
    this.#command = command
    this.conversationId = conversationId
  }

  /** Reads the newest page; what was read before stays. */
  open(): Promise<void> {
    return this.#read(null)
  }

  loadOlder(): Promise<void> {
    return this.older === null ? Promise.resolve() : this.#read(this.older)
  }

  /** Reads the newest page in place of everything that was read. */
  protected restart(): Promise<void> {
    this.#start++
    this.loading = false
    return this.#read(null, true)
  }

  /** Puts rows in, or in place of those with the same id. */
  protected put(messages: Message[]): void {
    for (const { id } of messages) this.#told.add(id)
    this.#merge(messages)
  }

  /** Takes rows out. */
  protected drop(ids: string[]): void {
    for (const id of ids) this.#told.add(id)
    if (this.items.some(({ id }) => ids.includes(id))) {
      this.items = this.items.filter(({ id }) => !ids.includes(id))
    }
  }

  #merge(messages: Message[]): void {
    const byId = new Map([...this.items, ...messages].map((one) => [one.id, one]))
    this.items = [...byId.values()].sort((a, b) => inOrder(b, a))
  }

  async #read(before: string | null, afresh = false): Promise<void> {
    if (this.loading) return
    const start = this.#start
    this.loading = true
    this.#told.clear()
    try {
      const page = await this.#backend.call(this.#command, {
        conversation_id: this.conversationId,
        before,
        limit: PAGE,
      })
      if (start !== this.#start) return
      if (afresh) this.items = this.items.filter(({ id }) => this.#told.has(id))
      this.#merge(page.items.filter(({ id }) => !this.#told.has(id)))
      // A newer page says nothing about how far back what is here goes.
      if (before !== null || afresh || !this.loaded) this.older = page.older
      this.loaded = true
      this.failure = null
    } catch (error) {
      if (start !== this.#start) return
      this.failure = toApiError(error, words.errors.internal)
    }
    this.loading = false
  }
}
