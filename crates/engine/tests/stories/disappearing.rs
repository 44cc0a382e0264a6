//! Messages that disappear, and what is left of deleted ones: nothing.

use std::{collections::BTreeSet, time::Duration};

use conclave_engine::{
    Draft, Event, GroupId, Lines, MessageKind, NewConversation, PageStart, Search,
};
use conclave_store::{
    DatabaseKey, Options, Store,
    conversation::Conversation,
    kinds::{ConversationKind, Delivery},
    message::NewMessage,
    search::SearchEntry,
};
use sha2::{Digest, Sha256};

use crate::{
    actor::{Actor, Town, group, until},
    disk::{bytes_on_disk, found},
};

/// The key of every actor's database.
const KEY: [u8; 32] = [1; 32];

/// A word that nobody else says.
fn word(number: usize) -> String {
    let hash = Sha256::digest(number.to_be_bytes());
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn words(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(word).collect()
}

async fn finds(person: &Actor, query: &str) -> usize {
    let search = Search {
        query: query.to_owned(),
        limit: 10,
        ..Search::default()
    };
    person.client().search(search).await.unwrap().hits.len()
}

/// A group of both in which messages disappear after so many ns.
async fn fleeting(alix: &Actor, bo: &Actor, in_ns: i64) -> GroupId {
    let new = NewConversation {
        disappearing_in_ns: Some(in_ns),
        ..group(&[bo.address()], "Fleeting")
    };
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    bo.sync().await;
    made.conversation.id
}

async fn lines(person: &Actor, id: &GroupId) -> usize {
    let page = person
        .client()
        .message_page(id, Lines::All, PageStart::Latest, 50)
        .await
        .unwrap();
    let written = page.items.iter();
    written
        .filter(|message| message.kind == MessageKind::Application)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_disappears_on_both_sides_at_its_time_without_a_sync() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = fleeting(&alix, &bo, 3_000_000_000).await;
    let mut events = bo.client().events();
    let live = [alix.client().start(), bo.client().start()];
    let before_ns = conclave_engine::Clock::now_ns(&conclave_engine::SystemClock);
    let sent = alix.client().send(&id, "Burn after reading").await.unwrap();
    until("Bo has it", || async { lines(&bo, &id).await == 1 }).await;
    let received = bo.client().message(&sent.id).await.unwrap();
    assert!(received.expire_at_ns.unwrap() >= before_ns + 3_000_000_000);
    assert_eq!(finds(&bo, "burn").await, 1);
    assert_eq!(bo.client().total_unread().await.unwrap(), 0, "a request");

    for person in [&alix, &bo] {
        until("it is gone", || async {
            person.client().message(&sent.id).await.is_err()
        })
        .await;
        assert_eq!(lines(person, &id).await, 0);
        assert_eq!(finds(person, "burn").await, 0);
        let entry = person.client().conversation(&id).await.unwrap();
        assert_ne!(
            entry.summary.last_message_preview.as_deref(),
            Some("Burn after reading")
        );
        assert_eq!(entry.summary.unread_count, 0);
    }
    let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let deleted = told.iter().filter(
        |event| matches!(event, Event::MessageDeleted { id: told, .. } if *told == sent.id),
    );
    assert_eq!(deleted.count(), 1);
    let needle = b"Burn after reading";
    for person in [&alix, &bo] {
        until("nothing is left on the disk", || async {
            let bytes = bytes_on_disk(person.folder.path(), KEY);
            !bytes.windows(needle.len()).any(|window| window == needle)
        })
        .await;
    }
    for live in live {
        live.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_while_the_app_was_closed_is_gone_before_anything_is_shown() {
    let town = Town::new().await;
    let (alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = fleeting(&alix, &bo, 60_000_000_000).await;
    alix.say(&id, "Soon gone").await;
    bo.sync().await;
    assert_eq!(lines(&bo, &id).await, 1);
    bo.close().await;
    bo.wait(Duration::from_secs(61));
    bo.reopen(&town).await;
    let entry = bo.client().conversation(&id).await.unwrap();
    assert_ne!(
        entry.summary.last_message_preview.as_deref(),
        Some("Soon gone")
    );
    // A change of the setting is for later messages only, and they stay.
    alix.client().set_disappearing(&id, None).await.unwrap();
    alix.say(&id, "I stay").await;
    bo.sync().await;
    assert_eq!(bo.messages(&id).await.last().unwrap().expire_at_ns, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_what_was_deleted_is_left_on_the_disk() {
    let town = Town::new().await;
    let (alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);
    let new = group(&[bo.address()], "Hikers");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    for number in 0..6 {
        alix.say(&id, &format!("It was {} that we met", word(number)))
            .await;
    }
    bo.sync().await;
    assert_eq!(finds(&bo, &word(0)).await, 1);
    let draft = Draft {
        text: format!("I think {}", word(6)),
        reply_to: None,
    };
    bo.client().set_draft(&id, draft).await.unwrap();
    let all = words(0..7);
    let bytes = bytes_on_disk(bo.folder.path(), KEY);
    assert_eq!(found(&bytes, &all).len(), all.len(), "the disk can be read");

    let live = bo.client().start();
    let messages = bo.messages(&id).await;
    let written = messages
        .iter()
        .filter(|message| message.kind == MessageKind::Application);
    for message in written.take(5) {
        bo.client().delete_message(&message.id).await.unwrap();
    }
    let nothing = Draft {
        text: String::new(),
        reply_to: None,
    };
    bo.client().set_draft(&id, nothing).await.unwrap();
    let kept = words([5]);
    until("nothing is left of them", || async {
        let bytes = bytes_on_disk(bo.folder.path(), KEY);
        found(&bytes, &all) == found(&bytes, &kept) && found(&bytes, &kept).len() == 1
    })
    .await;
    // Deleted by its author, for everyone.
    let last = messages.last().unwrap();
    alix.client().delete_for_everyone(&last.id).await.unwrap();
    alix.client().group_sync(&id).await.unwrap();
    until("nothing is left of any of them", || async {
        found(&bytes_on_disk(bo.folder.path(), KEY), &all).is_empty()
    })
    .await;
    bo.client().delete_conversation(&id).await.unwrap();
    live.stop().await;
    bo.close().await;
    assert!(found(&bytes_on_disk(bo.folder.path(), KEY), &all).is_empty());
}

/// Many messages over many pages of the database, in the search index and out of order, of which
/// every third expires: pages are split and joined, and segments of the index merged.
#[tokio::test(flavor = "multi_thread")]
async fn among_thousands_of_messages_too_nothing_is_left_of_those_that_expired() {
    const MESSAGES: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(conclave_engine::DATABASE_FILE);
    let key = DatabaseKey::from_bytes(KEY);
    let store = Store::open(&path, &key, Options::default()).unwrap();
    let inbox = "ab".repeat(32);
    for first in (0..MESSAGES).step_by(50) {
        let inbox = inbox.clone();
        store
            .write(move |tx| {
                if first == 0 {
                    for number in 0..40 {
                        let kind = ConversationKind::Group;
                        let id = vec![number; 16];
                        let new = Conversation::new(id, kind, inbox.clone(), inbox.clone(), 1);
                        tx.insert_conversation(&new, 0)?;
                    }
                }
                let mut entries = Vec::new();
                let mut last = 0;
                for number in first..first + 50 {
                    let text = format!("{} and {}", word(number), "x".repeat(number % 300));
                    let id = Sha256::digest(number.to_be_bytes());
                    let conversation_id = vec![u8::try_from(number % 40).unwrap(); 16];
                    let sent_at_ns = i64::try_from(number * 7919 % MESSAGES).unwrap() * 1_000_000;
                    let new = NewMessage {
                        id: &id,
                        conversation_id: &conversation_id,
                        sender_inbox_id: &inbox,
                        sender_installation_id: &[9; 32],
                        kind: MessageKind::Application,
                        delivery: Delivery::Unpublished,
                        sent_at_ns,
                        inserted_at_ns: 1,
                        content: text.as_bytes(),
                        authority_id: "xmtp.org",
                        type_id: "text",
                        version_major: 1,
                        version_minor: 0,
                        preview: Some(&text),
                        visible: true,
                        reference_id: None,
                        sequence_id: None,
                        expire_at_ns: None,
                        should_push: true,
                        idempotency_key: "1",
                    };
                    last = tx.insert_message(&new)?.row_id;
                    let expiry = (number % 3 == 0).then_some(5);
                    let sequence_id = i64::try_from(number).unwrap();
                    tx.mark_message_published(&id, sent_at_ns, sequence_id, expiry)?;
                    entries.push(SearchEntry {
                        row_id: last,
                        sent_at_ns,
                        conversation_id,
                        sender_inbox_id: inbox.clone(),
                        text,
                    });
                }
                tx.index_messages(last, entries)
            })
            .await
            .unwrap();
    }
    store.empty_log().await.unwrap();
    let all = words(0..MESSAGES);
    let bytes = bytes_on_disk(folder.path(), KEY);
    assert_eq!(found(&bytes, &all).len(), all.len(), "the disk can be read");
    loop {
        let gone = store
            .write(|tx| tx.purge_expired_messages(9, 100))
            .await
            .unwrap();
        if gone.is_empty() {
            break;
        }
    }
    assert!(store.empty_log().await.unwrap());
    let bytes = bytes_on_disk(folder.path(), KEY);
    let gone = words((0..MESSAGES).filter(|number| number % 3 == 0));
    // What SQLite leaves where rows have moved; printed, because it depends on how they moved.
    println!("{} of {} are left", found(&bytes, &gone).len(), gone.len());
    assert!(store.compact(100_000).await.unwrap());
    assert!(store.empty_log().await.unwrap());
    let bytes = bytes_on_disk(folder.path(), KEY);
    let kept = words((0..MESSAGES).filter(|number| number % 3 != 0));
    let left = found(&bytes, &gone);
    assert!(left.is_empty(), "{} of {} are left", left.len(), gone.len());
    assert_eq!(found(&bytes, &kept).len(), kept.len());
    let waiting = store.read(|reader| reader.unindexed_count()).await;
    assert_eq!(waiting.unwrap(), 0);
}
