//! Searching everything that can be read, and the work that keeps the index close to the messages.
//!
//! What is typed: words, all of which have to be there, the last of them perhaps only begun;
//! `"words in a row"`; `from:` an address, an inbox id, the beginning of one, or `me`; `in:` a part
//! of a group's name, a conversation's id or the person of a direct message; `before:2026-11-01` and
//! `after:2026-11-01`, both without that day. Days are those of the person's clock: the caller hands
//! in its distance from UTC. Values with spaces stand in quotes: `in:"Tea club"`.

use std::{sync::Arc, time::Duration};

use conclave_content::{Body, Origin};
use conclave_identity::Identifier;
use conclave_store::{
    Reader, StoreError,
    conversation::ConversationQuery,
    kinds::{ConversationKind, MessageKind},
    message::Message,
    search::{
        MAX_FILTERED, MAX_HITS, MAX_TERMS, SearchEntry, SearchHit, SearchQuery, SearchTerm,
        is_searchable,
    },
};
use time::{Date, Month};

use crate::{
    client::{Client, Core},
    error::EngineError,
    event::Event,
};

/// Longest search, in characters.
const MAX_QUERY_CHARS: usize = 1000;
/// Shortest beginning of an address or inbox id that stands for it, in characters.
const MIN_BEGINNING_CHARS: usize = 4;
/// Rows indexed in one transaction: it takes some milliseconds, for which a message that is sent
/// meanwhile has to wait.
const INDEXED_AT_ONCE: i64 = 100;
/// Rows that a search waits for; of more it finds what is indexed, and the rest later.
const INDEXED_FOR_SEARCH: i64 = 2000;
/// Pause between a message and its indexing, so that many go in together.
const GATHER: Duration = Duration::from_secs(1);
const SECONDS_PER_DAY: i64 = 86_400;
const NS_PER_SECOND: i64 = 1_000_000_000;

/// A search as a person typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Words and filters.
    pub query: String,
    /// Only in this conversation, all groups of a direct message included.
    pub conversation_id: Option<Vec<u8>>,
    /// Most results; brought into 1 to 100.
    pub limit: usize,
    /// Continue after this position of an earlier page.
    pub after: Option<i64>,
    /// How far the person's clock is ahead of UTC, in minutes; for days.
    pub utc_offset_minutes: i32,
}

/// A page of results, the newest first.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    /// The messages.
    pub hits: Vec<SearchHit>,
    /// Where the next page continues; `None` if this is the last.
    pub next: Option<i64>,
    /// Why nothing could be searched for, in a sentence.
    pub problem: Option<String>,
}

/// What was typed, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    terms: Vec<SearchTerm>,
    from: Vec<String>,
    within: Vec<String>,
    from_ns: Option<i64>,
    until_ns: Option<i64>,
}

/// A word or a quoted text, after `filter:` or without one.
struct Piece {
    filter: Option<Filter>,
    text: String,
    is_quoted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    From,
    In,
    Before,
    After,
}

impl Filter {
    const ALL: [(Self, &'static str); 4] = [
        (Self::From, "from:"),
        (Self::In, "in:"),
        (Self::Before, "before:"),
        (Self::After, "after:"),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(filter, _)| *filter == self)
            .map_or("", |(_, name)| name)
    }

    /// Takes a filter from the beginning of a word.
    fn strip(word: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|(filter, name)| {
            let (head, rest) = word.split_at_checked(name.len())?;
            head.eq_ignore_ascii_case(name).then_some((filter, rest))
        })
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// Cuts what was typed into words and quoted texts.
fn pieces(query: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (filter, value) = match Filter::strip(rest) {
            Some((filter, value)) => (Some(filter), value),
            None => (None, rest),
        };
        let quoted = value.strip_prefix(is_quote);
        let (text, after) = match quoted {
            // One that is not closed yet goes to the end.
            Some(value) => value.split_once(is_quote).unwrap_or((value, "")),
            None => value.split_at(
                value
                    .find(|c: char| c.is_whitespace() || is_quote(c))
                    .unwrap_or(value.len()),
            ),
        };
        pieces.push(Piece {
            filter,
            text: text.trim().to_owned(),
            is_quoted: quoted.is_some(),
        });
        rest = after.trim_start();
    }
    pieces
}

