//! V3, V5 to V9 and the re-add exception.

use openmls::credentials::NewSignerBundle;
use openmls::framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent, ProtocolMessage};
use openmls::prelude::tls_codec::{Deserialize, Serialize};
use openmls::prelude::{LeafNodeIndex, OpenMlsProvider};

use super::*;
use crate::association::MissingIdentity;
use crate::process::{ProcessError, Processed, process};

/// A second device of `name`, known to the ledger from `sequence_id` on.
fn second(name: &'static str, first: &Device, sequence_id: u64, ledger: &mut Ledger) -> Device {
    let device = Device::new(name, 2);
    ledger.set(name, sequence_id, &[first, &device]);
    device
}

/// A proposal by bo to remove davon, committed by alix.
fn committed_for_another(devices: &mut [Device]) -> (Vec<u8>, Vec<u8>) {
    let davon = devices[3].group().own_leaf_index();
    let (proposal, _) = devices[1]
        .with_group(|provider, signer, group| group.propose_remove_member(provider, signer, davon))
        .unwrap();
    let proposal = proposal.tls_serialize_detached().unwrap();
    store_proposal(&mut devices[0], &proposal);
    (proposal, Raw::new().by_reference().message(&mut devices[0]))
}

fn store_proposal(device: &mut Device, message: &[u8]) {
    let message = MlsMessageIn::tls_deserialize_exact(message).unwrap();
    let MlsMessageBodyIn::PrivateMessage(message) = message.extract() else {
        panic!("a private message");
    };
    device.with_group(|provider, _, group| {
        let processed = group
            .process_message(provider, ProtocolMessage::from(message))
            .unwrap();
        let ProcessedMessageContent::ProposalMessage(proposal) = processed.into_content() else {
            panic!("a proposal");
        };
        group
            .store_pending_proposal(provider.storage(), *proposal)
            .unwrap();
    });
}

#[test]
fn v3_nobody_commits_for_another() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro", "davon"]);
    let (proposal, commit) = committed_for_another(&mut devices);
    // Whoever ignores proposals, as we do, cannot follow such a commit at all.
    let ignored = devices[2].with_group(|provider, _, group| process(provider, group, &proposal));
    assert!(matches!(ignored, Ok(Processed::Proposal)));
    let refused = devices[2].with_group(|provider, _, group| process(provider, group, &commit));
    assert!(
        matches!(refused, Err(ProcessError::Invalid(_))),
        "{refused:?}"
    );

    let (mut devices, _) = circle(&["alix", "bo", "caro", "davon"]);
    let (proposal, commit) = committed_for_another(&mut devices);
    store_proposal(&mut devices[2], &proposal);
    assert_eq!(rule(&mut devices[2], &commit, &ledger), 3);
}

/// A commit of `author` whose path carries another device's key.
fn with_new_key(author: &mut Device, other: &Device, rename: bool) -> Vec<u8> {
    let mut metadata = author.state().mutable_metadata;
    metadata
        .attributes
        .insert("group_name".to_owned(), "new".to_owned());
    let credential = member::credential(&author.inbox(), &other.id());
    author.with_group(|provider, signer, group| {
        let context = crate::commit::context_with(
            group,
            crate::extensions::MUTABLE_METADATA,
            metadata.encode(),
        )
        .unwrap();
        let mut builder = group.commit_builder();
        if rename {
            builder = builder.propose_group_context_extensions(context).unwrap();
        }
        let bundle = NewSignerBundle {
            signer: &other.signer,
            credential_with_key: credential,
        };
        let bundle = builder
            .load_psks(provider.storage())
            .unwrap()
            .build_with_new_signer(provider.rand(), provider.crypto(), signer, bundle, |_| true)
            .unwrap()
            .stage_commit(provider)
            .unwrap();
        bundle.into_messages().0.tls_serialize_detached().unwrap()
    })
}

#[test]
fn v3_the_path_must_be_the_proposers() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    let other = second("alix", &devices[0], 2, &mut ledger);
    let message = with_new_key(&mut devices[0], &other, true);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 3);
}

#[test]
fn v9_a_leaf_cannot_turn_into_an_unknown_device() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    let other = second("alix", &devices[0], 2, &mut ledger);
    let message = with_new_key(&mut devices[0], &other, false);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 9);
    // It belongs to the inbox at the group's sequence id: accepted.
    ledger.set("alix", 1, &[&devices[0], &other]);
    let (mut devices, _) = circle(&["alix", "bo"]);
    let message = with_new_key(&mut devices[0], &other, false);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 0);
}

