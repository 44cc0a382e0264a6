//! `./dev bench messages [--quick]`: one account with 1,000,000 messages, and what a person waits
//! for in it: opening a conversation, paging up, searching, counting unread messages; then catching
//! up with 5,000 messages in 100 groups while a window keeps asking. `--quick`: a tenth of it all.
//!
//! The messages are written straight into the store, in rows as the engine makes them; everything
//! that is measured goes through the engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a benchmark prints its results and stops at the first surprise"
)]

use std::{
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use conclave_content::{Body, message_id};
use conclave_engine::{
    Client, Conversation, ConversationKind, ConversationQuery, DATABASE_FILE, DatabaseKey,
    Delivery, Engine, GrpcNetwork, Lines, MessageKind, Network, NewConversation, NodeConfig,
    PageStart, RemoteFiles, Search, SystemClock, WalletKey,
};
use conclave_node::{Config, Node};
use conclave_store::{Options, Store, StoreError, message::NewMessage, search::SearchEntry};
use futures::StreamExt as _;

const KEY: [u8; 32] = [1; 32];
/// Words that the messages are made of, common ones first.
const WORDS: usize = 30_000;
/// Conversations; the first has every fifth message.
const CONVERSATIONS: usize = 1000;
const ROWS_PER_WRITE: usize = 100;
const SECOND_NS: i64 = 1_000_000_000;
/// Time of the first message, in 2023.
const FIRST_NS: i64 = 1_700_000_000 * SECOND_NS;
const RARE: &str = "zyzzyva";

struct Plan {
    messages: usize,
    groups: usize,
    backlog: usize,
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 1).unwrap() % end
    }

    /// As [`Numbers::below`], small ones far more often, as with the words of a language: the
    /// number of digits is even among all.
    fn mostly_small(&mut self, end: usize) -> usize {
        let share = self.below(1 << 30) as f64 / f64::from(1 << 30);
        let number = (end as f64).powf(share) - 1.0;
        (number as usize).min(end - 1)
    }
}

fn vocabulary(numbers: &mut Numbers) -> Vec<String> {
    let letters: Vec<char> = "etaoinshrdlucmfwypvbgk".chars().collect();
    (0..WORDS)
        .map(|index| {
            let length = 2 + (index + 1).ilog10() as usize + numbers.below(5);
            (0..length)
                .map(|_| letters[numbers.below(letters.len())])
                .collect()
        })
        .collect()
}

