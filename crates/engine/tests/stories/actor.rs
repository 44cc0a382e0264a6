//! People with fixed wallets, and the network they meet on.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use conclave_engine::{
    Client, Clock, ConsentState, ConversationQuery, DatabaseKey, Engine, EngineError, GroupId,
    GrpcNetwork, InboxChange, InstallationId, Message, MessageQuery, MetadataChange, Network,
    NewConversation, NodeConfig, RemoteFiles, SystemClock, WalletKey,
};
use conclave_identity::{InboxId, UpdateBuilder};
use conclave_node::{Config, Node, Running};
use tempfile::TempDir;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Town {
    pub(crate) node: Running,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self {
            node: Node::start(Config::temporary()).await.unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.node.grpc_addr)
    }

    pub(crate) fn network(&self) -> Arc<dyn Network> {
        let mut config = NodeConfig::new(self.url());
        // Some stories stop the node; nobody waits long for it.
        config.retry.times = 1;
        Arc::new(GrpcNetwork::connect(&config).unwrap())
    }

    pub(crate) async fn person(&self, name: &str) -> Actor {
        self.device(name, &format!("{name}'s device")).await
    }

    /// A person's further device: the same wallet, another folder.
    pub(crate) async fn device(&self, name: &str, device: &str) -> Actor {
        self.device_over(self.network(), name, device).await
    }

    /// As [`Town::device`], over a connection that others use too.
    pub(crate) async fn device_over(
        &self,
        network: Arc<dyn Network>,
        name: &str,
        device: &str,
    ) -> Actor {
        let mut actor = Actor::at(name, device);
        actor.open().await;
        let engine = actor.engine.clone().unwrap();
        let prepared = engine.prepare(&network, actor.wallet()).await.unwrap();
        engine
            .register(Arc::clone(&network), &self.url(), Some(prepared), &|_| {})
            .await
            .unwrap();
        actor.client = Some(
            engine
                .client(network, RemoteFiles::new(None))
                .await
                .unwrap(),
        );
        actor
    }
}

impl Town {
    /// The number of an inbox's newest identity update.
    pub(crate) async fn newest_update(&self, inbox_id: &str) -> u64 {
        let asked = [(inbox_id.to_owned(), 0)];
        let logs = self.network().identity_updates(&asked).await.unwrap();
        logs[0].last().unwrap().sequence_id
    }

    /// A person revokes one of their own devices with their wallet.
    pub(crate) async fn revoke(&self, person: &Actor, device: InstallationId) {
        let inbox_id = InboxId::try_from(person.inbox_id()).unwrap();
        let now_ns = u64::try_from(SystemClock.now_ns()).unwrap();
        let wallet = person.wallet();
        let builder = UpdateBuilder::new(inbox_id, now_ns);
        let mut update = builder.revoke(device, wallet.identifier()).build().unwrap();
        let signature = wallet.sign_text(update.text()).unwrap();
        update.add_wallet_signature(&signature).unwrap();
        let update = update.finish().unwrap();
        self.network()
            .publish_identity_update(update)
            .await
            .unwrap();
    }
}

pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) folder: TempDir,
    clock: Arc<LateClock>,
    pub(crate) engine: Option<Engine>,
    client: Option<Client>,
}

/// The computer's clock, and the time that a story lets pass.
#[derive(Default)]
struct LateClock(AtomicI64);

impl Clock for LateClock {
    fn now_ns(&self) -> i64 {
        SystemClock.now_ns() + self.0.load(Ordering::Relaxed)
    }
}

impl Actor {
    /// A person with a folder, and nothing in it.
    pub(crate) fn stranger(name: &str) -> Self {
        Self::at(name, name)
    }