#[test]
fn v5_empty_leaves_cannot_be_removed() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let removal = devices[0].change_membership(&ledger, &[], &["caro"], vec![]);
    // The same proposals in a group without caro: what OpenMLS itself would refuse to build.
    let staged = crate::encoding::decode_staged_commit(&removal.commit.staged_commit).unwrap();
    devices.pop();
    let before = validate_commit(devices[0].group(), &staged, &ledger);
    assert!(before.is_ok());
    deliver(&mut devices, 0, &removal.commit, &ledger);
    let after = validate_commit(devices[1].group(), &staged, &ledger).unwrap_err();
    assert_eq!(after, CommitError::Rejected(Rejection::UnknownLeaf));
    let message = devices[0].with_group(|provider, signer, group| {
        group
            .commit_builder()
            .propose_removals([LeafNodeIndex::new(2)])
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), signer, |_| true)
            .is_err()
    });
    assert!(message);
}

#[test]
fn v6_sequence_ids_never_decrease() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    ledger.set("alix", 5, &[&devices[0]]);
    let bump = devices[1].change_membership(&ledger, &[("alix", 5)], &[], vec![]);
    deliver(&mut devices, 1, &bump.commit, &ledger);
    for (sequence_id, expected) in [(4, 6), (1, 6), (0, 6), (5, 0)] {
        let message = Raw::new()
            .membership(&devices[1], |membership| {
                membership.members.insert(inbox("alix"), sequence_id);
            })
            .message(&mut devices[1]);
        assert_eq!(
            rule(&mut devices[0], &message, &ledger),
            expected,
            "{sequence_id}"
        );
    }
}

#[test]
fn v7_only_expected_devices_come_in() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    let mut new = second("alix", &devices[0], 2, &mut ledger);
    let mut fritz = Device::new("fritz", 1);
    // Not even by an admin.
    let stranger = Raw::new().add(&mut fritz).message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &stranger, &ledger), 7);
    let too_early = Raw::new().add(&mut new).message(&mut devices[1]);
    assert_eq!(rule(&mut devices[0], &too_early, &ledger), 7);
    let bump = |author: &Device| {
        Raw::new().membership(author, |membership| {
            membership.members.insert(inbox("alix"), 2);
        })
    };
    // Any member may, with the sequence id.
    let expected = bump(&devices[1]).add(&mut new).message(&mut devices[1]);
    let validated = verdict(&mut devices[0], &expected, &ledger).unwrap();
    assert_eq!(validated.added_installations, [new.id()].into());
    assert!(validated.added_inboxes.is_empty());
    // Not adding it is no error either.
    let nobody = bump(&devices[1]).message(&mut devices[1]);
    assert_eq!(rule(&mut devices[0], &nobody, &ledger), 0);
}

#[test]
fn v8_exactly_the_due_devices_go_out() {
    let (mut devices, mut ledger) = circle(&["alix", "bo", "caro", "davon"]);
    let out = |author: &Device| {
        Raw::new().membership(author, |membership| {
            membership.members.remove(&inbox("caro"));
        })
    };
    let check = |devices: &mut [Device], raw: Raw, expected| {
        let message = raw.message(&mut devices[0]);
        assert_eq!(rule(&mut devices[1], &message, &ledger), expected);
    };
    let raw = out(&devices[0]).remove(&devices[2]);
    check(&mut devices, raw, 0);
    // One too few, one too many, and the wrong one.
    let raw = out(&devices[0]);
    check(&mut devices, raw, 8);
    let raw = out(&devices[0]).remove(&devices[2]).remove(&devices[3]);
    check(&mut devices, raw, 8);
    let raw = out(&devices[0]).remove(&devices[3]);
    check(&mut devices, raw, 8);
    let raw = Raw::new().remove(&devices[3]);
    check(&mut devices, raw, 8);
    // A due one may stay if it is listed as failed.
    let caro = devices[2].id();
    let raw = Raw::new().membership(&devices[0], |membership| {
        membership.members.remove(&inbox("caro"));
        membership.failed_installations.insert(caro);
    });
    check(&mut devices, raw, 0);
    // A revoked device goes with the sequence id of its inbox.
    ledger.set("davon", 2, &[]);
    let raw = Raw::new()
        .membership(&devices[0], |membership| {
            membership.members.insert(inbox("davon"), 2);
        })
        .remove(&devices[3]);
    let message = raw.message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 0);
}

#[test]
fn v9_nobody_commits_its_own_inbox_out() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let out = |author: &Device, name: &str, device: &Device| {
        let id = device.id();
        Raw::new().membership(author, |membership| {
            membership.members.remove(&inbox(name));
            // Else V8 would speak first.
            membership.failed_installations.insert(id);
        })
    };
    let own = out(&devices[1], "bo", &devices[1]).message(&mut devices[1]);
    assert_eq!(rule(&mut devices[0], &own, &ledger), 9);
    // The super admin removes another the same way.
    let other = out(&devices[0], "bo", &devices[1]).message(&mut devices[0]);
    assert_eq!(rule(&mut devices[2], &other, &ledger), 0);
}

