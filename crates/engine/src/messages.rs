//! Writing and reading messages.

use std::sync::Arc;

use conclave_content::encode_text;
use conclave_store::{
    Tx,
    consent::Consent,
    conversation::Conversation,
    kinds::{ConsentEntity, ConsentState, Delivery},
    message::Message,
    message_query::{MessagePosition, MessageQuery, PageDirection},
};

use crate::{
    client::{Client, Core},
    error::EngineError,
    event::{Changes, Event},
    intents::IntentData,
    transcript::Row,
};

/// Where a page of messages begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// With the newest.
    Latest,
    /// Around the first unread one, else with the newest.
    FirstUnread,
    /// With those before a position.
    Before(MessagePosition),
    /// With those after a position.
    After(MessagePosition),
}

/// A page of messages.
#[derive(Debug, Clone)]
pub struct MessagePage {
    /// Oldest first.
    pub items: Vec<Message>,
    /// Whether there are older ones.
    pub has_older: bool,
    /// Whether there are newer ones.
    pub has_newer: bool,
    /// The first unread message of others, if it is in the page.
    pub first_unread: Option<Vec<u8>>,
}

impl Core {
    /// The conversation, if something can be sent or changed in it now.
    pub(crate) async fn require_usable(&self, id: &[u8]) -> Result<Conversation, EngineError> {
        let group_id = id.to_vec();
        let found = self
            .store
            .read(move |reader| reader.conversation(&group_id))
            .await?;
        let conversation = found.ok_or(EngineError::UnknownConversation)?;
        usable(&conversation)?;
        Ok(conversation)
    }
}

fn usable(conversation: &Conversation) -> Result<(), EngineError> {
    if let Some(version) = &conversation.paused_for_version {
        return Err(EngineError::Paused(version.clone()));
    }
    if !conversation.is_active {
        return Err(EngineError::Inactive);
    }
    Ok(())
}

/// Remembers that the person wants a conversation: they made it or wrote in it.
pub(crate) fn allow(tx: &Tx, id: &[u8], now_ns: i64) -> Result<(), EngineError> {
    let (entity_kind, entity) = (ConsentEntity::Conversation, hex::encode(id));
    let known = tx.consent(entity_kind, &entity)?;
    // Most messages go where the person has written before.
    if known.is_none_or(|known| known.state != ConsentState::Allowed) {
        tx.set_consent(&Consent {
            entity_kind,
            entity,
            state: ConsentState::Allowed,
            consented_at_ns: now_ns,
        })?;
    }
    Ok(())
}

