//! The name of an inbox.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Identifier, IdentityError};

/// Name of an inbox: 64 lower-case hexadecimal digits, the text of 32 bytes (`identity.md` 1.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InboxId(String);

impl InboxId {
    /// The inbox id that `identifier` founds with `nonce`:
    /// SHA-256 of the identifier's text followed by the decimal nonce.
    ///
    /// # Errors
    /// [`IdentityError::InvalidAccountAddress`] for an address that is not `0x` and 40 hexadecimal
    /// digits. Case is not changed: another case is another inbox.
    pub fn derive(identifier: &Identifier, nonce: u64) -> Result<Self, IdentityError> {
        if let Identifier::Ethereum(address) = identifier {
            let digits = address
                .strip_prefix("0x")
                .ok_or(IdentityError::InvalidAccountAddress)?;
            if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(IdentityError::InvalidAccountAddress);
            }
        }
        Ok(Self(hex::encode(Sha256::digest(format!(
            "{identifier}{nonce}"
        )))))
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 bytes that the text stands for.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // The text was checked on the way in.
        let decoded = hex::decode_to_slice(&self.0, &mut bytes);
        debug_assert!(decoded.is_ok());
        bytes
    }

    /// The inbox id whose text stands for `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }
}

impl FromStr for InboxId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for InboxId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(lower_hex) {
            Ok(Self(text))
        } else {
            Err(IdentityError::InvalidInboxId)
        }
    }
}

impl From<InboxId> for String {
    fn from(id: InboxId) -> Self {
        id.0
    }
}

impl AsRef<str> for InboxId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
