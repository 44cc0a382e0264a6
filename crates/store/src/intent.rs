//! The outbox: what has to reach the node, in order and exactly as it was first built.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::{IntentKind, IntentState};
use crate::schema::intents;
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

/// A change or message on its way to the node (groups.md 6.1, 6.2).
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = intents)]
pub struct Intent {
    /// The row, increasing and never reused: intents are published in this order.
    pub id: i64,
    /// The group.
    pub conversation_id: Vec<u8>,
    /// What it does.
    pub kind: IntentKind,
    /// The engine's description of it.
    pub data: Vec<u8>,
    /// Where it stands.
    pub state: IntentState,
    /// The stored message it publishes, 32 bytes.
    pub message_id: Option<Vec<u8>>,
    /// SHA-256 of the MLS message, by which we recognise our own message on the node.
    pub payload_hash: Option<Vec<u8>>,
    /// The exact bytes sent, so that sending again sends the same.
    pub payload: Option<Vec<u8>>,
    /// The serialized staged commit, merged when the node shows the commit as accepted.
    pub staged_commit: Option<Vec<u8>>,
    /// The work after the commit (welcomes).
    pub post_commit: Option<Vec<u8>>,
    /// The epoch the payload was built in.
    pub published_in_epoch: Option<i64>,
    /// How often building or publishing failed.
    pub attempts: i32,
    /// When it was queued, in ns.
    pub created_at_ns: i64,
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intent")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .field("published_in_epoch", &self.published_in_epoch)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// An intent to queue.
#[derive(Clone, Copy)]
pub struct NewIntent<'a> {
    /// The group, which has to exist.
    pub conversation_id: &'a [u8],
    /// What it does.
    pub kind: IntentKind,
    /// The engine's description of it.
    pub data: &'a [u8],
    /// The stored message it publishes.
    pub message_id: Option<&'a [u8]>,
    /// The time of queueing, in ns.
    pub created_at_ns: i64,
}

/// What building an intent produced, stored before the bytes are sent.
#[derive(Clone, Copy)]
pub struct BuiltIntent<'a> {
    /// The exact bytes to send.
    pub payload: &'a [u8],
    /// SHA-256 of the MLS message.
    pub payload_hash: &'a [u8],
    /// The serialized staged commit of a commit.
    pub staged_commit: Option<&'a [u8]>,
    /// The work after the commit.
    pub post_commit: Option<&'a [u8]>,
    /// The epoch it was built in.
    pub epoch: i64,
}

use IntentState::{Committed, Error, Published, ToPublish};

