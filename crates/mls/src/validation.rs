//! Which commits are accepted (`groups.md` 4.4 to 4.6): rules V1 to V11 in the official order.
//!
//! All clients of a group must accept the same commits, or they leave each other for good. Nothing
//! here may be made stricter or looser; extra care belongs into the user interface.

mod actor;
mod differences;

pub use actor::Actor;

use std::collections::BTreeSet;

use conclave_identity::InstallationId;
use openmls::group::{MlsGroup, StagedCommit};
use openmls::messages::proposals::Proposal;

use crate::association::{AssociationStates, Lookup, MissingIdentity};
use crate::extensions::{
    self, ATTRIBUTE_MINIMUM_VERSION, ExtensionError, Membership, Metadata, MutableMetadata,
    attribute_limit,
};
use crate::member;
use crate::membership::{ExpectedDiff, expected_diff};
use crate::policy::{self, PolicyChange, PolicySet, PolicyViolation};
use crate::version;

/// A changed attribute.
#[derive(Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// Name of the attribute.
    pub name: String,
    /// Value before, if there was one.
    pub old: Option<String>,
    /// Value after, if there is one.
    pub new: Option<String>,
}

// Values are texts of people, or secrets.
impl std::fmt::Debug for AttributeChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AttributeChange").field(&self.name).finish()
    }
}

/// A commit that may be merged, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedCommit {
    /// Who made it.
    pub actor: Actor,
    /// Epoch after it.
    pub epoch: u64,
    /// Inboxes that became members.
    pub added_inboxes: BTreeSet<String>,
    /// Inboxes that are no members any more.
    pub removed_inboxes: BTreeSet<String>,
    /// Changed attributes, by name. May hold secrets (names beginning with `_`).
    pub attribute_changes: Vec<AttributeChange>,
    /// Inboxes new on the admin list.
    pub added_admins: BTreeSet<String>,
    /// Inboxes off the admin list.
    pub removed_admins: BTreeSet<String>,
    /// Inboxes new on the super admin list.
    pub added_super_admins: BTreeSet<String>,
    /// Inboxes off the super admin list.
    pub removed_super_admins: BTreeSet<String>,
    /// Whether the policy set is another one.
    pub permissions_changed: bool,
    /// What people see of that: empty if only the fallback of an attribute was written down.
    pub policy_changes: Vec<PolicyChange>,
    /// Devices that came into the tree, without re-added ones.
    pub added_installations: BTreeSet<InstallationId>,
    /// Devices that left the tree, without re-added ones.
    pub removed_installations: BTreeSet<InstallationId>,
    /// Devices whose leaf was replaced to repair them (`groups.md` 4.5, re-add exception).
    pub readded_installations: BTreeSet<InstallationId>,
    /// Devices that should leave the tree and stay, because somebody listed them as failed
    /// (`groups.md` 4.2, security quirk). They can read on: tell people.
    pub retained_installations: BTreeSet<InstallationId>,
    /// Whether this device is out of the group after it.
    pub self_removed: bool,
    /// Whether the immutable metadata changes, which honest clients never do and the rules do not
    /// forbid: keep the stored kind and creator, and tell people.
    pub rewrites_metadata: bool,
    /// The minimum version that the group names after it.
    pub minimum_version: Option<String>,
}

/// The first rule that a commit breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// V1: an extension is missing or unreadable before or after the commit.
    #[error("V1: {0}")]
    Context(ExtensionError),
    /// V2: a changed attribute is too long.
    #[error("V2: attribute {0} is too long")]
    AttributeTooLong(String),
    /// V3: no single member made the commit.
    #[error("V3: the commit has no single author")]
    Actor,
    /// V4: a pre-shared key proposal.
    #[error("V4: pre-shared keys are not used")]
    PreSharedKey,
    /// V5: a Remove of an empty leaf.
    #[error("V5: removes a leaf that is empty")]
    UnknownLeaf,
    /// V6: an inbox goes back to an earlier sequence id.
    #[error("V6: the sequence id of an inbox decreases")]
    SequenceDecreased,
    /// V7: adds a device that does not belong.
    #[error("V7: adds an installation that is not expected")]
    UnexpectedAddition,
    /// V8: removes other devices than those that do not belong any more.
    #[error("V8: the removed installations are not the expected ones")]
    UnexpectedRemovals,
    /// V9: the actor, or the author of an update, does not belong (any more).
    #[error("V9: an author does not belong to a member inbox")]
    Author,
    /// V10: the actor may not do that.
    #[error("V10: the actor {0}")]
    Policy(#[from] PolicyViolation),
    /// V11: the minimum version cannot be read.
    #[error("V11: the minimum version is no version")]
    Version,
}

