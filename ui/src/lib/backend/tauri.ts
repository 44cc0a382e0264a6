import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import { words } from '../words'
import { Listeners, toApiError, type Args, type Backend, type Command, type Result } from './backend'
import type { Event } from './generated'

/** Talks to the desktop shell through one Tauri command and one Tauri event. */
export async function connectTauri(): Promise<Backend> {
  const listeners = new Listeners()
  await listen<Event>('conclave-event', ({ payload }) => listeners.emit(payload))
  return {
    async call<K extends Command>(command: K, args: Args<K>): Promise<Result<K>> {
      try {
        return await invoke<Result<K>>('call', { command, args })
      } catch (error) {
        throw toApiError(error, words.errors.internal)
      }
    },
    subscribe: (listener) => listeners.add(listener),
  }
}