    fn at(name: &str, device: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: tempfile::Builder::new().prefix(device).tempdir().unwrap(),
            clock: Arc::default(),
            engine: None,
            client: None,
        }
    }

    /// Prepares a change of this person's inbox, lets these wallets sign it, and makes it.
    pub(crate) async fn change_inbox(
        &self,
        change: InboxChange,
        signers: &[&WalletKey],
    ) -> Result<(), EngineError> {
        let mut prepared = self.client().prepare_inbox_change(&change).await?;
        for signer in signers {
            prepared.sign(signer)?;
        }
        self.client().apply_inbox_change(prepared).await
    }

    /// Lets time pass for this person.
    pub(crate) fn wait(&self, time: Duration) {
        let ns = i64::try_from(time.as_nanos()).unwrap();
        self.clock.0.fetch_add(ns, Ordering::Relaxed);
    }

    /// The name is the key: the same person has the same wallet in every run.
    pub(crate) fn wallet(&self) -> WalletKey {
        let mut key = [7_u8; 32];
        key[..self.name.len()].copy_from_slice(self.name.as_bytes());
        WalletKey::from_bytes(&key).unwrap()
    }

    pub(crate) fn address(&self) -> String {
        self.wallet().identifier().to_string()
    }

    pub(crate) async fn open(&mut self) {
        self.open_bounded(None).await;
    }

    /// Opens the folder on a disk that has room for so many pages of the database.
    async fn open_bounded(&mut self, max_pages: Option<u32>) {
        let key = DatabaseKey::from_bytes([1; 32]);
        let clock = self.clock.clone();
        let engine = Engine::open_bounded(self.folder.path(), key, clock, max_pages);
        self.engine = Some(engine.await.unwrap());
    }

    /// As [`Actor::restart`], on a disk that has room for so many more pages.
    pub(crate) async fn restart_on_a_full_disk(&mut self, town: &Town, room: u32) {
        self.close().await;
        let path = self.folder.path().join(conclave_engine::DATABASE_FILE);
        let pages = std::fs::metadata(path).unwrap().len() / 4096;
        self.open_bounded(Some(u32::try_from(pages).unwrap() + room))
            .await;
        self.connect(town).await;
    }

    /// Closes everything and opens it again, as after quitting the app.
    pub(crate) async fn restart(&mut self, town: &Town) {
        self.close().await;
        self.reopen(town).await;
    }

    pub(crate) async fn close(&mut self) {
        self.client = None;
        self.engine.take().unwrap().close().await;
    }

    pub(crate) async fn reopen(&mut self, town: &Town) {
        self.open().await;
        self.connect(town).await;
    }

    async fn connect(&mut self, town: &Town) {
        let client = self
            .engine
            .as_ref()
            .unwrap()
            .client(town.network(), RemoteFiles::new(None))
            .await
            .unwrap();
        self.client = Some(client);
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    pub(crate) fn inbox_id(&self) -> String {
        self.client().account().inbox_id.clone()
    }

    pub(crate) async fn sync(&self) {
        let all = self.client().sync_all(&[]).await.unwrap();
        assert_eq!(all.failed, 0, "{} could not sync everything", self.name);
    }

    pub(crate) async fn say(&self, id: &GroupId, text: &str) {
        self.client().send(id, text).await.unwrap();
        self.client().group_sync(id).await.unwrap();
    }

    pub(crate) async fn rename(&self, id: &GroupId, name: &str) {
        let change = MetadataChange {
            name: Some(name.to_owned()),
            ..MetadataChange::default()
        };
        self.client().update_metadata(id, change).await.unwrap();
    }

    pub(crate) async fn messages(&self, id: &GroupId) -> Vec<Message> {
        let query = MessageQuery {
            conversation_id: id.clone(),
            ..MessageQuery::default()
        };
        self.client().find_messages(query).await.unwrap()
    }

    /// What was written, oldest first.
    pub(crate) async fn texts(&self, id: &GroupId) -> Vec<String> {
        let messages = self.messages(id).await.into_iter();
        messages
            .filter(|m| m.kind == conclave_engine::MessageKind::Application)
            .map(|m| m.preview.unwrap_or_default())
            .collect()
    }

    /// What a list by these decisions shows (none given: as by default).
    pub(crate) async fn listed(&self, consent: &[ConsentState]) -> Vec<GroupId> {
        let query = ConversationQuery {
            consent: consent.to_vec(),
            ..ConversationQuery::default()
        };
        let list = self.client().list(query).await.unwrap();
        list.into_iter()
            .map(|entry| entry.conversation.id)
            .collect()
    }

    pub(crate) async fn only_conversation(&self) -> GroupId {
        let list = self
            .client()
            .list(ConversationQuery::default())
            .await
            .unwrap();
        assert_eq!(
            list.len(),
            1,
            "{} has {} conversations",
            self.name,
            list.len()
        );
        list[0].conversation.id.clone()
    }

    pub(crate) async fn members(&self, id: &GroupId) -> Vec<String> {
        let members = self.client().list_members(id).await.unwrap();
        members.into_iter().map(|member| member.inbox_id).collect()
    }

    pub(crate) async fn authenticator(&self, id: &GroupId) -> Vec<u8> {
        self.client()
            .group_debug(id)
            .await
            .unwrap()
            .epoch_authenticator
    }
}

/// A group to make.
pub(crate) fn group(who: &[String], name: &str) -> NewConversation {
    NewConversation {
        who: who.to_vec(),
        name: name.into(),
        ..NewConversation::default()
    }
}

/// A group of alix, super admin, and these people, all of them in it.
pub(crate) async fn group_of(alix: &Actor, others: &[&Actor]) -> GroupId {
    let who: Vec<String> = others.iter().map(|other| other.address()).collect();
    let new = group(&who, "Hikers");
    let (made, failed) = alix.client().create_group(&new).await.unwrap();
    assert!(failed.is_empty());
    for other in others {
        other.sync().await;
    }
    made.conversation.id
}

/// Waits until a condition holds; fails after [`PATIENCE`].
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it never came true that {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All of them are in the same epoch of the same group.
pub(crate) async fn agree(people: &[&Actor], id: &GroupId) {
    let first = people[0].authenticator(id).await;
    for person in people {
        assert_eq!(
            person.authenticator(id).await,
            first,
            "{} disagrees",
            person.name
        );
    }
}
