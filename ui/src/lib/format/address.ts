/** `0x1234…abcd` for an address, `1234…abcd` for an inbox id. */
export function shorten(id: string): string {
  const head = id.startsWith('0x') ? 6 : 4
  return id.length <= head + 5 ? id : `${id.slice(0, head)}…${id.slice(-4)}`
}

/** Keeps shortened addresses in a text from being broken into two lines. */
export const unbroken = (text: string): string => text.replaceAll('…', '\u2060…\u2060')

const ADDRESS = /^0x[0-9a-f]{40}$/i
const INBOX_ID = /^[0-9a-f]{64}$/i

/** Whether a text has the form of a wallet address or of an inbox id. */
export function isWho(text: string): boolean {
  return ADDRESS.test(text) || INBOX_ID.test(text)
}

/** The parts of a typed or pasted list; separated by space, comma, semicolon or line. */
export function splitWho(text: string): string[] {
  return text.split(/[\s,;]+/u).filter((part) => part !== '')
}
