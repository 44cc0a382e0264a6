//! Following what is stored: rows in the order of their arrival.

use diesel::dsl::{exists, max};
use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::MessageKind;
use crate::message::Message;
use crate::schema::{identity_updates, messages};
use crate::transaction::Reader;

impl Reader {
    /// When the newest row was stored, in ns; 0 before the first. A reader that remembers it can
    /// ask [`Reader::messages_inserted_after`] for everything that came since.
    pub fn newest_inserted_at_ns(&self) -> Result<i64, StoreError> {
        let newest: Option<i64> = self.with(|db| {
            messages::table
                .select(max(messages::inserted_at_ns))
                .get_result(db)
        })?;
        Ok(newest.unwrap_or(0))
    }

    /// Rows of all conversations stored after `after_ns`, in the order of their arrival; none that
    /// an archive brought.
    pub fn messages_inserted_after(
        &self,
        after_ns: i64,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        self.with(|db| {
            messages::table
                .filter(messages::inserted_at_ns.gt(after_ns))
                .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(
                    "is_restored = 0",
                ))
                .order(messages::inserted_at_ns.asc())
                .limit(limit)
                .select(Message::as_select())
                .load(db)
        })
    }

    /// The node's time of the newest identity update of any inbox known here, in ns; 0 if none is.
    /// A clock of ours far behind it is wrong.
    pub fn newest_identity_timestamp_ns(&self) -> Result<i64, StoreError> {
        let newest: Option<i64> = self.with(|db| {
            identity_updates::table
                .select(max(identity_updates::server_timestamp_ns))
                .get_result(db)
        })?;
        Ok(newest.unwrap_or(0))
    }

    /// Whether the newest rows of a group are gaps, and one of them is by this sender (empty for
    /// gaps of nobody that is known).
    pub fn ends_with_gap_by(
        &self,
        conversation_id: &[u8],
        sender_inbox_id: &str,
    ) -> Result<bool, StoreError> {
        self.with(|db| {
            let newest_other: Option<i64> = messages::table
                .filter(messages::conversation_id.eq(conversation_id))
                .filter(messages::kind.ne(MessageKind::Gap))
                .order(messages::inserted_at_ns.desc())
                .select(messages::inserted_at_ns)
                .get_result(db)
                .optional()?;
            diesel::select(exists(
                messages::table
                    .filter(messages::conversation_id.eq(conversation_id))
                    .filter(messages::inserted_at_ns.gt(newest_other.unwrap_or(0)))
                    .filter(messages::sender_inbox_id.eq(sender_inbox_id)),
            ))
            .get_result(db)
        })
    }
}
