import { toApiError } from '../backend/backend'
import type { ApiError } from '../backend/generated'
import { hex } from '../format/hex'
import { words } from '../words'
import type { App, Progress } from './app.svelte'

/** Something that goes on step by step and can be stopped between two steps. */
export class Operation {
  readonly #app: App
  readonly id = hex(crypto.getRandomValues(new Uint8Array(16)))
  cancelling = $state(false)
  failure = $state<ApiError | null>(null)

  constructor(app: App) {
    this.#app = app
  }

  get progress(): Progress | null {
    return this.#app.progress.get(this.id) ?? null
  }

  async cancel(): Promise<void> {
    this.cancelling = true
    this.failure = null
    try {
      await this.#app.backend.call('operation_cancel', { operation_id: this.id })
    } catch (error) {
      this.cancelling = false
      this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Its progress is not needed any more. */
  end(): void {
    this.#app.progress.delete(this.id)
  }
}
