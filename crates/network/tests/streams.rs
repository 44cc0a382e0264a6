//! Streams: order, nonsense, and coming back.

// Test code: a panic is how it fails, and each file uses its part of the support module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code
)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_network::{GrpcNetwork, Network, NetworkError, Reconnect, StreamEvent, reconnecting};
use conclave_proto::mls::api::v1 as mls;
use futures::{StreamExt, stream};
use support::*;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tonic::Status;

const GROUP: &[u8] = &[7; 16];
const SECOND: &[u8] = &[8; 16];
const OTHER: &[u8] = &[9; 16];

const QUICK: Reconnect = Reconnect {
    min: Duration::from_millis(5),
    max: Duration::from_millis(40),
    rate_limit_pause: Duration::from_millis(10),
};

/// A node that streams these rows and then ends the stream in good order.
async fn streaming(rows: Vec<Result<mls::GroupMessage, Status>>) -> (Node, GrpcNetwork) {
    client(Stub {
        subscribe_group_messages: always(move |_| Ok(stream::iter(rows.clone()).boxed())),
        ..Stub::default()
    })
    .await
}

async fn collect(rows: Vec<Result<mls::GroupMessage, Status>>) -> Vec<Result<u64, NetworkError>> {
    let (_node, client) = streaming(rows).await;
    let groups = vec![(GROUP.to_vec(), 3), (SECOND.to_vec(), 0)];
    let stream = client.subscribe_groups(groups).await.unwrap();
    stream
        .map(|row| row.map(|message| message.id))
        .collect()
        .await
}

#[tokio::test]
async fn rows_come_in_order_and_once() {
    let row = |group: &[u8], id| Ok(group_message(group, id));
    let rows = vec![
        row(GROUP, 3),
        row(GROUP, 5),
        row(SECOND, 4),
        row(GROUP, 5),
        row(GROUP, 4),
        row(SECOND, 6),
        row(GROUP, 7),
    ];
    assert_eq!(collect(rows).await, [Ok(5), Ok(4), Ok(6), Ok(7)]);
}

#[tokio::test]
async fn a_stream_ends_with_the_first_nonsense() {
    for nonsense in [
        group_message(OTHER, 9),
        group_message(GROUP, 0),
        group_message(GROUP, u64::MAX),
        mls::GroupMessage { version: None },
    ] {
        let rows = vec![
            Ok(group_message(GROUP, 5)),
            Ok(nonsense),
            Ok(group_message(GROUP, 6)),
        ];
        let got = collect(rows).await;
        assert_eq!(got.len(), 2);
        assert_eq!(got[0], Ok(5));
        assert_eq!(got[1].as_ref().unwrap_err().code(), "node_reply");
    }
}

#[tokio::test]
async fn a_stream_says_why_the_node_ended_it() {
    let aborted = Status::aborted("caller did not read all messages fast enough");
    let got = collect(vec![Ok(group_message(GROUP, 5)), Err(aborted)]).await;
    assert_eq!(got[0], Ok(5));
    let error = got[1].as_ref().unwrap_err();
    assert_eq!(error.code(), "node_rejected");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn welcomes_stream_alike() {
    let (_node, client) = client(Stub {
        subscribe_welcome_messages: always(|request: mls::SubscribeWelcomeMessagesRequest| {
            let [filter] = request.filters.as_slice() else {
                return Err(Status::invalid_argument("no valid filters provided"));
            };
            let cursor = filter.id_cursor;
            let rows = [cursor, cursor + 1, cursor + 1, cursor + 2]
                .map(|id| Ok(welcome(&filter.installation_key, id)));
            Ok(stream::iter(rows)
                .chain(stream::iter([Ok(welcome(OTHER, 9))]))
                .boxed())
        }),
        ..Stub::default()
    })
    .await;
    let got: Vec<_> = client
        .subscribe_welcomes(GROUP, 4)
        .await
        .unwrap()
        .collect()
        .await;
    let ids: Vec<_> = got
        .iter()
        .map(|row| match row {
            Ok(mls::welcome_message::Version::V1(welcome)) => Ok(welcome.id),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.code()),
        })
        .collect();
    assert_eq!(ids, [Ok(5), Ok(6), Err("node_reply")]);
}

