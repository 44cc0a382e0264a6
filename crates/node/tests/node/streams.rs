//! Streams: headers, replay, live, order, slow readers, the end.

use std::collections::HashMap;
use std::time::Duration;

use conclave_proto::mls::api::v1::subscribe_welcome_messages_request::Filter as WelcomeFilter;
use conclave_proto::mls::api::v1::{
    SubscribeGroupMessagesRequest, SubscribeWelcomeMessagesRequest,
};
use tokio::time::timeout;
use tonic::Code;

use crate::peer::{
    APPLICATION, COMMIT, Peer, group, next, node, pointer, private_message, welcome, welcome_id,
};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn headers_come_before_the_first_message() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let request = SubscribeGroupMessagesRequest { filters: vec![] };
    let quiet = timeout(PATIENCE, alix.mls.subscribe_group_messages(request))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(quiet.metadata().get("subscribed").unwrap(), "true");
    // A group stream without filters stays open.
    let mut quiet = quiet.into_inner();
    let silent = timeout(Duration::from_millis(200), quiet.message()).await;
    assert!(silent.is_err());
    node.shutdown().await;
}

/// `node.md` 12, 8.
#[tokio::test]
async fn a_bad_filter_is_an_error_inside_the_stream() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let mut stream = alix.stream(&[(&group(1), 0), (b"", 0)]).await;
    let error = stream.message().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let empty = WelcomeFilter::default();
    for (filters, text) in [
        (vec![], "no valid filters provided"),
        (vec![empty], "a filter is nil or installation key is empty"),
    ] {
        let request = SubscribeWelcomeMessagesRequest { filters };
        let opened = alix.mls.subscribe_welcome_messages(request).await.unwrap();
        let error = opened.into_inner().message().await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(error.message(), text);
    }
    node.shutdown().await;
}

/// `node.md` 12, 9.
#[tokio::test]
async fn replay_and_live_join_without_gap_or_repeat() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let history: Vec<_> = (0..350u32)
        .map(|number| private_message(&group(1), APPLICATION, &number.to_be_bytes()))
        .collect();
    alix.send_all(history).await.unwrap();
    // Published while the streams replay.
    let mut bo = Peer::of(&node).await;
    let publishing = tokio::spawn(async move {
        for number in 350..500u32 {
            let data = private_message(&group(1), APPLICATION, &number.to_be_bytes());
            bo.send(data).await.unwrap();
        }
    });
    for cursor in [0u64, 120, 350] {
        let mut stream = alix.stream(&[(&group(1), cursor)]).await;
        for expected in cursor + 1..=500 {
            assert_eq!(
                timeout(PATIENCE, next(&mut stream)).await.unwrap().id,
                expected
            );
        }
    }
    publishing.await.unwrap();
    // Beyond the newest: no history; live rows come, as from the reference node.
    let mut ahead = alix.stream(&[(&group(1), 10_000)]).await;
    alix.send(private_message(&group(1), APPLICATION, b"now"))
        .await
        .unwrap();
    assert_eq!(timeout(PATIENCE, next(&mut ahead)).await.unwrap().id, 501);
    node.shutdown().await;
}

#[tokio::test]
async fn a_group_named_twice_is_replayed_once_from_the_lower_cursor() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for number in 0..4u8 {
        alix.send(private_message(&group(1), APPLICATION, &[number]))
            .await
            .unwrap();
    }
    let mut stream = alix
        .stream(&[(&group(1), 3), (&group(1), 1), (&group(1), 2)])
        .await;
    alix.send(private_message(&group(1), APPLICATION, b"live"))
        .await
        .unwrap();
    for expected in 2..=5 {
        assert_eq!(
            timeout(PATIENCE, next(&mut stream)).await.unwrap().id,
            expected
        );
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_welcome_stream_carries_welcomes_and_pointers() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let key = [5; 32];
    alix.send_welcomes(vec![
        welcome(&key, b"1".to_vec()),
        pointer(&key, b"2".to_vec()),
    ])
    .await
    .unwrap();
    let request = SubscribeWelcomeMessagesRequest {
        filters: vec![WelcomeFilter {
            installation_key: key.to_vec(),
            id_cursor: 1,
        }],
    };
    let opened = alix.mls.subscribe_welcome_messages(request).await.unwrap();
    assert_eq!(opened.metadata().get("subscribed").unwrap(), "true");
    let mut stream = opened.into_inner();
    alix.send_welcomes(vec![
        welcome(&[6; 32], b"x".to_vec()),
        pointer(&key, b"3".to_vec()),
    ])
    .await
    .unwrap();
    let first = timeout(PATIENCE, stream.message()).await.unwrap().unwrap();
    assert_eq!(welcome_id(&first.unwrap()), 2);
    let second = timeout(PATIENCE, stream.message()).await.unwrap().unwrap();
    assert_eq!(welcome_id(&second.unwrap()), 4);
    node.shutdown().await;
}

