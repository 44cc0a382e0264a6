use super::*;
use crate::extensions::GROUP_MEMBERSHIP;
use crate::group::NewGroupKind;
use crate::key_package::VerifiedKeyPackage;
use crate::policy::{Permission, Preset, Role, Rule};
use crate::process;
use crate::testing::{Device, Ledger, assert_agree, circle, deliver, inbox, now_s};
use crate::validation::validate_commit;

const DAY: u64 = 24 * 60 * 60;

#[test]
fn all_kinds_of_commits_are_accepted_by_everybody() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let rename = devices[1].rename("climbing");
    let result = deliver(&mut devices, 1, &rename, &ledger);
    assert_eq!(result.attribute_changes[0].new.as_deref(), Some("climbing"));
    assert_eq!(result.attribute_changes[0].old.as_deref(), Some(""));

    for (change, role) in [
        (AdminChange::AddAdmin, Role::Admin),
        (AdminChange::AddSuperAdmin, Role::SuperAdmin),
        (AdminChange::RemoveAdmin, Role::SuperAdmin),
        (AdminChange::RemoveSuperAdmin, Role::Member),
    ] {
        let commit = devices[0].with_group(|provider, signer, group| {
            change_admins(provider, signer, group, change, &inbox("bo")).unwrap()
        });
        deliver(&mut devices, 0, &commit, &ledger);
        assert_eq!(devices[2].state().role(&inbox("bo")), role, "{change:?}");
    }

    let policies = devices[0]
        .state()
        .policies
        .unwrap()
        .with(&Permission::AddMember, Rule::Deny);
    let commit = devices[0].with_group(|provider, signer, group| {
        set_policies(provider, signer, group, &policies).unwrap()
    });
    assert!(deliver(&mut devices, 0, &commit, &ledger).permissions_changed);
    assert_eq!(devices[2].state().policies.unwrap(), policies);

    let update = devices[2].self_update();
    assert_eq!(update.welcome, None);
    deliver(&mut devices, 2, &update, &ledger);
    assert_eq!(devices[0].state().epoch, 8);
}

#[test]
fn too_long_texts_are_refused_before_anything_happens() {
    let (mut devices, _) = circle(&["alix", "bo"]);
    let error = devices[0].with_group(|provider, signer, group| {
        set_attribute(provider, signer, group, "group_name", &"a".repeat(101)).unwrap_err()
    });
    assert_eq!(error.code(), "attribute_too_long");
}

#[test]
fn the_whole_extension_list_is_sent_again() {
    let (mut devices, _) = circle(&["alix", "bo"]);
    let before: Vec<u16> = types(&devices[0]);
    let context = context_with(devices[0].group(), GROUP_MEMBERSHIP, vec![]).unwrap();
    let after: Vec<u16> = context.iter().map(|e| e.extension_type().into()).collect();
    assert_eq!(before, after);
    devices.clear();
}

fn types(device: &Device) -> Vec<u16> {
    device
        .group()
        .extensions()
        .iter()
        .map(|e| e.extension_type().into())
        .collect()
}

