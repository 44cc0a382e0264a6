//! What the readers run.

use conclave_proto::identity::associations::RecoverableEd25519Signature;
use conclave_proto::mls::api::v1::group_message::V1 as GroupMessageV1;
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage, group_message};
use conclave_proto::mls::message_contents::CommitLogEntry;
use diesel::prelude::*;

use super::append::{account_kind, welcome_message};
use super::schema::{
    address_log, commit_log, group_messages, inbox_log, installations, welcome_messages,
};
use super::{bound, id};
use crate::limits::{PAGE_ROWS, REPLY_BYTES};
use crate::storage::{
    Account, Direction, InboxLogEntry, NewWelcome, Page, ReplayPosition, Replayed, Rows,
    StorageError, TopicCursor, WelcomeKind,
};

/// Topics that one part of a replay looks at, at most: bounds the time it holds a connection.
const REPLAY_TOPICS: usize = 1_000;

/// Bytes of rows in one part of a replay, about: bounds what waits for a slow subscriber.
const REPLAY_BYTES: usize = 4 * 1024 * 1024;

/// A row that knows its id and about how many bytes it is in a reply.
pub(super) trait Weighed {
    fn id(&self) -> u64;
    fn bytes(&self) -> usize;
}

/// Reads rows until the page is full or would grow beyond the reply's bytes.
fn collect<R, T>(
    rows: impl Iterator<Item = QueryResult<R>>,
    limit: u32,
    into: impl Fn(R) -> T,
) -> Result<Rows<T>, StorageError>
where
    T: Weighed,
{
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut page = Vec::new();
    let mut bytes = 0;
    let mut cut = false;
    for row in rows {
        let row = into(row?);
        bytes += row.bytes();
        // One row always fits: nothing larger can be stored than a request may carry.
        if bytes > REPLY_BYTES && !page.is_empty() {
            cut = true;
            break;
        }
        page.push(row);
    }
    let full = cut || page.len() >= limit;
    let next_cursor = page.last().filter(|_| full).map_or(0, Weighed::id);
    Ok(Rows {
        rows: page,
        next_cursor,
    })
}

type GroupMessageRow = (i64, i64, bool, bool, Vec<u8>, Vec<u8>, Vec<u8>);

fn group_message(
    (row_id, created_ns, is_commit, should_push, group_id, sender_hmac, data): GroupMessageRow,
) -> GroupMessage {
    GroupMessage {
        version: Some(group_message::Version::V1(GroupMessageV1 {
            id: id(row_id),
            created_ns: id(created_ns),
            group_id,
            data,
            sender_hmac,
            should_push,
            is_commit,
        })),
    }
}

impl Weighed for GroupMessage {
    fn id(&self) -> u64 {
        match &self.version {
            Some(group_message::Version::V1(v1)) => v1.id,
            None => 0,
        }
    }

    fn bytes(&self) -> usize {
        prost::Message::encoded_len(self)
    }
}

pub(super) fn group_messages(
    connection: &mut SqliteConnection,
    group_id: &[u8],
    page: Page,
) -> Result<Rows<GroupMessage>, StorageError> {
    let columns = (
        group_messages::id,
        group_messages::created_ns,
        group_messages::is_commit,
        group_messages::should_push,
        group_messages::group_id,
        group_messages::sender_hmac,
        group_messages::data,
    );
    let rows = group_messages::table
        .filter(group_messages::group_id.eq(group_id))
        .select(columns);
    let limit = i64::from(page.limit);
    match page.direction {
        Direction::Ascending => collect(
            rows.filter(group_messages::id.gt(bound(page.cursor)))
                .order(group_messages::id.asc())
                .limit(limit)
                .load_iter::<GroupMessageRow, _>(connection)?,
            page.limit,
            group_message,
        ),
        Direction::Descending => collect(
            rows.filter(group_messages::id.lt(below(page.cursor)))
                .order(group_messages::id.desc())
                .limit(limit)
                .load_iter::<GroupMessageRow, _>(connection)?,
            page.limit,
            group_message,
        ),
    }
}

/// The bound of a descending page: cursor 0 means none.
fn below(cursor: u64) -> i64 {
    if cursor == 0 { i64::MAX } else { bound(cursor) }
}

