import { SvelteMap } from 'svelte/reactivity'
import type { Backend } from '../backend/backend'
import type { Attachment, Message, TransferAction } from '../backend/generated'
import { imageSource } from './pictures.svelte'

/** Pictures kept to be drawn again at once. */
const MOST_KEPT = 120

/** Whether it is shown as a picture: what is sent is here all the time, what others send once it is fetched. */
export function isShown({ is_own }: Message, { state, thumbnail }: Attachment): boolean {
  if (thumbnail === null) return false
  return state === 'stored' || (is_own && ['waiting', 'transferring', 'paused'].includes(state))
}

/** The attachments of messages: pictures from the local store, transfers, and saving. */
export class Attachments {
  readonly #backend: Backend
  /** Sources for `<img>`; null for what is no picture that is shown. */
  readonly #sources = new SvelteMap<string, string | null>()
  readonly #asked = new Set<string>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Something small to give to `<img>`; undefined until it is read, null if it cannot be shown. */
  thumbnail(message: Message, index: number): string | null | undefined {
    return this.#sources.get(`${message.id}/${index}`)
  }

  /** Reads a small picture from the local store, once. */
  async load(message: Message, index: number): Promise<void> {
    const key = `${message.id}/${index}`
    if (this.#asked.has(key)) return
    this.#asked.add(key)
    let source: string | null = null
    try {
      source = await this.full(message.id, index, true)
    } catch {
      // It stays a file, which can be saved.
    }
    this.#sources.set(key, source)
    for (const old of this.#sources.keys()) {
      if (this.#sources.size <= MOST_KEPT) break
      this.#sources.delete(old)
      this.#asked.delete(old)
    }
  }

  /** The whole picture, or a small one. Rejects if it is not stored, or none that is shown. */
  async full(messageId: string, index: number, thumbnail = false): Promise<string> {
    return imageSource(
      await this.#backend.call('attachment_read', { message_id: messageId, index, thumbnail }),
    )
  }

  transfer(messageId: string, index: number, action: TransferAction): Promise<Message> {
    return this.#backend.call('attachment_transfer', { message_id: messageId, index, action })
  }

  allowHost(host: string): Promise<unknown> {
    return this.#backend.call('attachment_allow_host', { host, is_allowed: true })
  }

  /** Saves it where the person wants; says where, '' if the browser knows, null if they changed their mind. */
  async save(messageId: string, { index, name }: Attachment): Promise<string | null> {
    if (this.#backend.shell !== null) return this.#backend.shell.saveAttachment(messageId, index, name)
    const { media_type, base64 } = await this.#backend.call('attachment_read', {
      message_id: messageId,
      index,
      thumbnail: false,
    })
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([bytes], { type: media_type }))
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    return ''
  }
}
