import type { ApiError, Commands, Event, PreparedAttachment } from './generated'

export type Command = keyof Commands
export type Args<K extends Command> = Commands[K]['args']
export type Result<K extends Command> = Commands[K]['result']
export type Listener = (event: Event) => void

/** The only thing the user interface knows of the program behind it. */
export interface Backend {
  /** Runs a command. Rejects with an `ApiError` and nothing else. */
  call<K extends Command>(command: K, args: Args<K>): Promise<Result<K>>
  /** Hears every event from now on; the function that is returned stops it. */
  subscribe(listener: Listener): () => void
  /** What only a desktop shell can do; null in a browser, which has its own ways. */
  readonly shell: Shell | null
}

/** A file that the person chose in a dialog: prepared to be sent, or why not. */
export type ChosenFile =
  | { name: string; prepared: PreparedAttachment; failure: null }
  | { name: string; prepared: null; failure: ApiError }

/** What is chosen in a dialog: a file that is there, one to be written, or a folder. */
export type PathKind = 'file' | 'new_file' | 'folder'

/**
 * What the desktop around the page does. The page makes up no path: the desktop takes only those that the
 * person chose in one of its dialogs.
 */
export interface Shell {
  /** Lets the person choose files and prepares them to be sent; none if they close the dialog. */
  chooseFiles(conversationId: string): Promise<ChosenFile[]>
  /** Lets the person choose where to save an attachment; says where, or null if they close the dialog. */
  saveAttachment(messageId: string, index: number, name: string): Promise<string | null>
  /** Lets the person choose a file or folder; says which, or null if they close the dialog. */
  choosePath(kind: PathKind, suggested: string): Promise<string | null>
  /** Opens a web or mail address outside of the app. */
  openLink(url: string): Promise<void>
}

/** The arguments of commands that take none. */
export const nothing = {} as Commands['status']['args']

/** Whether a thrown value is what commands reject with. */
export function isApiError(value: unknown): value is ApiError {
  if (typeof value !== 'object' || value === null) return false
  const { code, message } = value as Record<string, unknown>
  return typeof code === 'string' && typeof message === 'string'
}

/** Anything thrown, as an `ApiError`; what is not one already gets `fallback` as its sentence. */
export function toApiError(value: unknown, fallback: string): ApiError {
  return isApiError(value) ? value : { code: 'internal', message: fallback, retryable: true }
}

/** A set of listeners, for the implementations of `Backend`. */
export class Listeners {
  readonly #all = new Set<Listener>()

  add(listener: Listener): () => void {
    this.#all.add(listener)
    return () => this.#all.delete(listener)
  }

  emit(event: Event): void {
    for (const listener of [...this.#all]) listener(event)
  }
}
