import type { ApiError, ChangeSignature } from '../backend/generated'
import { hex } from '../format/hex'
import { words } from '../words'

/*
 * Passkeys as the browser has them (https://www.w3.org/TR/webauthn-2/). Nothing of them is kept here: a
 * browser finds those of a page by itself, and the identity says which of them it wants.
 */

export type NewPasskey = {
  /** Its public key: a point on P-256, compressed, in hex. */
  key: string
  /** The origin of this page, to which it is bound. */
  relyingParty: string
}

/** ECDSA on P-256 with SHA-256, as COSE numbers it. */
const ES256 = -7
/** What stands before the point of a P-256 key in DER (RFC 5480): what it is for, and on which curve. */
const P256_HEAD = '3059301306072a8648ce3d020106082a8648ce3d030107034200'
const COORDINATE_DIGITS = 64

/** What an authenticator calls the passkeys made since the page was loaded; not all are found without it. */
const made = new Map<string, BufferSource>()

/** Why passkeys can't be used here: not in a window like this, or not on a host that has no name. */
export type NoPasskeys = 'window' | 'host'

export function noPasskeys(): NoPasskeys | null {
  const { protocol, hostname } = location
  if (typeof PublicKeyCredential !== 'function' || !/^https?:$/.test(protocol)) return 'window'
  return /^[\d.]+$|^\[/.test(hostname) ? 'host' : null
}

/** The point of a public key as `getPublicKey` gives it, compressed, in hex; null for another kind of key. */
export function compressed(publicKey: ArrayBuffer | Uint8Array): string | null {
  const text = hex(publicKey)
  const [head, point] = [text.slice(0, P256_HEAD.length), text.slice(P256_HEAD.length)]
  if (head !== P256_HEAD || !point.startsWith('04') || point.length !== 2 + 2 * COORDINATE_DIGITS) return null
  const odd = '13579bdf'.includes(point.slice(-1))
  return (odd ? '03' : '02') + point.slice(2, 2 + COORDINATE_DIGITS)
}

/**
 * Has the person make a passkey that is called `name` wherever they see their passkeys. Throws an `ApiError`.
 */
export async function createPasskey(name: string): Promise<NewPasskey> {
  const credential = await asked(
    navigator.credentials.create({
      publicKey: {
        rp: { name: words.appName },
        // Random, as an authenticator replaces a passkey by another one for the same user.
        user: { id: random(), name, displayName: name },
        challenge: random(),
        pubKeyCredParams: [{ type: 'public-key', alg: ES256 }],
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
        attestation: 'none',
      },
    }),
  )
  const publicKey = (credential.response as AuthenticatorAttestationResponse).getPublicKey()
  const key = publicKey && compressed(publicKey)
  if (key === null) throw failure('NotSupportedError')
  made.set(key, credential.rawId)
  return { key, relyingParty: location.origin }
}

/**
 * Has the person sign a text with the passkey of this key; the text itself is the challenge. Throws an
 * `ApiError`. Whether it is the right passkey is seen by whoever verifies the signature.
 */
export async function signWithPasskey(key: string, text: string): Promise<ChangeSignature> {
  const id = made.get(key)
  const credential = await asked(
    navigator.credentials.get({
      publicKey: {
        challenge: new TextEncoder().encode(text),
        allowCredentials: id === undefined ? [] : [{ type: 'public-key', id }],
        userVerification: 'preferred',
      },
    }),
  )
  const response = credential.response as AuthenticatorAssertionResponse
  return {
    kind: 'passkey',
    public_key: key,
    authenticator_data: hex(response.authenticatorData),
    client_data_json: hex(response.clientDataJSON),
    signature: hex(response.signature),
  }
}

const random = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(32))

async function asked(answer: Promise<Credential | null>): Promise<PublicKeyCredential> {
  const credential = await answer.catch((error: unknown) => {
    throw failure(error instanceof DOMException ? error.name : '')
  })
  // Browsers give none where the person chose something that is no passkey.
  if (credential === null) throw failure('NotAllowedError')
  return credential as PublicKeyCredential
}

/** What the browser's refusal means; it does not say more, so that no page learns who has which passkeys. */
function failure(name: string): ApiError {
  const { failures } = words.passkeys
  switch (name) {
    case 'NotAllowedError':
    case 'AbortError':
      return { code: 'passkey_cancelled', message: failures.cancelled, retryable: true }
    case 'NotSupportedError':
    case 'ConstraintError':
      return { code: 'passkey_unsupported', message: failures.unsupported, retryable: false }
    case 'SecurityError':
      return { code: 'passkey_forbidden', message: failures.forbidden, retryable: false }
    default:
      return { code: 'passkey_failed', message: failures.other, retryable: true }
  }
}
