//! What differs between the contexts before and after a commit.

use std::collections::BTreeSet;

use super::{AttributeChange, Contexts};
use crate::extensions::MutableMetadata;
use crate::policy::Changes;

/// Attributes that appeared, changed or disappeared, by name.
pub(super) fn attributes(old: &MutableMetadata, new: &MutableMetadata) -> Vec<AttributeChange> {
    let names: BTreeSet<&String> = old.attributes.keys().chain(new.attributes.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (before, after) = (old.attributes.get(name), new.attributes.get(name));
            (before != after).then(|| AttributeChange {
                name: name.clone(),
                old: before.cloned(),
                new: after.cloned(),
            })
        })
        .collect()
}

/// Everything that needs permission.
pub(super) fn changes(contexts: &Contexts, attributes: &[AttributeChange]) -> Changes {
    let (old, new) = (&contexts.old_mutable, &contexts.new_mutable);
    let old_members = contexts.old_membership.members.keys();
    let new_members = contexts.new_membership.members.keys();
    Changes {
        added_inboxes: only_in(new_members.clone(), old_members.clone()),
        removed_inboxes: only_in(old_members, new_members),
        attributes: attributes
            .iter()
            .map(|change| change.name.clone())
            .collect(),
        added_admins: only_in(&new.admins, &old.admins),
        removed_admins: only_in(&old.admins, &new.admins),
        added_super_admins: only_in(&new.super_admins, &old.super_admins),
        removed_super_admins: only_in(&old.super_admins, &new.super_admins),
        leaves_no_super_admin: new.super_admins.is_empty(),
        permissions: contexts.old_policies != contexts.new_policies,
    }
}

fn only_in<'a>(
    these: impl IntoIterator<Item = &'a String>,
    those: impl IntoIterator<Item = &'a String>,
) -> BTreeSet<String> {
    let those: BTreeSet<&String> = those.into_iter().collect();
    these
        .into_iter()
        .filter(|id| !those.contains(id))
        .cloned()
        .collect()
}
