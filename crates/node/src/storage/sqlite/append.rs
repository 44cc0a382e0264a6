//! What the writer does inside its transaction.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_proto::mls::api::v1::group_message::V1 as GroupMessageV1;
use conclave_proto::mls::api::v1::welcome_message::{V1 as WelcomeV1, WelcomePointer};
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage, group_message, welcome_message};
use diesel::prelude::*;
use diesel::upsert::excluded;
use sha2::{Digest, Sha256};

use super::schema::{
    address_log, commit_log, group_messages, inbox_log, installations, welcome_messages,
};
use super::writer::Stored;
use super::{bound, id};
use crate::live::Row;
use crate::storage::{
    Account, AccountKind, Appended, NewCommitLogEntry, NewGroupMessage, NewIdentityUpdate,
    NewKeyPackage, NewWelcome, StorageError, WelcomeKind,
};

/// Nanoseconds since 1970, below 2^63 until the year 2262; 0 for a clock before 1970.
fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// The time of a message: later than that of every message before it, also where the clock stands
/// still or is set back. Clients order what they show by it, and must all come to the same order.
fn stamp_ns() -> i64 {
    static NEWEST: AtomicI64 = AtomicI64::new(0);
    let now = now_ns();
    let before = NEWEST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| {
            Some(now.max(newest + 1))
        })
        .unwrap_or(now);
    now.max(before + 1)
}

/// Key under which a resend is recognised (`node.md` 3.1, 3.2).
fn digest(topic: &[u8], data: &[u8]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(topic);
    hasher.update(data);
    hasher.finalize().to_vec()
}

pub(super) fn group_messages(
    connection: &mut SqliteConnection,
    stored: &mut Stored,
    messages: Vec<NewGroupMessage>,
) -> Result<(), StorageError> {
    for message in messages {
        let created_ns = stamp_ns();
        let inserted: Option<i64> = diesel::insert_into(group_messages::table)
            .values((
                group_messages::created_ns.eq(created_ns),
                group_messages::is_commit.eq(message.is_commit),
                group_messages::retain.eq(message.retain),
                group_messages::should_push.eq(message.should_push),
                group_messages::group_id.eq(&message.group_id),
                group_messages::digest.eq(digest(&message.group_id, &message.data)),
                group_messages::sender_hmac.eq(&message.sender_hmac),
                group_messages::data.eq(&message.data),
            ))
            .on_conflict(group_messages::digest)
            .do_nothing()
            .returning(group_messages::id)
            .get_result(connection)
            .optional()?;
        let Some(inserted) = inserted else { continue };
        stored.group_messages.push(Row {
            id: id(inserted),
            topic: message.group_id.clone(),
            message: GroupMessage {
                version: Some(group_message::Version::V1(GroupMessageV1 {
                    id: id(inserted),
                    created_ns: id(created_ns),
                    group_id: message.group_id,
                    data: message.data,
                    sender_hmac: message.sender_hmac,
                    should_push: message.should_push,
                    is_commit: message.is_commit,
                })),
            },
        });
    }
    Ok(())
}

/// Number of a kind of welcome in the database.
pub(super) fn welcome_kind(kind: WelcomeKind) -> i32 {
    match kind {
        WelcomeKind::Welcome => 0,
        WelcomeKind::Pointer => 1,
    }
}

/// Number of a kind of account in the database: that of the protocol.
pub(super) fn account_kind(kind: AccountKind) -> i32 {
    match kind {
        AccountKind::Ethereum => 1,
        AccountKind::Passkey => 2,
    }
}

pub(super) fn welcomes(
    connection: &mut SqliteConnection,
    stored: &mut Stored,
    welcomes: Vec<NewWelcome>,
) -> Result<(), StorageError> {
    for welcome in welcomes {
        let created_ns = now_ns();
        let inserted: Option<i64> = diesel::insert_into(welcome_messages::table)
            .values((
                welcome_messages::created_ns.eq(created_ns),
                welcome_messages::kind.eq(welcome_kind(welcome.kind)),
                welcome_messages::wrapper_algorithm.eq(welcome.wrapper_algorithm),
                welcome_messages::installation_key.eq(&welcome.installation_key),
                welcome_messages::digest.eq(digest(&welcome.installation_key, &welcome.data)),
                welcome_messages::hpke_public_key.eq(&welcome.hpke_public_key),
                welcome_messages::welcome_metadata.eq(&welcome.welcome_metadata),
                welcome_messages::data.eq(&welcome.data),
            ))
            .on_conflict(welcome_messages::digest)
            .do_nothing()
            .returning(welcome_messages::id)
            .get_result(connection)
            .optional()?;
        let Some(inserted) = inserted else { continue };
        stored.welcomes.push(Row {
            id: id(inserted),
            topic: welcome.installation_key.clone(),
            message: welcome_message(id(inserted), id(created_ns), welcome),
        });
    }
    Ok(())
}

