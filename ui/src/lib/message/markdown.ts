import { Lexer, type Token, type Tokens } from 'marked'
import { visible } from '../format/visible'
import { readLink, readText, type Inline } from './text'

export type Item = { checked: boolean | null; children: Block[] }
export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'quote'; children: Block[] }
  | { type: 'list'; ordered: boolean; start: number; items: Item[] }
  | { type: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { type: 'rule' }

/** The longest text that is read as markdown, in characters; what is longer is shown as it was written. */
export const MARKDOWN_CHARACTERS = 20_000
/** Marks of which more are no text of a person: reading them takes time that grows with their square. */
const MOST_MARKS = 2_000
/** Quotes in quotes that would never be drawn. */
const DEEP_QUOTE = /(?:>[ \t]*){20}/
const MARK = /[_*~`[\]<>|&\\]/g
/** What is nested deeper is shown as it was written. */
const DEEPEST = 8
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** The text of an HTML entity, or the entity itself if it is not a common one. */
function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? all
    const code = decimal === undefined ? parseInt(String(hex), 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
}

const asWritten = (raw: string): Inline[] => [{ type: 'text', text: visible(raw, true) }]

function inlines(tokens: Token[] | undefined, deep: number): Inline[] {
  return (tokens ?? []).flatMap((token) => inline(token, deep))
}

function inline(token: Token, deep: number): Inline[] {
  if (deep > DEEPEST) return asWritten(token.raw)
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
      return [{ type: token.type, children: inlines(token.tokens, deep + 1) }]
    case 'codespan':
      return [{ type: 'code', text: visible((token as Tokens.Codespan).text, true) }]
    case 'br':
      return [{ type: 'break' }]
    case 'escape':
      return asWritten((token as Tokens.Escape).text)
    case 'link': {
      const { href, tokens, raw } = token as Tokens.Link
      const link = readLink(href)
      return link === null
        ? asWritten(raw)
        : [{ type: 'link', ...link, children: withoutLinks(inlines(tokens, deep + 1)) }]
    }
    case 'image': {
      // Never fetched: it is a link with the words that stand in for it.
      const { href, text, raw } = token as Tokens.Image
      const link = readLink(href)
      if (link === null) return asWritten(raw)
      return [{ type: 'link', ...link, children: asWritten(text === '' ? link.host : text) }]
    }
    case 'text': {
      const { tokens, text } = token as Tokens.Text
      return tokens === undefined ? readText(decoded(text)) : inlines(tokens, deep + 1)
    }
    default:
      // HTML above all.
      return asWritten(token.raw)
  }
}

/** The words of a link may look like another one. */
function withoutLinks(all: Inline[]): Inline[] {
  return all.flatMap((one) =>
    one.type === 'link'
      ? withoutLinks(one.children)
      : 'children' in one
        ? { ...one, children: withoutLinks(one.children) }
        : one,
  )
}

function blocks(tokens: Token[] | undefined, deep: number): Block[] {
  return (tokens ?? []).flatMap((token) => block(token, deep))
}

function block(token: Token, deep: number): Block[] {
  const written: Block[] = [{ type: 'paragraph', children: asWritten(token.raw.trimEnd()) }]
  if (deep > DEEPEST) return written
  switch (token.type) {
    case 'space':
    case 'def':
      return []
    case 'paragraph':
    case 'text':
      return [{ type: 'paragraph', children: inlines(token.tokens ?? [token], deep) }]
    case 'heading':
      return [
        {
          type: 'heading',
          level: Math.min((token as Tokens.Heading).depth, 3),
          children: inlines(token.tokens, deep),
        },
      ]
    case 'code':
      return [{ type: 'code', text: visible((token as Tokens.Code).text, true) }]
    case 'blockquote':
      return [{ type: 'quote', children: blocks(token.tokens, deep + 1) }]
    case 'hr':
      return [{ type: 'rule' }]
    case 'list': {
      const { ordered, start, items } = token as Tokens.List
      return [
        {
          type: 'list',
          ordered,
          start: start === '' ? 1 : start,
          items: items.map((item) => ({
            checked: item.task ? item.checked === true : null,
            children: blocks(
              item.tokens.filter(({ type }) => type !== 'checkbox'),
              deep + 1,
            ),
          })),
        },
      ]
    }
    case 'table': {
      const { header, rows } = token as Tokens.Table
      return [
        {
          type: 'table',
          head: header.map((cell) => inlines(cell.tokens, deep)),
          rows: rows.map((row) => row.map((cell) => inlines(cell.tokens, deep))),
        },
      ]
    }
    default:
      return written
  }
}

/**
 * Markdown as nodes to draw. HTML stays text, nothing is fetched, only web and mail addresses become
 * links. Whatever cannot be read, or is too much, is shown as it was written.
 */
export function readMarkdown(text: string): Block[] {
  const written: Block[] = [{ type: 'paragraph', children: readText(text) }]
  const marks = text.match(MARK)?.length ?? 0
  if (text.length > MARKDOWN_CHARACTERS || marks > MOST_MARKS || DEEP_QUOTE.test(text)) return written
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0)
  } catch {
    // Nested beyond all measure.
    return written
  }
}
