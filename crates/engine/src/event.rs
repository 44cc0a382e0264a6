//! What happened, told to shells after it is on the disk.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::broadcast;

/// Events kept for a slow receiver. One that falls further behind gets a lag error from its
/// receiver and must read everything it shows again; nobody waits for it.
const EVENT_BUFFER: usize = 1024;

/// A group id, 16 bytes by custom.
pub type GroupId = Vec<u8>;
/// A message id, 32 bytes.
pub type MessageId = Vec<u8>;

/// State of the connection to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// Nothing was tried yet.
    #[default]
    Idle,
    /// Trying to reach the node.
    Connecting,
    /// Streams are open.
    Online,
    /// The node can't be reached; it is tried again by itself.
    Offline,
}

/// A long operation whose progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Adding people.
    AddMembers,
    /// Fetching everything.
    SyncAll,
}

/// Something changed.
#[derive(Debug, Clone)]
pub enum Event {
    /// A conversation is new or its row in the list changed.
    Conversation {
        /// Group id.
        id: GroupId,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// Messages are new or changed.
    Messages {
        /// Group id.
        conversation_id: GroupId,
        /// Message ids, oldest first.
        ids: Vec<MessageId>,
    },
    /// A message was deleted on this installation.
    MessageDeleted {
        /// Group id.
        conversation_id: GroupId,
        /// Message id.
        id: MessageId,
    },
    /// The connection changed.
    Connection {
        /// Its state.
        state: Connection,
        /// A sentence, when offline.
        message: Option<String>,
    },
    /// Progress of a long operation.
    Progress {
        /// The operation.
        operation: Operation,
        /// Group id, if it concerns one.
        conversation_id: Option<GroupId>,
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
    },
}

/// Sends events to whoever listens.
#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(EVENT_BUFFER))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    pub(crate) fn send(&self, event: Event) {
        // An error only means that nobody listens.
        drop(self.0.send(event));
    }

    pub(crate) fn send_changes(&self, changes: Changes) {
        for (conversation_id, ids) in changes.messages {
            self.send(Event::Messages {
                conversation_id,
                ids,
            });
        }
        for (id, is_new) in changes.conversations {
            self.send(Event::Conversation { id, is_new });
        }
    }
}

/// What one transaction changed; turned into events once it is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    conversations: BTreeMap<GroupId, bool>,
    messages: BTreeMap<GroupId, Vec<MessageId>>,
    seen: BTreeSet<MessageId>,
}

impl Changes {
    pub(crate) fn conversation(&mut self, id: &[u8]) {
        self.conversations.entry(id.to_vec()).or_default();
    }

    pub(crate) fn new_conversation(&mut self, id: &[u8]) {
        self.conversations.insert(id.to_vec(), true);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (id, is_new) in other.conversations {
            *self.conversations.entry(id).or_default() |= is_new;
        }
        for (conversation_id, ids) in other.messages {
            for id in ids {
                self.message(&conversation_id, &id);
            }
        }
    }

    pub(crate) fn message(&mut self, conversation_id: &[u8], id: &[u8]) {
        self.conversation(conversation_id);
        if self.seen.insert(id.to_vec()) {
            self.messages
                .entry(conversation_id.to_vec())
                .or_default()
                .push(id.to_vec());
        }
    }
}
