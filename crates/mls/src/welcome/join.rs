//! The inner welcome: joining a group (`groups.md` 5.5 to 5.8).

use std::collections::BTreeSet;

use openmls::framing::{MlsMessageBodyIn, MlsMessageIn};
use openmls::group::{MlsGroup, StagedWelcome, WelcomeError as OpenMlsWelcomeError};
use openmls::prelude::OpenMlsProvider;
use openmls::prelude::tls_codec::Deserialize;

use super::WelcomeError;
use crate::association::{AssociationStates, Lookup, MissingIdentity};
use crate::extensions::{self, ConversationType};
use crate::group::{GroupState, join_config};
use crate::member::Leaf;
use crate::policy::Preset;

/// A welcome that OpenMLS accepts, not yet joined.
#[derive(Debug)]
pub struct StagedJoin {
    staged: StagedWelcome,
    state: GroupState,
    added_by: Leaf,
}

impl StagedJoin {
    /// What the group says. Its epoch tells whether the welcome is newer than a stored copy of the
    /// group (`groups.md` 5.7); `metadata.readd_request` is the payload of a one-shot group.
    #[must_use]
    pub const fn state(&self) -> &GroupState {
        &self.state
    }

    /// Who added us: the signer of the group info.
    #[must_use]
    pub const fn added_by(&self) -> &Leaf {
        &self.added_by
    }

    /// Checks who is in the tree (`groups.md` 5.6) and, for a DM, who the two are (5.8).
    ///
    /// # Errors
    /// [`JoinError`]. `MissingIdentity` names everything that is missing at once.
    pub fn validate<S: AssociationStates + ?Sized>(
        &self,
        states: &S,
        own_inbox_id: &str,
    ) -> Result<(), JoinError> {
        self.validate_membership(states)?;
        if self.state.conversation_type() == ConversationType::Dm {
            self.validate_dm(own_inbox_id)?;
        }
        Ok(())
    }

    fn validate_membership<S: AssociationStates + ?Sized>(
        &self,
        states: &S,
    ) -> Result<(), JoinError> {
        let membership = &self.state.membership;
        let mut lookup = Lookup::new(states);
        let expected: Vec<_> = membership
            .members
            .iter()
            .map(|(inbox_id, sequence_id)| (inbox_id, lookup.installations(inbox_id, *sequence_id)))
            .collect();
        lookup.finish().map_err(JoinError::MissingIdentity)?;

        let belongs = |leaf: &Leaf| {
            expected.iter().any(|(inbox_id, installations)| {
                **inbox_id == leaf.inbox_id && installations.contains(&leaf.installation_id)
            })
        };
        if !self.state.leaves.iter().all(belongs) {
            return Err(JoinRejection::UnexpectedLeaf.into());
        }
        let in_tree: BTreeSet<_> = self.state.installations();
        let excused = |id| in_tree.contains(id) || membership.failed_installations.contains(id);
        if !expected
            .iter()
            .all(|(_, installations)| installations.iter().all(excused))
        {
            return Err(JoinRejection::MissingLeaf.into());
        }
        Ok(())
    }

    fn validate_dm(&self, own_inbox_id: &str) -> Result<(), JoinRejection> {
        let pair = self
            .state
            .metadata
            .dm_members
            .as_ref()
            .ok_or(JoinRejection::DmMembers)?;
        let includes = |inbox_id: &str| pair.iter().any(|id| id == inbox_id);
        let added_by = self.added_by.inbox_id.as_str();
        if added_by == own_inbox_id {
            // Another device of ours; it is trusted with the rest.
            return if includes(own_inbox_id) {
                Ok(())
            } else {
                Err(JoinRejection::DmMembers)
            };
        }
        let [one, two] = pair;
        if one == two || !includes(own_inbox_id) || !includes(added_by) {
            return Err(JoinRejection::DmMembers);
        }
        let lists = &self.state.mutable_metadata;
        if !lists.admins.is_empty() || !lists.super_admins.is_empty() {
            return Err(JoinRejection::DmAdmins);
        }
        match &self.state.policies {
            Ok(policies) if policies.fixed_policies_are(Preset::Dm) => Ok(()),
            _ => Err(JoinRejection::DmPermissions),
        }
    }
}

