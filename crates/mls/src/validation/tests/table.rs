//! All roles x permissions x options, each through a whole commit; and DMs, where nobody has a role.

use super::*;
use crate::group::NewGroupKind;
use crate::policy::{Permission, PolicyViolation, Preset, Role, Rule};
use crate::testing::circle_of_kind;

const RULES: [Rule; 4] = [Rule::Allow, Rule::Deny, Rule::Admin, Rule::SuperAdmin];
const ROLES: [Role; 3] = [Role::Member, Role::Admin, Role::SuperAdmin];
/// Every attribute that presets name, the pins, and one that nobody knows.
const FIELDS: [&str; 9] = [
    "app_data",
    "description",
    "group_image_url_square",
    "group_name",
    "message_disappear_from_ns",
    "message_disappear_in_ns",
    "minimum_supported_protocol_version",
    "conclave.pinned_messages",
    "_secret",
];

/// alix is super admin, bo admin, caro nothing; eri stands by as a plain member. The policies come
/// last: under some of them nobody could be added or promoted.
fn ranks(policies: &PolicySet) -> (Vec<Device>, Ledger) {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro", "eri"]);
    let raw = Raw::new().policies(policies);
    let raw = raw.metadata(&devices[0], |metadata| metadata.admins.push(inbox("bo")));
    let commit = raw.built(&mut devices[0]);
    deliver(&mut devices, 0, &commit, &ledger);
    (devices, ledger)
}

const fn place(role: Role) -> usize {
    match role {
        Role::SuperAdmin => 0,
        Role::Admin => 1,
        Role::Member => 2,
    }
}

/// What the options of the permissions screen mean.
fn may(rule: Rule, role: Role) -> bool {
    match rule {
        Rule::Allow => true,
        Rule::Deny => false,
        Rule::Admin => role != Role::Member,
        Rule::SuperAdmin => role == Role::SuperAdmin,
    }
}

/// Checks one permission with every option and role. `raw` makes the commit of an author.
fn check(
    permission: &Permission,
    violation: PolicyViolation,
    raw: impl Fn(&Device, &Device, &mut Ledger) -> Raw,
) {
    let is_about_admins = matches!(permission, Permission::AddAdmin | Permission::RemoveAdmin);
    for rule in RULES {
        let policies = PolicySet::from(Preset::AllMembers).with(permission, rule);
        let (mut devices, mut ledger) = ranks(&policies);
        for role in ROLES {
            let author = place(role);
            let raw = raw(&devices[author], &devices[3], &mut ledger);
            let message = raw.message(&mut devices[author]);
            let found = verdict(&mut devices[(author + 1) % 3], &message, &ledger);
            // Those about admins know no "allow"; it becomes super admins only.
            let rule = match rule {
                Rule::Allow if is_about_admins => Rule::SuperAdmin,
                rule => rule,
            };
            let expected = may(rule, role);
            assert_eq!(
                found.is_ok(),
                expected,
                "{permission:?} {rule:?} {role:?}: {found:?}"
            );
            if !expected {
                assert_eq!(found, Err(Rejection::Policy(violation).into()));
            }
        }
    }
}

#[test]
fn adding_members() {
    let violation = PolicyViolation::AddMember;
    check(&Permission::AddMember, violation, |author, _, ledger| {
        let mut fritz = Device::new("fritz", 1);
        ledger.set("fritz", 1, &[&fritz]);
        let raw = Raw::new().membership(author, |membership| {
            membership.members.insert(inbox("fritz"), 1);
        });
        raw.add(&mut fritz)
    });
}

#[test]
fn removing_members() {
    let violation = PolicyViolation::RemoveMember;
    check(&Permission::RemoveMember, violation, |author, eri, _| {
        let raw = Raw::new().membership(author, |membership| {
            membership.members.remove(&inbox("eri"));
        });
        raw.remove(eri)
    });
}

#[test]
fn making_and_unmaking_admins() {
    check(
        &Permission::AddAdmin,
        PolicyViolation::AddAdmin,
        |author, _, _| Raw::new().metadata(author, |metadata| metadata.admins.push(inbox("eri"))),
    );
    check(
        &Permission::RemoveAdmin,
        PolicyViolation::RemoveAdmin,
        |author, _, _| Raw::new().metadata(author, |metadata| metadata.admins.clear()),
    );
}