/// A welcome as clients read it.
pub(super) fn welcome_message(id: u64, created_ns: u64, welcome: NewWelcome) -> WelcomeMessage {
    let version = match welcome.kind {
        WelcomeKind::Welcome => welcome_message::Version::V1(WelcomeV1 {
            id,
            created_ns,
            installation_key: welcome.installation_key,
            data: welcome.data,
            hpke_public_key: welcome.hpke_public_key,
            wrapper_algorithm: welcome.wrapper_algorithm,
            welcome_metadata: welcome.welcome_metadata,
        }),
        WelcomeKind::Pointer => welcome_message::Version::WelcomePointer(WelcomePointer {
            id,
            created_ns,
            installation_key: welcome.installation_key,
            welcome_pointer: welcome.data,
            hpke_public_key: welcome.hpke_public_key,
            wrapper_algorithm: welcome.wrapper_algorithm,
        }),
    };
    WelcomeMessage {
        version: Some(version),
    }
}

pub(super) fn key_package(
    connection: &mut SqliteConnection,
    new: &NewKeyPackage,
) -> Result<(), StorageError> {
    let now = now_ns();
    diesel::insert_into(installations::table)
        .values((
            installations::installation_key.eq(&new.installation_key),
            installations::created_ns.eq(now),
            installations::updated_ns.eq(now),
            installations::key_package.eq(&new.key_package),
        ))
        .on_conflict(installations::installation_key)
        .do_update()
        .set((
            installations::updated_ns.eq(excluded(installations::updated_ns)),
            installations::key_package.eq(excluded(installations::key_package)),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn commit_log(
    connection: &mut SqliteConnection,
    entries: &[NewCommitLogEntry],
) -> Result<(), StorageError> {
    for new in entries {
        diesel::insert_into(commit_log::table)
            .values((
                commit_log::created_ns.eq(now_ns()),
                commit_log::group_id.eq(&new.group_id),
                commit_log::entry.eq(&new.entry),
                commit_log::signature.eq(&new.signature),
                commit_log::signer.eq(&new.signer),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn identity_update(
    connection: &mut SqliteConnection,
    new: &NewIdentityUpdate,
) -> Result<Appended, StorageError> {
    let last: Option<i64> = inbox_log::table
        .filter(inbox_log::inbox_id.eq(&new.inbox_id))
        .select(inbox_log::sequence_id)
        .order(inbox_log::sequence_id.desc())
        .first(connection)
        .optional()?;
    if last.unwrap_or(0) != bound(new.after) {
        return Ok(Appended::Outdated);
    }
    let sequence_id: i64 = diesel::insert_into(inbox_log::table)
        .values((
            inbox_log::inbox_id.eq(&new.inbox_id),
            inbox_log::server_timestamp_ns.eq(now_ns()),
            inbox_log::identity_update.eq(&new.update),
        ))
        .returning(inbox_log::sequence_id)
        .get_result(connection)?;
    for account in &new.added {
        diesel::insert_into(address_log::table)
            .values((
                address_log::kind.eq(account_kind(account.kind)),
                address_log::address.eq(&account.text),
                address_log::inbox_id.eq(&new.inbox_id),
                address_log::association_sequence_id.eq(sequence_id),
            ))
            .execute(connection)?;
    }
    for account in &new.removed {
        revoke(connection, &new.inbox_id, account, sequence_id)?;
    }
    Ok(Appended::Stored(id(sequence_id)))
}

/// Marks the newest row of the account in this inbox as revoked (`node.md` 3.4).
fn revoke(
    connection: &mut SqliteConnection,
    inbox_id: &[u8],
    account: &Account,
    sequence_id: i64,
) -> Result<(), StorageError> {
    let newest: Option<i64> = address_log::table
        .filter(address_log::address.eq(&account.text))
        .filter(address_log::kind.eq(account_kind(account.kind)))
        .filter(address_log::inbox_id.eq(inbox_id))
        .select(address_log::id)
        .order(address_log::association_sequence_id.desc())
        .first(connection)
        .optional()?;
    if let Some(newest) = newest {
        diesel::update(address_log::table.find(newest))
            .set(address_log::revocation_sequence_id.eq(sequence_id))
            .execute(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::stamp_ns;

    #[test]
    fn no_two_messages_have_the_same_time() {
        let stamps: Vec<i64> = (0..10_000).map(|_| stamp_ns()).collect();
        assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
