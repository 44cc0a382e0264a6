import { toApiError, type Backend } from '../backend/backend'
import type { ActionRule, ApiError, GroupRules } from '../backend/generated'
import { words } from '../words'

/** What a conversation allows, to whom, and what we may do ourselves. */
export class Rules {
  readonly #backend: Backend
  readonly conversationId: string
  /** The newest reading; answers of older ones are dropped. */
  #reading = 0

  /** Null until the first answer. */
  all = $state.raw<GroupRules | null>(null)
  failure = $state<ApiError | null>(null)

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.conversationId = conversationId
  }

  async load(): Promise<void> {
    const reading = ++this.#reading
    try {
      const all = await this.#backend.call('group_rules', { conversation_id: this.conversationId })
      if (reading === this.#reading) this.take(all)
    } catch (error) {
      if (reading === this.#reading) this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Takes in what a command answered with. */
  take(all: GroupRules): void {
    this.#reading++
    this.all = all
    this.failure = null
  }

  action(name: string): ActionRule | null {
    return this.all?.actions[name] ?? null
  }

  /** Whether we may do all of these; false until that is known. */
  may(...names: string[]): boolean {
    return names.every((name) => this.action(name)?.allowed === true)
  }

  /** Why we may not do one of these; null if we may, or if it is not known yet. */
  why(...names: string[]): string | null {
    for (const name of names) {
      const rule = this.action(name)
      if (rule?.allowed === false) return rule.reason ?? words.errors.notAllowed
    }
    return null
  }
}
