//! Commits that add and remove devices (`groups.md` 4.2).

use std::collections::{BTreeMap, BTreeSet};

use conclave_identity::InstallationId;
use openmls::extensions::Extensions;
use openmls::group::{GroupContext, MlsGroup};
use openmls::prelude::tls_codec::{Deserialize, Serialize, VLBytes};
use openmls::prelude::{KeyPackage, LeafNodeIndex, OpenMlsProvider};

use super::{BuiltCommit, build, context_with, refused, stage};
use crate::error::MlsError;
use crate::extensions::{GROUP_MEMBERSHIP, Membership};
use crate::group::GroupState;
use crate::key_package::{MINIMUM_REMAINING_LIFETIME_S, VerifiedKeyPackage, fits_group};
use crate::member::Leaf;
use crate::membership::MembershipPlan;
use crate::signer::InstallationSigner;
use crate::welcome::WelcomeRecipient;

/// Why a planned device is not added. It is listed in the group as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailedInstallation {
    /// The caller has no valid key package of it.
    NoKeyPackage,
    /// The key package is another inbox's (`identity.md` 5.3).
    WrongInbox,
    /// The key package ends too soon, see [`MINIMUM_REMAINING_LIFETIME_S`].
    ExpiresSoon,
    /// The device does not support what the group requires.
    Unsupported,
    /// The key package repeats a key that is already in use.
    KeyReuse,
}

/// A commit that changes who is in the tree.
#[derive(Debug)]
pub struct MembershipCommit {
    /// The commit.
    pub commit: BuiltCommit,
    /// Who gets the welcome.
    pub recipients: Vec<WelcomeRecipient>,
    /// Planned devices that are not added, with the reason.
    pub failed: BTreeMap<InstallationId, FailedInstallation>,
}

/// Builds the commit of `plan`. `key_packages` are those that the caller could fetch and verify for
/// `plan.additions`; others are ignored. `now_s`: seconds since 1970.
///
/// # Errors
/// [`MlsError::StalePlan`] for a plan of another epoch, [`MlsError::NoUsableInstallation`] if
/// inboxes were to be added and no device at all can be, and as
/// [`set_attribute`](super::set_attribute).
pub fn change_membership<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    plan: &MembershipPlan,
    key_packages: Vec<VerifiedKeyPackage>,
    now_s: u64,
) -> Result<MembershipCommit, MlsError> {
    let current = group.epoch().as_u64();
    if plan.epoch != current {
        return Err(MlsError::StalePlan {
            planned: plan.epoch,
            current,
        });
    }
    let Selection { chosen, failed } =
        select(group, &plan.additions, &plan.removals, key_packages, now_s);
    if !plan.added_inboxes.is_empty() && chosen.is_empty() && !failed.is_empty() {
        return Err(MlsError::NoUsableInstallation);
    }
    let membership = Membership {
        members: plan.members.clone(),
        failed_installations: plan
            .failed_installations
            .iter()
            .chain(failed.keys())
            .copied()
            .collect(),
    };
    finish(
        provider,
        signer,
        group,
        chosen,
        failed,
        &plan.removals,
        &membership,
    )
}

/// Removes each device's leaf and adds it again with a fresh key package, in one commit: repairs
/// devices whose copy of the group is broken (`groups.md` 6.7). Devices without a leaf are ignored,
/// devices without a usable key package are left as they are. Only a super admin's is accepted.
///
/// # Errors
/// [`MlsError::NoUsableInstallation`] if nothing is left to do, and as
/// [`set_attribute`](super::set_attribute).
pub fn readd<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    key_packages: Vec<VerifiedKeyPackage>,
    now_s: u64,
) -> Result<MembershipCommit, MlsError> {
    let state = GroupState::of(group)?;
    let asked: BTreeSet<_> = key_packages.iter().map(|key| key.installation_id).collect();
    let own_leaf = group.own_leaf_index().u32();
    let leaves: Vec<Leaf> = state
        .leaves
        .into_iter()
        .filter(|leaf| leaf.index != own_leaf && asked.contains(&leaf.installation_id))
        .collect();
    let additions = leaves
        .iter()
        .map(|leaf| (leaf.installation_id, leaf.inbox_id.clone()))
        .collect();
    let Selection { chosen, failed } = select(group, &additions, &leaves, key_packages, now_s);
    if chosen.is_empty() {
        return Err(MlsError::NoUsableInstallation);
    }
    let removals: Vec<Leaf> = leaves
        .into_iter()
        .filter(|leaf| !failed.contains_key(&leaf.installation_id))
        .collect();
    let mut membership = state.membership;
    membership
        .failed_installations
        .retain(|id| !removals.iter().any(|leaf| leaf.installation_id == *id));
    finish(
        provider,
        signer,
        group,
        chosen,
        failed,
        &removals,
        &membership,
    )
}

