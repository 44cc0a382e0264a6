//! Text and markdown.

use conclave_proto::mls::message_contents::EncodedContent;

use crate::{
    content_type::KnownType,
    envelope::{ContentError, encoded},
};

/// Longest text we send, in bytes of UTF-8. The network allows more; nobody reads more at once.
pub const MAX_TEXT_BYTES: usize = 65_536;

/// The key and the only value of the parameter that names the encoding.
const ENCODING: (&str, &str) = ("encoding", "UTF-8");

pub(crate) fn encode(known: KnownType, text: &str) -> Result<EncodedContent, ContentError> {
    if text.trim().is_empty() {
        return Err(ContentError::EmptyText);
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(ContentError::TextTooLong { bytes: text.len() });
    }
    let mut content = encoded(known, text.as_bytes().to_vec());
    let (key, value) = ENCODING;
    // Written always: readers of the JS package reject a text without it.
    content.parameters.insert(key.into(), value.into());
    Ok(content)
}

/// `None` for bytes that are no UTF-8 or claim to be something else.
pub(crate) fn decode(encoded: &EncodedContent, payload: &[u8]) -> Option<String> {
    let (key, value) = ENCODING;
    let is_utf8 = encoded.parameters.get(key).is_none_or(|name| name == value);
    let text = std::str::from_utf8(payload).ok()?;
    is_utf8.then(|| text.to_owned())
}
