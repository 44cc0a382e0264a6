//! History between our installations.

use conclave_engine::{
    AvailableArchive as Offered, Client, HistoryFailure, HistoryGrant, HistoryOverview as Overview,
    HistoryPhase as Place, HistoryTransfer as Transfer, HistoryWish, InstallationId,
    NewDevice as Newcomer, TransferRole, TransferState, TransferStep,
};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        AvailableArchive, HistoryAnswer, HistoryAnswerArgs, HistoryArgs, HistoryOverview,
        HistoryPhase, HistoryRequestArgs, HistoryRole, HistoryTakeArgs, HistoryTransfer, NewDevice,
        NewDeviceArgs, Nothing,
    },
    value,
};

impl From<Place> for HistoryPhase {
    fn from(place: Place) -> Self {
        match place {
            Place::Step(TransferStep::Waiting) => Self::Waiting,
            Place::Step(TransferStep::Held) => Self::Held,
            Place::Step(TransferStep::Building) => Self::Building,
            Place::Step(TransferStep::Uploading) => Self::Uploading,
            Place::Step(TransferStep::Sent) => Self::Sent,
            Place::Step(TransferStep::Ready) => Self::Ready,
            Place::Step(TransferStep::Downloading) => Self::Downloading,
            Place::Step(TransferStep::Verifying) => Self::Verifying,
            Place::Step(TransferStep::Importing) => Self::Importing,
            Place::Ended(TransferState::Paused) => Self::Paused,
            Place::Ended(TransferState::Failed) => Self::Failed,
            Place::Ended(TransferState::Going | TransferState::Offered) => Self::Ready,
            Place::Ended(TransferState::Done) => Self::Done,
            Place::Ended(TransferState::Refused) => Self::Refused,
            Place::Ended(TransferState::Expired) => Self::Expired,
            Place::Ended(TransferState::Cancelled) => Self::Cancelled,
        }
    }
}

impl From<HistoryFailure> for ApiError {
    fn from(failure: HistoryFailure) -> Self {
        Self::stored(&failure.code, &failure.text)
    }
}

impl From<Transfer> for HistoryTransfer {
    fn from(transfer: Transfer) -> Self {
        Self {
            pin: transfer.pin,
            role: match transfer.role {
                TransferRole::Asking => HistoryRole::Asking,
                TransferRole::Answering => HistoryRole::Answering,
            },
            installation_id: transfer.installation_id.map(|id| id.to_string()),
            device_name: transfer.device_name,
            code: transfer.code,
            official_app: transfer.is_official,
            since_ns: transfer.since_ns.map(value::ns),
            consent: transfer.consent,
            attachments: transfer.attachments,
            conversation_ids: transfer
                .conversation_ids
                .map(|ids| ids.into_iter().map(value::id).collect()),
            server: transfer.server,
            foreign_server: transfer.is_foreign_server,
            phase: transfer.phase.into(),
            bytes_done: transfer.done.bytes,
            bytes_total: transfer.bytes_total,
            conversations_done: transfer.done.conversations,
            conversations_total: transfer.conversations_total,
            messages_done: transfer.done.messages,
            messages_total: transfer.messages_total,
            skipped: transfer.done.skipped,
            estimate_bytes: transfer.estimate_bytes,
            error: transfer.failure.map(ApiError::from),
            created_at_ns: value::ns(transfer.created_at_ns),
            expires_at_ns: transfer.expires_at_ns.map(value::ns),
        }
    }
}

impl From<Offered> for AvailableArchive {
    fn from(archive: Offered) -> Self {
        Self {
            pin: archive.pin,
            installation_id: archive.installation_id.to_string(),
            device_name: archive.device_name,
            exported_at_ns: value::ns(archive.exported_at_ns),
            since_ns: archive.since_ns.map(value::ns),
            // One that we asked for is a transfer from the beginning.
            asked_for: false,
        }
    }
}

impl From<Newcomer> for NewDevice {
    fn from(device: Newcomer) -> Self {
        Self {
            installation_id: device.installation_id.to_string(),
            name: device.name,
            first_seen_ns: value::ns(device.first_seen_ns),
        }
    }
}

