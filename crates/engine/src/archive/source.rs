//! An archive in a file.

use std::{fs::File, io::Read, path::Path};

use conclave_content::archive::{
    ArchiveError, ArchiveKey, ArchiveReader, Element, LOCK_BYTES, Totals, is_locked, unlock,
};

use super::file::ArchiveSecret;
use crate::error::EngineError;

/// Bytes read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads the elements of a file, one at a time. Blocks for as long as the disk takes.
pub(super) struct Source {
    file: File,
    reader: ArchiveReader,
    piece: Vec<u8>,
    /// How much of the piece is used.
    used: usize,
    /// Bytes of the file that were read.
    done: u64,
    total: u64,
}

impl Source {
    /// Opens a file and its key. `may_be_legacy`: see [`ArchiveReader::new`].
    ///
    /// # Errors
    /// [`EngineError::FileUnreadable`], [`EngineError::Archive`],
    /// [`EngineError::ArchiveSecret`] for a secret of the wrong kind.
    pub(super) fn open(
        path: &Path,
        secret: &ArchiveSecret,
        may_be_legacy: bool,
    ) -> Result<Self, EngineError> {
        let mut file = File::open(path).map_err(EngineError::unreadable)?;
        let total = file.metadata().map_err(EngineError::unreadable)?.len();
        let mut beginning = Vec::with_capacity(LOCK_BYTES);
        let lock_bytes = u64::try_from(LOCK_BYTES).unwrap_or(u64::MAX);
        let head = file.by_ref().take(lock_bytes).read_to_end(&mut beginning);
        head.map_err(EngineError::unreadable)?;
        let (key, piece) = match (is_locked(&beginning), secret) {
            (true, ArchiveSecret::Passphrase(passphrase)) => {
                (unlock(&beginning, passphrase)?, Vec::new())
            }
            (false, ArchiveSecret::Key(key)) => (key.clone(), beginning),
            (true, ArchiveSecret::Key(_)) => {
                return Err(EngineError::ArchiveSecret(
                    "A passphrase opens this archive, not a key. Give the passphrase it was written with.",
                ));
            }
            (false, ArchiveSecret::Passphrase(_)) => {
                // A file that is no archive at all is told as such.
                let nobodys = ArchiveKey::new([0; 32]);
                let mut piece = beginning.as_slice();
                return Err(match ArchiveReader::new(&nobodys, false).read(&mut piece) {
                    Err(ArchiveError::WrongKey) => EngineError::ArchiveSecret(
                        "A printed key opens this archive, not a passphrase. Give the key that was shown when it was written.",
                    ),
                    Err(error) => error.into(),
                    Ok(_) => EngineError::ArchiveSecret(
                        "No passphrase opens this archive. If it is one, its key was shown when it was written; give that key.",
                    ),
                });
            }
        };
        Ok(Self {
            file,
            reader: ArchiveReader::new(&key, may_be_legacy),
            done: piece.len() as u64,
            piece,
            used: 0,
            total,
        })
    }

    /// The next element; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Element>, EngineError> {
        loop {
            let mut rest = self.piece.get(self.used..).unwrap_or_default();
            let before = rest.len();
            let element = self.reader.read(&mut rest)?;
            self.used += before - rest.len();
            if element.is_some() {
                return Ok(element);
            }
            self.piece.resize(PIECE_BYTES, 0);
            let read = self
                .file
                .read(&mut self.piece)
                .map_err(EngineError::unreadable)?;
            self.piece.truncate(read);
            self.used = 0;
            self.done += read as u64;
            if read == 0 {
                return Ok(None);
            }
        }
    }

    /// There is no more.
    pub(super) fn finish(self) -> Result<Totals, EngineError> {
        Ok(self.reader.finish()?)
    }

    /// How far it is: bytes read and bytes in all.
    pub(super) fn progress(&self) -> (usize, usize) {
        let count = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        (count(self.done), count(self.total.max(self.done)))
    }
}
