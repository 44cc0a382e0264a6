import { count, people, plural } from './grammar'

/** The right pane: what a group is, and what can be done with it. */
export const info = {
  groupTitle: 'Group details',
  directTitle: 'Details',
  close: 'Close details',
  edit: 'Edit group',
  addedBy: (name: string, date: string) => `${name} added you · ${date}`,
  createdByYou: (date: string) => `Created by you · ${date}`,
  showPicture: (host: string) => `Show picture from ${host}`,
  hidePicture: 'Hide picture',
  fetchingPicture: 'Fetching the picture…',
  pictureHint: 'The host learns your network address. The picture is kept until you close the app.',
  pictureUnsafe: (url: string) =>
    `This group has a picture that is never loaded, because its address is not https: ${url}`,
  pictureOdd: 'What the host sent is not a picture that can be shown safely. Nothing was kept.',
  disappearing: 'Disappearing messages',
  off: 'Off',
  permissions: 'Permissions',
  changes: 'Changes of the group',
  pins: 'Pinned messages',
  files: 'Files and pictures',
  minimumVersion: 'Minimum version',
  leave: 'Leave group',
  leaving: 'You asked to leave',
  delete: 'Delete on this device',
  block: 'Block person',
  inboxId: 'Inbox id',
  address: 'Address',
}

/** The list of members. */
export const members = {
  title: 'Members',
  search: 'Search members',
  noMatch: 'No member matches.',
  roles: { member: '', admin: 'Admin', super_admin: 'Super admin' },
  roleNames: { member: 'Member', admin: 'Admin', super_admin: 'Super admin' },
  blocked: 'Blocked',
  you: 'You',
  menu: (who: string) => `Actions for ${who}`,
  moreAddresses: (n: number) => `and ${count(n)} more ${plural(n, 'address', 'addresses')}`,
  add: 'Add people',
  addTitle: 'Add people',
  addAction: (n: number) => (n === 0 ? 'Add people' : `Add ${people(n)}`),
  adding: 'Adding…',
  addedSome: (added: number, failed: number) =>
    `${people(added)} ${plural(added, 'was', 'were')} added, ${people(failed)} not:`,

  actions: {
    add_admin: 'Make admin',
    remove_admin: 'Remove admin role',
    add_super_admin: 'Make super admin',
    remove_super_admin: 'Remove super admin role',
    transfer: 'Transfer ownership…',
    remove: 'Remove from group…',
    direct: 'Write directly',
    copyAddress: 'Copy address',
    copyThisAddress: (address: string) => `Copy ${address}`,
    copyInboxId: 'Copy inbox id',
    block: 'Block person…',
    unblock: 'Unblock person',
    leave: 'Leave group…',
  },
  onlyActive: 'You are no longer in this group.',
  pending: (what: string) => `${what}…`,

  select: 'Select',
  selectHint: 'Choose several people to remove',
  selecting: 'Choose whom to remove',
  selectDone: 'Cancel',
  selectPerson: (who: string) => `Remove ${who}`,
  removeSelected: (n: number) => (n === 0 ? 'Remove' : `Remove ${people(n)}…`),
  removeTitle: (who: string) => `Remove ${who}?`,
  removeManyTitle: (n: number) => `Remove ${people(n)}?`,
  removeDetail:
    'They will not see what is written from now on, and keep what they have. They can be added again.',
  removing: 'Removing…',
  removedSome: (removed: number, failed: number) =>
    `${people(removed)} ${plural(removed, 'was', 'were')} removed, ${people(failed)} not:`,

  role: {
    add_admin: {
      title: (who: string) => `Make ${who} an admin?`,
      detail: 'Everybody in the group sees it.',
      action: 'Make admin',
    },
    remove_admin: {
      title: (who: string) => `Remove the admin role of ${who}?`,
      detail: 'They stay in the group as a member.',
      action: 'Remove role',
    },
    add_super_admin: {
      title: (who: string) => `Make ${who} a super admin?`,
      detail:
        'Super admins can do everything here: change permissions, make and unmake admins and super admins, also you. They can never be removed from the group while they are.',
      action: 'Make super admin',
    },
    remove_super_admin: {
      title: (who: string) => `Remove the super admin role of ${who}?`,
      detail: 'They stay in the group. The group always keeps at least one super admin.',
      action: 'Remove role',
    },
  },
  selfRole: {
    remove_admin: 'Give up your admin role?',
    remove_super_admin: 'Give up your super admin role?',
    detail: 'Only a super admin can give it back to you.',
  },
  then: 'Then they can also:',
  thenNot: 'Then they can no longer:',
  thenNotYou: 'Then you can no longer:',
  thenNothing: 'In this group it changes nothing they can do now.',

  transfer: {
    title: (who: string) => `Transfer ownership to ${who}?`,
    lead: 'This happens in two steps. Both are seen by everybody in the group.',
    promote: (who: string) => `Make ${who} a super admin`,
    promoted: (who: string) => `${who} is a super admin already`,
    demote: 'Remove your own super admin role',
    after: (who: string) => `Afterwards only ${who} and other super admins can give you a role again.`,
    ifHalf: 'If the second step fails, both of you are super admins until you try again. Nothing is lost.',
    action: 'Transfer',
    running: 'Transferring…',
    halfTitle: 'The second step failed',
    half: (who: string) =>
      `${who} is a super admin now, and so are you still. Try the second step again, or leave it as it is.`,
    again: 'Try the second step again',
    keep: 'Leave it as it is',
    states: { waiting: 'waiting', running: 'running', done: 'done', failed: 'failed' },
  },
}

