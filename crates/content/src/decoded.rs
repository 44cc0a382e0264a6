//! Content as a conversation shows it.

use conclave_proto::mls::message_contents::{EncodedContent, GroupUpdated};
use prost::Message;

use crate::{
    content_type::{ContentType, KnownType},
    envelope::inflate,
    transcript::GroupUpdate,
};

/// Most characters of a stored preview.
pub const PREVIEW_CHARS: usize = 200;

/// Most replies inside replies that are opened; official clients nest one.
const MAX_NESTING: u8 = 3;

/// Decoded content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Text, markdown source, or the text of a reply.
    Text(String),
    /// A line derived from a commit.
    GroupUpdated(GroupUpdate),
    /// A type this version does not show, or content that did not decode.
    Other {
        /// The sender's fallback, if it is not empty.
        fallback: Option<String>,
    },
}

impl Decoded {
    /// Decodes a serialized `EncodedContent`. Never fails: what can't be read is
    /// [`Decoded::Other`], because a message is never dropped from its conversation.
    #[must_use]
    pub fn of(content: &[u8]) -> (ContentType, Self) {
        let Ok(encoded) = EncodedContent::decode(content) else {
            return (ContentType::default(), Self::Other { fallback: None });
        };
        let content_type = encoded
            .r#type
            .clone()
            .map(ContentType::from)
            .unwrap_or_default();
        let decoded = Self::open(&encoded, KnownType::of(&content_type), MAX_NESTING);
        (content_type, decoded)
    }

    fn open(encoded: &EncodedContent, known: KnownType, nesting: u8) -> Self {
        let opened = inflate(encoded).and_then(|payload| match known {
            KnownType::Text | KnownType::Markdown => {
                let is_utf8 = encoded
                    .parameters
                    .get("encoding")
                    .is_none_or(|e| e == "UTF-8");
                let text = String::from_utf8(payload).ok().filter(|_| is_utf8);
                text.map(Self::Text)
            }
            KnownType::Reply if nesting > 0 => {
                let inner = EncodedContent::decode(payload.as_slice()).ok()?;
                let known = KnownType::of(&inner.r#type.clone().map(ContentType::from)?);
                match Self::open(&inner, known, nesting - 1) {
                    Self::Text(text) => Some(Self::Text(text)),
                    _ => None,
                }
            }
            KnownType::GroupUpdated => {
                let update = GroupUpdated::decode(payload.as_slice()).ok()?;
                Some(Self::GroupUpdated(GroupUpdate::from(update)))
            }
            _ => None,
        });
        opened.unwrap_or_else(|| Self::Other {
            fallback: encoded
                .fallback
                .clone()
                .filter(|fallback| !fallback.trim().is_empty()),
        })
    }

    /// What a list shows: text or fallback, white space folded, at most [`PREVIEW_CHARS`]
    /// characters. Empty for a membership change, which the shell puts into words.
    #[must_use]
    pub fn preview(&self) -> String {
        let text = match self {
            Self::Text(text) => text.as_str(),
            Self::Other {
                fallback: Some(fallback),
            } => fallback.as_str(),
            Self::Other { fallback: None } => "Unsupported content",
            Self::GroupUpdated(_) => "",
        };
        let mut preview = String::new();
        for word in text.split_whitespace() {
            if !preview.is_empty() {
                preview.push(' ');
            }
            preview.push_str(word);
            if preview.len() > PREVIEW_CHARS * 4 {
                break;
            }
        }
        preview.chars().take(PREVIEW_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;
    use crate::{Envelope, encode_text, open_envelope};

    fn sample(content_type: &str) -> Decoded {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/content_types.json")).unwrap();
        let samples = vectors["samples"].as_array().unwrap();
        let sample = samples
            .iter()
            .find(|s| s["content_type"] == content_type)
            .unwrap();
        let plaintext = STANDARD
            .decode(sample["plaintext_envelope"].as_str().unwrap())
            .unwrap();
        let Ok(Envelope::Content { content, .. }) = open_envelope(&plaintext) else {
            panic!()
        };
        Decoded::of(&content).1
    }

    #[test]
    fn official_samples_show_text_or_their_fallback() {
        assert!(matches!(sample("text"), Decoded::Text(_)));
        assert!(matches!(sample("reply"), Decoded::Text(_)));
        assert!(matches!(sample("markdown"), Decoded::Text(_)));
        assert!(matches!(
            sample("attachment"),
            Decoded::Other { fallback: Some(_) }
        ));
    }

    #[test]
    fn an_unknown_type_without_fallback_is_still_a_line() {
        let content = EncodedContent::default().encode_to_vec();
        assert_eq!(Decoded::of(&content).1.preview(), "Unsupported content");
    }

    #[test]
    fn a_preview_is_folded_and_cut_between_characters() {
        let text = format!("  a\n\n b\t{}", "é".repeat(300));
        let preview = Decoded::of(&encode_text(&text).unwrap()).1.preview();
        assert!(preview.starts_with("a b éé"));
        assert_eq!(preview.chars().count(), PREVIEW_CHARS);
    }

    proptest! {
        #[test]
        fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let (_, decoded) = Decoded::of(&bytes);
            prop_assert!(decoded.preview().chars().count() <= PREVIEW_CHARS);
            let _ = open_envelope(&bytes);
        }
    }
}
