import type { Message } from '../../src/lib/backend/generated'
import { MemoryBackend } from '../memory/backend'
import { addContents } from './contents'
import { devices, existing, locked, revoked } from './own'
import { conversation, member, message, people, SELF, text, type PersonName } from '../memory/world'

const MINUTE = 60_000

/** Milliseconds ago as nanoseconds. */
const ago = (ms: number): string => `${Date.now() - ms}000000`
const at = (minutes: number): string => ago(minutes * MINUTE)

function talk(id: string, lines: [number, PersonName, string][]): Message[] {
  return lines.map(([minutes, from, words]) => text(id, from, words, at(minutes)))
}

const id = (n: number): string => `a${n}`.padEnd(32, 'b7')

/** A week of an ordinary person. */
function busy(): MemoryBackend {
  const backend = new MemoryBackend()
  const everyone = [
    member('alix', 'super_admin'),
    member('bo', 'admin'),
    member('caro'),
    member('davon'),
    member('eri'),
    member('fritz'),
  ]

  const trip = id(1)
  const lines: Message[] = [
    message.change(
      trip,
      SELF.inboxId,
      { added: [people.bo.inboxId, people.caro.inboxId, people.davon.inboxId] },
      at(3000),
    ),
    message.change(
      trip,
      SELF.inboxId,
      { fields: [{ field: 'group_name', old: '', new: 'Winter cabin' }] },
      at(2999),
    ),
    ...talk(trip, [
      [2990, 'alix', 'Hello everyone! Plan for the cabin goes here.'],
      [2985, 'bo', 'Finally. I kept losing track across three different chats.'],
      [2984, 'bo', 'Dates still 12 to 15 December?'],
      [2980, 'alix', 'Yes. Arrival Friday evening, we leave Monday after breakfast.'],
    ]),
    message.change(trip, people.bo.inboxId, { added: [people.eri.inboxId, people.fritz.inboxId] }, at(1500)),
    ...talk(trip, [
      [1490, 'eri', 'Hi! Thanks for adding me. I can bring the big pot and the snow chains.'],
      [
        1488,
        'caro',
        'I looked at the road report: the upper pass is open again, but only with winter tyres. If it snows on Thursday they close it at night, so we should be there before eight.',
      ],
      [1487, 'caro', 'Otherwise it is the long way round, which adds an hour and a half.'],
      [1480, 'alix', 'Before eight works for me 👍'],
    ]),
    message.gap(trip, 'A message from Bo could not be read. Ask them to send it again.', at(70)),
    ...talk(trip, [
      [64, 'davon', 'Who has the key this year?'],
      [62, 'alix', 'I do. The neighbour has a second one, just in case.'],
      [30, 'fritz', 'שלום, אני מביא את הגיטרה'],
      [29, 'fritz', 'Guitar is in the car.'],
      [
        12,
        'bo',
        'Shopping list is 40 lines long now. I will split it into two, one for the drive and one for the village shop, so that nobody buys eleven litres of milk again.',
      ],
      [11, 'bo', 'Looking at you, Davon.'],
      [4, 'davon', 'It was a good price.'],
      [2, 'alix', 'We drank it all in the end'],
    ]),
  ]
  const failed = text(trip, 'alix', 'I will post the final list tonight.', at(1))
  lines.push({ ...failed, delivery: 'failed', failure: 'send_failed' })
  lines.push({ ...text(trip, 'alix', 'And the address once more.', at(0.5)), delivery: 'unpublished' })
  backend.add(
    conversation({
      id: trip,
      name: 'Winter cabin',
      description: 'Everything for the weekend of 12 December: who drives, who cooks, who has the key.',
      created_at_ns: at(3000),
    }),
    lines,
    everyone,
  )

  const reading = id(2)
  backend.add(
    conversation({ id: reading, name: 'Reading group', created_at_ns: at(9000) }),
    talk(reading, [
      [400, 'alix', 'Who has finished part two?'],
      [200, 'caro', 'Me. No spoilers until Thursday.'],
      [20, 'eri', 'I have forty pages left'],
      [18, 'eri', 'The ferry chapter is extraordinary'],
      [17, 'bo', 'Wait until you see what the letter says'],
    ]),
    everyone,
    3,
  )

  const bo = id(3)
  backend.add(
    conversation({ id: bo, kind: 'dm', peer_inbox_id: people.bo.inboxId, peer_address: people.bo.address }),
    talk(bo, [
      [180, 'bo', 'Can you send me the contract again?'],
      [170, 'alix', 'Sure, later today.'],
    ]),
    [member('alix'), member('bo')],
  )

  const rest: [string, PersonName, string, number, number][] = [
    ['Board', 'davon', 'Minutes are signed. Thank you all.', 300, 0],
    ['צוות הפיתוח', 'fritz', 'נתראה מחר בבוקר', 1_000, 2],
    ['Neighbours, house 14', 'caro', 'The lift is being repaired on Tuesday between nine and noon', 1_700, 0],
    ['Choir', 'eri', 'Rehearsal moved to the small hall', 3_000, 12],
    ['Release 2.4', 'bo', 'Tagged and out.', 5_000, 0],
    ['Football on Sundays', 'davon', 'We are eleven!', 7_600, 0],
    ['', 'caro', 'Shall we give this group a name?', 12_000, 0],
    ['Photo swap', 'fritz', 'Uploaded the ones from the lake', 40_000, 0],
    ['Old flat', 'eri', 'Deposit is back 🎉', 600_000, 0],
  ]
  for (const [n, [name, from, words, minutes, unread]] of rest.entries()) {
    const one = id(n + 10)
    const list = Array.from({ length: Math.max(unread, 1) }, (_, at_) =>
      text(one, from, words, at(minutes + (unread - at_))),
    )
    backend.add(conversation({ id: one, name }), list, everyone, unread)
  }
  const stranger = id(30)
  backend.add(
    conversation({
      id: stranger,
      name: 'Free tickets',
      consent: 'unknown',
      added_by_inbox_id: people.fritz.inboxId,
      creator_inbox_id: people.fritz.inboxId,
    }),
    talk(stranger, [[500, 'fritz', 'Hello, you have won']]),
    [member('fritz', 'super_admin'), member('alix')],
    1,
  )
  return backend
}

