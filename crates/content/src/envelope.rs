//! The outer layers of a message, and its id.

use std::{collections::BTreeMap, io::Read};

use conclave_proto::mls::message_contents::{
    ContentTypeId, EncodedContent, PlaintextEnvelope, plaintext_envelope,
};
use prost::Message;
use sha2::{Digest, Sha256};

/// Longest text we send, in bytes of UTF-8. The network allows more; nobody reads more at once.
pub const MAX_TEXT_BYTES: usize = 65_536;

/// Most bytes a compressed content may grow to (content-and-client.md 1.1).
const MAX_INFLATED_BYTES: u64 = 10 * 1024 * 1024;

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

/// A text message as a serialized `EncodedContent`.
///
/// # Errors
/// [`ContentError::EmptyText`] for nothing but white space, [`ContentError::TextTooLong`].
pub fn encode_text(text: &str) -> Result<Vec<u8>, ContentError> {
    if text.trim().is_empty() {
        return Err(ContentError::EmptyText);
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(ContentError::TextTooLong { bytes: text.len() });
    }
    Ok(EncodedContent {
        r#type: Some(ContentTypeId {
            authority_id: "xmtp.org".into(),
            type_id: "text".into(),
            version_major: 1,
            version_minor: 0,
        }),
        // Written always: readers of the JS package reject a text without it.
        parameters: BTreeMap::from([("encoding".into(), "UTF-8".into())]),
        fallback: None,
        content: text.as_bytes().to_vec(),
        compression: None,
    }
    .encode_to_vec())
}

/// Id of a message: SHA-256 over group id, tab, idempotency key, tab and the serialized
/// `EncodedContent` (groups.md 7.2). All members compute the same.
#[must_use]
pub fn message_id(group_id: &[u8], idempotency_key: &str, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(group_id);
    hash.update(b"\t");
    hash.update(idempotency_key.as_bytes());
    hash.update(b"\t");
    hash.update(content);
    hash.finalize().into()
}

/// Undoes the compression that mobile SDKs offer; what they call deflate is either of two formats.
/// `None` if it is neither or grows beyond the bound.
pub(crate) fn inflate(content: &EncodedContent) -> Option<Vec<u8>> {
    fn read(mut reader: impl Read) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let read = reader
            .by_ref()
            .take(MAX_INFLATED_BYTES + 1)
            .read_to_end(&mut out)
            .ok()?;
        (read as u64 <= MAX_INFLATED_BYTES).then_some(out)
    }
    let bytes = content.content.as_slice();
    match content.compression {
        None => Some(content.content.clone()),
        Some(0) => read(flate2::read::ZlibDecoder::new(bytes))
            .or_else(|| read(flate2::read::DeflateDecoder::new(bytes))),
        Some(1) => read(flate2::read::GzDecoder::new(bytes)),
        Some(_) => None,
    }
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
    fn our_text_is_byte_for_byte_the_official_one() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/content_types.json")).unwrap();
        let sample = vectors["samples"]
            .as_array()
            .unwrap()
            .iter()
            .find(|sample| sample["content_type"] == "text")
            .unwrap();
        let plaintext = STANDARD
            .decode(sample["plaintext_envelope"].as_str().unwrap())
            .unwrap();
        let Ok(Envelope::Content { content, .. }) = open_envelope(&plaintext) else {
            panic!()
        };
        let text = EncodedContent::decode(content.as_slice()).unwrap();
        let ours = encode_text(std::str::from_utf8(&text.content).unwrap()).unwrap();
        assert_eq!(ours, content);
    }

    #[test]
    fn bad_texts_are_refused_with_their_own_errors() {
        assert_eq!(encode_text(" \n\t"), Err(ContentError::EmptyText));
        assert!(encode_text(&"x".repeat(MAX_TEXT_BYTES)).is_ok());
        let error = encode_text(&"x".repeat(MAX_TEXT_BYTES + 1)).unwrap_err();
        assert_eq!(error.code(), "text_too_long");
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
        assert_eq!(inflate(&content), None);
    }
}
