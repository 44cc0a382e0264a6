//! The history as a file.

use serde_json::json;

use crate::world::{World, assert_fields, text};

#[test]
fn a_history_goes_into_a_file_and_comes_out_of_it_once() {
    let world = World::new();
    let (alix, bo) = (world.stranger(), world.person());
    let wallet = alix.folder.path().join("wallet");
    std::fs::write(&wallet, "11".repeat(32)).unwrap();
    let wallet = wallet.to_str().unwrap();
    let create = ["account", "create", "--private-key-file", wallet];
    let create = [&create[..], &["--node", &world.url]].concat();
    alix.run(&create);
    let tea = text(&alix.run(&["group", "create", "--name", "Tea club", &bo.address()])["id"]);
    alix.run(&["group", "send", &tea, "Tea at noon?"]);

    let secret = alix.folder.path().join("passphrase");
    std::fs::write(&secret, "a long walk by the sea\n").unwrap();
    let secret = secret.to_str().unwrap();
    let file = alix.folder.path().join("history");
    let file = file.to_str().unwrap();
    let written = alix.run(&["archive", "export", file, "--passphrase-file", secret]);
    assert_fields(
        &written,
        &[
            "path",
            "bytes",
            "conversations",
            "messages",
            "consents",
            "left_out",
            "key",
        ],
    );
    assert_eq!(written["messages"], 1);
    assert_eq!(written["key"], json!(null));
    let again = alix.refused(&["archive", "export", file, "--passphrase-file", secret]);
    assert_eq!(again, (1, "file_unwritable".into()));

    let phone = world.stranger();
    phone.run(&create);
    let import = ["archive", "import", file, "--passphrase-file", secret];
    let contents = phone.run(&[&import[..], &["--dry-run"]].concat());
    assert_fields(&contents, &["exported_at_ns", "oldest_ns", "is_sealed"]);
    assert_eq!(contents["messages"], 1);
    assert!(phone.list(&["conversation", "list"]).is_empty());
    let taken = phone.run(&import);
    assert_eq!(
        (&taken["new_messages"], &taken["skipped"]),
        (&json!(1), &json!(0))
    );
    let listed = phone.list(&["conversation", "list"]);
    assert_eq!(listed[0]["id"], json!(tea));
    assert_eq!(listed[0]["is_active"], false);
    assert_eq!(listed[0]["is_restored"], true);
    let members = phone.refused(&["group", "members", &tea]);
    assert_eq!(members, (1, "conversation_inactive".into()));
    let messages = phone.list(&["group", "messages", &tea]);
    assert_eq!(messages[0]["text"], "Tea at noon?");
    assert_eq!(phone.list(&["message", "search", "noon"]).len(), 1);
    let taken = phone.run(&import);
    assert_eq!(
        (&taken["new_messages"], &taken["known_messages"]),
        (&json!(0), &json!(1))
    );
    phone.run(&["conversation", "sync-all"]);

    let wrong = phone.folder.path().join("wrong");
    std::fs::write(&wrong, "another passphrase").unwrap();
    let wrong = [
        "archive",
        "import",
        file,
        "--passphrase-file",
        wrong.to_str().unwrap(),
    ];
    assert_eq!(phone.refused(&wrong), (1, "archive_wrong_key".into()));
    let foreign = bo.refused(&import);
    assert_eq!(foreign, (1, "archive_foreign".into()));
    assert_eq!(bo.refused(&["archive", "import", file]).0, 2);
}

#[test]
fn a_printed_key_opens_a_file_that_has_no_passphrase() {
    let world = World::new();
    let alix = world.person();
    let tea = text(&alix.run(&["group", "create", "--name", "Notes"])["id"]);
    alix.run(&["group", "send", &tea, "Milk"]);
    let file = alix.folder.path().join("history");
    let file = file.to_str().unwrap();
    let key = text(&alix.run(&["archive", "export", file])["key"]);
    let key_file = alix.folder.path().join("printed");
    let import = |key: &str| {
        std::fs::write(&key_file, key).unwrap();
        let key_file = key_file.to_str().unwrap().to_owned();
        alix.outcome(&["archive", "import", file, "--archive-key-file", &key_file])
    };
    let taken = import(&key);
    assert_eq!(
        (taken.code, &taken.out[0]["known_messages"]),
        (0, &json!(1))
    );
    let typed = import(&key.to_uppercase().replace(' ', ""));
    assert_eq!(typed.code, 0);
    assert_eq!(import(&key[1..]).error()["code"], "archive_key_malformed");
}
