//! Whole logs: our verdicts against those of the official engine (1.10.0 and 1.8.1).

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
    AssociationState, Identifier, MemberIdentifier, repeats_signature, signature_text,
    verify_update,
};
use conclave_proto::identity::associations::IdentityUpdate;
use serde_json::{Value, json};
use support::*;

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

fn recovery_json(identifier: &Identifier) -> Value {
    let kind = match identifier {
        Identifier::Ethereum(_) => "ethereum",
        Identifier::Passkey(_) => "passkey",
    };
    json!({"identifier": identifier.to_string(), "kind": kind})
}

/// The vector's view of a state: lists sorted by text.
fn result_json(state: &AssociationState) -> Value {
    let mut installations: Vec<_> = state
        .installations()
        .map(|id| {
            let member = state.member(&id.into()).unwrap();
            json!({
                "id": id.to_string(),
                "clientTimestampNs": member.client_timestamp_ns.unwrap().to_string(),
            })
        })
        .collect();
    installations.sort_by_key(|entry| text(&entry["id"]).to_owned());
    json!({
        "ok": true,
        "identifiers": sorted(identifier_texts(state)),
        "installations": installations,
        "recovery_identifier": recovery_json(state.recovery()),
    })
}

#[tokio::test]
async fn every_log_gets_the_official_verdict() {
    let vectors = identity();
    let entries = array(&vectors["identity_log"]);
    assert_eq!(entries.len(), 80);
    for entry in entries {
        let name = text(&entry["name"]);
        let expected = &entry["result"];
        match fold(&log(entry), &verifier(entry)).await {
            Ok(state) => {
                assert_eq!(&result_json(&state), expected, "{name}");
                assert_eq!(
                    state.inbox_id().as_str(),
                    text(&entry["inbox_id"]),
                    "{name}"
                );
                let stored = AssociationState::from_proto(state.to_proto());
                assert_eq!(stored.as_ref(), Ok(&state), "{name}");
            }
            Err(error) => {
                assert_eq!(expected["ok"], false, "{name}: {error}");
                let official = text(&expected["error"]);
                let ours = error.to_string();
                // The official text goes on with a name of a Rust type here.
                let same = if name == "action_without_kind" {
                    official.contains(&format!("{ours} of type"))
                } else {
                    official.ends_with(&format!(": {ours}"))
                        || official.ends_with(&format!("error {ours}"))
                };
                assert!(same, "{name}: {ours:?}, officially {official:?}");
            }
        }
    }
}

#[tokio::test]
async fn texts_are_rebuilt_from_the_messages() {
    let vectors = identity();
    let mut other = Vec::new();
    for entry in array(&vectors["identity_log"]) {
        for (vector, update) in array(&entry["updates"]).iter().zip(log(entry)) {
            if signature_text(&update).as_deref() != Ok(text(&vector["signature_text"])) {
                other.push(text(&entry["name"]).to_owned());
            }
        }
    }
    // Here the signers signed something else on purpose, or there is nothing to rebuild.
    assert_eq!(
        other,
        [
            "action_without_kind",
            "wrong_text_case",
            "action_order_matters"
        ]
    );
}

/// A stale view of a member and the fresh one, as a group commit compares them.
#[tokio::test]
async fn differences_name_who_came_and_went() {
    let vectors = identity();
    let entry = array(&vectors["identity_log"])
        .iter()
        .find(|entry| entry["name"] == "revoke_wallet_cascades")
        .unwrap();
    let log = log(entry);
    let before = fold(&log[..3], &verifier(entry)).await.unwrap();
    let after = AssociationState::from_log(Some(before.clone()), &log[3..], &verifier(entry))
        .await
        .unwrap();
    let gone: Vec<MemberIdentifier> = vec![
        wallet(&vectors, "B").identifier().into(),
        installation(&vectors, "2").id().into(),
    ];
    let diff = after.diff(Some(&before));
    assert_eq!(diff.new_members, []);
    assert_eq!(diff.removed_members, gone);
    assert_eq!(before.diff(Some(&after)).new_members, gone);
    assert_eq!(after.diff(None).new_members.len(), 2);
    assert!(!after.has_installation(installation(&vectors, "2").id()));
    assert!(after.has_installation(installation(&vectors, "1").id()));
}

