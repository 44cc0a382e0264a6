use std::path::Path;

use conclave_content::Body;
use conclave_content::archive::{ArchivedEntity, ArchivedState, ElementKind};
use conclave_store::{
    DatabaseKey, Options, Store, account::Account, conversation::ConversationQuery,
    kinds::RegistrationStep,
};
use zeroize::Zeroizing;

use super::*;

const MESSAGES: usize = 1500;
const NOW_NS: i64 = 1_000_000_000;

fn own() -> String {
    "a".repeat(64)
}

fn peer() -> String {
    "b".repeat(64)
}

/// Two conversations, messages of both people in both, and a decision about each.
fn elements() -> Vec<Element> {
    let group = |number: u8, kind| {
        Element::Group(ArchivedGroup {
            id: vec![number; 16],
            kind,
            created_at_ns: 5,
            creator_inbox_id: peer(),
            added_by_inbox_id: peer(),
            last_message_ns: None,
            disappearing: None,
            attributes: BTreeMap::from([("group_name".to_owned(), "Tea".to_owned())]),
            admins: Vec::new(),
            super_admins: Vec::new(),
        })
    };
    let mut elements = vec![
        Element::Metadata(Metadata {
            kinds: vec![ElementKind::Messages, ElementKind::Consent],
            exported_at_ns: NOW_NS,
            ..Metadata::default()
        }),
        group(1, ArchivedGroupKind::Group),
        group(2, ArchivedGroupKind::Dm(format!("dm:{}:{}", own(), peer()))),
    ];
    for number in 0..MESSAGES {
        let text = format!("{number} {}", "tea ".repeat(number % 60));
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        elements.push(Element::Message(ArchivedMessage {
            id,
            group_id: vec![if number % 3 == 0 { 2 } else { 1 }; 16],
            content: Body::Text(text).encode().unwrap(),
            sent_at_ns: 10 + i64::try_from(number * 7919 % MESSAGES).unwrap(),
            sender_installation_id: vec![9; 32],
            sender_inbox_id: if number % 2 == 0 { own() } else { peer() },
            is_published: true,
            content_type: conclave_content::ContentType::default(),
            reference_id: None,
            sequence_id: None,
        }));
    }
    for number in [1, 2] {
        elements.push(Element::Consent(ArchivedConsent {
            entity_kind: ArchivedEntity::Conversation,
            entity: hex::encode([number; 16]),
            state: ArchivedState::Allowed,
            consented_at_ns: 7,
        }));
    }
    elements
}

fn open(folder: &Path, max_pages: Option<u32>) -> Store {
    let options = Options {
        max_pages,
        ..Options::default()
    };
    Store::open(
        folder.join("db"),
        &DatabaseKey::from_bytes([1; 32]),
        options,
    )
    .unwrap()
}

async fn opened(folder: &Path) -> Store {
    let store = open(folder, None);
    let account = Account {
        inbox_id: own(),
        installation_id: [1; 32],
        installation_seed: Zeroizing::new([2; 32]),
        address: String::new(),
        node_url: String::new(),
        registration_step: RegistrationStep::Registered,
        pending_identity_update: None,
        wallet_key: None,
        created_at_ns: 1,
        next_key_package_rotation_ns: None,
        hmac_root_key: Zeroizing::new(vec![3; 42]),
        hmac_cycled_at_ns: 0,
    };
    let inserted = store.write(move |tx| tx.insert_account(&account));
    inserted.await.unwrap();
    store
}

/// Takes all in, or only so many batches.
async fn take_in(store: &Store, batches: usize) -> Result<Imported, EngineError> {
    let mut import = Import::new(own(), NOW_NS);
    for batch in elements().chunks(97).take(batches) {
        let batch = batch.to_vec();
        import = store
            .write(move |tx| {
                import.apply(tx, batch)?;
                Ok::<_, EngineError>(import)
            })
            .await?;
    }
    Ok(import.done)
}

/// What there is to be seen.
async fn seen(store: &Store) -> Vec<String> {
    store
        .read(|reader| {
            let query = ConversationQuery {
                consent: ConsentState::ALL.to_vec(),
                ..ConversationQuery::default()
            };
            let mut seen = Vec::new();
            for entry in reader.conversations(&query)? {
                seen.push(format!(
                    "{:?} {:?} {:?} {:?}",
                    entry.conversation,
                    entry.consent,
                    entry.summary.unread_count,
                    entry.summary.last_message_preview
                ));
            }
            let scope = conclave_store::archive::ArchiveScope::default();
            let limit = i64::try_from(MESSAGES).unwrap() + 1;
            for message in reader.messages_to_archive(0, &scope, NOW_NS, limit)? {
                seen.push(format!("{:?} {:?}", message.id, message.preview));
            }
            Ok::<_, StoreError>(seen)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn one_that_was_stopped_anywhere_is_completed_by_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path()).await;
    let done = take_in(&store, usize::MAX).await.unwrap();
    assert_eq!(done.new_messages, MESSAGES as u64);
    assert_eq!((done.new_conversations, done.changed_consents), (2, 2));
    let expected = seen(&store).await;
    assert_eq!(expected.len(), 2 + MESSAGES);
    for batches in [0, 1, 2, 9, 15] {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path()).await;
        take_in(&store, batches).await.unwrap();
        let rest = take_in(&store, usize::MAX).await.unwrap();
        assert_eq!(
            rest.new_messages + rest.known_messages,
            MESSAGES as u64,
            "{batches}"
        );
        assert_eq!(seen(&store).await, expected, "{batches}");
    }
}

#[tokio::test]
async fn a_full_disk_stops_it_and_with_space_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    opened(folder.path()).await.close().await;
    let store = open(folder.path(), Some(220));
    let error = take_in(&store, usize::MAX).await.unwrap_err();
    assert_eq!(error.code(), "disk_full");
    assert!(error.is_retryable());
    let before = seen(&store).await.len();
    assert!(before > 2 && before < MESSAGES, "{before}");
    store.close().await;
    let store = open(folder.path(), None);
    assert_eq!(seen(&store).await.len(), before);
    let done = take_in(&store, usize::MAX).await.unwrap();
    assert_eq!(done.known_messages, before as u64 - 2);
    assert_eq!(seen(&store).await.len(), 2 + MESSAGES);
}
