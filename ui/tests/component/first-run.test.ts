import { screen, waitFor } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend, PHRASE } from '../memory/backend'
import { open } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  backend.stage = 'empty'
})

const page = (): string | undefined => screen.getByTestId('first-run').dataset.page
const called = (command: string): unknown[] =>
  backend.calls.filter((call) => call.command === command).map(({ args }) => args)

async function toNetwork(): Promise<ReturnType<typeof open>> {
  const user = open(backend)
  await user.click(await screen.findByTestId('first-run-import'))
  await user.type(screen.getByTestId('import-secret'), PHRASE.join(' '))
  await user.click(screen.getByTestId('import-submit'))
  await screen.findByTestId('network-builtin')
  return user
}

describe('creating an identity', () => {
  it('shows the phrase, checks it, signs what was shown and opens the app', async () => {
    const user = open(backend)
    await user.click(await screen.findByTestId('first-run-create'))
    const shown = (await screen.findAllByTestId('phrase-word')).map((word) => word.textContent)
    expect(shown).toEqual(PHRASE)

    await user.click(screen.getByTestId('phrase-written'))
    expect(screen.queryByTestId('phrase-word')).toBeNull()
    const inputs = screen.getAllByTestId<HTMLInputElement>('check-word')
    expect(inputs).toHaveLength(3)
    for (const input of inputs) await user.type(input, 'wrong')
    await user.click(screen.getByTestId('check-continue'))
    expect(page()).toBe('check')
    expect(screen.getAllByText(/This is not word/)).toHaveLength(3)

    for (const input of inputs) {
      await user.clear(input)
      await user.type(input, ` ${PHRASE[Number(input.dataset.place) - 1]?.toUpperCase() ?? ''} `)
    }
    await user.click(screen.getByTestId('check-continue'))
    expect(page()).toBe('network')

    await user.click(screen.getByTestId('network-continue'))
    expect(await screen.findByTestId('sign-text')).toHaveTextContent('Create inbox')
    expect(called('register')).toEqual([])
    await user.click(screen.getByTestId('register'))
    await screen.findByTestId('main-window')
    expect(called('register')).toEqual([{ node: { kind: 'built_in' } }])
  })
})

