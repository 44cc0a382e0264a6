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
export type Stage = "locked" | "empty" | "registering" | "ready";

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
 * Why the account can't be opened without its passphrase.
 */
export type LockReason = "no_entry" | "no_keychain" | "wrong_entry";

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
version: string, 
/**
 * Present, and true, when this installation was revoked: nothing is sent or fetched any more;
 * what is here stays readable.
 */
revoked?: boolean, 
/**
 * Present at [`Stage::Locked`]: why the passphrase is needed.
 */
locked?: LockReason, };

/**
 * Whether a passphrase opens the database where the keychain can't.
 */
export type PassphraseStatus = { 
/**
 * Whether one is set.
 */
set: boolean, };

/**
 * Where the account's data is.
 */
export type DataFolder = { 
/**
 * Absolute path of the folder.
 */
path: string, 
/**
 * Size of what Conclave keeps in it, in bytes.
 */
bytes: number, };

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
 * What the node has of the keys by which others add an installation to groups.
 */
export type InstallationKeys = { "kind": "unknown", } | { "kind": "renewed", 
/**
 * When they were made, by the installation's clock.
 */
at_ns: string, } | { "kind": "unusable", };

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
created_at_ns: string | null, 
/**
 * The name that the person gave it on this computer; absent without one.
 */
name?: string, 
/**
 * The keys by which others add it to groups.
 */
keys: InstallationKeys, };

/**
 * The installations and wallets of an inbox.
 */
export type Devices = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * Its installations, the longest known first.
 */
installations: Array<Installation>, 
/**
 * Installations it may have before a new one is refused.
 */
maximum: number, 
/**
 * Addresses of its wallets.
 */
wallets: Array<string>, 
/**
 * Its passkeys.
 */
passkeys: Array<string>, 
/**
 * The address, or the passkey in hex, that may revoke.
 */
recovery: string, 
/**
 * Whether this installation was revoked: nothing is sent or fetched here any more.
 */
revoked: boolean, };

/**
 * A change of an inbox.
 */
export type InboxChange = { "kind": "revoke_installations", 
/**
 * Installation ids.
 */
installation_ids: Array<string>, } | { "kind": "revoke_other_installations", } | { "kind": "add_wallet", 
/**
 * Its address.
 */
address: string, 
/**
 * Adds it although it leads to another inbox so far.
 */
reassign: boolean, } | { "kind": "add_passkey", 
/**
 * Its public key in hex: a P-256 point, compressed or not.
 */
key: string, 
/**
 * The origin of the page that made it.
 */
relying_party?: string, 
/**
 * Adds it although it leads to another inbox so far.
 */
reassign?: boolean, } | { "kind": "remove_wallet", 
/**
 * Its address; of a passkey its key in hex.
 */
address: string, } | { "kind": "change_recovery", 
/**
 * Its address; of a passkey of this inbox its key in hex.
 */
address: string, };

/**
 * What a person should know before signing.
 */
export type ChangeWarning = "ends_this_installation" | "ends_installations_of_wallet" | "wallet_stays_recovery" | "last_wallet" | "reassigns_wallet" | "recovery_is_no_member";

/**
 * What will be signed, before anything is changed.
 */
export type InboxChangePreview = { 
/**
 * Names the change in `inbox_change_sign` and `inbox_change_apply`.
 */
change_id: string, 
/**
 * The inbox to change.
 */
inbox_id: string, 
/**
 * The exact text that every signer signs.
 */
signature_text: string, 
/**
 * Who has yet to sign.
 */
signers: Array<ChangeSigner>, 
/**
 * Installations that lose access.
 */
revoked: Array<string>, 
/**
 * What a person should know before signing.
 */
warnings: Array<ChangeWarning>, };

/**
 * Who signs a change.
 */
export type ChangeSigner = { "kind": "wallet", 
/**
 * Its address.
 */
address: string, } | { "kind": "passkey", 
/**
 * Its public key in hex.
 */
key: string, 
/**
 * The origin that it belongs to; only there it can sign. Absent if unknown.
 */
relying_party: string | null, };

/**
 * A wallet's or passkey's signature, or what makes it.
 */
export type ChangeSignature = { "kind": "signature", 
/**
 * The signature.
 */
signature: string, } | { "kind": "secret", 
/**
 * What `secret` is.
 */
secret_kind: WalletSecretKind, 
/**
 * The phrase, key or keystore JSON.
 */
secret: string, 
/**
 * Password of a keystore.
 */
password: string | null, } | { "kind": "held_wallet", } | { "kind": "passkey", 
/**
 * The key as the signer has it.
 */
public_key: string, 
/**
 * `authenticatorData`.
 */
authenticator_data: string, 
/**
 * `clientDataJSON`.
 */
client_data_json: string, 
/**
 * The signature, ASN.1 DER.
 */
signature: string, };

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
 * What the person has begun to write.
 */
export type Draft = { 
/**
 * The text.
 */
text: string, 
/**
 * Id of the message it replies to.
 */
reply_to: string | null, };

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
 * The consent that counts: to the conversation, else to the person who added us. A direct
 * message with a blocked person is denied.
 */
consent: Consent, 
/**
 * False once we were removed, and until somebody adds this device to one from an archive.
 */
is_active: boolean, 
/**
 * True for one from an archive, to which nobody has added this device yet.
 */
is_restored?: boolean, 
/**
 * What we are in the group.
 */
my_role: Role, 
/**
 * Ids of pinned messages, newest pin first.
 */
pinned: Array<string>, 
/**
 * Whether messages disappear.
 */
disappearing: Disappearing | null, 
/**
 * The protocol version that the group demands of everybody.
 */
minimum_version: string | null, 
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
 * What the person has begun to write.
 */
draft: Draft | null, 
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
 * Whether this device's copy of the group differs from those of the others, or may.
 */
fork: Fork | null, 
/**
 * Other ids of this direct message: both people, or two devices, may have begun it. Rows and
 * messages under these ids belong to it; which id stands for it may change with a message.
 */
duplicate_ids: Array<string>, 
/**
 * We asked to leave and are still in.
 */
