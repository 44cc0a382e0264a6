import { render } from '@testing-library/svelte'
import userEvent, { type UserEvent } from '@testing-library/user-event'
import App from '../../src/lib/App.svelte'
import type { MemoryBackend } from '../memory/backend'

/** Opens the whole app over a backend in memory. */
export function open(backend: MemoryBackend): UserEvent {
  const user = userEvent.setup()
  render(App, { props: { backend } })
  return user
}
