import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, Pin } from '../backend/generated'
import { words } from '../words'

/** The most messages that can be pinned in a conversation. */
export const MOST_PINS = 20

/** The pinned messages of a conversation, newest pin first. */
export class Pins {
  readonly #backend: Backend
  readonly conversationId: string
  #reading = 0

  /** Null until the first answer. */
  all = $state.raw<Pin[] | null>(null)
  failure = $state<ApiError | null>(null)

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.conversationId = conversationId
  }

  async load(): Promise<void> {
    const reading = ++this.#reading
    try {
      const all = await this.#backend.call('pin_list', { conversation_id: this.conversationId })
      if (reading !== this.#reading) return
      this.all = all
      this.failure = null
    } catch (error) {
      if (reading === this.#reading) this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Messages came, changed or went: if one of them is pinned, it is read again. */
  changed(messageIds: readonly string[]): void {
    if (this.all?.some(({ message_id }) => messageIds.includes(message_id)) === true) void this.load()
  }

  async set(messageId: string, pinned: boolean): Promise<void> {
    await this.#backend.call('pin_set', {
      conversation_id: this.conversationId,
      message_id: messageId,
      pinned,
    })
  }
}
