import { describe, expect, it } from 'vitest'
import type { PermissionOption } from '../../src/lib/backend/generated'
import { durationWords, joinDuration, splitDuration } from '../../src/lib/format/duration'
import {
  affected,
  cellsOf,
  changesOf,
  gainedBy,
  OPTIONS,
  presetCells,
  presetOf,
  roleHas,
  ROWS,
  type RowId,
} from '../../src/lib/format/permissions'
import { lets, parsePolicy, policyWords } from '../../src/lib/format/policy'
import { changed, preset } from '../memory/policies'
import { member, people } from '../memory/world'

const members = [member('alix', 'super_admin'), member('bo', 'admin'), member('caro'), member('davon')]
const chosen = (...entries: [RowId, PermissionOption][]): Map<RowId, PermissionOption> => new Map(entries)

describe('a condition', () => {
  it.each([
    ['allow', [true, true, true]],
    ['admin', [false, true, true]],
    ['super_admin', [false, false, true]],
    ['deny', [false, false, false]],
    ['any(super_admin, all(admin, allow))', [false, true, true]],
    ['all(any(allow, deny), super_admin)', [false, false, true]],
  ] as const)('%s lets members, admins and super admins: %j', (text, expected) => {
    const policy = parsePolicy(text)
    if (policy === null) throw new Error('it was not read')
    expect((['member', 'admin', 'super_admin'] as const).map((role) => lets(policy, role))).toEqual(expected)
  })

  it.each([
    '',
    'any()',
    'any(',
    'any(admin',
    'any(admin))',
    'some(admin)',
    'admin, allow',
    `${'any('.repeat(40)}allow${')'.repeat(40)}`,
  ])('is not guessed from %j', (text) => expect(parsePolicy(text)).toBeNull())

  it('is put in words, and shown as it is where it cannot be read', () => {
    expect(policyWords('any(super_admin, all(admin, deny))')).toBe(
      'any of: super admins; (all of: admins; nobody)',
    )
    expect(policyWords('maybe(3)')).toBe('maybe(3)')
  })
})

describe('the table', () => {
  it('has a row for everything that a group rules, each permission once', () => {
    const keys = ROWS.flatMap((row) => row.keys)
    expect(new Set(keys).size).toBe(keys.length)
    const { update_metadata: fields } = preset('everyone')
    expect(keys.filter((key) => key.startsWith('update_metadata.')).sort()).toEqual(
      Object.keys(fields)
        .map((field) => `update_metadata.${field}`)
        .sort(),
    )
  })

  it('shows both presets as what they are', () => {
    for (const name of ['everyone', 'admins'] as const) {
      const cells = cellsOf(preset(name))
      expect(presetOf(cells, chosen())).toBe(name)
      for (const { id } of ROWS) expect(cells[id].option).toBe(presetCells(name)[id].option)
    }
    expect(presetOf(cellsOf(preset('everyone')), chosen(['pins', 'allow']))).toBeNull()
  })

  it('keeps what fits no column as text', () => {
    const permissions = {
      ...preset('everyone'),
      add_member: 'custom',
      add_admin: 'unspecified',
      custom: { add_member: 'any(admin, deny)' },
    }
    const cells = cellsOf(permissions)
    expect(cells.add_member).toMatchObject({ option: null, text: 'any of: admins; nobody' })
    expect(cells.add_admin).toMatchObject({
      option: null,
      text: 'Not specified by the app that made the group',
    })
    expect(roleHas(cells.add_member, 'admin')).toBe(true)
    expect(roleHas(cells.add_admin, 'admin')).toBeNull()
  })

  it('does not fail where the exact condition is missing', () => {
    const permissions: Partial<ReturnType<typeof preset>> = { ...preset('everyone'), add_member: 'custom' }
    delete permissions.custom
    const cells = cellsOf(permissions as ReturnType<typeof preset>)
    expect(cells.add_member).toMatchObject({ option: null, text: 'A condition of another app' })
  })

  it('makes one row of the two halves of disappearing messages', () => {
    const permissions = preset('everyone')
    permissions.update_metadata.message_disappear_in_ns = 'allow'
    const cells = cellsOf(permissions)
    expect(cells.disappearing).toMatchObject({
      option: null,
      text: 'From when on: Admins. For how long: Everyone.',
    })
    // Whoever lacks one half cannot set a time.
    expect(roleHas(cells.disappearing, 'member')).toBe(false)
    expect(changesOf(chosen(['disappearing', 'allow']))).toEqual([
      { key: 'update_metadata.message_disappear_from_ns', option: 'allow' },
      { key: 'update_metadata.message_disappear_in_ns', option: 'allow' },
    ])
  })

  it('says super admins for changing permissions, whatever is stored', () => {
    expect(cellsOf({ ...preset('everyone'), update_permissions: 'allow' }).update_permissions.option).toBe(
      'super_admin',
    )
  })

  it('offers nobody the admin roles for everyone', () => {
    for (const row of ROWS.filter(({ id }) => id === 'add_admin' || id === 'remove_admin')) {
      expect(row.options).toEqual(OPTIONS.filter((option) => option !== 'allow'))
    }
  })

  it('reaches every preset and every cell by what it sends', () => {
    for (const row of ROWS) {
      for (const option of row.options) {
        const after = changed(preset('everyone'), changesOf(chosen([row.id, option])))
        expect(cellsOf(after)[row.id].option).toBe(option)
      }
    }
  })
})

