//! Message rows: what a conversation shows, and where each message is on its way.

use diesel::dsl::max;
use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::{Delivery, IntentState, MessageKind};
use crate::schema::{intents, messages};
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

/// A stored message (content-and-client.md 2.1).
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// The row, increasing and never reused; breaks ties between equal times.
    pub row_id: i64,
    /// The message id, 32 bytes (content-and-client.md 1.1).
    pub id: Vec<u8>,
    /// The group it arrived in.
    pub conversation_id: Vec<u8>,
    /// The sender, authenticated by MLS.
    pub sender_inbox_id: String,
    /// The sender's installation, authenticated by MLS; 32 bytes, empty for a gap.
    pub sender_installation_id: Vec<u8>,
    /// What the row stands for.
    pub kind: MessageKind,
    /// Where it is on its way.
    pub delivery: Delivery,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// Local time until published, then the node's time, in ns.
    pub sent_at_ns: i64,
    /// When it was stored, in ns; strictly increasing over all rows.
    pub inserted_at_ns: i64,
    /// The serialized `EncodedContent`, unchanged.
    pub content: Vec<u8>,
    /// The content type's authority.
    pub authority_id: String,
    /// The content type's name.
    pub type_id: String,
    /// The content type's major version.
    pub version_major: i64,
    /// The content type's minor version.
    pub version_minor: i64,
    /// The text of the conversation list; `None` for what is no preview.
    pub preview: Option<String>,
    /// Whether it is a line of its own in the conversation (a reaction is not).
    pub visible: bool,
    /// The message it refers to (reply, reaction, deletion).
    pub reference_id: Option<Vec<u8>>,
    /// The node's id of the envelope.
    pub sequence_id: Option<i64>,
    /// When it disappears, in ns.
    pub expire_at_ns: Option<i64>,
    /// Whether publishing asks for a notification of the receivers.
    pub should_push: bool,
    /// The key in the message id, needed to build the same message again.
    pub idempotency_key: String,
    /// Who deleted it for everyone.
    pub deleted_by_inbox_id: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("row_id", &self.row_id)
            .field("kind", &self.kind)
            .field("delivery", &self.delivery)
            .field("sent_at_ns", &self.sent_at_ns)
            .finish_non_exhaustive()
    }
}

/// A message to store; the fields are those of [`Message`].
#[derive(Clone, Copy, Insertable)]
#[diesel(table_name = messages)]
#[diesel(treat_none_as_default_value = false)]
pub struct NewMessage<'a> {
    /// See [`Message::id`].
    pub id: &'a [u8],
    /// See [`Message::conversation_id`]; the conversation has to exist.
    pub conversation_id: &'a [u8],
    /// See [`Message::sender_inbox_id`].
    pub sender_inbox_id: &'a str,
    /// See [`Message::sender_installation_id`].
    pub sender_installation_id: &'a [u8],
    /// See [`Message::kind`].
    pub kind: MessageKind,
    /// See [`Message::delivery`].
    pub delivery: Delivery,
    /// See [`Message::sent_at_ns`].
    pub sent_at_ns: i64,
    /// The time now. The row gets this time, or the next free one after the newest row.
    pub inserted_at_ns: i64,
    /// See [`Message::content`].
    pub content: &'a [u8],
    /// See [`Message::authority_id`].
    pub authority_id: &'a str,
    /// See [`Message::type_id`].
    pub type_id: &'a str,
    /// See [`Message::version_major`].
    pub version_major: i64,
    /// See [`Message::version_minor`].
    pub version_minor: i64,
    /// See [`Message::preview`].
    pub preview: Option<&'a str>,
    /// See [`Message::visible`].
    pub visible: bool,
    /// See [`Message::reference_id`].
    pub reference_id: Option<&'a [u8]>,
    /// See [`Message::sequence_id`].
    pub sequence_id: Option<i64>,
    /// See [`Message::expire_at_ns`].
    pub expire_at_ns: Option<i64>,
    /// See [`Message::should_push`].
    pub should_push: bool,
    /// See [`Message::idempotency_key`].
    pub idempotency_key: &'a str,
}

