import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { vi } from 'vitest'

const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer

/** The browser's passkeys and the person who is asked for them. */
export class Passkeys {
  /** What pages asked for. */
  readonly created: PublicKeyCredentialCreationOptions[] = []
  readonly signed: PublicKeyCredentialRequestOptions[] = []
  /** What a page is told instead of an answer. */
  refusal: Error | null = null
  /** The person chooses something that is no passkey. */
  nothing = false
  pair: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

  /** Lets the page have passkeys until the globals are restored. */
  install(): this {
    vi.stubGlobal('PublicKeyCredential', vi.fn())
    const { create, get } = this
    Object.defineProperty(navigator, 'credentials', {
      configurable: true,
      value: { create: create.bind(this), get: get.bind(this) },
    })
    return this
  }

  publicKey(): ArrayBuffer {
    return new Uint8Array(this.pair.publicKey.export({ format: 'der', type: 'spki' })).buffer
  }

  create({ publicKey }: CredentialCreationOptions): Promise<unknown> {
    return this.answer(() => {
      if (publicKey !== undefined) this.created.push(publicKey)
      return { rawId: bytes('credential'), response: { getPublicKey: () => this.publicKey() } }
    })
  }

  get({ publicKey }: CredentialRequestOptions): Promise<unknown> {
    return this.answer(() => {
      if (publicKey !== undefined) this.signed.push(publicKey)
      const [authenticatorData, clientDataJSON, signature] = ['data', '{}', 'der'].map(bytes)
      return { response: { authenticatorData, clientDataJSON, signature } }
    })
  }

  private answer(made: () => unknown): Promise<unknown> {
    if (this.refusal !== null) return Promise.reject(this.refusal)
    return Promise.resolve(this.nothing ? null : made())
  }
}
