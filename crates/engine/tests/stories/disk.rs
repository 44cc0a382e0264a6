//! What is on the disk once SQLCipher's encryption is taken off: every byte of every page.

use std::{collections::BTreeSet, path::Path};

use aes::{
    Aes256Dec, Block,
    cipher::{BlockDecrypt, KeyInit},
};
use conclave_engine::DATABASE_FILE;

const PAGE: usize = 4096;
/// At the end of each page: the initialisation vector, and a tag of 64 bytes.
const RESERVED: usize = 80;
const BLOCK: usize = 16;
/// In front of the first page; it is not encrypted.
const SALT: usize = 16;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A page without its encryption (AES-256 in CBC mode, as SQLCipher 4 does it).
fn decrypted(page: &[u8], is_first: bool, cipher: &Aes256Dec) -> Vec<u8> {
    let end = PAGE - RESERVED;
    let mut before = page[end..end + BLOCK].to_vec();
    let mut plain = Vec::with_capacity(PAGE);
    for encrypted in page[if is_first { SALT } else { 0 }..end].chunks(BLOCK) {
        let mut block = Block::clone_from_slice(encrypted);
        cipher.decrypt_block(&mut block);
        plain.extend(
            block
                .iter()
                .zip(&before)
                .map(|(byte, before)| byte ^ before),
        );
        before = encrypted.to_vec();
    }
    plain
}

/// All that the database file and its write-ahead log hold, free and unused space included, and all
/// other files of the folder as they are.
pub(crate) fn bytes_on_disk(folder: &Path, key: [u8; 32]) -> Vec<u8> {
    let cipher = Aes256Dec::new(&key.into());
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == DATABASE_FILE {
            for (index, page) in bytes.chunks_exact(PAGE).enumerate() {
                all.extend(decrypted(page, index == 0, &cipher));
            }
        } else if name.ends_with("-wal") {
            let frames = bytes.get(LOG_HEADER..).unwrap_or_default();
            for frame in frames.chunks_exact(FRAME_HEADER + PAGE) {
                let is_first = frame[..4] == [0, 0, 0, 1];
                all.extend(decrypted(&frame[FRAME_HEADER..], is_first, &cipher));
            }
        } else {
            all.extend(bytes);
        }
    }
    all
}

/// Those of these words that occur. The search index keeps words without what they share with the
/// one before, so the words have to differ early and are looked for by their last twelve letters.
pub(crate) fn found<'a>(bytes: &[u8], words: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    const LETTERS: usize = 12;
    let ends: std::collections::HashMap<&[u8], &str> = words
        .iter()
        .map(|word| (&word.as_bytes()[word.len() - LETTERS..], word.as_str()))
        .collect();
    bytes
        .windows(LETTERS)
        .filter_map(|window| ends.get(window).copied())
        .collect()
}
