//! The only surface that shells call: commands, events and their types.

pub mod error;
mod registry;
pub mod types;
mod typescript;

pub use error::ApiError;
pub use typescript::typescript;
