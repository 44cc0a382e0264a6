//! Fills a data folder for `benches/app.mjs`: Alix, registered with a node, in real groups and
//! direct messages with real MLS state, and a long history in each of them.
//!
//! `full_account DATA_DIR KEY_FILE NODE_URL CONVERSATIONS MESSAGES`
//!
//! The history goes straight into the store, as if the node had delivered it long ago: sending
//! 100,000 messages would take minutes and leave the same rows.

use std::{error::Error, path::Path, sync::Arc};

use conclave_content::{Body, Origin, message_id};
use conclave_engine::{
    AccountInfo, Client, ConversationQuery, DATABASE_FILE, DatabaseKey, Delivery, Engine,
    GrpcNetwork, MessageKind, Network, NewConversation, NodeConfig, RemoteFiles, SystemClock,
    WalletKey,
};
use conclave_store::{Options, Store, StoreError, Tx, message::NewMessage};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

type Failure = Box<dyn Error + Send + Sync>;

/// People Alix knows; each also has a direct message with her.
const PEERS: u8 = 60;
/// Rows in one transaction.
const BATCH: usize = 5_000;
const DAY_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// The history reaches back so far.
const HISTORY_NS: i64 = 300 * DAY_NS;
/// In one of so many conversations the last week is unread.
const UNREAD_IN: usize = 20;
const WORDS: [&str; 24] = [
    "the", "cabin", "is", "open", "again", "from", "Friday", "and", "we", "need", "wood", "for",
    "stove", "who", "brings", "tea", "I", "can", "drive", "three", "people", "but", "not", "skis",
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, key_file, url, conversations, messages] = arguments.as_slice() else {
        return Err("full_account DATA_DIR KEY_FILE NODE_URL CONVERSATIONS MESSAGES".into());
    };
    let data = Path::new(data);
    let network: Arc<dyn Network> = Arc::new(GrpcNetwork::connect(&NodeConfig::new(url))?);
    // The same in every run.
    let mut rng = StdRng::seed_from_u64(1);

    let mut peers = Vec::new();
    for number in 1..=PEERS {
        peers.push(peer(&network, url, number).await?);
    }
    let key = DatabaseKey::from_key_file(key_file)?;
    let engine = Engine::open(data, key.clone(), Arc::new(SystemClock)).await?;
    let alix = register(&engine, &network, url, WalletKey::generate()?).await?;
    let client = engine
        .client(Arc::clone(&network), RemoteFiles::new(None))
        .await?;
    meet(&client, &peers, conversations.parse()?, &mut rng).await?;
    let groups = client.list(ConversationQuery::default()).await?;
    let ids: Vec<_> = groups
        .into_iter()
        .map(|entry| entry.conversation.id)
        .collect();
    drop(client);
    engine.close().await;

    let store = Store::open(data.join(DATABASE_FILE), &key, Options::default())?;
    write_history(&store, &alix, &peers, &ids, messages.parse()?, &mut rng).await?;
    store.close().await;
    Ok(())
}

async fn register(
    engine: &Engine,
    network: &Arc<dyn Network>,
    url: &str,
    wallet: WalletKey,
) -> Result<AccountInfo, Failure> {
    let prepared = engine.prepare(network, wallet).await?;
    let account = engine.register(Arc::clone(network), url, Some(prepared), &|_| {});
    Ok(account.await?)
}

/// Registers somebody whose own data is not needed any more.
async fn peer(network: &Arc<dyn Network>, url: &str, number: u8) -> Result<AccountInfo, Failure> {
    let folder = tempfile::tempdir()?;
    let key = DatabaseKey::generate()?;
    let engine = Engine::open(folder.path(), key, Arc::new(SystemClock)).await?;
    let wallet = WalletKey::from_bytes(&[number; 32])?;
    let account = register(&engine, network, url, wallet).await?;
    engine.close().await;
    Ok(account)
}

/// Makes a direct message with everyone, then groups of up to six.
async fn meet(
    client: &Client,
    peers: &[AccountInfo],
    conversations: usize,
    rng: &mut StdRng,
) -> Result<(), Failure> {
    for peer in peers.iter().take(conversations) {
        client.create_dm(&peer.inbox_id).await?;
    }
    for number in peers.len()..conversations {
        let size = rng.random_range(1..6);
        let people = peers.choose_multiple(rng, size);
        let who = people.map(|peer| peer.inbox_id.clone()).collect();
        let name = format!("{} {number}", sentence(rng, 2));
        let new = NewConversation {
            who,
            name,
            ..NewConversation::default()
        };
        client.create_group(&new).await?;
    }
    Ok(())
}

/// Spreads text messages of all people over the conversations.
async fn write_history(
    store: &Store,
    alix: &AccountInfo,
    peers: &[AccountInfo],
    ids: &[Vec<u8>],
    messages: usize,
    rng: &mut StdRng,
) -> Result<(), Failure> {
    let now_ns = i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_nanos())?;
    let step_ns = HISTORY_NS / i64::try_from(messages)?;
    let mut sent_at_ns = now_ns - HISTORY_NS;
    let mut rows = Vec::with_capacity(messages);
    for id in ids.iter().cycle().take(messages) {
        let own = rng.random_ratio(1, 4);
        let sender = match peers.choose(rng) {
            Some(peer) if !own => peer,
            _ => alix,
        };
        let words = rng.random_range(2..30);
        rows.push((id.clone(), sender.clone(), sentence(rng, words), sent_at_ns));
        sent_at_ns += step_ns;
    }
    for batch in rows.chunks(BATCH) {
        let batch = batch.to_vec();
        let written = store.write(move |tx| {
            for (group, sender, text, sent_at_ns) in &batch {
                insert(tx, group, sender, text, *sent_at_ns)?;
            }
            Ok::<_, Failure>(())
        });
        written.await?;
    }
    let ids = ids.to_vec();
    let read = store.write(move |tx| {
        for (at, id) in ids.iter().enumerate() {
            let unread = at % UNREAD_IN == 0;
            tx.mark_read(id, if unread { now_ns - 7 * DAY_NS } else { now_ns })?;
        }
        Ok::<_, StoreError>(())
    });
    Ok(read.await?)
}

fn insert(
    tx: &Tx,
    group: &[u8],
    sender: &AccountInfo,
    text: &str,
    sent_at_ns: i64,
) -> Result<(), Failure> {
    let content = Body::Text(text.to_owned()).encode()?;
    let (content_type, body) = Body::decode(&content, Origin::Member);
    let idempotency_key = sent_at_ns.to_string();
    tx.insert_message(&NewMessage {
        id: &message_id(group, &idempotency_key, &content),
        conversation_id: group,
        sender_inbox_id: &sender.inbox_id,
        sender_installation_id: sender.installation_id.as_bytes(),
        kind: MessageKind::Application,
        delivery: Delivery::Published,
        sent_at_ns,
        inserted_at_ns: sent_at_ns,
        content: &content,
        authority_id: &content_type.authority,
        type_id: &content_type.type_id,
        version_major: i64::from(content_type.major),
        version_minor: i64::from(content_type.minor),
        preview: Some(&body.preview()),
        visible: true,
        reference_id: None,
        sequence_id: None,
        expire_at_ns: None,
        should_push: true,
        idempotency_key: &idempotency_key,
    })?;
    Ok(())
}

/// Some words of the list, chosen anew each time.
fn sentence(rng: &mut StdRng, words: usize) -> String {
    let words: Vec<_> = (0..words)
        .filter_map(|_| WORDS.choose(rng).copied())
        .collect();
    words.join(" ")
}
