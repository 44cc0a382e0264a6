//! Writing what refers to other messages: replies, reactions, deletions for everyone, and choices.

use std::sync::Arc;

use conclave_content::{Body, Intent, Reaction, ReactionAction, ReactionSchema, Reply};
use conclave_store::{
    Reader, Tx,
    conversation::Conversation,
    kinds::{Delivery, IntentState, MessageKind, OwnRole, ReactionSchema as StoredSchema},
    message::Message,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    annotations::body,
    attachments,
    client::{Client, Core},
    effects,
    error::EngineError,
    event::{Changes, Event},
    messages::{Draft, usable},
};

const NOT_OFFERED: &str = "This message does not offer that choice.";

/// What a request about a message comes to.
enum Outcome {
    /// Nothing is to be sent.
    Done(Message),
    /// The text never left this computer, and now it never will.
    TakenBack(Message, Changes),
    Send,
}

/// What is to be sent of a body: as a reply if a message of this conversation is named.
pub(crate) fn answering(
    tx: &Tx,
    group_id: &[u8],
    target_id: Option<&[u8]>,
    body: Body,
) -> Result<Draft, EngineError> {
    let Some(target_id) = target_id else {
        return Draft::of(&body, None);
    };
    let target = answerable(tx, target_id)?;
    if tx.thread(&target.conversation_id)? != tx.thread(group_id)? {
        return Err(EngineError::NotAnswerable(
            "The message you answer is in another conversation.",
        ));
    }
    let author = Some(target.sender_inbox_id.clone());
    let reply = Reply::new(reference(&target)?, author, body);
    Draft::of(&Body::Reply(Box::new(reply)), group_of(&target))
}

impl Client {
    /// Sends text or other content, as a reply if a message is named.
    ///
    /// # Errors
    /// As [`Client::send`]; [`EngineError::UnknownMessage`] and [`EngineError::NotAnswerable`] for
    /// the message to answer.
    pub async fn send_message(
        &self,
        id: &[u8],
        body: Body,
        reply_to: Option<&[u8]>,
    ) -> Result<Message, EngineError> {
        let (group_id, target_id) = (id.to_vec(), reply_to.map(<[u8]>::to_vec));
        self.queue(id, move |tx| {
            answering(tx, &group_id, target_id.as_deref(), body)
        })
        .await
    }

    /// Adds our reaction to a message, or takes it back. Sends nothing where it is so already.
    ///
    /// # Errors
    /// As [`Client::send`]; [`EngineError::UnknownMessage`], [`EngineError::NotAnswerable`].
    pub async fn react(
        &self,
        message_id: &[u8],
        content: &str,
        is_added: bool,
    ) -> Result<Message, EngineError> {
        let (own, content) = (self.0.account.inbox_id.clone(), content.trim().to_owned());
        let id = message_id.to_vec();
        let found = self
            .0
            .store
            .read(move |reader| {
                let target = answerable(reader, &id)?;
                let thread = reader.thread(&target.conversation_id)?;
                let reactions = reader.reactions(&thread, std::slice::from_ref(&id), &own)?;
                let same = reactions
                    .into_values()
                    .flatten()
                    .filter(|tally| tally.content == content)
                    .max_by_key(|tally| tally.is_own);
                let is_own = same.as_ref().is_some_and(|tally| tally.is_own);
                let schema = same.map_or_else(|| schema_of(&content), |tally| read(tally.schema));
                let reaction = Reaction {
                    reference: reference(&target)?,
                    reference_inbox_id: Some(target.sender_inbox_id.clone()),
                    action: if is_added {
                        ReactionAction::Added
                    } else {
                        ReactionAction::Removed
                    },
                    content,
                    schema,
                };
                Ok::<_, EngineError>((target, (is_own != is_added).then_some(reaction)))
            })
            .await?;
        let (target, Some(reaction)) = found else {
            return Ok(found.0);
        };
        let id = target.id;
        self.queue(&target.conversation_id, {
            let id = id.clone();
            move |tx| {
                let target = answerable(tx, &id)?;
                Draft::of(&Body::Reaction(reaction), group_of(&target))
            }
        })
        .await?;
        self.message(&id).await
    }

