//! Layer `store` of Conclave: the encrypted database of one account.
//!
//! SQLite with SQLCipher under a raw 32-byte key. One thread owns the only writable connection;
//! a few read-only connections serve reads from snapshots. [`Store::write`] runs a closure in one
//! transaction that covers rows, MLS state, cursors and the outbox; [`Store::read`] runs one over
//! a consistent state.
//!
//! The layer knows no protocol: it stores what the engine hands it.

pub mod account;
pub mod archive;
pub mod attachment;
pub mod commit_log;
pub mod consent;
pub mod conversation;
pub mod cursor;
pub mod deletion;
pub mod device;
pub mod diagnostics;
pub mod draft;
pub mod folder;
pub mod history;
pub mod identity_log;
pub mod intent;
pub mod key;
pub mod key_package;
pub mod kinds;
pub mod message;
pub mod message_query;
pub mod mls;
pub mod reaction;
pub mod receipt;
pub mod removal;
pub mod search;
pub mod setting;
pub mod summary;
pub mod welcome;

mod arrivals;
mod database;
mod disk;
mod error;
mod schema;
mod statement;
mod store;
mod transaction;

#[cfg(test)]
mod testing;

pub use database::Options;
pub use error::StoreError;
pub use key::DatabaseKey;
pub use store::Store;
pub use transaction::{Reader, Tx};
