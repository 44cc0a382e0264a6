//! Stories of named people on one real node, each with an encrypted database of their own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code; clippy knows only functions marked as tests"
)]

mod actor;
mod archives;
mod attachments;
mod authenticator;
mod consent;
mod content;
mod conversations;
mod crowd;
mod deletion;
mod device_sync;
mod direct_messages;
mod disappearing;
mod disk;
mod failures;
mod forks;
mod held_network;
mod history;
mod history_servers;
mod hostile;
mod hostile_members;
mod installations;
mod leaving;
mod operations;
mod outbox;
mod passkeys;
mod pauses;
mod pictures;
mod roles;
mod searching;
mod simulation;
mod sizes;
mod streams;
mod turns;
mod wallets;
