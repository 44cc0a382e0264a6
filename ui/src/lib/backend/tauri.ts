import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import { words } from '../words'
import { Listeners, toApiError, type Args, type Backend, type Command, type Result } from './backend'
import type { Event } from './generated'

/** Talks to the desktop shell through one Tauri command and one Tauri event. */
export async function connectTauri(): Promise<Backend> {
  const listeners = new Listeners()
  await listen<Event[]>('conclave-event', ({ payload }) => {
    for (const event of payload) listeners.emit(event)
  })
  async function run<T>(command: string, args: object): Promise<T> {
    try {
      return await invoke<T>('call', { command, args })
    } catch (error) {
      throw toApiError(error, words.errors.internal)
    }
  }
  return {
    call: <K extends Command>(command: K, args: Args<K>) => run<Result<K>>(command, args),
    shell: {
      chooseFiles: (conversationId) => run('shell_choose_files', { conversation_id: conversationId }),
      saveAttachment: (messageId, index, name) =>
        run('shell_save_attachment', { message_id: messageId, index, name }),
      choosePath: (kind, suggested) => run('shell_choose_path', { kind, suggested }),
      openLink: (url) => run('shell_open_link', { url }),
    },
    subscribe: (listener) => listeners.add(listener),
  }
}