/// Reads what was typed; a sentence for the person where it can't be read.
fn read(query: &str, utc_offset_minutes: i32) -> Result<Typed, String> {
    if query.chars().count() > MAX_QUERY_CHARS {
        return Err(format!(
            "The search is longer than {MAX_QUERY_CHARS} characters. Shorten it."
        ));
    }
    let mut typed = Typed::default();
    let pieces = pieces(query);
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.into_iter().enumerate() {
        let Piece {
            filter,
            text,
            is_quoted,
        } = piece;
        let Some(filter) = filter else {
            if is_searchable(&text) {
                // One letter begins so many words that it is taken as a word of its own.
                let is_begun = index == last && !is_quoted && text.chars().nth(1).is_some();
                typed.terms.push(if is_begun {
                    SearchTerm::Prefix(text)
                } else {
                    SearchTerm::Phrase(text)
                });
            }
            continue;
        };
        if text.is_empty() {
            return Err(format!(
                "Write {} after {}",
                match filter {
                    Filter::From => "an address, an inbox id or “me”",
                    Filter::In => "the name of a conversation",
                    Filter::Before | Filter::After => "a day like 2026-11-01",
                },
                filter.name()
            ));
        }
        match filter {
            Filter::From => typed.from.push(text),
            Filter::In => typed.within.push(text),
            Filter::Before | Filter::After => {
                let start_ns = day_start_ns(&text, utc_offset_minutes).ok_or_else(|| {
                    let name = filter.name();
                    format!("“{text}” is no day. Write {name} and a day like 2026-11-01.")
                })?;
                if filter == Filter::Before {
                    let until = typed.until_ns.map_or(start_ns, |ns| ns.min(start_ns));
                    typed.until_ns = Some(until);
                } else {
                    let end_ns = start_ns.saturating_add(SECONDS_PER_DAY * NS_PER_SECOND);
                    let from = typed.from_ns.map_or(end_ns, |ns| ns.max(end_ns));
                    typed.from_ns = Some(from);
                }
            }
        }
    }
    if typed.terms.len() > MAX_TERMS {
        return Err(format!(
            "The search has more than {MAX_TERMS} words. Leave some out."
        ));
    }
    Ok(typed)
}

/// When a day like 2026-11-01 begins by a clock that is so far ahead of UTC, in ns.
fn day_start_ns(text: &str, utc_offset_minutes: i32) -> Option<i64> {
    let mut fields = text.split('-');
    let mut field = |digits: usize| {
        let field = fields.next().filter(|field| field.len() == digits)?;
        let is_number = field.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| field.parse::<i64>().ok()).flatten()
    };
    let (year, month, day) = (field(4)?, field(2)?, field(2)?);
    if fields.next().is_some() || year < 1970 {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let (year, day) = (i32::try_from(year).ok()?, u8::try_from(day).ok()?);
    let midnight = Date::from_calendar_date(year, month, day).ok()?.midnight();
    let seconds = midnight.assume_utc().unix_timestamp() - i64::from(utc_offset_minutes) * 60;
    seconds.checked_mul(NS_PER_SECOND)
}

/// What of a message can be found: what a person reads of it.
fn entry_of(message: &Message) -> Option<SearchEntry> {
    let is_gone = message.deleted_by_inbox_id.is_some();
    if message.kind != MessageKind::Application || !message.visible || is_gone {
        return None;
    }
    let text = match Body::decode(&message.content, Origin::Member).1 {
        Body::Unsupported { fallback: None } => return None,
        body => body.text().into_owned(),
    };
    is_searchable(&text).then(|| SearchEntry {
        row_id: message.row_id,
        sent_at_ns: message.sent_at_ns,
        conversation_id: message.conversation_id.clone(),
        sender_inbox_id: message.sender_inbox_id.clone(),
        text,
    })
}

/// The inboxes that a value of `from:` stands for.
fn people(reader: &Reader, who: &str, own: &str) -> Result<Vec<String>, StoreError> {
    let who = who.to_lowercase();
    if who == "me" {
        return Ok(vec![own.to_owned()]);
    }
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = who.strip_prefix("0x").unwrap_or(&who);
    if who.len() < MIN_BEGINNING_CHARS || !is_hex(digits) {
        return Ok(Vec::new());
    }
    let beginning = match Identifier::ethereum(&who) {
        Ok(address) => address.to_string(),
        Err(_) => who,
    };
    let limit = i64::try_from(MAX_FILTERED).unwrap_or(i64::MAX);
    reader.inboxes_beginning_with(&beginning, limit)
}

