//! Deleting conversations on this installation. Nobody else hears of it.

use std::sync::Arc;

use conclave_store::{Tx, conversation::Conversation, kinds::MembershipState};
use openmls::group::MlsGroup;

use crate::{
    client::{Client, Core},
    consent,
    error::EngineError,
    event::Changes,
    leaving::LEAVE_REQUEST,
};

impl Client {
    /// Deletes a conversation here; of a direct message all groups that it consists of.
    ///
    /// One that we are out of goes with its keys and everything else. Of one that we are in the
    /// history goes, and it is hidden until something new comes or we are added again; one that we
    /// are leaving goes as well once we are out. Decisions about it and about people stay.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn delete_conversation(&self, id: &[u8]) -> Result<(), EngineError> {
        let group_id = id.to_vec();
        let mut ids = self
            .0
            .store
            .read(move |reader| reader.stitched_ids(&group_id))
            .await?;
        // Always in the same order, so that two of us never wait for each other.
        ids.sort();
        let mut turns = Vec::with_capacity(ids.len());
        for id in &ids {
            turns.push(self.0.lock(id).await);
        }
        let core = Arc::clone(&self.0);
        let changes = self.0.store.write(move |tx| core.delete(tx, &ids)).await?;
        drop(turns);
        self.0.events.send_changes(changes);
        Ok(())
    }
}

impl Core {
    fn delete(&self, tx: &Tx, ids: &[Vec<u8>]) -> Result<Changes, EngineError> {
        let mut changes = Changes::default();
        for id in ids {
            let conversation = tx.conversation(id)?;
            let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
            if conversation.is_active {
                tx.purge_messages(id, LEAVE_REQUEST)?;
                tx.set_draft(id, None)?;
                tx.hide(id)?;
                let is_leaving = conversation.membership_state == MembershipState::PendingRemove;
                tx.set_delete_when_out(id, is_leaving)?;
            } else {
                consent::forget_after_leaving(
                    tx,
                    &conversation,
                    self.clock.now_ns(),
                    &mut changes,
                )?;
                let group = tx.take_group(id)?;
                erase(tx, id, group)?;
            }
            changes.deleted(id);
        }
        Ok(changes)
    }

    /// Erases a conversation that the person deleted while leaving it, once we are out. Whether it
    /// did; the group is gone then.
    pub(crate) fn finish_leaving(
        &self,
        tx: &Tx,
        conversation: &Conversation,
        group: &mut Option<MlsGroup>,
        changes: &mut Changes,
    ) -> Result<bool, EngineError> {
        if conversation.is_active || !tx.is_deleted_when_out(&conversation.id)? {
            return Ok(false);
        }
        consent::forget_after_leaving(tx, conversation, self.clock.now_ns(), changes)?;
        erase(tx, &conversation.id, group.take())?;
        changes.deleted(&conversation.id);
        Ok(true)
    }
}

/// Erases a group's keys and everything stored about it. `group`: as it was taken from the store.
pub(crate) fn erase(tx: &Tx, id: &[u8], group: Option<MlsGroup>) -> Result<(), EngineError> {
    if let Some(mut group) = group {
        group
            .delete(openmls_traits::OpenMlsProvider::storage(tx.mls()))
            .map_err(|error| EngineError::Mls(error.to_string()))?;
    }
    tx.delete_conversation(id)?;
    Ok(())
}
