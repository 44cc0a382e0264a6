//! Queries: pages, directions, resends, what a reply holds.

use conclave_proto::mls::api::v1::{
    GetNewestGroupMessageRequest, PagingInfo, QueryGroupMessagesRequest,
    QueryWelcomeMessagesRequest,
};
use tonic::Code;

use crate::peer::{
    APPLICATION, COMMIT, PROPOSAL, Peer, ascending, group, ids, node, pointer, private_message, v1,
    welcome, welcome_id,
};

/// `node.md` 12, 7: every size around a page, both directions, every kind of limit.
#[tokio::test]
async fn pages_have_the_size_direction_and_cursor_that_clients_count_on() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for (name, count) in [
        (0u8, 0usize),
        (1, 1),
        (99, 99),
        (100, 100),
        (101, 101),
        (250, 250),
    ] {
        let messages = (0..count)
            .map(|number| private_message(&group(name), APPLICATION, &number.to_be_bytes()))
            .collect::<Vec<_>>();
        if !messages.is_empty() {
            alix.send_all(messages).await.unwrap();
        }
        let all: Vec<u64> = alix.sync(&group(name)).await.iter().map(|m| m.id).collect();
        assert_eq!(all.len(), count);
        assert!(all.is_sorted_by(|a, b| a < b));
        for limit in [0u32, 1, 20, 100, 101] {
            let effective = if (1..=100).contains(&limit) {
                limit
            } else {
                100
            };
            for direction in [0, 1, 2, 3] {
                let mut expected = all.clone();
                if direction != 1 {
                    expected.reverse();
                }
                let size = usize::try_from(effective).unwrap();
                let mut cursor = 0;
                let mut pages = 0;
                loop {
                    let paging_info = PagingInfo {
                        direction,
                        limit,
                        id_cursor: cursor,
                    };
                    let reply = alix.query(&group(name), paging_info).await;
                    let info = reply.paging_info.unwrap();
                    assert_eq!(info.limit, effective);
                    assert_eq!(info.direction, if direction == 1 { 1 } else { 2 });
                    let page = ids(reply.messages);
                    let rest = expected.split_off(size.min(expected.len()));
                    assert_eq!(page, expected, "{count} {limit} {direction}");
                    let full = page.len() == size;
                    assert_eq!(info.id_cursor, if full { *page.last().unwrap() } else { 0 });
                    expected = rest;
                    cursor = info.id_cursor;
                    pages += 1;
                    if cursor == 0 || limit == 1 && pages > 5 {
                        break;
                    }
                }
            }
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn the_default_direction_is_descending_for_groups_and_welcomes() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for number in 0..3u8 {
        alix.send(private_message(&group(1), APPLICATION, &[number]))
            .await
            .unwrap();
        alix.send_welcomes(vec![welcome(&[9; 32], vec![number])])
            .await
            .unwrap();
    }
    let reply = alix
        .mls
        .query_group_messages(QueryGroupMessagesRequest {
            group_id: group(1),
            paging_info: None,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(ids(reply.messages), [3, 2, 1]);
    let info = reply.paging_info.unwrap();
    assert_eq!((info.direction, info.limit, info.id_cursor), (2, 100, 0));
    let reply = alix
        .mls
        .query_welcome_messages(QueryWelcomeMessagesRequest {
            installation_key: vec![9; 32],
            paging_info: None,
        })
        .await
        .unwrap()
        .into_inner();
    let found: Vec<u64> = reply.messages.iter().map(welcome_id).collect();
    assert_eq!(found, [3, 2, 1]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_query_without_a_topic_is_refused_and_an_unknown_topic_is_empty() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let empty = alix
        .mls
        .query_group_messages(QueryGroupMessagesRequest::default())
        .await
        .unwrap_err();
    assert_eq!(empty.code(), Code::InvalidArgument);
    assert_eq!(empty.message(), "group is required");
    let empty = alix
        .mls
        .query_welcome_messages(QueryWelcomeMessagesRequest::default())
        .await
        .unwrap_err();
    assert_eq!(empty.code(), Code::InvalidArgument);
    assert_eq!(empty.message(), "installation is required");
    let unknown = alix.query(b"nobody's", ascending(0)).await;
    assert!(unknown.messages.is_empty());
    assert!(alix.welcomes(b"nobody's").await.is_empty());
    node.shutdown().await;
}

/// `node.md` 12, 12, and 3.1: the first submission's values stay.
#[tokio::test]
async fn a_resend_is_accepted_and_stored_once() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let data = private_message(&group(1), COMMIT, b"hello");
    alix.send(data.clone()).await.unwrap();
    alix.send(data.clone()).await.unwrap();
    alix.send_all(vec![data.clone(), data.clone()])
        .await
        .unwrap();
    let stored = alix.sync(&group(1)).await;
    let [message] = stored.as_slice() else {
        panic!("{} rows", stored.len())
    };
    assert_eq!(message.data, data);
    assert_eq!(message.group_id, group(1));
    assert_eq!(message.sender_hmac, b"hmac");
    assert!(message.should_push && message.is_commit);
    assert!(message.created_ns > 1_700_000_000_000_000_000);

    let inputs = || {
        vec![
            welcome(&[9; 32], b"w".to_vec()),
            pointer(&[9; 32], b"p".to_vec()),
        ]
    };
    alix.send_welcomes(inputs()).await.unwrap();
    alix.send_welcomes(inputs()).await.unwrap();
    let stored = alix.welcomes(&[9; 32]).await;
    let found: Vec<u64> = stored.iter().map(welcome_id).collect();
    assert_eq!(found, [1, 2]);
    node.shutdown().await;
}

#[tokio::test]
async fn bytes_after_a_message_are_kept_as_they_came() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let mut data = private_message(&group(1), APPLICATION, b"hello");
    data.extend(b"trailing");
    alix.send(data.clone()).await.unwrap();
    assert_eq!(alix.sync(&group(1)).await[0].data, data);
    node.shutdown().await;
}

#[tokio::test]
async fn newest_messages_come_one_per_group_in_the_order_asked() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    alix.send(private_message(&group(1), APPLICATION, b"a"))
        .await
        .unwrap();
    alix.send(private_message(&group(1), COMMIT, b"b"))
        .await
        .unwrap();
    alix.send(private_message(&group(2), PROPOSAL, b"c"))
        .await
        .unwrap();
    let group_ids = vec![group(2), group(3), group(1), group(2)];
    let mut newest = async |include_content| {
        let request = GetNewestGroupMessageRequest {
            group_ids: group_ids.clone(),
            include_content,
        };
        let reply = alix.mls.get_newest_group_message(request).await.unwrap();
        reply
            .into_inner()
            .responses
            .into_iter()
            .map(|response| response.group_message.map(v1))
            .collect::<Vec<_>>()
    };
    let full = newest(true).await;
    let found: Vec<_> = full.iter().map(|m| m.as_ref().map(|m| m.id)).collect();
    assert_eq!(found, [Some(3), None, Some(2), Some(3)]);
    assert_eq!(full[2].as_ref().unwrap().sender_hmac, b"hmac");
    assert!(!full[2].as_ref().unwrap().data.is_empty());
    let bare = newest(false).await;
    let found: Vec<_> = bare
        .iter()
        .map(|m| m.as_ref().map(|m| (m.id, m.is_commit)))
        .collect();
    assert_eq!(
        found,
        [Some((3, false)), None, Some((2, true)), Some((3, false))]
    );
    let message = bare[0].as_ref().unwrap();
    assert_eq!(message.group_id, group(2));
    assert!(message.created_ns > 0 && message.data.is_empty());
    assert!(message.sender_hmac.is_empty() && !message.should_push);
    node.shutdown().await;
}
