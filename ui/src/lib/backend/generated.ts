// Generated from crates/api by `cargo test -p conclave-api`. Do not edit.

/**
 * Why a command failed. Shells branch on `code` and show `message`.
 */
export type ApiError = { 
/**
 * Stable code in snake_case.
 */
code: string, 
/**
 * What happened, what is safe and what to do, in a sentence or two.
 */
message: string, 
/**
 * Whether trying the same again can help.
 */
retryable: boolean, };

/**
 * How far this data folder has come.
 */
export type Stage = "empty" | "registering" | "ready";

/**
 * State of the connection to the node.
 */
export type Connection = "idle" | "connecting" | "online" | "offline";

/**
 * The person's account in this data folder.
 */
export type Account = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * Installation id.
 */
installation_id: string, 
/**
 * The wallet's address.
 */
address: string, 
/**
 * URL of the node, or `built-in`.
 */
node: string, 
/**
 * Whether the installation is known to the network.
 */
registered: boolean, 
/**
 * The new wallet's recovery phrase; present only in the reply to `account create` on the
 * command line when it made the wallet, never again.
 */
recovery_phrase?: string, };

/**
 * What a shell needs to know when it starts.
 */
export type Status = { 
/**
 * How far this data folder has come.
 */
stage: Stage, 
/**
 * The account, from [`Stage::Registering`] on.
 */
account: Account | null, 
/**
 * Whether the node is reached at the moment.
 */
connection: Connection, 
/**
 * Version of this program.
 */
version: string, };

/**
 * A wallet made by `wallet_create`.
 */
export type NewWallet = { 
/**
 * The wallet's address.
 */
address: string, 
/**
 * Twelve BIP-39 words, to be shown once.
 */
recovery_phrase: Array<string>, };

/**
 * What kind of secret is imported.
 */
export type WalletSecretKind = "recovery_phrase" | "private_key" | "keystore";

/**
 * A wallet held in memory until the registration is over.
 */
export type Wallet = { 
/**
 * The wallet's address.
 */
address: string, };

/**
 * The network a person chooses.
 */
export type NodeChoice = { "kind": "built_in" } | { "kind": "address", 
/**
 * Its URL.
 */
url: string, };

/**
 * The answer of a node that works.
 */
export type NetworkCheck = { 
/**
 * The URL that was reached.
 */
url: string, };

/**
 * One installation of an inbox.
 */
export type Installation = { 
/**
 * Installation id.
 */
installation_id: string, 
/**
 * Whether it is this one.
 */
this: boolean, 
/**
 * When its identity update was signed; absent if unknown.
 */
created_at_ns: string | null, };

/**
 * What will be signed, and what is there already, before anything is changed.
 */
export type RegistrationPreview = { 
/**
 * The wallet's address.
 */
address: string, 
/**
 * The inbox that the installation will belong to.
 */
inbox_id: string, 
/**
 * Whether the inbox exists already.
 */
inbox_exists: boolean, 
/**
 * Its installations so far; at 10 no further one can be added.
 */
installations: Array<Installation>, 
/**
 * The exact text that the wallet signs.
 */
signature_text: string, };

/**
 * The steps of a registration, in order.
 */
export type RegistrationStep = "look_up_inbox" | "create_keys" | "sign" | "upload_key_package" | "publish_identity" | "first_sync";

/**
 * Where a step stands.
 */
export type StepState = "running" | "done" | "failed";

/**
 * Group or direct message.
 */
export type ConversationKind = "group" | "dm";

/**
 * Whether the person wants to hear from an inbox or in a conversation.
 */
export type Consent = "unknown" | "allowed" | "denied";

/**
 * What a row of a conversation is.
 */
export type MessageKind = "application" | "membership_change" | "gap";

/**
 * Where a message stands.
 */
export type Delivery = "unpublished" | "published" | "failed";

/**
 * The newest message, as the list shows it.
 */
export type Preview = { 
/**
 * Message id.
 */
message_id: string, 
/**
 * At most 200 characters of text.
 */
text: string, 
/**
 * Who wrote it.
 */
sender_inbox_id: string, 
/**
 * Application message, membership change or gap.
 */
kind: MessageKind, 
/**
 * Its delivery.
 */
delivery: Delivery, 
/**
 * When it was sent.
 */
sent_at_ns: string, };

/**
 * A conversation.
 */
