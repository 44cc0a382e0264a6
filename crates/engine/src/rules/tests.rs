use std::collections::BTreeSet;

use conclave_mls::{
    extensions::{ConversationType, Membership, Metadata, MutableMetadata},
    policy::{Changes, PolicySet, Preset, evaluate},
};
use proptest::prelude::*;

use super::*;

fn rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(vec![Rule::Allow, Rule::Deny, Rule::Admin, Rule::SuperAdmin])
}

fn policy() -> impl Strategy<Value = Policy> {
    rule()
        .prop_map(Policy::Rule)
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Policy::All),
                prop::collection::vec(inner, 1..3).prop_map(Policy::Any),
            ]
        })
}

fn policies() -> impl Strategy<Value = PolicySet> {
    let fields: Vec<&str> = FIELDS.into_iter().chain(["theirs", "_secret"]).collect();
    (
        [policy(), policy(), policy(), policy(), policy()],
        prop::collection::btree_map(prop::sample::select(fields), policy(), 0..6),
    )
        .prop_map(
            |([add, remove, add_admin, remove_admin, update], fields)| PolicySet {
                add_member: add,
                remove_member: remove,
                update_metadata: fields
                    .into_iter()
                    .map(|(name, policy)| (name.to_owned(), policy))
                    .collect(),
                add_admin,
                remove_admin,
                update_permissions: update,
            },
        )
}

/// People of a group: everybody is one of five, some of them on the lists.
const PEOPLE: [&str; 5] = ["alix", "bo", "caro", "davon", "eri"];
/// Not a member.
const FRITZ: &str = "fritz";

fn some_of(people: &[&str]) -> impl Strategy<Value = Vec<String>> + use<> {
    let people: Vec<String> = people.iter().map(|id| (*id).to_owned()).collect();
    prop::sample::subsequence(people, 0..=3)
}

fn state(admins: Vec<String>, super_admins: Vec<String>, policies: PolicySet) -> GroupState {
    GroupState {
        group_id: vec![1; 16],
        epoch: 3,
        epoch_authenticator: vec![],
        metadata: Metadata {
            conversation_type: ConversationType::Group,
            creator_inbox_id: PEOPLE[0].to_owned(),
            dm_members: None,
            readd_request: None,
        },
        mutable_metadata: MutableMetadata {
            attributes: std::collections::BTreeMap::new(),
            admins,
            super_admins,
        },
        membership: Membership {
            members: PEOPLE.iter().map(|id| ((*id).to_owned(), 1)).collect(),
            failed_installations: BTreeSet::new(),
        },
        policies: Ok(policies),
        unreadable: vec![],
        leaves: vec![],
    }
}

fn states() -> impl Strategy<Value = GroupState> {
    (some_of(&PEOPLE), some_of(&PEOPLE), policies())
        .prop_map(|(admins, supers, policies)| state(admins, supers, policies))
}

fn actions() -> impl Strategy<Value = Action> {
    let mut all: Vec<Action> = Action::all().collect();
    all.extend(["theirs", "_secret", "unheard"].map(|f| Action::UpdateMetadata(f.to_owned())));
    all.retain(|action| !matches!(action, Action::Leave | Action::DeleteForAll));
    prop::sample::select(all)
}

/// The group as the action would leave it, made without a look at rules.
fn after(state: &GroupState, action: &Action, target: &str) -> GroupState {
    let mut after = state.clone();
    let lists = &mut after.mutable_metadata;
    let members = &mut after.membership.members;
    let who = target.to_owned();
    match action {
        Action::AddMember => drop(members.insert(who, 1)),
        Action::RemoveMember => drop(members.remove(target)),
        Action::UpdateMetadata(name) => {
            lists.attributes.insert(name.clone(), "new".to_owned());
        }
        Action::AddAdmin => lists.admins.push(who),
        Action::RemoveAdmin => lists.admins.retain(|id| id != target),
        Action::AddSuperAdmin => lists.super_admins.push(who),
        Action::RemoveSuperAdmin => lists.super_admins.retain(|id| id != target),
        Action::UpdatePermissions => {
            let set = after.policies.as_mut().unwrap();
            set.add_member = Policy::All(vec![set.add_member.clone()]);
        }
        Action::Leave | Action::DeleteForAll => {}
    }
    after
}

/// What members compare when a commit comes (groups.md 4.6).
fn compared(old: &GroupState, new: &GroupState) -> Changes {
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let minus = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    let inboxes = |state: &GroupState| state.membership.members.keys().cloned().collect();
    let (old_members, new_members): (BTreeSet<String>, BTreeSet<String>) =
        (inboxes(old), inboxes(new));
    let (old_lists, new_lists) = (&old.mutable_metadata, &new.mutable_metadata);
    let (old_admins, new_admins) = (set(&old_lists.admins), set(&new_lists.admins));
    let (old_supers, new_supers) = (set(&old_lists.super_admins), set(&new_lists.super_admins));
    let names: BTreeSet<String> = new_lists.attributes.keys().cloned().collect();
    Changes {
        added_inboxes: minus(&new_members, &old_members),
        removed_inboxes: minus(&old_members, &new_members),
        attributes: names
            .into_iter()
            .filter(|name| old_lists.attributes.get(name) != new_lists.attributes.get(name))
            .collect(),
        added_admins: minus(&new_admins, &old_admins),
        removed_admins: minus(&old_admins, &new_admins),
        added_super_admins: minus(&new_supers, &old_supers),
        removed_super_admins: minus(&old_supers, &new_supers),
        leaves_no_super_admin: new_supers.is_empty(),
        permissions: old.policies != new.policies,
    }
}

