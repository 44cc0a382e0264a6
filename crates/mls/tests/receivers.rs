//! Replays what three real devices received from official clients (`tests/vectors/receivers.json`):
//! every welcome unwrapped, every group joined, every commit validated and applied, every text read.
//!
//! Commits that add devices are checked by OpenMLS against the system clock: the key packages in
//! the recording end 84 days after 22 November 2026. After that run under `faketime`; the test then
//! fails with `ExpiredKeyPackage` instead of passing by accident.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program; the workspace exempts tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_identity::{AssociationState, SmartContractVerifier, VerifierError};
use conclave_mls::key_package::WrapperAlgorithm;
use conclave_mls::process::{self, ProcessError, Processed};
use conclave_mls::validation::validate_commit;
use conclave_mls::{AssociationStates, GroupState, InstallationId, framing, key_package, welcome};
use conclave_proto::identity::associations::IdentityUpdate;
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage, group_message, welcome_message};
use openmls::extensions::Extension;
use openmls::group::MlsGroup;
use openmls::key_packages::KeyPackageBundle;
use openmls::messages::proposals::Proposal;
use openmls::prelude::OpenMlsProvider;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::storage::StorageProvider;
use prost::Message;
use serde_json::Value;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is no text in {value}"))
}

fn base64(value: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(text(value, key)).unwrap()
}

fn hexadecimal(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap()
}

struct NoContracts;

#[async_trait::async_trait]
impl SmartContractVerifier for NoContracts {
    async fn is_valid(
        &self,
        _: &str,
        _: [u8; 32],
        _: &[u8],
        _: u64,
    ) -> Result<bool, VerifierError> {
        unreachable!("no participant has a smart wallet")
    }
}

/// The participants' real identity logs, folded.
struct Logs(BTreeMap<(String, u64), Arc<BTreeSet<InstallationId>>>);

impl Logs {
    async fn read() -> Self {
        let logs: Value = serde_json::from_str(include_str!("vectors/identity_logs.json")).unwrap();
        let mut states = BTreeMap::new();
        for log in logs.as_array().unwrap() {
            let mut state = None;
            for update in log["updates"].as_array().unwrap() {
                let message =
                    IdentityUpdate::decode(base64(update, "identity_update").as_slice()).unwrap();
                let next = AssociationState::from_log(state, [&message], &NoContracts)
                    .await
                    .unwrap();
                let key = (
                    text(log, "inbox_id").to_owned(),
                    update["sequence_id"].as_u64().unwrap(),
                );
                states.insert(key, Arc::new(next.installations().collect()));
                state = Some(next);
            }
        }
        Self(states)
    }
}

impl AssociationStates for Logs {
    fn installations_at(
        &self,
        inbox_id: &str,
        sequence_id: u64,
    ) -> Option<Arc<BTreeSet<InstallationId>>> {
        self.0.get(&(inbox_id.to_owned(), sequence_id)).cloned()
    }
}

struct Receiver<'a> {
    provider: OpenMlsRustCrypto,
    secrets: &'a Value,
    hash_ref: Vec<u8>,
    groups: BTreeMap<Vec<u8>, MlsGroup>,
    logs: &'a Logs,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    welcomes: usize,
    texts: usize,
    commits: usize,
    own: usize,
    stale: usize,
}

impl<'a> Receiver<'a> {
    fn new(secrets: &'a Value, logs: &'a Logs) -> Self {
        let provider = OpenMlsRustCrypto::default();
        let bundle: KeyPackageBundle =
            serde_json::from_value(secrets["openmls_0_9_2_key_package_bundle_serde_json"].clone())
                .unwrap();
        let reference = bundle.key_package().hash_ref(provider.crypto()).unwrap();
        provider
            .storage()
            .write_key_package(&reference, &bundle)
            .unwrap();
        let hash_ref = reference.as_slice().to_vec();
        let init = key_package::init_private_key(&provider, &hash_ref)
            .unwrap()
            .unwrap();
        assert_eq!(*init, hexadecimal(secrets, "init_private_key"));
        Self {
            provider,
            secrets,
            hash_ref,
            groups: BTreeMap::new(),
            logs,
        }
    }

