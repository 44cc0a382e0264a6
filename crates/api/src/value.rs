//! How ids, times and counts are written for shells, and read from them.

use conclave_engine::EngineError;

use crate::error::ApiError;

/// Longest id in bytes; ids of conversations have 16, of messages and inboxes 32.
const MAX_ID_BYTES: usize = 64;
/// Length of an inbox id in bytes (identity.md 2).
const INBOX_ID_BYTES: usize = 32;
/// Characters of a wrong id that an error repeats.
const SHOWN_CHARS: usize = 80;

/// Lower-case hex.
pub(crate) fn id(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

/// The bytes of an id.
pub(crate) fn bytes(id: &str) -> Result<Vec<u8>, ApiError> {
    match hex::decode(id.trim()) {
        Ok(bytes) if !bytes.is_empty() && bytes.len() <= MAX_ID_BYTES => Ok(bytes),
        _ => Err(invalid(id)),
    }
}

/// An inbox id as it is stored: 32 bytes in lower-case hex.
pub(crate) fn inbox_id(text: &str) -> Result<String, ApiError> {
    let bytes = bytes(text)?;
    if bytes.len() == INBOX_ID_BYTES {
        Ok(id(bytes))
    } else {
        Err(invalid(text))
    }
}

fn invalid(id: &str) -> ApiError {
    let shown: String = id.chars().take(SHOWN_CHARS).collect();
    EngineError::InvalidId(format!("'{shown}'")).into()
}

/// A time as a string of decimal nanoseconds.
pub(crate) fn ns(time: i64) -> String {
    time.to_string()
}

/// Reads a time.
pub(crate) fn read_ns(text: &str) -> Result<i64, ApiError> {
    text.trim()
        .parse()
        .map_err(|_| ApiError::arguments("This is no time in nanoseconds."))
}

/// A count, never negative.
pub(crate) fn count(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or_default()
}

/// A number of nanoseconds and what tells rows of the same nanosecond apart, as one opaque string.
pub(crate) fn position(time: i64, key: impl std::fmt::Display) -> String {
    format!("{time}.{key}")
}

/// Reads what [`position`] wrote.
pub(crate) fn read_position(text: &str) -> Result<(i64, &str), ApiError> {
    text.split_once('.')
        .and_then(|(time, key)| Some((time.parse().ok()?, key)))
        .ok_or_else(|| ApiError::arguments("This position does not come from an earlier page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hex_of_a_sensible_length() {
        assert_eq!(bytes("00ff").unwrap(), [0, 255]);
        assert_eq!(id([0, 255]), "00ff");
        for bad in ["", "0", "0x00", "zz", &"00".repeat(MAX_ID_BYTES + 1)] {
            let error = bytes(bad).unwrap_err();
            assert_eq!(error.code, "invalid_id");
            assert!(error.message.len() < 200);
        }
        assert_eq!(inbox_id(&"AB".repeat(32)).unwrap(), "ab".repeat(32));
        assert_eq!(inbox_id("abab").unwrap_err().code, "invalid_id");
    }

    #[test]
    fn positions_come_back() {
        assert_eq!(read_position(&position(-5, "ab")).unwrap(), (-5, "ab"));
        for bad in ["", "5", "x.5"] {
            assert_eq!(read_position(bad).unwrap_err().code, "invalid_arguments");
        }
    }

    #[test]
    fn counts_never_wrap() {
        assert_eq!(count(7_i64), 7);
        assert_eq!(count(-1_i64), 0);
    }
}
