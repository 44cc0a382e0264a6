import type { Content, Conversation, Member, Message } from '../../src/lib/backend/generated'

export type PersonName = 'alix' | 'bo' | 'caro' | 'davon' | 'eri' | 'fritz'
type Known = { inboxId: string; address: string }

/** Hex that looks like what it stands for and never changes. */
function hex(seed: string, length: number): string {
  let state = 2166136261
  let out = ''
  for (let at = 0; out.length < length; at++) {
    state = Math.imul(state ^ seed.charCodeAt(at % seed.length), 16777619) >>> 0
    if (at >= seed.length) out += (state >>> 8).toString(16).padStart(6, '0')
  }
  return out.slice(0, length)
}

const person = (name: string): Known => ({
  inboxId: hex(`inbox ${name}`, 64),
  address: `0x${hex(`address ${name}`, 40)}`,
})

/** The people of the tests. Alix is the one in front of the screen. */
export const people: Record<PersonName, Known> = {
  alix: person('alix'),
  bo: person('bo'),
  caro: person('caro'),
  davon: person('davon'),
  eri: person('eri'),
  fritz: person('fritz'),
}
export const SELF = people.alix

let count = 0

export function text(conversationId: string, from: PersonName, words: string, sentNs: string): Message {
  const own = from === 'alix'
  const n = ++count
  return {
    id: hex(`message ${n}`, 64),
    conversation_id: conversationId,
    sender_inbox_id: people[from].inboxId,
    sender_installation_id: hex(`installation ${from}`, 64),
    kind: 'application',
    delivery: 'published',
    sent_at_ns: sentNs,
    inserted_at_ns: String(10n ** 18n + BigInt(n)),
    content_type: 'xmtp.org/text:1.0',
    text: words,
    content: { kind: 'text', text: words },
    failure: null,
    is_own: own,
    reply_to: null,
    reactions: [],
    expires_at_ns: null,
  }
}

type Change = Partial<Extract<Content, { kind: 'group_updated' }>>

export const message = {
  change(conversationId: string, by: string, change: Change, sentNs: string): Message {
    return {
      ...text(conversationId, 'alix', 'The group changed', sentNs),
      sender_inbox_id: by,
      kind: 'membership_change',
      content_type: 'xmtp.org/group_updated:1.0',
      is_own: by === SELF.inboxId,
      content: {
        kind: 'group_updated',
        by,
        added: [],
        removed: [],
        left: [],
        fields: [],
        added_admins: [],
        removed_admins: [],
        added_super_admins: [],
        removed_super_admins: [],
        ...change,
      },
    }
  },
  refused(conversationId: string, by: PersonName, sentence: string, sentNs: string): Message {
    return {
      ...text(conversationId, by, sentence, sentNs),
      kind: 'gap',
      content: {
        kind: 'refused_change',
        by: people[by].inboxId,
        reason: 'commit_rejected_v10',
        text: sentence,
      },
    }
  },
  gap(conversationId: string, sentence: string, sentNs: string): Message {
    return {
      ...text(conversationId, 'bo', sentence, sentNs),
      kind: 'gap',
      content: { kind: 'gap', reason: 'undecryptable' },
    }
  },
}

export function conversation(given: Partial<Conversation> & { id: string }): Conversation {
  const request = given.consent === 'unknown' && (given.creator_inbox_id ?? SELF.inboxId) !== SELF.inboxId
  return {
    kind: 'group',
    name: '',
    description: '',
    image_url: '',
    created_at_ns: '1700000000000000000',
    added_by_inbox_id: SELF.inboxId,
    creator_inbox_id: SELF.inboxId,
    peer_inbox_id: null,
    peer_address: null,
    consent: 'allowed',
    is_active: true,
    epoch: 1,
    member_count: 2,
    last_activity_ns: '1700000000000000000',
    preview: null,
    draft: null,
    unread_count: 0,
    failed_count: 0,
    paused_for_version: null,
    my_role: 'member',
    pinned: [],
    disappearing: null,
    minimum_version: null,
    leaving: false,
    request,
    added_by_consent: 'unknown',
    fork: null,
    duplicate_ids: [],
    ...given,
  }
}

export function member(name: PersonName, role: Member['role'] = 'member'): Member {
  return {
    inbox_id: people[name].inboxId,
    addresses: [people[name].address],
    installation_ids: [hex(`installation ${name}`, 64)],
    role,
    consent: 'allowed',
    is_self: name === 'alix',
    can: [],
    denied: {},
  }
}