impl From<Overview> for HistoryOverview {
    fn from(overview: Overview) -> Self {
        Self {
            transfers: overview.transfers.into_iter().map(Into::into).collect(),
            archives: overview.archives.into_iter().map(Into::into).collect(),
            new_devices: overview.new_devices.into_iter().map(Into::into).collect(),
        }
    }
}

fn ids(texts: Option<Vec<String>>) -> Result<Option<Vec<Vec<u8>>>, ApiError> {
    let read = |texts: Vec<String>| texts.iter().map(|text| value::bytes(text)).collect();
    texts.map(read).transpose()
}

impl Api {
    /// Everything about history between our installations.
    ///
    /// # Errors
    /// The database's.
    pub async fn history_overview(&self, _: Nothing) -> Result<HistoryOverview, ApiError> {
        Ok(self.client().await?.history().await?.into())
    }

    /// Asks our other installations for history.
    ///
    /// # Errors
    /// `no_other_device`, `no_file_server`, `installation_revoked`, the network's.
    pub async fn history_request(
        &self,
        args: HistoryRequestArgs,
    ) -> Result<HistoryOverview, ApiError> {
        let wish = HistoryWish {
            since_ns: args.since_ns.as_deref().map(value::read_ns).transpose()?,
            consent: args.consent,
            attachments: args.attachments,
            conversation_ids: ids(args.conversation_ids)?,
        };
        let client = self.client().await?;
        Ok(client.request_history(wish).await?.into())
    }

    /// Says yes or no to an installation of ours that asks for history.
    ///
    /// # Errors
    /// `unknown_history`, `history_not_now`, `history_server`, `history_claimed`,
    /// `history_peer_revoked`, the network's.
    pub async fn history_answer(
        &self,
        args: HistoryAnswerArgs,
    ) -> Result<HistoryOverview, ApiError> {
        let client = self.client().await?;
        if args.answer == HistoryAnswer::Refuse {
            return Ok(client.refuse_history(&args.pin).await?.into());
        }
        let grant = HistoryGrant {
            since_ns: args.since_ns.as_deref().map(value::read_ns).transpose()?,
            attachments: args.attachments,
            conversation_ids: ids(args.conversation_ids)?,
            host_allowed: args.host_allowed,
        };
        let begun = client.allow_history(&args.pin, grant).await?;
        self.carry(&client, begun).await
    }

    /// Fetches an archive that lies ready and takes it in, or goes on with a transfer that was
    /// stopped or has failed.
    ///
    /// # Errors
    /// `unknown_history`, `history_not_now`, `history_server`.
    pub async fn history_take(&self, args: HistoryTakeArgs) -> Result<HistoryOverview, ApiError> {
        let client = self.client().await?;
        let begun = client.take_history(&args.pin, args.host_allowed).await?;
        self.carry(&client, begun).await
    }

    /// Where there is background work it goes on there; else it is done now.
    async fn carry(&self, client: &Client, begun: Overview) -> Result<HistoryOverview, ApiError> {
        if self.is_live().await {
            return Ok(begun.into());
        }
        client.carry_history().await?;
        Ok(client.history().await?.into())
    }

    /// Stops a transfer; what is there stays.
    ///
    /// # Errors
    /// `unknown_history`, `history_not_now`.
    pub async fn history_pause(&self, args: HistoryArgs) -> Result<HistoryOverview, ApiError> {
        let client = self.client().await?;
        Ok(client.pause_history(&args.pin).await?.into())
    }

    /// Gives a transfer up, or an archive that nobody asked for.
    ///
    /// # Errors
    /// `unknown_history`, `history_not_now`.
    pub async fn history_cancel(&self, args: HistoryArgs) -> Result<HistoryOverview, ApiError> {
        let client = self.client().await?;
        Ok(client.cancel_history(&args.pin).await?.into())
    }

    /// The person has seen that an installation is new.
    ///
    /// # Errors
    /// `invalid_id`, the database's.
    pub async fn new_device_seen(&self, args: NewDeviceArgs) -> Result<HistoryOverview, ApiError> {
        let bytes = value::bytes(&args.installation_id)?;
        let id: [u8; 32] = bytes
            .try_into()
            .map_err(|_| ApiError::arguments("This is no id of an installation."))?;
        let client = self.client().await?;
        client.new_device_seen(InstallationId::new(id)).await?;
        Ok(client.history().await?.into())
    }
}
