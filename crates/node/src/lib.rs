//! A node of the XMTP V3 network: keeps what installations publish and hands it on.
//!
//! It gives ids, keeps order and checks form; what messages say is encrypted between their
//! writers and readers. The project's specification page `node.md` is the source of every rule,
//! and the comments name its sections.
//!
//! The binary `conclave-node` runs one; a program that embeds a node does this:
//!
//! ```no_run
//! # async fn run() -> Result<(), conclave_node::StartError> {
//! let node = conclave_node::Node::start(conclave_node::Config::temporary()).await?;
//! println!("clients connect to {}", node.url());
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod config;
mod files;
mod health;
mod identity_api;
pub mod limits;
pub mod live;
mod migration_api;
mod mls_api;
mod node;
pub mod parse;
mod status;
pub mod storage;

pub use config::{Config, Database};
pub use files::FilesConfig;
pub use node::{Node, Running, StartError};