    fn unwrap(&self, event: &Value) -> welcome::OpenedWelcome {
        let message = WelcomeMessage::decode(base64(event, "welcome_message").as_slice()).unwrap();
        match message.version.unwrap() {
            welcome_message::Version::V1(message) => {
                assert!(event["pointer"].is_null());
                let private = match welcome::wrapper_algorithm(&message).unwrap() {
                    WrapperAlgorithm::XWing => hexadecimal(self.secrets, "xwing_private_key"),
                    WrapperAlgorithm::Curve25519 => {
                        assert_eq!(
                            message.hpke_public_key,
                            hexadecimal(self.secrets, "init_public_key")
                        );
                        key_package::init_private_key(&self.provider, &self.hash_ref)
                            .unwrap()
                            .unwrap()
                            .to_vec()
                    }
                };
                welcome::open(&message, &private).unwrap()
            }
            welcome_message::Version::WelcomePointer(message) => {
                let private = hexadecimal(self.secrets, "xwing_private_key");
                let pointer = welcome::open_pointer(&message, &private).unwrap();
                let recorded = &event["pointer"];
                assert_eq!(
                    pointer.encode(),
                    base64(recorded, "decrypted_welcome_pointer")
                );
                let pointee = base64(recorded, "pointee_welcome_message");
                let pointee = WelcomeMessage::decode(pointee.as_slice()).unwrap();
                let Some(welcome_message::Version::V1(pointee)) = pointee.version else {
                    panic!("a pointee is a V1");
                };
                assert_eq!(pointee.installation_key, pointer.destination);
                welcome::open_pointee(&pointee, &pointer).unwrap()
            }
        }
    }

