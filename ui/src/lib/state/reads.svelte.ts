import type { Backend } from '../backend/backend'
import type { ReadTime } from '../backend/generated'
import { compareNs } from '../format/time'

/** How far the others have read one conversation, by the receipts they sent. */
export class Reads {
  readonly #backend: Backend
  readonly #conversationId: string
  #busy = false
  #again = false
  all = $state.raw<ReadTime[]>([])

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.#conversationId = conversationId
  }

  /** Reads the local database; while it does, further wishes are one. */
  async load(): Promise<void> {
    this.#again = true
    if (this.#busy) return
    this.#busy = true
    while (this.#again) {
      this.#again = false
      try {
        this.all = await this.#backend.call('conversation_read_times', {
          conversation_id: this.#conversationId,
        })
      } catch {
        // Only a sign beside the time: the next change asks again.
      }
    }
    this.#busy = false
  }

  /** Who of the others has read what was sent at a time. */
  by(sentNs: string, self: string | null): string[] {
    return this.all
      .filter(({ inbox_id, read_up_to_ns: upTo }) => inbox_id !== self && compareNs(upTo, sentNs) >= 0)
      .map(({ inbox_id }) => inbox_id)
  }
}