    /// Deletes a message for everyone. One of ours that has not left this computer is taken back:
    /// nobody hears of it.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`]; [`EngineError::NotDeletable`] for one of somebody else
    /// unless we are a super admin, for one that failed, and for what is no message of a person; and
    /// as [`Client::send`].
    pub async fn delete_for_everyone(&self, message_id: &[u8]) -> Result<Message, EngineError> {
        let (core, id) = (Arc::clone(&self.0), message_id.to_vec());
        let outcome = self
            .0
            .store
            .write(move |tx| core.delete_or_take_back(tx, &id))
            .await?;
        match outcome {
            Outcome::Done(message) => Ok(message),
            Outcome::TakenBack(message, changes) => {
                self.0.events.send(Event::MessageDeleted {
                    conversation_id: message.conversation_id.clone(),
                    id: message.id.clone(),
                });
                self.0.events.send_changes(changes);
                self.0.wake(&message.conversation_id);
                Ok(message)
            }
            Outcome::Send => {
                let (core, id) = (Arc::clone(&self.0), message_id.to_vec());
                let target = self.message(message_id).await?;
                self.queue(&target.conversation_id, move |tx| {
                    let target = core.deletable(tx, &id)?;
                    // Official clients look for a message in the group of its deletion only.
                    let group_id = tx
                        .conversation(&target.conversation_id)?
                        .filter(|group| usable(group).is_ok())
                        .map(|group| group.id);
                    Draft::of(&Body::DeleteMessage(reference(&target)?), group_id)
                })
                .await?;
                self.message(message_id).await
            }
        }
    }

    /// Why we can't delete a message for everyone; `None` if we can.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`].
    pub async fn why_not_deletable(
        &self,
        message_id: &[u8],
    ) -> Result<Option<&'static str>, EngineError> {
        let (core, id) = (Arc::clone(&self.0), message_id.to_vec());
        self.0
            .store
            .read(move |reader| {
                let (message, refusal) = core.judged(reader, &id)?;
                let is_deleted = message.deleted_by_inbox_id.is_some();
                Ok(if is_deleted {
                    Some(effects::DELETED)
                } else {
                    refusal
                })
            })
            .await
    }

    /// Chooses one of the actions of a message.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`]; [`EngineError::NotAnswerable`] if it offers no such action
    /// or its time is over; and as [`Client::send`].
    pub async fn answer(&self, message_id: &[u8], action_id: &str) -> Result<Message, EngineError> {
        let (message, action_id) = (self.message(message_id).await?, action_id.to_owned());
        let offered = match body(&message) {
            Some(Body::Actions(actions)) => Some(actions),
            Some(Body::Reply(reply)) => match reply.body {
                Body::Actions(actions) => Some(actions),
                _ => None,
            },
            _ => None,
        };
        let offered = offered.ok_or(EngineError::NotAnswerable(NOT_OFFERED))?;
        let chosen = offered.actions.iter().find(|one| one.id == action_id);
        let chosen = chosen.ok_or(EngineError::NotAnswerable(NOT_OFFERED))?;
        let now_ns = self.0.clock.now_ns();
        let ends = [&chosen.expires_at, &offered.expires_at];
        if ends.into_iter().flatten().any(|at| is_past(at, now_ns)) {
            return Err(EngineError::NotAnswerable(
                "The time to choose is over. Ask for a new message if you still want to.",
            ));
        }
        let choice = Intent {
            id: offered.id,
            action_id,
            metadata: None,
        };
        self.send_body(&message.conversation_id, Body::Intent(choice))
            .await
    }
}

impl Core {
    /// The message, if we may delete it for everyone.
    fn deletable(&self, tx: &Tx, id: &[u8]) -> Result<Message, EngineError> {
        let (message, refusal) = self.judged(tx, id)?;
        refusal.map_or(Ok(message), |reason| Err(EngineError::NotDeletable(reason)))
    }

