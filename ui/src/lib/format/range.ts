import { words } from '../words'

export const RANGES = ['month', 'year', 'all'] as const
/** How far back something goes. */
export type Range = (typeof RANGES)[number]

const DAYS: Record<Exclude<Range, 'all'>, number> = { month: 30, year: 365 }

/** The moment from which on, in nanoseconds; null for everything. */
export function sinceNs(range: Range, now: Date): string | null {
  return range === 'all' ? null : `${now.getTime() - DAYS[range] * 86_400_000}000000`
}

export const rangeWords = (range: Range): string => words.range[range]
