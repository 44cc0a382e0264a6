//! An archive's key wrapped by a passphrase: what stands before the archive in files for people.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `CNCLVARC` |
//! | 2 | version, little endian: 1 |
//! | 12 | Argon2id: KiB of memory, passes, lanes; three numbers of 4 bytes, little endian |
//! | 16 | salt |
//! | 12 | nonce |
//! | 48 | the archive's key, encrypted with AES-256-GCM; additional data: all bytes before |

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead, aead::Payload};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{ArchiveError, ArchiveKey};

const MAGIC: &[u8; 8] = b"CNCLVARC";
const VERSION: u16 = 1;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// What comes before the salt.
const FIXED_BYTES: usize = 8 + 2 + 12;
const OPEN_BYTES: usize = FIXED_BYTES + SALT_BYTES + NONCE_BYTES;

/// Bytes of a locked key.
pub const LOCK_BYTES: usize = OPEN_BYTES + 48;
/// Random bytes that a lock needs.
pub const LOCK_RANDOM_BYTES: usize = SALT_BYTES + NONCE_BYTES;

/// How much work trying a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes in it.
    pub lanes: u32,
}

impl Work {
    /// The second recommendation of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    pub const CURRENT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// A file of strangers must not use up memory or time.
    fn is_bounded(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 16 && self.lanes <= 16
    }
}

/// Whether a file that begins like this has a key locked by a passphrase in it.
#[must_use]
pub fn is_locked(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC)
}

/// Locks the key of an archive with a passphrase.
///
/// # Errors
/// [`ArchiveError::Compression`] for work that no Argon2 can do.
pub fn lock(
    key: &ArchiveKey,
    passphrase: &str,
    random: [u8; LOCK_RANDOM_BYTES],
    work: Work,
) -> Result<Vec<u8>, ArchiveError> {
    let mut locked = Vec::with_capacity(LOCK_BYTES);
    locked.extend_from_slice(MAGIC);
    locked.extend_from_slice(&VERSION.to_le_bytes());
    for number in [work.memory_kib, work.passes, work.lanes] {
        locked.extend_from_slice(&number.to_le_bytes());
    }
    locked.extend_from_slice(&random);
    let (salt, nonce) = random.split_at(SALT_BYTES);
    let cipher = cipher(passphrase, salt, work).ok_or(ArchiveError::Compression)?;
    let payload = Payload {
        msg: key.bytes(),
        aad: &locked,
    };
    let sealed = cipher
        .encrypt(Nonce::from_slice(nonce), payload)
        .map_err(|_| ArchiveError::Compression)?;
    locked.extend_from_slice(&sealed);
    Ok(locked)
}

/// Opens a locked key: the first [`LOCK_BYTES`] of a file.
///
/// # Errors
/// [`ArchiveError::NotAnArchive`], [`ArchiveError::NewerVersion`], [`ArchiveError::Truncated`], and
/// [`ArchiveError::WrongKey`] for another passphrase or damage.
pub fn unlock(locked: &[u8], passphrase: &str) -> Result<ArchiveKey, ArchiveError> {
    let mut rest = locked
        .strip_prefix(MAGIC)
        .ok_or(ArchiveError::NotAnArchive)?;
    let version = u16::from_le_bytes(take(&mut rest)?);
    if version > VERSION {
        return Err(ArchiveError::NewerVersion(version));
    }
    let work = Work {
        memory_kib: u32::from_le_bytes(take(&mut rest)?),
        passes: u32::from_le_bytes(take(&mut rest)?),
        lanes: u32::from_le_bytes(take(&mut rest)?),
    };
    let salt: [u8; SALT_BYTES] = take(&mut rest)?;
    let nonce: [u8; NONCE_BYTES] = take(&mut rest)?;
    let sealed: [u8; 48] = take(&mut rest)?;
    if !work.is_bounded() {
        return Err(ArchiveError::NotAnArchive);
    }
    let cipher = cipher(passphrase, &salt, work).ok_or(ArchiveError::NotAnArchive)?;
    let payload = Payload {
        msg: sealed.as_slice(),
        aad: locked.get(..OPEN_BYTES).unwrap_or_default(),
    };
    let opened = cipher
        .decrypt(Nonce::from_slice(&nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| ArchiveError::WrongKey)?;
    let bytes = opened.as_slice().try_into();
    bytes
        .map(ArchiveKey::new)
        .map_err(|_| ArchiveError::WrongKey)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ArchiveError> {
    let (taken, after) = rest
        .split_first_chunk::<N>()
        .ok_or(ArchiveError::Truncated)?;
    *rest = after;
    Ok(*taken)
}

fn cipher(passphrase: &str, salt: &[u8], work: Work) -> Option<Aes256Gcm> {
    let params = Params::new(work.memory_kib, work.passes, work.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .ok()?;
    Some(Aes256Gcm::new((&*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Work = Work {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn locked() -> Vec<u8> {
        lock(&ArchiveKey::new([5; 32]), "correct horse", [3; 28], LEAST).unwrap()
    }

    #[test]
    fn only_the_passphrase_opens_it() {
        let mut locked = locked();
        assert_eq!(locked.len(), LOCK_BYTES);
        assert!(is_locked(&locked));
        locked.extend(b"the archive");
        assert_eq!(
            unlock(&locked, "correct horse"),
            Ok(ArchiveKey::new([5; 32]))
        );
        assert_eq!(
            unlock(&locked, "Correct horse"),
            Err(ArchiveError::WrongKey)
        );
    }

    #[test]
    fn every_byte_counts_and_no_work_is_unbounded() {
        let locked = locked();
        for length in 0..LOCK_BYTES {
            let error = unlock(&locked[..length], "correct horse").unwrap_err();
            let expected = match length {
                0..8 => ArchiveError::NotAnArchive,
                _ => ArchiveError::Truncated,
            };
            assert_eq!(error, expected, "{length}");
        }
        for at in 0..LOCK_BYTES {
            let mut damaged = locked.clone();
            damaged[at] ^= 0x80;
            unlock(&damaged, "correct horse").unwrap_err();
        }
        let mut newer = locked.clone();
        newer[8] = 2;
        assert_eq!(unlock(&newer, ""), Err(ArchiveError::NewerVersion(2)));
        let mut greedy = locked;
        greedy[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(unlock(&greedy, ""), Err(ArchiveError::NotAnArchive));
    }
}