impl Rejection {
    /// Number of the rule in `groups.md` 4.5.
    #[must_use]
    pub const fn rule(&self) -> u8 {
        match self {
            Self::Context(_) => 1,
            Self::AttributeTooLong(_) => 2,
            Self::Actor => 3,
            Self::PreSharedKey => 4,
            Self::UnknownLeaf => 5,
            Self::SequenceDecreased => 6,
            Self::UnexpectedAddition => 7,
            Self::UnexpectedRemovals => 8,
            Self::Author => 9,
            Self::Policy(_) => 10,
            Self::Version => 11,
        }
    }

    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Context(_) => "commit_rejected_v1",
            Self::AttributeTooLong(_) => "commit_rejected_v2",
            Self::Actor => "commit_rejected_v3",
            Self::PreSharedKey => "commit_rejected_v4",
            Self::UnknownLeaf => "commit_rejected_v5",
            Self::SequenceDecreased => "commit_rejected_v6",
            Self::UnexpectedAddition => "commit_rejected_v7",
            Self::UnexpectedRemovals => "commit_rejected_v8",
            Self::Author => "commit_rejected_v9",
            Self::Policy(_) => "commit_rejected_v10",
            Self::Version => "commit_rejected_v11",
        }
    }
}

/// Why a commit is not (yet) to be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Never: record it and go on.
    #[error("commit rejected: {0}")]
    Rejected(#[from] Rejection),
    /// Fetch these and validate again; sorted, without repetition. A log that does not reach the
    /// sequence id is an identity error of the caller's.
    #[error("{} association states are not known here", .0.len())]
    MissingIdentity(Vec<MissingIdentity>),
    /// The group needs a newer version: pause it and do not advance (`groups.md` 6.8).
    #[error("the group needs version {version}")]
    Paused {
        /// The version that the group names.
        version: String,
    },
}

impl CommitError {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::MissingIdentity(_) => "identity_missing",
            Self::Paused { .. } => "group_paused",
        }
    }
}

/// The contexts before and after a commit.
struct Contexts {
    metadata: Metadata,
    old_mutable: MutableMetadata,
    new_mutable: MutableMetadata,
    old_policies: PolicySet,
    new_policies: PolicySet,
    old_membership: Membership,
    new_membership: Membership,
}

impl Contexts {
    /// V1.
    fn read(group: &MlsGroup, staged: &StagedCommit) -> Result<Self, ExtensionError> {
        let old = group.extensions();
        let new = staged.group_context().extensions();
        Ok(Self {
            metadata: extensions::metadata(old)?,
            old_mutable: extensions::mutable_metadata(old)?,
            old_policies: extensions::policies(old)?,
            new_mutable: extensions::mutable_metadata(new)?,
            new_policies: extensions::policies(new)?,
            old_membership: extensions::membership(old)?,
            new_membership: extensions::membership(new)?,
        })
    }
}

/// Checks a commit, another's or our own, against the group before it.
///
/// # Errors
/// [`CommitError`]. `MissingIdentity` names everything that is missing at once; it comes after
/// rules V1 to V6 and before all others.
pub fn validate_commit<S: AssociationStates + ?Sized>(
    group: &MlsGroup,
    staged: &StagedCommit,
    states: &S,
) -> Result<ValidatedCommit, CommitError> {
    let contexts = Contexts::read(group, staged).map_err(Rejection::Context)?;
    let attribute_changes = differences::attributes(&contexts.old_mutable, &contexts.new_mutable);
    for change in &attribute_changes {
        let length = change.new.as_ref().map_or(0, String::len);
        if attribute_limit(&change.name).is_some_and(|limit| length > limit) {
            return Err(Rejection::AttributeTooLong(change.name.clone()).into());
        }
    }
    let actor = actor::derive(group, staged, &contexts.old_mutable).ok_or(Rejection::Actor)?;
    if staged.psk_proposals().next().is_some() {
        return Err(Rejection::PreSharedKey.into());
    }
    let leaves = LeafChanges::read(group, staged)?;
    let (old, new) = (
        &contexts.old_membership.members,
        &contexts.new_membership.members,
    );
    if old
        .iter()
        .any(|(inbox_id, before)| new.get(inbox_id).is_some_and(|after| after < before))
    {
        return Err(Rejection::SequenceDecreased.into());
    }

    let mut lookup = Lookup::new(states);
    let expected = expected_diff(old, new, &mut lookup);
    let authors = check_authors(
        &actor,
        &leaves.updates,
        &contexts.new_membership,
        &mut lookup,
    );
    lookup.finish().map_err(CommitError::MissingIdentity)?;

    let in_tree = group
        .members()
        .filter_map(|member| member.signature_key.as_slice().try_into().ok())
        .collect();
    let leaves = leaves.settle(
        &actor,
        contexts.new_membership.failed_installations.clone(),
        &expected,
        &in_tree,
    )?;
    if !authors {
        return Err(Rejection::Author.into());
    }

    let changes = differences::changes(&contexts, &attribute_changes);
    policy::evaluate(
        &changes,
        &actor.inbox_id,
        actor.role,
        &contexts.old_policies,
        &contexts.old_mutable.super_admins,
        contexts.metadata.dm_members.as_ref(),
    )
    .map_err(Rejection::Policy)?;

    let minimum_version = contexts
        .new_mutable
        .attribute(ATTRIBUTE_MINIMUM_VERSION)
        .map(str::to_owned);
    if let Some(version) = &minimum_version
        && !version::supports(version).map_err(|_| Rejection::Version)?
    {
        return Err(CommitError::Paused {
            version: version.clone(),
        });
    }

    let new_metadata = extensions::metadata(staged.group_context().extensions());
    Ok(ValidatedCommit {
        actor,
        epoch: staged.epoch().as_u64(),
        added_inboxes: changes.added_inboxes,
        removed_inboxes: changes.removed_inboxes,
        attribute_changes,
        added_admins: changes.added_admins,
        removed_admins: changes.removed_admins,
        added_super_admins: changes.added_super_admins,
        removed_super_admins: changes.removed_super_admins,
        permissions_changed: changes.permissions,
        policy_changes: contexts.old_policies.changes(&contexts.new_policies),
        added_installations: leaves.added,
        removed_installations: leaves.removed,
        readded_installations: leaves.readded,
        retained_installations: leaves.retained,
        self_removed: staged.self_removed(),
        rewrites_metadata: new_metadata.as_ref() != Ok(&contexts.metadata),
        minimum_version,
    })
}

