//! History written to a file and taken in again.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use conclave_content::archive::{
    ArchiveKey, ArchiveWriter, ArchivedConsent, ArchivedEntity, ArchivedGroup, ArchivedGroupKind,
    ArchivedMessage, ArchivedState, Element, Metadata,
};
use conclave_engine::{
    ArchiveScope, ArchiveSecret, ConsentState, EngineError, Exported, GroupId, Imported,
    MembershipState, Protection, Search, printed_key,
};
use zeroize::Zeroizing;

use crate::actor::{Actor, Town, group_of, until};

const PASSPHRASE: &str = "a long walk by the sea";

fn passphrase(text: &str) -> ArchiveSecret {
    ArchiveSecret::Passphrase(Zeroizing::new(text.to_owned()))
}

fn file(person: &Actor, name: &str) -> PathBuf {
    person.folder.path().join(name)
}

async fn export(person: &Actor, path: &Path) -> Exported {
    let protection = Protection::Passphrase(Zeroizing::new(PASSPHRASE.to_owned()));
    let client = person.client();
    let scope = ArchiveScope::default();
    let done = client.export_archive(path, protection, scope, None).await;
    done.unwrap()
}

async fn import(person: &Actor, path: &Path) -> Result<Imported, EngineError> {
    let client = person.client();
    client
        .import_archive(path, passphrase(PASSPHRASE), None)
        .await
}

/// An archive of these elements, and its key.
fn crafted(person: &Actor, exported_at_ns: i64, elements: &[Element]) -> (PathBuf, ArchiveSecret) {
    let key = ArchiveKey::new([4; 32]);
    let metadata = Metadata {
        exported_at_ns,
        ..Metadata::default()
    };
    let mut writer = ArchiveWriter::new(&key, [1; 12], &metadata, false).unwrap();
    for element in elements {
        writer.write(element).unwrap();
    }
    let bytes = writer.finish(&person.inbox_id()).unwrap();
    let path = file(person, "crafted");
    std::fs::write(&path, bytes).unwrap();
    (path, ArchiveSecret::Key(key))
}

async fn consent(person: &Actor, id: &GroupId) -> ConsentState {
    person.client().conversation(id).await.unwrap().consent
}