leaving: boolean, 
/**
 * Whether it belongs to the requests: unknown, and made by somebody else.
 */
request: boolean, 
/**
 * Our consent to the person who added us.
 */
added_by_consent: Consent, };

/**
 * How far a fork is known.
 */
export type ForkState = "suspected" | "confirmed";

/**
 * What is known of a fork.
 */
export type Fork = { 
/**
 * How far it is known.
 */
state: ForkState, 
/**
 * Stable code of the reason.
 */
reason: string, 
/**
 * What happened and what to do.
 */
text: string, 
/**
 * Whether `readd_request` can help.
 */
can_request: boolean, 
/**
 * When that was last done.
 */
requested_at_ns: string | null, };

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
 * Unread messages in all conversations that are allowed.
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
is_self: boolean, 
/**
 * What we may do to them: `remove`, `add_admin`, `remove_admin`, `add_super_admin`,
 * `remove_super_admin`.
 */
can: Array<string>, 
/**
 * What we may not do to them although it would make sense, each with the reason.
 */
denied: { [key in string]: string }, };

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
 * Messages of the conversation that are sent after `from_ns` disappear `in_ns` later.
 */
export type Disappearing = { 
/**
 * From when on.
 */
from_ns: string, 
/**
 * After how long.
 */
in_ns: string, };

/**
 * A rule that people choose.
 */
export type PermissionOption = "allow" | "deny" | "admin" | "super_admin";

/**
 * A permission and its new rule.
 */
export type PermissionChange = { 
/**
 * `add_member`, `remove_member`, `add_admin`, `remove_admin` or `update_metadata.FIELD`.
 */
key: string, 
/**
 * The rule; the admin roles know no `allow`.
 */
option: PermissionOption, };

/**
 * Who may do what in a group. Each rule is `allow`, `deny`, `admin`, `super_admin`, `custom` where
 * a policy of another app fits none of them, or `unspecified` where it cannot be read.
 */
export type Permissions = { 
/**
 * `everyone`, `admins`, `dm`, `custom`, or `unreadable`: nobody can change the group then.
 */
preset: string, 
/**
 * Adding people.
 */
add_member: string, 
/**
 * Removing people.
 */
remove_member: string, 
/**
 * Making admins.
 */
add_admin: string, 
/**
 * Taking the admin role away.
 */
remove_admin: string, 
/**
 * Changing permissions. Receivers want a super admin whatever stands here (groups.md 2.4).
 */
update_permissions: string, 
/**
 * Changing metadata, by field; fields that people change are always named, by their fallback rule
 * where the group names none.
 */
update_metadata: { [key in string]: string }, 
/**
 * The exact policies where a rule above is `custom`, by its name (`update_metadata.FIELD` for
 * fields): `all(...)` and `any(...)` over rules.
 */
custom: { [key in string]: string }, };

/**
 * What a group says about one action of ours.
 */
export type ActionRule = { 
/**
 * Whether we may.
 */
allowed: boolean, 
/**
 * The rule that decides, in the words of [`Permissions`].
 */
rule: string, 
/**
 * Why not: which policy, and who could; null if it is allowed.
 */
reason: string | null, 
/**
 * Inbox ids of up to 20 members who could; empty if it is allowed.
 */
who: Array<string>, };

/**
 * What a group allows, to whom, and what we may do ourselves.
 */
export type GroupRules = { 
/**
 * Its permissions.
 */
permissions: Permissions, 
/**
 * What we are.
 */
my_role: Role, 
/**
 * Inbox ids of the admins.
 */
admins: Array<string>, 
/**
 * Inbox ids of the super admins.
 */
super_admins: Array<string>, 
/**
 * Who created it.
 */
creator_inbox_id: string, 
/**
 * The protocol version that it demands of everybody.
 */
minimum_version: string | null, 
/**
 * Free text of an application; empty if there is none.
 */
app_data: string, 
/**
 * What we may do: `add_member`, `remove_member`, `update_metadata.FIELD`, `add_admin`,
 * `remove_admin`, `add_super_admin`, `remove_super_admin`, `update_permissions`,
 * `delete_for_all`, `leave`.
 */
actions: { [key in string]: ActionRule }, };

/**
 * A change of an admin list.
 */
export type RoleChange = "add_admin" | "remove_admin" | "add_super_admin" | "remove_super_admin";

/**
 * A pinned message.
 */
export type Pin = { 
/**
 * Its id.
 */
message_id: string, 
/**
 * The message; null if it is not on this installation.
 */
message: Message | null, };

/**
 * What a decision is about.
 */
export type ConsentEntity = "inbox" | "conversation";

/**
 * The decision about a person.
 */
export type InboxConsent = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * Wallets of the inbox, as far as known on this installation.
 */
addresses: Array<string>, 
/**
 * The decision.
 */
state: Consent, 
/**
 * When it was taken; null if it never was.
 */
decided_at_ns: string | null, };

/**
 * Who added us to a conversation.
 */
export type RequestAdder = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * Wallets of the inbox, as far as known on this installation.
 */
addresses: Array<string>, 
/**
 * Our consent to them.
 */
consent: Consent, };

/**
 * A group in which somebody is too.
 */
export type SharedConversation = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Its name.
 */
name: string, };

/**
 * What a person sees of a conversation before they decide about it.
 */
export type RequestDetails = { 
/**
 * Who added us.
 */
added_by: RequestAdder, 
/**
 * Number of members (inboxes).
 */
member_count: number, 
/**
 * Other groups, not blocked, that we share with them, newest activity first; at most 20.
 */
shared: Array<SharedConversation>, };

/**
 * A file for the page to show, judged by its bytes.
 */
export type Media = { 
/**
 * What the bytes are, whatever their sender said.
 */
media_type: string, 
/**
 * The bytes in standard base64.
 */
base64: string, };

/**
 * A small picture's size in pixels.
 */
export type Thumbnail = { 
/**
 * Pixels.
 */
width: number, 
/**
 * Pixels.
 */
height: number, };

/**
 * Where a file is.
 */
export type AttachmentSource = "inline" | "remote";

