//! `message`, and printing rows as they come.

use std::path::Path;

use conclave_api::{
    ApiError, Rows,
    types::{
        ActionsAnswerArgs, AllowHostArgs, Attachment, AttachmentSaveArgs, AttachmentTransferArgs,
        Content, Message, MessageArgs, MessageReactArgs, SearchArgs, TransferAction, TransferState,
    },
};
use futures::StreamExt as _;
use serde::Serialize;

use crate::{
    arguments::MessageVerb,
    failure::Failure,
    input,
    output::{Deleted, Shown},
    shell::{Open, conversation},
    signals::told_to_stop,
};

pub(crate) async fn run(open: &Open<'_>, verb: MessageVerb) -> Result<(), Failure> {
    match verb {
        MessageVerb::StreamAll(filter) => {
            open.require_online()?;
            let rows = open.api.stream_all_messages(filter.consent).await?;
            follow(open, rows).await
        }
        MessageVerb::Save {
            index,
            allow_host,
            message,
            path,
        } => save(open, message, index, &path, allow_host).await,
        MessageVerb::React {
            remove,
            no_sync,
            message,
            emoji,
        } => {
            let args = MessageReactArgs {
                message_id: message,
                content: emoji,
                is_added: !remove,
            };
            publish(open, open.api.message_react(args).await?, no_sync).await
        }
        MessageVerb::Answer {
            no_sync,
            message,
            action,
        } => {
            let args = ActionsAnswerArgs {
                message_id: message,
                action_id: action,
            };
            publish(open, open.api.actions_answer(args).await?, no_sync).await
        }
        MessageVerb::Delete {
            for_everyone: true,
            no_sync,
            message,
        } => {
            let args = MessageArgs {
                message_id: message,
            };
            let deleted = open.api.message_delete_for_everyone(args).await?;
            publish(open, deleted, no_sync).await
        }
        MessageVerb::Delete { message, .. } => {
            let args = MessageArgs {
                message_id: message,
            };
            open.api.message_delete(args).await?;
            Ok(open.output.item(&Deleted::of("the message, here"))?)
        }
        MessageVerb::Search {
            query,
            within,
            limit,
        } => search(open, query, within, limit).await,
    }
}

/// What waits is on the disk before the network is asked. If publishing fails then, the message is
/// printed as it is stored, and the error says that it waits.
pub(crate) async fn publish(
    open: &Open<'_>,
    stored: Message,
    no_sync: bool,
) -> Result<(), Failure> {
    if no_sync || open.common.offline {
        return Ok(open.output.item(&stored)?);
    }
    let published = open
        .api
        .conversation_sync(conversation(&stored.conversation_id))
        .await;
    let args = MessageArgs {
        message_id: stored.id.clone(),
    };
    let now = match open.api.message_get(args).await {
        // Taken back before anybody had it.
        Err(error) if error.code == "unknown_message" => stored,
        now => now?,
    };
    open.output.item(&now)?;
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

/// Writes a file of a message to the disk; what is not here is fetched first.
async fn save(
    open: &Open<'_>,
    message_id: String,
    index: u32,
    path: &Path,
    allow_host: bool,
) -> Result<(), Failure> {
    let wanted = MessageArgs {
        message_id: message_id.clone(),
    };
    let file = file(open, &wanted, index).await?;
    if file.state != TransferState::Stored && !open.common.offline {
        if let (true, Some(host)) = (allow_host, file.host) {
            let is_allowed = true;
            let args = AllowHostArgs { host, is_allowed };
            open.api.attachment_allow_host(args).await?;
        }
        let args = AttachmentTransferArgs {
            message_id: message_id.clone(),
            index,
            action: TransferAction::Start,
        };
        open.api.attachment_transfer(args).await?;
        open.api.transfers_carry(&message_id).await?;
        let fetched = self::file(open, &wanted, index).await?;
        if let Some(code) = fetched.failure {
            let text = format!("The file could not be fetched ({code}). Nothing was saved.");
            return Err(ApiError::new(&code, text).into());
        }
    }
    let args = AttachmentSaveArgs {
        message_id,
        index,
        path: input::path(path)?,
    };
    Ok(open.output.item(&open.api.attachment_save(args).await?)?)
}

/// A file of a message as it stands.
async fn file(open: &Open<'_>, wanted: &MessageArgs, index: u32) -> Result<Attachment, Failure> {
    let message = open.api.message_get(wanted.clone()).await?;
    let found = match message.content {
        Content::Attachments { items } => items.into_iter().find(|item| item.index == index),
        _ => None,
    };
    let text = "This message has no such file.";
    found.ok_or_else(|| ApiError::new("unknown_attachment", text).into())
}

/// Prints what is found, page by page. A search that can't be read is wrong usage.
async fn search(
    open: &Open<'_>,
    query: String,
    within: Option<String>,
    limit: u32,
) -> Result<(), Failure> {
    let mut found = Vec::new();
    let mut args = SearchArgs {
        query,
        conversation_id: within,
        ..SearchArgs::default()
    };
    loop {
        let left = usize::try_from(limit).unwrap_or_default() - found.len();
        args.limit = u32::try_from(left).ok();
        let page = open.api.search_messages(args.clone()).await?;
        if let Some(problem) = page.problem {
            return Err(Failure::usage(problem));
        }
        found.extend(page.items);
        args.before = page.next;
        if args.before.is_none() || found.len() >= usize::try_from(limit).unwrap_or_default() {
            break;
        }
    }
    open.output.list(&found)?;
    Ok(())
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
