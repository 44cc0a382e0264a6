//! History on its way between installations of the own inbox.

use diesel::deserialize::{FromSql, FromSqlRow, Result as FromSqlResult};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{IsNull, Output, Result as ToSqlResult, ToSql};
use diesel::sql_types::Binary;
use diesel::sqlite::{Sqlite, SqliteValue};
use zeroize::Zeroizing;

use crate::archive::ArchiveScope;
use crate::error::StoreError;
use crate::kinds::{Delivery, MessageKind, TransferRole, TransferState, TransferStep};
use crate::schema::{history_transfers, messages};
use crate::transaction::{Reader, Tx};

/// Messages are wanted, in [`Transfer::wanted`].
pub const WANTS_MESSAGES: i32 = 1;
/// Decisions are wanted.
pub const WANTS_CONSENT: i32 = 2;
/// Files of messages are wanted.
pub const WANTS_FILES: i32 = 4;
/// Messages that disappear are not.
pub const WITHOUT_DISAPPEARING: i32 = 8;

/// The key of an archive: 32 bytes, erased from memory when dropped and never printed.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct StoredKey(Zeroizing<Vec<u8>>);

impl StoredKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<[u8; 32]> {
        self.0.as_slice().try_into().ok()
    }
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredKey(..)")
    }
}

