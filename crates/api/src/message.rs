//! Messages: reading, writing, and what their content is.

use std::fmt::Write as _;

use conclave_engine::{
    Annotated, Body, Client, DELETED, Delivery as StoredDelivery, EngineError, GroupUpdate,
    KnownType, Lines, Message as Stored, MessageKind as StoredKind, MessagePage as StoredPage,
    MessagePosition, MessageQuery, PERMISSION_FIELD, PageStart, REFUSED_CHANGE, body,
};

use crate::{
    api::Api,
    attachment,
    error::ApiError,
    types::{
        ActionsAnswerArgs, Anchor, BackwardsArgs, Content, ConversationArgs, Delivery, Message,
        MessageActions, MessageArgs, MessageFormat, MessageKind, MessageListArgs, MessagePage,
        MessageReactArgs, MessageSendArgs, Nothing, Reaction, ReadTime, ReplyTo,
    },
    value,
};

/// The attribute of pinned messages; its value says nothing to people.
const PINNED_FIELD: &str = "conclave.pinned_messages";
/// Characters of an inbox id in a sentence.
const SHORT_ID_CHARS: usize = 8;

/// What a person reads of a wish to leave.
const LEAVE_REQUEST: &str = "Asked to leave the group.";

/// Which messages [`Api::messages`] gives; the default is all of a conversation, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only those sent later, in ns.
    pub after_ns: Option<i64>,
    /// Only those sent earlier, in ns.
    pub before_ns: Option<i64>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Deliveries; empty for all.
    pub delivery: Vec<Delivery>,
    /// Kinds; empty for all.
    pub kinds: Vec<MessageKind>,
    /// Newest first.
    pub descending: bool,
}

impl From<StoredKind> for MessageKind {
    fn from(kind: StoredKind) -> Self {
        match kind {
            StoredKind::Application => Self::Application,
            StoredKind::MembershipChange => Self::MembershipChange,
            StoredKind::Gap => Self::Gap,
        }
    }
}

impl From<MessageKind> for StoredKind {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Application => Self::Application,
            MessageKind::MembershipChange => Self::MembershipChange,
            MessageKind::Gap => Self::Gap,
        }
    }
}

impl From<StoredDelivery> for Delivery {
    fn from(delivery: StoredDelivery) -> Self {
        match delivery {
            StoredDelivery::Unpublished => Self::Unpublished,
            StoredDelivery::Published => Self::Published,
            StoredDelivery::Failed => Self::Failed,
        }
    }
}

impl From<Delivery> for StoredDelivery {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Unpublished => Self::Unpublished,
            Delivery::Published => Self::Published,
            Delivery::Failed => Self::Failed,
        }
    }
}

/// What a commit changed, in words; inboxes by the beginning of their ids.
fn words(update: &GroupUpdate) -> String {
    fn short(id: &str) -> String {
        let mut short: String = id.chars().take(SHORT_ID_CHARS).collect();
        short.push('…');
        short
    }
    fn list(ids: &[String]) -> String {
        ids.iter()
            .map(|id| short(id))
            .collect::<Vec<_>>()
            .join(", ")
    }
    let people = [
        ("added", &update.added),
        ("removed", &update.removed),
        ("let go, by their own wish,", &update.left),
        ("made admin:", &update.added_admins),
        ("took the admin role from", &update.removed_admins),
        ("made super admin:", &update.added_super_admins),
        (
            "took the super admin role from",
            &update.removed_super_admins,
        ),
    ];
    let mut parts: Vec<String> = people
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(what, ids)| format!("{what} {}", list(ids)))
        .collect();
    parts.extend(update.fields.iter().map(|change| {
        let new = change.new.as_deref().unwrap_or_default();
        if let Some(key) = change.field.strip_prefix(PERMISSION_FIELD) {
            return format!("set the permission {key} to {new}");
        }
        if change.field == PINNED_FIELD {
            return "changed the pinned messages".to_owned();
        }
        let field = change.field.trim_start_matches("group_").replace('_', " ");
        match new {
            "" => format!("removed the {field}"),
            _ => format!("changed the {field} to “{new}”"),
        }
    }));
    let mut words = short(&update.by);
    for (index, part) in parts.iter().enumerate() {
        let _ = write!(words, "{} {part}", if index == 0 { "" } else { ";" });
    }
    words
}

