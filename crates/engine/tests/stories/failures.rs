//! What goes wrong, and what is left afterwards.

use conclave_engine::{
    Connection, ConversationQuery, DatabaseKey, Delivery, Engine, MetadataChange, NewConversation,
    SystemClock,
};

use crate::actor::{Town, group_of, until};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_added_when_one_name_is_wrong() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let nobody = format!("0x{}", "00".repeat(20));
    for (who, code) in [
        (vec![bo.address(), "bo".into()], "malformed"),
        (vec![bo.address(), nobody.clone()], "not_registered"),
        (vec!["ab".repeat(32)], "not_registered"),
    ] {
        let new = NewConversation {
            who,
            ..NewConversation::default()
        };
        let error = alix.client().create_group(&new).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    let list = alix
        .client()
        .list(ConversationQuery::default())
        .await
        .unwrap();
    assert!(list.is_empty(), "a failed creation leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_fails_after_three_attempts_and_can_be_retried() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let new = NewConversation {
        who: vec![bo.address()],
        ..NewConversation::default()
    };
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    let Town { node } = town;
    node.shutdown().await;

    let sent = alix.client().send(&id, "Anybody?").await.unwrap();
    for attempt in 1..=3 {
        let error = alix.client().group_sync(&id).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let now = alix.client().message(&sent.id).await.unwrap();
        let expected = if attempt < 3 {
            Delivery::Unpublished
        } else {
            Delivery::Failed
        };
        assert_eq!(now.delivery, expected, "after attempt {attempt}");
    }
    let entry = alix.client().conversation(&id).await.unwrap();
    assert_eq!(entry.summary.failed_count, 1);
    let again = alix.client().retry(&sent.id).await.unwrap();
    assert_eq!(again.delivery, Delivery::Unpublished);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_oversized_texts_and_unknown_groups_are_refused() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    let new = NewConversation::default();
    let id = alix
        .client()
        .create_group(&new)
        .await
        .unwrap()
        .0
        .conversation
        .id;
    assert_eq!(
        alix.client().send(&id, " \n ").await.unwrap_err().code(),
        "empty_text"
    );
    let long = "x".repeat(65_537);
    assert_eq!(
        alix.client().send(&id, &long).await.unwrap_err().code(),
        "text_too_long"
    );
    let unknown = alix.client().send(&[9; 16], "Hello").await.unwrap_err();
    assert_eq!(unknown.code(), "unknown_conversation");
    let name = NewConversation {
        name: "x".repeat(101),
        ..NewConversation::default()
    };
    assert_eq!(
        alix.client().create_group(&name).await.unwrap_err().code(),
        "metadata_too_long"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_node_leaves_no_group_behind() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let Town { node } = town;
    node.shutdown().await;
    for who in [vec![], vec![bo.address()]] {
        let new = NewConversation {
            who,
            ..NewConversation::default()
        };
        let error = alix.client().create_group(&new).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
    assert!(
        alix.client()
            .list(ConversationQuery::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_follows_another_and_finds_the_node_gone_is_taken_back() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let live = alix.client().start();
    let connection = async |is_wanted: fn(Connection) -> bool| {
        until("the connection changes", async || {
            is_wanted(alix.client().connection())
        })
        .await;
    };
    connection(|now| now == Connection::Online).await;
    let rename = async |name: &str| {
        let change = MetadataChange {
            name: Some(name.to_owned()),
            ..MetadataChange::default()
        };
        alix.client().update_metadata(&id, change).await
    };
    rename("Hikers").await.unwrap();
    town.node.shutdown().await;
    connection(|now| now != Connection::Online).await;

    let error = rename("Climbers").await.unwrap_err();
    assert_eq!(error.code(), "node_unreachable");
    let group = alix.client().conversation(&id).await.unwrap();
    assert_eq!(group.conversation.name, "Hikers");
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_is_one_account_in_one_process() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    let key = || DatabaseKey::from_bytes([1; 32]);
    let clock = std::sync::Arc::new(SystemClock);
    let second = Engine::open(alix.folder.path(), key(), clock)
        .await
        .err()
        .unwrap();
    assert_eq!(second.code(), "account_in_use");
    let engine = alix.engine.clone().unwrap();
    let error = engine
        .register(town.network(), &town.url(), None, &|_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), "account_exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_registration_is_continued_with_the_same_keys() {
    let town = Town::new().await;
    let folder = tempfile::tempdir().unwrap();
    let key = || DatabaseKey::from_bytes([2; 32]);
    let clock = std::sync::Arc::new(SystemClock);
    let engine = Engine::open(folder.path(), key(), clock.clone())
        .await
        .unwrap();
    let wallet = conclave_engine::WalletKey::from_bytes(&[3; 32]).unwrap();
    let prepared = engine.prepare(&town.network(), wallet).await.unwrap();
    let text = prepared.signature_text().to_owned();
    let inbox_id = prepared.inbox_id().to_owned();
    assert!(text.contains(&inbox_id));

    let Town { node } = town;
    let url = format!("http://{}", node.grpc_addr);
    let network = {
        let mut config = conclave_engine::NodeConfig::new(url.clone());
        config.retry.times = 1;
        std::sync::Arc::new(conclave_engine::GrpcNetwork::connect(&config).unwrap())
    };
    node.shutdown().await;
    let error = engine
        .register(network, &url, Some(prepared), &|_| {})
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let begun = engine.account().await.unwrap().unwrap();
    assert!(!begun.registered);

    let town = Town::new().await;
    let done = engine
        .register(town.network(), &town.url(), None, &|_| {})
        .await
        .unwrap();
    assert!(done.registered);
    assert_eq!(done.installation_id, begun.installation_id);
    assert_eq!(done.inbox_id, inbox_id);
}
