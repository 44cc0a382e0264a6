//! The search index: an FTS5 table in the encrypted database.
//!
//! Writing an entry costs several times what storing its message costs, and a person who sends a
//! message waits for the latter. So messages are indexed after they are stored, in batches
//! ([`Tx::index_messages`]), and whoever searches has the rest indexed first. A message that is
//! deleted leaves the index in the same transaction, by a cascade and a trigger of the schema.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::consent::EFFECTIVE;
use crate::error::StoreError;
use crate::kinds::{ConsentState, CursorKind};
use crate::message::Message;
use crate::schema::{conversations, identifiers, identity_updates, messages, search_entries};
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

/// Characters of a message that can be found; what comes after them is not indexed.
pub const INDEXED_CHARS: usize = 20_000;
/// Most words and phrases of one search.
pub const MAX_TERMS: usize = 32;
/// Most conversations, and most people, that one search is limited to.
pub const MAX_FILTERED: usize = 200;
/// Most results of one page.
pub const MAX_HITS: i64 = 100;
/// Words around the first match that a result shows.
const SNIPPET_WORDS: usize = 32;
/// Characters that a result without a word to find shows.
const EXCERPT_CHARS: usize = 200;
/// Blocked conversations that the index leaves out by itself; more are left out row by row.
const EXCLUDED_IN_INDEX: i64 = 100;

/// Around matches in what FTS5 returns. Control characters are never indexed.
const MATCH_BEGINS: char = '\u{1}';
const MATCH_ENDS: char = '\u{2}';
/// Written between characters that are each found by itself; no word contains it.
const APART: char = '\u{200b}';

/// A message to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchEntry {
    /// Its row.
    pub row_id: i64,
    /// Its time, in ns.
    pub sent_at_ns: i64,
    /// Its group.
    pub conversation_id: Vec<u8>,
    /// Its sender.
    pub sender_inbox_id: String,
    /// What a person reads of it.
    pub text: String,
}

/// Something that has to be in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchTerm {
    /// These words, one after the other.
    Phrase(String),
    /// The same, the last of them only begun.
    Prefix(String),
}

/// What to search for. Messages that have expired, and those of blocked conversations, are never
/// found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// All of them have to be there; at most [`MAX_TERMS`]. Without any the filters alone count.
    pub terms: Vec<SearchTerm>,
    /// Only in these conversations, blocked or not; at most [`MAX_FILTERED`]. `None`: in all that
    /// are not blocked.
    pub conversation_ids: Option<Vec<Vec<u8>>>,
    /// Only of these people; at most [`MAX_FILTERED`].
    pub sender_inbox_ids: Option<Vec<String>>,
    /// Only those sent then or later, in ns.
    pub from_ns: Option<i64>,
    /// Only those sent earlier, in ns.
    pub until_ns: Option<i64>,
    /// Only those after this position in the results.
    pub after: Option<i64>,
    /// At most so many; brought into 1 to [`MAX_HITS`].
    pub limit: i64,
    /// The time now, in ns.
    pub now_ns: i64,
}

/// A part of what a result shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnippetPart {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_match: bool,
}

/// A message that was found.
#[derive(Debug, Clone)]
pub struct SearchHit {
    /// The message.
    pub message: Message,
    /// Its text around the first matches, with them marked.
    pub snippet: Vec<SnippetPart>,
    /// Its place among the results; goes into [`SearchQuery::after`].
    pub position: i64,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    row_id: i64,
    #[diesel(sql_type = Text)]
    snippet: String,
}

/// Whether a character is found by itself: of a script that puts no spaces between words (Han,
/// kana, Hangul with its particles, Thai, Lao, Khmer, Burmese), or a symbol such as an emoji.
fn stands_apart(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff
        | 0x2190..=0x2bff
        | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x3130..=0x318f | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff
        | 0xff66..=0xff9f
        | 0x1f000..=0x1faff | 0x20000..=0x3ffff)
}

/// Text as it is indexed and searched for: characters that stand apart are words of their own.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars().take(INDEXED_CHARS) {
        let c = if c.is_control() { ' ' } else { c };
        if before.is_some_and(|before| stands_apart(before) || stands_apart(c)) {
            spaced.push(APART);
        }
        spaced.push(c);
        before = Some(c);
    }
    spaced
}

/// Whether a text has anything that can be searched for.
#[must_use]
pub fn is_searchable(text: &str) -> bool {
    text.chars().any(|c| c.is_alphanumeric() || stands_apart(c))
}

/// A string of FTS5's query language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn conversation_word(id: &[u8]) -> String {
    format!("c{}", hex::encode(id))
}

fn any_of(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.map(|word| quoted(&word)).collect();
    format!("(scope : ({}))", words.join(" OR "))
}

/// The entry's number for a time, before others that have the same are counted.
fn first_slot(sent_at_ns: i64) -> i64 {
    sent_at_ns.div_euclid(1000)
}