    fn welcome(&mut self, event: &Value) {
        let opened = self.unwrap(event);
        assert_eq!(*opened.inner, base64(event, "unwrapped_welcome"));
        assert_eq!(opened.message_cursor, event["md_cursor"].as_u64());

        let staged = welcome::stage(&self.provider, &opened.inner).unwrap();
        assert_eq!(staged.state().group_id, hexadecimal(event, "gid"));
        assert_eq!(Some(staged.state().epoch), event["epoch"].as_u64());
        assert_eq!(
            Some(staged.state().leaves.len() as u64),
            event["members"].as_u64()
        );
        assert_eq!(staged.added_by().inbox_id, text(event, "added_by"));
        staged
            .validate(self.logs, text(self.secrets, "inbox_id"))
            .unwrap();

        let group = welcome::join(&self.provider, staged).unwrap();
        let recorded = event["group_context_extensions"].as_array().unwrap();
        let ours: Vec<_> = group.extensions().iter().collect();
        assert_eq!(ours.len(), recorded.len());
        for (ours, theirs) in ours.into_iter().zip(recorded) {
            match ours {
                Extension::Unknown(id, body) => {
                    assert_eq!(theirs["type"].as_u64(), Some(u64::from(*id)));
                    assert_eq!(body.0, base64(theirs, "data"));
                }
                Extension::RequiredCapabilities(_) => {
                    assert_eq!(text(theirs, "type"), "RequiredCapabilities");
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        let state = GroupState::of(&group).unwrap();
        assert_eq!(
            state.epoch_authenticator,
            hexadecimal(event, "epoch_authenticator")
        );
        assert!(self.groups.insert(state.group_id, group).is_none());
    }

    fn message(&mut self, event: &Value, seen: &mut Seen) {
        let data = match event["group_message"].as_str() {
            Some(_) => {
                let message =
                    GroupMessage::decode(base64(event, "group_message").as_slice()).unwrap();
                let Some(group_message::Version::V1(message)) = message.version else {
                    panic!("a group message is a V1");
                };
                let framing = framing::parse(&message.data).unwrap();
                assert_eq!(framing.group_id, message.group_id);
                assert_eq!(
                    framing.kind == framing::ContentKind::Commit,
                    message.is_commit
                );
                assert_eq!(Some(framing.epoch), event["epoch"].as_u64());
                message.data
            }
            None => base64(event, "data"),
        };
        let group_id = framing::parse(&data).unwrap().group_id;
        let group = self.groups.get_mut(&group_id).unwrap();
        let processed = process::process(&self.provider, group, &data);
        match processed {
            Ok(Processed::Application {
                inbox_id,
                plaintext,
                ..
            }) => {
                assert_eq!(*plaintext, *base64(event, "plaintext_envelope"));
                assert!(inbox_id.starts_with(text(event, "from")));
                seen.texts += 1;
            }
            Ok(Processed::Commit { staged, .. }) => {
                let count = |wanted: fn(&Proposal) -> bool| {
                    Some(
                        staged
                            .queued_proposals()
                            .filter(|p| wanted(p.proposal()))
                            .count() as u64,
                    )
                };
                assert_eq!(
                    count(|p| matches!(p, Proposal::Add(_))),
                    event["adds"].as_u64()
                );
                assert_eq!(
                    count(|p| matches!(p, Proposal::Remove(_))),
                    event["removes"].as_u64()
                );
                assert_eq!(
                    count(|p| matches!(p, Proposal::GroupContextExtensions(_))),
                    event["gce"].as_u64()
                );
                assert_eq!(
                    Some(staged.update_path_leaf_node().is_some()),
                    event["path"].as_bool()
                );
                let validated = validate_commit(group, &staged, self.logs)
                    .unwrap_or_else(|error| panic!("message {}: {error:?}", event["id"]));
                assert!(
                    validated
                        .actor
                        .inbox_id
                        .starts_with(text(event, "commit_from"))
                );
                assert_eq!(Some(validated.epoch), event["new_epoch"].as_u64());
                assert!(!validated.rewrites_metadata);
                process::merge(&self.provider, group, *staged).unwrap();
                let state = GroupState::of(group).unwrap();
                assert_eq!(
                    state.epoch_authenticator,
                    hexadecimal(event, "epoch_authenticator")
                );
                assert_eq!(Some(group.is_active()), event["active"].as_bool());
                seen.commits += 1;
            }
            Ok(Processed::Own) => {
                assert_eq!(event["own"], Value::Bool(true));
                seen.own += 1;
            }
            Err(ProcessError::StaleEpoch { message, .. }) => {
                assert_eq!(text(event, "err"), "ValidationError(WrongEpoch)");
                assert_eq!(Some(message), event["epoch"].as_u64());
                seen.stale += 1;
            }
            other => panic!("message {}: {other:?}", event["id"]),
        }
    }
}

#[tokio::test]
async fn everything_that_official_clients_sent_is_understood() {
    let logs = Logs::read().await;
    let recording: Value = serde_json::from_str(include_str!("vectors/receivers.json")).unwrap();
    let mut results = Vec::new();
    for recorded in recording["receivers"].as_array().unwrap() {
        let mut receiver = Receiver::new(&recorded["secrets"], &logs);
        let mut seen = Seen::default();
        for event in recorded["events"].as_array().unwrap() {
            match text(event, "event") {
                "welcome" => {
                    receiver.welcome(event);
                    seen.welcomes += 1;
                }
                _ => receiver.message(event, &mut seen),
            }
        }
        results.push(seen);
    }
    // As many as the recording's description says (45, 37 and 4 messages, 7 welcomes).
    assert_eq!(
        results,
        [
            Seen {
                welcomes: 2,
                texts: 21,
                commits: 24,
                own: 1,
                stale: 1
            },
            Seen {
                welcomes: 1,
                texts: 17,
                commits: 20,
                own: 0,
                stale: 1
            },
            Seen {
                welcomes: 4,
                texts: 4,
                commits: 0,
                own: 0,
                stale: 0
            },
        ]
    );
}
