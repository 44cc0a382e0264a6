import type { Content, FieldChange, Message } from '../backend/generated'
import { words } from '../words'
import { durationWords } from './duration'
import { PINNED, rowOfKey, ruleWords } from './permissions'
import { visible } from './visible'

type Update = Extract<Content, { kind: 'group_updated' }>

const PERMISSIONS = 'permissions.'
const empty = (value: string | null): boolean => value === null || value === ''
const zero = (value: string | null): boolean => empty(value) || value === '0'
const ids = (value: string | null): string[] => (value ?? '').split(',').filter((id) => id !== '')

function pins(by: string, change: FieldChange): string[] {
  const [before, after] = [ids(change.old), ids(change.new)]
  const added = after.filter((id) => !before.includes(id)).length
  const gone = before.filter((id) => !after.includes(id)).length
  const out: string[] = []
  if (added > 0) out.push(words.lines.pinned(by, added))
  if (gone > 0) out.push(words.lines.unpinned(by, gone))
  return out.length > 0 ? out : [words.lines.repinned(by)]
}

function permission(by: string, change: FieldChange): string {
  const key = change.field.slice(PERMISSIONS.length)
  const row = rowOfKey(key)
  return row === null
    ? words.lines.otherPermission(by, visible(key))
    : words.lines.permission(by, words.lines.doings[row], change.new ?? '')
}

function field(by: string, change: FieldChange): string[] {
  const { lines } = words
  if (change.field.startsWith(PERMISSIONS)) return [permission(by, change)]
  switch (change.field) {
    case 'group_name': {
      const name = visible(change.new ?? '')
      return [name === '' ? lines.unnamed(by) : lines.named(by, name)]
    }
    case 'description':
      return [empty(change.new) ? lines.undescribed(by) : lines.described(by)]
    case 'group_image_url_square':
      return [empty(change.new) ? lines.unpictured(by) : lines.pictured(by)]
    case 'app_data':
      return [lines.appData(by)]
    case 'message_disappear_in_ns':
      return [zero(change.new) ? lines.staying(by) : lines.disappearing(by, durationWords(change.new ?? ''))]
    case 'message_disappear_from_ns':
      return [zero(change.new) ? lines.staying(by) : lines.disappearingSoon(by)]
    case 'minimum_supported_protocol_version':
      return [empty(change.new) ? lines.versionGone(by) : lines.version(by, visible(change.new ?? ''))]
    case PINNED:
      return pins(by, change)
    default:
      return [lines.changed(by, visible(change.field))]
  }
}

/** A change of a group in words, one sentence for each thing that happened. */
export function describe(update: Update, name: (inboxId: string) => string): string[] {
  const by = name(update.by)
  const all = (inboxIds: string[]) => inboxIds.map(name)
  const { lines } = words
  const out: string[] = []
  // Who adds themselves has brought a device of theirs in.
  const others = update.added.filter((id) => id !== update.by)
  if (others.length > 0) out.push(lines.added(by, all(others)))
  if (others.length < update.added.length) out.push(lines.addedDevice(by))
  if (update.removed.length > 0) out.push(lines.removed(by, all(update.removed)))
  if (update.left.length > 0) out.push(lines.left(all(update.left)))
  // Two fields make one time; where both change, how long says it all.
  const timed = update.fields.some(({ field: one }) => one === 'message_disappear_in_ns')
  for (const change of update.fields) {
    if (timed && change.field === 'message_disappear_from_ns') continue
    for (const text of field(by, change)) if (!out.includes(text)) out.push(text)
  }
  if (update.added_admins.length > 0) out.push(lines.admins(by, all(update.added_admins)))
  if (update.removed_admins.length > 0) out.push(lines.notAdmins(by, all(update.removed_admins)))
  if (update.added_super_admins.length > 0) out.push(lines.superAdmins(by, all(update.added_super_admins)))
  if (update.removed_super_admins.length > 0)
    out.push(lines.notSuperAdmins(by, all(update.removed_super_admins)))
  return out.length > 0 ? out : [lines.nothing(by)]
}

/** What stood there before, for changes where that helps to understand them. */
export function before(update: Update): string[] {
  const told = ['group_name', 'description', 'minimum_supported_protocol_version']
  const values = update.fields.flatMap((change) => {
    if (empty(change.old)) return []
    const old = change.old ?? ''
    if (change.field.startsWith(PERMISSIONS)) return [ruleWords(old)]
    if (change.field === 'message_disappear_in_ns' && !zero(old)) return [durationWords(old)]
    return told.includes(change.field) ? [visible(old)] : []
  })
  return [...new Set(values)]
}

type Named = (inboxId: string) => string

/** Sentences for any row that is not a message: a change, a refused change, a wish to leave, a gap. */
export function lineSentences({ content, text, sender_inbox_id: sender }: Message, name: Named): string[] {
  switch (content.kind) {
    case 'leave_request':
      return [words.lines.wantsToLeave(name(sender))]
    case 'group_updated':
      return describe(content, name)
    case 'refused_change':
      return [content.text === '' ? words.lines.refused(name(content.by)) : visible(content.text, true)]
    default: {
      const fallback = content.kind === 'gap' ? words.conversation.gap : words.conversation.unsupported
      return [text === '' ? fallback : visible(text, true)]
    }
  }
}

/** Everybody that the sentences name. */
export function peopleIn({ content, sender_inbox_id: sender }: Message): string[] {
  // Who made a refused change is not always known.
  if (content.kind === 'refused_change') return content.by === '' ? [] : [content.by]
  if (content.kind === 'leave_request') return [sender]
  if (content.kind !== 'group_updated') return []
  return [
    content.by,
    ...content.added,
    ...content.removed,
    ...content.left,
    ...content.added_admins,
    ...content.removed_admins,
    ...content.added_super_admins,
    ...content.removed_super_admins,
  ]
}
