use super::*;
use crate::kinds::ReactionSchema;
use crate::message::NewMessage;
use crate::reaction::Reaction;
use crate::store::Store;
use crate::testing::{ALIX, BO, Folder, alix_account, dm, group, message_id, read, text, write};

async fn store_with_a_text(content: &'static [u8]) -> (Folder, Store) {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, move |tx| {
        tx.insert_account(&alix_account())?;
        tx.insert_conversation(&group(1), 0)?;
        let (id, target) = (message_id(1), [7; 32]);
        let message = NewMessage {
            content,
            reference_id: Some(&target),
            ..text(&id, &[1; 16], 10)
        };
        tx.insert_message(&message)
    })
    .await;
    (folder, store)
}

#[tokio::test]
async fn an_erased_message_says_nothing_and_counts_for_nothing() {
    let (_folder, store) = store_with_a_text(b"the secret").await;
    let thread = read(&store, |r| r.thread(&[1; 16])).await;
    assert_eq!(thread, "01".repeat(16));
    write(&store, move |tx| {
        tx.add_reaction(&Reaction {
            target_id: &message_id(1),
            thread: &thread,
            sender_inbox_id: BO,
            schema: ReactionSchema::Unicode,
            content: "👍",
            message_id: &message_id(1),
            sent_at_ns: 11,
        })?;
        tx.erase_message(&message_id(1), BO, Some("deleted"))
    })
    .await;
    let message = read(&store, |r| r.message(&message_id(1))).await.unwrap();
    assert_eq!(message.content, b"");
    assert_eq!(message.deleted_by_inbox_id.as_deref(), Some(BO));
    assert_eq!(message.reference_id, None);
    let summary = read(&store, |r| r.summary(&[1; 16])).await.unwrap();
    assert_eq!(summary.unread_count, 0);
    assert_eq!(summary.last_message_preview.as_deref(), Some("deleted"));
    let thread = "01".repeat(16);
    let left = read(&store, move |r| {
        r.reactions(&thread, &[message_id(1).to_vec()], ALIX)
    })
    .await;
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_masked_message_can_be_shown_again() {
    let (_folder, store) = store_with_a_text(b"still here").await;
    write(&store, |tx| {
        tx.mask_message(&message_id(1), Some(ALIX), Some("deleted"))
    })
    .await;
    write(&store, |tx| {
        tx.mask_message(&message_id(1), None, Some("hello"))
    })
    .await;
    let message = read(&store, |r| r.message(&message_id(1))).await.unwrap();
    assert_eq!(
        (message.content, message.deleted_by_inbox_id),
        (b"still here".to_vec(), None)
    );
}

#[tokio::test]
async fn a_deletion_goes_with_its_message() {
    let (_folder, store) = store_with_a_text(b"deletes").await;
    let deletion = Deletion {
        message_id: message_id(1).to_vec(),
        target_id: vec![9; 32],
        thread: "thread".into(),
        by_inbox_id: BO.into(),
        is_super_admin: true,
    };
    let stored = deletion.clone();
    write(&store, move |tx| tx.insert_deletion(&stored)).await;
    let of = |id: [u8; 32]| read(&store, move |r| r.deletions_of(&id));
    assert_eq!(of([9; 32]).await, [deletion]);
    write(&store, |tx| tx.delete_message(&message_id(1))).await;
    assert!(of([9; 32]).await.is_empty());
}

#[tokio::test]
async fn the_groups_of_a_direct_message_are_one_thread() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_account(&alix_account())?;
        tx.insert_conversation(&dm(2), 0)?;
        tx.insert_conversation(&dm(3), 0)
    })
    .await;
    let (two, three) = read(&store, |r| Ok((r.thread(&[2; 16])?, r.thread(&[3; 16])?))).await;
    assert_eq!(two, three);
    assert!(folder.0.path().exists());
}