/**
 * Where a file is on its way.
 */
export type TransferState = "stored" | "waiting" | "transferring" | "paused" | "failed" | "refused" | "offered";

/**
 * A file of a message.
 */
export type Attachment = { 
/**
 * Its place in the message, from 0.
 */
index: number, 
/**
 * Its name, made safe to show and to save.
 */
name: string, 
/**
 * What it is: of a picture by its bytes, else by the sender's word; null while unknown.
 */
media_type: string | null, 
/**
 * Bytes; until it is here those of its encrypted form by the sender's word.
 */
size: number | null, 
/**
 * Where it is.
 */
source: AttachmentSource, 
/**
 * The host it lies on, with the port unless it is the usual one; null within a message.
 */
host: string | null, 
/**
 * Where it is on its way.
 */
state: TransferState, 
/**
 * Encrypted bytes transferred.
 */
done_bytes: number, 
/**
 * Encrypted bytes in all; null while unknown.
 */
total_bytes: number | null, 
/**
 * Stable code of why it failed or was refused.
 */
failure: string | null, 
/**
 * The small picture that `attachment_read` gives; null without one.
 */
thumbnail: Thumbnail | null, };

/**
 * A file that was copied into the database to be sent.
 */
export type PreparedAttachment = { 
/**
 * Names it in `message_send`.
 */
id: string, 
/**
 * Its name, made safe.
 */
name: string, 
/**
 * What it is.
 */
media_type: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * The small picture that `prepared_read` gives; null without one.
 */
thumbnail: Thumbnail | null, };

/**
 * What to do with a transfer.
 */
export type TransferAction = "start" | "pause" | "resume" | "cancel";

/**
 * Where a file was saved.
 */
export type Saved = { 
/**
 * The file.
 */
path: string, };

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
 * One call that a wallet is asked to make.
 */
export type WalletCall = { 
/**
 * Whom it calls.
 */
to: string | null, 
/**
 * With how much, in hex of the smallest unit.
 */
value: string | null, 
/**
 * With what, in hex.
 */
data: string | null, 
/**
 * What the sender says that it does.
 */
description: string | null, };

/**
 * How an action should look.
 */
export type ActionStyle = "primary" | "secondary" | "danger";

/**
 * Something to choose.
 */
export type Action = { 
/**
 * Names it in `actions_answer`.
 */
id: string, 
/**
 * What its button says.
 */
label: string, 
/**
 * A picture; never fetched by itself.
 */
image_url: string | null, 
/**
 * How it should look; null if the sender does not say.
 */
style: ActionStyle | null, 
/**
 * RFC 3339, as its sender wrote it; null for never.
 */
expires_at: string | null, };

/**
 * The decoded content; of a reply, what it says.
 */
export type Content = { "kind": "text", 
/**
 * The text.
 */
text: string, } | { "kind": "markdown", 
/**
 * Its source.
 */
text: string, } | { "kind": "attachments", 
/**
 * At most 50.
 */
items: Array<Attachment>, } | { "kind": "transaction_reference", 
/**
 * The family of chains, for instance `eip155`.
 */
namespace: string | null, 
/**
 * The chain.
 */
network_id: string, 
/**
 * The transaction's hash.
 */
reference: string, 
/**
 * For instance `transfer`.
 */
transaction_type: string | null, 
/**
 * For instance `USDC`.
 */
currency: string | null, 
/**
 * In whole units of the currency where the sender gives its decimals.
 */
amount: string | null, 
/**
 * Who paid.
 */
from_address: string | null, 
/**
 * Who was paid.
 */
to_address: string | null, } | { "kind": "wallet_send_calls", 
/**
 * The chain, in hex.
 */
chain_id: string, 
/**
 * Whose wallet.
 */
from: string, 
/**
 * At most 100.
 */
calls: Array<WalletCall>, } | { "kind": "actions", 
/**
 * Its id; a choice names it.
 */
id: string, 
/**
 * What it is about.
 */
description: string, 
/**
 * RFC 3339, as its sender wrote it; null for never.
 */
expires_at: string | null, 
/**
 * At most 50.
 */
actions: Array<Action>, } | { "kind": "intent", 
/**
 * `id` of the actions.
 */
id: string, 
/**
 * `id` of the chosen one.
 */
action_id: string, } | { "kind": "deleted", 
/**
 * Who deleted it.
 */
by: string, } | { "kind": "group_updated", 
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
removed_super_admins: Array<string>, } | { "kind": "leave_request", } | { "kind": "gap", 
/**
 * Stable code of the reason.
 */
reason: string, } | { "kind": "refused_change", 
/**
 * Who made it; empty where that is not known.
 */
by: string, 
/**
 * Stable code: `commit_rejected_v1` to `commit_rejected_v11` by the rule it breaks,
 * `commit_identity_missing`, `commit_invalid`, `metadata_rewritten`, `stray_device`.
 */
reason: string, 
/**
 * What happened, in sentences.
 */
text: string, } | { "kind": "other", 
/**
 * The sender's fallback text.
 */
fallback: string | null, };

/**
 * What is known of a message that is answered.
 */
export type ReplyState = "known" | "missing" | "deleted";

/**
 * The message that a reply answers.
 */
export type ReplyTo = { 
/**
 * Its id.
 */
message_id: string, 
/**
 * Who wrote it, authenticated by MLS; null if it is missing.
 */
sender_inbox_id: string | null, 
/**
 * At most 200 characters of what it says; empty unless it is known.
 */
text: string, 
/**
 * What is known of it.
 */
state: ReplyState, };

/**
 * How the content of a reaction is to be read.
 */
export type ReactionSchema = "unicode" | "shortcode" | "custom";

/**
 * What people react to a message with.
 */
export type Reaction = { 
/**
 * What they react with, at most 256 bytes.
 */
content: string, 
/**
 * How to read it.
 */
schema: ReactionSchema, 
/**
 * How many people.
 */
count: number, 
/**
 * Whether we are one of them.
 */
is_own: boolean, 
/**
 * The first 20 of them, by inbox id.
 */
senders: Array<string>, };

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
is_own: boolean, 
/**
 * What it answers; null unless it is a reply.
 */
