//! Commits of our own (`groups.md` 4.1, 4.2, 10.4).
//!
//! A commit is built, staged, copied out and cleared again: no pending commit stays in the group.
//! It takes effect when the network has given the message back and
//! [`merge`](crate::process::merge) applies the staged commit. Until then the group is usable as it
//! was, in memory and in storage; it need not be loaded again. Only if the caller rolls its
//! transaction back, the in-memory group is ahead of storage by one handshake key and must be
//! dropped.

mod membership_change;

pub use membership_change::{FailedInstallation, MembershipCommit, change_membership, readd};

use openmls::extensions::{Extension, Extensions};
use openmls::group::{
    CommitBuilder, CommitBuilderStageError, CommitMessageBundle, GroupContext, Initial, MlsGroup,
};
use openmls::prelude::OpenMlsProvider;
use openmls::prelude::tls_codec::Serialize as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::encoding;
use crate::error::MlsError;
use crate::extensions::{self, GROUP_PERMISSIONS, MUTABLE_METADATA, MutableMetadata};
use crate::group::check_attribute;
use crate::policy::PolicySet;
use crate::signer::InstallationSigner;

/// A commit, ready to be sent, and what is needed once it comes back.
pub struct BuiltCommit {
    /// TLS `MlsMessage(PrivateMessage)`, for the network.
    pub message: Vec<u8>,
    /// TLS `MlsMessage(Welcome)` for all devices that the commit adds, if any. Wrap it for each and
    /// send it only after the commit was merged (`groups.md` 5.1).
    pub welcome: Option<Zeroizing<Vec<u8>>>,
    /// The staged commit, see [`encoding::decode_staged_commit`]. Holds secrets of the new epoch.
    pub staged_commit: Zeroizing<Vec<u8>>,
    /// Epoch in which the commit was built and in which alone it is valid.
    pub epoch: u64,
}

impl std::fmt::Debug for BuiltCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltCommit")
            .field("epoch", &self.epoch)
            .field("message_len", &self.message.len())
            .field("has_welcome", &self.welcome.is_some())
            .finish_non_exhaustive()
    }
}

/// Sets one attribute. Clients set one per commit.
///
/// # Errors
/// [`MlsError::AttributeTooLong`], [`MlsError::Inactive`], [`MlsError::Storage`],
/// [`MlsError::Refused`]. Permission is not checked here: validation does, for our own commits too.
pub fn set_attribute<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    name: &str,
    value: &str,
) -> Result<BuiltCommit, MlsError> {
    check_attribute(name, value)?;
    change_metadata(provider, signer, group, |metadata| {
        metadata
            .attributes
            .insert(name.to_owned(), value.to_owned());
    })
}

/// A change of the admin lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AdminChange {
    /// Append to the admin list.
    AddAdmin,
    /// Take off the admin list.
    RemoveAdmin,
    /// Append to the super admin list.
    AddSuperAdmin,
    /// Take off the super admin list.
    RemoveSuperAdmin,
}

/// Changes one admin list: adding appends if not present, removing drops all equal entries. The
/// lists are independent.
///
/// # Errors
/// As [`set_attribute`].
pub fn change_admins<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    change: AdminChange,
    inbox_id: &str,
) -> Result<BuiltCommit, MlsError> {
    let add = |list: &mut Vec<String>| {
        if !list.iter().any(|id| id == inbox_id) {
            list.push(inbox_id.to_owned());
        }
    };
    let remove = |list: &mut Vec<String>| list.retain(|id| id != inbox_id);
    change_metadata(provider, signer, group, |metadata| match change {
        AdminChange::AddAdmin => add(&mut metadata.admins),
        AdminChange::RemoveAdmin => remove(&mut metadata.admins),
        AdminChange::AddSuperAdmin => add(&mut metadata.super_admins),
        AdminChange::RemoveSuperAdmin => remove(&mut metadata.super_admins),
    })
}

