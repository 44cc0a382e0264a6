//! Devices and wallets of an inbox, changed with a wallet's file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{Person, World, text};

/// A wallet's file.
struct Wallet {
    file: PathBuf,
}

impl Wallet {
    fn new(person: &Person, key: u8) -> Self {
        let file = person.folder.path().join(format!("wallet-{key}"));
        std::fs::write(&file, format!("{key:02x}").repeat(32)).unwrap();
        Self { file }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }
}

/// A device of the person with this wallet.
fn device(world: &World, key: u8) -> (Person, Wallet) {
    let person = world.stranger();
    let wallet = Wallet::new(&person, key);
    let file = wallet.path().to_owned();
    person.run(&[
        "account",
        "create",
        "--node",
        &world.url,
        "--private-key-file",
        &file,
    ]);
    (person, wallet)
}

fn ids(devices: &[Value]) -> Vec<String> {
    let ids = devices.iter().map(|one| text(&one["installation_id"]));
    ids.collect()
}

fn installation(person: &Person) -> String {
    text(&person.account()["installation_id"])
}

#[test]
fn a_revoked_device_is_out_and_can_still_be_read() {
    let world = World::new();
    let ((alix, wallet), (phone, _)) = (device(&world, 0x11), device(&world, 0x11));
    let (bo, others) = device(&world, 0x22);
    let id = text(&alix.run(&["group", "create", "--name", "Hikers", &bo.address()])["id"]);
    phone.run(&["conversation", "sync-all"]);
    phone.run(&["group", "send", &id, "From the phone"]);
    let lost = installation(&phone);

    for (arguments, code) in [
        (vec!["device", "revoke", &lost], "wrong_usage"),
        (vec!["device", "revoke"], "wrong_usage"),
        (
            vec![
                "device",
                "revoke",
                "--private-key-file",
                others.path(),
                &lost,
            ],
            "wrong_signer",
        ),
        (
            vec![
                "device",
                "revoke",
                "--private-key-file",
                wallet.path(),
                "abcd",
            ],
            "invalid_id",
        ),
        (
            vec![
                "device",
                "revoke",
                "--private-key-file",
                wallet.path(),
                &"ab".repeat(32),
            ],
            "unknown_installation",
        ),
    ] {
        assert_eq!(alix.refused(&arguments).1, code, "{arguments:?}");
    }
    let own = installation(&alix);
    let revoke = ["device", "revoke", "--private-key-file", wallet.path()];
    let refused = alix.refused(&[&revoke[..], &[&own]].concat());
    assert_eq!(refused, (1, "confirmation_required".to_owned()));
    assert_eq!(alix.list(&["device", "list"]).len(), 2);

    let left = alix.list(&[&revoke[..], &[&lost]].concat());
    assert_eq!(ids(&left), [own]);
    assert_eq!(left[0]["this"], json!(true));
    let debug = alix.run(&["group", "debug", &id, "--offline"]);
    assert_eq!(debug["leaf_count"], json!(2));

    assert_eq!(phone.texts(&id), ["From the phone"]);
    assert_eq!(phone.list(&["conversation", "list"]).len(), 1);
    let revoked = (1, "installation_revoked".to_owned());
    assert_eq!(phone.refused(&["group", "send", &id, "Hello?"]), revoked);
    assert_eq!(phone.refused(&["conversation", "sync-all"]), revoked);
    assert_eq!(bo.texts(&id), ["From the phone"]);
}

