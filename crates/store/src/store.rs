//! The store as the engine holds it: a writer thread, reader threads and their queues.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::database::{self, Options};
use crate::error::StoreError;
use crate::key::DatabaseKey;
use crate::transaction::{Durability, Reader, Tx};

/// How many writes, and how many reads, wait at most; further callers wait for a place.
const QUEUE_LENGTH: usize = 256;

/// Most writes that share a transaction, and the time after which no further one joins it: the
/// first of them waits for the others.
const SHARED_WRITES: usize = 64;
const SHARED_TIME: Duration = Duration::from_millis(4);

/// What the writer thread is asked to do.
enum Job {
    Write(WriteJob),
    /// Something that can't be done in a transaction.
    Outside(Box<dyn FnOnce(&Tx) + Send>),
}

/// A write that waits for its transaction.
struct WriteJob {
    durability: Durability,
    run: Box<Run>,
}

/// What a write runs in.
#[derive(Clone, Copy)]
enum Scope {
    /// A transaction of its own.
    Alone,
    /// One that is open already, with other writes.
    Shared,
}

type Run = dyn FnOnce(&mut Tx, Scope) -> Answer + Send;

/// Answers the caller, once it is known whether a shared transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;
type ReadJob = Box<dyn FnOnce(&mut Reader) + Send>;

/// The encrypted database of one account. Cheap to clone. When the last clone is dropped, what was
/// queued is done and the database is closed; that drop waits for it, so async code rather calls
/// [`Store::close`]. A process should not exit before: OpenSSL, in SQLCipher, cleans up at exit,
/// and a thread still using it would crash.
#[derive(Clone)]
pub struct Store {
    threads: Arc<Threads>,
}

/// The queues, and the threads that end once the queues are gone.
struct Threads {
    // Options only so that `drop` can close the queues before it waits.
    writes: Option<mpsc::Sender<Job>>,
    reads: Option<mpsc::Sender<ReadJob>>,
    handles: Vec<JoinHandle<()>>,
    /// Its senders are with the threads.
    closed: watch::Receiver<()>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for handle in self.handles.drain(..) {
            // A closure that owns the last clone drops it on the thread it runs on.
            if handle.thread().id() != thread::current().id() && handle.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `path`, creating it if there is none, and brings an older one up to
    /// date. Blocks for as long as the disk takes. Beside it lies `<path>.lock`, locked for as
    /// long as the store is open.
    ///
    /// # Errors
    /// Each changes nothing: [`StoreError::AccountInUse`], [`StoreError::NewerVersion`],
    /// [`StoreError::WrongKey`], [`StoreError::DiskFull`], [`StoreError::Corrupt`],
    /// [`StoreError::Io`].
    pub fn open(
        path: impl AsRef<Path>,
        key: &DatabaseKey,
        options: Options,
    ) -> Result<Self, StoreError> {
        let database = database::open(path.as_ref(), key, &options)?;
        let (open, closed) = watch::channel(());
        // Released in this order when the last thread ends: the lock, then the news of it.
        let opened = Arc::new((database.lock, open));
        let (writes, mut write_jobs) = mpsc::channel::<Job>(QUEUE_LENGTH);
        let (reads, read_jobs) = mpsc::channel::<ReadJob>(QUEUE_LENGTH);
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        let mut threads = Threads {
            writes: Some(writes),
            reads: Some(reads),
            handles: Vec::with_capacity(database.readers.len() + 1),
            closed,
        };
        for connection in database.readers {
            let jobs = Arc::clone(&read_jobs);
            let opened = Arc::clone(&opened);
            let reader = thread::Builder::new().name("store-reader".to_owned());
            threads.handles.push(reader.spawn(move || {
                let mut reader = Reader::new(connection);
                loop {
                    let job = jobs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .blocking_recv();
                    let Some(job) = job else { break };
                    job(&mut reader);
                }
                drop(reader);
                drop(opened);
            })?);
        }
        let cache_bytes = options.mls_cache_bytes;
        let connection = database.writer;
        let writer = thread::Builder::new().name("store-writer".to_owned());
        threads.handles.push(writer.spawn(move || {
            let mut tx = Tx::new(connection, cache_bytes);
            let mut next = None;
            while let Some(job) = next.take().or_else(|| write_jobs.blocking_recv()) {
                match job {
                    Job::Write(job) => next = run_writes(&mut tx, job, &mut write_jobs),
                    Job::Outside(work) => work(&tx),
                }
            }
            if let Err(error) = tx.checkpoint() {
                tracing::warn!(code = error.code(), "the write-ahead log was not emptied");
            }
            drop(tx);
            drop(opened);
        })?);
        Ok(Self {
            threads: Arc::new(threads),
        })
    }

    /// Deletes the database at `path` with everything that belongs to it. That there is none is no
    /// error.
    ///
    /// # Errors
    /// [`StoreError::AccountInUse`], [`StoreError::Io`].
    pub fn delete_files(path: impl AsRef<Path>) -> Result<(), StoreError> {
        database::delete_files(path.as_ref(), || Ok(()))
    }

    /// Runs a closure in one transaction on the writer thread: committed if it returns `Ok`,
    /// rolled back if it returns `Err` or panics. Closures run one after the other, in the order
    /// of the calls. Once queued, the closure runs even if the future is dropped.
    ///
    /// Writes that wait at the same time may share a transaction. Each is still undone by itself
    /// when it fails, and none is answered before the commit.
    ///
    /// A commit survives the end of the process, however sudden. After a loss of power the newest
    /// commits may be missing, but the database is whole; see [`Store::write_durably`].
    ///
    /// # Errors
    /// The closure's own; [`StoreError::DiskFull`] and other errors of the commit, after which
    /// nothing is changed; [`StoreError::Panicked`]; [`StoreError::Closed`].
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.write_with(Durability::Process, closure).await
    }

