//! Opening a data folder: where it is, its key, its database.

use std::{path::Path, sync::Arc};

use conclave_engine::{
    DataFolder, DatabaseKey, Engine, EngineError, FolderError, KeyError, Keychain, MoveStep,
    StoreError, SystemClock,
};

use crate::{
    error::ApiError,
    options::{KeySource, Options},
    types::LockReason,
};

/// How often a folder is looked for again, because it was moved meanwhile.
const ATTEMPTS: usize = 3;

/// A data folder that is open, with what opens it.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) folder: DataFolder,
    pub(crate) key: DatabaseKey,
    pub(crate) engine: Engine,
}

/// What became of opening a data folder.
pub(crate) enum Opening {
    Opened(Opened),
    /// There is a database, and only its passphrase gives the key.
    Locked(LockReason),
}

/// A key, or why it can't be had without the passphrase.
type Found = Result<DatabaseKey, LockReason>;

impl Options {
    /// Opens the data folder. A key that is known already is not looked for.
    pub(crate) async fn open(&self, known: Option<DatabaseKey>) -> Result<Opening, ApiError> {
        for _ in 0..ATTEMPTS {
            let (options, known) = (self.clone(), known.clone());
            let looked = blocking(move || options.look_for_key(known));
            let (folder, key) = match looked.await? {
                (folder, Ok(key)) => (folder, key),
                (_, Err(reason)) => return Ok(Opening::Locked(reason)),
            };
            let engine = match Engine::open(folder.path(), key.clone(), Arc::new(SystemClock)).await
            {
                Err(EngineError::Store(StoreError::WrongKey)) if self.can_unlock(&folder) => {
                    return Ok(Opening::Locked(LockReason::WrongEntry));
                }
                opened => opened?,
            };
            // Another process may have moved it before we had its lock.
            let place = self.data_dir.clone();
            let now = blocking(move || Ok(DataFolder::find(&place)?)).await;
            if now.is_ok_and(|now| now.path() == folder.path()) {
                return Ok(Opening::Opened(Opened {
                    folder,
                    key,
                    engine,
                }));
            }
            engine.close().await;
        }
        Err(EngineError::Store(StoreError::AccountInUse).into())
    }

    /// Finds the data folder, finishes a move that was interrupted, and gets the key. Blocks,
    /// perhaps until a person unlocks the keychain.
    fn look_for_key(&self, known: Option<DatabaseKey>) -> Result<(DataFolder, Found), ApiError> {
        let folder = self.find()?;
        if let Err(error) = folder.settle(&mut self.forgets_left_key()) {
            tracing::warn!(code = error.code(), "a move was not finished");
        }
        let key = match (known, &self.key) {
            (Some(key), _) => Ok(key),
            (None, KeySource::File(path)) => Ok(DatabaseKey::from_key_file(path)?),
            (None, KeySource::Keychain(keychain)) => key_of(&folder, keychain.as_ref())?,
        };
        Ok((folder, key))
    }

    pub(crate) fn find(&self) -> Result<DataFolder, ApiError> {
        Ok(DataFolder::find(&self.data_dir)?)
    }

    /// Whether a passphrase can open what the keychain could not.
    fn can_unlock(&self, folder: &DataFolder) -> bool {
        matches!(self.key, KeySource::Keychain(_)) && folder.wrapped_key().is_file()
    }

    /// Where a move has to keep and forget keys.
    pub(crate) fn keychain(&self) -> Option<Arc<dyn Keychain>> {
        match &self.key {
            KeySource::Keychain(keychain) => Some(Arc::clone(keychain)),
            KeySource::File(_) => None,
        }
    }

    /// Forgets the key under the name of a folder that was left.
    fn forgets_left_key(&self) -> impl FnMut(MoveStep, &Path) -> Result<(), FolderError> + use<> {
        let keychain = self.keychain();
        move |step, old| {
            if let (MoveStep::Clearing, Some(keychain)) = (step, &keychain)
                && let Err(error) = keychain.remove(&old.to_string_lossy())
            {
                tracing::warn!(code = error.code(), "the keychain has kept an old name");
            }
            Ok(())
        }
    }

    /// Moves the data; the key is found under the new name before the new folder counts. Blocks.
    pub(crate) fn move_data(
        &self,
        folder: &DataFolder,
        target: &Path,
        key: &DatabaseKey,
    ) -> Result<DataFolder, ApiError> {
        let keychain = self.keychain();
        let mut forget = self.forgets_left_key();
        let moved = folder.move_to(target, key, &mut |step, path| {
            if let (MoveStep::Verified, Some(keychain)) = (step, &keychain)
                && let Err(error) = keep(keychain.as_ref(), path, key)
            {
                // Without a keychain the key is in memory only, or comes from the passphrase.
                if !folder.wrapped_key().is_file() {
                    return Err(error.into());
                }
                tracing::warn!(code = error.code(), "the keychain did not take the key");
            }
            forget(step, path)
        });
        Ok(moved?)
    }

    /// Deletes the account in the data folder and its key. Blocks.
    pub(crate) fn delete_data(&self) -> Result<(), ApiError> {
        let folder = self.find()?;
        if let Err(error) = folder.settle(&mut self.forgets_left_key()) {
            tracing::warn!(code = error.code(), "a move was not finished");
        }
        folder.delete()?;
        if let Some(keychain) = self.keychain()
            && let Err(error) = keychain.remove(&name(&folder))
        {
            // It opens nothing any more; the next account of this folder uses it.
            tracing::warn!(code = error.code(), "the keychain has kept the key");
        }
        Ok(())
    }
}

/// Keeps a key under the name of a folder, and makes sure of it.
pub(crate) fn keep(
    keychain: &dyn Keychain,
    folder: &Path,
    key: &DatabaseKey,
) -> Result<(), KeyError> {
    let name = folder.to_string_lossy();
    keychain.set(&name, key)?;
    keychain.check(&name, key)
}

/// The key of a folder from a keychain. A new one is made only where nothing is encrypted yet.
fn key_of(folder: &DataFolder, keychain: &dyn Keychain) -> Result<Found, ApiError> {
    let name = name(folder);
    let answer = keychain.get(&name);
    if let Ok(Some(key)) = answer {
        return Ok(Ok(key));
    }
    let has_database = folder.has_database()?;
    let can_unlock = has_database && folder.wrapped_key().is_file();
    match answer {
        Ok(_) if !has_database => Ok(Ok(keychain.create(&name)?)),
        Ok(_) if can_unlock => Ok(Err(LockReason::NoEntry)),
        Ok(_) => Err(KeyError::Lost(name).into()),
        Err(KeyError::KeychainUnavailable(_)) if can_unlock => Ok(Err(LockReason::NoKeychain)),
        Err(KeyError::KeychainDamaged) if can_unlock => Ok(Err(LockReason::WrongEntry)),
        Err(error) => Err(error.into()),
    }
}

fn name(folder: &DataFolder) -> String {
    folder.path().to_string_lossy().into_owned()
}

/// Runs what waits for the disk, the keychain or much arithmetic.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::internal("The work on the data folder was interrupted."))?
}

/// Deletes the database of a data folder: account, keys and history of this installation, and its
/// passphrase. Other installations, and what others have, stay as they are. Also deletes a database
/// that can't be opened, so that a person can begin anew.
///
/// # Errors
/// `account_in_use`, `data_folder_missing`, `data_folder_unusable`.
pub async fn delete_local_database(options: Options) -> Result<(), ApiError> {
    blocking(move || options.delete_data()).await
}
