import type { HistoryOverview, HistoryPhase, HistoryTransfer } from '../../src/lib/backend/generated'
import type { Handlers, Pace } from './groups'
import { fail, type Store } from './store'

type PastCommands = Pick<
  Handlers,
  | 'history_overview'
  | 'history_request'
  | 'history_answer'
  | 'history_take'
  | 'history_pause'
  | 'history_cancel'
  | 'new_device_seen'
  | 'archive_export'
  | 'archive_inspect'
  | 'archive_import'
>

export const CODE = 'ribbon anchor velvet lemon orbit cactus gentle market'.split(' ')
const PRINTED_KEY = '0f1e2d3c 4b5a6978 8796a5b4 c3d2e1f0 00112233 44556677 8899aabb ccddeeff'
const DAY_NS = 86_400n * 10n ** 9n

/** A handshake as it begins; `given` says what differs. */
export function transfer(given: Partial<HistoryTransfer> & { pin: string }): HistoryTransfer {
  const created = BigInt(Date.now()) * 1_000_000n
  return {
    role: 'asking',
    installation_id: null,
    device_name: null,
    code: CODE,
    official_app: null,
    since_ns: null,
    consent: true,
    attachments: false,
    conversation_ids: null,
    server: 'history.example.org',
    foreign_server: false,
    phase: 'waiting',
    bytes_done: 0,
    bytes_total: null,
    conversations_done: 0,
    conversations_total: null,
    messages_done: 0,
    messages_total: null,
    skipped: 0,
    estimate_bytes: null,
    error: null,
    created_at_ns: String(created),
    expires_at_ns: String(created + DAY_NS),
    ...given,
  }
}

/** What goes on between our devices. */
export class Past {
  readonly #store: Store
  overview: HistoryOverview = { transfers: [], archives: [], new_devices: [] }

  constructor(store: Store) {
    this.#store = store
  }

  /** Changes something and says so. */
  set(change: Partial<HistoryOverview>): HistoryOverview {
    this.overview = { ...this.overview, ...change }
    this.#store.emit({ event: 'history', overview: this.overview })
    return this.overview
  }

  get(pin: string): HistoryTransfer {
    const one = this.overview.transfers.find((other) => other.pin === pin)
    if (one === undefined) throw fail('unknown_transfer', 'There is no such transfer any more.', false)
    return one
  }

  /** Begins a handshake, or changes one. */
  put(one: HistoryTransfer): HistoryOverview {
    const others = this.overview.transfers.filter(({ pin }) => pin !== one.pin)
    return this.set({ transfers: [...others, one] })
  }

  to(pin: string, phase: HistoryPhase, change: Partial<HistoryTransfer> = {}): HistoryOverview {
    return this.put({ ...this.get(pin), phase, ...change })
  }
}

/** Everything about the past: handshakes and archive files. */
export function pasts(store: Store, past: Past, pace: Pace): PastCommands {
  let pins = 0

  async function steps(operation: string, operationId: string | null): Promise<void> {
    for (const done of [0, 500, 1_000]) {
      store.emit({
        ...{ event: 'progress', operation, operation_id: operationId, conversation_id: null },
        ...{ done, total: 1_000 },
      })
      if (pace.gate !== null && done === 500) await pace.gate
    }
  }

  function open({ passphrase }: { passphrase: string | null }): void {
    if (passphrase === 'wrong')
      throw fail('archive_wrong_key', 'This does not open the file. Nothing was taken in.', false)
  }

  return {
    history_overview: () => past.overview,
    history_request: (wanted) => past.put(transfer({ pin: `pin${++pins}`, code: null, ...wanted })),
    history_answer: ({ pin, answer, since_ns, attachments, host_allowed }) => {
      const one = past.get(pin)
      if (answer === 'refuse') return past.to(pin, 'refused')
      if (one.foreign_server && !host_allowed)
        throw fail('history_server', 'The archive would lie on another server.', false)
      return past.to(pin, 'building', { since_ns, attachments })
    },
    history_take: ({ pin, host_allowed }) => {
      const archive = past.overview.archives.find((one) => one.pin === pin)
      if (archive !== undefined) {
        past.overview = {
          ...past.overview,
          archives: past.overview.archives.filter((one) => one !== archive),
        }
        const { installation_id, device_name, since_ns } = archive
        return past.put(transfer({ pin, installation_id, device_name, since_ns, phase: 'downloading' }))
      }
      const one = past.get(pin)
      if (one.foreign_server && !host_allowed)
        throw fail('history_server', 'The archive would lie on another server.', false)
      return past.to(pin, one.role === 'asking' ? 'downloading' : 'uploading', { error: null })
    },
    history_pause: ({ pin }) => past.to(pin, 'paused'),
    history_cancel: ({ pin }) => {
      const archives = past.overview.archives.filter((one) => one.pin !== pin)
      return archives.length < past.overview.archives.length
        ? past.set({ archives })
        : past.to(pin, 'cancelled')
    },
    new_device_seen: ({ installation_id }) =>
      past.set({
        new_devices: past.overview.new_devices.filter((one) => one.installation_id !== installation_id),
      }),
    archive_export: async ({ path, passphrase, operation_id }) => {
      if (path.includes('taken'))
        throw fail('file_unwritable', 'There is a file of that name already. Choose another one.', false)
      await steps('archive_export', operation_id)
      return {
        path,
        bytes: 2_340_112,
        conversations: 12,
        messages: 4_211,
        consents: 9,
        left_out: 2,
        key: passphrase === null ? PRINTED_KEY : null,
      }
    },
    archive_inspect: async (args) => {
      open(args)
      await steps('archive_import', args.operation_id)
      return {
        exported_at_ns: '1763800000000000000',
        start_ns: null,
        end_ns: null,
        conversations: 12,
        messages: 4_211,
        oldest_ns: '1700000000000000000',
        newest_ns: '1763800000000000000',
        consents: 9,
        skipped: 3,
        is_sealed: false,
      }
    },
    archive_import: async (args) => {
      open(args)
      await steps('archive_import', args.operation_id)
      return {
        new_conversations: 4,
        known_conversations: 8,
        new_messages: 3_100,
        known_messages: 1_111,
        expired_messages: 7,
        changed_consents: 2,
        skipped: 3,
      }
    },
  }
}
