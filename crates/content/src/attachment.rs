//! Files in messages: within the message, or encrypted on some server (content-and-client.md 1.6).

use std::fmt;

use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit, Nonce, Tag};
use conclave_proto::mls::message_contents::{
    EncodedContent,
    content_types::{MultiRemoteAttachment, RemoteAttachmentInfo},
};
use hkdf::Hkdf;
use prost::Message;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    content_type::{ContentType, KnownType},
    envelope::{ContentError, encoded},
    file_name,
};

/// Most bytes of a file that goes within its message.
pub const MAX_INLINE_BYTES: usize = 512 * 1024;
/// Most bytes of a file that goes through a server.
pub const MAX_REMOTE_BYTES: usize = 100 * 1024 * 1024;
/// Most bytes of the encrypted form: the file with its name and type around it.
pub const MAX_SEALED_BYTES: usize = MAX_REMOTE_BYTES + 64 * 1024;
/// Most files of one message that are read or sent.
pub const MAX_ATTACHMENTS: usize = 50;

/// Most bytes of a media type that are kept.
const MEDIA_TYPE_BYTES: usize = 127;
const TAG_BYTES: usize = 16;
const MEDIA_TYPE: &str = "mimeType";
const FILE_NAME: &str = "filename";
const DIGEST: &str = "contentDigest";
const SECRET: &str = "secret";
const SALT: &str = "salt";
const NONCE: &str = "nonce";
const SCHEME: &str = "scheme";
const LENGTH: &str = "contentLength";
/// What the format's own description asks for; readers do not look at it.
const HTTPS: &str = "https://";

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name as the sender wrote it; [`Attachment::safe_name`] is the one to show and to save.
    pub name: Option<String>,
    /// What it is by the sender's word, for instance `image/png`; empty if the sender does not say.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// What opens an encrypted file.
#[derive(Clone, PartialEq, Eq)]
pub struct AttachmentKeys {
    /// The secret that the key is derived from.
    pub secret: Zeroizing<[u8; 32]>,
    /// Salt of that derivation.
    pub salt: [u8; 32],
    /// Nonce of the cipher.
    pub nonce: [u8; 12],
}

impl AttachmentKeys {
    /// Random bytes as keys. Each file has its own.
    #[must_use]
    pub fn new(mut random: [u8; 76]) -> Self {
        let mut keys = Self {
            secret: Zeroizing::default(),
            salt: [0; 32],
            nonce: [0; 12],
        };
        let (secret, rest) = random.split_at(32);
        let (salt, nonce) = rest.split_at(32);
        keys.secret.copy_from_slice(secret);
        keys.salt.copy_from_slice(salt);
        keys.nonce.copy_from_slice(nonce);
        random.zeroize();
        keys
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; 32]);
        let derived =
            Hkdf::<Sha256>::new(Some(&self.salt), self.secret.as_slice()).expand(&[], &mut *key);
        // 32 bytes are far below HKDF's bound of 255 blocks.
        debug_assert!(derived.is_ok());
        Aes256Gcm::new((&*key).into())
    }
}

/// A file that lies encrypted on a server.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteAttachment {
    /// Where, as the sender wrote it: anything at all.
    pub url: String,
    /// SHA-256 of the encrypted bytes in lower-case hex, as the sender wrote it.
    pub digest: String,
    /// What opens it.
    pub keys: AttachmentKeys,
    /// How many encrypted bytes there are, by the sender's word.
    pub length: Option<u32>,
    /// Name of the file, as the sender wrote it.
    pub name: Option<String>,
}

impl fmt::Debug for RemoteAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteAttachment")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Why an encrypted file could not be opened: in each case it is not what the message announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another number of bytes.
    #[error("it has another size than its message says")]
    Length,
    /// Other bytes.
    #[error("its digest is not the one in its message")]
    Digest,
    /// The keys do not open it.
    #[error("the keys in its message do not open it")]
    Keys,
    /// There is something else inside than a file.
    #[error("there is no file inside")]
    Type,
}

