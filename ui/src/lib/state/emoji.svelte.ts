/** An emoji, its group in the order of Unicode, its name, and further words it is found by. */
export type Emoji = { emoji: string; group: number; label: string; words: string }

const RECENT = 'conclave-recent-emoji'
const MOST_RECENT = 24
const MOST_FOUND = 120
const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏']

/** The emoji that can be chosen, and those that were chosen last on this computer. */
export class EmojiState {
  /** Null until it was first needed. */
  all = $state.raw<Emoji[] | null>(null)
  recent = $state.raw<string[]>(readRecent())

  /** What is offered at once for a reaction. */
  readonly quick = $derived([...new Set([...this.recent, ...QUICK])].slice(0, QUICK.length))

  async load(): Promise<void> {
    if (this.all !== null) return
    const { default: data } = await import('virtual:emoji')
    this.all = data.map(([emoji, group, label, words]) => ({ emoji, group, label, words }))
  }

  /** Emoji each word of the query begins a word of; names before further words. */
  search(query: string): Emoji[] {
    const wanted = query.toLowerCase().split(/\s+/).filter(Boolean)
    const begins = (text: string): boolean =>
      wanted.every((word) => ` ${text.toLowerCase()}`.includes(` ${word}`))
    const all = this.all ?? []
    const named = all.filter(({ label }) => begins(label.replaceAll(/[^\p{L}\p{N}]+/gu, ' ')))
    const others = all.filter((one) => !named.includes(one) && begins(`${one.label} ${one.words}`))
    return [...named, ...others].slice(0, MOST_FOUND)
  }

  used(emoji: string): void {
    this.recent = [emoji, ...this.recent.filter((one) => one !== emoji)].slice(0, MOST_RECENT)
    localStorage.setItem(RECENT, JSON.stringify(this.recent))
  }
}

function readRecent(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(RECENT) ?? '[]')
    return Array.isArray(stored)
      ? stored.filter((one): one is string => typeof one === 'string').slice(0, MOST_RECENT)
      : []
  } catch {
    return []
  }
}