/// Where a message is: the ids of its conversation and of itself.
pub type Place = (Vec<u8>, Vec<u8>);

/// What became of a message to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The row of the message with this id.
    pub row_id: i64,
    /// Whether it was stored now; false: it was there and is unchanged.
    pub is_new: bool,
    /// When the row was stored, in ns.
    pub inserted_at_ns: i64,
}

impl Reader {
    /// One message.
    pub fn message(&self, id: &[u8]) -> Result<Option<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::id.eq(id))
                .select(Message::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// Those of these messages that are here, in no order.
    pub fn messages_by_id(&self, ids: &[Vec<u8>]) -> Result<Vec<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::id.eq_any(ids))
                .select(Message::as_select())
                .load(db)
        })
    }

    /// Own messages that the network does not have and that were not given up, in the order in which
    /// they were written.
    pub fn undelivered_messages(&self) -> Result<Vec<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::delivery.eq(Delivery::Unpublished))
                .order(messages::row_id)
                .select(Message::as_select())
                .load(db)
        })
    }

    /// Own messages on their way that refer to a message, in the order in which they were written.
    pub fn waiting_references(&self, id: &[u8]) -> Result<Vec<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::reference_id.eq(id))
                .filter(messages::delivery.eq(Delivery::Unpublished))
                .order(messages::row_id)
                .select(Message::as_select())
                .load(db)
        })
    }

    /// What a person sent about a message under one content type, newest first.
    pub fn references_by(
        &self,
        id: &[u8],
        sender_inbox_id: &str,
        type_id: &str,
    ) -> Result<Vec<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::reference_id.eq(id))
                .filter(messages::sender_inbox_id.eq(sender_inbox_id))
                .filter(messages::type_id.eq(type_id))
                .order((messages::sent_at_ns.desc(), messages::row_id.desc()))
                .select(Message::as_select())
                .load(db)
        })
    }

    /// The newest lines that refer to a message, at most `limit`.
    pub fn lines_referring_to(&self, id: &[u8], limit: i64) -> Result<Vec<Place>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::reference_id.eq(id))
                .filter(messages::visible.eq(true))
                .order(messages::row_id.desc())
                .limit(limit)
                .select((messages::conversation_id, messages::id))
                .load(db)
        })
    }

    /// Whether an own message of this content type is on its way in a conversation.
    pub fn has_waiting(&self, conversation_id: &[u8], type_id: &str) -> Result<bool, StoreError> {
        let count: i64 = self.with(|db| {
            let waiting = intents::table
                .filter(intents::conversation_id.eq(conversation_id))
                .filter(intents::state.le(IntentState::Committed))
                .filter(intents::message_id.is_not_null())
                .select(intents::message_id.assume_not_null());
            messages::table
                .filter(messages::id.eq_any(waiting))
                .filter(messages::type_id.eq(type_id))
                .count()
                .get_result(db)
        })?;
        Ok(count > 0)
    }

    /// The row made from the envelope with this id of the node in this group.
    pub fn message_by_sequence(
        &self,
        conversation_id: &[u8],
        sequence_id: i64,
    ) -> Result<Option<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(messages::sequence_id.eq(sequence_id))
                .order(messages::row_id)
                .select(Message::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// The content of the newest line that a commit or a welcome left in these conversations.
    pub fn newest_change(
        &self,
        conversation_ids: &[Vec<u8>],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq_any(conversation_ids))
                .filter(messages::kind.eq(MessageKind::MembershipChange))
                .order((messages::sent_at_ns.desc(), messages::row_id.desc()))
                .select(messages::content)
                .first(db)
                .optional()
        })
    }

    /// When the next message disappears, in ns: only published application messages do.
    pub fn next_expiry_ns(&self) -> Result<Option<i64>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::expire_at_ns.is_not_null())
                .filter(messages::kind.eq(MessageKind::Application))
                .filter(messages::delivery.eq(Delivery::Published))
                .order(messages::expire_at_ns)
                .select(messages::expire_at_ns)
                .get_result(db)
                .optional()
        })
        .map(Option::flatten)
    }
}

