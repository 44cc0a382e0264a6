//! What the engine tells, as shells hear it: whole rows, read in batches.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use conclave_engine::{
    Client, Connection as Reached, ConsentEntity as StoredEntity, EngineError, Event as Told,
    GroupId, MessageId, Operation,
};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    task::JoinHandle,
};

use crate::{
    api::Shared,
    conversation,
    error::ApiError,
    message,
    types::{Connection, ConsentEntity, Event},
    value,
};

/// Events of the engine that are taken together at most: rows that change often are read once.
const BATCH: usize = 256;
/// Pause after a batch: what happens meanwhile is told together, and a row that changes several
/// times is read and told once. What comes alone is told at once; in a flood a page that draws each
/// picture of it has no time left for the person's keys.
const PAUSE: Duration = Duration::from_millis(50);
/// Pause after a batch of a flood.
const FLOOD_PAUSE: Duration = Duration::from_millis(200);
/// Conversations in a batch that make a flood.
const FLOOD: usize = 8;
/// Most messages in one event.
const MESSAGES_PER_EVENT: usize = 200;

impl From<Reached> for Connection {
    fn from(connection: Reached) -> Self {
        match connection {
            Reached::Idle => Self::Idle,
            Reached::Connecting => Self::Connecting,
            Reached::Online => Self::Online,
            Reached::Offline => Self::Offline,
        }
    }
}

/// Tells the events of a client to all shells until the client is gone.
pub(crate) fn relay(client: Client, shared: Arc<Shared>) -> JoinHandle<()> {
    let mut events = client.events();
    tokio::spawn(async move {
        while let Some(batch) = Batch::next(&mut events).await {
            let is_flood = batch.conversations.len() >= FLOOD;
            if let Err(error) = batch.tell(&client, &shared).await {
                tracing::warn!(code = error.code, "rows of events could not be read");
                shared.send(Event::Resync {});
            }
            tokio::time::sleep(if is_flood { FLOOD_PAUSE } else { PAUSE }).await;
        }
    })
}

/// Events that were waiting together.
#[derive(Default)]
struct Batch {
    conversations: BTreeSet<GroupId>,
    /// By conversation, in the order of the events; each message once.
    messages: Vec<(GroupId, Vec<MessageId>)>,
    deleted: Vec<(GroupId, MessageId)>,
    removed: BTreeSet<GroupId>,
    /// Events without rows, in their order.
    others: Vec<Told>,
    /// Whether history between our installations changed.
    is_history: bool,
    lost: bool,
}

