import { SvelteMap } from 'svelte/reactivity'

/**
 * What was begun to be written, by conversation. In memory only: text of messages is never stored
 * outside the encrypted database.
 */
export class Drafts {
  readonly #texts = new SvelteMap<string, string>()

  get(conversationId: string): string {
    return this.#texts.get(conversationId) ?? ''
  }

  set(conversationId: string, text: string): void {
    if (text === '') this.#texts.delete(conversationId)
    else this.#texts.set(conversationId, text)
  }
}
