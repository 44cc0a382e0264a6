use std::collections::BTreeSet;

use conclave_proto::mls::api::v1::{
    WelcomeMessageInput, welcome_message, welcome_message_input as input,
};
use conclave_proto::mls::message_contents as proto;
use openmls::messages::proposals::{PreSharedKeyProposal, Proposal};
use openmls::prelude::OpenMlsProvider;
use openmls::prelude::tls_codec::Serialize;
use openmls::schedule::PreSharedKeyId;
use openmls_rust_crypto::OpenMlsRustCrypto;

use super::*;
use crate::association::MissingIdentity;
use crate::extensions::{
    CIPHERSUITE, GROUP_MEMBERSHIP, GROUP_PERMISSIONS, IMMUTABLE_METADATA, MUTABLE_METADATA,
};
use crate::group::NewGroupKind;
use crate::key_package::{self, WrapperAlgorithm};
use crate::policy::{Policy, PolicySet, Preset, Rule};
use crate::testing::{Device, Ledger, assert_agree, circle, inbox};
use crate::validation::{CommitError, Rejection};

/// What the node stores for an input.
fn stored_v1(message: &WelcomeMessageInput) -> welcome_message::V1 {
    let Some(input::Version::V1(message)) = message.version.clone() else {
        panic!("a V1: {message:?}");
    };
    welcome_message::V1 {
        id: 1,
        created_ns: 2,
        installation_key: message.installation_key,
        data: message.data,
        hpke_public_key: message.hpke_public_key,
        wrapper_algorithm: message.wrapper_algorithm,
        welcome_metadata: message.welcome_metadata,
    }
}

fn stored_pointer(message: &WelcomeMessageInput) -> welcome_message::WelcomePointer {
    let Some(input::Version::WelcomePointer(message)) = message.version.clone() else {
        panic!("a pointer: {message:?}");
    };
    welcome_message::WelcomePointer {
        id: 1,
        created_ns: 2,
        installation_key: message.installation_key,
        welcome_pointer: message.welcome_pointer,
        hpke_public_key: message.hpke_public_key,
        wrapper_algorithm: message.wrapper_algorithm,
    }
}

fn private_key(device: &Device, public_key: &[u8], algorithm: WrapperAlgorithm) -> Vec<u8> {
    let key = match algorithm {
        WrapperAlgorithm::XWing => device
            .keys
            .iter()
            .find(|key| key.xwing_public_key == public_key)
            .unwrap(),
        WrapperAlgorithm::Curve25519 => device
            .keys
            .iter()
            .find(|key| key.init_public_key == public_key)
            .unwrap(),
    };
    match algorithm {
        WrapperAlgorithm::XWing => key.xwing_private_key.to_vec(),
        WrapperAlgorithm::Curve25519 => {
            key_package::init_private_key(&device.provider, &key.hash_ref)
                .unwrap()
                .unwrap()
                .to_vec()
        }
    }
}

fn recipients(devices: &mut [Device]) -> Vec<WelcomeRecipient> {
    devices
        .iter_mut()
        .map(|device| WelcomeRecipient::from(&device.key_package()))
        .collect()
}

/// The same device without post-quantum keys and pointers, like libxmtp 1.2.0.
fn plain(device: &Device) -> WelcomeRecipient {
    WelcomeRecipient {
        installation_id: device.id(),
        wrapper: key_package::WrapperKey {
            algorithm: WrapperAlgorithm::Curve25519,
            public_key: device.keys[0].init_public_key.clone(),
        },
        pointer_capable: false,
    }
}