/// The conversations that a value of `in:` stands for, duplicates of direct messages included.
fn conversations(reader: &Reader, name: &str, own: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let peers = people(reader, name, own)?;
    let name = name.to_lowercase();
    let all = reader.conversations(&ConversationQuery {
        include_duplicate_dms: true,
        ..ConversationQuery::default()
    })?;
    let found = all.into_iter().map(|entry| entry.conversation);
    Ok(found
        .filter(|conversation| {
            let is_named = conversation.kind == ConversationKind::Group
                && conversation.name.to_lowercase().contains(&name);
            let is_with = conversation
                .peer_inbox_id
                .as_ref()
                .is_some_and(|peer| peers.contains(peer));
            let has_id = name.len() >= MIN_BEGINNING_CHARS
                && hex::encode(&conversation.id).starts_with(&name);
            is_named || is_with || has_id
        })
        .map(|conversation| conversation.id)
        .take(MAX_FILTERED)
        .collect())
}

/// Keeps what is in both, or all of the one that is there.
fn both<T: PartialEq>(one: Option<Vec<T>>, other: Vec<T>) -> Option<Vec<T>> {
    Some(match one {
        None => other,
        Some(one) => one.into_iter().filter(|t| other.contains(t)).collect(),
    })
}

/// Turns what was typed into what the store searches for; a sentence where it stands for nothing.
fn resolve(
    reader: &Reader,
    typed: Typed,
    search: &Search,
    own: &str,
    now_ns: i64,
) -> Result<Result<SearchQuery, String>, EngineError> {
    let mut sender_inbox_ids = None;
    for who in &typed.from {
        let found = people(reader, who, own)?;
        if found.is_empty() {
            return Ok(Err(format!(
                "Nobody here is known as “{who}”. Write from: and an address, an inbox id, the first {MIN_BEGINNING_CHARS} characters of one, or “me”."
            )));
        }
        sender_inbox_ids = both(sender_inbox_ids, found);
    }
    let mut conversation_ids = match &search.conversation_id {
        None => None,
        Some(id) => {
            reader
                .conversation(id)?
                .ok_or(EngineError::UnknownConversation)?;
            Some(reader.stitched_ids(id)?)
        }
    };
    for name in &typed.within {
        let found = conversations(reader, name, own)?;
        if found.is_empty() {
            return Ok(Err(format!(
                "No conversation here is called “{name}”. Write in: and a part of its name, its id, or the address of the person you write with."
            )));
        }
        conversation_ids = both(conversation_ids, found);
    }
    Ok(Ok(SearchQuery {
        terms: typed.terms,
        conversation_ids,
        sender_inbox_ids,
        from_ns: typed.from_ns,
        until_ns: typed.until_ns,
        after: search.after,
        limit: i64::try_from(search.limit).map_or(MAX_HITS, |limit| limit.clamp(1, MAX_HITS)),
        now_ns,
    }))
}

impl Client {
    /// Searches what people can read, the newest messages first. Nothing of blocked conversations
    /// is found, unless the search is for one of them.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`]. A search that can't be read is no error but
    /// [`SearchPage::problem`].
    pub async fn search(&self, search: Search) -> Result<SearchPage, EngineError> {
        let typed = match read(&search.query, search.utc_offset_minutes) {
            Ok(typed) => typed,
            Err(problem) => return Ok(SearchPage::problem(problem)),
        };
        if typed == Typed::default() {
            return Ok(SearchPage::default());
        }
        self.0.index_messages(INDEXED_FOR_SEARCH).await?;
        let (own, now_ns) = (self.0.account.inbox_id.clone(), self.0.clock.now_ns());
        self.0
            .store
            .read(move |reader| {
                let query = match resolve(reader, typed, &search, &own, now_ns)? {
                    Ok(query) => query,
                    Err(problem) => return Ok(SearchPage::problem(problem)),
                };
                let hits = reader.search(&query)?;
                let is_full = i64::try_from(hits.len()).unwrap_or(MAX_HITS) >= query.limit;
                Ok(SearchPage {
                    next: hits.last().filter(|_| is_full).map(|hit| hit.position),
                    hits,
                    problem: None,
                })
            })
            .await
    }
}

impl SearchPage {
    fn problem(problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
    }
}

