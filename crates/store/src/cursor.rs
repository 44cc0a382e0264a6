//! How far each stream of the node has been processed. Cursors only move forward.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::CursorKind;
use crate::schema::cursors;
use crate::statement::Prepare;
use crate::transaction::{Reader, Tx};

impl Reader {
    /// The node's id of the last processed item, 0 before the first.
    pub fn cursor(&self, kind: CursorKind, entity: &[u8]) -> Result<i64, StoreError> {
        self.with(|db| {
            cursors::table
                .find((kind.number(), entity))
                .select(cursors::position)
                .get_result(db)
                .optional()
        })
        .map(Option::unwrap_or_default)
    }

    /// All cursors of a kind as (entity, position).
    pub fn cursors(&self, kind: CursorKind) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
        self.with(|db| {
            cursors::table
                .filter(cursors::kind.eq(kind.number()))
                .select((cursors::entity, cursors::position))
                .load(db)
        })
    }
}

impl Tx {
    /// Moves a cursor forward to `position`. Returns false, changing nothing, if it is there or
    /// beyond already.
    pub fn advance_cursor(
        &self,
        kind: CursorKind,
        entity: &[u8],
        position: i64,
    ) -> Result<bool, StoreError> {
        if self.cursor(kind, entity)? >= position {
            return Ok(false);
        }
        self.with(|db| {
            diesel::replace_into(cursors::table)
                .values((
                    cursors::kind.eq(kind.number()),
                    cursors::entity.eq(entity),
                    cursors::position.eq(position),
                ))
                .prepared()
                .execute(db)
        })?;
        Ok(true)
    }
}
