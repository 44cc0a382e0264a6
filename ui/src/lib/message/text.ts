import { visible } from '../format/visible'

/** A piece of a line. Links carry the host they really lead to. */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'strong' | 'em' | 'del'; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'link'; href: string; host: string; children: Inline[] }
  | { type: 'mention'; id: string }
  | { type: 'break' }

/** Schemes that may be opened, after a question; everything else stays text. */
const OPENED = ['https:', 'http:', 'mailto:']
/** A web address as it stands in a text, or a person by address or inbox id. */
const FOUND = /\bhttps?:\/\/[^\s<>"“”]+|(?<![\w@])@(?:0x[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-z])/gi
const LAST_BRACKET: Record<string, string> = { ')': '(', ']': '[', '}': '{' }

/** An address that may be opened, and where it leads; null for all others. */
export function readLink(href: string): { href: string; host: string } | null {
  if (/[\s\p{Cc}\p{Cf}]/u.test(href)) return null
  try {
    const url = new URL(href)
    if (!OPENED.includes(url.protocol)) return null
    // What stands before an @ looks like a host and is none.
    if (url.username !== '' || url.password !== '') return null
    const host = url.protocol === 'mailto:' ? url.pathname : url.host
    return host === '' ? null : { href: url.href, host }
  } catch {
    return null
  }
}

/** Where an address that stands in a sentence ends: its punctuation belongs to the sentence. */
function trimmed(url: string): string {
  // Counted once: for each of many brackets anew it would take time that grows with their square.
  const surplus = new Map<string, number>()
  for (const [last, opening] of Object.entries(LAST_BRACKET)) {
    surplus.set(last, url.split(last).length - url.split(opening).length)
  }
  let end = url.length
  for (; end > 0; end--) {
    const last = url.charAt(end - 1)
    const over = surplus.get(last) ?? 0
    if (over > 0) surplus.set(last, over - 1)
    else if (!/[.,;:!?'’*_~]/.test(last)) break
  }
  return url.slice(0, end)
}

/** Plain text with its links and mentions. */
export function readText(text: string): Inline[] {
  const out: Inline[] = []
  let from = 0
  const plain = (to: number): void => {
    if (to > from) out.push({ type: 'text', text: visible(text.slice(from, to), true) })
  }
  for (const { 0: found, index } of text.matchAll(FOUND)) {
    if (found.startsWith('@')) {
      plain(index)
      out.push({ type: 'mention', id: found.slice(1) })
      from = index + found.length
      continue
    }
    const url = trimmed(found)
    const link = readLink(url)
    if (link === null) continue
    plain(index)
    out.push({ type: 'link', ...link, children: [{ type: 'text', text: visible(url, true) }] })
    from = index + url.length
  }
  plain(text.length)
  return out
}
