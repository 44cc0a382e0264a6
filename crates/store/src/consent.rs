//! What the person decided about conversations and people.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::{ConsentEntity, ConsentState};
use crate::schema::consents;
use crate::transaction::{Reader, Tx};

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = consents)]
pub struct Consent {
    /// What it is about.
    pub entity_kind: ConsentEntity,
    /// The lower-case hex group id, or the inbox id.
    pub entity: String,
    /// The decision.
    pub state: ConsentState,
    /// When it was taken, in ns.
    pub consented_at_ns: i64,
}

impl Reader {
    /// The decision about one entity, if there is a record.
    pub fn consent(
        &self,
        kind: ConsentEntity,
        entity: &str,
    ) -> Result<Option<Consent>, StoreError> {
        self.with(|db| {
            consents::table
                .find((kind.number(), entity))
                .select(Consent::as_select())
                .first(db)
                .optional()
        })
    }

    /// All records, or all of one kind.
    pub fn consents(&self, kind: Option<ConsentEntity>) -> Result<Vec<Consent>, StoreError> {
        self.with(|db| {
            let mut query = consents::table.select(Consent::as_select()).into_boxed();
            if let Some(kind) = kind {
                query = query.filter(consents::entity_kind.eq(kind));
            }
            query
                .order((consents::entity_kind, consents::entity))
                .load(db)
        })
    }
}

impl Tx {
    /// Stores a decision. Returns whether the state differs from the one before (no record counts
    /// as unknown). A record with a later time is left as it is.
    pub fn set_consent(&self, consent: &Consent) -> Result<bool, StoreError> {
        let before = self.consent(consent.entity_kind, &consent.entity)?;
        if before
            .as_ref()
            .is_some_and(|old| old.consented_at_ns > consent.consented_at_ns)
        {
            return Ok(false);
        }
        self.with(|db| {
            diesel::replace_into(consents::table)
                .values(consent)
                .execute(db)
        })?;
        Ok(before.map_or(ConsentState::Unknown, |old| old.state) != consent.state)
    }
}
