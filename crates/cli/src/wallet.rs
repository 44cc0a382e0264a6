//! `wallet`, and how changes of the inbox are signed.

use conclave_api::{
    ApiError,
    types::{
        ChangeSignature, ChangeSigner, ChangeWarning, DeviceListArgs, Devices, InboxChange,
        InboxChangeApplyArgs, InboxChangeArgs, InboxChangePreview, InboxChangeSignArgs, Nothing,
        Stage, WalletImport,
    },
};
use serde::Serialize;

use crate::{
    account::{Secret, node, secret},
    arguments::{NewWalletFiles, WalletFiles, WalletVerb},
    failure::Failure,
    output::Shown,
    shell::Open,
};

/// Who signs a change.
pub(crate) enum Signing {
    /// Wallets of which the secrets are here.
    By(Vec<Secret>),
    /// The wallet that was imported before there is an account.
    Held,
}

/// A wallet of the inbox, as a line.
#[derive(Serialize)]
struct Wallet {
    address: String,
    /// Whether it may revoke.
    recovery: bool,
    /// Whether it belongs to the inbox; the recovery wallet need not.
    member: bool,
}

impl Shown for Wallet {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
        vec![
            ("address", self.address.clone()),
            ("recovery", yes(self.recovery)),
            ("member", yes(self.member)),
        ]
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: WalletVerb) -> Result<(), Failure> {
    let (change, signers, yes) = match verb {
        WalletVerb::List => {
            let fresh = !open.common.offline;
            return show(open, open.api.device_list(DeviceListArgs { fresh }).await?);
        }
        WalletVerb::Add { new, reassign } => {
            let (secret, address) = address_of(open, new).await?;
            let change = InboxChange::AddWallet { address, reassign };
            (change, vec![secret], true)
        }
        WalletVerb::Remove {
            address,
            yes,
            wallet,
        } => {
            let change = InboxChange::RemoveWallet { address };
            (change, vec![required(wallet)?], yes)
        }
        WalletVerb::Recovery { new, yes, wallet } => {
            let (secret, address) = address_of(open, new).await?;
            let change = InboxChange::ChangeRecovery { address };
            (change, vec![required(wallet)?, secret], yes)
        }
    };
    open.require_online()?;
    show(
        open,
        self::change(open, change, Signing::By(signers), yes).await?,
    )
}

fn show(open: &Open<'_>, devices: Devices) -> Result<(), Failure> {
    let recovery = devices.recovery;
    let mut wallets: Vec<Wallet> = devices
        .wallets
        .into_iter()
        .map(|address| Wallet {
            recovery: address == recovery,
            member: true,
            address,
        })
        .collect();
    if !wallets.iter().any(|wallet| wallet.recovery) {
        wallets.push(Wallet {
            address: recovery,
            recovery: true,
            member: false,
        });
    }
    Ok(open.output.list(&wallets)?)
}

/// The secret of a wallet that must be given.
pub(crate) fn required(files: WalletFiles) -> Result<Secret, Failure> {
    secret(files.private_key_file, files.mnemonic_file)?.ok_or_else(|| {
        Failure::usage(
            "The recovery wallet signs this: name its file with --private-key-file F or \
             --mnemonic-file F.",
        )
    })
}

/// The secret of a new wallet, and its address.
async fn address_of(open: &Open<'_>, files: NewWalletFiles) -> Result<(Secret, String), Failure> {
    let secret = secret(files.new_private_key_file, files.new_mnemonic_file)?;
    let secret = secret.ok_or_else(|| Failure::usage("Name the file of the new wallet."))?;
    let address = open.api.wallet_address(import(&secret)).await?;
    Ok((secret, address))
}

fn import((kind, secret): &Secret) -> WalletImport {
    WalletImport {
        kind: *kind,
        secret: secret.as_str().to_owned(),
        password: None,
    }
}

/// Holds a wallet where there is no account.
pub(crate) async fn hold(open: &Open<'_>, secret: Secret) -> Result<(), Failure> {
    open.api.wallet_import(import(&secret)).await?;
    Ok(())
}

/// Shows a change, lets the wallets sign it, and makes it. What a person may not want is done only
/// when they said so.
pub(crate) async fn change(
    open: &Open<'_>,
    change: InboxChange,
    signing: Signing,
    yes: bool,
) -> Result<Devices, Failure> {
    let is_ready = open.api.status(Nothing {}).await?.stage == Stage::Ready;
    let node = if is_ready {
        None
    } else {
        Some(node(open).await?)
    };
    let shown = open
        .api
        .inbox_change_preview(InboxChangeArgs { change, node })
        .await?;
    if let Some(warnings) = warned(&shown).filter(|_| !yes) {
        let message = format!("{warnings} Say --yes to do it all the same; nothing was changed.");
        return Err(ApiError::new("confirmation_required", message).into());
    }
    let is_passkey = |signer: &ChangeSigner| matches!(signer, ChangeSigner::Passkey { .. });
    if shown.signers.iter().any(is_passkey) {
        let message = "A passkey has to sign this, and only the page that made it can ask for that. \
                       Make the change there; nothing was changed.";
        return Err(ApiError::new("passkey_required", message).into());
    }
    open.output.note(&shown.signature_text)?;
    let signatures = match signing {
        Signing::Held => vec![ChangeSignature::HeldWallet {}],
        Signing::By(secrets) => secrets
            .iter()
            .map(|(kind, secret)| ChangeSignature::Secret {
                secret_kind: *kind,
                secret: secret.as_str().to_owned(),
                password: None,
            })
            .collect(),
    };
    let change_id = shown.change_id;
    for signature in signatures {
        let change_id = change_id.clone();
        open.api
            .inbox_change_sign(InboxChangeSignArgs {
                change_id,
                signature,
            })
            .await?;
    }
    let args = InboxChangeApplyArgs { change_id };
    Ok(open.api.inbox_change_apply(args).await?)
}

/// What a person should know, in sentences.
fn warned(shown: &InboxChangePreview) -> Option<String> {
    let sentences: Vec<&str> = shown
        .warnings
        .iter()
        .map(|warning| match warning {
            ChangeWarning::EndsThisInstallation => {
                "This installation is among those revoked: nothing can be sent from here any more."
            }
            ChangeWarning::EndsInstallationsOfWallet => {
                "Other installations were added by it and are revoked with it."
            }
            ChangeWarning::WalletStaysRecovery => {
                "This wallet stays the recovery identity: whoever has it can still add and revoke. \
                 Change the recovery identity first."
            }
            ChangeWarning::LastWallet => {
                "This is the last wallet: nobody would find this inbox by an address."
            }
            ChangeWarning::ReassignsWallet => {
                "People who use this address reach another inbox so far, and this one then."
            }
            ChangeWarning::RecoveryIsNoMember => {
                "The new recovery identity is no wallet of this inbox."
            }
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