impl Tx {
    /// Stores a message unless there is one with this id.
    pub fn insert_message(&self, new: &NewMessage<'_>) -> Result<Inserted, StoreError> {
        self.insert_message_as(new, false)
    }

    /// `is_restored`: it comes out of an archive, and nobody is called for it.
    pub(crate) fn insert_message_as(
        &self,
        new: &NewMessage<'_>,
        is_restored: bool,
    ) -> Result<Inserted, StoreError> {
        let inserted_at_ns = self.next_inserted_at_ns(new.inserted_at_ns)?;
        // Lines that are no preview (somebody asks to leave) call nobody.
        let calls = new.visible && new.preview.is_some();
        let countable = calls
            && !is_restored
            && new.kind == MessageKind::Application
            && self.own_inbox()?.as_deref() != Some(new.sender_inbox_id);
        let row = NewMessage {
            inserted_at_ns,
            ..*new
        };
        let row_id: Option<i64> = self.with(|db| {
            diesel::insert_into(messages::table)
                .values((
                    &row,
                    messages::countable.eq(countable),
                    messages::is_restored.eq(is_restored),
                ))
                .on_conflict(messages::id)
                .do_nothing()
                .returning(messages::row_id)
                .prepared()
                .get_result(db)
                .optional()
        })?;
        if let Some(row_id) = row_id {
            let shows = calls && new.kind != MessageKind::MembershipChange;
            self.message_inserted(new.conversation_id, new.sent_at_ns, countable, shows);
            return Ok(Inserted {
                row_id,
                is_new: true,
                inserted_at_ns,
            });
        }
        let (row_id, inserted_at_ns) = self.with(|db| {
            messages::table
                .filter(messages::id.eq(new.id))
                .select((messages::row_id, messages::inserted_at_ns))
                .get_result(db)
        })?;
        Ok(Inserted {
            row_id,
            is_new: false,
            inserted_at_ns,
        })
    }

