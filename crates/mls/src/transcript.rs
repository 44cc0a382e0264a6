//! The lines that members derive from validated commits (`groups.md` 8).

use std::collections::BTreeSet;

use conclave_proto::mls::message_contents::{GroupUpdated, group_updated};

use crate::validation::ValidatedCommit;

/// The content of the line for a commit, or `None` if it gets none. `left` are the inboxes that had
/// asked to leave: their removal reads as leaving.
///
/// As in the official clients, in a group that names a minimum version every commit gets a line,
/// even one that says nothing; readers hide empty ones. Attributes whose name begins with `_` are
/// secrets and never appear.
#[must_use]
pub fn group_updated(commit: &ValidatedCommit, left: &BTreeSet<String>) -> Option<GroupUpdated> {
    let changes_something = !commit.added_inboxes.is_empty()
        || !commit.removed_inboxes.is_empty()
        || !commit.attribute_changes.is_empty()
        || !commit.added_admins.is_empty()
        || !commit.removed_admins.is_empty()
        || !commit.added_super_admins.is_empty()
        || !commit.removed_super_admins.is_empty();
    if !changes_something && commit.minimum_version.is_none() {
        return None;
    }
    let (left, removed): (Vec<_>, Vec<_>) = commit
        .removed_inboxes
        .iter()
        .partition(|inbox_id| left.contains(*inbox_id));
    Some(GroupUpdated {
        initiated_by_inbox_id: commit.actor.inbox_id.clone(),
        added_inboxes: inboxes(&commit.added_inboxes),
        removed_inboxes: inboxes(removed),
        left_inboxes: inboxes(left),
        metadata_field_changes: commit
            .attribute_changes
            .iter()
            .filter(|change| !change.name.starts_with('_'))
            .map(|change| group_updated::MetadataFieldChange {
                field_name: change.name.clone(),
                old_value: change.old.clone(),
                new_value: change.new.clone(),
            })
            .collect(),
        added_admin_inboxes: inboxes(&commit.added_admins),
        removed_admin_inboxes: inboxes(&commit.removed_admins),
        added_super_admin_inboxes: inboxes(&commit.added_super_admins),
        removed_super_admin_inboxes: inboxes(&commit.removed_super_admins),
    })
}

/// The content of the line that a joining device writes for itself: `added_by` added us, and only
/// us, whoever else came with us.
#[must_use]
pub fn welcome_added(added_by: &str, own_inbox_id: &str) -> GroupUpdated {
    GroupUpdated {
        initiated_by_inbox_id: added_by.to_owned(),
        added_inboxes: inboxes(&[own_inbox_id.to_owned()]),
        ..GroupUpdated::default()
    }
}

fn inboxes<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<group_updated::Inbox> {
    ids.into_iter()
        .map(|inbox_id| group_updated::Inbox {
            inbox_id: inbox_id.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
