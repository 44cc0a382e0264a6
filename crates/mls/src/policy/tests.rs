use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(vec![Rule::Allow, Rule::Deny, Rule::Admin, Rule::SuperAdmin])
}

fn policy() -> impl Strategy<Value = Policy> {
    rule()
        .prop_map(Policy::Rule)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Policy::All),
                prop::collection::vec(inner, 1..4).prop_map(Policy::Any),
            ]
        })
}

/// Policies about admins have no `Allow`.
fn strict_policy() -> impl Strategy<Value = Policy> {
    fn without_allow(policy: Policy) -> Policy {
        match policy {
            Policy::Rule(Rule::Allow) => Rule::Admin.into(),
            Policy::Rule(rule) => rule.into(),
            Policy::All(policies) => Policy::All(policies.into_iter().map(without_allow).collect()),
            Policy::Any(policies) => Policy::Any(policies.into_iter().map(without_allow).collect()),
        }
    }
    policy().prop_map(without_allow)
}

fn policy_set() -> impl Strategy<Value = PolicySet> {
    (
        [policy(), policy()],
        prop::collection::btree_map("[a-b_][a-b_]?", policy(), 0..6),
        [strict_policy(), strict_policy(), strict_policy()],
    )
        .prop_map(|([add_member, remove_member], update_metadata, strict)| {
            let [add_admin, remove_admin, update_permissions] = strict;
            PolicySet {
                add_member,
                remove_member,
                update_metadata,
                add_admin,
                remove_admin,
                update_permissions,
            }
        })
}

/// Whether each role may: member, admin, super admin.
fn table(policy: &Policy) -> [bool; 3] {
    match policy {
        Policy::Rule(Rule::Allow) => [true, true, true],
        Policy::Rule(Rule::Deny) => [false, false, false],
        Policy::Rule(Rule::Admin) => [false, true, true],
        Policy::Rule(Rule::SuperAdmin) => [false, false, true],
        Policy::All(parts) => parts.iter().map(table).fold([true; 3], |all, part| {
            [all[0] & part[0], all[1] & part[1], all[2] & part[2]]
        }),
        Policy::Any(parts) => parts.iter().map(table).fold([false; 3], |any, part| {
            [any[0] | part[0], any[1] | part[1], any[2] | part[2]]
        }),
    }
}

/// Every rule that is broken, in the order of the table.
fn broken(
    changes: &Changes,
    actor: &str,
    role: Role,
    set: &PolicySet,
    supers: &[String],
    pair: Option<&[String; 2]>,
) -> Vec<PolicyViolation> {
    use PolicyViolation as Violation;
    let place = match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::SuperAdmin => 2,
    };
    let mut broken = Vec::new();
    let added: Vec<&String> = changes.added_inboxes.iter().collect();
    let completes = match (pair, added.as_slice()) {
        (Some([one, two]), [new]) => *new != actor && (*new == one || *new == two),
        _ => false,
    };
    if !added.is_empty() && !completes && !table(&set.add_member)[place] {
        broken.push(Violation::AddMember);
    }
    if !changes.removed_inboxes.is_empty() && !table(&set.remove_member)[place] {
        broken.push(Violation::RemoveMember);
    }
    if changes.removed_inboxes.iter().any(|id| supers.contains(id)) {
        broken.push(Violation::RemoveSuperAdmin);
    }
    for name in &changes.attributes {
        let may = match set.update_metadata.get(name) {
            Some(policy) => table(policy)[place],
            None if name.as_bytes()[0] == b'_' => place == 2,
            None => place >= 1,
        };
        if !may {
            broken.push(Violation::UpdateMetadata);
        }
    }
    if !changes.added_admins.is_empty() && !table(&set.add_admin)[place] {
        broken.push(Violation::AddAdmin);
    }
    if !changes.removed_admins.is_empty() && !table(&set.remove_admin)[place] {
        broken.push(Violation::RemoveAdmin);
    }
    if !changes.added_super_admins.is_empty() && place < 2 {
        broken.push(Violation::AddSuperAdmin);
    }
    let demotes = !changes.removed_super_admins.is_empty();
    if demotes && (place < 2 || changes.leaves_no_super_admin) {
        broken.push(Violation::DemoteSuperAdmin);
    }
    if changes.permissions && place < 2 {
        broken.push(Violation::UpdatePermissions);
    }
    broken
}

fn names() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-d]", 0..3)
}

fn changes() -> impl Strategy<Value = Changes> {
    (
        [names(), names(), names(), names(), names(), names()],
        // Some have a policy of their own, some begin with `_`.
        prop::collection::btree_set("[a-b_][a-b_]?", 0..3),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(sets, attributes, leaves_no_super_admin, permissions)| {
            let [added, removed, admins, no_admins, supers, no_supers] = sets;
            Changes {
                added_inboxes: added,
                removed_inboxes: removed,
                attributes,
                added_admins: admins,
                removed_admins: no_admins,
                added_super_admins: supers,
                removed_super_admins: no_supers,
                leaves_no_super_admin,
                permissions,
            }
        })
}

