import type { Resolved } from '../backend/generated'
import { isWho } from '../format/address'
import { words } from '../words'

/** What is known of someone who was typed or pasted. */
export type Standing =
  | 'checking'
  | 'unchecked'
  | 'reachable'
  | 'malformed'
  | 'not_registered'
  | 'no_installation'
  | 'is_self'
  | 'duplicate'
  | 'member'
  | 'unknown'

export type Person = { who: string; standing: Standing; inboxId: string | null }

/** The words for a standing. */
export const standingWords: Record<Standing, string> = {
  checking: words.who.checking,
  unchecked: words.who.unchecked,
  reachable: words.who.reachable,
  malformed: words.who.malformed,
  not_registered: words.who.notRegistered,
  no_installation: words.who.noInstallation,
  is_self: words.who.isSelf,
  duplicate: words.who.duplicate,
  member: words.who.member,
  unknown: words.who.unknown,
}

const problems: readonly string[] = ['malformed', 'not_registered', 'no_installation', 'is_self']

function standing(answer: Resolved): Standing {
  if (answer.problem !== null) {
    return problems.includes(answer.problem) ? (answer.problem as Standing) : 'unknown'
  }
  return answer.reachable ? 'reachable' : 'no_installation'
}

/**
 * Judges a list: what is typed wrong, what the network answered, who is there twice (also under
 * different addresses of one inbox) and who is a member already.
 */
export function judge(
  typed: readonly string[],
  answers: ReadonlyMap<string, Resolved>,
  members: ReadonlySet<string>,
  failed: boolean,
): Person[] {
  const chosen = new Set<string>()
  return typed.map((who) => {
    const key = who.toLowerCase()
    const answer = answers.get(key)
    const inboxId = answer?.inbox_id ?? null
    if (!isWho(who)) return { who, standing: 'malformed', inboxId }
    if (chosen.has(key) || (inboxId !== null && chosen.has(inboxId)))
      return { who, standing: 'duplicate', inboxId }
    chosen.add(key)
    if (inboxId !== null) chosen.add(inboxId)
    if (answer === undefined) return { who, standing: failed ? 'unchecked' : 'checking', inboxId }
    if (inboxId !== null && members.has(inboxId) && answer.problem !== 'is_self') {
      return { who, standing: 'member', inboxId }
    }
    return { who, standing: standing(answer), inboxId }
  })
}
