//! Writing and reading messages.

use std::sync::Arc;

use conclave_content::{Body, Origin};
use conclave_store::{
    Tx,
    conversation::Conversation,
    kinds::{AttachmentState, Delivery, ForkState, MembershipState},
    message::Message,
    message_query::{Lines, MessagePosition, MessageQuery, PageDirection},
};

use crate::{
    attachments,
    client::{Client, Core},
    consent::allow,
    effects,
    error::EngineError,
    event::{Changes, Event},
    intents::IntentData,
    transcript::Row,
};

/// Failed messages that are tried again for one: more than that are hardly meant.
const RETRIED_AT_ONCE: usize = 32;

/// Content to send, and where.
pub(crate) struct Draft {
    content: Vec<u8>,
    /// The group, if it is not to be the active one of a direct message.
    group_id: Option<Vec<u8>>,
    /// Prepared files that become part of it and are uploaded before it goes out.
    uploads: Vec<i64>,
}

impl Draft {
    pub(crate) fn of(body: &Body, group_id: Option<Vec<u8>>) -> Result<Self, EngineError> {
        let content = body.encode()?;
        Ok(Self {
            content,
            group_id,
            uploads: Vec::new(),
        })
    }

    /// The same, with files to upload.
    pub(crate) fn with_uploads(self, uploads: Vec<i64>) -> Self {
        Self { uploads, ..self }
    }
}

/// A failed message, after the failed ones of ours that it refers to.
fn with_failed_targets(tx: &Tx, failed: Message) -> Result<Vec<Message>, EngineError> {
    let mut all = vec![failed];
    while all.len() < RETRIED_AT_ONCE
        && let Some(target_id) = all.last().and_then(|last| last.reference_id.as_ref())
        && let Some(target) = tx.message(target_id)?
        && target.delivery == Delivery::Failed
    {
        all.push(target);
    }
    all.reverse();
    Ok(all)
}

/// Where a page of messages begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// With the newest.
    Latest,
    /// Around the first unread one, else with the newest.
    FirstUnread,
    /// Around a message of the conversation.
    Around(Vec<u8>),
    /// Around the first one sent then or later, in ns, else with the newest.
    At(i64),
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
        self.require_valid()?;
        usable(&conversation)?;
        Ok(conversation)
    }
}

impl Core {
    /// A message of ours that waits to be published.
    pub(crate) fn own_row<'a>(&'a self, group_id: &'a [u8], now_ns: i64) -> Row<'a> {
        Row {
            group_id,
            sender_inbox_id: &self.account.inbox_id,
            sender_installation_id: self.account.installation_id.as_bytes(),
            delivery: Delivery::Unpublished,
            sent_at_ns: now_ns,
            now_ns,
            sequence_id: None,
            expire_at_ns: None,
        }
    }
}

impl Core {
    /// Stores a message as unpublished, with the files that become part of it.
    fn store_draft(
        &self,
        tx: &Tx,
        group_id: &[u8],
        draft: &Draft,
        now_ns: i64,
        changes: &mut Changes,
    ) -> Result<Message, EngineError> {
        let active = match &draft.group_id {
            Some(id) => tx.conversation(id)?,
            None => tx.active_conversation(group_id)?,
        };
        let active = active.ok_or(EngineError::UnknownConversation)?;
        self.require_valid()?;
        usable(&active)?;
        let row = self.own_row(&active.id, now_ns);
        let stored = row.insert_own(tx, &draft.content, changes)?;
        for (place, file) in (0..).zip(&draft.uploads) {
            tx.assign_attachment(*file, &stored.id, place, AttachmentState::Waiting)?;
        }
        let message = tx.message(&stored.id)?.ok_or(EngineError::UnknownMessage)?;
        effects::queued(tx, &active, &message, &stored.body, changes)?;
        if stored.body != Body::ReadReceipt {
            allow(tx, &active, now_ns, changes)?;
        }
        Ok(message)
    }
}

/// Why nothing can be sent in a conversation that is not active.
pub(crate) fn inactive(conversation: &Conversation) -> EngineError {
    match conversation.membership_state {
        MembershipState::Restored => EngineError::Restored,
        _ => EngineError::Inactive,
    }
}

/// Refuses a conversation in which nothing can be sent or changed now.
pub(crate) fn usable(conversation: &Conversation) -> Result<(), EngineError> {
    if let Some(version) = &conversation.paused_for_version {
        return Err(EngineError::Paused(version.clone()));
    }
    if !conversation.is_active {
        return Err(inactive(conversation));
    }
    if conversation.fork == ForkState::Confirmed {
        return Err(EngineError::Forked);
    }
    Ok(())
}