impl Attachment {
    /// Its name to show and to save: see [`file_name::safe`].
    #[must_use]
    pub fn safe_name(&self) -> String {
        file_name::safe(self.name.as_deref().unwrap_or_default())
    }

    /// Encrypts it for a server: the bytes to upload. The digest is over them.
    ///
    /// # Errors
    /// [`ContentError::AttachmentTooLarge`].
    pub fn seal(&self, keys: &AttachmentKeys) -> Result<Vec<u8>, ContentError> {
        if self.bytes.len() > MAX_REMOTE_BYTES {
            return Err(ContentError::AttachmentTooLarge {
                limit: MAX_REMOTE_BYTES,
            });
        }
        let mut bytes = self.content().encode_to_vec();
        let tag = keys
            .cipher()
            .encrypt_in_place_detached(Nonce::from_slice(&keys.nonce), &[], &mut bytes)
            // The cipher takes 64 GiB.
            .map_err(|_| ContentError::Unsendable)?;
        bytes.extend_from_slice(&tag);
        Ok(bytes)
    }

    /// The content of a message with the file inside, without its bound.
    fn content(&self) -> EncodedContent {
        let mut content = encoded(KnownType::Attachment, self.bytes.clone());
        let name = self.name.as_deref().unwrap_or("this content");
        content.fallback = Some(format!(
            "Can't display {name}. This app doesn't support attachments."
        ));
        let parameters = &mut content.parameters;
        parameters.insert(MEDIA_TYPE.into(), self.media_type.clone());
        if let Some(name) = &self.name {
            parameters.insert(FILE_NAME.into(), name.clone());
        }
        content
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        if self.bytes.len() > MAX_INLINE_BYTES {
            return Err(ContentError::AttachmentTooLarge {
                limit: MAX_INLINE_BYTES,
            });
        }
        Ok(self.content())
    }

    pub(crate) fn decode(encoded: &EncodedContent, payload: Vec<u8>) -> Self {
        let media_type = encoded.parameters.get(MEDIA_TYPE).map(String::as_str);
        Self {
            name: encoded.parameters.get(FILE_NAME).cloned(),
            media_type: media_type.map(read_media_type).unwrap_or_default(),
            bytes: payload,
        }
    }
}

