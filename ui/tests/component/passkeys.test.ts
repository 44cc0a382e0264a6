import { screen, waitFor, within } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { compressed } from '../../src/lib/wallet/passkey'
import { MemoryBackend, PHRASE } from '../memory/backend'
import { Passkeys } from '../memory/passkeys'
import { SELF } from '../memory/world'
import { lastCall, open } from './open'

const PHONE = '2b'.repeat(32)
const KEY = `02${'ab'.repeat(32)}`
let backend: MemoryBackend
let passkeys: Passkeys

beforeEach(() => {
  backend = new MemoryBackend()
  backend.own.addDevice(PHONE, null)
  passkeys = new Passkeys()
})
afterEach(() => vi.unstubAllGlobals())

async function openDevices(): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('settings'))
  await user.click(screen.getByTestId('settings-devices'))
  await screen.findAllByTestId('device')
  return user
}

const signer = async (): Promise<string | undefined> =>
  (await screen.findByTestId('sign-signer')).dataset.value

describe('a passkey', () => {
  it('is made, shown what it signs, and added', async () => {
    passkeys.install()
    const user = await openDevices()
    expect(screen.queryByTestId('passkeys-elsewhere')).toBeNull()
    await user.click(screen.getByTestId('passkey-add'))
    await waitFor(() => expect(screen.getByTestId('passkey-create')).toHaveFocus())
    await user.keyboard('{Enter}')
    const key = compressed(passkeys.publicKey())
    expect(await signer()).toBe(key)
    expect(lastCall(backend, 'inbox_change_preview')).toEqual({
      change: { kind: 'add_passkey', key, relying_party: location.origin },
    })
    expect(screen.queryByTestId('sign-place')).toBeNull()
    const text = screen.getByTestId('sign-text').textContent
    await user.click(screen.getByTestId('sign-confirm'))
    const listed = await screen.findByTestId('passkey')
    expect(listed).toHaveAttribute('data-key', key)
    expect(new TextDecoder().decode(passkeys.signed[0]?.challenge)).toBe(text)
    expect(lastCall(backend, 'inbox_change_sign')).toMatchObject({
      signature: { kind: 'passkey', public_key: key },
    })
  })

  it('that was cancelled can be tried again, before and after it was made', async () => {
    passkeys.install()
    const user = await openDevices()
    await user.click(screen.getByTestId('passkey-add'))
    passkeys.refusal = new DOMException('jargon', 'NotAllowedError')
    await user.click(await screen.findByTestId('passkey-create'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('you cancelled')
    passkeys.refusal = null
    await user.click(screen.getByTestId('passkey-create'))
    await screen.findByTestId('sign-text')
    passkeys.refusal = new DOMException('jargon', 'NotAllowedError')
    await user.click(screen.getByTestId('sign-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Nothing was changed')
    expect(lastCall(backend, 'inbox_change_sign')).toBeUndefined()
    passkeys.refusal = null
    await user.click(screen.getByTestId('sign-confirm'))
    await screen.findByTestId('passkey')
  })

  it('is removed by the wallet that recovers, in windows without passkeys too', async () => {
    backend.own.passkeys = [KEY]
    const user = await openDevices()
    expect(screen.getByTestId('passkeys-elsewhere')).toHaveTextContent('can’t use passkeys')
    expect(screen.queryByTestId('passkey-add')).toBeNull()
    await user.click(screen.getByTestId('passkey-remove'))
    expect(await screen.findByTestId('sign-dialog')).toHaveTextContent('until you delete it there')
    expect(await signer()).toBe(SELF.address)
    expect(screen.queryByTestId('sign-warnings')).toBeNull()
    await user.type(screen.getByTestId('import-secret'), PHRASE.join(' '))
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(screen.queryByTestId('passkey')).toBeNull())
    expect(lastCall(backend, 'inbox_change_preview')).toEqual({
      change: { kind: 'remove_wallet', address: KEY },
    })
  })

  it('becomes the recovery identity after the wallet and it have signed', async () => {
    passkeys.install()
    backend.own.passkeys = [KEY]
    const user = await openDevices()
    await user.click(screen.getByTestId('recovery-change'))
    expect(await screen.findByText(/only where it was made/)).toBeVisible()
    await user.click(screen.getByTestId('address-continue'))
    expect(await signer()).toBe(SELF.address)
    await user.type(screen.getByTestId('import-secret'), PHRASE.join(' '))
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(screen.getByTestId('sign-signer')).toHaveAttribute('data-value', KEY))
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(backend.own.recovery).toBe(KEY))
    await waitFor(() => expect(within(screen.getByTestId('passkey')).getByTestId('recovery')).toBeVisible())
  })
})

describe('a passkey that recovers', () => {
  beforeEach(() => {
    backend.own.passkeys = [KEY]
    backend.own.recovery = KEY
  })

  const revoke = async (): Promise<UserEvent> => {
    const user = await openDevices()
    await user.click(screen.getByTestId('device-revoke'))
    expect(await signer()).toBe(KEY)
    expect(screen.queryByTestId('import-secret')).toBeNull()
    return user
  }

  it('signs that a device is revoked', async () => {
    passkeys.install()
    const user = await revoke()
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(backend.own.others).toEqual([]))
  })

  it('can’t sign in a window without passkeys', async () => {
    await revoke()
    expect(screen.getByTestId('sign-passkey')).toHaveTextContent('this window can’t use passkeys')
    expect(screen.getByTestId('sign-confirm')).toBeDisabled()
  })

  it('can’t sign on another site', async () => {
    passkeys.install()
    backend.own.site = 'https://other.example'
    await revoke()
    expect(screen.getByTestId('sign-passkey')).toHaveTextContent('https://other.example')
    expect(screen.getByTestId('sign-confirm')).toBeDisabled()
  })
})
