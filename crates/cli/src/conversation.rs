//! `conversation`

use conclave_api::{ConversationFilter, ConversationOrder, types::Nothing};
use serde::Serialize;

use crate::{
    arguments::{ConversationVerb, ListOrder},
    failure::Failure,
    message::follow,
    output::{Deleted, Shown},
    shell::{Open, REVOKED, conversation},
};

#[derive(Serialize)]
struct Synced {
    new_conversations: u32,
}

impl Shown for Synced {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("new conversations", self.new_conversations.to_string())]
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: ConversationVerb) -> Result<(), Failure> {
    match verb {
        ConversationVerb::Sync => {
            open.require_online()?;
            let new_conversations = open.api.sync_conversations(Nothing {}).await?;
            Ok(open.output.item(&Synced { new_conversations })?)
        }
        ConversationVerb::SyncAll => {
            open.require_online()?;
            Ok(open.output.item(&open.api.sync_all(Nothing {}).await?)?)
        }
        ConversationVerb::List {
            consent,
            kind,
            created_after_ns,
            created_before_ns,
            limit,
            order,
        } => {
            if !open.common.offline {
                match open.api.sync_all(Nothing {}).await {
                    // What is here stays readable.
                    Err(error) if error.code == REVOKED => {}
                    synced => drop(synced?),
                }
            }
            let filter = ConversationFilter {
                consent: consent.consent,
                kinds: kind,
                created_after_ns,
                created_before_ns,
                limit,
                order: match order {
                    ListOrder::Created => ConversationOrder::Created,
                    ListOrder::Activity => ConversationOrder::Activity,
                },
            };
            Ok(open.output.list(&open.api.conversations(filter).await?)?)
        }
        ConversationVerb::Delete { id, yes } => {
            if !yes {
                return Err(Failure::usage(
                    "This deletes the conversation's history from this computer; others keep theirs. Add --yes.",
                ));
            }
            open.api.conversation_delete(conversation(&id)).await?;
            Ok(open.output.item(&Deleted::of(
                "the conversation on this computer; others keep theirs",
            ))?)
        }
        ConversationVerb::Stream(filter) => {
            open.require_online()?;
            let rows = open.api.stream_conversations(filter.consent).await?;
            follow(open, rows).await
        }
    }
}
