import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { member, people, type PersonName } from '../memory/world'
import { addCabin, lastCall, openDetails, stepByStep } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  addCabin(backend)
})

const rowOf = async (name: PersonName): Promise<HTMLElement> => {
  const rows = await screen.findAllByTestId('member')
  const found = rows.find(({ dataset }) => dataset.inboxId === people[name].inboxId)
  if (found === undefined) throw new Error(`${name} is not shown`)
  return found
}

async function openMenu(user: UserEvent, name: PersonName): Promise<HTMLElement> {
  await user.click(within(await rowOf(name)).getByTestId('member-menu-open'))
  return screen.findByTestId('member-menu')
}

const roleOf = async (name: PersonName): Promise<string | undefined> => (await rowOf(name)).dataset.role

describe('the menu of a member', () => {
  it('makes an admin and unmakes one, and says what that means here', async () => {
    const user = await openDetails(backend)
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-add_admin'))
    expect(await screen.findByTestId('role-dialog')).toHaveTextContent(
      /Then they can also:.*remove people.*pin messages/,
    )
    expect(lastCall(backend, 'role_change')).toBeUndefined()
    await user.click(screen.getByTestId('role-dialog-confirm'))
    expect(lastCall(backend, 'role_change')).toEqual({
      conversation_id: 'cabin',
      who: people.caro.inboxId,
      change: 'add_admin',
    })
    await waitFor(async () => expect(await roleOf('caro')).toBe('admin'))
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-remove_admin'))
    await user.click(await screen.findByTestId('role-dialog-confirm'))
    await waitFor(async () => expect(await roleOf('caro')).toBe('member'))
  })

  it('shows what is denied with the reason, and does nothing then', async () => {
    addCabin(backend, [member('alix'), member('bo', 'super_admin'), member('caro')])
    const user = await openDetails(backend)
    await openMenu(user, 'caro')
    const item = screen.getByTestId('member-menu-add_admin')
    expect(item).toHaveAttribute('aria-disabled', 'true')
    expect(item).toHaveAccessibleDescription(/^Only super admins may make admins here: 0x/)
    await user.click(item)
    expect(screen.queryByTestId('role-dialog')).toBeNull()
    expect(screen.queryByTestId('member-menu-transfer')).toBeNull()
    await user.keyboard('{Escape}')
    const boss = await openMenu(user, 'bo')
    expect(within(boss).getByTestId('member-menu-remove')).toHaveAccessibleDescription(
      /super admin cannot be removed/,
    )
    expect(within(boss).queryByTestId('member-menu-add_admin')).toBeNull()
  })

  it('is reached and used by the keyboard alone', async () => {
    const user = await openDetails(backend)
    const first = within(await rowOf('alix')).getByTestId('member-menu-open')
    first.focus()
    await user.keyboard('{ArrowDown}{ArrowDown}')
    const caro = within(await rowOf('caro')).getByTestId('member-menu-open')
    const davon = within(await rowOf('davon')).getByTestId('member-menu-open')
    const third = [caro, davon].find((one) => one === document.activeElement)
    expect(third).toBeDefined()
    await user.keyboard('{Shift>}{F10}{/Shift}')
    await waitFor(() => expect(screen.getByTestId('member-menu-direct')).toHaveFocus())
    await user.keyboard('{ArrowUp}')
    await waitFor(() => expect(screen.getByTestId('member-menu-block')).toHaveFocus())
    await user.keyboard('{Home}{ArrowDown}')
    await waitFor(() => expect(screen.getByTestId('member-menu-copy-address')).toHaveFocus())
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByTestId('member-menu')).toBeNull())
    expect(third).toHaveFocus()
    expect(screen.getByTestId('info-pane')).toBeVisible()
  })

  it('writes directly, copies, blocks and unblocks', async () => {
    const user = await openDetails(backend)
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-copy-address'))
    expect(await navigator.clipboard.readText()).toBe(people.caro.address)
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-block'))
    await user.click(await screen.findByTestId('block-dialog-confirm'))
    expect(lastCall(backend, 'inbox_consent_set')).toEqual({ inbox_id: people.caro.inboxId, state: 'denied' })
    await waitFor(async () => expect(await rowOf('caro')).toHaveTextContent('Blocked'))
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-unblock'))
    await waitFor(() =>
      expect(lastCall(backend, 'inbox_consent_set')).toEqual({
        inbox_id: people.caro.inboxId,
        state: 'allowed',
      }),
    )
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-direct'))
    await waitFor(() => expect(screen.getByTestId('member-count')).toHaveTextContent('Direct message'))
    expect(lastCall(backend, 'dm_create')).toEqual({ who: people.caro.inboxId })
  })

  it('says why it did not work', async () => {
    const user = await openDetails(backend)
    backend.refuse.set('role_change', fail('offline', 'The node does not answer.'))
    await openMenu(user, 'caro')
    await user.click(screen.getByTestId('member-menu-add_super_admin'))
    await user.click(await screen.findByTestId('role-dialog-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('The node does not answer.')
    expect(screen.getByTestId('role-dialog')).toBeVisible()
  })
})

