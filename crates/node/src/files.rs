//! Files that clients share through the node: encrypted, so the node can't look into them.
//!
//! A file is known by the SHA-256 of its bytes, where the client names it before sending (ours do:
//! an upload can go on where it stopped, and the same bytes are kept once), or by a random UUID
//! (`device-sync.md` 4.1, official clients). Everything is streamed; a file counts once it is whole,
//! verified and renamed into place. Files go after a time, and together they have a bound.

mod http;
mod range;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

pub(crate) use http::routes;

/// Between two looks for files to remove.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long a file that is not whole is kept after its last byte.
const UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);
/// What a file counts besides its bytes, so that empty ones have a bound too.
const ENTRY_BYTES: u64 = 4096;
/// Bytes that are hashed at a time.
const HASHED_AT_ONCE: usize = 256 * 1024;

/// How much the node keeps of what clients share, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesConfig {
    /// The folder; none: beside the database, and gone with it if that is temporary.
    pub folder: Option<PathBuf>,
    /// Bytes of one file at most.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// How long a file is kept.
    pub keep: Duration,
    /// The address that clients reach the HTTP listener by, if it is not the node's own host with
    /// the listener's port: behind a proxy that adds TLS, for instance.
    pub url: Option<String>,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            folder: None,
            file_bytes: 2 << 30,
            total_bytes: 10 << 30,
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            url: None,
        }
    }
}

/// What a file is known by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum FileId {
    /// SHA-256 of its bytes.
    Digest([u8; 32]),
    /// A random UUID.
    Uuid([u8; 16]),
}

