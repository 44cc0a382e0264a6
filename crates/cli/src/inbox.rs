//! `inbox`

use conclave_api::types::{Resolved, WhoArgs};

use crate::{arguments::InboxVerb, failure::Failure, input, shell::Open};

/// People asked for in one call.
const PEOPLE_PER_CALL: usize = 400;

pub(crate) async fn run(open: &Open<'_>, verb: InboxVerb) -> Result<(), Failure> {
    let InboxVerb::Resolve { who } = verb;
    open.require_online()?;
    let mut resolved: Vec<Resolved> = Vec::new();
    for who in input::people(who)?.chunks(PEOPLE_PER_CALL) {
        resolved.extend(open.api.who_resolve(WhoArgs { who: who.to_vec() }).await?);
    }
    Ok(open.output.list(&resolved)?)
}
