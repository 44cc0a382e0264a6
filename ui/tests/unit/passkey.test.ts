import { ECDH, generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hex } from '../../src/lib/format/hex'
import { compressed, createPasskey, noPasskeys, signWithPasskey } from '../../src/lib/wallet/passkey'
import { words } from '../../src/lib/words'
import { Passkeys } from '../memory/passkeys'

afterEach(() => vi.unstubAllGlobals())

const POINT_BYTES = 65

describe('a public key', () => {
  it('is compressed to a coordinate and the parity of the other', () => {
    const parities = new Set<string>()
    for (let n = 0; n < 32; n++) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      const der = publicKey.export({ format: 'der', type: 'spki' })
      const point = der.subarray(-POINT_BYTES)
      const wanted = ECDH.convertKey(point, 'prime256v1', undefined, 'hex', 'compressed')
      expect(compressed(new Uint8Array(der))).toBe(wanted)
      parities.add(String(wanted).slice(0, 2))
    }
    // Each is missed once in four thousand million runs.
    expect(parities).toEqual(new Set(['02', '03']))
  })

  it('of another kind is none', () => {
    const others = [
      generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
    ].map(({ publicKey }) => publicKey.export({ format: 'der', type: 'spki' }))
    const right = new Passkeys().publicKey()
    const cut = new Uint8Array(right).slice(0, -1)
    const short = new Uint8Array(right)
    // A point that is compressed already is not what browsers give.
    short[short.length - POINT_BYTES] = 2
    for (const wrong of [...others, cut, short, new Uint8Array()])
      expect(compressed(new Uint8Array(wrong))).toBeNull()
  })
})

describe('passkeys', () => {
  let passkeys: Passkeys

  beforeEach(() => {
    passkeys = new Passkeys().install()
  })

  it('work where the browser has them and the page has a name', () => {
    expect(noPasskeys()).toBeNull()
    for (const [protocol, hostname, why] of [
      ['https:', 'conclave.example', null],
      ['http:', 'tauri.localhost', null],
      ['http:', '127.0.0.1', 'host'],
      ['http:', '[::1]', 'host'],
      ['tauri:', 'localhost', 'window'],
      ['file:', '', 'window'],
    ] as const) {
      vi.stubGlobal('location', { protocol, hostname })
      expect([protocol, hostname, noPasskeys()]).toEqual([protocol, hostname, why])
    }
    vi.unstubAllGlobals()
    expect(noPasskeys()).toBe('window')
  })

  it('are made for ES256, each for a user of its own', async () => {
    const first = await createPasskey('Conclave 0x12…34')
    expect(first).toEqual({ key: compressed(passkeys.publicKey()), relyingParty: location.origin })
    await createPasskey('Conclave 0x12…34')
    const [one, other] = passkeys.created
    expect(one).toMatchObject({
      rp: { name: 'Conclave' },
      user: { name: 'Conclave 0x12…34' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    })
    expect(one?.user.id).not.toEqual(other?.user.id)
  })

  it('sign the text itself, found by their id where it is known', async () => {
    const { key } = await createPasskey('Conclave')
    const text = 'XMTP : Authenticate to inbox\n\n- Link passkey to inbox\n  (Passkey: ü)'
    expect(await signWithPasskey(key, text)).toEqual({
      kind: 'passkey',
      public_key: key,
      authenticator_data: hex(new TextEncoder().encode('data')),
      client_data_json: hex(new TextEncoder().encode('{}')),
      signature: hex(new TextEncoder().encode('der')),
    })
    await signWithPasskey('03'.repeat(33), text)
    const [known, unknown] = passkeys.signed
    expect(new TextDecoder().decode(known?.challenge)).toBe(text)
    expect(known?.allowCredentials).toHaveLength(1)
    // The browser offers all that it has for this page.
    expect(unknown?.allowCredentials).toEqual([])
  })

  it('say in a sentence why they were not used', async () => {
    const { failures } = words.passkeys
    for (const [name, message] of [
      ['NotAllowedError', failures.cancelled],
      ['NotSupportedError', failures.unsupported],
      ['SecurityError', failures.forbidden],
      ['UnknownError', failures.other],
    ] as const) {
      passkeys.refusal = new DOMException('jargon', name)
      await expect(createPasskey('Conclave')).rejects.toMatchObject({ message })
      await expect(signWithPasskey('02', 'text')).rejects.toMatchObject({ message })
    }
    passkeys.refusal = null
    passkeys.nothing = true
    await expect(createPasskey('Conclave')).rejects.toMatchObject({ code: 'passkey_cancelled' })
    passkeys.nothing = false
    passkeys.pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    await expect(createPasskey('Conclave')).rejects.toMatchObject({ code: 'passkey_unsupported' })
  })
})