fn people(names: &[&'static str]) -> Vec<Device> {
    names.iter().map(|name| Device::new(name, 1)).collect()
}

#[test]
fn two_recipients_get_their_own_welcome() {
    let mut devices = people(&["alix", "bo"]);
    let mut to = recipients(&mut devices);
    to[1] = plain(&devices[1]);
    let built = build(devices[0].provider.rand(), b"inner", &to, 77).unwrap();
    assert!(built.unreachable.is_empty());
    assert_eq!(built.messages.len(), 2);
    for (device, message) in devices.iter().zip(&built.messages) {
        let message = stored_v1(message);
        assert_eq!(message.installation_key, device.id().as_bytes());
        let algorithm = wrapper_algorithm(&message).unwrap();
        let key = private_key(device, &message.hpke_public_key, algorithm);
        let opened = open(&message, &key).unwrap();
        assert_eq!(*opened.inner, b"inner");
        assert_eq!(opened.message_cursor, Some(77));
    }
}

#[test]
fn from_three_on_pointers_are_sent_pointee_first() {
    let mut devices = people(&["alix", "bo", "caro", "davon"]);
    let mut to = recipients(&mut devices);
    to[2] = plain(&devices[2]);
    let built = build(devices[0].provider.rand(), b"inner", &to, 5).unwrap();
    assert_eq!(built.messages.len(), 5);
    let pointee = stored_v1(&built.messages[0]);
    assert!(pointee.hpke_public_key.is_empty());
    assert_eq!(wrapper_algorithm(&pointee), Err(WelcomeError::Algorithm));
    for (index, device) in devices.iter().enumerate() {
        let message = &built.messages[index + 1];
        if index == 2 {
            assert_eq!(stored_v1(message).installation_key, device.id().as_bytes());
            continue;
        }
        let message = stored_pointer(message);
        assert_eq!(message.installation_key, device.id().as_bytes());
        let key = private_key(device, &message.hpke_public_key, WrapperAlgorithm::XWing);
        let pointer = open_pointer(&message, &key).unwrap();
        assert_eq!(pointer.destination.as_slice(), pointee.installation_key);
        let opened = open_pointee(&pointee, &pointer).unwrap();
        assert_eq!(*opened.inner, b"inner");
        assert_eq!(opened.message_cursor, Some(5));
        assert_eq!(Pointer::decode(&pointer.encode()).unwrap(), pointer);
        assert!(!format!("{pointer:?}").contains("key"));
    }
}

#[test]
fn a_key_that_cannot_be_used_harms_only_its_owner() {
    let mut devices = people(&["alix", "bo", "caro", "davon"]);
    let mut to = recipients(&mut devices);
    // Right length, but no ML-KEM key: coefficients above the modulus.
    to[1].wrapper.public_key = vec![0xFF; 1216];
    let built = build(devices[0].provider.rand(), b"inner", &to, 0).unwrap();
    assert_eq!(built.unreachable, [devices[1].id()]);
    assert_eq!(built.messages.len(), 4);
}

#[test]
fn damaged_welcomes_are_errors() {
    let mut devices = people(&["alix", "bo", "caro"]);
    let to = recipients(&mut devices);
    let rand = OpenMlsRustCrypto::default();
    let one = build(rand.rand(), b"inner", &to[..1], 0).unwrap();
    let good = stored_v1(&one.messages[0]);
    let key = private_key(&devices[0], &good.hpke_public_key, WrapperAlgorithm::XWing);

    let mut bad = good.clone();
    bad.data.pop();
    assert_eq!(open(&bad, &key), Err(WelcomeError::Undecryptable));
    let mut bad = good.clone();
    bad.welcome_metadata[0] ^= 1;
    assert_eq!(open(&bad, &key), Err(WelcomeError::Undecryptable));
    let mut bad = good.clone();
    bad.wrapper_algorithm = 3;
    assert_eq!(open(&bad, &key), Err(WelcomeError::Algorithm));
    bad.wrapper_algorithm = 9;
    assert_eq!(open(&bad, &key), Err(WelcomeError::Algorithm));
    let mut silent = good.clone();
    silent.welcome_metadata.clear();
    assert_eq!(open(&silent, &key).unwrap().message_cursor, None);
    assert_eq!(open(&good, &[3; 32]), Err(WelcomeError::Undecryptable));

    let three = build(rand.rand(), b"inner", &to, 0).unwrap();
    let pointee = stored_v1(&three.messages[0]);
    let mut message = stored_pointer(&three.messages[1]);
    let pointer = open_pointer(&message, &key).unwrap();
    let mut bad = pointee.clone();
    bad.data[0] ^= 1;
    assert_eq!(
        open_pointee(&bad, &pointer),
        Err(WelcomeError::Undecryptable)
    );
    let mut bad = pointee.clone();
    bad.welcome_metadata.clear();
    assert_eq!(
        open_pointee(&bad, &pointer),
        Err(WelcomeError::Undecryptable)
    );
    let mut bad = pointee;
    bad.wrapper_algorithm = 2;
    assert_eq!(open_pointee(&bad, &pointer), Err(WelcomeError::Algorithm));
    message.wrapper_algorithm = 1;
    assert_eq!(open_pointer(&message, &key), Err(WelcomeError::Algorithm));
}

#[test]
fn odd_pointers_are_refused() {
    use prost::Message;
    use proto::welcome_pointer::{Version, WelcomeV1Pointer};
    let good = WelcomeV1Pointer {
        destination: vec![1; 32],
        aead_type: 3,
        encryption_key: vec![2; 32],
        data_nonce: vec![3; 12],
        welcome_metadata_nonce: vec![4; 12],
    };
    let decode = |edit: fn(&mut WelcomeV1Pointer)| {
        let mut pointer = good.clone();
        edit(&mut pointer);
        let version = Some(Version::WelcomeV1Pointer(pointer));
        Pointer::decode(&proto::WelcomePointer { version }.encode_to_vec())
    };
    assert!(decode(|_| {}).is_ok());
    assert_eq!(
        decode(|pointer| pointer.aead_type = 1),
        Err(WelcomeError::Algorithm)
    );
    for edit in [
        |pointer: &mut WelcomeV1Pointer| pointer.destination.truncate(31),
        |pointer: &mut WelcomeV1Pointer| pointer.encryption_key.push(0),
        |pointer: &mut WelcomeV1Pointer| pointer.data_nonce.clear(),
        |pointer: &mut WelcomeV1Pointer| pointer.welcome_metadata_nonce.push(0),
    ] {
        assert_eq!(decode(edit), Err(WelcomeError::Malformed("pointer")));
    }
    assert!(Pointer::decode(&[]).is_err());
    assert!(Pointer::decode(&[0xFF]).is_err());
}

/// alix invites `names`, each with a fresh key package; gives the inner welcome too.
fn invited(
    names: &[&'static str],
    edit: impl FnOnce(&mut Device),
) -> (Device, Vec<Device>, Ledger, Vec<u8>) {
    let (mut devices, mut ledger) = circle(&["alix"]);
    let mut alix = devices.remove(0);
    edit(&mut alix);
    let mut others = people(names);
    for other in &others {
        ledger.set(other.name, 1, &[other]);
    }
    let packages = others.iter_mut().map(Device::key_package).collect();
    let updates: Vec<_> = names.iter().map(|name| (*name, 1)).collect();
    let change = alix.change_membership(&ledger, &updates, &[], packages);
    let inner = change.commit.welcome.as_ref().unwrap().to_vec();
    alix.take_own(&change.commit, &ledger).unwrap();
    (alix, others, ledger, inner)
}

#[test]
fn many_devices_join_through_pointers_in_batches() {
    let (mut devices, mut ledger) = circle(&["alix"]);
    let mut alix = devices.remove(0);
    let mut others = Vec::new();
    for (batch, name) in ["bo", "caro", "davon"].into_iter().enumerate() {
        let mut people: Vec<_> = (1..=12).map(|number| Device::new(name, number)).collect();
        ledger.set(name, 1, &people.iter().collect::<Vec<_>>());
        let packages = people.iter_mut().map(Device::key_package).collect();
        let change = alix.change_membership(&ledger, &[(name, 1)], &[], packages);
        alix.take_own(&change.commit, &ledger).unwrap();
        for other in &mut others {
            let other: &mut Device = other;
            other.take(&change.commit.message, &ledger).unwrap();
        }
        let inner = change.commit.welcome.unwrap();
        let built = build(alix.provider.rand(), &inner, &change.recipients, 9).unwrap();
        assert_eq!(built.messages.len(), 13);
        let pointee = stored_v1(&built.messages[0]);
        for message in &built.messages[1..] {
            let message = stored_pointer(message);
            let person = people
                .iter_mut()
                .find(|person| person.id().as_bytes()[..] == message.installation_key)
                .unwrap();
            let key = private_key(person, &message.hpke_public_key, WrapperAlgorithm::XWing);
            let pointer = open_pointer(&message, &key).unwrap();
            let opened = open_pointee(&pointee, &pointer).unwrap();
            let staged = stage(&person.provider, &opened.inner).unwrap();
            staged.validate(&ledger, &person.inbox()).unwrap();
            assert_eq!(staged.added_by().inbox_id, inbox("alix"));
            person.group = Some(join(&person.provider, staged).unwrap());
        }
        others.append(&mut people);
        assert_eq!(alix.state().epoch, 2 + batch as u64);
    }
    others.push(alix);
    assert_eq!(others.len(), 37);
    assert_agree(&others);
    let text = others[0].encrypt("all here?");
    for other in &mut others[1..] {
        assert_eq!(other.read(&text).unwrap(), "all here?");
    }
}

#[test]
fn a_welcome_needs_the_right_key_package() {
    let (_, mut others, _, inner) = invited(&["bo", "caro"], |_| {});
    let davon = Device::new("davon", 1);
    assert_eq!(
        stage(&davon.provider, &inner).unwrap_err(),
        WelcomeError::NoKeyPackage
    );
    // Staging changes nothing; erasing does.
    stage(&others[0].provider, &inner).unwrap();
    stage(&others[0].provider, &inner).unwrap();
    let hash_ref = others[0].keys[0].hash_ref.clone();
    key_package::erase(&others[0].provider, &hash_ref).unwrap();
    assert_eq!(
        stage(&others[0].provider, &inner).unwrap_err(),
        WelcomeError::NoKeyPackage
    );

    let bo = others.pop().unwrap();
    assert!(matches!(
        stage(&bo.provider, b"").unwrap_err(),
        WelcomeError::Malformed(_)
    ));
    let package = [&[0, 1, 0, 5][..], &bo.keys[0].bytes].concat();
    assert!(matches!(
        stage(&bo.provider, &package).unwrap_err(),
        WelcomeError::Malformed(_)
    ));
    // In the group info, which all recipients share.
    for position in [inner.len() / 2, inner.len() - 1] {
        let mut damaged = inner.clone();
        damaged[position] ^= 1;
        assert!(stage(&bo.provider, &damaged).is_err());
    }
}

fn validate(device: &Device, inner: &[u8], ledger: &Ledger) -> Result<(), JoinError> {
    stage(&device.provider, inner)
        .unwrap()
        .validate(ledger, &device.inbox())
}

#[test]
fn the_tree_must_hold_exactly_the_members_devices() {
    let (alix, others, ledger, inner) = invited(&["bo", "caro"], |_| {});
    let bo = &others[0];
    assert_eq!(validate(bo, &inner, &ledger), Ok(()));

    let mut more = ledger.clone();
    more.set("caro", 1, &[&others[1], &Device::new("caro", 2)]);
    assert_eq!(
        validate(bo, &inner, &more),
        Err(JoinRejection::MissingLeaf.into())
    );
    let mut fewer = ledger.clone();
    fewer.set("alix", 1, &[]);
    assert_eq!(
        validate(bo, &inner, &fewer),
        Err(JoinRejection::UnexpectedLeaf.into())
    );
    let mut swapped = ledger.clone();
    swapped.set("alix", 1, &[&others[1]]);
    swapped.set("caro", 1, &[&alix]);
    assert_eq!(
        validate(bo, &inner, &swapped),
        Err(JoinRejection::UnexpectedLeaf.into())
    );

    let mut unknown = ledger;
    unknown.forget("caro");
    unknown.forget("alix");
    let mut missing = ["alix", "caro"].map(|name| MissingIdentity {
        inbox_id: inbox(name),
        sequence_id: 1,
    });
    missing.sort();
    assert_eq!(
        validate(bo, &inner, &unknown),
        Err(JoinError::MissingIdentity(missing.to_vec()))
    );
}

#[test]
fn devices_that_could_not_be_added_are_excused() {
    let (mut devices, mut ledger) = circle(&["alix"]);
    let mut alix = devices.remove(0);
    let mut bo = Device::new("bo", 1);
    let broken = Device::new("bo", 2);
    ledger.set("bo", 1, &[&bo, &broken]);
    let package = bo.key_package();
    let change = alix.change_membership(&ledger, &[("bo", 1)], &[], vec![package]);
    let inner = change.commit.welcome.unwrap();
    let staged = stage(&bo.provider, &inner).unwrap();
    assert_eq!(
        staged.state().membership.failed_installations,
        BTreeSet::from([broken.id()])
    );
    assert_eq!(staged.validate(&ledger, &bo.inbox()), Ok(()));
}

/// A DM of alix whose context was changed before bo came in.
fn odd_dm(peer: &str, edits: &[(u16, Vec<u8>)], joiner: Device) -> Result<(), JoinError> {
    let mut alix = Device::new("alix", 1);
    let mut joiner = joiner;
    let mut ledger = Ledger::default();
    ledger.set(joiner.name, 1, &[&joiner]);
    if joiner.name == alix.name {
        ledger.set("alix", 1, &[&alix, &joiner]);
    } else {
        ledger.set("alix", 1, &[&alix]);
    }
    alix.create(NewGroupKind::Dm { peer: inbox(peer) });
    let package = joiner.key_package();
    let mut updates = vec![("alix", 1)];
    if joiner.name != alix.name {
        updates.push((joiner.name, 1));
    }
    for (id, body) in edits {
        alix.with_group(|provider, signer, group| {
            let context = crate::commit::context_with(group, *id, body.clone()).unwrap();
            group
                .update_group_context_extensions(provider, context, signer)
                .unwrap();
            group.merge_pending_commit(provider).unwrap();
        });
    }
    let change = alix.change_membership(&ledger, &updates, &[], vec![package]);
    validate(&joiner, &change.commit.welcome.unwrap(), &ledger)
}

#[test]
fn a_dm_is_between_its_sender_and_us() {
    let bo = || Device::new("bo", 1);
    assert_eq!(odd_dm("bo", &[], bo()), Ok(()));
    let refused = |reason: JoinRejection| Err(JoinError::Rejected(reason));
    assert_eq!(odd_dm("caro", &[], bo()), refused(JoinRejection::DmMembers));
    assert_eq!(odd_dm("alix", &[], bo()), refused(JoinRejection::DmMembers));
    // Another device of ours started it: only we must be among the two.
    assert_eq!(odd_dm("caro", &[], Device::new("alix", 2)), Ok(()));

    let lists = b"\x12\x06\x0a\x04alix\x1a\x00".to_vec();
    let edits = [(MUTABLE_METADATA, lists)];
    assert_eq!(odd_dm("bo", &edits, bo()), refused(JoinRejection::DmAdmins));
    let dm = || PolicySet::from(Preset::Dm);
    for odd in [
        PolicySet {
            add_member: Rule::Allow.into(),
            ..dm()
        },
        PolicySet {
            remove_member: Rule::Admin.into(),
            ..dm()
        },
        PolicySet {
            add_admin: Rule::SuperAdmin.into(),
            ..dm()
        },
        PolicySet {
            remove_admin: Policy::All(vec![Rule::Deny.into()]),
            ..dm()
        },
        PolicySet {
            update_permissions: Rule::Admin.into(),
            ..dm()
        },
    ] {
        let edits = [(GROUP_PERMISSIONS, odd.encode())];
        assert_eq!(
            odd_dm("bo", &edits, bo()),
            refused(JoinRejection::DmPermissions)
        );
    }
    // Attributes are free.
    let mut open = dm();
    open.update_metadata.clear();
    assert_eq!(
        odd_dm("bo", &[(GROUP_PERMISSIONS, open.encode())], bo()),
        Ok(())
    );
}

/// The inner welcome of a group of alix's, one of whose extensions is replaced as bo comes in.
fn invited_into_odd_group(alix: &mut Device, bo: &mut Device, id: u16, body: &[u8]) -> Vec<u8> {
    let package = bo.key_package().key_package;
    alix.create(NewGroupKind::Sync);
    alix.with_group(|provider, signer, group| {
        let context = crate::commit::context_with(group, id, body.to_vec()).unwrap();
        let bundle = group
            .commit_builder()
            .propose_adds([package])
            .propose_group_context_extensions(context)
            .unwrap()
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), signer, |_| true)
            .unwrap()
            .stage_commit(provider)
            .unwrap();
        bundle
            .into_messages()
            .1
            .unwrap()
            .tls_serialize_detached()
            .unwrap()
    })
}