impl FileId {
    fn random() -> Self {
        let mut bytes: [u8; 16] = rand::random();
        // Version 4, variant 1 (RFC 9562, 5.4).
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self::Uuid(bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() == 64 {
            let mut digest = [0; 32];
            hex::decode_to_slice(text, &mut digest).ok()?;
            return Some(Self::Digest(digest));
        }
        let parts: Vec<&str> = text.split('-').collect();
        if !parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) {
            return None;
        }
        let mut uuid = [0; 16];
        hex::decode_to_slice(parts.concat(), &mut uuid).ok()?;
        Some(Self::Uuid(uuid))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => f.write_str(&hex::encode(digest)),
            Self::Uuid(uuid) => {
                for (place, byte) in uuid.iter().enumerate() {
                    if matches!(place, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileRefused {
    /// More bytes than one file may have.
    #[error("the file is larger than this node takes")]
    TooLarge,
    /// No room is left.
    #[error("this node has no room for more files")]
    Full,
    /// Somebody sends the same file right now.
    #[error("this file is being sent already")]
    Busy,
    /// Its bytes are not those that it is named after.
    #[error("the bytes are not those of the digest")]
    Digest,
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// The files of a node.
pub(crate) struct Files {
    folder: PathBuf,
    config: FilesConfig,
    /// What the secrets are made of by which whoever sent a file can remove it.
    key: [u8; 32],
    /// Bytes of all files, unfinished ones too, and [`ENTRY_BYTES`] for each.
    used: AtomicU64,
    /// Files that are being sent; one entry per open request.
    sending: Mutex<HashSet<FileId>>,
    /// Removed when the node stops, if the files are not to be kept.
    _temporary: Option<tempfile::TempDir>,
}

impl Files {
    /// Opens the folder, making it if there is none, and removes what is too old.
    pub(crate) fn open(config: FilesConfig) -> io::Result<Arc<Self>> {
        let temporary = match &config.folder {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let folder = match (&config.folder, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => PathBuf::new(),
        };
        std::fs::create_dir_all(folder.join("unfinished"))?;
        let files = Arc::new(Self {
            key: key_of(&folder)?,
            folder,
            config,
            used: AtomicU64::new(0),
            sending: Mutex::default(),
            _temporary: temporary,
        });
        files.sweep(SystemTime::now())?;
        Ok(files)
    }

    /// Removes old files now and then until the node stops.
    pub(crate) async fn keep_swept(self: Arc<Self>, stopping: CancellationToken) {
        while stopping
            .run_until_cancelled(tokio::time::sleep(SWEEP_INTERVAL))
            .await
            .is_some()
        {
            let files = Arc::clone(&self);
            let swept = tokio::task::spawn_blocking(move || files.sweep(SystemTime::now())).await;
            if !matches!(swept, Ok(Ok(()))) {
                tracing::warn!("old files could not be removed");
            }
        }
    }

    /// Removes what is too old at `now`, and counts the rest anew.
    fn sweep(&self, now: SystemTime) -> io::Result<()> {
        let before = self.used.load(Ordering::Relaxed);
        let mut counted = 0;
        for (folder, keep) in [
            (self.folder.clone(), self.config.keep),
            (self.folder.join("unfinished"), UNFINISHED),
        ] {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let about = entry.metadata()?;
                let name = entry.file_name();
                let Some(id) = name.to_str().and_then(FileId::parse) else {
                    // Somebody else's, and the folder of the unfinished ones.
                    continue;
                };
                if is_older(&about, keep, now) && !self.is_sending(&id) {
                    std::fs::remove_file(entry.path())?;
                } else {
                    counted += about.len() + ENTRY_BYTES;
                }
            }
        }
        // What came or went meanwhile counts as well.
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                Some(used.saturating_add(counted).saturating_sub(before))
            });
        Ok(())
    }

    /// What whoever sent a file removes it by, 64 hexadecimal digits. Nothing is kept for it: it follows
    /// from the file's name and a key that only this node has.
    pub(crate) fn secret(&self, id: &FileId) -> String {
        let inner = Sha256::new()
            .chain_update(self.key)
            .chain_update(id.to_string())
            .finalize();
        let outer = Sha256::new().chain_update(self.key).chain_update(inner);
        hex::encode(outer.finalize())
    }

    /// Removes a whole file; whether there was one.
    pub(crate) async fn remove(&self, id: &FileId) -> io::Result<bool> {
        let path = self.path(id);
        let about = match tokio::fs::metadata(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            about => about?,
        };
        tokio::fs::remove_file(&path).await?;
        self.release(about.len() + ENTRY_BYTES);
        Ok(true)
    }

    fn path(&self, id: &FileId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    fn unfinished_path(&self, id: &FileId) -> PathBuf {
        self.folder.join("unfinished").join(id.to_string())
    }

    /// A whole file and its length; `None` if there is none, or it has run out.
    pub(crate) async fn find(&self, id: &FileId) -> io::Result<Option<(File, u64)>> {
        let file = match File::open(self.path(id)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let about = file.metadata().await?;
        let has_run_out = is_older(&about, self.config.keep, SystemTime::now());
        Ok((!has_run_out).then_some((file, about.len())))
    }

    /// How many bytes of a file are here that is not whole.
    pub(crate) async fn unfinished(&self, id: &FileId) -> u64 {
        match tokio::fs::metadata(self.unfinished_path(id)).await {
            Ok(about) => about.len(),
            Err(_) => 0,
        }
    }

    fn sending(&self) -> std::sync::MutexGuard<'_, HashSet<FileId>> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_sending(&self, id: &FileId) -> bool {
        self.sending().contains(id)
    }

    /// Counts bytes that are about to be written.
    fn reserve(&self, bytes: u64) -> Result<(), FileRefused> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes)
                    .filter(|used| *used <= self.config.total_bytes)
            })
            .map(|_| ())
            .map_err(|_| FileRefused::Full)
    }

    fn release(&self, bytes: u64) {
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                Some(used.saturating_sub(bytes))
            });
    }

    /// Begins to take a file, or goes on after its first `from` bytes, which have to be here.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        id: FileId,
        from: u64,
    ) -> Result<Incoming, FileRefused> {
        if !self.sending().insert(id.clone()) {
            return Err(FileRefused::Busy);
        }
        let sending = Sending {
            files: Arc::clone(self),
            id,
        };
        let path = self.unfinished_path(&sending.id);
        let here = self.unfinished(&sending.id).await;
        let exists = tokio::fs::try_exists(&path).await?;
        if from > here {
            return Err(FileRefused::Disk(io::ErrorKind::NotSeekable.into()));
        }
        if exists {
            self.release(here - from);
        } else {
            self.reserve(ENTRY_BYTES)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .await?;
        file.set_len(from).await?;
        Ok(Incoming {
            // Nobody else knows a name that was just made.
            stays: matches!(sending.id, FileId::Digest(_)),
            sending,
            path,
            file,
            length: from,
        })
    }
}

