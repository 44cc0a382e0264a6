//! The reactions that stand. The engine says in which order people reacted and took it back.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::ReactionSchema;
use crate::schema::reactions;
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

/// Most reactions of one person that stand on one message; what comes beyond is not kept.
pub const REACTIONS_PER_PERSON: i64 = 20;
/// Most people named with a reaction.
pub const NAMED_SENDERS: usize = 20;
/// Most different reactions of a message that are read.
pub const REACTIONS_PER_MESSAGE: usize = 50;

/// A reaction of one person.
#[derive(Debug, Clone, Copy, Insertable)]
#[diesel(table_name = reactions)]
pub struct Reaction<'a> {
    /// The message it is about, which may not be here yet.
    pub target_id: &'a [u8],
    /// [`Reader::thread`] of the conversation it was sent in.
    pub thread: &'a str,
    /// Who reacts.
    pub sender_inbox_id: &'a str,
    /// How to read the content.
    pub schema: ReactionSchema,
    /// What they react with.
    pub content: &'a str,
    /// The message that says so; the reaction goes with it.
    pub message_id: &'a [u8],
    /// When, in ns.
    pub sent_at_ns: i64,
}

/// What people react to a message with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How to read the content.
    pub schema: ReactionSchema,
    /// What they react with.
    pub content: String,
    /// How many people.
    pub count: usize,
    /// Whether the asking person is one of them.
    pub is_own: bool,
    /// The first [`NAMED_SENDERS`] of them, as they came.
    pub senders: Vec<String>,
    first_at_ns: i64,
}

type Row = (Vec<u8>, String, ReactionSchema, String, i64);

impl Reader {
    /// What people react to these messages of a thread with: for each message at most
    /// [`REACTIONS_PER_MESSAGE`], the most frequent first, then the oldest.
    pub fn reactions(
        &self,
        thread: &str,
        target_ids: &[Vec<u8>],
        own_inbox_id: &str,
    ) -> Result<HashMap<Vec<u8>, Vec<Tally>>, StoreError> {
        let rows: Vec<Row> = self.with(|db| {
            reactions::table
                .filter(reactions::target_id.eq_any(target_ids))
                .filter(reactions::thread.eq(thread))
                .order(reactions::sent_at_ns)
                .select((
                    reactions::target_id,
                    reactions::sender_inbox_id,
                    reactions::schema,
                    reactions::content,
                    reactions::sent_at_ns,
                ))
                .load(db)
        })?;
        Ok(tally(rows, own_inbox_id))
    }

    /// Whether this person's reaction stands.
    pub fn has_reaction(&self, reaction: &Reaction<'_>) -> Result<bool, StoreError> {
        let count: i64 = self.with(|db| this(reaction).count().get_result(db))?;
        Ok(count > 0)
    }
}

/// Counts reactions, given in the order in which they came; each is there once per person.
fn tally(rows: Vec<Row>, own_inbox_id: &str) -> HashMap<Vec<u8>, Vec<Tally>> {
    let mut counted: HashMap<Vec<u8>, HashMap<(ReactionSchema, String), Tally>> = HashMap::new();
    for (target_id, sender, schema, content, sent_at_ns) in rows {
        let tally = counted
            .entry(target_id)
            .or_default()
            .entry((schema, content.clone()))
            .or_insert_with(|| Tally {
                schema,
                content,
                count: 0,
                is_own: false,
                senders: Vec::new(),
                first_at_ns: sent_at_ns,
            });
        tally.count += 1;
        tally.is_own |= sender == own_inbox_id;
        if tally.senders.len() < NAMED_SENDERS {
            tally.senders.push(sender);
        }
    }
    counted
        .into_iter()
        .map(|(target_id, tallies)| {
            let mut tallies: Vec<Tally> = tallies.into_values().collect();
            tallies.sort_by(|a, b| {
                let by_count = b.count.cmp(&a.count);
                by_count
                    .then(a.first_at_ns.cmp(&b.first_at_ns))
                    .then_with(|| a.content.cmp(&b.content))
            });
            tallies.truncate(REACTIONS_PER_MESSAGE);
            (target_id, tallies)
        })
        .collect()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn this<'a>(reaction: &'a Reaction<'a>) -> _ {
    let (target_id, thread): (&'a [u8], &'a str) = (reaction.target_id, reaction.thread);
    let (sender, content): (&'a str, &'a str) = (reaction.sender_inbox_id, reaction.content);
    let schema: ReactionSchema = reaction.schema;
    reactions::table
        .filter(reactions::target_id.eq(target_id))
        .filter(reactions::thread.eq(thread))
        .filter(reactions::sender_inbox_id.eq(sender))
        .filter(reactions::schema.eq(schema))
        .filter(reactions::content.eq(content))
}

impl Tx {
    /// A person reacts. A reaction that stands keeps its place. Returns whether it stands now:
    /// not if the person has [`REACTIONS_PER_PERSON`] on the message already.
    pub fn add_reaction(&self, reaction: &Reaction<'_>) -> Result<bool, StoreError> {
        let others: i64 = self.with(|db| {
            reactions::table
                .filter(reactions::target_id.eq(reaction.target_id))
                .filter(reactions::thread.eq(reaction.thread))
                .filter(reactions::sender_inbox_id.eq(reaction.sender_inbox_id))
                .count()
                .get_result(db)
        })?;
        if others >= REACTIONS_PER_PERSON && !self.has_reaction(reaction)? {
            return Ok(false);
        }
        self.with(|db| {
            diesel::insert_into(reactions::table)
                .values(reaction)
                .on_conflict((
                    reactions::target_id,
                    reactions::thread,
                    reactions::sender_inbox_id,
                    reactions::schema,
                    reactions::content,
                ))
                .do_update()
                .set(reactions::message_id.eq(reaction.message_id))
                .prepared()
                .execute(db)
        })?;
        Ok(true)
    }

    /// A person takes a reaction back.
    pub fn remove_reaction(&self, reaction: &Reaction<'_>) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(this(reaction)).execute(db))?;
        Ok(())
    }

    /// Forgets all reactions to a message of a thread.
    pub fn clear_reactions(&self, thread: &str, target_id: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(reactions::table)
                .filter(reactions::target_id.eq(target_id))
                .filter(reactions::thread.eq(thread))
                .execute(db)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
