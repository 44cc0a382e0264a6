import type { Args, Backend, Command, Listener, Result, Shell } from '../../src/lib/backend/backend'
import type { Anchor, ApiError, MessagePage, RegistrationStep, Stage } from '../../src/lib/backend/generated'
import { contents, Enclosed } from './content'
import { Own, owned, THIS } from './devices'
import { groups, type Handlers, type Pace } from './groups'
import { Past, pasts } from './history'
import { fail, Store } from './store'
import { conversation, SELF } from './world'

export { fail }
export const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow'.split(' ')
const STEPS: RegistrationStep[] = [
  'look_up_inbox',
  'create_keys',
  'sign',
  'upload_key_package',
  'publish_identity',
  'first_sync',
]

/** A backend that holds everything in memory. Only tests and the harness use it. */
export class MemoryBackend extends Store implements Backend {
  /** Calls so far, for tests to look at. */
  readonly calls: { command: Command; args: unknown }[] = []
  /** Commands that are refused, with what they answer. */
  readonly refuse = new Map<Command, ApiError>()
  /** Commands that wait until something is over. */
  readonly hold = new Map<Command, Promise<unknown>>()
  stage: Stage = 'ready'
  /** Whether what is sent is on the network at once. */
  online = true
  /** Time that `register` takes for each step. */
  stepMs = 0
  /** How adding and removing people goes on. */
  readonly pace: Pace = { batch: 400, stepMs: 0, gate: null }
  readonly enclosed = new Enclosed()
  readonly own = new Own()
  readonly past = new Past(this)
  /** None, as in a browser. */
  shell: Shell | null = null

  async call<K extends Command>(command: K, args: Args<K>): Promise<Result<K>> {
    this.calls.push({ command, args: structuredClone(args) })
    await Promise.resolve()
    await this.hold.get(command)
    const refused = this.refuse.get(command)
    if (refused !== undefined) throw refused
    const handler = this.#handlers[command] as unknown as (args: Args<K>) => Result<K> | Promise<Result<K>>
    return structuredClone(await handler(args))
  }

  subscribe(listener: Listener): () => void {
    return this.listeners.add(listener)
  }

