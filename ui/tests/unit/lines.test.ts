import { describe, expect, it } from 'vitest'
import type { Content, FieldChange, Message } from '../../src/lib/backend/generated'
import { closedReason } from '../../src/lib/format/closed'
import { toRows } from '../../src/lib/format/rows'
import { before, describe as inWords, lineSentences, peopleIn } from '../../src/lib/format/system-line'
import { conversation, message, people, SELF, text } from '../memory/world'

const names: Record<string, string> = {
  [people.alix.inboxId]: 'You',
  [people.bo.inboxId]: 'Bo',
  [people.caro.inboxId]: 'Caro',
}
const name = (id: string): string => names[id] ?? id.slice(0, 4)
type Update = Extract<Content, { kind: 'group_updated' }>
type Refused = Extract<Content, { kind: 'refused_change' }>
const update = (change: Partial<Update>): Update =>
  message.change('c', people.bo.inboxId, change, '1').content as Update
const field = (one: string, old: string | null, next: string | null): FieldChange => ({
  field: one,
  old,
  new: next,
})
const say = (...fields: FieldChange[]): string[] => inWords(update({ fields }), name)

describe('a change in words', () => {
  it('says who may do what from now on', () => {
    expect(say(field('permissions.add_member', 'allow', 'admin'))).toEqual(['Bo lets only admins add people'])
    expect(say(field('permissions.remove_member', 'admin', 'super_admin'))).toEqual([
      'Bo lets only super admins remove people',
    ])
    expect(say(field('permissions.update_metadata.group_name', 'admin', 'allow'))).toEqual([
      'Bo lets everyone change the name',
    ])
    expect(say(field('permissions.update_metadata.conclave.pinned_messages', null, 'deny'))).toEqual([
      'Bo lets nobody pin messages',
    ])
    expect(say(field('permissions.add_admin', 'super_admin', 'custom'))).toEqual([
      'Bo set a condition for who may make admins',
    ])
    expect(say(field('permissions.update_metadata.shiny', null, 'allow'))).toEqual([
      'Bo changed who may change “\u2068update_metadata.shiny\u2069”',
    ])
  })

  it('says one sentence for the two permissions of disappearing messages, and speaks to us', () => {
    const fields = [
      field('permissions.update_metadata.message_disappear_from_ns', 'admin', 'allow'),
      field('permissions.update_metadata.message_disappear_in_ns', 'admin', 'allow'),
    ]
    const own = { ...update({ fields }), by: SELF.inboxId }
    expect(inWords(own, name)).toEqual(['You let everyone change disappearing messages'])
    expect(before(own)).toEqual(['Admins'])
  })

  it('tells a device from a person', () => {
    const { bo, caro } = people
    const added = (...who: string[]): string[] => inWords(update({ added: who }), name)
    expect(added(caro.inboxId)).toEqual(['Bo added Caro'])
    expect(added(bo.inboxId)).toEqual(['Bo added a device'])
    expect(added(bo.inboxId, caro.inboxId)).toEqual(['Bo added Caro', 'Bo added a device'])
  })

  it('counts what was pinned and unpinned', () => {
    const pinned = 'conclave.pinned_messages'
    expect(say(field(pinned, null, 'a'))).toEqual(['Bo pinned a message'])
    expect(say(field(pinned, 'a', 'c,b,a'))).toEqual(['Bo pinned 2 messages'])
    expect(say(field(pinned, 'a,b', 'b'))).toEqual(['Bo unpinned a message'])
    expect(say(field(pinned, 'a', 'b'))).toEqual(['Bo pinned a message', 'Bo unpinned a message'])
    expect(say(field(pinned, 'a,b', 'b,a'))).toEqual(['Bo put the pinned messages in another order'])
  })

  it('says what became of disappearing messages, pictures and versions', () => {
    expect(say(field('message_disappear_in_ns', null, '86400000000000'))).toEqual([
      'Bo set messages to disappear after 1 day',
    ])
    expect(
      say(field('message_disappear_in_ns', '5', '0'), field('message_disappear_from_ns', '5', '0')),
    ).toEqual(['Bo turned off disappearing messages'])
    expect(say(field('message_disappear_from_ns', null, '17'))).toEqual([
      'Bo changed from when on messages disappear',
    ])
    expect(say(field('group_image_url_square', 'https://a', ''))).toEqual(['Bo removed the group’s picture'])
    expect(say(field('minimum_supported_protocol_version', null, '1.6.0'))).toEqual([
      'Bo set the oldest version that may take part to 1.6.0',
    ])
  })

  it('says who took a role from whom, and who gave it up', () => {
    const { alix, bo, caro } = people
    const said = (change: Partial<Update>): string[] => inWords(update(change), name)
    expect(said({ removed_admins: [caro.inboxId] })).toEqual(['Bo took the admin role from Caro'])
    expect(said({ removed_admins: [alix.inboxId] })).toEqual(['Bo took the admin role from you'])
    expect(said({ removed_super_admins: [bo.inboxId] })).toEqual(['Bo gave up the super admin role'])
    expect(said({ by: alix.inboxId, removed_super_admins: [alix.inboxId] })).toEqual([
      'You gave up the super admin role',
    ])
  })

  it('lets no name change the sentence', () => {
    expect(say(field('group_name', 'x', 'a\u2069\u202Eb'))).toEqual(['Bo named the group “\u2068ab\u2069”'])
    expect(say(field('group_name', 'x', '\u200B'))).toEqual(['Bo removed the group’s name'])
  })

  it('tells what was there before, where that helps', () => {
    expect(before(update({ fields: [field('group_name', 'Old', 'New')] }))).toEqual(['Old'])
    expect(
      before(update({ fields: [field('permissions.add_member', 'any(admin, deny)', 'allow')] })),
    ).toEqual(['any of: admins; nobody'])
    expect(before(update({ fields: [field('conclave.pinned_messages', 'a', 'b')] }))).toEqual([])
  })

  it('shows a refused change, and a gap, as they are told', () => {
    const refused = message.refused('c', 'caro', 'Caro tried to remove Bo. Nothing changed.', '1')
    expect(lineSentences(refused, name)).toEqual(['Caro tried to remove Bo. Nothing changed.'])
    expect(peopleIn(refused)).toEqual([people.caro.inboxId])
    const silent: Message = { ...refused, text: '', content: { ...(refused.content as Refused), text: '' } }
    expect(lineSentences(silent, name)[0]).toMatch(/^Caro tried to change the group/)
    expect(lineSentences({ ...message.gap('c', '', '1'), text: '' }, name)[0]).toMatch(/could not be read/)
  })

  it('says who wants to leave', () => {
    const asked: Message = {
      ...text('c', 'caro', 'Asked to leave the group.', '1'),
      content: { kind: 'leave_request' },
    }
    expect(lineSentences(asked, name)).toEqual(['Caro asked to leave the group'])
    expect(toRows([asked], null, false).map(({ type }) => type)).toEqual(['day', 'line'])
  })
})

