//! How far people have read, by the receipts they sent (content-and-client.md 2.8).

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::read_receipts;
use crate::transaction::{Reader, Tx};

impl Reader {
    /// Inbox ids with the time up to which each has read, in ns; over all groups of a DM.
    pub fn read_times(&self, conversation_id: &[u8]) -> Result<BTreeMap<String, i64>, StoreError> {
        let ids = self.stitched_ids(conversation_id)?;
        let rows: Vec<(String, i64)> = self.with(|db| {
            read_receipts::table
                .filter(read_receipts::conversation_id.eq_any(ids))
                .select((read_receipts::inbox_id, read_receipts::read_up_to_ns))
                .load(db)
        })?;
        let mut times = BTreeMap::new();
        for (inbox_id, read_up_to_ns) in rows {
            let time = times.entry(inbox_id).or_insert(read_up_to_ns);
            *time = read_up_to_ns.max(*time);
        }
        Ok(times)
    }
}

impl Tx {
    /// Somebody has read everything up to this time. The time only moves forward. Returns whether
    /// it moved.
    pub fn note_read(
        &self,
        conversation_id: &[u8],
        inbox_id: &str,
        read_up_to_ns: i64,
    ) -> Result<bool, StoreError> {
        let changed = self.with(|db| {
            let moved = diesel::update(read_receipts::table.find((conversation_id, inbox_id)))
                .filter(read_receipts::read_up_to_ns.lt(read_up_to_ns))
                .set(read_receipts::read_up_to_ns.eq(read_up_to_ns))
                .execute(db)?;
            let added = diesel::insert_or_ignore_into(read_receipts::table)
                .values((
                    read_receipts::conversation_id.eq(conversation_id),
                    read_receipts::inbox_id.eq(inbox_id),
                    read_receipts::read_up_to_ns.eq(read_up_to_ns),
                ))
                .execute(db)?;
            Ok(moved + added)
        })?;
        Ok(changed > 0)
    }
}