/// A row as shells see it.
pub(crate) fn row(annotated: Annotated, own: &str) -> Message {
    let Annotated {
        message: stored,
        reply_to,
        reactions,
        attachments,
    } = annotated;
    let (content, text) = match (body(&stored), stored.deleted_by_inbox_id) {
        (_, Some(by)) => (Content::Deleted { by }, DELETED.to_owned()),
        (Some(body), None) => {
            let text = match &body {
                Body::GroupUpdated(update) => words(update),
                Body::LeaveRequest => LEAVE_REQUEST.to_owned(),
                body => body.text().into_owned(),
            };
            let content = match body.into() {
                Content::Attachments { .. } => Content::Attachments {
                    items: attachment::items(attachments),
                },
                content => content,
            };
            (content, text)
        }
        (None, None) => {
            let text = stored.preview.unwrap_or_default();
            let content = if stored.type_id == REFUSED_CHANGE {
                Content::RefusedChange {
                    by: stored.sender_inbox_id.clone(),
                    reason: String::from_utf8_lossy(&stored.content).into_owned(),
                    text: text.clone(),
                }
            } else {
                Content::Gap {
                    reason: stored.type_id.clone(),
                }
            };
            (content, text)
        }
    };
    Message {
        id: value::id(&stored.id),
        conversation_id: value::id(&stored.conversation_id),
        is_own: stored.sender_inbox_id == own,
        sender_inbox_id: stored.sender_inbox_id,
        sender_installation_id: value::id(&stored.sender_installation_id),
        kind: stored.kind.into(),
        delivery: stored.delivery.into(),
        sent_at_ns: value::ns(stored.sent_at_ns),
        inserted_at_ns: value::ns(stored.inserted_at_ns),
        content_type: format!(
            "{}/{}:{}.{}",
            stored.authority_id, stored.type_id, stored.version_major, stored.version_minor
        ),
        text,
        content,
        failure: stored.failure_code,
        reply_to: reply_to.map(ReplyTo::from),
        reactions: reactions.into_iter().map(Reaction::from).collect(),
        expires_at_ns: stored.expire_at_ns.map(value::ns),
    }
}

/// Rows as shells see them, with what is shown beside them.
pub(crate) async fn rows(client: &Client, stored: Vec<Stored>) -> Result<Vec<Message>, ApiError> {
    let own = &client.account().inbox_id;
    let annotated = client.annotated(stored).await?;
    Ok(annotated.into_iter().map(|found| row(found, own)).collect())
}

/// One row as shells see it.
pub(crate) async fn one(client: &Client, stored: Stored) -> Result<Message, ApiError> {
    let mut rows = rows(client, vec![stored]).await?;
    rows.pop().ok_or_else(|| EngineError::UnknownMessage.into())
}

fn position(message: Option<&Stored>) -> Option<String> {
    message.map(|message| value::position(message.sent_at_ns, message.row_id))
}

async fn written(client: &Client, page: StoredPage) -> Result<MessagePage, ApiError> {
    Ok(MessagePage {
        older: position(page.items.first().filter(|_| page.has_older)),
        newer: position(page.items.last().filter(|_| page.has_newer)),
        first_unread_id: page.first_unread.map(value::id),
        items: rows(client, page.items).await?,
    })
}

fn read_position(text: &str) -> Result<MessagePosition, ApiError> {
    let (sent_at_ns, row_id) = value::read_position(text)?;
    let row_id = row_id.parse().map_err(|_| {
        ApiError::arguments("This position does not come from an earlier page of messages.")
    })?;
    Ok(MessagePosition { sent_at_ns, row_id })
}

/// What a text of this format says.
fn composed(text: String, format: MessageFormat) -> Result<Body, EngineError> {
    let body = match format {
        MessageFormat::Text => Ok(Body::Text(text)),
        MessageFormat::Markdown => Ok(Body::Markdown(text)),
        MessageFormat::TransactionReference => {
            Body::from_json(KnownType::TransactionReference, &text)
        }
        MessageFormat::WalletSendCalls => Body::from_json(KnownType::WalletSendCalls, &text),
        MessageFormat::Actions => Body::from_json(KnownType::Actions, &text),
    };
    body.map_err(EngineError::Content)
}

