import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { PINNED } from '../../src/lib/format/permissions'
import { preset } from '../memory/policies'
import { member, people } from '../memory/world'
import { addCabin, holdBack, lastCall, openDetails } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
})

async function openPermissions(): Promise<UserEvent> {
  const user = await openDetails(backend)
  await user.click(screen.getByTestId('info-permissions'))
  await screen.findByTestId('permission-grid')
  return user
}

const row = (name: string): HTMLElement => {
  const found = screen.getAllByTestId('permission-row').find(({ dataset }) => dataset.row === name)
  if (found === undefined) throw new Error(`no row ${name}`)
  return found
}
const cell = (name: string, option: string): HTMLElement => {
  const found = within(row(name))
    .getAllByTestId('permission-cell')
    .find(({ dataset }) => dataset.option === option)
  if (found === undefined) throw new Error(`no cell ${option}`)
  return found
}

describe('the permissions', () => {
  it('are one table, and the preset that it equals is named', async () => {
    await openPermissions()
    expect(screen.getAllByTestId('permission-row').map(({ dataset }) => dataset.row)).toEqual([
      'add_member',
      'remove_member',
      'pins',
      'disappearing',
      'name',
      'description',
      'picture',
      'app_data',
      'minimum_version',
      'add_admin',
      'remove_admin',
      'update_permissions',
    ])
    expect(screen.getByTestId('permission-preset')).toHaveValue('everyone')
    expect(cell('add_member', 'allow')).toBeChecked()
    expect(cell('remove_member', 'admin')).toBeChecked()
    expect(screen.getByRole('radio', { name: 'Pin messages: Admins' })).toBeChecked()
  })

  it('show who loses what, are applied on confirmation, and say that it is done', async () => {
    const user = await openPermissions()
    await user.click(cell('add_member', 'admin'))
    expect(lastCall(backend, 'permissions_set')).toBeUndefined()
    const review = screen.getByTestId('permission-review')
    expect(review).toHaveTextContent('Add people Everyone → Admins')
    await waitFor(() => expect(review).toHaveTextContent(/2 people lose it: 0x.* and 0x/))
    expect(screen.getByTestId('permission-preset')).toHaveValue('custom')

    const release = holdBack(backend, 'permissions_set')
    await user.click(screen.getByTestId('permission-apply'))
    expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'sending')
    expect(screen.getByTestId('permission-apply')).toBeDisabled()
    release()
    await waitFor(() => expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'done'))
    expect(lastCall(backend, 'permissions_set')).toEqual({
      conversation_id: 'cabin',
      changes: [{ key: 'add_member', option: 'admin' }],
    })
    expect(screen.queryByTestId('permission-change')).toBeNull()
    expect(row('add_member')).toHaveAttribute('data-value', 'admin')
  })

  it('change several cells in one commit, and both halves of disappearing messages together', async () => {
    const user = await openPermissions()
    await user.click(cell('disappearing', 'allow'))
    await user.click(cell('name', 'super_admin'))
    await user.click(screen.getByTestId('permission-apply'))
    expect(lastCall(backend, 'permissions_set')).toEqual({
      conversation_id: 'cabin',
      changes: [
        { key: 'update_metadata.message_disappear_from_ns', option: 'allow' },
        { key: 'update_metadata.message_disappear_in_ns', option: 'allow' },
        { key: 'update_metadata.group_name', option: 'super_admin' },
      ],
    })
  })

  it('keep what was chosen when it failed, with the reason and another try', async () => {
    const user = await openPermissions()
    backend.refuse.set('permissions_set', fail('offline', 'The node does not answer.'))
    await user.click(cell('pins', 'allow'))
    await user.click(screen.getByTestId('permission-apply'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('The node does not answer.')
    expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'failed')
    expect(row('pins')).toHaveAttribute('data-value', 'allow')
    backend.refuse.clear()
    await user.click(screen.getByTestId('permission-apply'))
    await waitFor(() => expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'done'))
  })

  it('may have been made although the answer is missing: that is said, and seen once it is so', async () => {
    const user = await openPermissions()
    backend.refuse.set(
      'permissions_set',
      fail('unconfirmed', 'The node did not answer. It may hold already.'),
    )
    await user.click(cell('pins', 'allow'))
    await user.click(screen.getByTestId('permission-apply'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('It may hold already.')
    expect(screen.getByText('Not confirmed yet.')).toBeVisible()
    expect(screen.queryByText(/The group is as it was/)).toBeNull()
    const permissions = backend.permissionsOf('cabin')
    backend.permissions.set('cabin', {
      ...permissions,
      update_metadata: { ...permissions.update_metadata, [PINNED]: 'allow' },
    })
    backend.put('cabin', { epoch: 9 })
    await waitFor(() => expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'done'))
    expect(screen.queryByTestId('problem')).toBeNull()
    expect(screen.queryByTestId('permission-apply')).toBeNull()
  })

  it('are taken back one by one, all at once, or by choosing what stands there', async () => {
    const user = await openPermissions()
    await user.click(cell('pins', 'allow'))
    await user.click(cell('name', 'deny'))
    expect(screen.getByTestId('permission-review')).toHaveTextContent('Then nobody can')
    await user.click(screen.getAllByTestId('permission-undo')[0] as HTMLElement)
    expect(row('pins')).toHaveAttribute('data-value', 'admin')
    await user.click(cell('name', 'allow'))
    expect(screen.queryByTestId('permission-apply')).toBeNull()
    await user.click(cell('picture', 'admin'))
    await user.click(screen.getByTestId('permission-discard'))
    expect(row('picture')).toHaveAttribute('data-value', 'allow')
  })

  it('are set to a preset in one go', async () => {
    const user = await openPermissions()
    await user.selectOptions(screen.getByTestId('permission-preset'), 'admins')
    expect(screen.getAllByTestId('permission-change').map(({ dataset }) => dataset.row)).toEqual([
      'add_member',
      'name',
      'description',
      'picture',
      'app_data',
    ])
    await user.click(screen.getByTestId('permission-apply'))
    await waitFor(() => expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'done'))
    expect(screen.getByTestId('permission-preset')).toHaveValue('admins')
  })

  it('move by arrow keys with one stop for Tab, and choose by Space', async () => {
    const user = await openPermissions()
    const stops = screen
      .getAllByTestId('permission-cell')
      .filter((one) => one.getAttribute('tabindex') === '0')
    expect(stops).toEqual([cell('add_member', 'allow')])
    cell('add_member', 'allow').focus()
    await user.keyboard('{ArrowRight}{ArrowDown}')
    await waitFor(() => expect(cell('remove_member', 'admin')).toHaveFocus())
    await user.keyboard('{End}')
    await waitFor(() => expect(cell('remove_member', 'deny')).toHaveFocus())
    expect(screen.queryByTestId('permission-change')).toBeNull()
    await user.keyboard(' ')
    expect(row('remove_member')).toHaveAttribute('data-value', 'deny')
    await user.keyboard('{Home}{ArrowUp}{ArrowUp}')
    await waitFor(() => expect(cell('add_member', 'allow')).toHaveFocus())
  })

  it('never give admin roles to everyone, and never change who changes permissions', async () => {
    const user = await openPermissions()
    for (const [name, option] of [
      ['add_admin', 'allow'],
      ['remove_admin', 'allow'],
      ['update_permissions', 'admin'],
      ['update_permissions', 'allow'],
    ] as const) {
      expect(cell(name, option)).toHaveAttribute('aria-disabled', 'true')
      await user.click(cell(name, option))
    }
    expect(screen.queryByTestId('permission-change')).toBeNull()
    expect(cell('update_permissions', 'super_admin')).toBeChecked()
  })

  it('ask before what was chosen is thrown away', async () => {
    const user = await openPermissions()
    await user.click(cell('pins', 'allow'))
    await user.click(within(screen.getByTestId('permissions-dialog')).getByRole('button', { name: 'Close' }))
    await user.click(within(screen.getByTestId('permission-leave')).getByRole('button', { name: 'Cancel' }))
    expect(row('pins')).toHaveAttribute('data-value', 'allow')
    await user.click(within(screen.getByTestId('permissions-dialog')).getByRole('button', { name: 'Close' }))
    await user.click(screen.getByTestId('permission-leave-confirm'))
    await waitFor(() => expect(screen.queryByTestId('permissions-dialog')).toBeNull())
    expect(lastCall(backend, 'permissions_set')).toBeUndefined()
  })

  it('follow when someone else changes the group meanwhile', async () => {
    const user = await openPermissions()
    await user.click(cell('pins', 'allow'))
    backend.permissions.set('cabin', {
      ...preset('everyone'),
      preset: 'custom',
      add_member: 'super_admin',
      update_metadata: { ...preset('everyone').update_metadata, 'conclave.pinned_messages': 'allow' },
    })
    backend.change('cabin', people.bo.inboxId, {})
    await waitFor(() => expect(row('add_member')).toHaveAttribute('data-value', 'super_admin'))
    expect(screen.queryByTestId('permission-change')).toBeNull()
  })
})

