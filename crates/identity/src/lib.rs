//! Inboxes of the XMTP V3 network: who belongs to one, and how that is proven.
//!
//! An *inbox* is a set of *members*: identifiers (Ethereum addresses, passkeys) and installations
//! (one Ed25519 key per device). It is never stored as such: everybody folds the same ordered log
//! of signed [`IdentityUpdate`](conclave_proto::identity::associations::IdentityUpdate)s into an
//! [`AssociationState`], and must come to the same result. Every rule here, also the odd ones,
//! therefore follows the reference implementation; the source is the project's specification page
//! `identity.md`, whose sections the comments name.
//!
//! The way of an update:
//!
//! 1. writer: [`UpdateBuilder`] → [`UnsignedUpdate`] → signatures → wire message;
//! 2. reader: [`verify_update`] checks every signature → [`VerifiedUpdate`];
//! 3. reader: [`AssociationState::apply`] runs the rules.
//!
//! The crate does no I/O. Checking a smart-contract wallet needs a chain; that check is injected
//! as a [`SmartContractVerifier`].

mod association_state;
mod canonical;
mod error;
mod identifier;
mod inbox_id;
mod installation_key;
mod signature;
mod signature_text;
mod unsigned_update;
mod verified_update;
mod wallet_key;

pub use association_state::{AssociationState, AssociationStateDiff, Member};
pub use canonical::{canonical_signatures, repeats_signature};
pub use error::IdentityError;
pub use identifier::{Identifier, InstallationId, MemberIdentifier, MemberKind, Passkey};
pub use inbox_id::InboxId;
pub use installation_key::{
    InstallationKey, verify_identity_update_signature, verify_public_signature, verify_signature,
};
pub use signature::{
    AccountId, SignatureKind, SmartContractVerifier, VerifiedSignature, VerifierError,
    ethereum_message_hash,
};
pub use signature_text::signature_text;
pub use unsigned_update::{UnsignedUpdate, UpdateBuilder};
pub use verified_update::{VerifiedAction, VerifiedUpdate, verify_update};
pub use wallet_key::WalletKey;

/// Installations an inbox may have before a new one is refused by the registering client
/// (`identity.md` 4.4). Readers accept more.
pub const MAX_INSTALLATIONS: usize = 10;

/// Updates a node keeps per inbox (`identity.md` 4.4).
pub const MAX_UPDATES: usize = 256;

/// Nonce of a new inbox when nobody asked for another (`identity.md` 1.2).
pub const DEFAULT_NONCE: u64 = 1;
