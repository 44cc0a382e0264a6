//! An Ethereum key that this program holds itself.

use std::fmt;

use k256::ecdsa::SigningKey;
use rand::TryRngCore;
use zeroize::Zeroizing;

use crate::signature::address_of;
use crate::{Identifier, IdentityError, ethereum_message_hash};

/// A secp256k1 private key whose address owns inboxes. Erased from memory when dropped.
#[derive(Clone)]
pub struct WalletKey(SigningKey);

impl WalletKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`] if there is none.
    pub fn generate() -> Result<Self, IdentityError> {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            rand::rngs::OsRng
                .try_fill_bytes(bytes.as_mut_slice())
                .map_err(|_| IdentityError::Randomness)?;
            // Fails once in 2^128 times, for a number that is zero or not below the group order.
            if let Ok(key) = Self::from_bytes(&bytes) {
                return Ok(key);
            }
        }
    }

    /// The key with these 32 bytes.
    ///
    /// # Errors
    /// [`IdentityError::InvalidWalletKey`] for zero and for numbers not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, IdentityError> {
        SigningKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| IdentityError::InvalidWalletKey)
    }

    /// Reads 64 hexadecimal digits, with or without `0x`, as wallets export them.
    ///
    /// # Errors
    /// [`IdentityError::InvalidWalletKey`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, IdentityError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(
            text.strip_prefix("0x").unwrap_or(text),
            bytes.as_mut_slice(),
        )
        .map_err(|_| IdentityError::InvalidWalletKey)?;
        Self::from_bytes(&bytes)
    }

    /// The 32 bytes, for encrypted storage and for showing them to their owner.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The address.
    #[must_use]
    pub fn identifier(&self) -> Identifier {
        Identifier::Ethereum(address_of(self.0.verifying_key()))
    }

    /// Signs `text` as a personal message (ERC-191): `R ‖ S ‖ V`, V 27 or 28, deterministic
    /// (RFC 6979).
    ///
    /// # Errors
    /// [`IdentityError::Ecdsa`], which no text is known to cause.
    pub fn sign_text(&self, text: &str) -> Result<[u8; 65], IdentityError> {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(&ethereum_message_hash(text))
            .map_err(|_| IdentityError::Ecdsa)?;
        let mut bytes = [0; 65];
        let [scalars @ .., v] = &mut bytes;
        scalars.copy_from_slice(&signature.to_bytes());
        *v = 27 + recovery.to_byte();
        Ok(bytes)
    }
}

impl fmt::Debug for WalletKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the secret half.
        f.write_str("WalletKey")
    }
}