impl Client {
    /// Stores a text message as unpublished and queues it; nothing is sent before the next sync.
    ///
    /// In a direct message that exists more than once it goes into the one that the other side
    /// reads from (groups.md 9.2).
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], [`EngineError::Inactive`], [`EngineError::Paused`],
    /// and [`EngineError::Content`] for an empty or too long text.
    pub async fn send(&self, id: &[u8], text: &str) -> Result<Message, EngineError> {
        let content = encode_text(text)?;
        let (group_id, core) = (id.to_vec(), Arc::clone(&self.0));
        let now_ns = core.clock.now_ns();
        let (message, changes) = core
            .store
            .write({
                let core = Arc::clone(&core);
                move |tx| {
                    let active = tx.active_conversation(&group_id)?;
                    let active = active.ok_or(EngineError::UnknownConversation)?;
                    usable(&active)?;
                    let mut changes = Changes::default();
                    let idempotency_key = now_ns.to_string();
                    let row = Row {
                        group_id: &active.id,
                        sender_inbox_id: &core.account.inbox_id,
                        sender_installation_id: core.account.installation_id.as_bytes(),
                        delivery: Delivery::Unpublished,
                        sent_at_ns: now_ns,
                        now_ns,
                        sequence_id: None,
                        expire_at_ns: None,
                    };
                    let (message_id, inserted) =
                        row.insert_application(tx, &content, &idempotency_key, &mut changes)?;
                    if inserted.is_new {
                        IntentData::Message.enqueue(tx, &active.id, Some(&message_id), now_ns)?;
                    }
                    allow(tx, &active.id, now_ns)?;
                    let message = tx
                        .message(&message_id)?
                        .ok_or(EngineError::UnknownMessage)?;
                    Ok::<_, EngineError>((message, changes))
                }
            })
            .await?;
        core.events.send_changes(changes);
        core.wake(&message.conversation_id);
        Ok(message)
    }

    /// Queues a failed message again, with the same id.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`] unless it is an own message that failed.
    pub async fn retry(&self, message_id: &[u8]) -> Result<Message, EngineError> {
        let (id, now_ns) = (message_id.to_vec(), self.0.clock.now_ns());
        let (message, changes) = self
            .0
            .store
            .write(move |tx| {
                let failed = tx.message(&id)?.filter(|m| m.delivery == Delivery::Failed);
                let failed = failed.ok_or(EngineError::UnknownMessage)?;
                tx.requeue_message(&id)?;
                IntentData::Message.enqueue(tx, &failed.conversation_id, Some(&id), now_ns)?;
                let mut changes = Changes::default();
                changes.message(&failed.conversation_id, &id);
                let message = tx.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                Ok::<_, EngineError>((message, changes))
            })
            .await?;
        self.0.events.send_changes(changes);
        self.0.wake(&message.conversation_id);
        Ok(message)
    }

    /// Deletes a message on this installation only. One that waits is not sent any more, unless it
    /// is on its way already.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`].
    pub async fn delete_message(&self, message_id: &[u8]) -> Result<(), EngineError> {
        let id = message_id.to_vec();
        let conversation_id = self
            .0
            .store
            .write(move |tx| {
                let message = tx.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                if let Some(intent) = tx.intent_of_message(&id)?
                    && intent.state == conclave_store::kinds::IntentState::ToPublish
                {
                    tx.intent_failed(intent.id)?;
                }
                tx.delete_message(&id)?;
                Ok::<_, EngineError>(message.conversation_id)
            })
            .await?;
        let id = message_id.to_vec();
        let deleted = Event::MessageDeleted {
            conversation_id: conversation_id.clone(),
            id,
        };
        self.0.events.send(deleted);
        self.0.events.send(Event::Conversation {
            id: conversation_id,
            is_new: false,
        });
        Ok(())
    }

    /// One message.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`].
    pub async fn message(&self, message_id: &[u8]) -> Result<Message, EngineError> {
        let id = message_id.to_vec();
        let found = self.0.store.read(move |reader| reader.message(&id)).await?;
        found.ok_or(EngineError::UnknownMessage)
    }

    /// Messages of a conversation by options; `now_ns` of the query is set here.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn find_messages(&self, query: MessageQuery) -> Result<Vec<Message>, EngineError> {
        let query = MessageQuery {
            now_ns: self.0.clock.now_ns(),
            ..query
        };
        self.0
            .store
            .read(move |reader| {
                reader
                    .conversation(&query.conversation_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                Ok(reader.messages(&query)?)
            })
            .await
    }

    /// A page of the lines of a conversation; `limit` is brought into 1 to 500.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn message_page(
        &self,
        id: &[u8],
        start: PageStart,
        limit: usize,
    ) -> Result<MessagePage, EngineError> {
        let limit = i64::try_from(limit.clamp(1, 500)).unwrap_or(500);
        let (group_id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        let own = self.0.account.inbox_id.clone();
        self.0
            .store
            .read(move |reader| {
                use PageDirection::{Newer, Older};
                let summary = reader.summary(&group_id)?;
                let summary = summary.ok_or(EngineError::UnknownConversation)?;
                let read_up_to = MessagePosition {
                    sent_at_ns: summary.read_up_to_ns,
                    row_id: i64::MAX,
                };
                let page = |from, direction, limit| {
                    reader.message_page(&group_id, from, direction, limit, now_ns)
                };
                let items = match start {
                    PageStart::FirstUnread if summary.unread_count > 0 => {
                        let mut items = page(Some(read_up_to), Older, limit / 2)?;
                        items.extend(page(Some(read_up_to), Newer, limit - limit / 2)?);
                        items
                    }
                    PageStart::Latest | PageStart::FirstUnread => page(None, Older, limit)?,
                    PageStart::Before(position) => page(Some(position), Older, limit)?,
                    PageStart::After(position) => page(Some(position), Newer, limit)?,
                };
                let has = |edge: Option<&Message>, direction| match edge {
                    Some(edge) => {
                        page(Some(edge.position()), direction, 1).map(|found| !found.is_empty())
                    }
                    None => Ok(false),
                };
                let has_older = has(items.first(), Older)?;
                let has_newer = has(items.last(), Newer)?;
                let first_unread = items
                    .iter()
                    .filter(|_| summary.unread_count > 0)
                    .find(|m| m.sent_at_ns > summary.read_up_to_ns && m.sender_inbox_id != own)
                    .map(|message| message.id.clone());
                Ok(MessagePage {
                    items,
                    has_older,
                    has_newer,
                    first_unread,
                })
            })
            .await
    }

    /// Marks everything in a conversation as read.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn mark_read(&self, id: &[u8]) -> Result<(), EngineError> {
        let (group_id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        let moved = self
            .0
            .store
            .write(move |tx| {
                tx.conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                let newest = tx.message_page(&group_id, None, PageDirection::Older, 1, now_ns)?;
                let mut moved = false;
                if let Some(newest) = newest.first() {
                    for id in tx.stitched_ids(&group_id)? {
                        moved |= tx.mark_read(&id, newest.sent_at_ns)?;
                    }
                }
                Ok::<_, EngineError>(moved)
            })
            .await?;
        if moved {
            self.0.events.send(Event::Conversation {
                id: id.to_vec(),
                is_new: false,
            });
        }
        Ok(())
    }
}
