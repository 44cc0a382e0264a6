import { describe, expect, it } from 'vitest'
import { mentionable, mentionAt, mentionText, writtenOut } from '../../src/lib/composer/mentions'
import { fileSize } from '../../src/lib/format/bytes'
import { shortDuration } from '../../src/lib/format/duration'
import { readMarkdown, type Block } from '../../src/lib/message/markdown'
import { readLink, readText, type Inline } from '../../src/lib/message/text'
import { EmojiState } from '../../src/lib/state/emoji.svelte'
import { soughtWords } from '../../src/lib/state/search.svelte'
import { shorten } from '../../src/lib/format/address'
import { MOST_SUMMARY, oneLine, summary } from '../../src/lib/format/summary'
import { member, people, text } from '../memory/world'

/** All text in a tree, as it would be read. */
function plain(all: (Block | Inline)[]): string {
  return all
    .map((one) =>
      'text' in one
        ? one.text
        : 'children' in one
          ? plain(one.children)
          : 'items' in one
            ? plain(one.items.flatMap(({ children }) => children))
            : '',
    )
    .join('')
}

describe('links', () => {
  it.each([
    ['https://a.example/x', 'a.example'],
    ['http://a.example:8080', 'a.example:8080'],
    ['mailto:bo@a.example', 'bo@a.example'],
    ['https://xn--e1afmkfd.example', 'xn--e1afmkfd.example'],
    ['https://пример.example', 'xn--e1afmkfd.example'],
  ])('%s leads to %s', (href, host) => expect(readLink(href)?.host).toBe(host))

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'https://bank.example@evil.example',
    'https://a.example/\u202Egnp',
    'https://',
    '//a.example',
    '/x',
  ])('%s is none', (href) => expect(readLink(href)).toBeNull())

  it('end where the sentence goes on', () => {
    const found = readText('See https://a.example/x_(y), (https://b.example) or https://c.example/?q=1.')
    expect(found.flatMap((one) => (one.type === 'link' ? one.href : []))).toEqual([
      'https://a.example/x_(y)',
      'https://b.example/',
      'https://c.example/?q=1',
    ])
    expect(plain(found)).toBe('See https://a.example/x_(y), (https://b.example) or https://c.example/?q=1.')
  })
})

it('an address with a hundred thousand brackets ends where it should', () => {
  const [link] = readText(`https://a.example/x(${')'.repeat(100_000)}`)
  expect(link).toMatchObject({ type: 'link', href: 'https://a.example/x()' })
})

