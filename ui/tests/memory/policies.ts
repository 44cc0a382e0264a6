import type {
  ActionRule,
  Conversation,
  Member,
  PermissionChange,
  Permissions,
  Role,
} from '../../src/lib/backend/generated'
import { shorten } from '../../src/lib/format/address'
import { lets, parsePolicy } from '../../src/lib/format/policy'

const ORDINARY = ['group_name', 'description', 'group_image_url_square', 'app_data']
const TIMES = ['message_disappear_from_ns', 'message_disappear_in_ns']
const VERSION = 'minimum_supported_protocol_version'
export const PINNED = 'conclave.pinned_messages'
export const FIELDS = [...ORDINARY, ...TIMES, VERSION, PINNED]

/** The permissions of a preset. */
export function preset(name: 'everyone' | 'admins' | 'dm'): Permissions {
  const dm = name === 'dm'
  const ordinary = name === 'admins' ? 'admin' : 'allow'
  const fixed = (rule: string): string => (dm ? 'deny' : rule)
  return {
    preset: name,
    add_member: fixed(ordinary),
    remove_member: fixed('admin'),
    add_admin: fixed('super_admin'),
    remove_admin: fixed('super_admin'),
    update_permissions: fixed('super_admin'),
    update_metadata: Object.fromEntries([
      ...ORDINARY.map((field) => [field, ordinary]),
      ...TIMES.map((field) => [field, dm ? 'allow' : 'admin']),
      [VERSION, dm ? 'allow' : 'super_admin'],
      [PINNED, 'admin'],
    ]),
    custom: {},
  }
}

/** Permissions with changes, and the preset that they equal then. */
export function changed(permissions: Permissions, changes: readonly PermissionChange[]): Permissions {
  const next = structuredClone(permissions)
  for (const { key, option } of changes) {
    const field = key.replace(/^update_metadata\./, '')
    if (field === key) Object.assign(next, { [key]: option })
    else next.update_metadata[field] = option
    next.custom = Object.fromEntries(Object.entries(next.custom).filter(([one]) => one !== key))
  }
  const same = (['everyone', 'admins'] as const).find(
    (name) => JSON.stringify({ ...next, preset: name }) === JSON.stringify(preset(name)),
  )
  return { ...next, preset: same ?? 'custom' }
}

export function ruleOf(permissions: Permissions, key: string): string {
  const field = key.replace(/^update_metadata\./, '')
  const rule = field === key ? permissions[key as 'add_member'] : permissions.update_metadata[field]
  return rule ?? 'admin'
}

const DOINGS: Record<string, string> = {
  add_member: 'add people',
  remove_member: 'remove people',
  add_admin: 'make admins',
  remove_admin: 'take the admin role away',
  add_super_admin: 'make super admins',
  remove_super_admin: 'take the super admin role away',
  update_permissions: 'change permissions',
  'update_metadata.group_name': 'change the name',
  'update_metadata.description': 'change the description',
  'update_metadata.group_image_url_square': 'change the picture',
  'update_metadata.app_data': 'change app data',
  'update_metadata.message_disappear_from_ns': 'change disappearing messages',
  'update_metadata.message_disappear_in_ns': 'change disappearing messages',
  'update_metadata.minimum_supported_protocol_version': 'change the minimum version',
  'update_metadata.conclave.pinned_messages': 'pin messages',
  delete_for_all: 'delete messages for everybody',
}
const WHO: Record<string, string> = { admin: 'admins', super_admin: 'super admins' }

/** Whether we may do something that a permission is about, and why not. */
function decide(
  permissions: Permissions,
  key: string,
  action: string,
  role: Role,
  members: Member[],
): ActionRule {
  const always = ['add_super_admin', 'remove_super_admin', 'update_permissions', 'delete_for_all']
  const rule = always.includes(action) ? 'super_admin' : ruleOf(permissions, key)
  const policy = parsePolicy(rule === 'custom' ? (permissions.custom[key] ?? '') : rule)
  const allowed = policy !== null && lets(policy, role)
  const could = members.filter((one) => policy !== null && lets(policy, one.role)).slice(0, 20)
  const names = could.slice(0, 3).map((one) => shorten(one.addresses[0] ?? one.inbox_id))
  const doing = DOINGS[action] ?? action
  const who = WHO[rule]
  const reason =
    who === undefined
      ? `The rules of this group let nobody ${doing}.`
      : `Only ${who} may ${doing} here: ${names.join(', ')}.`
  return {
    allowed,
    rule,
    reason: allowed ? null : reason,
    who: allowed ? [] : could.map(({ inbox_id }) => inbox_id),
  }
}

function leaving(conversation: Conversation, role: Role, members: Member[]): string | null {
  if (conversation.kind === 'dm')
    return 'A direct message cannot be left. Block the person, or delete it here.'
  if (!conversation.is_active) return 'You are no longer in this group.'
  if (conversation.leaving) return 'You asked to leave already.'
  if (members.length < 2) return 'You are alone in this group. Delete it on this device instead.'
  return role === 'super_admin'
    ? 'A super admin cannot leave. Transfer ownership, or give up your super admin role first.'
    : null
}

/** Every action of a conversation, for someone with a role. */
export function actions(
  conversation: Conversation,
  permissions: Permissions,
  role: Role,
  members: Member[],
): Record<string, ActionRule> {
  const names = [
    'add_member',
    'remove_member',
    ...FIELDS.map((field) => `update_metadata.${field}`),
    'add_admin',
    'remove_admin',
    'add_super_admin',
    'remove_super_admin',
    'update_permissions',
    'delete_for_all',
  ]
  const all: Record<string, ActionRule> = {}
  for (const name of names) all[name] = decide(permissions, name, name, role, members)
  const why = leaving(conversation, role, members)
  all.leave = { allowed: why === null, rule: 'allow', reason: why, who: [] }
  return all
}

/** A member with what someone with a role may do to them. */
export function judged(permissions: Permissions, member: Member, role: Role, members: Member[]): Member {
  const can: string[] = []
  const denied: Record<string, string> = {}
  const consider = (action: string, why: string | null): void => {
    if (why === null) can.push(action)
    else denied[action] = why
  }
  const why = (action: string): string | null => decide(permissions, action, action, role, members).reason
  if (!member.is_self) {
    const removing =
      member.role === 'super_admin'
        ? 'A super admin cannot be removed. A super admin must take the role away first.'
        : decide(permissions, 'remove_member', 'remove_member', role, members).reason
    consider('remove', removing)
  }
  if (member.role === 'member') consider('add_admin', why('add_admin'))
  if (member.role === 'admin') consider('remove_admin', why('remove_admin'))
  if (member.role === 'super_admin') {
    const last = members.filter((one) => one.role === 'super_admin').length === 1
    consider(
      'remove_super_admin',
      last
        ? 'The last super admin keeps the role. Make someone else a super admin first.'
        : why('remove_super_admin'),
    )
  } else consider('add_super_admin', why('add_super_admin'))
  return { ...member, can, denied }
}
