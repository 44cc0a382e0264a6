//! Where an account's data is.
//!
//! A program is told a *place*, usually the platform's data folder. A person may have moved the
//! data elsewhere; then small files lead there:
//!
//! | file | in | says |
//! |---|---|---|
//! | `conclave.moving-to` | the old folder | a move to that folder has begun |
//! | `conclave.moved-to` | the old folder | the data is there; made from the first by one rename |
//! | `conclave.moving-here` | the new folder | this counts once that folder says it was left |
//! | `conclave.moved-here` | the new folder | the move is over |
//!
//! The rename is the one moment at which the place changes: before it the old folder counts and
//! what is in the new one is forgotten, after it the new one counts and what is in the old one is.

mod moving;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::database;
use crate::disk;
use crate::error::StoreError;
use crate::key::KeyError;

pub use moving::MoveStep;

/// Name of the database file in a data folder.
pub const DATABASE_FILE: &str = "conclave.db";
/// Name of the copy of its key that a passphrase opens.
const WRAPPED_KEY: &str = "conclave.key";

/// Name of the folder in a data folder in which archives on their way are kept.
pub const HISTORY_FOLDER: &str = "history";

/// What moves: the account, and the node that runs inside the app.
const DATA: [&str; 7] = [
    DATABASE_FILE,
    "conclave.db-wal",
    WRAPPED_KEY,
    HISTORY_FOLDER,
    "node.db",
    "node.db-wal",
    "node.db.files",
];
/// What programs make anew, and what a crash has left of writing a small file.
const PASSING: [&str; 8] = [
    "conclave.db-shm",
    "conclave.db.lock",
    "conclave.key.new",
    "conclave.moving-to.new",
    "conclave.moved-to.new",
    UNFINISHED_MARK,
    "node.db-shm",
    "node.db.lock",
];

const MOVING_TO: &str = "conclave.moving-to";
const MOVED_TO: &str = "conclave.moved-to";
const MOVING_HERE: &str = "conclave.moving-here";
const MOVED_HERE: &str = "conclave.moved-here";
/// [`MOVING_HERE`] while it is written.
const UNFINISHED_MARK: &str = "conclave.moving-here.new";

/// Most folders from a place to the data. A move shortens the way, so that there are hardly two.
const MAX_MOVES: usize = 16;

/// What can go wrong with a data folder, each with a stable code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The data was moved to a folder that is not there.
    #[error(
        "the data of this account was moved to {}, and it is not there now; connect the disk it is on, or put the folder back; if it is lost, delete {} to begin anew", .folder.display(), .mark.display()
    )]
    Missing {
        /// Where the data should be.
        folder: PathBuf,
        /// The file that says so.
        mark: PathBuf,
    },
    /// The data can't be moved to the folder that was named.
    #[error("the data can't be moved there: {0}; nothing was changed")]
    Refused(&'static str),
    /// There is not enough room.
    #[error(
        "there is not enough room: {needed} bytes are needed and {free} are free; nothing was changed"
    )]
    NoRoom {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The database there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keychain refused the key under its new name.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read or written.
    #[error("the data folder can't be used: {0}")]
    Io(std::io::Error),
}

impl FolderError {
    /// The stable code that user interfaces and scripts branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "data_folder_missing",
            Self::Refused(_) => "data_folder_refused",
            Self::NoRoom { .. } => "disk_full",
            Self::Store(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Io(_) => "data_folder_unusable",
        }
    }

    /// Whether the same call may succeed later without anybody doing something about the data.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::NoRoom { .. } => true,
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }
}

impl From<std::io::Error> for FolderError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull.into(),
            _ => Self::Io(error),
        }
    }
}

/// The folder that an account's data is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    place: PathBuf,
    path: PathBuf,
    unsettled: Option<Unsettled>,
}

/// What a crash in the middle of a move has left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unsettled {
    /// The folder was not left: the copy there counts for nothing.
    Abandoned(PathBuf),
    /// The folder was reached: what is still in the other one counts for nothing.
    Reached(PathBuf),
}

impl DataFolder {
    /// Finds the data of a place, which is made if there is none.
    ///
    /// # Errors
    /// [`FolderError::Missing`], [`FolderError::Io`].
    pub fn find(place: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(place)?;
        let place = place.canonicalize()?;
        let mut path = place.clone();
        for _ in 0..MAX_MOVES {
            let mark = path.join(MOVING_HERE);
            if let Some(from) = read_path(&mark)? {
                if read_path(&from.join(MOVED_TO))?.as_ref() == Some(&path) {
                    let unsettled = Some(Unsettled::Reached(from));
                    return Ok(Self {
                        place,
                        path,
                        unsettled,
                    });
                }
                if !from.is_dir() {
                    return Err(FolderError::Missing { folder: from, mark });
                }
                path = from;
                continue;
            }
            let mark = path.join(MOVED_TO);
            if let Some(to) = read_path(&mark)? {
                // A disk that is not connected leaves an empty folder in its place, or none.
                if ![MOVING_HERE, MOVED_HERE]
                    .iter()
                    .any(|name| to.join(name).is_file())
                {
                    return Err(FolderError::Missing { folder: to, mark });
                }
                path = to;
            } else {
                let unsettled = read_path(&path.join(MOVING_TO))?.map(Unsettled::Abandoned);
                return Ok(Self {
                    place,
                    path,
                    unsettled,
                });
            }
        }
        let mark = place.join(MOVED_TO);
        Err(FolderError::Missing { folder: path, mark })
    }

    /// Where the data is; absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The copy of the key that a passphrase opens, where one was set.
    #[must_use]
    pub fn wrapped_key(&self) -> PathBuf {
        self.path.join(WRAPPED_KEY)
    }

    /// Whether there is a database, so that no new key may be made.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn has_database(&self) -> Result<bool, FolderError> {
        match fs::metadata(self.database()) {
            // An empty file is a creation that was interrupted.
            Ok(metadata) => Ok(metadata.len() > 0),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Size of the data in bytes.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn bytes(&self) -> Result<u64, FolderError> {
        DATA.iter().map(|name| size(&self.path.join(name))).sum()
    }

    /// Deletes the account: its passphrase, its database and archives on their way. The data of the
    /// node stays: others may be on it.
    ///
    /// # Errors
    /// [`StoreError::AccountInUse`], [`StoreError::Io`].
    pub fn delete(&self) -> Result<(), FolderError> {
        // In this order no passphrase is ever left for a database that comes later.
        database::delete_files(&self.database(), || {
            disk::remove(&self.wrapped_key())?;
            disk::remove(&self.path.join(HISTORY_FOLDER))?;
            disk::remove(&self.path.join("conclave.key.new"))
        })?;
        Ok(())
    }
}

/// The path in a file of ours; `None` where there is no such file.
fn read_path(file: &Path) -> Result<Option<PathBuf>, FolderError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(PathBuf::from(text))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        // A file stands where a folder should.
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write_path(file: &Path, path: &Path) -> Result<(), FolderError> {
    let text = path
        .to_str()
        .ok_or(FolderError::Refused("its name is not UTF-8"))?;
    Ok(disk::replace_file(file, text.as_bytes())?)
}

/// Size of a file, or of all files in a folder; 0 where there is nothing.
fn size(path: &Path) -> Result<u64, FolderError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

#[cfg(test)]
mod tests;
