//! Archives as files for people.

use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use conclave_content::archive::{ArchiveKey, Element, LOCK_RANDOM_BYTES, Work, lock};
use conclave_store::{StoreError, archive::ArchiveScope};
use rand::RngCore as _;
use zeroize::Zeroizing;

use super::{
    export::{Contents, Counts, Export},
    import::{ArchiveSummary, Import, Imported},
    new_key,
    source::Source,
};
use crate::{
    client::{Client, Core},
    error::EngineError,
    event::{Changes, Operation},
    operations::Running,
    saving::beside,
};

/// Shortest passphrase, in characters: whoever has the file can try as many as they like.
const MIN_PASSPHRASE_CHARS: usize = 8;
/// Elements taken in in one transaction.
const BATCH_ELEMENTS: usize = 500;
/// Bytes of messages after which a batch ends early.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Pause between telling which conversations changed.
const TOLD_EACH: Duration = Duration::from_secs(1);
/// Messages put into the search index before others have their turn.
const INDEXED_AT_ONCE: i64 = 2000;

/// What is to open an archive that is written.
#[derive(Debug, Clone)]
pub enum Protection {
    /// A passphrase of the person, at least 8 characters. Only we read such a file.
    Passphrase(Zeroizing<String>),
    /// A key that the person keeps. Official clients read such a file; messages that they stumble
    /// over are left out.
    PrintedKey,
}

/// What opens an archive that is read.
#[derive(Clone)]
pub enum ArchiveSecret {
    /// The passphrase it was written with.
    Passphrase(Zeroizing<String>),
    /// Its key.
    Key(ArchiveKey),
}

impl std::fmt::Debug for ArchiveSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArchiveSecret(..)")
    }
}

/// An archive that was written.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Groups and direct messages.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Decisions about people and conversations.
    pub consents: u64,
    /// Messages left out because official clients stumble over their size.
    pub left_out: u64,
    /// The key, for [`Protection::PrintedKey`]. It is nowhere else.
    pub key: Option<ArchiveKey>,
}

impl Client {
    /// Writes an archive into a new file. The file is there as a whole or not at all.
    ///
    /// # Errors
    /// [`EngineError::WeakPassphrase`]; [`EngineError::FileUnwritable`], also where there is a file
    /// already; `disk_full`; [`EngineError::Cancelled`].
    pub async fn export_archive(
        &self,
        path: &Path,
        protection: Protection,
        scope: ArchiveScope,
        operation_id: Option<String>,
    ) -> Result<Exported, EngineError> {
        if let Protection::Passphrase(passphrase) = &protection
            && passphrase.chars().count() < MIN_PASSPHRASE_CHARS
        {
            return Err(EngineError::WeakPassphrase(MIN_PASSPHRASE_CHARS));
        }
        let (core, path) = (Arc::clone(&self.0), path.to_owned());
        self.0
            .store
            .read(move |reader| {
                let running = core.begin(Operation::ExportArchive, operation_id);
                let mut file = NewFile::beside(&path)?;
                let key = new_key();
                let is_foreign = matches!(protection, Protection::PrintedKey);
                if let Protection::Passphrase(passphrase) = &protection {
                    let mut random = [0; LOCK_RANDOM_BYTES];
                    rand::rng().fill_bytes(&mut random);
                    file.write(&lock(&key, passphrase, random, Work::CURRENT)?)?;
                }
                let mut export = Export {
                    reader,
                    own_inbox_id: &core.account.inbox_id,
                    now_ns: core.clock.now_ns(),
                    scope: &scope,
                    contents: Contents {
                        messages: true,
                        consent: true,
                        files: false,
                    },
                    sink: &mut |bytes| file.write(&bytes),
                    told: &mut |done, total, _| {
                        running.go_on()?;
                        let count = |rows: i64| usize::try_from(rows).unwrap_or_default();
                        running.tell(None, count(done), count(total));
                        Ok(())
                    },
                };
                let counts = export.run(&key, is_foreign)?;
                file.keep(path, counts, Some(key).filter(|_| is_foreign))
            })
            .await
    }

