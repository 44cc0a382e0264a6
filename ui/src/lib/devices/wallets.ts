/** What a person wants to do with the wallets of their inbox. */
export type WalletWish = { kind: 'add' } | { kind: 'recovery' } | { kind: 'remove'; address: string }