const NAMES = ['bo', 'caro', 'davon', 'eri', 'fritz'] as const

/** A group with everything that can be seen of one. */
function grouped(): MemoryBackend {
  const backend = busy()
  const cabin = id(1)
  const all = backend.messages.get(cabin) ?? []
  const named = (from: PersonName, words: string): Message =>
    all.find((one) => one.sender_inbox_id === people[from].inboxId && one.text.startsWith(words)) as Message
  const change = (
    minutes: number,
    from: PersonName,
    field: string,
    old: string | null,
    next: string,
  ): void => {
    all.push(
      message.change(cabin, people[from].inboxId, { fields: [{ field, old, new: next }] }, at(minutes)),
    )
  }
  change(1200, 'alix', 'permissions.add_member', 'allow', 'admin')
  change(1199, 'alix', 'message_disappear_in_ns', null, '2419200000000000')
  all.push(message.change(cabin, SELF.inboxId, { added_admins: [people.bo.inboxId] }, at(1198)))
  change(1190, 'bo', 'description', '', 'Everything for the weekend')
  change(1100, 'bo', 'conclave.pinned_messages', '', named('caro', 'I looked').id)
  all.push(
    message.refused(
      cabin,
      'davon',
      'Davon (0x…) tried to remove Eri. Only admins may remove people here; nothing changed.',
      at(1000),
    ),
  )
  all.sort((a, b) => (BigInt(a.sent_at_ns) < BigInt(b.sent_at_ns) ? -1 : 1))
  backend.messages.set(cabin, all)
  backend.read.set(cabin, all.length)
  backend.put(cabin, {
    pinned: [named('bo', 'Shopping').id, named('caro', 'I looked').id, 'f'.repeat(64)],
    disappearing: { from_ns: at(1199), in_ns: '2419200000000000' },
    image_url: 'https://pictures.example.org/cabin.png',
    minimum_version: '1.6.0',
  })
  backend.appData.set(cabin, '{"theme":"pine"}')

  const custom = id(10)
  backend.permissions.set(custom, {
    ...backend.permissionsOf(custom),
    preset: 'custom',
    add_member: 'custom',
    custom: { add_member: 'any(super_admin, all(admin, deny))' },
    update_metadata: {
      ...backend.permissionsOf(custom).update_metadata,
      message_disappear_from_ns: 'allow',
      app_data: 'unspecified',
    },
  })

  const choir = id(13)
  backend.members.set(choir, [
    member('eri', 'super_admin'),
    member('bo', 'admin'),
    member('alix'),
    member('caro'),
  ])
  backend.put(choir, {
    name: 'Choir',
    added_by_inbox_id: people.eri.inboxId,
    creator_inbox_id: people.eri.inboxId,
  })

  const left = id(14)
  backend.store(message.change(left, people.bo.inboxId, { removed: [SELF.inboxId] }, at(4_000)))
  backend.put(left, { is_active: false })
  backend.put(id(15), {
    fork: {
      state: 'confirmed',
      reason: 'authenticators_differ',
      text: 'What this device knows of the group differs from what its super admins know, so messages no longer reach it. What you have is kept. Ask to be added again; it costs nothing.',
      can_request: true,
      requested_at_ns: null,
    },
  })
  backend.put(id(16), { paused_for_version: '2.0.0' })
  backend.put(id(17), { leaving: true })

  for (const name of NAMES)
    backend.inboxes.set(people[name].inboxId, { state: 'allowed', decidedNs: at(9_000) })
  backend.inboxes.delete(people.fritz.inboxId)
  backend.inboxes.set(people.davon.inboxId, { state: 'denied', decidedNs: at(700) })
  backend.put(id(30), { consent: 'unknown' })
  return backend
}

