//! The device's key as OpenMLS wants it.

use conclave_identity::InstallationKey;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

/// Signs MLS content with an installation key (plain Ed25519, RFC 9420 5.1.2).
#[derive(Debug, Clone)]
pub struct InstallationSigner(InstallationKey);

impl InstallationSigner {
    /// A signer for `key`.
    #[must_use]
    pub const fn new(key: InstallationKey) -> Self {
        Self(key)
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &InstallationKey {
        &self.0
    }
}

impl From<InstallationKey> for InstallationSigner {
    fn from(key: InstallationKey) -> Self {
        Self(key)
    }
}

impl Signer for InstallationSigner {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
