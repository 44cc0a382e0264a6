use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroize;

use super::{Installation, LockReason};

/// How far this data folder has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// There is a database and no key for it; [`Status::locked`] says why. `unlock` opens it.
    Locked,
    /// No account: show the first run.
    Empty,
    /// A registration was begun and not finished; `register` continues it.
    Registering,
    /// Registered: show the main window.
    Ready,
}

/// What a shell needs to know when it starts.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Status {
    /// How far this data folder has come.
    pub stage: Stage,
    /// The account, from [`Stage::Registering`] on.
    pub account: Option<Account>,
    /// Whether the node is reached at the moment.
    pub connection: Connection,
    /// Version of this program.
    pub version: String,
    /// Present, and true, when this installation was revoked: nothing is sent or fetched any more;
    /// what is here stays readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub revoked: Option<bool>,
    /// Present at [`Stage::Locked`]: why the passphrase is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub locked: Option<LockReason>,
}

/// The person's account in this data folder.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
pub struct Account {
    /// Inbox id.
    pub inbox_id: String,
    /// Installation id.
    pub installation_id: String,
    /// The wallet's address.
    pub address: String,
    /// URL of the node, or `built-in`.
    pub node: String,
    /// Whether the installation is known to the network.
    pub registered: bool,
    /// The new wallet's recovery phrase; present only in the reply to `account create` on the
    /// command line when it made the wallet, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recovery_phrase: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the phrase.
        f.debug_struct("Account")
            .field("inbox_id", &self.inbox_id)
            .field("registered", &self.registered)
            .finish_non_exhaustive()
    }
}

/// State of the connection to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Nothing was tried yet.
    Idle,
    /// Trying to reach the node.
    Connecting,
    /// Streams are open.
    Online,
    /// The node can't be reached; it is tried again by itself.
    Offline,
}

/// A wallet made by `wallet_create`.
#[derive(Serialize, TS)]
pub struct NewWallet {
    /// The wallet's address.
    pub address: String,
    /// Twelve BIP-39 words, to be shown once.
    pub recovery_phrase: Vec<String>,
}

impl fmt::Debug for NewWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the phrase.
        f.debug_struct("NewWallet")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for NewWallet {
    fn drop(&mut self) {
        self.recovery_phrase.zeroize();
    }
}

/// What kind of secret is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WalletSecretKind {
    /// BIP-39 words, path m/44'/60'/0'/0/0.
    RecoveryPhrase,
    /// 32 bytes as hex, `0x` optional.
    PrivateKey,
    /// A keystore file's JSON, with its password.
    Keystore,
}

/// A wallet held in memory until the registration is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Wallet {
    /// The wallet's address.
    pub address: String,
}

/// The network a person chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeChoice {
    /// The node that runs inside the app on this computer.
    BuiltIn,
    /// A node at an address, `http://` or `https://`.
    Address {
        /// Its URL.
        url: String,
    },
}

/// The answer of a node that works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NetworkCheck {
    /// The URL that was reached.
    pub url: String,
}

/// What will be signed, and what is there already, before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RegistrationPreview {
    /// The wallet's address.
    pub address: String,
    /// The inbox that the installation will belong to.
    pub inbox_id: String,
    /// Whether the inbox exists already.
    pub inbox_exists: bool,
    /// Its installations so far; at 10 no further one can be added.
    pub installations: Vec<Installation>,
    /// The exact text that the wallet signs.
    pub signature_text: String,
}

/// The steps of a registration, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStep {
    /// Asking the network whether the inbox exists.
    LookUpInbox,
    /// Making the installation's keys and storing them.
    CreateKeys,
    /// The wallet signs.
    Sign,
    /// Uploading the key package.
    UploadKeyPackage,
    /// Publishing the identity update and reading it back.
    PublishIdentity,
    /// Fetching the conversations that wait already.
    FirstSync,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Failed; the error comes with the reply to `register`.
    Failed,
}
