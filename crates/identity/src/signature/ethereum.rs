//! Signatures by Ethereum keys over personal messages (ERC-191, `identity.md` 3.1).

use alloy_primitives::{keccak256, normalize_v};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use crate::IdentityError;

/// The 32 bytes that an Ethereum wallet signs for the personal message `text` (ERC-191, version
/// 0x45), also what a smart-contract wallet is asked about.
#[must_use]
pub fn ethereum_message_hash(text: &str) -> [u8; 32] {
    let prefix = format!("\u{19}Ethereum Signed Message:\n{}", text.len());
    keccak256([prefix.as_bytes(), text.as_bytes()].concat()).0
}

/// The address of a public key: `0x` and 40 lower-case digits.
pub(crate) fn address_of(key: &VerifyingKey) -> String {
    let point = key.to_encoded_point(false);
    // The first byte says "uncompressed" and does not count.
    let coordinates = point.as_bytes().get(1..).unwrap_or_default();
    let hash = keccak256(coordinates).0;
    format!("0x{}", hex::encode(hash.get(12..).unwrap_or_default()))
}

/// Splits `R ‖ S ‖ V`, moves S to the lower half and leaves V alone: that is what readers do,
/// though Ethereum tools would flip V along (`identity.md` 3.1 step 2).
fn split(signature: &[u8]) -> Result<(Signature, u8), IdentityError> {
    let bytes: &[u8; 65] = signature
        .try_into()
        .map_err(|_| IdentityError::SignatureLength)?;
    let [scalars @ .., v] = bytes;
    let signature = Signature::from_slice(scalars).map_err(|_| IdentityError::Ecdsa)?;
    Ok((signature.normalize_s().unwrap_or(signature), *v))
}

/// Parity of Y for the V of a wallet: 0, 1, 27, 28, or EIP-155's 35 and above.
fn parity(v: u8) -> Result<bool, IdentityError> {
    normalize_v(u64::from(v)).ok_or(IdentityError::InvalidParity(u64::from(v)))
}

fn join(signature: &Signature, v: u8) -> Vec<u8> {
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(v);
    bytes
}

/// Recovers the signer of `text`: address, and the 65 bytes to record.
///
/// A wrong text is no error, it recovers another address.
pub(super) fn recover(text: &str, signature: &[u8]) -> Result<(String, Vec<u8>), IdentityError> {
    let (signature, v) = split(signature)?;
    let recovery = RecoveryId::new(parity(v)?, false);
    let key =
        VerifyingKey::recover_from_prehash(&ethereum_message_hash(text), &signature, recovery)
            .map_err(|_| IdentityError::Ecdsa)?;
    Ok((address_of(&key), join(&signature, v)))
}

/// The one form of all recoverable signatures that readers take for the same: S in the lower
/// half, V reduced to parity.
pub(crate) fn canonical_recoverable(signature: &[u8]) -> Result<Vec<u8>, IdentityError> {
    let (signature, v) = split(signature)?;
    Ok(join(&signature, u8::from(parity(v)?)))
}
