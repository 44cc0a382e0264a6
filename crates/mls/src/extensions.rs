//! The custom extensions of a group's context and the capabilities that go with them
//! (`groups.md` 1.1, 1.2, 2).

mod membership;
mod metadata;
mod mutable_metadata;

pub use membership::Membership;
pub use metadata::{ConversationType, Metadata, ReaddRequest};
pub use mutable_metadata::{
    ATTRIBUTE_APP_DATA, ATTRIBUTE_COMMIT_LOG_SIGNER, ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_DISAPPEAR_FROM, ATTRIBUTE_DISAPPEAR_IN, ATTRIBUTE_IMAGE_URL,
    ATTRIBUTE_MINIMUM_VERSION, ATTRIBUTE_NAME, ATTRIBUTE_PINNED_MESSAGES, MutableMetadata,
    SUPPORTED_ATTRIBUTES, attribute_limit,
};

use openmls::credentials::CredentialType;
use openmls::extensions::{
    Extension, ExtensionType, Extensions, RequiredCapabilitiesExtension, UnknownExtension,
};
use openmls::group::GroupContext;
use openmls::messages::proposals::ProposalType;
use openmls::prelude::{Capabilities, Ciphersuite, ProtocolVersion};

use crate::policy::{PolicySet, UnreadablePolicies};

/// Immutable metadata, in the group context.
pub const IMMUTABLE_METADATA: u16 = 0xF000;
/// Mutable metadata, in the group context.
pub const MUTABLE_METADATA: u16 = 0xFF00;
/// Group membership, in the group context.
pub const GROUP_MEMBERSHIP: u16 = 0xFF01;
/// Group permissions, in the group context.
pub const GROUP_PERMISSIONS: u16 = 0xFF02;
/// Welcome wrapper key, in a key package.
pub const WELCOME_WRAPPER: u16 = 0xFF03;
/// Symmetric algorithms for welcome pointers, in a key package.
pub const WELCOME_POINTEE_AEAD: u16 = 0xFF04;

/// The only ciphersuite (`groups.md` 1).
pub const CIPHERSUITE: Ciphersuite =
    Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// An extension of the group context that is not there or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionError {
    /// Not there.
    #[error("group context extension {0:#06x} is missing")]
    Missing(u16),
    /// There, but not readable.
    #[error("group context extension {extension:#06x} cannot be read: {reason}")]
    Malformed {
        /// Type of the extension.
        extension: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl ExtensionError {
    pub(crate) fn malformed(extension: u16, reason: impl ToString) -> Self {
        Self::Malformed {
            extension,
            reason: reason.to_string(),
        }
    }
}

fn bytes(extensions: &Extensions<GroupContext>, id: u16) -> Result<&[u8], ExtensionError> {
    extensions
        .unknown(id)
        .map(|extension| extension.0.as_slice())
        .ok_or(ExtensionError::Missing(id))
}

/// Reads `0xF000`.
///
/// # Errors
/// [`ExtensionError`] where it is missing or malformed; the same for the three below.
pub fn metadata(extensions: &Extensions<GroupContext>) -> Result<Metadata, ExtensionError> {
    Metadata::decode(bytes(extensions, IMMUTABLE_METADATA)?)
}

/// Reads `0xFF00`.
///
/// # Errors
/// [`ExtensionError`] where it is missing or malformed.
pub fn mutable_metadata(
    extensions: &Extensions<GroupContext>,
) -> Result<MutableMetadata, ExtensionError> {
    MutableMetadata::decode(bytes(extensions, MUTABLE_METADATA)?)
}

/// Reads `0xFF01`.
///
/// # Errors
/// [`ExtensionError`] where it is missing or malformed.
pub fn membership(extensions: &Extensions<GroupContext>) -> Result<Membership, ExtensionError> {
    Membership::decode(bytes(extensions, GROUP_MEMBERSHIP)?)
}

/// Reads `0xFF02`.
///
/// # Errors
/// [`ExtensionError`] where it is missing or malformed.
pub fn policies(extensions: &Extensions<GroupContext>) -> Result<PolicySet, ExtensionError> {
    PolicySet::decode(bytes(extensions, GROUP_PERMISSIONS)?)
}

/// As [`policies`], keeping what can be read of those that cannot be followed.
///
/// # Errors
/// [`UnreadablePolicies`].
pub(crate) fn readable_policies(
    extensions: &Extensions<GroupContext>,
) -> Result<PolicySet, Box<UnreadablePolicies>> {
    match bytes(extensions, GROUP_PERMISSIONS) {
        Ok(data) => PolicySet::read(data),
        Err(error) => Err(Box::new(UnreadablePolicies::nothing(error))),
    }
}

/// An extension that OpenMLS carries without looking inside.
pub(crate) fn opaque(id: u16, bytes: Vec<u8>) -> Extension {
    Extension::Unknown(id, UnknownExtension(bytes))
}

const fn custom(id: u16) -> ExtensionType {
    ExtensionType::Unknown(id)
}

/// Proposals a member must understand beyond the ones of RFC 9420.
pub(crate) const PROPOSALS: [ProposalType; 1] = [ProposalType::GroupContextExtensions];

/// Extensions a member must understand, in the official order (`groups.md` 1.1).
pub(crate) const REQUIRED_EXTENSIONS: [ExtensionType; 6] = [
    custom(GROUP_MEMBERSHIP),
    custom(MUTABLE_METADATA),
    custom(GROUP_PERMISSIONS),
    custom(IMMUTABLE_METADATA),
    ExtensionType::LastResort,
    ExtensionType::ApplicationId,
];

/// The required-capabilities extension of every group.
pub(crate) fn required_capabilities() -> RequiredCapabilitiesExtension {
    RequiredCapabilitiesExtension::new(&REQUIRED_EXTENSIONS, &PROPOSALS, &[CredentialType::Basic])
}

/// What the leaf of a group's creator says it understands (`groups.md` 1.1).
pub(crate) fn creator_capabilities() -> Capabilities {
    capabilities(&REQUIRED_EXTENSIONS)
}

/// What a key package says its device understands, in the official order (`identity.md` 6.2).
/// Not `0x0006` and `0x0008`: their absence keeps official clients from migrating a group we are
/// in (`groups.md` 1.2).
pub(crate) fn key_package_capabilities() -> Capabilities {
    capabilities(&[
        ExtensionType::LastResort,
        ExtensionType::ApplicationId,
        custom(GROUP_PERMISSIONS),
        custom(MUTABLE_METADATA),
        custom(GROUP_MEMBERSHIP),
        custom(WELCOME_WRAPPER),
        custom(WELCOME_POINTEE_AEAD),
        custom(IMMUTABLE_METADATA),
    ])
}

fn capabilities(extensions: &[ExtensionType]) -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[CIPHERSUITE]),
        Some(extensions),
        Some(&PROPOSALS),
        Some(&[CredentialType::Basic]),
    )
}

#[cfg(test)]
mod tests;