struct Selection {
    chosen: Vec<VerifiedKeyPackage>,
    failed: BTreeMap<InstallationId, FailedInstallation>,
}

/// Splits the planned additions into those that OpenMLS and every member will accept and the rest,
/// so that one odd key package does not spoil the whole commit.
fn select(
    group: &MlsGroup,
    additions: &BTreeMap<InstallationId, String>,
    removals: &[Leaf],
    key_packages: Vec<VerifiedKeyPackage>,
    now_s: u64,
) -> Selection {
    let mut offered: BTreeMap<_, _> = key_packages
        .into_iter()
        .map(|key_package| (key_package.installation_id, key_package))
        .collect();
    // Encryption and init keys must be unique among members and additions (RFC 9420 12.2).
    let mut used: BTreeSet<Vec<u8>> = group
        .members()
        .filter(|member| !removals.iter().any(|leaf| leaf.index == member.index.u32()))
        .map(|member| member.encryption_key)
        .collect();
    let mut chosen = Vec::new();
    let mut failed = BTreeMap::new();
    for (id, inbox_id) in additions {
        let Some(offer) = offered.remove(id) else {
            failed.insert(*id, FailedInstallation::NoKeyPackage);
            continue;
        };
        let key_package = &offer.key_package;
        let encryption_key = encryption_key(key_package);
        let init_key = key_package.hpke_init_key().as_slice().to_vec();
        let problem = if offer.inbox_id != *inbox_id {
            Some(FailedInstallation::WrongInbox)
        } else if offer.not_after_s < now_s.saturating_add(MINIMUM_REMAINING_LIFETIME_S) {
            Some(FailedInstallation::ExpiresSoon)
        } else if !fits_group(key_package, group) {
            Some(FailedInstallation::Unsupported)
        } else if used.contains(&encryption_key) || used.contains(&init_key) {
            Some(FailedInstallation::KeyReuse)
        } else {
            None
        };
        match problem {
            Some(problem) => {
                failed.insert(*id, problem);
            }
            None => {
                used.extend([encryption_key, init_key]);
                chosen.push(offer);
            }
        }
    }
    Selection { chosen, failed }
}

/// The leaf's encryption key as a member entry shows it. OpenMLS lets it out through TLS only.
fn encryption_key(key_package: &KeyPackage) -> Vec<u8> {
    key_package
        .leaf_node()
        .encryption_key()
        .tls_serialize_detached()
        .and_then(VLBytes::tls_deserialize_exact)
        .map(Vec::from)
        .unwrap_or_default()
}

fn finish<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    chosen: Vec<VerifiedKeyPackage>,
    failed: BTreeMap<InstallationId, FailedInstallation>,
    removals: &[Leaf],
    membership: &Membership,
) -> Result<MembershipCommit, MlsError> {
    let recipients = chosen.iter().map(WelcomeRecipient::from).collect();
    let additions = chosen.into_iter().map(|offer| offer.key_package).collect();
    let context = context_with(group, GROUP_MEMBERSHIP, membership.encode())?;
    let commit = commit(provider, signer, group, additions, removals, context)?;
    Ok(MembershipCommit {
        commit,
        recipients,
        failed,
    })
}

fn commit<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    additions: Vec<KeyPackage>,
    removals: &[Leaf],
    context: Extensions<GroupContext>,
) -> Result<BuiltCommit, MlsError> {
    build(provider, group, |group| {
        let builder = group
            .commit_builder()
            .consume_proposal_store(false)
            .propose_adds(additions)
            .propose_removals(removals.iter().map(|leaf| LeafNodeIndex::new(leaf.index)))
            .propose_group_context_extensions(context)
            .map_err(refused)?;
        stage(builder, provider, signer)
    })
}
