use super::*;
use crate::store::Store;
use crate::testing::{Folder, group, message_id, read, write};

async fn store_with_groups() -> (Folder, Store) {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_conversation(&group(1), 0)?;
        tx.insert_conversation(&group(2), 0)
    })
    .await;
    (folder, store)
}

fn queue(tx: &Tx, group: u8, data: &[u8]) -> Result<i64, StoreError> {
    tx.enqueue_intent(&NewIntent {
        conversation_id: &[group; 16],
        kind: IntentKind::SendMessage,
        data,
        message_id: Some(&message_id(1)),
        created_at_ns: 5,
    })
}

fn built<'a>(payload: &'a [u8], hash: &'a [u8; 32]) -> BuiltIntent<'a> {
    BuiltIntent {
        payload,
        payload_hash: hash,
        staged_commit: Some(b"staged commit"),
        post_commit: Some(b"welcomes"),
        epoch: 3,
    }
}

#[tokio::test]
async fn an_intent_from_queue_to_done() {
    let (folder, store) = store_with_groups().await;
    let (first, second, other) = write(&store, |tx| {
        Ok((
            queue(tx, 1, b"one")?,
            queue(tx, 1, b"two")?,
            queue(tx, 2, b"three")?,
        ))
    })
    .await;
    let ids = |intents: Vec<Intent>| intents.iter().map(|intent| intent.id).collect::<Vec<_>>();
    assert_eq!(
        ids(read(&store, |r| r.intents_to_publish(&[1; 16], 100)).await),
        [first, second]
    );
    write(&store, move |tx| {
        assert_eq!(tx.intent_attempted(first)?, 1);
        tx.set_intent_data(first, b"one, again")?;
        tx.intent_published(first, &built(b"wire bytes", &[8; 32]))
    })
    .await;
    store.close().await;

    // After a crash the same bytes are sent again.
    let store = folder.open();
    assert_eq!(
        ids(read(&store, |r| r.unresolved_intents()).await),
        [first, second, other]
    );
    let published = read(&store, move |r| r.intent(first)).await.unwrap();
    let expected = Intent {
        id: first,
        conversation_id: vec![1; 16],
        kind: IntentKind::SendMessage,
        data: b"one, again".to_vec(),
        state: Published,
        message_id: Some(message_id(1).to_vec()),
        payload_hash: Some(vec![8; 32]),
        payload: Some(b"wire bytes".to_vec()),
        staged_commit: Some(b"staged commit".to_vec()),
        post_commit: Some(b"welcomes".to_vec()),
        published_in_epoch: Some(3),
        attempts: 1,
        created_at_ns: 5,
    };
    assert_eq!(published, expected);

    write(&store, move |tx| {
        tx.intent_committed(first)?;
        tx.set_intent_post_commit(first, b"one welcome left")
    })
    .await;
    let committed = read(&store, move |r| r.intent(first)).await.unwrap();
    assert_eq!(
        (committed.state, committed.staged_commit, committed.payload),
        (Committed, None, None)
    );
    assert_eq!(
        committed.post_commit.as_deref(),
        Some(b"one welcome left".as_slice())
    );
    assert_eq!(
        ids(read(&store, |r| r.intents_in_state(&[1; 16], Committed)).await),
        [first]
    );

    write(&store, move |tx| tx.intent_processed(first)).await;
    assert_eq!(read(&store, move |r| r.intent(first)).await, None, "done");
    assert_eq!(
        ids(read(&store, |r| r.unresolved_intents()).await),
        [second, other]
    );
    let newest = read(&store, |r| r.intent_of_message(&message_id(1))).await;
    assert_eq!(newest.map(|intent| intent.id), Some(other));
}

#[tokio::test]
async fn a_lost_race_is_built_again() {
    let (_folder, store) = store_with_groups().await;
    let id = write(&store, |tx| queue(tx, 1, b"commit")).await;
    write(&store, move |tx| {
        tx.intent_published(id, &built(b"old", &[1; 32]))?;
        tx.intent_to_publish(id)
    })
    .await;
    let intent = read(&store, |r| r.intents_to_publish(&[1; 16], 100))
        .await
        .remove(0);
    assert_eq!(
        (
            intent.payload,
            intent.payload_hash,
            intent.staged_commit,
            intent.post_commit,
            intent.published_in_epoch
        ),
        (None, None, None, None, None)
    );
    write(&store, move |tx| {
        tx.intent_published(id, &built(b"new", &[2; 32]))
    })
    .await;
    write(&store, move |tx| tx.intent_failed(id)).await;
    let failed = read(&store, move |r| r.intent(id)).await.unwrap();
    assert_eq!((failed.state, failed.payload), (Error, None));
    assert!(read(&store, |r| r.unresolved_intents()).await.is_empty());
}

#[tokio::test]
async fn only_the_transitions_of_the_protocol_are_possible() {
    let (_folder, store) = store_with_groups().await;
    type Step = fn(&Tx, i64) -> Result<(), StoreError>;
    const STEPS: [(&str, Step); 7] = [
        ("publish", |tx, id| {
            tx.intent_published(id, &built(b"p", &[1; 32]))
        }),
        ("requeue", |tx, id| tx.intent_to_publish(id)),
        ("commit", |tx, id| tx.intent_committed(id)),
        ("process", |tx, id| tx.intent_processed(id)),
        ("fail", |tx, id| tx.intent_failed(id)),
        ("data", |tx, id| tx.set_intent_data(id, b"d")),
        ("post-commit", |tx, id| tx.set_intent_post_commit(id, b"w")),
    ];
    let start: [(&[usize], &[&str]); 5] = [
        (&[], &["publish", "requeue", "process", "fail", "data"]),
        (&[0], &["requeue", "commit", "process", "fail"]),
        (&[0, 2], &["process", "fail", "post-commit"]),
        (&[3], &[]),
        (&[4], &[]),
    ];
    for (path, possible) in start {
        for (name, step) in STEPS {
            let result = store
                .write(move |tx| {
                    let id = queue(tx, 1, b"x")?;
                    for index in path {
                        STEPS[*index].1(tx, id)?;
                    }
                    Ok::<_, StoreError>(step(tx, id))
                })
                .await
                .unwrap();
            let expected = if possible.contains(&name) {
                Ok(())
            } else {
                Err(StoreError::IntentState)
            };
            assert_eq!(result, expected, "{name} after {path:?}");
        }
    }
}

#[tokio::test]
async fn intents_go_with_their_conversation_and_old_ones_are_pruned() {
    let (_folder, store) = store_with_groups().await;
    let (gone, given_up, open) = write(&store, |tx| {
        let ids = (
            queue(tx, 2, b"gone")?,
            queue(tx, 1, b"given up")?,
            queue(tx, 1, b"open")?,
        );
        tx.intent_failed(ids.1)?;
        tx.delete_conversation(&[2; 16])?;
        Ok(ids)
    })
    .await;
    assert_eq!(read(&store, move |r| r.intent(gone)).await, None);
    assert_eq!(write(&store, |tx| tx.prune_intents(5)).await, 0);
    assert_eq!(write(&store, |tx| tx.prune_intents(6)).await, 1);
    assert_eq!(read(&store, move |r| r.intent(given_up)).await, None);
    assert!(read(&store, move |r| r.intent(open)).await.is_some());
    let unknown = store.write(|tx| queue(tx, 9, b"no such group")).await;
    assert_eq!(unknown.unwrap_err().code(), "database_error");
}
