//! A copy of the database key wrapped by a passphrase: Argon2id makes a wrapping key, and
//! XChaCha20-Poly1305 encrypts the database key with everything else in the file as additional
//! data. All parameters are in the file, so that they can grow with later versions.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::disk::replace_file;

use super::{DatabaseKey, KeyError, read_text};

const VERSION: u32 = 1;
const MAX_FILE_BYTES: u64 = 4096;

/// How much work deriving the wrapping key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

impl Work {
    /// The second recommendation of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    pub(super) const CURRENT: Self = Self {
        memory_kib: 64 * 1024,
        iterations: 3,
        parallelism: 4,
    };

    /// The least Argon2 can do, for tests.
    #[cfg(test)]
    pub(super) const LEAST: Self = Self {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    /// A file of strangers must not use up memory or time.
    fn is_bounded(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.iterations <= 16 && self.parallelism <= 16
    }
}

/// The file, as JSON.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    version: u32,
    kdf: String,
    #[serde(flatten)]
    work: Work,
    /// 16 bytes in hex.
    salt: String,
    cipher: String,
    /// 24 bytes in hex.
    nonce: String,
    /// The encrypted key and its tag, 48 bytes in hex.
    ciphertext: String,
}

const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

impl Wrapped {
    fn additional_data(&self) -> Vec<u8> {
        let Self {
            version,
            kdf,
            work,
            salt,
            cipher,
            nonce,
            ciphertext: _,
        } = self;
        let Work {
            memory_kib,
            iterations,
            parallelism,
        } = work;
        format!("{version} {kdf} {memory_kib} {iterations} {parallelism} {salt} {cipher} {nonce}")
            .into_bytes()
    }

    fn wrapping_key(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let salt = hex::decode(&self.salt).map_err(|_| KeyError::WrappedDamaged)?;
        let Work {
            memory_kib,
            iterations,
            parallelism,
        } = self.work;
        let params = Params::new(memory_kib, iterations, parallelism, Some(32))
            .map_err(|_| KeyError::WrappedDamaged)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(|_| KeyError::WrappedDamaged)?;
        Ok(key)
    }

    fn cipher(&self, passphrase: &str) -> Result<XChaCha20Poly1305, KeyError> {
        let key = self.wrapping_key(passphrase)?;
        Ok(XChaCha20Poly1305::new(key.as_slice().into()))
    }
}

pub(super) fn write(
    key: &DatabaseKey,
    path: &Path,
    passphrase: &str,
    work: Work,
) -> Result<(), KeyError> {
    let mut salt = [0; 16];
    let mut nonce = [0; 24];
    OsRng
        .try_fill_bytes(&mut salt)
        .map_err(|_| KeyError::Random)?;
    OsRng
        .try_fill_bytes(&mut nonce)
        .map_err(|_| KeyError::Random)?;
    let mut wrapped = Wrapped {
        version: VERSION,
        kdf: KDF.to_owned(),
        work,
        salt: hex::encode(salt),
        cipher: CIPHER.to_owned(),
        nonce: hex::encode(nonce),
        ciphertext: String::new(),
    };
    let payload = Payload {
        msg: key.bytes(),
        aad: &wrapped.additional_data(),
    };
    let ciphertext = wrapped
        .cipher(passphrase)?
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| KeyError::WrappedDamaged)?;
    wrapped.ciphertext = hex::encode(ciphertext);
    let text = serde_json::to_string_pretty(&wrapped).map_err(std::io::Error::from)?;
    Ok(replace_file(path, text.as_bytes())?)
}

pub(super) fn read(path: &Path, passphrase: &str) -> Result<DatabaseKey, KeyError> {
    let text = read_text(path, MAX_FILE_BYTES, KeyError::WrappedDamaged)?;
    // The version is read by itself first: a newer file may have other fields.
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let versioned: Versioned = serde_json::from_str(&text).map_err(|_| KeyError::WrappedDamaged)?;
    if versioned.version > VERSION {
        return Err(KeyError::NewerVersion);
    }
    let wrapped: Wrapped = serde_json::from_str(&text).map_err(|_| KeyError::WrappedDamaged)?;
    let mut nonce = [0; 24];
    hex::decode_to_slice(&wrapped.nonce, &mut nonce).map_err(|_| KeyError::WrappedDamaged)?;
    let ciphertext = hex::decode(&wrapped.ciphertext).map_err(|_| KeyError::WrappedDamaged)?;
    if wrapped.kdf != KDF || wrapped.cipher != CIPHER || !wrapped.work.is_bounded() {
        return Err(KeyError::WrappedDamaged);
    }
    let payload = Payload {
        msg: &ciphertext,
        aad: &wrapped.additional_data(),
    };
    let plain = wrapped
        .cipher(passphrase)?
        .decrypt(XNonce::from_slice(&nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::WrongPassphrase)?;
    let bytes = plain
        .as_slice()
        .try_into()
        .map_err(|_| KeyError::WrappedDamaged)?;
    Ok(DatabaseKey::from_bytes(bytes))
}
