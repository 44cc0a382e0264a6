//! Passkeys of an inbox, which only a page can use.

use serde_json::{Value, json};

use crate::{authenticator::Authenticator, bridge::Bridge, world::World};

/// A passkey's signature as a page hands it on.
fn signature(passkey: &Authenticator, text: &Value) -> Value {
    let assertion = passkey.sign(text.as_str().unwrap());
    json!({
        "kind": "passkey",
        "public_key": hex::encode(passkey.compressed()),
        "authenticator_data": hex::encode(assertion.authenticator_data),
        "client_data_json": hex::encode(assertion.client_data_json),
        "signature": hex::encode(assertion.signature),
    })
}

#[test]
fn a_page_adds_a_passkey_and_lets_it_revoke() {
    let world = World::new();
    let alix = world.stranger();
    let secret = "5d".repeat(32);
    let file = alix.folder.path().join("wallet");
    std::fs::write(&file, &secret).unwrap();
    let file = file.to_str().unwrap();
    let create = ["account", "create", "--node", &world.url];
    alix.run(&[&create[..], &["--private-key-file", file]].concat());

    let passkey = Authenticator::new(51);
    let key = hex::encode(passkey.compressed());
    let bridge = Bridge::start(&alix);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        for wrong in ["", "no hex", &"02".repeat(32)] {
            let change = json!({ "kind": "add_passkey", "key": wrong });
            let refused = page.refused("inbox_change_preview", json!({ "change": change }));
            assert_eq!(refused.await, "invalid_passkey");
        }
        let change = json!({
            "kind": "add_passkey",
            "key": hex::encode(passkey.key()),
            "relying_party": passkey.origin,
        });
        let shown = page
            .call("inbox_change_preview", json!({ "change": change }))
            .await;
        let signer = json!({
            "kind": "passkey",
            "key": key,
            "relying_party": passkey.origin,
        });
        assert_eq!(shown["signers"], json!([signer]));
        let sign =
            |signature: Value| json!({ "change_id": shown["change_id"], "signature": signature });
        let mut alone = Authenticator::new(51);
        alone.flags = 0;
        let mut no_hex = signature(&passkey, &shown["signature_text"]);
        no_hex["client_data_json"] = json!("no hex");
        for (wrong, code) in [
            (no_hex, "wrong_signer"),
            (
                signature(&Authenticator::new(52), &shown["signature_text"]),
                "wrong_signer",
            ),
            (
                signature(&alone, &shown["signature_text"]),
                "passkey_presence_missing",
            ),
        ] {
            assert_eq!(page.refused("inbox_change_sign", sign(wrong)).await, code);
        }
        let signed = sign(signature(&passkey, &shown["signature_text"]));
        page.call("inbox_change_sign", signed).await;
        let apply = json!({ "change_id": shown["change_id"] });
        let devices = page.call("inbox_change_apply", apply).await;
        assert_eq!(devices["passkeys"], json!([key]));

        let change = json!({ "kind": "change_recovery", "address": key });
        let shown = page
            .call("inbox_change_preview", json!({ "change": change }))
            .await;
        let kinds: Vec<_> = shown["signers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["kind"])
            .collect();
        assert_eq!(kinds, ["wallet", "passkey"]);
        let secret = json!({ "kind": "secret", "secret_kind": "private_key", "secret": secret });
        for signature in [secret, signature(&passkey, &shown["signature_text"])] {
            let signed = json!({ "change_id": shown["change_id"], "signature": signature });
            page.call("inbox_change_sign", signed).await;
        }
        let apply = json!({ "change_id": shown["change_id"] });
        let devices = page.call("inbox_change_apply", apply).await;
        assert_eq!(devices["recovery"], json!(key));
    });
    assert!(bridge.program.stop("TERM").success());

    // Without a page nobody can ask the passkey.
    let remove = [
        "wallet",
        "remove",
        "--yes",
        "--private-key-file",
        file,
        &key,
    ];
    assert_eq!(alix.refused(&remove).1, "passkey_required");
}
