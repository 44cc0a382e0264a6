//! The passphrase of the database, and the folder it is in.

use std::path::PathBuf;

use serde_json::json;

use crate::world::{Outcome, Person, World, run, text};

/// A program that has no keychain.
fn without_keychain(person: &Person, arguments: &[&str]) -> Outcome {
    let mut command = person.bare_command();
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all");
    command.arg("--json").args(arguments);
    run(command, "")
}

fn file(person: &Person, name: &str, text: &str) -> String {
    let path = person.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn secrets_of(outcomes: &[&Outcome], secrets: &[&str]) {
    for outcome in outcomes {
        for secret in secrets {
            assert!(!outcome.err.contains(secret), "{outcome:?}");
        }
    }
}

#[test]
fn a_passphrase_is_set_changed_and_removed() {
    let world = World::new();
    let alix = world.person();
    let first = file(&alix, "first", "by the sea\n");
    let second = file(&alix, "second", "in the hills\n");
    let short = file(&alix, "short", "sea\n");
    assert_eq!(alix.run(&["passphrase", "status"]), json!({ "set": false }));
    let set = |path: &str| alix.outcome(&["passphrase", "set", "--passphrase-file", path]);
    assert_eq!(set(&short).error()["code"], "passphrase_short");
    assert_eq!(set(&first).out, [json!({ "set": true })]);
    assert_eq!(set(&second).error()["code"], "passphrase_required");
    let change = |from: &str, to: &str| {
        let current = ["--current-passphrase-file", from];
        alix.outcome(
            &[
                &["passphrase", "change", "--passphrase-file", to][..],
                &current,
            ]
            .concat(),
        )
    };
    let wrong = change(&second, &second);
    assert_eq!(wrong.error()["code"], "wrong_passphrase");
    assert_eq!(change(&first, &second).out, [json!({ "set": true })]);
    secrets_of(&[&wrong], &["sea", "hills"]);
    let remove = |current: &str| {
        alix.outcome(&["passphrase", "remove", "--current-passphrase-file", current])
    };
    assert_eq!(remove(&first).error()["code"], "wrong_passphrase");
    assert_eq!(remove(&second).out, [json!({ "set": false })]);
    // Nobody can be asked.
    assert_eq!(alix.refused(&["passphrase", "set"]).0, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_lost_key_is_no_lost_account() {
    let world = World::new();
    let alix = world.person();
    let inbox_id = alix.inbox_id();
    let right = file(&alix, "right", "by the sea\n");
    let wrong = file(&alix, "wrong", "in the hills\n");
    let show = ["account", "show"];
    let lost = without_keychain(&alix, &show);
    assert_eq!(lost.error()["code"], "keychain_unavailable");
    alix.run(&["passphrase", "set", "--passphrase-file", &right]);

    let locked = without_keychain(&alix, &show).error();
    assert_eq!(locked["code"], "account_locked");
    assert!(
        text(&locked["message"]).contains("--passphrase-file FILE"),
        "{locked}"
    );
    let with =
        |file: &str| without_keychain(&alix, &[&["--passphrase-file", file][..], &show].concat());
    assert_eq!(with(&wrong).error()["code"], "wrong_passphrase");
    let opened = with(&right);
    assert_eq!(text(&opened.out[0]["inbox_id"]), inbox_id);
    secrets_of(&[&opened, &with(&wrong)], &["sea", "hills"]);

    // The passphrase that opens is the one so far.
    let changed = without_keychain(
        &alix,
        &[
            "--passphrase-file",
            &right,
            "passphrase",
            "change",
            "--passphrase-file",
            &wrong,
        ],
    );
    assert_eq!(changed.out, [json!({ "set": true })]);
    assert_eq!(with(&wrong).code, 0);
    let delete = ["account", "delete-local-database", "--yes"];
    assert_eq!(without_keychain(&alix, &delete).code, 0);
    assert_eq!(alix.refused(&show), (1, "no_account".into()));
    assert_eq!(alix.run(&["passphrase", "status"]), json!({ "set": false }));
}

#[test]
fn a_moved_account_goes_on() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    alix.run(&["group", "send", &id, "Before the move"]);
    let shown = alix.run(&["data", "show"]);
    let folder: PathBuf = text(&shown["path"]).into();
    assert!(shown["bytes"].as_u64().unwrap() > 4096);

    let disk = alix.folder.path().canonicalize().unwrap().join("disk");
    let to = disk.to_str().unwrap();
    let moved = alix.run(&["data", "move", to]);
    assert_eq!(moved["path"], json!(to));
    assert_eq!(alix.run(&["data", "show"])["path"], json!(to));
    alix.run(&["group", "send", &id, "After it"]);
    assert_eq!(alix.texts(&id), ["Before the move", "After it"]);
    bo.run(&["conversation", "sync-all"]);
    assert_eq!(bo.texts(&id), ["Before the move", "After it"]);

    assert_eq!(
        alix.refused(&["data", "move", to]),
        (1, "data_folder_refused".into())
    );
    assert_eq!(
        alix.run(&["data", "move", folder.to_str().unwrap()])["path"],
        json!(folder)
    );
    assert_eq!(alix.inbox_id().len(), 64);
    std::fs::remove_dir_all(&disk).unwrap();
    assert_eq!(alix.texts(&id).len(), 2);
}
