//! The registered account in its data folder: its client, its background work, its end.

use std::sync::Arc;

use conclave_engine::{AccountInfo, Client, GrpcNetwork, Live, Network, NodeConfig, RemoteFiles};
use tokio::task::JoinHandle;

use crate::{
    api::{Api, State},
    error::ApiError,
    event,
    opening::Opened,
    types::{Connection, NodeChoice},
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
            NodeChoice::BuiltIn => {
                let folder = self.opened().await?.folder;
                let node = self.0.options.node_resolver.built_in(folder.path());
                node.await
            }
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
        self.opened().await?;
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

    /// Begins with a data folder that was opened: the client of a registered account, and its
    /// background work if [`Options::live`](crate::Options::live) says so. Without success nothing
    /// is open.
    pub(crate) async fn begin(&self, opened: Opened) -> Result<(), ApiError> {
        let engine = opened.engine.clone();
        *self.0.state.write().await = State::Opened(opened);
        let begun = async {
            let account = engine.account().await?;
            if let Some(account) = account.filter(|account| account.registered) {
                self.begin_session(&account).await?;
                if self.0.options.live {
                    self.go_live().await?;
                }
            }
            Ok(())
        };
        let begun = begun.await;
        // Closing waits for everybody who has it.
        drop(engine);
        if begun.is_err() {
            self.end().await;
        }
        begun
    }

    /// Ends the background work and closes the database. Another process can open the folder once
    /// this has returned; commands that are still under way finish first.
    pub async fn close(&self) {
        let _upkeep = self.0.upkeep.lock().await;
        self.end().await;
    }

    /// As [`Api::close`], for who has the account to themselves.
    pub(crate) async fn end(&self) {
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
        let state = std::mem::replace(&mut *self.0.state.write().await, State::Closed);
        if let State::Opened(opened) = state {
            opened.engine.close().await;
        }
        self.0.shared.set_connection(Connection::Idle);
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
}
