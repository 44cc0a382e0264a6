use super::*;
use crate::message_query::{Lines, MessagePosition, MessageQuery, PageDirection};
use crate::store::Store;
use crate::testing::{ALIX, BO, Folder, alix_account, dm, group, message_id, read, text, write};

async fn store_with_groups() -> (Folder, Store) {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_account(&alix_account())?;
        tx.insert_conversation(&group(1), 0)?;
        tx.insert_conversation(&group(2), 0)
    })
    .await;
    (folder, store)
}

fn numbers(messages: &[Message]) -> Vec<u32> {
    messages
        .iter()
        .map(|m| u32::from_be_bytes(m.id[..4].try_into().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_message_keeps_every_field_and_is_stored_once() {
    let (_folder, store) = store_with_groups().await;
    let (first, again) = write(&store, |tx| {
        let id = message_id(1);
        let full = NewMessage {
            reference_id: Some(&[5; 32]),
            sequence_id: Some(42),
            expire_at_ns: Some(1000),
            version_major: 4_294_967_295,
            version_minor: 7,
            ..text(&id, &[1; 16], 10)
        };
        let first = tx.insert_message(&full)?;
        let changed = NewMessage {
            content: b"other",
            sent_at_ns: 99,
            ..full
        };
        Ok((first, tx.insert_message(&changed)?))
    })
    .await;
    assert!(first.is_new && !again.is_new);
    assert_eq!(
        (first.row_id, first.inserted_at_ns),
        (again.row_id, again.inserted_at_ns)
    );
    let message = read(&store, |r| r.message(&message_id(1))).await.unwrap();
    let expected = Message {
        row_id: first.row_id,
        id: message_id(1).to_vec(),
        conversation_id: vec![1; 16],
        sender_inbox_id: BO.to_owned(),
        sender_installation_id: vec![9; 32],
        kind: MessageKind::Application,
        delivery: Delivery::Published,
        failure_code: None,
        sent_at_ns: 10,
        inserted_at_ns: 10,
        content: b"encoded content".to_vec(),
        authority_id: "xmtp.org".to_owned(),
        type_id: "text".to_owned(),
        version_major: 4_294_967_295,
        version_minor: 7,
        preview: Some("hello".to_owned()),
        visible: true,
        reference_id: Some(vec![5; 32]),
        sequence_id: Some(42),
        expire_at_ns: Some(1000),
        should_push: true,
        idempotency_key: "1".to_owned(),
        deleted_by_inbox_id: None,
    };
    assert!(message == expected);
    let found = read(&store, |r| r.message_by_sequence(&[1; 16], 42))
        .await
        .unwrap();
    assert!(found == expected);
    assert!(
        read(&store, |r| r.message_by_sequence(&[2; 16], 42))
            .await
            .is_none()
    );
    let printed = format!("{message:?}");
    assert!(
        !printed.contains("hello") && !printed.contains(BO),
        "{printed}"
    );
}

#[tokio::test]
async fn insertion_times_increase_whatever_the_clock_does() {
    let (folder, store) = store_with_groups().await;
    let insert = |number, clock| {
        move |tx: &mut Tx| {
            let id = message_id(number);
            let message = NewMessage {
                inserted_at_ns: clock,
                ..text(&id, &[1; 16], 1)
            };
            Ok(tx.insert_message(&message)?.inserted_at_ns)
        }
    };
    assert_eq!(write(&store, insert(1, 100)).await, 100);
    assert_eq!(write(&store, insert(2, 100)).await, 101);
    assert_eq!(write(&store, insert(3, 50)).await, 102);
    assert_eq!(write(&store, insert(4, 200)).await, 200);
    store.close().await;
    let store = folder.open();
    assert_eq!(write(&store, insert(5, 0)).await, 201);
}

#[tokio::test]
async fn delivery() {
    let (_folder, store) = store_with_groups().await;
    let delivery = |number| {
        let store = store.clone();
        async move {
            let message = read(&store, move |r| r.message(&message_id(number)))
                .await
                .unwrap();
            (message.delivery, message.failure_code)
        }
    };
    write(&store, |tx| {
        for number in [1, 2] {
            let id = message_id(number);
            let mine = NewMessage {
                sender_inbox_id: ALIX,
                delivery: Delivery::Unpublished,
                ..text(&id, &[1; 16], 10)
            };
            tx.insert_message(&mine)?;
        }
        tx.mark_message_failed(&message_id(1), "group_inactive")?;
        tx.mark_message_published(&message_id(2), 50, 7, Some(500))
    })
    .await;
    assert_eq!(
        delivery(1).await,
        (Delivery::Failed, Some("group_inactive".to_owned()))
    );
    let published = read(&store, |r| r.message(&message_id(2))).await.unwrap();
    assert_eq!(
        (
            published.sent_at_ns,
            published.sequence_id,
            published.expire_at_ns
        ),
        (50, Some(7), Some(500))
    );
    // Published stays published, and only a failed message is tried again.
    let late = store
        .write(|tx| tx.mark_message_failed(&message_id(2), "late"))
        .await;
    assert_eq!(late, Err(StoreError::NotFound("message")));
    let early = store.write(|tx| tx.requeue_message(&message_id(2))).await;
    assert_eq!(early, Err(StoreError::NotFound("message")));
    write(&store, |tx| tx.requeue_message(&message_id(1))).await;
    assert_eq!(delivery(1).await, (Delivery::Unpublished, None));
    // A failed message that turns up on the node after all is published.
    write(&store, |tx| {
        tx.mark_message_failed(&message_id(1), "timeout")?;
        tx.mark_message_published(&message_id(1), 60, 8, None)
    })
    .await;
    assert_eq!(delivery(1).await, (Delivery::Published, None));
    let unknown = store
        .write(|tx| tx.mark_message_published(&message_id(9), 1, 1, None))
        .await;
    assert_eq!(unknown, Err(StoreError::NotFound("message")));
}

#[tokio::test]
async fn query_options() {
    let (_folder, store) = store_with_groups().await;
    write(&store, |tx| {
        for number in 1..=8_u32 {
            let id = message_id(number);
            let at = i64::from(number) * 10;
            let mut message = NewMessage {
                inserted_at_ns: 1000 - at,
                ..text(&id, &[1; 16], at)
            };
            match number {
                2 => message.kind = MessageKind::MembershipChange,
                3 => message.kind = MessageKind::Gap,
                4 => message.type_id = "reaction",
                5 => message.delivery = Delivery::Failed,
                6 => message.sender_inbox_id = ALIX,
                7 => message.expire_at_ns = Some(500),
                _ => {}
            }
            tx.insert_message(&message)?;
        }
        tx.insert_message(&text(&message_id(9), &[2; 16], 45))
            .map(|_| ())
    })
    .await;
    let query = || MessageQuery {
        conversation_id: vec![1; 16],
        now_ns: 499,
        ..MessageQuery::default()
    };
    let run = |query: MessageQuery| {
        let store = store.clone();
        async move {
            let counted = query.limit.is_none().then(|| query.clone());
            let found = read(&store, move |r| r.messages(&query)).await;
            if let Some(query) = counted {
                let count = read(&store, move |r| r.count_messages(&query)).await;
                assert_eq!(count, found.len() as i64);
            }
            numbers(&found)
        }
    };
    assert_eq!(run(query()).await, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        run(MessageQuery {
            now_ns: 500,
            ..query()
        })
        .await,
        [1, 2, 3, 4, 5, 6, 8]
    );
    assert_eq!(
        run(MessageQuery {
            descending: true,
            limit: Some(2),
            ..query()
        })
        .await,
        [8, 7]
    );
    // Stored at 990, 991, ...: the clock ran backwards, the order of storing did not.
    let by_insertion = MessageQuery {
        by_insertion: true,
        descending: true,
        ..query()
    };
    assert_eq!(run(by_insertion).await, [8, 7, 6, 5, 4, 3, 2, 1]);
    let inserted = MessageQuery {
        inserted_after_ns: Some(991),
        inserted_before_ns: Some(994),
        by_insertion: true,
        ..query()
    };
    assert_eq!(run(inserted).await, [3, 4]);
    let sent = MessageQuery {
        sent_after_ns: Some(10),
        sent_before_ns: Some(40),
        ..query()
    };
    assert_eq!(run(sent).await, [2, 3]);
    let kinds = MessageQuery {
        kinds: vec![MessageKind::Gap, MessageKind::MembershipChange],
        ..query()
    };
    assert_eq!(run(kinds).await, [2, 3]);
    assert_eq!(
        run(MessageQuery {
            delivery: vec![Delivery::Failed],
            ..query()
        })
        .await,
        [5]
    );
    let reactions = MessageQuery {
        content_types: vec!["reaction".to_owned()],
        ..query()
    };
    assert_eq!(run(reactions).await, [4]);
    let texts = MessageQuery {
        exclude_content_types: vec!["reaction".to_owned()],
        ..query()
    };
    assert_eq!(run(texts).await, [1, 2, 3, 5, 6, 7, 8]);
    let others = MessageQuery {
        exclude_sender_inbox_ids: vec![BO.to_owned()],
        ..query()
    };
    assert_eq!(run(others).await, [6]);
    assert_eq!(
        run(MessageQuery {
            conversation_id: vec![7; 16],
            ..query()
        })
        .await,
        [0; 0]
    );
}

#[tokio::test]
async fn the_messages_of_stitched_dms_are_merged() {
    let (_folder, store) = store_with_groups().await;
    write(&store, |tx| {
        for number in [3_u8, 4] {
            tx.insert_conversation(&dm(number), 0)?;
        }
        for number in 0..10_u32 {
            let group = if number % 2 == 0 { [3; 16] } else { [4; 16] };
            tx.insert_message(&text(&message_id(number), &group, i64::from(number)))?;
        }
        Ok(())
    })
    .await;
    for number in [3, 4] {
        let query = MessageQuery {
            conversation_id: vec![number; 16],
            ..MessageQuery::default()
        };
        let merged = read(&store, move |r| r.messages(&query)).await;
        assert_eq!(numbers(&merged), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let page = read(&store, move |r| {
            r.message_page(&[number; 16], Lines::All, None, PageDirection::Older, 3, 0)
        })
        .await;
        assert_eq!(numbers(&page), [7, 8, 9]);
    }
}

#[tokio::test]
async fn pages_cover_every_line_once_in_both_directions() {
    let (_folder, store) = store_with_groups().await;
    write(&store, |tx| {
        for number in 0..40_u32 {
            let id = message_id(number);
            // Many equal times; every fifth is not a line of its own.
            let mut message = text(&id, &[1; 16], i64::from(number / 7));
            message.visible = number % 5 != 0;
            tx.insert_message(&message)?;
        }
        Ok(())
    })
    .await;
    let expected: Vec<u32> = (0..40).filter(|number| number % 5 != 0).collect();
    for direction in [PageDirection::Older, PageDirection::Newer] {
        let mut seen: Vec<u32> = Vec::new();
        let mut from: Option<MessagePosition> = None;
        loop {
            let page = read(&store, move |r| {
                r.message_page(&[1; 16], Lines::All, from, direction, 6, 0)
            })
            .await;
            let edge = match direction {
                PageDirection::Older => page.first(),
                PageDirection::Newer => page.last(),
            };
            let Some(edge) = edge else { break };
            from = Some(edge.position());
            match direction {
                PageDirection::Older => seen.splice(0..0, numbers(&page)).for_each(drop),
                PageDirection::Newer => seen.extend(numbers(&page)),
            }
        }
        assert_eq!(seen, expected, "{direction:?}");
    }
}

#[tokio::test]
async fn references_deletion_and_expiry() {
    let (_folder, store) = store_with_groups().await;
    write(&store, |tx| {
        let target = message_id(1);
        tx.insert_message(&text(&target, &[1; 16], 1))?;
        for number in [2, 3, 4] {
            let id = message_id(number);
            let reply = NewMessage {
                reference_id: Some(&target),
                expire_at_ns: (number > 2).then_some(i64::from(number) * 100),
                ..text(&id, &[1; 16], i64::from(number))
            };
            tx.insert_message(&reply)?;
        }
        Ok(())
    })
    .await;
    let by_bo = |r: &mut Reader| r.references_by(&message_id(1), BO, "text");
    assert_eq!(numbers(&read(&store, by_bo).await), [4, 3, 2]);
    let by_alix = |r: &mut Reader| r.references_by(&message_id(1), ALIX, "text");
    assert!(read(&store, by_alix).await.is_empty());
    let lines = read(&store, |r| r.lines_referring_to(&message_id(1), 2)).await;
    let expected = [4, 3].map(|number| (vec![1; 16], message_id(number).to_vec()));
    assert_eq!(lines, expected);
    assert_eq!(read(&store, |r| r.next_expiry_ns()).await, Some(300));
    assert_eq!(
        write(&store, |tx| tx.purge_expired_messages(299, 10))
            .await
            .len(),
        0
    );
    let purged = write(&store, |tx| tx.purge_expired_messages(1000, 1)).await;
    assert_eq!(numbers(&purged), [3]);
    assert_eq!(read(&store, |r| r.next_expiry_ns()).await, Some(400));
    assert_eq!(
        numbers(&write(&store, |tx| tx.purge_expired_messages(1000, 9)).await),
        [4]
    );
    assert_eq!(read(&store, |r| r.next_expiry_ns()).await, None);
    assert!(write(&store, |tx| tx.delete_message(&message_id(1))).await);
    assert!(!write(&store, |tx| tx.delete_message(&message_id(1))).await);
    let summary = read(&store, |r| r.summary(&[1; 16])).await.unwrap();
    assert_eq!(summary.unread_count, 1);
    assert_eq!(
        summary.last_message_id.as_deref(),
        Some(message_id(2).as_slice())
    );
}