export type Conversation = { 
/**
 * Group id.
 */
id: string, 
/**
 * Group or direct message.
 */
kind: ConversationKind, 
/**
 * Name; empty if none was given.
 */
name: string, 
/**
 * Description.
 */
description: string, 
/**
 * URL of the square image.
 */
image_url: string, 
/**
 * When it came to be on this installation.
 */
created_at_ns: string, 
/**
 * Who added us; our own inbox if we created it.
 */
added_by_inbox_id: string, 
/**
 * Who created it.
 */
creator_inbox_id: string, 
/**
 * The other person of a direct message.
 */
peer_inbox_id: string | null, 
/**
 * The other person's first address, if known on this installation.
 */
peer_address: string | null, 
/**
 * Consent.
 */
consent: Consent, 
/**
 * False once we were removed.
 */
is_active: boolean, 
/**
 * MLS epoch.
 */
epoch: number, 
/**
 * Number of members (inboxes).
 */
member_count: number, 
/**
 * Time of the last message, else of creation.
 */
last_activity_ns: string, 
/**
 * Newest message.
 */
preview: Preview | null, 
/**
 * Messages of others after the read position.
 */
unread_count: number, 
/**
 * Own messages that failed and wait for a decision.
 */
failed_count: number, 
/**
 * The group needs a newer version of this app; nothing is sent or received until then.
 */
paused_for_version: string | null, 
/**
 * The group's state may differ from that of others; members should be asked to re-add us.
 */
maybe_forked: boolean, };

/**
 * Which conversations a list shows.
 */
export type ListFilter = "all" | "unread" | "requests";

/**
 * A page of the conversation list, newest activity first.
 */
export type ConversationPage = { 
/**
 * The conversations.
 */
items: Array<Conversation>, 
/**
 * Pass as `after` for the next page; absent on the last.
 */
next: string | null, 
/**
 * Unread messages in all conversations.
 */
total_unread: number, 
/**
 * Number of requests.
 */
requests: number, };

/**
 * A person that could not be added or resolved, and why.
 */
export type Failure = { 
/**
 * The address or inbox id as it was given.
 */
who: string, 
/**
 * Stable code.
 */
code: string, 
/**
 * A sentence for the person.
 */
message: string, };

/**
 * A conversation that was made, and who is not in it.
 */
export type Created = { 
/**
 * The conversation.
 */
conversation: Conversation, 
/**
 * Those who could not be added; everybody else was.
 */
failed: Array<Failure>, };

/**
 * Who may do what from the start.
 */
export type Preset = "everyone" | "admins";

/**
 * Epoch facts, for support and for comparing two members.
 */
export type GroupDebug = { 
/**
 * MLS epoch.
 */
epoch: number, 
/**
 * Hex; equal on all members of one epoch (RFC 9420 section 8.7).
 */
epoch_authenticator: string, 
/**
 * Sequence id of the last envelope processed.
 */
cursor: number, 
/**
 * `none`, `suspected` or `confirmed`.
 */
fork: string, 
/**
 * Number of installations in the tree.
 */
leaf_count: number, };

/**
 * What a sync of one group did.
 */
export type GroupSync = { 
/**
 * Messages that were not there before.
 */
new_messages: number, 
/**
 * Own messages and changes that were published.
 */
published: number, 
/**
 * Own messages and changes that failed for good, and envelopes that could not be read.
 */
failed: number, };

/**
 * What a sync of everything did.
 */
export type AllSync = { 
/**
 * Groups synced.
 */
synced: number, 
/**
 * Groups that could not be synced.
 */
failed: number, 
/**
 * Messages that were not there before.
 */
new_messages: number, };

/**
 * A member's role.
 */
export type Role = "member" | "admin" | "super_admin";

/**
 * A member of a conversation.
 */
export type Member = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * Wallets of the inbox.
 */
addresses: Array<string>, 
/**
 * Installations of the inbox that are in the group.
 */
installation_ids: Array<string>, 
/**
 * Role.
 */
role: Role, 
/**
 * Our consent to this inbox.
 */
consent: Consent, 
/**
 * Whether it is us.
 */
is_self: boolean, };

/**
 * What is known of an address or inbox id.
 */
export type Resolved = { 
/**
 * As it was given.
 */
who: string, 
/**
 * Its inbox, if there is one on this network.
 */
inbox_id: string | null, 
/**
 * Whether at least one installation can be added to a group.
 */
reachable: boolean, 
/**
 * Wallets of the inbox.
 */
addresses: Array<string>, 
/**
 * Why it can't be used: `malformed`, `not_registered`, `no_installation`, `is_self`; null if
 * it can.
 */
problem: string | null, };

/**
 * People that were added or removed, and those that were not.
 */
export type MembershipResult = { 
/**
 * Inbox ids that were added (or removed).
 */
added?: Array<string>, 
/**
 * Inbox ids that were removed.
 */
removed?: Array<string>, 
/**
 * Those that were not, and why.
 */
failed: Array<Failure>, };

/**
 * A change of a metadata field in a system line.
 */
export type FieldChange = { 
/**
 * For instance `group_name`.
 */
field: string, 
/**
 * Value before; null if there was none.
 */
old: string | null, 
/**
 * Value after; null if it was removed.
 */
new: string | null, };

