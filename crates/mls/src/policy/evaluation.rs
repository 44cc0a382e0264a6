//! Whether an actor may make a set of changes (`groups.md` 4.6).

use std::collections::BTreeSet;

use super::{PolicySet, Role};

/// What a commit changes, compared between the contexts before and after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Inboxes in the new membership only.
    pub added_inboxes: BTreeSet<String>,
    /// Inboxes in the old membership only.
    pub removed_inboxes: BTreeSet<String>,
    /// Names of attributes whose value appeared, changed or disappeared.
    pub attributes: BTreeSet<String>,
    /// Inboxes that became admins.
    pub added_admins: BTreeSet<String>,
    /// Inboxes that are no admins any more.
    pub removed_admins: BTreeSet<String>,
    /// Inboxes that became super admins.
    pub added_super_admins: BTreeSet<String>,
    /// Inboxes that are no super admins any more.
    pub removed_super_admins: BTreeSet<String>,
    /// Whether the new list of super admins is empty.
    pub leaves_no_super_admin: bool,
    /// Whether the policy set is another one.
    pub permissions: bool,
}

/// The first rule that a set of changes breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PolicyViolation {
    /// The actor may not add inboxes.
    #[error("may not add members")]
    AddMember,
    /// The actor may not remove inboxes.
    #[error("may not remove members")]
    RemoveMember,
    /// A super admin must be demoted before removal.
    #[error("a super admin cannot be removed")]
    RemoveSuperAdmin,
    /// The actor may not change an attribute.
    #[error("may not change an attribute")]
    UpdateMetadata,
    /// The actor may not make admins.
    #[error("may not add admins")]
    AddAdmin,
    /// The actor may not unmake admins.
    #[error("may not remove admins")]
    RemoveAdmin,
    /// Only a super admin makes super admins.
    #[error("may not add super admins")]
    AddSuperAdmin,
    /// Only a super admin demotes one, and never the last.
    #[error("may not demote super admins")]
    DemoteSuperAdmin,
    /// Only a super admin changes permissions.
    #[error("may not change permissions")]
    UpdatePermissions,
}

/// Checks `changes` by `actor` (an inbox id with this `role`) against the policies before the
/// commit. `super_admins` is the list before the commit, `dm_members` the pair of a DM.
///
/// # Errors
/// The first [`PolicyViolation`] in the order of `groups.md` 4.6.
pub fn evaluate(
    changes: &Changes,
    actor: &str,
    role: Role,
    policies: &PolicySet,
    super_admins: &[String],
    dm_members: Option<&[String; 2]>,
) -> Result<(), PolicyViolation> {
    let require = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };

    // The creator of a DM adds the other inbox although nobody may add members.
    let completes_dm = dm_members.is_some_and(|pair| {
        changes.added_inboxes.len() == 1
            && changes
                .added_inboxes
                .first()
                .is_some_and(|added| pair.contains(added) && added != actor)
    });
    require(
        changes.added_inboxes.is_empty() || completes_dm || policies.add_member.allows(role),
        PolicyViolation::AddMember,
    )?;
    require(
        changes.removed_inboxes.is_empty() || policies.remove_member.allows(role),
        PolicyViolation::RemoveMember,
    )?;
    require(
        !super_admins
            .iter()
            .any(|id| changes.removed_inboxes.contains(id)),
        PolicyViolation::RemoveSuperAdmin,
    )?;
    require(
        changes
            .attributes
            .iter()
            .all(|name| policies.attribute(name).allows(role)),
        PolicyViolation::UpdateMetadata,
    )?;
    require(
        changes.added_admins.is_empty() || policies.add_admin.allows(role),
        PolicyViolation::AddAdmin,
    )?;
    require(
        changes.removed_admins.is_empty() || policies.remove_admin.allows(role),
        PolicyViolation::RemoveAdmin,
    )?;
    let super_admin = role == Role::SuperAdmin;
    require(
        changes.added_super_admins.is_empty() || super_admin,
        PolicyViolation::AddSuperAdmin,
    )?;
    require(
        changes.removed_super_admins.is_empty() || (super_admin && !changes.leaves_no_super_admin),
        PolicyViolation::DemoteSuperAdmin,
    )?;
    require(
        !changes.permissions || super_admin,
        PolicyViolation::UpdatePermissions,
    )
}
