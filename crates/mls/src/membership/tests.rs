use super::*;
use crate::testing::{Device, Ledger, circle, inbox};

fn map(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
    entries
        .iter()
        .map(|(name, id)| (inbox(name), *id))
        .collect()
}

fn diff(
    old: &[(&str, u64)],
    new: &[(&str, u64)],
    ledger: &Ledger,
) -> Result<ExpectedDiff, Vec<MissingIdentity>> {
    let mut lookup = Lookup::new(ledger);
    let diff = expected_diff(&map(old), &map(new), &mut lookup);
    lookup.finish().map(|()| diff)
}

fn missing(name: &str, sequence_id: u64) -> MissingIdentity {
    MissingIdentity {
        inbox_id: inbox(name),
        sequence_id,
    }
}

#[test]
fn the_difference_follows_the_table() {
    let [a1, a2, a3, b1] =
        [("alix", 1), ("alix", 2), ("alix", 3), ("bo", 1)].map(|(name, n)| Device::new(name, n));
    let mut ledger = Ledger::default();
    ledger.set("alix", 1, &[&a1, &a2]);
    ledger.set("alix", 5, &[&a2, &a3]);
    ledger.set("bo", 2, &[&b1]);
    let ids = |devices: &[&Device]| {
        devices
            .iter()
            .map(|device| device.id())
            .collect::<BTreeSet<_>>()
    };
    let check =
        |old: &[(&str, u64)], new: &[(&str, u64)], added: &[&Device], removed: &[&Device]| {
            let diff = diff(old, new, &ledger).unwrap();
            assert_eq!(
                diff.added.keys().copied().collect::<BTreeSet<_>>(),
                ids(added)
            );
            assert_eq!(diff.removed, ids(removed));
        };
    check(&[("alix", 1)], &[("alix", 1)], &[], &[]);
    check(&[("alix", 1)], &[("alix", 5)], &[&a3], &[&a1]);
    check(&[("alix", 0)], &[("alix", 5)], &[&a2, &a3], &[]);
    check(&[], &[("bo", 2)], &[&b1], &[]);
    check(&[("alix", 5), ("bo", 2)], &[("bo", 2)], &[], &[&a2, &a3]);
    check(
        &[("alix", 1), ("bo", 2)],
        &[("alix", 5)],
        &[&a3],
        &[&a1, &b1],
    );
}

#[test]
fn everything_missing_is_named_at_once() {
    let error = diff(
        &[("alix", 1), ("caro", 3)],
        &[("alix", 5), ("bo", 2)],
        &Ledger::default(),
    );
    assert_eq!(error.unwrap_err(), {
        let mut all = vec![
            missing("alix", 1),
            missing("alix", 5),
            missing("bo", 2),
            missing("caro", 3),
        ];
        all.sort();
        all
    });
}

#[test]
fn a_plan_names_what_it_needs() {
    let (mut devices, mut ledger) = circle(&["alix", "bo"]);
    let second = Device::new("bo", 2);
    let caro = Device::new("caro", 1);
    ledger.set("bo", 4, &[&devices[1], &second]);
    ledger.set("caro", 3, &[&caro]);
    let updates = map(&[("bo", 4), ("caro", 3), ("alix", 1)]);
    let plan_of = |devices: &[Device], ledger: &Ledger| {
        plan(devices[0].group(), ledger, &updates, &BTreeSet::new())
    };
    let planned = plan_of(&devices, &ledger).unwrap();
    assert_eq!(
        planned.additions,
        [(second.id(), inbox("bo")), (caro.id(), inbox("caro"))].into()
    );
    assert_eq!(planned.members, updates);
    assert_eq!(planned.added_inboxes, [inbox("caro")].into());
    assert!(planned.removals.is_empty() && !planned.is_noop());

    ledger.forget("caro");
    assert_eq!(
        plan_of(&devices, &ledger),
        Err(PlanError::MissingIdentity(vec![missing("caro", 3)]))
    );
    devices.pop();
    assert!(
        plan(
            devices[0].group(),
            &ledger,
            &BTreeMap::new(),
            &BTreeSet::new()
        )
        .unwrap()
        .is_noop()
    );
}

#[test]
fn lower_sequence_ids_are_ignored_and_strangers_cannot_be_removed() {
    let (devices, mut ledger) = circle(&["alix", "bo"]);
    ledger.set("bo", 9, &[&devices[1]]);
    let planned = plan(
        devices[0].group(),
        &ledger,
        &map(&[("bo", 0)]),
        &[inbox("fritz")].into(),
    )
    .unwrap();
    assert!(planned.is_noop());
    // A higher sequence id without new devices is still written down.
    let planned = plan(
        devices[0].group(),
        &ledger,
        &map(&[("bo", 9)]),
        &BTreeSet::new(),
    )
    .unwrap();
    assert!(!planned.is_noop() && planned.additions.is_empty());
}

#[test]
fn our_own_removal_is_no_plan() {
    let (devices, mut ledger) = circle(&["alix", "bo"]);
    let planned = plan(
        devices[1].group(),
        &ledger,
        &BTreeMap::new(),
        &[inbox("bo")].into(),
    )
    .unwrap();
    assert!(planned.removes_self() && planned.is_noop());
    // Our device was revoked by another of ours.
    ledger.set("bo", 2, &[&Device::new("bo", 2)]);
    let planned = plan(
        devices[1].group(),
        &ledger,
        &map(&[("bo", 2)]),
        &BTreeSet::new(),
    )
    .unwrap();
    assert!(planned.removes_self());
}
