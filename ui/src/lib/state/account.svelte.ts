import { nothing, toApiError, type Backend } from '../backend/backend'
import type {
  Account,
  ApiError,
  Connection,
  LockReason,
  NetworkCheck,
  NewWallet,
  NodeChoice,
  RegistrationPreview,
  RegistrationStep,
  Stage,
  Status,
  StepState,
  Wallet,
  WalletImport,
} from '../backend/generated'
import { words } from '../words'
import type { People } from './people.svelte'

export const STEPS: readonly RegistrationStep[] = [
  'look_up_inbox',
  'create_keys',
  'sign',
  'upload_key_package',
  'publish_identity',
  'first_sync',
]

/** Who we are here, how far we have come, and whether the network is reached. */
export class AccountState {
  readonly #backend: Backend
  readonly #people: People

  /** Null until the first answer. */
  stage = $state<Stage | null>(null)
  account = $state.raw<Account | null>(null)
  connection = $state<Connection>('idle')
  connectionMessage = $state<string | null>(null)
  version = $state('')
  /** This device was revoked: what is here can be read, and that is all. */
  revoked = $state(false)
  /** Why only a passphrase opens what is here; null where it is open. */
  locked = $state<LockReason | null>(null)
  failure = $state<ApiError | null>(null)
  steps = $state<Partial<Record<RegistrationStep, StepState | undefined>>>({})

  constructor(backend: Backend, people: People) {
    this.#backend = backend
    this.#people = people
  }

  async load(): Promise<void> {
    try {
      this.#standing(await this.#backend.call('status', nothing))
      this.failure = null
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
    }
  }

  /** Opens what only a passphrase opens. */
  async unlock(passphrase: string): Promise<void> {
    this.#standing(await this.#backend.call('unlock', { passphrase }))
  }

  #standing(status: Status): void {
    this.#people.self = status.account?.inbox_id ?? null
    this.#people.learn(this.#people.self, status.account?.address)
    this.account = status.account
    this.connected(status.connection, null)
    this.version = status.version
    this.revoked = status.revoked === true
    this.locked = status.locked ?? null
    this.stage = status.stage
  }

  connected(connection: Connection, message: string | null): void {
    this.connection = connection
    this.connectionMessage = message
  }

  stepped(step: RegistrationStep, state: StepState): void {
    this.steps[step] = state
  }

  createWallet(): Promise<NewWallet> {
    return this.#backend.call('wallet_create', nothing)
  }

  importWallet(secret: WalletImport): Promise<Wallet> {
    return this.#backend.call('wallet_import', secret)
  }

  checkNetwork(node: NodeChoice): Promise<NetworkCheck> {
    return this.#backend.call('network_check', { node })
  }

  preview(node: NodeChoice): Promise<RegistrationPreview> {
    return this.#backend.call('registration_preview', { node })
  }

  /** Registers, or goes on where it stopped; `steps` shows how far it is. */
  async register(node: NodeChoice): Promise<void> {
    for (const step of STEPS) if (this.steps[step] === 'failed') this.steps[step] = undefined
    try {
      await this.#backend.call('register', { node })
    } catch (error) {
      for (const step of STEPS) if (this.steps[step] === 'running') this.steps[step] = 'failed'
      throw error
    }
  }
}
