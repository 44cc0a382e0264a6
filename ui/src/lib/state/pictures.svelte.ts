import { SvelteMap } from 'svelte/reactivity'
import type { Backend } from '../backend/backend'
import type { Media, Conversation } from '../backend/generated'
import { words } from '../words'

/** What is shown; nothing that could hold a script or load something else. */
const SAFE = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Something to give to `<img>`. Throws an `ApiError` if it is no picture that is shown. */
export function imageSource({ media_type, base64 }: Media): string {
  if (!SAFE.includes(media_type) || !BASE64.test(base64)) {
    throw { code: 'image_refused', message: words.info.pictureOdd, retryable: false }
  }
  return `data:${media_type};base64,${base64}`
}

/** Pictures of groups that the person asked to see, until the app is closed. */
export class Pictures {
  readonly #backend: Backend
  /** By conversation; the address says which picture it is. */
  readonly #shown = new SvelteMap<string, { url: string; source: string }>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Something to give to `<img>`; null if nothing is shown, or another picture was set since. */
  of(conversation: Conversation): string | null {
    const shown = this.#shown.get(conversation.id)
    return shown?.url === conversation.image_url ? shown.source : null
  }

  async show(conversation: Conversation): Promise<void> {
    const bytes = await this.#backend.call('group_image', { conversation_id: conversation.id })
    this.#shown.set(conversation.id, { url: conversation.image_url, source: imageSource(bytes) })
  }

  hide(conversation: Conversation): void {
    this.#shown.delete(conversation.id)
  }
}

/** The host that a picture would be fetched from; null if its address is none that is ever fetched. */
export function pictureHost(url: string): string | null {
  try {
    const parsed = new URL(url)
    return parsed.protocol === 'https:' && parsed.username === '' && parsed.host !== '' ? parsed.host : null
  } catch {
    return null
  }
}
