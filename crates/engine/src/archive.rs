//! Archives of the history: written from the database, looked through, and taken in
//! (device-sync.md 3).
//!
//! A file for people is an archive as official clients read it. Either a passphrase opens it, and
//! then its key stands locked before it; or the key is handed to the person, and the file is the
//! archive alone, which official clients read too.
//!
//! Taking in is additive and can be repeated: what is here stays as it is. A file is looked through
//! to its end before anything of it is taken in, so one that is cut, damaged, of somebody else or
//! under another key changes nothing. What is taken in is committed in batches; after a stop at any
//! instruction the same file taken in again completes it.

mod export;
mod file;
mod import;
mod source;

pub(crate) use export::{Contents, Counts, Export};
pub(crate) use file::{Archive, Watch, look_through, take_in};
pub use file::{ArchiveSecret, Exported, Protection};
pub use import::{ArchiveSummary, Imported};

use conclave_content::archive::ArchiveKey;
use rand::RngCore as _;
use zeroize::Zeroize as _;

/// A new key for one archive.
pub(crate) fn new_key() -> ArchiveKey {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let key = ArchiveKey::new(bytes);
    bytes.zeroize();
    key
}

/// A key as it is printed: eight groups of eight hexadecimal digits.
#[must_use]
pub fn printed_key(key: &ArchiveKey) -> String {
    let digits = hex::encode(key.bytes());
    let mut printed = String::with_capacity(72);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 8 == 0 {
            printed.push(' ');
        }
        printed.push(digit);
    }
    printed
}

/// Reads a printed key, with any spaces and dashes in it; `None` if it is none.
#[must_use]
pub fn read_printed_key(text: &str) -> Option<ArchiveKey> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    let bytes = hex::decode(digits).ok()?;
    bytes.try_into().ok().map(ArchiveKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_printed_or_typed() {
        let key = new_key();
        let printed = printed_key(&key);
        assert_eq!(printed.len(), 71);
        assert_eq!(read_printed_key(&printed), Some(key.clone()));
        let typed = printed.to_uppercase().replace(' ', " - ");
        assert_eq!(read_printed_key(&format!("\n{typed} ")), Some(key));
        for bad in [
            "",
            "00",
            "é",
            &printed.replace(' ', "x"),
            &format!("{printed}0"),
        ] {
            assert_eq!(read_printed_key(bad), None);
        }
    }
}
