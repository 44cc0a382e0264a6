import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { Conversations } from '../../src/lib/state/conversations.svelte'
import { Timeline } from '../../src/lib/state/messages.svelte'
import { Navigation } from '../../src/lib/state/navigation.svelte'
import { People } from '../../src/lib/state/people.svelte'
import { pictureHost, Pictures } from '../../src/lib/state/pictures.svelte'
import { Rules } from '../../src/lib/state/rules.svelte'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, people, SELF, text } from '../memory/world'

let backend: MemoryBackend
let known: People

beforeEach(() => {
  backend = new MemoryBackend()
  known = new People(backend)
  known.self = SELF.inboxId
})

const ns = (n: number): string => String(1_763_800_000_000_000_000n + BigInt(n))

describe('conversations', () => {
  let conversations: Conversations
  const ids = (): string[] => conversations.sorted.map(({ id }) => id)

  beforeEach(() => {
    conversations = new Conversations(backend, known)
  })

  it('are read page by page, newest activity first', async () => {
    for (let n = 0; n < 2_500; n++)
      backend.add(conversation({ id: `c${n}` }), [text(`c${n}`, 'bo', 'hi', ns(n))])
    await conversations.load()
    expect(ids()).toHaveLength(2_500)
    expect(ids()[0]).toBe('c2499')
    expect(ids().at(-1)).toBe('c0')
    const limits = backend.calls.map(({ args }) => (args as { limit: number }).limit)
    expect(limits).toEqual([100, 1_000, 1_000, 1_000])
  })

  it('move to the front when something happens, and stay in order', async () => {
    for (let n = 0; n < 5; n++) backend.add(conversation({ id: `c${n}` }), [text(`c${n}`, 'bo', 'hi', ns(n))])
    await conversations.load()
    backend.subscribe((event) => {
      if (event.event === 'conversation') conversations.receive(event.conversation)
    })
    backend.arrive('c1', 'bo', 'news', ns(100))
    backend.arrive('c2', 'bo', 'news', ns(101))
    await Promise.resolve()
    expect(ids()).toEqual(['c2', 'c1', 'c4', 'c3', 'c0'])
    expect(conversations.get('c1')?.unread_count).toBe(1)
    expect(conversations.totalUnread).toBe(2)
  })

  it('keep their order when their times are equal', async () => {
    for (const id of ['b', 'c', 'a']) backend.add(conversation({ id }), [text(id, 'bo', 'hi', ns(1))])
    await conversations.load()
    conversations.receive({ ...conversation({ id: 'b' }), last_activity_ns: ns(1) })
    await Promise.resolve()
    expect(ids()).toEqual(['a', 'b', 'c'])
  })

  it('from strangers wait apart, and leave when denied', async () => {
    const stranger = { consent: 'unknown', creator_inbox_id: people.fritz.inboxId } as const
    backend.add(conversation({ id: 'friend' }), [text('friend', 'bo', 'hi', ns(1))])
    backend.add(conversation({ id: 'stranger', ...stranger }), [text('stranger', 'fritz', 'hi', ns(2))])
    backend.add(conversation({ id: 'own', consent: 'unknown' }), [text('own', 'alix', 'hi', ns(3))])
    await conversations.load()
    expect(conversations.filtered('all').map(({ id }) => id)).toEqual(['own', 'friend'])
    expect(conversations.filtered('requests').map(({ id }) => id)).toEqual(['stranger'])
    // The changed row comes as an event, as all rows that are known do.
    backend.subscribe((event) => {
      if (event.event === 'conversation') conversations.receive(event.conversation)
    })
    await conversations.setConsent('stranger', 'denied')
    await Promise.resolve()
    expect(conversations.filtered('requests')).toEqual([])
    expect(conversations.get('stranger')).toBeNull()
  })

  it('are one row, whichever of its ids stands for a direct message', async () => {
    const dm = (id: string, other: string) =>
      conversation({ id, kind: 'dm', peer_inbox_id: people.bo.inboxId, duplicate_ids: [other] })
    conversations.receive(dm('a', 'b'))
    await Promise.resolve()
    conversations.receive(dm('b', 'a'))
    await Promise.resolve()
    expect(ids()).toEqual(['b'])
    expect(conversations.get('a')).toBeNull()
    expect(conversations.isOf('a', 'b')).toBe(true)
    conversations.receive(dm('b', 'a'))
    conversations.receive(dm('a', 'b'))
    await Promise.resolve()
    expect(ids()).toEqual(['a'])
  })

  it('say why they could not be read', async () => {
    const error = fail('storage_full', 'The disk is full.')
    backend.refuse.set('conversation_list', error)
    await conversations.load()
    expect(conversations.failure).toEqual(error)
    backend.refuse.clear()
    await conversations.load()
    expect(conversations.failure).toBeNull()
  })

  it('are called by name, by address, or say that they have none', () => {
    const dm = conversation({ id: 'd', kind: 'dm', peer_inbox_id: people.bo.inboxId })
    expect(conversations.title(conversation({ id: 'g', name: 'Choir' }))).toBe('Choir')
    expect(conversations.title(conversation({ id: 'g', name: ' ' }))).toBe('Unnamed group')
    expect(conversations.title(dm)).toBe(known.shortId(people.bo.inboxId))
    known.learn(people.bo.inboxId, people.bo.address)
    expect(conversations.title(dm)).toMatch(/^0x.{4}….{4}$/)
  })
})

