import { expect, it } from 'vitest'
import { readShortcut } from '../../src/lib/main/shortcuts'

const press = (key: string, given: Partial<KeyboardEventInit> = {}) =>
  readShortcut(new KeyboardEvent('keydown', { key, ...given }))

it('reads the shortcuts of the sheet', () => {
  expect(press('k', { ctrlKey: true })).toEqual({ do: 'palette' })
  expect(press('k', { metaKey: true })).toEqual({ do: 'palette' })
  expect(press('n', { ctrlKey: true })).toEqual({ do: 'new-group' })
  expect(press(',', { ctrlKey: true })).toEqual({ do: 'settings' })
  expect(press('/', { ctrlKey: true })).toEqual({ do: 'shortcuts' })
  expect(press('Escape')).toEqual({ do: 'close' })
  expect(press('3', { ctrlKey: true, code: 'Digit3' })).toEqual({ do: 'nth', index: 2 })
  expect(press('ArrowUp', { altKey: true })).toEqual({ do: 'step', by: -1, unread: false })
  expect(press('ArrowDown', { altKey: true, shiftKey: true })).toEqual({ do: 'step', by: 1, unread: true })
})

it('leaves ordinary typing alone', () => {
  expect(press('k')).toBeNull()
  expect(press('n', { ctrlKey: true, shiftKey: true })).toBeNull()
  expect(press('0', { ctrlKey: true, code: 'Digit0' })).toBeNull()
  expect(press('ArrowUp')).toBeNull()
  expect(press('q', { ctrlKey: true, altKey: true })).toBeNull()
})