impl Reader {
    /// One intent.
    pub fn intent(&self, id: i64) -> Result<Option<Intent>, StoreError> {
        self.with(|db| {
            intents::table
                .find(id)
                .select(Intent::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// The intents of a group in one state, in order.
    pub fn intents_in_state(
        &self,
        conversation_id: &[u8],
        state: IntentState,
    ) -> Result<Vec<Intent>, StoreError> {
        self.with(|db| {
            intents::table
                .filter(intents::conversation_id.eq(conversation_id))
                .filter(intents::state.eq(state))
                .order(intents::id)
                .select(Intent::as_select())
                .load(db)
        })
    }

    /// What is not given up in a group, in order and without its contents.
    pub fn outbox(
        &self,
        conversation_id: &[u8],
    ) -> Result<Vec<(i64, IntentKind, IntentState)>, StoreError> {
        self.with(|db| {
            intents::table
                .filter(intents::conversation_id.eq(conversation_id))
                .filter(intents::state.le(Committed))
                .order(intents::id)
                .select((intents::id, intents::kind, intents::state))
                .load(db)
        })
    }

    /// The intents of a group to build and send next, in order.
    pub fn intents_to_publish(
        &self,
        conversation_id: &[u8],
        limit: usize,
    ) -> Result<Vec<Intent>, StoreError> {
        self.with(|db| {
            // Read one by one and without LIMIT, which SQLite would plan anew each time.
            intents::table
                .filter(intents::conversation_id.eq(conversation_id))
                .filter(intents::state.eq(ToPublish))
                .order(intents::id)
                .select(Intent::as_select())
                .load_iter(db)?
                .take(limit)
                .collect()
        })
    }

    /// The newest intent that publishes this message.
    pub fn intent_of_message(&self, message_id: &[u8]) -> Result<Option<Intent>, StoreError> {
        self.with(|db| {
            intents::table
                .filter(intents::message_id.eq(message_id))
                .order(intents::id.desc())
                .select(Intent::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// Every intent that is not given up, of all groups, in order.
    pub fn unresolved_intents(&self) -> Result<Vec<Intent>, StoreError> {
        self.with(|db| {
            intents::table
                .filter(intents::state.le(Committed))
                .order(intents::id)
                .select(Intent::as_select())
                .load(db)
        })
    }
}

impl Tx {
    /// Queues an intent and returns its row id.
    pub fn enqueue_intent(&self, new: &NewIntent<'_>) -> Result<i64, StoreError> {
        self.with(|db| {
            diesel::insert_into(intents::table)
                .values((
                    intents::conversation_id.eq(new.conversation_id),
                    intents::kind.eq(new.kind),
                    intents::data.eq(new.data),
                    intents::state.eq(ToPublish),
                    intents::message_id.eq(new.message_id),
                    intents::attempts.eq(0),
                    intents::created_at_ns.eq(new.created_at_ns),
                ))
                .returning(intents::id)
                .prepared()
                .get_result(db)
        })
    }

    /// Stores what was built; from now on a resend uses these bytes.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] unless the intent is to be published.
    pub fn intent_published(&self, id: i64, built: &BuiltIntent<'_>) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.eq(ToPublish))
                .set((
                    intents::state.eq(Published),
                    intents::payload.eq(built.payload),
                    intents::payload_hash.eq(built.payload_hash),
                    intents::staged_commit.eq(built.staged_commit),
                    intents::post_commit.eq(built.post_commit),
                    intents::published_in_epoch.eq(built.epoch),
                ))
                .prepared()
                .execute(db)
        })
        .and_then(changed)
    }

    /// Puts a published intent back to be built again, forgetting what was built.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] unless the intent is to be published or published.
    pub fn intent_to_publish(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.le(Published))
                .set((
                    intents::state.eq(ToPublish),
                    intents::payload.eq(None::<Vec<u8>>),
                    intents::payload_hash.eq(None::<Vec<u8>>),
                    intents::staged_commit.eq(None::<Vec<u8>>),
                    intents::post_commit.eq(None::<Vec<u8>>),
                    intents::published_in_epoch.eq(None::<i64>),
                ))
                .execute(db)
        })
        .and_then(changed)
    }

    /// The node has shown our commit and it is merged; welcomes remain. The staged commit and its
    /// secrets are erased.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] unless the intent is published.
    pub fn intent_committed(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.eq(Published))
                .set((
                    intents::state.eq(Committed),
                    intents::payload.eq(None::<Vec<u8>>),
                    intents::staged_commit.eq(None::<Vec<u8>>),
                ))
                .execute(db)
        })
        .and_then(changed)
    }

    /// Nothing remains to be done: the intent is gone.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] if the intent was given up or is gone already.
    pub fn intent_processed(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(intents::table.find(id))
                .filter(intents::state.le(Committed))
                .prepared()
                .execute(db)
        })
        .and_then(changed)
    }

    /// Gives an intent up; all but the payload hash is erased, by which a copy that arrives late is
    /// known. The caller marks its message failed.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] if the intent was given up already or is gone.
    pub fn intent_failed(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.le(Committed))
                .set((
                    intents::state.eq(Error),
                    intents::payload.eq(None::<Vec<u8>>),
                    intents::staged_commit.eq(None::<Vec<u8>>),
                    intents::post_commit.eq(None::<Vec<u8>>),
                ))
                .execute(db)
        })
        .and_then(changed)
    }

    /// Counts a failed attempt and returns how many there are now.
    pub fn intent_attempted(&self, id: i64) -> Result<i32, StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .set(intents::attempts.eq(intents::attempts + 1))
                .returning(intents::attempts)
                .get_result(db)
        })
    }

    /// Deletes intents that were given up and queued before `before_ns`, so that the table does not
    /// grow for ever. Returns how many.
    pub fn prune_intents(&self, before_ns: i64) -> Result<usize, StoreError> {
        self.with(|db| {
            diesel::delete(intents::table)
                .filter(intents::state.eq(Error))
                .filter(intents::created_at_ns.lt(before_ns))
                .execute(db)
        })
    }

    /// Replaces an intent's description, for example when part of it turned out to be done.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] unless the intent is to be published.
    pub fn set_intent_data(&self, id: i64, data: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.eq(ToPublish))
                .set(intents::data.eq(data))
                .execute(db)
        })
        .and_then(changed)
    }

    /// Replaces the work after a commit, as parts of it get done.
    ///
    /// # Errors
    /// [`StoreError::IntentState`] unless the intent is committed.
    pub fn set_intent_post_commit(&self, id: i64, post_commit: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(intents::table.find(id))
                .filter(intents::state.eq(Committed))
                .set(intents::post_commit.eq(post_commit))
                .execute(db)
        })
        .and_then(changed)
    }
}

fn changed(rows: usize) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::IntentState)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
