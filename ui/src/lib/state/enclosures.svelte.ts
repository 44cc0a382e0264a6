import { SvelteMap } from 'svelte/reactivity'
import { toApiError, type Backend, type ChosenFile } from '../backend/backend'
import type { ApiError, PreparedAttachment } from '../backend/generated'
import { words } from '../words'
import { imageSource } from './pictures.svelte'

/** The most bytes a file may have that is sent along, and the most files of one message. */
export const FILE_BYTES = 100 * 1024 * 1024
export const MOST_FILES = 20

export type Enclosure = {
  key: number
  name: string
  size: number
  mediaType: string
  state: 'reading' | 'ready' | 'failed'
  prepared: PreparedAttachment | null
  failure: ApiError | null
  /** Something to give to `<img>`. */
  preview: string | null
}

/** What will be sent along with the next message of each conversation. */
export class Enclosures {
  readonly #backend: Backend
  readonly #all = new SvelteMap<string, Enclosure[]>()
  #last = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  of(conversationId: string): Enclosure[] {
    return this.#all.get(conversationId) ?? []
  }

  /** Takes files in that were dropped, pasted or chosen; those that are too large or too many say so. */
  add(conversationId: string, files: readonly File[]): void {
    for (const file of files) void this.#add(conversationId, file)
  }

  /** Takes in what the system's dialog gave. */
  addChosen(conversationId: string, all: readonly ChosenFile[]): void {
    for (const { name, prepared, failure } of all) {
      if (prepared === null) {
        this.#put(conversationId, { ...this.#new(name, 0, ''), state: 'failed', failure })
        continue
      }
      const one = this.#new(prepared.name, prepared.size, prepared.media_type)
      if (this.of(conversationId).length >= MOST_FILES) {
        this.#put(conversationId, { ...one, state: 'failed', failure: tooMany() })
        this.#discard(prepared.id)
        continue
      }
      this.#put(conversationId, { ...one, state: 'ready', prepared })
      void this.#show(conversationId, one.key, prepared)
    }
  }

  remove(conversationId: string, key: number): void {
    const gone = this.of(conversationId).find((one) => one.key === key)
    this.#keep(
      conversationId,
      this.of(conversationId).filter((one) => one.key !== key),
    )
    const id = gone?.prepared?.id
    if (id !== undefined) this.#discard(id)
  }

  /** Takes out what is ready, to be sent. */
  take(conversationId: string): Enclosure[] {
    const all = this.of(conversationId)
    this.#all.delete(conversationId)
    return all.filter(({ state }) => state === 'ready')
  }

  /** Puts back what could not be sent. */
  putBack(conversationId: string, all: Enclosure[]): void {
    this.#keep(conversationId, [...all, ...this.of(conversationId)])
  }

  /** Another id stands for the conversation from now on. */
  move(from: string, to: string): void {
    const all = this.of(from)
    this.#all.delete(from)
    if (all.length > 0) this.putBack(to, all)
  }

  async #add(conversationId: string, file: File): Promise<void> {
    const one = this.#new(file.name === '' ? words.files.unnamed : file.name, file.size, file.type)
    const refuse = (failure: ApiError): void =>
      this.#put(conversationId, { ...one, state: 'failed', failure })
    if (this.of(conversationId).length >= MOST_FILES) {
      refuse(tooMany())
    } else if (file.size > FILE_BYTES) {
      refuse({ code: 'attachment_too_large', message: words.files.tooLarge(FILE_BYTES), retryable: false })
    } else {
      this.#put(conversationId, one)
      try {
        const prepared = await this.#backend.call('attachment_prepare', {
          conversation_id: conversationId,
          name: one.name,
          media_type: one.mediaType === '' ? 'application/octet-stream' : one.mediaType,
          base64: await base64Of(file),
        })
        // Removed while it was being read.
        if (!this.of(conversationId).some(({ key }) => key === one.key)) return this.#discard(prepared.id)
        this.#put(conversationId, { ...one, state: 'ready', name: prepared.name, prepared })
        await this.#show(conversationId, one.key, prepared)
      } catch (error) {
        if (this.of(conversationId).some(({ key }) => key === one.key)) {
          refuse(toApiError(error, words.files.unreadable))
        }
      }
    }
  }

  async #show(conversationId: string, key: number, prepared: PreparedAttachment): Promise<void> {
    if (prepared.thumbnail === null) return
    try {
      const preview = imageSource(await this.#backend.call('prepared_read', { id: prepared.id }))
      const now = this.of(conversationId).find((one) => one.key === key)
      if (now !== undefined) this.#put(conversationId, { ...now, preview })
    } catch {
      // Only a small picture: the name says what it is.
    }
  }

  #new(name: string, size: number, mediaType: string): Enclosure {
    const key = ++this.#last
    return { key, name, size, mediaType, state: 'reading', prepared: null, failure: null, preview: null }
  }

  #put(conversationId: string, one: Enclosure): void {
    const all = this.of(conversationId)
    const known = all.some(({ key }) => key === one.key)
    this.#keep(
      conversationId,
      known ? all.map((other) => (other.key === one.key ? one : other)) : [...all, one],
    )
  }

  #keep(conversationId: string, all: Enclosure[]): void {
    if (all.length === 0) this.#all.delete(conversationId)
    else this.#all.set(conversationId, all)
  }

  #discard(id: string): void {
    this.#backend.call('attachment_discard', { id }).catch(() => undefined)
  }
}

function tooMany(): ApiError {
  return { code: 'too_many', message: words.files.tooMany(MOST_FILES), retryable: false }
}

function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''))
    reader.onerror = () => reject(new Error('the file cannot be read'))
    reader.readAsDataURL(file)
  })
}
