//! The error every command can answer with.

use conclave_engine::{EngineError, FolderError, KeyError, NetworkError};
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

impl ApiError {
    /// An error that trying again does not mend.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            retryable: false,
        }
    }

    /// Arguments that a command can't use. What was given is never repeated: it may be a secret.
    pub(crate) fn arguments(message: impl Into<String>) -> Self {
        Self::new("invalid_arguments", message)
    }

    /// An error that was kept: why something does not go on, which the person can try again.
    pub(crate) fn stored(code: &str, text: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: sentences(text, code),
            retryable: true,
        }
    }

    /// Something the program did that it should not have.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new("internal_error", message)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        let message = match &error {
            // Texts of the layers below are written to be put into others.
            EngineError::Store(_)
            | EngineError::Network(_)
            | EngineError::File(_)
            | EngineError::Content(_) => sentences(&text, error.code()),
            _ => text,
        };
        Self {
            code: error.code().to_owned(),
            message,
            retryable: error.is_retryable(),
        }
    }
}

impl From<NetworkError> for ApiError {
    fn from(error: NetworkError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::new(error.code(), sentences(&error.to_string(), error.code()))
    }
}

impl From<FolderError> for ApiError {
    fn from(error: FolderError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: sentences(&error.to_string(), error.code()),
            retryable: error.retryable(),
        }
    }
}

/// An error's text as whole sentences, with what to do where the text does not say it.
fn sentences(text: &str, code: &str) -> String {
    let mut characters = text.chars();
    let mut message: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect();
    if !message.ends_with(['.', '!', '?']) {
        message.push('.');
    }
    if let Some(advice) = advice(code) {
        message.push(' ');
        message.push_str(advice);
    }
    message
}

/// What to do about errors of the layers below, whose texts only say what happened.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "node_unreachable" => {
            "Nothing is lost. Check the node's address and your connection, then try again."
        }
        "node_timeout" | "node_connection_closed" | "node_rate_limited" => {
            "Nothing is lost. Try again in a moment."
        }
        "node_reply" => "Nothing is lost. Tell whoever runs the node, or choose another one.",
        "not_xmtp_node" => "Check the address; the port is often the part that is wrong.",
        "file_unreachable" | "file_timeout" => "Try again later.",
        "attachment_gone" => "Whoever shared it can share it again.",
        "store_closed" => "Open it again.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_lower_layers_become_sentences_that_say_what_to_do() {
        let error = ApiError::from(NetworkError::Unreachable("connection refused".into()));
        assert_eq!(error.code, "node_unreachable");
        assert!(error.retryable);
        assert_eq!(
            error.message,
            "The node cannot be reached: connection refused. Nothing is lost. \
             Check the node's address and your connection, then try again."
        );
    }

    #[test]
    fn errors_of_the_engine_keep_their_text() {
        let error = ApiError::from(EngineError::NoAccount);
        assert_eq!(
            (error.code.as_str(), error.retryable),
            ("no_account", false)
        );
        assert_eq!(error.message, EngineError::NoAccount.to_string());
    }
}