#[test]
fn v9_a_revoked_device_does_not_commit() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    ledger.set("bo", 2, &[&Device::new("bo", 2)]);
    ledger.set("bo", 3, &[&devices[1], &Device::new("bo", 2)]);
    let id = devices[1].id();
    for (sequence_id, expected) in [(2, 9), (3, 0)] {
        let message = Raw::new()
            .membership(&devices[1], |membership| {
                membership.members.insert(inbox("bo"), sequence_id);
                membership.failed_installations.insert(id);
            })
            .message(&mut devices[1]);
        assert_eq!(rule(&mut devices[0], &message, &ledger), expected);
    }
}

#[test]
fn v9_the_creators_zero_asks_for_the_newest_state() {
    let mut alix = Device::new("alix", 1);
    let mut bo = Device::new("bo", 1);
    let mut ledger = Ledger::default();
    ledger.set("alix", 7, &[&alix]);
    ledger.set("bo", 1, &[&bo]);
    alix.create(crate::group::NewGroupKind::Sync);
    let package = bo.key_package();
    let first = alix.change_membership(&ledger, &[("bo", 1)], &[], vec![package]);
    alix.take_own(&first.commit, &ledger).unwrap();
    bo.join(first.commit.welcome.as_ref().unwrap());
    assert_eq!(bo.state().membership.members[&inbox("alix")], 0);
    let rename = alix.rename("early");
    assert_eq!(rule(&mut bo, &rename.message, &ledger), 0);
}

#[test]
fn only_super_admins_add_again() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let promotion = devices[0].with_group(|provider, signer, group| {
        let change = crate::commit::AdminChange::AddAdmin;
        crate::commit::change_admins(provider, signer, group, change, &inbox("bo")).unwrap()
    });
    deliver(&mut devices, 0, &promotion, &ledger);
    let mut caro = devices.pop().unwrap();
    let by_admin = Raw::new()
        .remove(&caro)
        .add(&mut caro)
        .message(&mut devices[1]);
    assert_eq!(rule(&mut devices[0], &by_admin, &ledger), 8);
    let by_super_admin = Raw::new()
        .remove(&caro)
        .add(&mut caro)
        .message(&mut devices[0]);
    let validated = verdict(&mut devices[1], &by_super_admin, &ledger).unwrap();
    assert_eq!(validated.readded_installations, [caro.id()].into());
    assert!(validated.added_installations.is_empty());
}

#[test]
fn a_super_admin_may_give_a_device_up() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let id = devices[2].id();
    let give_up = |author: &Device, listed: bool| {
        Raw::new()
            .remove(&devices[2])
            .membership(author, |membership| {
                if listed {
                    membership.failed_installations.insert(id);
                }
            })
    };
    let (listed, unlisted) = (give_up(&devices[0], true), give_up(&devices[0], false));
    let by_member = give_up(&devices[1], true);
    let message = unlisted.message(&mut devices[0]);
    assert_eq!(rule(&mut devices[1], &message, &ledger), 8);
    let message = by_member.message(&mut devices[1]);
    assert_eq!(rule(&mut devices[0], &message, &ledger), 8);
    let message = listed.message(&mut devices[0]);
    let validated = verdict(&mut devices[1], &message, &ledger).unwrap();
    assert_eq!(validated.readded_installations, [id].into());
}

#[test]
fn everything_missing_is_named_at_once_and_only_then_judged() {
    let (mut devices, mut ledger) = circle(&["alix", "bo", "caro"]);
    let mut fritz = Device::new("fritz", 1);
    let caro = devices[2].id();
    let message = Raw::new()
        .membership(&devices[0], |membership| {
            membership.members.insert(inbox("fritz"), 8);
            membership.members.insert(inbox("bo"), 4);
            membership.members.remove(&inbox("caro"));
            membership.failed_installations.insert(caro);
        })
        .add(&mut fritz)
        .message(&mut devices[0]);
    for name in ["alix", "bo", "caro"] {
        ledger.forget(name);
    }
    let mut expected = [("alix", 1), ("bo", 1), ("bo", 4), ("caro", 1), ("fritz", 8)].map(
        |(name, sequence_id)| MissingIdentity {
            inbox_id: inbox(name),
            sequence_id,
        },
    );
    expected.sort();
    let (victim, others) = {
        let mut rest = devices.split_off(1);
        (rest.remove(0), devices)
    };
    let mut victim = victim;
    let group = victim.group.as_mut().unwrap();
    let Ok(Processed::Commit { staged, .. }) = process(&victim.provider, group, &message) else {
        panic!("a commit");
    };
    assert_eq!(
        validate_commit(group, &staged, &ledger),
        Err(CommitError::MissingIdentity(expected.to_vec()))
    );
    ledger.set("alix", 1, &[&others[0]]);
    ledger.set("bo", 1, &[]);
    ledger.set("bo", 4, &[]);
    ledger.set("caro", 1, &[]);
    ledger.set("fritz", 8, &[&fritz]);
    assert!(validate_commit(group, &staged, &ledger).is_ok());
}
