use super::*;
use crate::policy::Role;
use crate::testing::{Device, inbox};
use crate::validation::{Actor, AttributeChange};

fn commit() -> ValidatedCommit {
    ValidatedCommit {
        actor: Actor {
            inbox_id: inbox("alix"),
            installation_id: Device::new("alix", 1).id(),
            role: Role::SuperAdmin,
        },
        epoch: 2,
        added_inboxes: BTreeSet::new(),
        removed_inboxes: BTreeSet::new(),
        attribute_changes: vec![],
        added_admins: BTreeSet::new(),
        removed_admins: BTreeSet::new(),
        added_super_admins: BTreeSet::new(),
        removed_super_admins: BTreeSet::new(),
        permissions_changed: false,
        policy_changes: vec![],
        added_installations: BTreeSet::new(),
        removed_installations: BTreeSet::new(),
        readded_installations: BTreeSet::new(),
        retained_installations: BTreeSet::new(),
        self_removed: false,
        rewrites_metadata: false,
        minimum_version: None,
    }
}

fn changed(name: &str) -> AttributeChange {
    AttributeChange {
        name: name.to_owned(),
        old: Some("a".to_owned()),
        new: None,
    }
}

#[test]
fn rotations_devices_and_permissions_say_nothing() {
    let nobody = BTreeSet::new();
    assert_eq!(group_updated(&commit(), &nobody), None);
    let quiet = ValidatedCommit {
        permissions_changed: true,
        added_installations: [Device::new("alix", 2).id()].into(),
        ..commit()
    };
    assert_eq!(group_updated(&quiet, &nobody), None);
    // The quirk: with a minimum version even those get a line.
    let versioned = ValidatedCommit {
        minimum_version: Some("1.6.0".to_owned()),
        ..quiet
    };
    let empty = group_updated(&versioned, &nobody).unwrap();
    assert_eq!(
        empty,
        GroupUpdated {
            initiated_by_inbox_id: inbox("alix"),
            ..Default::default()
        }
    );
}

#[test]
fn removal_after_a_request_reads_as_leaving() {
    let removal = ValidatedCommit {
        removed_inboxes: [inbox("bo"), inbox("caro")].into(),
        ..commit()
    };
    let line = group_updated(&removal, &[inbox("caro"), inbox("eri")].into()).unwrap();
    assert_eq!(line.removed_inboxes[0].inbox_id, inbox("bo"));
    assert_eq!(line.left_inboxes[0].inbox_id, inbox("caro"));
    assert_eq!(
        (line.removed_inboxes.len(), line.left_inboxes.len()),
        (1, 1)
    );
}

#[test]
fn secrets_never_appear() {
    let change = ValidatedCommit {
        attribute_changes: vec![changed("_commit_log_signer"), changed("group_name")],
        ..commit()
    };
    let line = group_updated(&change, &BTreeSet::new()).unwrap();
    assert_eq!(line.metadata_field_changes.len(), 1);
    assert_eq!(line.metadata_field_changes[0].field_name, "group_name");
    assert_eq!(line.metadata_field_changes[0].new_value, None);
    assert!(!format!("{change:?}").contains("\"a\""));
}

#[test]
fn every_list_has_its_place() {
    let change = ValidatedCommit {
        added_inboxes: [inbox("bo")].into(),
        added_admins: [inbox("caro")].into(),
        removed_admins: [inbox("davon")].into(),
        added_super_admins: [inbox("eri")].into(),
        removed_super_admins: [inbox("fritz")].into(),
        ..commit()
    };
    let line = group_updated(&change, &BTreeSet::new()).unwrap();
    let names = [
        &line.added_inboxes,
        &line.added_admin_inboxes,
        &line.removed_admin_inboxes,
        &line.added_super_admin_inboxes,
        &line.removed_super_admin_inboxes,
    ]
    .map(|list| list[0].inbox_id.clone());
    assert_eq!(names, ["bo", "caro", "davon", "eri", "fritz"].map(inbox));
}

#[test]
fn a_newcomer_sees_only_itself_added() {
    let line = welcome_added(&inbox("alix"), &inbox("bo"));
    assert_eq!(line.initiated_by_inbox_id, inbox("alix"));
    assert_eq!(line.added_inboxes.len(), 1);
    assert_eq!(line.added_inboxes[0].inbox_id, inbox("bo"));
}