#[test]
fn groups_that_are_not_ours_are_invalid() {
    for id in [IMMUTABLE_METADATA, GROUP_MEMBERSHIP] {
        let (mut alix, mut bo) = (Device::new("alix", 1), Device::new("bo", 1));
        let inner = invited_into_odd_group(&mut alix, &mut bo, id, &[0xFF]);
        assert!(matches!(
            stage(&bo.provider, &inner).unwrap_err(),
            WelcomeError::Invalid(_)
        ));
    }
}

#[test]
fn groups_with_unreadable_settings_are_joined_and_shown() {
    let garbage: &[u8] = &[0xFF];
    let without_kind: &[u8] = b"\x0a\x02\x0a\x00";
    for (id, body) in [
        (MUTABLE_METADATA, garbage),
        (GROUP_PERMISSIONS, garbage),
        (GROUP_PERMISSIONS, b""),
        (GROUP_PERMISSIONS, without_kind),
    ] {
        let (mut alix, mut bo) = (Device::new("alix", 1), Device::new("bo", 1));
        let inner = invited_into_odd_group(&mut alix, &mut bo, id, body);
        bo.join(&inner);
        let state = bo.state();
        assert_eq!(state.unreadable.len(), 1, "{id:#x} {body:?}");
        assert_eq!(state.policies.is_err(), id == GROUP_PERMISSIONS);
        assert_eq!(state.leaves.len(), 2);
        let renewal = bo.self_update();
        let mut ledger = Ledger::default();
        ledger.set("alix", 1, &[&alix]);
        ledger.set("bo", 1, &[&bo]);
        let refused = bo.take_own(&renewal, &ledger).unwrap_err();
        assert!(matches!(
            refused,
            CommitError::Rejected(Rejection::Context(_))
        ));
    }
}

