//! Commands that print what comes until they are stopped.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn messages_of_all_conversations_stream() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let address = bo.address();
    let stream = bo.start(&["message", "stream-all"]);
    let id = text(&alix.run(&["group", "create", &address])["id"]);
    let mut sent = Vec::new();
    for number in 0..3 {
        sent.push(alix.run(&["group", "send", &id, &format!("number {number}")])["id"].clone());
    }
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        let message = stream.next();
        assert_eq!(message["conversation_id"], json!(id));
        if message["kind"] == json!("application") {
            seen.push(message["id"].clone());
        }
    }
    assert_eq!(seen, sent);
    assert_eq!(stream.stop("TERM").code(), Some(0));
}

#[test]
fn one_conversation_streams_what_waited_and_what_comes() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let wanted = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    let other = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    bo.run(&["conversation", "sync-all"]);
    alix.run(&["group", "send", &wanted, "before"]);
    let stream = bo.start(&["group", "stream", &wanted]);
    assert_eq!(stream.next()["text"], json!("before"));
    alix.run(&["group", "send", &other, "elsewhere"]);
    alix.run(&["group", "send", &wanted, "after"]);
    assert_eq!(stream.next()["text"], json!("after"));
    assert_eq!(stream.stop("INT").code(), Some(0));
}

#[test]
fn conversations_stream() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let address = bo.address();
    let stream = bo.start(&["conversation", "stream", "--consent", "unknown"]);
    let id = text(&alix.run(&["group", "create", "--name", "Tea", &address])["id"]);
    let row = stream.next();
    assert_eq!((&row["id"], &row["name"]), (&json!(id), &json!("Tea")));
    assert_eq!(row["added_by_inbox_id"], json!(alix.inbox_id()));
    assert_eq!(stream.stop("INT").code(), Some(0));
}

#[test]
fn a_folder_is_open_once() {
    let world = World::new();
    let alix = world.person();
    let token_file = alix.folder.path().join("token");
    let served = alix.start(&["serve", "--token-file", token_file.to_str().unwrap()]);
    assert_eq!(served.next()["event"], json!("ready"));
    assert_eq!(
        alix.refused(&["account", "show"]),
        (1, "account_in_use".into())
    );
    let refused = alix.refused(&["account", "delete-local-database", "--yes"]);
    assert_eq!(refused, (1, "account_in_use".into()));
    assert_eq!(served.stop("TERM").code(), Some(0));
    assert_eq!(alix.account()["registered"], json!(true));
}
