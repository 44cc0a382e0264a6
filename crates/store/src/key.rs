//! The database key: where it comes from and how it is kept.

mod wrapped;

use std::path::Path;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

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
    /// The passphrase is empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
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
            Self::EmptyPassphrase => "empty_passphrase",
            Self::NewerVersion => "newer_version",
            Self::WrappedDamaged => "wrapped_key_damaged",
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

    /// The key the OS keychain holds under these names. A new one is created and stored only if
    /// the keychain says that there is none. Blocks, perhaps until the person unlocks it.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`], [`KeyError::KeychainDamaged`], [`KeyError::Random`].
    pub fn from_keychain(service: &str, user: &str) -> Result<Self, KeyError> {
        on_keychain(service, user, |entry| {
            Self::obtain(|| entry.get_password(), |text| entry.set_password(text))
        })
    }

    fn obtain(
        get: impl Fn() -> keyring::Result<String>,
        set: impl Fn(&str) -> keyring::Result<()>,
    ) -> Result<Self, KeyError> {
        match get().map(Zeroizing::new) {
            Ok(text) => Self::from_hex(&text).ok_or(KeyError::KeychainDamaged),
            Err(keyring::Error::NoEntry) => {
                let key = Self::generate()?;
                set(&key.to_hex()).map_err(unavailable)?;
                // Some keychains accept a secret and forget it; the account would be lost.
                let stored = get().map(Zeroizing::new).map_err(unavailable)?;
                match Self::from_hex(&stored) {
                    Some(stored) if stored == key => Ok(key),
                    _ => Err(KeyError::KeychainDamaged),
                }
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Stores this key in the OS keychain, replacing what is there; used after recovery.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`].
    pub fn store_in_keychain(&self, service: &str, user: &str) -> Result<(), KeyError> {
        on_keychain(service, user, |entry| {
            entry.set_password(&self.to_hex()).map_err(unavailable)
        })
    }

    /// Removes a key from the OS keychain; that there is none is no error.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`].
    pub fn remove_from_keychain(service: &str, user: &str) -> Result<(), KeyError> {
        on_keychain(service, user, |entry| match entry.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(unavailable(error)),
        })
    }

    /// Writes a copy of the key, wrapped by a passphrase, to `path`, replacing the file there as
    /// a whole. Takes about a second of work and 64 MiB of memory.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassphrase`], [`KeyError::Io`], [`KeyError::Random`].
    pub fn write_wrapped(&self, path: impl AsRef<Path>, passphrase: &str) -> Result<(), KeyError> {
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

fn unavailable(error: keyring::Error) -> KeyError {
    match error {
        keyring::Error::NoDefaultStore => KeyError::KeychainUnavailable("there is none".to_owned()),
        keyring::Error::NoStorageAccess(_) => {
            KeyError::KeychainUnavailable("it is locked or refuses access".to_owned())
        }
        error => KeyError::KeychainUnavailable(error.to_string()),
    }
}

/// The keychain client blocks on its own event loop, which must not happen on a thread of an
/// async runtime, so each use gets a thread.
fn on_keychain<T: Send>(
    service: &str,
    user: &str,
    action: impl FnOnce(&keyring::Entry) -> Result<T, KeyError> + Send,
) -> Result<T, KeyError> {
    std::thread::scope(|scope| {
        scope
            .spawn(|| action(&keyring::Entry::new(service, user).map_err(unavailable)?))
            .join()
            .unwrap_or_else(|_| {
                Err(KeyError::KeychainUnavailable(
                    "its client has failed".to_owned(),
                ))
            })
    })
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
