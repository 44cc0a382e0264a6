//! Compact bytes for the serde values of OpenMLS 0.9.2.
//!
//! Postcard carries every value that OpenMLS hands to a storage provider, and staged commits, with
//! one exception: a group's configuration reads itself through `deserialize_any`, which postcard
//! does not have. That one value is JSON. The layout belongs to the pinned OpenMLS version; a
//! change of version needs a migration.

use openmls::group::StagedCommit;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// A value that could not be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored MLS value: {0}")]
pub struct EncodingError(String);

/// Postcard bytes of `value`. They may hold secrets and are erased when dropped.
///
/// # Errors
/// [`EncodingError`] for a value that serde refuses.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<Vec<u8>>, EncodingError> {
    postcard::to_stdvec(value)
        .map(Zeroizing::new)
        .map_err(|error| EncodingError(error.to_string()))
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`EncodingError`] for other bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EncodingError> {
    postcard::from_bytes(bytes).map_err(|error| EncodingError(error.to_string()))
}

/// Bytes of a group's configuration, or of any value whose reader needs a self-describing format.
///
/// # Errors
/// As [`encode`].
pub fn encode_config<T: Serialize + ?Sized>(config: &T) -> Result<Vec<u8>, EncodingError> {
    serde_json::to_vec(config).map_err(|error| EncodingError(error.to_string()))
}

/// Reads what [`encode_config`] wrote.
///
/// # Errors
/// As [`decode`].
pub fn decode_config<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EncodingError> {
    serde_json::from_slice(bytes).map_err(|error| EncodingError(error.to_string()))
}

/// Reads the `staged_commit` of a [`BuiltCommit`](crate::commit::BuiltCommit).
///
/// # Errors
/// [`EncodingError`] for other bytes.
pub fn decode_staged_commit(bytes: &[u8]) -> Result<StagedCommit, EncodingError> {
    decode(bytes)
}

#[cfg(test)]
mod tests;
