//! `history`

use conclave_api::types::{
    HistoryAnswer, HistoryAnswerArgs, HistoryArgs, HistoryOverview, HistoryRequestArgs,
    HistoryTakeArgs, HistoryTransfer, Nothing,
};
use serde_json::Value;

use crate::{
    arguments::{HistoryScope, HistoryVerb},
    failure::Failure,
    output::Shown,
    shell::Open,
};

/// A word of the types, as they are written in JSON.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

impl Shown for HistoryTransfer {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let device = self.device_name.clone().or(self.installation_id.clone());
        let code = self.code.as_ref().map(|words| words.join(" "));
        let error = self.error.as_ref().map(|error| error.message.clone());
        vec![
            ("pin", self.pin.clone()),
            ("role", word(self.role)),
            ("phase", word(self.phase)),
            ("device", device.unwrap_or_default()),
            ("compare", code.unwrap_or_default()),
            ("server", self.server.clone()),
            ("conversations", self.conversations_done.to_string()),
            ("messages", self.messages_done.to_string()),
            ("left out", self.skipped.to_string()),
            ("why", error.unwrap_or_default()),
        ]
    }
}

impl Shown for HistoryOverview {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let archives = self.archives.iter().map(|one| one.pin.clone());
        let devices = self
            .new_devices
            .iter()
            .map(|one| one.installation_id.clone());
        vec![
            ("archives", archives.collect::<Vec<_>>().join(" ")),
            ("new devices", devices.collect::<Vec<_>>().join(" ")),
        ]
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Prints one transfer.
fn show(open: &Open<'_>, overview: &HistoryOverview, pin: &str) -> Result<(), Failure> {
    if let Some(transfer) = overview.transfers.iter().find(|one| one.pin == pin) {
        open.output.item(transfer)?;
    }
    Ok(())
}

pub(crate) async fn run(open: &Open<'_>, verb: HistoryVerb) -> Result<(), Failure> {
    if !open.common.offline {
        open.api.sync_all(Nothing {}).await?;
    }
    match verb {
        HistoryVerb::List => {
            let overview = open.api.history_overview(Nothing {}).await?;
            if !open.common.json {
                open.output.list(&overview.transfers)?;
            }
            Ok(open.output.item(&overview)?)
        }
        HistoryVerb::Request { scope, no_consent } => {
            open.require_online()?;
            let HistoryScope {
                since_ns,
                attachments,
                conversations,
            } = scope;
            let args = HistoryRequestArgs {
                since_ns: since_ns.map(|ns| ns.to_string()),
                consent: !no_consent,
                attachments,
                conversation_ids: some(conversations),
            };
            let overview = open.api.history_request(args).await?;
            match overview.transfers.first() {
                Some(newest) => Ok(open.output.item(newest)?),
                None => Ok(()),
            }
        }
        HistoryVerb::Allow {
            pin,
            scope,
            host_allowed,
        } => {
            open.require_online()?;
            let args = HistoryAnswerArgs {
                pin: pin.clone(),
                answer: HistoryAnswer::Allow,
                since_ns: scope.since_ns.map(|ns| ns.to_string()),
                attachments: scope.attachments,
                conversation_ids: some(scope.conversations),
                host_allowed,
            };
            show(open, &open.api.history_answer(args).await?, &pin)
        }
        HistoryVerb::Refuse { pin } => {
            open.require_online()?;
            let args = HistoryAnswerArgs {
                pin: pin.clone(),
                answer: HistoryAnswer::Refuse,
                since_ns: None,
                attachments: false,
                conversation_ids: None,
                host_allowed: false,
            };
            show(open, &open.api.history_answer(args).await?, &pin)
        }
        HistoryVerb::Take { pin, host_allowed } => {
            open.require_online()?;
            let args = HistoryTakeArgs {
                pin: pin.clone(),
                host_allowed,
            };
            show(open, &open.api.history_take(args).await?, &pin)
        }
        HistoryVerb::Cancel { pin } => {
            let args = HistoryArgs { pin: pin.clone() };
            show(open, &open.api.history_cancel(args).await?, &pin)
        }
    }
}