/** Adding, removing and creating, step by step. */
export const operation = {
  progress: (done: number, total: number) => `${count(done)} of ${count(total)}`,
  percent: (done: number, total: number) => `${Math.floor((100 * done) / Math.max(total, 1))} %`,
  cancelling: 'Stopping…',
  cancelHint: 'It stops after the step that is under way. What was done until then stays.',
}

export const edit = {
  title: 'Edit group',
  name: 'Name',
  description: 'Description',
  picture: 'Picture',
  pictureHint: 'A web address that begins with https://. Each person decides whether to load it.',
  picturePlaceholder: 'https://',
  pictureNotHttps:
    'Only addresses that begin with https:// can be used, so that nobody on the way can swap the picture.',
  pictureMalformed: 'This is not a whole web address. It looks like https://example.org/picture.png.',
  advanced: 'Advanced',
  appData: 'App data',
  appDataHint: 'Another app keeps this text with the group. Changing it can confuse that app.',
  version: 'Minimum version',
  versionHint:
    'People with an older app can neither read nor write here until they update. Leave it empty if you are not sure.',
  versionMalformed: 'A version is three numbers with dots, like 1.6.0.',
  versionStays: 'Once set, it can be changed and not taken away.',
  bytesLeft: (n: number, of: number) => `${count(n)} of ${count(of)} bytes left`,
  bytesOver: (n: number) => `${count(n)} bytes too long`,
  saving: 'Saving…',
}

export const disappearing = {
  title: 'Disappearing messages',
  lead: 'Messages that are sent from now on disappear for everybody after this time. What is there stays.',
  cannotForce: 'An app that doesn’t know this, or a photo of the screen, can still keep them.',
  choices: { off: 'Off', custom: 'Another time' },
  amount: 'Number',
  unit: 'Unit',
  units: { minute: 'minutes', hour: 'hours', day: 'days', week: 'weeks' },
  outOfRange: 'Choose a time between one minute and one year.',
  save: 'Save',
  saving: 'Saving…',
  label: 'Messages disappear after',
}

export const changes = {
  title: 'Changes of the group',
  empty: 'No changes yet',
  emptyDetail: 'Who is added, removed or made an admin is listed here, and every change of the group.',
  older: 'Show older changes',
  loading: 'Reading changes…',
  refused: 'Refused',
  end: 'Nothing older is on this device.',
}

export const leave = {
  title: 'Leave this group?',
  detail:
    'You stop seeing what is written, and keep what you have on this device. Everybody sees that you left. You can come back only if someone adds you.',
  how: 'The app of a super admin takes you out. Until one of them is online you are still in.',
  action: 'Leave group',
  leaving: 'Leaving…',

  deleteTitle: 'Delete on this device?',
  deleteInactive:
    'The conversation and all its messages are deleted on this device and can’t be brought back. Others keep theirs.',
  deleteActive:
    'All messages are deleted on this device and can’t be brought back. Others keep theirs. When something new is written, the conversation comes back with just that.',
  deleteLeaving:
    'All messages are deleted on this device and can’t be brought back. Others keep theirs. Once you are out of the group, the rest of it goes too.',
  deleteAction: 'Delete',
  deleteLeave: 'Leave the group too',
  deleteLeaveHint: 'Then nothing new comes. Everybody sees that you left.',
  deleteLeaveAction: 'Leave and delete',
  deleting: 'Deleting…',
}

export const newGroup = {
  title: 'New group',
  name: 'Name',
  nameHint: 'Optional. Everybody in the group sees it.',
  preset: 'Who may do what?',
  presets: { everyone: 'Everyone', admins: 'Admins only', custom: 'Custom' },
  presetDetails: {
    everyone: 'All members add people and change the name. Only admins remove people.',
    admins: 'Only admins add or remove people and change the name.',
    custom: 'Choose it yourself for each permission.',
  },
  create: 'Create group',
  createWith: (n: number) => `Create with ${people(n)}`,
  creating: 'Creating…',
  createdTitle: 'The group was created',
  failedLead: (n: number) => `${people(n)} could not be added. Everybody else was.`,
  open: 'Open the group',
}
