//! Updates that we write: the official bytes where the keys are known.

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
    AccountId, AssociationState, Identifier, IdentityError, InstallationId, InstallationKey,
    MemberIdentifier, UnsignedUpdate, UpdateBuilder, VerifiedAction, WalletKey, verify_update,
};
use conclave_proto::identity::associations::{
    IdentityUpdate, RecoverablePasskeySignature, identity_action, signature,
};
use prost::Message;
use serde_json::Value;
use support::*;

struct Keys {
    wallets: Vec<WalletKey>,
    installations: Vec<InstallationKey>,
}

impl Keys {
    fn new(vectors: &Value) -> Self {
        Self {
            wallets: ["A", "B", "C", "D"]
                .map(|name| wallet(vectors, name))
                .into(),
            installations: ["1", "2", "3"]
                .map(|name| installation(vectors, name))
                .into(),
        }
    }

    /// Signs for everybody who is missing and whose key we have; the passkeys' signatures come
    /// from the original.
    fn sign(&self, unsigned: &mut UnsignedUpdate, passkeys: &[RecoverablePasskeySignature]) {
        let missing: Vec<_> = unsigned.missing_signers().into_iter().cloned().collect();
        for signer in missing {
            if let Some(key) = self
                .installations
                .iter()
                .find(|key| Some(key.id()) == signer.installation())
            {
                unsigned.sign_with_installation(key).unwrap();
            }
            if let Some(key) = self
                .wallets
                .iter()
                .find(|key| Some(&key.identifier()) == signer.identifier())
            {
                let signature = key.sign_text(unsigned.text()).unwrap();
                unsigned.add_wallet_signature(&signature).unwrap();
            }
        }
        for signature in passkeys {
            unsigned.add_passkey_signature(signature.clone()).unwrap();
        }
    }
}

/// Starts the same update again from what the verified original says.
async fn restart(update: &IdentityUpdate) -> Option<UpdateBuilder> {
    let verified = verify_update(update, &Answers(true)).await.ok()?;
    let mut actions = verified.actions.into_iter().peekable();
    let mut builder = match actions.peek() {
        Some(VerifiedAction::CreateInbox {
            identifier, nonce, ..
        }) => {
            let builder = UpdateBuilder::create_inbox(
                identifier.clone(),
                *nonce,
                verified.client_timestamp_ns,
            )
            .ok()?;
            actions.next();
            builder
        }
        _ => UpdateBuilder::new(
            verified.inbox_id.parse().ok()?,
            verified.client_timestamp_ns,
        ),
    };
    for action in actions {
        builder = match action {
            VerifiedAction::CreateInbox { .. } => return None,
            VerifiedAction::Add {
                new_member,
                existing_signature,
                ..
            } => builder.add(new_member?, existing_signature.signer),
            VerifiedAction::Revoke { member, signature } => {
                builder.revoke(member?, signature.signer.identifier()?.clone())
            }
            VerifiedAction::ChangeRecovery {
                identifier,
                signature,
            } => builder.change_recovery(identifier, signature.signer.identifier()?.clone()),
        };
    }
    Some(builder)
}

fn passkey_signatures(update: &IdentityUpdate) -> Vec<RecoverablePasskeySignature> {
    let mut found: Vec<RecoverablePasskeySignature> = Vec::new();
    for action in &update.actions {
        let signatures = match action.kind.as_ref().unwrap() {
            identity_action::Kind::CreateInbox(create) => {
                vec![&create.initial_identifier_signature]
            }
            identity_action::Kind::Add(add) => {
                vec![&add.existing_member_signature, &add.new_member_signature]
            }
            identity_action::Kind::Revoke(revoke) => vec![&revoke.recovery_identifier_signature],
            identity_action::Kind::ChangeRecoveryAddress(change) => {
                vec![&change.existing_recovery_identifier_signature]
            }
        };
        for signature in signatures {
            if let Some(signature::Signature::Passkey(passkey)) =
                signature.as_ref().and_then(|s| s.signature.as_ref())
                && !found.contains(passkey)
            {
                found.push(passkey.clone());
            }
        }
    }
    found
}

