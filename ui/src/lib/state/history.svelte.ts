import { nothing, toApiError, type Backend } from '../backend/backend'
import type {
  ApiError,
  HistoryAnswerArgs,
  HistoryOverview,
  HistoryPhase,
  HistoryRequestArgs,
  HistoryTransfer,
} from '../backend/generated'
import { compareNs } from '../format/time'
import { words } from '../words'

/** Phases after which nothing happens any more. */
const OVER: readonly HistoryPhase[] = ['sent', 'done', 'refused', 'expired', 'cancelled']
/** Ends that a person wants to hear of wherever they are; the others they brought about themselves. */
const NEWS: Record<HistoryTransfer['role'], readonly HistoryPhase[]> = {
  asking: ['done', 'refused', 'expired'],
  answering: ['done'],
}
/** Ends that were read, on this computer. */
const READ = 'conclave-history-read'
const MOST_READ = 50
/** Phases in which bytes and rows are counted. */
const MOVING: readonly HistoryPhase[] = ['building', 'uploading', 'downloading', 'verifying', 'importing']

export const isOver = ({ phase }: HistoryTransfer): boolean => OVER.includes(phase)
export const isMoving = ({ phase }: HistoryTransfer): boolean => MOVING.includes(phase)
/** Where a transfer stands, in a sentence. */
export const phaseWords = ({ role, phase }: HistoryTransfer): string => words.history.phases[role][phase]

/** The past on its way between our own devices, and devices that are new. */
export class History {
  readonly #backend: Backend
  readonly #announce: (sentence: string) => void
  #phases = new Map<string, HistoryPhase>()
  #read = $state.raw<readonly string[]>(readPins())

  overview = $state.raw<HistoryOverview>({ transfers: [], archives: [], new_devices: [] })
  failure = $state<ApiError | null>(null)

  /** Newest first. */
  readonly transfers = $derived(
    this.overview.transfers.toSorted((a, b) => compareNs(b.created_at_ns, a.created_at_ns)),
  )
  readonly open = $derived(this.transfers.filter((one) => !isOver(one)))
  /** Transfers whose end was not read yet. */
  readonly ended = $derived(
    this.transfers.filter(({ pin, role, phase }) => NEWS[role].includes(phase) && !this.#read.includes(pin)),
  )

  constructor(backend: Backend, announce: (sentence: string) => void) {
    this.#backend = backend
    this.#announce = announce
  }

  get(pin: string): HistoryTransfer | null {
    return this.overview.transfers.find((one) => one.pin === pin) ?? null
  }

  /** The person has read how a transfer ended. */
  read(pin: string): void {
    const one = this.get(pin)
    if (one === null || !isOver(one) || this.#read.includes(pin)) return
    this.#read = [pin, ...this.#read].slice(0, MOST_READ)
    localStorage.setItem(READ, JSON.stringify(this.#read))
  }

  async load(): Promise<void> {
    try {
      this.receive(await this.#backend.call('history_overview', nothing))
      this.failure = null
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Takes in how things stand, and says aloud where a transfer stands now. */
  receive(overview: HistoryOverview): void {
    for (const one of overview.transfers) {
      const before = this.#phases.get(one.pin)
      if (before !== undefined && before !== one.phase) this.#announce(phaseWords(one))
    }
    this.#phases = new Map(overview.transfers.map(({ pin, phase }) => [pin, phase]))
    this.overview = overview
  }

  /** Asks our other devices; gives the request. */
  async request(wanted: HistoryRequestArgs): Promise<HistoryTransfer | null> {
    const known = new Set(this.#phases.keys())
    this.receive(await this.#backend.call('history_request', wanted))
    return this.transfers.find(({ pin, role }) => role === 'asking' && !known.has(pin)) ?? null
  }

  async answer(given: HistoryAnswerArgs): Promise<void> {
    this.receive(await this.#backend.call('history_answer', given))
  }

  /** Fetches an archive and takes it in, or goes on with that. */
  async take(pin: string, hostAllowed: boolean): Promise<void> {
    this.receive(await this.#backend.call('history_take', { pin, host_allowed: hostAllowed }))
  }

  async pause(pin: string): Promise<void> {
    this.receive(await this.#backend.call('history_pause', { pin }))
  }

  async cancel(pin: string): Promise<void> {
    this.receive(await this.#backend.call('history_cancel', { pin }))
  }

  /** A new device is known to the person. */
  async seen(installationId: string): Promise<void> {
    this.receive(await this.#backend.call('new_device_seen', { installation_id: installationId }))
  }
}

function readPins(): string[] {
  try {
    const pins: unknown = JSON.parse(localStorage.getItem(READ) ?? '[]')
    return Array.isArray(pins) ? pins.filter((pin) => typeof pin === 'string') : []
  } catch {
    return []
  }
}
