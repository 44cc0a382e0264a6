//! What a conversation shows with a message: the reactions to it and what it answers.

use std::collections::{BTreeMap, HashMap};

use conclave_content::{Body, Origin};
use conclave_store::{
    Reader, StoreError,
    kinds::MessageKind,
    message::Message,
    reaction::{REACTIONS_PER_MESSAGE, Tally},
};

use crate::{
    attachments::{self, AttachmentView},
    client::Client,
    error::EngineError,
};

/// Most different reactions shown with a message.
pub const MAX_REACTIONS: usize = REACTIONS_PER_MESSAGE;

/// A message with what is shown beside it.
#[derive(Debug, Clone)]
pub struct Annotated {
    /// The message.
    pub message: Message,
    /// What it answers.
    pub reply_to: Option<Quote>,
    /// Its files, in order.
    pub attachments: Vec<AttachmentView>,
    /// The reactions to it, the most frequent first; at most [`MAX_REACTIONS`].
    pub reactions: Vec<Tally>,
}

impl Annotated {
    /// A message with nothing beside it.
    #[must_use]
    pub fn alone(message: Message) -> Self {
        Self {
            message,
            reply_to: None,
            attachments: Vec::new(),
            reactions: Vec::new(),
        }
    }
}

/// The message that a reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub message_id: Vec<u8>,
    /// What is known of it.
    pub state: QuoteState,
}

/// What is known of a message that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuoteState {
    /// It is here.
    Known {
        /// Who wrote it, authenticated by MLS.
        sender_inbox_id: String,
        /// What a list shows of it.
        text: String,
    },
    /// It was deleted for everyone.
    Deleted {
        /// Who wrote it.
        sender_inbox_id: String,
    },
    /// It is not here, or is no message of this conversation.
    Missing,
}

impl Client {
    /// These messages with what is shown beside them.
    ///
    /// # Errors
    /// The store's.
    pub async fn annotated(&self, messages: Vec<Message>) -> Result<Vec<Annotated>, EngineError> {
        let (own, now_ns) = (self.0.account.inbox_id.clone(), self.0.clock.now_ns());
        self.0
            .store
            .read(move |reader| Ok::<_, EngineError>(annotated(reader, messages, &own, now_ns)?))
            .await
    }
}

fn annotated(
    reader: &Reader,
    messages: Vec<Message>,
    own_inbox_id: &str,
    now_ns: i64,
) -> Result<Vec<Annotated>, StoreError> {
    let mut threads = Threads {
        reader,
        known: BTreeMap::new(),
    };
    let mut ids: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut answered = Vec::new();
    for message in &messages {
        // Reactions to what was deleted are shown no more.
        if message.visible && message.deleted_by_inbox_id.is_none() {
            let thread = threads.of(&message.conversation_id)?;
            ids.entry(thread).or_default().push(message.id.clone());
            answered.extend(message.reference_id.clone());
        }
    }
    let mut reactions: HashMap<Vec<u8>, Vec<Tally>> = HashMap::new();
    for (thread, ids) in &ids {
        reactions.extend(reader.reactions(thread, ids, own_inbox_id)?);
    }
    let answered: HashMap<Vec<u8>, Message> = reader
        .messages_by_id(&answered)?
        .into_iter()
        .map(|message| (message.id.clone(), message))
        .collect();
    messages
        .into_iter()
        .map(|message| {
            let reference = message
                .reference_id
                .clone()
                .filter(|_| message.visible && message.deleted_by_inbox_id.is_none());
            let reply_to = match reference {
                None => None,
                Some(message_id) => Some(Quote {
                    state: match answered.get(&message_id) {
                        Some(target)
                            if target.expire_at_ns.is_none_or(|at_ns| at_ns > now_ns)
                                && threads.of(&target.conversation_id)?
                                    == threads.of(&message.conversation_id)? =>
                        {
                            quoted(target)
                        }
                        _ => QuoteState::Missing,
                    },
                    message_id,
                }),
            };
            let attachments = match body(&message) {
                Some(body) => attachments::views(reader, &message, &body)?,
                None => Vec::new(),
            };
            Ok(Annotated {
                attachments,
                reactions: reactions.remove(&message.id).unwrap_or_default(),
                reply_to,
                message,
            })
        })
        .collect()
}

fn quoted(target: &Message) -> QuoteState {
    let sender_inbox_id = target.sender_inbox_id.clone();
    if target.deleted_by_inbox_id.is_some() {
        return QuoteState::Deleted { sender_inbox_id };
    }
    if target.kind != MessageKind::Application || !target.visible {
        return QuoteState::Missing;
    }
    QuoteState::Known {
        sender_inbox_id,
        text: target.preview.clone().unwrap_or_default(),
    }
}

/// The threads of conversations, each read once.
struct Threads<'a> {
    reader: &'a Reader,
    known: BTreeMap<Vec<u8>, String>,
}

impl Threads<'_> {
    fn of(&mut self, conversation_id: &[u8]) -> Result<String, StoreError> {
        if let Some(thread) = self.known.get(conversation_id) {
            return Ok(thread.clone());
        }
        let thread = self.reader.thread(conversation_id)?;
        self.known.insert(conversation_id.to_vec(), thread.clone());
        Ok(thread)
    }
}

/// What a message says; `None` for a gap, and for one that was deleted for everyone.
#[must_use]
pub fn body(message: &Message) -> Option<Body> {
    if message.deleted_by_inbox_id.is_some() {
        return None;
    }
    let origin = match message.kind {
        MessageKind::Application => Origin::Member,
        MessageKind::MembershipChange => Origin::Commit,
        MessageKind::Gap => return None,
    };
    Some(Body::decode(&message.content, origin).1)
}
