//! The node inside the app, for people who chose "this computer".

use std::path::Path;

use conclave_api::{ApiError, NodeResolver};
use conclave_node::{Config, Database, Node, Running, StartError};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use crate::launch::Launch;

/// Starts the node when it is first asked for, so that an account elsewhere costs nothing.
pub(crate) struct BuiltInNode {
    /// A node that runs already and is used in place of an own one.
    elsewhere: Option<String>,
    running: Mutex<Option<Running>>,
}

impl BuiltInNode {
    pub(crate) fn new(launch: &Launch) -> Self {
        Self {
            elsewhere: launch.node.clone(),
            running: Mutex::default(),
        }
    }

    /// The URL of the node, started if need be with its data in this folder. Asking at the same time starts one.
    ///
    /// # Errors
    /// [`StartError`]; asking again tries again.
    pub(crate) async fn url(&self, data_dir: &Path) -> Result<String, StartError> {
        if let Some(url) = &self.elsewhere {
            return Ok(url.clone());
        }
        let mut running = self.running.lock().await;
        if let Some(node) = running.as_ref() {
            return Ok(node.url());
        }
        let config = Config {
            database: Database::Sqlite(data_dir.join("node.db")),
            ..Config::temporary()
        };
        let node = Node::start(config).await?;
        let url = node.url();
        *running = Some(node);
        Ok(url)
    }

    /// Finishes what the node has in hand; at most 5 s.
    pub(crate) async fn stop(&self) {
        if let Some(node) = self.running.lock().await.take() {
            node.shutdown().await;
        }
    }
}

impl NodeResolver for BuiltInNode {
    fn built_in(&self, data_dir: &Path) -> BoxFuture<'_, Result<String, ApiError>> {
        let data_dir = data_dir.to_owned();
        Box::pin(async move {
            self.url(&data_dir).await.map_err(|error| ApiError {
                code: error.code().to_owned(),
                message: format!("The node on this computer did not start: {error}."),
                retryable: true,
            })
        })
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.stop())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn built_in_node(arguments: &[&str]) -> BuiltInNode {
        BuiltInNode::new(&Launch::try_parse_from([&["conclave"], arguments].concat()).unwrap())
    }

    #[tokio::test]
    async fn it_starts_once_and_keeps_its_data_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let node = built_in_node(&[]);
        let (one, two) = tokio::join!(node.url(folder.path()), node.url(folder.path()));
        let url = one.unwrap();
        assert_eq!(url, two.unwrap());
        assert!(folder.path().join("node.db").is_file());

        node.release().await;
        let address = url.strip_prefix("http://").unwrap();
        assert!(
            tokio::net::TcpStream::connect(address).await.is_err(),
            "it still listens"
        );
        let moved = tempfile::tempdir().unwrap();
        assert!(
            node.built_in(moved.path()).await.is_ok(),
            "it starts again when asked again"
        );
        assert!(moved.path().join("node.db").is_file());
    }

    #[tokio::test]
    async fn a_node_that_runs_already_is_used_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let node = built_in_node(&["--node", "http://127.0.0.1:5556"]);
        let url = node.url(folder.path()).await.unwrap();
        assert_eq!(url, "http://127.0.0.1:5556");
        assert!(!folder.path().join("node.db").exists());
    }
}
