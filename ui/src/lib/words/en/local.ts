import type { LockReason } from '../../backend/generated'

/** What Conclave keeps on this computer. */
export const local = {
  title: 'Data on this computer',
  open: 'Data on this computer…',
  lead: 'Everything here is encrypted on the disk.',

  passphrase: 'Passphrase',
  passphraseOff:
    'The key lies in this computer’s keychain. With a passphrase you can open your data even if the keychain is lost.',
  passphraseOn: 'A passphrase is set. It opens your data if the keychain is lost.',
  set: 'Set a passphrase…',
  change: 'Change…',
  removeIt: 'Remove…',
  setTitle: 'Set a passphrase',
  changeTitle: 'Change the passphrase',
  removeTitle: 'Remove the passphrase?',
  removeDetail: 'Then only the keychain of this computer opens your data. If it is lost, so is what is here.',
  current: 'Passphrase so far',
  next: 'New passphrase',
  again: 'The new passphrase again',
  hint: 'At least 8 characters. Nobody can tell it to you if you forget it.',
  short: 'At least 8 characters.',
  differs: 'The two are not the same.',
  save: 'Set passphrase',
  saveChange: 'Change passphrase',
  remove: 'Remove passphrase',
  working: 'One moment…',
  saved: 'The passphrase is set.',
  changed: 'The passphrase is changed.',
  removed: 'The passphrase is removed.',

  folder: 'Data folder',
  size: 'Size',
  move: 'Move…',
  moveTitle: 'Move the data folder',
  moveDetail:
    'Everything is copied, checked and only then deleted in the old place. Conclave goes offline for that time and starts again by itself.',
  newFolder: 'New folder',
  newFolderHint: 'The folder must be empty.',
  moveAction: 'Move',
  moving: 'Moving…',
  moved: 'The data folder was moved.',

  delete: 'Delete local data',
  deleteLead: 'For when you give this computer away, or want to begin anew.',
  deleteOpen: 'Delete local data…',
  deleteTitle: 'Delete the local data?',
  deleteDetails: [
    'Gone for good: all messages and files that are only on this device, drafts, settings, and the keys of this device.',
    'What stays: your identity, your wallet, your other devices and what is on them, and archive files you saved.',
    'This device stays in the list of your devices until another one revokes it. It cannot be used again; you register a new one.',
  ],
  understood: 'I understand that it cannot be undone',
  deleteAction: 'Delete local data',
  deleting: 'Deleting…',

  lockedTitle: 'Open with your passphrase',
  locked: {
    no_entry: 'The keychain of this computer does not have the key to your data any more.',
    no_keychain: 'This computer offers no keychain that could have the key to your data.',
    wrong_entry: 'What the keychain of this computer has does not open your data.',
  } satisfies Record<LockReason, string> as Record<LockReason, string>,
  lockedSafe: 'The data is here and safe, and your passphrase opens it.',
  unlockField: 'Passphrase',
  unlock: 'Open',
  unlocking: 'Opening…',
}
