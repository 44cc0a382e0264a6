//! What the engine can ask of a node.

use async_trait::async_trait;
use conclave_proto::identity::associations::{IdentifierKind, IdentityUpdate};
use conclave_proto::mls::api::v1::{
    PublishCommitLogRequest, WelcomeMessageInput, group_message, group_message_input,
    welcome_message,
};
use conclave_proto::mls::message_contents::CommitLogEntry;
use futures::stream::BoxStream;

use crate::NetworkError;

/// Messages of groups as they come in; it ends with an error, or when the node ends it.
pub type GroupMessageStream = BoxStream<'static, Result<group_message::V1, NetworkError>>;

/// Welcomes of one topic as they come in; it ends with an error, or when the node ends it.
pub type WelcomeStream = BoxStream<'static, Result<welcome_message::Version, NetworkError>>;

/// Part of a topic, ids ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether there may be more after the last row.
    pub more: bool,
}

/// An entry of the identity log of an inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedUpdate {
    /// Its id; ids of one inbox ascend.
    pub sequence_id: u64,
    /// Clock of the node when it was appended, nanoseconds since 1970.
    pub server_timestamp_ns: u64,
    /// The update, decoded but not verified.
    pub update: IdentityUpdate,
}

/// Where files are kept that clients share (`docs/files.md`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileServer {
    /// Its address, without a slash at the end.
    pub url: String,
    /// Whether it is on the host of the node, which the person chose.
    pub is_nodes_host: bool,
}

/// What a node says about the signature of a smart-contract wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletVerdict {
    /// Whether the wallet accepts it.
    pub is_valid: bool,
    /// The block at which the node looked.
    pub block_number: Option<u64>,
}

/// A node of the V3 network.
///
/// Unary calls repeat themselves where that can help and give up in bounded time. All may fail
/// with any of the connection errors of [`NetworkError`], and with [`NetworkError::NodeReply`] for
/// a reply that cannot be. Lists longer than a node takes at once are split; replies are in the
/// order of the request.
#[async_trait]
pub trait Network: Send + Sync {
    /// Asks whether there is an XMTP V3 node at the address, once and without repeating.
    ///
    /// # Errors
    /// [`NetworkError::NotXmtp`] where something else answers.
    async fn check(&self) -> Result<(), NetworkError>;

    /// Where the node keeps files, if it does.
    async fn file_server(&self) -> Result<Option<FileServer>, NetworkError> {
        Ok(None)
    }

    /// Publishes the newest key package of an installation, a bare TLS-encoded `KeyPackage`.
    async fn upload_key_package(&self, key_package: Vec<u8>) -> Result<(), NetworkError>;

    /// The newest key package of each installation, `None` for those that never published one. They are
    /// not validated, nor compared with the key they were asked by.
    async fn fetch_key_packages(
        &self,
        installation_keys: &[[u8; 32]],
    ) -> Result<Vec<Option<Vec<u8>>>, NetworkError>;

    /// Publishes messages in this order. One that is stored already counts as published.
    async fn send_group_messages(
        &self,
        messages: Vec<group_message_input::V1>,
    ) -> Result<(), NetworkError>;

    /// Publishes welcomes, a pointee before the pointers that follow it in the list.
    async fn send_welcomes(&self, welcomes: Vec<WelcomeMessageInput>) -> Result<(), NetworkError>;

    /// Messages of a group with ids above `after_id`, at most `limit` (1 to
    /// [`PAGE_LIMIT`](crate::PAGE_LIMIT); other numbers mean that limit).
    async fn query_group_messages(
        &self,
        group_id: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<group_message::V1>, NetworkError>;

    /// Welcomes of a topic (an installation key, or the destination of a pointer) with ids above
    /// `after_id`; `limit` as for group messages.
    async fn query_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<welcome_message::Version>, NetworkError>;

    /// The newest message of each group without its content: `id`, `created_ns`, `group_id` and
    /// `is_commit` are set. `None` for groups without messages.
    async fn newest_group_messages(
        &self,
        group_ids: &[Vec<u8>],
    ) -> Result<Vec<Option<group_message::V1>>, NetworkError>;

    /// Messages of groups from the given cursors on: what is stored first, then live. Per group
    /// ids ascend and none is at or below its cursor.
    async fn subscribe_groups(
        &self,
        groups: Vec<(Vec<u8>, u64)>,
    ) -> Result<GroupMessageStream, NetworkError>;

    /// Welcomes of a topic from a cursor on, as [`Network::subscribe_groups`].
    async fn subscribe_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
    ) -> Result<WelcomeStream, NetworkError>;

    /// Appends an update to the log of its inbox. An update that turns out to be in the log
    /// already counts as published, also when the node refused it for that.
    async fn publish_identity_update(&self, update: IdentityUpdate) -> Result<(), NetworkError>;

    /// The log of each inbox after the given sequence id (0: from the start).
    async fn identity_updates(
        &self,
        inboxes: &[(String, u64)],
    ) -> Result<Vec<Vec<LoggedUpdate>>, NetworkError>;

    /// The inbox of each identifier (normalised text and kind), `None` where there is none.
    async fn inbox_ids(
        &self,
        identifiers: &[(String, IdentifierKind)],
    ) -> Result<Vec<Option<String>>, NetworkError>;

    /// Whether a smart-contract wallet (CAIP-10 `account_id`) made `signature` over `hash`, at a
    /// block or, without one, now.
    ///
    /// # Errors
    /// [`NetworkError::WalletUnchecked`] where the node could not find out.
    async fn verify_smart_contract_signature(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: Option<u64>,
    ) -> Result<WalletVerdict, NetworkError>;

    /// Appends entries to the commit logs of groups.
    async fn batch_publish_commit_log(
        &self,
        entries: Vec<PublishCommitLogRequest>,
    ) -> Result<(), NetworkError>;

    /// Entries of the commit log of each group with ids above the given one.
    async fn batch_query_commit_log(
        &self,
        groups: &[(Vec<u8>, u64)],
    ) -> Result<Vec<Page<CommitLogEntry>>, NetworkError>;
}
