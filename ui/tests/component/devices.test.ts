import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend, PHRASE } from '../memory/backend'
import { people, SELF } from '../memory/world'
import { addCabin, lastCall, minutesAgo, open, openConversation } from './open'

const LAPTOP = '1a'.repeat(32)
const PHONE = '2b'.repeat(32)
let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  backend.own.addDevice(LAPTOP, '1700000000000000000', 'Laptop in the kitchen')
  backend.own.addDevice(PHONE, null)
})

async function openDevices(): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('settings'))
  await user.click(screen.getByTestId('settings-devices'))
  await screen.findAllByTestId('device')
  return user
}

const names = (): (string | undefined)[] => screen.getAllByTestId('device-name').map((one) => one.textContent)
const row = (id: string): HTMLElement => {
  const found = screen.getAllByTestId('device').find((one) => one.dataset.id === id)
  if (found === undefined) throw new Error('no such device')
  return found
}

async function signByPhrase(user: UserEvent, phrase = PHRASE.join(' ')): Promise<void> {
  await user.type(await screen.findByTestId('import-secret'), phrase)
  await user.click(screen.getByTestId('sign-confirm'))
}

describe('the list of devices', () => {
  it('has this one first, names, and when each was first seen', async () => {
    await openDevices()
    expect(names()).toEqual(['Device ffff…ffff', 'Laptop in the kitchen', 'Device 2b2b…2b2b'])
    expect(within(row(LAPTOP)).getByTestId('device-since')).toHaveTextContent('First seen: 14 November 2023')
    expect(within(row(PHONE)).getByTestId('device-since')).toHaveTextContent('not known')
    expect(screen.getByTestId('device-count')).toHaveTextContent('3 of 10')
    expect(within(row('f'.repeat(64))).queryByTestId('device-revoke')).toBeNull()
  })

  it('says when the keys of each were renewed, and of which nobody can use them', async () => {
    backend.own.keys.set(LAPTOP, { kind: 'renewed', at_ns: minutesAgo(24 * 60) })
    backend.own.keys.set(PHONE, { kind: 'unusable' })
    await openDevices()
    expect(within(row(LAPTOP)).getByTestId('device-keys')).toHaveTextContent('Keys renewed: Yesterday')
    expect(within(row(PHONE)).getByTestId('device-keys')).toHaveTextContent('until it is opened')
    // Nobody was asked about this one.
    expect(within(row('f'.repeat(64))).queryByTestId('device-keys')).toBeNull()
  })

  it('shows what is stored while the network is asked, and says when that does not answer', async () => {
    const user = await openDevices()
    await user.keyboard('{Escape}')
    const call = backend.call.bind(backend)
    backend.call = (command, args) =>
      command === 'device_list' && 'fresh' in args
        ? Promise.reject(fail('node_unreachable', 'The node cannot be reached. Nothing is lost.'))
        : call(command, args)
    await user.click(screen.getByTestId('settings'))
    await user.click(screen.getByTestId('settings-devices'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Nothing is lost')
    expect(names()).toHaveLength(3)
    expect(screen.getByTestId('devices-dialog')).toBeVisible()
  })

  it('is renamed in place, by the keyboard alone', async () => {
    const user = await openDevices()
    const pencil = within(row(PHONE)).getByTestId('device-rename')
    pencil.focus()
    await user.keyboard('{Enter}')
    const input = await screen.findByTestId('device-name-input')
    await waitFor(() => expect(input).toHaveFocus())
    await user.keyboard('  My phone {Enter}')
    await waitFor(() => expect(names()).toContain('My phone'))
    expect(lastCall(backend, 'device_name')).toEqual({ installation_id: PHONE, name: 'My phone' })
    await waitFor(() => expect(within(row(PHONE)).getByTestId('device-rename')).toHaveFocus())
  })

  it('keeps its name when renaming is left, and the screen stays', async () => {
    const user = await openDevices()
    await user.click(within(row(LAPTOP)).getByTestId('device-rename'))
    await user.type(screen.getByTestId('device-name-input'), 'nonsense{Escape}')
    expect(names()).toContain('Laptop in the kitchen')
    expect(screen.getByTestId('devices-dialog')).toBeVisible()
    expect(lastCall(backend, 'device_name')).toBeUndefined()
  })

  it('says why a name was not taken', async () => {
    const user = await openDevices()
    backend.refuse.set('device_name', fail('unknown_installation', 'This device is not yours any more.'))
    await user.click(within(row(LAPTOP)).getByTestId('device-rename'))
    await user.type(screen.getByTestId('device-name-input'), 'New{Enter}')
    expect(await screen.findByTestId('problem')).toHaveTextContent('not yours any more')
  })

  it('follows what other devices change', async () => {
    await openDevices()
    backend.own.others = []
    backend.emit({ event: 'inbox_changed' })
    await waitFor(() => expect(names()).toEqual(['Device ffff…ffff']))
    expect(screen.queryByTestId('revoke-others')).toBeNull()
  })
})

describe('revoking', () => {
  it('says what happens, shows the text, and is signed by the recovery wallet', async () => {
    const user = await openDevices()
    await user.click(within(row(LAPTOP)).getByTestId('device-revoke'))
    const dialog = await screen.findByTestId('sign-dialog')
    expect(dialog).toHaveTextContent('This cannot be undone')
    expect(await screen.findByTestId('sign-text')).toHaveTextContent(LAPTOP)
    expect(screen.getByTestId('sign-revoked')).toHaveTextContent('Laptop in the kitchen')
    expect(screen.getByTestId('sign-signer')).toHaveAttribute('data-value', SELF.address)
    expect(screen.getByTestId('sign-confirm')).toBeDisabled()
    expect(lastCall(backend, 'inbox_change_apply')).toBeUndefined()
    await signByPhrase(user)
    await waitFor(() => expect(screen.queryByTestId('sign-dialog')).toBeNull())
    expect(lastCall(backend, 'inbox_change_sign')).toEqual({
      change_id: '1',
      signature: {
        kind: 'secret',
        secret_kind: 'recovery_phrase',
        secret: PHRASE.join(' '),
        password: null,
      },
    })
    await waitFor(() => expect(names()).toEqual(['Device ffff…ffff', 'Device 2b2b…2b2b']))
  })

  it('takes all others out at once', async () => {
    const user = await openDevices()
    await user.click(screen.getByTestId('revoke-others'))
    expect(await screen.findAllByTestId('sign-revoked')).toHaveLength(2)
    await signByPhrase(user)
    await waitFor(() => expect(names()).toEqual(['Device ffff…ffff']))
    expect(lastCall(backend, 'inbox_change_preview')).toEqual({
      change: { kind: 'revoke_other_installations' },
    })
  })

  it('takes a signature that was made elsewhere', async () => {
    const user = await openDevices()
    await user.click(within(row(LAPTOP)).getByTestId('device-revoke'))
    await user.click(await screen.findByTestId('sign-place-elsewhere'))
    expect(screen.getByTestId('sign-copy')).toHaveAttribute(
      'data-value',
      expect.stringContaining('Authenticate'),
    )
    await user.type(screen.getByTestId('sign-signature'), ' 0xabcd ')
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(screen.queryByTestId('sign-dialog')).toBeNull())
    expect(lastCall(backend, 'inbox_change_sign')).toEqual({
      change_id: '1',
      signature: { kind: 'signature', signature: '0xabcd' },
    })
  })

  it('goes on after a wrong wallet, and shows anew what could not be published', async () => {
    const user = await openDevices()
    await user.click(within(row(LAPTOP)).getByTestId('device-revoke'))
    await signByPhrase(user, 'wrong')
    expect(await screen.findByTestId('problem')).toHaveTextContent('not the wallet')
    expect(screen.getByTestId('sign-text')).toBeVisible()
    backend.refuse.set('inbox_change_apply', fail('inbox_changed', 'Something else changed it meanwhile.'))
    await user.clear(screen.getByTestId('import-secret'))
    await signByPhrase(user)
    await waitFor(() => expect(screen.queryByTestId('sign-text')).toBeNull())
    expect(screen.getByTestId('problem')).toHaveTextContent('meanwhile')
    backend.refuse.clear()
    await user.click(screen.getByTestId('problem-retry'))
    await screen.findByTestId('sign-text')
    await signByPhrase(user)
    await waitFor(() => expect(names()).toHaveLength(2))
  })

  it('carries no secret from one way of signing to another', async () => {
    const user = await openDevices()
    await user.click(within(row(LAPTOP)).getByTestId('device-revoke'))
    await user.type(await screen.findByTestId('import-secret'), 'some words')
    await user.click(screen.getByTestId('sign-place-elsewhere'))
    await user.click(screen.getByTestId('sign-place-here'))
    expect(screen.getByTestId('import-secret')).toHaveValue('')
  })
})

describe('wallets', () => {
  it('are added; the new one signs', async () => {
    const user = await openDevices()
    await user.click(screen.getByTestId('wallet-add'))
    await user.type(await screen.findByTestId('address-input'), '0x12')
    await user.tab()
    expect(screen.getByText(/not a wallet’s address/)).toBeVisible()
    expect(screen.getByTestId('address-continue')).toBeDisabled()
    await user.clear(screen.getByTestId('address-input'))
    await user.type(screen.getByTestId('address-input'), people.bo.address)
    await user.click(screen.getByTestId('address-continue'))
    expect(await screen.findByTestId('sign-signer')).toHaveAttribute('data-value', people.bo.address)
    await signByPhrase(user)
    await waitFor(() => expect(screen.getAllByTestId('wallet')).toHaveLength(2))
  })

  it('of another identity are added only if the person says so', async () => {
    const user = await openDevices()
    await user.click(screen.getByTestId('wallet-add'))
    await user.type(await screen.findByTestId('address-input'), `0x${'e'.repeat(40)}`)
    await user.click(screen.getByTestId('address-continue'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('another identity')
    await user.click(screen.getByTestId('problem-retry'))
    expect(await screen.findByTestId('sign-warnings')).toHaveTextContent('People who use its address')
    await signByPhrase(user)
    await waitFor(() => expect(screen.getAllByTestId('wallet')).toHaveLength(2))
    expect(lastCall(backend, 'inbox_change_preview')).toMatchObject({ change: { reassign: true } })
  })

  it('are removed, with a warning before the last', async () => {
    const user = await openDevices()
    await user.click(screen.getByTestId('wallet-remove'))
    expect(await screen.findByTestId('sign-warnings')).toHaveTextContent('your last wallet')
    await signByPhrase(user)
    await waitFor(() => expect(screen.queryByTestId('wallet')).toBeNull())
    expect(screen.getByTestId('recovery-elsewhere')).toBeVisible()
  })

  it('become the recovery identity; the old one and the new one sign', async () => {
    backend.own.wallets = [SELF.address, people.bo.address]
    const user = await openDevices()
    await user.click(screen.getByTestId('recovery-change'))
    await user.click(await screen.findByTestId('address-continue'))
    expect(await screen.findByTestId('sign-signer')).toHaveAttribute('data-value', SELF.address)
    await signByPhrase(user)
    await waitFor(() =>
      expect(screen.getByTestId('sign-signer')).toHaveAttribute('data-value', people.bo.address),
    )
    expect(screen.getByText(/1 more signature is needed/)).toBeVisible()
    expect(screen.getByTestId('import-secret')).toHaveValue('')
    expect(lastCall(backend, 'inbox_change_apply')).toBeUndefined()
    await signByPhrase(user)
    await waitFor(() => expect(backend.own.recovery).toBe(people.bo.address))
    const second = screen.getAllByTestId('wallet').at(1)
    await waitFor(() => expect(second && within(second).getByTestId('recovery')).toBeVisible())
  })
})

describe('a device that was revoked', () => {
  it('says so and stops, at once and after a start', async () => {
    addCabin(backend)
    const user = await openConversation(backend)
    await screen.findByTestId('composer')
    backend.own.revoked = true
    backend.emit({ event: 'revoked' })
    expect(await screen.findByTestId('revoked-bar')).toHaveTextContent('stays readable')
    expect(screen.getByTestId('composer-closed')).toHaveTextContent('revoked')
    expect(screen.getByTestId('new-group')).toBeDisabled()
    expect(screen.getByTestId('message-text')).toHaveTextContent('Who has the key?')
    await user.click(screen.getByTestId('revoked-data'))
    await screen.findByTestId('local-dialog')
  })

  it('changes nothing any more', async () => {
    backend.own.revoked = true
    await openDevices()
    expect(screen.getByTestId('revoked-bar')).toBeVisible()
    expect(screen.queryByTestId('device-revoke')).toBeNull()
    expect(screen.queryByTestId('revoke-others')).toBeNull()
    for (const name of ['wallet-add', 'wallet-remove', 'recovery-change', 'history-open'])
      expect(screen.getByTestId(name)).toBeDisabled()
  })
})

describe('a new device', () => {
  beforeEach(() => {
    backend.past.set({
      new_devices: [{ installation_id: PHONE, name: null, first_seen_ns: minutesAgo(3) }],
    })
  })

  it('is told of until the person knows it', async () => {
    const user = open(backend)
    const banner = await screen.findByTestId('new-device')
    expect(banner).toHaveTextContent('Was this you?')
    await user.keyboard('{Escape}')
    expect(screen.getByTestId('new-device')).toBeVisible()
    await user.click(within(banner).getByTestId('new-device-yes'))
    await waitFor(() => expect(screen.queryByTestId('new-device')).toBeNull())
    expect(lastCall(backend, 'new_device_seen')).toEqual({ installation_id: PHONE })
  })

  it('is revoked right there', async () => {
    const user = open(backend)
    backend.own.names.set(PHONE, 'Old phone')
    await user.click(await screen.findByTestId('new-device-revoke'))
    await waitFor(() => expect(screen.getByRole('heading', { name: /Old phone/ })).toBeVisible())
    await signByPhrase(user)
    await waitFor(() => expect(backend.own.others.map((one) => one.installation_id)).toEqual([LAPTOP]))
  })
})