/// A rule that a group breaks on the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum JoinRejection {
    /// A leaf whose inbox or device does not belong.
    #[error("the group holds a device that does not belong to its members")]
    UnexpectedLeaf,
    /// A device that belongs, has no leaf and is not listed as failed.
    #[error("the group lacks a device of its members")]
    MissingLeaf,
    /// A DM that is not between its sender and us.
    #[error("the DM is not between its sender and us")]
    DmMembers,
    /// A DM with admins.
    #[error("the DM has admins")]
    DmAdmins,
    /// A DM with other permissions than DMs have.
    #[error("the DM has unusual permissions")]
    DmPermissions,
}

impl JoinRejection {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnexpectedLeaf => "join_unexpected_device",
            Self::MissingLeaf => "join_missing_device",
            Self::DmMembers => "join_dm_members",
            Self::DmAdmins => "join_dm_admins",
            Self::DmPermissions => "join_dm_permissions",
        }
    }
}

/// Why a staged welcome is not (yet) to be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Never.
    #[error(transparent)]
    Rejected(#[from] JoinRejection),
    /// Fetch these and validate again; sorted, without repetition.
    #[error("{} association states are not known here", .0.len())]
    MissingIdentity(Vec<MissingIdentity>),
}

/// Reads an inner welcome with the key package secrets in the provider's storage. Nothing is stored
/// yet. An existing copy of the group is no obstacle: the caller decides by its epoch (`groups.md`
/// 5.7), and [`join`] replaces it.
///
/// # Errors
/// [`WelcomeError`].
pub fn stage<P: OpenMlsProvider>(provider: &P, inner: &[u8]) -> Result<StagedJoin, WelcomeError> {
    let message = MlsMessageIn::tls_deserialize(&mut &*inner)
        .map_err(|_| WelcomeError::Malformed("not an MLS message"))?;
    let MlsMessageBodyIn::Welcome(welcome) = message.extract() else {
        return Err(WelcomeError::Malformed("not a welcome"));
    };
    let builder =
        StagedWelcome::build_from_welcome(provider, &join_config(), welcome).map_err(refine)?;
    if !builder.processed_welcome().psks().is_empty() {
        return Err(WelcomeError::PreSharedKey);
    }
    let staged = builder
        .replace_old_group()
        .skip_lifetime_validation()
        .build()
        .map_err(refine)?;
    let invalid = |reason: &str| WelcomeError::Invalid(reason.to_owned());
    // What kind of group it is must be known to join it; attributes and permissions are not looked
    // at on the way in (`groups.md` 5.6).
    let context = staged.group_context();
    let state = extensions::metadata(context.extensions())
        .and_then(|_| GroupState::read(context, staged.members()))
        .map_err(|error| invalid(&error.to_string()))?;
    let sender = staged.welcome_sender_index().u32();
    let added_by = state
        .leaves
        .iter()
        .find(|leaf| leaf.index == sender)
        .cloned()
        .ok_or_else(|| invalid("the sender is not in the tree"))?;
    Ok(StagedJoin {
        staged,
        state,
        added_by,
    })
}

/// Stores the group, in place of an older copy of it.
///
/// # Errors
/// [`WelcomeError::Storage`], [`WelcomeError::Invalid`].
pub fn join<P: OpenMlsProvider>(
    provider: &P,
    staged: StagedJoin,
) -> Result<MlsGroup, WelcomeError> {
    staged.staged.into_group(provider).map_err(refine)
}

fn refine<E: std::fmt::Display>(error: OpenMlsWelcomeError<E>) -> WelcomeError {
    match error {
        OpenMlsWelcomeError::StorageError(error) => WelcomeError::Storage(error.to_string()),
        OpenMlsWelcomeError::NoMatchingKeyPackage
        | OpenMlsWelcomeError::PrivateInitKeyNotFound
        | OpenMlsWelcomeError::JoinerSecretNotFound => WelcomeError::NoKeyPackage,
        OpenMlsWelcomeError::Psk(_) => WelcomeError::PreSharedKey,
        other => WelcomeError::Invalid(other.to_string()),
    }
}
