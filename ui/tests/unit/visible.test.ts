import { describe, expect, it } from 'vitest'
import { visible } from '../../src/lib/format/visible'

describe('a name', () => {
  it('stays what it is if nothing hides in it', () => {
    for (const name of ['Choir', 'צוות הפיתוח', 'Zürich 🎉', 'família', '한국어', '👩‍👩‍👧‍👦']) {
      expect(visible(name)).toBe(name)
    }
  })

  it('cannot turn the direction of what stands beside it', () => {
    expect(visible('invoice\u202Efdp.exe')).toBe('invoicefdp.exe')
    expect(visible('\u2067a\u2069\u200F\u061Cb\u200E')).toBe('ab')
  })

  it('is one line, and shows control characters', () => {
    expect(visible('Two\r\nlines\tand\u0007 a bell\u007f')).toBe('Two lines and\u2407 a bell\u2421')
    expect(visible('\u0085next\u009f')).toBe('\ufffdnext\ufffd')
    expect(visible('a\u2028b\u2029c')).toBe('a b c')
  })

  it('cannot look like another, or like none', () => {
    expect(visible('Ch\u200Boi\u2060r\uFEFF\u00AD')).toBe('Choir')
    expect(visible('\u3164\u115F \u2800\uFFA0')).toBe('')
    expect(visible('  a   b ')).toBe('a b')
    expect(visible('a\u{e0041}\u{e0042}b')).toBe('ab')
  })

  it('keeps the flags that are spelled with tags, and shows half characters', () => {
    const scotland = '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'
    expect(visible(`${scotland} A`)).toBe(`${scotland} A`)
    expect(visible('a\ud83c')).toBe('a\ufffd')
  })
})

describe('a longer text', () => {
  it('keeps its lines and its own marks of direction, and no overrides', () => {
    const text = 'one\r\n\ttwo \u2067שלום\u2069\u200E.'
    expect(visible(text, true)).toBe('one\n\ttwo \u2067שלום\u2069\u200E.')
    expect(visible('a\u202Eb\u0000', true)).toBe('ab\u2400')
  })
})
