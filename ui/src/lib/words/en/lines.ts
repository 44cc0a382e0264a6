import { count, names, objects, plural, quoted, verb } from './grammar'
import { doings } from './permissions'

const admins = (n: number): string => plural(n, 'an admin', 'admins')
const superAdmins = (n: number): string => plural(n, 'a super admin', 'super admins')

/** “You took the admin role from 0x1234…abcd”, or from oneself. */
const tookRole = (by: string, who: string[], role: string): string =>
  who.length === 1 && who[0] === by
    ? `${by} gave up the ${role} role`
    : `${by} took the ${role} role from ${objects(who)}`

/** Changes of a group, each in a sentence. `by` is a name or “You”. */
export const lines = {
  added: (by: string, who: string[]) => `${by} added ${objects(who)}`,
  addedDevice: (by: string) => `${by} added a device`,
  removed: (by: string, who: string[]) => `${by} removed ${objects(who)}`,
  wantsToLeave: (by: string) => `${by} asked to leave the group`,
  left: (who: string[]) => `${names(who)} left`,
  named: (by: string, name: string) => `${by} named the group ${quoted(name)}`,
  unnamed: (by: string) => `${by} removed the group’s name`,
  described: (by: string) => `${by} changed the description`,
  undescribed: (by: string) => `${by} removed the description`,
  pictured: (by: string) => `${by} changed the group’s picture`,
  unpictured: (by: string) => `${by} removed the group’s picture`,
  appData: (by: string) => `${by} changed data of an app`,
  disappearing: (by: string, time: string) => `${by} set messages to disappear after ${time}`,
  disappearingSoon: (by: string) => `${by} changed from when on messages disappear`,
  staying: (by: string) => `${by} turned off disappearing messages`,
  version: (by: string, version: string) => `${by} set the oldest version that may take part to ${version}`,
  versionGone: (by: string) => `${by} let every version take part`,
  pinned: (by: string, n: number) => `${by} pinned ${plural(n, 'a message', `${count(n)} messages`)}`,
  unpinned: (by: string, n: number) => `${by} unpinned ${plural(n, 'a message', `${count(n)} messages`)}`,
  repinned: (by: string) => `${by} put the pinned messages in another order`,
  changed: (by: string, field: string) => `${by} changed ${quoted(field)}`,
  admins: (by: string, who: string[]) => `${by} made ${objects(who)} ${admins(who.length)}`,
  notAdmins: (by: string, who: string[]) => tookRole(by, who, 'admin'),
  superAdmins: (by: string, who: string[]) => `${by} made ${objects(who)} ${superAdmins(who.length)}`,
  notSuperAdmins: (by: string, who: string[]) => tookRole(by, who, 'super admin'),
  nothing: (by: string) => `${by} updated the group`,
  refused: (by: string) => `${by} tried to change the group in a way that its rules refuse. Nothing changed.`,

  /** Who may do `doing` from now on, by the word of a rule. */
  permission: (by: string, doing: string, rule: string): string => {
    const lets = `${by} ${verb(by, 'lets', 'let')}`
    switch (rule) {
      case 'allow':
        return `${lets} everyone ${doing}`
      case 'admin':
        return `${lets} only admins ${doing}`
      case 'super_admin':
        return `${lets} only super admins ${doing}`
      case 'deny':
        return `${lets} nobody ${doing}`
      default:
        return `${by} set a condition for who may ${doing}`
    }
  },
  doings,
  otherPermission: (by: string, key: string) => `${by} changed who may change ${quoted(key)}`,
  was: (value: string) => `Before: ${value}`,
}
