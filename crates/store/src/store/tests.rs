use std::sync::mpsc;

use super::*;
use crate::testing::{Folder, group, message_id, read, text, write};

#[derive(Debug, PartialEq, Eq)]
enum EngineError {
    Store(&'static str),
    Own,
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.code())
    }
}

#[tokio::test]
async fn an_error_of_the_caller_rolls_back() {
    let folder = Folder::new();
    let store = folder.open();
    let result: Result<(), EngineError> = store
        .write(|tx| {
            tx.insert_conversation(&group(1), 0)?;
            Err(EngineError::Own)
        })
        .await;
    assert_eq!(result, Err(EngineError::Own));
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_none());
}

#[tokio::test]
async fn a_broken_constraint_is_the_stores_error_and_can_be_survived() {
    let folder = Folder::new();
    let store = folder.open();
    let result: Result<(), EngineError> = store
        .write(|tx| {
            Ok(tx
                .insert_message(&text(&message_id(1), &[1; 16], 1))
                .map(|_| ())?)
        })
        .await;
    assert_eq!(result, Err(EngineError::Store("database_error")));
    write(&store, |tx| {
        tx.insert_conversation(&group(1), 0)?;
        // No such conversation; the transaction goes on.
        assert!(
            tx.insert_message(&text(&message_id(1), &[2; 16], 1))
                .is_err()
        );
        tx.insert_message(&text(&message_id(1), &[1; 16], 1))
    })
    .await;
    assert!(read(&store, |r| r.message(&message_id(1))).await.is_some());
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = Folder::new();
    let store = folder.open();
    let error = store
        .read::<(), StoreError, _>(|r| {
            use diesel::connection::SimpleConnection;
            r.with(|db| db.batch_execute("DELETE FROM conversations"))
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), "database_io");
}

#[tokio::test]
#[allow(
    clippy::async_yields_async,
    reason = "the write is held while it waits"
)]
async fn a_read_sees_one_state_while_writes_go_on() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    let (reading, is_reading) = mpsc::channel();
    let (written, is_written) = mpsc::channel();
    let slow_read = tokio::spawn({
        let store = store.clone();
        async move {
            read(&store, move |r| {
                let before = r.conversation(&[2; 16])?;
                reading.send(()).unwrap();
                is_written.recv().unwrap();
                Ok((before, r.conversation(&[2; 16])?))
            })
            .await
        }
    });
    tokio::task::spawn_blocking(move || is_reading.recv().unwrap())
        .await
        .unwrap();
    // The writer does not wait for the reader, and another reader sees the new state.
    write(&store, |tx| tx.insert_conversation(&group(2), 0)).await;
    assert!(read(&store, |r| r.conversation(&[2; 16])).await.is_some());
    written.send(()).unwrap();
    assert_eq!(slow_read.await.unwrap(), (None, None));
}

#[tokio::test]
async fn writes_run_in_the_order_of_the_calls() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    // More than the queue holds. The tasks are started in this order, and each asks for its place
    // before the next is started.
    let writes: Vec<_> = (0..500_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                write(&store, move |tx| {
                    tx.insert_message(&text(&message_id(number), &[1; 16], 5))
                })
                .await
                .row_id
            })
        })
        .collect();
    let mut rows = Vec::new();
    for write in writes {
        rows.push(write.await.unwrap());
    }
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn a_panic_in_a_read_leaves_the_readers_usable() {
    let folder = Folder::new();
    let store = folder.open();
    for _ in 0..10 {
        let error = store
            .read::<(), StoreError, _>(|r| {
                r.conversation(&[1; 16])?;
                panic!("a defect in the closure")
            })
            .await
            .unwrap_err();
        assert_eq!(error.code(), "internal_error");
    }
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_none());
}

#[tokio::test]
#[allow(
    clippy::async_yields_async,
    reason = "the write is held while it waits"
)]
async fn a_write_whose_caller_has_gone_is_still_done() {
    let folder = Folder::new();
    let store = folder.open();
    let (entered, has_entered) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    let call = tokio::spawn({
        let store = store.clone();
        async move {
            write(&store, move |tx| {
                entered.send(()).unwrap();
                may_leave.recv().unwrap();
                tx.insert_conversation(&group(1), 0)
            })
            .await;
        }
    });
    tokio::task::spawn_blocking(move || has_entered.recv().unwrap())
        .await
        .unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    leave.send(()).unwrap();
    write(&store, |_| Ok(())).await;
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_some());
}

#[tokio::test]
async fn closing_does_what_was_queued_first() {
    let folder = Folder::new();
    let store = folder.open();
    let queued: Vec<_> = (1..=50_u8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                write(&store, move |tx| tx.insert_conversation(&group(number), 0)).await;
            })
        })
        .collect();
    store.close().await;
    for write in queued {
        write.await.unwrap();
    }
    let store = folder.open();
    let listed = read(&store, |r| r.conversations(&Default::default())).await;
    assert_eq!(listed.len(), 50);
    store.close().await;
}

