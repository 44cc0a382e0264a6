/** What a person wants to do with the wallets and passkeys of their inbox. */
export type WalletWish =
  { kind: 'add' } | { kind: 'add_passkey' } | { kind: 'recovery' } | { kind: 'remove'; address: string }

/** Whether what may sign is a passkey; those have no address but a key. */
export const isPasskey = (signer: string): boolean => !signer.startsWith('0x')
