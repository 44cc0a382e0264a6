//! V10: who may do what, through whole commits.

use super::*;
use crate::commit::{AdminChange, change_admins};
use crate::policy::{PolicyViolation, Preset, Rule};
use crate::testing::circle_with;

/// alix is super admin, bo admin, caro nothing.
fn ranks(preset: Preset) -> (Vec<Device>, Ledger) {
    let (mut devices, ledger) = circle_with(&["alix", "bo", "caro"], preset);
    let promotion = devices[0].with_group(|provider, signer, group| {
        change_admins(provider, signer, group, AdminChange::AddAdmin, &inbox("bo")).unwrap()
    });
    deliver(&mut devices, 0, &promotion, &ledger);
    (devices, ledger)
}

const ALIX: usize = 0;
const BO: usize = 1;
const CARO: usize = 2;

/// Checks what each of the three may do with the same kind of commit; the list names who may.
fn check(
    preset: Preset,
    violation: PolicyViolation,
    allowed: &[usize],
    raw: impl Fn(&Device, &mut Ledger) -> Raw,
) {
    for author in [ALIX, BO, CARO] {
        let (mut devices, mut ledger) = ranks(preset);
        let raw = raw(&devices[author], &mut ledger);
        let message = raw.message(&mut devices[author]);
        let victim = (author + 1) % 3;
        let verdict = verdict(&mut devices[victim], &message, &ledger);
        if allowed.contains(&author) {
            assert!(verdict.is_ok(), "{author}: {verdict:?}");
        } else {
            assert_eq!(
                verdict,
                Err(Rejection::Policy(violation).into()),
                "{author}"
            );
        }
    }
}

fn adding(author: &Device, ledger: &mut Ledger) -> Raw {
    let mut fritz = Device::new("fritz", 1);
    ledger.set("fritz", 1, &[&fritz]);
    Raw::new()
        .membership(author, |membership| {
            membership.members.insert(inbox("fritz"), 1);
        })
        .add(&mut fritz)
}

fn attribute(name: &'static str) -> impl Fn(&Device, &mut Ledger) -> Raw {
    move |author, _| {
        Raw::new().metadata(author, |metadata| {
            metadata
                .attributes
                .insert(name.to_owned(), "1.2.3".to_owned());
        })
    }
}

fn lists(edit: impl Fn(&mut MutableMetadata)) -> impl Fn(&Device, &mut Ledger) -> Raw {
    move |author, _| Raw::new().metadata(author, &edit)
}

#[test]
fn adding_members() {
    let violation = PolicyViolation::AddMember;
    check(Preset::AllMembers, violation, &[ALIX, BO, CARO], adding);
    check(Preset::AdminOnly, violation, &[ALIX, BO], adding);
}

#[test]
fn removing_members() {
    for (author, expected) in [(ALIX, 0), (BO, 0), (CARO, 10)] {
        let (mut devices, mut ledger) = ranks(Preset::AllMembers);
        let mut davon = Device::new("davon", 1);
        ledger.set("davon", 1, &[&davon]);
        let package = davon.key_package();
        let add = devices[ALIX].change_membership(&ledger, &[("davon", 1)], &[], vec![package]);
        deliver(&mut devices, ALIX, &add.commit, &ledger);
        let raw = Raw::new()
            .membership(&devices[author], |membership| {
                membership.members.remove(&inbox("davon"));
            })
            .remove(&davon);
        let message = raw.message(&mut devices[author]);
        let victim = (author + 1) % 3;
        assert_eq!(rule(&mut devices[victim], &message, &ledger), expected);
    }
}

#[test]
fn a_super_admin_is_demoted_before_removal() {
    let (mut devices, ledger) = ranks(Preset::AllMembers);
    let removal = devices[BO].change_membership(&ledger, &[], &["alix"], vec![]);
    let refused = verdict(&mut devices[CARO], &removal.commit.message, &ledger);
    assert_eq!(
        refused,
        Err(Rejection::Policy(PolicyViolation::RemoveSuperAdmin).into())
    );

    let promotion = devices[ALIX].with_group(|provider, signer, group| {
        change_admins(
            provider,
            signer,
            group,
            AdminChange::AddSuperAdmin,
            &inbox("bo"),
        )
        .unwrap()
    });
    deliver(&mut devices, ALIX, &promotion, &ledger);
    let demotion = devices[BO].with_group(|provider, signer, group| {
        change_admins(
            provider,
            signer,
            group,
            AdminChange::RemoveSuperAdmin,
            &inbox("alix"),
        )
        .unwrap()
    });
    deliver(&mut devices, BO, &demotion, &ledger);
    let removal = devices[BO].change_membership(&ledger, &[], &["alix"], vec![]);
    assert!(verdict(&mut devices[CARO], &removal.commit.message, &ledger).is_ok());
}

