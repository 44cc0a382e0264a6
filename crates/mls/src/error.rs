//! What can go wrong while building, reading or merging.

use std::fmt;

use crate::encoding::EncodingError;
use crate::extensions::ExtensionError;

/// A failed operation on a group of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MlsError {
    /// The storage provider failed. Roll the transaction back and load the group again.
    #[error("MLS storage: {0}")]
    Storage(String),
    /// We are no longer a member.
    #[error("this device is no longer a member of the group")]
    Inactive,
    /// The group's own context cannot be read.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// OpenMLS refused; a defect or a hostile group.
    #[error("MLS refused to {operation}: {reason}")]
    Refused {
        /// What was attempted.
        operation: &'static str,
        /// What OpenMLS says.
        reason: String,
    },
    /// A plan was made for another epoch: plan again.
    #[error("the plan was made for epoch {planned}, the group is in epoch {current}")]
    StalePlan {
        /// Epoch of the plan.
        planned: u64,
        /// Epoch of the group.
        current: u64,
    },
    /// People were to be added and none of their devices could be (`groups.md` 4.2 step 5).
    #[error("none of the added installations has a usable key package")]
    NoUsableInstallation,
    /// A text is longer than its attribute allows, in UTF-8 bytes (`groups.md` 2.2).
    #[error("{attribute} may have at most {limit} bytes")]
    AttributeTooLong {
        /// Name of the attribute.
        attribute: String,
        /// Largest number of bytes.
        limit: usize,
    },
    /// A value of ours could not be stored or read back.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// The operating system gives no random numbers.
    #[error("no randomness")]
    Randomness,
}

impl MlsError {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Storage(_) => "mls_storage",
            Self::Inactive => "mls_inactive",
            Self::Extension(_) => "mls_group_context",
            Self::Refused { .. } => "mls_refused",
            Self::StalePlan { .. } => "mls_stale_plan",
            Self::NoUsableInstallation => "no_usable_installation",
            Self::AttributeTooLong { .. } => "attribute_too_long",
            Self::Encoding(_) => "mls_encoding",
            Self::Randomness => "no_randomness",
        }
    }

    pub(crate) fn refused(operation: &'static str, reason: impl fmt::Display) -> Self {
        Self::Refused {
            operation,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn storage(error: impl fmt::Display) -> Self {
        Self::Storage(error.to_string())
    }
}
