//! The node through its network interface, by the acceptance list of `node.md` 12.

mod accounts;
mod chains;
mod commit_logs;
mod key_packages;
mod parsers;
mod peer;
mod program;
mod publications;
mod queries;
mod services;
mod streams;
