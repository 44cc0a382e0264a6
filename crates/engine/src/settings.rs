//! What the person chose for this installation.

use conclave_network::{FileServer, host_of};
use conclave_store::{Reader, StoreError, Tx};

use crate::{client::Client, error::EngineError};

/// The name of the choice to tell others what was read.
pub(crate) const SEND_READ_RECEIPTS: &str = "send_read_receipts";

/// The name of the choice up to which size files of allowed people are fetched by themselves.
const AUTO_DOWNLOAD_BYTES: &str = "auto_download_bytes";
/// What it is unless the person says something else.
const AUTO_DOWNLOAD_DEFAULT: u64 = 5 * 1024 * 1024;
/// The server that the person named for files.
const UPLOAD_SERVER: &str = "upload_server";
/// The node's server for files, as it was last announced: whether it is on the node's host, `+` or
/// `-`, and its address.
const FILE_SERVER: &str = "file_server";

/// What the person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether others hear what was read here; yes unless the person says no.
    pub send_read_receipts: bool,
    /// Bytes up to which files of allowed people are fetched by themselves; 0: never.
    pub auto_download_bytes: u64,
    /// A server that takes files by PUT at `ADDRESS/files/DIGEST`, used in place of the node's.
    pub upload_server: Option<String>,
}

/// Choices to change; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// See [`Settings::send_read_receipts`].
    pub send_read_receipts: Option<bool>,
    /// See [`Settings::auto_download_bytes`].
    pub auto_download_bytes: Option<u64>,
    /// See [`Settings::upload_server`]; empty for none.
    pub upload_server: Option<String>,
}

/// A choice of yes or no as it is stored; yes by default.
pub(crate) fn is_on(value: Option<&str>) -> bool {
    value != Some("false")
}

/// See [`Settings::auto_download_bytes`].
pub(crate) fn auto_download_bytes(reader: &Reader) -> Result<u64, StoreError> {
    let stored = reader.setting(AUTO_DOWNLOAD_BYTES)?;
    let stored = stored.and_then(|stored| stored.parse().ok());
    Ok(stored.unwrap_or(AUTO_DOWNLOAD_DEFAULT))
}

/// See [`Settings::upload_server`].
pub(crate) fn upload_server(reader: &Reader) -> Result<Option<String>, StoreError> {
    let stored = reader.setting(UPLOAD_SERVER)?;
    Ok(stored.filter(|url| !url.is_empty()))
}

/// The node's server for files, as it was last announced.
pub(crate) fn known_file_server(reader: &Reader) -> Result<Option<FileServer>, StoreError> {
    let stored = reader.setting(FILE_SERVER)?;
    Ok(stored.and_then(|stored| {
        let here = stored.strip_prefix('+');
        let url = here.or(stored.strip_prefix('-'))?;
        Some(FileServer {
            url: url.to_owned(),
            is_nodes_host: here.is_some(),
        })
    }))
}

/// Remembers the node's server for files.
pub(crate) fn know_file_server(tx: &Tx, server: &FileServer) -> Result<(), StoreError> {
    let sign = if server.is_nodes_host { '+' } else { '-' };
    tx.set_setting(FILE_SERVER, &format!("{sign}{}", server.url))
}

/// Whether an address can be a server for files: https, and no more than a host and a path. One on a
/// private network is asked once its host was allowed.
fn takes_files(url: &str) -> bool {
    let https = url
        .get(..8)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    https
        && host_of(url).is_some()
        && !url.contains(['@', '?', '#'])
        && !url.contains(char::is_whitespace)
}

impl Client {
    /// What the person chose.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self) -> Result<Settings, EngineError> {
        self.0
            .store
            .read(|reader| {
                Ok::<_, EngineError>(Settings {
                    send_read_receipts: is_on(reader.setting(SEND_READ_RECEIPTS)?.as_deref()),
                    auto_download_bytes: auto_download_bytes(reader)?,
                    upload_server: upload_server(reader)?,
                })
            })
            .await
    }

    /// Changes what the person chose.
    ///
    /// # Errors
    /// [`EngineError::UploadServer`] for an address that no file can be put at; nothing is changed.
    pub async fn set_settings(&self, change: SettingsChange) -> Result<Settings, EngineError> {
        if let Some(url) = change.upload_server.as_deref()
            && !(url.is_empty() || takes_files(url))
        {
            return Err(EngineError::UploadServer);
        }
        self.0
            .store
            .write(move |tx| {
                if let Some(send) = change.send_read_receipts {
                    tx.set_setting(SEND_READ_RECEIPTS, &send.to_string())?;
                }
                if let Some(bytes) = change.auto_download_bytes {
                    tx.set_setting(AUTO_DOWNLOAD_BYTES, &bytes.to_string())?;
                }
                if let Some(url) = change.upload_server {
                    tx.set_setting(UPLOAD_SERVER, url.trim_end_matches('/'))?;
                }
                Ok::<_, EngineError>(())
            })
            .await?;
        self.settings().await
    }
}

#[cfg(test)]
mod tests {
    use super::takes_files;

    #[test]
    fn a_server_for_files_is_an_https_address_of_a_host_and_a_path() {
        for good in ["https://files.example", "HTTPS://files.example:8443/mine"] {
            assert!(takes_files(good), "{good}");
        }
        for bad in [
            "files.example",
            "http://files.example",
            "https://",
            "https://alix@files.example",
            "https://files.example/?a=b",
            "https://files.example/#top",
            "https://files .example",
        ] {
            assert!(!takes_files(bad), "{bad}");
        }
    }
}
