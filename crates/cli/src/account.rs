//! `account`

use std::path::PathBuf;

use conclave_api::{
    ApiError, delete_local_database as delete,
    types::{NodeArgs, NodeChoice, Nothing, Stage, WalletImport, WalletSecretKind},
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    arguments::AccountVerb,
    failure::Failure,
    input,
    output::Deleted,
    shell::{Open, Shell},
};

/// A wallet's secret and what it is.
pub(crate) type Secret = (WalletSecretKind, Zeroizing<String>);

pub(crate) async fn run(open: &Open<'_>, verb: AccountVerb) -> Result<(), Failure> {
    match verb {
        AccountVerb::Create(files) => {
            create(open, secret(files.private_key_file, files.mnemonic_file)?).await
        }
        AccountVerb::Show => show(open).await,
        // Works without an open account, see `delete_local_database`.
        AccountVerb::DeleteLocalDatabase { .. } => Ok(()),
    }
}

/// The secret in the file of a wallet.
pub(crate) fn secret(
    private_key_file: Option<PathBuf>,
    mnemonic_file: Option<PathBuf>,
) -> Result<Option<Secret>, Failure> {
    let (kind, path) = match (private_key_file, mnemonic_file) {
        (Some(path), _) => (WalletSecretKind::PrivateKey, path),
        (None, Some(path)) => (WalletSecretKind::RecoveryPhrase, path),
        (None, None) => return Ok(None),
    };
    Ok(Some((kind, input::secret(&path)?)))
}

/// The node of a command that has no account to take it from.
pub(crate) async fn node(open: &Open<'_>) -> Result<NodeChoice, Failure> {
    let status = open.api.status(Nothing {}).await?;
    let remembered = status.account.map(|account| account.node);
    match (&open.common.node, remembered.as_deref()) {
        (Some(url), _) => Ok(NodeChoice::Address { url: url.clone() }),
        (None, Some("built-in")) => Ok(NodeChoice::BuiltIn),
        (None, Some(url)) => Ok(NodeChoice::Address {
            url: url.to_owned(),
        }),
        (None, None) => Err(Failure::usage(
            "Name the node with --node URL; `account create` remembers it.",
        )),
    }
}

async fn show(open: &Open<'_>) -> Result<(), Failure> {
    let account = open.api.status(Nothing {}).await?.account.ok_or_else(|| {
        ApiError::new(
            "no_account",
            "There is no account here yet. Use `account create`.",
        )
    })?;
    Ok(open.output.item(&account)?)
}

async fn create(open: &Open<'_>, import: Option<Secret>) -> Result<(), Failure> {
    open.require_online()?;
    let status = open.api.status(Nothing {}).await?;
    let node = node(open).await?;
    let phrase = match import {
        Some((kind, secret)) => {
            let secret = secret.as_str().to_owned();
            open.api
                .wallet_import(WalletImport {
                    kind,
                    secret,
                    password: None,
                })
                .await?;
            None
        }
        None if status.stage == Stage::Empty => {
            let made = open.api.wallet_create(Nothing {}).await?;
            Some(Zeroizing::new(made.recovery_phrase.join(" ")))
        }
        // The wallet has signed already; what is stored is continued.
        None => None,
    };
    let registered = open.api.register(NodeArgs { node }).await;
    // A registration that is begun but not finished belongs to the new wallet already: its phrase
    // is shown now or never.
    let account = match &registered {
        Ok(account) => Some(account.clone()),
        Err(_) if phrase.is_some() => open.api.status(Nothing {}).await?.account,
        Err(_) => None,
    };
    if let Some(mut account) = account {
        account.recovery_phrase = phrase.map(|phrase| phrase.as_str().to_owned());
        open.output.item(&account)?;
        account.recovery_phrase.zeroize();
    }
    registered?;
    Ok(())
}

/// `account delete-local-database`: for a folder that perhaps can't be opened.
pub(crate) async fn delete_local_database(shell: &Shell, yes: bool) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::usage(
            "This deletes this installation's keys and history from this computer. Say --yes to \
             do it.",
        ));
    }
    delete(shell.options(false)).await?;
    Ok(shell.output.item(&Deleted::of(
        "the local database; the inbox and other devices stay",
    ))?)
}