describe('people', () => {
  it('are asked for once, and again when that failed', async () => {
    backend.add(conversation({ id: 'c' }), [], [member('alix'), member('bo')])
    backend.refuse.set('member_list', fail('busy', 'Busy.'))
    await known.meet('c')
    expect(known.knows(people.bo.inboxId)).toBe(false)
    backend.refuse.clear()
    await known.meet('c')
    await known.meet('c')
    expect(known.address(people.bo.inboxId)).toBe(people.bo.address)
    expect(backend.calls).toHaveLength(2)
  })

  it('are called “You” when they are us', () => {
    expect(known.name(SELF.inboxId)).toBe('You')
    expect(known.shortId(SELF.inboxId)).not.toBe('You')
  })
})

describe('a timeline', () => {
  const fill = (count: number, unread = 0): Timeline => {
    const list = Array.from({ length: count }, (_, n) => text('c', 'bo', `line ${n}`, ns(n)))
    backend.add(conversation({ id: 'c' }), list, [member('alix'), member('bo')], unread)
    return new Timeline(backend, 'c')
  }
  const lines = (timeline: Timeline): string[] => timeline.items.map((one) => one.text)

  it('opens at the newest messages and grows upwards', async () => {
    const timeline = fill(150)
    await timeline.open()
    expect(lines(timeline)).toHaveLength(60)
    expect(lines(timeline).at(-1)).toBe('line 149')
    await timeline.loadOlder()
    await timeline.loadOlder()
    await timeline.loadOlder()
    expect(lines(timeline)).toHaveLength(150)
    expect(lines(timeline)[0]).toBe('line 0')
    expect(timeline.older).toBeNull()
  })

  it('opens around the first unread message and grows downwards', async () => {
    const timeline = fill(300, 100)
    await timeline.open()
    expect(timeline.items.find(({ id }) => id === timeline.firstUnreadId)?.text).toBe('line 200')
    expect(timeline.newer).not.toBeNull()
    while (timeline.newer !== null) await timeline.loadNewer()
    expect(lines(timeline).at(-1)).toBe('line 299')
  })

  it('moves to a message that is far away, and stays where it is for one that is near', async () => {
    const timeline = fill(300)
    await timeline.open()
    const calls = backend.calls.length
    await timeline.around(timeline.items[5]?.id ?? '')
    expect(backend.calls).toHaveLength(calls)
    const far = backend.messages.get('c')?.[10]?.id ?? ''
    await timeline.around(far)
    expect(timeline.items.some(({ id }) => id === far)).toBe(true)
    expect(timeline.newer).not.toBeNull()
    await expect(timeline.around('nowhere')).rejects.toMatchObject({ code: 'unknown_message' })
    expect(timeline.items.some(({ id }) => id === far)).toBe(true)
  })

  it('leaves out what arrives beyond its window, until it gets there', async () => {
    const timeline = fill(300, 200)
    await timeline.open()
    const one = backend.arrive('c', 'bo', 'news', ns(1_000))
    expect(timeline.receive([one])).toEqual([one])
    expect(lines(timeline)).not.toContain('news')
    await timeline.toLatest()
    expect(lines(timeline).at(-1)).toBe('news')
  })

  it('shows what was sent at once, and moves it to its time on the network', async () => {
    const timeline = fill(3)
    backend.online = false
    await timeline.open()
    await timeline.send('mine')
    const mine = timeline.items.at(-1)
    expect(mine).toMatchObject({ text: 'mine', delivery: 'unpublished' })
    if (mine === undefined) return
    const later = BigInt(mine.sent_at_ns) + 10n
    timeline.receive([text('c', 'bo', 'between', String(later))])
    timeline.receive([{ ...mine, delivery: 'published', sent_at_ns: String(later + 10n) }])
    expect(lines(timeline).slice(-2)).toEqual(['between', 'mine'])
    expect(timeline.items.filter(({ id }) => id === mine.id)).toHaveLength(1)
  })

  it('never shows a message twice', async () => {
    const timeline = fill(3)
    await timeline.open()
    const one = backend.arrive('c', 'bo', 'news', ns(1_000))
    timeline.receive([one])
    expect(timeline.receive([one])).toEqual([])
    expect(lines(timeline).filter((line) => line === 'news')).toHaveLength(1)
  })

  it('catches up after a gap in the events, however long it was', async () => {
    const timeline = fill(10)
    await timeline.open()
    for (let n = 0; n < 5; n++) backend.arrive('c', 'bo', `missed ${n}`, ns(100 + n))
    await timeline.resync()
    expect(lines(timeline)).toHaveLength(15)
    for (let n = 0; n < 200; n++) backend.arrive('c', 'bo', `much ${n}`, ns(200 + n))
    await timeline.resync()
    expect(lines(timeline).at(-1)).toBe('much 199')
    // No hole: what lies before the newest page is to be read, not skipped.
    expect(timeline.older).not.toBeNull()
    expect(lines(timeline)).not.toContain('missed 4')
  })

  it('keeps what it shows when a page cannot be read', async () => {
    const timeline = fill(150)
    await timeline.open()
    backend.refuse.set('message_list', fail('io', 'The disk did not answer.'))
    await timeline.loadOlder()
    expect(timeline.failure?.code).toBe('io')
    expect(lines(timeline)).toHaveLength(60)
    backend.refuse.clear()
    await timeline.loadOlder()
    expect(timeline.failure).toBeNull()
    expect(lines(timeline)).toHaveLength(120)
  })
})