fn decision(id: &GroupId, state: ArchivedState, consented_at_ns: i64) -> Element {
    Element::Consent(ArchivedConsent {
        entity_kind: ArchivedEntity::Conversation,
        entity: hex::encode(id),
        state,
        consented_at_ns,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_has_the_past_from_a_file_and_the_present_once_it_is_added() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    bo.sync().await;
    alix.say(&id, "Where to?").await;
    bo.say(&id, "The lighthouse").await;
    bo.say(&dm, "Only for you").await;
    alix.sync().await;
    let lighthouse = alix.messages(&id).await.pop().unwrap();
    alix.client()
        .react(&lighthouse.id, "👍", true)
        .await
        .unwrap();
    alix.sync().await;
    let said = alix.texts(&id).await;

    let path = file(&alix, "history");
    let written = export(&alix, &path).await;
    assert_eq!((written.conversations, written.left_out), (2, 0));
    assert_eq!(written.bytes, std::fs::metadata(&path).unwrap().len());
    assert!(written.key.is_none());
    let held = std::fs::read(&path).unwrap();
    assert!(!held.windows(10).any(|part| part == b"lighthouse"));

    let phone = town.device("Alix", "phone").await;
    let client = phone.client();
    let mut streamed = Box::pin(client.stream_all_messages(Vec::new()).await.unwrap());
    let summary = client.inspect_archive(&path, passphrase(PASSPHRASE), None);
    let summary = summary.await.unwrap();
    assert_eq!(summary.conversations, 2);
    assert_eq!(summary.messages, written.messages);
    assert_eq!(summary.consents, written.consents);
    assert!(summary.is_sealed && summary.skipped == 0);
    assert!(
        phone.listed(&[]).await.is_empty(),
        "looking changes nothing"
    );

    let done = import(&phone, &path).await.unwrap();
    assert_eq!(done.new_conversations, 2);
    assert_eq!(done.new_messages, written.messages);
    assert_eq!((done.known_messages, done.skipped), (0, 0));
    assert_eq!(phone.texts(&id).await, said);
    let entry = client.conversation(&id).await.unwrap();
    assert_eq!(entry.conversation.name, "Hikers");
    assert_eq!(
        entry.conversation.membership_state,
        MembershipState::Restored
    );
    assert!(!entry.conversation.is_active);
    assert_eq!(entry.consent, ConsentState::Allowed);
    assert_eq!(entry.summary.unread_count, 0);
    assert_eq!(
        entry.summary.last_message_preview.as_deref(),
        Some("The lighthouse")
    );
    assert_eq!(phone.texts(&dm).await, ["Only for you"]);
    let peer = client.conversation(&dm).await.unwrap().conversation;
    assert_eq!(peer.peer_inbox_id, Some(bo.inbox_id()));
    let line = client.message(&lighthouse.id).await.unwrap();
    let line = client.annotated(vec![line]).await.unwrap().remove(0);
    assert_eq!(line.reactions.len(), 1);
    let search = Search {
        query: "lighthouse".into(),
        limit: 10,
        ..Search::default()
    };
    assert_eq!(client.search(search.clone()).await.unwrap().hits.len(), 1);

    let again = import(&phone, &path).await.unwrap();
    assert_eq!((again.new_conversations, again.new_messages), (0, 0));
    assert_eq!(again.known_conversations, 2);
    assert_eq!(again.known_messages, written.messages);
    assert_eq!(again.changed_consents, 0);
    assert_eq!(phone.texts(&id).await, said);
    assert_eq!(client.search(search).await.unwrap().hits.len(), 1);

    let refused = client.send(&id, "Can anybody hear me?").await.unwrap_err();
    assert_eq!(refused.code(), "conversation_inactive");
    assert!(refused.to_string().contains("comes from a file"));
    phone.sync().await;
    client.group_sync(&dm).await.unwrap();
    for answer in [
        client.list_members(&id).await.map(drop),
        client.group_sync(&id).await.map(drop),
        client.send(&dm, "And here?").await.map(drop),
    ] {
        assert_eq!(answer.unwrap_err().code(), "conversation_inactive");
    }
    assert_eq!(phone.texts(&id).await, said, "nothing is lost by that");

    until("the phone is in the group", || async {
        alix.say(&id, "Coming").await;
        phone.sync().await;
        client
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .is_active
    })
    .await;
    alix.say(&id, "At nine").await;
    phone.sync().await;
    let now = phone.texts(&id).await;
    assert_eq!(now[..said.len()], said);
    assert_eq!(now.last().unwrap(), "At nine");
    assert_eq!(now.iter().filter(|text| *text == "Where to?").count(), 1);
    phone.say(&id, "See you there").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await.last().unwrap(), "See you there");
    // Who follows what arrives got what came from the network, and nothing of the file.
    let first = futures::StreamExt::next(&mut streamed)
        .await
        .unwrap()
        .unwrap();
    assert!(!said.contains(&first.preview.unwrap_or_default()));
    // And taken in once more, now that the group is alive.
    import(&phone, &path).await.unwrap();
    assert!(
        client
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .is_active
    );
    phone.say(&id, "Still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_decision_counts_by_its_own_time_and_not_by_that_of_the_import() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let path = file(&alix, "history");
    export(&alix, &path).await;
    let deny = alix
        .client()
        .set_conversation_consent(&id, ConsentState::Denied);
    deny.await.unwrap();
    let denied_at = alix.client().conversation(&id).await.unwrap();
    assert_eq!(denied_at.consent, ConsentState::Denied);
    import(&alix, &path).await.unwrap();
    assert_eq!(consent(&alix, &id).await, ConsentState::Denied);

    // A file that claims to know a later decision than it can.
    let (allowed, now_ns) = (ArchivedState::Allowed, denied_at.summary.created_at_ns);
    for claimed_ns in [i64::MAX, now_ns + 365 * 86_400_000_000_000] {
        let claim = decision(&id, allowed, claimed_ns);
        let (path, key) = crafted(&alix, now_ns, &[claim]);
        let done = alix
            .client()
            .import_archive(&path, key, None)
            .await
            .unwrap();
        assert_eq!(done.changed_consents, 0);
        assert_eq!(consent(&alix, &id).await, ConsentState::Denied);
    }
    // One that is older, and one that is newer.
    let (path, key) = crafted(&alix, i64::MAX, &[decision(&id, allowed, 5)]);
    alix.client()
        .import_archive(&path, key, None)
        .await
        .unwrap();
    assert_eq!(consent(&alix, &id).await, ConsentState::Denied);
    let later_ns = now_ns + 60_000_000_000;
    let (path, key) = crafted(&alix, later_ns, &[decision(&id, allowed, later_ns)]);
    alix.client()
        .import_archive(&path, key, None)
        .await
        .unwrap();
    assert_eq!(consent(&alix, &id).await, ConsentState::Allowed);
    // A decision of the person goes before it all the same, though their clock is behind.
    let deny = alix
        .client()
        .set_conversation_consent(&id, ConsentState::Denied);
    deny.await.unwrap();
    assert_eq!(consent(&alix, &id).await, ConsentState::Denied);
    // Of a tie the block stays.
    let (path, key) = crafted(&alix, later_ns, &[decision(&id, allowed, later_ns + 1)]);
    alix.client()
        .import_archive(&path, key, None)
        .await
        .unwrap();
    assert_eq!(consent(&alix, &id).await, ConsentState::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_direct_message_of_a_blocked_person_stays_blocked() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let dm = bo.client().create_dm(&alix.address()).await.unwrap();
    let dm = dm.conversation.id;
    alix.sync().await;
    let deny = alix
        .client()
        .set_conversation_consent(&dm, ConsentState::Denied);
    deny.await.unwrap();
    let path = file(&alix, "history");
    export(&alix, &path).await;
    let phone = town.device("Alix", "phone").await;
    import(&phone, &path).await.unwrap();
    assert_eq!(consent(&phone, &dm).await, ConsentState::Denied);
    assert!(phone.listed(&[]).await.is_empty());
    assert_eq!(phone.listed(&[ConsentState::Denied]).await, [dm]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_damaged_locked_or_somebody_elses_changes_nothing() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.say(&id, "Where to?").await;
    let path = file(&alix, "history");
    export(&alix, &path).await;
    let bytes = std::fs::read(&path).unwrap();
    let phone = town.device("Alix", "phone").await;
    let client = phone.client();
    let tried = async |name: &str, bytes: &[u8], secret: ArchiveSecret| {
        let path = file(&phone, name);
        std::fs::write(&path, bytes).unwrap();
        let error = client
            .import_archive(&path, secret, None)
            .await
            .unwrap_err();
        assert!(phone.listed(&[]).await.is_empty(), "{name}");
        error.code()
    };
    let right = || passphrase(PASSPHRASE);
    for length in [bytes.len() - 1, bytes.len() / 2, 120] {
        let code = tried("cut", &bytes[..length], right()).await;
        assert_eq!(code, "archive_truncated", "{length}");
    }
    let mut damaged = bytes.clone();
    let middle = bytes.len() - 60;
    damaged[middle] ^= 1;
    assert_eq!(tried("damaged", &damaged, right()).await, "archive_damaged");
    let wrong = passphrase("a short walk by the sea");
    assert_eq!(tried("locked", &bytes, wrong).await, "archive_wrong_key");
    let key = || ArchiveSecret::Key(ArchiveKey::new([0; 32]));
    assert_eq!(tried("kind", &bytes, key()).await, "archive_secret_kind");
    assert_eq!(tried("text", b"Dear diary", key()).await, "not_an_archive");
    assert_eq!(
        tried("text", b"Dear diary, today", right()).await,
        "not_an_archive"
    );
    let gone = file(&phone, "gone");
    let gone = client.import_archive(&gone, right(), None).await;
    assert_eq!(gone.unwrap_err().code(), "file_unreadable");

    // The history of Alix is nothing for Bo.
    let foreign = import(&bo, &path).await.unwrap_err();
    assert_eq!(foreign.code(), "archive_foreign");
    // Nor is one that official clients made for somebody else, which does not say whose it is.
    let vector = include_str!("../../../content/tests/vectors/archive.json");
    let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        vector["archive"].as_str().unwrap(),
    );
    let key = conclave_engine::read_printed_key(vector["key"].as_str().unwrap()).unwrap();
    let code = tried("official", &bytes.unwrap(), ArchiveSecret::Key(key)).await;
    assert_eq!(code, "archive_foreign");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_as_a_whole_or_not_at_all_and_a_printed_key_opens_it() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.say(&id, "Where to?").await;
    let client = alix.client();
    let path = file(&alix, "history");
    let scope = ArchiveScope::default;
    let weak = Protection::Passphrase(Zeroizing::new("1234567".to_owned()));
    let refused = client.export_archive(&path, weak, scope(), None).await;
    assert_eq!(refused.unwrap_err().code(), "archive_passphrase_short");
    assert!(!path.exists());

    let key = Protection::PrintedKey;
    let written = client
        .export_archive(&path, key.clone(), scope(), None)
        .await;
    let printed = printed_key(&written.unwrap().key.unwrap());
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[..2], [0, 0], "as official clients write it");
    let over = client
        .export_archive(&path, key.clone(), scope(), None)
        .await;
    assert_eq!(over.unwrap_err().code(), "file_unwritable");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let nowhere = file(&alix, "no/such/folder");
    let nowhere = client.export_archive(&nowhere, key, scope(), None).await;
    assert_eq!(nowhere.unwrap_err().code(), "file_unwritable");

    let phone = town.device("Alix", "phone").await;
    let secret = ArchiveSecret::Key(conclave_engine::read_printed_key(&printed).unwrap());
    let wrong = phone
        .client()
        .inspect_archive(&path, passphrase(PASSPHRASE), None);
    assert_eq!(wrong.await.unwrap_err().code(), "archive_secret_kind");
    let done = phone.client().import_archive(&path, secret, None).await;
    assert_eq!(done.unwrap().new_messages, 1);
    assert_eq!(phone.texts(&id).await, ["Where to?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_disappeared_does_not_come_back_and_nonsense_is_counted() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    let own = alix.inbox_id();
    let now_ns = alix_now();
    let (hour, day) = (3_600_000_000_000, 86_400_000_000_000);
    let group = Element::Group(ArchivedGroup {
        id: vec![5; 16],
        kind: ArchivedGroupKind::Group,
        created_at_ns: 1,
        creator_inbox_id: own.clone(),
        added_by_inbox_id: own.clone(),
        last_message_ns: None,
        disappearing: Some((1, hour)),
        attributes: std::collections::BTreeMap::new(),
        admins: Vec::new(),
        super_admins: Vec::new(),
    });
    let message = |number: u8, group: u8, sent_at_ns: i64, is_published: bool| {
        Element::Message(ArchivedMessage {
            id: [number; 32],
            group_id: vec![group; 16],
            content: vec![number; 10],
            sent_at_ns,
            sender_installation_id: vec![1; 32],
            sender_inbox_id: own.clone(),
            is_published,
            content_type: conclave_content::ContentType::default(),
            reference_id: None,
            sequence_id: None,
        })
    };
    let elements = [
        group,
        message(1, 5, now_ns - day, true),
        message(2, 5, now_ns - hour / 2, true),
        message(3, 5, now_ns + 2 * day, true),
        message(4, 5, -1, true),
        message(5, 5, now_ns - 1, false),
        message(6, 6, now_ns - 1, true),
    ];
    let (path, key) = crafted(&alix, now_ns, &elements);
    let done = alix
        .client()
        .import_archive(&path, key, None)
        .await
        .unwrap();
    assert_eq!(done.new_conversations, 1);
    assert_eq!(done.new_messages, 1);
    assert_eq!(done.expired_messages, 1);
    assert_eq!(done.skipped, 4);
    let here = alix.messages(&vec![5; 16]).await;
    assert_eq!(here.len(), 1);
    assert_eq!(here[0].expire_at_ns, Some(now_ns + hour / 2));
    // It goes at its time like any other.
    alix.wait(Duration::from_secs(3600));
    let mut alix = alix;
    alix.restart(&town).await;
    assert!(alix.messages(&vec![5; 16]).await.is_empty());
}

fn alix_now() -> i64 {
    conclave_engine::Clock::now_ns(&conclave_engine::SystemClock)
}
