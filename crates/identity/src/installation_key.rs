//! The key of one device.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::TryRngCore;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::{IdentityError, InstallationId};

/// Ed25519ph context of identity updates (`identity.md` 3.2).
const IDENTITY_UPDATE_CONTEXT: &[u8] = b"IDENTITY UPDATE SIGNATURE";
/// Ed25519ph context of texts that programs ask to have signed (`identity.md` 5.4).
const PUBLIC_CONTEXT: &[u8] = b"PUBLIC SIGNATURE CONTEXT";

/// The Ed25519 key pair of one device. It signs MLS content, identity updates and public texts;
/// three separate domains (`identity.md` 3.2). Erased from memory when dropped.
pub struct InstallationKey(SigningKey);

impl InstallationKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`] if there is none.
    pub fn generate() -> Result<Self, IdentityError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::rngs::OsRng
            .try_fill_bytes(seed.as_mut_slice())
            .map_err(|_| IdentityError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key with this 32-byte Ed25519 seed (RFC 8032, 5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for encrypted storage only.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn id(&self) -> InstallationId {
        InstallationId::new(self.0.verifying_key().to_bytes())
    }

    /// A plain Ed25519 signature, as MLS wants it. Not for identity updates or public texts.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Signs the text of an identity update (Ed25519ph).
    ///
    /// # Errors
    /// [`IdentityError::Ed25519`], which a context of fewer than 256 bytes does not cause.
    pub fn sign_identity_update(&self, text: &str) -> Result<[u8; 64], IdentityError> {
        self.sign_prehashed(text, IDENTITY_UPDATE_CONTEXT)
    }

    /// Signs a text on behalf of a program (Ed25519ph, public context).
    ///
    /// # Errors
    /// As [`InstallationKey::sign_identity_update`].
    pub fn sign_public(&self, text: &str) -> Result<[u8; 64], IdentityError> {
        self.sign_prehashed(text, PUBLIC_CONTEXT)
    }

    fn sign_prehashed(&self, text: &str, context: &[u8]) -> Result<[u8; 64], IdentityError> {
        self.0
            .sign_prehashed(Sha512::new_with_prefix(text), Some(context))
            .map(|signature| signature.to_bytes())
            .map_err(|error| IdentityError::Ed25519(error.to_string()))
    }
}

impl Clone for InstallationKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the secret half.
        f.debug_tuple("InstallationKey").field(&self.id()).finish()
    }
}

/// Checks a signature over the text of an identity update.
///
/// # Errors
/// [`IdentityError::Ed25519SignatureLength`], [`IdentityError::Ed25519KeyLength`] (64 and 32 bytes
/// are wanted), [`IdentityError::Ed25519`] where it does not verify.
pub fn verify_identity_update_signature(
    text: &str,
    signature: &[u8],
    public_key: &[u8],
) -> Result<(), IdentityError> {
    verify_prehashed(text, signature, public_key, IDENTITY_UPDATE_CONTEXT)
}

/// Checks a signature over a public text.
///
/// # Errors
/// As [`verify_identity_update_signature`].
pub fn verify_public_signature(
    text: &str,
    signature: &[u8],
    public_key: &[u8],
) -> Result<(), IdentityError> {
    verify_prehashed(text, signature, public_key, PUBLIC_CONTEXT)
}

/// Checks a plain Ed25519 signature (RFC 8032, 5.1.7), as [`InstallationKey::sign`] makes them.
///
/// # Errors
/// As [`verify_identity_update_signature`].
pub fn verify_signature(
    message: &[u8],
    signature: &[u8],
    public_key: &[u8],
) -> Result<(), IdentityError> {
    let signature =
        Signature::from_slice(signature).map_err(|_| IdentityError::Ed25519SignatureLength)?;
    let key: &[u8; 32] = public_key
        .try_into()
        .map_err(|_| IdentityError::Ed25519KeyLength)?;
    VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(message, &signature))
        .map_err(|error| IdentityError::Ed25519(error.to_string()))
}

fn verify_prehashed(
    text: &str,
    signature: &[u8],
    public_key: &[u8],
    context: &[u8],
) -> Result<(), IdentityError> {
    let signature =
        Signature::from_slice(signature).map_err(|_| IdentityError::Ed25519SignatureLength)?;
    let key: &[u8; 32] = public_key
        .try_into()
        .map_err(|_| IdentityError::Ed25519KeyLength)?;
    let failed = |error: ed25519_dalek::SignatureError| IdentityError::Ed25519(error.to_string());
    VerifyingKey::from_bytes(key)
        .map_err(failed)?
        .verify_prehashed(Sha512::new_with_prefix(text), Some(context), &signature)
        .map_err(failed)
}