#[test]
fn changing_every_field() {
    for field in FIELDS {
        let permission = Permission::UpdateMetadata(field.to_owned());
        check(
            &permission,
            PolicyViolation::UpdateMetadata,
            |author, _, _| {
                Raw::new().metadata(author, |metadata| {
                    let (field, value) = (field.to_owned(), "1.2.3".to_owned());
                    metadata.attributes.insert(field, value);
                })
            },
        );
    }
}

#[test]
fn permissions_and_super_admins_are_for_super_admins_under_any_policy() {
    for rule in RULES {
        let policies = PolicySet {
            update_permissions: rule.into(),
            ..Preset::AllMembers.into()
        };
        let (mut devices, ledger) = ranks(&policies);
        for role in ROLES {
            let author = place(role);
            let tries = [
                Raw::new().policies(&Preset::AdminOnly.into()),
                Raw::new().metadata(&devices[author], |metadata| {
                    metadata.super_admins.push(inbox("eri"));
                }),
                Raw::new().metadata(&devices[author], |metadata| {
                    metadata.super_admins = vec![inbox("eri")];
                }),
            ];
            for raw in tries {
                let message = raw.message(&mut devices[author]);
                let broken = super::rule(&mut devices[(author + 1) % 3], &message, &ledger);
                assert_eq!(broken, if role == Role::SuperAdmin { 0 } else { 10 });
            }
        }
        // And the last one stays, whoever tries.
        let raw = Raw::new().metadata(&devices[0], |metadata| metadata.super_admins.clear());
        let message = raw.message(&mut devices[0]);
        assert_eq!(
            verdict(&mut devices[1], &message, &ledger),
            Err(Rejection::Policy(PolicyViolation::DemoteSuperAdmin).into())
        );
    }
}

#[test]
fn in_a_dm_only_attributes_and_own_devices_change() {
    let dm = || circle_of_kind(&["alix", "bo"], NewGroupKind::Dm { peer: inbox("bo") });
    let (mut devices, mut ledger) = dm();
    let second = Device::new("bo", 2);
    ledger.set("bo", 2, &[&devices[1], &second]);
    let mut caro = Device::new("caro", 1);
    ledger.set("caro", 1, &[&caro]);
    let denied = |violation| Err(CommitError::from(Rejection::Policy(violation)));
    for author in [0, 1] {
        let own = &devices[author];
        let attribute = |name: &str| {
            Raw::new().metadata(own, |metadata| {
                metadata.attributes.insert(name.to_owned(), "9".to_owned());
            })
        };
        let tries = vec![
            (attribute("group_name"), Ok(())),
            (attribute("message_disappear_in_ns"), Ok(())),
            // Without a policy of their own: for admins or super admins, whom a DM does not have.
            (
                attribute("favourite_colour"),
                denied(PolicyViolation::UpdateMetadata),
            ),
            (
                attribute("_commit_log_signer"),
                denied(PolicyViolation::UpdateMetadata),
            ),
            (
                Raw::new().metadata(own, |metadata| metadata.admins.push(inbox("bo"))),
                denied(PolicyViolation::AddAdmin),
            ),
            (
                Raw::new().metadata(own, |metadata| metadata.super_admins.push(inbox("bo"))),
                denied(PolicyViolation::AddSuperAdmin),
            ),
            (
                Raw::new().policies(&Preset::AllMembers.into()),
                denied(PolicyViolation::UpdatePermissions),
            ),
            (
                Raw::new().add(&mut caro).membership(own, |membership| {
                    membership.members.insert(inbox("caro"), 1);
                }),
                denied(PolicyViolation::AddMember),
            ),
            (
                Raw::new()
                    .remove(&devices[1 - author])
                    .membership(own, |membership| {
                        membership.members.remove(&devices[1 - author].inbox());
                    }),
                denied(PolicyViolation::RemoveMember),
            ),
            // A device more of somebody who is in needs no permission.
            (
                Raw::new().membership(own, |membership| {
                    membership.members.insert(inbox("bo"), 2);
                }),
                Ok(()),
            ),
        ];
        for (number, (raw, expected)) in tries.into_iter().enumerate() {
            let message = raw.message(&mut devices[author]);
            let found = verdict(&mut devices[1 - author], &message, &ledger).map(drop);
            assert_eq!(found, expected, "author {author}, number {number}");
        }
    }
}