#[tokio::test]
async fn rebuilt_updates_are_the_vectors_bytes() {
    // Odd on purpose: another V, a kind or a relying party that no writer of ours sends, a passkey
    // signature that we refuse to publish, signers whose keys nobody has.
    const ODD: [&str; 8] = [
        "kind_unspecified",
        "v_0_1",
        "replay_with_other_v",
        "high_s_same_v",
        "eip155_v",
        "passkey_unchecked_fields",
        "passkey_high_s",
        "passkey_relying_party_differs",
    ];
    let vectors = identity();
    let keys = Keys::new(&vectors);
    let mut rebuilt = 0;
    for entry in array(&vectors["identity_log"]) {
        let name = text(&entry["name"]);
        let foreign = name.starts_with("scw")
            || name.starts_with("legacy")
            || name == "recovery_nonmember_scw"
            || name == "eleven_installations";
        if entry["result"]["ok"] != true || foreign || ODD.contains(&name) {
            continue;
        }
        for update in log(entry) {
            let mut unsigned = restart(&update).await.unwrap().build().unwrap();
            keys.sign(&mut unsigned, &passkey_signatures(&update));
            assert_eq!(unsigned.finish().as_ref(), Ok(&update), "{name}");
            rebuilt += 1;
        }
    }
    assert!(rebuilt >= 60, "{rebuilt}");
}

