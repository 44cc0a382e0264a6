use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A small picture's size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Thumbnail {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentSource {
    /// Within its message.
    Inline,
    /// On a server.
    Remote,
}

/// Where a file is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// It is here, and sent if it is ours.
    Stored,
    /// Its turn comes by itself.
    Waiting,
    /// It is being fetched or sent.
    Transferring,
    /// The person stopped it; what is there stays.
    Paused,
    /// It did not work; trying again may help.
    Failed,
    /// It is not what its message says, or from where nothing is fetched.
    Refused,
    /// It is fetched when the person asks for it.
    Offered,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Attachment {
    /// Its place in the message, from 0.
    pub index: u32,
    /// Its name, made safe to show and to save.
    pub name: String,
    /// What it is: of a picture by its bytes, else by the sender's word; null while unknown.
    pub media_type: Option<String>,
    /// Bytes; until it is here those of its encrypted form by the sender's word.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Where it is.
    pub source: AttachmentSource,
    /// The host it lies on, with the port unless it is the usual one; null within a message.
    pub host: Option<String>,
    /// Where it is on its way.
    pub state: TransferState,
    /// Encrypted bytes transferred.
    #[ts(type = "number")]
    pub done_bytes: u64,
    /// Encrypted bytes in all; null while unknown.
    #[ts(type = "number | null")]
    pub total_bytes: Option<u64>,
    /// Stable code of why it failed or was refused.
    pub failure: Option<String>,
    /// The small picture that `attachment_read` gives; null without one.
    pub thumbnail: Option<Thumbnail>,
}

/// A file that was copied into the database to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PreparedAttachment {
    /// Names it in `message_send`.
    pub id: String,
    /// Its name, made safe.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// The small picture that `prepared_read` gives; null without one.
    pub thumbnail: Option<Thumbnail>,
}

/// Arguments of `attachment_prepare`: either `path`, or `name` and `base64`.
#[derive(Deserialize, TS)]
pub struct AttachmentPrepareArgs {
    /// Where it is to be sent.
    pub conversation_id: String,
    /// A file on the disk.
    #[serde(default)]
    #[ts(optional)]
    pub path: Option<String>,
    /// The name of one that is given as it is.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    /// What that is; a picture is known by its bytes.
    #[serde(default)]
    #[ts(optional)]
    pub media_type: Option<String>,
    /// Its bytes in standard base64.
    #[serde(default)]
    #[ts(optional)]
    pub base64: Option<String>,
}

/// Arguments that name a prepared file.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PreparedArgs {
    /// Its id.
    pub id: String,
}

/// What to do with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferAction {
    /// Begin it.
    Start,
    /// Stop it; what is there stays.
    Pause,
    /// Go on.
    Resume,
    /// Stop it and forget what is there; an upload fails with its message.
    Cancel,
}

/// Arguments of `attachment_transfer`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AttachmentTransferArgs {
    /// The message.
    pub message_id: String,
    /// The file's place in it.
    pub index: u32,
    /// What to do.
    pub action: TransferAction,
}

/// Arguments of `attachment_read`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AttachmentReadArgs {
    /// The message.
    pub message_id: String,
    /// The file's place in it.
    pub index: u32,
    /// Whether its small picture is wanted.
    pub thumbnail: bool,
}

/// Arguments of `attachment_save`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AttachmentSaveArgs {
    /// The message.
    pub message_id: String,
    /// The file's place in it.
    pub index: u32,
    /// Where to: a file, which is replaced, or a folder, in which nothing is.
    pub path: String,
}

/// Where a file was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Saved {
    /// The file.
    pub path: String,
}

/// Arguments of `attachment_allow_host`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AllowHostArgs {
    /// As `host` of a file has it.
    pub host: String,
    /// Whether files are fetched from it although it is on a private network or has no TLS.
    pub is_allowed: bool,
}
