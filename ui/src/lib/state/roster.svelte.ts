import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, Member } from '../backend/generated'
import { words } from '../words'
import type { People } from './people.svelte'

const RANK = { super_admin: 0, admin: 1, member: 2 }

/** What a member is called in a list: an address, else the inbox id. */
export const labelOf = (member: Member): string => member.addresses[0] ?? member.inbox_id

function inOrder(a: Member, b: Member): number {
  return (
    Number(b.is_self) - Number(a.is_self) ||
    RANK[a.role] - RANK[b.role] ||
    (labelOf(a) < labelOf(b) ? -1 : labelOf(a) > labelOf(b) ? 1 : 0)
  )
}

/** The members of a conversation: ourselves first, then by role. */
export class Roster {
  readonly #backend: Backend
  readonly #people: People
  readonly conversationId: string
  /** The newest reading; answers of older ones are dropped. */
  #reading = 0

  /** Null until the first answer. */
  members = $state.raw<Member[] | null>(null)
  failure = $state<ApiError | null>(null)
  readonly self = $derived(this.members?.find(({ is_self }) => is_self) ?? null)

  constructor(backend: Backend, people: People, conversationId: string) {
    this.#backend = backend
    this.#people = people
    this.conversationId = conversationId
  }

  async load(): Promise<void> {
    const reading = ++this.#reading
    try {
      const answer = await this.#backend.call('member_list', { conversation_id: this.conversationId })
      if (reading !== this.#reading) return
      this.#people.learnMembers(answer)
      this.members = [...answer].sort(inOrder)
      this.failure = null
    } catch (error) {
      if (reading === this.#reading) this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** The members that an address, an inbox id or a role matches. */
  matching(query: string): Member[] {
    const wanted = query.trim().toLowerCase()
    return (this.members ?? []).filter(
      (member) =>
        wanted === '' ||
        [...member.addresses, member.inbox_id, words.members.roleNames[member.role]].some((text) =>
          text.toLowerCase().includes(wanted),
        ),
    )
  }
}
