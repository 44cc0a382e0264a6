import { describe, expect, it } from 'vitest'
import { isWho, shorten, splitWho } from '../../src/lib/format/address'
import { byteLength } from '../../src/lib/format/bytes'
import { hueOf, HUES, pattern } from '../../src/lib/format/mark'
import { toRows } from '../../src/lib/format/rows'
import { describe as inWords } from '../../src/lib/format/system-line'
import { compareNs, dayName, listTime, toDate } from '../../src/lib/format/time'
import type { Content } from '../../src/lib/backend/generated'
import { message, people, text } from '../memory/world'

const { bo, caro } = people

describe('addresses', () => {
  it('are shortened so that both ends can be compared', () => {
    expect(shorten('0x1234567890abcdef1234567890abcdef1234abcd')).toBe('0x1234…abcd')
    expect(shorten(bo.inboxId)).toBe(`${bo.inboxId.slice(0, 4)}…${bo.inboxId.slice(-4)}`)
    expect(shorten('0x1234')).toBe('0x1234')
  })

  it('are told from anything else', () => {
    expect(isWho(bo.address)).toBe(true)
    expect(isWho(bo.inboxId)).toBe(true)
    expect(isWho(bo.address.toUpperCase().replace('0X', '0x'))).toBe(true)
    expect(isWho(bo.address.slice(0, -1))).toBe(false)
    expect(isWho(`${bo.inboxId}0`)).toBe(false)
    expect(isWho('')).toBe(false)
  })

  it('come apart at spaces, commas, semicolons and lines', () => {
    expect(splitWho(' a,b;c\n\nd\te ,, ')).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(splitWho(' \n')).toEqual([])
  })
})

describe('lengths', () => {
  it('count bytes, not characters', () => {
    expect(byteLength('aé€😀')).toBe(1 + 2 + 3 + 4)
  })
})

describe('marks', () => {
  it('are the same for the same id and differ for others', () => {
    expect(pattern(bo.inboxId)).toBe(pattern(bo.inboxId))
    const all = Array.from({ length: 500 }, (_, n) => `${hueOf(`id ${n}`)} ${pattern(`id ${n}`)}`)
    expect(new Set(all).size).toBeGreaterThan(495)
  })

  it('use every colour about equally', () => {
    const counts = Array.from({ length: HUES }, () => 0)
    for (let n = 0; n < 6_000; n++) counts[hueOf(`inbox ${n}`)] = (counts[hueOf(`inbox ${n}`)] ?? 0) + 1
    expect(Math.min(...counts)).toBeGreaterThan(350)
  })
})

describe('times', () => {
  const now = new Date(2026, 10, 22, 18, 0)
  const ns = (date: Date): string => `${date.getTime()}000000`

  it('are compared to the nanosecond', () => {
    expect(compareNs('1763834400000000001', '1763834400000000002')).toBeLessThan(0)
    expect(compareNs('999', '1000')).toBeLessThan(0)
    expect(compareNs('5', '5')).toBe(0)
  })

  it('survive an empty or small value', () => {
    expect(toDate('0').getTime()).toBe(0)
    expect(toDate('').getTime()).toBe(0)
  })

  it('are short in the list and say only what is needed', () => {
    expect(listTime(ns(new Date(2026, 10, 22, 9, 5)), now)).toBe('09:05')
    expect(listTime(ns(new Date(2026, 10, 21, 23, 59)), now)).toBe('Yesterday')
    expect(listTime(ns(new Date(2026, 10, 17)), now)).toBe('Tue')
    expect(listTime(ns(new Date(2026, 10, 3)), now)).toBe('3 Nov')
    expect(listTime(ns(new Date(2024, 10, 3)), now)).toBe('3 Nov 2024')
  })

  it('name days in dividers', () => {
    expect(dayName(ns(new Date(2026, 10, 22, 0, 0)), now)).toBe('Today')
    expect(dayName(ns(new Date(2026, 10, 21, 0, 0)), now)).toBe('Yesterday')
    expect(dayName(ns(new Date(2026, 10, 18, 12)), now)).toBe('Wednesday')
    expect(dayName(ns(new Date(2025, 1, 3)), now)).toBe('3 February 2025')
  })
})

