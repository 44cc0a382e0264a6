//! Stories of named people on one real node, each with an encrypted database of their own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code; clippy knows only functions marked as tests"
)]

mod actor;
mod conversations;
mod failures;
