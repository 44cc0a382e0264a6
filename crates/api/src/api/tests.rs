use std::{net::TcpListener, path::Path};

use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::json;

use super::*;
use crate::{KeySource, NodeResolver, delete_local_database};

/// A shell without a node of its own.
struct NoNode;

impl NodeResolver for NoNode {
    fn built_in(&self, _: &Path) -> BoxFuture<'_, Result<String, ApiError>> {
        ready(Err(ApiError::new("node_required", "There is none."))).boxed()
    }
}

fn options(folder: &Path) -> Options {
    let key_file = folder.join("key");
    std::fs::write(&key_file, "5a".repeat(32)).unwrap();
    Options {
        data_dir: folder.join("data"),
        key: KeySource::File(key_file),
        node_resolver: Arc::new(NoNode),
        node: None,
        app_version: "test/1.2.3".to_owned(),
        live: true,
        messages_of_shown: false,
    }
}

#[tokio::test]
async fn a_new_folder_is_empty_and_knows_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::open(options(folder.path())).await.unwrap();
    let status = api.call("status", json!(null)).await.unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(status.get()).unwrap(),
        json!({ "stage": "empty", "account": null, "connection": "idle", "version": "1.2.3" })
    );
    let error = api.call("sync_all", json!({})).await.unwrap_err();
    assert_eq!(error.code, "no_account");
    assert_eq!(
        api.call("fly", json!({})).await.unwrap_err().code,
        "unknown_command"
    );
}

#[tokio::test]
async fn a_folder_is_open_once_and_free_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::open(options(folder.path())).await.unwrap();
    let second = Api::open(options(folder.path())).await.err().unwrap();
    assert_eq!(
        (second.code.as_str(), second.retryable),
        ("account_in_use", true)
    );
    let deleted = delete_local_database(options(folder.path()))
        .await
        .unwrap_err();
    assert_eq!(deleted.code, "account_in_use");

    api.close().await;
    assert_eq!(
        api.status(Nothing {}).await.unwrap_err().code,
        "store_closed"
    );
    assert_eq!(api.go_live().await.unwrap_err().code, "store_closed");
    api.close().await;
    Api::open(options(folder.path()))
        .await
        .unwrap()
        .close()
        .await;
    delete_local_database(options(folder.path())).await.unwrap();
}

#[tokio::test]
async fn a_database_that_no_key_opens_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    Api::open(options(folder.path()))
        .await
        .unwrap()
        .close()
        .await;
    let other = options(folder.path());
    std::fs::write(folder.path().join("key"), "6b".repeat(32)).unwrap();
    assert_eq!(
        Api::open(other.clone()).await.err().unwrap().code,
        "wrong_key"
    );
    delete_local_database(other.clone()).await.unwrap();
    Api::open(other).await.unwrap().close().await;
}

#[tokio::test]
async fn a_registration_without_a_node_fails_at_its_first_step_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::open(options(folder.path())).await.unwrap();
    let mut events = api.events();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let node = json!({ "node": { "kind": "address", "url": format!("http://{port}") } });
    assert_eq!(
        api.call("register", node.clone()).await.unwrap_err().code,
        "no_wallet"
    );
    api.call("wallet_create", json!({})).await.unwrap();
    let error = api.call("register", node).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("node_unreachable", true)
    );
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(serde_json::to_value(event).unwrap());
    }
    let step =
        |state: &str| json!({ "event": "registration", "step": "look_up_inbox", "state": state });
    assert_eq!(told, [step("running"), step("failed")]);
    assert_eq!(api.status(Nothing {}).await.unwrap().stage, Stage::Empty);

    let built_in = json!({ "node": { "kind": "built_in" } });
    assert_eq!(
        api.call("register", built_in).await.unwrap_err().code,
        "node_required"
    );
}

#[tokio::test]
async fn secrets_are_not_in_debug_output() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::open(options(folder.path())).await.unwrap();
    let wallet = api.wallet_create(Nothing {}).await.unwrap();
    let phrase = wallet.recovery_phrase.join(" ");
    let quoted = format!("{:?}", wallet.recovery_phrase[0]);
    assert!(!format!("{wallet:?}").contains(&quoted));
    let account = Account {
        inbox_id: "ab".repeat(32),
        installation_id: "cd".repeat(32),
        address: wallet.address.clone(),
        node: "built-in".to_owned(),
        registered: true,
        recovery_phrase: Some(phrase.clone()),
    };
    assert!(!format!("{account:?}").contains(&phrase));
}

#[test]
fn a_page_hears_of_the_conversation_that_it_shows() {
    let everybody = Shared::new(false);
    everybody.show(&[1]);
    assert_eq!(everybody.only_shown(), None);
    let page = Shared::new(true);
    assert_eq!(page.only_shown(), Some(Vec::new()));
    page.show(&[1]);
    page.show(&[2]);
    assert_eq!(page.only_shown(), Some(vec![2]));
}
