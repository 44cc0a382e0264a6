//! The shape of the source tree: which layer may use which, how long a file may be, and that a
//! manifest names nothing its sources do not use.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "all of this file is tests; clippy exempts only the functions marked as such"
)]

mod dependencies;
mod files;
mod layers;
mod tree;
