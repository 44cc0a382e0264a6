//! Bounds of what the node takes in, keeps and gives out.
//!
//! Each says where it comes from; those marked *own* are choices of this node.

/// Bytes of one gRPC request (*own*): clients send up to 25 MiB (`node.md` 3.8), messages of
/// 26 MiB pass with room for their envelope.
pub const REQUEST_BYTES: usize = 27 * 1024 * 1024;

/// Bytes of rows in one reply (*own*), below the 25 MiB that clients accept (`node.md` 3.8). A page
/// ends early, with its cursor, before it grows beyond this; a reply that cannot be cut is refused.
pub const REPLY_BYTES: usize = 24 * 1024 * 1024;

/// Rows of one page (`node.md` 2.5). Clients stop at a shorter page.
pub const PAGE_ROWS: u32 = 100;

/// Bytes of one group message (`node.md` 3.8).
pub const GROUP_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a group id (*own*); in practice 16.
pub const GROUP_ID_BYTES: usize = 64;

/// Bytes of an installation key and of a welcome's destination. Clients fail the whole query on a
/// row of another length (`node.md` 9.5).
pub const INSTALLATION_KEY_BYTES: usize = 32;

/// Bytes of a key package (*own*); real ones have about 3,000.
pub const KEY_PACKAGE_BYTES: usize = 256 * 1024;

/// Bytes of the small fields beside a message: HMAC, HPKE key, welcome metadata (*own*). The
/// longest in use is an X-Wing public key of 1,216 bytes.
pub const SMALL_FIELD_BYTES: usize = 16 * 1024;

/// Bytes of one identity update (*own*), so that a full log of an inbox fits one reply.
pub const IDENTITY_UPDATE_BYTES: usize = 64 * 1024;

/// Updates in the log of one inbox (`identity.md` 4.4).
pub const IDENTITY_UPDATES: usize = conclave_identity::MAX_UPDATES;

/// Entries of one `BatchPublishCommitLog` (`node.md` 3.6).
pub const COMMIT_LOG_INSERTS: usize = 10;

/// Entries of one `BatchQueryCommitLog` (`node.md` 2.5).
pub const COMMIT_LOG_QUERIES: usize = 20;

/// Bytes of one commit log entry (*own*), so that the largest batch query fits one reply. Real ones
/// have about 150.
pub const COMMIT_LOG_ENTRY_BYTES: usize = 8 * 1024;

/// Messages, keys, ids or filters in one request (*own*). Clients ask for 1,000 at most
/// (`node.md` 1.2).
pub const ITEMS: usize = 20_000;

/// Smart-contract signatures of one request (*own*). Clients send one (`node.md` 7).
pub const SMART_CONTRACT_SIGNATURES: usize = 100;

/// Messages waiting for one subscriber; one more and it is disconnected (`node.md` 4.3).
pub const SUBSCRIBER_BUFFER: usize = 1024;

/// Writes waiting for the database. A writer beyond that waits before its write is queued.
pub const WAITING_WRITES: usize = 1024;

/// Streams of one kind open at the same time (*own*). One more is refused until others end.
pub const SUBSCRIPTIONS: usize = 20_000;

/// Filters of all these streams together (*own*).
pub const FILTERS: usize = 2_000_000;