type WelcomeRow = (i64, i64, i32, i32, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

fn welcome(
    (
        row_id,
        created_ns,
        kind,
        wrapper_algorithm,
        installation_key,
        hpke_public_key,
        welcome_metadata,
        data,
    ): WelcomeRow,
) -> WelcomeMessage {
    let kind = match kind {
        1 => WelcomeKind::Pointer,
        _ => WelcomeKind::Welcome,
    };
    let stored = NewWelcome {
        kind,
        installation_key,
        data,
        hpke_public_key,
        wrapper_algorithm,
        welcome_metadata,
    };
    welcome_message(id(row_id), id(created_ns), stored)
}

impl Weighed for WelcomeMessage {
    fn id(&self) -> u64 {
        use conclave_proto::mls::api::v1::welcome_message::Version;
        match &self.version {
            Some(Version::V1(v1)) => v1.id,
            Some(Version::WelcomePointer(pointer)) => pointer.id,
            None => 0,
        }
    }

    fn bytes(&self) -> usize {
        prost::Message::encoded_len(self)
    }
}

pub(super) fn welcomes(
    connection: &mut SqliteConnection,
    installation_key: &[u8],
    page: Page,
) -> Result<Rows<WelcomeMessage>, StorageError> {
    let columns = (
        welcome_messages::id,
        welcome_messages::created_ns,
        welcome_messages::kind,
        welcome_messages::wrapper_algorithm,
        welcome_messages::installation_key,
        welcome_messages::hpke_public_key,
        welcome_messages::welcome_metadata,
        welcome_messages::data,
    );
    let rows = welcome_messages::table
        .filter(welcome_messages::installation_key.eq(installation_key))
        .select(columns);
    let limit = i64::from(page.limit);
    match page.direction {
        Direction::Ascending => collect(
            rows.filter(welcome_messages::id.gt(bound(page.cursor)))
                .order(welcome_messages::id.asc())
                .limit(limit)
                .load_iter::<WelcomeRow, _>(connection)?,
            page.limit,
            welcome,
        ),
        Direction::Descending => collect(
            rows.filter(welcome_messages::id.lt(below(page.cursor)))
                .order(welcome_messages::id.desc())
                .limit(limit)
                .load_iter::<WelcomeRow, _>(connection)?,
            page.limit,
            welcome,
        ),
    }
}

/// Reads on from `position`, page by page and topic by topic, until one part is full.
pub(super) fn replay<T: Weighed>(
    topics: &[TopicCursor],
    mut position: ReplayPosition,
    mut read: impl FnMut(&[u8], Page) -> Result<Rows<T>, StorageError>,
) -> Result<Replayed<T>, StorageError> {
    let mut rows: Vec<T> = Vec::new();
    let mut bytes = 0;
    for _ in 0..REPLAY_TOPICS {
        let Some(topic) = topics.get(position.topic) else {
            return Ok(Replayed { rows, next: None });
        };
        let page = Page {
            direction: Direction::Ascending,
            limit: PAGE_ROWS,
            cursor: position.cursor.unwrap_or(topic.cursor),
        };
        let mut read = read(&topic.topic, page)?;
        position = match read.next_cursor {
            0 => ReplayPosition {
                topic: position.topic + 1,
                cursor: None,
            },
            cursor => ReplayPosition {
                topic: position.topic,
                cursor: Some(cursor),
            },
        };
        bytes += read.rows.iter().map(Weighed::bytes).sum::<usize>();
        rows.append(&mut read.rows);
        if rows.len() >= usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX) || bytes >= REPLAY_BYTES {
            break;
        }
    }
    Ok(Replayed {
        rows,
        next: Some(position),
    })
}

/// Adds up a reply that cannot be cut.
#[derive(Default)]
struct Budget(usize);

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.0 += bytes;
        if self.0 > REPLY_BYTES {
            return Err(StorageError::ReplyTooLarge);
        }
        Ok(())
    }
}

pub(super) fn newest_group_messages(
    connection: &mut SqliteConnection,
    group_ids: Vec<Vec<u8>>,
    include_content: bool,
) -> Result<Vec<Option<GroupMessage>>, StorageError> {
    let newest = Page {
        direction: Direction::Descending,
        limit: 1,
        cursor: 0,
    };
    let mut budget = Budget::default();
    let mut replies = Vec::with_capacity(group_ids.len());
    for group_id in group_ids {
        let message = if include_content {
            group_messages(connection, &group_id, newest)?.rows.pop()
        } else {
            newest_metadata(connection, group_id)?
        };
        budget.spend(message.as_ref().map_or(0, Weighed::bytes))?;
        replies.push(message);
    }
    Ok(replies)
}

