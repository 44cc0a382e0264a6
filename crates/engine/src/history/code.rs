//! The words that a person compares on two screens before history goes from one to the other.

use alloy::signers::local::coins_bip39::{English, Wordlist as _};
use conclave_identity::InstallationId;
use sha2::{Digest, Sha256};

/// Words of a code: 88 bits, so that nobody can try keys and pins until another code is the same
/// (device-sync.md 9).
const WORDS: usize = 8;
/// Bits of a word.
const BITS: usize = 11;
const DOMAIN: &[u8] = b"xmtp-history-v1";

/// The code of a request: the first 88 bits of SHA-256 over a domain, the keys of all installations
/// that can read the request (in order), its pin and the group it was written in. With two
/// installations these are the two that compare; with more, each shows the same words, whichever the
/// person answers on.
pub(super) fn code(members: &[InstallationId], pin: &str, group_id: &[u8]) -> String {
    let mut keys: Vec<_> = members.iter().map(InstallationId::as_bytes).collect();
    keys.sort_unstable();
    let mut hash = Sha256::new().chain_update(DOMAIN);
    for key in keys {
        hash.update(key);
    }
    let digest = hash.chain_update(pin).chain_update(group_id).finalize();
    let bit = |at: usize| {
        digest
            .get(at / 8)
            .is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    };
    let word = |place: usize| {
        let bits = place * BITS..(place + 1) * BITS;
        let number = bits.fold(0_usize, |number, at| number << 1 | usize::from(bit(at)));
        // There are 2048 words.
        English::get(number).unwrap_or_default()
    };
    (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_for_all_who_see_the_request_and_for_no_other() {
        let [one, two] = [[1; 32], [2; 32]].map(InstallationId::new);
        let shown = code(&[one, two], "tea", &[7; 16]);
        assert_eq!(code(&[two, one], "tea", &[7; 16]), shown);
        // By an independent script.
        assert_eq!(shown, EXPECTED);
        let others = [
            code(&[one], "tea", &[7; 16]),
            code(&[one, two], "tee", &[7; 16]),
            code(&[one, two], "tea", &[8; 16]),
        ];
        assert!(!others.contains(&shown));
    }

    const EXPECTED: &str = "true question alien spot walk catch thrive tennis";
}
