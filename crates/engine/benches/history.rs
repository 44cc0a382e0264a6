//! `./dev bench history [--quick]`: an account with 10,000 messages and one with 1,000,000, written
//! into an archive, and the archive taken in on a second device of the same person; then asked for by
//! a third one, allowed, sent over the node and taken in: seconds, bytes, and the most memory that each
//! side used, each in a process of its own. `--quick`: 10,000 alone; `--messages N`: so many alone. The
//! official engine beside it is in `benches/history.mjs`, the second part.
//!
//! The messages are written straight into the store; everything that is measured goes through the
//! engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its results and stops at the first surprise"
)]

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use conclave_content::{Body, message_id};
use conclave_engine::{
    ArchiveScope, ArchiveSecret, Client, Conversation, ConversationKind, DATABASE_FILE,
    DatabaseKey, Delivery, Engine, Event, GrpcNetwork, HistoryGrant, HistoryTransfer, HistoryWish,
    MessageKind, Network, NodeConfig, Protection, RemoteFiles, SystemClock, WalletKey,
};
use conclave_node::{Config, Node};
use conclave_store::{Options, Store, StoreError, message::NewMessage};
use tokio::sync::broadcast::error::RecvError;
use zeroize::Zeroizing;

const KEY: [u8; 32] = [1; 32];
const CONVERSATIONS: usize = 500;
const ROWS_PER_WRITE: usize = 500;
const FIRST_NS: i64 = 1_700_000_000_000_000_000;
const PASSPHRASE: &str = "a long walk by the sea";
const FILE: &str = "history";

fn peer() -> String {
    "b".repeat(64)
}

fn group_id(number: usize) -> Vec<u8> {
    let mut id = vec![7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

/// The most memory that this process ever had in use, in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    kb.and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn network(url: &str) -> Arc<dyn Network> {
    Arc::new(GrpcNetwork::connect(&NodeConfig::new(url.to_owned())).unwrap())
}

async fn engine(folder: &Path) -> Engine {
    let key = DatabaseKey::from_bytes(KEY);
    Engine::open(folder, key, Arc::new(SystemClock))
        .await
        .unwrap()
}

/// A device of the one person that there is.
async fn register(folder: &Path, url: &str) -> String {
    let engine = engine(folder).await;
    let wallet = WalletKey::from_bytes(&[9; 32]).unwrap();
    let prepared = engine.prepare(&network(url), wallet).await.unwrap();
    let account = engine.register(network(url), url, Some(prepared), &|_| {});
    let inbox_id = account.await.unwrap().inbox_id;
    engine.close().await;
    inbox_id
}

/// Messages of 3 to 60 words, round the conversations.
async fn fill(folder: &Path, own: &str, messages: usize) {
    let key = DatabaseKey::from_bytes(KEY);
    let store = Store::open(folder.join(DATABASE_FILE), &key, Options::default()).unwrap();
    for first in (0..messages).step_by(ROWS_PER_WRITE) {
        let own = own.to_owned();
        let written = store.write(move |tx| {
            if first == 0 {
                for number in 0..CONVERSATIONS {
                    let kind = ConversationKind::Group;
                    let id = group_id(number);
                    let new = Conversation::new(id, kind, own.clone(), own.clone(), FIRST_NS);
                    tx.insert_conversation(&new, 0)?;
                }
            }
            for number in first..messages.min(first + ROWS_PER_WRITE) {
                let text = format!(
                    "{number} {}",
                    "tea by the sea ".repeat(1 + number * 31 % 15)
                );
                let content = Body::Text(text.clone()).encode().unwrap();
                let group = group_id(number % CONVERSATIONS);
                let sent_at_ns = FIRST_NS + i64::try_from(number).unwrap() * 1_000_000;
                let key = sent_at_ns.to_string();
                let sender = if number % 3 == 0 { own.clone() } else { peer() };
                tx.insert_message(&NewMessage {
                    id: &message_id(&group, &key, &content),
                    conversation_id: &group,
                    sender_inbox_id: &sender,
                    sender_installation_id: &[9; 32],
                    kind: MessageKind::Application,
                    delivery: Delivery::Published,
                    sent_at_ns,
                    inserted_at_ns: sent_at_ns,
                    content: &content,
                    authority_id: "xmtp.org",
                    type_id: "text",
                    version_major: 1,
                    version_minor: 0,
                    preview: Some(&text[..text.len().min(200)]),
                    visible: true,
                    reference_id: None,
                    sequence_id: None,
                    expire_at_ns: None,
                    should_push: true,
                    idempotency_key: &key,
                })?;
            }
            Ok::<_, StoreError>(())
        });
        written.await.unwrap();
    }
    store.close().await;
}

async fn opened(folder: &Path, url: &str) -> (Engine, Client) {
    let engine = engine(folder).await;
    let files = RemoteFiles::new(None);
    let client = engine.client(network(url), files).await.unwrap();
    (engine, client)
}

fn passphrase() -> Zeroizing<String> {
    Zeroizing::new(PASSPHRASE.to_owned())
}

/// The process that writes.
async fn export(folder: &Path, file: &Path, url: &str) {
    let (engine, client) = opened(folder, url).await;
    let start = Instant::now();
    let protection = Protection::Passphrase(passphrase());
    let written = client.export_archive(file, protection, ArchiveScope::default(), None);
    let written = written.await.unwrap();
    let took = start.elapsed();
    println!(
        "  written in {:.1} s: {} messages, {:.1} MB; peak memory {} MB",
        took.as_secs_f64(),
        written.messages,
        written.bytes as f64 / 1e6,
        peak_mb()
    );
    drop(client);
    engine.close().await;
}

/// The process that takes in.
async fn import(folder: &Path, file: &Path, url: &str) {
    let (engine, client) = opened(folder, url).await;
    let mut events = client.events();
    let start = Instant::now();
    let listed = tokio::spawn(async move {
        let mut listed = Duration::ZERO;
        loop {
            match events.recv().await {
                Ok(Event::Conversation { is_new: true, .. }) => listed = start.elapsed(),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return listed,
            }
        }
    });
    let secret = ArchiveSecret::Passphrase(passphrase());
    let done = client.import_archive(file, secret.clone(), None);
    let done = done.await.unwrap();
    let all = start.elapsed();
    let peak = peak_mb();
    let again = Instant::now();
    let twice = client.import_archive(file, secret, None).await.unwrap();
    assert_eq!((twice.new_messages, twice.new_conversations), (0, 0));
    let again = again.elapsed();
    drop(client);
    engine.close().await;
    let listed = listed.await.unwrap_or_default();
    println!(
        "  taken in: {} conversations listed after {:.1} s, {} messages after {:.1} s, search index \
         included; peak memory {peak} MB; once more in {:.1} s",
        done.new_conversations,
        listed.as_secs_f64(),
        done.new_messages,
        all.as_secs_f64(),
        again.as_secs_f64()
    );
}

/// The process that asks a device of the same person for history.
async fn ask(folder: &Path, url: &str) {
    let (engine, client) = opened(folder, url).await;
    client.sync_all(&[]).await.unwrap();
    let wish = HistoryWish {
        consent: true,
        ..HistoryWish::default()
    };
    client.request_history(wish).await.unwrap();
    client.sync_all(&[]).await.unwrap();
    drop(client);
    engine.close().await;
}

/// The only transfer of a device.
async fn transfer(client: &Client) -> HistoryTransfer {
    let all = client.history().await.unwrap().transfers;
    all.into_iter().next().unwrap()
}

/// The process that answers, or the one that takes in.
async fn carry(folder: &Path, url: &str, is_answering: bool) {
    let (engine, client) = opened(folder, url).await;
    client.sync_all(&[]).await.unwrap();
    let start = Instant::now();
    if is_answering {
        let pin = transfer(&client).await.pin;
        let grant = HistoryGrant::default();
        client.allow_history(&pin, grant).await.unwrap();
    }
    client.carry_history().await.unwrap();
    let took = start.elapsed();
    client.sync_all(&[]).await.unwrap();
    let done = transfer(&client).await;
    assert!(done.failure.is_none(), "{done:?}");
    println!(
        "  {} in {:.1} s: {} messages, {:.1} MB over the node; peak memory {} MB",
        if is_answering {
            "given"
        } else {
            "asked for and taken in"
        },
        took.as_secs_f64(),
        done.done.messages,
        done.bytes_total.unwrap_or_default() as f64 / 1e6,
        peak_mb()
    );
    drop(client);
    engine.close().await;
}

fn child(arguments: &[&str]) {
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success());
}

