use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Arguments of `archive_export`.
#[derive(Clone, Deserialize, TS)]
pub struct ArchiveExportArgs {
    /// The file to write; none may be there.
    pub path: String,
    /// What is to open it, at least 8 characters. Without one a key is made and answered.
    pub passphrase: Option<String>,
    /// Only messages sent later.
    pub start_ns: Option<String>,
    /// Only messages sent then or earlier.
    pub end_ns: Option<String>,
    /// Leave out messages that will disappear.
    #[serde(default)]
    pub exclude_disappearing: bool,
    /// Leave out blocked conversations; that they are blocked goes in.
    #[serde(default)]
    pub exclude_denied: bool,
    /// Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
    /// no other operation under way has.
    pub operation_id: Option<String>,
}

/// Arguments of `archive_inspect` and `archive_import`.
#[derive(Clone, Deserialize, TS)]
pub struct ArchiveOpenArgs {
    /// The file.
    pub path: String,
    /// What it was written with: this, or `key`.
    pub passphrase: Option<String>,
    /// Its key, 64 hexadecimal digits with any spaces or dashes between them.
    pub key: Option<String>,
    /// Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
    /// no other operation under way has.
    pub operation_id: Option<String>,
}

/// An archive that was written.
#[derive(Clone, Serialize, TS)]
pub struct ArchiveExported {
    /// Where it is.
    pub path: String,
    /// Its size in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Groups and direct messages in it.
    #[ts(type = "number")]
    pub conversations: u64,
    /// Messages in it.
    #[ts(type = "number")]
    pub messages: u64,
    /// Decisions about people and conversations in it.
    #[ts(type = "number")]
    pub consents: u64,
    /// Messages left out because other apps could not read on after them.
    #[ts(type = "number")]
    pub left_out: u64,
    /// The key that opens it, where there is no passphrase. It is kept nowhere.
    pub key: Option<String>,
}

/// What an archive holds.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ArchiveContents {
    /// When it was written, by the clock of who wrote it.
    pub exported_at_ns: String,
    /// Only messages sent later.
    pub start_ns: Option<String>,
    /// Only messages sent then or earlier.
    pub end_ns: Option<String>,
    /// Groups and direct messages.
    #[ts(type = "number")]
    pub conversations: u64,
    /// Messages.
    #[ts(type = "number")]
    pub messages: u64,
    /// The oldest message.
    pub oldest_ns: Option<String>,
    /// The newest message.
    pub newest_ns: Option<String>,
    /// Decisions about people and conversations.
    #[ts(type = "number")]
    pub consents: u64,
    /// Elements that are not known here or make no sense.
    #[ts(type = "number")]
    pub skipped: u64,
    /// Whether its end says that nothing is missing; those of other apps never do.
    pub is_sealed: bool,
}

/// What became of an archive that was taken in.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ArchiveImported {
    /// Conversations that were not here. They can be read; writing has to wait until an app of
    /// somebody in them adds this device.
    #[ts(type = "number")]
    pub new_conversations: u64,
    /// Conversations that were here, and stay as they were.
    #[ts(type = "number")]
    pub known_conversations: u64,
    /// Messages that were not here.
    #[ts(type = "number")]
    pub new_messages: u64,
    /// Messages that were here, and stay as they were.
    #[ts(type = "number")]
    pub known_messages: u64,
    /// Messages whose time to disappear is over.
    #[ts(type = "number")]
    pub expired_messages: u64,
    /// Decisions that were newer than those here.
    #[ts(type = "number")]
    pub changed_consents: u64,
    /// Elements left out: of no conversation, never sent, of times that can't be, or unknown.
    #[ts(type = "number")]
    pub skipped: u64,
}