describe('the composer’s place', () => {
  const why = (
    one: Partial<ReturnType<typeof conversation>>,
    ...lines: Parameters<typeof closedReason>[1][number][]
  ) => closedReason(conversation({ id: 'c', ...one }), lines, SELF.inboxId, name, false)
  const removed = message.change('c', people.bo.inboxId, { removed: [SELF.inboxId] }, '1')
  const left = message.change('c', people.bo.inboxId, { left: [SELF.inboxId] }, '1')

  it('is open as long as nothing is in the way', () => {
    expect(why({}, removed)).toBeNull()
    expect(
      why({ fork: { state: 'suspected', reason: '', text: '', can_request: false, requested_at_ns: null } }),
    ).toBeNull()
  })

  it('says who removed us, or that we left', () => {
    expect(why({ is_active: false }, removed, text('c', 'bo', 'later', '2'))).toMatch(/^Bo removed you/)
    expect(why({ is_active: false }, left)).toMatch(/^You left/)
    expect(why({ is_active: false })).toMatch(/^You are no longer in this group/)
  })

  it('says what we wait for', () => {
    expect(why({ leaving: true })).toMatch(/^You asked to leave/)
    expect(why({ paused_for_version: '2.0.0' })).toMatch(/version 2\.0\.0/)
    expect(
      why({ fork: { state: 'confirmed', reason: '', text: '', can_request: true, requested_at_ns: null } }),
    ).toMatch(/differs/)
  })
})