describe('permissions of other apps', () => {
  beforeEach(() => {
    backend.permissions.set('cabin', {
      ...preset('everyone'),
      preset: 'custom',
      add_member: 'custom',
      custom: { add_member: 'any(super_admin, all(admin, deny))' },
      update_metadata: { ...preset('everyone').update_metadata, app_data: 'unspecified' },
    })
  })

  it('are shown as text and replaced only after a warning', async () => {
    const user = await openPermissions()
    expect(within(row('add_member')).getByTestId('permission-text')).toHaveTextContent(
      'any of: super admins; (all of: admins; nobody)',
    )
    expect(within(row('app_data')).getByTestId('permission-text')).toHaveTextContent('Not specified')
    expect(screen.getByTestId('permission-preset')).toHaveValue('custom')
    await user.click(cell('pins', 'allow'))
    await user.click(screen.getByTestId('permission-apply'))
    await waitFor(() => expect(screen.getByTestId('permission-state')).toHaveAttribute('data-state', 'done'))
    expect(backend.permissionsOf('cabin').custom.add_member).toBe('any(super_admin, all(admin, deny))')

    await user.click(cell('add_member', 'admin'))
    const review = screen.getByTestId('permission-review')
    expect(review).toHaveTextContent(/This replaces a condition that another app set/)
    expect(review).toHaveTextContent(/1 person gains it: 0x/)
  })

  it('that cannot be read are said to be so, and nothing can be chosen', async () => {
    backend.permissions.set('cabin', { ...preset('everyone'), preset: 'unreadable' })
    const user = await openDetails(backend)
    await user.click(screen.getByTestId('info-permissions'))
    expect(await screen.findByTestId('permissions-unreadable')).toHaveTextContent(/can’t be read/)
    expect(screen.queryByTestId('permission-grid')).toBeNull()
  })
})

