//! The one thread that writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::limits::WAITING_WRITES;
use crate::live::{Live, Row};
use crate::storage::StorageError;

/// Writes in one transaction at most. More would make the first wait long for its answer.
const WRITES_PER_TRANSACTION: usize = 256;

/// Rows a transaction has stored, to be announced when it is committed.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) group_messages: Vec<Row<GroupMessage>>,
    pub(super) welcomes: Vec<Row<WelcomeMessage>>,
}

/// Does a write inside the transaction; what it returns answers the caller once it is known
/// whether the transaction was committed.
type Write = Box<dyn FnOnce(&mut SqliteConnection, &mut Stored) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Write>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        connection: SqliteConnection,
        live: Arc<Live>,
    ) -> Result<Self, std::io::Error> {
        let (queue, writes) = mpsc::channel(WAITING_WRITES);
        let thread = std::thread::Builder::new()
            .name("node-writer".to_owned())
            .spawn(move || run(connection, writes, &live))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in the next transaction and answers after its commit. A failure undoes this
    /// work only.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection, &mut Stored) -> Result<T, StorageError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write: Write = Box::new(move |connection, stored| {
            let mut rows = Stored::default();
            // Inside the transaction of the thread this is a savepoint.
            let result = connection
                .transaction(|connection| work(connection, &mut rows).map_err(Failure))
                .map_err(|Failure(error)| error);
            if result.is_ok() {
                stored.group_messages.append(&mut rows.group_messages);
                stored.welcomes.append(&mut rows.welcomes);
            }
            Box::new(move |committed| {
                // A caller that went away needs no answer.
                let _ = reply.send(committed.and(result));
            })
        });
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StorageError::Stopping)?;
        queue
            .send(write)
            .await
            .map_err(|_| StorageError::Stopping)?;
        drop(queue);
        // Dropped unanswered: the transaction did not even begin.
        answer
            .await
            .map_err(|_| StorageError::Database("the write was not run".to_owned()))?
    }

    /// Answers when everything queued is stored and the connection is closed.
    pub(super) async fn close(&self) {
        let Some(thread) = self.stop() else { return };
        if tokio::task::spawn_blocking(|| join(thread)).await.is_err() {
            tracing::error!("nobody waited for the database writer");
        }
    }

    /// Takes no more writes; gives the thread to wait for, to the first who asks.
    fn stop(&self) -> Option<JoinHandle<()>> {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The lock on the database is released next; nobody else may find it in use.
        if let Some(thread) = self.stop() {
            join(thread);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("the database writer ended with a panic");
    }
}

/// Lets a [`StorageError`] roll a Diesel transaction back.
struct Failure(StorageError);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self(error.into())
    }
}

fn run(mut connection: SqliteConnection, mut writes: mpsc::Receiver<Write>, live: &Live) {
    while let Some(first) = writes.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < WRITES_PER_TRANSACTION {
            match writes.try_recv() {
                Ok(write) => batch.push(write),
                Err(_) => break,
            }
        }
        commit(&mut connection, batch, live);
    }
    // Readers may still be at work; then the next start does this.
    if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE);") {
        tracing::debug!(%error, "the write-ahead log stays");
    }
}

fn commit(connection: &mut SqliteConnection, batch: Vec<Write>, live: &Live) {
    let mut stored = Stored::default();
    let mut answers = Vec::with_capacity(batch.len());
    let committed = connection.immediate_transaction(|connection| {
        for write in batch {
            answers.push(write(connection, &mut stored));
        }
        Ok::<(), diesel::result::Error>(())
    });
    match committed {
        Ok(()) => {
            // Before the answers: whoever was answered can rely on delivery having begun.
            live.groups.publish(stored.group_messages);
            live.welcomes.publish(stored.welcomes);
            for answer in answers {
                answer(Ok(()));
            }
        }
        Err(error) => {
            tracing::error!(%error, writes = answers.len(), "a transaction failed");
            let error = StorageError::from(error);
            for answer in answers {
                answer(Err(error.clone()));
            }
        }
    }
}
