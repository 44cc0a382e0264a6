//! XMTP V3 group rules on OpenMLS: no network, no database, no clock of its own but the one inside
//! OpenMLS (key package lifetimes).
//!
//! Every function is synchronous and works on an [`openmls::group::MlsGroup`] and an
//! [`openmls_traits::OpenMlsProvider`] that the caller owns. The caller wraps a call into one
//! storage transaction; a rolled-back transaction makes the in-memory group stale, so it must be
//! loaded again with [`openmls::group::MlsGroup::load`].
//!
//! The parts, in the order of a group's life:
//!
//! | module | what it holds |
//! |---|---|
//! | [`key_package`] | what a device publishes so that others can add it |
//! | [`extensions`], [`policy`] | what a group's context says: kind, attributes, admins, members, permissions |
//! | [`group`] | creating a group and reading its state |
//! | [`membership`], [`commit`] | planning and building commits of our own |
//! | [`welcome`] | wrapping, unwrapping and joining |
//! | [`framing`], [`process`] | messages off the wire and onto it |
//! | [`validation`] | which commits are accepted; the same table as the official clients |
//! | [`commit_log`] | what commits led to, signed so that members can compare it |
//! | [`transcript`] | what a commit means to a reader |
//! | [`encoding`] | compact bytes for values that OpenMLS hands out |
//!
//! Facts of the protocol come from the project's specification page `groups.md`; sections are named
//! where they are used. Whoever accepts or refuses another commit than the official clients do
//! leaves the group for good, so validation is neither stricter nor looser than that page.

pub mod association;
pub mod commit;
pub mod commit_log;
pub mod encoding;
pub mod error;
pub mod extensions;
pub mod framing;
pub mod group;
mod hpke;
pub mod key_package;
pub mod member;
pub mod membership;
pub mod policy;
pub mod process;
pub mod signer;
pub mod transcript;
pub mod validation;
pub mod version;
pub mod welcome;

pub use association::{AssociationStates, MissingIdentity};
pub use conclave_identity::{InstallationId, InstallationKey};
pub use error::MlsError;
pub use group::GroupState;
pub use member::Leaf;
pub use signer::InstallationSigner;
pub use version::COMPATIBILITY_VERSION;

#[cfg(test)]
mod testing;