/** Names that were made to deceive, and a group of as many people as there can be. */
function odd(): MemoryBackend {
  const backend = new MemoryBackend()
  const names = [
    'A name that is so long that it does not fit into any place that was made for names, and still goes on',
    'שם ארוך מאוד של קבוצה שנכתב מימין לשמאל',
    'invoice\u202Efdp.exe',
    'Two\nlines\tand\u0007 a bell',
    '\u3164\u200B',
    'Z\u0351\u0352\u0353\u0354\u0355a\u0356\u0357l\u0358\u0359go',
    '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} Scotland 👩‍👩‍👧‍👦',
  ]
  for (const [n, name] of names.entries()) {
    backend.add(
      conversation({ id: id(n + 1), name, description: name, created_at_ns: at(100) }),
      [text(id(n + 1), 'bo', name, at(n + 2))],
      [member('alix', 'super_admin'), member('bo')],
    )
  }
  const crowd = id(50)
  const members = [member('alix', 'super_admin'), member('bo', 'admin')]
  for (let n = 0; n < 398; n++) {
    const hex = n.toString(16).padStart(4, '0')
    members.push({
      ...member('caro'),
      inbox_id: hex.repeat(16),
      addresses: [`0x${hex.repeat(10)}`],
    })
  }
  backend.add(
    conversation({ id: crowd, name: 'Everybody', created_at_ns: at(100) }),
    [text(crowd, 'bo', 'Welcome', at(1))],
    members,
  )
  backend.pace.batch = 10
  backend.pace.stepMs = 300
  return backend
}

/** As much as there can be. */
function large(): MemoryBackend {
  const backend = busy()
  for (let n = 0; n < 10_000; n++) {
    const one = `e${String(n).padStart(5, '0')}`.padEnd(32, '5')
    backend.add(conversation({ id: one, name: `Conversation ${n}` }), [
      text(one, 'bo', `Message of ${n}`, at(100 + n)),
    ])
  }
  const long = id(90)
  const who: PersonName[] = ['bo', 'alix', 'caro', 'davon']
  const list = Array.from({ length: 3_000 }, (_, n) =>
    text(
      long,
      who[Math.floor(n / 3) % 4] ?? 'bo',
      `Line ${n} ${'and some more words '.repeat((n * 7) % 11)}`,
      at((3_000 - n) / 2),
    ),
  )
  backend.add(conversation({ id: long, name: 'Long history' }), list, [member('alix'), member('bo')])
  const unread = id(91)
  const more = Array.from({ length: 400 }, (_, n) =>
    text(unread, 'caro', `Unread line ${n} ${'with words '.repeat((n * 5) % 9)}`, at((400 - n) / 4)),
  )
  backend.add(conversation({ id: unread, name: 'Much unread' }), more, [member('alix'), member('caro')], 200)
  return backend
}

/** The backend of a scene by name. */
export function scene(name: string): MemoryBackend {
  switch (name) {
    case 'first-run': {
      const backend = new MemoryBackend()
      backend.stage = 'empty'
      backend.stepMs = 400
      return backend
    }
    case 'resume': {
      const backend = new MemoryBackend()
      backend.stage = 'registering'
      return backend
    }
    case 'empty':
      return new MemoryBackend()
    case 'offline': {
      const backend = busy()
      backend.online = false
      return backend
    }
    case 'contents': {
      const backend = busy()
      addContents(backend)
      return backend
    }
    case 'devices':
      return devices(busy())
    case 'revoked':
      return revoked(busy())
    case 'locked':
      return locked()
    case 'existing':
      return existing(2)
    case 'full':
      return existing(10)
    case 'group':
      return grouped()
    case 'odd':
      return odd()
    case 'large':
      return large()
    default:
      return busy()
  }
}