fn newest_metadata(
    connection: &mut SqliteConnection,
    group_id: Vec<u8>,
) -> Result<Option<GroupMessage>, StorageError> {
    let row: Option<(i64, i64, bool)> = group_messages::table
        .filter(group_messages::group_id.eq(&group_id))
        .select((
            group_messages::id,
            group_messages::created_ns,
            group_messages::is_commit,
        ))
        .order(group_messages::id.desc())
        .first(connection)
        .optional()?;
    Ok(row.map(|(row_id, created_ns, is_commit)| GroupMessage {
        version: Some(group_message::Version::V1(GroupMessageV1 {
            id: id(row_id),
            created_ns: id(created_ns),
            group_id,
            is_commit,
            ..GroupMessageV1::default()
        })),
    }))
}

pub(super) fn key_packages(
    connection: &mut SqliteConnection,
    installation_keys: &[Vec<u8>],
) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
    let mut budget = Budget::default();
    let mut replies = Vec::with_capacity(installation_keys.len());
    for key in installation_keys {
        let key_package: Option<Vec<u8>> = installations::table
            .find(key)
            .select(installations::key_package)
            .first(connection)
            .optional()?;
        budget.spend(key_package.as_ref().map_or(0, Vec::len))?;
        replies.push(key_package);
    }
    Ok(replies)
}

type CommitLogRow = (i64, Vec<u8>, Vec<u8>, Vec<u8>);

fn commit_log_entry((row_id, entry, bytes, public_key): CommitLogRow) -> CommitLogEntry {
    CommitLogEntry {
        sequence_id: id(row_id),
        serialized_commit_log_entry: entry,
        signature: Some(RecoverableEd25519Signature { bytes, public_key }),
    }
}

impl Weighed for CommitLogEntry {
    fn id(&self) -> u64 {
        self.sequence_id
    }

    fn bytes(&self) -> usize {
        prost::Message::encoded_len(self)
    }
}

pub(super) fn commit_logs(
    connection: &mut SqliteConnection,
    requests: &[(Vec<u8>, Page)],
) -> Result<Vec<Rows<CommitLogEntry>>, StorageError> {
    let mut budget = Budget::default();
    let mut replies = Vec::with_capacity(requests.len());
    for (group_id, page) in requests {
        let rows = collect(
            commit_log::table
                .filter(commit_log::group_id.eq(group_id))
                .filter(commit_log::id.gt(bound(page.cursor)))
                .select((
                    commit_log::id,
                    commit_log::entry,
                    commit_log::signature,
                    commit_log::signer,
                ))
                .order(commit_log::id.asc())
                .limit(i64::from(page.limit))
                .load_iter::<CommitLogRow, _>(connection)?,
            page.limit,
            commit_log_entry,
        )?;
        budget.spend(rows.rows.iter().map(Weighed::bytes).sum())?;
        replies.push(rows);
    }
    Ok(replies)
}

pub(super) fn inbox_logs(
    connection: &mut SqliteConnection,
    requests: &[(Vec<u8>, u64)],
) -> Result<Vec<Vec<InboxLogEntry>>, StorageError> {
    let mut budget = Budget::default();
    let mut replies = Vec::with_capacity(requests.len());
    for (inbox_id, after) in requests {
        let rows = inbox_log::table
            .filter(inbox_log::inbox_id.eq(inbox_id))
            .filter(inbox_log::sequence_id.gt(bound(*after)))
            .select((
                inbox_log::sequence_id,
                inbox_log::server_timestamp_ns,
                inbox_log::identity_update,
            ))
            .order(inbox_log::sequence_id.asc())
            .load_iter::<(i64, i64, Vec<u8>), _>(connection)?;
        let mut log = Vec::new();
        for row in rows {
            let (sequence_id, server_timestamp_ns, update) = row?;
            budget.spend(update.len())?;
            log.push(InboxLogEntry {
                sequence_id: id(sequence_id),
                server_timestamp_ns: id(server_timestamp_ns),
                update,
            });
        }
        replies.push(log);
    }
    Ok(replies)
}

pub(super) fn inbox_ids(
    connection: &mut SqliteConnection,
    accounts: &[Account],
) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
    let mut replies = Vec::with_capacity(accounts.len());
    for account in accounts {
        let newest: Option<Vec<u8>> = address_log::table
            .filter(address_log::address.eq(&account.text))
            .filter(address_log::kind.eq(account_kind(account.kind)))
            .filter(address_log::revocation_sequence_id.is_null())
            .select(address_log::inbox_id)
            .order(address_log::association_sequence_id.desc())
            .first(connection)
            .optional()?;
        replies.push(newest);
    }
    Ok(replies)
}
