//! Archives: the history of an inbox, encrypted (device-sync.md 3).
//!
//! An archive is a header of 14 bytes (version, first nonce) and one zstd stream. In that are
//! frames: a length, and one element encrypted with AES-256-GCM under the next nonce. The metadata
//! come first. [`ArchiveWriter`] and [`ArchiveReader`] work on pieces of any size, do no I/O and
//! hold one element at a time.
//!
//! Ours end with a trailer that official clients skip: a count and a digest of all elements, so
//! that an archive cut between two of them is not taken for a whole one.

mod element;
mod frame;
mod lock;
mod probe;
mod reader;
mod writer;

use std::fmt;

use zeroize::Zeroizing;

pub use element::{
    ArchivedConsent, ArchivedEntity, ArchivedGroup, ArchivedGroupKind, ArchivedMessage,
    ArchivedPiece, ArchivedState, Element, ElementKind, MAX_PIECE_BYTES, Metadata,
};
pub use lock::{LOCK_BYTES, LOCK_RANDOM_BYTES, Work, is_locked, lock, unlock};
pub use probe::probe_archive;
pub use reader::{ArchiveReader, Totals};
pub use writer::ArchiveWriter;

/// Most bytes of one encrypted element; a longer one is neither written nor read (device-sync.md 8).
pub const MAX_ELEMENT_BYTES: usize = 32 * 1024 * 1024;
/// Elements above this many bytes can bring official readers out of step, whatever is put before
/// them (device-sync.md 3.7).
pub const MAX_FOREIGN_ELEMENT_BYTES: usize = 256 * 1024;

/// The newest version of the format that is known.
const VERSION: u16 = 0;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;
/// Bytes before the compressed stream.
const HEADER_BYTES: usize = 2 + NONCE_BYTES;

/// The key of an archive: 32 random bytes, erased from memory when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchiveKey(Zeroizing<[u8; 32]>);

impl ArchiveKey {
    /// The key with these bytes. Each archive has its own.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, to hand them on.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArchiveKey(..)")
    }
}

/// Why an archive cannot be read, or an element not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It begins like no archive.
    #[error("this is not an archive")]
    NotAnArchive,
    /// Its version is above [`ArchiveReader`]'s.
    #[error(
        "this archive was made by a newer app (its version is {0}); update this one to read it"
    )]
    NewerVersion(u16),
    /// The first element does not open.
    #[error("the key does not open this archive")]
    WrongKey,
    /// It is authentic up to the element with this number, counted from 0, and no further.
    #[error("the archive is damaged at element {0}; what comes before it is sound")]
    Damaged(u64),
    /// It ends too early. What was read is sound.
    #[error("the archive is incomplete: its end is missing")]
    Truncated,
    /// The first element says nothing about the archive.
    #[error("the archive does not begin with its description")]
    MissingMetadata,
    /// Something comes after its end.
    #[error("something comes after the end of the archive")]
    Trailing,
    /// An element is longer than [`MAX_ELEMENT_BYTES`].
    #[error("an element of the archive is larger than {} bytes", MAX_ELEMENT_BYTES)]
    TooLarge,
    /// Compressing, or deriving a key, failed; it does not for want of anything but memory.
    #[error("the archive could not be written for want of memory")]
    Compression,
}

impl ArchiveError {
    /// Stable code that shells and scripts branch on.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnArchive => "not_an_archive",
            Self::NewerVersion(_) => "newer_version",
            Self::WrongKey => "archive_wrong_key",
            Self::Damaged(_) => "archive_damaged",
            Self::Truncated => "archive_truncated",
            Self::MissingMetadata => "archive_without_metadata",
            Self::Trailing => "archive_trailing_data",
            Self::TooLarge => "archive_element_too_large",
            Self::Compression => "archive_compression",
        }
    }
}

#[cfg(test)]
mod tests;
