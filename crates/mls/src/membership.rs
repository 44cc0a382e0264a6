//! Who belongs into the tree: the difference between two memberships, and the plan of a commit
//! that makes it so (`groups.md` 4.2, 4.3).

use std::collections::{BTreeMap, BTreeSet};

use conclave_identity::InstallationId;
use openmls::group::MlsGroup;

use crate::association::{AssociationStates, Lookup, MissingIdentity};
use crate::error::MlsError;
use crate::extensions::Membership;
use crate::group::GroupState;
use crate::member::Leaf;
use crate::policy::Role;

/// Devices that a change of membership brings in and puts out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExpectedDiff {
    /// Device → its inbox.
    pub(crate) added: BTreeMap<InstallationId, String>,
    pub(crate) removed: BTreeSet<InstallationId>,
}

/// The difference that both sender and receiver expect between two memberships (`groups.md` 4.3).
/// Meaningful only if `lookup` misses nothing.
pub(crate) fn expected_diff<S: AssociationStates + ?Sized>(
    old: &BTreeMap<String, u64>,
    new: &BTreeMap<String, u64>,
    lookup: &mut Lookup<'_, S>,
) -> ExpectedDiff {
    let mut diff = ExpectedDiff::default();
    for (inbox_id, sequence_id) in new {
        match old.get(inbox_id) {
            Some(known) if known == sequence_id => {}
            // New, or never resolved before: everything it has.
            None | Some(0) => {
                for id in lookup.installations(inbox_id, *sequence_id).iter() {
                    diff.added.insert(*id, inbox_id.clone());
                }
            }
            Some(known) => {
                let before = lookup.installations(inbox_id, *known);
                let after = lookup.installations(inbox_id, *sequence_id);
                for id in after.difference(&before) {
                    diff.added.insert(*id, inbox_id.clone());
                }
                diff.removed.extend(before.difference(&after));
            }
        }
    }
    for (inbox_id, sequence_id) in old {
        if !new.contains_key(inbox_id) {
            diff.removed
                .extend(lookup.installations(inbox_id, *sequence_id).iter());
        }
    }
    diff
}

/// What a membership commit would do, before any key package is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipPlan {
    /// Epoch of the group that the plan is for.
    pub epoch: u64,
    /// The new membership map.
    pub members: BTreeMap<String, u64>,
    /// Devices to add, each with its inbox: fetch their key packages.
    pub additions: BTreeMap<InstallationId, String>,
    /// Leaves to remove.
    pub removals: Vec<Leaf>,
    /// Inboxes that are new.
    pub added_inboxes: BTreeSet<String>,
    /// Failed installations that stay listed, before any new failure.
    pub failed_installations: BTreeSet<InstallationId>,
    /// Whether the map differs from the group's.
    changes_members: bool,
    /// Whether this device's own leaf would have to go; it cannot commit that.
    removes_self: bool,
}

impl MembershipPlan {
    /// Whether no commit is to be made: nothing changes, or our own leaf is among those to remove
    /// (`groups.md` 4.2 steps 6 and 7).
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.removes_self
            || (!self.changes_members && self.additions.is_empty() && self.removals.is_empty())
    }

    /// Whether our own installation would have to be removed: it was revoked.
    #[must_use]
    pub const fn removes_self(&self) -> bool {
        self.removes_self
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Fetch these and plan again; sorted, without repetition.
    #[error("{} association states are not known here", .0.len())]
    MissingIdentity(Vec<MissingIdentity>),
    /// The group cannot be read, or we are out of it.
    #[error(transparent)]
    Mls(#[from] MlsError),
}

/// Plans the commit that applies `updates` (inbox → newest known sequence id, of members and of
/// inboxes to add; a lower one than the group's is ignored) and takes `removals` out.
///
/// # Errors
/// [`PlanError::MissingIdentity`] with everything that is missing; [`MlsError::Inactive`].
pub fn plan<S: AssociationStates + ?Sized>(
    group: &MlsGroup,
    states: &S,
    updates: &BTreeMap<String, u64>,
    removals: &BTreeSet<String>,
) -> Result<MembershipPlan, PlanError> {
    if !group.is_active() {
        return Err(MlsError::Inactive.into());
    }
    let state = GroupState::of(group).map_err(MlsError::from)?;
    let Membership {
        members: old,
        failed_installations: old_failed,
    } = &state.membership;

    let mut members = old.clone();
    for (inbox_id, sequence_id) in updates {
        let entry = members.entry(inbox_id.clone()).or_insert(*sequence_id);
        // A lower sequence id would be refused by everybody (V6).
        *entry = (*entry).max(*sequence_id);
    }
    members.retain(|inbox_id, _| !removals.contains(inbox_id));

    let mut lookup = Lookup::new(states);
    let diff = expected_diff(old, &members, &mut lookup);
    let belonging: BTreeMap<InstallationId, &str> = members
        .iter()
        .flat_map(|(inbox_id, sequence_id)| {
            let installations = lookup.installations(inbox_id, *sequence_id);
            let of_inbox = |id: &InstallationId| (*id, inbox_id.as_str());
            installations.iter().map(of_inbox).collect::<Vec<_>>()
        })
        .collect();
    lookup.finish().map_err(PlanError::MissingIdentity)?;

    let in_tree = state.installations();
    let own_leaf = group.own_leaf_index().u32();
    // A super admin takes leaves out as well that belong to nobody: somebody kept them in by the
    // trick of `groups.md` 4.2, and joiners refuse a group that has them (5.6). For others they are
    // no due removals (V8). For a super admin they are not either, but those that are listed as
    // failed do not count (4.5, re-add exception).
    let own = state.leaves.iter().find(|leaf| leaf.index == own_leaf);
    let is_super_admin = own.is_some_and(|own| state.role(&own.inbox_id) == Role::SuperAdmin);
    let is_stray = |leaf: &Leaf| {
        belonging.get(&leaf.installation_id) != Some(&leaf.inbox_id.as_str())
            && !diff.removed.contains(&leaf.installation_id)
    };
    let strays: BTreeSet<_> = state
        .leaves
        .iter()
        .filter(|leaf| is_super_admin && leaf.index != own_leaf && is_stray(leaf))
        .map(|leaf| leaf.installation_id)
        .collect();
    let removals: Vec<Leaf> = state
        .leaves
        .iter()
        .filter(|leaf| {
            diff.removed.contains(&leaf.installation_id) || strays.contains(&leaf.installation_id)
        })
        .cloned()
        .collect();
    let additions: BTreeMap<_, _> = diff
        .added
        .into_iter()
        .filter(|(id, _)| !in_tree.contains(id))
        .collect();
    // An entry that has a leaf would exempt that leaf from removal: it goes (`groups.md` 4.2). An
    // installation that is to be removed but has no leaf must be listed, or V8's sets differ. One
    // that belongs here but was never added must be listed too, or nobody can join any more (5.6).
    let failed_installations = old_failed
        .iter()
        .chain(&diff.removed)
        .chain(belonging.keys())
        .filter(|id| !in_tree.contains(id) && !additions.contains_key(id))
        .chain(&strays)
        .copied()
        .collect();
    Ok(MembershipPlan {
        epoch: state.epoch,
        changes_members: members != *old,
        added_inboxes: members
            .keys()
            .filter(|inbox_id| !old.contains_key(*inbox_id))
            .cloned()
            .collect(),
        removes_self: removals.iter().any(|leaf| leaf.index == own_leaf),
        members,
        additions,
        removals,
        failed_installations,
    })
}

#[cfg(test)]
mod tests;
