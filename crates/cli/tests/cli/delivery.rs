//! What is stored, what is published, and what a list of messages shows.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn what_is_only_stored_goes_out_with_the_next_sync() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    let stored = alix.run(&["group", "send", &id, "later", "--no-sync"]);
    assert_eq!(stored["delivery"], json!("unpublished"));
    alix.run(&["--offline", "group", "send", &id, "later still"]);
    assert_eq!(bo.texts(&id), [""; 0]);

    let waiting = alix.list(&[
        "--offline",
        "group",
        "messages",
        &id,
        "--delivery",
        "unpublished",
    ]);
    assert_eq!(waiting.len(), 2);
    let synced = alix.run(&["group", "sync", &id]);
    assert_eq!(
        (&synced["published"], &synced["failed"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(bo.texts(&id), ["later", "later still"]);
    let published = alix.list(&["group", "messages", &id, "--delivery", "published"]);
    assert!(
        published
            .iter()
            .any(|message| message["id"] == stored["id"])
    );
}

#[test]
fn an_unreachable_node_loses_nothing() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    // Nobody listens on the discard port.
    let arguments = [
        "--node",
        "http://127.0.0.1:9",
        "group",
        "send",
        &id,
        "hello",
    ];
    let outcome = alix.outcome(&arguments);
    assert_eq!(outcome.code, 1);
    let error = outcome.error();
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("node_unreachable"), &json!(true))
    );
    assert!(text(&error["message"]).contains("is stored"), "{error}");
    assert_eq!(outcome.out[0]["delivery"], json!("unpublished"));

    // The node of this one run is not remembered.
    assert_eq!(alix.account()["node"], json!(world.url));
    assert_eq!(alix.run(&["group", "sync", &id])["published"], json!(1));
    assert_eq!(
        bo.run(&["conversation", "sync-all"])["new_messages"].as_u64(),
        Some(1)
    );
    assert_eq!(bo.texts(&id), ["hello"]);
}

#[test]
fn lists_of_messages_are_filtered_and_ordered() {
    let world = World::new();
    let alix = world.person();
    let id = text(&alix.run(&["group", "create"])["id"]);
    for number in ["one", "two", "three"] {
        alix.run(&["group", "send", &id, number]);
    }
    let list = |arguments: &[&str]| -> Vec<String> {
        let fixed = [
            "--offline",
            "group",
            "messages",
            &id,
            "--kind",
            "application",
        ];
        let rows = alix.list(&[&fixed, arguments].concat());
        rows.iter().map(|row| text(&row["text"])).collect()
    };
    assert_eq!(list(&[]), ["one", "two", "three"]);
    assert_eq!(list(&["--order", "desc", "--limit", "2"]), ["three", "two"]);
    let all = alix.list(&["--offline", "group", "messages", &id]);
    let two = all.iter().find(|row| row["text"] == json!("two")).unwrap();
    let two = text(&two["sent_at_ns"]);
    assert_eq!(list(&["--after-ns", &two]), ["three"]);
    assert_eq!(list(&["--before-ns", &two]), ["one"]);
    assert_eq!(list(&["--delivery", "failed"]), [""; 0]);
}

#[test]
fn a_person_with_two_devices_has_one_history() {
    let world = World::new();
    let alix = world.stranger();
    let created = alix.run(&["account", "create", "--node", &world.url]);
    let second = world.stranger();
    let file = second.folder.path().join("phrase");
    std::fs::write(&file, text(&created["recovery_phrase"])).unwrap();
    let file = file.to_str().unwrap();
    second.run(&[
        "account",
        "create",
        "--node",
        &world.url,
        "--mnemonic-file",
        file,
    ]);

    let id = text(&alix.run(&["group", "create", "--name", "Notes"])["id"]);
    alix.run(&["group", "send", &id, "buy tea"]);
    assert_eq!(
        second.run(&["conversation", "sync"])["new_conversations"],
        json!(1)
    );
    assert_eq!(second.texts(&id), ["buy tea"]);
    let members = second.list(&["group", "members", &id]);
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["installation_ids"].as_array().unwrap().len(), 2);
}
