//! Streams: each message once, in order per group, whatever happens to the node.

use std::time::Duration;

use conclave_engine::{Delivery, Draft, EngineError, GroupId, Message, MessageKind};
use conclave_node::{Config, Database, Node};
use futures::{Stream, StreamExt as _};

use crate::actor::{Actor, Town, group_of, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// The next messages that people wrote.
async fn next(
    stream: &mut (impl Stream<Item = Result<Message, EngineError>> + Unpin),
    count: usize,
) -> Vec<(GroupId, String)> {
    let mut written = Vec::new();
    while written.len() < count {
        let next = tokio::time::timeout(PATIENCE, stream.next()).await;
        let message = next.unwrap().unwrap().unwrap();
        if message.kind == MessageKind::Application {
            written.push((message.conversation_id, message.preview.unwrap()));
        }
    }
    written
}

async fn all_published(person: &Actor, id: &GroupId) {
    until("everything is published", || async {
        let messages = person.messages(id).await;
        messages
            .iter()
            .all(|message| message.delivery == Delivery::Published)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_come_once_and_in_order_while_the_node_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        database: Database::Sqlite(folder.path().join("node.db")),
        ..Config::temporary()
    };
    let town = Town {
        node: Node::start(config.clone()).await.unwrap(),
    };
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let first = group_of(&alix, &[&bo]).await;
    let second = group_of(&alix, &[&bo]).await;
    bo.sync().await;
    let mut all = Box::pin(bo.client().stream_all_messages(vec![]).await.unwrap());
    let mut one = Box::pin(bo.client().stream_messages(&second).await.unwrap());
    let live = [alix.client().start(), bo.client().start()];
    let text = |number: usize| format!("number {number}");
    let send = |numbers: std::ops::Range<usize>| {
        let (alix, first, second) = (&alix, &first, &second);
        async move {
            for number in numbers {
                let id = if number % 2 == 0 { first } else { second };
                alix.client().send(id, &text(number)).await.unwrap();
            }
        }
    };
    send(0..100).await;
    all_published(&alix, &first).await;
    all_published(&alix, &second).await;

    // Bo may have any part of them by now.
    let Town { node } = town;
    let listen = node.grpc_addr.to_string();
    node.shutdown().await;
    send(100..150).await;
    let again = Config { listen, ..config };
    let town = Town {
        node: Node::start(again).await.unwrap(),
    };
    send(150..200).await;

    let arrived = next(&mut all, 200).await;
    for (id, odd) in [(&first, 0), (&second, 1)] {
        let of_group = arrived.iter().filter(|(group, _)| group == id);
        let of_group: Vec<_> = of_group.map(|(_, text)| text.clone()).collect();
        let expected: Vec<_> = (0..200).filter(|n| n % 2 == odd).map(text).collect();
        assert_eq!(of_group, expected);
    }
    let of_second = next(&mut one, 100).await;
    assert!(of_second.iter().all(|(group, _)| *group == second));
    // Nothing came twice: what follows is what is sent next.
    send(201..202).await;
    let last = (second.clone(), text(201));
    assert_eq!(next(&mut all, 1).await, std::slice::from_ref(&last));
    assert_eq!(next(&mut one, 1).await, [last]);
    for live in live {
        live.stop().await;
    }
    drop(town);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_was_away_for_thousands_of_events_misses_no_conversation() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let known = group_of(&alix, &[&bo]).await;
    bo.sync().await;
    let mut stream = Box::pin(bo.client().stream().await.unwrap());
    let new = group_of(&alix, &[&bo]).await;
    bo.sync().await;
    for number in 0..1100 {
        let draft = Draft {
            text: number.to_string(),
            reply_to: None,
        };
        bo.client().set_draft(&known, draft).await.unwrap();
    }
    let next = tokio::time::timeout(PATIENCE, stream.next()).await;
    assert_eq!(next.unwrap().unwrap().unwrap().conversation.id, new);
    let newer = group_of(&alix, &[&bo]).await;
    bo.sync().await;
    let next = tokio::time::timeout(PATIENCE, stream.next()).await;
    assert_eq!(next.unwrap().unwrap().unwrap().conversation.id, newer);
}
