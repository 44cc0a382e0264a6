//! What wrong input gets: one sentence, the right codes, and nothing half done.

use std::net::TcpListener;

use serde_json::json;

use crate::world::{World, run, text};

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let world = World::new();
    let alix = world.stranger();
    for arguments in [
        &["nonsense"][..],
        &["group", "send"],
        &["group", "leave"],
        &["conversation", "delete"],
        &["conversation", "list", "--consent", "maybe"],
        &["account", "create"],
        &["--offline", "conversation", "sync"],
    ] {
        assert_eq!(
            alix.refused(arguments),
            (2, "wrong_usage".into()),
            "{arguments:?}"
        );
    }
    let mut help = alix.bare_command();
    help.arg("--help");
    assert!(help.output().unwrap().status.success());
}

#[test]
fn a_folder_without_an_account_says_so() {
    let world = World::new();
    let alix = world.stranger();
    for arguments in [
        &["account", "show"][..],
        &["conversation", "sync"],
        &["--offline", "conversation", "list"],
        &["group", "create"],
        &["device", "list"],
    ] {
        assert_eq!(
            alix.refused(arguments),
            (1, "no_account".into()),
            "{arguments:?}"
        );
    }
}

#[test]
fn an_account_is_created_once() {
    let world = World::new();
    let alix = world.person();
    let refused = alix.refused(&["account", "create", "--node", &world.url]);
    assert_eq!(refused, (1, "account_exists".into()));
}

#[test]
fn nodes_that_are_none_are_told_apart() {
    let world = World::new();
    let alix = world.stranger();
    let refused = alix.refused(&["account", "create", "--node", "ftp://node.example"]);
    assert_eq!(refused, (1, "invalid_node_url".into()));

    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let outcome = alix.outcome(&["account", "create", "--node", &format!("http://{port}")]);
    let error = outcome.error();
    assert_eq!(
        (outcome.code, &error["code"]),
        (1, &json!("node_unreachable"))
    );
    assert_eq!(error["retryable"], json!(true));
    // Nothing is half done.
    assert_eq!(alix.refused(&["account", "show"]), (1, "no_account".into()));
    alix.run(&["account", "create", "--node", &world.url]);
}

#[test]
fn people_that_cannot_be_added_are_named_and_nothing_is_made() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let unknown = format!("0x{}", "9".repeat(40));
    for (who, code) in [
        ("alix.eth", "malformed"),
        (unknown.as_str(), "not_registered"),
    ] {
        let outcome = alix.outcome(&["group", "create", &bo.address(), who]);
        let error = outcome.error();
        assert_eq!((outcome.code, &error["code"]), (1, &json!(code)));
        assert!(text(&error["message"]).contains(who), "{error}");
    }
    assert_eq!(alix.list(&["conversation", "list"]).len(), 0);
    assert_eq!(
        bo.run(&["conversation", "sync"])["new_conversations"],
        json!(0)
    );

    let id = text(&alix.run(&["group", "create"])["id"]);
    assert_eq!(
        alix.refused(&["group", "add", &id, &unknown]),
        (1, "not_registered".into())
    );
    assert_eq!(alix.list(&["group", "members", &id]).len(), 1);
}

#[test]
fn ids_and_texts_are_checked() {
    let world = World::new();
    let alix = world.person();
    let id = text(&alix.run(&["group", "create"])["id"]);
    let none = "00".repeat(16);
    for arguments in [
        &["group", "show", &none][..],
        &["group", "send", &none, "hello"],
        &["group", "messages", &none],
        &["group", "stream", &none],
        &["group", "readd", &none],
        &["consent", "get", "conversation", &none],
    ] {
        let refused = alix.refused(arguments);
        assert_eq!(refused, (1, "unknown_conversation".into()), "{arguments:?}");
    }
    assert_eq!(
        alix.refused(&["group", "readd", &id]),
        (1, "readd_unavailable".into()),
        "nothing points to a fork"
    );
    assert_eq!(
        alix.refused(&["group", "show", "xyz"]),
        (1, "invalid_id".into())
    );
    assert_eq!(
        alix.refused(&["consent", "get", "inbox", "00"]),
        (1, "invalid_id".into())
    );

    let empty = alix.outcome_with_input(&["group", "send", &id, "-"], "");
    assert_eq!((empty.code, empty.out.len()), (1, 0));
    let empty = text(&empty.error()["code"]);
    let long = alix.outcome_with_input(&["group", "send", &id, "-"], &"x".repeat(65_537));
    assert_eq!((long.code, long.out.len()), (1, 0));
    let long = text(&long.error()["code"]);
    assert_ne!(empty, long);
    let most = alix.outcome_with_input(&["group", "send", &id, "-"], &"x".repeat(65_536));
    assert_eq!(most.code, 0, "{empty} {long} {}", most.err);
    assert_eq!(alix.texts(&id).len(), 1);
}

#[test]
fn files_that_are_missing_are_named() {
    let world = World::new();
    let alix = world.person();
    let refused = alix.refused(&["inbox", "resolve", "@/nowhere/at/all"]);
    assert_eq!(refused, (1, "file_unreadable".into()));
    let mut command = alix.bare_command();
    command.args(["--json", "--key-file", "/nowhere/at/all", "account", "show"]);
    let outcome = run(command, "");
    assert_eq!(
        (outcome.code, &outcome.error()["code"]),
        (1, &json!("key_io"))
    );
}

#[test]
fn a_reader_that_goes_is_no_error() {
    let world = World::new();
    let alix = world.person();
    let id = text(&alix.run(&["group", "create"])["id"]);
    let mut command = alix.command(&["group", "messages", &id]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
