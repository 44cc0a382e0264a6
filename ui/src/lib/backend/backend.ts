import type { ApiError, Commands, Event } from './generated'

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