  #page(id: string, anchor: Anchor, limit: number): MessagePage {
    const list = this.messages.get(id) ?? []
    const read = this.read.get(id) ?? list.length
    const firstUnread = list.findIndex((one, at) => at >= read && !one.is_own && one.kind === 'application')
    let from = Math.max(0, list.length - limit)
    let to = list.length
    const around = (index: number): void => {
      from = Math.max(0, index - Math.floor(limit / 2))
      to = Math.min(list.length, from + limit)
    }
    if (anchor.at === 'first_unread' && firstUnread !== -1) around(firstUnread)
    else if (anchor.at === 'message') {
      const index = list.findIndex((one) => one.id === anchor.message_id)
      if (index === -1) throw fail('unknown_message', 'This message is not on this device.', false)
      around(index)
    } else if (anchor.at === 'date') {
      const index = list.findIndex((one) => BigInt(one.sent_at_ns) >= BigInt(anchor.at_ns))
      if (index !== -1) around(index)
    } else if (anchor.at === 'before') {
      to = Number(anchor.position)
      from = Math.max(0, to - limit)
    } else if (anchor.at === 'after') {
      from = Number(anchor.position)
      to = Math.min(list.length, from + limit)
    }
    const unread = list[firstUnread]
    return {
      items: list.slice(from, to),
      older: from === 0 ? null : String(from),
      newer: to === list.length ? null : String(to),
      first_unread_id: unread !== undefined && firstUnread >= from && firstUnread < to ? unread.id : null,
    }
  }

  readonly #handlers: Handlers = {
    ...groups(this, this.pace),
    ...contents(this, this.enclosed, () => this.online),
    ...owned(this, this.own, () => this.stage === 'ready'),
    ...pasts(this, this.past, this.pace),
    status: () => ({
      stage: this.stage,
      account:
        this.stage === 'empty'
          ? null
          : {
              inbox_id: SELF.inboxId,
              installation_id: THIS,
              address: SELF.address,
              node: 'built-in',
              registered: this.stage === 'ready',
            },
      connection: this.online ? 'online' : 'offline',
      version: '0.1.0',
      ...(this.own.revoked ? { revoked: true } : {}),
      ...(this.own.locked === null ? {} : { locked: this.own.locked }),
    }),
    unlock: async ({ passphrase }) => {
      if (passphrase !== this.own.passphrase)
        throw fail('wrong_passphrase', 'This is not the passphrase. Nothing is lost; try again.', false)
      this.own.locked = null
      this.stage = 'ready'
      return this.#handlers.status({} as Args<'status'>)
    },
    local_database_delete: () => {
      this.conversations.clear()
      this.messages.clear()
      this.stage = 'empty'
      return {}
    },
    wallet_create: () => ({ address: SELF.address, recovery_phrase: PHRASE }),
    wallet_import: ({ secret }) => {
      if (secret === 'wrong')
        throw fail(
          'bad_phrase',
          'This is not a recovery phrase: the last word does not fit. Check each word.',
        )
      return { address: SELF.address }
    },
    network_check: ({ node }) => {
      if (node.kind === 'address' && node.url.includes('wrong'))
        throw fail(
          'unreachable',
          'No node answers at this address. Nothing was changed. Check the address and that you are connected.',
        )
      return { url: node.kind === 'address' ? node.url : 'http://127.0.0.1:5556' }
    },
    registration_preview: () => ({
      address: SELF.address,
      inbox_id: SELF.inboxId,
      inbox_exists: this.own.others.length > 0,
      installations: this.own.devices(false).installations,
      signature_text: [
        'XMTP : Authenticate to inbox',
        '',
        `Inbox ID: ${SELF.inboxId}`,
        'Current time: 2026-11-22T18:00:00.000000000Z',
        '',
        '- Create inbox',
        `  (Owner: ${SELF.address.toLowerCase()})`,
        '- Grant messaging access to app',
        `  (ID: ${'f'.repeat(64)})`,
        '',
        'For more info: https://xmtp.org/signatures',
      ].join('\n'),
    }),
    register: async () => {
      for (const step of STEPS) {
        this.emit({ event: 'registration', step, state: 'running' })
        if (this.stepMs > 0) await new Promise((done) => setTimeout(done, this.stepMs))
        this.emit({ event: 'registration', step, state: 'done' })
      }
      this.stage = 'ready'
      return (await this.#handlers.status({} as Args<'status'>)).account as Result<'register'>
    },
    conversation_list: ({ after, limit }) => {
      const all = [...this.conversations.values()]
        .filter(({ id, consent }) => consent !== 'denied' && !this.hidden.has(id))
        .sort((a, b) => (BigInt(a.last_activity_ns) > BigInt(b.last_activity_ns) ? -1 : 1))
      const from = Number(after ?? 0)
      return {
        items: all.slice(from, from + limit),
        next: from + limit < all.length ? String(from + limit) : null,
        total_unread: all.reduce((sum, one) => sum + one.unread_count, 0),
        requests: all.filter(({ request }) => request).length,
      }
    },
    conversation_get: ({ conversation_id }) => this.get(conversation_id),
    conversation_mark_read: ({ conversation_id }) => {
      this.read.set(conversation_id, this.messages.get(conversation_id)?.length ?? 0)
      return this.put(conversation_id, {})
    },
    conversation_delete: ({ conversation_id: id }) => {
      this.messages.set(id, [])
      this.read.set(id, 0)
      if (this.get(id).is_active) this.hidden.add(id)
      else this.conversations.delete(id)
      this.emit({ event: 'conversation_deleted', conversation_id: id })
      return {}
    },
    consent_set: ({ conversation_id, state }) => {
      this.records.set(conversation_id, state)
      this.emit({ event: 'consent', entity: 'conversation', id: conversation_id, state })
      const { peer_inbox_id } = this.get(conversation_id)
      if (peer_inbox_id !== null) this.decide(peer_inbox_id, state)
      return this.put(conversation_id, {})
    },
    inbox_consent_set: ({ inbox_id, state }) => {
      this.decide(inbox_id, state)
      const { addresses } = this.resolve(inbox_id)
      return { inbox_id, addresses, state, decided_at_ns: this.inboxes.get(inbox_id)?.decidedNs ?? null }
    },
    inbox_consent_list: ({ state }) =>
      [...this.inboxes]
        .filter(([, decision]) => decision.state === state)
        .reverse()
        .map(([inbox_id, { decidedNs }]) => ({
          inbox_id,
          addresses: this.resolve(inbox_id).addresses,
          state,
          decided_at_ns: decidedNs,
        })),
    request_details: ({ conversation_id }) => {
      const one = this.get(conversation_id)
      const inbox_id = one.added_by_inbox_id
      const shared = [...this.conversations.values()].filter(
        ({ id, consent, kind }) =>
          id !== conversation_id &&
          consent === 'allowed' &&
          kind === 'group' &&
          this.members.get(id)?.some((member) => member.inbox_id === inbox_id),
      )
      return {
        added_by: {
          inbox_id,
          addresses: this.resolve(inbox_id).addresses,
          consent: one.added_by_consent,
        },
        member_count: one.member_count,
        shared: shared.slice(0, 20).map(({ id, name }) => ({ conversation_id: id, name })),
      }
    },
    message_list: ({ conversation_id, anchor, limit }) => this.#page(conversation_id, anchor, limit),
    who_resolve: ({ who }) => who.map((one) => this.resolve(one)),
    dm_create: ({ who }) => {
      const { inbox_id, addresses } = this.resolve(who)
      const known = [...this.conversations.values()].find(
        ({ kind, peer_inbox_id }) => kind === 'dm' && peer_inbox_id === inbox_id,
      )
      if (known !== undefined) return { conversation: known, failed: [] }
      const id = this.newId('d')
      this.add(
        conversation({
          id,
          kind: 'dm',
          created_at_ns: this.now(),
          peer_inbox_id: inbox_id,
          peer_address: addresses[0] ?? null,
        }),
        [],
      )
      return { conversation: this.get(id), failed: [] }
    },
    conversation_sync: () => ({ new_messages: 0, published: 0, failed: 0 }),
    sync_all: () => ({ synced: this.conversations.size, failed: 0, new_messages: 0 }),
    group_debug: () => ({ epoch: 1, epoch_authenticator: '', cursor: 0, fork: 'none', leaf_count: 1 }),
  }
}
