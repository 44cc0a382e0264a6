import { SvelteMap } from 'svelte/reactivity'
import type { Backend } from '../backend/backend'
import type { Conversation, Member, Resolved } from '../backend/generated'
import { shorten } from '../format/address'
import { words } from '../words'

/** What is known about people: who we are, and the addresses of others. */
export class People {
  readonly #backend: Backend
  readonly #addresses = new SvelteMap<string, string>()
  readonly #asked = new Set<string>()
  readonly #looked = new Set<string>()
  self = $state<string | null>(null)

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** The first address of an inbox, if it is known. */
  address(inboxId: string): string | null {
    return this.#addresses.get(inboxId) ?? null
  }

  /** What a person is called: “You”, a short address, or a short inbox id. */
  name(inboxId: string): string {
    if (inboxId === this.self) return words.common.you
    return shorten(this.#addresses.get(inboxId) ?? inboxId)
  }

  /** Like `name`, and never “You”. */
  shortId(inboxId: string): string {
    return shorten(this.#addresses.get(inboxId) ?? inboxId)
  }

  /** What a mention by address or inbox id is shown as. */
  mention(id: string): string {
    return shorten(id.startsWith('0x') ? id : (this.#addresses.get(id) ?? id))
  }

  knows(inboxId: string): boolean {
    return inboxId === this.self || this.#addresses.has(inboxId)
  }

  learn(inboxId: string | null, address: string | null | undefined): void {
    if (inboxId === null || address === null || address === undefined) return
    if (this.#addresses.get(inboxId) !== address) this.#addresses.set(inboxId, address)
  }

  learnConversation(conversation: Conversation): void {
    this.learn(conversation.peer_inbox_id, conversation.peer_address)
  }

  learnMembers(members: Member[]): void {
    for (const member of members) this.learn(member.inbox_id, member.addresses[0])
  }

  learnResolved(resolved: Resolved[]): void {
    for (const one of resolved) this.learn(one.inbox_id, one.addresses[0])
  }

  /** Asks once, from the local database, who the members of a conversation are. */
  async meet(conversationId: string): Promise<void> {
    if (this.#asked.has(conversationId)) return
    this.#asked.add(conversationId)
    try {
      this.learnMembers(await this.#backend.call('member_list', { conversation_id: conversationId }))
    } catch {
      // Only names to show; short inbox ids stand in for them, and opening the details asks again.
      this.#asked.delete(conversationId)
    }
  }

  /** Asks the network, once each, who people are that are no members of anything open any more. */
  async look(inboxIds: string[]): Promise<void> {
    const unknown = inboxIds.filter((id) => !this.knows(id) && !this.#looked.has(id)).slice(0, 100)
    if (unknown.length === 0) return
    for (const id of unknown) this.#looked.add(id)
    try {
      this.learnResolved(await this.#backend.call('who_resolve', { who: unknown }))
    } catch {
      // Only names to show: offline the short inbox ids stay, and another look asks again.
      for (const id of unknown) this.#looked.delete(id)
    }
  }

  /** The members of a conversation changed: ask again when someone unknown turns up. */
  forget(conversationId: string): void {
    this.#asked.delete(conversationId)
  }
}
