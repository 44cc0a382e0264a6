//! Welcomes: bringing a device into a group (`groups.md` 5).
//!
//! A commit yields one inner welcome for all devices it adds. [`build`] wraps it for each, or stores
//! it once and sends small pointers. The other side unwraps with [`open`], or [`open_pointer`] and
//! [`open_pointee`], then [`stage`]s, validates and [`join`]s.

mod join;
mod wrapping;

pub use join::{JoinError, JoinRejection, StagedJoin, join, stage};
pub use wrapping::{
    BuiltWelcomes, OpenedWelcome, POINTER_THRESHOLD, Pointer, WelcomeRecipient, build, open,
    open_pointee, open_pointer, wrapper_algorithm,
};

/// Why a welcome cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WelcomeError {
    /// It cannot be decrypted with this key.
    #[error("the welcome cannot be decrypted")]
    Undecryptable,
    /// What is inside cannot be read.
    #[error("malformed welcome: {0}")]
    Malformed(&'static str),
    /// It names an algorithm that is not for this use.
    #[error("the welcome names an unsupported algorithm")]
    Algorithm,
    /// None of our key packages fits; its secrets may have been erased.
    #[error("the welcome is for a key package that this device does not have")]
    NoKeyPackage,
    /// It wants pre-shared keys, which are not used.
    #[error("the welcome asks for pre-shared keys")]
    PreSharedKey,
    /// OpenMLS found it invalid.
    #[error("invalid welcome: {0}")]
    Invalid(String),
    /// The storage provider failed; another try may succeed.
    #[error("MLS storage: {0}")]
    Storage(String),
    /// The operating system gives no random numbers.
    #[error("no randomness")]
    Randomness,
}

impl WelcomeError {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Undecryptable => "welcome_undecryptable",
            Self::Malformed(_) => "welcome_malformed",
            Self::Algorithm => "welcome_algorithm",
            Self::NoKeyPackage => "welcome_no_key_package",
            Self::PreSharedKey => "welcome_pre_shared_key",
            Self::Invalid(_) => "welcome_invalid",
            Self::Storage(_) => "mls_storage",
            Self::Randomness => "no_randomness",
        }
    }

    /// Whether the same welcome may succeed later.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Randomness)
    }
}

#[cfg(test)]
mod tests;
