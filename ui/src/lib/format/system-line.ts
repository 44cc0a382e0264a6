import type { Content, FieldChange } from '../backend/generated'
import { words } from '../words'

type Update = Extract<Content, { kind: 'group_updated' }>

function field(by: string, change: FieldChange): string {
  switch (change.field) {
    case 'group_name':
      return change.new === null || change.new === ''
        ? words.lines.unnamed(by)
        : words.lines.named(by, change.new)
    case 'description':
      return words.lines.described(by)
    case 'group_image_url_square':
      return words.lines.pictured(by)
    case 'message_disappear_from_ns':
    case 'message_disappear_in_ns':
      return words.lines.disappearing(by)
    default:
      return words.lines.changed(by, change.field)
  }
}

/** A change of a group in words, one sentence for each thing that happened. */
export function describe(update: Update, name: (inboxId: string) => string): string[] {
  const by = name(update.by)
  const all = (inboxIds: string[]) => inboxIds.map(name)
  const { lines } = words
  const out: string[] = []
  if (update.added.length > 0) out.push(lines.added(by, all(update.added)))
  if (update.removed.length > 0) out.push(lines.removed(by, all(update.removed)))
  if (update.left.length > 0) out.push(lines.left(all(update.left)))
  for (const change of update.fields) {
    const text = field(by, change)
    if (!out.includes(text)) out.push(text)
  }
  if (update.added_admins.length > 0) out.push(lines.admins(by, all(update.added_admins)))
  if (update.removed_admins.length > 0) out.push(lines.notAdmins(by, all(update.removed_admins)))
  if (update.added_super_admins.length > 0) out.push(lines.superAdmins(by, all(update.added_super_admins)))
  if (update.removed_super_admins.length > 0)
    out.push(lines.notSuperAdmins(by, all(update.removed_super_admins)))
  return out.length > 0 ? out : [lines.nothing(by)]
}
