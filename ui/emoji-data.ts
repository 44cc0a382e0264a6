import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

/** The newest version of Emoji that the fonts of supported systems draw. */
const NEWEST = 15
/** The group of parts, as skin tones, that are nothing alone. */
const PARTS = 2

type Entry = {
  emoji: string
  label: string
  tags?: string[]
  group?: number
  order?: number
  /** 1: drawn in colours without being told so. */
  type: number
  version: number
}

/**
 * `virtual:emoji`: of the data package only what a picker needs, about a sixth of it. Each entry is
 * [emoji, group, label, further words].
 */
export const emojiData: Plugin = {
  name: 'emoji-data',
  resolveId: (id) => (id === 'virtual:emoji' ? '\0virtual:emoji' : null),
  load(id) {
    if (id !== '\0virtual:emoji') return null
    const path = createRequire(import.meta.url).resolve('emojibase-data/en/data.json')
    const all = JSON.parse(readFileSync(path, 'utf8')) as Entry[]
    const kept = all
      .filter(({ group, version }) => group !== undefined && group !== PARTS && version <= NEWEST)
      .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
      .map(({ emoji, type, group, label, tags = [] }) => {
        const spoken = label.toLowerCase().split(/[^\p{L}\p{N}]+/u)
        // As other apps write them: else a reaction would be another one than theirs.
        const written = type === 1 ? emoji.replace(/^(.)\uFE0F$/u, '$1') : emoji
        return [written, group, label, tags.filter((tag) => !spoken.includes(tag)).join(' ')]
      })
    return `export default JSON.parse(${JSON.stringify(JSON.stringify(kept))})`
  },
}