/// V9: whether the actor and the author of every Update proposal belong to a member inbox, in its
/// state at the new sequence id.
fn check_authors<S: AssociationStates + ?Sized>(
    actor: &Actor,
    updates: &[(String, InstallationId)],
    membership: &Membership,
    lookup: &mut Lookup<'_, S>,
) -> bool {
    let mut all_belong = true;
    let authors = updates.iter().map(|(inbox_id, id)| (inbox_id, id));
    // No short cut: everything that is missing must be noted.
    for (inbox_id, id) in authors.chain([(&actor.inbox_id, &actor.installation_id)]) {
        all_belong &= membership
            .members
            .get(inbox_id)
            .is_some_and(|sequence_id| lookup.installations(inbox_id, *sequence_id).contains(id));
    }
    all_belong
}

/// What a commit's proposals do to the leaves.
struct LeafChanges {
    added: BTreeSet<InstallationId>,
    removed: BTreeSet<InstallationId>,
    /// Inbox and device of each Update proposal's leaf.
    updates: Vec<(String, InstallationId)>,
}

/// The same after the re-add exception, with V7 and V8 checked.
struct SettledLeaves {
    added: BTreeSet<InstallationId>,
    removed: BTreeSet<InstallationId>,
    readded: BTreeSet<InstallationId>,
    retained: BTreeSet<InstallationId>,
}

impl LeafChanges {
    /// V5, and reading.
    fn read(group: &MlsGroup, staged: &StagedCommit) -> Result<Self, Rejection> {
        let mut changes = Self {
            added: BTreeSet::new(),
            removed: BTreeSet::new(),
            updates: Vec::new(),
        };
        for queued in staged.queued_proposals() {
            match queued.proposal() {
                Proposal::Add(add) => {
                    let id = member::installation_of(add.key_package().leaf_node())
                        .ok_or(Rejection::UnexpectedAddition)?;
                    changes.added.insert(id);
                }
                Proposal::Remove(remove) => {
                    let id = group
                        .member_at(remove.removed())
                        .and_then(|member| member.signature_key.as_slice().try_into().ok())
                        .ok_or(Rejection::UnknownLeaf)?;
                    changes.removed.insert(id);
                }
                Proposal::Update(update) => {
                    let leaf = update.leaf_node();
                    let author = member::inbox_id_of(leaf.credential())
                        .zip(member::installation_of(leaf))
                        .ok_or(Rejection::Author)?;
                    changes.updates.push(author);
                }
                _ => {}
            }
        }
        Ok(changes)
    }

    /// The re-add exception, V7 and V8.
    fn settle(
        self,
        actor: &Actor,
        mut failed: BTreeSet<InstallationId>,
        expected: &ExpectedDiff,
        in_tree: &BTreeSet<InstallationId>,
    ) -> Result<SettledLeaves, Rejection> {
        let Self {
            mut added,
            mut removed,
            ..
        } = self;
        let retained = expected
            .removed
            .iter()
            .filter(|id| in_tree.contains(id) && !removed.contains(id))
            .copied()
            .collect();
        let mut readded = BTreeSet::new();
        if actor.role == policy::Role::SuperAdmin {
            readded = added.intersection(&removed).copied().collect();
            added.retain(|id| !readded.contains(id));
            removed.retain(|id| !readded.contains(id));
            let given_up: BTreeSet<_> = removed.intersection(&failed).copied().collect();
            removed.retain(|id| !given_up.contains(id));
            failed.retain(|id| !given_up.contains(id));
            readded.extend(given_up);
        }
        if added
            .iter()
            .any(|id| !expected.added.contains_key(id) && !in_tree.contains(id))
        {
            return Err(Rejection::UnexpectedAddition);
        }
        let due: BTreeSet<_> = expected.removed.difference(&failed).copied().collect();
        if removed != due {
            return Err(Rejection::UnexpectedRemovals);
        }
        Ok(SettledLeaves {
            added,
            removed,
            readded,
            retained,
        })
    }
}

#[cfg(test)]
mod tests;
