//! The error every command can answer with.

use serde::Serialize;
use ts_rs::TS;

/// Why a command failed. Shells branch on `code` and show `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable code in snake_case.
    pub code: String,
    /// What happened, what is safe and what to do, in a sentence or two.
    pub message: String,
    /// Whether trying the same again can help.
    pub retryable: bool,
}