#[tokio::test]
async fn a_refused_update_changes_nothing() {
    let vectors = identity();
    for entry in array(&vectors["identity_log"]) {
        let log = log(entry);
        let Some((last, earlier)) = log.split_last() else {
            continue;
        };
        if earlier.is_empty() || entry["result"]["ok"] == true {
            continue;
        }
        let state = fold(earlier, &verifier(entry)).await.unwrap();
        let before = state.clone();
        if let Ok(update) = verify_update(last, &verifier(entry)).await {
            assert!(AssociationState::apply(Some(&state), &update).is_err());
        }
        assert_eq!(state, before);
    }
}

#[tokio::test]
async fn a_node_notices_a_signature_that_only_looks_new() {
    let vectors = identity();
    let mut repeated = Vec::new();
    for entry in array(&vectors["identity_log"]) {
        if entry["result"]["ok"] == true {
            let log = log(entry);
            let (last, earlier) = log.split_last().unwrap();
            if repeats_signature(earlier, last).unwrap() {
                repeated.push(text(&entry["name"]).to_owned());
            }
        }
    }
    assert_eq!(repeated, ["replay_with_other_v"]);
}

fn ids_json(state: &AssociationState) -> Value {
    state.identifiers().map(identifier_json).collect()
}

fn identifier_json(identifier: &Identifier) -> Value {
    let kind = match identifier {
        Identifier::Ethereum(_) => 0,
        Identifier::Passkey(_) => 1,
    };
    json!({"identifier": identifier.to_string(), "identifierKind": kind})
}

/// Updates that official clients sent, with the state they then showed, order included.
#[tokio::test]
async fn captured_series_lead_to_the_state_the_official_client_showed() {
    let vectors = identity_updates();
    for series in array(&vectors["series"]) {
        let version = text(&series["sdk_version"]);
        let mut log: Vec<IdentityUpdate> = Vec::new();
        let mut links_seen = false;
        for vector in array(&series["updates"]) {
            let update = update_from_base64(&vector["identity_update"]);
            assert_eq!(
                signature_text(&update).as_deref(),
                Ok(text(&vector["signature_text"]))
            );
            log.push(update);
            if text(&vector["step"]).ends_with("link passkey") {
                let state = fold(&log, &Answers(false)).await.unwrap();
                let shown = &series["state_after_links"];
                assert_eq!(ids_json(&state), shown["ids"], "{version}");
                assert_eq!(json!(installation_texts(&state)), shown["inst"]);
                assert_eq!(identifier_json(state.recovery()), shown["rec"]);
                links_seen = true;
            }
        }
        assert!(links_seen, "{version}");
        let state = fold(&log, &Answers(false)).await.unwrap();
        let shown = &series["final_state"];
        assert_eq!(ids_json(&state), shown["ids"], "{version}");
        assert_eq!(json!(installation_texts(&state)), shown["inst"]);
        assert_eq!(identifier_json(state.recovery()), shown["rec"]);
        assert_eq!(state.inbox_id().as_str(), text(&series["inbox_id"]));
    }
}

#[tokio::test]
async fn everybody_in_the_captured_conversation_resolves() {
    let vectors = identity_updates();
    for person in array(&vectors["others"]) {
        let log: Vec<_> = array(&person["updates"])
            .iter()
            .map(|vector| {
                let update = update_from_base64(&vector["identity_update"]);
                if let Some(shown) = vector["signature_text"].as_str() {
                    assert_eq!(signature_text(&update).as_deref(), Ok(shown));
                }
                update
            })
            .collect();
        let state = fold(&log, &Answers(false)).await.unwrap();
        assert_eq!(state.inbox_id().as_str(), text(&person["inbox_id"]));
        let first = text(&person["installation_id"]).parse().unwrap();
        assert!(state.has_installation(first), "{}", person["name"]);
    }
}

#[tokio::test]
async fn the_official_client_flow_resolves() {
    let vectors = identity();
    let flows = array(&vectors["client_flows"]);
    let mut log = Vec::new();
    for flow in flows {
        if flow["published_identity_update_hex"].is_string() {
            let update = update_from_hex(&flow["published_identity_update_hex"]);
            assert_eq!(
                signature_text(&update).as_deref(),
                Ok(text(&flow["signature_text"]))
            );
            log.push(update);
        }
    }
    assert_eq!(log.len(), 6);
    let state = fold(&log, &Answers(false)).await.unwrap();
    let shown = flows
        .iter()
        .find(|flow| flow["label"] == "state afterwards")
        .map(|flow| &flow["state"])
        .unwrap();
    assert_eq!(ids_json(&state), shown["identifiers"]);
    assert_eq!(json!(installation_texts(&state)), shown["installations"]);
    assert_eq!(identifier_json(state.recovery()), shown["recovery"]);
}
