//! The outer layers of a message, and its id.

use std::{borrow::Cow, io::Read};

use conclave_proto::mls::message_contents::{
    EncodedContent, PlaintextEnvelope, plaintext_envelope,
};
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    actions::MAX_ACTIONS, content_type::KnownType, reaction::MAX_REACTION_BYTES,
    text::MAX_TEXT_BYTES, transaction::MAX_CALLS,
};

/// Id of a message, the same on every member's installation.
pub type MessageId = [u8; 32];

/// Most bytes that the compressed contents of one message may grow to, all together
/// (content-and-client.md 1.1).
pub(crate) const INFLATED_BYTES: usize = 10 * 1024 * 1024;

/// Most bytes of a JSON payload that is read.
pub(crate) const JSON_BYTES: usize = 512 * 1024;

/// Why content could not be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing to send.
    #[error("The message is empty. Write something first.")]
    EmptyText,
    /// More than [`MAX_TEXT_BYTES`].
    #[error(
        "The message has {bytes} bytes; at most {MAX_TEXT_BYTES} can be sent. Shorten it or send it in parts."
    )]
    TextTooLong {
        /// Its length.
        bytes: usize,
    },
    /// No reaction, or one of more than [`MAX_REACTION_BYTES`].
    #[error("A reaction has 1 to {MAX_REACTION_BYTES} bytes. Choose another one.")]
    Reaction,
    /// No actions, more than [`MAX_ACTIONS`], or two with one id.
    #[error("A message offers 1 to {MAX_ACTIONS} actions, each with an id of its own.")]
    Actions,
    /// No calls, or more than [`MAX_CALLS`].
    #[error("A request has 1 to {MAX_CALLS} calls.")]
    WalletCalls,
    /// JSON that is no payload of its type.
    #[error("This is not JSON of the form that this kind of message has.")]
    Json,
    /// A file of more bytes than may be sent in this way.
    #[error("A file may have {} MiB at most. Share a part of it, or put it somewhere else.", limit >> 20)]
    AttachmentTooLarge {
        /// Bytes that it may have.
        limit: usize,
    },
    /// Content that is never sent in this form.
    #[error("this content can't be sent")]
    Unsendable,
    /// The application data is no `PlaintextEnvelope`.
    #[error("the message's envelope can't be read")]
    Envelope,
}

impl ContentError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyText => "empty_text",
            Self::TextTooLong { .. } => "text_too_long",
            Self::Reaction => "reaction_invalid",
            Self::Actions => "actions_invalid",
            Self::WalletCalls => "wallet_calls_invalid",
            Self::Json => "content_json",
            Self::AttachmentTooLarge { .. } => "attachment_too_large",
            Self::Unsendable => "content_unsendable",
            Self::Envelope => "unreadable_envelope",
        }
    }
}

/// What an application message carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// A message: the bytes of its `EncodedContent` exactly as received, and its idempotency key.
    Content {
        /// Serialized `EncodedContent`; hashed as it is.
        content: Vec<u8>,
        /// The sender's key, by custom its clock in decimal nanoseconds.
        idempotency_key: String,
    },
    /// The retired second form: accepted and ignored (groups.md 7.1).
    Ignored,
}

/// Wraps a serialized `EncodedContent` for MLS.
#[must_use]
pub fn encode_envelope(content: Vec<u8>, idempotency_key: String) -> Vec<u8> {
    PlaintextEnvelope {
        content: Some(plaintext_envelope::Content::V1(plaintext_envelope::V1 {
            content,
            idempotency_key,
        })),
    }
    .encode_to_vec()
}

/// Opens the application data of an MLS message.
///
/// # Errors
/// [`ContentError::Envelope`] if it does not decode or holds neither form.
pub fn open_envelope(plaintext: &[u8]) -> Result<Envelope, ContentError> {
    match PlaintextEnvelope::decode(plaintext)
        .map_err(|_| ContentError::Envelope)?
        .content
    {
        Some(plaintext_envelope::Content::V1(v1)) => Ok(Envelope::Content {
            content: v1.content,
            idempotency_key: v1.idempotency_key,
        }),
        Some(plaintext_envelope::Content::V2(_)) => Ok(Envelope::Ignored),
        None => Err(ContentError::Envelope),
    }
}

