//! Reading messages: by the options of a list call, and page by page for a window.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use crate::error::StoreError;
use crate::kinds::{Delivery, MessageKind};
use crate::message::Message;
use crate::schema::messages;
use crate::transaction::Reader;

/// Which messages of a conversation to read, and how (content-and-client.md 2.3). Rows whose
/// `expire_at_ns` is not after `now_ns` are never read. For a DM the messages of all groups with
/// its dm id are read.
#[derive(Debug, Clone, Default)]
pub struct MessageQuery {
    /// The conversation.
    pub conversation_id: Vec<u8>,
    /// The time now, in ns.
    pub now_ns: i64,
    /// Only those sent later, in ns.
    pub sent_after_ns: Option<i64>,
    /// Only those sent earlier, in ns.
    pub sent_before_ns: Option<i64>,
    /// Only those stored later, in ns.
    pub inserted_after_ns: Option<i64>,
    /// Only those stored earlier, in ns.
    pub inserted_before_ns: Option<i64>,
    /// Kinds to read; empty: all.
    pub kinds: Vec<MessageKind>,
    /// Deliveries to read; empty: all.
    pub delivery: Vec<Delivery>,
    /// Content type names to read; empty: all.
    pub content_types: Vec<String>,
    /// Content type names to leave out.
    pub exclude_content_types: Vec<String>,
    /// Senders to leave out.
    pub exclude_sender_inbox_ids: Vec<String>,
    /// Order by the time of storing instead of sending; the row breaks ties.
    pub by_insertion: bool,
    /// Newest first.
    pub descending: bool,
    /// At most so many.
    pub limit: Option<i64>,
}

/// A place between two messages, for paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessagePosition {
    /// The message's time, in ns.
    pub sent_at_ns: i64,
    /// The message's row.
    pub row_id: i64,
}

/// Which lines of a conversation to page through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// All that a conversation shows.
    All,
    /// What happened to the group: membership changes, and gaps.
    Changes,
    /// Messages that are files; not answers with a file.
    Files,
}

/// Which way to page from a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageDirection {
    /// Towards older messages.
    Older,
    /// Towards newer messages.
    Newer,
}

impl Message {
    /// The position of this message.
    #[must_use]
    pub fn position(&self) -> MessagePosition {
        MessagePosition {
            sent_at_ns: self.sent_at_ns,
            row_id: self.row_id,
        }
    }
}

type Boxed<'a> = messages::BoxedQuery<'a, Sqlite>;

fn not_expired(query: Boxed<'_>, now_ns: i64) -> Boxed<'_> {
    query.filter(
        messages::expire_at_ns
            .is_null()
            .or(messages::expire_at_ns.assume_not_null().gt(now_ns)),
    )
}

fn filtered<'a>(query: &'a MessageQuery, ids: &'a [Vec<u8>]) -> Boxed<'a> {
    let rows = messages::table
        .filter(messages::conversation_id.eq_any(ids))
        .into_boxed();
    let mut rows = not_expired(rows, query.now_ns);
    if let Some(after) = query.sent_after_ns {
        rows = rows.filter(messages::sent_at_ns.gt(after));
    }
    if let Some(before) = query.sent_before_ns {
        rows = rows.filter(messages::sent_at_ns.lt(before));
    }
    if let Some(after) = query.inserted_after_ns {
        rows = rows.filter(messages::inserted_at_ns.gt(after));
    }
    if let Some(before) = query.inserted_before_ns {
        rows = rows.filter(messages::inserted_at_ns.lt(before));
    }
    if !query.kinds.is_empty() {
        rows = rows.filter(messages::kind.eq_any(&query.kinds));
    }
    if !query.delivery.is_empty() {
        rows = rows.filter(messages::delivery.eq_any(&query.delivery));
    }
    if !query.content_types.is_empty() {
        rows = rows.filter(messages::type_id.eq_any(&query.content_types));
    }
    if !query.exclude_content_types.is_empty() {
        rows = rows.filter(messages::type_id.ne_all(&query.exclude_content_types));
    }
    if !query.exclude_sender_inbox_ids.is_empty() {
        rows = rows.filter(messages::sender_inbox_id.ne_all(&query.exclude_sender_inbox_ids));
    }
    rows
}

impl Reader {
    /// The messages a query asks for.
    pub fn messages(&self, query: &MessageQuery) -> Result<Vec<Message>, StoreError> {
        let ids = self.stitched_ids(&query.conversation_id)?;
        let rows = filtered(query, &ids);
        let mut rows = match (query.by_insertion, query.descending) {
            (false, false) => rows.order((messages::sent_at_ns.asc(), messages::row_id.asc())),
            (false, true) => rows.order((messages::sent_at_ns.desc(), messages::row_id.desc())),
            (true, false) => rows.order(messages::inserted_at_ns.asc()),
            (true, true) => rows.order(messages::inserted_at_ns.desc()),
        };
        if let Some(limit) = query.limit {
            rows = rows.limit(limit);
        }
        self.with(|db| rows.select(Message::as_select()).load(db))
    }

    /// How many messages a query asks for, without regard to its order and limit.
    pub fn count_messages(&self, query: &MessageQuery) -> Result<i64, StoreError> {
        let ids = self.stitched_ids(&query.conversation_id)?;
        self.with(|db| filtered(query, &ids).count().get_result(db))
    }

    /// A page of the lines of a conversation (all groups of a DM), from a position or, without
    /// one, from the newest or oldest line. The page is in ascending order either way.
    pub fn message_page(
        &self,
        conversation_id: &[u8],
        lines: Lines,
        from: Option<MessagePosition>,
        direction: PageDirection,
        limit: i64,
        now_ns: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let ids = self.stitched_ids(conversation_id)?;
        let rows = messages::table
            .filter(messages::conversation_id.eq_any(&ids))
            .filter(messages::visible.eq(true))
            .into_boxed();
        let mut rows = not_expired(rows, now_ns);
        // Written as constants, as the indexes `messages_changes` and `messages_files` have them.
        let chosen = match lines {
            Lines::All => None,
            Lines::Changes => Some("kind <> 1"),
            Lines::Files => Some(
                "type_id IN ('attachment', 'remoteStaticAttachment', 'multiRemoteStaticAttachment')",
            ),
        };
        if let Some(chosen) = chosen {
            rows = rows.filter(diesel::dsl::sql::<diesel::sql_types::Bool>(chosen));
        }
        // The first comparison is implied by the second; it is there for the index.
        rows = match direction {
            PageDirection::Older => {
                if let Some(MessagePosition { sent_at_ns, row_id }) = from {
                    rows = rows.filter(messages::sent_at_ns.le(sent_at_ns)).filter(
                        messages::sent_at_ns
                            .lt(sent_at_ns)
                            .or(messages::row_id.lt(row_id)),
                    );
                }
                rows.order((messages::sent_at_ns.desc(), messages::row_id.desc()))
            }
            PageDirection::Newer => {
                if let Some(MessagePosition { sent_at_ns, row_id }) = from {
                    rows = rows.filter(messages::sent_at_ns.ge(sent_at_ns)).filter(
                        messages::sent_at_ns
                            .gt(sent_at_ns)
                            .or(messages::row_id.gt(row_id)),
                    );
                }
                rows.order((messages::sent_at_ns.asc(), messages::row_id.asc()))
            }
        };
        let mut page: Vec<Message> =
            self.with(|db| rows.limit(limit).select(Message::as_select()).load(db))?;
        if direction == PageDirection::Older {
            page.reverse();
        }
        Ok(page)
    }
}