reply_to: ReplyTo | null, 
/**
 * The reactions to it, the most frequent first; at most 50.
 */
reactions: Array<Reaction>, 
/**
 * When it disappears; null for never.
 */
expires_at_ns: string | null, };

/**
 * What we may do with a message.
 */
export type MessageActions = { 
/**
 * Whether we may delete it for everyone.
 */
can_delete_for_everyone: boolean, 
/**
 * Why not, in a sentence; null if we may.
 */
reason: string | null, };

/**
 * How far a person has read, by their own word.
 */
export type ReadTime = { 
/**
 * Who.
 */
inbox_id: string, 
/**
 * Everything sent up to this time.
 */
read_up_to_ns: string, };

/**
 * What the person chose for this installation.
 */
export type Settings = { 
/**
 * Whether others hear what was read here; true unless the person says no.
 */
send_read_receipts: boolean, 
/**
 * Bytes up to which files of allowed people are fetched by themselves; 0 for never.
 */
auto_download_bytes: number, 
/**
 * A server that takes files by PUT at `ADDRESS/files/DIGEST`, in place of the node's.
 */
upload_server: string | null, };

/**
 * An archive that was written.
 */
export type ArchiveExported = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Its size in bytes.
 */
bytes: number, 
/**
 * Groups and direct messages in it.
 */
conversations: number, 
/**
 * Messages in it.
 */
messages: number, 
/**
 * Decisions about people and conversations in it.
 */
consents: number, 
/**
 * Messages left out because other apps could not read on after them.
 */
left_out: number, 
/**
 * The key that opens it, where there is no passphrase. It is kept nowhere.
 */
key: string | null, };

/**
 * What an archive holds.
 */
export type ArchiveContents = { 
/**
 * When it was written, by the clock of who wrote it.
 */
exported_at_ns: string, 
/**
 * Only messages sent later.
 */
start_ns: string | null, 
/**
 * Only messages sent then or earlier.
 */
end_ns: string | null, 
/**
 * Groups and direct messages.
 */
conversations: number, 
/**
 * Messages.
 */
messages: number, 
/**
 * The oldest message.
 */
oldest_ns: string | null, 
/**
 * The newest message.
 */
newest_ns: string | null, 
/**
 * Decisions about people and conversations.
 */
consents: number, 
/**
 * Elements that are not known here or make no sense.
 */
skipped: number, 
/**
 * Whether its end says that nothing is missing; those of other apps never do.
 */
is_sealed: boolean, };

/**
 * What became of an archive that was taken in.
 */
export type ArchiveImported = { 
/**
 * Conversations that were not here. They can be read; writing has to wait until an app of
 * somebody in them adds this device.
 */
new_conversations: number, 
/**
 * Conversations that were here, and stay as they were.
 */
known_conversations: number, 
/**
 * Messages that were not here.
 */
new_messages: number, 
/**
 * Messages that were here, and stay as they were.
 */
known_messages: number, 
/**
 * Messages whose time to disappear is over.
 */
expired_messages: number, 
/**
 * Decisions that were newer than those here.
 */
changed_consents: number, 
/**
 * Elements left out: of no conversation, never sent, of times that can't be, or unknown.
 */
skipped: number, };

/**
 * Whether this installation asks for history or is asked.
 */
export type HistoryRole = "asking" | "answering";

/**
 * Where a transfer of history is.
 */
export type HistoryPhase = "waiting" | "held" | "building" | "uploading" | "sent" | "ready" | "downloading" | "verifying" | "importing" | "paused" | "done" | "refused" | "expired" | "cancelled" | "failed";

/**
 * A transfer of history between two installations of ours.
 */
export type HistoryTransfer = { 
/**
 * Names the transfer; both installations have the same.
 */
pin: string, 
/**
 * Whether we ask or are asked.
 */
role: HistoryRole, 
/**
 * The other installation; null while nobody has answered.
 */
installation_id: string | null, 
/**
 * The name that the person gave it here.
 */
device_name: string | null, 
/**
 * Eight words to compare with those that the other installation shows. Null while nobody has
 * answered, and where the other installation cannot show them.
 */
code: Array<string> | null, 
/**
 * Whether the other installation runs another app than ours; null while that is not known.
 */
official_app: boolean | null, 
/**
 * Only messages sent later.
 */
since_ns: string | null, 
/**
 * Whether decisions about people and conversations are wanted.
 */
consent: boolean, 
/**
 * Whether files of messages are wanted.
 */
attachments: boolean, 
/**
 * Only these conversations; null for all.
 */
conversation_ids: Array<string> | null, 
/**
 * The host that the archive lies on or is to lie on.
 */
server: string, 
/**
 * Whether that is another server than the configured one: it is used only once allowed.
 */
foreign_server: boolean, 
/**
 * Where it is.
 */
phase: HistoryPhase, 
/**
 * Bytes of the archive that are written, sent or fetched, or looked through.
 */
bytes_done: number, 
/**
 * Bytes of the archive in all.
 */
bytes_total: number | null, 
/**
 * Conversations written or taken in.
 */
conversations_done: number, 
/**
 * Conversations in all.
 */
conversations_total: number | null, 
/**
 * Messages written or taken in.
 */
messages_done: number, 
/**
 * Messages in all.
 */
messages_total: number | null, 
/**
 * What was left out: too large for the other app, or not to be made sense of.
 */
skipped: number, 
/**
 * While held: about how much would be sent.
 */
estimate_bytes: number | null, 
/**
 * Why it failed or was stopped.
 */
error: ApiError | null, 
/**
 * When it was begun, or came here.
 */
created_at_ns: string, 
/**
 * When it ends by itself; null once it is under way.
 */
expires_at_ns: string | null, };

/**
 * An archive that another installation of ours has put on a server.
 */