    /// Looks through an archive and takes nothing in.
    ///
    /// # Errors
    /// [`EngineError::FileUnreadable`], [`EngineError::Archive`], [`EngineError::ArchiveSecret`],
    /// [`EngineError::ForeignArchive`], [`EngineError::Cancelled`].
    pub async fn inspect_archive(
        &self,
        path: &Path,
        secret: ArchiveSecret,
        operation_id: Option<String>,
    ) -> Result<ArchiveSummary, EngineError> {
        let running = self.0.begin(Operation::ImportArchive, operation_id);
        let archive = Archive::of_person(path, &secret);
        let told = Told { running, passes: 1 };
        look_through(&self.0, &told, &archive).await
    }

    /// Takes an archive in, once it was looked through to its end. What is here already stays as it
    /// is, so the same again changes nothing.
    ///
    /// # Errors
    /// Those of [`Client::inspect_archive`], and then nothing was taken in, but for
    /// [`EngineError::Cancelled`]; `disk_full` and others of the database. What was taken in before
    /// stays, and doing the same again completes it.
    pub async fn import_archive(
        &self,
        path: &Path,
        secret: ArchiveSecret,
        operation_id: Option<String>,
    ) -> Result<Imported, EngineError> {
        let core = &self.0;
        let running = core.begin(Operation::ImportArchive, operation_id);
        let archive = Archive::of_person(path, &secret);
        let told = Told { running, passes: 2 };
        look_through(core, &told, &archive).await?;
        take_in(core, &told, &archive).await
    }
}

/// An archive in a file.
pub(crate) struct Archive<'a> {
    pub(crate) path: &'a Path,
    pub(crate) secret: &'a ArchiveSecret,
    /// Whether one of the first clients is read, which only a person may choose.
    pub(crate) may_be_legacy: bool,
}

impl<'a> Archive<'a> {
    fn of_person(path: &'a Path, secret: &'a ArchiveSecret) -> Self {
        Self {
            path,
            secret,
            may_be_legacy: true,
        }
    }

    async fn open(&self) -> Result<Source, EngineError> {
        let (path, secret) = (self.path.to_owned(), self.secret.clone());
        let may_be_legacy = self.may_be_legacy;
        // The passphrase is tried with work that takes a second.
        let opened =
            tokio::task::spawn_blocking(move || Source::open(&path, &secret, may_be_legacy));
        opened.await.map_err(|_| StoreError::Panicked)?
    }
}

/// Watches an archive being read, and may stop it.
pub(crate) trait Watch: Sync {
    /// # Errors
    /// [`EngineError::Cancelled`].
    fn go_on(&self) -> Result<(), EngineError>;
    /// So many bytes, and in all, were looked through.
    fn looked(&self, done: usize, total: usize);
    /// So many bytes, and in all, were taken in, and this came of it.
    fn took(&self, done: usize, total: usize, so_far: &Imported);
}

/// Tells it as a long operation; `passes`: how often the file is read in all.
struct Told<'a> {
    running: Running<'a>,
    passes: usize,
}

impl Watch for Told<'_> {
    fn go_on(&self) -> Result<(), EngineError> {
        self.running.go_on()
    }

    fn looked(&self, done: usize, total: usize) {
        let total = total.saturating_mul(self.passes);
        self.running.tell(None, done, total);
    }

    fn took(&self, done: usize, total: usize, _: &Imported) {
        let done = total.saturating_add(done);
        self.running.tell(None, done, total.saturating_mul(2));
    }
}

/// Takes a file in that was looked through.
pub(crate) async fn take_in(
    core: &Core,
    watch: &dyn Watch,
    archive: &Archive<'_>,
) -> Result<Imported, EngineError> {
    let mut untold = Changes::default();
    let taken = take_in_batches(core, watch, archive, &mut untold).await;
    core.events.send_changes(untold);
    let done = taken?;
    // No message of it is told, so nobody else would begin with this.
    while !core.index_messages(INDEXED_AT_ONCE).await? {
        tokio::task::yield_now().await;
    }
    Ok(done)
}

