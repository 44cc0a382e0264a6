//! `message`, and printing rows as they come.

use conclave_api::Rows;
use futures::StreamExt as _;
use serde::Serialize;

use crate::{
    arguments::MessageVerb, failure::Failure, output::Shown, shell::Open, signals::told_to_stop,
};

pub(crate) async fn run(open: &Open<'_>, verb: MessageVerb) -> Result<(), Failure> {
    let MessageVerb::StreamAll(filter) = verb;
    open.require_online()?;
    let rows = open.api.stream_all_messages(filter.consent).await?;
    follow(open, rows).await
}

/// Prints rows as they come until the program is told to stop. The background work, which brings
/// them, begins only now: what waits on the node is printed too, and nothing falls between.
pub(crate) async fn follow<T: Serialize + Shown>(
    open: &Open<'_>,
    mut rows: Rows<T>,
) -> Result<(), Failure> {
    let stopped = told_to_stop()?;
    tokio::pin!(stopped);
    open.api.go_live().await?;
    loop {
        tokio::select! {
            () = &mut stopped => return Ok(()),
            row = rows.next() => match row {
                Some(row) => open.output.next(&row?)?,
                None => return Ok(()),
            },
        }
    }
}