/// Content of a known type without parameters and fallback. Nothing is ever sent compressed.
pub(crate) fn encoded(known: KnownType, payload: Vec<u8>) -> EncodedContent {
    EncodedContent {
        r#type: known.name().map(Into::into),
        content: payload,
        ..EncodedContent::default()
    }
}

/// A message id in hex; `None` for anything else.
pub(crate) fn message_reference(text: &str) -> Option<MessageId> {
    let mut id = MessageId::default();
    hex::decode_to_slice(text, &mut id).ok()?;
    Some(id)
}

/// The text, if it has the form of an inbox id.
pub(crate) fn inbox_id(text: &str) -> Option<String> {
    message_reference(text).map(hex::encode)
}

/// Reads a JSON payload, if it is of a size to be read; depth is bounded by the parser.
pub(crate) fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    if payload.len() > JSON_BYTES {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

/// A JSON payload that we would read ourselves.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, ContentError> {
    serde_json::to_vec(value)
        .ok()
        .filter(|json| json.len() <= JSON_BYTES)
        .ok_or(ContentError::Unsendable)
}

/// Id of a message: SHA-256 over group id, tab, idempotency key, tab and the serialized
/// `EncodedContent` (groups.md 7.2). All members compute the same.
#[must_use]
pub fn message_id(group_id: &[u8], idempotency_key: &str, content: &[u8]) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(group_id);
    hash.update(b"\t");
    hash.update(idempotency_key.as_bytes());
    hash.update(b"\t");
    hash.update(content);
    hash.finalize().into()
}

/// Undoes the compression that mobile SDKs offer; what they call deflate is either of two formats.
/// `None` if it is neither or grows beyond `left`, which is lowered by what it grows to.
pub(crate) fn inflate<'a>(content: &'a EncodedContent, left: &mut usize) -> Option<Cow<'a, [u8]>> {
    fn read(reader: impl Read, left: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let bound = u64::try_from(left).unwrap_or(u64::MAX);
        let read = reader.take(bound.saturating_add(1)).read_to_end(&mut out);
        (read.ok()? <= left).then_some(out)
    }
    let bytes = content.content.as_slice();
    let inflated = match content.compression {
        None => return Some(Cow::Borrowed(bytes)),
        Some(0) => read(flate2::read::ZlibDecoder::new(bytes), *left)
            .or_else(|| read(flate2::read::DeflateDecoder::new(bytes), *left)),
        Some(1) => read(flate2::read::GzDecoder::new(bytes), *left),
        Some(_) => None,
    }?;
    *left = left.saturating_sub(inflated.len());
    Some(Cow::Owned(inflated))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    /// Ids that the official SDK shows for real messages.
    #[test]
    fn message_ids_are_those_of_the_official_client() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/content_types.json")).unwrap();
        let group_id = hex::decode(vectors["group_id"].as_str().unwrap()).unwrap();
        let mut checked = 0;
        for sample in vectors["samples"].as_array().unwrap() {
            let plaintext = STANDARD
                .decode(sample["plaintext_envelope"].as_str().unwrap())
                .unwrap();
            let Envelope::Content {
                content,
                idempotency_key,
            } = open_envelope(&plaintext).unwrap()
            else {
                panic!("a second form where none was sent");
            };
            let Some(expected) = sample["message_id"].as_str() else {
                continue;
            };
            assert_eq!(
                hex::encode(message_id(&group_id, &idempotency_key, &content)),
                expected,
                "{}",
                sample["step"]
            );
            assert_eq!(encode_envelope(content, idempotency_key), plaintext);
            checked += 1;
        }
        assert!(checked >= 15, "only {checked} ids were checked");
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        use std::io::Write;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0_u8; 11 * 1024 * 1024]).unwrap();
        let content = EncodedContent {
            content: encoder.finish().unwrap(),
            compression: Some(0),
            ..EncodedContent::default()
        };
        assert_eq!(inflate(&content, &mut INFLATED_BYTES.clone()), None);
    }
}
