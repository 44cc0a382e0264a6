//! `device`

use conclave_api::types::{Nothing, WhoArgs};

use crate::{arguments::DeviceVerb, failure::Failure, shell::Open};

pub(crate) async fn run(open: &Open<'_>, verb: DeviceVerb) -> Result<(), Failure> {
    let DeviceVerb::List = verb;
    let account = open.api.status(Nothing {}).await?.account;
    if let Some(account) = account.filter(|account| account.registered && !open.common.offline) {
        // Looking ourselves up brings what other devices have changed.
        open.api
            .who_resolve(WhoArgs {
                who: vec![account.inbox_id],
            })
            .await?;
    }
    Ok(open.output.list(&open.api.device_list().await?)?)
}
