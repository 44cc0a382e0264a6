//! Opening the database file: lock, key, version, pragmas, migrations.

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
