//! The stored projection against one computed from the rows.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::message::{Message, NewMessage};
use crate::store::Store;
use crate::testing::{ALIX, BO, Folder, alix_account, dm, group, message_id, text};

/// What a test does to the conversations 1 (a group) and 2 and 3 (DMs with one person).
#[derive(Debug, Clone)]
enum Step {
    Insert {
        conversation: u8,
        number: u32,
        at_ns: i64,
        form: Form,
    },
    Publish {
        number: u32,
        at_ns: i64,
    },
    Fail {
        number: u32,
    },
    Requeue {
        number: u32,
    },
    Mask {
        number: u32,
        present: bool,
    },
    Delete {
        number: u32,
    },
    Purge {
        now_ns: i64,
    },
    MarkRead {
        conversation: u8,
        up_to_ns: i64,
    },
    Look {
        conversation: u8,
    },
    Savepoint {
        steps: Vec<Step>,
        undone: bool,
    },
    DeleteConversation {
        conversation: u8,
    },
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Foreign,
    Own,
    Reaction,
    MembershipChange,
    Gap,
    Expiring,
}

fn step() -> impl Strategy<Value = Step> {
    let conversation = 1..=3_u8;
    let number = 0..12_u32;
    let at_ns = 1..30_i64;
    let form = prop_oneof![
        4 => Just(Form::Foreign),
        2 => Just(Form::Own),
        1 => Just(Form::Reaction),
        1 => Just(Form::MembershipChange),
        1 => Just(Form::Gap),
        1 => Just(Form::Expiring),
    ];
    let simple = prop_oneof![
        10 => (conversation.clone(), number.clone(), at_ns.clone(), form).prop_map(
            |(conversation, number, at_ns, form)| Step::Insert { conversation, number, at_ns, form }
        ),
        2 => (number.clone(), at_ns.clone())
            .prop_map(|(number, at_ns)| Step::Publish { number, at_ns }),
        2 => number.clone().prop_map(|number| Step::Fail { number }),
        1 => number.clone().prop_map(|number| Step::Requeue { number }),
        1 => (number.clone(), any::<bool>())
            .prop_map(|(number, present)| Step::Mask { number, present }),
        1 => number.prop_map(|number| Step::Delete { number }),
        1 => at_ns.clone().prop_map(|now_ns| Step::Purge { now_ns }),
        2 => (conversation.clone(), at_ns)
            .prop_map(|(conversation, up_to_ns)| Step::MarkRead { conversation, up_to_ns }),
        2 => conversation.clone().prop_map(|conversation| Step::Look { conversation }),
        1 => (2..=3_u8).prop_map(|conversation| Step::DeleteConversation { conversation }),
    ];
    simple.prop_recursive(2, 8, 4, |inner| {
        (prop::collection::vec(inner, 1..4), any::<bool>())
            .prop_map(|(steps, undone)| Step::Savepoint { steps, undone })
    })
}

fn insert(tx: &Tx, conversation: u8, number: u32, at: i64, form: Form) -> Result<(), StoreError> {
    let (id, conversation) = (message_id(number), [conversation; 16]);
    if tx.conversation(&conversation)?.is_none() {
        return Ok(());
    }
    let preview = format!("preview {number}");
    let mut new = NewMessage {
        preview: Some(&preview),
        ..text(&id, &conversation, at)
    };
    match form {
        Form::Foreign => {}
        Form::Own => {
            new.sender_inbox_id = ALIX;
            new.delivery = Delivery::Unpublished;
        }
        Form::Reaction => new.visible = false,
        Form::MembershipChange => {
            new.kind = MessageKind::MembershipChange;
            new.preview = None;
        }
        Form::Gap => new.kind = MessageKind::Gap,
        Form::Expiring => new.expire_at_ns = Some(at + 5),
    }
    tx.insert_message(&new).map(|_| ())
}

