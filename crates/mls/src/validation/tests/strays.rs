//! Leaves and member lists that disagree, brought about by commits that the rules allow
//! (`groups.md` 4.2, security quirk), and how honest members mend them.

use super::*;
use crate::commit::BuiltCommit;
use crate::testing::assert_agree;

const ALIX: usize = 0;
const FRITZ: usize = 2;

/// Fritz, a plain member, lists its own device as failed.
fn lists_itself(devices: &mut [Device]) -> BuiltCommit {
    let id = devices[FRITZ].id();
    Raw::new()
        .membership(&devices[FRITZ], |membership| {
            membership.failed_installations.insert(id);
        })
        .built(&mut devices[FRITZ])
}

/// Fritz is removed by a client that does not look at the list of failed devices: its leaf stays.
fn careless_removal(devices: &mut [Device], by: usize) -> BuiltCommit {
    let id = devices[FRITZ].id();
    Raw::new()
        .membership(&devices[by], |membership| {
            membership.members.remove(&inbox("fritz"));
            membership.failed_installations.insert(id);
        })
        .built(&mut devices[by])
}

#[test]
fn a_device_that_lists_itself_as_failed_goes_with_its_inbox() {
    let (mut devices, ledger) = circle(&["alix", "bo", "fritz"]);
    let listing = lists_itself(&mut devices);
    deliver(&mut devices, FRITZ, &listing, &ledger);
    let removal = devices[ALIX].change_membership(&ledger, &[], &["fritz"], vec![]);
    let removed = deliver_to_rest(&mut devices, ALIX, &removal.commit, &ledger);
    assert_eq!(removed.removed_installations, [devices[FRITZ].id()].into());
    assert!(removed.retained_installations.is_empty());
    assert!(!devices[FRITZ].group().is_active());
    assert_eq!(devices[ALIX].state().stray_leaves().count(), 0);
}

/// As [`deliver`], where fritz may be out afterwards.
fn deliver_to_rest(
    devices: &mut [Device],
    author: usize,
    commit: &BuiltCommit,
    ledger: &Ledger,
) -> ValidatedCommit {
    devices[FRITZ].take(&commit.message, ledger).unwrap();
    deliver(&mut devices[..FRITZ], author, commit, ledger)
}

#[test]
fn a_stray_leaf_is_noticed_and_taken_out_by_the_next_super_admin() {
    let (mut devices, ledger) = circle(&["alix", "bo", "fritz"]);
    let fritz = devices[FRITZ].id();
    let listing = lists_itself(&mut devices);
    let listed = deliver(&mut devices, FRITZ, &listing, &ledger);
    assert!(listed.retained_installations.is_empty(), "not due yet");
    let removal = careless_removal(&mut devices, ALIX);
    let kept = deliver(&mut devices, ALIX, &removal, &ledger);
    assert_eq!(kept.retained_installations, [fritz].into());
    assert!(devices[FRITZ].group().is_active(), "it reads on");
    let strays: Vec<_> = devices[ALIX].state().stray_leaves().cloned().collect();
    assert_eq!(strays.len(), 1);
    assert_eq!(strays[0].installation_id, fritz);

    let plan = |device: &Device| {
        let (updates, removals) = Default::default();
        crate::membership::plan(device.group(), &ledger, &updates, &removals).unwrap()
    };
    assert!(plan(&devices[1]).is_noop(), "a plain member can't");
    assert!(!plan(&devices[ALIX]).is_noop());
    let cleaning = devices[ALIX].change_membership(&ledger, &[], &[], vec![]);
    deliver_to_rest(&mut devices, ALIX, &cleaning.commit, &ledger);
    assert!(!devices[FRITZ].group().is_active());
    assert_eq!(devices[ALIX].state().stray_leaves().count(), 0);
    assert!(plan(&devices[ALIX]).is_noop(), "and that was all");

    // Fritz can be invited again.
    let package = devices[FRITZ].key_package();
    let again = devices[1].change_membership(&ledger, &[("fritz", 1)], &[], vec![package]);
    deliver(&mut devices[..FRITZ], 1, &again.commit, &ledger);
    devices[FRITZ].join(again.commit.welcome.as_ref().unwrap());
    assert_agree(&devices);
}

#[test]
fn a_revoked_device_that_was_kept_is_taken_out_too() {
    let (mut devices, mut ledger) = circle(&["alix", "bo", "fritz"]);
    let lost = devices[FRITZ].id();
    let new = Device::new("fritz", 2);
    ledger.set("fritz", 2, &[&new]);
    let bump = Raw::new()
        .membership(&devices[1], |membership| {
            membership.members.insert(inbox("fritz"), 2);
            membership.failed_installations.extend([lost, new.id()]);
        })
        .built(&mut devices[1]);
    let kept = deliver(&mut devices, 1, &bump, &ledger);
    assert_eq!(kept.retained_installations, [lost].into());
    assert_eq!(devices[ALIX].state().stray_leaves().count(), 0);
    let cleaning = devices[ALIX].change_membership(&ledger, &[], &[], vec![]);
    deliver_to_rest(&mut devices, ALIX, &cleaning.commit, &ledger);
    assert!(!devices[FRITZ].group().is_active());
}

#[test]
fn a_member_without_a_leaf_does_not_keep_others_from_joining() {
    for mended in [false, true] {
        let (mut devices, mut ledger) = circle(&["alix", "bo", "fritz"]);
        let (ghost, mut caro) = (Device::new("davon", 1), Device::new("caro", 1));
        ledger.set("davon", 1, &[&ghost]);
        ledger.set("caro", 1, &[&caro]);
        let add_ghost = Raw::new()
            .membership(&devices[FRITZ], |membership| {
                membership.members.insert(inbox("davon"), 1);
            })
            .built(&mut devices[FRITZ]);
        deliver(&mut devices, FRITZ, &add_ghost, &ledger);
        let welcome = if mended {
            let package = caro.key_package();
            let adding = devices[1].change_membership(&ledger, &[("caro", 1)], &[], vec![package]);
            deliver(&mut devices, 1, &adding.commit, &ledger);
            adding.commit.welcome.unwrap()
        } else {
            let raw = Raw::new().membership(&devices[1], |membership| {
                membership.members.insert(inbox("caro"), 1);
            });
            let adding = raw.add(&mut caro).built(&mut devices[1]);
            deliver(&mut devices, 1, &adding, &ledger);
            adding.welcome.unwrap()
        };
        let staged = crate::welcome::stage(&caro.provider, &welcome).unwrap();
        assert_eq!(staged.validate(&ledger, &inbox("caro")).is_ok(), mended);
    }
}
