use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ApiError;

/// Whether this installation asks for history or is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryRole {
    /// This installation wants history.
    Asking,
    /// Another installation of ours wants it.
    Answering,
}

/// Where a transfer of history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryPhase {
    /// Asked; nobody has answered yet.
    Waiting,
    /// Somebody asks; nothing is given before the person answers.
    Held,
    /// The archive is being written.
    Building,
    /// The archive is on its way to the server.
    Uploading,
    /// The archive lies ready for whoever asked.
    Sent,
    /// An archive lies ready for us.
    Ready,
    /// The archive is being fetched.
    Downloading,
    /// The archive is being looked through; nothing is taken in yet.
    Verifying,
    /// The archive is being taken in.
    Importing,
    /// Stopped by the person; `history_take` or an answer goes on.
    Paused,
    /// All is here, or the other installation says that all is there.
    Done,
    /// One of the two said no.
    Refused,
    /// Nobody answered in time.
    Expired,
    /// The person gave it up.
    Cancelled,
    /// It did not work; `error` says why.
    Failed,
}

/// A transfer of history between two installations of ours.
#[derive(Debug, Clone, Serialize, TS)]
pub struct HistoryTransfer {
    /// Names the transfer; both installations have the same.
    pub pin: String,
    /// Whether we ask or are asked.
    pub role: HistoryRole,
    /// The other installation; null while nobody has answered.
    pub installation_id: Option<String>,
    /// The name that the person gave it here.
    pub device_name: Option<String>,
    /// Eight words to compare with those that the other installation shows. Null while nobody has
    /// answered, and where the other installation cannot show them.
    pub code: Option<Vec<String>>,
    /// Whether the other installation runs another app than ours; null while that is not known.
    pub official_app: Option<bool>,
    /// Only messages sent later.
    pub since_ns: Option<String>,
    /// Whether decisions about people and conversations are wanted.
    pub consent: bool,
    /// Whether files of messages are wanted.
    pub attachments: bool,
    /// Only these conversations; null for all.
    pub conversation_ids: Option<Vec<String>>,
    /// The host that the archive lies on or is to lie on.
    pub server: String,
    /// Whether that is another server than the configured one: it is used only once allowed.
    pub foreign_server: bool,
    /// Where it is.
    pub phase: HistoryPhase,
    /// Bytes of the archive that are written, sent or fetched, or looked through.
    #[ts(type = "number")]
    pub bytes_done: u64,
    /// Bytes of the archive in all.
    #[ts(type = "number | null")]
    pub bytes_total: Option<u64>,
    /// Conversations written or taken in.
    #[ts(type = "number")]
    pub conversations_done: u64,
    /// Conversations in all.
    #[ts(type = "number | null")]
    pub conversations_total: Option<u64>,
    /// Messages written or taken in.
    #[ts(type = "number")]
    pub messages_done: u64,
    /// Messages in all.
    #[ts(type = "number | null")]
    pub messages_total: Option<u64>,
    /// What was left out: too large for the other app, or not to be made sense of.
    #[ts(type = "number")]
    pub skipped: u64,
    /// While held: about how much would be sent.
    #[ts(type = "number | null")]
    pub estimate_bytes: Option<u64>,
    /// Why it failed or was stopped.
    pub error: Option<ApiError>,
    /// When it was begun, or came here.
    pub created_at_ns: String,
    /// When it ends by itself; null once it is under way.
    pub expires_at_ns: Option<String>,
}

/// An archive that another installation of ours has put on a server.
#[derive(Debug, Clone, Serialize, TS)]
pub struct AvailableArchive {
    /// Names it; for `history_take`.
    pub pin: String,
    /// The installation that wrote it.
    pub installation_id: String,
    /// The name that the person gave it here.
    pub device_name: Option<String>,
    /// When it was written, by the clock of who wrote it.
    pub exported_at_ns: String,
    /// Only messages sent later.
    pub since_ns: Option<String>,
    /// Whether this installation asked for it.
    pub asked_for: bool,
}

/// An installation that came to our inbox, until the person has seen it.
#[derive(Debug, Clone, Serialize, TS)]
pub struct NewDevice {
    /// The installation.
    pub installation_id: String,
    /// The name that the person gave it here.
    pub name: Option<String>,
    /// When this installation first heard of it.
    pub first_seen_ns: String,
}

/// Everything about history between our installations.
#[derive(Debug, Clone, Default, Serialize, TS)]
pub struct HistoryOverview {
    /// Transfers, the newest first; those that are over for a week.
    pub transfers: Vec<HistoryTransfer>,
    /// Archives that lie ready and are no transfer of ours yet, the newest first.
    pub archives: Vec<AvailableArchive>,
    /// Installations that the person has not seen yet.
    pub new_devices: Vec<NewDevice>,
}

/// Arguments of `history_request`.
#[derive(Clone, Deserialize, TS)]
pub struct HistoryRequestArgs {
    /// Only messages sent later.
    pub since_ns: Option<String>,
    /// Whether decisions about people and conversations are wanted.
    pub consent: bool,
    /// Whether files of messages are wanted; only installations with this app have them to give.
    pub attachments: bool,
    /// Only these conversations; null for all. Other apps send all.
    pub conversation_ids: Option<Vec<String>>,
}

/// What a person says to a request for history.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryAnswer {
    /// Write and send the archive.
    Allow,
    /// Send nothing.
    Refuse,
}

/// Arguments of `history_answer`.
#[derive(Clone, Deserialize, TS)]
pub struct HistoryAnswerArgs {
    /// The transfer.
    pub pin: String,
    /// Yes or no.
    pub answer: HistoryAnswer,
    /// Only messages sent later.
    pub since_ns: Option<String>,
    /// Whether files of messages go along.
    #[serde(default)]
    pub attachments: bool,
    /// Only these conversations; null for all that were asked for.
    pub conversation_ids: Option<Vec<String>>,
    /// The person allows a server that is not the configured one.
    #[serde(default)]
    pub host_allowed: bool,
}

/// Arguments of `history_take`.
#[derive(Clone, Deserialize, TS)]
pub struct HistoryTakeArgs {
    /// The transfer or the archive.
    pub pin: String,
    /// The person allows a server that is not the configured one.
    #[serde(default)]
    pub host_allowed: bool,
}

/// Arguments of `history_pause` and `history_cancel`.
#[derive(Clone, Deserialize, TS)]
pub struct HistoryArgs {
    /// The transfer.
    pub pin: String,
}

/// Arguments of `new_device_seen`.
#[derive(Clone, Deserialize, TS)]
pub struct NewDeviceArgs {
    /// The installation.
    pub installation_id: String,
}