export type AvailableArchive = { 
/**
 * Names it; for `history_take`.
 */
pin: string, 
/**
 * The installation that wrote it.
 */
installation_id: string, 
/**
 * The name that the person gave it here.
 */
device_name: string | null, 
/**
 * When it was written, by the clock of who wrote it.
 */
exported_at_ns: string, 
/**
 * Only messages sent later.
 */
since_ns: string | null, 
/**
 * Whether this installation asked for it.
 */
asked_for: boolean, };

/**
 * An installation that came to our inbox, until the person has seen it.
 */
export type NewDevice = { 
/**
 * The installation.
 */
installation_id: string, 
/**
 * The name that the person gave it here.
 */
name: string | null, 
/**
 * When this installation first heard of it.
 */
first_seen_ns: string, };

/**
 * Everything about history between our installations.
 */
export type HistoryOverview = { 
/**
 * Transfers, the newest first; those that are over for a week.
 */
transfers: Array<HistoryTransfer>, 
/**
 * Archives that lie ready and are no transfer of ours yet, the newest first.
 */
archives: Array<AvailableArchive>, 
/**
 * Installations that the person has not seen yet.
 */
new_devices: Array<NewDevice>, };

/**
 * What a person says to a request for history.
 */
export type HistoryAnswer = "allow" | "refuse";

/**
 * Where a page of messages begins.
 */
export type Anchor = { "at": "latest" } | { "at": "first_unread" } | { "at": "message", 
/**
 * Its id.
 */
message_id: string, } | { "at": "date", 
/**
 * The time.
 */
at_ns: string, } | { "at": "before", 
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
 * A part of what a result shows.
 */
export type SnippetPart = { 
/**
 * The text.
 */
text: string, 
/**
 * Whether it is what was searched for.
 */
is_match: boolean, };

/**
 * A message that was found.
 */
export type SearchHit = { 
/**
 * The message.
 */
message: Message, 
/**
 * Its text around the first matches.
 */
snippet: Array<SnippetPart>, };

/**
 * A page of messages that were found, the newest first.
 */
export type SearchPage = { 
/**
 * The messages.
 */
items: Array<SearchHit>, 
/**
 * Pass as `before` for the next page; null on the last.
 */
next: string | null, 
/**
 * Why nothing could be searched for, in a sentence: a filter that can't be read or that stands
 * for nobody and nothing here. Null if all is well.
 */
problem: string | null, };

/**
 * Something changed; sent to every shell after the change is on the disk.
 */
export type Event = { "event": "conversation", 
/**
 * The whole new row.
 */
conversation: Conversation, } | { "event": "conversation_deleted", 
/**
 * Conversation.
 */
conversation_id: string, } | { "event": "consent", 
/**
 * What it is about.
 */
entity: ConsentEntity, 
/**
 * Inbox id or conversation id.
 */
id: string, 
/**
 * The decision.
 */
state: Consent, } | { "event": "messages", 
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
message_id: string, } | { "event": "attachment_progress", 
/**
 * The conversation.
 */
conversation_id: string, 
/**
 * The message.
 */
message_id: string, 
/**
 * The file's place in it.
 */
index: number, 
/**
 * Where it is on its way.
 */
state: TransferState, 
/**
 * Encrypted bytes transferred.
 */
done_bytes: number, 
/**
 * Encrypted bytes in all; null while unknown.
 */
total_bytes: number | null, } | { "event": "history", 
/**
 * All of it, as `history_overview` answers.
 */
overview: HistoryOverview, } | { "event": "connection", 
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
 * The id that its shell chose; null if it chose none.
 */
operation_id: string | null, 
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
total: number, } | { "event": "inbox_changed", } | { "event": "revoked", } | { "event": "resync", };

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
 * Arguments of `unlock`.
 */
export type UnlockArgs = { 
/**
 * The passphrase; erased from memory after use.
 */
passphrase: string, };

/**
 * Arguments of `passphrase_set`.
 */
export type PassphraseArgs = { 
/**
 * The passphrase so far; needed where one is set.
 */
current: string | null, 
/**
 * The new one, at least 8 characters; erased from memory after use.
 */
passphrase: string, };

/**
 * Arguments of `passphrase_remove`.
 */
export type PassphraseRemoveArgs = { 
/**
 * The passphrase; erased from memory after use.
 */
current: string, };

/**
 * Arguments of `data_folder_move`.
 */
export type DataFolderArgs = { 
/**
 * Absolute path of the new folder: an empty one, or one that is made.
 */
path: string, };

/**
 * Arguments that name a node.
 */
export type NodeArgs = { 
/**
 * The node.
 */
node: NodeChoice, };

/**
 * Arguments of `device_list`.
 */
export type DeviceListArgs = { 
/**
 * Asks the network first, also for the keys of the installations; otherwise only what is known
 * here is read.
 */
fresh?: boolean, };

/**
 * Arguments of `device_name`.
 */
export type DeviceNameArgs = { 
/**
 * Installation id.
 */
installation_id: string, 
/**
 * Its name, at most 64 characters; empty for none.
 */
name: string, };

/**
 * Arguments of `inbox_change_preview`.
 */
export type InboxChangeArgs = { 
/**
 * The change.
 */
change: InboxChange, 
/**
 * Before `register`: the node on which the held wallet has its inbox. Not used afterwards.
 */
node?: NodeChoice, };

/**
 * Arguments of `inbox_change_sign`.
 */
export type InboxChangeSignArgs = { 
/**
 * From the preview.
 */
change_id: string, 
/**
 * The signature.
 */
signature: ChangeSignature, };

/**
 * Arguments of `inbox_change_apply`.
 */
export type InboxChangeApplyArgs = { 
/**
 * From the preview.
 */
change_id: string, };

/**
 * Arguments that name a conversation.
 */
export type ConversationArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, };

/**
 * Arguments of `conversation_mark_unread`.
 */
export type MarkUnreadArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * The first message that is unread then; the newest one of others if it is not given.
 */
message_id?: string, };

/**
 * Arguments of `draft_set`.
 */
export type DraftArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * The text; empty for none.
 */
text: string, 
/**
 * Id of the message it replies to.
 */
reply_to: string | null, };

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
 * What the text of a message to send is.
 */