fn parts(marked: &str) -> Vec<SnippetPart> {
    let mut parts: Vec<SnippetPart> = Vec::new();
    for (index, piece) in marked.split(MATCH_BEGINS).enumerate() {
        let (matched, rest) = match piece.split_once(MATCH_ENDS) {
            Some((matched, rest)) if index > 0 => (matched, rest),
            _ => ("", piece),
        };
        for (text, is_match) in [(matched, true), (rest, false)] {
            let text = text.replace(APART, "");
            if !text.is_empty() {
                parts.push(SnippetPart { text, is_match });
            }
        }
    }
    parts
}

impl SearchQuery {
    /// The expression for FTS5; `None` where only times are asked for.
    fn expression(&self, excluded: &[Vec<u8>]) -> Option<String> {
        let mut all = Vec::new();
        let terms = self.terms.iter().take(MAX_TERMS);
        let terms: Vec<String> = terms
            .map(|term| match term {
                SearchTerm::Phrase(words) => quoted(&spaced(words)),
                SearchTerm::Prefix(words) => format!("{} *", quoted(&spaced(words))),
            })
            .collect();
        if !terms.is_empty() {
            all.push(format!("(text : ({}))", terms.join(" AND ")));
        }
        if let Some(ids) = &self.conversation_ids {
            all.push(any_of(
                ids.iter()
                    .take(MAX_FILTERED)
                    .map(|id| conversation_word(id)),
            ));
        }
        if let Some(ids) = &self.sender_inbox_ids {
            let words = ids.iter().take(MAX_FILTERED).map(|id| format!("s{id}"));
            all.push(any_of(words));
        }
        if all.is_empty() {
            return None;
        }
        let mut expression = all.join(" AND ");
        if !excluded.is_empty() {
            let words = any_of(excluded.iter().map(|id| conversation_word(id)));
            expression = format!("({expression}) NOT {words}");
        }
        Some(expression)
    }

    fn finds_nothing(&self) -> bool {
        self.conversation_ids.as_ref().is_some_and(Vec::is_empty)
            || self.sender_inbox_ids.as_ref().is_some_and(Vec::is_empty)
    }
}

impl Reader {
    /// Messages by what is in them, the newest first.
    pub fn search(&self, query: &SearchQuery) -> Result<Vec<SearchHit>, StoreError> {
        if query.finds_nothing() {
            return Ok(Vec::new());
        }
        let wants_all = query.conversation_ids.is_none();
        let excluded = if wants_all {
            self.blocked_conversations(EXCLUDED_IN_INDEX)?
        } else {
            Vec::new()
        };
        let limit = query.limit.clamp(1, MAX_HITS);
        let is_wanted = if wants_all {
            format!("AND {EFFECTIVE} <> {}", ConsentState::Denied.number())
        } else {
            String::new()
        };
        // The joins are CROSS so that the index, whose order is wanted, stays the outer loop.
        let join = format!(
            "CROSS JOIN messages ON messages.row_id = entry.row_id
            CROSS JOIN conversations ON conversations.id = messages.conversation_id
            WHERE (messages.expire_at_ns IS NULL OR messages.expire_at_ns > {}) {is_wanted}",
            query.now_ns
        );
        let first = query.from_ns.map_or(i64::MIN, first_slot);
        let end = query
            .until_ns
            .map_or(i64::MAX, first_slot)
            .min(query.after.unwrap_or(i64::MAX));
        let found: Vec<Found> = if let Some(expression) = query.expression(&excluded) {
            let sql = format!(
                "SELECT search.rowid AS position, entry.row_id AS row_id,
                    snippet(search, 0, char(1), char(2), '…', {SNIPPET_WORDS}) AS snippet
                FROM search
                CROSS JOIN search_entries entry ON entry.id = search.rowid
                {join}
                AND search MATCH ? AND search.rowid >= ? AND search.rowid < ?
                ORDER BY search.rowid DESC LIMIT {limit}"
            );
            self.with(|db| {
                diesel::sql_query(sql)
                    .bind::<Text, _>(expression)
                    .bind::<BigInt, _>(first)
                    .bind::<BigInt, _>(end)
                    .load(db)
            })?
        } else {
            let sql = format!(
                "SELECT entry.id AS position, entry.row_id AS row_id,
                    substr(entry.text, 1, {EXCERPT_CHARS}) AS snippet
                FROM search_entries entry
                {join}
                AND entry.id >= ? AND entry.id < ?
                ORDER BY entry.id DESC LIMIT {limit}"
            );
            self.with(|db| {
                diesel::sql_query(sql)
                    .bind::<BigInt, _>(first)
                    .bind::<BigInt, _>(end)
                    .load(db)
            })?
        };
        let mut hits = Vec::with_capacity(found.len());
        for found in found {
            let message = self.with(|db| {
                messages::table
                    .find(found.row_id)
                    .select(Message::as_select())
                    .get_result(db)
            })?;
            hits.push(SearchHit {
                message,
                snippet: parts(&found.snippet),
                position: found.position,
            });
        }
        Ok(hits)
    }

