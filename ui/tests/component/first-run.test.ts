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
            })),
          } as never)
        : original.call(backend, command, args))(backend.call)
    await user.click(screen.getByTestId('network-continue'))
    expect(await screen.findByTestId('inbox-exists')).toHaveTextContent('10 installations already')
    expect(screen.getByTestId('register')).toBeDisabled()
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
