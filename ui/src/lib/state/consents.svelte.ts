import { SvelteMap } from 'svelte/reactivity'
import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, Consent, InboxConsent } from '../backend/generated'
import { words } from '../words'
import type { People } from './people.svelte'

export type Decided = Exclude<Consent, 'unknown'>

/** The people one allowed or blocked. */
export class Consents {
  readonly #backend: Backend
  readonly #people: People
  readonly #lists = new SvelteMap<Decided, InboxConsent[]>()

  failure = $state<ApiError | null>(null)
  /** Grows with every change of a consent, here or on another device of ours. */
  changes = $state(0)

  constructor(backend: Backend, people: People) {
    this.#backend = backend
    this.#people = people
  }

  /** Null until it was read. */
  list(state: Decided): InboxConsent[] | null {
    return this.#lists.get(state) ?? null
  }

  async load(): Promise<void> {
    try {
      for (const state of ['denied', 'allowed'] as const) {
        const list = await this.#backend.call('inbox_consent_list', { state })
        for (const { inbox_id, addresses } of list) this.#people.learn(inbox_id, addresses[0])
        this.#lists.set(state, list)
      }
      this.failure = null
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
    }
  }

  async set(inboxId: string, state: Consent): Promise<void> {
    await this.#backend.call('inbox_consent_set', { inbox_id: inboxId, state })
  }

  /** Something was decided: lists that are open are read again. */
  changed(): void {
    this.changes++
    if (this.#lists.size > 0) void this.load()
  }
}
