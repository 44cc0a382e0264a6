//! Messages: reading, writing, and what their content is.

use std::fmt::Write as _;

use conclave_engine::{
    Decoded, Delivery as StoredDelivery, GroupUpdate, Message as Stored, MessageKind as StoredKind,
    MessagePosition, MessageQuery, PageStart,
};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        Anchor, Content, Delivery, FieldChange, Message, MessageArgs, MessageKind, MessageListArgs,
        MessagePage, MessageSendArgs, Nothing,
    },
    value,
};

/// Characters of an inbox id in a sentence.
const SHORT_ID_CHARS: usize = 8;

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

impl From<GroupUpdate> for Content {
    fn from(update: GroupUpdate) -> Self {
        Self::GroupUpdated {
            by: update.by,
            added: update.added,
            removed: update.removed,
            left: update.left,
            fields: update
                .fields
                .into_iter()
                .map(|change| FieldChange {
                    field: change.field,
                    old: change.old,
                    new: change.new,
                })
                .collect(),
            added_admins: update.added_admins,
            removed_admins: update.removed_admins,
            added_super_admins: update.added_super_admins,
            removed_super_admins: update.removed_super_admins,
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
        let field = change.field.trim_start_matches("group_").replace('_', " ");
        match change.new.as_deref() {
            Some(new) if !new.is_empty() => format!("changed the {field} to “{new}”"),
            _ => format!("removed the {field}"),
        }
    }));
    let mut words = short(&update.by);
    for (index, part) in parts.iter().enumerate() {
        let _ = write!(words, "{} {part}", if index == 0 { "" } else { ";" });
    }
    words
}

/// A row as shells see it.
pub(crate) fn row(stored: Stored, own: &str) -> Message {
    let (content, text) = match stored.kind {
        StoredKind::Gap => (
            Content::Gap {
                reason: stored.type_id.clone(),
            },
            stored.preview.clone().unwrap_or_default(),
        ),
        StoredKind::Application | StoredKind::MembershipChange => {
            let (_, decoded) = Decoded::of(&stored.content);
            let preview = decoded.preview();
            match decoded {
                Decoded::Text(text) => (Content::Text { text: text.clone() }, text),
                Decoded::GroupUpdated(update) => {
                    let text = words(&update);
                    (update.into(), text)
                }
                Decoded::Other { fallback } => {
                    let text = fallback.clone().unwrap_or(preview);
                    (Content::Other { fallback }, text)
                }
            }
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
    }
}

pub(crate) fn rows(stored: Vec<Stored>, own: &str) -> Vec<Message> {
    stored.into_iter().map(|stored| row(stored, own)).collect()
}

fn position(message: Option<&Stored>) -> Option<String> {
    message.map(|message| value::position(message.sent_at_ns, message.row_id))
}

fn read_position(text: &str) -> Result<MessagePosition, ApiError> {
    let (sent_at_ns, row_id) = value::read_position(text)?;
    let row_id = row_id.parse().map_err(|_| {
        ApiError::arguments("This position does not come from an earlier page of messages.")
    })?;
    Ok(MessagePosition { sent_at_ns, row_id })
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
            Anchor::Before { position } => PageStart::Before(read_position(position)?),
            Anchor::After { position } => PageStart::After(read_position(position)?),
        };
        let client = self.client().await?;
        let limit = usize::try_from(args.limit).unwrap_or_default();
        let page = client.message_page(&id, start, limit).await?;
        Ok(MessagePage {
            older: position(page.items.first().filter(|_| page.has_older)),
            newer: position(page.items.last().filter(|_| page.has_newer)),
            first_unread_id: page.first_unread.map(value::id),
            items: rows(page.items, &client.account().inbox_id),
        })
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
        Ok(rows(
            client.find_messages(query).await?,
            &client.account().inbox_id,
        ))
    }

    /// One message from the local database.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`.
    pub async fn message_get(&self, args: MessageArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let found = client.message(&value::bytes(&args.message_id)?).await?;
        Ok(row(found, &client.account().inbox_id))
    }

    /// Stores a text message; it is published in the background, or by the next sync where there
    /// is no background work.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`, `conversation_inactive`, `conversation_paused`, and the
    /// content's for an empty or too long text.
    pub async fn message_send(&self, args: MessageSendArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let id = value::bytes(&args.conversation_id)?;
        let sent = client.send(&id, &args.text).await?;
        Ok(row(sent, &client.account().inbox_id))
    }

    /// Tries a failed message again.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message` unless it is an own message that failed.
    pub async fn message_retry(&self, args: MessageArgs) -> Result<Message, ApiError> {
        let client = self.client().await?;
        let queued = client.retry(&value::bytes(&args.message_id)?).await?;
        Ok(row(queued, &client.account().inbox_id))
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