fn change_metadata<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    change: impl FnOnce(&mut MutableMetadata),
) -> Result<BuiltCommit, MlsError> {
    let mut metadata = extensions::mutable_metadata(group.extensions())?;
    change(&mut metadata);
    replace_extension(provider, signer, group, MUTABLE_METADATA, metadata.encode())
}

/// Replaces the permissions.
///
/// # Errors
/// As [`set_attribute`].
pub fn set_policies<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    policies: &PolicySet,
) -> Result<BuiltCommit, MlsError> {
    replace_extension(
        provider,
        signer,
        group,
        GROUP_PERMISSIONS,
        policies.encode(),
    )
}

fn replace_extension<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    id: u16,
    data: Vec<u8>,
) -> Result<BuiltCommit, MlsError> {
    let context = context_with(group, id, data)?;
    build(provider, group, |group| {
        let builder = group
            .commit_builder()
            .consume_proposal_store(false)
            .propose_group_context_extensions(context)
            .map_err(refused)?;
        stage(builder, provider, signer)
    })
}

/// The group's whole list of extensions with one replaced, as a GroupContextExtensions proposal
/// carries it.
pub(crate) fn context_with(
    group: &MlsGroup,
    id: u16,
    data: Vec<u8>,
) -> Result<Extensions<GroupContext>, MlsError> {
    let mut list: Vec<Extension> = group.extensions().iter().cloned().collect();
    let replacement = extensions::opaque(id, data);
    match list
        .iter_mut()
        .find(|extension| extension.extension_type() == replacement.extension_type())
    {
        Some(entry) => *entry = replacement,
        None => list.push(replacement),
    }
    Extensions::from_vec(list).map_err(refused)
}

/// Renews this device's leaf key: an empty commit with a path.
///
/// # Errors
/// As [`set_attribute`].
pub fn self_update<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
) -> Result<BuiltCommit, MlsError> {
    build(provider, group, |group| {
        let builder = group
            .commit_builder()
            .consume_proposal_store(false)
            .force_self_update(true);
        stage(builder, provider, signer)
    })
}

fn refused(error: impl std::fmt::Display) -> MlsError {
    MlsError::refused("build a commit", error)
}

fn stage<'a, P: OpenMlsProvider>(
    builder: CommitBuilder<'a, Initial>,
    provider: &'a P,
    signer: &InstallationSigner,
) -> Result<CommitMessageBundle, MlsError> {
    builder
        .load_psks(provider.storage())
        .map_err(refused)?
        .build(provider.rand(), provider.crypto(), signer, |_| true)
        .map_err(refused)?
        .stage_commit(provider)
        .map_err(|error| match error {
            CommitBuilderStageError::KeyStoreError(error) => MlsError::storage(error),
            other => refused(other),
        })
}

/// Runs `stage`, copies the result out and clears the pending commit, also after a failure.
fn build<P: OpenMlsProvider>(
    provider: &P,
    group: &mut MlsGroup,
    stage: impl FnOnce(&mut MlsGroup) -> Result<CommitMessageBundle, MlsError>,
) -> Result<BuiltCommit, MlsError> {
    if !group.is_active() {
        return Err(MlsError::Inactive);
    }
    let epoch = group.epoch().as_u64();
    let built = stage(group).and_then(|bundle| {
        let pending = group
            .pending_commit()
            .ok_or_else(|| refused("no pending commit"))?;
        let staged_commit = encoding::encode(pending)?;
        let (message, welcome, _group_info) = bundle.into_messages();
        Ok(BuiltCommit {
            message: message.tls_serialize_detached().map_err(refused)?,
            welcome: welcome
                .map(|welcome| welcome.tls_serialize_detached().map(Zeroizing::new))
                .transpose()
                .map_err(refused)?,
            staged_commit,
            epoch,
        })
    });
    group
        .clear_pending_commit(provider.storage())
        .map_err(MlsError::storage)?;
    built
}

#[cfg(test)]
mod tests;