/// A media type by the sender's word: printable ASCII of a sensible length, or nothing.
fn read_media_type(text: &str) -> String {
    let is_plain = text.len() <= MEDIA_TYPE_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain {
        text.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// SHA-256 in lower-case hex, as [`RemoteAttachment::digest`] has it.
#[must_use]
pub fn attachment_digest(sealed: &[u8]) -> String {
    hex::encode(Sha256::digest(sealed))
}

impl RemoteAttachment {
    /// Its name to show and to save: see [`file_name::safe`].
    #[must_use]
    pub fn safe_name(&self) -> String {
        file_name::safe(self.name.as_deref().unwrap_or_default())
    }

    /// Opens what the server gave: size and digest are compared before anything is decrypted, and
    /// what is inside has to be a file.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, mut sealed: Vec<u8>) -> Result<Attachment, OpenError> {
        let length = u32::try_from(sealed.len()).map_err(|_| OpenError::Length)?;
        if self.length.is_some_and(|announced| announced != length) {
            return Err(OpenError::Length);
        }
        if attachment_digest(&sealed) != self.digest {
            return Err(OpenError::Digest);
        }
        let end = sealed.len().checked_sub(TAG_BYTES).ok_or(OpenError::Keys)?;
        let tag = sealed.split_off(end);
        self.keys
            .cipher()
            .decrypt_in_place_detached(
                Nonce::from_slice(&self.keys.nonce),
                &[],
                &mut sealed,
                Tag::from_slice(&tag),
            )
            .map_err(|_| OpenError::Keys)?;
        let mut inner = EncodedContent::decode(sealed.as_slice()).map_err(|_| OpenError::Type)?;
        drop(sealed);
        let name = inner
            .r#type
            .clone()
            .map(ContentType::from)
            .unwrap_or_default();
        if KnownType::of(&name) != KnownType::Attachment || inner.compression.is_some() {
            return Err(OpenError::Type);
        }
        let payload = std::mem::take(&mut inner.content);
        Ok(Attachment::decode(&inner, payload))
    }

    pub(crate) fn encode(&self) -> EncodedContent {
        let mut content = encoded(KnownType::RemoteAttachment, self.url.clone().into_bytes());
        let name = self.name.as_deref().unwrap_or("this content");
        content.fallback = Some(format!(
            "Can't display {name}. This app doesn't support remote attachments."
        ));
        let parameters = &mut content.parameters;
        parameters.insert(DIGEST.into(), self.digest.clone());
        parameters.insert(SECRET.into(), hex::encode(self.keys.secret.as_slice()));
        parameters.insert(SALT.into(), hex::encode(self.keys.salt));
        parameters.insert(NONCE.into(), hex::encode(self.keys.nonce));
        parameters.insert(SCHEME.into(), HTTPS.into());
        if let Some(length) = self.length {
            parameters.insert(LENGTH.into(), length.to_string());
        }
        if let Some(name) = &self.name {
            parameters.insert(FILE_NAME.into(), name.clone());
        }
        content
    }

    pub(crate) fn decode(encoded: &EncodedContent, payload: &[u8]) -> Option<Self> {
        let parameter = |key| encoded.parameters.get(key).map(String::as_str);
        let mut secret = Zeroizing::new([0; 32]);
        let (mut salt, mut nonce) = ([0; 32], [0; 12]);
        hex::decode_to_slice(parameter(SECRET)?, &mut *secret).ok()?;
        hex::decode_to_slice(parameter(SALT)?, &mut salt).ok()?;
        hex::decode_to_slice(parameter(NONCE)?, &mut nonce).ok()?;
        Some(Self {
            url: std::str::from_utf8(payload).ok()?.to_owned(),
            digest: read_digest(parameter(DIGEST)?)?,
            keys: AttachmentKeys {
                secret,
                salt,
                nonce,
            },
            length: match parameter(LENGTH) {
                Some(length) => Some(length.parse().ok()?),
                None => None,
            },
            name: parameter(FILE_NAME).map(str::to_owned),
        })
    }
}

/// A digest that a file can have.
fn read_digest(text: &str) -> Option<String> {
    let is_digest = text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_digest.then(|| text.to_owned())
}

pub(crate) fn encode_many(files: &[RemoteAttachment]) -> Result<EncodedContent, ContentError> {
    if !(1..=MAX_ATTACHMENTS).contains(&files.len()) {
        return Err(ContentError::Unsendable);
    }
    let attachments = files.iter().map(|file| RemoteAttachmentInfo {
        content_digest: file.digest.clone(),
        secret: file.keys.secret.to_vec(),
        nonce: file.keys.nonce.to_vec(),
        salt: file.keys.salt.to_vec(),
        scheme: HTTPS.to_owned(),
        url: file.url.clone(),
        content_length: file.length,
        filename: file.name.clone(),
    });
    let proto = MultiRemoteAttachment {
        attachments: attachments.collect(),
    };
    let mut content = encoded(KnownType::MultiRemoteAttachment, proto.encode_to_vec());
    content.fallback = Some(
        "Can't display this content. This app doesn't support multiple remote attachments."
            .to_owned(),
    );
    Ok(content)
}

pub(crate) fn decode_many(payload: &[u8]) -> Option<Vec<RemoteAttachment>> {
    let proto = MultiRemoteAttachment::decode(payload).ok()?;
    if !(1..=MAX_ATTACHMENTS).contains(&proto.attachments.len()) {
        return None;
    }
    let read = |info: RemoteAttachmentInfo| {
        let secret = Zeroizing::new(info.secret);
        Some(RemoteAttachment {
            url: info.url,
            digest: read_digest(&info.content_digest)?,
            keys: AttachmentKeys {
                secret: Zeroizing::new(secret.as_slice().try_into().ok()?),
                salt: info.salt.try_into().ok()?,
                nonce: info.nonce.try_into().ok()?,
            },
            length: info.content_length,
            name: info.filename,
        })
    };
    proto.attachments.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
