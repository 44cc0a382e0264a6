//! Messages deleted for everyone. Who may do so is the engine's to say.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{deletions, messages};
use crate::transaction::{Reader, Tx};

/// A deletion whose message is not here yet.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = deletions)]
pub struct Deletion {
    /// The message that deletes; the deletion goes with it.
    pub message_id: Vec<u8>,
    /// The message to delete.
    pub target_id: Vec<u8>,
    /// [`Reader::thread`] of the conversation it was sent in.
    pub thread: String,
    /// Who deletes.
    pub by_inbox_id: String,
    /// Whether that was a super admin when the deletion was processed.
    pub is_super_admin: bool,
}

impl Reader {
    /// What a message belongs to: all groups of a direct message are one thread.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such conversation.
    pub fn thread(&self, conversation_id: &[u8]) -> Result<String, StoreError> {
        let conversation = self.conversation(conversation_id)?;
        let conversation = conversation.ok_or(StoreError::NotFound("conversation"))?;
        Ok(conversation.thread())
    }

    /// The deletions that came before their message, in no order that means anything.
    pub fn deletions_of(&self, target_id: &[u8]) -> Result<Vec<Deletion>, StoreError> {
        self.with(|db| {
            deletions::table
                .filter(deletions::target_id.eq(target_id))
                .order(deletions::message_id)
                .select(Deletion::as_select())
                .load(db)
        })
    }
}

impl crate::conversation::Conversation {
    /// See [`Reader::thread`].
    #[must_use]
    pub fn thread(&self) -> String {
        self.dm_id.clone().unwrap_or_else(|| hex::encode(&self.id))
    }
}

impl Tx {
    /// Keeps a deletion until its message is here.
    pub fn insert_deletion(&self, deletion: &Deletion) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(deletions::table)
                .values(deletion)
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets a deletion, because its message is here.
    pub fn delete_deletion(&self, message_id: &[u8]) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(deletions::table.find(message_id)).execute(db))?;
        Ok(())
    }

    /// Shows a message as deleted, or as it was. Its content stays; what the list shows of it is
    /// `preview` from now on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such message.
    pub fn mask_message(
        &self,
        id: &[u8],
        by_inbox_id: Option<&str>,
        preview: Option<&str>,
    ) -> Result<(), StoreError> {
        let conversation_id: Option<Vec<u8>> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .set((
                    messages::deleted_by_inbox_id.eq(by_inbox_id),
                    messages::preview.eq(preview),
                    messages::countable.eq(false),
                ))
                .returning(messages::conversation_id)
                .get_result(db)
                .optional()
        })?;
        self.changed_message(conversation_id.clone())?;
        if let Some(id) = conversation_id {
            self.recount(&id);
        }
        Ok(())
    }

    /// Erases what a message says and all reactions to it; its row stays as deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such message.
    pub fn erase_message(
        &self,
        id: &[u8],
        by_inbox_id: &str,
        preview: Option<&str>,
    ) -> Result<(), StoreError> {
        self.mask_message(id, Some(by_inbox_id), preview)?;
        let conversation_id: Vec<u8> = self.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(id)))
                .set((
                    messages::content.eq(Vec::new()),
                    messages::reference_id.eq(None::<Vec<u8>>),
                ))
                .returning(messages::conversation_id)
                .get_result(db)
        })?;
        self.delete_attachments_of(id)?;
        let thread = self.thread(&conversation_id)?;
        self.clear_reactions(&thread, id)
    }
}

#[cfg(test)]
mod tests;
