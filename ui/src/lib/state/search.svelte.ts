import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, SearchHit } from '../backend/generated'
import { words } from '../words'

const PAGE = 40
const PAUSE_MS = 150
const FILTER = /^(?:from|in|before|after):/i

/** The words of a query that are looked for, in lower case; filters are none. */
export function soughtWords(query: string): string[] {
  return [...query.matchAll(/"([^"]+)"|(\S+)/g)]
    .map(([, quoted, word]) => (quoted ?? word ?? '').trim().toLowerCase())
    .filter((one) => one !== '' && one !== '"' && !FILTER.test(one))
}

/** A search over stored messages, newest first. */
export class Search {
  readonly #backend: Backend
  readonly #conversationId: string | null
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The newest question; answers to older ones are dropped. */
  #asked = 0

  query = $state('')
  /** Null until the first answer to this query. */
  hits = $state.raw<SearchHit[] | null>(null)
  next = $state<string | null>(null)
  /** What is wrong with the query, in words. */
  problem = $state<string | null>(null)
  failure = $state<ApiError | null>(null)

  constructor(backend: Backend, conversationId: string | null) {
    this.#backend = backend
    this.#conversationId = conversationId
  }

  /** Asks once the person pauses. */
  write(query: string): void {
    this.query = query
    this.#asked++
    clearTimeout(this.#timer)
    if (query.trim() === '') {
      this.hits = null
      this.next = null
      this.problem = null
      this.failure = null
    } else this.#timer = setTimeout(() => void this.#ask(null), PAUSE_MS)
  }

  /** Reads further hits. */
  async more(): Promise<void> {
    if (this.next !== null) await this.#ask(this.next)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#asked++
  }

  async #ask(before: string | null): Promise<void> {
    const asked = ++this.#asked
    try {
      const page = await this.#backend.call('search_messages', {
        query: this.query.trim(),
        limit: PAGE,
        // Days are those of this place.
        utc_offset_minutes: -new Date().getTimezoneOffset(),
        ...(this.#conversationId === null ? {} : { conversation_id: this.#conversationId }),
        ...(before === null ? {} : { before }),
      })
      if (asked !== this.#asked) return
      this.hits = before === null ? page.items : [...(this.hits ?? []), ...page.items]
      this.next = page.next
      this.problem = page.problem
      this.failure = null
    } catch (error) {
      if (asked === this.#asked) this.failure = toApiError(error, words.errors.internal)
    }
  }
}
