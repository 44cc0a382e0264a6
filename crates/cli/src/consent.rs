//! `consent`

use conclave_api::types::{Consent, ConsentSetArgs, InboxConsentArgs};
use serde::Serialize;

use crate::{
    arguments::{ConsentVerb, Entity},
    failure::Failure,
    output::Shown,
    shell::Open,
};

#[derive(Serialize)]
struct Decision {
    entity: &'static str,
    id: String,
    state: Consent,
}

impl Shown for Decision {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = match self.state {
            Consent::Unknown => "unknown",
            Consent::Allowed => "allowed",
            Consent::Denied => "denied",
        };
        vec![(self.entity, self.id.clone()), ("state", state.to_owned())]
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: ConsentVerb) -> Result<(), Failure> {
    let (entity, id, wanted) = match verb {
        ConsentVerb::Get { entity, id } => (entity, id.to_lowercase(), None),
        ConsentVerb::Set { entity, id, state } => (entity, id.to_lowercase(), Some(state)),
    };
    let (entity, state) = match entity {
        Entity::Inbox => {
            if let Some(state) = wanted {
                let args = InboxConsentArgs {
                    inbox_id: id.clone(),
                    state,
                };
                open.api.inbox_consent_set(args).await?;
            }
            ("inbox", open.api.inbox_consent(&id).await?.state)
        }
        Entity::Conversation => {
            open.find(&id).await?;
            if let Some(state) = wanted {
                let args = ConsentSetArgs {
                    conversation_id: id.clone(),
                    state,
                };
                open.api.consent_set(args).await?;
            }
            ("conversation", open.api.conversation_consent(&id).await?)
        }
    };
    Ok(open.output.item(&Decision { entity, id, state })?)
}
