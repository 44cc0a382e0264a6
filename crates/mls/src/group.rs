//! Creating a group, and reading what a group says (`groups.md` 1, 2, 3).

mod state;

pub use state::GroupState;

use openmls::extensions::{Extension, Extensions};
use openmls::group::{
    GroupContext, MlsGroup, MlsGroupCreateConfig, MlsGroupJoinConfig, NewGroupError,
    PURE_CIPHERTEXT_WIRE_FORMAT_POLICY,
};
use openmls::prelude::{OpenMlsProvider, OpenMlsRand};

use crate::error::MlsError;
use crate::extensions::{
    self, ATTRIBUTE_APP_DATA, ATTRIBUTE_COMMIT_LOG_SIGNER, ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_DISAPPEAR_FROM, ATTRIBUTE_DISAPPEAR_IN, ATTRIBUTE_IMAGE_URL, ATTRIBUTE_NAME,
    CIPHERSUITE, ConversationType, GROUP_MEMBERSHIP, GROUP_PERMISSIONS, IMMUTABLE_METADATA,
    MUTABLE_METADATA, Membership, Metadata, MutableMetadata, ReaddRequest, attribute_limit,
};
use crate::member;
use crate::policy::{PolicySet, Preset};
use crate::signer::InstallationSigner;

/// Epochs before the current one whose application messages can still be read (`groups.md` 1).
pub const MAX_PAST_EPOCHS: usize = 3;

/// What kind of group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewGroupKind {
    /// A group with these permissions.
    Group(PolicySet),
    /// A conversation with one other inbox.
    Dm {
        /// The other inbox.
        peer: String,
    },
    /// The hidden group of one inbox's own devices.
    Sync,
    /// Carries a request to be re-added.
    Oneshot(ReaddRequest),
}

/// Times of disappearing messages (`groups.md` 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disappearing {
    /// Messages after this time disappear, ns since 1970.
    pub from_ns: i64,
    /// How long they live, ns.
    pub in_ns: i64,
}

/// What a new group starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Kind of group.
    pub kind: NewGroupKind,
    /// Name, at most 100 bytes of UTF-8.
    pub name: String,
    /// Description, at most 1000 bytes.
    pub description: String,
    /// URL of a square image, at most 2048 bytes.
    pub image_url: String,
    /// Free text for applications, at most 8192 bytes; not written for DMs.
    pub app_data: String,
    /// Whether messages disappear.
    pub disappearing: Option<Disappearing>,
}

impl NewGroup {
    /// A group of this kind with empty attributes.
    #[must_use]
    pub const fn of_kind(kind: NewGroupKind) -> Self {
        Self {
            kind,
            name: String::new(),
            description: String::new(),
            image_url: String::new(),
            app_data: String::new(),
            disappearing: None,
        }
    }

    fn conversation_type(&self) -> ConversationType {
        match self.kind {
            NewGroupKind::Group(_) => ConversationType::Group,
            NewGroupKind::Dm { .. } => ConversationType::Dm,
            NewGroupKind::Sync => ConversationType::Sync,
            NewGroupKind::Oneshot(_) => ConversationType::Oneshot,
        }
    }

    fn metadata(&self, creator: &str) -> Metadata {
        let (mut dm_members, mut readd_request) = (None, None);
        match &self.kind {
            NewGroupKind::Dm { peer } => dm_members = Some([creator.to_owned(), peer.clone()]),
            NewGroupKind::Oneshot(request) => readd_request = Some(request.clone()),
            NewGroupKind::Group(_) | NewGroupKind::Sync => {}
        }
        Metadata {
            conversation_type: self.conversation_type(),
            creator_inbox_id: creator.to_owned(),
            dm_members,
            readd_request,
        }
    }

    fn policies(&self) -> PolicySet {
        match &self.kind {
            NewGroupKind::Group(policies) => policies.clone(),
            NewGroupKind::Dm { .. } => Preset::Dm.into(),
            NewGroupKind::Sync | NewGroupKind::Oneshot(_) => Preset::AllMembers.into(),
        }
    }

