//! Files that are about to be sent: copied into the encrypted database, with a small picture.

use std::path::Path;

use conclave_content::{
    Attachment, AttachmentKeys, MAX_REMOTE_BYTES, attachment_digest, safe_file_name,
};
use conclave_store::{
    StoreError, Tx,
    attachment::{CHUNK_BYTES, NewAttachment, StoredThumbnail},
    kinds::AttachmentState,
};
use zeroize::Zeroizing;

use crate::{
    client::{Client, Core},
    error::EngineError,
    picture::{Picture, Thumbnail},
    saving::Media,
};

/// Chunks that are written in one transaction, so that others have their turn.
const CHUNKS_AT_ONCE: usize = 16;
/// A file that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedAttachment {
    /// Names it when it is sent.
    pub id: i64,
    /// Its name, made safe.
    pub name: String,
    /// What it is: by its bytes if it is a picture, else by whoever gave it.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Pixels of its small picture.
    pub thumbnail: Option<(u32, u32)>,
}

/// A file that was encrypted to learn its digest and length.
struct Ready {
    name: String,
    media_type: String,
    keys: Zeroizing<[u8; 76]>,
    digest: String,
    sealed_bytes: i64,
    thumbnail: Option<Thumbnail>,
    bytes: Vec<u8>,
}

fn ready(name: &str, media_type: Option<&str>, bytes: Vec<u8>) -> Result<Ready, EngineError> {
    let picture = Picture::look(&bytes).ok();
    let media_type = match (&picture, media_type) {
        (Some(picture), _) => picture.media_type,
        (None, Some(given)) if !given.is_empty() && given.is_ascii() => given,
        (None, _) => "application/octet-stream",
    };
    let mut file = Attachment {
        name: Some(safe_file_name(name)),
        media_type: media_type.to_owned(),
        bytes,
    };
    let keys = Zeroizing::new(rand::random::<[u8; 76]>());
    let sealed = file.seal(&AttachmentKeys::new(*keys))?;
    let thumbnail = picture.and_then(|_| Thumbnail::of(&file.bytes).ok());
    Ok(Ready {
        name: file.safe_name(),
        media_type: media_type.to_owned(),
        digest: attachment_digest(&sealed),
        sealed_bytes: i64::try_from(sealed.len()).unwrap_or(i64::MAX),
        keys,
        thumbnail,
        bytes: std::mem::take(&mut file.bytes),
    })
}

impl Core {
    /// Writes the bytes of a file some chunks at a time; `append` stores one.
    pub(crate) async fn write_chunks(
        &self,
        id: i64,
        file: Vec<u8>,
        append: fn(&Tx, i64, i64, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), EngineError> {
        let mut number = 0;
        for part in file.chunks(CHUNK_BYTES * CHUNKS_AT_ONCE) {
            let part = part.to_vec();
            number = self
                .store
                .write(move |tx| {
                    let mut number = number;
                    for chunk in part.chunks(CHUNK_BYTES) {
                        append(tx, id, number, chunk)?;
                        number += 1;
                    }
                    Ok::<_, EngineError>(number)
                })
                .await?;
        }
        Ok(())
    }
}

impl Client {
    /// Copies a file into the database, so that it can be sent. `media_type`: what it is by
    /// whoever gives it; a picture is known by its bytes.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], and `attachment_too_large`.
    pub async fn prepare_attachment(
        &self,
        conversation_id: &[u8],
        name: &str,
        media_type: Option<String>,
        bytes: Vec<u8>,
    ) -> Result<PreparedAttachment, EngineError> {
        self.conversation(conversation_id).await?;
        let core = &self.0;
        // One at a time, because each takes as much memory as the largest file several times.
        let turn = core.transfers.large().await;
        let given = name.to_owned();
        let ready =
            tokio::task::spawn_blocking(move || ready(&given, media_type.as_deref(), bytes));
        let ready = ready.await.map_err(|_| StoreError::Panicked)??;
        let size = ready.bytes.len() as u64;
        let prepared = PreparedAttachment {
            id: 0,
            name: ready.name.clone(),
            media_type: ready.media_type.clone(),
            size,
            thumbnail: ready.thumbnail.as_ref().map(Thumbnail::pixels),
        };
        let (group_id, now_ns) = (conversation_id.to_vec(), core.clock.now_ns());
        let Ready {
            name,
            media_type,
            keys,
            digest,
            sealed_bytes,
            thumbnail,
            bytes,
        } = ready;
        let id = core
            .store
            .write(move |tx| {
                let id = tx.insert_attachment(&NewAttachment {
                    conversation_id: &group_id,
                    message_id: None,
                    position: 0,
                    is_own: true,
                    name: &name,
                    media_type: Some(&media_type),
                    size: i64::try_from(size).ok(),
                    state: AttachmentState::Prepared,
                    failure: None,
                    done_bytes: 0,
                    total_bytes: Some(sealed_bytes),
                    keys: Some(keys.as_slice()),
                    digest: Some(&digest),
                    created_at_ns: now_ns,
                })?;
                if let Some(thumbnail) = thumbnail {
                    tx.set_thumbnail(id, &thumbnail.into())?;
                }
                Ok::<_, EngineError>(id)
            })
            .await?;
        core.write_chunks(id, bytes, Tx::append_chunk).await?;
        drop(turn);
        Ok(PreparedAttachment { id, ..prepared })
    }

    /// As [`Client::prepare_attachment`], of a file on the disk.
    ///
    /// # Errors
    /// As there, and [`EngineError::File`] with `file_unreadable` for one that can't be read.
    pub async fn prepare_file(
        &self,
        conversation_id: &[u8],
        path: &Path,
    ) -> Result<PreparedAttachment, EngineError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || read_file(&path));
        let bytes = read.await.map_err(|_| StoreError::Panicked)??;
        self.prepare_attachment(conversation_id, &name, None, bytes)
            .await
    }

    /// Forgets a prepared file.
    ///
    /// # Errors
    /// The store's. One that is gone, or was sent, is left alone.
    pub async fn discard_attachment(&self, id: i64) -> Result<(), EngineError> {
        self.0
            .store
            .write(move |tx| {
                let found = tx.attachment(id)?;
                if found.is_some_and(|found| found.state == AttachmentState::Prepared) {
                    tx.delete_attachment(id)?;
                }
                Ok(())
            })
            .await
    }

    /// The small picture of a prepared file.
    ///
    /// # Errors
    /// As [`Client::read_attachment`].
    pub async fn read_prepared(&self, id: i64) -> Result<Media, EngineError> {
        self.thumbnail(id).await
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, EngineError> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(EngineError::unreadable)?;
    let about = file.metadata().map_err(EngineError::unreadable)?;
    if !about.is_file() {
        return Err(EngineError::FileUnreadable("it is no file".to_owned()));
    }
    // One more, so that a file that grows meanwhile is noticed.
    let mut bytes = Vec::new();
    file.take(MAX_REMOTE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(EngineError::unreadable)?;
    Ok(bytes)
}

impl From<Thumbnail> for StoredThumbnail {
    fn from(thumbnail: Thumbnail) -> Self {
        let (width, height) = thumbnail.pixels();
        Self {
            width: i32::try_from(width).unwrap_or_default(),
            height: i32::try_from(height).unwrap_or_default(),
            bytes: thumbnail.into_bytes(),
        }
    }
}
