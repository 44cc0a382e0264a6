//! Our inbox: its installations, wallets and passkeys, and changes of it that these sign.
//!
//! A change goes in three steps, so that what is shown is what is signed, and so that a wallet that
//! is elsewhere can sign: preview, one signature after the other, apply.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use conclave_engine::{
    ChangeWarning as Warning, EngineError, Identifier, Inbox, InboxChange as Change,
    InboxChangeRefused, InstallationId, InstallationKeys as Keys, Network, PreparedChange,
    RecoverablePasskeySignature,
};

use crate::{
    api::Api,
    error::ApiError,
    registration::{import, no_wallet},
    types::{
        ChangeSignature, ChangeSigner, ChangeWarning, DeviceListArgs, DeviceNameArgs, Devices,
        InboxChange, InboxChangeApplyArgs, InboxChangeArgs, InboxChangePreview,
        InboxChangeSignArgs, Installation, InstallationKeys, WalletImport,
    },
    value,
};

/// Numbers the changes of this process.
static CHANGES: AtomicU64 = AtomicU64::new(1);

/// A change that waits for signatures; only ever in memory.
pub(crate) struct PendingChange {
    id: String,
    prepared: PreparedChange,
    /// For somebody who is not logged in: the node, and the wallet whose inbox it is.
    static_for: Option<(Arc<dyn Network>, Identifier)>,
}

impl PendingChange {
    fn preview(&self) -> InboxChangePreview {
        let revoked = self.prepared.revoked().iter();
        InboxChangePreview {
            change_id: self.id.clone(),
            inbox_id: self.prepared.inbox_id().to_owned(),
            signature_text: self.prepared.signature_text().to_owned(),
            signers: self.prepared.signers().into_iter().map(signer).collect(),
            revoked: revoked.map(|id| value::id(id.as_bytes())).collect(),
            warnings: self
                .prepared
                .warnings()
                .iter()
                .map(|warning| (*warning).into())
                .collect(),
        }
    }
}

impl From<Warning> for ChangeWarning {
    fn from(warning: Warning) -> Self {
        match warning {
            Warning::EndsThisInstallation => Self::EndsThisInstallation,
            Warning::EndsInstallationsOfWallet => Self::EndsInstallationsOfWallet,
            Warning::WalletStaysRecovery => Self::WalletStaysRecovery,
            Warning::LastWallet => Self::LastWallet,
            Warning::ReassignsWallet => Self::ReassignsWallet,
            Warning::RecoveryIsNoMember => Self::RecoveryIsNoMember,
        }
    }
}

fn signer(signer: Identifier) -> ChangeSigner {
    match signer {
        Identifier::Ethereum(address) => ChangeSigner::Wallet { address },
        Identifier::Passkey(passkey) => ChangeSigner::Passkey {
            key: value::id(passkey.key),
            relying_party: passkey.relying_party,
        },
    }
}

/// Bytes of a signature in hex, with or without `0x`. What is no hex is no signature of anybody's
/// either, so it is none.
fn signature_bytes(text: &str) -> Vec<u8> {
    let text = text.trim();
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).unwrap_or_default()
}

/// An installation without the name that it may have here and without what the node has of its
/// keys; `own` is this one.
pub(crate) fn installation(
    id: InstallationId,
    created_at_ns: Option<u64>,
    own: Option<InstallationId>,
) -> Installation {
    Installation {
        installation_id: value::id(id.as_bytes()),
        this: own == Some(id),
        created_at_ns: created_at_ns.map(|time| time.to_string()),
        name: None,
        keys: InstallationKeys::Unknown {},
    }
}

fn keys(keys: Keys) -> InstallationKeys {
    match keys {
        Keys::Unknown => InstallationKeys::Unknown {},
        Keys::Renewed { at_ns } => InstallationKeys::Renewed {
            at_ns: at_ns.to_string(),
        },
        Keys::Unusable => InstallationKeys::Unusable {},
    }
}