export type MessageFormat = "text" | "markdown" | "transaction_reference" | "wallet_send_calls" | "actions";

/**
 * Arguments of `message_send`.
 */
export type MessageSendArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Text, 1 to 65,536 bytes of UTF-8; with files it may be empty.
 */
text: string, 
/**
 * What the text is; plain text unless said otherwise.
 */
format?: MessageFormat, 
/**
 * The message that it answers.
 */
reply_to?: string, 
/**
 * Prepared files, at most 50. They are a message of their own before the text.
 */
attachments?: Array<string>, };

/**
 * Arguments of `message_react`.
 */
export type MessageReactArgs = { 
/**
 * The message to react to.
 */
message_id: string, 
/**
 * An emoji, a `:shortcode:` or anything else; at most 256 bytes.
 */
content: string, 
/**
 * False takes the reaction back.
 */
is_added: boolean, };

/**
 * Arguments of `actions_answer`.
 */
export type ActionsAnswerArgs = { 
/**
 * The message that offers the actions.
 */
message_id: string, 
/**
 * The chosen one.
 */
action_id: string, };

/**
 * Arguments of `settings_set`: what is not given stays.
 */
export type SettingsArgs = { 
/**
 * Whether others hear what was read here.
 */
send_read_receipts?: boolean, 
/**
 * Bytes up to which files of allowed people are fetched by themselves; 0 for never.
 */
auto_download_bytes?: number, 
/**
 * A server that takes files by PUT at `ADDRESS/files/DIGEST`, in place of the node's; empty for none.
 */
upload_server?: string, };

/**
 * Arguments of `attachment_prepare`: either `path`, or `name` and `base64`.
 */
export type AttachmentPrepareArgs = { 
/**
 * Where it is to be sent.
 */
conversation_id: string, 
/**
 * A file on the disk.
 */
path?: string, 
/**
 * The name of one that is given as it is.
 */
name?: string, 
/**
 * What that is; a picture is known by its bytes.
 */
media_type?: string, 
/**
 * Its bytes in standard base64.
 */
base64?: string, };

/**
 * Arguments that name a prepared file.
 */
export type PreparedArgs = { 
/**
 * Its id.
 */
id: string, };

/**
 * Arguments of `attachment_transfer`.
 */
export type AttachmentTransferArgs = { 
/**
 * The message.
 */
message_id: string, 
/**
 * The file's place in it.
 */
index: number, 
/**
 * What to do.
 */
action: TransferAction, };

/**
 * Arguments of `attachment_read`.
 */
export type AttachmentReadArgs = { 
/**
 * The message.
 */
message_id: string, 
/**
 * The file's place in it.
 */
index: number, 
/**
 * Whether its small picture is wanted.
 */
thumbnail: boolean, };

/**
 * Arguments of `attachment_save`.
 */
export type AttachmentSaveArgs = { 
/**
 * The message.
 */
message_id: string, 
/**
 * The file's place in it.
 */
index: number, 
/**
 * Where to: a file, which is replaced, or a folder, in which nothing is.
 */
path: string, };

/**
 * Arguments of `attachment_allow_host`.
 */
export type AllowHostArgs = { 
/**
 * As `host` of a file has it.
 */
host: string, 
/**
 * Whether files are fetched from it although it is on a private network or has no TLS.
 */
is_allowed: boolean, };

/**
 * Arguments of `search_messages`.
 */
export type SearchArgs = { 
/**
 * Words that all have to be there, the last perhaps only begun; `"words in a row"`;
 * `from:` an address, an inbox id, the beginning of one, or `me`; `in:` a part of a
 * conversation's name, its id or the person of a direct message; `before:2026-11-01` and
 * `after:2026-11-01`, both without that day. Values with spaces stand in quotes.
 */
query: string, 
/**
 * Only in this conversation.
 */
conversation_id?: string, 
/**
 * Results, 1 to 100; 30 if it is not given.
 */
limit?: number, 
/**
 * `next` of the page before.
 */
before?: string, 
/**
 * How many minutes the person's clock is ahead of UTC, for `before:` and `after:`; 0 if it is
 * not given.
 */
utc_offset_minutes?: number, };

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
preset: Preset, 
/**
 * Permissions that differ from the preset.
 */
permissions: Array<PermissionChange>, 
/**
 * Messages disappear so long after they were received; absent if they stay.
 */
disappearing_in_ns: string | null, 
/**
 * Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
 * no other operation under way has.
 */
operation_id: string | null, };

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
who: Array<string>, 
/**
 * Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
 * no other operation under way has.
 */
operation_id: string | null, };

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
app_data: string | null, 
/**
 * Lowest protocol version that may follow the group: three numbers, not above ours.
 */
minimum_version: string | null, };

/**
 * Arguments of `permissions_set`.
 */
export type PermissionsSetArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * What to change, all in one commit.
 */
changes: Array<PermissionChange>, };

/**
 * Arguments of `role_change`.
 */
export type RoleChangeArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Address or inbox id of a member.
 */
who: string, 
/**
 * The change.
 */
change: RoleChange, };

/**
 * Arguments of `disappearing_set`.
 */
export type DisappearingSetArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Messages disappear so long after they were received; null if they stay.
 */
in_ns: string | null, };

/**
 * Arguments of `pin_set`.
 */
export type PinSetArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * Message id.
 */
message_id: string, 
/**
 * Whether it is pinned afterwards.
 */
pinned: boolean, };

/**
 * Arguments of lists that are read backwards: `group_changes` and `conversation_files`.
 */
export type BackwardsArgs = { 
/**
 * Conversation id.
 */
conversation_id: string, 
/**
 * `older` of the page before; null for the newest.
 */
before: string | null, 
/**
 * Rows, 1 to 500.
 */
limit: number, };

/**
 * Arguments of `operation_cancel`.
 */
export type OperationArgs = { 
/**
 * The id that was given to the operation.
 */
operation_id: string, };

/**
 * Arguments of `archive_export`.
 */
