use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a row of a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Somebody wrote it.
    Application,
    /// Derived from a commit: people, names or roles changed.
    MembershipChange,
    /// Something that was sent could not be read; `text` says what to do.
    Gap,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waiting to be published.
    Unpublished,
    /// On the network.
    Published,
    /// Failed for good; can be retried or deleted by the person.
    Failed,
}

/// A change of a metadata field in a system line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FieldChange {
    /// For instance `group_name`.
    pub field: String,
    /// Value before; null if there was none.
    pub old: Option<String>,
    /// Value after; null if it was removed.
    pub new: Option<String>,
}

/// The decoded content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// A membership, metadata or role change.
    GroupUpdated {
        /// Who did it.
        by: String,
        /// Inboxes that came in.
        added: Vec<String>,
        /// Inboxes that were removed.
        removed: Vec<String>,
        /// Inboxes that left by their own wish.
        left: Vec<String>,
        /// Metadata fields that changed; names that begin with `_` are left out.
        fields: Vec<FieldChange>,
        /// Inboxes that became admins.
        added_admins: Vec<String>,
        /// Inboxes that are no longer admins.
        removed_admins: Vec<String>,
        /// Inboxes that became super admins.
        added_super_admins: Vec<String>,
        /// Inboxes that are no longer super admins.
        removed_super_admins: Vec<String>,
    },
    /// An envelope that could not be read.
    Gap {
        /// Stable code of the reason.
        reason: String,
    },
    /// A type this version does not show; `text` of the message holds the sender's fallback.
    Other {
        /// The sender's fallback text.
        fallback: Option<String>,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Message {
    /// Message id, the same on every member's installation.
    pub id: String,
    /// Conversation.
    pub conversation_id: String,
    /// Author, authenticated by MLS.
    pub sender_inbox_id: String,
    /// The author's installation.
    pub sender_installation_id: String,
    /// What the row is.
    pub kind: MessageKind,
    /// Where it stands.
    pub delivery: Delivery,
    /// The node's time once published, else ours.
    pub sent_at_ns: String,
    /// When it was stored here; strictly increasing.
    pub inserted_at_ns: String,
    /// For instance `xmtp.org/text:1.0`.
    pub content_type: String,
    /// What a list would show.
    pub text: String,
    /// Decoded content.
    pub content: Content,
    /// Why it failed; null unless `delivery` is `failed`.
    pub failure: Option<String>,
    /// Whether we wrote it.
    pub is_own: bool,
}

/// Where a page of messages begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Anchor {
    /// The newest messages.
    #[default]
    Latest,
    /// Around the first unread message, else the newest.
    FirstUnread,
    /// Older than a position from an earlier page.
    Before {
        /// `older` of that page.
        position: String,
    },
    /// Newer than a position from an earlier page.
    After {
        /// `newer` of that page.
        position: String,
    },
}

/// A page of messages, oldest first.
#[derive(Debug, Clone, Serialize, TS)]
pub struct MessagePage {
    /// The messages.
    pub items: Vec<Message>,
    /// Position for older messages; null at the beginning of the conversation.
    pub older: Option<String>,
    /// Position for newer messages; null if the page ends with the newest.
    pub newer: Option<String>,
    /// Id of the first unread message, if it is in this page.
    pub first_unread_id: Option<String>,
}
