//! Files in messages.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use conclave_engine::{
    AttachmentState, AttachmentView, Media as Shown, PreparedAttachment as Prepared,
    TransferAction as Action,
};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        AllowHostArgs, Attachment, AttachmentPrepareArgs, AttachmentReadArgs, AttachmentSaveArgs,
        AttachmentSource, AttachmentTransferArgs, Media, Message, Nothing, PreparedArgs,
        PreparedAttachment, Saved, Thumbnail, TransferAction, TransferState,
    },
    value,
};

/// Bytes of base64 that a file may be given in: those of the largest file.
const BASE64_BYTES: usize = 100 * 1024 * 1024 / 3 * 4 + 8;

impl From<AttachmentState> for TransferState {
    fn from(state: AttachmentState) -> Self {
        match state {
            // What is prepared is part of no message.
            AttachmentState::Prepared | AttachmentState::Waiting => Self::Waiting,
            AttachmentState::Transferring => Self::Transferring,
            AttachmentState::Paused => Self::Paused,
            AttachmentState::Failed => Self::Failed,
            AttachmentState::Refused => Self::Refused,
            AttachmentState::Offered => Self::Offered,
            AttachmentState::Stored => Self::Stored,
        }
    }
}

fn thumbnail(pixels: Option<(u32, u32)>) -> Option<Thumbnail> {
    pixels.map(|(width, height)| Thumbnail { width, height })
}

/// The files of a message as shells see them.
pub(crate) fn items(views: Vec<AttachmentView>) -> Vec<Attachment> {
    let items = (0..).zip(views).map(|(index, view)| Attachment {
        index,
        source: if view.is_inline {
            AttachmentSource::Inline
        } else {
            AttachmentSource::Remote
        },
        name: view.name,
        media_type: view.media_type,
        size: view.size,
        host: view.host,
        state: view.state.into(),
        done_bytes: view.done_bytes,
        total_bytes: view.total_bytes,
        failure: view.failure,
        thumbnail: thumbnail(view.thumbnail),
    });
    items.collect()
}

impl From<Prepared> for PreparedAttachment {
    fn from(prepared: Prepared) -> Self {
        Self {
            id: prepared.id.to_string(),
            name: prepared.name,
            media_type: prepared.media_type,
            size: prepared.size,
            thumbnail: thumbnail(prepared.thumbnail),
        }
    }
}

impl From<Shown> for Media {
    fn from(shown: Shown) -> Self {
        Self {
            media_type: shown.media_type,
            base64: STANDARD.encode(shown.bytes),
        }
    }
}

impl From<TransferAction> for Action {
    fn from(action: TransferAction) -> Self {
        match action {
            TransferAction::Start | TransferAction::Resume => Self::Start,
            TransferAction::Pause => Self::Pause,
            TransferAction::Cancel => Self::Cancel,
        }
    }
}

/// The id of a prepared file.
pub(crate) fn prepared_id(text: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::arguments("This is no id of a prepared file."))
}

fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Api {
    /// Copies a file into the encrypted database, so that it can be sent.
    ///
    /// # Errors
    /// `unknown_conversation`, `file_unreadable`, `attachment_too_large`.
    pub async fn attachment_prepare(
        &self,
        args: AttachmentPrepareArgs,
    ) -> Result<PreparedAttachment, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        let prepared = match (args.path, args.name, args.base64) {
            (Some(path), None, None) => client.prepare_file(&id, Path::new(&path)).await?,
            (None, Some(name), Some(base64)) if base64.len() <= BASE64_BYTES => {
                let decoded = STANDARD.decode(base64);
                let bytes = decoded.map_err(|_| ApiError::arguments("This is no base64."))?;
                client
                    .prepare_attachment(&id, &name, args.media_type, bytes)
                    .await?
            }
            (None, Some(_), Some(_)) => {
                return Err(ApiError::new(
                    "attachment_too_large",
                    "A file may have 100 MiB. Share a part of it, or put it somewhere else.",
                ));
            }
            _ => return Err(ApiError::arguments("Give a path, or a name and base64.")),
        };
        Ok(prepared.into())
    }

    /// Forgets a prepared file.
    ///
    /// # Errors
    /// The database's.
    pub async fn attachment_discard(&self, args: PreparedArgs) -> Result<Nothing, ApiError> {
        let id = prepared_id(&args.id)?;
        self.client().await?.discard_attachment(id).await?;
        Ok(Nothing {})
    }

    /// The small picture of a prepared file.
    ///
    /// # Errors
    /// `unknown_attachment` for one without.
    pub async fn prepared_read(&self, args: PreparedArgs) -> Result<Media, ApiError> {
        let id = prepared_id(&args.id)?;
        Ok(self.client().await?.read_prepared(id).await?.into())
    }

    /// Begins, stops or gives up fetching or sending a file.
    ///
    /// # Errors
    /// `unknown_message`, `unknown_attachment`.
    pub async fn attachment_transfer(
        &self,
        args: AttachmentTransferArgs,
    ) -> Result<Message, ApiError> {
        let id = value::bytes(&args.message_id)?;
        let client = self.client().await?;
        let message = client
            .transfer_attachment(&id, place(args.index), args.action.into())
            .await?;
        crate::message::one(&client, message).await
    }

    /// A picture or text of a message that is here, to show it.
    ///
    /// # Errors
    /// `unknown_attachment` for one that is not here, `image_refused` for what is not shown.
    pub async fn attachment_read(&self, args: AttachmentReadArgs) -> Result<Media, ApiError> {
        let id = value::bytes(&args.message_id)?;
        let client = self.client().await?;
        let shown = client
            .read_attachment(&id, place(args.index), args.thumbnail)
            .await?;
        Ok(shown.into())
    }

    /// Writes a file of a message to the disk.
    ///
    /// # Errors
    /// `unknown_attachment` for one that is not here, `file_unwritable`.
    pub async fn attachment_save(&self, args: AttachmentSaveArgs) -> Result<Saved, ApiError> {
        let id = value::bytes(&args.message_id)?;
        let client = self.client().await?;
        let path = client
            .save_attachment(&id, place(args.index), Path::new(&args.path))
            .await?;
        Ok(Saved {
            path: path.to_string_lossy().into_owned(),
        })
    }

    /// Allows fetching files from a host on a private network or without TLS, or no longer.
    ///
    /// # Errors
    /// The database's.
    pub async fn attachment_allow_host(&self, args: AllowHostArgs) -> Result<Nothing, ApiError> {
        let client = self.client().await?;
        client.allow_host(&args.host, args.is_allowed).await?;
        Ok(Nothing {})
    }
}

impl Api {
    /// Carries out what is to be sent and what is to be fetched of a message, for shells without
    /// background work.
    ///
    /// # Errors
    /// `invalid_id`, the database's.
    pub async fn transfers_carry(&self, message_id: &str) -> Result<(), ApiError> {
        let id = value::bytes(message_id)?;
        Ok(self.client().await?.carry_transfers(Some(&id)).await?)
    }
}