    /// The node has shown our message: it gets the node's time and id and starts to expire.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such message.
    pub fn mark_message_published(
        &self,
        id: &[u8],
        sent_at_ns: i64,
        sequence_id: i64,
        expire_at_ns: Option<i64>,
    ) -> Result<(), StoreError> {
        let changed: Option<(Vec<u8>, bool, i64)> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .set((
                    messages::delivery.eq(Delivery::Published),
                    messages::failure_code.eq(None::<String>),
                    messages::sent_at_ns.eq(sent_at_ns),
                    messages::sequence_id.eq(sequence_id),
                    messages::expire_at_ns.eq(expire_at_ns),
                ))
                .returning((
                    messages::conversation_id,
                    messages::countable,
                    messages::row_id,
                ))
                .prepared()
                .get_result(db)
                .optional()
        })?;
        let Some((conversation_id, countable, row_id)) = changed else {
            return Err(StoreError::NotFound("message"));
        };
        self.move_in_search(row_id, sent_at_ns)?;
        // Its time may have moved across the read position.
        if countable {
            self.recount(&conversation_id);
        }
        self.changed_message(Some(conversation_id))
    }

    /// Our message is given up, for the reason with this code. A published one stays published.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such message that is not published.
    pub fn mark_message_failed(&self, id: &[u8], code: &str) -> Result<(), StoreError> {
        let conversation_id: Option<Vec<u8>> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .filter(messages::delivery.ne(Delivery::Published))
                .set((
                    messages::delivery.eq(Delivery::Failed),
                    messages::failure_code.eq(Some(code)),
                ))
                .returning(messages::conversation_id)
                .get_result(db)
                .optional()
        })?;
        self.changed_message(conversation_id)
    }

    /// A failed message is to be tried again. The caller queues the intent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such failed message.
    pub fn requeue_message(&self, id: &[u8]) -> Result<(), StoreError> {
        let conversation_id: Option<Vec<u8>> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .filter(messages::delivery.eq(Delivery::Failed))
                .set((
                    messages::delivery.eq(Delivery::Unpublished),
                    messages::failure_code.eq(None::<String>),
                ))
                .returning(messages::conversation_id)
                .get_result(db)
                .optional()
        })?;
        self.changed_message(conversation_id)
    }

    /// A message of ours that was published has to be published again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such published message.
    pub fn unpublish_message(&self, id: &[u8]) -> Result<(), StoreError> {
        let conversation_id: Option<Vec<u8>> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .filter(messages::delivery.eq(Delivery::Published))
                .set((
                    messages::delivery.eq(Delivery::Unpublished),
                    messages::sequence_id.eq(None::<i64>),
                    messages::expire_at_ns.eq(None::<i64>),
                ))
                .returning(messages::conversation_id)
                .get_result(db)
                .optional()
        })?;
        self.changed_message(conversation_id)
    }

    pub(crate) fn changed_message(
        &self,
        conversation_id: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let id = conversation_id.ok_or(StoreError::NotFound("message"))?;
        self.message_changed(&id);
        Ok(())
    }

    /// Deletes a message on this device only. Returns whether it existed.
    pub fn delete_message(&self, id: &[u8]) -> Result<bool, StoreError> {
        let conversation_id: Option<Vec<u8>> = self.with(|db| {
            diesel::delete(messages::table.filter(messages::id.eq(id)))
                .returning(messages::conversation_id)
                .get_result(db)
                .optional()
        })?;
        if let Some(id) = &conversation_id {
            self.recount(id);
        }
        Ok(conversation_id.is_some())
    }

    /// Deletes the messages of a conversation on this device only, and takes back those that were
    /// not sent yet. `except`: the name of a content type whose unsent messages stay. Returns how
    /// many were deleted.
    pub fn purge_messages(
        &self,
        conversation_id: &[u8],
        except: &str,
    ) -> Result<usize, StoreError> {
        let kept = messages::delivery
            .eq(Delivery::Unpublished)
            .and(messages::type_id.eq(except));
        self.with(|db| {
            diesel::update(intents::table)
                .filter(intents::conversation_id.eq(conversation_id))
                .filter(intents::state.eq(IntentState::ToPublish))
                .filter(
                    intents::message_id.eq_any(
                        messages::table
                            .filter(messages::conversation_id.eq(conversation_id))
                            .filter(diesel::dsl::not(kept))
                            .select(messages::id.nullable()),
                    ),
                )
                .set(intents::state.eq(IntentState::Error))
                .execute(db)
        })?;
        let deleted = self.with(|db| {
            diesel::delete(messages::table)
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(diesel::dsl::not(kept))
                .execute(db)
        })?;
        self.recount(conversation_id);
        Ok(deleted)
    }

    /// Deletes published application messages whose time is over (content-and-client.md 2.5), at
    /// most `limit`, the earliest first, and returns them.
    pub fn purge_expired_messages(
        &self,
        now_ns: i64,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let expired: Vec<Message> = self.with(|db| {
            messages::table
                .filter(messages::expire_at_ns.le(now_ns))
                .filter(messages::kind.eq(MessageKind::Application))
                .filter(messages::delivery.eq(Delivery::Published))
                .order((messages::expire_at_ns, messages::row_id))
                .limit(limit)
                .select(Message::as_select())
                .load(db)
        })?;
        for message in &expired {
            self.with(|db| diesel::delete(messages::table.find(message.row_id)).execute(db))?;
            self.recount(&message.conversation_id);
        }
        Ok(expired)
    }

    /// Strictly increasing over all rows ever stored, whatever the clock does.
    fn next_inserted_at_ns(&self, now_ns: i64) -> Result<i64, StoreError> {
        let newest = match self.newest_inserted_at_ns.get() {
            Some(newest) => newest,
            None => self
                .with(|db| {
                    messages::table
                        .select(max(messages::inserted_at_ns))
                        .get_result::<Option<i64>>(db)
                })?
                .unwrap_or(0),
        };
        let next = now_ns.max(newest.saturating_add(1));
        self.newest_inserted_at_ns.set(Some(next));
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
