use serde::Serialize;
use ts_rs::TS;

/// What the person chose for this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Settings {
    /// Whether others hear what was read here; true unless the person says no.
    pub send_read_receipts: bool,
    /// Bytes up to which files of allowed people are fetched by themselves; 0 for never.
    #[ts(type = "number")]
    pub auto_download_bytes: u64,
    /// A server that takes files by PUT at `ADDRESS/files/DIGEST`, in place of the node's.
    pub upload_server: Option<String>,
}