impl Batch {
    /// Waits for an event and takes what else is there; `None` when no more can come.
    async fn next(events: &mut Receiver<Told>) -> Option<Self> {
        let mut batch = Self::default();
        match events.recv().await {
            Ok(event) => batch.add(event),
            Err(RecvError::Lagged(_)) => batch.lost = true,
            Err(RecvError::Closed) => return None,
        }
        for _ in 1..BATCH {
            match events.try_recv() {
                Ok(event) => batch.add(event),
                Err(TryRecvError::Lagged(_)) => batch.lost = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(batch)
    }

    fn add(&mut self, event: Told) {
        match event {
            Told::Conversation { id, .. } => {
                self.conversations.insert(id);
            }
            Told::Messages {
                conversation_id,
                ids,
            } => {
                let known = self
                    .messages
                    .iter_mut()
                    .find(|(id, _)| *id == conversation_id);
                match known {
                    Some((_, known)) => {
                        for id in ids {
                            if !known.contains(&id) {
                                known.push(id);
                            }
                        }
                    }
                    None => self.messages.push((conversation_id, ids)),
                }
            }
            Told::MessageDeleted {
                conversation_id,
                id,
            } => {
                self.deleted.push((conversation_id, id));
            }
            Told::ConversationDeleted { id } => {
                // What was to be told of it before is gone.
                self.messages.retain(|(other, _)| *other != id);
                self.removed.insert(id);
            }
            Told::History => self.is_history = true,
            other => self.others.push(other),
        }
    }

    async fn tell(mut self, client: &Client, shared: &Shared) -> Result<(), ApiError> {
        for event in std::mem::take(&mut self.others) {
            tell_other(event, shared);
        }
        if self.lost {
            shared.send(Event::Resync {});
        }
        if shared.events.receiver_count() == 0 {
            return Ok(());
        }
        // Rows are read one after the other and told together: the page draws once.
        for event in self.read(client, shared).await? {
            shared.send(event);
        }
        Ok(())
    }

    /// The rows as they are now.
    async fn read(self, client: &Client, shared: &Shared) -> Result<Vec<Event>, ApiError> {
        let mut events = Vec::new();
        if self.is_history {
            let overview = client.history().await?.into();
            events.push(Event::History { overview });
        }
        for id in self.removed {
            let conversation_id = value::id(id);
            events.push(Event::ConversationDeleted { conversation_id });
        }
        let shown = match shared.only_shown() {
            Some(id) => Some(client.stitched_ids(&id).await?),
            None => None,
        };
        for (conversation_id, ids) in self.messages {
            if shown
                .as_ref()
                .is_some_and(|shown| !shown.contains(&conversation_id))
            {
                continue;
            }
            if client.is_denied(&conversation_id).await? {
                // Stored, and shown when the person unblocks it.
                continue;
            }
            for ids in ids.chunks(MESSAGES_PER_EVENT) {
                // What is no line only changes others, which are told too.
                let mut found = client.messages_by_id(ids.to_vec()).await?;
                found.retain(|message| message.visible);
                let messages = message::rows(client, found).await?;
                if !messages.is_empty() {
                    let conversation_id = value::id(&conversation_id);
                    events.push(Event::Messages {
                        conversation_id,
                        messages,
                    });
                }
            }
        }
        for (conversation_id, id) in self.deleted {
            events.push(Event::MessageDeleted {
                conversation_id: value::id(conversation_id),
                message_id: value::id(id),
            });
        }
        for id in self.conversations {
            match client.conversation(&id).await {
                // Another conversation with the same person stands for it in the list.
                Ok(entry) if entry.summary.is_duplicate => {}
                // Deleted here, and nothing has come since.
                Ok(entry) if entry.summary.is_hidden => {}
                Ok(entry) => {
                    let conversation = Box::new(conversation::one(client, entry).await?);
                    events.push(Event::Conversation { conversation });
                }
                // Taken back since.
                Err(EngineError::UnknownConversation) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(events)
    }
}

fn tell_other(event: Told, shared: &Shared) {
    match event {
        Told::Connection { state, message } => {
            let connection = Connection::from(state);
            shared.set_connection(connection);
            shared.send(Event::Connection {
                connection,
                message,
            });
        }
        Told::AttachmentProgress {
            conversation_id,
            message_id,
            position,
            state,
            done_bytes,
            total_bytes,
        } => shared.send(Event::AttachmentProgress {
            conversation_id: value::id(conversation_id),
            message_id: value::id(message_id),
            index: value::count(position),
            state: state.into(),
            done_bytes,
            total_bytes,
        }),
        Told::Progress {
            operation,
            operation_id,
            conversation_id,
            done,
            total,
        } => {
            let operation = match operation {
                Operation::CreateGroup => "group_create",
                Operation::AddMembers => "member_add",
                Operation::RemoveMembers => "member_remove",
                Operation::SyncAll => "sync",
                Operation::ExportArchive => "archive_export",
                Operation::ImportArchive => "archive_import",
            };
            shared.send(Event::Progress {
                operation: operation.to_owned(),
                operation_id,
                conversation_id: conversation_id.map(value::id),
                done: value::count(done),
                total: value::count(total),
            });
        }
        Told::Consent {
            entity_kind,
            entity,
            state,
        } => shared.send(Event::Consent {
            entity: match entity_kind {
                StoredEntity::Inbox => ConsentEntity::Inbox,
                StoredEntity::Conversation => ConsentEntity::Conversation,
            },
            id: entity,
            state: state.into(),
        }),
        Told::OwnInbox => shared.send(Event::InboxChanged {}),
        Told::Revoked => shared.send(Event::Revoked {}),
        // Those with rows are told by their own loops.
        Told::Conversation { .. }
        | Told::ConversationDeleted { .. }
        | Told::Messages { .. }
        | Told::MessageDeleted { .. }
        | Told::History => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_that_wait_together_are_one_batch() {
        let events = tokio::sync::broadcast::Sender::new(8);
        let mut receiver = events.subscribe();
        let conversation = vec![1; 16];
        for ids in [vec![vec![1], vec![2]], vec![vec![2], vec![3]]] {
            let conversation_id = conversation.clone();
            events
                .send(Told::Messages {
                    conversation_id,
                    ids,
                })
                .unwrap();
            events
                .send(Told::Conversation {
                    id: conversation.clone(),
                    is_new: false,
                })
                .unwrap();
        }
        let batch = Batch::next(&mut receiver).await.unwrap();
        assert_eq!(
            batch.messages,
            [(conversation, vec![vec![1], vec![2], vec![3]])]
        );
        assert_eq!(batch.conversations.len(), 1);
        assert!(!batch.lost);
        drop(events);
        assert!(Batch::next(&mut receiver).await.is_none());
    }

    #[tokio::test]
    async fn lost_events_are_noticed() {
        let events = tokio::sync::broadcast::Sender::new(2);
        let mut receiver = events.subscribe();
        for number in 0..10 {
            events
                .send(Told::Conversation {
                    id: vec![number],
                    is_new: true,
                })
                .unwrap();
        }
        assert!(Batch::next(&mut receiver).await.unwrap().lost);
    }
}