proptest! {
    #[test]
    fn sets_survive_the_wire(set in policy_set()) {
        prop_assert_eq!(PolicySet::decode(&set.encode()).unwrap(), set);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(PolicySet::decode(&bytes).is_ok(), PolicySet::read(&bytes).is_ok());
    }

    #[test]
    fn combinations_are_and_and_or(policies in prop::collection::vec(policy(), 1..5)) {
        for role in [Role::Member, Role::Admin, Role::SuperAdmin] {
            let each: Vec<_> = policies.iter().map(|policy| policy.allows(role)).collect();
            prop_assert_eq!(Policy::All(policies.clone()).allows(role), !each.contains(&false));
            prop_assert_eq!(Policy::Any(policies.clone()).allows(role), each.contains(&true));
        }
    }

    /// The table of `groups.md` 4.6, written a second time.
    #[test]
    fn the_verdict_is_that_of_the_table(
        changes in changes(),
        set in policy_set(),
        actor in "[a-d]",
        supers in prop::collection::vec("[a-d]", 0..3),
        pair in prop::option::of(["[a-d]", "[a-d]"]),
    ) {
        for role in [Role::Member, Role::Admin, Role::SuperAdmin] {
            let verdict = evaluate(&changes, &actor, role, &set, &supers, pair.as_ref());
            let broken = broken(&changes, &actor, role, &set, &supers, pair.as_ref());
            prop_assert_eq!(verdict.err(), broken.first().copied());
        }
    }

    /// More rights never forbid anything.
    #[test]
    fn a_higher_role_may_do_all_that_a_lower_may(
        changes in changes(), set in policy_set(), supers in prop::collection::vec("[a-d]", 0..3)
    ) {
        let verdict = |role| evaluate(&changes, "a", role, &set, &supers, None);
        if verdict(Role::Member).is_ok() {
            prop_assert_eq!(verdict(Role::Admin), Ok(()));
        }
        if verdict(Role::Admin).is_ok() {
            prop_assert_eq!(verdict(Role::SuperAdmin), Ok(()));
        }
    }

    /// Kinds of changes are independent: together they are allowed iff each alone is.
    #[test]
    fn kinds_are_evaluated_independently(
        changes in changes(), set in policy_set(), supers in prop::collection::vec("[a-d]", 0..3)
    ) {
        let leaves_no_super_admin = changes.leaves_no_super_admin;
        let parts = [
            Changes { added_inboxes: changes.added_inboxes.clone(), ..Changes::default() },
            Changes { removed_inboxes: changes.removed_inboxes.clone(), ..Changes::default() },
            Changes { attributes: changes.attributes.clone(), ..Changes::default() },
            Changes { added_admins: changes.added_admins.clone(), ..Changes::default() },
            Changes { removed_admins: changes.removed_admins.clone(), ..Changes::default() },
            Changes { added_super_admins: changes.added_super_admins.clone(), ..Changes::default() },
            Changes {
                removed_super_admins: changes.removed_super_admins.clone(),
                leaves_no_super_admin,
                ..Changes::default()
            },
            Changes { permissions: changes.permissions, ..Changes::default() },
        ];
        for role in [Role::Member, Role::Admin, Role::SuperAdmin] {
            let verdict = |changes: &Changes| evaluate(changes, "a", role, &set, &supers, None).is_ok();
            prop_assert_eq!(verdict(&changes), parts.iter().all(verdict));
        }
    }
}

#[test]
fn presets_are_those_of_the_table() {
    use Rule::{Admin, Allow, Deny, SuperAdmin};
    let rows = [
        (
            Preset::AllMembers,
            [
                Allow, Admin, SuperAdmin, SuperAdmin, SuperAdmin, Allow, Admin, SuperAdmin,
            ],
        ),
        (
            Preset::AdminOnly,
            [
                Admin, Admin, SuperAdmin, SuperAdmin, SuperAdmin, Admin, Admin, SuperAdmin,
            ],
        ),
        (
            Preset::Dm,
            [Deny, Deny, Deny, Deny, Deny, Allow, Allow, Allow],
        ),
    ];
    for (preset, expected) in rows {
        let set = PolicySet::from(preset);
        let found = [
            set.add_member.clone(),
            set.remove_member.clone(),
            set.add_admin.clone(),
            set.remove_admin.clone(),
            set.update_permissions.clone(),
            set.attribute("group_name"),
            set.attribute("message_disappear_in_ns"),
            set.attribute("minimum_supported_protocol_version"),
        ];
        assert_eq!(found, expected.map(Policy::Rule));
        assert_eq!(set.update_metadata.len(), 7);
        assert_eq!(set.preset(), Some(preset));
        assert_eq!(PolicySet::decode(&set.encode()).unwrap(), set);
    }
}

