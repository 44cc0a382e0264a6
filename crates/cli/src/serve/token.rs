//! What a page must show to be let in.

use std::{fmt, io::Write as _, path::Path};

use conclave_api::ApiError;
use rand::TryRngCore as _;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{failure::Failure, input};

/// Length of a new token in bytes, written as hex.
const TOKEN_BYTES: usize = 32;
/// Bounds of a token in a file, in characters. What is shorter can be guessed.
const MIN_CHARS: usize = 16;
const MAX_CHARS: usize = 1024;

/// The token. Never printed.
pub(super) struct Token(Zeroizing<String>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// The token in the file; a new random one is written there if there is no file.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        match Self::create(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let message = format!("The token file {} can't be made: {error}.", path.display());
                return Err(ApiError::new("token_file", message).into());
            }
            Ok(token) => return Ok(token),
        }
        let text = input::file(path, MAX_CHARS as u64)?;
        let token = Zeroizing::new(text.trim().to_owned());
        if token.len() < MIN_CHARS {
            let message = format!(
                "The token in {} is too short: it has at least {MIN_CHARS} characters. Delete the \
                 file to get a new one.",
                path.display()
            );
            return Err(ApiError::new("token_file", message).into());
        }
        Ok(Self(token))
    }

    fn create(path: &Path) -> std::io::Result<Self> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        rand::rngs::OsRng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(std::io::Error::other)?;
        let token = Zeroizing::new(hex::encode(bytes.as_slice()));
        file.write_all(token.as_bytes())?;
        file.sync_all()?;
        Ok(Self(token))
    }

    /// Whether this is the token; takes as long for every token of its length.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_random_and_private_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let made = Token::of(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.len(), TOKEN_BYTES * 2);
        assert!(made.is(&text) && Token::of(&path).unwrap().is(&text));
        assert!(
            !made.is("")
                && !made.is(text.split_at(1).1)
                && !made.is(&text.to_uppercase().replace('0', "1"))
        );
        assert!(!Token::of(&folder.path().join("other")).unwrap().is(&text));
        assert_eq!(format!("{made:?}"), "Token(..)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_short_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "secret\n").unwrap();
        assert!(matches!(Token::of(&path), Err(Failure::Failed(e)) if e.code == "token_file"));
    }
}
