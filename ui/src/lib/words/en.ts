import type { RegistrationStep } from '../backend/generated'
import * as devices from './en/devices'
import { count, names, plural, YOU, YOU_OBJECT } from './en/grammar'
import * as group from './en/group'
import * as history from './en/history'
import { lines } from './en/lines'
import { local } from './en/local'
import * as messages from './en/messages'
import * as others from './en/people'
import { permissions } from './en/permissions'

const steps: Record<RegistrationStep, string> = {
  look_up_inbox: 'Look up your inbox on the network',
  create_keys: 'Create the keys of this device',
  sign: 'Sign with your wallet',
  upload_key_package: 'Upload what others need to add you',
  publish_identity: 'Publish your identity',
  first_sync: 'Fetch your conversations',
}

/** The English catalogue, with what is in the folder beside it: the only place where text for people is written. */
export const en = {
  ...devices,
  ...group,
  ...history,
  ...others,
  ...messages,
  lines,
  local,
  permissions,

  locale: 'en-GB',
  direction: 'ltr',
  appName: 'Conclave',

  common: {
    back: 'Back',
    cancel: 'Cancel',
    close: 'Close',
    continue: 'Continue',
    copy: 'Copy',
    copied: 'Copied',
    delete: 'Delete',
    done: 'Done',
    edit: 'Edit',
    remove: 'Remove',
    retry: 'Retry',
    save: 'Save',
    tryAgain: 'Try again',
    you: YOU,
    youObject: YOU_OBJECT,
    copyValue: (what: string) => `Copy ${what}`,
    errorCode: (code: string) => `Code: ${code}`,
  },

  errors: {
    internal:
      'Something unexpected happened. Your messages are safe on this computer. Try again; if it goes on, restart the app.',
    bridgeLost:
      'The connection to Conclave on this computer was lost. Nothing stored is lost. It connects again by itself.',
    noBridge:
      'This page does not know where Conclave runs. Start “conclave-cli serve” and open the address it prints.',
    startTitle: 'Conclave could not start',
    copyFailed: 'The text could not be copied.',
    notAllowed: 'The rules of this group don’t allow it.',
  },

  time: {
    today: 'Today',
    yesterday: 'Yesterday',
    durations: {
      second: (n: number) => `${count(n)} ${plural(n, 'second', 'seconds')}`,
      minute: (n: number) => `${count(n)} ${plural(n, 'minute', 'minutes')}`,
      hour: (n: number) => `${count(n)} ${plural(n, 'hour', 'hours')}`,
      day: (n: number) => `${count(n)} ${plural(n, 'day', 'days')}`,
      week: (n: number) => `${count(n)} ${plural(n, 'week', 'weeks')}`,
    },
    instant: 'less than a second',
  },

  connection: {
    idle: 'Not connected',
    connecting: 'Connecting…',
    online: 'Connected',
    offline: 'Offline',
    offlineDetail: 'What you write is kept and sent when the connection is back.',
  },

  firstRun: {
    welcome: 'Welcome to Conclave',
    lead: 'Encrypted group conversations. Your keys stay on this computer.',
    progress: (step: number, of: number) => `Step ${step} of ${of}`,
    chooseTitle: 'Who are you?',
    create: 'Create an identity',
    createDetail: 'A new wallet is made here. You write down twelve words, and they are all you need.',
    import: 'Import a wallet',
    importDetail: 'Use one you have: its recovery phrase, private key or keystore file.',

    phraseTitle: 'Your recovery phrase',
    phraseLead:
      'Write these twelve words down, in order, on paper. They are shown this once. Whoever has them is you; without them nobody can help you back in.',
    phraseWords: 'Recovery phrase',
    phraseWritten: 'I have written them down',
    checkTitle: 'Check what you wrote',
    checkLead: 'Type three of the words, so that a slip of the pen shows now and not when you need it.',
    wordNumber: (n: number) => `Word ${n}`,
    wordWrong: (n: number) => `This is not word ${n}. Look at your note again.`,
    showAgain: 'Show the words again',

    importTitle: 'Import a wallet',
    importLead: 'It is held in memory until you are registered and is erased then.',
    kinds: { recovery_phrase: 'Recovery phrase', private_key: 'Private key', keystore: 'Keystore file' },
    phraseInput: 'Recovery phrase',
    phraseHint: '12 to 24 words, separated by spaces',
    keyInput: 'Private key',
    keyHint: '64 hexadecimal characters, with or without 0x',
    keystoreInput: 'Keystore file',
    keystoreHint: 'A JSON file, as wallets export it',
    chooseFile: 'Choose file…',
    noFile: 'No file chosen',
    fileTooLarge: 'This file is too large for a keystore. Choose the JSON file that your wallet exported.',
    password: 'Password of the file',
    importAction: 'Import',
    importing: 'Importing…',

    networkTitle: 'Which network?',
    networkLead: 'People can reach each other when they are on the same network.',
    builtIn: 'This computer',
    builtInDetail: 'Runs a node inside the app. Good for trying things out.',
    address: 'A node’s address',
    addressDetail: 'Your organisation or a friend runs one.',
    addressLabel: 'Address of the node',
    addressHint: 'For example https://node.example.org or http://192.168.1.20:5556',
    addressMalformed: 'An address begins with https:// or http://, then the host.',
    checking: 'Checking the node…',
    reachable: (url: string) => `The node at ${url} answers.`,

    signTitle: 'Sign to register',
    signLead:
      'Your wallet signs the text below. It ties this device to your identity, so that others know it is you. It costs nothing and moves no money.',
    signText: 'Text that will be signed',
    signAddress: 'Wallet',
    signNetwork: 'Network',
    inboxExists: (next: number) =>
      `This identity is already on the network. This device becomes installation ${next} of 10.`,
    fullTitle: 'No room for another device',
    inboxFull:
      'This identity has 10 installations already, and no more are possible. Nothing was changed. Revoke one you no longer use, then go on.',
    otherDevices: 'Your other devices',
    preparing: 'Looking up your identity…',
    register: 'Sign and register',

    registerTitle: 'Registering',
    registerDone: 'You are registered',
    registerFailed: 'Registering stopped',
    registerSafe: 'What was done so far is kept. Trying again goes on where it stopped.',
    steps,
    stepStates: { waiting: 'waiting', running: 'running', done: 'done', failed: 'failed' },
    changeNetwork: 'Choose another network',
    resumeTitle: 'Finish registering',
    resumeLead: 'Registering was interrupted last time. It goes on where it stopped.',
    resume: 'Continue registering',
    importAgain: 'Import the wallet again',
  },

  list: {
    label: 'Conversations',
    filters: { all: 'All', unread: 'Unread', requests: 'Requests' },
    filtersLabel: 'Show',
    newGroup: 'New group',
    newGroupKey: (command: string) => `New group (${command} N)`,
    newDirect: 'New direct message',
    search: 'Search or jump to',
    searchKey: (command: string) => `${command} K`,
    untitled: 'Unnamed group',
    draft: 'Draft:',
    noMessages: 'No messages yet',
    sender: (name: string) => `${name}:`,
    /** What a membership change did, by the code that stands in for its preview. */
    update: (name: string, code: string) =>
      ({
        added: `${name} added people`,
        device: `${name} added a device`,
        removed: `${name} removed people`,
        left: 'Somebody left',
        renamed: `${name} changed the group’s name`,
        edited: `${name} changed the group`,
        roles: `${name} changed who is an admin`,
      })[code] ?? `${name} updated the group`,
    addedYou: (name: string) => `${name} added you`,
    wantsToWrite: (name: string) => `${name} wants to write with you`,
    unread: (n: number) => `${count(n)} unread`,
    badge: (n: number) => (n > 999 ? '999+' : String(n)),
    failed: (n: number) => `${count(n)} not sent`,
    requestsWaiting: (n: number) => `${count(n)} ${plural(n, 'request waits', 'requests wait')} for you`,
    requestsDetail: 'Someone you don’t know added you. Look, then decide.',
    showRequests: 'Show requests',
    emptyAll: 'No conversations yet',
    emptyAllDetail: 'Start one with the address of someone you know, or give them yours.',
    emptyUnread: 'Nothing unread',
    emptyUnreadDetail: 'New messages appear here.',
    emptyRequests: 'No requests',
    emptyRequestsDetail: 'When someone you don’t know adds you, you decide here.',
    failedToLoad: 'Your conversations could not be read.',
    rowMenu: (title: string) => `Actions for ${title}`,
    open: 'Open',
    markRead: 'Mark as read',
    markUnread: 'Mark as unread',
    resize: 'Width of the conversation list',
  },

  conversation: {
    none: 'No conversation open',
    noneDetail: 'Choose one on the left, or start a new one.',
    members: (n: number) => `${count(n)} ${plural(n, 'member', 'members')}`,
    direct: 'Direct message',
    details: 'Details',
    messages: 'Messages',
    newMessages: 'New messages',
    pill: (n: number) => `${count(n)} new ${plural(n, 'message', 'messages')}`,
    toBottom: 'Jump to the newest message',
    startGroup: 'This is the beginning of the group.',
    startDirect: 'This is the beginning of your conversation.',
    encrypted: 'Only its members can read what is written here.',
    waiting: 'Waiting to be sent',
    sent: 'Sent',
    read: 'Read',
    readBy: (all: string[]) => `Read by ${names(all)}`,
    failed: 'Not sent',
    failedGeneric: 'It did not reach the network.',
    failedCancelled: 'You stopped it.',
    unsupported: 'This kind of message cannot be shown yet.',
    gap: 'Something that was sent here could not be read.',
    failedToLoad: 'The messages could not be read.',
    says: (sender: string, text: string) => `${sender}: ${text}`,
  },

  composer: {
    label: 'Message',
    placeholder: 'Write a message',
    send: 'Send',
    left: (bytes: number) => `${count(bytes)} bytes left`,
    tooLong: (bytes: number) => `${count(bytes)} bytes too long. Shorten it or send it in several parts.`,
    inactive: 'You are no longer in this group. You can read what was written while you were.',
    removedBy: (name: string) =>
      `${name} removed you from this group. You can read what was written while you were in it.`,
    departed: 'You left this group. You can read what was written while you were in it.',
    leaving:
      'You asked to leave. The app of a super admin takes you out when it is online next; you keep what is on this device.',
    paused: (version: string) =>
      `This group needs version ${version} or newer of the app. Nothing is sent or received here until you update; nothing is lost until then.`,
    forked: 'Nothing can be sent while your state differs from that of the others. What to do is said above.',
  },

  fork: {
    suspected: 'This device may be out of step',
    confirmed: 'This device is out of step with the group',
    ask: 'Ask to be added again',
    askAgain: 'Ask once more',
    asking: 'Asking…',
    asked: (when: string) => `You asked to be added again: ${when}.`,
    waiting: 'The app of a super admin answers when it is online next.',
    waitingDirect: 'The other person’s app answers when it is online next.',
  },

  palette: {
    label: 'Jump to a conversation or run an action',
    placeholder: 'Jump to a conversation or action',
    conversations: 'Conversations',
    actions: 'Actions',
    nothing: 'Nothing matches.',
  },

  shortcuts: {
    title: 'Keyboard shortcuts',
    open: 'Keyboard shortcuts',
    rows: {
      palette: 'Jump to a conversation or action',
      find: 'Find in the conversation',
      search: 'Search all messages',
      quote: 'Answer the last message, in an empty composer',
      newGroup: 'New group',
      nth: 'Open conversation 1 to 9',
      step: 'Previous or next conversation',
      stepUnread: 'Previous or next unread conversation',
      settings: 'Settings',
      shortcuts: 'This list',
      close: 'Close what is on top',
      send: 'Send the message',
      newline: 'New line in a message',
    },
    keys: {
      ctrl: 'Ctrl',
      command: '⌘',
      alt: 'Alt',
      shift: 'Shift',
      up: '↑',
      down: '↓',
      enter: 'Enter',
      escape: 'Esc',
    },
  },

  settings: {
    title: 'Settings',
    open: 'Settings',
    you: 'You',
    appearance: 'Appearance',
    people: 'People',
    device: 'Devices and data',
    themes: { system: 'Like the system', light: 'Light', dark: 'Dark' },
    network: 'Network',
    builtInNode: 'This computer',
    installation: 'This device',
    version: (version: string) => `Conclave ${version}`,
    inbox: 'Inbox id',
    address: 'Address',
  },

  live: {
    inConversation: (title: string, text: string) => `${title}. ${text}`,
    many: (n: number) => `${count(n)} new messages`,
  },
}