fn devices(inbox: Inbox, own: Option<InstallationId>, revoked: bool) -> Devices {
    let installations = inbox.installations.into_iter();
    Devices {
        inbox_id: inbox.inbox_id,
        installations: installations
            .map(|one| Installation {
                name: one.name,
                keys: keys(one.keys),
                ..installation(one.id, one.created_at_ns, own)
            })
            .collect(),
        maximum: value::count(Inbox::MAX_INSTALLATIONS),
        wallets: inbox.addresses,
        passkeys: inbox.passkeys,
        recovery: inbox.recovery,
        revoked,
    }
}

fn installation_id(text: &str) -> Result<InstallationId, ApiError> {
    let bytes = value::bytes(text)?;
    InstallationId::try_from(bytes.as_slice())
        .map_err(|_| EngineError::InvalidId(format!("'{}'", value::id(bytes))).into())
}

fn change(change: InboxChange) -> Result<Change, ApiError> {
    Ok(match change {
        InboxChange::RevokeInstallations { installation_ids } => Change::RevokeInstallations(
            installation_ids
                .iter()
                .map(|id| installation_id(id))
                .collect::<Result<_, _>>()?,
        ),
        InboxChange::RevokeOtherInstallations {} => Change::RevokeOtherInstallations,
        InboxChange::AddWallet { address, reassign } => Change::AddWallet { address, reassign },
        InboxChange::AddPasskey {
            key,
            relying_party,
            reassign,
        } => Change::AddPasskey {
            key: hex::decode(key.trim())
                .map_err(|_| EngineError::from(InboxChangeRefused::InvalidPasskey))?,
            relying_party,
            reassign,
        },
        InboxChange::RemoveWallet { address } => Change::RemoveWallet(address),
        InboxChange::ChangeRecovery { address } => Change::ChangeRecovery(address),
    })
}

fn outdated() -> ApiError {
    ApiError::new(
        "preview_outdated",
        "Another change was begun since this one was shown, or it was made already. Look at what \
         will be signed again.",
    )
}

impl Api {
    /// The installations and wallets of our inbox, from the local database or, fresh, from the
    /// network.
    ///
    /// # Errors
    /// `no_account`, `not_registered`; the network's where it is asked.
    pub async fn device_list(&self, args: DeviceListArgs) -> Result<Devices, ApiError> {
        let client = self.client().await?;
        if args.fresh {
            client.check_own_inbox().await?;
            client.check_own_keys().await?;
        }
        self.own_devices().await
    }

    /// Names an installation of our inbox, on this computer only.
    ///
    /// # Errors
    /// `unknown_installation`, `invalid_id`, `no_account`, `not_registered`.
    pub async fn device_name(&self, args: DeviceNameArgs) -> Result<Devices, ApiError> {
        let client = self.client().await?;
        let id = installation_id(&args.installation_id)?;
        client.name_installation(id, &args.name).await?;
        self.own_devices().await
    }

    /// Shows what a change of the inbox will sign; changes nothing. A preview takes the place of
    /// an earlier one. Before `register` it is about the inbox of the wallet that waits for it,
    /// and the node must be named.
    ///
    /// # Errors
    /// `nothing_to_revoke`, `unknown_installation`, `invalid_id`, `invalid_address`,
    /// `invalid_passkey`, `not_own_wallet`, `wallet_known`, `wallet_in_other_inbox`,
    /// `recovery_unchanged`, `installation_revoked`, `no_wallet`, `no_inbox`, the network's.
    pub async fn inbox_change_preview(
        &self,
        args: InboxChangeArgs,
    ) -> Result<InboxChangePreview, ApiError> {
        let wanted = change(args.change)?;
        let mut waiting = self.0.change.lock().await;
        let (prepared, static_for) = match (self.client().await, args.node) {
            (Ok(client), _) => (client.prepare_inbox_change(&wanted).await?, None),
            (Err(error), None) => return Err(error),
            (Err(_), Some(node)) => {
                let wallet = self.held_wallet().await?;
                let network = self.network(&node).await?;
                let engine = self.engine().await?;
                let prepared = engine
                    .prepare_inbox_change(&network, &wallet, &wanted)
                    .await?;
                (prepared, Some((network, wallet)))
            }
        };
        let pending = PendingChange {
            id: CHANGES.fetch_add(1, Ordering::Relaxed).to_string(),
            prepared,
            static_for,
        };
        let shown = pending.preview();
        *waiting = Some(pending);
        Ok(shown)
    }