/// Takes a file in. `untold`: what nobody was told yet. Conversations are told now and then only:
/// each would be, with every batch.
async fn take_in_batches(
    core: &Core,
    watch: &dyn Watch,
    archive: &Archive<'_>,
    untold: &mut Changes,
) -> Result<Imported, EngineError> {
    let mut source = archive.open().await?;
    let mut import = Import::new(core.account.inbox_id.clone(), core.clock.now_ns());
    let mut told_at = Instant::now();
    loop {
        watch.go_on()?;
        let (rest, batch) = next_batch(source).await?;
        source = rest;
        if batch.is_empty() {
            break;
        }
        let (rest, changes) = core
            .store
            .write(move |tx| {
                let changes = import.apply(tx, batch)?;
                Ok::<_, EngineError>((import, changes))
            })
            .await?;
        import = rest;
        core.note_work(&changes);
        let is_due = changes.has_new_conversations() || told_at.elapsed() >= TOLD_EACH;
        untold.merge(changes);
        if is_due {
            core.events.send_changes(std::mem::take(untold));
            told_at = Instant::now();
        }
        let (done, total) = source.progress();
        watch.took(done, total, &import.done);
    }
    let totals = source.finish()?;
    import.done.skipped += totals.skipped;
    Ok(import.done)
}

/// Reads a file to its end.
pub(crate) async fn look_through(
    core: &Core,
    watch: &dyn Watch,
    archive: &Archive<'_>,
) -> Result<ArchiveSummary, EngineError> {
    let own = &core.account.inbox_id;
    let mut source = archive.open().await?;
    let mut summary = ArchiveSummary::default();
    loop {
        watch.go_on()?;
        let (rest, batch) = next_batch(source).await?;
        source = rest;
        if batch.is_empty() {
            break;
        }
        for element in &batch {
            summary.add(element, own)?;
        }
        let (done, total) = source.progress();
        watch.looked(done, total);
    }
    summary.end(source.finish()?, own)?;
    Ok(summary)
}

/// The next elements; none at the end.
async fn next_batch(mut source: Source) -> Result<(Source, Vec<Element>), EngineError> {
    let read = tokio::task::spawn_blocking(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_ELEMENTS && bytes < BATCH_BYTES {
            let Some(element) = source.next()? else {
                break;
            };
            bytes += match &element {
                Element::Message(message) => message.content.len(),
                Element::Piece(piece) => piece.bytes.len(),
                _ => 0,
            };
            batch.push(element);
        }
        Ok((source, batch))
    });
    read.await.map_err(|_| StoreError::Panicked)?
}

/// A file that is being written; it is gone again unless it is kept.
struct NewFile {
    file: tempfile::NamedTempFile,
    bytes: u64,
}

impl NewFile {
    /// Begins a file that will be at `path`.
    fn beside(path: &Path) -> Result<Self, EngineError> {
        if path.exists() {
            return Err(taken());
        }
        Ok(Self {
            file: beside(path).map_err(unwritable)?,
            bytes: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(unwritable)
    }

    /// Puts the file where it is to be, once it is on the disk.
    fn keep(
        self,
        path: PathBuf,
        counts: Counts,
        key: Option<ArchiveKey>,
    ) -> Result<Exported, EngineError> {
        self.file.as_file().sync_all().map_err(unwritable)?;
        let kept = self.file.persist_noclobber(&path);
        kept.map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => taken(),
            _ => unwritable(error.error),
        })?;
        Ok(Exported {
            path,
            bytes: self.bytes,
            conversations: counts.conversations,
            messages: counts.messages,
            consents: counts.consents,
            left_out: counts.left_out,
            key,
        })
    }
}

fn taken() -> EngineError {
    EngineError::FileUnwritable("there is a file of this name already".to_owned())
}

fn unwritable(error: std::io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull.into(),
        _ => EngineError::FileUnwritable(error.to_string()),
    }
}
