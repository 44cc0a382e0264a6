import type { Member, PermissionChange, PermissionOption, Permissions, Role } from '../backend/generated'
import { words } from '../words'
import { isRule, lets, parsePolicy, policyWords, type Policy } from './policy'

export type RowId = keyof typeof words.permissions.rows
export type Section = keyof typeof words.permissions.sections
/** A line of the table: what it is about, and the permissions that it changes together. */
export type PermissionRow = {
  id: RowId
  section: Section
  keys: readonly string[]
  options: readonly PermissionOption[]
}

/** The key under which the pinned messages of a group are kept. */
export const PINNED = 'conclave.pinned_messages'
/** The columns, in order. */
export const OPTIONS: readonly PermissionOption[] = ['allow', 'admin', 'super_admin', 'deny']
const ROLE_OPTIONS: readonly PermissionOption[] = ['admin', 'super_admin', 'deny']

const field = (id: RowId, section: Section, ...names: string[]): PermissionRow => ({
  id,
  section,
  keys: names.map((name) => `update_metadata.${name}`),
  options: OPTIONS,
})

export const ROWS: readonly PermissionRow[] = [
  { id: 'add_member', section: 'people', keys: ['add_member'], options: OPTIONS },
  { id: 'remove_member', section: 'people', keys: ['remove_member'], options: OPTIONS },
  field('pins', 'messages', PINNED),
  field('disappearing', 'messages', 'message_disappear_from_ns', 'message_disappear_in_ns'),
  field('name', 'details', 'group_name'),
  field('description', 'details', 'description'),
  field('picture', 'details', 'group_image_url_square'),
  field('app_data', 'details', 'app_data'),
  field('minimum_version', 'details', 'minimum_supported_protocol_version'),
  { id: 'add_admin', section: 'roles', keys: ['add_admin'], options: ROLE_OPTIONS },
  { id: 'remove_admin', section: 'roles', keys: ['remove_admin'], options: ROLE_OPTIONS },
  { id: 'update_permissions', section: 'roles', keys: ['update_permissions'], options: [] },
]

/** What stands in a row: one of the columns, or a text that fits none. */
export type Cell = { option: PermissionOption | null; text: string; rules: string[] }
export type Cells = Record<RowId, Cell>

function ruleOf(permissions: Permissions, key: string): string {
  const [top, ...rest] = key.split('.')
  const stored =
    top === 'update_metadata' ? permissions.update_metadata[rest.join('.')] : permissions[key as 'add_member']
  const rule = stored ?? 'unspecified'
  return rule === 'custom' ? (permissions.custom?.[key] ?? rule) : rule
}

/** A rule in words, whatever it is. */
export function ruleWords(rule: string): string {
  if (isRule(rule)) return words.permissions.options[rule]
  return rule === 'unspecified' || rule === 'custom'
    ? words.permissions[rule === 'custom' ? 'condition' : 'unspecified']
    : policyWords(rule)
}

function cell(permissions: Permissions, { id, keys }: PermissionRow): Cell {
  const rules = keys.map((key) => ruleOf(permissions, key))
  const [first = 'unspecified', second] = rules
  // Whatever stands there, every app asks for a super admin.
  if (id === 'update_permissions') return { option: 'super_admin', text: '', rules }
  if (second !== undefined && second !== first) {
    return { option: null, text: words.permissions.mixed(ruleWords(first), ruleWords(second)), rules }
  }
  return isRule(first) ? { option: first, text: '', rules } : { option: null, text: ruleWords(first), rules }
}

export function cellsOf(permissions: Permissions): Cells {
  return Object.fromEntries(ROWS.map((row) => [row.id, cell(permissions, row)])) as Cells
}

export type PresetName = 'everyone' | 'admins'
const PRESETS: Record<PresetName, Record<RowId, PermissionOption>> = {
  everyone: preset('allow'),
  admins: preset('admin'),
}

function preset(ordinary: PermissionOption): Record<RowId, PermissionOption> {
  return {
    add_member: ordinary,
    remove_member: 'admin',
    name: ordinary,
    description: ordinary,
    picture: ordinary,
    app_data: ordinary,
    disappearing: 'admin',
    minimum_version: 'super_admin',
    pins: 'admin',
    add_admin: 'super_admin',
    remove_admin: 'super_admin',
    update_permissions: 'super_admin',
  }
}

export const presetOptions = (name: PresetName): Record<RowId, PermissionOption> => PRESETS[name]

/** The cells of a preset. */
export function presetCells(name: PresetName): Cells {
  return Object.fromEntries(
    Object.entries(PRESETS[name]).map(([id, option]) => [id, { option, text: '', rules: [option] }]),
  ) as Cells
}

export type Chosen = ReadonlyMap<RowId, PermissionOption>

/** The preset that the cells would equal with what was chosen. */
export function presetOf(cells: Cells, chosen: Chosen): PresetName | null {
  const equal = (name: PresetName): boolean =>
    ROWS.every(({ id }) => (chosen.get(id) ?? cells[id].option) === PRESETS[name][id])
  return equal('everyone') ? 'everyone' : equal('admins') ? 'admins' : null
}

/** What was chosen, as the changes that are sent; all keys of a row change together. */
export function changesOf(chosen: Chosen): PermissionChange[] {
  return ROWS.flatMap(({ id, keys }) => {
    const option = chosen.get(id)
    return option === undefined ? [] : keys.map((key) => ({ key, option }))
  })
}

/** Whether a role has what stands in a cell; null if that is not known. */
export function roleHas({ rules }: Cell, role: Role): boolean | null {
  const policies = rules.map(parsePolicy)
  if (policies.includes(null)) return null
  return policies.every((policy) => lets(policy as Policy, role))
}

/** Who among the members gains or loses something by a change; null if it is not known who had it. */
export function affected(
  before: Cell,
  after: PermissionOption,
  members: readonly Member[],
): { gain: Member[]; lose: Member[] } | null {
  const gain: Member[] = []
  const lose: Member[] = []
  for (const member of members) {
    const had = roleHas(before, member.role)
    if (had === null) return null
    const has = lets({ rule: after }, member.role)
    if (has && !had) gain.push(member)
    else if (had && !has) lose.push(member)
  }
  return { gain, lose }
}

/** What someone can do with a role and could not do with another. */
export function gainedBy(cells: Cells, role: Role, than: Role): RowId[] {
  return ROWS.filter(({ id }) => roleHas(cells[id], role) === true && roleHas(cells[id], than) === false).map(
    ({ id }) => id,
  )
}

/** The row that a permission key belongs to; null if this app does not know it. */
export function rowOfKey(key: string): RowId | null {
  return ROWS.find(({ keys }) => keys.includes(key))?.id ?? null
}