impl Core {
    /// Puts messages that are not in the search index yet into it, at most about so many. Whether
    /// all are in it then.
    pub(crate) async fn index_messages(&self, at_most: i64) -> Result<bool, EngineError> {
        let waiting = self.store.read(|reader| reader.unindexed_count()).await?;
        if waiting == 0 {
            return Ok(true);
        }
        let mut indexed = 0;
        while indexed < at_most {
            let more = self
                .store
                .write(|tx| {
                    let messages = tx.unindexed_messages(INDEXED_AT_ONCE)?;
                    if let Some(last) = messages.last() {
                        let entries = messages.iter().filter_map(entry_of).collect();
                        tx.index_messages(last.row_id, entries)?;
                    }
                    Ok::<_, StoreError>(messages.len())
                })
                .await?;
            let more = i64::try_from(more).unwrap_or(INDEXED_AT_ONCE);
            indexed += more;
            if more < INDEXED_AT_ONCE {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Keeps the index close to the messages, also where there is no network.
pub(crate) async fn work(core: Arc<Core>) {
    use tokio::sync::broadcast::error::RecvError;
    let mut events = core.events.subscribe();
    loop {
        match core.index_messages(INDEXED_FOR_SEARCH).await {
            Ok(true) => {}
            Ok(false) => {
                // Others write meanwhile; an index made anew is no reason to let them wait.
                tokio::task::yield_now().await;
                continue;
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "messages were not indexed for search");
                tokio::time::sleep(GATHER).await;
            }
        }
        loop {
            match events.recv().await {
                Ok(Event::Messages { .. }) | Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
        tokio::time::sleep(GATHER).await;
        // What came meanwhile is indexed now as well.
        while events.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrase(text: &str) -> SearchTerm {
        SearchTerm::Phrase(text.into())
    }

    #[test]
    fn words_quotes_and_filters_are_told_apart() {
        let query = "tea \"green or black\" From:me in:\"Tea club\" from:0xabc ca";
        let typed = read(query, 0).unwrap();
        let expected = Typed {
            terms: vec![
                phrase("tea"),
                phrase("green or black"),
                SearchTerm::Prefix("ca".into()),
            ],
            from: vec!["me".into(), "0xabc".into()],
            within: vec!["Tea club".into()],
            ..Typed::default()
        };
        assert_eq!(typed, expected);
        // The last word is whole where a quote or a filter says so.
        assert_eq!(read("\"tea\"", 0).unwrap().terms, [phrase("tea")]);
        assert_eq!(read("tea from:me", 0).unwrap().terms, [phrase("tea")]);
        let one_letter = read("vitamin c", 0).unwrap();
        assert_eq!(one_letter.terms, [phrase("vitamin"), phrase("c")]);
        // One quote is enough, and colons are no filters by themselves.
        assert_eq!(
            read("„tea for two", 0).unwrap().terms,
            [phrase("tea for two")]
        );
        let url = read("https://example.com", 0).unwrap();
        assert_eq!(
            url.terms,
            [SearchTerm::Prefix("https://example.com".into())]
        );
        assert_eq!(read("  ... \"\" ", 0).unwrap(), Typed::default());
    }

    #[test]
    fn days_are_those_of_the_persons_clock() {
        let hour = 3600 * NS_PER_SECOND;
        let day = 24 * hour;
        let typed = read("before:1970-01-03 after:1970-01-01", 120).unwrap();
        assert_eq!(typed.until_ns, Some(2 * day - 2 * hour));
        assert_eq!(typed.from_ns, Some(day - 2 * hour));
        // The narrowest of several counts.
        let typed = read("before:1970-01-03 before:1970-01-02", 0).unwrap();
        assert_eq!(typed.until_ns, Some(day));
        for (text, days) in [
            ("2000-02-29", 11_016),
            ("2026-11-01", 20_758),
            ("1970-01-01", 0),
            ("2100-03-01", 47_541),
        ] {
            assert_eq!(day_start_ns(text, 0), Some(days * day), "{text}");
        }
    }

    #[test]
    fn bad_filters_get_a_sentence() {
        for (query, part) in [
            ("before:yesterday", "“yesterday” is no day"),
            ("after:2026-02-29", "is no day"),
            ("after:2026-1-1", "like 2026-11-01"),
            ("after:2026-13-01", "is no day"),
            ("from:", "Write an address"),
            ("in:\"\" tea", "name of a conversation"),
            (&"x".repeat(MAX_QUERY_CHARS + 1), "Shorten it"),
            (&"x ".repeat(MAX_TERMS + 1), "Leave some out"),
        ] {
            let problem = read(query, 0).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn anything_typed_is_read(query in "\\PC{0,60}", offset in any::<i32>()) {
            let _ = read(&query, offset);
            let _ = read(&format!("before:{query} \"{query}"), offset);
        }
    }
}
