import type {
  ChangeSigner,
  Devices,
  InboxChange,
  InboxChangePreview,
  Installation,
  InstallationKeys,
  LockReason,
} from '../../src/lib/backend/generated'
import type { Handlers } from './groups'
import { fail, type Store } from './store'
import { SELF } from './world'

type OwnCommands = Pick<
  Handlers,
  | 'device_list'
  | 'device_name'
  | 'inbox_change_preview'
  | 'inbox_change_sign'
  | 'inbox_change_apply'
  | 'passphrase_status'
  | 'passphrase_set'
  | 'passphrase_remove'
  | 'data_folder'
  | 'data_folder_move'
>

export const THIS = 'f'.repeat(64)

/** Our own inbox, and what lies on this computer. */
export class Own {
  /** Devices besides this one. */
  others: Installation[] = []
  names = new Map<string, string>()
  /** What the node has of keys, for devices of which it has something else than what it has of all. */
  keys = new Map<string, InstallationKeys>()
  wallets: string[] = [SELF.address]
  passkeys: string[] = []
  recovery: string = SELF.address
  /** Where the passkeys were made. */
  site: string | null = null
  revoked = false
  passphrase: string | null = null
  /** Why the keychain does not open what is here. */
  locked: LockReason | null = null
  folder = { path: '/home/alix/.local/share/conclave', bytes: 48_213_004 }

  addDevice(id: string, createdNs: string | null, name?: string): void {
    this.others.push({
      installation_id: id,
      this: false,
      created_at_ns: createdNs,
      keys: { kind: 'unknown' },
    })
    if (name !== undefined) this.names.set(id, name)
  }

  devices(registered = true): Devices {
    const described = (one: Installation): Installation => {
      const name = this.names.get(one.installation_id)
      const keys = this.keys.get(one.installation_id) ?? one.keys
      return { ...one, keys, ...(name === undefined ? {} : { name }) }
    }
    const own: Installation = {
      ...{ installation_id: THIS, this: true, created_at_ns: '1763800000000000000' },
      keys: { kind: 'unknown' },
    }
    return {
      inbox_id: SELF.inboxId,
      installations: [...this.others, ...(registered ? [own] : [])].map(described),
      maximum: 10,
      wallets: this.wallets,
      passkeys: this.passkeys,
      recovery: this.recovery,
      revoked: this.revoked,
    }
  }

  /** Who has to sign a change; the installation itself signs where it may. */
  signers(change: InboxChange): ChangeSigner[] {
    switch (change.kind) {
      case 'add_wallet':
        return [this.signer(change.address)]
      case 'add_passkey':
        return [{ kind: 'passkey', key: change.key, relying_party: change.relying_party ?? null }]
      case 'change_recovery':
        return [this.signer(this.recovery), this.signer(change.address)]
      default:
        return [this.signer(this.recovery)]
    }
  }

  signer(one: string): ChangeSigner {
    return one.startsWith('0x')
      ? { kind: 'wallet', address: one }
      : { kind: 'passkey', key: one, relying_party: this.site }
  }

  revokedBy(change: InboxChange): string[] {
    if (change.kind === 'revoke_installations') return change.installation_ids
    if (change.kind === 'revoke_other_installations') return this.others.map((one) => one.installation_id)
    return []
  }

  make(change: InboxChange): void {
    const gone = this.revokedBy(change)
    this.others = this.others.filter(({ installation_id }) => !gone.includes(installation_id))
    if (change.kind === 'add_wallet') this.wallets = [...this.wallets, change.address]
    if (change.kind === 'add_passkey') this.passkeys = [...this.passkeys, change.key]
    if (change.kind === 'remove_wallet') {
      this.wallets = this.wallets.filter((one) => one !== change.address)
      this.passkeys = this.passkeys.filter((one) => one !== change.address)
    }
    if (change.kind === 'change_recovery') this.recovery = change.address
  }
}

