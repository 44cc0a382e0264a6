//! The stored projection of a conversation: everything its row in the list shows.
//!
//! Changes to messages only note which conversations are touched. Before the transaction commits,
//! and before anything reads a projection, each of them is brought up to date once: a hundred
//! messages of one conversation cost one update.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::consent::effective;
use crate::conversation::Conversation;
use crate::error::StoreError;
use crate::kinds::{ConsentState, ConversationKind, Delivery, MessageKind};
use crate::schema::{conversations, messages, summaries};
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

/// The projection of a conversation. All conversations with one dm id show the values of their
/// union, apart from `last_message_ns` and `is_duplicate`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = summaries)]
#[diesel(treat_none_as_default_value = false)]
pub struct Summary {
    /// The conversation.
    pub conversation_id: Vec<u8>,
    /// Its kind.
    pub kind: ConversationKind,
    /// Whether another conversation with the same dm id stands for it in the list.
    pub is_duplicate: bool,
    /// When the conversation was created here, in ns.
    pub created_at_ns: i64,
    /// The greatest `sent_at_ns` any row of this group was inserted with, in ns; never lowered.
    pub last_message_ns: i64,
    /// The time of the preview, else of the creation, in ns.
    pub last_activity_ns: i64,
    /// The newest message that has a preview.
    pub last_message_id: Option<Vec<u8>>,
    /// Its preview.
    pub last_message_preview: Option<String>,
    /// Its sender.
    pub last_message_sender_inbox_id: Option<String>,
    /// Its kind.
    pub last_message_kind: Option<MessageKind>,
    /// Its delivery.
    pub last_message_delivery: Option<Delivery>,
    /// Its time, in ns.
    pub last_message_sent_at_ns: Option<i64>,
    /// How many visible application messages of others are later than the read position.
    pub unread_count: i64,
    /// How many messages have failed.
    pub failed_count: i64,
    /// The read position: the time of the newest message read, in ns.
    pub read_up_to_ns: i64,
    /// Whether the person deleted the conversation here and nothing has come since.
    pub is_hidden: bool,
}

/// What the current transaction has changed in one conversation since its last update.
#[derive(Clone, Default)]
struct Touched {
    /// The times of new messages that count as unread if they are after the read position.
    countable_sent_at_ns: Vec<i64>,
    /// The greatest time of a new row.
    newest_ns: i64,
    /// The unread messages have to be counted again.
    recount: bool,
    /// Something came that brings a hidden conversation back.
    shows: bool,
}

impl Touched {
    fn absorb(&mut self, other: Self) {
        self.countable_sent_at_ns.extend(other.countable_sent_at_ns);
        self.newest_ns = self.newest_ns.max(other.newest_ns);
        self.recount |= other.recount;
        self.shows |= other.shows;
    }
}

/// Conversations touched, by id: one map for the transaction and one for each open savepoint.
#[derive(Default)]
pub(crate) struct TouchedConversations {
    levels: Vec<BTreeMap<Vec<u8>, Touched>>,
}

impl TouchedConversations {
    pub(crate) fn begin(&mut self) {
        self.levels.push(BTreeMap::new());
    }

    pub(crate) fn commit(&mut self) {
        let Some(top) = self.levels.pop() else { return };
        for (id, change) in top {
            self.touch(&id, |touched| touched.absorb(change));
        }
    }

    pub(crate) fn roll_back(&mut self) {
        self.levels.pop();
    }

    /// Leaves this many levels.
    pub(crate) fn roll_back_to(&mut self, levels: usize) {
        self.levels.truncate(levels);
    }

    fn touch(&mut self, id: &[u8], change: impl FnOnce(&mut Touched)) {
        // Outside a transaction there is no level and nothing that could change a message.
        if let Some(level) = self.levels.last_mut() {
            change(level.entry(id.to_vec()).or_default());
        }
    }

