use serde::Serialize;
use ts_rs::TS;

use super::{
    Connection, Consent, ConsentEntity, Conversation, HistoryOverview, Message, RegistrationStep,
    StepState, TransferState,
};

/// Something changed; sent to every shell after the change is on the disk.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A conversation is new or its row changed.
    Conversation {
        /// The whole new row.
        conversation: Box<Conversation>,
    },
    /// A conversation was deleted here: it goes from all lists until a `conversation` event brings
    /// it back.
    ConversationDeleted {
        /// Conversation.
        conversation_id: String,
    },
    /// A decision about a person or a conversation is another one. Rows of conversations that
    /// change by it come as `conversation` events of their own.
    Consent {
        /// What it is about.
        entity: ConsentEntity,
        /// Inbox id or conversation id.
        id: String,
        /// The decision.
        state: Consent,
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
    /// How far a transfer is; at most five a second for each.
    AttachmentProgress {
        /// The conversation.
        conversation_id: String,
        /// The message.
        message_id: String,
        /// The file's place in it.
        index: u32,
        /// Where it is on its way.
        state: TransferState,
        /// Encrypted bytes transferred.
        #[ts(type = "number")]
        done_bytes: u64,
        /// Encrypted bytes in all; null while unknown.
        #[ts(type = "number | null")]
        total_bytes: Option<u64>,
    },
    /// History between our installations: a transfer, an archive or an installation is another one;
    /// at most five a second while only numbers change.
    History {
        /// All of it, as `history_overview` answers.
        overview: HistoryOverview,
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
        /// The id that its shell chose; null if it chose none.
        operation_id: Option<String>,
        /// Conversation, if there is one yet.
        conversation_id: Option<String>,
        /// Units done.
        done: u32,
        /// Units in all.
        total: u32,
    },
    /// Installations or wallets of our inbox came or went: read them again.
    InboxChanged {},
    /// This installation was revoked: nothing is sent or fetched any more, what is here stays.
    Revoked {},
    /// Events were lost because this shell was too slow: read everything it shows again.
    Resync {},
}
