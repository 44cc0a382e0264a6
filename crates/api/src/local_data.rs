//! What an account keeps on this computer: its passphrase, its folder, its end.

use crate::{
    api::Api,
    error::ApiError,
    types::{
        DataFolder, DataFolderArgs, Nothing, PassphraseArgs, PassphraseRemoveArgs,
        PassphraseStatus, Status, UnlockArgs,
    },
};

fn not_yet() -> ApiError {
    ApiError::internal("This is not built yet.")
}

impl Api {
    /// Opens an account that is locked.
    ///
    /// # Errors
    /// `wrong_passphrase`.
    pub async fn unlock(&self, _: UnlockArgs) -> Result<Status, ApiError> {
        Err(not_yet())
    }

    /// Whether a passphrase is set.
    ///
    /// # Errors
    /// `store_closed`.
    pub async fn passphrase_status(&self, _: Nothing) -> Result<PassphraseStatus, ApiError> {
        Err(not_yet())
    }

    /// Sets or changes the passphrase.
    ///
    /// # Errors
    /// `passphrase_short`, `passphrase_required`, `wrong_passphrase`.
    pub async fn passphrase_set(&self, _: PassphraseArgs) -> Result<PassphraseStatus, ApiError> {
        Err(not_yet())
    }

    /// Removes the passphrase.
    ///
    /// # Errors
    /// `wrong_passphrase`.
    pub async fn passphrase_remove(
        &self,
        _: PassphraseRemoveArgs,
    ) -> Result<PassphraseStatus, ApiError> {
        Err(not_yet())
    }

    /// Where the data is.
    ///
    /// # Errors
    /// `store_closed`.
    pub async fn data_folder(&self, _: Nothing) -> Result<DataFolder, ApiError> {
        Err(not_yet())
    }

    /// Moves the data.
    ///
    /// # Errors
    /// `data_folder_refused`, `disk_full`.
    pub async fn data_folder_move(&self, _: DataFolderArgs) -> Result<DataFolder, ApiError> {
        Err(not_yet())
    }

    /// Deletes the local database.
    ///
    /// # Errors
    /// `account_in_use`.
    pub async fn local_database_delete(&self, _: Nothing) -> Result<Nothing, ApiError> {
        Err(not_yet())
    }
}