describe('transferring ownership', () => {
  it('promotes, then gives up the own role', async () => {
    const user = await openDetails(backend)
    await openMenu(user, 'bo')
    await user.click(screen.getByTestId('member-menu-transfer'))
    await user.click(await screen.findByTestId('transfer-confirm'))
    await waitFor(async () => expect(await roleOf('bo')).toBe('super_admin'))
    await waitFor(async () => expect(await roleOf('alix')).toBe('member'))
    const changes = backend.calls.filter(({ command }) => command === 'role_change').map(({ args }) => args)
    expect(changes).toEqual([
      { conversation_id: 'cabin', who: people.bo.inboxId, change: 'add_super_admin' },
      { conversation_id: 'cabin', who: people.alix.inboxId, change: 'remove_super_admin' },
    ])
    await waitFor(() => expect(screen.queryByTestId('transfer-dialog')).toBeNull())
  })

  it('says where it stands when the second half fails, and goes on from there', async () => {
    const user = await openDetails(backend)
    const call = backend.call.bind(backend)
    let broken = true
    backend.call = (command, args) =>
      broken && command === 'role_change' && (args as { change: string }).change === 'remove_super_admin'
        ? Promise.reject(fail('offline', 'The node does not answer.'))
        : call(command, args)
    await openMenu(user, 'bo')
    await user.click(screen.getByTestId('member-menu-transfer'))
    await user.click(await screen.findByTestId('transfer-confirm'))
    expect(await screen.findByTestId('transfer-half')).toHaveTextContent(
      /is a super admin now, and so are you still/,
    )
    expect(screen.getAllByTestId('transfer-step').map(({ dataset }) => dataset.state)).toEqual([
      'done',
      'failed',
    ])
    broken = false
    await user.click(screen.getByTestId('transfer-confirm'))
    await waitFor(() => expect(screen.queryByTestId('transfer-dialog')).toBeNull())
    expect(await roleOf('alix')).toBe('member')
    const promoted = backend.calls.filter(
      ({ args }) => (args as { change?: string }).change === 'add_super_admin',
    )
    expect(promoted).toHaveLength(1)
  })

  it('is only offered to a super admin', async () => {
    addCabin(backend, [member('alix', 'admin'), member('bo', 'super_admin'), member('caro')])
    const user = await openDetails(backend)
    await openMenu(user, 'caro')
    expect(screen.queryByTestId('member-menu-transfer')).toBeNull()
  })
})

