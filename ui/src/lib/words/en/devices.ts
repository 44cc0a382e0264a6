import type { ChangeWarning } from '../../backend/generated'
import { apart, count, plural } from './grammar'

/** The devices and wallets of one’s own inbox. */
export const devices = {
  title: 'Devices and history',
  list: 'Your devices',
  lead: 'Each of them gets every message of yours. Revoke what you no longer have or do not know.',
  room: (used: number, most: number) => `${count(used)} of ${count(most)} possible devices`,
  this: 'This device',
  unnamed: (id: string) => `Device ${id}`,
  id: 'Device id',
  since: (date: string) => `First seen: ${date}`,
  sinceUnknown: 'First seen: not known',
  keysRenewed: (date: string) => `Keys renewed: ${date}`,
  keysUnusable: 'Its keys are missing or too old: it can’t be added to groups until it is opened.',
  rename: (name: string) => `Rename ${apart(name)}`,
  name: 'Name of the device',
  nameHint: 'Only you see it, on this computer.',
  revoke: 'Revoke…',
  revokeLabel: (name: string) => `Revoke ${apart(name)}`,
  revokeOthers: 'Revoke all other devices…',
  reading: 'Reading…',
  asking: 'Asking the network…',

  wallets: 'Wallets and passkeys',
  walletsLead: 'People find you by these, and they sign what changes here.',
  recovery: 'Recovery',
  recoveryHint: 'This one may revoke devices and wallets.',
  passkey: 'Passkey',
  recoveryElsewhere: 'Recovery identity, not one of your wallets',
  remove: 'Remove…',
  removeLabel: (address: string) => `Remove ${address}`,
  addWallet: 'Add wallet…',
  addPasskey: 'Add passkey…',
  changeRecovery: 'Change recovery…',
  addTitle: 'Add a wallet',
  addDetail: 'Whoever has this wallet speaks for you, and people find you by its address.',
  addPasskeyTitle: 'Add a passkey',
  addPasskeyDetail:
    'A passkey is a key that your computer, phone or security key keeps for this page. Whoever has it speaks for you.',
  recoveryTitle: 'Change the recovery identity',
  recoveryDetail:
    'The recovery identity may revoke your devices and take wallets out. Choose a wallet that you keep safe. The old one and the new one sign.',
  ownWallet: 'One of your wallets.',
  ownPasskey: 'One of your passkeys. It can sign only where it was made.',
  otherAddress: 'Another address',
  otherAddressDetail: 'A wallet that need not be one of yours here.',
  address: 'Address of the wallet',
  addressHint: '0x and 40 hexadecimal characters',
  addressMalformed: 'This is not a wallet’s address. It has 0x and 40 hexadecimal characters.',

  revokeTitle: (name: string) => `Revoke ${apart(name)}?`,
  revokeDetails: [
    'It gets no messages any more and can send none. Members of your groups take it out with their next message, without being asked.',
    'What it received stays on it. This cannot be undone; the device can only be added anew.',
  ],
  revokeOthersTitle: 'Revoke all other devices?',
  revokeOthersDetail: (n: number) =>
    `${count(n)} ${plural(n, 'device gets', 'devices get')} no messages any more. Only this one stays.`,
  removeTitle: (address: string) => `Remove ${address}?`,
  removeDetail:
    'People no longer find you by this address, and it cannot sign for you any more. Devices that it added are revoked with it, except this one.',
  removePasskeyDetail:
    'It cannot sign for you any more. Devices that it added are revoked with it, except this one. Where you see your passkeys it stays until you delete it there.',
  revokeAction: 'Sign and revoke',
  removeAction: 'Sign and remove',
  addAction: 'Sign and add',
  changeAction: 'Sign and change',

  revokedTitle: 'This device was revoked',
  revoked:
    'Nothing is sent from here or received here any more. What is on this computer stays readable. To write again, delete the local data and register this device anew.',
  composerRevoked: 'This device was revoked. You can read what is here; nothing can be sent.',
}

/** Keys that a browser or system keeps for one page. */
export const passkeys = {
  name: (owner: string) => `Conclave ${owner}`,
  steps:
    'Your browser asks twice: first to make the passkey, then to sign with it. In between you see what it signs.',
  create: 'Make the passkey',
  asking: 'Waiting for your browser…',
  elsewhere: {
    window:
      'This window can’t use passkeys. Add them in an app that runs in a browser; they are listed here, and a wallet can remove them.',
    host: 'The address of this page is a number, so it can have no passkeys. Open it under the name “localhost”, or over https.',
  },
  signs: 'Your browser asks you to confirm with the passkey.',
  unable:
    'A passkey has to sign this, and this window can’t use passkeys. Make the change in the browser where you made the passkey.',
  otherSite: (site: string) =>
    `The passkey belongs to ${apart(site)} and can sign only there. Make the change in the app that you have there.`,
  failures: {
    cancelled:
      'No passkey was used: you cancelled, it took too long, or there is none that fits on this computer. Nothing was changed.',
    unsupported: 'What you chose can’t make the kind of passkey that is needed (ES256). Choose another one.',
    forbidden:
      'Your browser lets this page have no passkeys. Open it under the name “localhost”, or over https.',
    other: 'Your browser could not use the passkey. Nothing was changed; try again.',
  },
}

/** What is shown before a wallet or passkey signs a change of the inbox. */
export const signing = {
  preparing: 'Looking up your identity…',
  why: 'You sign the text below. So others know that the change comes from you. It costs nothing and moves no money.',
  text: 'Text that will be signed',
  copyText: 'text to sign',
  copy: 'Copy the text',
  loses: 'Lose access',
  signer: 'Signs',
  signedFirst: (left: number) =>
    `Signed. ${count(left)} more ${plural(left, 'signature is', 'signatures are')} needed.`,
  held: 'The wallet you imported signs.',
  here: 'Sign here',
  elsewhere: 'Sign in another app',
  how: 'How to sign',
  hereHint: 'It is used once and erased.',
  signature: 'Signature',
  signatureHint:
    'Copy the text, sign it there as a message, and paste the signature: 130 hexadecimal characters.',
  sign: 'Sign',
  signing: 'Signing…',
  publishing: 'Publishing…',
  again: 'Show it again',
  reassign: 'Add it all the same',
  warnings: {
    ends_this_installation: 'This device is among the revoked ones. It stops at once.',
    ends_installations_of_wallet: 'The devices that it added are revoked with it.',
    wallet_stays_recovery:
      'It stays the recovery identity: whoever has it can still add and revoke. Change the recovery identity first.',
    last_wallet: 'It is your last wallet. People could no longer find you by an address.',
    reassigns_wallet:
      'It belongs to another identity so far. People who use its address come to you from now on.',
    recovery_is_no_member:
      'The new recovery identity is none of your wallets. Be sure that it is yours and that you keep it.',
  } satisfies Record<ChangeWarning, string> as Record<ChangeWarning, string>,
}