impl ToSql<Binary, Sqlite> for StoredKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> ToSqlResult {
        out.set_value(self.0.as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for StoredKey {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> FromSqlResult<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

/// A transfer. Its key is never printed.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = history_transfers)]
#[diesel(treat_none_as_default_value = false)]
pub struct Transfer {
    /// Names it, on both installations.
    pub pin: String,
    /// Whether we ask or answer.
    pub role: TransferRole,
    /// What is to be done or waited for.
    pub step: TransferStep,
    /// Whether that goes on.
    pub state: TransferState,
    /// The other installation, once it is known.
    pub peer: Option<Vec<u8>>,
    /// The words to compare, separated by spaces.
    pub code: Option<String>,
    /// Whether the other installation runs another app, once that is known.
    pub is_official: Option<bool>,
    /// What is wanted: a sum of [`WANTS_MESSAGES`] and the others.
    pub wanted: i32,
    /// Only messages sent later, in ns.
    pub start_ns: Option<i64>,
    /// Only messages sent then or earlier, in ns.
    pub end_ns: Option<i64>,
    /// Only these conversations: ids in hex, separated by commas; `None` for all.
    pub conversation_ids: Option<String>,
    /// Where the archive is to be put; empty: where we put files.
    pub server_url: String,
    /// Whether the person allowed a server that is not the configured one.
    pub host_allowed: bool,
    /// Where the archive is.
    pub url: Option<String>,
    /// What opens it; erased as soon as it is used.
    pub archive_key: Option<StoredKey>,
    /// SHA-256 of its file, as far as known.
    pub sha256: Option<Vec<u8>>,
    /// When it was written, in ns, by the clock of who wrote it.
    pub exported_at_ns: Option<i64>,
    /// Bytes of the file that the step at hand has done.
    pub bytes_done: i64,
    /// Bytes of the file.
    pub bytes_total: Option<i64>,
    /// Conversations written or taken in.
    pub conversations_done: i64,
    /// Conversations in all.
    pub conversations_total: Option<i64>,
    /// Messages written or taken in.
    pub messages_done: i64,
    /// Messages in all.
    pub messages_total: Option<i64>,
    /// What was left out.
    pub skipped: i64,
    /// About how many bytes would be sent.
    pub estimate_bytes: Option<i64>,
    /// Why it does not go on: a stable code.
    pub error_code: Option<String>,
    /// The same as text.
    pub error_text: Option<String>,
    /// 1: our word that we answer is queued; 2: it is in.
    pub claim: i32,
    /// When another installation said that it answers, in ns.
    pub claimed_at_ns: Option<i64>,
    /// When it was begun or came, in ns.
    pub created_at_ns: i64,
    /// When it ends by itself, in ns; once it has ended: when it is forgotten.
    pub expires_at_ns: Option<i64>,
    /// What our archive is removed from its server by, until it is.
    pub file_secret: Option<String>,
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfer")
            .field("role", &self.role)
            .field("step", &self.step)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Transfer {
    /// A transfer that was just begun, of which nothing else is known.
    #[must_use]
    pub fn new(pin: String, role: TransferRole, step: TransferStep, created_at_ns: i64) -> Self {
        Self {
            pin,
            role,
            step,
            state: TransferState::Going,
            peer: None,
            code: None,
            is_official: None,
            wanted: 0,
            start_ns: None,
            end_ns: None,
            conversation_ids: None,
            server_url: String::new(),
            host_allowed: false,
            url: None,
            archive_key: None,
            sha256: None,
            exported_at_ns: None,
            bytes_done: 0,
            bytes_total: None,
            conversations_done: 0,
            conversations_total: None,
            messages_done: 0,
            messages_total: None,
            skipped: 0,
            estimate_bytes: None,
            error_code: None,
            error_text: None,
            claim: 0,
            claimed_at_ns: None,
            created_at_ns,
            expires_at_ns: None,
            file_secret: None,
        }
    }
}

/// How much of what an archive would hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Messages.
    pub messages: i64,
    /// Bytes of what they say.
    pub bytes: i64,
}

impl Reader {
    /// One transfer.
    pub fn transfer(&self, pin: &str) -> Result<Option<Transfer>, StoreError> {
        self.with(|db| {
            history_transfers::table
                .find(pin)
                .select(Transfer::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// All transfers, the newest first.
    pub fn transfers(&self) -> Result<Vec<Transfer>, StoreError> {
        self.with(|db| {
            history_transfers::table
                .order((
                    history_transfers::created_at_ns.desc(),
                    history_transfers::pin,
                ))
                .select(Transfer::as_select())
                .load(db)
        })
    }

    /// How much an archive of this scope would hold. Denied conversations, and those that the scope
    /// does not name, count as well: it is an estimate.
    pub fn archive_extent(&self, scope: &ArchiveScope, now_ns: i64) -> Result<Extent, StoreError> {
        use diesel::dsl::{count_star, sql};
        use diesel::sql_types::BigInt;
        let stays = messages::expire_at_ns.is_null();
        let mut query = messages::table
            .filter(messages::kind.eq(MessageKind::Application))
            .filter(messages::delivery.eq(Delivery::Published))
            .filter(messages::deleted_by_inbox_id.is_null())
            .select((
                count_star(),
                sql::<BigInt>("coalesce(sum(length(content)), 0)"),
            ))
            .into_boxed();
        query = match scope.exclude_disappearing {
            true => query.filter(stays),
            false => query.filter(stays.or(messages::expire_at_ns.gt(now_ns))),
        };
        if let Some(start_ns) = scope.start_ns {
            query = query.filter(messages::sent_at_ns.gt(start_ns));
        }
        if let Some(end_ns) = scope.end_ns {
            query = query.filter(messages::sent_at_ns.le(end_ns));
        }
        if let Some(ids) = &scope.conversation_ids {
            let ids: Vec<Vec<u8>> = ids.iter().cloned().collect();
            query = query.filter(messages::conversation_id.eq_any(ids));
        }
        let (messages, bytes) = self.with(|db| query.first::<(i64, i64)>(db))?;
        Ok(Extent { messages, bytes })
    }
}

impl Tx {
    /// Stores a transfer, new or changed.
    pub fn put_transfer(&self, transfer: &Transfer) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(history_transfers::table)
                .values(transfer)
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets a transfer.
    pub fn delete_transfer(&self, pin: &str) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(history_transfers::table.find(pin)).execute(db))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, alix_account, group, message_id, read, text, write};

    #[tokio::test]
    async fn a_transfer_comes_back_as_it_was_put() {
        let folder = Folder::new();
        let store = folder.open();
        let mut first = Transfer::new("tea".into(), TransferRole::Asking, TransferStep::Waiting, 5);
        first.archive_key = Some(StoredKey::new(&[7; 32]));
        let second = Transfer::new(
            "cake".into(),
            TransferRole::Answering,
            TransferStep::Held,
            6,
        );
        let (kept, other) = (first.clone(), second.clone());
        write(&store, move |tx| {
            tx.put_transfer(&kept)?;
            tx.put_transfer(&other)
        })
        .await;
        let all = read(&store, |reader| reader.transfers()).await;
        assert_eq!(all, [second, first.clone()]);
        assert!(!format!("{first:?}").contains('7'));
        first.archive_key = None;
        first.state = TransferState::Done;
        let changed = first.clone();
        write(&store, move |tx| {
            tx.put_transfer(&changed)?;
            tx.delete_transfer("cake")
        })
        .await;
        assert_eq!(read(&store, |reader| reader.transfers()).await, [first]);
    }

    #[tokio::test]
    async fn the_extent_is_that_of_the_scope() {
        let folder = Folder::new();
        let store = folder.open();
        let ids: Vec<[u8; 32]> = (0..4).map(message_id).collect();
        write(&store, move |tx| {
            tx.insert_account(&alix_account())?;
            tx.insert_conversation(&group(1), 0)?;
            tx.insert_conversation(&group(2), 0)?;
            for (at_ns, id) in (10..).zip(&ids) {
                let of = if at_ns < 13 { [1; 16] } else { [2; 16] };
                tx.insert_message(&text(id, &of, at_ns))?;
            }
            Ok(())
        })
        .await;
        read(&store, |reader| {
            let mut scope = ArchiveScope::default();
            let all = reader.archive_extent(&scope, 0)?;
            assert_eq!(all.messages, 4);
            scope.start_ns = Some(10);
            scope.conversation_ids = Some([vec![1; 16]].into());
            let part = reader.archive_extent(&scope, 0)?;
            assert_eq!((part.messages, part.bytes * 2), (2, all.bytes));
            Ok(())
        })
        .await;
    }
}