    /// The message, and why we may not delete it for everyone, if so.
    fn judged(
        &self,
        reader: &Reader,
        id: &[u8],
    ) -> Result<(Message, Option<&'static str>), EngineError> {
        let message = reader.message(id)?.ok_or(EngineError::UnknownMessage)?;
        let conversation = reader.conversation(&message.conversation_id)?;
        let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
        let refusal = refusal(&message, &conversation, &self.account.inbox_id);
        Ok((message, refusal))
    }

    fn delete_or_take_back(&self, tx: &Tx, id: &[u8]) -> Result<Outcome, EngineError> {
        let mut message = self.deletable(tx, id)?;
        if message.deleted_by_inbox_id.is_some() {
            return Ok(Outcome::Done(message));
        }
        if message.delivery != Delivery::Unpublished {
            return Ok(Outcome::Send);
        }
        match tx.intent_of_message(id)? {
            Some(intent) if intent.state == IntentState::ToPublish => {
                tx.intent_failed(intent.id)?;
            }
            Some(_) => return Ok(Outcome::Send),
            // Its files are on their way still, or those of the message before it.
            None => {}
        }
        let mut changes = Changes::default();
        changes.conversation(&message.conversation_id);
        effects::taken_back(tx, &message, &mut changes)?;
        attachments::release_held(tx, id, self.clock.now_ns())?;
        tx.delete_message(id)?;
        message.deleted_by_inbox_id = Some(self.account.inbox_id.clone());
        message.content.clear();
        Ok(Outcome::TakenBack(message, changes))
    }
}

/// Whether a time by RFC 3339 is over. What is no such time never ends.
fn is_past(at: &str, now_ns: i64) -> bool {
    OffsetDateTime::parse(at, &Rfc3339)
        .is_ok_and(|at| at.unix_timestamp_nanos() <= i128::from(now_ns))
}

/// Why we can't delete a message for everyone; `None` if we can.
fn refusal(
    message: &Message,
    conversation: &Conversation,
    own_inbox_id: &str,
) -> Option<&'static str> {
    if !effects::is_deletable(message) {
        return Some("Only what people wrote can be deleted for everyone, and this can't.");
    }
    if message.delivery == Delivery::Failed {
        return Some("This message was never sent, so nobody else has it. Delete it here instead.");
    }
    let is_ours = message.sender_inbox_id == own_inbox_id;
    (!is_ours && conversation.own_role != OwnRole::SuperAdmin).then_some(
        "Only who wrote a message and super admins of the group can delete it for everyone. You can delete it here.",
    )
}

/// The message, if it can be answered and reacted to.
fn answerable(reader: &Reader, id: &[u8]) -> Result<Message, EngineError> {
    let message = reader.message(id)?.ok_or(EngineError::UnknownMessage)?;
    if message.deleted_by_inbox_id.is_some() {
        return Err(EngineError::NotAnswerable("This message was deleted."));
    }
    if message.kind != MessageKind::Application || !message.visible {
        return Err(EngineError::NotAnswerable(
            "Only what people wrote can be answered.",
        ));
    }
    if message.delivery == Delivery::Failed {
        return Err(EngineError::NotAnswerable(
            "This message was never sent, so nobody could tell what you mean. Try it again first.",
        ));
    }
    Ok(message)
}

/// A group that keeps the order: what refers to a message that waits goes where that one goes.
fn group_of(target: &Message) -> Option<Vec<u8>> {
    (target.delivery == Delivery::Unpublished).then(|| target.conversation_id.clone())
}

fn reference(target: &Message) -> Result<[u8; 32], EngineError> {
    let id = target.id.as_slice().try_into();
    id.map_err(|_| EngineError::UnknownMessage)
}

/// How to read what a person reacts with.
fn schema_of(content: &str) -> ReactionSchema {
    if content.len() > 2 && content.starts_with(':') && content.ends_with(':') {
        ReactionSchema::Shortcode
    } else if content.is_ascii() {
        ReactionSchema::Custom
    } else {
        ReactionSchema::Unicode
    }
}

fn read(schema: StoredSchema) -> ReactionSchema {
    match schema {
        StoredSchema::Unicode => ReactionSchema::Unicode,
        StoredSchema::Shortcode => ReactionSchema::Shortcode,
        StoredSchema::Custom => ReactionSchema::Custom,
    }
}
