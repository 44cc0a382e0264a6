import { SvelteMap } from 'svelte/reactivity'
import type { Backend } from '../backend/backend'
import type { Conversation, Draft } from '../backend/generated'

const NOTHING: Draft = { text: '', reply_to: null }
/** The longest time for which what was typed is not stored yet. */
const STORED_WITHIN_MS = 400

const same = (a: Draft, b: Draft): boolean => a.text === b.text && a.reply_to === b.reply_to

/** What was begun to be written, by conversation. It is stored in the encrypted database only. */
export class Drafts {
  readonly #backend: Backend
  /** What was written since the app was opened; it is newer than what a row says. */
  readonly #written = new SvelteMap<string, Draft>()
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  of({ id, draft }: Pick<Conversation, 'id' | 'draft'>): Draft {
    return this.#written.get(id) ?? draft ?? NOTHING
  }

  set(conversation: Pick<Conversation, 'id' | 'draft'>, draft: Draft): void {
    if (same(this.of(conversation), draft)) return
    const { id } = conversation
    this.#written.set(id, draft)
    // Not begun anew by each key: who types without a pause would have nothing stored.
    if (this.#timers.has(id)) return
    this.#timers.set(
      id,
      setTimeout(() => this.flush(id), STORED_WITHIN_MS),
    )
  }

  /** Stores at once what still waits: of one conversation, or of all. */
  flush(id?: string): void {
    for (const one of id === undefined ? [...this.#timers.keys()] : [id]) {
      const draft = this.#written.get(one)
      if (!this.#timers.has(one) || draft === undefined) continue
      clearTimeout(this.#timers.get(one))
      this.#timers.delete(one)
      // Kept in memory whatever happens; the next change tries again.
      this.#backend.call('draft_set', { conversation_id: one, ...draft }).catch(() => undefined)
    }
  }

  /** Another id stands for the conversation from now on; nobody asks for the row of the old one any more. */
  move(from: string, to: Pick<Conversation, 'id' | 'draft'>): void {
    const draft = this.#written.get(from)
    if (draft === undefined) return
    if (same(this.of(to), NOTHING)) this.set(to, draft)
    clearTimeout(this.#timers.get(from))
    this.#timers.delete(from)
    this.#written.delete(from)
  }
}
