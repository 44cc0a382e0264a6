//! Messages of a group: making, reading and applying them.

use conclave_identity::InstallationId;
use openmls::framing::errors::{MessageDecryptionError, SecretTreeError};
use openmls::framing::{ContentType, ProcessedMessageContent, Sender};
use openmls::group::{
    MlsGroup, MlsGroupStateError, ProcessMessageError, ProposalValidationError, StageCommitError,
    StagedCommit, ValidationError,
};
use openmls::key_packages::errors::KeyPackageVerifyError;
use openmls::prelude::OpenMlsProvider;
use openmls::prelude::tls_codec::Serialize;
use openmls::treesync::errors::LeafNodeValidationError;
use zeroize::Zeroizing;

use crate::error::MlsError;
use crate::framing::{self, FramingError};
use crate::member::Leaf;
use crate::signer::InstallationSigner;

/// Encrypts application data (a serialised `PlaintextEnvelope`) for the current epoch. Gives a TLS
/// `MlsMessage(PrivateMessage)`.
///
/// # Errors
/// [`MlsError::Inactive`], [`MlsError::Refused`].
pub fn encrypt<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    plaintext: &[u8],
) -> Result<Vec<u8>, MlsError> {
    if !group.is_active() {
        return Err(MlsError::Inactive);
    }
    let refused = |error: &dyn std::fmt::Display| MlsError::refused("encrypt", error);
    group
        .create_message(provider, signer, plaintext)
        .map_err(|error| refused(&error))?
        .tls_serialize_detached()
        .map_err(|error| refused(&error))
}

/// A message that OpenMLS accepted.
#[derive(Debug)]
pub enum Processed {
    /// Application data.
    Application {
        /// Inbox of the sender, by its leaf's credential.
        inbox_id: String,
        /// Device of the sender.
        installation_id: InstallationId,
        /// Serialised `PlaintextEnvelope`.
        plaintext: Plaintext,
    },
    /// A commit, decrypted but not applied: validate it
    /// ([`validate_commit`](crate::validation::validate_commit)), then [`merge`] or drop it.
    Commit {
        /// The commit.
        staged: Box<StagedCommit>,
        /// Whose signature it carries, by the tree before it. What the commit itself says of its
        /// author may be made up.
        sender: Leaf,
    },
    /// A proposal by itself; to be ignored (`groups.md` 1).
    Proposal,
    /// A message of this device. Its content cannot be read back; callers recognise their own
    /// messages by their bytes and normally never get here (`groups.md` 10.4).
    Own,
}

/// Decrypted application data; erased when dropped and never shown by `Debug`.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl std::ops::Deref for Plaintext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plaintext({} bytes)", self.0.len())
    }
}

/// Why a message was not accepted. Only [`ProcessError::Storage`] is worth another try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// The bytes are no group message for clients.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The message belongs to another group.
    #[error("the message belongs to another group")]
    WrongGroup,
    /// We are no longer a member.
    #[error("this device is no longer a member of the group")]
    Inactive,
    /// A handshake message of an earlier epoch (it lost a race), or application data older than
    /// the epochs we keep or than our joining.
    #[error("the message is of epoch {message}, the group is in epoch {group}")]
    StaleEpoch {
        /// Epoch of the message.
        message: u64,
        /// Epoch of the group.
        group: u64,
    },
    /// A message of an epoch we have not reached. With ordered delivery a sign of a fork
    /// (`groups.md` 6.6).
    #[error("the message is of epoch {message}, the group is only in epoch {group}")]
    FutureEpoch {
        /// Epoch of the message.
        message: u64,
        /// Epoch of the group.
        group: u64,
    },
    /// The message cannot be decrypted: damaged, replayed, or too far out of order.
    #[error("the message cannot be decrypted")]
    Undecryptable,
    /// A commit adds a key package whose lifetime is over by now. Official clients apply it, we
    /// cannot: do not advance, mark the group as forked and ask to be re-added
    /// (`groups.md` 10.3 B).
    #[error("a commit adds a device whose key package has expired meanwhile")]
    ExpiredKeyPackage,
    /// The sender has no leaf, or another inbox has it now.
    #[error("the sender is not a member")]
    UnknownSender,
    /// OpenMLS found the message invalid.
    #[error("invalid message: {0}")]
    Invalid(String),
    /// The storage provider failed.
    #[error("MLS storage: {0}")]
    Storage(String),
}

impl ProcessError {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Framing(error) => error.code(),
            Self::WrongGroup => "message_wrong_group",
            Self::Inactive => "mls_inactive",
            Self::StaleEpoch { .. } => "message_stale_epoch",
            Self::FutureEpoch { .. } => "message_future_epoch",
            Self::Undecryptable => "message_undecryptable",
            Self::ExpiredKeyPackage => "commit_expired_key_package",
            Self::UnknownSender => "message_unknown_sender",
            Self::Invalid(_) => "message_invalid",
            Self::Storage(_) => "mls_storage",
        }
    }

    /// Whether the same message may succeed later without anything else changing in the group.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Storage(_))
    }
}

