import { MemoryBackend } from '../memory/backend'
import { transfer } from '../memory/history'
import { people, SELF } from '../memory/world'

const DAY_MS = 86_400_000
const daysAgo = (days: number): string => `${Date.now() - days * DAY_MS}000000`

export const id = (n: number): string => `${n}c4e`.padEnd(64, String((n * 7) % 10))

/** Somebody with several devices, one of them new, and a request from it. */
export function devices(backend: MemoryBackend): MemoryBackend {
  const { own, past } = backend
  own.addDevice(id(1), daysAgo(400), 'Laptop in the kitchen')
  own.addDevice(id(2), daysAgo(90))
  own.addDevice(id(3), daysAgo(12), 'A name that is as long as a name may be, which is sixty-four signs')
  own.addDevice(id(4), null, 'הטלפון של אליקס')
  own.keys.set(id(1), { kind: 'renewed', at_ns: daysAgo(3) })
  own.keys.set(id(2), { kind: 'unusable' })
  own.wallets = [SELF.address, people.bo.address]
  own.passkeys = ['02'.repeat(33)]
  past.set({
    new_devices: [{ installation_id: id(4), name: 'הטלפון של אליקס', first_seen_ns: daysAgo(0.01) }],
    archives: [
      {
        pin: 'p8',
        installation_id: id(1),
        device_name: 'Laptop in the kitchen',
        exported_at_ns: daysAgo(1),
        since_ns: null,
        asked_for: true,
      },
      {
        pin: 'p9',
        installation_id: id(2),
        device_name: null,
        exported_at_ns: daysAgo(3),
        since_ns: daysAgo(33),
        asked_for: false,
      },
    ],
    transfers: [
      transfer({
        pin: 'held',
        role: 'answering',
        phase: 'held',
        installation_id: id(4),
        device_name: 'הטלפון של אליקס',
        since_ns: daysAgo(365),
        attachments: true,
        estimate_bytes: 48_200_000,
      }),
    ],
  })
  const cabin = [...backend.conversations.values()].find(({ name }) => name === 'Reading group')
  if (cabin !== undefined) backend.put(cabin.id, { is_active: false, is_restored: true })
  return backend
}

export function revoked(backend: MemoryBackend): MemoryBackend {
  backend.own.addDevice(id(1), daysAgo(400), 'Laptop in the kitchen')
  backend.own.revoked = true
  return backend
}

export function locked(): MemoryBackend {
  const backend = new MemoryBackend()
  backend.own.passphrase = 'correct horse'
  backend.own.locked = 'no_entry'
  backend.stage = 'locked'
  return backend
}

/** An identity that has so many devices already. */
export function existing(count: number): MemoryBackend {
  const backend = new MemoryBackend()
  backend.stage = 'empty'
  for (let n = 0; n < count; n++) backend.own.addDevice(id(n), daysAgo(30 * n + 3))
  return backend
}