    /// The next rows that are not in the index yet, in the order of their arrival.
    pub fn unindexed_messages(&self, limit: i64) -> Result<Vec<Message>, StoreError> {
        let after = self.cursor(CursorKind::Search, &[])?;
        self.with(|db| {
            messages::table
                .filter(messages::row_id.gt(after))
                .order(messages::row_id)
                .limit(limit)
                .select(Message::as_select())
                .load(db)
        })
    }

    /// How many rows at most are not in the index yet.
    pub fn unindexed_count(&self) -> Result<i64, StoreError> {
        let newest: Option<i64> = self.with(|db| {
            messages::table
                .select(diesel::dsl::max(messages::row_id))
                .get_result(db)
        })?;
        let indexed = self.cursor(CursorKind::Search, &[])?;
        Ok(newest.unwrap_or(0).saturating_sub(indexed).max(0))
    }

    fn blocked_conversations(&self, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            conversations::table
                .filter(crate::consent::effective().eq(ConsentState::Denied))
                .limit(limit)
                .select(conversations::id)
                .load(db)
        })
    }

    /// Inboxes known here whose id, or one of whose addresses, begins like this; at most `limit` of
    /// each.
    pub fn inboxes_beginning_with(
        &self,
        beginning: &str,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let end = format!("{beginning}\u{10ffff}");
        let mut found: Vec<String> = self.with(|db| {
            identity_updates::table
                .filter(identity_updates::inbox_id.ge(beginning))
                .filter(identity_updates::inbox_id.lt(&end))
                .select(identity_updates::inbox_id)
                .distinct()
                .limit(limit)
                .load(db)
        })?;
        let by_address: Vec<String> = self.with(|db| {
            identifiers::table
                .filter(identifiers::identifier.ge(beginning))
                .filter(identifiers::identifier.lt(&end))
                .select(identifiers::inbox_id)
                .limit(limit)
                .load(db)
        })?;
        found.extend(by_address);
        found.sort();
        found.dedup();
        Ok(found)
    }
}

impl Tx {
    /// Puts messages into the index. `up_to_row`: all rows up to this one are in it then, or have
    /// nothing that can be found.
    pub fn index_messages(
        &self,
        up_to_row: i64,
        mut entries: Vec<SearchEntry>,
    ) -> Result<(), StoreError> {
        entries.sort_by_key(|entry| entry.row_id);
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = self.free_slot(first_slot(entry.sent_at_ns))?;
            let text = spaced(&entry.text);
            let scope = format!(
                "{} s{}",
                conversation_word(&entry.conversation_id),
                entry.sender_inbox_id
            );
            self.with(|db| {
                diesel::insert_into(search_entries::table)
                    .values((
                        search_entries::row_id.eq(entry.row_id),
                        search_entries::id.eq(id),
                        search_entries::text.eq(&text),
                        search_entries::scope.eq(&scope),
                    ))
                    .prepared()
                    .execute(db)
            })?;
            rows.push((id, text, scope));
        }
        // FTS5 gathers rows in memory for as long as their numbers grow.
        rows.sort_by_key(|(id, ..)| *id);
        for (id, text, scope) in rows {
            self.with(|db| {
                diesel::sql_query("INSERT INTO search (rowid, text, scope) VALUES (?, ?, ?)")
                    .bind::<BigInt, _>(id)
                    .bind::<Text, _>(text)
                    .bind::<Text, _>(scope)
                    .prepared()
                    .execute(db)
            })?;
        }
        self.advance_cursor(CursorKind::Search, &[], up_to_row)?;
        let indexed = self.indexed_row.get().unwrap_or(0).max(up_to_row);
        self.indexed_row.set(Some(indexed));
        Ok(())
    }

    /// A message has another time.
    pub(crate) fn move_in_search(&self, row_id: i64, sent_at_ns: i64) -> Result<(), StoreError> {
        let indexed = match self.indexed_row.get() {
            Some(indexed) => indexed,
            None => self.cursor(CursorKind::Search, &[])?,
        };
        self.indexed_row.set(Some(indexed));
        if row_id > indexed {
            return Ok(());
        }
        let id: Option<i64> = self.with(|db| {
            search_entries::table
                .find(row_id)
                .select(search_entries::id)
                .get_result(db)
                .optional()
        })?;
        if id.is_some_and(|id| id != first_slot(sent_at_ns)) {
            let id = self.free_slot(first_slot(sent_at_ns))?;
            self.with(|db| {
                diesel::update(search_entries::table.find(row_id))
                    .set(search_entries::id.eq(id))
                    .execute(db)
            })?;
        }
        Ok(())
    }

    /// The first number from this one on that no entry has.
    fn free_slot(&self, first: i64) -> Result<i64, StoreError> {
        self.with(|db| {
            let mut slot = first;
            let taken = search_entries::table
                .filter(search_entries::id.ge(first))
                .order(search_entries::id)
                .select(search_entries::id)
                .load_iter::<i64, diesel::connection::DefaultLoadingMode>(db)?;
            for taken in taken {
                if taken? != slot {
                    break;
                }
                slot = slot.saturating_add(1);
            }
            Ok(slot)
        })
    }
}

#[cfg(test)]
mod tests;
