//! What a shell decides when it opens a data folder.

use std::{path::PathBuf, sync::Arc};

use conclave_engine::DatabaseKey;
use futures::future::BoxFuture;

use crate::{error::ApiError, types::NodeChoice};

/// Name under which keys lie in the OS keychain; the user name beside it is the data folder.
const KEYCHAIN_SERVICE: &str = "chat.conclave";

/// How a data folder is opened.
#[derive(Clone)]
pub struct Options {
    /// The account's folder; made if there is none.
    pub data_dir: PathBuf,
    /// Where the database key is.
    pub key: KeySource,
    /// Finds the built-in node.
    pub node_resolver: Arc<dyn NodeResolver>,
    /// The node to use in place of the account's own, for this run.
    pub node: Option<NodeChoice>,
    /// Name and version of the program, `name/version`; nodes see it.
    pub app_version: String,
    /// Whether streams, publishing and key rotation run in the background. Without it nothing is
    /// sent or fetched but by commands that say so.
    pub live: bool,
}

/// Where the database key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file of 64 hex characters.
    File(PathBuf),
    /// The OS keychain; a new key is made and kept there if there is none for the folder.
    Keychain,
}

/// Finds the node that runs inside the program.
pub trait NodeResolver: Send + Sync {
    /// The URL of the built-in node, started if it does not run yet.
    ///
    /// # Errors
    /// The shell's own, where it has no such node or it does not start.
    fn built_in(&self) -> BoxFuture<'_, Result<String, ApiError>>;
}

impl Options {
    /// Makes the data folder and gets the database key. Blocks, perhaps until a person unlocks the
    /// keychain.
    pub(crate) fn prepare(&self) -> Result<DatabaseKey, ApiError> {
        std::fs::create_dir_all(&self.data_dir).map_err(|error| self.unusable(&error))?;
        match &self.key {
            KeySource::File(path) => Ok(DatabaseKey::from_key_file(path)?),
            KeySource::Keychain => {
                let folder = self
                    .data_dir
                    .canonicalize()
                    .map_err(|error| self.unusable(&error))?;
                Ok(DatabaseKey::from_keychain(
                    KEYCHAIN_SERVICE,
                    &folder.to_string_lossy(),
                )?)
            }
        }
    }

    fn unusable(&self, error: &std::io::Error) -> ApiError {
        let folder = self.data_dir.display();
        ApiError::new(
            "data_folder_unusable",
            format!("The data folder {folder} can't be used: {error}. Choose another one."),
        )
    }
}