/// Whether an action on this person changes anything.
fn makes_sense(state: &GroupState, action: &Action, target: &str) -> bool {
    let lists = &state.mutable_metadata;
    let on = |list: &[String]| list.iter().any(|id| id == target);
    match action {
        Action::AddMember => !state.membership.members.contains_key(target),
        Action::RemoveMember => state.membership.members.contains_key(target),
        Action::AddAdmin => !on(&lists.admins),
        Action::RemoveAdmin => on(&lists.admins),
        Action::AddSuperAdmin => !on(&lists.super_admins),
        Action::RemoveSuperAdmin => on(&lists.super_admins),
        _ => true,
    }
}

proptest! {
    /// What we let people do is what every member accepts, and the other way round.
    #[test]
    fn our_verdict_is_that_of_every_member(
        state in states(),
        actor in prop::sample::select(PEOPLE.to_vec()),
        action in actions(),
        target in prop::sample::select(PEOPLE.iter().copied().chain([FRITZ]).collect::<Vec<_>>()),
    ) {
        prop_assume!(makes_sense(&state, &action, target));
        let verdict = evaluate(
            &compared(&state, &after(&state, &action, target)),
            actor,
            state.role(actor),
            state.policies.as_ref().unwrap(),
            &state.mutable_metadata.super_admins,
            None,
        );
        let ours = judge(&state, actor, &action, Some(target));
        prop_assert_eq!(ours.is_ok(), verdict.is_ok(), "{:?} {:?}", action, verdict);
        // Whoever may do it to somebody may do it in general.
        if ours.is_ok() {
            prop_assert_eq!(judge(&state, actor, &action, None), Ok(()));
        }
        // Those named as able to are.
        let policy = action.policy(state.policies.as_ref().unwrap());
        for inbox_id in could(&state, &policy) {
            prop_assert_eq!(judge(&state, &inbox_id, &action, None), Ok(()));
        }
    }
}

fn everyone() -> GroupState {
    let set = Preset::AllMembers.into();
    state(vec!["bo".into()], vec!["alix".into()], set)
}

#[test]
fn the_last_super_admin_keeps_the_role() {
    let mut group = everyone();
    let demote = Action::RemoveSuperAdmin;
    let last = Err(Forbidden::LastSuperAdmin);
    assert_eq!(judge(&group, "alix", &demote, Some("alix")), last);
    let policy = Err(Forbidden::Policy(Rule::SuperAdmin.into()));
    assert_eq!(judge(&group, "bo", &demote, Some("alix")), policy);
    group.mutable_metadata.super_admins.push("caro".into());
    assert_eq!(judge(&group, "alix", &demote, Some("alix")), Ok(()));
}

#[test]
fn super_admins_lose_the_role_before_they_are_removed() {
    let (group, remove) = (everyone(), Action::RemoveMember);
    let verdict = |actor, target| judge(&group, actor, &remove, Some(target));
    assert_eq!(verdict("bo", "alix"), Err(Forbidden::SuperAdmin));
    assert_eq!(verdict("bo", "caro"), Ok(()));
    let policy = Err(Forbidden::Policy(Rule::Admin.into()));
    assert_eq!(verdict("caro", "bo"), policy);
}

#[test]
fn leaving_is_for_those_who_can_be_taken_out() {
    let mut group = everyone();
    assert_eq!(judge(&group, "bo", &Action::Leave, None), Ok(()));
    assert_eq!(
        judge(&group, "alix", &Action::Leave, None),
        Err(Forbidden::Leave(LeaveRefused::LastSuperAdmin))
    );
    group.membership.members.retain(|id, _| id == "bo");
    assert_eq!(
        judge(&group, "bo", &Action::Leave, None),
        Err(Forbidden::Leave(LeaveRefused::Alone))
    );
}

#[test]
fn of_direct_messages_only_the_disappearing_changes() {
    let mut dm = everyone();
    dm.policies = Ok(Preset::Dm.into());
    dm.metadata.dm_members = Some(["alix".into(), "bo".into()]);
    dm.mutable_metadata = MutableMetadata::default();
    for action in Action::all() {
        let verdict = judge(&dm, "bo", &action, None);
        match &action {
            Action::UpdateMetadata(name) if name.starts_with("message_disappear") => {
                assert_eq!(verdict, Ok(()));
            }
            Action::Leave => {
                let refused = Forbidden::Leave(LeaveRefused::DirectMessage);
                assert_eq!(verdict, Err(refused));
            }
            _ => assert!(
                matches!(verdict, Err(Forbidden::DirectMessage(_))),
                "{action:?}"
            ),
        }
    }
}

#[test]
fn nobody_changes_a_group_that_cannot_be_read() {
    let mut group = everyone();
    let missing = conclave_mls::extensions::ExtensionError::Missing(0xFF02);
    group.unreadable.push(missing);
    for action in Action::all().filter(|action| *action != Action::Leave) {
        let verdict = judge(&group, "alix", &action, None);
        assert_eq!(verdict, Err(Forbidden::Unreadable), "{action:?}");
    }
}