describe('rows of a conversation', () => {
  const at = (minutes: number): string => `${new Date(2026, 10, 20, 12, minutes).getTime()}000000`

  it('make runs of bubbles by sender and time', () => {
    const rows = toRows(
      [
        text('c', 'bo', 'one', at(0)),
        text('c', 'bo', 'two', at(1)),
        text('c', 'caro', 'three', at(2)),
        text('c', 'caro', 'four', at(30)),
      ],
      null,
      false,
    )
    expect(rows.map((row) => (row.type === 'bubble' ? [row.first, row.last] : row.type))).toEqual([
      'day',
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ])
  })

  it('put a divider for each day, and one before the first unread message', () => {
    const messages = [
      text('c', 'bo', 'one', at(0)),
      text('c', 'bo', 'two', at(1)),
      text('c', 'bo', 'three', at(24 * 60)),
    ]
    const rows = toRows(messages, messages[1]?.id ?? '', true)
    expect(rows.map(({ type }) => type)).toEqual([
      'start',
      'day',
      'bubble',
      'unread',
      'bubble',
      'day',
      'bubble',
    ])
    const bubbles = rows.filter((row) => row.type === 'bubble')
    expect(bubbles.map(({ first }) => first)).toEqual([true, true, true])
    expect(bubbles.map(({ last }) => last)).toEqual([true, true, true])
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length)
  })

  it('break a run at a line of the group', () => {
    const rows = toRows(
      [
        text('c', 'bo', 'one', at(0)),
        message.change('c', bo.inboxId, { added: [caro.inboxId] }, at(1)),
        text('c', 'bo', 'two', at(2)),
      ],
      null,
      false,
    )
    expect(rows.map(({ type }) => type)).toEqual(['day', 'bubble', 'line', 'bubble'])
    expect(rows.at(-1)).toMatchObject({ first: true, last: true })
  })
})

describe('changes of a group', () => {
  const none: Extract<Content, { kind: 'group_updated' }> = {
    kind: 'group_updated',
    by: 'Alix',
    added: [],
    removed: [],
    left: [],
    fields: [],
    added_admins: [],
    removed_admins: [],
    added_super_admins: [],
    removed_super_admins: [],
  }
  const say = (change: Partial<typeof none>): string[] => inWords({ ...none, ...change }, (id) => id)

  it('are said in words', () => {
    expect(say({ added: ['Bo'] })).toEqual(['Alix added Bo'])
    expect(say({ removed: ['Bo', 'Caro'] })).toEqual(['Alix removed Bo and Caro'])
    expect(say({ left: ['Bo'] })).toEqual(['Bo left'])
    expect(say({ added_admins: ['Bo'] })).toEqual(['Alix made Bo an admin'])
    expect(say({})).toEqual(['Alix updated the group'])
  })

  it('name at most three of many', () => {
    expect(say({ added: ['Bo', 'Caro', 'Davon', 'Eri', 'Fritz'] })).toEqual([
      'Alix added Bo, Caro, Davon and 2 people more',
    ])
  })

  it('keep the direction of a name to itself', () => {
    expect(say({ fields: [{ field: 'group_name', old: null, new: 'שלום' }] })).toEqual([
      'Alix named the group “\u2068שלום\u2069”',
    ])
    expect(say({ fields: [{ field: 'group_name', old: 'x', new: '' }] })).toEqual([
      'Alix removed the group’s name',
    ])
  })

  it('say one sentence for the two halves of disappearing messages', () => {
    expect(
      say({
        fields: [
          { field: 'message_disappear_from_ns', old: null, new: '1' },
          { field: 'message_disappear_in_ns', old: null, new: '604800000000000' },
        ],
      }),
    ).toEqual(['Alix set messages to disappear after 1 week'])
  })
})