function preview(own: Own, change: InboxChange, id: number): InboxChangePreview {
  if (change.kind === 'add_wallet' && own.wallets.includes(change.address))
    throw fail('wallet_known', 'This wallet is yours already.', false)
  if (change.kind === 'add_wallet' && change.address.startsWith('0xeee') && !change.reassign)
    throw fail('wallet_in_other_inbox', 'This wallet belongs to another identity so far.', false)
  const last =
    change.kind === 'remove_wallet' && own.wallets.length === 1 && own.wallets.includes(change.address)
  const reassigns = change.kind === 'add_wallet' && change.reassign
  const known = [...own.wallets, ...own.passkeys]
  const stranger = change.kind === 'change_recovery' && !known.includes(change.address)
  return {
    change_id: String(id),
    inbox_id: SELF.inboxId,
    signature_text: [
      'XMTP : Authenticate to inbox',
      '',
      `Inbox ID: ${SELF.inboxId}`,
      'Current time: 2026-11-27T18:00:00.000000000Z',
      '',
      `- ${change.kind}`,
      ...own.revokedBy(change).map((one) => `  (ID: ${one})`),
      '',
      'For more info: https://xmtp.org/signatures',
    ].join('\n'),
    signers: own.signers(change),
    revoked: own.revokedBy(change),
    warnings: [
      ...(last ? (['last_wallet'] as const) : []),
      ...(reassigns ? (['reassigns_wallet'] as const) : []),
      ...(stranger ? (['recovery_is_no_member'] as const) : []),
    ],
  }
}

/** Everything one’s own inbox and this computer can be asked for. */
export function owned(store: Store, own: Own, registered: () => boolean): OwnCommands {
  let pending: { change: InboxChange; shown: InboxChangePreview } | null = null
  let changes = 0

  function waiting(id: string): NonNullable<typeof pending> {
    if (pending === null || pending.shown.change_id !== id)
      throw fail('preview_outdated', 'Look at what will be signed again.', false)
    return pending
  }

  function check(current: string | null): void {
    if (own.passphrase !== null && own.passphrase !== current)
      throw fail('wrong_passphrase', 'This is not the passphrase. Nothing was changed.', false)
  }

  return {
    device_list: () => own.devices(registered()),
    device_name: ({ installation_id, name }) => {
      if (name === '') own.names.delete(installation_id)
      else own.names.set(installation_id, name)
      return own.devices()
    },
    inbox_change_preview: ({ change }) => {
      pending = { change, shown: preview(own, change, ++changes) }
      return pending.shown
    },
    inbox_change_sign: ({ change_id, signature }) => {
      const one = waiting(change_id)
      const [signer, ...left] = one.shown.signers
      const wrong = signature.kind === 'secret' && signature.secret === 'wrong'
      if (wrong) throw fail('wrong_signer', 'This is not the wallet that signs. Nothing was changed.', false)
      if ((signature.kind === 'passkey') !== (signer?.kind === 'passkey'))
        throw fail('wrong_signer', 'Something else has to sign. Nothing was changed.', false)
      one.shown = { ...one.shown, signers: left }
      return one.shown
    },
    inbox_change_apply: ({ change_id }) => {
      own.make(waiting(change_id).change)
      pending = null
      store.emit({ event: 'inbox_changed' })
      return own.devices(registered())
    },
    passphrase_status: () => ({ set: own.passphrase !== null }),
    passphrase_set: ({ current, passphrase }) => {
      check(current)
      own.passphrase = passphrase
      return { set: true }
    },
    passphrase_remove: ({ current }) => {
      check(current)
      own.passphrase = null
      return { set: false }
    },
    data_folder: () => own.folder,
    data_folder_move: ({ path }) => {
      if (path.includes('full'))
        throw fail('disk_full', 'There is not enough room there. Nothing was moved.', false)
      own.folder = { ...own.folder, path }
      return own.folder
    },
  }
}
