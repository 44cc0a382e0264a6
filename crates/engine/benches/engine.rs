//! Our side of `./dev bench engine`: people of this engine in one process, who do what they are told
//! by lines of JSON on standard input and answer each with how long the engine took, in ms. The
//! official engine runs in the process of `benches/engine.mjs` and is timed there in the same way: in
//! its own process, around the calls of its API.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise; its answers go to standard output"
)]

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use conclave_engine::{
    Client, ConversationQuery, DatabaseKey, Delivery, Engine, Event, GrpcNetwork, Live, Message,
    MessageKind, MessageQuery, Network, NewConversation, NodeConfig, RemoteFiles, SystemClock,
    WalletKey,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast::Receiver, mpsc};

/// What a person is told to do. `id`: a conversation, in hex.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
enum Call {
    /// A new wallet becomes an inbox with one installation and an encrypted database.
    Register,
    /// Starts the background work, as the app does.
    Start,
    /// Ends it, and forgets the person.
    Leave,
    CreateGroup {
        name: String,
        people: Vec<String>,
    },
    /// Sends a text and waits until it is published.
    Send {
        id: String,
        text: String,
    },
    /// The same for many at once.
    Burst {
        id: String,
        texts: Vec<String>,
    },
    SyncAll,
    /// Counts the messages of people in a conversation; what it takes is not of interest.
    Count {
        id: String,
    },
    /// The first page of the list: names, previews and unread counts of all.
    List,
}

#[derive(Deserialize)]
struct Request {
    who: String,
    #[serde(flatten)]
    call: Call,
}

struct Person {
    // Before the engine: it closes once no client is left.
    live: Option<Live>,
    client: Client,
    engine: Engine,
}

impl Person {
    async fn register(folder: &Path, network: Arc<dyn Network>, url: &str) -> Self {
        let key = DatabaseKey::from_bytes(rand::random());
        let clock = Arc::new(SystemClock);
        let engine = Engine::open(folder, key, clock).await.unwrap();
        let wallet = WalletKey::from_bytes(&rand::random()).unwrap();
        let prepared = engine.prepare(&network, wallet).await.unwrap();
        let registering = engine.register(Arc::clone(&network), url, Some(prepared), &|_| {});
        registering.await.unwrap();
        let client = engine.client(network, RemoteFiles::new(None)).await;
        Self {
            live: None,
            client: client.unwrap(),
            engine,
        }
    }

    async fn leave(self) {
        if let Some(live) = self.live {
            live.stop().await;
        }
        drop(self.client);
        self.engine.close().await;
    }

    async fn publish(&self, id: &[u8]) {
        let report = self.client.group_sync(id).await.unwrap();
        assert_eq!(report.failed, 0, "a message failed");
    }

    async fn require_published(&self, sent: &[Message]) {
        for message in sent {
            let now = self.client.message(&message.id).await.unwrap();
            assert_eq!(now.delivery, Delivery::Published);
        }
    }

    /// Does it, and gives what it took and what came of it.
    async fn call(&mut self, call: Call) -> Value {
        let client = &self.client;
        let begun = Instant::now();
        let took = || begun.elapsed().as_secs_f64() * 1000.0;
        match call {
            Call::Register | Call::Leave => unreachable!("done before"),
            Call::Start => {
                self.live = Some(client.start());
                json!({ "ms": took() })
            }
            Call::CreateGroup { name, people } => {
                let new = NewConversation {
                    who: people,
                    name,
                    ..NewConversation::default()
                };
                let (made, refused) = client.create_group(&new).await.unwrap();
                let ms = took();
                assert!(refused.is_empty(), "not all were added");
                json!({ "ms": ms, "id": hex::encode(made.conversation.id) })
            }
            Call::Send { id, text } => {
                let id = hex::decode(id).unwrap();
                let mut events = client.events();
                let sent = client.send(&id, &text).await.unwrap();
                match self.live {
                    None => self.publish(&id).await,
                    Some(_) => published(&mut events, &sent.id).await,
                }
                let ms = took();
                self.require_published(&[sent]).await;
                json!({ "ms": ms })
            }
            Call::Burst { id, texts } => {
                let id = hex::decode(id).unwrap();
                let sends = texts.iter().map(|text| client.send(&id, text));
                let sent = futures::future::try_join_all(sends).await.unwrap();
                self.publish(&id).await;
                let ms = took();
                self.require_published(&sent).await;
                json!({ "ms": ms })
            }
            Call::SyncAll => {
                client.sync_all(&[]).await.unwrap();
                json!({ "ms": took() })
            }
            Call::Count { id } => {
                let query = MessageQuery {
                    conversation_id: hex::decode(id).unwrap(),
                    kinds: vec![MessageKind::Application],
                    ..MessageQuery::default()
                };
                let messages = client.find_messages(query).await.unwrap();
                json!({ "count": messages.len() })
            }
            Call::List => {
                let listed = client.list(ConversationQuery::default()).await.unwrap();
                json!({ "ms": took(), "count": listed.len() })
            }
        }
    }
}

/// Waits as a window does that shows the delivery: the first event of a message says that it is
/// stored, the next one that it is published.
async fn published(events: &mut Receiver<Event>, message_id: &[u8]) {
    let mut told = 0;
    while told < 2 {
        if let Event::Messages { ids, .. } = events.recv().await.unwrap()
            && ids.iter().any(|id| id == message_id)
        {
            told += 1;
        }
    }
}

async fn answer(
    people: &mut HashMap<String, Person>,
    folder: &Path,
    url: &str,
    Request { who, call }: Request,
) -> Value {
    match call {
        Call::Register => {
            let config = NodeConfig::new(url.to_owned());
            let begun = Instant::now();
            let network = Arc::new(GrpcNetwork::connect(&config).unwrap());
            let person = Person::register(&folder.join(&who), network, url).await;
            let ms = begun.elapsed().as_secs_f64() * 1000.0;
            let inbox_id = person.client.account().inbox_id.clone();
            people.insert(who, person);
            json!({ "ms": ms, "inbox_id": inbox_id })
        }
        Call::Leave => {
            people.remove(&who).unwrap().leave().await;
            json!({})
        }
        call => people.get_mut(&who).unwrap().call(call).await,
    }
}

fn main() {
    // `cargo test --all-targets` and `cargo bench` without a node want nothing of this.
    let mut arguments = std::env::args().skip_while(|argument| argument != "--node");
    let Some(url) = arguments.nth(1) else {
        return;
    };
    let (orders, mut requests) = mpsc::channel(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // In a task, as the commands of the app are.
    let work = runtime.spawn(async move {
        let folder = tempfile::tempdir().unwrap();
        let mut people = HashMap::new();
        while let Some(request) = requests.recv().await {
            let answer = answer(&mut people, folder.path(), &url, request).await;
            println!("{answer}");
        }
        for (_, person) in people {
            person.leave().await;
        }
    });
    for line in std::io::stdin().lines() {
        let request: Request = serde_json::from_str(&line.unwrap()).unwrap();
        orders.blocking_send(request).unwrap();
    }
    drop(orders);
    runtime.block_on(work).unwrap();
}