/// A group of alix, and `names` at sequence id 1 waiting to be added.
fn waiting(names: &[&'static str]) -> (Device, Vec<Device>, Ledger) {
    let (mut devices, mut ledger) = circle(&["alix"]);
    let others: Vec<_> = names.iter().map(|name| Device::new(name, 1)).collect();
    for other in &others {
        ledger.set(other.name, 1, &[other]);
    }
    (devices.remove(0), others, ledger)
}

#[test]
fn one_bad_key_package_does_not_keep_the_others_out() {
    let names = ["bo", "caro", "davon", "eri", "fritz"];
    let (mut alix, mut others, ledger) = waiting(&names);
    let mut packages: Vec<VerifiedKeyPackage> =
        others.iter_mut().map(Device::key_package).collect();
    // bo's is missing, caro's ends too soon, davon's names another inbox, eri's repeats a key.
    packages[1].not_after_s = now_s() + 14 * DAY - 60;
    packages[2].inbox_id = inbox("bo");
    let fritz = packages[4].key_package.clone();
    packages[3].key_package = fritz;
    packages.remove(0);
    let updates: Vec<_> = names.iter().map(|name| (*name, 1)).collect();
    let change = alix.change_membership(&ledger, &updates, &[], packages);
    let ids: Vec<_> = others.iter().map(Device::id).collect();
    // Keys are told apart in the order of installation ids.
    let (kept, repeated) = if ids[3] < ids[4] { (3, 4) } else { (4, 3) };
    assert_eq!(
        change.failed,
        [
            (ids[0], FailedInstallation::NoKeyPackage),
            (ids[1], FailedInstallation::ExpiresSoon),
            (ids[2], FailedInstallation::WrongInbox),
            (ids[repeated], FailedInstallation::KeyReuse),
        ]
        .into()
    );
    assert_eq!(change.recipients.len(), 1);
    assert_eq!(change.recipients[0].installation_id, ids[kept]);
}

#[test]
fn fourteen_days_are_enough() {
    let (mut alix, mut others, ledger) = waiting(&["bo", "caro"]);
    let mut packages: Vec<_> = others.iter_mut().map(Device::key_package).collect();
    packages[0].not_after_s = now_s() + 14 * DAY + 60;
    let change = alix.change_membership(&ledger, &[("bo", 1), ("caro", 1)], &[], packages);
    assert!(change.failed.is_empty());
    alix.take_own(&change.commit, &ledger).unwrap();
    let mut all = vec![alix];
    for mut other in others {
        other.join(change.commit.welcome.as_ref().unwrap());
        all.push(other);
    }
    assert_agree(&all);
}

#[test]
fn nobody_to_add_at_all_is_an_error() {
    let (mut alix, others, ledger) = waiting(&["bo"]);
    drop(others);
    let updates = [(inbox("bo"), 1)].into();
    let plan = crate::membership::plan(alix.group(), &ledger, &updates, &[].into()).unwrap();
    let error = alix.with_group(|provider, signer, group| {
        change_membership(provider, signer, group, &plan, vec![], now_s()).unwrap_err()
    });
    assert_eq!(error, MlsError::NoUsableInstallation);
}

#[test]
fn a_failed_device_is_listed_and_joins_with_its_inboxs_next_change() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    let mut second = Device::new("bo", 2);
    ledger.set("bo", 2, &[&devices[1], &second]);
    let change = devices[0].change_membership(&ledger, &[("bo", 2)], &[], vec![]);
    deliver(&mut devices, 0, &change.commit, &ledger);
    assert_eq!(
        devices[1].state().membership.failed_installations,
        [second.id()].into()
    );

    // Out and in again: the entry goes once there is a leaf, and both devices are there.
    let removal = devices[0].change_membership(&ledger, &[], &["bo"], vec![]);
    let mut bo = devices.pop().unwrap();
    deliver(&mut devices, 0, &removal.commit, &ledger);
    let packages = vec![bo.key_package(), second.key_package()];
    let addition = devices[0].change_membership(&ledger, &[("bo", 2)], &[], packages);
    deliver(&mut devices, 0, &addition.commit, &ledger);
    for mut device in [bo, second] {
        device.join(addition.commit.welcome.as_ref().unwrap());
        devices.push(device);
    }
    assert_agree(&devices);
    assert!(
        devices[0]
            .state()
            .membership
            .failed_installations
            .is_empty()
    );
}

#[test]
fn removing_an_inbox_with_a_failed_device_is_accepted() {
    let (mut devices, mut ledger) = circle(&["alix", "bo", "caro"]);
    let second = Device::new("bo", 2);
    ledger.set("bo", 2, &[&devices[1], &second]);
    let change = devices[0].change_membership(&ledger, &[("bo", 2)], &[], vec![]);
    deliver(&mut devices, 0, &change.commit, &ledger);
    let removal = devices[0].change_membership(&ledger, &[], &["bo"], vec![]);
    devices.remove(1);
    let result = deliver(&mut devices, 0, &removal.commit, &ledger);
    assert_eq!(result.removed_inboxes, [inbox("bo")].into());
    assert_eq!(devices[1].state().leaves.len(), 2);
}

#[test]
fn a_device_cannot_hide_on_the_failed_list() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    // bo lists its own device as failed, which nobody can refuse.
    let own = devices[1].id();
    let mut membership = devices[1].state().membership;
    membership.failed_installations.insert(own);
    let hide = devices[1].with_group(|provider, signer, group| {
        replace_extension(
            provider,
            signer,
            group,
            GROUP_MEMBERSHIP,
            membership.encode(),
        )
        .unwrap()
    });
    deliver(&mut devices, 1, &hide, &ledger);
    // Our removal takes the entry off the list, so that the leaf goes all the same.
    let removal = devices[0].change_membership(&ledger, &[], &["bo"], vec![]);
    let mut bo = devices.remove(1);
    assert!(
        bo.take(&removal.commit.message, &ledger)
            .unwrap()
            .self_removed
    );
    deliver(&mut devices, 0, &removal.commit, &ledger);
    assert!(!devices[1].state().has_leaf(&own));
    assert_eq!(devices[1].state().stray_leaves().count(), 0);
}

#[test]
fn plans_of_another_epoch_are_refused() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let plan = crate::membership::plan(
        devices[0].group(),
        &ledger,
        &[].into(),
        &[inbox("bo")].into(),
    )
    .unwrap();
    let update = devices[0].self_update();
    deliver(&mut devices, 0, &update, &ledger);
    let error = devices[0].with_group(|provider, signer, group| {
        change_membership(provider, signer, group, &plan, vec![], now_s()).unwrap_err()
    });
    assert_eq!(
        error,
        MlsError::StalePlan {
            planned: 1,
            current: 2
        }
    );
}

