//! `account`

use conclave_api::{
    ApiError, delete_local_database as delete,
    types::{NodeArgs, NodeChoice, Nothing, Stage, WalletImport, WalletSecretKind},
};
use serde::Serialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    arguments::AccountVerb,
    failure::Failure,
    input,
    output::Shown,
    shell::{Open, Shell},
};

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
}

impl Shown for Deleted {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![(
            "deleted",
            "the local database; the inbox and other devices stay".to_owned(),
        )]
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: AccountVerb) -> Result<(), Failure> {
    match verb {
        AccountVerb::Create {
            private_key_file,
            mnemonic_file,
        } => {
            let import = match (private_key_file, mnemonic_file) {
                (Some(path), _) => Some((WalletSecretKind::PrivateKey, path)),
                (None, Some(path)) => Some((WalletSecretKind::RecoveryPhrase, path)),
                (None, None) => None,
            };
            let import = match import {
                Some((kind, path)) => Some((kind, input::secret(&path)?)),
                None => None,
            };
            create(open, import).await
        }
        AccountVerb::Show => show(open).await,
        // Works without an open account, see `delete_local_database`.
        AccountVerb::DeleteLocalDatabase { .. } => Ok(()),
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

async fn create(
    open: &Open<'_>,
    import: Option<(WalletSecretKind, Zeroizing<String>)>,
) -> Result<(), Failure> {
    open.require_online()?;
    let status = open.api.status(Nothing {}).await?;
    let remembered = status.account.map(|account| account.node);
    let node = match (&open.common.node, remembered.as_deref()) {
        (Some(url), _) => NodeChoice::Address { url: url.clone() },
        (None, Some("built-in")) => NodeChoice::BuiltIn,
        (None, Some(url)) => NodeChoice::Address {
            url: url.to_owned(),
        },
        (None, None) => {
            return Err(Failure::usage(
                "Name the node with --node URL; it is remembered.",
            ));
        }
    };
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
    Ok(shell.output.item(&Deleted { deleted: true })?)
}