    /// Like [`Store::write`], and waits until the disk has confirmed this and all earlier commits:
    /// for what has to be remembered before something is sent (groups.md 6.9).
    ///
    /// # Errors
    /// Those of [`Store::write`].
    pub async fn write_durably<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.write_with(Durability::Power, closure).await
    }

    async fn write_with<T, E, F>(&self, durability: Durability, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |tx: &mut Tx, scope| {
            let result = match scope {
                Scope::Shared => tx.part(closure),
                Scope::Alone => {
                    let work = AssertUnwindSafe(|| tx.transaction(durability, closure));
                    catch_unwind(work).unwrap_or_else(|_| {
                        tx.abandon();
                        Err(StoreError::Panicked.into())
                    })
                }
            };
            let told = move |committed: Result<(), StoreError>| {
                let result = result.and_then(|value| committed.map(|()| value).map_err(E::from));
                // The caller may have gone; the transaction stands either way.
                let _ = answer.send(result);
            };
            Box::new(told) as Answer
        });
        let job = WriteJob { durability, run };
        let writes = self.threads.writes.as_ref().ok_or(StoreError::Closed)?;
        writes
            .send(Job::Write(job))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Empties the write-ahead log into the database file, so that pages as they were before a
    /// deletion are on the disk no more. Answers whether it is empty: while somebody reads it can't
    /// be, and has to be asked for again.
    ///
    /// # Errors
    /// Those of the database; [`StoreError::Closed`].
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        self.outside(Tx::checkpoint).await
    }

    /// Writes the whole database anew unless it has more than `max_pages` pages of 4096 bytes.
    /// Afterwards nothing is in it but what is stored: SQLite overwrites what it deletes, but not
    /// the copies it leaves in unused parts of pages when it moves rows. Writes wait meanwhile.
    /// Answers whether it was done.
    ///
    /// # Errors
    /// Those of the database; [`StoreError::Closed`].
    pub async fn compact(&self, max_pages: i64) -> Result<bool, StoreError> {
        self.outside(move |tx| tx.compact(max_pages)).await
    }

    async fn outside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        // The caller may have gone.
        let job = Job::Outside(Box::new(move |tx| drop(answer.send(work(tx)))));
        let writes = self.threads.writes.as_ref().ok_or(StoreError::Closed)?;
        writes.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a closure over one consistent state, the newest committed one, on a reader thread.
    ///
    /// # Errors
    /// The closure's own; [`StoreError::Panicked`]; [`StoreError::Closed`].
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Reader) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            let result = catch_unwind(AssertUnwindSafe(|| reader.snapshot(closure)));
            let result = result.unwrap_or_else(|_| {
                reader.roll_back();
                Err(StoreError::Panicked.into())
            });
            // The caller may have gone.
            let _ = answer.send(result);
        });
        let reads = self.threads.reads.as_ref().ok_or(StoreError::Closed)?;
        reads.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Closes the database: waits until everything queued is done and the files are released.
    /// Other clones keep it open; the wait is then until they are gone.
    pub async fn close(self) {
        let mut closed = self.threads.closed.clone();
        // The last clone waits for the threads. If that task is cancelled they end all the same.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
        // Nothing is ever sent; the error is that every thread has dropped its sender.
        while closed.changed().await.is_ok() {}
    }
}

/// Runs a write, and those that wait meanwhile in the same transaction: a commit costs as much as
/// several writes. Gives one that was taken from the queue and has to have another transaction.
fn run_writes(tx: &mut Tx, first: WriteJob, waiting: &mut mpsc::Receiver<Job>) -> Option<Job> {
    let durability = first.durability;
    if waiting.is_empty() || tx.begin_shared(durability).is_err() {
        (first.run)(tx, Scope::Alone)(Ok(()));
        return None;
    }
    let begun = Instant::now();
    let mut answers = vec![(first.run)(tx, Scope::Shared)];
    let mut other = None;
    while answers.len() < SHARED_WRITES
        && begun.elapsed() < SHARED_TIME
        && let Ok(job) = waiting.try_recv()
    {
        match job {
            Job::Write(job) if job.durability <= durability => {
                answers.push((job.run)(tx, Scope::Shared));
            }
            job => {
                other = Some(job);
                break;
            }
        }
    }
    let committed = tx.commit_shared();
    for answer in answers {
        answer(committed.clone());
    }
    other
}

#[cfg(test)]
mod tests;
