//! What the node keeps, as a trait.
//!
//! An implementation promises (`node.md` 2.2):
//! - ids come from one counter per table, start at 1, grow, and are never given twice, also not
//!   after a restart or a power failure;
//! - within a topic, rows become visible in the order of their ids, in queries and live alike;
//! - what a call has acknowledged, every later call sees;
//! - after a row is visible to queries it is handed to [`Live`](crate::live::Live), once.

use std::sync::Arc;

use async_trait::async_trait;
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage};
use conclave_proto::mls::message_contents::CommitLogEntry;

pub mod sqlite;

/// Why the storage did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The database refused or failed; the text is for the log only.
    #[error("the database failed: {0}")]
    Database(String),
    /// The reply would be larger than [`REPLY_BYTES`](crate::limits::REPLY_BYTES).
    #[error("the reply would be too large; ask for fewer items at once")]
    ReplyTooLarge,
    /// The node is stopping and takes no more work.
    #[error("the node is stopping")]
    Stopping,
}

impl StorageError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database(_) => "database_failed",
            Self::ReplyTooLarge => "reply_too_large",
            Self::Stopping => "stopping",
        }
    }
}

/// A group message to store. Everything in it is validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroupMessage {
    /// Group id out of the framing of `data`, 1 to 64 bytes.
    pub group_id: Vec<u8>,
    /// The TLS-encoded MLSMessage as submitted.
    pub data: Vec<u8>,
    /// What the sender gave, stored and echoed.
    pub sender_hmac: Vec<u8>,
    /// What the sender gave, stored and echoed.
    pub should_push: bool,
    /// Whether the framing names a Commit.
    pub is_commit: bool,
    /// A Commit or Proposal, which pruning keeps.
    pub retain: bool,
}

/// What a stored welcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WelcomeKind {
    /// An encrypted Welcome.
    Welcome,
    /// An encrypted pointer to one.
    Pointer,
}

/// A welcome or welcome pointer to store. Everything in it is validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWelcome {
    /// Which of the two it is.
    pub kind: WelcomeKind,
    /// Its topic, 32 bytes.
    pub installation_key: Vec<u8>,
    /// The encrypted Welcome or pointer record.
    pub data: Vec<u8>,
    /// The key it was encrypted to; empty for what a pointer points to.
    pub hpke_public_key: Vec<u8>,
    /// Number in the enumeration of its kind.
    pub wrapper_algorithm: i32,
    /// Encrypted metadata; empty for pointers.
    pub welcome_metadata: Vec<u8>,
}

/// A validated key package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeyPackage {
    /// Signature key of its leaf, 32 bytes.
    pub installation_key: Vec<u8>,
    /// The TLS-encoded KeyPackage as uploaded.
    pub key_package: Vec<u8>,
}

/// An entry of a group's commit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommitLogEntry {
    /// The group, 1 to 64 bytes.
    pub group_id: Vec<u8>,
    /// The serialized entry, not parsed.
    pub entry: Vec<u8>,
    /// Signature bytes, not verified.
    pub signature: Vec<u8>,
    /// Public key that belongs to the signature.
    pub signer: Vec<u8>,
}

/// An account that can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// What it is.
    pub kind: AccountKind,
    /// Address with `0x`, or passkey as hexadecimal digits. Compared byte for byte.
    pub text: String,
}

/// Kinds of accounts in the address index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// An Ethereum address.
    Ethereum,
    /// A passkey.
    Passkey,
}

/// A validated identity update and what it does to the address index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIdentityUpdate {
    /// The inbox, 32 bytes.
    pub inbox_id: Vec<u8>,
    /// Sequence id of the last entry the update was validated against; 0 for none.
    pub after: u64,
    /// The re-encoded update.
    pub update: Vec<u8>,
    /// Accounts it adds.
    pub added: Vec<Account>,
    /// Accounts it removes.
    pub removed: Vec<Account>,
}

/// What became of an identity update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored under this sequence id.
    Stored(u64),
    /// Another update of the inbox was stored meanwhile; validate again.
    Outdated,
}

