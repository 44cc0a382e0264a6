//! Wallets: made here, or imported. A wallet key lives in memory until the registration is over
//! and is never stored.

use std::io::Write as _;

use alloy::signers::local::{LocalSigner, MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use conclave_identity::WalletKey;
use zeroize::{Zeroize, Zeroizing};

/// Words of a new recovery phrase: 128 bits of entropy.
const PHRASE_WORDS: usize = 12;

/// Why a wallet could not be made or imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// No BIP-39 phrase.
    #[error(
        "This is no recovery phrase: it has 12 or 24 English words, and its checksum must fit. Check for a missing or misspelt word."
    )]
    Phrase,
    /// No private key.
    #[error("This is no private key: it has 64 hexadecimal characters, with or without 0x.")]
    PrivateKey,
    /// Keystore or password wrong.
    #[error(
        "The keystore could not be opened. Check the password, and that the file is an Ethereum keystore (JSON, version 3)."
    )]
    Keystore,
    /// The operating system gave no randomness or no temporary file.
    #[error("The system gave no randomness or no temporary file; nothing was changed. Try again.")]
    System,
}

impl WalletError {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Phrase => "invalid_recovery_phrase",
            Self::PrivateKey => "invalid_private_key",
            Self::Keystore => "keystore_not_opened",
            Self::System => "system_failure",
        }
    }
}

/// Makes a new wallet: its key and its recovery phrase.
///
/// # Errors
/// [`WalletError::System`].
pub fn create() -> Result<(WalletKey, Zeroizing<String>), WalletError> {
    use alloy::signers::local::coins_bip39::{Entropy, Mnemonic};
    let mut entropy = [0_u8; PHRASE_WORDS / 3 * 4];
    rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut entropy)
        .map_err(|_| WalletError::System)?;
    let phrase = Mnemonic::<English>::new_from_entropy(Entropy::from(entropy)).to_phrase();
    entropy.zeroize();
    let phrase = Zeroizing::new(phrase);
    Ok((from_phrase(&phrase)?, phrase))
}

/// The wallet of a recovery phrase, at path `m/44'/60'/0'/0/0`.
///
/// # Errors
/// [`WalletError::Phrase`].
pub fn from_phrase(phrase: &str) -> Result<WalletKey, WalletError> {
    let words = Zeroizing::new(phrase.split_whitespace().collect::<Vec<_>>().join(" "));
    let signer = MnemonicBuilder::<English>::default()
        .phrase(words.as_str())
        .build()
        .map_err(|_| WalletError::Phrase)?;
    key_of(&signer).ok_or(WalletError::Phrase)
}

/// The wallet of a private key in hex.
///
/// # Errors
/// [`WalletError::PrivateKey`].
pub fn from_private_key(text: &str) -> Result<WalletKey, WalletError> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| WalletError::PrivateKey)?;
    WalletKey::from_bytes(&bytes).map_err(|_| WalletError::PrivateKey)
}

/// The wallet of a keystore file's JSON.
///
/// # Errors
/// [`WalletError::Keystore`], [`WalletError::System`].
pub fn from_keystore(json: &str, password: &str) -> Result<WalletKey, WalletError> {
    // The library reads keystores from files only; what is written there is still encrypted.
    let mut file = tempfile::NamedTempFile::new().map_err(|_| WalletError::System)?;
    file.write_all(json.as_bytes())
        .map_err(|_| WalletError::System)?;
    let signer: PrivateKeySigner =
        LocalSigner::decrypt_keystore(file.path(), password).map_err(|_| WalletError::Keystore)?;
    key_of(&signer).ok_or(WalletError::Keystore)
}

fn key_of(signer: &PrivateKeySigner) -> Option<WalletKey> {
    let bytes = Zeroizing::new(signer.to_bytes().0);
    WalletKey::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phrase every Ethereum tool uses for its first test account.
    const PHRASE: &str = "test test test test test test test test test test test junk";
    const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn phrase_and_key_give_the_same_wallet() {
        assert_eq!(
            from_phrase(PHRASE).unwrap().identifier().to_string(),
            ADDRESS
        );
        assert_eq!(
            from_phrase(&format!(" {} ", PHRASE.replace(' ', "\n")))
                .unwrap()
                .identifier()
                .to_string(),
            ADDRESS
        );
        assert_eq!(
            from_private_key(KEY).unwrap().identifier().to_string(),
            ADDRESS
        );
    }

    #[test]
    fn a_new_wallet_comes_back_from_its_phrase() {
        let (key, phrase) = create().unwrap();
        assert_eq!(phrase.split(' ').count(), PHRASE_WORDS);
        assert_eq!(
            from_phrase(&phrase).unwrap().identifier().to_string(),
            key.identifier().to_string()
        );
    }

    #[test]
    fn wrong_secrets_are_told_apart() {
        assert_eq!(from_phrase("test test").unwrap_err(), WalletError::Phrase);
        assert_eq!(
            from_phrase(&PHRASE.replace("junk", "test")).unwrap_err(),
            WalletError::Phrase
        );
        assert_eq!(
            from_private_key("0x12").unwrap_err(),
            WalletError::PrivateKey
        );
        assert_eq!(
            from_private_key(&"0".repeat(64)).unwrap_err(),
            WalletError::PrivateKey
        );
        assert_eq!(from_keystore("{}", "x").unwrap_err(), WalletError::Keystore);
    }
}
