//! `group` and `dm`

use conclave_api::{
    ApiError, MessageFilter,
    types::{
        Conversation, Created, DmCreateArgs, Failure as Refused, GroupCreateArgs, GroupUpdateArgs,
        MembersArgs, MessageArgs, MessageSendArgs, Nothing, Preset,
    },
};
use serde::Serialize;

use crate::{
    arguments::{Attributes, DmVerb, GroupVerb, MessageOrder, PermissionsVerb, PresetName},
    failure::Failure,
    input,
    message::follow,
    output::Shown,
    shell::{Open, conversation},
};

/// A conversation that was made; `failed` is there if somebody is not in it.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    conversation: Conversation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Refused>,
}

impl Shown for Made {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.conversation.fields();
        let failed = self.failed.iter();
        fields.extend(failed.map(|one| ("not added", format!("{}: {}", one.who, one.message))));
        fields
    }
}

impl From<Created> for Made {
    fn from(created: Created) -> Self {
        Self {
            conversation: created.conversation,
            failed: created.failed,
        }
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: GroupVerb) -> Result<(), Failure> {
    match verb {
        GroupVerb::Create {
            attributes,
            preset,
            who,
        } => {
            open.require_online()?;
            let who = input::people(who)?;
            create(open, attributes, preset, who).await
        }
        GroupVerb::Show { id } => {
            open.refresh(&id).await?;
            Ok(open
                .output
                .item(&open.api.conversation_details(conversation(&id)).await?)?)
        }
        GroupVerb::Sync { id } => {
            open.require_online()?;
            open.find(&id).await?;
            Ok(open
                .output
                .item(&open.api.conversation_sync(conversation(&id)).await?)?)
        }
        GroupVerb::Send { no_sync, id, text } => {
            let publish = !no_sync && !open.common.offline;
            send(open, &id, input::text(text)?, publish).await
        }
        GroupVerb::Messages {
            id,
            after_ns,
            before_ns,
            limit,
            delivery,
            order,
            kind,
        } => {
            open.refresh(&id).await?;
            let filter = MessageFilter {
                after_ns,
                before_ns,
                limit,
                delivery,
                kinds: kind,
                descending: matches!(order, MessageOrder::Desc),
            };
            Ok(open.output.list(&open.api.messages(&id, filter).await?)?)
        }
        GroupVerb::Members { id } => {
            open.refresh(&id).await?;
            Ok(open
                .output
                .list(&open.api.member_list(conversation(&id)).await?)?)
        }
        GroupVerb::Add { id, who } => {
            open.require_online()?;
            let who = input::people(who)?;
            open.refresh(&id).await?;
            let args = MembersArgs {
                conversation_id: id,
                who,
            };
            Ok(open.output.item(&open.api.member_add(args).await?)?)
        }
        GroupVerb::Remove { id, who } => {
            open.require_online()?;
            let who = input::people(who)?;
            open.refresh(&id).await?;
            let args = MembersArgs {
                conversation_id: id,
                who,
            };
            Ok(open.output.item(&open.api.member_remove(args).await?)?)
        }
        GroupVerb::Set { id, attributes } => {
            open.require_online()?;
            set(open, id, attributes).await
        }
        GroupVerb::Permissions(PermissionsVerb::Show { id }) => {
            open.refresh(&id).await?;
            Ok(open
                .output
                .item(&open.api.permissions(conversation(&id)).await?)?)
        }
        GroupVerb::Stream { id } => {
            open.require_online()?;
            open.find(&id).await?;
            let rows = open.api.stream_messages(&id).await?;
            follow(open, rows).await
        }
        GroupVerb::Debug { id } => {
            open.refresh(&id).await?;
            Ok(open
                .output
                .item(&open.api.group_debug(conversation(&id)).await?)?)
        }
    }
}

/// `dm`
pub(crate) async fn run_dm(open: &Open<'_>, verb: DmVerb) -> Result<(), Failure> {
    let DmVerb::Create { who } = verb;
    open.require_online()?;
    let mut people = input::people(vec![who])?;
    let (Some(who), true) = (people.pop(), people.is_empty()) else {
        return Err(Failure::usage(
            "A direct message is with exactly one person.",
        ));
    };
    // The other side may have made it already.
    open.api.sync_conversations(Nothing {}).await?;
    let made = Made::from(open.api.dm_create(DmCreateArgs { who }).await?);
    Ok(open.output.item(&made)?)
}

async fn create(
    open: &Open<'_>,
    attributes: Attributes,
    preset: PresetName,
    who: Vec<String>,
) -> Result<(), Failure> {
    let args = GroupCreateArgs {
        who,
        name: attributes.name.unwrap_or_default(),
        description: attributes.description.unwrap_or_default(),
        image_url: attributes.image_url.unwrap_or_default(),
        app_data: attributes.app_data.unwrap_or_default(),
        preset: match preset {
            PresetName::Everyone => Preset::Everyone,
            PresetName::Admins => Preset::Admins,
        },
    };
    let made = Made::from(open.api.group_create(args).await?);
    Ok(open.output.item(&made)?)
}

/// The message is on the disk before the network is asked. If publishing fails then, the message
/// is printed as it is stored, and the error says that it waits.
async fn send(open: &Open<'_>, id: &str, text: String, publish: bool) -> Result<(), Failure> {
    open.find(id).await?;
    let args = MessageSendArgs {
        conversation_id: id.to_owned(),
        text,
    };
    let stored = open.api.message_send(args).await?;
    if !publish {
        return Ok(open.output.item(&stored)?);
    }
    let published = open.api.conversation_sync(conversation(id)).await;
    let sent = open
        .api
        .message_get(MessageArgs {
            message_id: stored.id,
        })
        .await?;
    open.output.item(&sent)?;
    match published {
        Ok(_) => Ok(()),
        Err(error) => Err(ApiError {
            message: format!(
                "The message is stored and goes out with the next sync; do not send it again. {}",
                error.message
            ),
            ..error
        }
        .into()),
    }
}

async fn set(open: &Open<'_>, id: String, attributes: Attributes) -> Result<(), Failure> {
    let Attributes {
        name,
        description,
        image_url,
        app_data,
    } = attributes;
    if [&name, &description, &image_url, &app_data]
        .into_iter()
        .all(Option::is_none)
    {
        return Err(Failure::usage(
            "Say what to set: --name, --description, --image-url or --app-data.",
        ));
    }
    open.refresh(&id).await?;
    let args = GroupUpdateArgs {
        conversation_id: id,
        name,
        description,
        image_url,
        app_data,
    };
    Ok(open.output.item(&open.api.group_update(args).await?)?)
}