/**
 * The decoded content.
 */
export type Content = { "kind": "text", 
/**
 * The text.
 */
text: string, } | { "kind": "group_updated", 
/**
 * Who did it.
 */
by: string, 
/**
 * Inboxes that came in.
 */
added: Array<string>, 
/**
 * Inboxes that were removed.
 */
removed: Array<string>, 
/**
 * Inboxes that left by their own wish.
 */
left: Array<string>, 
/**
 * Metadata fields that changed; names that begin with `_` are left out.
 */
fields: Array<FieldChange>, 
/**
 * Inboxes that became admins.
 */
added_admins: Array<string>, 
/**
 * Inboxes that are no longer admins.
 */
removed_admins: Array<string>, 
/**
 * Inboxes that became super admins.
 */
added_super_admins: Array<string>, 
/**
 * Inboxes that are no longer super admins.
 */
removed_super_admins: Array<string>, } | { "kind": "gap", 
/**
 * Stable code of the reason.
 */
reason: string, } | { "kind": "other", 
/**
 * The sender's fallback text.
 */
fallback: string | null, };

/**
 * A message.
 */
export type Message = { 
/**
 * Message id, the same on every member's installation.
 */
id: string, 
/**
 * Conversation.
 */
conversation_id: string, 
/**
 * Author, authenticated by MLS.
 */
sender_inbox_id: string, 
/**
 * The author's installation.
 */
sender_installation_id: string, 
/**
 * What the row is.
 */
kind: MessageKind, 
/**
 * Where it stands.
 */
delivery: Delivery, 
/**
 * The node's time once published, else ours.
 */
sent_at_ns: string, 
/**
 * When it was stored here; strictly increasing.
 */
inserted_at_ns: string, 
/**
 * For instance `xmtp.org/text:1.0`.
 */
content_type: string, 
/**
 * What a list would show.
 */
text: string, 
/**
 * Decoded content.
 */
content: Content, 
/**
 * Why it failed; null unless `delivery` is `failed`.
 */
failure: string | null, 
/**
 * Whether we wrote it.
 */
is_own: boolean, };

/**
 * Where a page of messages begins.
 */
export type Anchor = { "at": "latest" } | { "at": "first_unread" } | { "at": "before", 
/**
 * `older` of that page.
 */
position: string, } | { "at": "after", 
/**
 * `newer` of that page.
 */
position: string, };

/**
 * A page of messages, oldest first.
 */
export type MessagePage = { 
/**
 * The messages.
 */
items: Array<Message>, 
/**
 * Position for older messages; null at the beginning of the conversation.
 */
older: string | null, 
/**
 * Position for newer messages; null if the page ends with the newest.
 */
newer: string | null, 
/**
 * Id of the first unread message, if it is in this page.
 */
first_unread_id: string | null, };

/**
 * Something changed; sent to every shell after the change is on the disk.
 */
export type Event = { "event": "conversation", 
/**
 * The whole new row.
 */
conversation: Conversation, } | { "event": "messages", 
/**
 * Conversation.
 */
conversation_id: string, 
/**
 * The whole rows, oldest first; at most 200.
 */
messages: Array<Message>, } | { "event": "message_deleted", 
/**
 * Conversation.
 */
conversation_id: string, 
/**
 * Message id.
 */
message_id: string, } | { "event": "connection", 
/**
 * Its state.
 */
connection: Connection, 
/**
 * A sentence, when offline.
 */
message: string | null, } | { "event": "registration", 
/**
 * The step.
 */
step: RegistrationStep, 
/**
 * Where it stands.
 */
state: StepState, } | { "event": "progress", 
/**
 * `group_create`, `member_add`, `member_remove` or `sync`.
 */
operation: string, 
/**
 * Conversation, if there is one yet.
 */
conversation_id: string | null, 
/**
 * Units done.
 */
done: number, 
/**
 * Units in all.
 */
total: number, } | { "event": "resync", };

/**
 * No arguments.
 */
export type Nothing = Record<symbol, never>;

/**
 * Arguments of `wallet_import`.
 */
export type WalletImport = { 
/**
 * What `secret` is.
 */
kind: WalletSecretKind, 
/**
 * The phrase, key or keystore JSON; erased from memory after use.
 */
secret: string, 
/**
 * Password of a keystore.
 */
password: string | null, };

/**
 * Arguments that name a node.
 */
export type NodeArgs = { 
/**
 * The node.
 */
node: NodeChoice, };

/**
 * Arguments that name a conversation.
 */
export type ConversationArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, };

/**
 * Arguments that name a message.
 */
export type MessageArgs = { 
/**
 * Message id.
 */
message_id: string, };

/**
 * Arguments of `conversation_list`.
 */