fn code(result: Result<(), IdentityError>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn revocations_without_a_client_are_the_official_bytes() {
    let vectors = identity();
    let wallets =
        [("wallet A", "A"), ("wallet B", "B")].map(|(label, name)| (label, wallet(&vectors, name)));
    for case in array(&vectors["static_revocation"]) {
        let label = text(&case["label"]);
        let recovery_text = text(&case["recovery"]["identifier"]);
        let recovery = match case["recovery"]["identifierKind"].as_u64() {
            Some(0) => Identifier::ethereum(recovery_text),
            _ => Identifier::passkey_text(recovery_text, None),
        }
        .unwrap();
        let published = case["apply"]["published_identity_update_hex"].as_str();
        let original = published.map(|hex| update_from_hex(&hex.into()));
        // Where nothing was published, the time is that of the text: 2026-11-22T10:06:35Z.
        let time = original
            .as_ref()
            .map_or(1_795_341_995_000_000_000, |update| {
                update.client_timestamp_ns
            });
        let ids: Result<Vec<InstallationId>, _> = array(&case["installation_ids"])
            .iter()
            .map(|id| text(id).parse::<InstallationId>())
            .collect();
        let Ok(ids) = ids else {
            // An id that no installation has: not to be written by us, but to be read.
            assert_eq!(label, "non-32-byte id");
            let original = original.unwrap();
            assert_eq!(
                conclave_identity::signature_text(&original).as_deref(),
                Ok(text(&case["signature_text"]))
            );
            verify_update(&original, &Answers(false)).await.unwrap();
            continue;
        };
        let inbox_id = text(&case["inbox_id"]).parse().unwrap();
        let mut builder = UpdateBuilder::new(inbox_id, time);
        for id in ids {
            builder = builder.revoke(id, recovery.clone());
        }
        let mut unsigned = builder.build().unwrap();
        assert_eq!(unsigned.text(), text(&case["signature_text"]), "{label}");
        for attempt in array(&case["attempts"]) {
            let signer = text(&attempt["signer"]);
            let outcome = if signer == "passkey P" {
                let signature = passkey_signatures(original.as_ref().unwrap()).remove(0);
                code(unsigned.add_passkey_signature(signature))
            } else {
                let (_, key) = wallets
                    .iter()
                    .find(|(name, _)| signer.starts_with(name))
                    .unwrap();
                let signature = key.sign_text(unsigned.text()).unwrap();
                code(unsigned.add_wallet_signature(&signature))
            };
            let official = attempt["error"].as_str().unwrap_or("ok");
            assert!(official.ends_with(&outcome), "{label}, {signer}: {outcome}");
        }
        match unsigned.finish() {
            Ok(update) => assert_eq!(
                Some(hex::encode(update.encode_to_vec()).as_str()),
                published,
                "{label}"
            ),
            Err(error) => {
                assert!(published.is_none(), "{label}: {error}");
                assert!(text(&case["apply"]["error"]).ends_with(&error.to_string()));
            }
        }
    }
}

#[test]
fn an_inbox_id_must_belong_to_its_identifier_and_nonce() {
    // client_flows: with the id of nonce 0 the official client accepts nonce 0 and refuses 1.
    let vectors = identity();
    let flows = array(&vectors["client_flows"]);
    let find = |label: &str| flows.iter().find(|flow| flow["label"] == label).unwrap();
    let accepted = find("inbox id of nonce 0 with nonce 0");
    let founder = ["A", "B", "C", "D"]
        .map(|name| wallet(&vectors, name).identifier())
        .into_iter()
        .find(|identifier| {
            let update = UpdateBuilder::create_inbox(identifier.clone(), 0, 0).unwrap();
            update.build().unwrap().inbox_id() == text(&accepted["inbox_id"])
        });
    let founder = founder.unwrap();
    let refused = UpdateBuilder::create_inbox(founder, 1, 0)
        .unwrap()
        .build()
        .unwrap();
    assert_ne!(refused.inbox_id(), text(&accepted["inbox_id"]));
}

#[tokio::test]
async fn an_eleventh_installation_is_refused_by_the_registering_client_only() {
    let vectors = identity();
    let entry = array(&vectors["identity_log"])
        .iter()
        .find(|entry| entry["name"] == "eleven_installations")
        .unwrap();
    let eleven = fold(&log(entry), &Answers(false)).await.unwrap();
    let flow = array(&vectors["client_flows"])
        .iter()
        .find(|flow| flow["label"] == "eleventh installation")
        .unwrap();
    let official = text(&flow["error"]);
    let inbox_id = official
        .split_whitespace()
        .find(|word| word.len() == 64)
        .unwrap();
    let mut wire = eleven.to_proto();
    wire.inbox_id = inbox_id.to_owned();
    let installations = |wire: &conclave_proto::identity::associations::AssociationState| {
        AssociationState::from_proto(wire.clone())
            .unwrap()
            .installations()
            .count()
    };
    while installations(&wire) > 10 {
        wire.members.pop();
    }
    let ten = AssociationState::from_proto(wire.clone()).unwrap();
    let error = ten.require_room_for_installation().unwrap_err();
    assert_eq!(official, format!("[ClientBuilderError::Identity] {error}"));
    while installations(&wire) > 9 {
        wire.members.pop();
    }
    let nine = AssociationState::from_proto(wire).unwrap();
    assert_eq!(nine.require_room_for_installation(), Ok(()));
}

#[tokio::test]
async fn a_smart_contract_wallet_signs_through_its_chain() {
    let vectors = identity();
    let device = installation(&vectors, "1");
    let account = AccountId::eip155(8453, "0x00000000000000000000000000000000000000AA");
    let founder = Identifier::ethereum(account.address()).unwrap();
    let start = || {
        UpdateBuilder::create_inbox(founder.clone(), 1, 0)
            .unwrap()
            .add(device.id(), founder.clone())
            .build()
            .unwrap()
    };
    let mut refused = start();
    let error = refused
        .add_smart_contract_signature(&account, 7, vec![1], &Answers(false))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "signature_invalid");
    assert_eq!(refused.missing_signers().len(), 2);
    let mut unsigned = start();
    unsigned
        .add_smart_contract_signature(&account, 7, vec![1], &Answers(true))
        .await
        .unwrap();
    assert_eq!(
        unsigned.missing_signers(),
        [&MemberIdentifier::from(device.id())]
    );
    unsigned.sign_with_installation(&device).unwrap();
    let update = unsigned.finish().unwrap();
    let state = fold(&[update], &Answers(true)).await.unwrap();
    let member = state.member(&founder.clone().into()).unwrap();
    assert_eq!(member.added_on_chain_id, Some(8453));
}

#[tokio::test]
async fn passkey_signatures_without_the_user_are_not_published() {
    let vectors = identity();
    let entry = |name: &str| {
        let found = array(&vectors["identity_log"])
            .iter()
            .find(|entry| entry["name"] == name);
        log(found.unwrap()).remove(0)
    };
    for (name, refusal) in [
        ("passkey_unchecked_fields", Some("passkey_presence_missing")),
        (
            "passkey_relying_party_differs",
            Some("passkey_presence_missing"),
        ),
        ("passkey_register", None),
    ] {
        let update = entry(name);
        let verified = verify_update(&update, &Answers(false)).await.unwrap();
        // The relying party that the action claims.
        let Some(VerifiedAction::CreateInbox { identifier, .. }) = verified.actions.first() else {
            panic!("{name}");
        };
        assert!(identifier.relying_party().is_some(), "{name}");
        let mut unsigned = restart(&update).await.unwrap().build().unwrap();
        let outcome = unsigned.add_passkey_signature(passkey_signatures(&update).remove(0));
        assert_eq!(outcome.err().map(|error| error.code()), refusal, "{name}");
    }
}