/// The key of a folder, made with it.
fn key_of(folder: &Path) -> io::Result<[u8; 32]> {
    let path = folder.join("key");
    match std::fs::read(&path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| io::Error::other("the key of the files is not 32 bytes long")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            std::fs::write(&path, key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

fn is_older(about: &std::fs::Metadata, keep: Duration, now: SystemTime) -> bool {
    // A file from the future is new.
    let age = about
        .modified()
        .map(|at| now.duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age > keep)
}

/// That a file is being sent, until dropped.
struct Sending {
    files: Arc<Files>,
    id: FileId,
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.files.sending().remove(&self.id);
    }
}

/// A file that comes in. Dropped, what came of it stays if somebody can go on with it.
pub(crate) struct Incoming {
    sending: Sending,
    path: PathBuf,
    file: File,
    length: u64,
    /// Whether what came stays.
    stays: bool,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.stays {
            if let Err(error) = std::fs::remove_file(&self.path) {
                tracing::warn!(%error, "an unfinished file could not be removed");
            }
            self.sending.files.release(self.length + ENTRY_BYTES);
        }
    }
}

impl Incoming {
    /// Bytes that are here.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) async fn write(&mut self, piece: &[u8]) -> Result<(), FileRefused> {
        let files = &self.sending.files;
        let bytes = piece.len() as u64;
        if self.length.saturating_add(bytes) > files.config.file_bytes {
            return Err(FileRefused::TooLarge);
        }
        files.reserve(bytes)?;
        // Counted first: what was written in part is removed or counted anew with the rest.
        self.length += bytes;
        Ok(self.file.write_all(piece).await?)
    }

    /// Leaves the file for later; says how much of it is here.
    pub(crate) async fn pause(mut self) -> Result<u64, FileRefused> {
        self.file.flush().await?;
        Ok(self.length)
    }

    /// Throws away what came.
    pub(crate) fn discard(mut self) {
        self.stays = false;
    }

    /// The file is whole: checks its digest if it is named after one, and lets others have it.
    pub(crate) async fn finish(mut self) -> Result<FileId, FileRefused> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        if let FileId::Digest(digest) = self.sending.id {
            let path = self.path.clone();
            let found = tokio::task::spawn_blocking(move || digest_of(&path))
                .await
                .map_err(io::Error::other)??;
            if found != digest {
                self.stays = false;
                return Err(FileRefused::Digest);
            }
        }
        let files = &self.sending.files;
        let target = files.path(&self.sending.id);
        // One that has run out and is not swept yet is replaced.
        let old = tokio::fs::metadata(&target).await;
        tokio::fs::rename(&self.path, &target).await?;
        if let Ok(old) = old {
            files.release(old.len() + ENTRY_BYTES);
        }
        self.stays = true;
        Ok(self.sending.id.clone())
    }
}

fn digest_of(path: &Path) -> io::Result<[u8; 32]> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; HASHED_AT_ONCE];
    loop {
        let read = file.read(&mut piece)?;
        match piece.get(..read) {
            Some([]) | None => return Ok(hash.finalize().into()),
            Some(bytes) => hash.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
