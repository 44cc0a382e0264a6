//! Showing and saving files that are here.

use std::path::Path;

use conclave_content::{Attachment, Body, Origin};
use conclave_store::{StoreError, attachment::Attachment as Stored, kinds::AttachmentState};
use tempfile::NamedTempFile;

use crate::{
    attachments::{bytes, inline_file},
    client::Client,
    error::EngineError,
    picture::{Picture, PictureRefused, Thumbnail},
};

/// Bytes of a text that is shown.
const TEXT_BYTES: usize = 1024 * 1024;
/// Bytes of a picture that is shown.
const PICTURE_BYTES: i64 = 32 * 1024 * 1024;

/// A file to show.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is by its bytes: a picture or `text/plain`.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Where a file is.
enum Place {
    Inline(Attachment),
    Stored(Stored),
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media")
            .field("media_type", &self.media_type)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Client {
    /// A file of a message to show it: a picture, or a text. `is_thumbnail`: its small picture.
    ///
    /// # Errors
    /// [`EngineError::UnknownAttachment`] for one that is not here, [`EngineError::Picture`] for
    /// what is not shown.
    pub async fn read_attachment(
        &self,
        message_id: &[u8],
        position: usize,
        is_thumbnail: bool,
    ) -> Result<Media, EngineError> {
        let (_, stored) = self.file(message_id, position).await?;
        let file = match stored {
            Place::Inline(file) => file.bytes,
            Place::Stored(stored) if is_thumbnail => {
                return self.thumbnail(stored.id).await;
            }
            Place::Stored(stored) => {
                if stored.size.is_none_or(|size| size > PICTURE_BYTES) {
                    return Err(PictureRefused::Bytes(bytes(PICTURE_BYTES) >> 20).into());
                }
                self.bytes_of(stored.id).await?
            }
        };
        // Decoding takes memory by the size of the picture.
        let turn = self.0.transfers.large().await;
        let media = tokio::task::spawn_blocking(move || media(file, is_thumbnail));
        let media = media.await.map_err(|_| StoreError::Panicked)?;
        drop(turn);
        media
    }

    pub(crate) async fn thumbnail(&self, id: i64) -> Result<Media, EngineError> {
        let read = self
            .0
            .store
            .read(move |reader| reader.attachment_thumbnail(id))
            .await?;
        let bytes = read.ok_or(EngineError::UnknownAttachment)?;
        let media_type = Picture::look(&bytes)?.media_type.to_owned();
        Ok(Media { media_type, bytes })
    }

    async fn bytes_of(&self, id: i64) -> Result<Vec<u8>, EngineError> {
        let read = self.0.store.read(move |reader| reader.attachment_bytes(id));
        Ok(read.await?)
    }

    /// Writes a file of a message to the disk: to `path`, or under its own name into the folder
    /// `path`, where a name that is taken gets a number. Returns where it is.
    ///
    /// # Errors
    /// [`EngineError::UnknownAttachment`] for one that is not here, and `file_unwritable`.
    pub async fn save_attachment(
        &self,
        message_id: &[u8],
        position: usize,
        path: &Path,
    ) -> Result<std::path::PathBuf, EngineError> {
        let (name, place) = self.file(message_id, position).await?;
        let file = match place {
            Place::Inline(file) => file.bytes,
            Place::Stored(stored) => self.bytes_of(stored.id).await?,
        };
        let path = path.to_owned();
        let write = tokio::task::spawn_blocking(move || write_file(&path, &name, &file));
        write.await.map_err(|_| StoreError::Panicked)?
    }

    /// A file that is here, and its safe name.
    async fn file(
        &self,
        message_id: &[u8],
        position: usize,
    ) -> Result<(String, Place), EngineError> {
        let id = message_id.to_vec();
        self.0
            .store
            .read(move |reader| {
                let message = reader.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                let (_, body) = Body::decode(&message.content, Origin::Member);
                if let (Some(file), 0) = (inline_file(&body), position) {
                    return Ok((file.safe_name(), Place::Inline(file.clone())));
                }
                // Of an upload the file is here all the time.
                let stored = reader
                    .attachment_at(&id, position)?
                    .filter(|stored| stored.is_own || stored.state == AttachmentState::Stored);
                let stored = stored.ok_or(EngineError::UnknownAttachment)?;
                Ok((stored.name.clone(), Place::Stored(stored)))
            })
            .await
    }
}

/// What may be shown of a file.
fn media(file: Vec<u8>, is_thumbnail: bool) -> Result<Media, EngineError> {
    if is_thumbnail {
        let thumbnail = Thumbnail::of(&file)?;
        return Ok(Media {
            media_type: thumbnail.media_type().to_owned(),
            bytes: thumbnail.into_bytes(),
        });
    }
    let media_type = match Picture::look(&file) {
        Ok(picture) => picture.media_type,
        Err(PictureRefused::Format)
            if file.len() <= TEXT_BYTES
                && std::str::from_utf8(&file).is_ok_and(|text| !text.contains('\0')) =>
        {
            "text/plain"
        }
        Err(refused) => return Err(refused.into()),
    };
    Ok(Media {
        media_type: media_type.to_owned(),
        bytes: file,
    })
}

/// A file that may become the one at `path`: on the same disk, and gone again until then.
pub(crate) fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
}

fn write_file(path: &Path, name: &str, file: &[u8]) -> Result<std::path::PathBuf, EngineError> {
    use std::io::Write as _;
    let unwritable = |error: std::io::Error| EngineError::FileUnwritable(error.to_string());
    let is_folder = path.is_dir();
    let begun = if is_folder {
        NamedTempFile::new_in(path)
    } else {
        beside(path)
    };
    let mut written = begun.map_err(unwritable)?;
    written.write_all(file).map_err(unwritable)?;
    if !is_folder {
        written
            .persist(path)
            .map_err(|error| unwritable(error.error))?;
        return Ok(path.to_owned());
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (name, String::new()),
    };
    for number in 1..1000 {
        let target = match number {
            1 => path.join(name),
            _ => path.join(format!("{stem} ({number}){ending}")),
        };
        match written.persist_noclobber(&target) {
            Ok(_) => return Ok(target),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                written = error.file;
            }
            Err(error) => return Err(unwritable(error.error)),
        }
    }
    Err(EngineError::FileUnwritable(
        "too many files of this name".to_owned(),
    ))
}
