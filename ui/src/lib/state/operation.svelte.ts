import { toApiError } from '../backend/backend'
import type { ApiError } from '../backend/generated'
import { words } from '../words'
import type { App, Progress } from './app.svelte'

function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}

/** Something that goes on step by step and can be stopped between two steps. */
export class Operation {
  readonly #app: App
  readonly id = randomId()
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
