//! Accounts, devices and the local database.

use serde_json::json;

use crate::world::{World, assert_fields, assert_hex, assert_ns, run, text};

/// The first account of every Ethereum test tool.
const PHRASE: &str = "test test test test test test test test test test test junk";
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

#[test]
fn a_new_wallet_shows_its_phrase_once() {
    let world = World::new();
    let alix = world.stranger();
    let created = alix.run(&["account", "create", "--node", &world.url]);
    assert_fields(
        &created,
        &[
            "inbox_id",
            "installation_id",
            "address",
            "node",
            "registered",
        ],
    );
    assert_hex(&created["inbox_id"], 32);
    assert_hex(&created["installation_id"], 32);
    assert_eq!(created["registered"], json!(true));
    assert_eq!(created["node"], json!(world.url));
    let phrase = text(&created["recovery_phrase"]);
    assert_eq!(phrase.split(' ').count(), 12);

    let shown = alix.account();
    assert!(shown.get("recovery_phrase").is_none());
    assert_eq!(shown["address"], created["address"]);

    // The phrase is that of the wallet: on another device it leads to the same inbox.
    let second = world.stranger();
    let file = second.folder.path().join("phrase");
    std::fs::write(&file, format!("{phrase}\n")).unwrap();
    let file = file.to_str().unwrap();
    let again = second.run(&[
        "account",
        "create",
        "--node",
        &world.url,
        "--mnemonic-file",
        file,
    ]);
    assert_eq!(again["inbox_id"], created["inbox_id"]);
    assert_ne!(again["installation_id"], created["installation_id"]);
    assert!(again.get("recovery_phrase").is_none());

    let devices = alix.list(&["device", "list"]);
    assert_eq!(devices.len(), 2);
    for device in &devices {
        assert_hex(&device["installation_id"], 32);
        assert_ns(&device["created_at_ns"]);
        let own = device["installation_id"] == created["installation_id"];
        assert_eq!(device["this"], json!(own));
    }
}

#[test]
fn keys_and_phrases_are_imported() {
    let world = World::new();
    let mut inboxes = Vec::new();
    for (flag, secret) in [("--private-key-file", KEY), ("--mnemonic-file", PHRASE)] {
        let bo = world.stranger();
        let file = bo.folder.path().join("secret");
        std::fs::write(&file, secret).unwrap();
        let file = file.to_str().unwrap();
        let created = bo.run(&["account", "create", "--node", &world.url, flag, file]);
        assert_eq!(created["address"], json!(ADDRESS));
        inboxes.push(text(&created["inbox_id"]));
    }
    assert_eq!(inboxes[0], inboxes[1]);
}

#[test]
fn secrets_that_are_none_are_refused_and_change_nothing() {
    let world = World::new();
    let caro = world.stranger();
    let file = caro.folder.path().join("secret");
    for (flag, secret, code) in [
        ("--private-key-file", "0x12", "invalid_private_key"),
        ("--mnemonic-file", "hello world", "invalid_recovery_phrase"),
    ] {
        std::fs::write(&file, secret).unwrap();
        let arguments = [
            "account",
            "create",
            "--node",
            &world.url,
            flag,
            file.to_str().unwrap(),
        ];
        let outcome = caro.outcome(&arguments);
        assert_eq!(
            (outcome.code, text(&outcome.error()["code"])),
            (1, code.to_owned())
        );
        assert!(!outcome.err.contains(secret));
    }
    assert_eq!(caro.refused(&["account", "show"]), (1, "no_account".into()));
}