export type ConversationListArgs = { 
/**
 * Which conversations.
 */
filter: ListFilter, 
/**
 * `next` of the page before.
 */
after: string | null, 
/**
 * Rows, 1 to 1000.
 */
limit: number, };

/**
 * Arguments of `message_list`.
 */
export type MessageListArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Where the page begins.
 */
anchor: Anchor, 
/**
 * Rows, 1 to 500.
 */
limit: number, };

/**
 * Arguments of `message_send`.
 */
export type MessageSendArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Text, 1 to 65,536 bytes of UTF-8.
 */
text: string, };

/**
 * Arguments of `who_resolve`.
 */
export type WhoArgs = { 
/**
 * Addresses or inbox ids, at most 400.
 */
who: Array<string>, };

/**
 * Arguments of `group_create`.
 */
export type GroupCreateArgs = { 
/**
 * Addresses or inbox ids, at most 400; may be empty.
 */
who: Array<string>, 
/**
 * Name, at most 100 bytes.
 */
name: string, 
/**
 * Description, at most 1000 bytes.
 */
description: string, 
/**
 * Image URL, at most 2048 bytes.
 */
image_url: string, 
/**
 * Free string of an application, at most 8192 bytes.
 */
app_data: string, 
/**
 * Who may do what.
 */
preset: Preset, };

/**
 * Arguments of `dm_create`.
 */
export type DmCreateArgs = { 
/**
 * Address or inbox id.
 */
who: string, };

/**
 * Arguments of `member_add` and `member_remove`.
 */
export type MembersArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Addresses or inbox ids, at most 400.
 */
who: Array<string>, };

/**
 * Arguments of `group_update`; absent fields stay as they are.
 */
export type GroupUpdateArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Name, at most 100 bytes.
 */
name: string | null, 
/**
 * Description, at most 1000 bytes.
 */
description: string | null, 
/**
 * Image URL, at most 2048 bytes.
 */
image_url: string | null, 
/**
 * Free string of an application, at most 8192 bytes.
 */
app_data: string | null, };

/**
 * Arguments of `consent_set`.
 */
export type ConsentSetArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * The new state.
 */
state: Consent, };

/** Every command: its arguments and its result. */
export interface Commands {
  /** What a shell needs to know when it starts. */
  status: { args: Nothing; result: Status };
  /** Makes a new wallet and holds it in memory for `register`. */
  wallet_create: { args: Nothing; result: NewWallet };
  /** Imports a wallet and holds it in memory for `register`. */
  wallet_import: { args: WalletImport; result: Wallet };
  /** Asks a node whether it works. */
  network_check: { args: NodeArgs; result: NetworkCheck };
  /** Shows what `register` will sign; changes nothing. */
  registration_preview: { args: NodeArgs; result: RegistrationPreview };
  /** Registers this installation, or continues where a crash stopped it. */
  register: { args: NodeArgs; result: Account };
  /** A page of conversations from the local database. */
  conversation_list: { args: ConversationListArgs; result: ConversationPage };
  /** One conversation from the local database. */
  conversation_get: { args: ConversationArgs; result: Conversation };
  /** Marks everything in a conversation as read. */
  conversation_mark_read: { args: ConversationArgs; result: Conversation };
  /** Sets the consent to a conversation. */
  consent_set: { args: ConsentSetArgs; result: Conversation };
  /** A page of messages from the local database. */
  message_list: { args: MessageListArgs; result: MessagePage };
  /** Stores a text message and publishes it in the background. */
  message_send: { args: MessageSendArgs; result: Message };
  /** Tries a failed message again. */
  message_retry: { args: MessageArgs; result: Message };
  /** Deletes a message on this installation only. */
  message_delete: { args: MessageArgs; result: Nothing };
  /** Looks people up on the network. */
  who_resolve: { args: WhoArgs; result: Array<Resolved> };
  /** Creates a group. */
  group_create: { args: GroupCreateArgs; result: Created };
  /** Finds or creates the direct message with a person. */
  dm_create: { args: DmCreateArgs; result: Created };
  /** Changes name, description, picture or application data. */
  group_update: { args: GroupUpdateArgs; result: Conversation };
  /** Members of a conversation. */
  member_list: { args: ConversationArgs; result: Array<Member> };
  /** Adds people. */
  member_add: { args: MembersArgs; result: MembershipResult };
  /** Removes people. */
  member_remove: { args: MembersArgs; result: MembershipResult };
  /** Fetches and publishes everything that waits in one conversation. */
  conversation_sync: { args: ConversationArgs; result: GroupSync };
  /** Fetches and publishes everything that waits. */
  sync_all: { args: Nothing; result: AllSync };
  /** Epoch facts of a group. */
  group_debug: { args: ConversationArgs; result: GroupDebug };
}