describe('importing', () => {
  it('says what is wrong and lets it be mended', async () => {
    const user = open(backend)
    await user.click(await screen.findByTestId('first-run-import'))
    await user.type(screen.getByTestId('import-secret'), 'wrong')
    await user.click(screen.getByTestId('import-submit'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Check each word')
    await user.clear(screen.getByTestId('import-secret'))
    await user.type(screen.getByTestId('import-secret'), ` ${PHRASE.join(' ')} `)
    await user.click(screen.getByTestId('import-submit'))
    await screen.findByTestId('network-builtin')
    expect(called('wallet_import').at(-1)).toEqual({
      kind: 'recovery_phrase',
      secret: PHRASE.join(' '),
      password: null,
    })
  })

  it('takes a keystore file and its password', async () => {
    const user = open(backend)
    await user.click(await screen.findByTestId('first-run-import'))
    await user.click(screen.getByTestId('import-kind-keystore'))
    const file = new File(['{"version":3}'], 'key.json', { type: 'application/json' })
    await user.upload(screen.getByTestId('import-file'), file)
    await user.type(screen.getByTestId('import-password'), 'pass word')
    await waitFor(() => expect(screen.getByTestId('import-submit')).toBeEnabled())
    await user.click(screen.getByTestId('import-submit'))
    await screen.findByTestId('network-builtin')
    expect(called('wallet_import')).toEqual([
      { kind: 'keystore', secret: '{"version":3}', password: 'pass word' },
    ])
  })

  it('does not carry a secret from one kind to another', async () => {
    const user = open(backend)
    await user.click(await screen.findByTestId('first-run-import'))
    await user.type(screen.getByTestId('import-secret'), 'some words')
    await user.click(screen.getByTestId('import-kind-private_key'))
    expect(screen.getByTestId('import-secret')).toHaveValue('')
    expect(screen.getByTestId('import-secret')).toHaveAttribute('type', 'password')
  })
})

describe('the network', () => {
  it('is checked as its address is typed, and can be mended', async () => {
    const user = await toNetwork()
    await user.click(screen.getByTestId('network-address'))
    await user.type(screen.getByTestId('network-url'), 'http://wrong.example')
    expect(await screen.findByTestId('problem')).toHaveTextContent('No node answers')
    await user.clear(screen.getByTestId('network-url'))
    await user.type(screen.getByTestId('network-url'), 'http://right.example')
    expect(await screen.findByTestId('network-reached')).toHaveTextContent('http://right.example')
    await user.click(screen.getByTestId('network-continue'))
    await screen.findByTestId('sign-text')
    expect(called('registration_preview')).toEqual([
      { node: { kind: 'address', url: 'http://right.example' } },
    ])
  })

  it('cannot be left with an address that does not work', async () => {
    const user = await toNetwork()
    await user.click(screen.getByTestId('network-address'))
    expect(screen.getByTestId('network-continue')).toBeDisabled()
    await user.type(screen.getByTestId('network-url'), 'http://wrong.example{Enter}')
    await screen.findByTestId('problem')
    expect(page()).toBe('network')
  })
})

describe('registering', () => {
  it('stops with a reason, keeps what is done and goes on', async () => {
    const user = await toNetwork()
    await user.click(screen.getByTestId('network-continue'))
    backend.refuse.set('register', fail('unreachable', 'The node does not answer. Your keys are safe.'))
    await user.click(await screen.findByTestId('register'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Your keys are safe')
    backend.refuse.clear()
    await user.click(screen.getByTestId('register-retry'))
    await screen.findByTestId('main-window')
  })

  it('goes on after a crash, when asked to', async () => {
    backend.stage = 'registering'
    const user = open(backend)
    await user.click(await screen.findByTestId('register-retry'))
    await screen.findByTestId('main-window')
    expect(called('register')).toEqual([{ node: { kind: 'built_in' } }])
  })

  it('shows each step', async () => {
    backend.stepMs = 5
    backend.stage = 'registering'
    const user = open(backend)
    const states = (): (string | undefined)[] =>
      screen.getAllByTestId('registration-step').map(({ dataset }) => dataset.state)
    await user.click(await screen.findByTestId('register-retry'))
    await waitFor(() => expect(states()).toContain('running'))
    await screen.findByTestId('main-window')
  })

  it('says when an inbox has no room for another installation', async () => {
    const user = await toNetwork()
    const full = await backend.call('registration_preview', { node: { kind: 'built_in' } })
    backend.call = ((original) => (command, args) =>
      command === 'registration_preview'
        ? Promise.resolve({
            ...full,
            inbox_exists: true,
            installations: Array.from({ length: 10 }, (_, n) => ({
              installation_id: `${n}`.padEnd(64, '0'),
              this: false,
              created_at_ns: null,
              keys: { kind: 'unknown' },
            })),
          } as never)
        : original.call(backend, command, args))(backend.call)
    await user.click(screen.getByTestId('network-continue'))
    expect(await screen.findByTestId('inbox-exists')).toHaveTextContent('10 installations already')
    expect(screen.getByTestId('register')).toBeDisabled()
  })
})

describe('an identity that is on the network already', () => {
  const id = (n: number): string => `${n}e`.padEnd(64, '4')

  async function toReview(devices: number): Promise<ReturnType<typeof open>> {
    for (let n = 0; n < devices; n++) backend.own.addDevice(id(n), '1700000000000000000')
    const user = await toNetwork()
    await user.click(screen.getByTestId('network-continue'))
    await screen.findByTestId('inbox-exists')
    return user
  }

  it('says which device this becomes, names the others, and offers their history', async () => {
    const user = await toReview(2)
    expect(screen.getByTestId('inbox-exists')).toHaveTextContent('installation 3 of 10')
    expect(screen.getAllByTestId('device')).toHaveLength(2)
    expect(screen.queryByTestId('device-revoke')).toBeNull()
    await user.click(screen.getByTestId('register'))
    await screen.findByTestId('main-window')
    expect(await screen.findByTestId('history-dialog')).toHaveTextContent('2 other devices')
    await user.click(screen.getByTestId('history-not-now'))
    await waitFor(() => expect(screen.queryByTestId('history-dialog')).toBeNull())
  })

  it('offers it after a crash, too', async () => {
    backend.own.addDevice(id(0), null)
    backend.stage = 'registering'
    const user = open(backend)
    await user.click(await screen.findByTestId('register-retry'))
    await screen.findByTestId('history-dialog')
  })

  it('of ten devices revokes one right there, signed by the wallet that waits', async () => {
    const user = await toReview(10)
    expect(screen.getByTestId('inbox-exists')).toHaveTextContent('Revoke one')
    expect(screen.getByTestId('register')).toBeDisabled()
    await user.click(screen.getAllByTestId('device-revoke').at(3) as HTMLElement)
    expect(await screen.findByTestId('sign-dialog')).toHaveTextContent('The wallet you imported signs')
    expect(screen.queryByTestId('import-secret')).toBeNull()
    await user.click(screen.getByTestId('sign-confirm'))
    await waitFor(() => expect(screen.queryByTestId('sign-dialog')).toBeNull())
    expect(called('inbox_change_preview')).toEqual([
      {
        change: { kind: 'revoke_installations', installation_ids: [id(3)] },
        node: { kind: 'built_in' },
      },
    ])
    expect(called('inbox_change_sign')).toEqual([{ change_id: '1', signature: { kind: 'held_wallet' } }])
    await waitFor(() => expect(screen.getByTestId('register')).toBeEnabled())
    expect(screen.getByTestId('inbox-exists')).toHaveTextContent('installation 10 of 10')
  })

  it('of ten devices asks for the recovery wallet where that is another one', async () => {
    backend.own.recovery = `0x${'7'.repeat(40)}`
    const user = await toReview(10)
    await user.click(screen.getAllByTestId('device-revoke').at(0) as HTMLElement)
    expect(await screen.findByTestId('sign-signer')).toHaveAttribute('data-value', backend.own.recovery)
    expect(screen.getByTestId('import-secret')).toBeVisible()
  })
})

it('says why it could not start, and tries again', async () => {
  backend.refuse.set(
    'status',
    fail('database_newer', 'This data was written by a newer version. Update the app.'),
  )
  const user = open(backend)
  expect(await screen.findByTestId('stopped')).toHaveTextContent('Update the app')
  backend.refuse.clear()
  await user.click(screen.getByRole('button'))
  await screen.findByTestId('first-run')
})