export type ArchiveExportArgs = { 
/**
 * The file to write; none may be there.
 */
path: string, 
/**
 * What is to open it, at least 8 characters. Without one a key is made and answered.
 */
passphrase: string | null, 
/**
 * Only messages sent later.
 */
start_ns: string | null, 
/**
 * Only messages sent then or earlier.
 */
end_ns: string | null, 
/**
 * Leave out messages that will disappear.
 */
exclude_disappearing: boolean, 
/**
 * Leave out blocked conversations; that they are blocked goes in.
 */
exclude_denied: boolean, 
/**
 * Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
 * no other operation under way has.
 */
operation_id: string | null, };

/**
 * Arguments of `archive_inspect` and `archive_import`.
 */
export type ArchiveOpenArgs = { 
/**
 * The file.
 */
path: string, 
/**
 * What it was written with: this, or `key`.
 */
passphrase: string | null, 
/**
 * Its key, 64 hexadecimal digits with any spaces or dashes between them.
 */
key: string | null, 
/**
 * Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
 * no other operation under way has.
 */
operation_id: string | null, };

/**
 * Arguments of `history_request`.
 */
export type HistoryRequestArgs = { 
/**
 * Only messages sent later.
 */
since_ns: string | null, 
/**
 * Whether decisions about people and conversations are wanted.
 */
consent: boolean, 
/**
 * Whether files of messages are wanted; only installations with this app have them to give.
 */
attachments: boolean, 
/**
 * Only these conversations; null for all. Other apps send all.
 */
conversation_ids: Array<string> | null, };

/**
 * Arguments of `history_answer`.
 */
export type HistoryAnswerArgs = { 
/**
 * The transfer.
 */
pin: string, 
/**
 * Yes or no.
 */
answer: HistoryAnswer, 
/**
 * Only messages sent later.
 */
since_ns: string | null, 
/**
 * Whether files of messages go along.
 */
attachments: boolean, 
/**
 * Only these conversations; null for all that were asked for.
 */
conversation_ids: Array<string> | null, 
/**
 * The person allows a server that is not the configured one.
 */
host_allowed: boolean, };

/**
 * Arguments of `history_take`.
 */
export type HistoryTakeArgs = { 
/**
 * The transfer or the archive.
 */
pin: string, 
/**
 * The person allows a server that is not the configured one.
 */
host_allowed: boolean, };

/**
 * Arguments of `history_pause` and `history_cancel`.
 */
export type HistoryArgs = { 
/**
 * The transfer.
 */
pin: string, };

/**
 * Arguments of `new_device_seen`.
 */
export type NewDeviceArgs = { 
/**
 * The installation.
 */
installation_id: string, };

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

/**
 * Arguments of `inbox_consent_set`.
 */
export type InboxConsentArgs = { 
/**
 * Inbox id.
 */
inbox_id: string, 
/**
 * The new state.
 */
state: Consent, };

/**
 * Arguments of `inbox_consent_list`.
 */
export type InboxConsentListArgs = { 
/**
 * Which decision.
 */
state: Consent, };

