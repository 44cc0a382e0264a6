//! What the person chose for this installation.

use conclave_engine::{Settings as Stored, SettingsChange};

use crate::{
    api::Api,
    error::ApiError,
    types::{Nothing, Settings, SettingsArgs},
};

impl From<Stored> for Settings {
    fn from(settings: Stored) -> Self {
        Self {
            send_read_receipts: settings.send_read_receipts,
            auto_download_bytes: settings.auto_download_bytes,
            upload_server: settings.upload_server,
        }
    }
}

impl Api {
    /// What the person chose.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn settings_get(&self, _: Nothing) -> Result<Settings, ApiError> {
        Ok(self.client().await?.settings().await?.into())
    }

    /// Changes what the person chose.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn settings_set(&self, args: SettingsArgs) -> Result<Settings, ApiError> {
        let change = SettingsChange {
            send_read_receipts: args.send_read_receipts,
            auto_download_bytes: args.auto_download_bytes,
            upload_server: args.upload_server,
        };
        Ok(self.client().await?.set_settings(change).await?.into())
    }
}
