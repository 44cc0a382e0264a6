use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::content::Content;

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
    /// What it answers; null unless it is a reply.
    pub reply_to: Option<ReplyTo>,
    /// The reactions to it, the most frequent first; at most 50.
    pub reactions: Vec<Reaction>,
    /// When it disappears; null for never.
    pub expires_at_ns: Option<String>,
}

/// What is known of a message that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplyState {
    /// It is here.
    Known,
    /// It is not here.
    Missing,
    /// It was deleted for everyone.
    Deleted,
}

/// The message that a reply answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReplyTo {
    /// Its id.
    pub message_id: String,
    /// Who wrote it, authenticated by MLS; null if it is missing.
    pub sender_inbox_id: Option<String>,
    /// At most 200 characters of what it says; empty unless it is known.
    pub text: String,
    /// What is known of it.
    pub state: ReplyState,
}

/// How the content of a reaction is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReactionSchema {
    /// An emoji.
    Unicode,
    /// A name such as `:+1:`.
    Shortcode,
    /// Anything.
    Custom,
}

/// What people react to a message with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Reaction {
    /// What they react with, at most 256 bytes.
    pub content: String,
    /// How to read it.
    pub schema: ReactionSchema,
    /// How many people.
    pub count: u32,
    /// Whether we are one of them.
    pub is_own: bool,
    /// The first 20 of them, by inbox id.
    pub senders: Vec<String>,
}

/// How far a person has read, by their own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReadTime {
    /// Who.
    pub inbox_id: String,
    /// Everything sent up to this time.
    pub read_up_to_ns: String,
}

/// What we may do with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MessageActions {
    /// Whether we may delete it for everyone.
    pub can_delete_for_everyone: bool,
    /// Why not, in a sentence; null if we may.
    pub reason: Option<String>,
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
    /// Around a message.
    Message {
        /// Its id.
        message_id: String,
    },
    /// Around the first message sent at a time or later, else the newest.
    Date {
        /// The time.
        at_ns: String,
    },
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
