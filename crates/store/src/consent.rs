//! What the person decided about conversations and people.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use crate::error::StoreError;
use crate::kinds::{ConsentEntity, ConsentState};
use crate::schema::{consents, conversations};
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

/// The decision that counts for a row of `conversations`, computed in the query that reads it. A
/// decision about the conversation goes before one about the person who added us (of a DM: the
/// peer); but a DM of a blocked person is blocked, and "not decided" gives way to a block.
pub(crate) const EFFECTIVE: &str = "(SELECT CASE
    WHEN person.state = 2 AND (conversations.kind = 2 OR coalesce(own.state, 0) = 0) THEN 2
    ELSE coalesce(own.state, person.state, 0) END
FROM (SELECT 1)
LEFT JOIN consents own ON own.entity_kind = 1 AND own.entity = lower(hex(conversations.id))
LEFT JOIN consents person ON person.entity_kind = 2
    AND person.entity = coalesce(conversations.peer_inbox_id, conversations.added_by_inbox_id))";

/// The decision about the person who added us to a row of `conversations`.
const OF_ADDER: &str = "coalesce((SELECT state FROM consents
    WHERE entity_kind = 2 AND entity = conversations.added_by_inbox_id), 0)";

/// The effective consent as a column of queries over `conversations`.
pub(crate) fn effective() -> SqlLiteral<Integer> {
    sql(EFFECTIVE)
}

/// The consent to the person who added us, as a column of queries over `conversations`.
pub(crate) fn of_adder() -> SqlLiteral<Integer> {
    sql(OF_ADDER)
}

impl Reader {
    /// The decision that counts for a conversation; unknown where there is no such conversation.
    pub fn effective_consent(&self, conversation_id: &[u8]) -> Result<ConsentState, StoreError> {
        self.with(|db| {
            conversations::table
                .find(conversation_id)
                .select(effective())
                .first(db)
                .optional()
        })
        .map(|found| found.unwrap_or(ConsentState::Unknown))
    }

    /// Decisions about people in one state, the newest first.
    pub fn inbox_consents(&self, state: ConsentState) -> Result<Vec<Consent>, StoreError> {
        self.with(|db| {
            consents::table
                .filter(consents::entity_kind.eq(ConsentEntity::Inbox))
                .filter(consents::state.eq(state))
                .order((consents::consented_at_ns.desc(), consents::entity))
                .select(Consent::as_select())
                .load(db)
        })
    }

    /// The conversations whose effective consent may depend on that to this person, with those of
    /// DMs: (group id, whether it is a DM with them).
    pub fn conversations_of(&self, inbox_id: &str) -> Result<Vec<(Vec<u8>, bool)>, StoreError> {
        self.with(|db| {
            conversations::table
                .filter(
                    conversations::peer_inbox_id
                        .eq(inbox_id)
                        .or(conversations::peer_inbox_id
                            .is_null()
                            .and(conversations::added_by_inbox_id.eq(inbox_id))),
                )
                .select((
                    conversations::id,
                    conversations::peer_inbox_id.is_not_null(),
                ))
                .load(db)
        })
    }

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
                .get_result(db)
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
    /// Stores a decision in place of whatever was decided before.
    pub fn replace_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(consents::table)
                .values(consent)
                .execute(db)
        })?;
        Ok(())
    }

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
        self.replace_consent(consent)?;
        Ok(before.map_or(ConsentState::Unknown, |old| old.state) != consent.state)
    }
}
