import { render, screen } from '@testing-library/svelte'
import userEvent, { type UserEvent } from '@testing-library/user-event'
import App from '../../src/lib/App.svelte'
import type { Member } from '../../src/lib/backend/generated'
import type { MemoryBackend } from '../memory/backend'
import { conversation, member, text } from '../memory/world'

/** Opens the whole app over a backend in memory. */
export function open(backend: MemoryBackend): UserEvent {
  const user = userEvent.setup()
  render(App, { props: { backend } })
  return user
}

export const minutesAgo = (n: number): string => `${Date.now() - n * 60_000}000000`

/** A group “Cabin” with a message of Bo. */
export function addCabin(
  backend: MemoryBackend,
  members: Member[] = [member('alix', 'super_admin'), member('bo', 'admin'), member('caro'), member('davon')],
  given: Partial<Parameters<typeof conversation>[0]> = {},
): void {
  backend.add(
    conversation({ id: 'cabin', name: 'Cabin', created_at_ns: minutesAgo(90), ...given }),
    [text('cabin', 'bo', 'Who has the key?', minutesAgo(50))],
    members,
  )
}

/** Opens a conversation by its title. */
export async function openConversation(backend: MemoryBackend, title = 'Cabin'): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByRole('button', { name: new RegExp(title) }))
  await screen.findByTestId('conversation-header')
  return user
}

/** Opens a conversation with its details. */
export async function openDetails(backend: MemoryBackend, title = 'Cabin'): Promise<UserEvent> {
  const user = await openConversation(backend, title)
  await user.click(screen.getByTestId('details'))
  await screen.findByTestId('info-pane')
  return user
}

/** What a command was called with last. */
export const lastCall = (backend: MemoryBackend, command: string): unknown =>
  backend.calls.findLast((call) => call.command === command)?.args

/** A promise, and what fulfils it. */
export function gate(): { promise: Promise<unknown>; open: () => void } {
  let open: (value: unknown) => void = () => undefined
  const promise = new Promise((done) => (open = done))
  return { promise, open: () => open(null) }
}

/** Holds a command back until it is let go. */
export function holdBack(backend: MemoryBackend, command: 'permissions_set'): () => void {
  const { promise, open: release } = gate()
  backend.hold.set(command, promise)
  return release
}

/** Lets people be added and removed one by one, and stops after the first until it is let go. */
export function stepByStep(backend: MemoryBackend): () => void {
  const { promise, open: release } = gate()
  backend.pace.batch = 1
  backend.pace.gate = promise
  return release
}
