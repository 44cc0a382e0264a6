use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Consent, Delivery, Disappearing, MessageKind, Role};

/// Group or direct message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// A group.
    Group,
    /// A conversation of two people.
    Dm,
}

/// The newest message, as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Preview {
    /// Message id.
    pub message_id: String,
    /// At most 200 characters of text.
    pub text: String,
    /// Who wrote it.
    pub sender_inbox_id: String,
    /// Application message, membership change or gap.
    pub kind: MessageKind,
    /// Its delivery.
    pub delivery: Delivery,
    /// When it was sent.
    pub sent_at_ns: String,
}

/// What the person has begun to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// Id of the message it replies to.
    pub reply_to: Option<String>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Conversation {
    /// Group id.
    pub id: String,
    /// Group or direct message.
    pub kind: ConversationKind,
    /// Name; empty if none was given.
    pub name: String,
    /// Description.
    pub description: String,
    /// URL of the square image.
    pub image_url: String,
    /// When it came to be on this installation.
    pub created_at_ns: String,
    /// Who added us; our own inbox if we created it.
    pub added_by_inbox_id: String,
    /// Who created it.
    pub creator_inbox_id: String,
    /// The other person of a direct message.
    pub peer_inbox_id: Option<String>,
    /// The other person's first address, if known on this installation.
    pub peer_address: Option<String>,
    /// The consent that counts: to the conversation, else to the person who added us. A direct
    /// message with a blocked person is denied.
    pub consent: Consent,
    /// False once we were removed, and until somebody adds this device to one from an archive.
    pub is_active: bool,
    /// True for one from an archive, to which nobody has added this device yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_restored: Option<bool>,
    /// What we are in the group.
    pub my_role: Role,
    /// Ids of pinned messages, newest pin first.
    pub pinned: Vec<String>,
    /// Whether messages disappear.
    pub disappearing: Option<Disappearing>,
    /// The protocol version that the group demands of everybody.
    pub minimum_version: Option<String>,
    /// MLS epoch.
    #[ts(type = "number")]
    pub epoch: u64,
    /// Number of members (inboxes).
    pub member_count: u32,
    /// Time of the last message, else of creation.
    pub last_activity_ns: String,
    /// Newest message.
    pub preview: Option<Preview>,
    /// What the person has begun to write.
    pub draft: Option<Draft>,
    /// Messages of others after the read position.
    pub unread_count: u32,
    /// Own messages that failed and wait for a decision.
    pub failed_count: u32,
    /// The group needs a newer version of this app; nothing is sent or received until then.
    pub paused_for_version: Option<String>,
    /// Whether this device's copy of the group differs from those of the others, or may.
    pub fork: Option<Fork>,
    /// Other ids of this direct message: both people, or two devices, may have begun it. Rows and
    /// messages under these ids belong to it; which id stands for it may change with a message.
    pub duplicate_ids: Vec<String>,
    /// We asked to leave and are still in.
    pub leaving: bool,
    /// Whether it belongs to the requests: unknown, and made by somebody else.
    pub request: bool,
    /// Our consent to the person who added us.
    pub added_by_consent: Consent,
}

/// How far a fork is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ForkState {
    /// Something points to one.
    Suspected,
    /// The commit logs differ.
    Confirmed,
}

/// What is known of a fork.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Fork {
    /// How far it is known.
    pub state: ForkState,
    /// Stable code of the reason.
    pub reason: String,
    /// What happened and what to do.
    pub text: String,
    /// Whether `readd_request` can help.
    pub can_request: bool,
    /// When that was last done.
    pub requested_at_ns: Option<String>,
}

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ListFilter {
    /// Everything but denied ones.
    #[default]
    All,
    /// With unread messages.
    Unread,
    /// Consent unknown and not created by ourselves.
    Requests,
}

/// A page of the conversation list, newest activity first.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ConversationPage {
    /// The conversations.
    pub items: Vec<Conversation>,
    /// Pass as `after` for the next page; absent on the last.
    pub next: Option<String>,
    /// Unread messages in all conversations that are allowed.
    pub total_unread: u32,
    /// Number of requests.
    pub requests: u32,
}

/// A person that could not be added or resolved, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Failure {
    /// The address or inbox id as it was given.
    pub who: String,
    /// Stable code.
    pub code: String,
    /// A sentence for the person.
    pub message: String,
}

/// A conversation that was made, and who is not in it.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Created {
    /// The conversation.
    pub conversation: Conversation,
    /// Those who could not be added; everybody else was.
    pub failed: Vec<Failure>,
}

/// Who may do what from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Everyone may add people and edit name, description and picture.
    #[default]
    Everyone,
    /// Only admins may.
    Admins,
}

/// Epoch facts, for support and for comparing two members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct GroupDebug {
    /// MLS epoch.
    #[ts(type = "number")]
    pub epoch: u64,
    /// Hex; equal on all members of one epoch (RFC 9420 section 8.7).
    pub epoch_authenticator: String,
    /// Sequence id of the last envelope processed.
    #[ts(type = "number")]
    pub cursor: u64,
    /// `none`, `suspected` or `confirmed`.
    pub fork: String,
    /// Number of installations in the tree.
    pub leaf_count: u32,
}

/// What a sync of one group did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
pub struct GroupSync {
    /// Messages that were not there before.
    pub new_messages: u32,
    /// Own messages and changes that were published.
    pub published: u32,
    /// Own messages and changes that failed for good, and envelopes that could not be read.
    pub failed: u32,
}

/// What a sync of everything did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
pub struct AllSync {
    /// Groups synced.
    pub synced: u32,
    /// Groups that could not be synced.
    pub failed: u32,
    /// Messages that were not there before.
    pub new_messages: u32,
}