describe('markdown', () => {
  it('keeps HTML as text, and never nests links', () => {
    const [first] = readMarkdown(
      '<b onclick=x>Hi</b> [a [b](https://b.example)](https://c.example) &lt;i&gt;',
    )
    expect(plain(first === undefined ? [] : [first])).toContain('<b onclick=x>Hi</b>')
    expect(plain(first === undefined ? [] : [first])).toContain('<i>')
    const links = (all: Inline[], inside: boolean): void => {
      for (const one of all) {
        if (one.type === 'link') expect(inside).toBe(false)
        if ('children' in one) links(one.children, inside || one.type === 'link')
      }
    }
    if (first !== undefined && 'children' in first) links(first.children as Inline[], false)
  })

  it.each([
    ['quotes in quotes', '>'.repeat(5_000)],
    ['quotes over lines', '> > > > > > > > > > a\n'.repeat(900)],
    ['lists in lists', Array.from({ length: 150 }, (_, n) => `${'  '.repeat(n)}- a`).join('\n')],
    ['brackets', '['.repeat(20_000)],
    ['stars', '*a '.repeat(6_000)],
    ['underscores', '_a'.repeat(10_000)],
    ['ticks', '`a'.repeat(10_000)],
    ['half links', '[a](<'.repeat(4_000)],
    ['bars', `${'|a'.repeat(4_000)}\n${'|-'.repeat(4_000)}`],
    ['very long', 'word '.repeat(200_000)],
    ['random', Array.from({ length: 9_000 }, (_, n) => String.fromCharCode((n * 7_919) % 256)).join('')],
  ])('takes %s without harm, in short time', (_, text) => {
    const began = performance.now()
    expect(readMarkdown(text).length).toBeGreaterThan(0)
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('breaks lines where they were broken, and reads lists and tasks', () => {
    expect(readMarkdown('one\ntwo')).toEqual([
      {
        type: 'paragraph',
        children: [{ type: 'text', text: 'one' }, { type: 'break' }, { type: 'text', text: 'two' }],
      },
    ])
    const [list] = readMarkdown('3. a\n4. b')
    expect(list).toMatchObject({ type: 'list', ordered: true, start: 3 })
    const [tasks] = readMarkdown('- [ ] a\n- [x] b')
    expect(tasks?.type === 'list' && tasks.items.map(({ checked }) => checked)).toEqual([false, true])
  })
})

describe('mentions', () => {
  const members = [member('alix'), member('bo'), member('caro')]

  it('are looked for after an @ that begins a word', () => {
    expect(mentionAt('Hi @0x1', 7)).toEqual({ from: 3, query: '0x1' })
    expect(mentionAt('@', 1)).toEqual({ from: 0, query: '' })
    expect(mentionAt('mail bo@example', 15)).toBeNull()
    expect(mentionAt('Hi @0x1 there', 13)).toBeNull()
  })

  it('find members by the beginning of an address, never ourselves', () => {
    const found = mentionable(members, people.bo.address.slice(2, 8))
    expect(found.map(({ inbox_id }) => inbox_id)).toEqual([people.bo.inboxId])
    expect(mentionable(members, '')).toHaveLength(2)
  })

  it('are short while composing, whole when sent, and untouched if they fit several people', () => {
    const bo = members[1]
    if (bo === undefined) throw new Error('Bo is a member')
    const short = mentionText(bo, members)
    expect(short).toMatch(/^@0x.{4}….{4}$/)
    expect(writtenOut(`Hi ${short}!`, members)).toBe(`Hi @${people.bo.address}!`)
    expect(writtenOut(`Hi ${short}!`, [])).toBe(`Hi ${short}!`)
    const double = {
      ...member('caro'),
      addresses: [`${people.bo.address.slice(0, 20)}${'0'.repeat(18)}${people.bo.address.slice(-4)}`],
    }
    expect(mentionText(bo, [...members, double])).toBe(`@${people.bo.address}`)
    expect(writtenOut(`Hi ${short}!`, [...members, double])).toBe(`Hi ${short}!`)
  })
})

describe('emoji', () => {
  it('are found by name first, then by further words, and those used last are kept', async () => {
    const emoji = new EmojiState()
    await emoji.load()
    expect(emoji.all?.length).toBeGreaterThan(1_500)
    expect(emoji.search('snowman')[0]?.label).toContain('snowman')
    expect(emoji.search('thumbs up')[0]?.emoji).toBe('👍')
    expect(emoji.search('no such thing')).toEqual([])
    emoji.used('🦊')
    emoji.used('🐻')
    emoji.used('🦊')
    expect(new EmojiState().recent).toEqual(['🦊', '🐻'])
    expect(emoji.quick.slice(0, 3)).toEqual(['🦊', '🐻', '👍'])
  })
})

it('sizes and times are short', () => {
  expect(fileSize(12)).toBe('12 byte')
  expect(fileSize(1_400_000)).toBe('1.4 MB')
  expect(fileSize(999_700)).toBe('1 MB')
  expect(shortDuration(90n * 1_000_000_000n)).toBe('2 min')
  expect(shortDuration(0n)).toBe('1 s')
})

it('words that are searched for are those beside the filters', () => {
  expect(soughtWords('Wood from:bo "two words" before:2026-11-01 ')).toEqual(['wood', 'two words'])
  expect(soughtWords('"')).toEqual([])
})

it('a text in one line has short mentions', () => {
  expect(oneLine(`Ask\n@${people.bo.address}, or @${people.caro.inboxId}`)).toBe(
    `Ask @${shorten(people.bo.address)}, or @${shorten(people.caro.inboxId)}`,
  )
})

it('the summary of a megabyte takes no time', () => {
  const body = `${'\u200b'.repeat(3_000)}${'x'.repeat(1_000_000)}`
  const one = { ...text('c', 'bo', body, '1'), content: { kind: 'text' as const, text: body } }
  expect(summary(one).length).toBeLessThanOrEqual(MOST_SUMMARY)
})
