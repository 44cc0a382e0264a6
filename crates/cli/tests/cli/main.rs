//! The real program against a real node: people, their conversations, streams, errors and the
//! bridge, as scripts and pages see them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "all of this is tests; clippy exempts only the functions marked as such"
)]

mod accounts;
mod archives;
#[path = "../../../engine/tests/stories/authenticator.rs"]
mod authenticator;
mod bridge;
mod content;
mod conversations;
mod delivery;
mod devices;
mod leaving;
mod local_data;
mod passkeys;
mod refusals;
mod rules;
mod searching;
mod streams;
mod world;