/// A row of an inbox's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxLogEntry {
    /// Its place in the log of all inboxes.
    pub sequence_id: u64,
    /// When the node stored it, nanoseconds since 1970.
    pub server_timestamp_ns: u64,
    /// The encoded update.
    pub update: Vec<u8>,
}

/// Order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ids grow.
    Ascending,
    /// Ids shrink.
    Descending,
}

/// Which rows of a topic to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Order of the rows.
    pub direction: Direction,
    /// Rows at most, 1 to 100.
    pub limit: u32,
    /// Rows beyond this id in that order; 0 for no bound.
    pub cursor: u64,
}

/// Rows of a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    /// In the order of the page.
    pub rows: Vec<T>,
    /// Id of the last row where the page is full (or was cut because of its size); else 0.
    pub next_cursor: u64,
}

/// A topic and the last id of it that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicCursor {
    /// Group id or installation key.
    pub topic: Vec<u8>,
    /// Rows after this id are wanted.
    pub cursor: u64,
}

/// How far a replay of several topics has come. Starts as the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayPosition {
    /// Index of the topic to go on with.
    pub topic: usize,
    /// Last id read of that topic, if any was.
    pub cursor: Option<u64>,
}

/// A part of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed<T> {
    /// Rows, topic by topic, ids growing within each.
    pub rows: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<ReplayPosition>,
}

/// The node's database.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Stores group messages in order, all or none. One that is stored already is left out.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing is stored.
    async fn append_group_messages(
        &self,
        messages: Vec<NewGroupMessage>,
    ) -> Result<(), StorageError>;

    /// Stores welcomes in order, all or none. One that is stored already is left out.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing is stored.
    async fn append_welcomes(&self, welcomes: Vec<NewWelcome>) -> Result<(), StorageError>;

    /// Makes a key package the current one of its installation.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing is stored.
    async fn put_key_package(&self, key_package: NewKeyPackage) -> Result<(), StorageError>;

    /// Stores commit log entries in order, all or none.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing is stored.
    async fn append_commit_log(&self, entries: Vec<NewCommitLogEntry>) -> Result<(), StorageError>;

    /// Stores an identity update with its effect on the address index, provided that the inbox's
    /// log still ends where the update was validated.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing is stored.
    async fn append_identity_update(
        &self,
        update: NewIdentityUpdate,
    ) -> Result<Appended, StorageError>;

    /// A page of a group's messages.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn group_messages(
        &self,
        group_id: Vec<u8>,
        page: Page,
    ) -> Result<Rows<GroupMessage>, StorageError>;

    /// A page of an installation's welcomes.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn welcomes(
        &self,
        installation_key: Vec<u8>,
        page: Page,
    ) -> Result<Rows<WelcomeMessage>, StorageError>;

    /// The next part of the messages after each group's cursor.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn replay_group_messages(
        &self,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<GroupMessage>, StorageError>;

    /// The next part of the welcomes after each installation's cursor.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn replay_welcomes(
        &self,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<WelcomeMessage>, StorageError>;

    /// The newest message of each group, in the order asked; without `include_content` only id,
    /// group id, time and commit mark are set.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn newest_group_messages(
        &self,
        group_ids: Vec<Vec<u8>>,
        include_content: bool,
    ) -> Result<Vec<Option<GroupMessage>>, StorageError>;

    /// The current key package of each installation, in the order asked.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn key_packages(
        &self,
        installation_keys: Vec<Vec<u8>>,
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError>;

    /// Pages of commit logs, each in ascending order, in the order asked.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn commit_logs(
        &self,
        requests: Vec<(Vec<u8>, Page)>,
    ) -> Result<Vec<Rows<CommitLogEntry>>, StorageError>;

    /// The entries of inboxes' logs after the given sequence ids, ascending, in the order asked.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn inbox_logs(
        &self,
        requests: Vec<(Vec<u8>, u64)>,
    ) -> Result<Vec<Vec<InboxLogEntry>>, StorageError>;

    /// The inbox each account belongs to now (`node.md` 7), in the order asked.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn inbox_ids(&self, accounts: Vec<Account>)
    -> Result<Vec<Option<Vec<u8>>>, StorageError>;

    /// Answers when everything accepted so far is stored, and takes nothing more.
    async fn close(&self);
}
