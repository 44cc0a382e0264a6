import { words } from '../words'

/** Nanoseconds as decimal text to milliseconds, exact enough for a clock on a wall. */
export function toDate(ns: string): Date {
  return new Date(Number(ns.slice(0, -6) || '0'))
}

/** A time as RFC 3339 writes it; null if it cannot be read. */
export function readTime(text: string): Date | null {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? null : date
}

/** Compares two times given as decimal text, without turning them into numbers that lose digits. */
export function compareNs(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

const clock = new Intl.DateTimeFormat(words.locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const weekday = new Intl.DateTimeFormat(words.locale, { weekday: 'short' })
const longWeekday = new Intl.DateTimeFormat(words.locale, { weekday: 'long' })
const dayMonth = new Intl.DateTimeFormat(words.locale, { day: 'numeric', month: 'short' })
const longDayMonth = new Intl.DateTimeFormat(words.locale, { day: 'numeric', month: 'long' })
const fullDay = new Intl.DateTimeFormat(words.locale, { day: 'numeric', month: 'long', year: 'numeric' })
const shortDay = new Intl.DateTimeFormat(words.locale, { day: 'numeric', month: 'short', year: 'numeric' })
const exact = new Intl.DateTimeFormat(words.locale, { dateStyle: 'full', timeStyle: 'medium' })

/** A number that is the same for two times exactly if they are on the same local day. */
export function dayOf(date: Date): number {
  return Math.floor((date.getTime() - date.getTimezoneOffset() * 60_000) / 86_400_000)
}

/** `14:05` */
export const clockTime = (ns: string): string => clock.format(toDate(ns))

/** The whole date and time, for a tooltip. */
export const exactTime = (ns: string): string => exactMoment(toDate(ns))
export const exactMoment = (date: Date): string => exact.format(date)

/** `14:05` today, `3 Nov, 14:05`, `3 Nov 2024, 14:05`: a moment that may be yet to come. */
export function shortMoment(date: Date, now: Date): string {
  if (dayOf(now) === dayOf(date)) return clock.format(date)
  const day = date.getFullYear() === now.getFullYear() ? dayMonth : shortDay
  return `${day.format(date)}, ${clock.format(date)}`
}

/** `14:05` today, `Yesterday`, `Tue` within the week, `3 Nov`, `3 Nov 2024`. */
export function listTime(ns: string, now: Date): string {
  const date = toDate(ns)
  const days = dayOf(now) - dayOf(date)
  if (days <= 0) return clock.format(date)
  if (days === 1) return words.time.yesterday
  if (days < 7) return weekday.format(date)
  return date.getFullYear() === now.getFullYear() ? dayMonth.format(date) : shortDay.format(date)
}

/** `Today`, `Yesterday`, `Tuesday`, `3 November`, `3 November 2024`. */
export function dayName(ns: string, now: Date): string {
  const date = toDate(ns)
  const days = dayOf(now) - dayOf(date)
  if (days <= 0) return words.time.today
  if (days === 1) return words.time.yesterday
  if (days < 7) return longWeekday.format(date)
  return date.getFullYear() === now.getFullYear() ? longDayMonth.format(date) : fullDay.format(date)
}