#[test]
fn a_broken_device_is_added_again_in_one_commit() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let package = devices[1].key_package();
    let again = devices[0].with_group(|provider, signer, group| {
        readd(provider, signer, group, vec![package], now_s()).unwrap()
    });
    assert_eq!(again.recipients.len(), 1);
    let mut bo = devices.remove(1);
    let result = deliver(&mut devices, 0, &again.commit, &ledger);
    assert_eq!(result.readded_installations, [bo.id()].into());
    assert!(result.added_inboxes.is_empty() && result.removed_installations.is_empty());

    // The old copy ends, and the welcome replaces it.
    assert!(
        bo.take(&again.commit.message, &ledger)
            .unwrap()
            .self_removed
    );
    bo.join(again.commit.welcome.as_ref().unwrap());
    devices.push(bo);
    assert_agree(&devices);
    let text = devices[2].encrypt("back again");
    assert_eq!(devices[0].read(&text).unwrap(), "back again");
}

#[test]
fn a_commit_of_ours_is_validated_like_any_other() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let demotion = devices[0].with_group(|provider, signer, group| {
        change_admins(
            provider,
            signer,
            group,
            AdminChange::RemoveSuperAdmin,
            &inbox("alix"),
        )
        .unwrap()
    });
    let error = devices[0].take_own(&demotion, &ledger).unwrap_err();
    assert_eq!(error.code(), "commit_rejected_v10");
    assert_eq!(devices[0].state().epoch, 1);
}

#[test]
fn a_dm_is_created_completed_and_used() {
    let mut alix = Device::new("alix", 1);
    let mut bo = Device::new("bo", 1);
    let mut ledger = Ledger::default();
    ledger.set("alix", 3, &[&alix]);
    ledger.set("bo", 4, &[&bo]);
    alix.create(NewGroupKind::Dm { peer: inbox("bo") });
    let package = bo.key_package();
    let first = alix.change_membership(&ledger, &[("alix", 3), ("bo", 4)], &[], vec![package]);
    let result = alix.take_own(&first.commit, &ledger).unwrap();
    assert_eq!(result.added_inboxes, [inbox("bo")].into());
    let staged = crate::welcome::stage(&bo.provider, first.commit.welcome.as_ref().unwrap());
    let staged = staged.unwrap();
    staged.validate(&ledger, &inbox("bo")).unwrap();
    bo.group = Some(crate::welcome::join(&bo.provider, staged).unwrap());
    let mut devices = vec![alix, bo];
    // Names are open to both, lists to nobody.
    let rename = devices[1].rename("us two");
    deliver(&mut devices, 1, &rename, &ledger);
    let promotion = devices[1].with_group(|provider, signer, group| {
        change_admins(provider, signer, group, AdminChange::AddAdmin, &inbox("bo")).unwrap()
    });
    assert!(devices[1].take_own(&promotion, &ledger).is_err());
}

#[test]
fn the_staged_commit_is_applied_after_a_restart() {
    use openmls::prelude::OpenMlsProvider;
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let package = {
        let mut caro = Device::new("caro", 1);
        let package = caro.key_package();
        devices.push(caro);
        package
    };
    let mut ledger = ledger;
    ledger.set("caro", 1, &[&devices[2]]);
    let change = devices[0].change_membership(&ledger, &[("caro", 1)], &[], vec![package]);
    let id = devices[0].group().group_id().clone();
    let mut group = MlsGroup::load(devices[0].provider.storage(), &id)
        .unwrap()
        .unwrap();
    let staged = encoding::decode_staged_commit(&change.commit.staged_commit).unwrap();
    validate_commit(&group, &staged, &ledger).unwrap();
    process::merge(&devices[0].provider, &mut group, staged).unwrap();
    devices[0].group = Some(group);
    devices[1].take(&change.commit.message, &ledger).unwrap();
    devices[2].join(change.commit.welcome.as_ref().unwrap());
    assert_agree(&devices);
}

#[test]
fn presets_decide_who_may_add() {
    let (mut devices, mut ledger) = crate::testing::circle_with(&["alix", "bo"], Preset::AdminOnly);
    let mut caro = Device::new("caro", 1);
    ledger.set("caro", 1, &[&caro]);
    let package = caro.key_package();
    let refused = devices[1].change_membership(&ledger, &[("caro", 1)], &[], vec![package.clone()]);
    assert!(devices[1].take_own(&refused.commit, &ledger).is_err());
    assert!(devices[0].take(&refused.commit.message, &ledger).is_err());
    let allowed = devices[0].change_membership(&ledger, &[("caro", 1)], &[], vec![package]);
    deliver(&mut devices, 0, &allowed.commit, &ledger);
}
