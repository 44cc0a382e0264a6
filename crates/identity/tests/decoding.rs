//! Bytes from strangers: any outcome but a panic.

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

use std::sync::LazyLock;

use conclave_identity::{
    AssociationState, Identifier, canonical_signatures, signature_text, verify_update,
};
use conclave_proto::identity::associations::{
    AssociationState as WireState, IdentityUpdate, Signature, signature,
};
use proptest::prelude::*;
use prost::Message;
use support::*;

/// Reads `bytes` in every way that a node or a client reads an update.
fn read(bytes: &[u8]) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let Ok(update) = IdentityUpdate::decode(bytes) else {
        return false;
    };
    let text = signature_text(&update);
    let canonical = canonical_signatures(&update);
    let verified = runtime.block_on(verify_update(&update, &Answers(true)));
    if let Ok(verified) = &verified {
        // What verifies has a text and canonical signatures.
        assert!(text.is_ok() && canonical.is_ok());
        if let Ok(state) = AssociationState::fold([verified]) {
            assert_eq!(AssociationState::from_proto(state.to_proto()), Ok(state));
        }
    }
    verified.is_ok()
}

static UPDATES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    array(&identity()["identity_log"])
        .iter()
        .flat_map(log)
        .map(|update| update.encode_to_vec())
        .collect()
});

#[test]
fn the_vectors_themselves_are_read() {
    let good = UPDATES.iter().filter(|bytes| read(bytes)).count();
    assert!(good > 100, "{good}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        read(&bytes);
        if let Ok(wire) = WireState::decode(bytes.as_slice()) {
            let _ = AssociationState::from_proto(wire);
        }
    }

    #[test]
    fn damaged_updates_do_not_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        let mut bytes = which.get(UPDATES.as_slice()).clone();
        for (position, value) in changes {
            let position = position.index(bytes.len());
            bytes[position] = value;
        }
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        read(&bytes);
    }

    #[test]
    fn signatures_of_any_length_do_not_panic(
        arm in 0..5,
        first in proptest::collection::vec(any::<u8>(), 0..80),
        second in proptest::collection::vec(any::<u8>(), 0..80),
        account in ".{0,40}",
    ) {
        use conclave_proto::identity::associations as wire;
        let kind = match arm {
            0 => signature::Signature::Erc191(wire::RecoverableEcdsaSignature { bytes: first }),
            1 => signature::Signature::InstallationKey(wire::RecoverableEd25519Signature { bytes: first, public_key: second }),
            2 => signature::Signature::Erc6492(wire::SmartContractWalletSignature { account_id: account, block_number: 0, signature: first }),
            3 => signature::Signature::Passkey(wire::RecoverablePasskeySignature {
                public_key: first.clone(), signature: second.clone(), authenticator_data: first, client_data_json: second,
            }),
            _ => signature::Signature::DelegatedErc191(wire::LegacyDelegatedSignature {
                delegated_key: Some(conclave_proto::message_contents::SignedPublicKey { key_bytes: first.clone(), signature: None }),
                signature: Some(wire::RecoverableEcdsaSignature { bytes: second }),
            }),
        };
        let update = IdentityUpdate {
            actions: vec![wire::IdentityAction { kind: Some(wire::identity_action::Kind::Revoke(wire::RevokeAssociation {
                member_to_revoke: Some(wire::MemberIdentifier { kind: Some(wire::member_identifier::Kind::InstallationPublicKey(vec![1, 2, 3])) }),
                recovery_identifier_signature: Some(Signature { signature: Some(kind) }),
            })) }],
            client_timestamp_ns: 0,
            inbox_id: String::new(),
        };
        read(&update.encode_to_vec());
    }

    #[test]
    fn identifiers_as_typed_do_not_panic(text in ".{0,80}") {
        if let Ok(identifier) = Identifier::ethereum(&text) {
            prop_assert_eq!(Identifier::ethereum(&identifier.to_string()), Ok(identifier));
        }
        let _ = Identifier::passkey_text(&text, None);
    }
}