#[test]
fn pre_shared_keys_are_refused_known_or_not() {
    for known in [true, false] {
        let mut alix = Device::new("alix", 1);
        let mut bo = Device::new("bo", 1);
        alix.create(NewGroupKind::Sync);
        let package = bo.key_package().key_package;
        let psk = PreSharedKeyId::external(b"a key".to_vec(), vec![1; CIPHERSUITE.hash_length()]);
        psk.store(&alix.provider, &[7; 32]).unwrap();
        if known {
            psk.store(&bo.provider, &[7; 32]).unwrap();
        }
        let inner = alix.with_group(|provider, signer, group| {
            let bundle = group
                .commit_builder()
                .propose_adds([package])
                .add_proposal(Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(
                    psk,
                ))))
                .load_psks(provider.storage())
                .unwrap()
                .build(provider.rand(), provider.crypto(), signer, |_| true)
                .unwrap()
                .stage_commit(provider)
                .unwrap();
            bundle
                .into_messages()
                .1
                .unwrap()
                .tls_serialize_detached()
                .unwrap()
        });
        assert_eq!(
            stage(&bo.provider, &inner).unwrap_err(),
            WelcomeError::PreSharedKey
        );
    }
}

#[test]
fn recipients_survive_storage() {
    let mut alix = Device::new("alix", 1);
    let recipient = WelcomeRecipient::from(&alix.key_package());
    let bytes = crate::encoding::encode(&recipient).unwrap();
    assert_eq!(
        crate::encoding::decode::<WelcomeRecipient>(&bytes).unwrap(),
        recipient
    );
}
