//! The way to a node: the V3 services behind one trait, and streams that come back by themselves.
//!
//! [`Network`] is what the engine sees; [`GrpcNetwork`] is the one that speaks to real nodes
//! (`node.md` 1 to 4 and 11). Every reply is checked before it is handed on: a node that answers
//! nonsense causes [`NetworkError::NodeReply`], never a panic. Nothing here keeps a cursor; the
//! caller stores them and passes them in.
//!
//! [`RemoteFiles`] fetches what strangers name, and asks nobody on a private network for it.

mod channel;
mod config;
mod error;
mod file_url;
mod foreign;
mod grpc;
mod network;
mod reconnect;
mod remote_file;
mod reply;

pub use config::{NodeConfig, Retry, Socks5, Timeouts};
pub use error::{NetworkError, StatusCode};
pub use file_url::{TrustedHosts, UrlRefused, host_of};
pub use grpc::GrpcNetwork;
pub use network::{
    FileServer, GroupMessageStream, LoggedUpdate, Network, Page, WalletVerdict, WelcomeStream,
};
pub use reconnect::{Reconnect, StreamEvent, reconnecting};
pub use remote_file::{FileError, RemoteFile, RemoteFiles, Uploaded};

/// Rows a node gives per page at most (`node.md` 2.5).
pub const PAGE_LIMIT: u32 = 100;

/// Bytes that one message in either direction may have: 25 MiB of content (`node.md` 3.8) and room
/// for its frame.
pub const MESSAGE_LIMIT: usize = 26 * 1024 * 1024;

/// Bytes of content per call, the limit of the official clients (`node.md` 1.2).
pub const PAYLOAD_LIMIT: usize = 25 * 1024 * 1024;
