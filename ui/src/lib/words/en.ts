import type { RegistrationStep } from '../backend/generated'

const number = new Intl.NumberFormat('en')
const list = new Intl.ListFormat('en', { type: 'conjunction' })

const plural = (n: number, one: string, other: string): string => (n === 1 ? one : other)
const people = (n: number): string => `${number.format(n)} ${plural(n, 'person', 'people')}`

/** Keeps the direction of text that others wrote from changing the sentence around it. */
const quoted = (text: string): string => `“\u2068${text}\u2069”`

/** At most three names, then a count. */
function names(all: string[]): string {
  return all.length <= 4
    ? list.format(all)
    : `${all.slice(0, 3).join(', ')} and ${people(all.length - 3)} more`
}

/** Names that something is done to: "you" is not a name there. */
function objects(all: string[]): string {
  return names(all.map((name) => (name === en.common.you ? en.common.youObject : name)))
}

const steps: Record<RegistrationStep, string> = {
  look_up_inbox: 'Look up your inbox on the network',
  create_keys: 'Create the keys of this device',
  sign: 'Sign with your wallet',
  upload_key_package: 'Upload what others need to add you',
  publish_identity: 'Publish your identity',
  first_sync: 'Fetch your conversations',
}

/** The English catalogue: the only place where text for people is written. */
export const en = {
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
    you: 'You',
    youObject: 'you',
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
  },

  time: { today: 'Today', yesterday: 'Yesterday' },

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
    inboxFull:
      'This identity has 10 installations already, and no more are possible. Nothing was changed. Remove one on another device, then try again.',
    otherDevices: 'Your other devices',
    installationSince: (date: string) => `since ${date}`,
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
        removed: `${name} removed people`,
        left: 'Somebody left',
        renamed: `${name} changed the group’s name`,
        edited: `${name} changed the group`,
        roles: `${name} changed who is an admin`,
      })[code] ?? `${name} updated the group`,
    addedYou: (name: string) => `${name} added you`,
    unread: (n: number) => `${number.format(n)} unread`,
    badge: (n: number) => (n > 999 ? '999+' : String(n)),
    failed: (n: number) => `${number.format(n)} not sent`,
    requestsWaiting: (n: number) =>
      `${number.format(n)} ${plural(n, 'request waits', 'requests wait')} for you`,
    requestsDetail: 'Someone you don’t know added you. Look, then decide.',
    showRequests: 'Show requests',
    emptyAll: 'No conversations yet',
    emptyAllDetail: 'Start one with the address of someone you know, or give them yours.',
    emptyUnread: 'Nothing unread',
    emptyUnreadDetail: 'New messages appear here.',
    emptyRequests: 'No requests',
    emptyRequestsDetail: 'When someone you don’t know adds you, you decide here.',
    failedToLoad: 'Your conversations could not be read.',
    resize: 'Width of the conversation list',
  },

  conversation: {
    none: 'No conversation open',
    noneDetail: 'Choose one on the left, or start a new one.',
    members: (n: number) => `${number.format(n)} ${plural(n, 'member', 'members')}`,
    direct: 'Direct message',
    details: 'Details',
    messages: 'Messages',
    newMessages: 'New messages',
    pill: (n: number) => `${number.format(n)} new ${plural(n, 'message', 'messages')}`,
    toBottom: 'Jump to the newest message',
    startGroup: 'This is the beginning of the group.',
    startDirect: 'This is the beginning of your conversation.',
    encrypted: 'Only its members can read what is written here.',
    waiting: 'Waiting to be sent',
    sent: 'Sent',
    failed: 'Not sent',
    failedGeneric: 'It did not reach the network.',
    unsupported: 'This kind of message cannot be shown yet.',
    gap: 'Something that was sent here could not be read.',
    failedToLoad: 'The messages could not be read.',
    says: (sender: string, text: string) => `${sender}: ${text}`,
  },

  composer: {
    label: 'Message',
    placeholder: 'Write a message',
    send: 'Send',
    left: (bytes: number) => `${number.format(bytes)} bytes left`,
    tooLong: (bytes: number) =>
      `${number.format(bytes)} bytes too long. Shorten it or send it in several parts.`,
    inactive: 'You are no longer in this group. You can read what was written while you were.',
    paused: (version: string) =>
      `This group needs version ${version} or newer of the app. Update to go on; nothing is lost until then.`,
    forked:
      'This group’s state may differ from that of the others. Ask a member to remove you and add you again. What you have is kept.',
  },

  request: {
    group: (name: string) => `${name} added you to this group.`,
    direct: (name: string) => `${name} wants to write with you.`,
    detail: 'They don’t see whether you accept. Nothing is sent until you do.',
    accept: 'Accept',
    block: 'Block',
  },

  lines: {
    added: (by: string, who: string[]) => `${by} added ${objects(who)}`,
    removed: (by: string, who: string[]) => `${by} removed ${objects(who)}`,
    left: (who: string[]) => `${names(who)} left`,
    named: (by: string, name: string) => `${by} named the group ${quoted(name)}`,
    unnamed: (by: string) => `${by} removed the group’s name`,
    described: (by: string) => `${by} changed the description`,
    pictured: (by: string) => `${by} changed the group’s picture`,
    disappearing: (by: string) => `${by} changed disappearing messages`,
    changed: (by: string, field: string) => `${by} changed ${quoted(field)}`,
    admins: (by: string, who: string[]) =>
      `${by} made ${objects(who)} ${plural(who.length, 'an admin', 'admins')}`,
    notAdmins: (by: string, who: string[]) =>
      `${names(who)} ${who.length === 1 && who[0] !== en.common.you ? 'is' : 'are'} no longer ${plural(who.length, 'an admin', 'admins')} (${by})`,
    superAdmins: (by: string, who: string[]) =>
      `${by} made ${objects(who)} ${plural(who.length, 'an owner', 'owners')}`,
    notSuperAdmins: (by: string, who: string[]) =>
      `${names(who)} ${who.length === 1 && who[0] !== en.common.you ? 'is' : 'are'} no longer ${plural(who.length, 'an owner', 'owners')} (${by})`,
    nothing: (by: string) => `${by} updated the group`,
  },

  who: {
    label: 'People',
    hint: 'Paste or type addresses (0x…) or inbox ids, separated by spaces, commas or lines.',
    placeholder: '0x…',
    more: 'Add another',
    checking: 'Checking…',
    reachable: 'Reachable',
    malformed: 'Not an address or inbox id',
    notRegistered: 'Not on this network',
    noInstallation: 'Has no device that can be added',
    isSelf: 'That is you',
    duplicate: 'Already chosen',
    member: 'Already a member',
    unchecked: 'Not checked yet',
    unknown: 'Cannot be added',
    summary: (ready: number) => `${people(ready)} can be added`,
    leftOut: (n: number) => `${number.format(n)} left out`,
    removeProblems: 'Clear those',
    remove: (who: string) => `Remove ${who}`,
    tooMany: (most: number) => `A group holds at most ${number.format(most)} people.`,
  },

  newGroup: {
    title: 'New group',
    name: 'Name',
    nameHint: 'Optional. Everybody in the group sees it.',
    nameTooLong: (bytes: number) => `${number.format(bytes)} bytes too long`,
    preset: 'Who may add people and change the name?',
    presets: { everyone: 'Everyone', admins: 'Admins only' },
    presetDetails: {
      everyone: 'All members add people and change the name. Only admins remove people.',
      admins: 'Only admins add or remove people and change the name.',
    },
    create: 'Create group',
    createWith: (n: number) => `Create with ${people(n)}`,
    creating: 'Creating…',
    progress: (done: number, total: number) => `${number.format(done)} of ${number.format(total)}`,
    createdTitle: 'The group was created',
    failedLead: (n: number) => `${people(n)} could not be added. Everybody else was.`,
    open: 'Open the group',
  },

  newDirect: {
    title: 'New direct message',
    label: 'Address or inbox id',
    hint: 'For example 0x1234…abcd',
    start: 'Start',
    starting: 'Starting…',
  },

  info: {
    groupTitle: 'Group details',
    directTitle: 'Details',
    close: 'Close details',
    editTitle: 'Name and description',
    edit: 'Edit name and description',
    name: 'Name',
    description: 'Description',
    noDescription: 'No description',
    created: (name: string, date: string) => `Created by ${name}, ${date}`,
    addedBy: (name: string, date: string) => `${name} added you, ${date}`,
    createdByYou: (date: string) => `Created by you, ${date}`,
    members: 'Members',
    search: 'Search members',
    noMatch: 'No member matches.',
    roles: { member: '', admin: 'Admin', super_admin: 'Owner' },
    add: 'Add people',
    addTitle: 'Add people',
    addAction: (n: number) => (n === 0 ? 'Add people' : `Add ${people(n)}`),
    adding: 'Adding…',
    addedSome: (added: number, failed: number) =>
      `${people(added)} ${plural(added, 'was', 'were')} added, ${people(failed)} not:`,
    remove: (who: string) => `Remove ${who}`,
    removeTitle: (who: string) => `Remove ${who}?`,
    removeDetail:
      'They will not see what is written from now on, and keep what they have. They can be added again.',
    removing: 'Removing…',
    onlyAdmins: 'Only admins can remove people.',
    ownerStays: 'An owner cannot be removed.',
    inboxId: 'Inbox id',
    address: 'Address',
    addresses: 'Addresses',
    you: 'you',
    loading: 'Reading members…',
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
    many: (n: number) => `${number.format(n)} new messages`,
  },
}
