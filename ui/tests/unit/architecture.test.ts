import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, type AST } from 'svelte/compiler'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const files = ['src', 'tests'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
)
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const code = files.filter((path) => /\.(ts|svelte|css|mjs)$/.test(path))
const source = code.filter((path) => path.startsWith('src'))
const components = source.filter((path) => path.endsWith('.svelte'))

/** Attributes that a person reads or hears. */
const SPOKEN = ['aria-label', 'title', 'placeholder', 'alt', 'aria-description']

/** Every piece of text in the markup of a component that a person could read. */
function textsIn(node: unknown, found: string[] = []): string[] {
  if (typeof node !== 'object' || node === null) return found
  if (Array.isArray(node)) {
    for (const one of node) textsIn(one, found)
    return found
  }
  const typed = node as { type?: string; name?: string; data?: string; value?: unknown }
  if (typed.type === 'Text' && typeof typed.data === 'string') found.push(typed.data)
  const silent = typed.type === 'Attribute' && !SPOKEN.includes(typed.name ?? '')
  if (silent || typed.type === 'StyleDirective') {
    const values = Array.isArray(typed.value) ? (typed.value as AST.Text[]) : [typed.value]
    return textsIn(
      values.filter((value) => (value as { type?: string } | undefined)?.type !== 'Text'),
      found,
    )
  }
  for (const value of Object.values(node)) textsIn(value, found)
  return found
}

describe('the source', () => {
  it.each(code)('%s has at most 800 lines', (path) => {
    if (path.endsWith('generated.ts')) return
    expect(read(path).split('\n').length).toBeLessThanOrEqual(800)
  })

  it.each(source)('%s knows only the Backend interface', (path) => {
    if (path === 'src/main.ts') return
    const imports = [...read(path).matchAll(/from '([^']+)'/g)].map(([, from]) => from ?? '')
    expect(imports.filter((from) => /backend\/(tauri|web)$/.test(from))).toEqual([])
    if (path !== 'src/lib/backend/tauri.ts') {
      expect(imports.filter((from) => from.startsWith('@tauri-apps/'))).toEqual([])
    }
  })

  it.each(source)('%s does not import tests', (path) => {
    expect(read(path)).not.toMatch(/from '[^']*tests\//)
  })

  it.each(source)('%s names no colour', (path) => {
    if (path === 'src/styles/tokens.css') return
    expect(read(path)).not.toMatch(/#[0-9a-f]{3,8}\b(?=[;\s)'"])|\b(rgba?|hsla?|oklch|oklab|lab|lch)\(/i)
  })

  it.each(components)('%s takes its words from the catalogue', (path) => {
    const { fragment } = parse(read(path), { modern: true })
    expect(textsIn(fragment).filter((text) => /\p{L}/u.test(text))).toEqual([])
  })

  it.each(components)('%s never inserts HTML', (path) => {
    expect(read(path)).not.toMatch(/\{@html|innerHTML/)
  })
})

describe('the colours', () => {
  it('name both themes each', () => {
    const colours = read('src/styles/tokens.css')
      .split('\n')
      .filter((line) => line.includes('oklch('))
    expect(colours.length).toBeGreaterThan(30)
    expect(colours.filter((line) => !line.includes('light-dark('))).toEqual([])
  })
})