describe('removing', () => {
  it('removes several at once', async () => {
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('select-members'))
    const self = within(await rowOf('alix')).getByTestId('member-select')
    expect(self).toHaveAttribute('aria-disabled', 'true')
    await user.click(self)
    expect(screen.getByTestId('select-remove')).toBeDisabled()
    for (const name of ['caro', 'davon'] as const) {
      await user.click(within(await rowOf(name)).getByTestId('member-select'))
    }
    expect(within(await rowOf('caro')).getByTestId('member-select')).toBeChecked()
    await user.click(screen.getByTestId('select-remove'))
    expect(screen.getByTestId('remove-dialog')).toHaveTextContent('Remove 2 people?')
    await user.click(screen.getByTestId('remove-confirm'))
    await waitFor(() => expect(screen.getAllByTestId('member')).toHaveLength(2))
    const args = lastCall(backend, 'member_remove') as { who: string[]; operation_id: string }
    expect([...args.who].sort()).toEqual([people.caro.inboxId, people.davon.inboxId].sort())
    expect(args.operation_id).toMatch(/^[0-9a-f]{32}$/)
    expect(screen.queryByTestId('select-cancel')).toBeNull()
  })

  it('can be stopped, and names those whose turn had not come', async () => {
    const release = stepByStep(backend)
    const user = await openDetails(backend)
    await user.click(await screen.findByTestId('select-members'))
    for (const name of ['bo', 'caro', 'davon'] as const) {
      await user.click(within(await rowOf(name)).getByTestId('member-select'))
    }
    await user.click(screen.getByTestId('select-remove'))
    await user.click(screen.getByTestId('remove-confirm'))
    expect(await screen.findByTestId('progress')).toHaveTextContent('1 of 3')
    await user.click(screen.getByTestId('operation-cancel'))
    expect(screen.getByTestId('operation-cancel')).toBeDisabled()
    release()
    await waitFor(() => expect(screen.getAllByTestId('failure')).toHaveLength(2))
    expect(screen.getAllByTestId('failure')[0]).toHaveAttribute('data-code', 'cancelled')
    const { operation_id } = lastCall(backend, 'member_remove') as { operation_id: string }
    expect(lastCall(backend, 'operation_cancel')).toEqual({ operation_id })
  })
})

describe('the list', () => {
  it('is searched by address, inbox id and role', async () => {
    addCabin(
      backend,
      (['alix', 'bo', 'caro', 'davon', 'eri', 'fritz'] as const)
        .map((name, n) => member(name, n === 1 ? 'admin' : n === 0 ? 'super_admin' : 'member'))
        .concat([
          { ...member('caro'), inbox_id: 'a'.repeat(64), addresses: [] },
          {
            ...member('caro'),
            inbox_id: 'b'.repeat(64),
            addresses: [`0x${'b'.repeat(40)}`, `0x${'c'.repeat(40)}`],
          },
        ]),
    )
    const user = await openDetails(backend)
    await waitFor(() => expect(screen.getAllByTestId('member')).toHaveLength(8))
    expect(screen.getAllByTestId('member')[0]).toHaveAttribute('data-role', 'super_admin')
    expect(screen.getByText(/and 1 more address/)).toBeVisible()
    const search = screen.getByTestId('member-search')
    for (const [query, n] of [
      ['admin', 2],
      ['super', 1],
      ['aaaaaaaa', 1],
      [`0x${'c'.repeat(40)}`, 1],
      ['nobody like this', 0],
    ] as const) {
      await user.clear(search)
      await user.type(search, query)
      expect(screen.queryAllByTestId('member')).toHaveLength(n)
    }
  })

  it('says why nobody can be added', async () => {
    backend.permissions.set('cabin', {
      ...backend.permissionsOf('cabin'),
      add_member: 'admin',
      preset: 'custom',
    })
    addCabin(backend, [member('alix'), member('bo', 'super_admin')])
    await openDetails(backend)
    await waitFor(() => expect(screen.getByTestId('add-people')).toBeDisabled())
    expect(screen.getByTestId('add-people-why')).toHaveTextContent(/^Only admins may add people here/)
  })

  it('offers nothing once we are out', async () => {
    addCabin(backend, undefined, { is_active: false })
    const user = await openDetails(backend)
    await openMenu(user, 'caro')
    expect(screen.queryByTestId('member-menu-remove')).toBeNull()
    expect(screen.queryByTestId('add-people')).toBeNull()
    expect(screen.getByTestId('member-menu-direct')).toBeInTheDocument()
  })
})
