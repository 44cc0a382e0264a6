import { count, objects, people, plural } from './grammar'

/** What each permission lets people do, after “may” or “lets everyone”. */
export const doings = {
  add_member: 'add people',
  remove_member: 'remove people',
  name: 'change the name',
  description: 'change the description',
  picture: 'change the picture',
  app_data: 'change app data',
  disappearing: 'change disappearing messages',
  minimum_version: 'change the minimum version',
  pins: 'pin messages',
  add_admin: 'make admins',
  remove_admin: 'remove the admin role',
  update_permissions: 'change permissions',
}

/** The screen with who may do what. */
export const permissions = {
  doings,
  title: 'Permissions',
  lead: 'Who may do what in this group.',
  grid: 'Permissions',
  gridHint: 'Arrow keys move, Space chooses.',
  what: 'Permission',
  sections: { people: 'People', details: 'Group details', messages: 'Messages', roles: 'Roles' },
  rows: {
    add_member: 'Add people',
    remove_member: 'Remove people',
    name: 'Change the name',
    description: 'Change the description',
    picture: 'Change the picture',
    app_data: 'Change app data',
    disappearing: 'Change disappearing messages',
    minimum_version: 'Change the minimum version',
    pins: 'Pin messages',
    add_admin: 'Make admins',
    remove_admin: 'Remove the admin role',
    update_permissions: 'Change permissions',
  },
  details: {
    app_data: 'A text that other apps keep with the group',
    minimum_version: 'Which versions of the app may take part',
    update_permissions: 'Always super admins, in every app',
    remove_member: 'Super admins can never be removed',
  } as Partial<Record<keyof typeof doings, string>>,
  options: { allow: 'Everyone', admin: 'Admins', super_admin: 'Super admins', deny: 'Nobody' },
  cell: (row: string, option: string) => `${row}: ${option}`,
  notPossible: 'Not possible: only admins and super admins can have this.',

  preset: 'Preset',
  presets: {
    everyone: 'Everyone',
    admins: 'Admins only',
    dm: 'Direct message',
    custom: 'Custom',
    unreadable: 'Unreadable',
  } as Record<string, string>,
  presetIs: (preset: string) => `This is the preset “${preset}”.`,
  presetNone: 'This equals no preset.',
  unreadable:
    'The permissions of this group can’t be read by this app. Changes to the group are refused while that is so; what is written is not affected. Ask whoever set them up to set them again.',

  condition: 'A condition of another app',
  unspecified: 'Not specified by the app that made the group',
  mixed: (when: string, long: string) => `From when on: ${when}. For how long: ${long}.`,

  reviewTitle: (n: number) => `${count(n)} ${plural(n, 'change', 'changes')}, not applied yet`,
  change: (before: string, after: string) => `${before} → ${after}`,
  gain: (who: string[]) => `${people(who.length)} ${plural(who.length, 'gains', 'gain')} it: ${objects(who)}`,
  lose: (who: string[]) => `${people(who.length)} ${plural(who.length, 'loses', 'lose')} it: ${objects(who)}`,
  gainFuture: 'Nobody who is in the group now is affected.',
  unknownBefore: (after: string) => `From now on: ${after}. It is not known who could before.`,
  nobodyLeft: 'Then nobody can, until a super admin changes it back.',
  replaces: (text: string) =>
    `This replaces a condition that another app set (${text}). This app can’t set it again.`,
  apply: (n: number) => `Apply ${plural(n, 'change', `${count(n)} changes`)}`,
  applying: 'Applying…',
  discard: 'Discard',
  undo: (row: string) => `Undo the change of “${row}”`,
  sending: 'The change is being sent to the group…',
  done: 'Applied. It holds for everybody from now on.',
  failed: 'Not applied. The group is as it was.',
  open: 'Not confirmed yet.',
  leaveTitle: 'Discard the changes?',
  leaveDetail: (n: number) =>
    `${count(n)} ${plural(n, 'change was', 'changes were')} chosen and not applied. The group stays as it is.`,
  stay: 'Keep editing',

  /** A tree of conditions in words. */
  tree: {
    all: (parts: string[]) => `all of: ${parts.join('; ')}`,
    any: (parts: string[]) => `any of: ${parts.join('; ')}`,
    nested: (text: string) => `(${text})`,
    words: { allow: 'everyone', admin: 'admins', super_admin: 'super admins', deny: 'nobody' },
  },
}