fn found<T>(result: Result<T, StoreError>) -> Result<(), StoreError> {
    match result {
        Ok(_) | Err(StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn run(tx: &mut Tx, step: &Step) -> Result<(), StoreError> {
    match *step {
        Step::Insert {
            conversation,
            number,
            at_ns,
            form,
        } => insert(tx, conversation, number, at_ns, form),
        Step::Publish { number, at_ns } => {
            found(tx.mark_message_published(&message_id(number), at_ns, 1, None))
        }
        Step::Fail { number } => found(tx.mark_message_failed(&message_id(number), "test")),
        Step::Requeue { number } => found(tx.requeue_message(&message_id(number))),
        Step::Mask { number, present } => {
            let preview = present.then_some("deleted");
            found(tx.mask_message(&message_id(number), Some(BO), preview))
        }
        Step::Delete { number } => found(tx.delete_message(&message_id(number))),
        Step::Purge { now_ns } => found(tx.purge_expired_messages(now_ns, 3)),
        Step::MarkRead {
            conversation,
            up_to_ns,
        } => found(tx.mark_read(&[conversation; 16], up_to_ns)),
        Step::Look { conversation } => found(tx.summary(&[conversation; 16])),
        Step::DeleteConversation { conversation } => {
            found(tx.delete_conversation(&[conversation; 16]))
        }
        Step::Savepoint { ref steps, undone } => {
            let result = tx.savepoint(|tx| {
                steps.iter().try_for_each(|step| run(tx, step))?;
                if undone {
                    Err(StoreError::NotFound("test"))
                } else {
                    Ok(())
                }
            });
            found(result)
        }
    }
}

/// The projection as the rows say, with the read position and `last_message_ns` taken as stored.
fn recomputed(summaries: &[Summary], rows: &[Message]) -> Vec<Summary> {
    let read_up_to_ns = summaries.iter().map(|s| s.read_up_to_ns).max().unwrap_or(0);
    let winner = summaries
        .iter()
        .max_by_key(|s| (s.last_message_ns, s.conversation_id.clone()))
        .map(|s| s.conversation_id.clone());
    let newest = rows
        .iter()
        .filter(|m| m.preview.is_some())
        .max_by_key(|m| (m.sent_at_ns, m.row_id));
    let unread = rows.iter().filter(|m| {
        m.visible
            && m.kind == MessageKind::Application
            && m.deleted_by_inbox_id.is_none()
            && m.sender_inbox_id == BO
            && m.sent_at_ns > read_up_to_ns
    });
    let unread_count = i64::try_from(unread.count()).unwrap();
    let failed = rows
        .iter()
        .filter(|m| m.delivery == Delivery::Failed && m.visible)
        .count();
    summaries
        .iter()
        .map(|stored| Summary {
            conversation_id: stored.conversation_id.clone(),
            kind: stored.kind,
            is_duplicate: winner.as_ref() != Some(&stored.conversation_id),
            created_at_ns: stored.created_at_ns,
            last_message_ns: stored.last_message_ns,
            last_activity_ns: newest.map_or(stored.created_at_ns, |m| m.sent_at_ns),
            last_message_id: newest.map(|m| m.id.clone()),
            last_message_preview: newest.and_then(|m| m.preview.clone()),
            last_message_sender_inbox_id: newest.map(|m| m.sender_inbox_id.clone()),
            last_message_kind: newest.map(|m| m.kind),
            last_message_delivery: newest.map(|m| m.delivery),
            last_message_sent_at_ns: newest.map(|m| m.sent_at_ns),
            unread_count,
            failed_count: i64::try_from(failed).unwrap(),
            read_up_to_ns,
            is_hidden: false,
        })
        .collect()
}

fn check(reader: &Reader) -> Result<(), StoreError> {
    for ids in [&[1_u8][..], &[2, 3]] {
        let mut summaries = Vec::new();
        for id in ids {
            summaries.extend(reader.summary(&[*id; 16])?);
        }
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| vec![*id; 16]).collect();
        let rows = reader.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq_any(&keys))
                .select(Message::as_select())
                .load(db)
        })?;
        assert_eq!(summaries, recomputed(&summaries, &rows));
        for row in &rows {
            let own = summaries
                .iter()
                .find(|s| s.conversation_id == row.conversation_id)
                .unwrap();
            // Until a message is published its time is the one it was inserted with.
            if row.delivery != Delivery::Published {
                assert!(own.last_message_ns >= row.sent_at_ns);
            }
        }
    }
    Ok(())
}

async fn story(store: &Store, transactions: Vec<(Vec<Step>, bool)>) {
    store
        .write(|tx| {
            tx.insert_account(&alix_account())?;
            tx.insert_conversation(&group(1), 0)?;
            tx.insert_conversation(&dm(2), 3)?;
            tx.insert_conversation(&dm(3), 0)
        })
        .await
        .unwrap();
    for (steps, undone) in transactions {
        let before = all_summaries(store).await;
        let result = store
            .write(move |tx| {
                steps.iter().try_for_each(|step| run(tx, step))?;
                // Once in every other story also within the transaction.
                if steps.len() % 2 == 0 {
                    check(tx)?;
                }
                if undone {
                    Err(StoreError::NotFound("test"))
                } else {
                    Ok(())
                }
            })
            .await;
        assert_eq!(result.is_err(), undone, "{result:?}");
        store.read(|r| check(r)).await.unwrap();
        if undone {
            assert_eq!(all_summaries(store).await, before);
        }
    }
}

async fn all_summaries(store: &Store) -> HashMap<u8, Option<Summary>> {
    let read = store.read::<_, StoreError, _>(|r| {
        (1..=3_u8)
            .map(|id| Ok((id, r.summary(&[id; 16])?)))
            .collect()
    });
    read.await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn projections_equal_their_recomputation(
        transactions in prop::collection::vec(
            (prop::collection::vec(step(), 1..12), prop::bool::weighted(0.15)),
            1..8,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = Folder::new();
        runtime.block_on(async {
            let store = folder.open();
            story(&store, transactions).await;
            store.close().await;
        });
    }
}

#[tokio::test]
async fn reading_moves_forward_only() {
    let folder = Folder::new();
    let store = folder.open();
    let unread = |store: &Store| {
        let store = store.clone();
        async move {
            let read = store.read::<_, StoreError, _>(|r| r.summary(&[1; 16]));
            read.await.unwrap().unwrap().unread_count
        }
    };
    store
        .write::<_, StoreError, _>(|tx| {
            tx.insert_account(&alix_account())?;
            tx.insert_conversation(&group(1), 0)?;
            for number in 1..=5 {
                tx.insert_message(&text(&message_id(number), &[1; 16], i64::from(number)))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(unread(&store).await, 5);
    assert_eq!(store.write(|tx| tx.mark_read(&[1; 16], 3)).await, Ok(true));
    assert_eq!(unread(&store).await, 2);
    assert_eq!(store.write(|tx| tx.mark_read(&[1; 16], 2)).await, Ok(false));
    assert_eq!(unread(&store).await, 2);
    // A message that arrives with a time that is read already does not count.
    let late = store
        .write(|tx| tx.insert_message(&text(&message_id(9), &[1; 16], 1)))
        .await;
    assert!(late.unwrap().is_new);
    assert_eq!(unread(&store).await, 2);
    assert_eq!(store.write(|tx| tx.mark_read(&[8; 16], 2)).await, Ok(false));
}
