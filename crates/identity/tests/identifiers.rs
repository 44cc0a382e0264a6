//! Inbox ids, and signatures over public texts.

// Test code: a panic is how it fails, and each file uses its part of the support module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code
)]

mod support;

use conclave_identity::{
    DEFAULT_NONCE, Identifier, InboxId, InstallationId, InstallationKey, Passkey, WalletKey,
    verify_public_signature,
};
use support::*;

#[test]
fn inbox_ids_are_the_official_ones() {
    let vectors = identity();
    let entries = array(&vectors["inbox_ids"]);
    assert_eq!(entries.len(), 46);
    for entry in entries {
        let input = text(&entry["identifier"]);
        let nonce = entry["nonce"]
            .as_str()
            .map_or(Some(DEFAULT_NONCE), |n| n.parse().ok());
        let identifier = match text(&entry["kind"]) {
            "ethereum" => Identifier::ethereum(input),
            _ => Identifier::passkey_text(input, None),
        };
        match (entry["inbox_id"].as_str(), identifier, nonce) {
            (Some(expected), Ok(identifier), Some(nonce)) => {
                let id = InboxId::derive(&identifier, nonce).unwrap();
                assert_eq!(id.as_str(), expected, "{input}");
                assert_eq!(InboxId::from_bytes(id.to_bytes()), id);
            }
            // Keys that the official code takes and we do not: no P-256 point. The derivation is
            // the same all the same.
            (Some(expected), Err(error), Some(nonce)) => {
                assert_eq!(error.code(), "invalid_passkey", "{input}");
                let key = hex::decode(input).unwrap();
                assert!(key.len() < 2);
                let identifier = Identifier::Passkey(Passkey {
                    key,
                    relying_party: None,
                });
                let id = InboxId::derive(&identifier, nonce).unwrap();
                assert_eq!(id.as_str(), expected);
            }
            (None, Err(error), Some(_)) => {
                let official = text(&entry["error"]);
                assert!(
                    official.ends_with(&format!("] {error}")),
                    "{error}, officially {official}"
                );
            }
            // A nonce that is no unsigned 64-bit number cannot be expressed.
            (None, _, None) => assert!(text(&entry["error"]).contains("nonce")),
            (expected, identifier, nonce) => {
                panic!("{input} {nonce:?}: {identifier:?}, officially {expected:?}")
            }
        }
    }
}

#[test]
fn addresses_of_another_case_or_shape_found_no_inbox_unseen() {
    let upper = Identifier::Ethereum("0XAB".to_owned());
    assert_eq!(
        InboxId::derive(&upper, 1).unwrap_err().code(),
        "invalid_account_address"
    );
}

#[test]
fn inbox_ids_and_installation_ids_are_checked_where_they_come_in() {
    let good = "a38db5b39c536ce8cda4a67ce2a2d2fee6360dd0935875f26138e7899d6c15f7";
    assert_eq!(good.parse::<InboxId>().unwrap().to_string(), good);
    assert_eq!(good.parse::<InstallationId>().unwrap().to_string(), good);
    for bad in [
        "",
        "a38d",
        &good.to_uppercase(),
        &good.replace('a', "g"),
        &format!("{good}00"),
    ] {
        assert_eq!(
            bad.parse::<InboxId>().unwrap_err().code(),
            "invalid_inbox_id"
        );
    }
    assert!(InstallationId::try_from([0; 31].as_slice()).is_err());
    let json = format!("{good:?}");
    let id: InboxId = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), json);
    assert!(serde_json::from_str::<InboxId>("\"zz\"").is_err());
}

#[test]
fn public_signatures_get_the_official_verdict() {
    let vectors = identity();
    for entry in array(&vectors["public_context_signatures"]) {
        let verdict = verify_public_signature(
            text(&entry["text"]),
            &hex::decode(text(&entry["signature"])).unwrap(),
            &hex::decode(text(&entry["public_key"])).unwrap(),
        );
        assert_eq!(verdict.is_ok(), entry["ok"] == true, "{}", entry["label"]);
        if let (Err(error), Some(official)) = (verdict, entry["error"].as_str()) {
            let start = error.to_string();
            let start = start.split(" signature error").next().unwrap();
            assert!(official.contains(start), "{error}, officially {official}");
        }
    }
}

#[test]
fn our_public_signatures_are_the_same_bytes() {
    let vectors = identity();
    let key = installation(&vectors, "1");
    for entry in array(&vectors["public_context_signatures"]) {
        let signed = key.sign_public(text(&entry["text"])).unwrap();
        let same = hex::encode(signed) == text(&entry["signature"]);
        if entry["ok"] == true {
            assert!(same, "{}", entry["label"]);
        }
    }
    let captured = identity_updates();
    for series in array(&captured["series"]) {
        let signed = &series["sign_with_installation_key"];
        let id: InstallationId = text(&signed["inst"]).parse().unwrap();
        let signature = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            text(&signed["sig"]["b64"]),
        )
        .unwrap();
        verify_public_signature(text(&signed["text"]), &signature, id.as_bytes()).unwrap();
    }
}

#[test]
fn keys_round_trip_and_stay_out_of_debug_output() {
    let vectors = identity();
    for name in ["A", "B", "C", "D"] {
        let key = wallet(&vectors, name);
        let address = text(&vectors["keys"]["wallets"][name]["address"]);
        assert_eq!(key.identifier(), Identifier::ethereum(address).unwrap());
        let secret = hex::encode(*key.to_bytes());
        assert!(!format!("{key:?}").contains(&secret));
    }
    let key = installation(&vectors, "1");
    let public = text(&vectors["keys"]["installations"]["1"]["public_key"]);
    assert_eq!(key.id().to_string(), public);
    let secret = hex::encode(*key.seed());
    assert!(!format!("{key:?}").contains(&secret));
    assert_eq!(InstallationKey::from_seed(&key.seed()).id(), key.id());
    assert_ne!(
        InstallationKey::generate().unwrap().id(),
        InstallationKey::generate().unwrap().id()
    );
    assert_ne!(
        WalletKey::generate().unwrap().identifier(),
        WalletKey::generate().unwrap().identifier()
    );
    for bad in ["", "00", &"0".repeat(64), &"f".repeat(64), &"g".repeat(64)] {
        assert_eq!(
            WalletKey::from_hex(bad).unwrap_err().code(),
            "invalid_wallet_key"
        );
    }
}

#[test]
fn a_new_passkey_is_named_by_its_compressed_key() {
    for name in ["P", "Q"] {
        let wanted = identity()["keys"]["passkeys"][name]["public_key_compressed"].clone();
        let compressed = hex::decode(text(&wanted)).unwrap();
        let point = p256::ecdsa::VerifyingKey::from_sec1_bytes(&compressed).unwrap();
        let both = point.to_encoded_point(false);
        for given in [&compressed, both.as_bytes()] {
            let passkey = Identifier::new_passkey(given, None).unwrap();
            assert_eq!(passkey.to_string(), text(&wanted));
        }
        let mut off_curve = both.as_bytes().to_vec();
        off_curve[64] ^= 1;
        for wrong in [&off_curve[..], &both.as_bytes()[1..], &[0], &[]] {
            let error = Identifier::new_passkey(wrong, None).unwrap_err();
            assert_eq!(error.code(), "invalid_passkey");
        }
    }
}
