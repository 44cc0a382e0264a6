//! What a node may answer.
//!
//! The checks are those without which a cursor, an order or an association of rows with requests
//! would be wrong (`node.md` 2.2, 2.5, 4.1). What is inside a row is the caller's to judge.

use std::collections::HashMap;

use conclave_proto::identity::api::v1::{get_identity_updates_response, get_inbox_ids_response};
use conclave_proto::mls::api::v1::{
    GroupMessage, PagingInfo, QueryCommitLogResponse, WelcomeMessage, group_message,
    welcome_message,
};
use conclave_proto::mls::message_contents::CommitLogEntry;

use crate::{LoggedUpdate, NetworkError, Page};

/// Ids and times must fit what databases keep: signed 64 bits (`node.md` 2.3).
fn fits(number: u64) -> bool {
    i64::try_from(number).is_ok()
}

/// As many answers as questions.
pub(crate) fn same_count(asked: usize, answered: usize) -> Result<(), NetworkError> {
    if asked == answered {
        Ok(())
    } else {
        Err(NetworkError::reply(format!(
            "{answered} answers to {asked} questions"
        )))
    }
}

/// The message inside the envelope.
pub(crate) fn group_message(message: GroupMessage) -> Result<group_message::V1, NetworkError> {
    let group_message::Version::V1(message) = message
        .version
        .ok_or_else(|| NetworkError::reply("a group message of an unknown version"))?;
    if message.id == 0 || !fits(message.id) || !fits(message.created_ns) {
        return Err(NetworkError::reply("a group message without a proper id"));
    }
    Ok(message)
}

/// The welcome or pointer inside the envelope.
pub(crate) fn welcome(message: WelcomeMessage) -> Result<welcome_message::Version, NetworkError> {
    let version = message
        .version
        .ok_or_else(|| NetworkError::reply("a welcome of an unknown version"))?;
    let (id, created_ns, _) = welcome_parts(&version);
    if id == 0 || !fits(id) || !fits(created_ns) {
        return Err(NetworkError::reply("a welcome without a proper id"));
    }
    Ok(version)
}

/// Id, time and topic.
pub(crate) fn welcome_parts(version: &welcome_message::Version) -> (u64, u64, &[u8]) {
    match version {
        welcome_message::Version::V1(welcome) => {
            (welcome.id, welcome.created_ns, &welcome.installation_key)
        }
        welcome_message::Version::WelcomePointer(pointer) => {
            (pointer.id, pointer.created_ns, &pointer.installation_key)
        }
    }
}

/// Rows of one topic, ids ascending and above the cursor, no more than asked for. `of_topic`
/// says whether a row belongs to it.
pub(crate) fn page<T>(
    items: Vec<T>,
    paging: Option<PagingInfo>,
    after_id: u64,
    limit: u32,
    id: impl Fn(&T) -> u64,
    of_topic: impl Fn(&T) -> bool,
) -> Result<Page<T>, NetworkError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() > limit {
        return Err(NetworkError::reply("a page longer than asked for"));
    }
    let mut last = after_id;
    for item in &items {
        if !of_topic(item) {
            return Err(NetworkError::reply("a row of another topic"));
        }
        if id(item) <= last {
            return Err(NetworkError::reply("ids that do not ascend"));
        }
        last = id(item);
    }
    // A node that knows of more gives a cursor and a full page; both must hold (node.md 2.5).
    let more = items.len() == limit && paging.is_some_and(|paging| paging.id_cursor != 0);
    Ok(Page { items, more })
}

/// The commit log of one group.
pub(crate) fn commit_log(
    response: QueryCommitLogResponse,
    group_id: &[u8],
    after_id: u64,
) -> Result<Page<CommitLogEntry>, NetworkError> {
    if response.group_id != group_id {
        return Err(NetworkError::reply("a commit log of another group"));
    }
    let entries = response.commit_log_entries;
    if !entries.iter().all(|entry| fits(entry.sequence_id)) {
        return Err(NetworkError::reply(
            "a commit log entry without a proper id",
        ));
    }
    page(
        entries,
        response.paging_info,
        after_id,
        crate::PAGE_LIMIT,
        |entry| entry.sequence_id,
        |_| true,
    )
}

/// The log of one inbox.
pub(crate) fn identity_log(
    response: get_identity_updates_response::Response,
    inbox_id: &str,
    after: u64,
) -> Result<Vec<LoggedUpdate>, NetworkError> {
    if response.inbox_id != inbox_id {
        return Err(NetworkError::reply("the log of another inbox"));
    }
    let mut last = after;
    response
        .updates
        .into_iter()
        .map(|entry| {
            if entry.sequence_id <= last || !fits(entry.sequence_id) {
                return Err(NetworkError::reply("identity updates that do not ascend"));
            }
            if !fits(entry.server_timestamp_ns) {
                return Err(NetworkError::reply(
                    "an identity update without a proper time",
                ));
            }
            last = entry.sequence_id;
            Ok(LoggedUpdate {
                sequence_id: entry.sequence_id,
                server_timestamp_ns: entry.server_timestamp_ns,
                update: entry
                    .update
                    .ok_or_else(|| NetworkError::reply("an identity update without content"))?,
            })
        })
        .collect()
}

/// The inbox of one identifier.
pub(crate) fn inbox_id(
    response: get_inbox_ids_response::Response,
    identifier: &str,
) -> Result<Option<String>, NetworkError> {
    if response.identifier != identifier {
        return Err(NetworkError::reply("the inbox of another identifier"));
    }
    match response.inbox_id {
        Some(id)
            if id.len() != 64
                || !id
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) =>
        {
            Err(NetworkError::reply("an inbox id that is none"))
        }
        id => Ok(id),
    }
}

/// Keeps the rows of a stream in order: per topic the highest id so far, beginning with the
/// cursor asked for. One entry per topic subscribed to.
pub(crate) struct Marks(HashMap<Vec<u8>, u64>);

impl Marks {
    pub(crate) fn new(topics: impl IntoIterator<Item = (Vec<u8>, u64)>) -> Self {
        Self(topics.into_iter().collect())
    }

    /// Whether the row is new. Repeated rows are legal and dropped (`node.md` 4.5).
    ///
    /// # Errors
    /// [`NetworkError::NodeReply`] for a row of a topic that was not subscribed to.
    pub(crate) fn advance(&mut self, topic: &[u8], id: u64) -> Result<bool, NetworkError> {
        let mark = self
            .0
            .get_mut(topic)
            .ok_or_else(|| NetworkError::reply("a row of another topic"))?;
        let new = id > *mark;
        if new {
            *mark = id;
        }
        Ok(new)
    }
}