/** Every command: its arguments and its result. */
export interface Commands {
  /** What a shell needs to know when it starts. */
  status: { args: Nothing; result: Status };
  /** Opens an account that is locked, with the passphrase of its database, and gives the key back to the keychain where there is one. */
  unlock: { args: UnlockArgs; result: Status };
  /** Whether a passphrase opens the database where the keychain can't. */
  passphrase_status: { args: Nothing; result: PassphraseStatus };
  /** Sets or changes the passphrase of the database. */
  passphrase_set: { args: PassphraseArgs; result: PassphraseStatus };
  /** Removes the passphrase; the keychain alone opens the database then. */
  passphrase_remove: { args: PassphraseRemoveArgs; result: PassphraseStatus };
  /** Where the account's data is, and how large it is. */
  data_folder: { args: Nothing; result: DataFolder };
  /** Moves the account's data to another folder; the account is open again afterwards. */
  data_folder_move: { args: DataFolderArgs; result: DataFolder };
  /** Deletes this installation's keys and history from this computer. Afterwards everything is as at the first run; the inbox and other devices stay. */
  local_database_delete: { args: Nothing; result: Nothing };
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
  /** The installations and wallets of our inbox. */
  device_list: { args: DeviceListArgs; result: Devices };
  /** Names an installation of our inbox, on this computer only. */
  device_name: { args: DeviceNameArgs; result: Devices };
  /** Shows what a change of the inbox will sign; changes nothing. Also before `register`, for the wallet that waits for it. */
  inbox_change_preview: { args: InboxChangeArgs; result: InboxChangePreview };
  /** Takes the signature of one of the signers. */
  inbox_change_sign: { args: InboxChangeSignArgs; result: InboxChangePreview };
  /** Publishes a signed change of the inbox, and takes revoked installations out of our groups. */
  inbox_change_apply: { args: InboxChangeApplyArgs; result: Devices };
  /** A page of conversations from the local database. */
  conversation_list: { args: ConversationListArgs; result: ConversationPage };
  /** One conversation from the local database. */
  conversation_get: { args: ConversationArgs; result: Conversation };
  /** Marks everything in a conversation as read. */
  conversation_mark_read: { args: ConversationArgs; result: Conversation };
  /** Marks a conversation as unread, from a message on or from the newest one of others. */
  conversation_mark_unread: { args: MarkUnreadArgs; result: Conversation };
  /** Keeps what the person has begun to write; empty for nothing. */
  draft_set: { args: DraftArgs; result: Nothing };
  /** Asks the super admins to take us out; for everybody visible as "left" once done. */
  group_leave: { args: ConversationArgs; result: Conversation };
  /** Asks the super admins to add this device again. */
  readd_request: { args: ConversationArgs; result: Conversation };
  /** Deletes a conversation on this installation only. One that we are out of is gone; of another the history goes, and it is hidden until something new comes. */
  conversation_delete: { args: ConversationArgs; result: Nothing };
  /** Sets the consent to a conversation; of a direct message also that to the person. */
  consent_set: { args: ConsentSetArgs; result: Conversation };
  /** Sets the consent to a person. */
  inbox_consent_set: { args: InboxConsentArgs; result: InboxConsent };
  /** People allowed or blocked, newest decision first. */
  inbox_consent_list: { args: InboxConsentListArgs; result: Array<InboxConsent> };
  /** What a person sees before accepting: who added them, shared groups. */
  request_details: { args: ConversationArgs; result: RequestDetails };
  /** A page of messages from the local database. */
  message_list: { args: MessageListArgs; result: MessagePage };
  /** Stores a message and publishes it in the background. */
  message_send: { args: MessageSendArgs; result: Message };
  /** Adds our reaction to a message, or takes it back; gives the message reacted to. */
  message_react: { args: MessageReactArgs; result: Message };
  /** Deletes a message for everyone. */
  message_delete_for_everyone: { args: MessageArgs; result: Message };
  /** What we may do with a message. */
  message_actions: { args: MessageArgs; result: MessageActions };
  /** Chooses one of the actions that a message offers. */
  actions_answer: { args: ActionsAnswerArgs; result: Message };
  /** How far people have read, by the receipts they sent. */
  conversation_read_times: { args: ConversationArgs; result: Array<ReadTime> };
  /** What the person chose for this installation. */
  settings_get: { args: Nothing; result: Settings };
  /** Changes what the person chose; what is not given stays. */
  settings_set: { args: SettingsArgs; result: Settings };
  /** Copies a file into the encrypted database, so that it can be sent. */
  attachment_prepare: { args: AttachmentPrepareArgs; result: PreparedAttachment };
  /** Forgets a prepared file. */
  attachment_discard: { args: PreparedArgs; result: Nothing };
  /** The small picture of a prepared file. */
  prepared_read: { args: PreparedArgs; result: Media };
  /** Begins, stops or gives up fetching or sending a file. */
  attachment_transfer: { args: AttachmentTransferArgs; result: Message };
  /** A picture or text of a message that is here, to show it. */
  attachment_read: { args: AttachmentReadArgs; result: Media };
  /** Writes a file of a message to the disk. */
  attachment_save: { args: AttachmentSaveArgs; result: Saved };
  /** Allows fetching files from a host on a private network or without TLS, or no longer. */
  attachment_allow_host: { args: AllowHostArgs; result: Nothing };
  /** Tries a failed message again. */
  message_retry: { args: MessageArgs; result: Message };
  /** Deletes a message on this installation only. */
  message_delete: { args: MessageArgs; result: Nothing };
  /** Searches messages, the newest first. */
  search_messages: { args: SearchArgs; result: SearchPage };
  /** Looks people up on the network. */
  who_resolve: { args: WhoArgs; result: Array<Resolved> };
  /** Creates a group. */
  group_create: { args: GroupCreateArgs; result: Created };
  /** Finds or creates the direct message with a person. */
  dm_create: { args: DmCreateArgs; result: Created };
  /** Changes name, description, picture or application data. */
  group_update: { args: GroupUpdateArgs; result: Conversation };
  /** What a group allows, to whom, and what we may do ourselves. */
  group_rules: { args: ConversationArgs; result: GroupRules };
  /** Changes permissions, all in one commit. */
  permissions_set: { args: PermissionsSetArgs; result: GroupRules };
  /** Changes an admin list. */
  role_change: { args: RoleChangeArgs; result: GroupRules };
  /** Lets messages disappear, or stay. */
  disappearing_set: { args: DisappearingSetArgs; result: Conversation };
  /** Pins or unpins a message for everybody. */
  pin_set: { args: PinSetArgs; result: Conversation };
  /** Pinned messages, newest pin first. */
  pin_list: { args: ConversationArgs; result: Array<Pin> };
  /** Everything that happened to a group, newest first. */
  group_changes: { args: BackwardsArgs; result: MessagePage };
  /** The messages of a conversation that are files, newest first. */
  conversation_files: { args: BackwardsArgs; result: MessagePage };
  /** Fetches the picture of a group from the server its members name; asked for by a click. */
  group_image: { args: ConversationArgs; result: Media };
  /** Members of a conversation. */
  member_list: { args: ConversationArgs; result: Array<Member> };
  /** Adds people. */
  member_add: { args: MembersArgs; result: MembershipResult };
  /** Removes people. */
  member_remove: { args: MembersArgs; result: MembershipResult };
  /** Stops adding or removing people after the batch under way; the rest is named as `cancelled`. */
  operation_cancel: { args: OperationArgs; result: Nothing };
  /** Fetches and publishes everything that waits in one conversation. */
  conversation_sync: { args: ConversationArgs; result: GroupSync };
  /** Fetches and publishes everything that waits. */
  sync_all: { args: Nothing; result: AllSync };
  /** Writes the history into a new, encrypted file. */
  archive_export: { args: ArchiveExportArgs; result: ArchiveExported };
  /** Looks through an archive and takes nothing in. */
  archive_inspect: { args: ArchiveOpenArgs; result: ArchiveContents };
  /** Takes an archive in. What is here already stays as it is; doing it twice changes nothing. */
  archive_import: { args: ArchiveOpenArgs; result: ArchiveImported };
  /** Everything about history between our installations: transfers, archives that lie ready, installations that are new. */
  history_overview: { args: Nothing; result: HistoryOverview };
  /** Asks our other installations for history. */
  history_request: { args: HistoryRequestArgs; result: HistoryOverview };
  /** Says yes or no to an installation of ours that asks for history. */
  history_answer: { args: HistoryAnswerArgs; result: HistoryOverview };
  /** Fetches an archive that lies ready and takes it in, also one that nobody asked for; goes on after a pause or a failure. */
  history_take: { args: HistoryTakeArgs; result: HistoryOverview };
  /** Stops a transfer; what is there stays. */
  history_pause: { args: HistoryArgs; result: HistoryOverview };
  /** Gives a transfer up; what was taken in stays. */
  history_cancel: { args: HistoryArgs; result: HistoryOverview };
  /** The person has seen that an installation is new. */
  new_device_seen: { args: NewDeviceArgs; result: HistoryOverview };
  /** Epoch facts of a group. */
  group_debug: { args: ConversationArgs; result: GroupDebug };
}
