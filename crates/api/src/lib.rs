//! The only surface that shells call: commands, events and their types.
//!
//! - [`Api`] is one opened data folder, from the first run to the main window. [`Api::call`] runs a
//!   command by name, for shells in other languages; every command is also a method with typed
//!   arguments, for the command line.
//! - [`Api::events`] tells what changed, with whole rows.
//! - [`types`] are the shapes; [`typescript`] writes them down for the web UI.

mod api;
mod archive;
mod attachment;
mod consent;
mod content;
mod conversation;
mod dispatch;
pub mod error;
mod event;
mod group;
mod history;
mod inbox;
mod local_data;
mod member;
mod message;
mod opening;
mod options;
mod permissions;
mod registration;
mod registry;
mod search;
mod session;
mod settings;
mod stream;
pub mod types;
mod typescript;
mod value;

pub use api::Api;
pub use conversation::{ConversationFilter, ConversationOrder};
pub use dispatch::Answer;
pub use error::ApiError;
pub use message::MessageFilter;
pub use opening::delete_local_database;
pub use options::{KeySource, NodeResolver, Options};
pub use stream::Rows;
pub use typescript::typescript;
