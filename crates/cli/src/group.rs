//! `group` and `dm`

use conclave_api::{
    MessageFilter,
    types::{
        Admins, AttachmentPrepareArgs, Conversation, Created, DisappearingSetArgs, DmCreateArgs,
        Failure as Refused, GroupCreateArgs, GroupUpdateArgs, MembersArgs, MessageFormat,
        MessageSendArgs, Nothing, PermissionChange, PermissionsSetArgs, PinSetArgs, Preset,
        RoleChange, RoleChangeArgs,
    },
};
use serde::Serialize;

use crate::{
    arguments::{
        Attributes, DmVerb, GroupVerb, JsonKind, MessageOrder, PermissionsVerb, PresetName,
        RoleVerb,
    },
    failure::Failure,
    input,
    message::{follow, publish},
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
        GroupVerb::Send {
            no_sync,
            reply_to,
            markdown,
            json_of,
            id,
            text,
        } => {
            open.find(&id).await?;
            let args = MessageSendArgs {
                conversation_id: id,
                text: input::text(text)?,
                format: match json_of {
                    None if markdown => MessageFormat::Markdown,
                    None => MessageFormat::Text,
                    Some(JsonKind::TransactionReference) => MessageFormat::TransactionReference,
                    Some(JsonKind::WalletSendCalls) => MessageFormat::WalletSendCalls,
                    Some(JsonKind::Actions) => MessageFormat::Actions,
                },
                reply_to,
                attachments: Vec::new(),
            };
            let stored = open.api.message_send(args).await?;
            publish(open, stored, no_sync).await
        }
        GroupVerb::SendFile {
            no_sync,
            text,
            id,
            path,
        } => {
            open.find(&id).await?;
            let mut attachments = Vec::with_capacity(path.len());
            for path in path {
                let args = AttachmentPrepareArgs {
                    conversation_id: id.clone(),
                    path: Some(input::path(&path)?),
                    name: None,
                    media_type: None,
                    base64: None,
                };
                attachments.push(open.api.attachment_prepare(args).await?.id);
            }
            let args = MessageSendArgs {
                conversation_id: id,
                text: text.map(input::text).transpose()?.unwrap_or_default(),
                format: MessageFormat::Text,
                reply_to: None,
                attachments,
            };
            let stored = open.api.message_send(args).await?;
            publish(open, stored, no_sync).await
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
                operation_id: None,
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
                operation_id: None,
            };
            Ok(open.output.item(&open.api.member_remove(args).await?)?)
        }
        GroupVerb::Leave { id } => {
            open.require_online()?;
            open.refresh(&id).await?;
            Ok(open
                .output
                .item(&open.api.group_leave(conversation(&id)).await?)?)
        }
        GroupVerb::Readd { id } => {
            open.require_online()?;
            open.refresh(&id).await?;
            Ok(open
                .output
                .item(&open.api.readd_request(conversation(&id)).await?)?)
        }
        GroupVerb::Set { id, attributes } => {
            open.require_online()?;
            set(open, id, attributes).await
        }
        GroupVerb::Permissions(PermissionsVerb::Show { id }) => {
            open.refresh(&id).await?;
            let rules = open.api.group_rules(conversation(&id)).await?;
            Ok(open.output.item(&rules.permissions)?)
        }
        GroupVerb::Permissions(PermissionsVerb::Set { id, key, option }) => {
            open.require_online()?;
            open.refresh(&id).await?;
            let args = PermissionsSetArgs {
                conversation_id: id,
                changes: vec![PermissionChange { key, option }],
            };
            let rules = open.api.permissions_set(args).await?;
            Ok(open.output.item(&rules.permissions)?)
        }
        GroupVerb::Admin(verb) => {
            let (id, who, change) = match verb {
                RoleVerb::Add { id, who } => (id, who, RoleChange::AddAdmin),
                RoleVerb::Remove { id, who } => (id, who, RoleChange::RemoveAdmin),
            };
            change_role(open, id, who, change).await
        }
        GroupVerb::SuperAdmin(verb) => {
            let (id, who, change) = match verb {
                RoleVerb::Add { id, who } => (id, who, RoleChange::AddSuperAdmin),
                RoleVerb::Remove { id, who } => (id, who, RoleChange::RemoveSuperAdmin),
            };
            change_role(open, id, who, change).await
        }
        GroupVerb::Disappearing { id, in_ns, off: _ } => {
            open.require_online()?;
            open.refresh(&id).await?;
            let args = DisappearingSetArgs {
                conversation_id: id,
                in_ns,
            };
            Ok(open.output.item(&open.api.disappearing_set(args).await?)?)
        }
        GroupVerb::Pin { id, message } => pin(open, id, message, true).await,
        GroupVerb::Unpin { id, message } => pin(open, id, message, false).await,
        GroupVerb::Pins { id } => {
            open.refresh(&id).await?;
            Ok(open
                .output
                .list(&open.api.pin_list(conversation(&id)).await?)?)
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

async fn change_role(
    open: &Open<'_>,
    id: String,
    who: String,
    change: RoleChange,
) -> Result<(), Failure> {
    open.require_online()?;
    open.refresh(&id).await?;
    let args = RoleChangeArgs {
        conversation_id: id,
        who,
        change,
    };
    let rules = open.api.role_change(args).await?;
    Ok(open.output.item(&Admins {
        admins: rules.admins,
        super_admins: rules.super_admins,
    })?)
}

async fn pin(open: &Open<'_>, id: String, message_id: String, pinned: bool) -> Result<(), Failure> {
    open.require_online()?;
    open.refresh(&id).await?;
    let args = PinSetArgs {
        conversation_id: id.clone(),
        message_id,
        pinned,
    };
    open.api.pin_set(args).await?;
    Ok(open
        .output
        .list(&open.api.pin_list(conversation(&id)).await?)?)
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
        permissions: Vec::new(),
        disappearing_in_ns: None,
        operation_id: None,
    };
    let made = Made::from(open.api.group_create(args).await?);
    Ok(open.output.item(&made)?)
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
        minimum_version: None,
    };
    Ok(open.output.item(&open.api.group_update(args).await?)?)
}