    /// Takes the signature of one of the signers; what is still missing is in the answer.
    ///
    /// # Errors
    /// `preview_outdated`, `wrong_signer`, `passkey_presence_missing`, `no_wallet`, and those of
    /// `wallet_import`.
    pub async fn inbox_change_sign(
        &self,
        args: InboxChangeSignArgs,
    ) -> Result<InboxChangePreview, ApiError> {
        let mut waiting = self.0.change.lock().await;
        let pending = waiting.as_mut().filter(|one| one.id == args.change_id);
        let pending = pending.ok_or_else(outdated)?;
        match &args.signature {
            ChangeSignature::Signature { signature } => {
                pending
                    .prepared
                    .add_signature(&signature_bytes(signature))?;
            }
            ChangeSignature::Secret {
                secret_kind,
                secret,
                password,
            } => {
                let wallet = import(WalletImport {
                    kind: *secret_kind,
                    secret: secret.clone(),
                    password: password.clone(),
                });
                pending.prepared.sign(&wallet.await?)?;
            }
            ChangeSignature::HeldWallet {} => {
                let held = self.0.pending.lock().await;
                let held = held.as_ref().ok_or_else(no_wallet)?;
                pending.prepared.sign(&held.wallet)?;
            }
            ChangeSignature::Passkey {
                public_key,
                authenticator_data,
                client_data_json,
                signature,
            } => {
                let signature = RecoverablePasskeySignature {
                    public_key: signature_bytes(public_key),
                    signature: signature_bytes(signature),
                    authenticator_data: signature_bytes(authenticator_data),
                    client_data_json: signature_bytes(client_data_json),
                };
                pending.prepared.add_passkey_signature(&signature)?;
            }
        }
        Ok(pending.preview())
    }

    /// Publishes a signed change, takes revoked installations out of our groups, and gives the
    /// inbox as it is then. A change that is refused must be shown anew.
    ///
    /// # Errors
    /// `preview_outdated`, `signature_missing`, `inbox_changed`, `unconfirmed`, the network's.
    pub async fn inbox_change_apply(
        &self,
        args: InboxChangeApplyArgs,
    ) -> Result<Devices, ApiError> {
        let mut waiting = self.0.change.lock().await;
        let pending = match waiting.take() {
            Some(pending) if pending.id != args.change_id => {
                *waiting = Some(pending);
                return Err(outdated());
            }
            Some(pending) => {
                if let Err(missing) = pending.prepared.require_signatures() {
                    *waiting = Some(pending);
                    return Err(missing.into());
                }
                pending
            }
            None => return Err(outdated()),
        };
        let Some((network, wallet)) = pending.static_for else {
            let client = self.client().await?;
            client.apply_inbox_change(pending.prepared).await?;
            return self.own_devices().await;
        };
        let engine = self.engine().await?;
        engine
            .apply_inbox_change(&network, pending.prepared)
            .await?;
        // What `register` would have signed was made for the inbox as it was.
        if let Some(held) = self.0.pending.lock().await.as_mut() {
            held.take_back();
        }
        let inbox = engine.inbox_of(&network, &wallet).await?;
        Ok(devices(inbox, None, false))
    }

    async fn own_devices(&self) -> Result<Devices, ApiError> {
        let client = self.client().await?;
        let own = client.account().installation_id;
        let inbox = client.own_inbox().await?;
        Ok(devices(inbox, Some(own), client.is_revoked()))
    }

    async fn held_wallet(&self) -> Result<Identifier, ApiError> {
        let held = self.0.pending.lock().await;
        let held = held.as_ref().ok_or_else(no_wallet)?;
        Ok(held.wallet.identifier())
    }
}
