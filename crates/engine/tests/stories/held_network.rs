//! A network that holds calls until a story lets them go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use conclave_engine::{Network, NetworkError};
use conclave_network::{GroupMessageStream, LoggedUpdate, Page, WalletVerdict, WelcomeStream};
use conclave_proto::{
    identity::associations::{IdentifierKind, IdentityUpdate},
    mls::{
        api::v1::{
            PublishCommitLogRequest, WelcomeMessageInput, group_message, group_message_input,
            welcome_message,
        },
        message_contents::CommitLogEntry,
    },
};
use futures::StreamExt as _;
use tokio::sync::Semaphore;

/// Calls of one kind: each waits for a permit once it has its answer, or before it is made.
pub(crate) struct Gate {
    permits: Semaphore,
    arrived: AtomicUsize,
}

impl Gate {
    fn open() -> Self {
        Self {
            permits: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            arrived: AtomicUsize::new(0),
        }
    }

    async fn pass(&self) {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
    }

    /// From now on calls stay here.
    pub(crate) fn close(&self) {
        self.permits.forget_permits(usize::MAX);
    }

    /// Lets all calls go, the ones that stay here and those to come.
    pub(crate) fn reopen(&self) {
        self.permits.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// How many calls have come here.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }
}

pub(crate) struct HeldNetwork {
    network: Arc<dyn Network>,
    /// Sends stay here before they are made.
    pub(crate) sends: Gate,
    /// Queries stay here with their answers.
    pub(crate) queries: Gate,
    /// Whether sends, of identity updates too, come to nothing.
    pub(crate) is_cut: AtomicBool,
    /// Whether the answers to sends are lost on their way back.
    pub(crate) is_deaf: AtomicBool,
    /// Whether streams leave out what changes a group, as a node may (node.md 4.2).
    pub(crate) is_hiding_commits: Arc<AtomicBool>,
}

impl HeldNetwork {
    pub(crate) fn new(network: Arc<dyn Network>) -> Arc<Self> {
        Arc::new(Self {
            network,
            sends: Gate::open(),
            queries: Gate::open(),
            is_cut: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            is_hiding_commits: Arc::default(),
        })
    }
}

#[async_trait]
impl Network for HeldNetwork {
    async fn check(&self) -> Result<(), NetworkError> {
        self.network.check().await
    }

    async fn upload_key_package(&self, key_package: Vec<u8>) -> Result<(), NetworkError> {
        self.network.upload_key_package(key_package).await
    }

    async fn fetch_key_packages(
        &self,
        installation_keys: &[[u8; 32]],
    ) -> Result<Vec<Option<Vec<u8>>>, NetworkError> {
        self.network.fetch_key_packages(installation_keys).await
    }

    async fn send_group_messages(
        &self,
        messages: Vec<group_message_input::V1>,
    ) -> Result<(), NetworkError> {
        self.sends.pass().await;
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(NetworkError::Unreachable("cut".to_owned()));
        }
        let answer = self.network.send_group_messages(messages).await;
        if self.is_deaf.load(Ordering::SeqCst) {
            return Err(NetworkError::Timeout);
        }
        answer
    }

    async fn send_welcomes(&self, welcomes: Vec<WelcomeMessageInput>) -> Result<(), NetworkError> {
        self.network.send_welcomes(welcomes).await
    }

    async fn query_group_messages(
        &self,
        group_id: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<group_message::V1>, NetworkError> {
        let answer = self
            .network
            .query_group_messages(group_id, after_id, limit)
            .await;
        self.queries.pass().await;
        answer
    }

    async fn query_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<welcome_message::Version>, NetworkError> {
        self.network.query_welcomes(topic, after_id, limit).await
    }

    async fn newest_group_messages(
        &self,
        group_ids: &[Vec<u8>],
    ) -> Result<Vec<Option<group_message::V1>>, NetworkError> {
        self.network.newest_group_messages(group_ids).await
    }

    async fn subscribe_groups(
        &self,
        groups: Vec<(Vec<u8>, u64)>,
    ) -> Result<GroupMessageStream, NetworkError> {
        let is_hiding = Arc::clone(&self.is_hiding_commits);
        let rows = self.network.subscribe_groups(groups).await?;
        let shown = rows.filter(move |row| {
            let is_commit = row.as_ref().is_ok_and(|message| message.is_commit);
            std::future::ready(!(is_commit && is_hiding.load(Ordering::SeqCst)))
        });
        Ok(shown.boxed())
    }

    async fn subscribe_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
    ) -> Result<WelcomeStream, NetworkError> {
        self.network.subscribe_welcomes(topic, after_id).await
    }

    async fn publish_identity_update(&self, update: IdentityUpdate) -> Result<(), NetworkError> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(NetworkError::Unreachable("cut".to_owned()));
        }
        let answer = self.network.publish_identity_update(update).await;
        if self.is_deaf.load(Ordering::SeqCst) {
            return Err(NetworkError::Timeout);
        }
        answer
    }

    async fn identity_updates(
        &self,
        inboxes: &[(String, u64)],
    ) -> Result<Vec<Vec<LoggedUpdate>>, NetworkError> {
        self.network.identity_updates(inboxes).await
    }

    async fn inbox_ids(
        &self,
        identifiers: &[(String, IdentifierKind)],
    ) -> Result<Vec<Option<String>>, NetworkError> {
        self.network.inbox_ids(identifiers).await
    }

    async fn verify_smart_contract_signature(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: Option<u64>,
    ) -> Result<WalletVerdict, NetworkError> {
        self.network
            .verify_smart_contract_signature(account_id, hash, signature, block_number)
            .await
    }

    async fn batch_publish_commit_log(
        &self,
        entries: Vec<PublishCommitLogRequest>,
    ) -> Result<(), NetworkError> {
        self.network.batch_publish_commit_log(entries).await
    }

    async fn batch_query_commit_log(
        &self,
        groups: &[(Vec<u8>, u64)],
    ) -> Result<Vec<Page<CommitLogEntry>>, NetworkError> {
        self.network.batch_query_commit_log(groups).await
    }
}