impl Api {
    /// A page of messages from the local database.
    ///
    /// # Errors
    /// `invalid_id`, `invalid_arguments`, `unknown_conversation`.
    pub async fn message_list(&self, args: MessageListArgs) -> Result<MessagePage, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let start = match &args.anchor {
            Anchor::Latest => PageStart::Latest,
            Anchor::FirstUnread => PageStart::FirstUnread,
            Anchor::Message { message_id } => PageStart::Around(value::bytes(message_id)?),
            Anchor::Date { at_ns } => PageStart::At(value::read_ns(at_ns)?),
            Anchor::Before { position } => PageStart::Before(read_position(position)?),
            Anchor::After { position } => PageStart::After(read_position(position)?),
        };
        let client = self.client().await?;
        // Before it is read, so that nothing comes unseen in between.
        self.0.shared.show(&id);
        let limit = usize::try_from(args.limit).unwrap_or_default();
        let page = client.message_page(&id, Lines::All, start, limit).await?;
        written(&client, page).await
    }

    /// A page of what happened to a group, newest first: membership, metadata, roles, permissions,
    /// and changes that its rules refused.
    ///
    /// # Errors
    /// `invalid_id`, `invalid_arguments`, `unknown_conversation`.
    pub async fn group_changes(&self, args: BackwardsArgs) -> Result<MessagePage, ApiError> {
        self.backwards(Lines::Changes, args).await
    }

    /// A page of the messages of a conversation that are files, newest first.
    ///
    /// # Errors
    /// `invalid_id`, `invalid_arguments`, `unknown_conversation`.
    pub async fn conversation_files(&self, args: BackwardsArgs) -> Result<MessagePage, ApiError> {
        self.backwards(Lines::Files, args).await
    }

    async fn backwards(&self, lines: Lines, args: BackwardsArgs) -> Result<MessagePage, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let start = match &args.before {
            None => PageStart::Latest,
            Some(position) => PageStart::Before(read_position(position)?),
        };
        let client = self.client().await?;
        let limit = usize::try_from(args.limit).unwrap_or_default();
        let page = client.message_page(&id, lines, start, limit).await?;
        let mut page = written(&client, page).await?;
        page.items.reverse();
        Ok(page)
    }

    /// Messages of a conversation by options, from the local database.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn messages(
        &self,
        conversation_id: &str,
        filter: MessageFilter,
    ) -> Result<Vec<Message>, ApiError> {
        let client = self.client().await?;
        let query = MessageQuery {
            conversation_id: value::bytes(conversation_id)?,
            sent_after_ns: filter.after_ns,
            sent_before_ns: filter.before_ns,
            limit: filter.limit.map(i64::from),
            delivery: filter
                .delivery
                .into_iter()
                .map(StoredDelivery::from)
                .collect(),
            kinds: filter.kinds.into_iter().map(StoredKind::from).collect(),
            descending: filter.descending,
            ..MessageQuery::default()
        };
        rows(&client, client.find_messages(query).await?).await
    }

    /// One message from the local database.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`.
    pub async fn message_get(&self, args: MessageArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let found = client.message(&value::bytes(&args.message_id)?).await?;
        one(&client, found).await
    }

    /// Stores a message; it is published in the background, or by the next sync where there is no
    /// background work.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`, `conversation_inactive`, `conversation_paused`,
    /// `unknown_message` and `not_answerable` for the message to answer, and the content's for an
    /// empty or too long text.
    pub async fn message_send(&self, args: MessageSendArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let id = value::bytes(&args.conversation_id)?;
        let prepared = args
            .attachments
            .iter()
            .map(|id| attachment::prepared_id(id));
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        let reply_to = args.reply_to.as_deref().map(value::bytes).transpose()?;
        let reply_to = reply_to.as_deref();
        if !prepared.is_empty() {
            let text = match (args.text.is_empty(), args.format) {
                (true, _) => None,
                (false, format) => Some(composed(args.text, format)?),
            };
            let sent = client
                .send_attachments(&id, &prepared, text, reply_to)
                .await?;
            return one(&client, sent).await;
        }
        let body = composed(args.text, args.format)?;
        let sent = client.send_message(&id, body, reply_to).await?;
        if reply_to.is_none() {
            // Nobody can have reacted to it yet, so there is nothing to look up.
            return Ok(row(Annotated::alone(sent), &client.account().inbox_id));
        }
        one(&client, sent).await
    }

    /// Adds our reaction to a message, or takes it back; gives the message reacted to.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`, `not_answerable`, `reaction_invalid`, and as
    /// `message_send`.
    pub async fn message_react(&self, args: MessageReactArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let id = value::bytes(&args.message_id)?;
        let target = client.react(&id, &args.content, args.is_added).await?;
        one(&client, target).await
    }

    /// Deletes a message for everyone in the conversation. One that has not left this computer is
    /// taken back: it is gone, and nobody hears of it.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`, `not_deletable`, and as `message_send`.
    pub async fn message_delete_for_everyone(
        &self,
        args: MessageArgs,
    ) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let id = value::bytes(&args.message_id)?;
        let deleted = client.delete_for_everyone(&id).await?;
        one(&client, deleted).await
    }

    /// What we may do with a message.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`.
    pub async fn message_actions(&self, args: MessageArgs) -> Result<MessageActions, ApiError> {
        let client = self.client().await?;
        let reason = client
            .why_not_deletable(&value::bytes(&args.message_id)?)
            .await?;
        Ok(MessageActions {
            can_delete_for_everyone: reason.is_none(),
            reason: reason.map(str::to_owned),
        })
    }

    /// Chooses one of the actions that a message offers; gives the message that says so.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`, `not_answerable`, and as `message_send`.
    pub async fn actions_answer(&self, args: ActionsAnswerArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let id = value::bytes(&args.message_id)?;
        let sent = client.answer(&id, &args.action_id).await?;
        one(&client, sent).await
    }

    /// How far people have read, by the receipts they sent.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_read_times(
        &self,
        args: ConversationArgs,
    ) -> Result<Vec<ReadTime>, ApiError> {
        let client = self.client().await?;
        let times = client
            .read_times(&value::bytes(&args.conversation_id)?)
            .await?;
        Ok(times
            .into_iter()
            .map(|(inbox_id, read_up_to_ns)| ReadTime {
                inbox_id,
                read_up_to_ns: value::ns(read_up_to_ns),
            })
            .collect())
    }

    /// Tries a failed message again.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message` unless it is an own message that failed.
    pub async fn message_retry(&self, args: MessageArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let queued = client.retry(&value::bytes(&args.message_id)?).await?;
        one(&client, queued).await
    }

    /// Deletes a message on this installation only.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`.
    pub async fn message_delete(&self, args: MessageArgs) -> Result<Nothing, ApiError> {
        self.client()
            .await?
            .delete_message(&value::bytes(&args.message_id)?)
            .await?;
        Ok(Nothing {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(letters: &[&str]) -> Vec<String> {
        letters.iter().map(|letter| letter.repeat(64)).collect()
    }

    #[test]
    fn membership_changes_are_put_into_words() {
        let update = GroupUpdate {
            by: "a".repeat(64),
            added: ids(&["b", "c"]),
            removed: ids(&["d"]),
            ..GroupUpdate::default()
        };
        assert_eq!(
            words(&update),
            "aaaaaaaa… added bbbbbbbb…, cccccccc…; removed dddddddd…"
        );
    }

    #[test]
    fn refused_changes_say_who_and_why() {
        let stored = Stored {
            row_id: 1,
            id: vec![1; 32],
            conversation_id: vec![2; 16],
            sender_inbox_id: "f".repeat(64),
            sender_installation_id: vec![3; 32],
            kind: StoredKind::Gap,
            delivery: StoredDelivery::Published,
            failure_code: None,
            sent_at_ns: 5,
            inserted_at_ns: 6,
            content: b"commit_rejected_v10".to_vec(),
            authority_id: "conclave".into(),
            type_id: REFUSED_CHANGE.into(),
            version_major: 1,
            version_minor: 0,
            preview: Some("A change was refused.".into()),
            visible: true,
            reference_id: None,
            sequence_id: Some(4),
            expire_at_ns: None,
            should_push: false,
            idempotency_key: String::new(),
            deleted_by_inbox_id: None,
        };
        let shown = row(Annotated::alone(stored), "own");
        assert_eq!(shown.kind, MessageKind::Gap);
        let expected = Content::RefusedChange {
            by: "f".repeat(64),
            reason: "commit_rejected_v10".into(),
            text: "A change was refused.".into(),
        };
        assert_eq!(shown.content, expected);
        assert_eq!(shown.text, "A change was refused.");
    }

    #[test]
    fn changes_of_fields_are_put_into_words() {
        let change = |field: &str, new: Option<&str>| conclave_engine::FieldChange {
            field: field.into(),
            old: Some("before".into()),
            new: new.map(str::to_owned),
        };
        let update = GroupUpdate {
            by: "a".repeat(64),
            fields: vec![
                change("group_name", Some("Tea")),
                change("description", Some("")),
            ],
            ..GroupUpdate::default()
        };
        assert_eq!(
            words(&update),
            "aaaaaaaa… changed the name to “Tea”; removed the description"
        );
    }
}
