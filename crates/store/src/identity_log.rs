//! Copies of other people's identity logs, the states folded from them, and whose identifiers are whose.

use std::collections::HashMap;

use diesel::dsl::max;
use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{association_states, identifiers, identity_updates};
use crate::transaction::{Reader, Tx};

/// One entry of an inbox's append-only log, as the node served it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = identity_updates)]
pub struct IdentityUpdate {
    /// The inbox, 64 lower-case hex characters.
    pub inbox_id: String,
    /// The node's sequence id, increasing within an inbox.
    pub sequence_id: i64,
    /// The node's time of the update, in ns.
    pub server_timestamp_ns: i64,
    /// The serialized `IdentityUpdate`.
    pub payload: Vec<u8>,
}

/// SQLite's limit on bound values is far higher; this keeps statements small.
const IDS_PER_QUERY: usize = 500;

impl Reader {
    /// The newest stored sequence id of each inbox; inboxes without an update are absent.
    pub fn latest_identity_sequences(
        &self,
        inbox_ids: &[String],
    ) -> Result<HashMap<String, i64>, StoreError> {
        let mut latest = HashMap::with_capacity(inbox_ids.len());
        for ids in inbox_ids.chunks(IDS_PER_QUERY) {
            let rows: Vec<(String, Option<i64>)> = self.with(|db| {
                identity_updates::table
                    .filter(identity_updates::inbox_id.eq_any(ids))
                    .group_by(identity_updates::inbox_id)
                    .select((
                        identity_updates::inbox_id,
                        max(identity_updates::sequence_id),
                    ))
                    .load(db)
            })?;
            latest.extend(
                rows.into_iter()
                    .filter_map(|(id, sequence)| Some((id, sequence?))),
            );
        }
        Ok(latest)
    }

    /// The log of an inbox in order, up to and including `up_to` if given.
    pub fn identity_updates(
        &self,
        inbox_id: &str,
        up_to: Option<i64>,
    ) -> Result<Vec<IdentityUpdate>, StoreError> {
        self.with(|db| {
            identity_updates::table
                .filter(identity_updates::inbox_id.eq(inbox_id))
                .filter(identity_updates::sequence_id.le(up_to.unwrap_or(i64::MAX)))
                .order(identity_updates::sequence_id)
                .select(IdentityUpdate::as_select())
                .load(db)
        })
    }

    /// The folded state of an inbox at exactly this sequence id, if it was kept.
    pub fn association_state(
        &self,
        inbox_id: &str,
        sequence_id: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|db| {
            association_states::table
                .find((inbox_id, sequence_id))
                .select(association_states::state)
                .get_result(db)
                .optional()
        })
    }

    /// The inbox an identifier (address or passkey, as text) was last known to belong to.
    pub fn inbox_of_identifier(
        &self,
        identifier: &str,
        kind: i32,
    ) -> Result<Option<String>, StoreError> {
        self.with(|db| {
            identifiers::table
                .find((identifier, kind))
                .select(identifiers::inbox_id)
                .get_result(db)
                .optional()
        })
    }
}

impl Tx {
    /// Stores updates, ignoring those already there. Returns how many were new.
    pub fn insert_identity_updates(&self, updates: &[IdentityUpdate]) -> Result<usize, StoreError> {
        self.with(|db| {
            updates.iter().try_fold(0, |new, update| {
                diesel::insert_into(identity_updates::table)
                    .values(update)
                    .on_conflict_do_nothing()
                    .execute(db)
                    .map(|rows| new + rows)
            })
        })
    }

    /// Keeps the folded state of an inbox at a sequence id.
    pub fn put_association_state(
        &self,
        inbox_id: &str,
        sequence_id: i64,
        state: &[u8],
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(association_states::table)
                .values((
                    association_states::inbox_id.eq(inbox_id),
                    association_states::sequence_id.eq(sequence_id),
                    association_states::state.eq(state),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Remembers which inbox an identifier belongs to.
    pub fn put_identifier(
        &self,
        identifier: &str,
        kind: i32,
        inbox_id: &str,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(identifiers::table)
                .values((
                    identifiers::identifier.eq(identifier),
                    identifiers::kind.eq(kind),
                    identifiers::inbox_id.eq(inbox_id),
                ))
                .execute(db)
        })?;
        Ok(())
    }
}
