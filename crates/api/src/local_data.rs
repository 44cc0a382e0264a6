//! What an account keeps on this computer: its passphrase, its folder, its end.

use std::path::PathBuf;

use conclave_engine::{DatabaseKey, KeyError};
use zeroize::Zeroizing;

use crate::{
    api::{Api, State},
    error::ApiError,
    opening::{Opened, Opening, blocking, keep},
    types::{
        DataFolder, DataFolderArgs, Event, Nothing, PassphraseArgs, PassphraseRemoveArgs,
        PassphraseStatus, Status, UnlockArgs,
    },
};

impl Api {
    /// Opens an account that is locked. The key goes back into the keychain where there is one;
    /// else it is kept in memory for this run. A wrong passphrase changes nothing.
    ///
    /// # Errors
    /// `wrong_passphrase`, `wrapped_key_damaged`, `newer_version`, those of [`Api::open`].
    pub async fn unlock(&self, mut args: UnlockArgs) -> Result<Status, ApiError> {
        let passphrase = Zeroizing::new(std::mem::take(&mut args.passphrase));
        let _upkeep = self.0.upkeep.lock().await;
        let Some(reason) = self.locked().await else {
            // Somebody else was quicker.
            return self.status(Nothing {}).await;
        };
        let options = &self.0.options;
        let folder = options.find()?;
        let key = blocking(move || {
            Ok(DatabaseKey::read_wrapped(
                folder.wrapped_key(),
                &passphrase,
            )?)
        });
        let opened = match options.open(Some(key.await?)).await? {
            Opening::Opened(opened) => opened,
            Opening::Locked(_) => return Err(KeyError::WrappedDamaged.into()),
        };
        let Opened { folder, key, .. } = opened.clone();
        if let Err(error) = self.begin(opened).await {
            *self.0.state.write().await = State::Locked(reason);
            return Err(error);
        }
        if let Some(keychain) = options.keychain() {
            let kept = blocking(move || Ok(keep(keychain.as_ref(), folder.path(), &key)?)).await;
            if let Err(error) = kept {
                tracing::warn!(code = error.code, "the key is in memory for this run only");
            }
        }
        self.0.shared.send(Event::Resync {});
        self.status(Nothing {}).await
    }

    /// Whether a passphrase is set.
    ///
    /// # Errors
    /// `account_locked`, `store_closed`.
    pub async fn passphrase_status(&self, _: Nothing) -> Result<PassphraseStatus, ApiError> {
        let set = self.opened().await?.folder.wrapped_key().is_file();
        Ok(PassphraseStatus { set })
    }

    /// Sets or changes the passphrase.
    ///
    /// # Errors
    /// `passphrase_short`; `passphrase_required` where one is set and not given,
    /// `wrong_passphrase`; `disk_full`, `key_io`; `account_locked`, `store_closed`. Each changes
    /// nothing.
    pub async fn passphrase_set(
        &self,
        mut args: PassphraseArgs,
    ) -> Result<PassphraseStatus, ApiError> {
        let current = args.current.take().map(Zeroizing::new);
        let passphrase = Zeroizing::new(std::mem::take(&mut args.passphrase));
        let _upkeep = self.0.upkeep.lock().await;
        let Opened { folder, key, .. } = self.opened().await?;
        blocking(move || {
            let wrapped = folder.wrapped_key();
            if wrapped.is_file() {
                let current = current.ok_or_else(|| {
                    ApiError::new(
                        "passphrase_required",
                        "A passphrase is set already. Enter it too, to change it.",
                    )
                })?;
                check_passphrase(&folder, &current)?;
            }
            Ok(key.write_wrapped(wrapped, &passphrase)?)
        })
        .await?;
        Ok(PassphraseStatus { set: true })
    }

    /// Removes the passphrase; that none is set is no error.
    ///
    /// # Errors
    /// `wrong_passphrase`, `key_io`, `account_locked`, `store_closed`. Each changes nothing.
    pub async fn passphrase_remove(
        &self,
        mut args: PassphraseRemoveArgs,
    ) -> Result<PassphraseStatus, ApiError> {
        let current = Zeroizing::new(std::mem::take(&mut args.current));
        let _upkeep = self.0.upkeep.lock().await;
        let Opened { folder, .. } = self.opened().await?;
        blocking(move || {
            let wrapped = folder.wrapped_key();
            if wrapped.is_file() {
                check_passphrase(&folder, &current)?;
                std::fs::remove_file(wrapped).map_err(KeyError::Io)?;
            }
            Ok(PassphraseStatus { set: false })
        })
        .await
    }

    /// Where the account's data is, and how large it is.
    ///
    /// # Errors
    /// `data_folder_unusable`, `account_locked`, `store_closed`.
    pub async fn data_folder(&self, _: Nothing) -> Result<DataFolder, ApiError> {
        let Opened { folder, .. } = self.opened().await?;
        blocking(move || {
            Ok(DataFolder {
                path: folder.path().to_string_lossy().into_owned(),
                bytes: folder.bytes()?,
            })
        })
        .await
    }

    /// Moves the account's data to another folder. The account is closed meanwhile and open again
    /// afterwards: there, or, where that fails, where it was.
    ///
    /// # Errors
    /// `data_folder_refused`, `disk_full`, `data_folder_unusable`, the keychain's; each changes
    /// nothing. Those of [`Api::open`], after which the account is closed.
    pub async fn data_folder_move(&self, args: DataFolderArgs) -> Result<DataFolder, ApiError> {
        let _upkeep = self.0.upkeep.lock().await;
        let Opened { folder, key, .. } = self.opened().await?;
        let target = PathBuf::from(args.path);
        // Before anything is stopped for it.
        let (checked, at) = (folder.clone(), target.clone());
        blocking(move || Ok(checked.check_target(&at)?)).await?;

        self.end().await;
        self.0.options.node_resolver.release().await;
        let (options, known) = (self.0.options.clone(), key.clone());
        let moved = blocking(move || options.move_data(&folder, &target, &key)).await;
        let started = self.start(Some(known)).await;
        self.0.shared.send(Event::Resync {});
        moved?;
        started?;
        self.data_folder(Nothing {}).await
    }

    /// Deletes this installation's keys and history from this computer, with the passphrase and
    /// the key. Afterwards everything is as at the first run.
    ///
    /// # Errors
    /// `account_in_use`, `data_folder_unusable`; those of [`Api::open`], after which the database
    /// is deleted and nothing is open.
    pub async fn local_database_delete(&self, _: Nothing) -> Result<Nothing, ApiError> {
        let _upkeep = self.0.upkeep.lock().await;
        let locked = self.locked().await.is_some();
        if !locked {
            self.opened().await?;
        }
        self.end().await;
        let deleted = crate::delete_local_database(self.0.options.clone()).await;
        let started = self.start(None).await;
        self.0.shared.send(Event::Resync {});
        deleted?;
        started?;
        Ok(Nothing {})
    }
}

/// Refuses a passphrase that is not the one that is set. A copy of the key that nothing opens any
/// more protects nothing, and may be replaced.
fn check_passphrase(
    folder: &conclave_engine::DataFolder,
    passphrase: &str,
) -> Result<(), ApiError> {
    match DatabaseKey::read_wrapped(folder.wrapped_key(), passphrase) {
        Ok(_) | Err(KeyError::WrappedDamaged) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
