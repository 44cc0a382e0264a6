import { words } from '../words'

const number = new Intl.NumberFormat(words.locale)

/** `1,204` */
export const count = (n: number): string => number.format(n)
