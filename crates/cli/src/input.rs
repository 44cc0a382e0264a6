//! What commands read: files of people, texts and secrets.

use std::{
    io::{IsTerminal as _, Read, stdin},
    path::{Path, PathBuf},
};

use conclave_api::ApiError;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Most bytes of a file of people: 10,000 of them with room to spare.
const MAX_LIST_BYTES: u64 = 1024 * 1024;
/// Most bytes of a text; the API names the limit of a message.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
/// Most bytes of a file with a wallet's secret.
const MAX_SECRET_BYTES: u64 = 4096;

/// People as they were typed, with files read.
pub(crate) fn people(who: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut people = Vec::with_capacity(who.len());
    for one in who {
        match one.strip_prefix('@') {
            None => people.push(one),
            Some(path) => {
                let list = file(Path::new(path), MAX_LIST_BYTES)?;
                let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
                people.extend(lines.map(str::to_owned));
            }
        }
    }
    Ok(people)
}

/// A path as the API takes it.
pub(crate) fn path(path: &Path) -> Result<String, Failure> {
    let path = path.to_str().map(str::to_owned);
    path.ok_or_else(|| {
        ApiError::new("file_unreadable", "The name of the file is not UTF-8.").into()
    })
}

/// A text as it was typed, or from standard input without its last line end.
pub(crate) fn text(text: String) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text);
    }
    let mut text = String::new();
    stdin()
        .lock()
        .take(MAX_TEXT_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => {
                ApiError::new("text_not_utf8", "The text on standard input is not UTF-8.").into()
            }
            _ => Failure::from(error),
        })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// The secret in a file.
pub(crate) fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = file(path, MAX_SECRET_BYTES)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A passphrase from the first line of a file, else as it is typed on the terminal, unseen.
pub(crate) fn passphrase(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = file {
        let text = self::file(path, MAX_SECRET_BYTES)?;
        let line = text.lines().next().unwrap_or_default();
        return Ok(Zeroizing::new(line.to_owned()));
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(
            "There is no terminal to ask for the passphrase. Name a file that has it; see --help.",
        ));
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}

/// A passphrase that is to be: asked for twice, because nobody sees what is typed.
pub(crate) fn new_passphrase(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    let first = passphrase(file, "New passphrase: ")?;
    if file.is_none() && passphrase(None, "The same again: ")? != first {
        return Err(Failure::usage(
            "The two passphrases differ. Nothing was changed.",
        ));
    }
    Ok(first)
}

/// A small text file.
pub(crate) fn file(path: &Path, max_bytes: u64) -> Result<Zeroizing<String>, Failure> {
    let unreadable = |why: String| unreadable(path.to_path_buf(), &why);
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(max_bytes + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > max_bytes => Err(unreadable("it is too long".to_owned())),
        Ok(_) => Ok(text),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

fn unreadable(path: PathBuf, why: &str) -> Failure {
    let message = format!("The file {} can't be read: {why}.", path.display());
    ApiError::new("file_unreadable", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_people_stand_for_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people");
        std::fs::write(&path, "0xaa\n\n  0xbb \r\n").unwrap();
        let who = vec!["0xcc".to_owned(), format!("@{}", path.display())];
        assert_eq!(people(who).unwrap(), ["0xcc", "0xaa", "0xbb"]);
        let missing = people(vec!["@/nowhere/at/all".to_owned()]);
        assert!(matches!(missing, Err(Failure::Failed(e)) if e.code == "file_unreadable"));
    }

    #[test]
    fn a_passphrase_is_a_line_with_its_spaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        for text in [" by the sea ", " by the sea \n", " by the sea \r\nsecond"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                passphrase(Some(&path), "").unwrap().as_str(),
                " by the sea "
            );
        }
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        assert!(secret(&path).is_err());
        std::fs::write(&path, " word \n").unwrap();
        assert_eq!(secret(&path).unwrap().as_str(), "word");
    }
}
