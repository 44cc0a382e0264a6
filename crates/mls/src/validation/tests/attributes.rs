//! V1, V2, V4, V11 and the order of the rules.

use openmls::messages::proposals::{PreSharedKeyProposal, Proposal};
use openmls::schedule::PreSharedKeyId;

use super::*;
use crate::extensions::{
    CIPHERSUITE, GROUP_MEMBERSHIP, GROUP_PERMISSIONS, IMMUTABLE_METADATA, MUTABLE_METADATA,
};
use crate::policy::Preset;

fn named(author: &Device, attribute: &str, value: &str) -> Raw {
    Raw::new().metadata(author, |metadata| {
        metadata
            .attributes
            .insert(attribute.to_owned(), value.to_owned());
    })
}

#[test]
fn v1_the_new_context_must_be_readable() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    for (extension, broken) in [
        (MUTABLE_METADATA, 1),
        (GROUP_MEMBERSHIP, 1),
        (GROUP_PERMISSIONS, 1),
        // Not looked at after the commit.
        (IMMUTABLE_METADATA, 0),
    ] {
        for body in [None, Some(vec![0xFF])] {
            let message = Raw::new()
                .extension(extension, body)
                .message(&mut devices[0]);
            assert_eq!(
                rule(&mut devices[1], &message, &ledger),
                broken,
                "{extension:#x}"
            );
        }
    }
}

#[test]
fn v1_names_are_valid_utf_8() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    // attributes { "group_name": X }, and both lists, empty.
    for (name, broken) in [
        (b"ok", 10),
        (b"\xc3\x28", 1),
        (b"\xff\xfe", 1),
        (b"a\x00", 10),
    ] {
        let attribute: &[u8] = b"\x0a\x10\x0a\x0agroup_name\x12\x02";
        let body = [attribute, name, b"\x12\x00\x1a\x00"].concat();
        // It takes the super admin off the list as well, which nobody may.
        let raw = Raw::new().extension(MUTABLE_METADATA, Some(body));
        let message = raw.message(&mut devices[0]);
        assert_eq!(rule(&mut devices[1], &message, &ledger), broken, "{name:?}");
    }
}

#[test]
fn v1_the_old_context_must_be_readable() {
    for extension in [
        MUTABLE_METADATA,
        GROUP_MEMBERSHIP,
        GROUP_PERMISSIONS,
        IMMUTABLE_METADATA,
    ] {
        let (devices, ledger) = circle(&["alix", "bo", "caro"]);
        let good = devices[0]
            .group()
            .extensions()
            .unknown(extension)
            .unwrap()
            .0
            .clone();
        let mut rest = force(devices, 0, Raw::new().extension(extension, None));
        // Putting it back comes too late.
        let mut author = rest.remove(0);
        let message = Raw::new()
            .extension(extension, Some(good))
            .message(&mut author);
        assert_eq!(rule(&mut rest[0], &message, &ledger), 1, "{extension:#x}");
    }
}

#[test]
fn rewriting_the_immutable_metadata_is_noticed_but_not_forbidden() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let mut metadata = devices[1].state().metadata;
    metadata.creator_inbox_id = inbox("bo");
    let message = Raw::new().immutable(&metadata).message(&mut devices[1]);
    assert!(
        verdict(&mut devices[0], &message, &ledger)
            .unwrap()
            .rewrites_metadata
    );
}

#[test]
fn a_group_without_readable_immutable_metadata_is_still_followed() {
    let (devices, _) = circle(&["alix", "bo", "caro"]);
    let before = devices[1].state();
    for body in [None, Some(vec![0xFF])] {
        let (devices, ledger) = circle(&["alix", "bo", "caro"]);
        let mut rest = force(
            devices,
            0,
            Raw::new().extension(IMMUTABLE_METADATA, body.clone()),
        );
        let state = rest[0].state();
        assert_eq!(state.epoch, before.epoch + 1);
        assert_eq!(state.unreadable.len(), 1, "{body:?}");
        assert_eq!(state.policies, before.policies);
        assert_eq!(state.metadata.creator_inbox_id, "");
        let text = rest[0].encrypt("still here");
        assert_eq!(rest[1].read(&text).unwrap(), "still here");
        let message = Raw::new().message(&mut rest[0]);
        assert_eq!(rule(&mut rest[1], &message, &ledger), 1);
    }
    assert_eq!(before.unreadable, []);
}

