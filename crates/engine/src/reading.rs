//! What a person has read, and what they have begun to write.

use std::collections::BTreeMap;

use conclave_content::{ContentError, MAX_TEXT_BYTES};
use conclave_store::draft::Draft;

use crate::{
    client::Client,
    error::EngineError,
    event::{Event, GroupId},
};

impl Client {
    /// Marks a conversation as unread from a message on, or from the newest message of somebody
    /// else. Nothing happens where nobody else has written.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`]; [`EngineError::UnknownMessage`] for a message that is
    /// not in it.
    pub async fn mark_unread(
        &self,
        id: &[u8],
        message_id: Option<&[u8]>,
    ) -> Result<(), EngineError> {
        let (group_id, message_id) = (id.to_vec(), message_id.map(<[u8]>::to_vec));
        self.0
            .store
            .write(move |tx| {
                tx.conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                let ids = tx.stitched_ids(&group_id)?;
                let from_ns = match message_id {
                    Some(message_id) => {
                        let found = tx.message(&message_id)?;
                        let found = found.filter(|found| ids.contains(&found.conversation_id));
                        Some(found.ok_or(EngineError::UnknownMessage)?.sent_at_ns)
                    }
                    None => tx.newest_countable_ns(&ids)?,
                };
                if let Some(from_ns) = from_ns {
                    for id in &ids {
                        tx.mark_unread(id, from_ns)?;
                    }
                }
                Ok::<_, EngineError>(())
            })
            .await?;
        self.tell(id);
        Ok(())
    }

    /// Keeps what the person has begun to write in a conversation; without text and without a
    /// message to reply to there is nothing to keep.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], and [`EngineError::Content`] for more text than a
    /// message can have.
    pub async fn set_draft(&self, id: &[u8], draft: Draft) -> Result<(), EngineError> {
        let bytes = draft.text.len();
        if bytes > MAX_TEXT_BYTES {
            return Err(ContentError::TextTooLong { bytes }.into());
        }
        let is_empty = draft.text.trim().is_empty() && draft.reply_to.is_none();
        let (group_id, draft) = (id.to_vec(), (!is_empty).then_some(draft));
        self.0
            .store
            .write(move |tx| {
                tx.conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                Ok::<_, EngineError>(tx.set_draft(&group_id, draft.as_ref())?)
            })
            .await?;
        self.tell(id);
        Ok(())
    }

    /// What has been begun in these conversations, by their ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn drafts(&self, ids: Vec<GroupId>) -> Result<BTreeMap<GroupId, Draft>, EngineError> {
        Ok(self.0.store.read(move |reader| reader.drafts(&ids)).await?)
    }

    fn tell(&self, id: &[u8]) {
        self.0.events.send(Event::Conversation {
            id: id.to_vec(),
            is_new: false,
        });
    }
}