/// `node.md` 12, 10, with a query beside each stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_on_many_topics_lose_nothing_and_keep_order() {
    const WRITERS: u8 = 20;
    const TOPICS: u8 = 50;
    const ROUNDS: u8 = 2;
    let node = node().await;
    let peer = Peer::of(&node).await;
    let mut readers = Vec::new();
    for topic in 0..TOPICS {
        let mut peer = peer.clone();
        let mut stream = peer.stream(&[(&group(topic), 0)]).await;
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < usize::from(WRITERS) * usize::from(ROUNDS) {
                seen.push(timeout(PATIENCE, next(&mut stream)).await.unwrap().id);
            }
            assert!(seen.is_sorted_by(|a, b| a < b));
            let stored = peer.sync(&group(topic)).await;
            assert_eq!(stored.iter().map(|m| m.id).collect::<Vec<_>>(), seen);
        }));
    }
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let mut peer = peer.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                for topic in 0..TOPICS {
                    let topic = (topic + writer) % TOPICS;
                    let data = private_message(&group(topic), COMMIT, &[writer, round]);
                    peer.send(data).await.unwrap();
                    // Read your writes: the own message is there at once.
                    if round == 0 && topic == 0 {
                        let stored = peer.sync(&group(topic)).await;
                        assert!(stored.iter().any(|m| m.data.ends_with(&[writer, round])));
                    }
                }
            }
        }));
    }
    for task in writers.into_iter().chain(readers) {
        task.await.unwrap();
    }
    node.shutdown().await;
}

#[tokio::test]
async fn thousands_of_filters_are_one_stream() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let groups: Vec<Vec<u8>> = (0..5_000u32)
        .map(|number| number.to_be_bytes().repeat(4))
        .collect();
    let mut expected = HashMap::new();
    for group in groups.iter().step_by(500) {
        alix.send(private_message(group, APPLICATION, b"old"))
            .await
            .unwrap();
        expected.insert(group.clone(), 1);
    }
    let filters: Vec<(&[u8], u64)> = groups.iter().map(|g| (g.as_slice(), 0)).collect();
    let mut stream = alix.stream(&filters).await;
    for group in groups.iter().step_by(1_000) {
        alix.send(private_message(group, APPLICATION, b"new"))
            .await
            .unwrap();
        *expected.get_mut(group).unwrap() += 1;
    }
    let mut seen: HashMap<Vec<u8>, i32> = HashMap::new();
    for _ in 0..15 {
        let message = timeout(PATIENCE, next(&mut stream)).await.unwrap();
        *seen.entry(message.group_id).or_default() += 1;
    }
    assert_eq!(seen, expected);
    node.shutdown().await;
}

/// `node.md` 12, 15.
#[tokio::test]
async fn a_slow_reader_is_cut_off_and_nobody_else() {
    let node = node().await;
    let mut slow = Peer::of(&node).await;
    let mut quick = Peer::of(&node).await;
    let mut alix = Peer::of(&node).await;
    let mut slow_stream = slow.stream(&[(&group(1), 0)]).await;
    let mut quick_stream = quick.stream(&[(&group(1), 0)]).await;
    // What the connection itself buffers is far less than this.
    let content = vec![1; 64 * 1024];
    let total = 2_000u32;
    let (read, mut was_read) = tokio::sync::watch::channel(0);
    let reading = tokio::spawn(async move {
        for count in 1..=total {
            timeout(PATIENCE, next(&mut quick_stream)).await.unwrap();
            read.send(count).unwrap();
        }
    });
    for batch in 0..total / 20 {
        let messages = (0..20u32)
            .map(|number| {
                let mut content = content.clone();
                content.extend((batch * 20 + number).to_be_bytes());
                private_message(&group(1), APPLICATION, &content)
            })
            .collect();
        alix.send_all(messages).await.unwrap();
        // The quick one is quick by definition, however busy the machine is.
        let sent = (batch + 1) * 20;
        let caught_up = was_read.wait_for(|read| *read >= sent);
        timeout(PATIENCE, caught_up).await.unwrap().unwrap();
    }
    reading.await.unwrap();
    // The slow one still gets what was buffered, then learns why it ends.
    let mut last = 0;
    let error = loop {
        match timeout(PATIENCE, slow_stream.message()).await.unwrap() {
            Ok(Some(message)) => {
                let id = crate::peer::v1(message).id;
                assert_eq!(id, last + 1);
                last = id;
            }
            Ok(None) => panic!("ended without a status after {last}"),
            Err(error) => break error,
        }
    };
    assert!(last < u64::from(total));
    assert_eq!(error.code(), Code::Aborted);
    assert_eq!(
        error.message(),
        "caller did not read all messages fast enough"
    );
    // It comes back from its cursor and misses nothing.
    let mut again = slow.stream(&[(&group(1), last)]).await;
    for expected in last + 1..=u64::from(total) {
        assert_eq!(
            timeout(PATIENCE, next(&mut again)).await.unwrap().id,
            expected
        );
    }
    node.shutdown().await;
}

#[tokio::test]
async fn streams_end_with_unavailable_when_the_node_stops() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let mut stream = alix.stream(&[(&group(1), 0)]).await;
    node.shutdown().await;
    let error = stream.message().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(error.message(), "service is shutting down");
}
