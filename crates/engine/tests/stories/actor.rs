//! People with fixed wallets, and the network they meet on.

use std::{future::Future, sync::Arc, time::Duration};

use conclave_engine::{
    Client, ConversationQuery, DatabaseKey, Engine, GroupId, GrpcNetwork, Message, MessageQuery,
    Network, NodeConfig, SystemClock, WalletKey,
};
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
        let folder = tempfile::Builder::new().prefix(device).tempdir().unwrap();
        let mut actor = Actor {
            name: name.to_owned(),
            folder,
            engine: None,
            client: None,
        };
        actor.open().await;
        let engine = actor.engine.clone().unwrap();
        let prepared = engine
            .prepare(&self.network(), actor.wallet())
            .await
            .unwrap();
        engine
            .register(self.network(), &self.url(), Some(prepared), &|_| {})
            .await
            .unwrap();
        actor.client = Some(engine.client(self.network()).await.unwrap());
        actor
    }
}

pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) folder: TempDir,
    pub(crate) engine: Option<Engine>,
    client: Option<Client>,
}

impl Actor {
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
        let key = DatabaseKey::from_bytes([1; 32]);
        let engine = Engine::open(self.folder.path(), key, Arc::new(SystemClock))
            .await
            .unwrap();
        self.engine = Some(engine);
    }

    /// Closes everything and opens it again, as after quitting the app.
    pub(crate) async fn restart(&mut self, town: &Town) {
        self.client = None;
        self.engine.take().unwrap().close().await;
        self.open().await;
        let client = self
            .engine
            .as_ref()
            .unwrap()
            .client(town.network())
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