    /// Everything to be brought up to date now. What was touched before the innermost savepoint
    /// stays noted, because that savepoint may be rolled back with the update; it is then counted
    /// again instead of added again.
    fn take(&mut self) -> BTreeMap<Vec<u8>, Touched> {
        let mut all = self
            .levels
            .last_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let outer = self.levels.len().saturating_sub(1);
        for (id, change) in self.levels.iter_mut().take(outer).flatten() {
            all.entry(id.clone()).or_default().absorb(change.clone());
            change.recount = true;
            change.countable_sent_at_ns.clear();
        }
        all
    }
}

/// The columns of the message that a preview shows.
#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Newest {
    sent_at_ns: i64,
    row_id: i64,
    id: Vec<u8>,
    preview: Option<String>,
    sender_inbox_id: String,
    kind: MessageKind,
    delivery: Delivery,
}

impl Reader {
    /// The projection of one conversation.
    pub fn summary(&self, conversation_id: &[u8]) -> Result<Option<Summary>, StoreError> {
        self.flush_summaries()?;
        self.stored_summary(conversation_id)
    }

    fn stored_summary(&self, conversation_id: &[u8]) -> Result<Option<Summary>, StoreError> {
        self.with(|db| {
            summaries::table
                .find(conversation_id)
                .select(Summary::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// When the newest message that can be unread was sent in these conversations, in ns.
    pub fn newest_countable_ns(&self, ids: &[Vec<u8>]) -> Result<Option<i64>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq_any(ids))
                .filter(diesel::dsl::sql::<Bool>("countable = 1"))
                .order(messages::sent_at_ns.desc())
                .select(messages::sent_at_ns)
                .get_result(db)
                .optional()
        })
    }

    /// The number of unread messages over all conversations that the person wants.
    pub fn total_unread(&self) -> Result<i64, StoreError> {
        self.flush_summaries()?;
        let counts: Vec<i64> = self.with(|db| {
            summaries::table
                .inner_join(conversations::table)
                .filter(summaries::is_duplicate.eq(false))
                .filter(effective().eq(ConsentState::Allowed))
                .filter(summaries::unread_count.gt(0))
                .select(summaries::unread_count)
                .load(db)
        })?;
        Ok(counts.into_iter().sum())
    }

    /// Brings the projections of all touched conversations up to date. On a read-only connection
    /// nothing is ever touched.
    pub(crate) fn flush_summaries(&self) -> Result<(), StoreError> {
        let mut touched = self.touched.borrow_mut().take();
        while let Some((id, mut change)) = touched.pop_first() {
            let newest_ns = change.newest_ns;
            let ids = self.stitched_ids(&id)?;
            let mut group = Vec::with_capacity(ids.len());
            for stitched in ids {
                let Some(mut summary) = self.stored_summary(&stitched)? else {
                    continue;
                };
                if stitched == id {
                    summary.last_message_ns = summary.last_message_ns.max(newest_ns);
                } else if let Some(other) = touched.remove(&stitched) {
                    summary.last_message_ns = summary.last_message_ns.max(other.newest_ns);
                    change.absorb(other);
                }
                group.push(summary);
            }
            self.update_group(group, &change)?;
        }
        Ok(())
    }