#[tokio::test]
async fn opening_a_stream_has_a_deadline() {
    let node = Node::start(Stub {
        subscribe_group_messages: answer(|_| std::future::pending()),
        ..Stub::default()
    })
    .await;
    let mut config = config(node.url());
    config.timeouts.call = Duration::from_millis(60);
    let client = GrpcNetwork::connect(&config).unwrap();
    let error = client.subscribe_groups(vec![]).await.err().unwrap();
    assert_eq!(error, NetworkError::Timeout);
}

/// A node with a few messages that ends each stream after two rows, in ways that differ.
fn flapping(count: Count) -> Stub {
    Stub {
        subscribe_group_messages: always(move |request: mls::SubscribeGroupMessagesRequest| {
            let attempt = count.next();
            if attempt == 3 {
                return Err(Status::unavailable("service is shutting down"));
            }
            let ids = (1..=7_u64).filter(|id| *id > request.filters[0].id_cursor);
            let rows = ids.take(2).map(|id| Ok(group_message(GROUP, id)));
            let end = match attempt % 2 {
                0 => Some(Err(Status::aborted("too slow"))),
                _ => None,
            };
            Ok(stream::iter(rows.chain(end).collect::<Vec<_>>()).boxed())
        }),
        ..Stub::default()
    }
}

#[tokio::test]
async fn a_stream_comes_back_from_the_cursor() {
    let count = Count::default();
    let (_node, client) = client(flapping(count.clone())).await;
    let cursor = Arc::new(Mutex::new(0));
    let current = cursor.clone();
    let mut events = Box::pin(reconnecting(QUICK, move || {
        let groups = vec![(GROUP.to_vec(), *current.lock().unwrap())];
        let client = client.clone();
        async move { client.subscribe_groups(groups).await }
    }));
    let mut ids = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    while ids.len() < 7 {
        let kind = match events.next().await.unwrap() {
            StreamEvent::Connected => "connected",
            StreamEvent::Item(message) => {
                *cursor.lock().unwrap() = message.id;
                ids.push(message.id);
                "item"
            }
            StreamEvent::Disconnected { error: None, .. } => "ended",
            StreamEvent::Disconnected {
                error: Some(error), ..
            } => error.code(),
        };
        *seen.entry(kind).or_default() += 1;
    }
    assert_eq!(ids, (1..=7).collect::<Vec<_>>());
    let expected = [
        ("connected", 4),
        ("ended", 1),
        ("item", 7),
        ("node_rejected", 2),
        ("node_unreachable", 1),
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(count.get(), 5);
}

#[tokio::test]
async fn pauses_grow_and_start_again_after_a_delivery() {
    let attempts = Count::default();
    let made = attempts.clone();
    let mut events = Box::pin(reconnecting(QUICK, move || {
        let attempt = made.next();
        async move {
            match attempt {
                1..=6 => Err(NetworkError::Unreachable("nobody there".to_owned())),
                7 => Ok(stream::iter([Ok(1)]).boxed()),
                8 => Err(NetworkError::RateLimited("slow down".to_owned())),
                _ => Ok(stream::empty().boxed()),
            }
        }
    }));
    let mut pauses = Vec::new();
    while pauses.len() < 8 {
        if let StreamEvent::Disconnected { retry_in, .. } = events.next().await.unwrap() {
            pauses.push(retry_in);
        }
    }
    let ms = Duration::from_millis;
    // Doubled, at most the longest, and up to half on top.
    for (pause, base) in pauses.iter().zip([5, 10, 20, 40, 40, 40, 5, 10].map(ms)) {
        assert!((base..base.mul_f64(1.5)).contains(pause), "{pauses:?}");
    }
    assert_eq!(attempts.get(), 8);
}

#[tokio::test]
async fn a_stream_waits_for_a_node_that_is_not_there_yet() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
    let mut events = Box::pin(reconnecting(QUICK, move || {
        let client = client.clone();
        async move { client.subscribe_groups(vec![(GROUP.to_vec(), 0)]).await }
    }));
    let StreamEvent::Disconnected {
        error: Some(error), ..
    } = events.next().await.unwrap()
    else {
        panic!("connected to nobody");
    };
    assert_eq!(error.code(), "node_unreachable");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let _node = Node::start_on(
        listener,
        Stub {
            subscribe_group_messages: always(|_| {
                Ok(stream::iter([Ok(group_message(GROUP, 1))]).boxed())
            }),
            ..Stub::default()
        },
    );
    loop {
        if let StreamEvent::Item(message) = events.next().await.unwrap() {
            assert_eq!(message.id, 1);
            break;
        }
    }
}