#[test]
fn v2_changed_values_have_limits() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    for (attribute, limit) in [
        ("group_name", 100),
        ("description", 1000),
        ("group_image_url_square", 2048),
        ("app_data", 8192),
    ] {
        let fits = named(&devices[0], attribute, &"a".repeat(limit)).message(&mut devices[0]);
        assert_eq!(rule(&mut devices[1], &fits, &ledger), 0);
        let too_long =
            named(&devices[0], attribute, &"a".repeat(limit + 1)).message(&mut devices[0]);
        assert_eq!(rule(&mut devices[1], &too_long, &ledger), 2);
    }
    let free = named(&devices[0], "favourite_colour", &"a".repeat(9000)).message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &free, &ledger), 0);
}

#[test]
fn v2_old_values_are_left_alone() {
    let (devices, ledger) = circle(&["alix", "bo", "caro"]);
    let long = named(&devices[0], "group_name", &"a".repeat(101));
    let mut rest = force(devices, 0, long);
    let message = named(&rest[0], "description", "short").message(&mut rest[0]);
    assert_eq!(rule(&mut rest[1], &message, &ledger), 0);
}

#[test]
fn v4_pre_shared_keys_are_refused() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let psk = PreSharedKeyId::external(b"a key".to_vec(), vec![1; CIPHERSUITE.hash_length()]);
    for device in &devices {
        psk.store(&device.provider, &[7; 32]).unwrap();
    }
    let proposal = Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(psk)));
    let message = Raw::new().proposal(proposal).message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 4);
    let message = Raw::new().message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 0);
}

#[test]
fn v11_a_newer_version_pauses_and_an_unreadable_one_is_refused() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let attribute = "minimum_supported_protocol_version";
    let message = named(&devices[0], attribute, "1.10.0").message(&mut devices[0]);
    let validated = verdict(&mut devices[1], &message, &ledger).unwrap();
    assert_eq!(validated.minimum_version.as_deref(), Some("1.10.0"));
    for version in ["1.10.1", "1.11.0-dev", "1.10.0-alpha"] {
        let message = named(&devices[0], attribute, version).message(&mut devices[0]);
        assert_eq!(
            verdict(&mut devices[1], &message, &ledger),
            Err(CommitError::Paused {
                version: version.to_owned()
            })
        );
    }
    let message = named(&devices[0], attribute, "tomorrow").message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 11);
}

#[test]
fn v11_counts_in_every_later_commit() {
    let (devices, ledger) = circle(&["alix", "bo", "caro"]);
    let raise = named(&devices[0], "minimum_supported_protocol_version", "9.0.0");
    let mut rest = force(devices, 0, raise);
    let message = Raw::new().message(&mut rest[0]);
    assert!(matches!(
        verdict(&mut rest[1], &message, &ledger),
        Err(CommitError::Paused { version }) if version == "9.0.0"
    ));
}

#[test]
fn earlier_rules_come_first() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    // Breaks V2, V6, V10 and V11 at once; bo is no admin.
    let everything = |author: &Device, name: usize, sequence_id: u64| {
        Raw::new()
            .metadata(author, |metadata| {
                metadata
                    .attributes
                    .insert("group_name".to_owned(), "a".repeat(name));
                let version = "minimum_supported_protocol_version".to_owned();
                metadata.attributes.insert(version, "soon".to_owned());
            })
            .membership(author, |membership| {
                membership.members.insert(inbox("alix"), sequence_id);
            })
            .policies(&Preset::AdminOnly.into())
    };
    for (name, sequence_id, expected) in [(101, 0, 2), (100, 0, 6), (100, 1, 10)] {
        let message = everything(&devices[1], name, sequence_id).message(&mut devices[1]);
        assert_eq!(rule(&mut devices[0], &message, &ledger), expected);
    }
}
