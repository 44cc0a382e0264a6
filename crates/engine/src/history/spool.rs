//! Archives on their way, as files in a folder of the data folder: encrypted, and gone once they are
//! used.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use conclave_store::{StoreError, folder::HISTORY_FOLDER};
use sha2::{Digest, Sha256};

use crate::error::EngineError;

/// Bytes hashed at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// The file of a transfer. Its name says nothing of the pin, which may be anything.
pub(super) fn path(folder: &Path, pin: &str) -> PathBuf {
    let digest = Sha256::digest(pin);
    let name = digest.get(..8).map(hex::encode).unwrap_or_default();
    folder.join(HISTORY_FOLDER).join(name)
}

/// The disk's reason, as the person is told.
pub(super) fn failed(error: std::io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull.into(),
        _ => EngineError::FileUnwritable(error.to_string()),
    }
}

fn make_folder(path: &Path) -> Result<(), EngineError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).map_err(failed)
}

/// Begins a file anew.
pub(super) fn create(path: &Path) -> Result<File, EngineError> {
    make_folder(path)?;
    File::create(path).map_err(failed)
}

/// Goes on with a file after its first `length` bytes, or as many as there are; their number.
pub(super) fn go_on(path: &Path, length: u64) -> Result<(File, u64), EngineError> {
    make_folder(path)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let here = file.metadata().map_err(failed)?.len().min(length);
    file.set_len(here).map_err(failed)?;
    file.seek(SeekFrom::Start(here)).map_err(failed)?;
    Ok((file, here))
}

/// Bytes of a file; 0 where there is none.
pub(super) fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

/// At most `bytes` bytes from a place in a file.
pub(super) fn part(path: &Path, from: u64, bytes: usize) -> Result<Vec<u8>, EngineError> {
    let mut file = File::open(path).map_err(EngineError::unreadable)?;
    file.seek(SeekFrom::Start(from))
        .map_err(EngineError::unreadable)?;
    let mut part = Vec::with_capacity(bytes);
    file.take(bytes as u64)
        .read_to_end(&mut part)
        .map_err(EngineError::unreadable)?;
    Ok(part)
}

/// SHA-256 of a file.
pub(super) fn digest(path: &Path) -> Result<[u8; 32], EngineError> {
    let mut file = File::open(path).map_err(EngineError::unreadable)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        let read = file.read(&mut piece).map_err(EngineError::unreadable)?;
        match piece.get(..read) {
            Some([]) | None => return Ok(hash.finalize().into()),
            Some(bytes) => hash.update(bytes),
        }
    }
}

/// Removes a file, if there is one.
pub(super) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "an archive that is not needed any more could not be removed");
    }
}

/// Removes the files of transfers that are over: all but `kept`.
pub(super) fn sweep(folder: &Path, kept: &[PathBuf]) {
    let Ok(entries) = std::fs::read_dir(folder.join(HISTORY_FOLDER)) else {
        return;
    };
    for entry in entries.flatten() {
        if !kept.contains(&entry.path()) {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_goes_on_where_it_stopped_and_goes_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (tea, cake) = (path(folder.path(), "tea"), path(folder.path(), "../cake"));
        assert_eq!(cake.parent(), tea.parent());
        create(&tea).unwrap().write_all(b"abcdef").unwrap();
        let (mut file, here) = go_on(&tea, 4).unwrap();
        assert_eq!(here, 4);
        file.write_all(b"xyz").unwrap();
        assert_eq!(part(&tea, 2, 4).unwrap(), b"cdxy");
        assert_eq!(length(&tea), 7);
        assert_eq!(go_on(&tea, 99).unwrap().1, 7);
        assert_eq!(
            digest(&tea).unwrap(),
            <[u8; 32]>::from(Sha256::digest(b"abcdxyz"))
        );
        assert_eq!(go_on(&cake, 99).unwrap().1, 0);
        let other = folder.path().join("conclave.db");
        std::fs::write(&other, b"keep").unwrap();
        sweep(folder.path(), std::slice::from_ref(&tea));
        assert!(tea.exists() && other.exists() && !cake.exists());
    }
}
