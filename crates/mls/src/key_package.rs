//! What a device publishes so that others can add it (`identity.md` 6, `groups.md` 1.2).

use conclave_identity::InstallationId;
use conclave_proto::mls::message_contents as proto;
use openmls::ciphersuite::hash_ref::KeyPackageRef;
use openmls::credentials::CredentialType;
use openmls::extensions::{
    ApplicationIdExtension, Extension, ExtensionType, Extensions, LastResortExtension,
};
use openmls::group::MlsGroup;
use openmls::key_packages::errors::{KeyPackageNewError, KeyPackageVerifyError};
use openmls::key_packages::{KeyPackage, KeyPackageBundle, KeyPackageIn};
use openmls::prelude::tls_codec::{Deserialize, Serialize, VLBytes};
use openmls::prelude::{OpenMlsCrypto, OpenMlsProvider, ProtocolVersion};
use openmls_traits::storage::StorageProvider;
use prost::Message;
use zeroize::Zeroizing;

use crate::error::MlsError;
use crate::extensions::{
    self, CIPHERSUITE, REQUIRED_EXTENSIONS, WELCOME_POINTEE_AEAD, WELCOME_WRAPPER,
};
use crate::hpke;
use crate::member;
use crate::signer::InstallationSigner;

pub use crate::hpke::WrapperAlgorithm;

/// Lifetime that a key package must still have for us to add its device: a member who is away for
/// longer than that could not apply the commit (`groups.md` 10.3).
pub const MINIMUM_REMAINING_LIFETIME_S: u64 = 14 * 24 * 60 * 60;

/// The lifetime of a key package begins so long before it is made, for clocks that are behind
/// (`identity.md` 6.6).
const LIFETIME_MARGIN_S: u64 = 60 * 60;

/// A key package of ours, ready for upload. Its MLS secrets are in the provider's storage.
pub struct NewKeyPackage {
    /// Bare TLS `KeyPackage`, 1659 bytes.
    pub bytes: Vec<u8>,
    /// Under which the storage keeps the secrets; 32 bytes.
    pub hash_ref: Vec<u8>,
    /// X25519 init key, 32 bytes: a Curve25519 welcome names it.
    pub init_public_key: Vec<u8>,
    /// X-Wing key, 1216 bytes: a post-quantum welcome names it.
    pub xwing_public_key: Vec<u8>,
    /// X-Wing seed, 32 bytes, to be stored beside the hash ref. OpenMLS does not know it.
    pub xwing_private_key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for NewKeyPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKeyPackage").finish_non_exhaustive()
    }
}

/// Makes a key package of the official shape and stores its secrets.
///
/// # Errors
/// [`MlsError::Storage`], [`MlsError::Refused`], [`MlsError::Randomness`].
pub fn build<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    inbox_id: &str,
) -> Result<NewKeyPackage, MlsError> {
    let refused = |error: &dyn std::fmt::Display| MlsError::refused("build a key package", error);
    let xwing = hpke::generate_xwing().map_err(|_| MlsError::Randomness)?;
    let wrapper = proto::WelcomeWrapperEncryption {
        pub_key: xwing.public.clone(),
        algorithm: proto::WelcomeWrapperAlgorithm::XwingMlkem768Draft6.into(),
    };
    let pointee = proto::WelcomePointeeEncryptionAeadTypesExtension {
        supported_aead_types: vec![
            proto::WelcomePointeeEncryptionAeadType::Chacha20Poly1305.into(),
        ],
    };
    let extensions = Extensions::from_vec(vec![
        Extension::LastResort(LastResortExtension::new()),
        extensions::opaque(WELCOME_POINTEE_AEAD, pointee.encode_to_vec()),
        extensions::opaque(WELCOME_WRAPPER, wrapper.encode_to_vec()),
    ])
    .map_err(|error| refused(&error))?;
    let leaf_extensions = Extensions::single(Extension::ApplicationId(
        ApplicationIdExtension::new(inbox_id.as_bytes()),
    ))
    .map_err(|error| refused(&error))?;
    // OpenMLS's own lifetime is the official one: an hour ago to 84 days ahead.
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(extensions::key_package_capabilities())
        .leaf_node_extensions(leaf_extensions)
        .key_package_extensions(extensions)
        .build(
            CIPHERSUITE,
            provider,
            signer,
            member::credential(inbox_id, &signer.key().id()),
        )
        .map_err(|error| match error {
            KeyPackageNewError::StorageError => MlsError::storage(error),
            other => refused(&other),
        })?;
    let key_package = bundle.key_package();
    Ok(NewKeyPackage {
        bytes: key_package
            .tls_serialize_detached()
            .map_err(|error| refused(&error))?,
        hash_ref: key_package
            .hash_ref(provider.crypto())
            .map_err(|error| refused(&error))?
            .as_slice()
            .to_vec(),
        init_public_key: key_package.hpke_init_key().as_slice().to_vec(),
        xwing_public_key: xwing.public,
        xwing_private_key: xwing.private,
    })
}

