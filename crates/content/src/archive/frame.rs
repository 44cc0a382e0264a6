//! One element as it stands in the compressed stream: a length, and a ciphertext with its tag.

use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit, Nonce, Tag};
use sha2::{Digest, Sha256};

use super::{ArchiveError, ArchiveKey, MAX_ELEMENT_BYTES, NONCE_BYTES};

/// Bytes of the length before a frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// Bytes of the tag after a ciphertext: the shortest frame.
pub(super) const TAG_BYTES: usize = 16;

/// The cipher of an archive and the place in it: frame `i` has the nonce N0 + i, as a number of 96
/// bits, little endian (device-sync.md 3.1).
pub(super) struct Frames {
    cipher: Aes256Gcm,
    first: u128,
    next: u128,
    /// Whether every frame has the first nonce, as in archives of the first clients.
    is_constant: bool,
}

impl Frames {
    pub(super) fn new(key: &ArchiveKey, nonce: [u8; NONCE_BYTES]) -> Self {
        let mut wide = [0; 16];
        for (to, from) in wide.iter_mut().zip(nonce) {
            *to = from;
        }
        let first = u128::from_le_bytes(wide);
        Self {
            cipher: Aes256Gcm::new(key.bytes().into()),
            first,
            next: first,
            is_constant: false,
        }
    }

    /// The nonce of the next frame. The four bytes above 96 bits are cut off, so it wraps.
    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        for (to, from) in nonce.iter_mut().zip(self.next.to_le_bytes()) {
            *to = from;
        }
        nonce
    }

    fn advance(&mut self) {
        if !self.is_constant {
            self.next = self.next.wrapping_add(1);
        }
    }

    /// Appends the next frame to `out`.
    pub(super) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), ArchiveError> {
        if plain.len() > MAX_ELEMENT_BYTES - TAG_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        let length = u32::try_from(plain.len() + TAG_BYTES).map_err(|_| ArchiveError::TooLarge)?;
        let mut sealed = plain.to_vec();
        let tag = self
            .cipher
            .encrypt_in_place_detached(Nonce::from_slice(&self.nonce()), &[], &mut sealed)
            .map_err(|_| ArchiveError::TooLarge)?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&sealed);
        out.extend_from_slice(&tag);
        self.advance();
        Ok(())
    }

    /// Opens the next frame in place, without its length; false if it is not the next of this
    /// archive, and then nothing is changed.
    pub(super) fn open(&mut self, frame: &mut Vec<u8>) -> bool {
        let Some(length) = frame.len().checked_sub(TAG_BYTES) else {
            return false;
        };
        let (sealed, tag) = frame.split_at_mut(length);
        let tag = Tag::clone_from_slice(tag);
        let nonce = self.nonce();
        let opened = self
            .cipher
            .decrypt_in_place_detached(Nonce::from_slice(&nonce), &[], sealed, &tag)
            .is_ok();
        if opened {
            frame.truncate(length);
            self.advance();
        }
        opened
    }

    /// From now on every frame has the first nonce.
    pub(super) fn hold_nonce(&mut self) {
        self.is_constant = true;
        self.next = self.first;
    }
}

/// What the trailer says: how many elements, and their digest.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    digest: Sha256,
}

impl Tally {
    pub(super) fn add(&mut self, plain: &[u8]) {
        // An element is far below 4 GiB.
        let length = u32::try_from(plain.len()).unwrap_or(u32::MAX);
        self.digest.update(length.to_le_bytes());
        self.digest.update(plain);
        self.count += 1;
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}