#[test]
fn people_read_text_without_json() {
    let world = World::new();
    let alix = world.person();
    let mut command = alix.bare_command();
    command
        .arg("--key-file")
        .arg(&alix.key_file)
        .args(["account", "show"]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("inbox id") && shown.contains(&alix.inbox_id()),
        "{shown}"
    );

    let mut command = alix.bare_command();
    command
        .arg("--key-file")
        .arg(&alix.key_file)
        .args(["group", "show", "00"]);
    let output = command.args(["--offline"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(
        sentence.starts_with("conclave-cli: There is no conversation"),
        "{sentence}"
    );
}

#[test]
fn a_database_is_deleted_only_on_request() {
    let world = World::new();
    let alix = world.person();
    let inbox_id = alix.inbox_id();
    assert_eq!(
        alix.refused(&["account", "delete-local-database"]),
        (2, "wrong_usage".into())
    );
    assert_eq!(alix.inbox_id(), inbox_id);
    let deleted = alix.run(&["account", "delete-local-database", "--yes"]);
    assert_eq!(deleted, json!({ "deleted": true }));
    assert_eq!(alix.refused(&["account", "show"]), (1, "no_account".into()));
}

#[test]
fn a_wrong_key_is_told_from_a_wrong_key_file() {
    let world = World::new();
    let alix = world.person();
    std::fs::write(&alix.key_file, "6b".repeat(32)).unwrap();
    assert_eq!(alix.refused(&["account", "show"]), (1, "wrong_key".into()));
    std::fs::write(&alix.key_file, "6b").unwrap();
    assert_eq!(
        alix.refused(&["account", "show"]),
        (1, "invalid_key_file".into())
    );
    std::fs::write(&alix.key_file, "5a".repeat(32)).unwrap();
    assert_eq!(alix.account()["registered"], json!(true));
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_keychain_the_error_says_what_to_do() {
    let world = World::new();
    let alix = world.stranger();
    let mut command = alix.bare_command();
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all");
    command.args(["--json", "account", "create", "--node", &world.url]);
    let outcome = run(command, "");
    assert_eq!(outcome.code, 1);
    let error = outcome.error();
    assert_eq!(error["code"], json!("keychain_unavailable"));
    assert!(
        text(&error["message"]).contains("--key-file FILE"),
        "{error}"
    );
}

#[test]
fn people_are_looked_up() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let unknown = format!("0x{}", "9".repeat(40));
    let file = alix.folder.path().join("people");
    std::fs::write(&file, format!("{}\n\nalix.eth\n", bo.address())).unwrap();
    let found = alix.list(&[
        "inbox",
        "resolve",
        &bo.inbox_id(),
        &unknown,
        &format!("@{}", file.display()),
    ]);
    assert_eq!(found.len(), 4);
    for index in [0, 2] {
        assert_eq!(found[index]["inbox_id"], json!(bo.inbox_id()));
        assert_eq!(found[index]["reachable"], json!(true));
        assert_eq!(found[index]["addresses"], json!([bo.address()]));
    }
    assert_eq!(found[2]["who"], json!(bo.address()));
    for (index, problem) in [(1, "not_registered"), (3, "malformed")] {
        assert_eq!(found[index]["inbox_id"], json!(null));
        assert_eq!(found[index]["reachable"], json!(false));
        assert_eq!(found[index]["problem"], json!(problem));
    }
}

#[test]
fn logs_name_nobody_and_quote_nothing() {
    let world = World::new();
    let (alix, bo) = (world.stranger(), world.person());
    let mut created = alix.command(&["account", "create", "--node", &world.url]);
    created.env("RUST_LOG", "trace");
    let created = run(created, "");
    let account = created.out[0].clone();
    let id = text(&alix.run(&["group", "create", "--name", "Elderflower", &bo.address()])["id"]);
    let mut sent = alix.command(&["group", "send", &id, "Meet me at noon"]);
    sent.env("RUST_LOG", "trace");
    let sent = run(sent, "");
    assert_eq!((created.code, sent.code), (0, 0));
    let log = [created.err, sent.err].concat();
    assert!(!log.is_empty());
    let secrets = [
        text(&account["recovery_phrase"]),
        text(&account["address"]),
        text(&account["inbox_id"]),
        text(&account["installation_id"]),
        bo.inbox_id(),
        id,
        "Meet me at noon".to_owned(),
        "Elderflower".to_owned(),
        "5a".repeat(32),
    ];
    for secret in secrets {
        assert!(!log.contains(&secret), "the log contains {secret}");
    }
}
