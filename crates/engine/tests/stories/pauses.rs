//! Groups that demand another version of the app, and groups that are not entered at all.

use conclave_engine::{DATABASE_FILE, DatabaseKey, EngineError, GroupId, MetadataChange};
use conclave_mls::extensions::ATTRIBUTE_MINIMUM_VERSION;
use conclave_store::{Options, Store, conversation::ConversationChange};

use crate::{
    actor::{Actor, Town, agree, group_of},
    hostile::{Hostile, Raw},
    hostile_members::counted,
};

async fn paused_for(person: &Actor, id: &GroupId) -> Option<String> {
    let entry = person.client().conversation(id).await.unwrap();
    entry.conversation.paused_for_version
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_demands_a_newer_version_pauses_the_group() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let caro = town.person("Caro").await;
    let id = group_of(&alix, &[&bo]).await;
    alix.say(&id, "before").await;
    bo.sync().await;
    let (caro_inbox, caro_device) = (caro.inbox_id(), caro.client().account().installation_id);
    let alix = Hostile::of(alix, &town).await;
    alix.does(&id, |state| {
        Raw::default().attribute(state, ATTRIBUTE_MINIMUM_VERSION, "1.99.0")
    })
    .await;
    alix.writes(&id, "after").await;

    bo.sync().await;
    assert_eq!(paused_for(&bo, &id).await.as_deref(), Some("1.99.0"));
    let debug = bo.client().group_debug(&id).await.unwrap();
    bo.sync().await;
    assert_eq!(
        bo.client().group_debug(&id).await.unwrap(),
        debug,
        "it stays before it"
    );
    assert_eq!(bo.texts(&id).await, ["before"]);
    let error = bo.client().send(&id, "hello?").await.unwrap_err();
    assert_eq!(error.code(), "conversation_paused");
    assert!(error.to_string().contains("1.99.0"));
    let change = MetadataChange {
        name: Some("x".into()),
        ..MetadataChange::default()
    };
    let error = bo.client().update_metadata(&id, change).await.unwrap_err();
    assert_eq!(error.code(), "conversation_paused");

    // Who is welcomed into such a group waits too, and sees why.
    let package = alix.key_package(&caro_device).await;
    let sequence_id = town.newest_update(&caro_inbox).await;
    alix.does(&id, |state| {
        Raw::default()
            .membership(state, |membership| {
                membership.members.insert(caro_inbox.clone(), sequence_id);
            })
            .add(package)
    })
    .await;
    caro.sync().await;
    assert_eq!(caro.only_conversation().await, id);
    assert_eq!(paused_for(&caro, &id).await.as_deref(), Some("1.99.0"));
    alix.writes(&id, "for Caro").await;
    caro.sync().await;
    assert!(caro.texts(&id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_when_the_version_suffices() {
    let town = Town::new().await;
    let (alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    // As an older version left it.
    bo.close().await;
    let path = bo.folder.path().join(DATABASE_FILE);
    let key = DatabaseKey::from_bytes([1; 32]);
    let store = Store::open(path, &key, Options::default()).unwrap();
    let group_id = id.clone();
    store
        .write(move |tx| {
            let change = ConversationChange {
                paused_for_version: Some(Some("1.7.0".to_owned())),
                ..ConversationChange::default()
            };
            tx.update_conversation(&group_id, &change)?;
            Ok::<_, EngineError>(())
        })
        .await
        .unwrap();
    store.close().await;
    bo.reopen(&town).await;
    assert_eq!(paused_for(&bo, &id).await.as_deref(), Some("1.7.0"));
    alix.say(&id, "are you there?").await;
    bo.sync().await;
    assert_eq!(paused_for(&bo, &id).await, None);
    assert_eq!(bo.texts(&id).await, ["are you there?"]);
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_list_and_tree_disagree_is_not_entered() {
    let town = Town::new().await;
    let (alix, davon) = (town.person("Alix").await, town.person("Davon").await);
    let id = group_of(&alix, &[]).await;
    let device = davon.client().account().installation_id;
    let alix = Hostile::of(alix, &town).await;
    let package = alix.key_package(&device).await;
    // A leaf, and no entry in the list.
    alix.does(&id, |_| Raw::default().add(package)).await;
    davon.sync().await;
    let query = conclave_engine::ConversationQuery::default();
    assert!(davon.client().list(query).await.unwrap().is_empty());
    assert_eq!(counted(davon, "join_unexpected_device").await, 1);
}