describe('navigation', () => {
  it('closes the topmost thing first', () => {
    const navigation = new Navigation()
    navigation.open('c')
    navigation.info = true
    flushSync()
    expect(navigation.close(true, true)).toBe(true)
    expect([navigation.info, navigation.conversationId]).toEqual([false, 'c'])
    expect(navigation.close(true, true)).toBe(true)
    expect(navigation.conversationId).toBeNull()
    expect(navigation.close(true, true)).toBe(false)
  })
})

describe('what is gone', () => {
  it('goes with the next reading of the list, and what comes meanwhile stays', async () => {
    const conversations = new Conversations(backend, known)
    for (const id of ['a', 'b']) backend.add(conversation({ id }), [text(id, 'bo', 'hi', ns(1))])
    await conversations.load()
    backend.conversations.delete('a')
    let release: (value: unknown) => void = () => undefined
    backend.hold.set('conversation_list', new Promise((done) => (release = done)))
    const loading = conversations.load()
    conversations.receive(conversation({ id: 'c' }))
    release(null)
    await loading
    expect(conversations.sorted.map(({ id }) => id).sort()).toEqual(['b', 'c'])
    expect(conversations.get('a')).toBeNull()
  })

  it('is not brought back by an answer that is older than an event', async () => {
    const conversations = new Conversations(backend, known)
    backend.add(conversation({ id: 'a', name: 'Old' }), [])
    let release: (value: unknown) => void = () => undefined
    backend.hold.set('conversation_list', new Promise((done) => (release = done)))
    const loading = conversations.load()
    conversations.receive(conversation({ id: 'a', name: 'New' }))
    release(null)
    await loading
    expect(conversations.get('a')?.name).toBe('New')
  })
})

describe('rules', () => {
  it('say what we may do, and nothing before they are read', async () => {
    backend.add(conversation({ id: 'c' }), [], [member('alix'), member('bo', 'super_admin')])
    const rules = new Rules(backend, 'c')
    expect(rules.may('add_member')).toBe(false)
    expect(rules.why('remove_member')).toBeNull()
    await rules.load()
    expect(rules.may('add_member', 'update_metadata.group_name')).toBe(true)
    expect(rules.may('add_member', 'remove_member')).toBe(false)
    expect(rules.why('add_member', 'remove_member')).toMatch(/^Only admins may remove people here: 0x/)
  })

  it('drop an answer that comes after a newer one', async () => {
    backend.add(conversation({ id: 'c' }), [], [member('alix', 'super_admin'), member('bo')])
    const rules = new Rules(backend, 'c')
    let release: (value: unknown) => void = () => undefined
    backend.hold.set('group_rules', new Promise((done) => (release = done)))
    const loading = rules.load()
    const newer = { ...backend.rules('c'), app_data: 'newer' }
    rules.take(newer)
    release(null)
    await loading
    expect(rules.all?.app_data).toBe('newer')
  })
})

describe('pictures of groups', () => {
  const one = conversation({ id: 'c', image_url: 'https://example.org/a.png' })

  it('are shown only once asked for, and only as what they are', async () => {
    backend.add(one, [])
    const pictures = new Pictures(backend)
    expect(pictures.of(one)).toBeNull()
    await pictures.show(one)
    expect(pictures.of(one)).toMatch(/^data:image\/png;base64,/)
    expect(pictures.of({ ...one, image_url: 'https://example.org/b.png' })).toBeNull()
    pictures.hide(one)
    expect(pictures.of(one)).toBeNull()
  })

  it.each([
    ['image/svg+xml', 'aaaa'],
    ['text/html', 'aaaa'],
    ['image/png', '"><script>'],
  ])('are refused when they are %s %s', async (media_type, base64) => {
    backend.add(one, [])
    backend.call = () => Promise.resolve({ media_type, base64 } as never)
    const pictures = new Pictures(backend)
    await expect(pictures.show(one)).rejects.toMatchObject({ code: 'image_refused' })
    expect(pictures.of(one)).toBeNull()
  })

  it.each([
    ['https://example.org/a.png', 'example.org'],
    ['https://example.org:8443/a', 'example.org:8443'],
    ['http://example.org/a.png', null],
    ['https://bank.example@evil.example/a', null],
    ['javascript:alert(1)', null],
    ['data:image/png;base64,aa', null],
    ['file:///etc/passwd', null],
    ['not a url', null],
  ])('%s would be fetched from %s', (url, host) => expect(pictureHost(url)).toBe(host))
})
