//! The database key: where it comes from and how it is kept.

mod keychain;
mod wrapped;

use std::path::Path;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use keychain::{Keychain, SystemKeychain};

/// Fewest characters of a passphrase that wraps a key: whoever has the file can guess at it for
/// as long as they like.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// What can go wrong with keys, each with a stable code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no usable OS keychain, or it is locked.
    #[error(
        "the system's keychain cannot be used ({0}); unlock it, or give the key as a file of 64 hex characters"
    )]
    KeychainUnavailable(String),
    /// The keychain holds something that is no key of ours.
    #[error("the key in the system's keychain is damaged; restore it with the recovery passphrase")]
    KeychainDamaged,
    /// A key file does not hold 64 hex characters.
    #[error("the key file has to hold 64 hex characters and nothing else")]
    InvalidKeyFile,
    /// The passphrase does not open the wrapped key.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The passphrase has fewer characters than [`MIN_PASSPHRASE_CHARS`].
    #[error("the passphrase is too short; use at least {MIN_PASSPHRASE_CHARS} characters")]
    ShortPassphrase,
    /// The keychain works and has no key for a database that is there, and no passphrase was set.
    #[error(
        "the system's keychain has no key for the data folder {0}, and no passphrase was set for it; if the folder was moved or renamed by hand, move it back, else delete the local database and sign in again with the wallet"
    )]
    Lost(String),
    /// The wrapped key was written by a newer version of Conclave.
    #[error("the wrapped key was written by a newer version of Conclave; update Conclave")]
    NewerVersion,
    /// The wrapped key is damaged, or asks for more work than any version ever wrote.
    #[error("the file of the wrapped key is damaged")]
    WrappedDamaged,
    /// A file could not be read or written.
    #[error("the key could not be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl KeyError {
    /// The stable code that user interfaces and scripts branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeychainUnavailable(_) => "keychain_unavailable",
            Self::KeychainDamaged => "keychain_damaged",
            Self::InvalidKeyFile => "invalid_key_file",
            Self::WrongPassphrase => "wrong_passphrase",
            Self::ShortPassphrase => "passphrase_short",
            Self::Lost(_) => "key_lost",
            Self::NewerVersion => "newer_version",
            Self::WrappedDamaged => "wrapped_key_damaged",
            Self::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => "disk_full",
            Self::Io(_) => "key_io",
            Self::Random => "no_random_numbers",
        }
    }
}

/// The key of a database: 32 random bytes, erased from memory when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(..)")
    }
}

/// A key file holds 64 characters and perhaps a line end; more is read only to refuse it.
const KEY_FILE_MAX_BYTES: u64 = 80;

impl DatabaseKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        OsRng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|_| KeyError::Random)?;
        Ok(Self(bytes))
    }

    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key file: 64 hex characters, with white space around them allowed.
    ///
    /// # Errors
    /// [`KeyError::InvalidKeyFile`], [`KeyError::Io`].
    pub fn from_key_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_hex(&read_text(
            path.as_ref(),
            KEY_FILE_MAX_BYTES,
            KeyError::InvalidKeyFile,
        )?)
        .ok_or(KeyError::InvalidKeyFile)
    }

    /// Writes a copy of the key, wrapped by a passphrase, to `path`, replacing the file there as
    /// a whole. Takes about a second of work and 64 MiB of memory.
    ///
    /// # Errors
    /// [`KeyError::ShortPassphrase`], [`KeyError::Io`], [`KeyError::Random`].
    pub fn write_wrapped(&self, path: impl AsRef<Path>, passphrase: &str) -> Result<(), KeyError> {
        if passphrase.chars().count() < MIN_PASSPHRASE_CHARS {
            return Err(KeyError::ShortPassphrase);
        }
        wrapped::write(self, path.as_ref(), passphrase, wrapped::Work::CURRENT)
    }

    /// Reads the key from its wrapped copy.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`], [`KeyError::WrappedDamaged`], [`KeyError::NewerVersion`],
    /// [`KeyError::Io`].
    pub fn read_wrapped(path: impl AsRef<Path>, passphrase: &str) -> Result<Self, KeyError> {
        wrapped::read(path.as_ref(), passphrase)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A value by which this key is recognised and from which nothing about it can be learnt: the
    /// key is 32 random bytes, and SHA-256 is one-way.
    pub(crate) fn check(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(b"conclave database key check 1")
            .chain_update(self.bytes())
            .finalize()
            .into()
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.bytes()))
    }
}

/// Reads a small text file; `invalid` if it is longer than `max_bytes` or no text.
fn read_text(
    path: &Path,
    max_bytes: u64,
    invalid: KeyError,
) -> Result<Zeroizing<String>, KeyError> {
    use std::io::Read;

    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path)?
        .take(max_bytes + 1)
        .read_to_end(&mut bytes)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if bytes.len() as u64 <= max_bytes => Ok(Zeroizing::new(text.to_owned())),
        _ => Err(invalid),
    }
}

#[cfg(test)]
mod tests;