#[test]
fn presets_are_recognised_with_more_or_fewer_attributes() {
    let mut set = PolicySet::from(Preset::AllMembers);
    set.update_metadata.remove("app_data");
    set.update_metadata
        .insert("favourite_colour".to_owned(), Rule::Allow.into());
    assert_eq!(set.preset(), Some(Preset::AllMembers));
    set.update_metadata
        .insert("group_name".to_owned(), Rule::Admin.into());
    assert_eq!(set.preset(), None);
    let fixed = PolicySet {
        remove_member: Rule::Allow.into(),
        ..Preset::AllMembers.into()
    };
    assert_eq!(fixed.preset(), None);
}

#[test]
fn attributes_without_a_policy_fall_back() {
    let set = PolicySet::from(Preset::AllMembers);
    assert_eq!(set.attribute("_commit_log_signer"), Rule::SuperAdmin.into());
    assert_eq!(set.attribute("favourite_colour"), Rule::Admin.into());
}

#[test]
fn admin_policies_know_no_allow() {
    let set = PolicySet::from(Preset::AllMembers);
    let set = set
        .with(&Permission::AddAdmin, Rule::Allow)
        .with(&Permission::RemoveAdmin, Rule::Admin);
    assert_eq!(set.add_admin, Rule::SuperAdmin.into());
    assert_eq!(set.remove_admin, Rule::Admin.into());
    let set = set.with(&Permission::UpdateMetadata("x".to_owned()), Rule::Deny);
    assert_eq!(set.attribute("x"), Rule::Deny.into());
    assert_eq!(PolicySet::decode(&set.encode()).unwrap(), set);
}

#[test]
fn unreadable_policies_spoil_the_whole_set() {
    let good = PolicySet::from(Preset::Dm).encode();
    assert!(PolicySet::decode(&good).is_ok());
    // Base 2 (DENY) of the first policy becomes 0 and 5.
    let position = good
        .windows(4)
        .position(|bytes| bytes == b"\x0a\x02\x08\x02")
        .unwrap()
        + 3;
    for base in [0, 5] {
        let mut bad = good.clone();
        bad[position] = base;
        assert!(PolicySet::decode(&bad).is_err());
    }
    assert!(PolicySet::decode(&[]).is_err());
    assert!(PolicySet::decode(b"\x0a\x00").is_err());
    let empty = PolicySet {
        add_member: Policy::Any(vec![]),
        ..Preset::Dm.into()
    };
    assert!(PolicySet::decode(&empty.encode()).is_err());
}

#[test]
fn what_is_readable_of_unreadable_policies_is_kept() {
    use conclave_proto::mls::message_contents as proto;
    use prost::Message;

    let mut set = PolicySet::from(Preset::AllMembers);
    set.remove_member = Policy::All(vec![]);
    let mut message = proto::GroupMutablePermissionsV1::decode(&*set.encode()).unwrap();
    let wire = message.policies.as_mut().unwrap();
    wire.add_admin_policy = None;
    wire.update_metadata_policy.insert(
        "group_name".to_owned(),
        proto::MetadataPolicy { kind: None },
    );
    let found = PolicySet::read(&message.encode_to_vec()).unwrap_err();
    assert_eq!(found.add_member, Some(Rule::Allow.into()));
    assert_eq!(found.remove_member, None, "an empty combination");
    assert_eq!(found.add_admin, None, "absent");
    assert_eq!(found.remove_admin, Some(Rule::SuperAdmin.into()));
    assert_eq!(found.update_metadata["group_name"], None, "without a kind");
    let description = &found.update_metadata["description"];
    assert_eq!(*description, Some(Rule::Allow.into()));

    let garbage = PolicySet::read(&[0xFF]).unwrap_err();
    assert_eq!(*garbage, UnreadablePolicies::nothing(garbage.error.clone()));
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        bytes.extend_from_slice(body);
        bytes
    }
    let nested = |depth: usize| {
        let rule = vec![0x08, 0x01];
        let policy = (0..depth).fold(rule, |inner, _| field(2, &field(1, &inner)));
        field(1, &[&field(1, &policy), dm_fields()].concat())
    };
    fn dm_fields() -> &'static [u8] {
        b"\x12\x02\x08\x02\x22\x02\x08\x01\x2a\x02\x08\x01\x32\x02\x08\x01"
    }
    let set = PolicySet::decode(&nested(40)).unwrap();
    assert!(set.add_member.allows(Role::Member));
    assert!(PolicySet::decode(&nested(5000)).is_err());
}

#[test]
fn a_dm_is_completed_by_exactly_its_other_member() {
    let set = PolicySet::from(Preset::Dm);
    let pair = ["alix".to_owned(), "bo".to_owned()];
    let add = |names: &[&str]| Changes {
        added_inboxes: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Changes::default()
    };
    let verdict =
        |names: &[&str], pair| evaluate(&add(names), "alix", Role::Member, &set, &[], pair);
    assert_eq!(verdict(&["bo"], Some(&pair)), Ok(()));
    let refused = Err(PolicyViolation::AddMember);
    assert_eq!(verdict(&["bo"], None), refused);
    assert_eq!(verdict(&["caro"], Some(&pair)), refused);
    assert_eq!(verdict(&["alix"], Some(&pair)), refused);
    assert_eq!(verdict(&["bo", "caro"], Some(&pair)), refused);
}
