//! `device`

use conclave_api::types::{
    DeviceListArgs, DeviceNameArgs, Devices, InboxChange, NodeArgs, Nothing, Stage,
};

use crate::{
    account::{Secret, node, secret},
    arguments::{DeviceVerb, WalletFiles},
    failure::Failure,
    shell::Open,
    wallet::{self, Signing},
};

pub(crate) async fn run(open: &Open<'_>, verb: DeviceVerb) -> Result<(), Failure> {
    match verb {
        DeviceVerb::List(wallet) => list(open, wallet).await,
        DeviceVerb::Revoke {
            installations,
            others,
            yes,
            wallet,
        } => {
            open.require_online()?;
            let change = if others {
                InboxChange::RevokeOtherInstallations {}
            } else {
                InboxChange::RevokeInstallations {
                    installation_ids: installations,
                }
            };
            let recovery = wallet::required(wallet)?;
            let left = if is_registered(open).await? {
                let signing = Signing::By(vec![recovery]);
                wallet::change(open, change, signing, yes).await?
            } else {
                wallet::hold(open, recovery).await?;
                wallet::change(open, change, Signing::Held, yes).await?
            };
            show(open, &left)
        }
        DeviceVerb::Name { installation, name } => {
            let args = DeviceNameArgs {
                installation_id: installation,
                name,
            };
            show(open, &open.api.device_name(args).await?)
        }
    }
}

async fn list(open: &Open<'_>, files: WalletFiles) -> Result<(), Failure> {
    let secret: Option<Secret> = secret(files.private_key_file, files.mnemonic_file)?;
    match secret {
        // Nobody is logged in: the wallet says whose devices are meant.
        Some(secret) if !is_registered(open).await? => {
            open.require_online()?;
            wallet::hold(open, secret).await?;
            let node = node(open).await?;
            let found = open.api.registration_preview(NodeArgs { node }).await?;
            Ok(open.output.list(&found.installations)?)
        }
        _ => {
            let fresh = !open.common.offline;
            show(open, &open.api.device_list(DeviceListArgs { fresh }).await?)
        }
    }
}

async fn is_registered(open: &Open<'_>) -> Result<bool, Failure> {
    Ok(open.api.status(Nothing {}).await?.stage == Stage::Ready)
}

fn show(open: &Open<'_>, devices: &Devices) -> Result<(), Failure> {
    open.output.list(&devices.installations)?;
    let (count, maximum) = (devices.installations.len(), devices.maximum);
    Ok(open.output.note(&format!("{count} of {maximum}"))?)
}
