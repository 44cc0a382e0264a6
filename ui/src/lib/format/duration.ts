import { words } from '../words'

export type Unit = 'minute' | 'hour' | 'day' | 'week'

const SECOND = 1_000_000_000n
/** Nanoseconds. */
export const UNITS: Record<Unit, bigint> = {
  minute: 60n * SECOND,
  hour: 3_600n * SECOND,
  day: 86_400n * SECOND,
  week: 7n * 86_400n * SECOND,
}
/** The times offered for disappearing messages, in nanoseconds. */
export const USUAL_TIMES = ['hour', 'day', 'week'] as const
export const FOUR_WEEKS = String(4n * UNITS.week)

const bySize = [
  ['week', UNITS.week],
  ['day', UNITS.day],
  ['hour', UNITS.hour],
  ['minute', UNITS.minute],
  ['second', SECOND],
] as const

/** `3 days`, `1 week, 2 days`; at most two units, the largest first. */
export function durationWords(ns: string): string {
  let rest = /^\d+$/.test(ns) ? BigInt(ns) : 0n
  const parts: string[] = []
  for (const [unit, size] of bySize) {
    const n = rest / size
    if (n > 0n && parts.length < 2) parts.push(words.time.durations[unit](Number(n)))
    if (parts.length > 0 || n > 0n) rest %= size
  }
  return parts.length === 0 ? words.time.instant : parts.join(', ')
}

/** A time as a whole number of the largest unit that fits. */
export function splitDuration(ns: string): { amount: number; unit: Unit } {
  const value = BigInt(ns)
  for (const unit of ['week', 'day', 'hour'] as const) {
    if (value % UNITS[unit] === 0n) return { amount: Number(value / UNITS[unit]), unit }
  }
  return { amount: Number(value / UNITS.minute), unit: 'minute' }
}

/** Nanoseconds as decimal text; null unless it is a whole number from one minute to one year. */
export function joinDuration(amount: number, unit: Unit): string | null {
  if (!Number.isInteger(amount) || amount < 1) return null
  const ns = BigInt(amount) * UNITS[unit]
  return ns <= 365n * UNITS.day ? String(ns) : null
}

/** `4 min`: the largest unit only, rounded up, so that a clock never shows nothing while there is time. */
export function shortDuration(ns: bigint): string {
  const [unit, size] = bySize.find(([, one]) => ns >= one) ?? ['second', SECOND]
  return words.expiry.short[unit](Math.max(1, Number((ns + size - 1n) / size)))
}
