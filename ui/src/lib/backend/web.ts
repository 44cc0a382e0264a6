import { words } from '../words'
import {
  isApiError,
  Listeners,
  toApiError,
  type Args,
  type Backend,
  type Command,
  type Result,
} from './backend'
import type { ApiError, Event } from './generated'

/** Where the bridge is and what lets us in. */
export type Address = { url: string; token: string }

const REMEMBERED = 'conclave-bridge'
const FIRST_DELAY_MS = 250
const LONGEST_DELAY_MS = 8_000
/** Calls that may wait for a connection; further ones are refused at once. */
const MOST_WAITING = 256

/**
 * Reads the address from `#url=…&token=…` and takes it out of the address bar. It is remembered until
 * the tab is closed, so that a reload works.
 */
export function readAddress(
  location: Location = window.location,
  history: History = window.history,
  storage: Storage = window.sessionStorage,
): Address | null {
  const given = new URLSearchParams(location.hash.slice(1))
  const url = given.get('url')
  const token = given.get('token')
  if (url !== null && token !== null) {
    storage.setItem(REMEMBERED, JSON.stringify({ url, token }))
    history.replaceState(null, '', location.pathname + location.search)
    return { url, token }
  }
  const stored = storage.getItem(REMEMBERED)
  return stored === null ? null : (JSON.parse(stored) as Address)
}

type Pending = { resolve: (value: unknown) => void; reject: (error: ApiError) => void }
type Frame = {
  ready?: boolean
  id?: number
  result?: unknown
  error?: unknown
  event?: Event
}

/** Talks to `conclave-cli serve` over a WebSocket, and connects again by itself. */
export class WebBackend implements Backend {
  readonly shell = null
  readonly #address: Address
  readonly #listeners = new Listeners()
  readonly #pending = new Map<number, Pending>()
  /** Frames of calls made while there was no connection, by call. */
  readonly #waiting = new Map<number, string>()
  #socket: WebSocket | null = null
  #ready = false
  #wasReady = false
  #nextId = 1
  #delayMs = FIRST_DELAY_MS

  constructor(address: Address) {
    this.#address = address
    this.#connect()
  }

  call<K extends Command>(command: K, args: Args<K>): Promise<Result<K>> {
    return new Promise<unknown>((resolve, reject: (error: ApiError) => void) => {
      if (this.#waiting.size >= MOST_WAITING) {
        reject(lost())
        return
      }
      const id = this.#nextId++
      const frame = JSON.stringify({ id, command, args })
      this.#pending.set(id, { resolve, reject })
      if (this.#ready) this.#socket?.send(frame)
      else this.#waiting.set(id, frame)
    }) as Promise<Result<K>>
  }

  subscribe(listener: (event: Event) => void): () => void {
    return this.#listeners.add(listener)
  }

  #connect(): void {
    const socket = new WebSocket(this.#address.url)
    this.#socket = socket
    socket.addEventListener('open', () => socket.send(JSON.stringify({ token: this.#address.token })))
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)))
    socket.addEventListener('close', () => this.#closed())
  }

  #receive(data: string): void {
    let frame: Frame
    try {
      frame = JSON.parse(data) as Frame
    } catch {
      this.#socket?.close()
      return
    }
    if (frame.event !== undefined) this.#listeners.emit(frame.event)
    else if (frame.ready === true) this.#opened()
    else if (frame.id !== undefined) this.#answered(frame.id, frame)
  }

  #opened(): void {
    this.#ready = true
    this.#delayMs = FIRST_DELAY_MS
    for (const frame of this.#waiting.values()) this.#socket?.send(frame)
    this.#waiting.clear()
    if (this.#wasReady) this.#listeners.emit({ event: 'resync' })
    this.#wasReady = true
  }

  #answered(id: number, frame: Frame): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (frame.error === undefined) pending?.resolve(frame.result)
    else pending?.reject(isApiError(frame.error) ? frame.error : toApiError(null, words.errors.internal))
  }

  #closed(): void {
    if (this.#ready) {
      this.#listeners.emit({ event: 'connection', connection: 'offline', message: words.errors.bridgeLost })
    }
    this.#ready = false
    // What was sent may or may not have been done; what still waits was not, and keeps waiting.
    for (const [id, { reject }] of this.#pending) {
      if (this.#waiting.has(id)) continue
      this.#pending.delete(id)
      reject(lost())
    }
    setTimeout(() => this.#connect(), this.#delayMs * (0.75 + Math.random() / 2))
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS)
  }
}

function lost(): ApiError {
  return { code: 'bridge_lost', message: words.errors.bridgeLost, retryable: true }
}
