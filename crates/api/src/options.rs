//! What a shell decides when it opens a data folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use conclave_engine::{Keychain, SystemKeychain};
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{error::ApiError, types::NodeChoice};

/// Name under which keys lie in the system's keychain; the user name beside it is the data folder.
const KEYCHAIN_SERVICE: &str = "chat.conclave";

/// How a data folder is opened.
#[derive(Clone)]
pub struct Options {
    /// The account's folder; made if there is none. A person may have moved the data elsewhere; it
    /// is found from here all the same.
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
    /// Whether events bring only messages of the conversation whose messages were listed last. A page
    /// shows no others, and thousands may come at once.
    pub messages_of_shown: bool,
}

/// Where the database key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file of 64 hex characters.
    File(PathBuf),
    /// A keychain; a new key is made and kept there if there is no database in the folder yet.
    Keychain(Arc<dyn Keychain>),
}

impl KeySource {
    /// The keychain of the operating system.
    #[must_use]
    pub fn system_keychain() -> Self {
        Self::Keychain(Arc::new(SystemKeychain {
            service: KEYCHAIN_SERVICE,
        }))
    }
}

/// Finds the node that runs inside the program.
pub trait NodeResolver: Send + Sync {
    /// The URL of the built-in node, started if it does not run yet. Its data is in this folder.
    ///
    /// # Errors
    /// The shell's own, where it has no such node or it does not start.
    fn built_in(&self, data_dir: &Path) -> BoxFuture<'_, Result<String, ApiError>>;

    /// Stops the built-in node if it runs, because its data is about to be moved. It is asked for
    /// again afterwards.
    fn release(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
