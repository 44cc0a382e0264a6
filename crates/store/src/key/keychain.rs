//! The keychain of the system.

use zeroize::Zeroizing;

use super::{DatabaseKey, KeyError};

/// Keeps database keys, each under a name. Calls block, perhaps until a person unlocks it.
pub trait Keychain: Send + Sync + std::fmt::Debug {
    /// The key under this name; `None` only if the keychain says that there is none.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`], [`KeyError::KeychainDamaged`].
    fn get(&self, name: &str) -> Result<Option<DatabaseKey>, KeyError>;

    /// Keeps a key under this name, replacing what is there.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`].
    fn set(&self, name: &str, key: &DatabaseKey) -> Result<(), KeyError>;

    /// Forgets the key under this name; that there is none is no error.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`].
    fn remove(&self, name: &str) -> Result<(), KeyError>;
}

impl dyn Keychain + '_ {
    /// Makes a new key and keeps it. Nothing may be encrypted under the name yet.
    ///
    /// # Errors
    /// [`KeyError::KeychainUnavailable`], [`KeyError::KeychainDamaged`] for one that does not
    /// give back what it was given, [`KeyError::Random`].
    pub fn create(&self, name: &str) -> Result<DatabaseKey, KeyError> {
        let key = DatabaseKey::generate()?;
        self.set(name, &key)?;
        self.check(name, &key)?;
        Ok(key)
    }

    /// Makes sure that the keychain has a key: some accept a secret and forget it, and the
    /// account would be lost.
    ///
    /// # Errors
    /// Those of [`Keychain::get`]; [`KeyError::KeychainDamaged`] if it has not.
    pub fn check(&self, name: &str, key: &DatabaseKey) -> Result<(), KeyError> {
        match self.get(name)? {
            Some(kept) if kept == *key => Ok(()),
            _ => Err(KeyError::KeychainDamaged),
        }
    }
}

/// The keychain of the operating system.
#[derive(Debug, Clone)]
pub struct SystemKeychain {
    /// What all names of this program stand under.
    pub service: &'static str,
}

impl SystemKeychain {
    /// The keychain's client blocks on its own event loop, which must not happen on a thread of an
    /// async runtime, so each use gets a thread.
    fn on_entry<T: Send>(
        &self,
        name: &str,
        action: impl FnOnce(&keyring::Entry) -> Result<T, KeyError> + Send,
    ) -> Result<T, KeyError> {
        std::thread::scope(|scope| {
            scope
                .spawn(|| action(&keyring::Entry::new(self.service, name).map_err(unavailable)?))
                .join()
                .unwrap_or_else(|_| {
                    Err(KeyError::KeychainUnavailable(
                        "its client has failed".to_owned(),
                    ))
                })
        })
    }
}

impl Keychain for SystemKeychain {
    fn get(&self, name: &str) -> Result<Option<DatabaseKey>, KeyError> {
        self.on_entry(name, |entry| kept(entry.get_password()))
    }

    fn set(&self, name: &str, key: &DatabaseKey) -> Result<(), KeyError> {
        self.on_entry(name, |entry| {
            entry.set_password(&key.to_hex()).map_err(unavailable)
        })
    }

    fn remove(&self, name: &str) -> Result<(), KeyError> {
        self.on_entry(name, |entry| match entry.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(unavailable(error)),
        })
    }
}

/// What a keychain's answer means.
pub(super) fn kept(answer: keyring::Result<String>) -> Result<Option<DatabaseKey>, KeyError> {
    match answer.map(Zeroizing::new) {
        Ok(text) => DatabaseKey::from_hex(&text)
            .map(Some)
            .ok_or(KeyError::KeychainDamaged),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(unavailable(error)),
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
