/** What English needs to put words together. */

const number = new Intl.NumberFormat('en')
const list = new Intl.ListFormat('en', { type: 'conjunction' })

/** What we are called as the one who does something. */
export const YOU = 'You'
/** What we are called as the one to whom something is done. */
export const YOU_OBJECT = 'you'

export const count = (n: number): string => number.format(n)
export const plural = (n: number, one: string, other: string): string => (n === 1 ? one : other)
export const people = (n: number): string => `${count(n)} ${plural(n, 'person', 'people')}`

/** Keeps the direction of a name from changing the sentence around it. */
export const apart = (text: string): string => `\u2068${text}\u2069`
/** What others wrote. */
export const quoted = (text: string): string => `“${apart(text)}”`

/** The verb that goes with a subject: “You pin”, “0x1234…abcd pins”. */
export const verb = (by: string, other: string, you: string): string => (by === YOU ? you : other)

/** At most three names, then a count. */
export function names(all: string[]): string {
  return all.length <= 4
    ? list.format(all)
    : `${all.slice(0, 3).join(', ')} and ${people(all.length - 3)} more`
}

/** Names that something is done to: “you” is not a name there. */
export function objects(all: string[]): string {
  return names(all.map((name) => (name === YOU ? YOU_OBJECT : name)))
}
