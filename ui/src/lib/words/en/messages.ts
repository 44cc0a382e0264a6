import { count, plural } from './grammar'

/** Words about writing and reading messages. */
export const writing = {
  mention: 'People to mention',
  title: 'Messages',
  markdown: 'Format with Markdown',
  markdownOn: 'Markdown is on',
  preview: 'What the others will see',
  enterSends: 'Enter sends',
  enterSendsDetail: 'Shift and Enter break the line.',
  enterBreaksDetail: 'Enter breaks the line; Ctrl and Enter send.',
  receipts: 'Send read receipts',
  receiptsDetail: 'People see that you have read what they wrote, if their app shows it.',
  automatic: 'Download files by themselves',
  automaticDetail: 'Only from people you allowed; everything else waits for a click.',
  never: 'Never',
  upTo: (megabytes: number) => `Up to ${count(megabytes)} MB`,
}

/** The server that files are put on. */
export const uploads = {
  label: 'Server for files you send',
  placeholder: 'The one your node offers',
  detail:
    'Leave it empty to use the one your node offers. Files are encrypted before they leave this device; the server must take them by PUT.',
  saved: 'Saved. Files you send from now on go there.',
  savedOwn: 'Saved. Files you send from now on go to the one your node offers.',
  problems: {
    malformed: 'This is not a whole web address. It looks like https://files.example.org.',
    not_https: 'The address must begin with https, so that nobody on the way can change it.',
    account: 'The address must not hold a user name or password.',
    query: 'The address must not hold “?” or “#”: the name of each file is put at its end.',
  } as Record<'malformed' | 'not_https' | 'account' | 'query', string>,
}

export const emoji = {
  label: 'Emoji',
  search: 'Search emoji',
  recent: 'Used last',
  nothing: 'No emoji of that name',
  groups: {
    0: 'Smileys',
    1: 'People',
    3: 'Animals and nature',
    4: 'Food and drink',
    5: 'Travel and places',
    6: 'Activities',
    7: 'Objects',
    8: 'Symbols',
    9: 'Flags',
  } as Record<number, string>,
}

export const replies = {
  reply: 'Reply',
  to: (name: string) => (name === 'You' ? 'Reply to yourself' : `Reply to ${name}`),
  cancel: 'Don’t reply',
  missing: 'The message is not on this device',
  deleted: 'Deleted message',
  jump: (name: string, text: string) => `Answers ${name}: ${text}. Go there`,
  mention: (name: string) => `@${name}`,
}

export const reactions = {
  react: 'React',
  more: 'More emoji',
  quick: 'Reactions',
  /** A badge: what, how many, and by whom. */
  badge: (content: string, n: number, names: string) =>
    `${content}, ${count(n)} ${plural(n, 'reaction', 'reactions')}: ${names}`,
  others: (names: string, n: number) => `${names} and ${count(n)} more`,
  count,
  rest: (n: number) => `Show ${count(n)} more ${plural(n, 'reaction', 'reactions')}`,
  restFace: (n: number) => `+${count(n)}`,
}

export const files = {
  attach: 'Attach files',
  drop: 'Drop files to attach them',
  list: 'Files to send',
  unnamed: 'Unnamed file',
  reading: 'Reading…',
  unreadable: 'This file could not be read. Nothing was sent.',
  tooLarge: (bytes: number) =>
    `Too large: at most ${count(bytes / 1024 / 1024)} MB can be sent. Share it another way.`,
  tooMany: (n: number) => `At most ${count(n)} files can be sent at once.`,
  blocked: 'Remove what cannot be sent.',
  remove: (name: string) => `Remove ${name}`,
  count: (n: number) => `${count(n)} ${plural(n, 'file', 'files')}`,
}

/** Where an attachment stands. */
export const transfer = {
  download: 'Download',
  downloadFile: (name: string) => `Download ${name}`,
  from: (host: string) => `from ${host}`,
  waiting: 'Waiting…',
  sendingFile: (name: string) => `Sending ${name}`,
  progress: (done: string, total: string) => `${done} of ${total}`,
  pause: 'Pause',
  resume: 'Go on',
  paused: 'Paused',
  cancel: 'Cancel',
  save: 'Save…',
  saveFile: (name: string) => `Save ${name}`,
  saved: (path: string) => `Saved as ${path}`,
  savedBrowser: 'Saved where your browser puts downloads.',
  view: (name: string) => `Show ${name}`,
  allow: (host: string) => `Allow ${host}`,
  unknownSize: 'Size unknown',
  /** Why it is not here, by the code of the reason. */
  failures: {
    attachment_gone: 'It is no longer on the server. Ask for it to be sent again.',
    attachment_refused: 'What was downloaded is not what was sent. It was thrown away.',
    attachment_too_large: 'It is larger than this app takes. It was not downloaded.',
    url_refused:
      'It lies on a computer of your own network, where only you should lead the app. It was not fetched.',
    image_refused: 'It says it is a picture and is none that is safe to show. You can still save it.',
  } as Record<string, string>,
  failed: 'It could not be downloaded. Try again when you are online.',
  failedSending: 'It could not be uploaded. Try again when you are online.',
}