fn reference(hash_ref: &[u8]) -> Result<KeyPackageRef, MlsError> {
    // A reference is nothing but its bytes; OpenMLS only lets one in through TLS.
    VLBytes::new(hash_ref.to_vec())
        .tls_serialize_detached()
        .and_then(KeyPackageRef::tls_deserialize_exact)
        .map_err(|error| MlsError::refused("read a key package reference", error))
}

/// The X25519 init private key of a stored key package, for welcomes wrapped with
/// [`WrapperAlgorithm::Curve25519`]. `None` if it was erased.
///
/// # Errors
/// [`MlsError::Storage`].
pub fn init_private_key<P: OpenMlsProvider>(
    provider: &P,
    hash_ref: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, MlsError> {
    let bundle: Option<KeyPackageBundle> = provider
        .storage()
        .key_package(&reference(hash_ref)?)
        .map_err(MlsError::storage)?;
    Ok(bundle.map(|bundle| Zeroizing::new(bundle.init_private_key().to_vec())))
}

/// Erases the secrets of a key package. Groups joined with it are not affected.
///
/// # Errors
/// [`MlsError::Storage`].
pub fn erase<P: OpenMlsProvider>(provider: &P, hash_ref: &[u8]) -> Result<(), MlsError> {
    provider
        .storage()
        .delete_key_package(&reference(hash_ref)?)
        .map_err(MlsError::storage)
}

/// The key to wrap a welcome with.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WrapperKey {
    /// Algorithm of the key.
    pub algorithm: WrapperAlgorithm,
    /// 32 or 1216 bytes.
    pub public_key: Vec<u8>,
}

impl std::fmt::Debug for WrapperKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WrapperKey").field(&self.algorithm).finish()
    }
}

/// A key package whose signatures, lifetime and shape are in order.
#[derive(Debug, Clone)]
pub struct VerifiedKeyPackage {
    /// The key package.
    pub key_package: KeyPackage,
    /// Inbox that its credential names. Whether the device belongs to it is for the caller's
    /// association state to say.
    pub inbox_id: String,
    /// Device that signed it.
    pub installation_id: InstallationId,
    /// How to wrap a welcome for it.
    pub wrapper: WrapperKey,
    /// Whether a welcome may be sent to it by pointer.
    pub pointer_capable: bool,
    /// When its device made it, by its clock, seconds since 1970.
    pub made_at_s: u64,
    /// End of its lifetime, seconds since 1970.
    pub not_after_s: u64,
}

/// Why a key package cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyPackage {
    /// No key package, or bytes after it.
    #[error("malformed key package: {0}")]
    Malformed(String),
    /// Its lifetime is over or has not begun, by the system clock.
    #[error("the key package is not valid at this time")]
    Lifetime,
    /// A signature or a rule of RFC 9420 10.1 is broken.
    #[error("invalid key package: {0}")]
    Invalid(String),
    /// The credential is not basic or names no inbox.
    #[error("the credential of the key package cannot be read")]
    Credential,
    /// The welcome wrapper key has a wrong length or algorithm.
    #[error("the welcome wrapper key of the key package cannot be used")]
    WrapperKey,
}

impl InvalidKeyPackage {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "key_package_malformed",
            Self::Lifetime => "key_package_expired",
            Self::Invalid(_) => "key_package_invalid",
            Self::Credential => "key_package_credential",
            Self::WrapperKey => "key_package_wrapper_key",
        }
    }
}