fn group_id(number: usize) -> Vec<u8> {
    let mut id = vec![7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Resident memory of this process in MB.
fn memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    kb.and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Runs something several times and prints what it took, the first time apart.
async fn measure<F: Future<Output = usize>>(
    what: &str,
    times: usize,
    goal_ms: f64,
    mut run: impl FnMut(usize) -> F,
) {
    let mut took = Vec::new();
    let mut first = Duration::ZERO;
    let mut count = 0;
    for index in 0..times {
        let start = Instant::now();
        count = run(index).await;
        let time = start.elapsed();
        if index == 0 {
            first = time;
        } else {
            took.push(time);
        }
    }
    let longest = took.iter().max().copied().unwrap_or(first);
    let middle = if took.is_empty() {
        first
    } else {
        median(&mut took)
    };
    let verdict = if ms(longest.max(first)) <= goal_ms {
        "ok"
    } else {
        "MISSED"
    };
    println!(
        "{what:<46} {:>9.2} {:>9.2} {:>9.2} {goal_ms:>7.0} {verdict:<7} {count:>5} rows, {} MB",
        ms(first),
        ms(middle),
        ms(longest),
        memory_mb()
    );
}

async fn registered(
    folder: &Path,
    name: &str,
    network: &Arc<dyn Network>,
    url: &str,
) -> (Engine, Client) {
    let key = DatabaseKey::from_bytes(KEY);
    let engine = Engine::open(folder, key, Arc::new(SystemClock))
        .await
        .unwrap();
    if engine.account().await.unwrap().is_none() {
        let mut secret = [9_u8; 32];
        secret[..name.len()].copy_from_slice(name.as_bytes());
        let wallet = WalletKey::from_bytes(&secret).unwrap();
        let prepared = engine.prepare(network, wallet).await.unwrap();
        engine
            .register(Arc::clone(network), url, Some(prepared), &|_| {})
            .await
            .unwrap();
    }
    let client = engine
        .client(Arc::clone(network), RemoteFiles::new(None))
        .await
        .unwrap();
    (engine, client)
}

/// Writes the messages of years into a database that nobody has open.
async fn fill(folder: &Path, own: &str, plan: &Plan) {
    let path = folder.join(DATABASE_FILE);
    let size_mb = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len() / 1_000_000);
    let store = Store::open(&path, &DatabaseKey::from_bytes(KEY), Options::default()).unwrap();
    let people: Vec<String> = (0..200).map(|n| format!("{n:064x}")).collect();
    let owner = own.to_owned();
    store
        .write(move |tx| {
            for number in 0..CONVERSATIONS {
                let new = Conversation {
                    name: format!("Conversation {number}"),
                    is_active: false,
                    ..Conversation::new(
                        group_id(number),
                        ConversationKind::Group,
                        owner.clone(),
                        owner.clone(),
                        FIRST_NS,
                    )
                };
                tx.insert_conversation(&new, 0)?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let words = Arc::new(vocabulary(&mut numbers));
    let mut storing = Duration::ZERO;
    let mut indexing = Duration::ZERO;
    let mut longest = Duration::ZERO;
    for first in (0..plan.messages).step_by(ROWS_PER_WRITE) {
        let mut rows = Vec::with_capacity(ROWS_PER_WRITE);
        for number in first..plan.messages.min(first + ROWS_PER_WRITE) {
            let count = 3 + numbers.below(15);
            let mut text: Vec<&str> = (0..count)
                .map(|_| words[numbers.mostly_small(WORDS)].as_str())
                .collect();
            if number % (plan.messages / 10) == 5 {
                text.push(RARE);
            }
            let group = if number % 5 == 0 {
                0
            } else {
                1 + numbers.mostly_small(CONVERSATIONS - 1)
            };
            let sender = if numbers.below(5) == 0 {
                own.to_owned()
            } else {
                people[numbers.below(people.len())].clone()
            };
            rows.push((number, text.join(" "), group_id(group), sender));
        }
        let entries: Vec<_> = rows
            .iter()
            .map(|(number, text, group, sender)| {
                let sent_at_ns = FIRST_NS + i64::try_from(*number).unwrap() * 60 * SECOND_NS;
                (sent_at_ns, text.clone(), group.clone(), sender.clone())
            })
            .collect();
        let start = Instant::now();
        let row_ids = store
            .write(move |tx| {
                let mut row_ids = Vec::with_capacity(rows.len());
                for (number, text, group, sender) in &rows {
                    let content = Body::Text(text.clone()).encode().expect("a text");
                    let key = number.to_string();
                    let preview: String = text.chars().take(200).collect();
                    let sent_at_ns = FIRST_NS + i64::try_from(*number).unwrap() * 60 * SECOND_NS;
                    let inserted = tx.insert_message(&NewMessage {
                        id: &message_id(group, &key, &content),
                        conversation_id: group,
                        sender_inbox_id: sender,
                        sender_installation_id: &[5; 32],
                        kind: MessageKind::Application,
                        delivery: Delivery::Published,
                        sent_at_ns,
                        inserted_at_ns: sent_at_ns,
                        content: &content,
                        authority_id: "xmtp.org",
                        type_id: "text",
                        version_major: 1,
                        version_minor: 0,
                        preview: Some(&preview),
                        visible: true,
                        reference_id: None,
                        sequence_id: i64::try_from(*number).ok(),
                        expire_at_ns: None,
                        should_push: true,
                        idempotency_key: &key,
                    })?;
                    row_ids.push(inserted.row_id);
                }
                Ok::<_, StoreError>(row_ids)
            })
            .await
            .unwrap();
        storing += start.elapsed();
        let last = row_ids.last().copied().unwrap_or_default();
        let entries = row_ids.into_iter().zip(entries).map(
            |(row_id, (sent_at_ns, text, conversation_id, sender_inbox_id))| SearchEntry {
                row_id,
                sent_at_ns,
                conversation_id,
                sender_inbox_id,
                text,
            },
        );
        let entries: Vec<SearchEntry> = entries.collect();
        let start = Instant::now();
        store
            .write(move |tx| tx.index_messages(last, entries))
            .await
            .unwrap();
        indexing += start.elapsed();
        longest = longest.max(start.elapsed());
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / plan.messages as f64;
    println!(
        "stored {} messages in {:.0} s ({:.1} µs each, {ROWS_PER_WRITE} in a transaction); indexed them in {:.0} s ({:.1} µs each, the longest batch {:.1} ms); {} MB",
        plan.messages,
        storing.as_secs_f64(),
        micros(storing),
        indexing.as_secs_f64(),
        micros(indexing),
        ms(longest),
        size_mb(&path)
    );
    store.close().await;
}

async fn page(client: &Client, group: usize, start: PageStart) -> usize {
    let id = group_id(group);
    let page = client.message_page(&id, Lines::All, start, 50).await;
    page.unwrap().items.len()
}

async fn find(client: &Client, query: &str, group: Option<usize>) -> usize {
    let search = Search {
        query: query.to_owned(),
        conversation_id: group.map(group_id),
        limit: 30,
        ..Search::default()
    };
    let page = client.search(search).await.unwrap();
    assert_eq!(page.problem, None, "{query}");
    page.hits.len()
}

async fn read(client: &Client, plan: &Plan) {
    println!(
        "\n{:<46} {:>9} {:>9} {:>9} {:>7}   (ms; {} MB at the start)",
        "",
        "first",
        "median",
        "longest",
        "goal",
        memory_mb()
    );
    measure("list 50 conversations", 20, 50.0, |_| async {
        let query = ConversationQuery {
            limit: Some(50),
            ..ConversationQuery::default()
        };
        client.list(query).await.unwrap().len()
    })
    .await;
    measure("open conversations, one after the other", 200, 50.0, |n| {
        page(client, n, PageStart::Latest)
    })
    .await;
    measure("open the largest at its first unread", 20, 50.0, |_| {
        page(client, 0, PageStart::FirstUnread)
    })
    .await;
    let span = i64::try_from(plan.messages).unwrap() * 60 * SECOND_NS;
    measure("go to a day in the largest", 50, 50.0, |n| {
        let at_ns = FIRST_NS + span / 50 * i64::try_from(n).unwrap();
        page(client, 0, PageStart::At(at_ns))
    })
    .await;
    let place = std::sync::Mutex::new(None);
    measure("page up in the largest, 400 pages", 400, 50.0, |_| async {
        let start = match place.lock().unwrap().take() {
            Some(position) => PageStart::Before(position),
            None => PageStart::Latest,
        };
        let id = group_id(0);
        let page = client.message_page(&id, Lines::All, start, 50).await;
        let items = page.unwrap().items;
        *place.lock().unwrap() = items.first().map(|first| first.position());
        items.len()
    })
    .await;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let words = vocabulary(&mut numbers);
    let (one, two, seldom) = (&words[0], &words[1], &words[WORDS - 10]);
    let begin = |word: &str, count: usize| -> String { word.chars().take(count).collect() };
    let everywhere = [
        ("the most common word", format!("\"{one}\"")),
        ("a word of some messages", format!("\"{seldom}\"")),
        ("a word of ten messages", format!("\"{RARE}\"")),
        ("a word of no message", "\"qqqqqq\"".to_owned()),
        ("two common words", format!("{one} \"{two}\"")),
        ("two common words in a row", format!("\"{one} {two}\"")),
        ("a common and a rare word", format!("{one} \"{RARE}\"")),
        ("one letter", begin(one, 1)),
        ("two letters", begin(&words[100], 2)),
        ("three letters", begin(&words[1000], 3)),
        (
            "a word and one letter",
            format!("{seldom} {}", begin(one, 1)),
        ),
        ("a common word, from me", format!("\"{one}\" from:me")),
        (
            "a common word, before a day",
            format!("\"{one}\" before:2023-12-01"),
        ),
        (
            "only a person and days",
            "from:me after:2023-12-01".to_owned(),
        ),
    ];
    for (what, query) in &everywhere {
        let what = format!("search: {what}");
        measure(&what, 10, 100.0, |_| find(client, query, None)).await;
    }
    for (what, group) in [("largest", 0), ("smallest", CONVERSATIONS - 1)] {
        let within = [
            ("a common word", format!("\"{one}\"")),
            ("a rare word", format!("\"{RARE}\"")),
            ("one letter", begin(one, 1)),
        ];
        for (word, query) in &within {
            let what = format!("find in the {what}: {word}");
            measure(&what, 10, 100.0, |_| find(client, query, Some(group))).await;
        }
    }
    measure(
        "mark a quarter of the largest unread and read",
        6,
        100.0,
        |_| async {
            let id = group_id(0);
            let start = PageStart::At(FIRST_NS + span / 4 * 3);
            let page = client
                .message_page(&id, Lines::All, start, 2)
                .await
                .unwrap();
            let from = page.items.last().unwrap().id.clone();
            client.mark_unread(&id, Some(&from)).await.unwrap();
            let unread = client.conversation(&id).await.unwrap().summary.unread_count;
            client.mark_read(&id).await.unwrap();
            usize::try_from(unread).unwrap()
        },
    )
    .await;
}

/// Somebody was away; while everything comes, their window keeps asking for its list and for the
/// conversation that is open.
async fn catch_up(alix: &Client, bo: &Client, plan: &Plan) {
    let who = vec![bo.account().inbox_id.clone()];
    let mut groups = Vec::new();
    for number in 0..plan.groups {
        let new = NewConversation {
            who: who.clone(),
            name: format!("Group {number}"),
            ..NewConversation::default()
        };
        groups.push(alix.create_group(&new).await.unwrap().0.conversation.id);
    }
    bo.sync_all(&[]).await.unwrap();
    for id in &groups {
        for number in 0..plan.backlog / plan.groups {
            let text = format!("message {number} of a long absence");
            alix.send(id, &text).await.unwrap();
        }
        alix.group_sync(id).await.unwrap();
    }
    let arrived = Arc::new(AtomicUsize::new(0));
    let counting = {
        let arrived = Arc::clone(&arrived);
        let mut stream = Box::pin(bo.stream_all_messages(vec![]).await.unwrap());
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if message.kind == MessageKind::Application {
                    arrived.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    let start = Instant::now();
    let live = bo.start();
    let mut took = Vec::new();
    while arrived.load(Ordering::Relaxed) < plan.backlog {
        let asked = Instant::now();
        let query = ConversationQuery {
            limit: Some(50),
            ..ConversationQuery::default()
        };
        bo.list(query).await.unwrap();
        page(bo, 0, PageStart::Latest).await;
        took.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(start.elapsed() < Duration::from_secs(300), "it never ended");
    }
    let all = start.elapsed();
    live.stop().await;
    counting.abort();
    let middle = median(&mut took);
    let longest = took.last().copied().unwrap_or_default();
    let verdict = if ms(longest) < 100.0 { "ok" } else { "MISSED" };
    println!(
        "\ncaught up with {} messages in {} groups in {:.2} s; meanwhile the list and an open conversation took {:.2} ms (median), {:.2} ms (longest of {}), goal 100: {verdict}; {} MB",
        plan.backlog,
        plan.groups,
        all.as_secs_f64(),
        ms(middle),
        ms(longest),
        took.len(),
        memory_mb()
    );
}

fn main() {
    // `cargo bench` says so; `cargo test --all-targets` wants no benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let share = if std::env::args().any(|argument| argument == "--quick") {
        10
    } else {
        1
    };
    let plan = Plan {
        messages: 1_000_000 / share,
        groups: 100 / share,
        backlog: 5000 / share,
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(Config::temporary()).await.unwrap();
        let url = format!("http://{}", node.grpc_addr);
        let config = NodeConfig::new(url.clone());
        let network: Arc<dyn Network> = Arc::new(GrpcNetwork::connect(&config).unwrap());
        let (of_alix, of_bo) = (folder.path().join("alix"), folder.path().join("bo"));
        let (alix_engine, alix) = registered(&of_alix, "Alix", &network, &url).await;
        let (engine, bo) = registered(&of_bo, "Bo", &network, &url).await;
        let own = bo.account().inbox_id.clone();
        drop(bo);
        engine.close().await;
        fill(&of_bo, &own, &plan).await;

        let start = Instant::now();
        let (engine, bo) = registered(&of_bo, "Bo", &network, &url).await;
        println!("opened the account in {:.1} ms", ms(start.elapsed()));
        read(&bo, &plan).await;
        catch_up(&alix, &bo, &plan).await;
        drop((alix, bo));
        engine.close().await;
        alix_engine.close().await;
        node.shutdown().await;
    });
}
