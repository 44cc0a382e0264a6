//! What can go wrong in the store, each with a stable code.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// An error of the store. Nothing was changed when one is returned: opening leaves the file as it
/// was, and a transaction that fails is rolled back as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process (or another [`Store`](crate::Store) of this one) has the database open.
    #[error("this account is already open in another window or process; close that one first")]
    AccountInUse,
    /// The database was written by a newer version of Conclave.
    #[error(
        "this account was last used by a newer version of Conclave; update Conclave to open it"
    )]
    NewerVersion,
    /// The database cannot be decrypted with the key given.
    #[error("the key does not open this account's database; use the key it was created with")]
    WrongKey,
    /// The disk, or the space allowed to the database, is full.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The database file is damaged (truncated, overwritten or not a database).
    #[error("the account's database file is damaged; restore it from a backup ({0})")]
    Corrupt(String),
    /// A file could not be read or written.
    #[error("the account's database could not be read or written: {0}")]
    Io(String),
    /// The store has been closed.
    #[error("the account has been closed")]
    Closed,
    /// A closure given to the store panicked; its transaction was rolled back.
    #[error("an internal error interrupted a change to the database; nothing was changed")]
    Panicked,
    /// A row that has to exist does not: the kind of row.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A conversation with this id and the same or a newer welcome exists already
    /// (content-and-client.md 7.2, groups).
    #[error("this welcome was already processed")]
    DuplicateWelcome,
    /// An intent is not in a state from which the transition is possible.
    #[error("the change to the outbox is not possible in its present state")]
    IntentState,
    /// A stored value cannot be decoded, or a value cannot be encoded for storage.
    #[error("a stored value cannot be decoded: {0}")]
    Encoding(String),
    /// Any other database error: a broken constraint or a statement the database refuses.
    #[error("the database refused a statement: {0}")]
    Query(String),
}

impl StoreError {
    /// The stable code that user interfaces and scripts branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccountInUse => "account_in_use",
            Self::NewerVersion => "newer_version",
            Self::WrongKey => "wrong_key",
            Self::DiskFull => "disk_full",
            Self::Corrupt(_) => "database_corrupt",
            Self::Io(_) => "database_io",
            Self::Closed => "store_closed",
            Self::Panicked => "internal_error",
            Self::NotFound(_) => "not_found",
            Self::DuplicateWelcome => "duplicate_welcome",
            Self::IntentState => "intent_state",
            Self::Encoding(_) => "stored_value",
            Self::Query(_) => "database_error",
        }
    }

    /// Whether the same call may succeed later without anybody doing something about the data.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::AccountInUse | Self::DiskFull | Self::Io(_))
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            // Diesel keeps SQLite's message but not its code. The messages are constants of
            // SQLite's sqlite3ErrStr and have been the same since version 3.7.
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
                Self::from_sqlite_message(info.message())
            }
            DieselError::NotFound => Self::NotFound("row"),
            DieselError::DeserializationError(cause) => Self::Encoding(cause.to_string()),
            DieselError::SerializationError(cause) => Self::Encoding(cause.to_string()),
            other => Self::Query(other.to_string()),
        }
    }
}

impl StoreError {
    pub(crate) fn from_sqlite_message(message: &str) -> Self {
        let is = |text: &str| message.contains(text);
        if is("database or disk is full") {
            Self::DiskFull
        } else if is("malformed") {
            Self::Corrupt(message.to_owned())
        } else if is("not a database") {
            Self::WrongKey
        } else if is("disk I/O error") || is("unable to open") || is("readonly") {
            Self::Io(message.to_owned())
        } else {
            Self::Query(message.to_owned())
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error.to_string()),
        }
    }
}
