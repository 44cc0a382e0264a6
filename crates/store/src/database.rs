//! Opening the database file: lock, key, version, pragmas, migrations.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::key::DatabaseKey;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/client");

/// SQLCipher's page size; no database is smaller than one page.
const PAGE_BYTES: u64 = 4096;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many read-only connections, each with a thread; at least 1.
    pub readers: usize,
    /// How many bytes of OpenMLS values are kept in memory between transactions.
    pub mls_cache_bytes: usize,
    /// A bound on the size of the database in pages of 4096 bytes; `None`: the disk's.
    pub max_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 3,
            mls_cache_bytes: 16 * 1024 * 1024,
            max_pages: None,
        }
    }
}

/// An open database; no other process has it while `lock` lives.
pub(crate) struct Database {
    pub(crate) writer: SqliteConnection,
    pub(crate) readers: Vec<SqliteConnection>,
    pub(crate) lock: LockFile,
}

pub(crate) fn open(
    path: &Path,
    key: &DatabaseKey,
    options: &Options,
) -> Result<Database, StoreError> {
    // An absolute path cannot be taken for a `file:` URI or for `:memory:`.
    let path = std::path::absolute(path)?;
    let url = path
        .to_str()
        .ok_or_else(|| StoreError::Io("the path of the database is not UTF-8".to_owned()))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut lock = LockFile::acquire(&path)?;
    let length = match std::fs::metadata(&path) {
        Ok(metadata) => Some(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    // An empty file without a key check is a creation that was interrupted.
    let truncated = match length {
        Some(0) => lock.key_check.is_some(),
        Some(length) => length < PAGE_BYTES,
        None => false,
    };
    if truncated {
        return Err(StoreError::Corrupt("the file is cut short".to_owned()));
    }
    let mut writer = connect(url, key)?;
    check_readable(&mut writer).map_err(|error| match error {
        // SQLCipher answers the same for a wrong key and for a damaged first page.
        StoreError::WrongKey if lock.key_check == Some(key.check()) => {
            StoreError::Corrupt("the beginning of the file is damaged".to_owned())
        }
        error => error,
    })?;
    check_version(&mut writer)?;
    execute(
        &mut writer,
        "PRAGMA journal_mode = WAL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    if let Some(pages) = options.max_pages {
        execute(&mut writer, &format!("PRAGMA max_page_count = {pages}"))?;
    }
    writer
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| StoreError::from_sqlite_message(&error.to_string()))?;
    let readers = (0..options.readers.max(1))
        .map(|_| {
            let mut reader = connect(url, key)?;
            check_readable(&mut reader)?;
            execute(&mut reader, "PRAGMA query_only = ON")?;
            Ok(reader)
        })
        .collect::<Result<_, StoreError>>()?;
    lock.write_key_check(key)?;
    Ok(Database {
        writer,
        readers,
        lock,
    })
}

/// Deletes the database and the files SQLite and the store keep beside it. `first` runs before, once
/// nobody else has the database.
pub(crate) fn delete_files(
    path: &Path,
    first: impl FnOnce() -> std::io::Result<()>,
) -> Result<(), StoreError> {
    let lock = match LockFile::acquire(path) {
        // The folder itself is missing.
        Err(_) if !path.parent().is_some_and(Path::is_dir) => return Ok(()),
        lock => lock?,
    };
    first()?;
    // The database first: without it the others mean nothing.
    for suffix in ["", "-wal", "-shm", ".lock"] {
        match std::fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    drop(lock);
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn connect(url: &str, key: &DatabaseKey) -> Result<SqliteConnection, StoreError> {
    let mut db = SqliteConnection::establish(url).map_err(|error| match error {
        ConnectionError::BadConnection(message) => StoreError::from_sqlite_message(&message),
        error => StoreError::Io(error.to_string()),
    })?;
    // A wrong key is our error to report; SQLCipher would also print it to stderr.
    execute(&mut db, "PRAGMA cipher_log = off")?;
    execute(&mut db, &key.pragma())?;
    execute(
        &mut db,
        "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(db)
}

fn execute(db: &mut SqliteConnection, sql: &str) -> Result<(), StoreError> {
    Ok(db.batch_execute(sql)?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct CipherVersion {
    #[diesel(sql_type = Text)]
    #[allow(dead_code, reason = "only whether there is a row matters")]
    cipher_version: String,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Reads the schema, which fails for a wrong key, and makes sure that SQLCipher is there: plain
/// SQLite would ignore the key and write everything in the clear.
fn check_readable(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let cipher: Vec<CipherVersion> = diesel::sql_query("PRAGMA cipher_version").load(db)?;
    if cipher.is_empty() {
        return Err(StoreError::Query("this build has no SQLCipher".to_owned()));
    }
    count(db, "SELECT count(*) AS count FROM sqlite_master")?;
    Ok(())
}

fn count(db: &mut SqliteConnection, sql: &str) -> Result<i64, StoreError> {
    let row: Count = diesel::sql_query(sql).get_result(db)?;
    Ok(row.count)
}

/// Refuses a database that a newer version has migrated, and one that is not ours.
fn check_version(db: &mut SqliteConnection) -> Result<(), StoreError> {
    if count(db, "SELECT count(*) AS count FROM sqlite_master")? == 0 {
        return Ok(());
    }
    let migrated = count(
        db,
        "SELECT count(*) AS count FROM sqlite_master WHERE name = '__diesel_schema_migrations'",
    )?;
    if migrated == 0 {
        return Err(StoreError::Corrupt(
            "the file is not a database of Conclave".to_owned(),
        ));
    }
    let known: Vec<String> = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)
        .map_err(|error| StoreError::Query(error.to_string()))?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied: Vec<Version> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(db)?;
    if applied
        .iter()
        .all(|applied| known.contains(&applied.version))
    {
        Ok(())
    } else {
        Err(StoreError::NewerVersion)
    }
}

/// The file beside the database that one process locks. It also holds a check value of the key,
/// so that a wrong key and a damaged file can be told apart.
pub(crate) struct LockFile {
    file: File,
    key_check: Option<[u8; 32]>,
}

impl LockFile {
    pub(crate) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(beside(database, ".lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::AccountInUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut text = String::new();
        // Anything but a check value counts as none.
        let _ = (&file).take(128).read_to_string(&mut text);
        let mut check = [0; 32];
        let key_check = hex::decode_to_slice(text.trim(), &mut check)
            .is_ok()
            .then_some(check);
        Ok(Self { file, key_check })
    }

    fn write_key_check(&mut self, key: &DatabaseKey) -> Result<(), StoreError> {
        let check = key.check();
        if self.key_check != Some(check) {
            self.file.rewind()?;
            self.file.set_len(0)?;
            self.file.write_all(hex::encode(check).as_bytes())?;
            self.key_check = Some(check);
        }
        Ok(())
    }
}

impl DatabaseKey {
    fn pragma(&self) -> Zeroizing<String> {
        let hex = Zeroizing::new(hex::encode(self.bytes()));
        Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()))
    }
}

#[cfg(test)]
mod tests;