impl Client {
    /// Stores a text message as unpublished and queues it; the background work sends it, or the
    /// next sync.
    ///
    /// In a direct message that exists more than once it goes into the one that the other side
    /// reads from (groups.md 9.2).
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], [`EngineError::Inactive`], [`EngineError::Paused`],
    /// and [`EngineError::Content`] for an empty or too long text.
    pub async fn send(&self, id: &[u8], text: &str) -> Result<Message, EngineError> {
        self.send_body(id, Body::Text(text.to_owned())).await
    }

    /// As [`Client::send`], for any content.
    ///
    /// # Errors
    /// As there, and the content's own.
    pub async fn send_body(&self, id: &[u8], body: Body) -> Result<Message, EngineError> {
        let draft = Draft::of(&body, None)?;
        self.queue(id, move |_| Ok(draft)).await
    }

    /// Stores what `compose` makes in the same transaction, and queues it.
    pub(crate) async fn queue(
        &self,
        id: &[u8],
        compose: impl FnOnce(&Tx) -> Result<Draft, EngineError> + Send + 'static,
    ) -> Result<Message, EngineError> {
        self.queue_all(id, move |tx| Ok(vec![compose(tx)?])).await
    }

    /// Stores all that `compose` makes in the same transaction, and queues it in this order: what has
    /// files to upload goes out before what follows it. Returns the last message.
    pub(crate) async fn queue_all(
        &self,
        id: &[u8],
        compose: impl FnOnce(&Tx) -> Result<Vec<Draft>, EngineError> + Send + 'static,
    ) -> Result<Message, EngineError> {
        let (group_id, core) = (id.to_vec(), Arc::clone(&self.0));
        // Where nobody is at work in the group the message goes out at once, so it is encrypted in
        // the transaction that stores it.
        let background = core.background();
        let turn = background
            .as_ref()
            .and_then(|_| core.turns.of(id).at_once());
        let is_first = turn.is_some();
        let now_ns = core.clock.now_ns();
        let (message, encrypted, is_upload_due, changes) = core
            .store
            .write({
                let core = Arc::clone(&core);
                move |tx| {
                    let drafts = compose(tx)?;
                    let is_alone = drafts.len() == 1;
                    let mut changes = Changes::default();
                    let (mut last, mut encrypted, mut uploading) = (None, None, None);
                    for (after_ns, draft) in (0..).zip(&drafts) {
                        // A later time each, so that they stand in this order everywhere.
                        let now_ns = now_ns.saturating_add(after_ns);
                        let message =
                            core.store_draft(tx, &group_id, draft, now_ns, &mut changes)?;
                        if !draft.uploads.is_empty() {
                            uploading = Some(message.id.clone());
                        } else if let Some(first) = &uploading {
                            tx.hold_message(&message.id, first)?;
                        } else {
                            let (kind, id) = (IntentData::Message, Some(message.id.as_slice()));
                            let intent = kind.enqueue(tx, &message.conversation_id, id, now_ns)?;
                            // A direct message may go into another group than the one named.
                            if is_first && is_alone && message.conversation_id == group_id {
                                encrypted = core.encrypt_at_once(tx, &message, intent)?;
                            }
                        }
                        last = Some(message);
                    }
                    let last = last.ok_or(EngineError::UnknownMessage)?;
                    Ok::<_, EngineError>((last, encrypted, uploading.is_some(), changes))
                }
            })
            .await?;
        core.note_work(&changes);
        core.events.send_changes(changes);
        if is_upload_due {
            core.transfers.wake();
        }
        let group_id = message.conversation_id.clone();
        match (encrypted, turn, background) {
            (Some(encrypted), Some(turn), Some(background)) => {
                background.spawn(core.send_encrypted(turn, group_id, encrypted));
            }
            (_, turn, _) => {
                drop(turn);
                core.wake(&group_id);
            }
        }
        Ok(message)
    }

    /// Queues a failed message again, with the same id; before it what it refers to, if that failed
    /// as well.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`] unless it is an own message that failed,
    /// [`EngineError::Revoked`].
    pub async fn retry(&self, message_id: &[u8]) -> Result<Message, EngineError> {
        self.0.require_valid()?;
        let (id, now_ns) = (message_id.to_vec(), self.0.clock.now_ns());
        let (message, changes) = self
            .0
            .store
            .write(move |tx| {
                let failed = tx.message(&id)?.filter(|m| m.delivery == Delivery::Failed);
                let failed = failed.ok_or(EngineError::UnknownMessage)?;
                let mut changes = Changes::default();
                for failed in with_failed_targets(tx, failed)? {
                    let (group_id, id) = (&failed.conversation_id, &failed.id);
                    let conversation = tx.conversation(group_id)?;
                    let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
                    tx.requeue_message(id)?;
                    if !attachments::restart(tx, id)? {
                        IntentData::Message.enqueue(tx, group_id, Some(id), now_ns)?;
                    }
                    let (_, body) = Body::decode(&failed.content, Origin::Member);
                    effects::queued(tx, &conversation, &failed, &body, &mut changes)?;
                    changes.message(group_id, id);
                }
                let message = tx.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                Ok::<_, EngineError>((message, changes))
            })
            .await?;
        self.0.events.send_changes(changes);
        self.0.transfers.wake();
        self.0.wake(&message.conversation_id);
        Ok(message)
    }

    /// Deletes a message on this installation only. One that waits is not sent any more, unless it
    /// is on its way already.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`].
    pub async fn delete_message(&self, message_id: &[u8]) -> Result<(), EngineError> {
        let (id, now_ns) = (message_id.to_vec(), self.0.clock.now_ns());
        let (conversation_id, changes) = self
            .0
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                let message = tx.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                if let Some(intent) = tx.intent_of_message(&id)?
                    && intent.state == conclave_store::kinds::IntentState::ToPublish
                {
                    tx.intent_failed(intent.id)?;
                    effects::taken_back(tx, &message, &mut changes)?;
                }
                attachments::release_held(tx, &id, now_ns)?;
                tx.delete_message(&id)?;
                Ok::<_, EngineError>((message.conversation_id, changes))
            })
            .await?;
        self.0.events.send_changes(changes);
        let id = message_id.to_vec();
        let deleted = Event::MessageDeleted {
            conversation_id: conversation_id.clone(),
            id,
        };
        self.0.events.send(deleted);
        // What waited for it may go out now.
        self.0.wake(&conversation_id);
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
    /// [`EngineError::UnknownConversation`]; [`EngineError::UnknownMessage`] for a start that is not
    /// in it.
    pub async fn message_page(
        &self,
        id: &[u8],
        lines: Lines,
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
                reader
                    .conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                let summary = reader.summary(&group_id)?;
                let summary = summary.ok_or(EngineError::UnknownConversation)?;
                let read_up_to = MessagePosition {
                    sent_at_ns: summary.read_up_to_ns,
                    row_id: i64::MAX,
                };
                let page = |from, direction, limit| {
                    reader.message_page(&group_id, lines, from, direction, limit, now_ns)
                };
                let around = |place| {
                    let mut items = page(Some(place), Older, limit / 2)?;
                    items.extend(page(Some(place), Newer, limit - limit / 2)?);
                    Ok::<_, EngineError>(items)
                };
                let items = match start {
                    PageStart::FirstUnread if summary.unread_count > 0 => around(read_up_to)?,
                    PageStart::At(sent_at_ns) => around(MessagePosition {
                        sent_at_ns,
                        row_id: i64::MIN,
                    })?,
                    PageStart::Around(message_id) => {
                        let ids = reader.stitched_ids(&group_id)?;
                        let found = reader.message(&message_id)?;
                        let found = found.filter(|found| ids.contains(&found.conversation_id));
                        let at = found.ok_or(EngineError::UnknownMessage)?.position();
                        // Older ones end with the message itself.
                        let through = MessagePosition {
                            row_id: at.row_id.saturating_add(1),
                            ..at
                        };
                        let mut items = page(Some(through), Older, limit - limit / 2)?;
                        items.extend(page(Some(at), Newer, limit / 2)?);
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

    /// Marks everything in a conversation as read, and says so to the others where the person
    /// accepted the conversation and wants that.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn mark_read(&self, id: &[u8]) -> Result<(), EngineError> {
        let (group_id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        let (moved, had_unread) = self
            .0
            .store
            .write(move |tx| {
                tx.conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                let newest =
                    tx.message_page(&group_id, Lines::All, None, PageDirection::Older, 1, now_ns)?;
                let had_unread = tx
                    .summary(&group_id)?
                    .is_some_and(|summary| summary.unread_count > 0);
                let mut moved = false;
                if let Some(newest) = newest.first() {
                    for id in tx.stitched_ids(&group_id)? {
                        moved |= tx.mark_read(&id, newest.sent_at_ns)?;
                    }
                }
                Ok::<_, EngineError>((moved, had_unread))
            })
            .await?;
        if moved && had_unread {
            self.owe_receipt(id).await?;
        }
        if moved {
            self.0.events.send(Event::Conversation {
                id: id.to_vec(),
                is_new: false,
            });
        }
        Ok(())
    }
}
