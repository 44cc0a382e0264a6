//! Storage in one SQLite file.
//!
//! One thread writes; it puts whatever waits into one transaction, each write in a savepoint of
//! its own, and answers after the commit. A few read-only connections serve queries. Ids are
//! therefore given, committed and announced in one order. The database is in WAL mode with full
//! synchronisation: a lost commit would let an id that readers already know be given again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage};
use conclave_proto::mls::message_contents::CommitLogEntry;

use super::{
    Account, Appended, InboxLogEntry, NewCommitLogEntry, NewGroupMessage, NewIdentityUpdate,
    NewKeyPackage, NewWelcome, Page, ReplayPosition, Replayed, Rows, Storage, StorageError,
    TopicCursor,
};
use crate::live::Live;

mod append;
mod database;
mod query;
mod reader;
mod schema;
mod writer;

pub use database::OpenError;

/// A database file and its connections.
#[derive(Debug)]
pub struct SqliteStorage {
    writer: writer::Writer,
    readers: reader::Readers,
    // Held for as long as the database is open; says that nobody else has it.
    _lock: std::fs::File,
    // Removed with everything in it when a temporary database is closed.
    _temporary: Option<tempfile::TempDir>,
}

impl SqliteStorage {
    /// Opens the file, creating or migrating it as needed. Rows go to `live` once stored.
    ///
    /// # Errors
    /// [`OpenError`]; then nothing in the file has changed.
    pub fn open(path: &Path, live: Arc<Live>) -> Result<Self, OpenError> {
        Self::open_with(path, live, None)
    }

    /// A new database in a folder of its own that is removed when it is closed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn temporary(live: Arc<Live>) -> Result<Self, OpenError> {
        let folder = tempfile::tempdir().map_err(|error| OpenError::Unreadable {
            path: std::env::temp_dir(),
            reason: error.to_string(),
        })?;
        let path = folder.path().join("node.db");
        Self::open_with(&path, live, Some(folder))
    }

    fn open_with(
        path: &Path,
        live: Arc<Live>,
        temporary: Option<tempfile::TempDir>,
    ) -> Result<Self, OpenError> {
        let lock = database::lock(path)?;
        let connection = database::open_writer(path)?;
        let writer =
            writer::Writer::start(connection, live).map_err(|error| OpenError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            writer,
            readers: reader::Readers::new(PathBuf::from(path)),
            _lock: lock,
            _temporary: temporary,
        })
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn append_group_messages(
        &self,
        messages: Vec<NewGroupMessage>,
    ) -> Result<(), StorageError> {
        self.writer
            .write(move |connection, stored| append::group_messages(connection, stored, messages))
            .await
    }

    async fn append_welcomes(&self, welcomes: Vec<NewWelcome>) -> Result<(), StorageError> {
        self.writer
            .write(move |connection, stored| append::welcomes(connection, stored, welcomes))
            .await
    }

    async fn put_key_package(&self, key_package: NewKeyPackage) -> Result<(), StorageError> {
        self.writer
            .write(move |connection, _| append::key_package(connection, &key_package))
            .await
    }

    async fn append_commit_log(&self, entries: Vec<NewCommitLogEntry>) -> Result<(), StorageError> {
        self.writer
            .write(move |connection, _| append::commit_log(connection, &entries))
            .await
    }

    async fn append_identity_update(
        &self,
        update: NewIdentityUpdate,
    ) -> Result<Appended, StorageError> {
        self.writer
            .write(move |connection, _| append::identity_update(connection, &update))
            .await
    }

    async fn group_messages(
        &self,
        group_id: Vec<u8>,
        page: Page,
    ) -> Result<Rows<GroupMessage>, StorageError> {
        self.readers
            .read(move |connection| query::group_messages(connection, &group_id, page))
            .await
    }

    async fn welcomes(
        &self,
        installation_key: Vec<u8>,
        page: Page,
    ) -> Result<Rows<WelcomeMessage>, StorageError> {
        self.readers
            .read(move |connection| query::welcomes(connection, &installation_key, page))
            .await
    }

    async fn replay_group_messages(
        &self,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<GroupMessage>, StorageError> {
        self.readers
            .read(move |connection| {
                query::replay(&topics, from, |topic, page| {
                    query::group_messages(connection, topic, page)
                })
            })
            .await
    }

    async fn replay_welcomes(
        &self,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<WelcomeMessage>, StorageError> {
        self.readers
            .read(move |connection| {
                query::replay(&topics, from, |topic, page| {
                    query::welcomes(connection, topic, page)
                })
            })
            .await
    }

    async fn newest_group_messages(
        &self,
        group_ids: Vec<Vec<u8>>,
        include_content: bool,
    ) -> Result<Vec<Option<GroupMessage>>, StorageError> {
        self.readers
            .read(move |connection| {
                query::newest_group_messages(connection, group_ids, include_content)
            })
            .await
    }

    async fn key_packages(
        &self,
        installation_keys: Vec<Vec<u8>>,
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.readers
            .read(move |connection| query::key_packages(connection, &installation_keys))
            .await
    }

    async fn commit_logs(
        &self,
        requests: Vec<(Vec<u8>, Page)>,
    ) -> Result<Vec<Rows<CommitLogEntry>>, StorageError> {
        self.readers
            .read(move |connection| query::commit_logs(connection, &requests))
            .await
    }

    async fn inbox_logs(
        &self,
        requests: Vec<(Vec<u8>, u64)>,
    ) -> Result<Vec<Vec<InboxLogEntry>>, StorageError> {
        self.readers
            .read(move |connection| query::inbox_logs(connection, &requests))
            .await
    }

    async fn inbox_ids(
        &self,
        accounts: Vec<Account>,
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.readers
            .read(move |connection| query::inbox_ids(connection, &accounts))
            .await
    }

    async fn close(&self) {
        self.writer.close().await;
    }
}

/// An id of the database as the protocol writes it. Ids start at 1.
fn id(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// An id of the protocol as the database writes it. No row has an id beyond `i64`.
fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl From<diesel::result::Error> for StorageError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.to_string())
    }
}

#[cfg(test)]
mod tests;
