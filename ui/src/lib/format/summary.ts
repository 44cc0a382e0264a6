import type { Message } from '../backend/generated'
import { words } from '../words'
import { shorten } from './address'
import { fileName } from './file'
import { visible } from './visible'

/** The most characters of a summary; what is longer takes time to read and is not. */
export const MOST_SUMMARY = 1_000
const MENTION = /@(0x[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-z])/gi

/** The beginning of a text in one line, with short mentions. */
export function oneLine(text: string): string {
  return visible(text.slice(0, MOST_SUMMARY)).replace(MENTION, (_, id: string) => `@${shorten(id)}`)
}

/** A message in one line, for quotes, lists and those who listen. */
export function summary({ content, text }: Message): string {
  switch (content.kind) {
    case 'deleted':
      return words.deletion.placeholder
    case 'attachments': {
      const [first] = content.items
      return content.items.length === 1 && first !== undefined
        ? fileName(first)
        : words.files.count(content.items.length)
    }
    case 'text':
    case 'markdown':
      return oneLine(content.text)
    default:
      return oneLine(text) || words.conversation.unsupported
  }
}
