use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroize;

/// Why the account can't be opened without its passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LockReason {
    /// The system's keychain works and has no key for this data folder.
    NoEntry,
    /// There is no keychain, or it stayed locked.
    NoKeychain,
    /// What the keychain has is not the key of this database.
    WrongEntry,
}

/// Whether a passphrase opens the database where the keychain can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct PassphraseStatus {
    /// Whether one is set.
    pub set: bool,
}

/// Arguments of `passphrase_set`.
#[derive(Deserialize, TS)]
pub struct PassphraseArgs {
    /// The passphrase so far; needed where one is set.
    pub current: Option<String>,
    /// The new one, at least 8 characters; erased from memory after use.
    pub passphrase: String,
}

impl Drop for PassphraseArgs {
    fn drop(&mut self) {
        self.current.zeroize();
        self.passphrase.zeroize();
    }
}

/// Arguments of `passphrase_remove`.
#[derive(Deserialize, TS)]
pub struct PassphraseRemoveArgs {
    /// The passphrase; erased from memory after use.
    pub current: String,
}

impl Drop for PassphraseRemoveArgs {
    fn drop(&mut self) {
        self.current.zeroize();
    }
}

/// Arguments of `unlock`.
#[derive(Deserialize, TS)]
pub struct UnlockArgs {
    /// The passphrase; erased from memory after use.
    pub passphrase: String,
}

impl Drop for UnlockArgs {
    fn drop(&mut self) {
        self.passphrase.zeroize();
    }
}

/// Where the account's data is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DataFolder {
    /// Absolute path of the folder.
    pub path: String,
    /// Size of what Conclave keeps in it, in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Arguments of `data_folder_move`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DataFolderArgs {
    /// Absolute path of the new folder: an empty one, or one that is made.
    pub path: String,
}
