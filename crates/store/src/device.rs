//! The other installations of the own inbox: the groups shared with them, what they are to be told,
//! and which of them are new.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::ConsentEntity;
use crate::schema::{conversations, new_devices, preference_outbox, sync_groups};
use crate::transaction::{Reader, Tx};

impl Reader {
    /// The groups of our installations that we are in, the newest first: by when they were made on
    /// the node, then by id. All installations see the same order.
    pub fn sync_groups(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            sync_groups::table
                .inner_join(conversations::table)
                .filter(conversations::is_active.eq(true))
                .order((
                    sync_groups::made_at.desc(),
                    sync_groups::conversation_id.desc(),
                ))
                .select(sync_groups::conversation_id)
                .load(db)
        })
    }

    /// What other installations have not been told of, at most `limit`.
    pub fn untold_preferences(
        &self,
        limit: i64,
    ) -> Result<Vec<(ConsentEntity, String)>, StoreError> {
        self.with(|db| {
            preference_outbox::table
                .order((preference_outbox::entity_kind, preference_outbox::entity))
                .limit(limit)
                .load(db)
        })
    }

    /// Installations that the person has not seen yet, and when we first heard of them (ns), the
    /// newest first.
    pub fn new_devices(&self) -> Result<Vec<([u8; 32], i64)>, StoreError> {
        let found: Vec<(Vec<u8>, i64)> = self.with(|db| {
            new_devices::table
                .order((
                    new_devices::first_seen_ns.desc(),
                    new_devices::installation_id,
                ))
                .load(db)
        })?;
        let known = |(id, at_ns): (Vec<u8>, i64)| Some((id.try_into().ok()?, at_ns));
        Ok(found.into_iter().filter_map(known).collect())
    }
}

impl Tx {
    /// Notes that a group of our installations is to be used. `made_at`: the node's id of the commit
    /// that brought the others in.
    pub fn insert_sync_group(
        &self,
        conversation_id: &[u8],
        made_at: i64,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(sync_groups::table)
                .values((
                    sync_groups::conversation_id.eq(conversation_id),
                    sync_groups::made_at.eq(made_at),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Notes that other installations are to be told of a decision.
    pub fn insert_untold_preference(
        &self,
        entity_kind: ConsentEntity,
        entity: &str,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(preference_outbox::table)
                .values((
                    preference_outbox::entity_kind.eq(entity_kind),
                    preference_outbox::entity.eq(entity),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// They were told, or nobody is there to be told.
    pub fn delete_untold_preference(
        &self,
        entity_kind: ConsentEntity,
        entity: &str,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(preference_outbox::table.find((entity_kind.number(), entity)))
                .execute(db)
        })?;
        Ok(())
    }

    /// An installation is new; one that is known as such keeps its time.
    pub fn insert_new_device(
        &self,
        installation_id: &[u8; 32],
        first_seen_ns: i64,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(new_devices::table)
                .values((
                    new_devices::installation_id.eq(installation_id.as_slice()),
                    new_devices::first_seen_ns.eq(first_seen_ns),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// The person has seen an installation, or it is gone.
    pub fn delete_new_device(&self, installation_id: &[u8]) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(new_devices::table.find(installation_id)).execute(db))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::ConversationChange;
    use crate::kinds::ConversationKind;
    use crate::testing::{Folder, alix_account, group, read, write};

    #[tokio::test]
    async fn the_newest_group_comes_first_and_of_a_tie_the_greatest_id() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_account(&alix_account())?;
            for (number, made_at) in [(1, 7), (2, 9), (3, 9), (4, 8), (5, 12)] {
                let mut sync = group(number);
                sync.kind = ConversationKind::Sync;
                tx.insert_conversation(&sync, 0)?;
                tx.insert_sync_group(&sync.id, made_at)?;
            }
            let left = ConversationChange {
                is_active: Some(false),
                ..ConversationChange::default()
            };
            tx.update_conversation(&[5; 16], &left)
        })
        .await;
        let order = read(&store, |reader| reader.sync_groups()).await;
        assert_eq!(order, [[3; 16], [2; 16], [4; 16], [1; 16]]);
        let hidden = read(&store, |reader| {
            Ok((
                reader.conversation(&[3; 16])?,
                reader.conversation_entry(&[3; 16])?,
                reader.group(&[3; 16])?.map(|group| group.kind),
            ))
        });
        let expected = (None, None, Some(ConversationKind::Sync));
        assert_eq!(hidden.await, expected, "no command finds it");
    }

    #[tokio::test]
    async fn what_is_to_be_told_is_kept_once_until_it_was() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            for entity in ["b", "a", "b"] {
                tx.insert_untold_preference(ConsentEntity::Inbox, entity)?;
            }
            tx.insert_untold_preference(ConsentEntity::Conversation, "b")?;
            tx.delete_untold_preference(ConsentEntity::Inbox, "a")?;
            tx.insert_new_device(&[1; 32], 5)?;
            tx.insert_new_device(&[1; 32], 6)?;
            tx.insert_new_device(&[2; 32], 7)?;
            tx.insert_new_device(&[3; 32], 8)?;
            tx.delete_new_device(&[2; 32])
        })
        .await;
        let untold = read(&store, |reader| reader.untold_preferences(9)).await;
        let expected = [
            (ConsentEntity::Conversation, "b".to_owned()),
            (ConsentEntity::Inbox, "b".to_owned()),
        ];
        assert_eq!(untold, expected);
        let new = read(&store, |reader| reader.new_devices()).await;
        assert_eq!(new, [([3; 32], 8), ([1; 32], 5)]);
    }
}