    fn mutable_metadata(
        &self,
        creator: &str,
        rand: &impl OpenMlsRand,
    ) -> Result<MutableMetadata, MlsError> {
        let is_dm = matches!(self.kind, NewGroupKind::Dm { .. });
        let mut texts = vec![
            (ATTRIBUTE_NAME, &self.name),
            (ATTRIBUTE_DESCRIPTION, &self.description),
            (ATTRIBUTE_IMAGE_URL, &self.image_url),
        ];
        if !is_dm {
            texts.push((ATTRIBUTE_APP_DATA, &self.app_data));
        }
        let mut metadata = MutableMetadata::default();
        for (name, value) in texts {
            check_attribute(name, value)?;
            metadata.attributes.insert(name.to_owned(), value.clone());
        }
        if let Some(times) = self.disappearing {
            for (name, ns) in [
                (ATTRIBUTE_DISAPPEAR_FROM, times.from_ns),
                (ATTRIBUTE_DISAPPEAR_IN, times.in_ns),
            ] {
                metadata.attributes.insert(name.to_owned(), ns.to_string());
            }
        }
        let seed: [u8; 32] = rand.random_array().map_err(|_| MlsError::Randomness)?;
        metadata
            .attributes
            .insert(ATTRIBUTE_COMMIT_LOG_SIGNER.to_owned(), hex::encode(seed));
        if !is_dm {
            metadata.super_admins.push(creator.to_owned());
        }
        Ok(metadata)
    }
}

/// Whether a value fits its attribute (`groups.md` 2.2).
///
/// # Errors
/// [`MlsError::AttributeTooLong`].
pub fn check_attribute(name: &str, value: &str) -> Result<(), MlsError> {
    match attribute_limit(name) {
        Some(limit) if value.len() > limit => Err(MlsError::AttributeTooLong {
            attribute: name.to_owned(),
            limit,
        }),
        _ => Ok(()),
    }
}

/// Creates and stores a group whose only member is this device.
///
/// The membership is `{inbox_id: 0}`: the first commit must be a membership commit that moves the 0
/// to the inbox's real sequence id, before any other kind of commit (`groups.md` 2.3, 11).
///
/// # Errors
/// [`MlsError::AttributeTooLong`], [`MlsError::Randomness`], [`MlsError::Storage`].
pub fn create<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    inbox_id: &str,
    new: &NewGroup,
) -> Result<MlsGroup, MlsError> {
    let context = new_context(new, inbox_id, provider.rand())?;
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(CIPHERSUITE)
        .capabilities(extensions::creator_capabilities())
        .with_group_context_extensions(context)
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(MAX_PAST_EPOCHS)
        .use_ratchet_tree_extension(true)
        .build();
    let credential = member::credential(inbox_id, &signer.key().id());
    MlsGroup::new(provider, signer, &config, credential).map_err(|error| match error {
        NewGroupError::StorageError(error) => MlsError::storage(error),
        other => MlsError::refused("create the group", other),
    })
}

fn new_context(
    new: &NewGroup,
    creator: &str,
    rand: &impl OpenMlsRand,
) -> Result<Extensions<GroupContext>, MlsError> {
    let membership = Membership {
        members: [(creator.to_owned(), 0)].into(),
        ..Membership::default()
    };
    // The official order (`groups.md` 1.1).
    Extensions::from_vec(vec![
        extensions::opaque(IMMUTABLE_METADATA, new.metadata(creator).encode()?),
        extensions::opaque(
            MUTABLE_METADATA,
            new.mutable_metadata(creator, rand)?.encode(),
        ),
        extensions::opaque(GROUP_MEMBERSHIP, membership.encode()),
        extensions::opaque(GROUP_PERMISSIONS, new.policies().encode()),
        Extension::RequiredCapabilities(extensions::required_capabilities()),
    ])
    .map_err(|error| MlsError::refused("create the group", error))
}

/// How a joined group is kept: the same settings as a created one.
pub(crate) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(MAX_PAST_EPOCHS)
        .use_ratchet_tree_extension(true)
        .build()
}

#[cfg(test)]
mod tests;
