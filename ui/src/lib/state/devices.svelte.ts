import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, Devices, Installation } from '../backend/generated'
import { shorten } from '../format/address'
import { visible } from '../format/visible'
import { words } from '../words'

/** What a device is called: by the person, else by its id. */
export function deviceName(id: string, name: string | null | undefined): string {
  return visible(name ?? '') || words.devices.unnamed(shorten(id))
}

/** The devices and wallets of our own inbox. */
export class OwnDevices {
  readonly #backend: Backend
  #read = false

  /** Null until it was read. */
  inbox = $state.raw<Devices | null>(null)
  /** While the network is asked. */
  asking = $state(false)
  failure = $state<ApiError | null>(null)

  /** This one first, then those known longest. */
  readonly all = $derived<Installation[]>(
    (this.inbox?.installations ?? []).toSorted((a, b) => Number(b.this) - Number(a.this)),
  )
  readonly others = $derived(this.all.filter((one) => !one.this))

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** What a device is called, if it is one of ours. */
  name(id: string): string {
    return deviceName(id, this.all.find((one) => one.installation_id === id)?.name)
  }

  /** Shows what is stored at once, then asks the network. */
  async load(): Promise<void> {
    this.#read = true
    this.failure = null
    this.asking = true
    try {
      this.inbox = await this.#backend.call('device_list', {})
      this.inbox = await this.#backend.call('device_list', { fresh: true })
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
    }
    this.asking = false
  }

  async rename(id: string, name: string): Promise<void> {
    this.inbox = await this.#backend.call('device_name', { installation_id: id, name })
  }

  /** Devices or wallets came or went; what was read once is read again. */
  async changed(): Promise<void> {
    if (!this.#read) return
    try {
      this.inbox = await this.#backend.call('device_list', {})
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
    }
  }
}
