import type { Attachment } from '../backend/generated'
import { words } from '../words'
import { visible } from './visible'

/** The name of a file as it is shown. */
export function fileName({ name }: Pick<Attachment, 'name'>): string {
  return visible(name) || words.files.unnamed
}

/** Where a file was saved; '' if the browser knows. */
export function savedWords(saved: string): string {
  return saved === '' ? words.transfer.savedBrowser : words.transfer.saved(visible(saved))
}