#[test]
fn changing_attributes() {
    let violation = PolicyViolation::UpdateMetadata;
    let all = [ALIX, BO, CARO];
    check(Preset::AllMembers, violation, &all, attribute("group_name"));
    check(
        Preset::AdminOnly,
        violation,
        &all[..2],
        attribute("group_name"),
    );
    check(
        Preset::AllMembers,
        violation,
        &all[..2],
        attribute("message_disappear_in_ns"),
    );
    let version = attribute("minimum_supported_protocol_version");
    check(Preset::AllMembers, violation, &all[..1], version);
    // Without a policy of their own.
    check(
        Preset::AllMembers,
        violation,
        &all[..2],
        attribute("favourite_colour"),
    );
    check(
        Preset::AllMembers,
        violation,
        &all[..1],
        attribute("_commit_log_signer"),
    );
    // Taking an attribute away is a change as well.
    check(Preset::AdminOnly, violation, &all[..2], |author, _| {
        Raw::new().metadata(author, |metadata| {
            metadata.attributes.remove("group_name");
        })
    });
}

#[test]
fn changing_the_lists() {
    let caro = inbox("caro");
    check(
        Preset::AllMembers,
        PolicyViolation::AddAdmin,
        &[ALIX],
        lists(|metadata| {
            metadata.admins.push(inbox("caro"));
        }),
    );
    check(
        Preset::AllMembers,
        PolicyViolation::RemoveAdmin,
        &[ALIX],
        lists(|metadata| {
            metadata.admins.clear();
        }),
    );
    check(
        Preset::AllMembers,
        PolicyViolation::AddSuperAdmin,
        &[ALIX],
        lists(|metadata| {
            metadata.super_admins.push(inbox("caro"));
        }),
    );
    check(
        Preset::AllMembers,
        PolicyViolation::AddSuperAdmin,
        &[ALIX],
        lists(move |metadata| {
            metadata.super_admins = vec![caro.clone()];
        }),
    );
    // Nobody leaves a group without a super admin.
    check(
        Preset::AllMembers,
        PolicyViolation::DemoteSuperAdmin,
        &[],
        lists(|metadata| {
            metadata.super_admins.clear();
        }),
    );
    // Order and repetition mean nothing.
    check(
        Preset::AllMembers,
        PolicyViolation::AddAdmin,
        &[ALIX, BO, CARO],
        lists(|metadata| {
            metadata.admins.push(inbox("bo"));
        }),
    );
}

#[test]
fn changing_permissions_is_for_super_admins_whatever_the_policy_says() {
    let violation = PolicyViolation::UpdatePermissions;
    check(Preset::AllMembers, violation, &[ALIX], |_, _| {
        let mut policies = PolicySet::from(Preset::AllMembers);
        policies.update_permissions = Rule::Admin.into();
        Raw::new().policies(&policies)
    });
    check(Preset::AllMembers, violation, &[ALIX, BO, CARO], |_, _| {
        Raw::new().policies(&Preset::AllMembers.into())
    });
}

#[test]
fn the_rules_before_the_commit_count() {
    let (mut devices, ledger) = ranks(Preset::AllMembers);
    // bo makes itself super admin and uses that at once.
    let raw = Raw::new()
        .metadata(&devices[BO], |metadata| {
            metadata.super_admins.push(inbox("bo"));
        })
        .policies(&Preset::AdminOnly.into());
    let message = raw.message(&mut devices[BO]);
    assert_eq!(rule(&mut devices[ALIX], &message, &ledger), 10);
}

#[test]
fn several_kinds_in_one_commit_are_reported_together() {
    let (mut devices, mut ledger) = ranks(Preset::AllMembers);
    let raw = adding(&devices[ALIX], &mut ledger)
        .metadata(&devices[ALIX], |metadata| {
            metadata
                .attributes
                .insert("group_name".to_owned(), "all at once".to_owned());
            metadata.admins = vec![inbox("caro")];
            metadata.super_admins.push(inbox("bo"));
        })
        .policies(&Preset::AdminOnly.into());
    let message = raw.message(&mut devices[ALIX]);
    let validated = verdict(&mut devices[BO], &message, &ledger).unwrap();
    assert_eq!(validated.actor.inbox_id, inbox("alix"));
    assert_eq!(validated.actor.role, crate::policy::Role::SuperAdmin);
    assert_eq!(validated.added_inboxes, [inbox("fritz")].into());
    assert_eq!(validated.attribute_changes.len(), 1);
    assert_eq!(validated.added_admins, [inbox("caro")].into());
    assert_eq!(validated.removed_admins, [inbox("bo")].into());
    assert_eq!(validated.added_super_admins, [inbox("bo")].into());
    assert!(validated.removed_super_admins.is_empty());
    assert!(validated.permissions_changed && !validated.self_removed);
}
