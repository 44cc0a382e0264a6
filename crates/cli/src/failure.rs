//! How a command ends when it does not succeed.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use conclave_api::ApiError;

/// Exit code of wrong usage; 1 is for everything else that fails.
const WRONG_USAGE: u8 = 2;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It failed.
    Failed(ApiError),
    /// It was called wrongly.
    Usage(ApiError),
    /// Nobody reads what it prints any more; that is no error.
    ReaderGone,
}

impl From<ApiError> for Failure {
    fn from(mut error: ApiError) -> Self {
        match error.code.as_str() {
            "keychain_unavailable" => error.message.push_str(" The option is --key-file FILE."),
            "account_locked" => error
                .message
                .push_str(" The option is --passphrase-file FILE, before the command."),
            _ => {}
        }
        Self::Failed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        let message = format!("The system refused: {error}.");
        Self::Failed(ApiError::new("io_error", message))
    }
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(ApiError::new("wrong_usage", message))
    }

    /// Prints the error and gives the exit code.
    pub(crate) fn report(self, json: bool) -> ExitCode {
        let (error, code) = match self {
            Self::Failed(error) => (error, ExitCode::FAILURE),
            Self::Usage(error) => (error, ExitCode::from(WRONG_USAGE)),
            Self::ReaderGone => return ExitCode::SUCCESS,
        };
        let line = match serde_json::to_string(&error) {
            Ok(line) if json => line,
            _ => format!("conclave-cli: {}", error.message),
        };
        // Standard error may be closed; there is nobody else to tell.
        drop(writeln!(io::stderr(), "{line}"));
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_error() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(gone, Failure::ReaderGone));
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(matches!(full, Failure::Failed(error) if error.code == "io_error"));
    }

    #[test]
    fn a_missing_keychain_names_the_option() {
        let error = ApiError::new("keychain_unavailable", "There is none.");
        let Failure::Failed(error) = Failure::from(error) else {
            panic!("another failure")
        };
        assert!(error.message.contains("--key-file"));
    }
}
