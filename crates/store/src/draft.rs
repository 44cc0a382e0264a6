//! Drafts: what the person has begun to write in a conversation.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::drafts;
use crate::transaction::{Reader, Tx};

/// Something begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text; may be empty where only a message to reply to was chosen.
    pub text: String,
    /// The message it replies to.
    pub reply_to: Option<Vec<u8>>,
}

impl Reader {
    /// The drafts of these conversations, by their ids.
    pub fn drafts(&self, ids: &[Vec<u8>]) -> Result<BTreeMap<Vec<u8>, Draft>, StoreError> {
        let rows: Vec<(Vec<u8>, String, Option<Vec<u8>>)> = self.with(|db| {
            drafts::table
                .filter(drafts::conversation_id.eq_any(ids))
                .load(db)
        })?;
        let drafts = rows.into_iter();
        Ok(drafts
            .map(|(id, text, reply_to)| (id, Draft { text, reply_to }))
            .collect())
    }
}

impl Tx {
    /// Keeps the draft of a conversation in place of the one before; of a direct message the one
    /// for all groups that it consists of. `None`: there is none any more.
    ///
    /// # Errors
    /// That of a foreign key if there is no such conversation.
    pub fn set_draft(&self, id: &[u8], draft: Option<&Draft>) -> Result<(), StoreError> {
        let ids = self.stitched_ids(id)?;
        self.with(|db| {
            diesel::delete(drafts::table.filter(drafts::conversation_id.eq_any(ids))).execute(db)
        })?;
        if let Some(draft) = draft {
            self.with(|db| {
                diesel::insert_into(drafts::table)
                    .values((
                        drafts::conversation_id.eq(id),
                        drafts::text.eq(&draft.text),
                        drafts::reply_to.eq(draft.reply_to.as_deref()),
                    ))
                    .execute(db)
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, dm, group, read, write};

    fn draft(text: &str) -> Draft {
        Draft {
            text: text.to_owned(),
            reply_to: Some(vec![7; 32]),
        }
    }

    #[tokio::test]
    async fn a_draft_outlives_a_restart_and_goes_with_its_conversation() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            tx.set_draft(&[1; 16], Some(&draft("first")))?;
            tx.set_draft(&[1; 16], Some(&draft("second")))
        })
        .await;
        store.close().await;
        let store = folder.open();
        let kept = read(&store, |r| r.drafts(&[vec![1; 16], vec![2; 16]])).await;
        assert_eq!(kept, BTreeMap::from([(vec![1; 16], draft("second"))]));
        write(&store, |tx| tx.delete_conversation(&[1; 16])).await;
        assert!(read(&store, |r| r.drafts(&[vec![1; 16]])).await.is_empty());
    }

    #[tokio::test]
    async fn a_direct_message_has_one_draft() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_conversation(&dm(1), 0)?;
            tx.insert_conversation(&dm(2), 0)?;
            tx.set_draft(&[1; 16], Some(&draft("under one id")))?;
            tx.set_draft(&[2; 16], Some(&draft("under the other")))
        })
        .await;
        let ids = [vec![1; 16], vec![2; 16]];
        let kept = read(&store, move |r| r.drafts(&ids)).await;
        assert_eq!(
            kept,
            BTreeMap::from([(vec![2; 16], draft("under the other"))])
        );
        write(&store, |tx| tx.set_draft(&[1; 16], None)).await;
        assert!(read(&store, |r| r.drafts(&[vec![2; 16]])).await.is_empty());
    }
}
