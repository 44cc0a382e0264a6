use std::path::PathBuf;
use std::sync::Mutex;

use super::wrapped::{self, Work};
use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    (folder, path)
}

#[test]
fn generated_keys_differ() {
    assert!(DatabaseKey::generate().unwrap() != DatabaseKey::generate().unwrap());
}

#[test]
fn a_key_is_never_printed() {
    let key = DatabaseKey::from_bytes([0xab; 32]);
    assert_eq!(format!("{key:?}"), "DatabaseKey(..)");
    assert!(!hex::encode(key.check()).contains("abab"));
}

#[test]
fn key_files() {
    let (_folder, path) = folder();
    let hex = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
    for good in [hex.to_owned(), format!("{hex}\n"), format!(" {hex}\r\n")] {
        std::fs::write(&path, good).unwrap();
        let key = DatabaseKey::from_key_file(&path).unwrap();
        assert_eq!(hex::encode(key.bytes()), hex.to_lowercase());
    }
    let bad = [
        String::new(),
        hex.chars().skip(1).collect(),
        format!("{hex}00"),
        hex.replace("f", "g"),
        format!("{hex}{}", " ".repeat(100)),
        hex.repeat(1000),
    ];
    for bad in bad {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(
            DatabaseKey::from_key_file(&path).unwrap_err().code(),
            "invalid_key_file"
        );
    }
    std::fs::write(&path, [0xff; 64]).unwrap();
    assert_eq!(
        DatabaseKey::from_key_file(&path).unwrap_err().code(),
        "invalid_key_file"
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        DatabaseKey::from_key_file(&path).unwrap_err().code(),
        "key_io"
    );
}

#[test]
fn a_wrapped_key_opens_with_its_passphrase_only() {
    let (_folder, path) = folder();
    let key = DatabaseKey::from_bytes([0x5a; 32]);
    wrapped::write(&key, &path, "correct horse", Work::LEAST).unwrap();
    assert!(DatabaseKey::read_wrapped(&path, "correct horse").unwrap() == key);
    let wrong = DatabaseKey::read_wrapped(&path, "correct house").unwrap_err();
    assert_eq!(wrong.code(), "wrong_passphrase");
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(!file.contains("5a5a5a"));
    // Wrapping again uses another salt and nonce and replaces the file.
    wrapped::write(&key, &path, "battery staple", Work::LEAST).unwrap();
    assert_ne!(std::fs::read_to_string(&path).unwrap(), file);
    assert_eq!(
        DatabaseKey::read_wrapped(&path, "correct horse")
            .unwrap_err()
            .code(),
        "wrong_passphrase"
    );
    assert!(DatabaseKey::read_wrapped(&path, "battery staple").unwrap() == key);
}

#[test]
fn the_parameters_of_today_open_again() {
    let (_folder, path) = folder();
    let key = DatabaseKey::from_bytes([0x11; 32]);
    key.write_wrapped(&path, "passphrase").unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().contains("65536"));
    assert!(DatabaseKey::read_wrapped(&path, "passphrase").unwrap() == key);
}

#[test]
fn a_short_passphrase_is_refused() {
    let (_folder, path) = folder();
    for short in ["", "1234567", "süß süß"] {
        let error = DatabaseKey::from_bytes([1; 32])
            .write_wrapped(&path, short)
            .unwrap_err();
        assert_eq!(error.code(), "passphrase_short");
        assert!(!path.exists());
    }
}

#[test]
fn a_changed_wrapped_file_does_not_open() {
    let (_folder, path) = folder();
    wrapped::write(&DatabaseKey::from_bytes([1; 32]), &path, "p", Work::LEAST).unwrap();
    let good: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let code = |field: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[field] = value;
        std::fs::write(&path, changed.to_string()).unwrap();
        DatabaseKey::read_wrapped(&path, "p").unwrap_err().code()
    };
    assert_eq!(code("version", 2.into()), "newer_version");
    assert_eq!(code("kdf", "scrypt".into()), "wrapped_key_damaged");
    assert_eq!(code("cipher", "rot13".into()), "wrapped_key_damaged");
    assert_eq!(
        code("memory_kib", (2 * 1024 * 1024).into()),
        "wrapped_key_damaged"
    );
    assert_eq!(code("iterations", 1000.into()), "wrapped_key_damaged");
    assert_eq!(code("parallelism", 0.into()), "wrapped_key_damaged");
    assert_eq!(code("iterations", 2.into()), "wrong_passphrase");
    assert_eq!(code("salt", "00".into()), "wrapped_key_damaged");
    assert_eq!(code("salt", "00".repeat(16).into()), "wrong_passphrase");
    assert_eq!(code("nonce", "00".into()), "wrapped_key_damaged");
    assert_eq!(code("ciphertext", "00".into()), "wrong_passphrase");
    std::fs::write(&path, "x".repeat(5000)).unwrap();
    assert_eq!(
        DatabaseKey::read_wrapped(&path, "p").unwrap_err().code(),
        "wrapped_key_damaged"
    );
}

/// A keychain of one entry.
#[derive(Debug, Default)]
struct OneEntry {
    entry: Mutex<Option<String>>,
    locked: bool,
    forgets: bool,
}

impl Keychain for OneEntry {
    fn get(&self, _: &str) -> Result<Option<DatabaseKey>, KeyError> {
        keychain::kept(match (self.locked, self.entry.lock().unwrap().clone()) {
            (true, _) => Err(keyring::Error::NoStorageAccess("locked".into())),
            (false, None) => Err(keyring::Error::NoEntry),
            (false, Some(text)) => Ok(text),
        })
    }

    fn set(&self, _: &str, key: &DatabaseKey) -> Result<(), KeyError> {
        if !self.forgets {
            *self.entry.lock().unwrap() = Some(key.to_hex().to_string());
        }
        Ok(())
    }

    fn remove(&self, _: &str) -> Result<(), KeyError> {
        *self.entry.lock().unwrap() = None;
        Ok(())
    }
}

#[test]
fn the_keychain_keeps_a_new_key() {
    let keychain: &dyn Keychain = &OneEntry::default();
    assert!(keychain.get("alix").unwrap().is_none());
    let key = keychain.create("alix").unwrap();
    assert!(keychain.get("alix").unwrap() == Some(key));
}

#[test]
fn a_locked_keychain_is_not_an_empty_one() {
    let keychain = OneEntry {
        locked: true,
        ..OneEntry::default()
    };
    let error = keychain.get("alix").unwrap_err();
    assert_eq!(error.code(), "keychain_unavailable");
}

#[test]
fn a_damaged_entry_is_not_an_empty_one() {
    let keychain = OneEntry {
        entry: Mutex::new(Some("abc".to_owned())),
        ..OneEntry::default()
    };
    let error = keychain.get("alix").unwrap_err();
    assert_eq!(error.code(), "keychain_damaged");
}

#[test]
fn a_keychain_that_forgets_is_not_trusted() {
    let keychain: &dyn Keychain = &OneEntry {
        forgets: true,
        ..OneEntry::default()
    };
    let error = keychain.create("alix").unwrap_err();
    assert_eq!(error.code(), "keychain_damaged");
}
