//! Opening the database file: whose it is, which version, who else has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sql_types::{BigInt, Integer};
use diesel::sqlite::Sqlite;
use diesel::{Connection, ConnectionError, QueryableByName, RunQueryDsl, SqliteConnection};
// Named so that SQLite is the one that this crate brings along, with its features.
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use libsqlite3_sys as _;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/node-sqlite");

/// Marks our files; the first migration writes it.
const APPLICATION_ID: i32 = 1_131_826_756;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another program has it open.
    #[error("the database {} is in use by another program; stop that first", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// A newer version of this program has migrated it.
    #[error(
        "the database {} was written by a newer version of conclave-node; update this one",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
    },
    /// It is a database, but of another program.
    #[error("the file {} is not a database of conclave-node; choose another path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written, or is damaged.
    #[error("the database {} cannot be opened: {reason}", path.display())]
    Unreadable {
        /// The database file.
        path: PathBuf,
        /// What the system or SQLite said.
        reason: String,
    },
}

impl OpenError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "database_locked",
            Self::Newer { .. } => "database_newer",
            Self::Foreign { .. } => "database_foreign",
            Self::Unreadable { .. } => "database_unreadable",
        }
    }

    fn unreadable(path: &Path, reason: &impl ToString) -> Self {
        let reason = reason.to_string();
        // SQLite's words for SQLITE_BUSY: somebody holds it without our lock file.
        if reason.contains("database is locked") {
            return Self::Locked {
                path: path.to_owned(),
            };
        }
        Self::Unreadable {
            path: path.to_owned(),
            reason,
        }
    }
}

/// Takes the lock that one running node holds on a database: live delivery happens within a
/// process, so a second one would miss what the first one stores.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::unreadable(path, &error))?;
    }
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_path)
        .map_err(|error| OpenError::unreadable(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(OpenError::unreadable(path, &error)),
    }
}

/// Opens the writing connection and brings the schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let unreadable = |error: &dyn ToString| OpenError::unreadable(path, &error.to_string());
    let mut connection = connect(path).map_err(|error| unreadable(&error))?;
    connection
        .batch_execute("PRAGMA busy_timeout = 2000;")
        .map_err(|error| unreadable(&error))?;
    check_owner(&mut connection, path)?;
    check_version(&mut connection, path)?;
    connection
        .batch_execute(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -16000;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(|error| unreadable(&error))?;
    connection
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| unreadable(&error))?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<SqliteConnection, String> {
    let mut connection = connect(path).map_err(|error| error.to_string())?;
    connection
        .batch_execute(
            "PRAGMA busy_timeout = 2000;
             PRAGMA query_only = ON;
             PRAGMA cache_size = -8000;
             PRAGMA temp_store = MEMORY;",
        )
        .map_err(|error| error.to_string())?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<SqliteConnection, ConnectionError> {
    let text = path.to_str().ok_or_else(|| {
        ConnectionError::BadConnection("the path is not valid Unicode".to_owned())
    })?;
    // A relative path that looks like a URI or an option must still name a file.
    let text = if path.is_absolute() {
        text.to_owned()
    } else {
        format!("./{text}")
    };
    SqliteConnection::establish(&text)
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Integer)]
    application_id: i32,
    #[diesel(sql_type = BigInt)]
    tables: i64,
}

fn check_owner(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let owner: Owner = diesel::sql_query(
        "SELECT application_id, (SELECT COUNT(*) FROM sqlite_schema) AS tables
         FROM pragma_application_id",
    )
    .get_result(connection)
    .map_err(|error| OpenError::unreadable(path, &error))?;
    if owner.tables == 0 || owner.application_id == APPLICATION_ID {
        Ok(())
    } else {
        Err(OpenError::Foreign {
            path: path.to_owned(),
        })
    }
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn check_version(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let unreadable = |error: &dyn ToString| OpenError::unreadable(path, &error.to_string());
    // Asking Diesel for the applied migrations would create its table in a new file.
    let known: Known = diesel::sql_query(
        "SELECT COUNT(*) AS count FROM sqlite_schema WHERE name = '__diesel_schema_migrations'",
    )
    .get_result(connection)
    .map_err(|error| unreadable(&error))?;
    if known.count == 0 {
        return Ok(());
    }
    let ours: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS
        .migrations()
        .map_err(|error| unreadable(&error))?;
    let applied = connection
        .applied_migrations()
        .map_err(|error| unreadable(&error))?;
    let is_ours = |version| {
        ours.iter()
            .any(|migration| migration.name().version() == version)
    };
    if applied.into_iter().all(is_ours) {
        Ok(())
    } else {
        Err(OpenError::Newer {
            path: path.to_owned(),
        })
    }
}
