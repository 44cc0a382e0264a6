use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroize;

use super::{NodeChoice, WalletSecretKind};

/// One installation of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Installation {
    /// Installation id.
    pub installation_id: String,
    /// Whether it is this one.
    pub this: bool,
    /// When its identity update was signed; absent if unknown.
    pub created_at_ns: Option<String>,
    /// The name that the person gave it on this computer; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The keys by which others add it to groups.
    pub keys: InstallationKeys,
}

/// What the node has of the keys by which others add an installation to groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InstallationKeys {
    /// The node was not asked since the program started.
    Unknown {},
    /// Good ones.
    Renewed {
        /// When they were made, by the installation's clock.
        at_ns: String,
    },
    /// None, or none that can be used any more: until the installation is opened nobody can add it.
    Unusable {},
}

/// The installations and wallets of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Devices {
    /// Inbox id.
    pub inbox_id: String,
    /// Its installations, the longest known first.
    pub installations: Vec<Installation>,
    /// Installations it may have before a new one is refused.
    pub maximum: u32,
    /// Addresses of its wallets.
    pub wallets: Vec<String>,
    /// Its passkeys.
    pub passkeys: Vec<String>,
    /// The address, or the passkey in hex, that may revoke.
    pub recovery: String,
    /// Whether this installation was revoked: nothing is sent or fetched here any more.
    pub revoked: bool,
}

/// A change of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboxChange {
    /// Takes installations out.
    RevokeInstallations {
        /// Installation ids.
        installation_ids: Vec<String>,
    },
    /// Takes all installations but this one out.
    RevokeOtherInstallations {},
    /// Adds a wallet, which signs.
    AddWallet {
        /// Its address.
        address: String,
        /// Adds it although it leads to another inbox so far.
        #[serde(default)]
        reassign: bool,
    },
    /// Adds a passkey, which signs.
    AddPasskey {
        /// Its public key in hex: a P-256 point, compressed or not.
        key: String,
        /// The origin of the page that made it.
        #[serde(default)]
        #[ts(optional)]
        relying_party: Option<String>,
        /// Adds it although it leads to another inbox so far.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        reassign: bool,
    },
    /// Takes a wallet or passkey out, with the installations that it added; this one stays.
    RemoveWallet {
        /// Its address; of a passkey its key in hex.
        address: String,
    },
    /// Another wallet or passkey may revoke from now on. Both sign.
    ChangeRecovery {
        /// Its address; of a passkey of this inbox its key in hex.
        address: String,
    },
}

/// What a person should know before signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWarning {
    /// This installation is among the revoked ones.
    EndsThisInstallation,
    /// Other installations end because the wallet or passkey that added them goes.
    EndsInstallationsOfWallet,
    /// The wallet or passkey stays the recovery identity: whoever has it can still add and revoke.
    WalletStaysRecovery,
    /// No wallet is left by which people could find the inbox.
    LastWallet,
    /// The wallet or passkey leads to another inbox so far; people who look it up come here from
    /// now on.
    ReassignsWallet,
    /// The new recovery identity is no wallet of the inbox.
    RecoveryIsNoMember,
}

/// Who signs a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChangeSigner {
    /// A wallet.
    Wallet {
        /// Its address.
        address: String,
    },
    /// A passkey.
    Passkey {
        /// Its public key in hex.
        key: String,
        /// The origin that it belongs to; only there it can sign. Absent if unknown.
        relying_party: Option<String>,
    },
}

/// What will be signed, before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct InboxChangePreview {
    /// Names the change in `inbox_change_sign` and `inbox_change_apply`.
    pub change_id: String,
    /// The inbox to change.
    pub inbox_id: String,
    /// The exact text that every signer signs.
    pub signature_text: String,
    /// Who has yet to sign.
    pub signers: Vec<ChangeSigner>,
    /// Installations that lose access.
    pub revoked: Vec<String>,
    /// What a person should know before signing.
    pub warnings: Vec<ChangeWarning>,
}

/// A wallet's or passkey's signature, or what makes it.
#[derive(Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChangeSignature {
    /// Made elsewhere: 65 bytes in hex over the text as a personal message (ERC-191).
    Signature {
        /// The signature.
        signature: String,
    },
    /// A wallet's secret, used once and erased.
    Secret {
        /// What `secret` is.
        secret_kind: WalletSecretKind,
        /// The phrase, key or keystore JSON.
        secret: String,
        /// Password of a keystore.
        password: Option<String>,
    },
    /// The wallet that waits for `register`.
    HeldWallet {},
    /// A passkey's: a WebAuthn assertion whose challenge is the signature text in UTF-8. All fields
    /// in hex.
    Passkey {
        /// The key as the signer has it.
        public_key: String,
        /// `authenticatorData`.
        authenticator_data: String,
        /// `clientDataJSON`.
        client_data_json: String,
        /// The signature, ASN.1 DER.
        signature: String,
    },
}

impl Drop for ChangeSignature {
    fn drop(&mut self) {
        if let Self::Secret {
            secret, password, ..
        } = self
        {
            secret.zeroize();
            password.zeroize();
        }
    }
}

/// Arguments of `device_list`.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct DeviceListArgs {
    /// Asks the network first, also for the keys of the installations; otherwise only what is known
    /// here is read.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub fresh: bool,
}

/// Arguments of `device_name`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DeviceNameArgs {
    /// Installation id.
    pub installation_id: String,
    /// Its name, at most 64 characters; empty for none.
    pub name: String,
}

/// Arguments of `inbox_change_preview`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct InboxChangeArgs {
    /// The change.
    pub change: InboxChange,
    /// Before `register`: the node on which the held wallet has its inbox. Not used afterwards.
    #[serde(default)]
    #[ts(optional)]
    pub node: Option<NodeChoice>,
}

/// Arguments of `inbox_change_sign`.
#[derive(Deserialize, TS)]
pub struct InboxChangeSignArgs {
    /// From the preview.
    pub change_id: String,
    /// The signature.
    pub signature: ChangeSignature,
}

/// Arguments of `inbox_change_apply`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct InboxChangeApplyArgs {
    /// From the preview.
    pub change_id: String,
}