#[tokio::test]
async fn the_last_clone_may_be_dropped_within_a_closure() {
    let folder = Folder::new();
    let store = folder.open();
    let (written, was_written) = tokio::sync::oneshot::channel();
    let clone = store.clone();
    let mut closed = store.threads.closed.clone();
    // The future goes, with its store, once the closure is queued.
    let mut call = Box::pin(async move {
        write(&store, move |tx| {
            tx.insert_conversation(&group(1), 0)?;
            drop(clone);
            written.send(()).unwrap();
            Ok(())
        })
        .await;
    });
    assert!(poll_once(&mut call).await.is_none());
    drop(call);
    was_written.await.unwrap();
    while closed.changed().await.is_ok() {}
    assert!(
        read(&folder.open(), |r| r.conversation(&[1; 16]))
            .await
            .is_some()
    );
}

/// Polls a future once: its output if it is ready.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn durable_writes() {
    let folder = Folder::new();
    let store = folder.open();
    let synchronous = |tx: &mut Tx| {
        #[derive(diesel::QueryableByName)]
        struct Synchronous {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            synchronous: i32,
        }
        use diesel::RunQueryDsl;
        let row: Synchronous =
            tx.with(|db| diesel::sql_query("PRAGMA synchronous").get_result(db))?;
        Ok::<_, StoreError>(row.synchronous)
    };
    // 1 is NORMAL, 2 is FULL.
    assert_eq!(store.write(synchronous).await, Ok(1));
    assert_eq!(store.write_durably(synchronous).await, Ok(2));
    assert_eq!(store.write(synchronous).await, Ok(1));
}

#[tokio::test]
async fn deleting_the_files() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    let in_use = Store::delete_files(folder.database()).unwrap_err();
    assert_eq!(in_use.code(), "account_in_use");
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_some());
    store.close().await;
    std::fs::write(folder.0.path().join("alix.db-wal"), b"left by a crash").unwrap();
    for _ in 0..2 {
        Store::delete_files(folder.database()).unwrap();
        assert!(folder.files().is_empty());
    }
    Store::delete_files(folder.0.path().join("missing/alix.db")).unwrap();
    assert!(
        read(&folder.open(), |r| r.conversation(&[1; 16]))
            .await
            .is_none()
    );
}

/// Holds the writer until the sender is used, so that what is written meanwhile waits together.
async fn busy_writer(store: &Store) -> mpsc::Sender<()> {
    let (go, waits) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        write(&store, move |_| {
            begun.send(()).unwrap();
            waits.recv().unwrap();
            Ok(())
        })
        .await;
    });
    has_begun.await.unwrap();
    go
}

#[tokio::test]
#[allow(
    clippy::async_yields_async,
    reason = "the write is held while it waits"
)]
async fn writes_that_share_a_transaction_fail_alone() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    let go = busy_writer(&store).await;
    let insert = |number: u32, end: fn() -> Result<(), EngineError>| {
        let store = store.clone();
        let mut write = Box::pin(async move {
            store
                .write(move |tx| {
                    tx.insert_message(&text(&message_id(number), &[1; 16], 1))?;
                    // What a panic or an error leaves open within goes with it.
                    tx.savepoint(|tx| {
                        tx.insert_message(&text(&message_id(number + 100), &[1; 16], 1))?;
                        end()
                    })
                })
                .await
        });
        async move {
            assert!(poll_once(&mut write).await.is_none(), "it waits");
            write
        }
    };
    let fine = insert(1, || Ok(())).await;
    let refused = insert(2, || Err(EngineError::Own)).await;
    let panicked = insert(3, || panic!("a bug")).await;
    let last = insert(4, || Ok(())).await;
    go.send(()).unwrap();
    assert_eq!(fine.await, Ok(()));
    assert_eq!(refused.await, Err(EngineError::Own));
    assert_eq!(panicked.await, Err(EngineError::Store("internal_error")));
    assert_eq!(last.await, Ok(()));
    for (number, is_there) in [(1, true), (2, false), (3, false), (4, true)] {
        for id in [message_id(number), message_id(number + 100)] {
            let found = read(&store, move |r| r.message(&id)).await;
            assert_eq!(found.is_some(), is_there, "message {number}");
        }
    }
    let summary = read(&store, |r| r.summary(&[1; 16])).await.unwrap();
    assert_eq!(summary.unread_count, 4, "as many as are there");
}

#[tokio::test]
#[allow(
    clippy::async_yields_async,
    reason = "the write is held while it waits"
)]
async fn a_commit_that_fails_is_told_to_all_who_share_it() {
    let folder = Folder::new();
    let options = Options {
        max_pages: Some(120),
        ..Options::default()
    };
    let store = Store::open(folder.database(), &folder.key(), options).unwrap();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    let go = busy_writer(&store).await;
    let insert = |number: u32, bytes: usize| {
        let store = store.clone();
        let mut write = Box::pin(async move {
            store
                .write(move |tx| {
                    let content = vec![0; bytes];
                    tx.insert_message(&crate::message::NewMessage {
                        content: &content,
                        ..text(&message_id(number), &[1; 16], 1)
                    })
                    .map(drop)
                })
                .await
        });
        async move {
            assert!(poll_once(&mut write).await.is_none(), "it waits");
            write
        }
    };
    let small = insert(1, 10).await;
    let huge = insert(2, 1_000_000).await;
    go.send(()).unwrap();
    for result in [small.await, huge.await] {
        assert_eq!(result, Err(StoreError::DiskFull));
    }
    assert!(read(&store, |r| r.message(&message_id(1))).await.is_none());
    // And the next finds everything as it was.
    write(&store, |tx| {
        tx.insert_message(&text(&message_id(3), &[1; 16], 1))
    })
    .await;
}
