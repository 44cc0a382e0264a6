use serde::Serialize;
use ts_rs::TS;

use super::{Connection, Conversation, Message, RegistrationStep, StepState};

/// Something changed; sent to every shell after the change is on the disk.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A conversation is new or its row changed.
    Conversation {
        /// The whole new row.
        conversation: Box<Conversation>,
    },
    /// Messages are new or changed; the same id replaces the row shown before.
    Messages {
        /// Conversation.
        conversation_id: String,
        /// The whole rows, oldest first; at most 200.
        messages: Vec<Message>,
    },
    /// A message was deleted here.
    MessageDeleted {
        /// Conversation.
        conversation_id: String,
        /// Message id.
        message_id: String,
    },
    /// The connection to the node changed.
    Connection {
        /// Its state.
        connection: Connection,
        /// A sentence, when offline.
        message: Option<String>,
    },
    /// A step of a registration began or ended.
    Registration {
        /// The step.
        step: RegistrationStep,
        /// Where it stands.
        state: StepState,
    },
    /// Progress of a long operation.
    Progress {
        /// `group_create`, `member_add`, `member_remove` or `sync`.
        operation: String,
        /// Conversation, if there is one yet.
        conversation_id: Option<String>,
        /// Units done.
        done: u32,
        /// Units in all.
        total: u32,
    },
    /// Events were lost because this shell was too slow: read everything it shows again.
    Resync {},
}