/// Checks a key package as the network gave it (`identity.md` 6.6), with the system clock.
/// The caller compares the installation id with the one it asked for.
///
/// # Errors
/// [`InvalidKeyPackage`]; an empty answer of the node is [`InvalidKeyPackage::Malformed`].
pub fn verify(
    crypto: &impl OpenMlsCrypto,
    bytes: &[u8],
) -> Result<VerifiedKeyPackage, InvalidKeyPackage> {
    let key_package = KeyPackageIn::tls_deserialize_exact(bytes)
        .map_err(|error| InvalidKeyPackage::Malformed(error.to_string()))?
        .validate(crypto, ProtocolVersion::Mls10)
        .map_err(|error| match error {
            KeyPackageVerifyError::LifetimeError(_) => InvalidKeyPackage::Lifetime,
            other => InvalidKeyPackage::Invalid(other.to_string()),
        })?;
    let leaf = key_package.leaf_node();
    let inbox_id = member::inbox_id_of(leaf.credential()).ok_or(InvalidKeyPackage::Credential)?;
    let installation_id = member::installation_of(leaf)
        .ok_or_else(|| InvalidKeyPackage::Invalid("signature key length".to_owned()))?;
    let wrapper = wrapper_key(&key_package)?;
    let lifetime = key_package.life_time();
    Ok(VerifiedKeyPackage {
        inbox_id,
        installation_id,
        pointer_capable: pointer_capable(&key_package)
            // A pointer has no Curve25519 form (`groups.md` 5.4).
            && wrapper.algorithm == WrapperAlgorithm::XWing,
        wrapper,
        made_at_s: lifetime.not_before().saturating_add(LIFETIME_MARGIN_S),
        not_after_s: lifetime.not_after(),
        key_package,
    })
}

fn wrapper_key(key_package: &KeyPackage) -> Result<WrapperKey, InvalidKeyPackage> {
    let invalid = InvalidKeyPackage::WrapperKey;
    let key = match key_package.extensions().unknown(WELCOME_WRAPPER) {
        None => WrapperKey {
            algorithm: WrapperAlgorithm::Curve25519,
            public_key: key_package.hpke_init_key().as_slice().to_vec(),
        },
        Some(extension) => {
            let message = proto::WelcomeWrapperEncryption::decode(extension.0.as_slice())
                .map_err(|_| invalid.clone())?;
            // Unknown numbers read as Curve25519, as the official client does (`identity.md` 6.3).
            let algorithm = match message.algorithm() {
                proto::WelcomeWrapperAlgorithm::XwingMlkem768Draft6 => WrapperAlgorithm::XWing,
                proto::WelcomeWrapperAlgorithm::SymmetricKey => return Err(invalid),
                _ => WrapperAlgorithm::Curve25519,
            };
            WrapperKey {
                algorithm,
                public_key: message.pub_key,
            }
        }
    };
    if key.public_key.len() == key.algorithm.public_key_len() {
        Ok(key)
    } else {
        Err(invalid)
    }
}

fn pointer_capable(key_package: &KeyPackage) -> bool {
    let chacha = i32::from(proto::WelcomePointeeEncryptionAeadType::Chacha20Poly1305);
    key_package
        .extensions()
        .unknown(WELCOME_POINTEE_AEAD)
        .and_then(|extension| {
            proto::WelcomePointeeEncryptionAeadTypesExtension::decode(extension.0.as_slice()).ok()
        })
        .is_some_and(|types| types.supported_aead_types.contains(&chacha))
}

/// Whether the device's leaf supports what the group requires, so that OpenMLS does not refuse the
/// whole commit because of one device.
pub(crate) fn fits_group(key_package: &KeyPackage, group: &MlsGroup) -> bool {
    let capabilities = key_package.leaf_node().capabilities();
    let required = group.extensions().required_capabilities();
    let extensions = required.map_or(&[][..], |required| required.extension_types());
    let proposals = required.map_or(&[][..], |required| required.proposal_types());
    // RFC 9420 7.2: types of the RFC itself need not be listed.
    let of_the_rfc = |extension: &ExtensionType| u16::from(*extension) <= 5;
    key_package.ciphersuite() == CIPHERSUITE
        && capabilities.ciphersuites().contains(&CIPHERSUITE.into())
        && capabilities.versions().contains(&ProtocolVersion::Mls10)
        && capabilities.credentials().contains(&CredentialType::Basic)
        && extensions
            .iter()
            .chain(&REQUIRED_EXTENSIONS)
            .all(|extension| of_the_rfc(extension) || capabilities.extensions().contains(extension))
        && proposals.iter().all(|proposal| {
            u16::from(*proposal) <= 7 || capabilities.proposals().contains(proposal)
        })
}

#[cfg(test)]
mod tests;
