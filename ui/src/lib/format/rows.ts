import type { Message } from '../backend/generated'
import { dayOf, toDate } from './time'

/** A line of a conversation as it is drawn. */
export type Row =
  | { type: 'start'; key: string }
  | { type: 'day'; key: string; ns: string }
  | { type: 'unread'; key: string }
  | { type: 'line'; key: string; message: Message }
  | { type: 'bubble'; key: string; message: Message; first: boolean; last: boolean }

const RUN_MS = 5 * 60_000

/** Whether somebody said something: then it is a bubble, else a line. A wish to leave is news of the group. */
const isSaid = ({ kind, content }: Message): boolean =>
  kind === 'application' && content.kind !== 'leave_request' && content.kind !== 'intent'

/** Whether two neighbours are drawn as one run of bubbles. */
function sameRun(a: Message, b: Message): boolean {
  return (
    isSaid(a) &&
    isSaid(b) &&
    a.sender_inbox_id === b.sender_inbox_id &&
    toDate(b.sent_at_ns).getTime() - toDate(a.sent_at_ns).getTime() < RUN_MS
  )
}

/** Messages, oldest first, as rows with day dividers, the unread divider and runs of bubbles. */
export function toRows(messages: Message[], firstUnreadId: string | null, atBeginning: boolean): Row[] {
  const rows: Row[] = atBeginning ? [{ type: 'start', key: 'start' }] : []
  let previous: Message | undefined
  let open: Extract<Row, { type: 'bubble' }> | null = null
  let day = Number.NaN
  for (const message of messages) {
    const own = dayOf(toDate(message.sent_at_ns))
    const broken = own !== day || message.id === firstUnreadId
    if (own !== day) rows.push({ type: 'day', key: `day-${own}`, ns: message.sent_at_ns })
    if (message.id === firstUnreadId) rows.push({ type: 'unread', key: 'unread' })
    day = own
    if (isSaid(message)) {
      const joined = !broken && previous !== undefined && sameRun(previous, message)
      if (joined && open !== null) open.last = false
      open = { type: 'bubble', key: message.id, message, first: !joined, last: true }
      rows.push(open)
    } else {
      open = null
      rows.push({ type: 'line', key: message.id, message })
    }
    previous = message
  }
  return rows
}