async fn bench(messages: usize) {
    println!("{messages} messages in {CONVERSATIONS} conversations");
    let node = Node::start(Config::temporary()).await.unwrap();
    let url = format!("http://{}", node.grpc_addr);
    let folders = tempfile::tempdir().unwrap();
    let [old, new, third, file] =
        ["old", "new", "third", FILE].map(|name| folders.path().join(name));
    let own = register(&old, &url).await;
    register(&new, &url).await;
    register(&third, &url).await;
    fill(&old, &own, messages).await;
    let [old, new, third, file] = [&old, &new, &third, &file].map(|path| path.to_str().unwrap());
    let work = {
        let [old, new, third, file, url] = [old, new, third, file, &url].map(str::to_owned);
        tokio::task::spawn_blocking(move || {
            child(&["--export", &old, &file, &url]);
            child(&["--import", &new, &file, &url]);
            child(&["--ask", &third, &url]);
            child(&["--answer", &old, &url]);
            child(&["--take", &third, &url]);
        })
    };
    work.await.unwrap();
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = |name: &str| arguments.iter().position(|argument| argument == name);
    let rest = |at: usize| {
        let [folder, file, url] = [1, 2, 3].map(|place| arguments[at + place].clone());
        (folder, file, url)
    };
    if let Some(at) = at("--export") {
        let (folder, file, url) = rest(at);
        return export(folder.as_ref(), file.as_ref(), &url).await;
    }
    if let Some(at) = at("--import") {
        let (folder, file, url) = rest(at);
        return import(folder.as_ref(), file.as_ref(), &url).await;
    }
    if let Some(at) = at("--ask") {
        return ask(arguments[at + 1].as_ref(), &arguments[at + 2]).await;
    }
    for (name, is_answering) in [("--answer", true), ("--take", false)] {
        if let Some(at) = at(name) {
            let folder = arguments[at + 1].as_ref();
            return carry(folder, &arguments[at + 2], is_answering).await;
        }
    }
    if let Some(at) = at("--messages") {
        return bench(arguments[at + 1].parse().unwrap()).await;
    }
    bench(10_000).await;
    if at("--quick").is_none() {
        bench(1_000_000).await;
    }
}
