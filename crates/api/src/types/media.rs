use serde::Serialize;
use ts_rs::TS;

/// A file for the page to show, judged by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Media {
    /// What the bytes are, whatever their sender said.
    pub media_type: String,
    /// The bytes in standard base64.
    pub base64: String,
}