/// Decrypts and checks one group message. The sender's ratchet moves on and is stored, so the same
/// message cannot be processed twice, except after a rolled-back transaction and a reloaded group.
///
/// # Errors
/// [`ProcessError`].
pub fn process<P: OpenMlsProvider>(
    provider: &P,
    group: &mut MlsGroup,
    bytes: &[u8],
) -> Result<Processed, ProcessError> {
    let message = framing::protocol_message(bytes)?;
    if message.group_id() != group.group_id() {
        return Err(ProcessError::WrongGroup);
    }
    if !group.is_active() {
        return Err(ProcessError::Inactive);
    }
    let (theirs, ours) = (message.epoch().as_u64(), group.epoch().as_u64());
    let is_application = message.content_type() == ContentType::Application;
    if theirs > ours {
        return Err(ProcessError::FutureEpoch {
            message: theirs,
            group: ours,
        });
    }
    let stale = ProcessError::StaleEpoch {
        message: theirs,
        group: ours,
    };
    if theirs < ours && !is_application {
        return Err(stale);
    }
    let processed = group
        .process_message(provider, message)
        .map_err(|error| refine(error, theirs < ours, stale))?;

    let sender = match processed.sender() {
        Sender::Member(index) => group
            .member_at(*index)
            .filter(|member| member.credential == *processed.credential()),
        _ => None,
    };
    match processed.into_content() {
        ProcessedMessageContent::ApplicationMessage(message) => {
            let leaf = sender
                .as_ref()
                .and_then(Leaf::of)
                .filter(|leaf| !leaf.inbox_id.is_empty())
                .ok_or(ProcessError::UnknownSender)?;
            Ok(Processed::Application {
                inbox_id: leaf.inbox_id,
                installation_id: leaf.installation_id,
                plaintext: Plaintext(Zeroizing::new(message.into_bytes())),
            })
        }
        ProcessedMessageContent::StagedCommitMessage(staged) => {
            let sender = sender
                .as_ref()
                .and_then(Leaf::of)
                .ok_or(ProcessError::UnknownSender)?;
            Ok(Processed::Commit { staged, sender })
        }
        ProcessedMessageContent::ProposalMessage(_)
        | ProcessedMessageContent::ExternalJoinProposalMessage(_) => Ok(Processed::Proposal),
        ProcessedMessageContent::OwnPrivateMessage | ProcessedMessageContent::OwnPendingCommit => {
            Ok(Processed::Own)
        }
    }
}

/// Names the errors that lead to different actions.
fn refine<E: std::fmt::Display>(
    error: ProcessMessageError<E>,
    past_epoch: bool,
    stale: ProcessError,
) -> ProcessError {
    match error {
        ProcessMessageError::StorageError(error) => ProcessError::Storage(error.to_string()),
        ProcessMessageError::GroupStateError(MlsGroupStateError::UseAfterEviction) => {
            ProcessError::Inactive
        }
        ProcessMessageError::ValidationError(error) => match error {
            ValidationError::WrongEpoch | ValidationError::NoPastEpochData => stale,
            ValidationError::WrongGroupId => ProcessError::WrongGroup,
            ValidationError::UnknownMember => ProcessError::UnknownSender,
            // The secrets of an epoch we did not keep, or from before we joined.
            ValidationError::UnableToDecrypt(MessageDecryptionError::SecretTreeError(
                SecretTreeError::TooDistantInThePast,
            )) if past_epoch => stale,
            ValidationError::UnableToDecrypt(_) => ProcessError::Undecryptable,
            ValidationError::KeyPackageVerifyError(KeyPackageVerifyError::LifetimeError(_)) => {
                ProcessError::ExpiredKeyPackage
            }
            other => ProcessError::Invalid(other.to_string()),
        },
        ProcessMessageError::InvalidCommit(StageCommitError::ProposalValidationError(
            ProposalValidationError::LeafNodeValidation(LeafNodeValidationError::Lifetime(_)),
        )) => ProcessError::ExpiredKeyPackage,
        other => ProcessError::Invalid(other.to_string()),
    }
}

/// Applies a validated commit, ours or another's, and moves the group to its epoch.
///
/// # Errors
/// [`MlsError::Storage`]; [`MlsError::Refused`] for a staged commit of another epoch.
pub fn merge<P: OpenMlsProvider>(
    provider: &P,
    group: &mut MlsGroup,
    staged: StagedCommit,
) -> Result<(), MlsError> {
    if !group.is_active() {
        return Err(MlsError::Inactive);
    }
    let next = group.epoch().as_u64().saturating_add(1);
    if staged.epoch().as_u64() != next {
        return Err(MlsError::refused("merge", "the commit is of another epoch"));
    }
    // A pending commit would be kept by a self-removal otherwise.
    group
        .clear_pending_commit(provider.storage())
        .map_err(MlsError::storage)?;
    group
        .merge_staged_commit(provider, staged)
        .map_err(|error| match error {
            openmls::group::MergeCommitError::StorageError(error) => MlsError::storage(error),
            openmls::group::MergeCommitError::LibraryError(error) => {
                MlsError::refused("merge", error)
            }
        })
}

#[cfg(test)]
mod tests;
