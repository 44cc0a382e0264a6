//! The registered account in its data folder: its client, its background work, its end.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use conclave_engine::{
    AccountInfo, Client, DATABASE_FILE, GrpcNetwork, Live, Network, NodeConfig, RemoteFiles,
};
use tokio::task::JoinHandle;

use crate::{
    api::{Api, closed},
    error::ApiError,
    event,
    options::Options,
    types::NodeChoice,
};

/// How the built-in node is written where a URL would stand.
const BUILT_IN: &str = "built-in";

/// The client of a registered account, and the tasks that belong to it.
pub(crate) struct Session {
    pub(crate) client: Client,
    live: Option<Live>,
    relay: JoinHandle<()>,
}

/// How a choice is remembered.
pub(crate) fn node_text(node: &NodeChoice) -> String {
    match node {
        NodeChoice::BuiltIn => BUILT_IN.to_owned(),
        NodeChoice::Address { url } => url.trim().to_owned(),
    }
}

/// The choice that [`node_text`] remembered.
fn node_choice(text: &str) -> NodeChoice {
    match text {
        BUILT_IN => NodeChoice::BuiltIn,
        url => NodeChoice::Address {
            url: url.to_owned(),
        },
    }
}

impl Api {
    /// The URL of a node.
    pub(crate) async fn node_url(&self, node: &NodeChoice) -> Result<String, ApiError> {
        match node {
            NodeChoice::BuiltIn => self.0.options.node_resolver.built_in().await,
            NodeChoice::Address { url } => Ok(url.trim().to_owned()),
        }
    }

    /// The way to a node; nothing is sent yet.
    pub(crate) async fn network(&self, node: &NodeChoice) -> Result<Arc<dyn Network>, ApiError> {
        let config = NodeConfig {
            app_version: self.0.options.app_version.clone(),
            ..NodeConfig::new(self.node_url(node).await?)
        };
        Ok(Arc::new(GrpcNetwork::connect(&config)?))
    }

    /// Makes the client of a registered account, and tells its events from now on.
    pub(crate) async fn begin_session(&self, account: &AccountInfo) -> Result<Client, ApiError> {
        let own = node_choice(&account.node_url);
        let node = self.0.options.node.as_ref().unwrap_or(&own);
        let network = self.network(node).await?;
        // Files of others take the same way as the node: there is no proxy yet.
        let files = RemoteFiles::new(None);
        let client = self.engine().await?.client(network, files).await?;
        let relay = event::relay(client.clone(), Arc::clone(&self.0.shared));
        let session = Session {
            client: client.clone(),
            live: None,
            relay,
        };
        *self.0.session.write().await = Some(session);
        Ok(client)
    }

    /// Begins the background work of a registered account: streams, publishing, key rotation. It
    /// goes on until [`Api::close`]; without an account, or a second time, nothing happens.
    ///
    /// # Errors
    /// `store_closed`.
    pub async fn go_live(&self) -> Result<(), ApiError> {
        if self.0.engine.read().await.is_none() {
            return Err(closed());
        }
        if let Some(session) = self.0.session.write().await.as_mut()
            && session.live.is_none()
        {
            session.live = Some(session.client.start());
        }
        Ok(())
    }

    /// Whether there is background work.
    pub(crate) async fn is_live(&self) -> bool {
        let session = self.0.session.read().await;
        session
            .as_ref()
            .is_some_and(|session| session.live.is_some())
    }

    /// Ends the background work and closes the database. Another process can open the folder once
    /// this has returned; commands that are still under way finish first.
    pub async fn close(&self) {
        let session = self.0.session.write().await.take();
        if let Some(Session {
            client,
            live,
            relay,
        }) = session
        {
            if let Some(live) = live {
                live.stop().await;
            }
            relay.abort();
            // An error says that it was aborted, which is what we wanted.
            drop(relay.await);
            drop(client);
        }
        self.0.pending.lock().await.take();
        self.0.change.lock().await.take();
        let engine = self.0.engine.write().await.take();
        if let Some(engine) = engine {
            engine.close().await;
        }
    }
}

/// Deletes the database of a data folder: account, keys and history of this installation. Other
/// installations, and what others have, stay as they are. Also deletes a database that can't be
/// opened, so that a person can begin anew.
///
/// # Errors
/// `account_in_use`, the key's, and `data_folder_unusable`.
pub async fn delete_local_database(options: Options) -> Result<(), ApiError> {
    let folder = options.data_dir.clone();
    match Api::open(Options {
        live: false,
        ..options
    })
    .await
    {
        Ok(api) => api.close().await,
        Err(error) if deletable(&error.code) => {}
        Err(error) => return Err(error),
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = OsString::from(DATABASE_FILE);
        name.push(suffix);
        remove(folder.join(name))?;
    }
    Ok(())
}

/// Whether a database that did not open for this reason may be deleted: nobody else has it.
fn deletable(code: &str) -> bool {
    matches!(
        code,
        "wrong_key" | "newer_version" | "database_corrupt" | "node_required"
    )
}

fn remove(path: PathBuf) -> Result<(), ApiError> {
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ApiError::new(
            "data_folder_unusable",
            format!(
                "{} could not be deleted: {error}. Delete it by hand.",
                path.display()
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_node_is_the_one_that_was_chosen() {
        let address = NodeChoice::Address {
            url: "https://node.example".into(),
        };
        for node in [NodeChoice::BuiltIn, address] {
            assert_eq!(node_choice(&node_text(&node)), node);
        }
    }

    #[test]
    fn a_database_that_somebody_has_open_is_not_deleted() {
        assert!(!deletable("account_in_use"));
        assert!(!deletable("keychain_unavailable"));
        assert!(deletable("wrong_key"));
    }
}