    /// Updates the projections of conversations that are one to the user.
    fn update_group(&self, group: Vec<Summary>, change: &Touched) -> Result<(), StoreError> {
        let winner = group
            .iter()
            .max_by(|a, b| {
                (a.last_message_ns, &a.conversation_id)
                    .cmp(&(b.last_message_ns, &b.conversation_id))
            })
            .map(|summary| summary.conversation_id.clone());
        let is_hidden = !change.shows && group.iter().all(|summary| summary.is_hidden);
        let read_up_to_ns = group
            .iter()
            .map(|summary| summary.read_up_to_ns)
            .max()
            .unwrap_or(0);
        let mut newest: Option<Newest> = None;
        let mut failed = 0;
        let mut counted = 0;
        for summary in &group {
            let id = &summary.conversation_id;
            let candidate = self.newest_preview(id)?;
            if candidate
                .as_ref()
                .map(|message| (message.sent_at_ns, message.row_id))
                > newest
                    .as_ref()
                    .map(|message| (message.sent_at_ns, message.row_id))
            {
                newest = candidate;
            }
            failed += self.count_failed(id)?;
            if change.recount {
                counted += self.count_unread(id, read_up_to_ns)?;
            }
        }
        let new = change
            .countable_sent_at_ns
            .iter()
            .filter(|at| **at > read_up_to_ns)
            .count();
        let new = i64::try_from(new).unwrap_or(i64::MAX);
        for summary in group {
            let unread = if change.recount {
                counted
            } else {
                summary.unread_count.saturating_add(new)
            };
            self.update_summary(Summary {
                is_duplicate: winner.as_ref() != Some(&summary.conversation_id),
                last_activity_ns: newest
                    .as_ref()
                    .map_or(summary.created_at_ns, |m| m.sent_at_ns),
                last_message_id: newest.as_ref().map(|m| m.id.clone()),
                last_message_preview: newest.as_ref().and_then(|m| m.preview.clone()),
                last_message_sender_inbox_id: newest.as_ref().map(|m| m.sender_inbox_id.clone()),
                last_message_kind: newest.as_ref().map(|m| m.kind),
                last_message_delivery: newest.as_ref().map(|m| m.delivery),
                last_message_sent_at_ns: newest.as_ref().map(|m| m.sent_at_ns),
                unread_count: unread,
                failed_count: failed,
                read_up_to_ns,
                is_hidden,
                ..summary
            })?;
        }
        Ok(())
    }

    /// Writes what messages can change. What stands in both indexes is written by itself: SQLite
    /// moves an entry whenever one of its columns is set, to whatever value.
    fn update_summary(&self, new: Summary) -> Result<(), StoreError> {
        self.with(|db| {
            let row = summaries::table.find(&new.conversation_id);
            diesel::update(row)
                .filter(summaries::is_duplicate.ne(new.is_duplicate))
                .set(summaries::is_duplicate.eq(new.is_duplicate))
                .prepared()
                .execute(db)?;
            diesel::update(row)
                .set((
                    summaries::last_message_ns.eq(new.last_message_ns),
                    summaries::last_activity_ns.eq(new.last_activity_ns),
                    summaries::last_message_id.eq(&new.last_message_id),
                    summaries::last_message_preview.eq(&new.last_message_preview),
                    summaries::last_message_sender_inbox_id.eq(&new.last_message_sender_inbox_id),
                    summaries::last_message_kind.eq(new.last_message_kind),
                    summaries::last_message_delivery.eq(new.last_message_delivery),
                    summaries::last_message_sent_at_ns.eq(new.last_message_sent_at_ns),
                    summaries::unread_count.eq(new.unread_count),
                    summaries::failed_count.eq(new.failed_count),
                    summaries::read_up_to_ns.eq(new.read_up_to_ns),
                    summaries::is_hidden.eq(new.is_hidden),
                ))
                .prepared()
                .execute(db)
        })?;
        Ok(())
    }

    fn newest_preview(&self, conversation_id: &[u8]) -> Result<Option<Newest>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(messages::preview.is_not_null())
                .order((messages::sent_at_ns.desc(), messages::row_id.desc()))
                .select(Newest::as_select())
                .get_result(db)
                .optional()
        })
    }

    // Partial indexes are used only where their condition stands literally in the query.
    fn count_failed(&self, conversation_id: &[u8]) -> Result<i64, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(diesel::dsl::sql::<Bool>("delivery = 3"))
                .filter(messages::visible.eq(true))
                .select(count_star())
                .prepared()
                .get_result(db)
        })
    }

    fn count_unread(&self, conversation_id: &[u8], after_ns: i64) -> Result<i64, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(messages::sent_at_ns.gt(after_ns))
                .filter(diesel::dsl::sql::<Bool>("countable = 1"))
                .select(count_star())
                .prepared()
                .get_result(db)
        })
    }
}