/** The list of the files of a conversation. */
export const shared = {
  title: 'Files and pictures',
  kinds: 'What is listed',
  pictures: 'Pictures',
  others: 'Other files',
  go: (name: string) => `Go to the message with ${name}`,
  tile: (name: string, from: string, when: string) => `${name}, from ${from}, ${when}. Go to the message`,
  origin: (from: string, when: string) => `${from} · ${when}`,
  loading: 'Reading…',
  older: 'Show older ones',
  empty: 'No files yet',
  emptyDetail:
    'To send the first, press the paper clip beside the message field, or drop a file on the conversation.',
  emptyClosed: 'Nobody sent a file while you were here.',
  noPictures: 'No pictures on this device',
  noPicturesDetail: 'Download one under “Other files”, and it is shown here.',
  noOthers: 'No other files',
  noOthersDetail: 'All that was sent here are pictures. Other files are listed here once somebody sends one.',
}

export const deletion = {
  placeholder: 'This message was deleted',
  by: (name: string) => (name === 'You' ? 'You deleted this message' : `${name} deleted this message`),
  here: 'Delete for me',
  everyone: 'Delete for everyone',
  hereTitle: 'Delete this message here?',
  hereDetail: 'It goes from this device only. The others keep it.',
  everyoneTitle: 'Delete this message for everyone?',
  everyoneDetail:
    'The apps of the others take its text away. Who has read or copied it still knows it, and an app that does not follow the rules can keep it.',
  deleting: 'Deleting…',
  notSent: 'It is not sent yet. Delete it for you.',
  notYours: 'Only who wrote it and super admins can do this.',
}

/** What can be done with a message. */
export const messageMenu = {
  open: 'Actions for this message',
  copy: 'Copy text',
  unread: 'Mark unread from here',
}

export const search = {
  find: 'Find in this conversation',
  all: 'Search all messages',
  allFor: (query: string) => `Search all messages for “\u2068${query}\u2069”`,
  results: 'Results',
  nothing: 'Nothing was found',
  place: (at: number, of: number, more: boolean) => `${count(at)} of ${count(of)}${more ? '+' : ''}`,
  older: 'Previous match, older',
  newer: 'Next match, newer',
  close: 'Close the search',
  lead: 'Finds messages with all these words; the last one may be half written. "Quotes" keep words together.',
  filters: {
    'from:': 'who wrote it: an address, an inbox id, or me',
    'in:': 'where: the name of a group, or the other person',
    'before:': 'before that day, as before:2026-11-01',
    'after:': 'after that day, as after:2026-11-01',
  },
  date: 'Jump to a date',
  dateLabel: 'Date',
  dateGo: 'Show',
  dateInvalid: 'This is not a date.',
}

/** Messages that are no text. */
export const cards = {
  transaction: 'Transaction',
  amount: 'Amount',
  network: 'Network',
  reference: 'Reference',
  from: 'From',
  to: 'To',
  unchecked: 'The sender says so; it was not checked.',
  wallet: 'Request to a wallet',
  walletCalls: (n: number) => `${count(n)} ${plural(n, 'call', 'calls')}`,
  value: 'Value',
  data: 'Data',
  more: (n: number) => `and ${count(n)} more`,
  walletNote: 'Nothing of this is carried out here. Only your wallet could, and it is not asked.',
  expired: 'This has expired.',
  until: (when: string) => `Until ${when}`,
  chosen: 'You chose this',
  chose: (name: string, label: string) => `${name} chose “\u2068${label}\u2069”`,
  answered: (name: string) => `${name} answered`,
  notSent: 'Not sent.',
  waiting: 'Waiting to be sent.',
}

export const expiry = {
  left: (time: string) => `Disappears in ${time}`,
  after: (time: string) => `Messages disappear after ${time}`,
  short: {
    second: (n: number) => `${count(n)} s`,
    minute: (n: number) => `${count(n)} min`,
    hour: (n: number) => `${count(n)} h`,
    day: (n: number) => `${count(n)} d`,
    week: (n: number) => `${count(n)} w`,
  },
}

export const longText = {
  more: 'Show more',
  all: (characters: number) => `${count(characters)} more characters`,
}

export const links = {
  host: (host: string) => ` (${host})`,
  title: 'Open this link?',
  detail: 'It opens outside of Conclave, in your browser. The site learns that you came.',
  mailDetail: 'It opens in your mail program.',
  leadsTo: 'It leads to',
  whole: 'Whole address',
  open: 'Open link',
  opening: 'Opening…',
  copy: 'Copy link',
}

/** What stands in formatted text, for those who listen. */
export const markdown = { done: 'Done', open: 'Not done' }
