//! What happened, told to shells after it is on the disk.

use std::collections::{BTreeMap, BTreeSet};

use conclave_content::HmacRoot;
use conclave_store::kinds::{AttachmentState, ConsentEntity, ConsentState};
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
    /// Creating a group with its first people.
    CreateGroup,
    /// Adding people.
    AddMembers,
    /// Removing people.
    RemoveMembers,
    /// Fetching everything.
    SyncAll,
    /// Writing an archive; told in rows.
    ExportArchive,
    /// Reading an archive, first to look through it, then to take it in; told in bytes, each of
    /// which counts twice where it is taken in.
    ImportArchive,
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
    /// A conversation was deleted on this installation: it goes from all lists until an event of
    /// the conversation brings it back.
    ConversationDeleted {
        /// Group id.
        id: GroupId,
    },
    /// A decision about a person or a conversation is another one.
    Consent {
        /// What it is about.
        entity_kind: ConsentEntity,
        /// Inbox id, or lower-case hex group id.
        entity: String,
        /// The decision.
        state: ConsentState,
    },
    /// A message was deleted on this installation.
    MessageDeleted {
        /// Group id.
        conversation_id: GroupId,
        /// Message id.
        id: MessageId,
    },
    /// How far a transfer is.
    AttachmentProgress {
        /// Group id.
        conversation_id: GroupId,
        /// Message id.
        message_id: MessageId,
        /// The file's place in the message.
        position: usize,
        /// Where it is on its way.
        state: AttachmentState,
        /// Encrypted bytes transferred.
        done_bytes: u64,
        /// Encrypted bytes in all, as far as known.
        total_bytes: Option<u64>,
    },
    /// Installations or wallets of our inbox came or went.
    OwnInbox,
    /// History between our installations, or which of them are new.
    History,
    /// This installation was revoked: nothing is sent or fetched any more, what is here stays.
    Revoked,
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
        /// The id that its shell chose for it.
        operation_id: Option<String>,
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
        for (entity_kind, entity, state) in changes.consents {
            self.send(Event::Consent {
                entity_kind,
                entity,
                state,
            });
        }
        if changes.history {
            self.send(Event::History);
        }
        for id in changes.deleted {
            self.send(Event::ConversationDeleted { id });
        }
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
    consents: Vec<(ConsentEntity, String, ConsentState)>,
    deleted: Vec<GroupId>,
    removals_due: bool,
    transfers_due: bool,
    devices_due: bool,
    hmac_root: Option<HmacRoot>,
    history: bool,
    erased: bool,
}

impl Changes {
    pub(crate) fn conversation(&mut self, id: &[u8]) {
        self.conversations.entry(id.to_vec()).or_default();
    }

    pub(crate) fn new_conversation(&mut self, id: &[u8]) {
        self.conversations.insert(id.to_vec(), true);
    }

    pub(crate) fn consent(&mut self, kind: ConsentEntity, entity: String, state: ConsentState) {
        self.consents.push((kind, entity, state));
    }

    /// A conversation was deleted here; what else changed in it is not told.
    pub(crate) fn deleted(&mut self, id: &[u8]) {
        self.conversations.remove(id);
        self.messages.remove(id);
        self.deleted.push(id.to_vec());
    }

    /// We are to take somebody out of a group.
    pub(crate) fn removals_due(&mut self) {
        self.removals_due = true;
    }

    /// Whether we are to take somebody out of a group.
    pub(crate) fn has_removals_due(&self) -> bool {
        self.removals_due
    }

    /// A file is to be fetched.
    pub(crate) fn transfers_due(&mut self) {
        self.transfers_due = true;
    }

    /// Whether a file is to be fetched.
    pub(crate) fn has_transfers_due(&self) -> bool {
        self.transfers_due
    }

    /// Our other installations are to be told something.
    pub(crate) fn devices_due(&mut self) {
        self.devices_due = true;
    }

    /// Whether our other installations are to be told something.
    pub(crate) fn has_devices_due(&self) -> bool {
        self.devices_due
    }

    /// Push servers are to know our messages by another root.
    pub(crate) fn hmac_root(&mut self, root: HmacRoot) {
        self.hmac_root = Some(root);
    }

    /// The root that counts now, if it is another one.
    pub(crate) fn new_hmac_root(&self) -> Option<&HmacRoot> {
        self.hmac_root.as_ref()
    }

    /// History between our installations, or which of them are new, changed.
    pub(crate) fn history(&mut self) {
        self.history = true;
    }

    /// Whether history between our installations changed.
    pub(crate) fn has_history(&self) -> bool {
        self.history
    }

    /// Nothing of this group is told: nobody sees it.
    pub(crate) fn unseen(&mut self, id: &[u8]) {
        self.conversations.remove(id);
        self.messages.remove(id);
    }

    /// What a message said was erased, without an event that says so.
    pub(crate) fn erased(&mut self) {
        self.erased = true;
    }

    /// Whether what a message said was erased.
    pub(crate) fn has_erased(&self) -> bool {
        self.erased
    }

    /// Whether a conversation is new.
    pub(crate) fn has_new_conversations(&self) -> bool {
        self.conversations.values().any(|is_new| *is_new)
    }

    /// Tells nothing of single messages: there are too many, and they are old.
    pub(crate) fn without_messages(mut self) -> Self {
        self.messages.clear();
        self
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.consents.extend(other.consents);
        self.deleted.extend(other.deleted);
        self.removals_due |= other.removals_due;
        self.transfers_due |= other.transfers_due;
        self.devices_due |= other.devices_due;
        self.hmac_root = other.hmac_root.or(self.hmac_root.take());
        self.history |= other.history;
        self.erased |= other.erased;
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
