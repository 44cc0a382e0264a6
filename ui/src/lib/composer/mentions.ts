import type { Member } from '../backend/generated'
import { shorten } from '../format/address'
import { labelOf } from '../state/roster.svelte'

/** What is being typed after an @, and where the @ is. */
export type Asked = { from: number; query: string }

const MOST = 6

/** Whether a mention is being typed before the caret. */
export function mentionAt(text: string, caret: number): Asked | null {
  const found = /(?:^|[\s([{])@([0-9a-z]{0,64})$/i.exec(text.slice(0, caret))
  if (found?.[1] === undefined) return null
  return { from: caret - found[1].length - 1, query: found[1].toLowerCase() }
}

/** Members that what was typed may mean: by the beginning of an address, with or without 0x, or anywhere in it. */
export function mentionable(members: readonly Member[], query: string): Member[] {
  const rank = (member: Member): number => {
    const texts = [...member.addresses, member.inbox_id].map((text) => text.toLowerCase())
    if (texts.some((text) => text.startsWith(query) || text.startsWith(`0x${query}`))) return 0
    return query.length >= 2 && texts.some((text) => text.includes(query)) ? 1 : 2
  }
  return members
    .filter((member) => !member.is_self)
    .map((member) => ({ member, rank: rank(member) }))
    .filter((one) => one.rank < 2)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST)
    .map((one) => one.member)
}

/** How a member is written while composing: short, unless another one looks the same. */
export function mentionText(member: Member, members: readonly Member[]): string {
  const label = labelOf(member)
  const short = shorten(label)
  return `@${members.filter((one) => shorten(labelOf(one)) === short).length === 1 ? short : label}`
}

/**
 * Writes mentions out, as other apps read them: with the whole address. What fits nobody, or more than
 * one, stays as it is.
 */
export function writtenOut(text: string, members: readonly Member[]): string {
  return text.replace(/@([0-9a-z]{2,8}…[0-9a-z]{2,8})/gi, (all, short: string) => {
    const meant = members.filter((one) => shorten(labelOf(one)).toLowerCase() === short.toLowerCase())
    return meant.length === 1 && meant[0] !== undefined ? `@${labelOf(meant[0])}` : all
  })
}
