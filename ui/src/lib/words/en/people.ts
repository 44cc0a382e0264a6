import { count, people } from './grammar'

export const who = {
  label: 'People',
  hint: 'Paste or type addresses (0x…) or inbox ids, separated by spaces, commas or lines.',
  placeholder: '0x…',
  more: 'Add another',
  checking: 'Checking…',
  reachable: 'Reachable',
  malformed: 'Not an address or inbox id',
  notRegistered: 'Not on this network',
  noInstallation: 'Has no device that can be added',
  isSelf: 'That is you',
  duplicate: 'Already chosen',
  member: 'Already a member',
  unchecked: 'Not checked yet',
  unknown: 'Cannot be added',
  summary: (ready: number) => `${people(ready)} can be added`,
  leftOut: (n: number) => `${count(n)} left out`,
  removeProblems: 'Clear those',
  remove: (name: string) => `Remove ${name}`,
  tooMany: (most: number) => `A group holds at most ${count(most)} people.`,
}

export const newDirect = {
  title: 'New direct message',
  label: 'Address or inbox id',
  hint: 'For example 0x1234…abcd',
  start: 'Start',
  starting: 'Starting…',
}

/** A conversation that someone unknown began. */
export const request = {
  group: (name: string) => `${name} added you to this group`,
  direct: (name: string) => `${name} wants to write with you`,
  detail: 'They don’t see whether you accept. Until you do, nothing is sent and nothing counts as read.',
  addedBy: 'Added by',
  from: 'From',
  kind: 'Kind',
  kinds: { group: 'Group', dm: 'Direct message' },
  members: 'Members',
  consent: {
    unknown: 'You have not decided about this person yet.',
    allowed: 'You allowed this person before.',
    denied: 'You blocked this person.',
  },
  shared: 'Also in',
  sharedMore: (n: number) => `and ${count(n)} more`,
  sharedNone: 'You share no other conversation with this person.',
  preview: 'Show messages',
  hidePreview: 'Hide messages',
  previewHint: 'Closed until you ask. No pictures are loaded.',
  accept: 'Accept',
  accepting: 'Accepting…',
  block: 'Block person…',
  blockAndLeave: 'Block and leave…',
  reading: 'Reading…',
}

/** What happens when someone is blocked. */
export const block = {
  title: (name: string) => `Block ${name}?`,
  detail:
    'Direct messages from this person, and groups they added you to, are hidden and stay silent. They don’t see it. In groups you share their messages stay visible.',
  group: 'You stay a member of this group in silence. You can undo it in the settings.',
  undo: 'You can undo it in the settings, under People.',
  action: 'Block person',
  blocking: 'Blocking…',
  leaveTitle: (name: string) => `Block ${name} and leave?`,
  leaveDetail:
    'You also ask to be taken out of this group. The app of a super admin does it when it is online next; until then you are in it, in silence.',
  leaveAction: 'Block and leave',
  leaving: 'Leaving…',
  halfTitle: 'Blocked, but you are still in the group',
  half: 'The person is blocked and the group is hidden. Leaving did not work:',
  leaveAgain: 'Try to leave again',
  enough: 'Leave it at that',
}

/** The people one allowed or blocked. */
export const consents = {
  title: 'People',
  open: 'Allowed and blocked people',
  lead: 'What you decided about people. It is carried to your other devices.',
  tabs: { denied: 'Blocked', allowed: 'Allowed' },
  since: (date: string) => `Decided: ${date}`,
  unblock: 'Unblock',
  block: 'Block',
  forget: 'Forget',
  unblockHint: 'What they added you to is shown again, without asking',
  forgetHint: 'Take the decision back; they count as unknown again',
  unblockLabel: (name: string) => `Unblock ${name}`,
  blockLabel: (name: string) => `Block ${name}`,
  forgetLabel: (name: string) => `Forget the decision about ${name}`,
  emptyDenied: 'Nobody is blocked',
  emptyDeniedDetail: 'Block someone from a request, or from the list of members.',
  emptyAllowed: 'Nobody yet',
  emptyAllowedDetail: 'People you write with directly are listed here.',
  loading: 'Reading…',
  search: 'Search people',
  noMatch: 'Nobody matches.',
}

export const pins = {
  title: 'Pinned messages',
  bar: 'Pinned message',
  place: (at: number, of: number) => `Pinned message ${count(at)} of ${count(of)}`,
  jumpTo: (text: string) => `Go to the pinned message: ${text}`,
  list: 'All pinned messages',
  pin: 'Pin for everyone',
  unpin: 'Unpin for everyone',
  unpinThis: (text: string) => `Unpin: ${text}`,
  missing: 'This message is not on this device.',
  missingDetail: 'It was written before you were added, has disappeared, or was deleted here.',
  most: (n: number) => `${count(n)} messages are pinned, which is the most. Unpin one first.`,
  limit: (n: number, of: number) => `${count(n)} of ${count(of)}`,
  none: 'Nothing is pinned',
  noneDetail: 'Open the menu of a message to pin it for everyone.',
  unpublished: 'It can be pinned once it is sent.',
}
