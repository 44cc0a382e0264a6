import { words } from '../words'

/** The most bytes of UTF-8 a message may have. */
export const MESSAGE_BYTES = 65_536
/** The most bytes of UTF-8 a group's name may have. */
export const NAME_BYTES = 100
/** The most bytes of UTF-8 a group's description may have. */
export const DESCRIPTION_BYTES = 1_000
/** The most bytes of UTF-8 the address of a group's picture may have. */
export const URL_BYTES = 2_048
/** The most bytes of UTF-8 that an app may keep with a group. */
export const APP_DATA_BYTES = 8_192

const encoder = new TextEncoder()

/** Length in bytes of UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** `812 byte`, `1.4 MB`: a size for people, in steps of 1,000 as file managers count. */
export function fileSize(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1_000
  return new Intl.NumberFormat(words.locale, {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: unit > 1 && value < 10 ? 1 : 0,
  }).format(value)
}