/// Leads connections to `node` until it is told to cut them all.
async fn relay(node: u16, mut cut: mpsc::Receiver<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((mut client, _)) = accepted else { break };
                    connections.spawn(async move {
                        let mut node = TcpStream::connect(("127.0.0.1", node)).await.unwrap();
                        let _ = copy_bidirectional(&mut client, &mut node).await;
                    });
                }
                order = cut.recv() => match order {
                    Some(()) => connections.abort_all(),
                    None => break,
                },
            }
        }
    });
    port
}

#[tokio::test]
async fn a_stream_survives_a_connection_that_breaks() {
    let node = Node::start(Stub {
        subscribe_group_messages: always(|request: mls::SubscribeGroupMessagesRequest| {
            let next = request.filters[0].id_cursor + 1;
            let rows = stream::iter([Ok(group_message(GROUP, next))]);
            Ok(rows.chain(stream::pending()).boxed())
        }),
        ..Stub::default()
    })
    .await;
    let (cut, order) = mpsc::channel(1);
    let port = relay(node.port, order).await;
    let client = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
    let cursor = Arc::new(Mutex::new(0));
    let current = cursor.clone();
    let mut events = Box::pin(reconnecting(QUICK, move || {
        let groups = vec![(GROUP.to_vec(), *current.lock().unwrap())];
        let client = client.clone();
        async move { client.subscribe_groups(groups).await }
    }));
    for expected in 1..=3 {
        loop {
            match events.next().await.unwrap() {
                StreamEvent::Item(message) => {
                    assert_eq!(message.id, expected);
                    *cursor.lock().unwrap() = message.id;
                    break;
                }
                StreamEvent::Connected => {}
                StreamEvent::Disconnected { error, .. } => {
                    assert!(error.unwrap().is_retryable());
                }
            }
        }
        cut.send(()).await.unwrap();
    }
}

#[tokio::test]
async fn dropping_a_stream_ends_it_at_the_node() {
    let (send, receive) = mpsc::channel(1);
    let receive = Mutex::new(Some(receive));
    let (_node, client) = client(Stub {
        subscribe_group_messages: always(move |_| {
            let rows: mpsc::Receiver<_> = receive.lock().unwrap().take().unwrap();
            Ok(tokio_stream::wrappers::ReceiverStream::new(rows).boxed())
        }),
        ..Stub::default()
    })
    .await;
    let mut events = Box::pin(reconnecting(QUICK, move || {
        let client = client.clone();
        async move { client.subscribe_groups(vec![(GROUP.to_vec(), 0)]).await }
    }));
    assert_eq!(events.next().await, Some(StreamEvent::Connected));
    send.send(Ok(group_message(GROUP, 1))).await.unwrap();
    assert!(matches!(events.next().await, Some(StreamEvent::Item(_))));
    drop(events);
    // Resolves once the node has let go of the stream.
    tokio::time::timeout(Duration::from_secs(10), send.closed())
        .await
        .unwrap();
}
