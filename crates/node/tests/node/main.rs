//! The node through its network interface, by the acceptance list of `node.md` 12.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test code, also what is outside of test functions"
)]

mod accounts;
mod chains;
mod commit_logs;
mod files;
mod key_packages;
mod parsers;
mod peer;
mod program;
mod publications;
mod queries;
mod services;
mod streams;