#[test]
fn with_ten_devices_the_wallet_makes_room_for_another() {
    let world = World::new();
    let ten: Vec<(Person, Wallet)> = (0..10).map(|_| device(&world, 0x33)).collect();
    let first = installation(&ten[0].0);
    let eleventh = world.stranger();
    let wallet = Wallet::new(&eleventh, 0x33);
    let signed = ["--node", &world.url, "--private-key-file", wallet.path()];
    let create = [&["account", "create"], &signed[..]].concat();
    assert_eq!(
        eleventh.refused(&create),
        (1, "too_many_installations".to_owned())
    );
    let list = [&["device", "list"], &signed[..]].concat();
    let listed = eleventh.list(&list);
    assert_eq!(listed.len(), 10);
    assert!(ids(&listed).contains(&first));
    let left = eleventh.list(&[&["device", "revoke", &first], &signed[..]].concat());
    assert_eq!(left.len(), 9);
    assert!(!ids(&left).contains(&first));
    assert_eq!(eleventh.run(&create)["registered"], json!(true));
    assert_eq!(eleventh.list(&["device", "list"]).len(), 10);
    // Somebody else's wallet has nothing to do with it.
    let stranger = world.stranger();
    let other = Wallet::new(&stranger, 0x44);
    let refused = stranger.refused(&[
        "device",
        "revoke",
        &first,
        "--node",
        &world.url,
        "--private-key-file",
        other.path(),
    ]);
    assert_eq!(refused, (1, "no_inbox".to_owned()));
}

#[test]
fn wallets_are_added_removed_and_take_over() {
    let world = World::new();
    let (alix, wallet) = device(&world, 0x55);
    let second = Wallet::new(&alix, 0x66);
    let wallets = alix.list(&["wallet", "add", "--new-private-key-file", second.path()]);
    assert_eq!(wallets.len(), 2);
    let first = alix.address();
    let added = wallets
        .iter()
        .find(|one| text(&one["address"]) != first)
        .unwrap();
    assert_eq!(added["recovery"], json!(false));
    let found = alix.run(&["inbox", "resolve", &text(&added["address"])]);
    assert_eq!(found["inbox_id"], json!(alix.inbox_id()));

    let add = ["wallet", "add", "--new-private-key-file", second.path()];
    assert_eq!(alix.refused(&add), (1, "wallet_known".to_owned()));
    let (_bo, foreign) = device(&world, 0x77);
    let add = ["wallet", "add", "--new-private-key-file", foreign.path()];
    assert_eq!(alix.refused(&add), (1, "wallet_in_other_inbox".to_owned()));

    let recover = [
        "wallet",
        "recovery",
        "--new-private-key-file",
        second.path(),
        "--private-key-file",
        wallet.path(),
    ];
    let wallets = alix.list(&recover);
    let recovery: Vec<_> = wallets
        .iter()
        .filter(|one| one["recovery"] == json!(true))
        .collect();
    assert_eq!(recovery.len(), 1);
    assert_eq!(recovery[0]["address"], added["address"]);

    // The wallet that registered this device goes; the device stays.
    let remove = [
        "wallet",
        "remove",
        &first,
        "--private-key-file",
        wallet.path(),
    ];
    assert_eq!(alix.refused(&remove), (1, "wrong_signer".to_owned()));
    let remove = [
        "wallet",
        "remove",
        &first,
        "--private-key-file",
        second.path(),
    ];
    assert_eq!(alix.list(&remove).len(), 1);
    assert_eq!(alix.list(&["device", "list"]).len(), 1);
    let last = ["wallet", "remove", &text(&added["address"])];
    let last = [&last[..], &["--private-key-file", second.path()]].concat();
    assert_eq!(alix.refused(&last), (1, "confirmation_required".to_owned()));
}

#[test]
fn devices_have_names_and_people_read_how_many_there_are() {
    let world = World::new();
    let (alix, _) = device(&world, 0x88);
    let own = installation(&alix);
    let named = alix.run(&["device", "name", &own, "Desk"]);
    assert_eq!(named["name"], json!("Desk"));
    let mut command = alix.bare_command();
    command
        .arg("--key-file")
        .arg(&alix.key_file)
        .args(["device", "list"]);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(
        shown.contains("Desk") && shown.contains("1 of 10"),
        "{shown}"
    );
}
