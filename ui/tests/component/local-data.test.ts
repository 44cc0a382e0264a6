import { screen, waitFor } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryBackend } from '../memory/backend'
import { addCabin, lastCall, open } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
})

async function openLocal(): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('settings'))
  await user.click(screen.getByTestId('settings-local-data'))
  await screen.findByTestId('data-folder')
  return user
}

describe('the passphrase', () => {
  it('is set, changed with the one so far, and removed', async () => {
    const user = await openLocal()
    expect(screen.getByTestId('passphrase-standing')).toHaveAttribute('data-set', 'false')
    await user.click(screen.getByTestId('passphrase-open'))
    expect(screen.queryByTestId('passphrase-current')).toBeNull()
    await user.type(screen.getByTestId('passphrase-new'), 'correct horse')
    await user.type(screen.getByTestId('passphrase-again'), 'correct horse')
    await user.click(screen.getByTestId('passphrase-dialog-confirm'))
    await waitFor(() => expect(screen.getByTestId('local-said')).toHaveTextContent('is set'))
    expect(lastCall(backend, 'passphrase_set')).toEqual({ current: null, passphrase: 'correct horse' })

    await user.click(screen.getByTestId('passphrase-open'))
    expect(screen.getByTestId('passphrase-dialog-confirm')).toBeDisabled()
    await user.type(screen.getByTestId('passphrase-current'), 'not it')
    await user.type(screen.getByTestId('passphrase-new'), 'battery staple')
    await user.type(screen.getByTestId('passphrase-again'), 'battery staple')
    await user.click(screen.getByTestId('passphrase-dialog-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('not the passphrase')
    await user.clear(screen.getByTestId('passphrase-current'))
    await user.type(screen.getByTestId('passphrase-current'), 'correct horse')
    await user.click(screen.getByTestId('passphrase-dialog-confirm'))
    await waitFor(() => expect(backend.own.passphrase).toBe('battery staple'))
    await waitFor(() => expect(screen.getByTestId('local-said')).toHaveTextContent('is changed'))

    await user.click(screen.getByTestId('passphrase-remove-open'))
    await user.type(screen.getByTestId('passphrase-current'), 'battery staple')
    await user.click(screen.getByTestId('passphrase-remove-dialog-confirm'))
    await waitFor(() => expect(backend.own.passphrase).toBeNull())
    await waitFor(() => expect(screen.queryByTestId('passphrase-remove-open')).toBeNull())
  })
})

describe('the data folder', () => {
  it('is shown with its size, and moved', async () => {
    const user = await openLocal()
    expect(screen.getByTestId('data-folder')).toHaveTextContent('/home/alix/.local/share/conclave')
    expect(screen.getByTestId('data-size')).toHaveTextContent('48 MB')
    await user.click(screen.getByTestId('folder-move-open'))
    expect(screen.getByTestId('move-dialog-confirm')).toBeDisabled()
    await user.type(screen.getByTestId('move-path'), '/media/full')
    await user.click(screen.getByTestId('move-dialog-confirm'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Nothing was moved')
    await user.clear(screen.getByTestId('move-path'))
    await user.type(screen.getByTestId('move-path'), '/media/stick/conclave')
    await user.click(screen.getByTestId('move-dialog-confirm'))
    await waitFor(() => expect(screen.getByTestId('data-folder')).toHaveTextContent('/media/stick/conclave'))
    expect(screen.getByTestId('local-said')).toHaveTextContent('was moved')
  })
})

describe('deleting what is here', () => {
  it('says what is lost and what stays, asks, and begins anew', async () => {
    addCabin(backend)
    const user = await openLocal()
    await user.click(screen.getByTestId('delete-data-open'))
    const dialog = await screen.findByTestId('delete-data-dialog')
    expect(dialog).toHaveTextContent('Gone for good')
    expect(dialog).toHaveTextContent('What stays')
    expect(screen.getByTestId('delete-data-dialog-confirm')).toBeDisabled()
    await user.click(screen.getByTestId('delete-data-understood'))
    await user.click(screen.getByTestId('delete-data-dialog-confirm'))
    expect(await screen.findByTestId('first-run')).toHaveAttribute('data-page', 'choose')
    expect(screen.queryByTestId('local-dialog')).toBeNull()
  })
})

describe('after a lost keychain', () => {
  it('opens with the passphrase', async () => {
    addCabin(backend)
    backend.own.passphrase = 'correct horse'
    backend.own.locked = 'no_keychain'
    backend.stage = 'locked'
    const user = open(backend)
    const input = await screen.findByTestId('unlock-passphrase')
    await waitFor(() => expect(input).toHaveFocus())
    expect(screen.getByTestId('unlock')).toHaveTextContent(
      'offers no keychain that could have the key to your data. The data is here and safe',
    )
    expect(backend.calls.some(({ command }) => command === 'conversation_list')).toBe(false)
    await user.type(input, 'wrong{Enter}')
    expect(await screen.findByTestId('problem')).toHaveTextContent('Nothing is lost')
    await user.clear(input)
    await user.type(input, 'correct horse{Enter}')
    await screen.findByTestId('main-window')
    await screen.findByRole('button', { name: /Cabin/ })
  })
})