describe('who is affected', () => {
  const names = (list: { inbox_id: string }[]): string[] => list.map(({ inbox_id }) => inbox_id)
  const cells = cellsOf(preset('everyone'))

  it('is everybody whose role has it only before, or only after', () => {
    expect(names(affected(cells.add_member, 'admin', members)?.lose ?? [])).toEqual([
      people.caro.inboxId,
      people.davon.inboxId,
    ])
    expect(names(affected(cells.pins, 'allow', members)?.gain ?? [])).toEqual([
      people.caro.inboxId,
      people.davon.inboxId,
    ])
    expect(names(affected(cells.add_member, 'deny', members)?.lose ?? [])).toHaveLength(4)
    expect(affected(cells.add_member, 'allow', members)).toEqual({ gain: [], lose: [] })
  })

  it('is worked out of conditions, and not guessed where nothing is known', () => {
    const cell = { option: null, text: '', rules: ['any(super_admin, deny)'] }
    expect(names(affected(cell, 'admin', members)?.gain ?? [])).toEqual([people.bo.inboxId])
    expect(affected({ option: null, text: '', rules: ['unspecified'] }, 'admin', members)).toBeNull()
  })

  it('is told for roles too', () => {
    expect(gainedBy(cells, 'admin', 'member')).toEqual(['remove_member', 'pins', 'disappearing'])
    expect(gainedBy(cells, 'member', 'admin')).toEqual([])
  })
})

describe('times', () => {
  const hour = 3_600_000_000_000n

  it('are said in the largest units', () => {
    expect(durationWords(String(hour))).toBe('1 hour')
    expect(durationWords(String(hour * 24n * 28n))).toBe('4 weeks')
    expect(durationWords(String(hour * 26n))).toBe('1 day, 2 hours')
    expect(durationWords('30000000000')).toBe('30 seconds')
    expect(durationWords('7')).toBe('less than a second')
    expect(durationWords('nonsense')).toBe('less than a second')
  })

  it('come apart and together again', () => {
    for (const [amount, unit] of [
      [5, 'minute'],
      [3, 'hour'],
      [2, 'day'],
      [4, 'week'],
    ] as const) {
      const ns = joinDuration(amount, unit)
      expect(splitDuration(ns ?? '')).toEqual({ amount, unit })
    }
    expect(joinDuration(0, 'day')).toBeNull()
    expect(joinDuration(1.5, 'day')).toBeNull()
    expect(joinDuration(53, 'week')).toBeNull()
    expect(joinDuration(365, 'day')).not.toBeNull()
  })
})
