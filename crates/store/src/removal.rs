//! Members who asked to leave, and what follows from it (groups.md 4.8).

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{conversations, pending_removals};
use crate::transaction::{Reader, Tx};

impl Reader {
    /// Inboxes that asked to leave a group and are still in it.
    pub fn pending_removals(&self, conversation_id: &[u8]) -> Result<BTreeSet<String>, StoreError> {
        let found: Vec<String> = self.with(|db| {
            pending_removals::table
                .filter(pending_removals::conversation_id.eq(conversation_id))
                .select(pending_removals::inbox_id)
                .load(db)
        })?;
        Ok(found.into_iter().collect())
    }

    /// The groups from which we are to take somebody out, by id.
    pub fn conversations_with_removals_due(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            conversations::table
                .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(
                    "removals_due = 1",
                ))
                .select(conversations::id)
                .load(db)
        })
    }

    /// Whether a conversation is to be deleted once we are out of it.
    pub fn is_deleted_when_out(&self, conversation_id: &[u8]) -> Result<bool, StoreError> {
        self.with(|db| {
            conversations::table
                .find(conversation_id)
                .select(conversations::delete_when_out)
                .first(db)
                .optional()
        })
        .map(Option::unwrap_or_default)
    }
}

impl Tx {
    /// Notes that an inbox asked to leave, with its message. One that asked before keeps the first.
    pub fn insert_pending_removal(
        &self,
        conversation_id: &[u8],
        inbox_id: &str,
        message_id: &[u8],
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(pending_removals::table)
                .values((
                    pending_removals::conversation_id.eq(conversation_id),
                    pending_removals::inbox_id.eq(inbox_id),
                    pending_removals::message_id.eq(message_id),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets the wish of an inbox, because it is out.
    pub fn delete_pending_removal(
        &self,
        conversation_id: &[u8],
        inbox_id: &str,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(pending_removals::table.find((conversation_id, inbox_id))).execute(db)
        })?;
        Ok(())
    }

    /// Forgets all wishes of a group, because what came between is not known.
    pub fn clear_pending_removals(&self, conversation_id: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(
                pending_removals::table
                    .filter(pending_removals::conversation_id.eq(conversation_id)),
            )
            .execute(db)
        })?;
        self.set_removals_due(conversation_id, false)
    }

    /// Sets whether we are to take somebody out of a group.
    pub fn set_removals_due(&self, conversation_id: &[u8], due: bool) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(conversations::table.find(conversation_id))
                .filter(conversations::removals_due.ne(due))
                .set(conversations::removals_due.eq(due))
                .execute(db)
        })?;
        Ok(())
    }

    /// Sets whether a conversation is to be deleted once we are out of it.
    pub fn set_delete_when_out(
        &self,
        conversation_id: &[u8],
        wanted: bool,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(conversations::table.find(conversation_id))
                .set(conversations::delete_when_out.eq(wanted))
                .execute(db)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ALIX, BO, Folder, group, message_id, read, write};

    #[tokio::test]
    async fn wishes_to_leave_are_kept_until_they_are_met() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            tx.insert_conversation(&group(2), 0)?;
            tx.insert_pending_removal(&[1; 16], BO, &message_id(1))?;
            tx.insert_pending_removal(&[1; 16], BO, &message_id(2))?;
            tx.insert_pending_removal(&[1; 16], ALIX, &message_id(3))?;
            tx.set_removals_due(&[1; 16], true)
        })
        .await;
        read(&store, |r| {
            assert_eq!(r.pending_removals(&[1; 16])?.len(), 2);
            assert!(r.pending_removals(&[2; 16])?.is_empty());
            assert_eq!(r.conversations_with_removals_due()?, [[1; 16]]);
            Ok(())
        })
        .await;
        write(&store, |tx| tx.delete_pending_removal(&[1; 16], ALIX)).await;
        let left = read(&store, |r| r.pending_removals(&[1; 16])).await;
        assert_eq!(left, BTreeSet::from([BO.to_owned()]));
        write(&store, |tx| tx.clear_pending_removals(&[1; 16])).await;
        read(&store, |r| {
            assert!(r.pending_removals(&[1; 16])?.is_empty());
            assert!(r.conversations_with_removals_due()?.is_empty());
            Ok(())
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_deleted_takes_its_wishes_with_it() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            tx.insert_pending_removal(&[1; 16], BO, &message_id(1))?;
            tx.set_delete_when_out(&[1; 16], true)
        })
        .await;
        assert!(read(&store, |r| r.is_deleted_when_out(&[1; 16])).await);
        write(&store, |tx| tx.delete_conversation(&[1; 16])).await;
        read(&store, |r| {
            assert!(!r.is_deleted_when_out(&[1; 16])?);
            assert!(r.pending_removals(&[1; 16])?.is_empty());
            Ok(())
        })
        .await;
    }
}