impl Tx {
    /// Everything up to and including `up_to_ns` is read. The position only moves forward.
    /// Returns whether it moved.
    pub fn mark_read(&self, conversation_id: &[u8], up_to_ns: i64) -> Result<bool, StoreError> {
        self.flush_summaries()?;
        let moved = self.with(|db| {
            diesel::update(summaries::table.find(conversation_id))
                .filter(summaries::read_up_to_ns.lt(up_to_ns))
                .set(summaries::read_up_to_ns.eq(up_to_ns))
                .execute(db)
        })? > 0;
        if moved {
            self.recount(conversation_id);
        }
        Ok(moved)
    }

    /// Everything sent at `from_ns` or later is unread again.
    pub fn mark_unread(&self, conversation_id: &[u8], from_ns: i64) -> Result<(), StoreError> {
        self.flush_summaries()?;
        self.with(|db| {
            diesel::update(summaries::table.find(conversation_id))
                .filter(summaries::read_up_to_ns.ge(from_ns))
                .set(summaries::read_up_to_ns.eq(from_ns.saturating_sub(1)))
                .execute(db)
        })?;
        self.recount(conversation_id);
        Ok(())
    }

    pub(crate) fn insert_summary(
        &self,
        conversation: &Conversation,
        last_message_ns: i64,
    ) -> Result<(), StoreError> {
        let summary = Summary {
            conversation_id: conversation.id.clone(),
            kind: conversation.kind,
            is_duplicate: false,
            created_at_ns: conversation.created_at_ns,
            last_message_ns,
            last_activity_ns: conversation.created_at_ns,
            last_message_id: None,
            last_message_preview: None,
            last_message_sender_inbox_id: None,
            last_message_kind: None,
            last_message_delivery: None,
            last_message_sent_at_ns: None,
            unread_count: 0,
            failed_count: 0,
            read_up_to_ns: 0,
            is_hidden: false,
        };
        self.with(|db| {
            diesel::insert_into(summaries::table)
                .values(&summary)
                .execute(db)
        })?;
        Ok(())
    }

    /// A row was inserted into a conversation. `counts`: it may be unread; `shows`: it brings a
    /// hidden conversation back.
    pub(crate) fn message_inserted(
        &self,
        conversation_id: &[u8],
        sent_at_ns: i64,
        counts: bool,
        shows: bool,
    ) {
        self.touched.borrow_mut().touch(conversation_id, |touched| {
            touched.newest_ns = touched.newest_ns.max(sent_at_ns);
            touched.shows |= shows;
            if counts {
                touched.countable_sent_at_ns.push(sent_at_ns);
            }
        });
    }

    /// Hides a conversation from lists until a message comes or [`Tx::show`] is called; for a DM
    /// all that are one with it.
    pub fn hide(&self, conversation_id: &[u8]) -> Result<(), StoreError> {
        self.flush_summaries()?;
        for id in self.stitched_ids(conversation_id)? {
            self.with(|db| {
                diesel::update(summaries::table.find(&id))
                    .set(summaries::is_hidden.eq(true))
                    .execute(db)
            })?;
        }
        self.recount(conversation_id);
        Ok(())
    }

    /// Brings a hidden conversation back into lists.
    pub fn show(&self, conversation_id: &[u8]) {
        self.touched
            .borrow_mut()
            .touch(conversation_id, |touched| touched.shows = true);
    }

    /// A row of a conversation changed in something the projection shows.
    pub(crate) fn message_changed(&self, conversation_id: &[u8]) {
        self.touched.borrow_mut().touch(conversation_id, |_| ());
    }

    /// The unread messages of a conversation have to be counted again.
    pub(crate) fn recount(&self, conversation_id: &[u8]) {
        self.touched
            .borrow_mut()
            .touch(conversation_id, |touched| touched.recount = true);
    }

    /// Raises the time by which a DM wins over its duplicates.
    pub(crate) fn raise_last_message(&self, conversation_id: &[u8], at_ns: i64) {
        self.touched.borrow_mut().touch(conversation_id, |touched| {
            touched.newest_ns = touched.newest_ns.max(at_ns)
        });
    }
}

#[cfg(test)]
mod tests;
