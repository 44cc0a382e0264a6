import Copy from '@lucide/svelte/icons/copy'
import MailIcon from '@lucide/svelte/icons/mail'
import PinIcon from '@lucide/svelte/icons/pin'
import PinOff from '@lucide/svelte/icons/pin-off'
import Reply from '@lucide/svelte/icons/reply'
import RotateCcw from '@lucide/svelte/icons/rotate-ccw'
import SmilePlus from '@lucide/svelte/icons/smile-plus'
import Trash from '@lucide/svelte/icons/trash-2'
import type { Conversation, Message } from '../backend/generated'
import { PINNED } from '../format/permissions'
import type { MenuItem } from '../parts/menu'
import type { Timeline } from '../state/messages.svelte'
import { MOST_PINS, type Pins } from '../state/pins.svelte'
import type { Rules } from '../state/rules.svelte'
import { words } from '../words'

/** What a menu acts on. */
export type Acting = {
  conversation: Conversation
  timeline: Timeline
  rules: Rules
  pins: Pins
  /** Whether something can be written here. */
  answerable: boolean
  /** Runs something and shows why it failed. */
  attempt: (run: () => Promise<void>) => void
  reply: (message: Message) => void
  react: (message: Message) => void
  /** Asks before a message is deleted. */
  askDelete: (message: Message, everyone: boolean) => void
}

/** Why a message cannot be pinned or unpinned; null if it can. */
function whyNotPin(
  conversation: Conversation,
  message: Message,
  rules: Rules,
  pinned: boolean,
): string | null {
  if (!conversation.is_active) return words.members.onlyActive
  if (message.delivery !== 'published') return words.pins.unpublished
  const why = rules.why(`update_metadata.${PINNED}`)
  if (why !== null || pinned) return why
  return conversation.pinned.length >= MOST_PINS ? words.pins.most(MOST_PINS) : null
}

/** What can be done with a message. */
export function messageMenu(message: Message, acting: Acting): MenuItem[][] {
  const { conversation, timeline, rules, pins, answerable, attempt } = acting
  const pinned = conversation.pinned.includes(message.id)
  const deleted = message.content.kind === 'deleted'
  const published = message.delivery === 'published'
  const item = (id: string, label: string, icon: MenuItem['icon'], run: () => void): MenuItem => ({
    id,
    label,
    icon,
    run,
  })
  const reply = item('reply', words.replies.reply, Reply, () => acting.reply(message))
  const react = item('react', words.reactions.react, SmilePlus, () => acting.react(message))
  const copy = item('copy', words.messageMenu.copy, Copy, () =>
    attempt(async () => {
      try {
        await navigator.clipboard.writeText(message.text)
      } catch {
        throw { code: 'clipboard', message: words.errors.copyFailed, retryable: true }
      }
    }),
  )
  const pin: MenuItem = {
    ...item('pin', pinned ? words.pins.unpin : words.pins.pin, pinned ? PinOff : PinIcon, () =>
      attempt(() => pins.set(message.id, !pinned)),
    ),
    reason: whyNotPin(conversation, message, rules, pinned),
  }
  const unread = item('unread', words.messageMenu.unread, MailIcon, () =>
    attempt(() => timeline.markUnread(message.id)),
  )
  const retry = item('retry', words.common.retry, RotateCcw, () => attempt(() => timeline.retry(message.id)))
  const here: MenuItem = {
    ...item('delete', words.deletion.here, Trash, () => acting.askDelete(message, false)),
    danger: true,
  }
  const may = message.is_own || (conversation.kind === 'group' && conversation.my_role === 'super_admin')
  const everyone: MenuItem = {
    ...item('delete-everyone', words.deletion.everyone, Trash, () => acting.askDelete(message, true)),
    danger: true,
    reason: !may ? words.deletion.notYours : !published ? words.deletion.notSent : null,
  }
  const live = answerable && !deleted
  return [
    live ? [react, reply] : [],
    [
      ...(deleted || message.text === '' ? [] : [copy]),
      // A direct message has no admins who could pin, and a request is not answered before it is accepted.
      ...(conversation.kind === 'group' && !conversation.request && !deleted ? [pin] : []),
      ...(message.is_own || conversation.request ? [] : [unread]),
    ],
    [...(message.delivery === 'failed' ? [retry] : []), here, ...(live ? [everyone] : [])],
  ]
}