describe('permissions for those who may not change them', () => {
  it('can be read, with who could change them', async () => {
    addCabin(backend, [member('alix'), member('bo', 'super_admin'), member('caro')])
    const user = await openPermissions()
    expect(screen.getByTestId('permissions-why')).toHaveTextContent(
      /^Only super admins may change permissions here: 0x/,
    )
    expect(screen.getByTestId('permission-preset')).toHaveTextContent('This is the preset “Everyone”.')
    await user.click(cell('pins', 'allow'))
    expect(screen.queryByTestId('permission-change')).toBeNull()
    expect(screen.getByTestId('permission-grid')).toHaveAttribute('aria-readonly', 'true')
  })
})

describe('permissions in a narrow window', () => {
  it('are cards with a choice each', async () => {
    const before = window.innerWidth
    window.innerWidth = 360
    try {
      addCabin(backend)
      const user = await openDetails(backend)
      await user.click(screen.getByTestId('info-permissions'))
      expect(await screen.findByTestId('permission-grid')).toHaveAttribute('data-layout', 'cards')
      await user.selectOptions(screen.getByRole('combobox', { name: 'Add people' }), 'admin')
      expect(screen.getByTestId('permission-review')).toHaveTextContent('Everyone → Admins')
    } finally {
      window.innerWidth = before
    }
  })
})
