import Ban from '@lucide/svelte/icons/ban'
import Copy from '@lucide/svelte/icons/copy'
import Crown from '@lucide/svelte/icons/crown'
import LogOut from '@lucide/svelte/icons/log-out'
import MessageSquare from '@lucide/svelte/icons/message-square'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import ShieldMinus from '@lucide/svelte/icons/shield-minus'
import UserRoundCheck from '@lucide/svelte/icons/user-round-check'
import UserRoundMinus from '@lucide/svelte/icons/user-round-minus'
import UserRoundX from '@lucide/svelte/icons/user-round-x'
import ArrowRightLeft from '@lucide/svelte/icons/arrow-right-left'
import type { Conversation, Member, RoleChange } from '../backend/generated'
import { shorten } from '../format/address'
import type { MenuItem } from '../parts/menu'
import { words } from '../words'

/** What a person can ask for from the menu of a member. */
export type MemberAction =
  | { do: RoleChange | 'transfer' | 'remove' | 'direct' | 'block' | 'unblock' | 'leave' }
  | { do: 'copy'; text: string }

export const ROLE_CHANGES: readonly RoleChange[] = [
  'add_admin',
  'remove_admin',
  'add_super_admin',
  'remove_super_admin',
]

const ICONS = {
  add_admin: ShieldCheck,
  remove_admin: ShieldMinus,
  add_super_admin: Crown,
  remove_super_admin: UserRoundX,
}

/** Why an action on a member is not possible: undefined if it makes no sense, null if it is possible. */
function standing(member: Member, action: string): string | null | undefined {
  if (member.can.includes(action)) return null
  return member.denied[action]
}

/** The menu of a member: what the rules allow, and what they deny with the reason. */
export function memberMenu(
  conversation: Conversation,
  self: Member | null,
  member: Member,
  whyNotLeave: string | null,
  act: (action: MemberAction) => void,
): MenuItem[][] {
  const { actions } = words.members
  const roles: MenuItem[] = []
  const out: MenuItem[] = []
  if (conversation.is_active && !conversation.request) {
    for (const change of ROLE_CHANGES) {
      const reason = standing(member, change)
      if (reason === undefined) continue
      const label = words.members.pending(actions[change])
      roles.push({ id: change, label, icon: ICONS[change], reason, run: () => act({ do: change }) })
    }
    if (self?.role === 'super_admin' && !member.is_self) {
      const reason = member.role === 'super_admin' ? null : standing(member, 'add_super_admin')
      roles.push({
        id: 'transfer',
        label: actions.transfer,
        icon: ArrowRightLeft,
        reason: reason ?? null,
        run: () => act({ do: 'transfer' }),
      })
    }
    const reason = standing(member, 'remove')
    if (reason !== undefined && !member.is_self) {
      out.push({
        id: 'remove',
        label: actions.remove,
        icon: UserRoundMinus,
        reason,
        danger: true,
        run: () => act({ do: 'remove' }),
      })
    }
    if (member.is_self) {
      out.push({
        id: 'leave',
        label: actions.leave,
        icon: LogOut,
        reason: whyNotLeave,
        danger: true,
        run: () => act({ do: 'leave' }),
      })
    }
  }
  return [person(member, act), roles, out, member.is_self ? [] : [blocking(member, act)]]
}

function person(member: Member, act: (action: MemberAction) => void): MenuItem[] {
  const { actions } = words.members
  const several = member.addresses.length > 1
  const items: MenuItem[] = member.addresses.slice(0, 5).map((address, index) => ({
    id: index === 0 ? 'copy-address' : `copy-address-${index}`,
    label: several ? actions.copyThisAddress(shorten(address)) : actions.copyAddress,
    icon: Copy,
    run: () => act({ do: 'copy', text: address }),
  }))
  items.push({
    id: 'copy-inbox-id',
    label: actions.copyInboxId,
    icon: Copy,
    run: () => act({ do: 'copy', text: member.inbox_id }),
  })
  if (!member.is_self) {
    items.unshift({
      id: 'direct',
      label: actions.direct,
      icon: MessageSquare,
      run: () => act({ do: 'direct' }),
    })
  }
  return items
}

function blocking(member: Member, act: (action: MemberAction) => void): MenuItem {
  const { actions } = words.members
  return member.consent === 'denied'
    ? { id: 'unblock', label: actions.unblock, icon: UserRoundCheck, run: () => act({ do: 'unblock' }) }
    : { id: 'block', label: actions.block, icon: Ban, danger: true, run: () => act({ do: 'block' }) }
}
