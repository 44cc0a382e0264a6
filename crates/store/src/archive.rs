//! What goes into an archive and comes out of one.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::conversation::Conversation;
use crate::error::StoreError;
use crate::kinds::{ConversationKind, Delivery, MessageKind};
use crate::message::{Inserted, Message, NewMessage};
use crate::schema::{conversations, messages};
use crate::transaction::{Reader, Tx};

/// Which messages go into an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveScope {
    /// Only those of these conversations; `None` for all.
    pub conversation_ids: Option<BTreeSet<Vec<u8>>>,
    /// Only messages sent later, in ns.
    pub start_ns: Option<i64>,
    /// Only messages sent then or earlier, in ns.
    pub end_ns: Option<i64>,
    /// Leave out messages that will disappear.
    pub exclude_disappearing: bool,
    /// Leave out conversations that are blocked, unless they are named; the decision itself goes in.
    pub exclude_denied: bool,
}

impl Reader {
    /// The next groups and direct messages by id, after this one (empty: the first), at most
    /// `limit`.
    pub fn conversations_to_archive(
        &self,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Conversation>, StoreError> {
        self.with(|db| {
            conversations::table
                .filter(conversations::id.gt(after))
                .filter(conversations::kind.eq_any([ConversationKind::Group, ConversationKind::Dm]))
                .order(conversations::id)
                .limit(limit)
                .select(Conversation::as_select())
                .load(db)
        })
    }

    /// The next messages that members sent, by row after this one, at most `limit`: those that the
    /// network has and that nobody deleted or let disappear. The conversations of the scope are the
    /// caller's to look at.
    pub fn messages_to_archive(
        &self,
        after_row: i64,
        scope: &ArchiveScope,
        now_ns: i64,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let stays = messages::expire_at_ns.is_null();
        let mut query = messages::table
            .filter(messages::row_id.gt(after_row))
            .filter(messages::kind.eq(MessageKind::Application))
            .filter(messages::delivery.eq(Delivery::Published))
            .filter(messages::deleted_by_inbox_id.is_null())
            .into_boxed();
        query = match scope.exclude_disappearing {
            true => query.filter(stays),
            false => query.filter(stays.or(messages::expire_at_ns.gt(now_ns))),
        };
        if let Some(start_ns) = scope.start_ns {
            query = query.filter(messages::sent_at_ns.gt(start_ns));
        }
        if let Some(end_ns) = scope.end_ns {
            query = query.filter(messages::sent_at_ns.le(end_ns));
        }
        self.with(|db| {
            query
                .order(messages::row_id)
                .limit(limit)
                .select(Message::as_select())
                .load(db)
        })
    }

    /// The newest row of any message; 0 if there is none.
    pub fn newest_message_row(&self) -> Result<i64, StoreError> {
        let newest: Option<i64> = self.with(|db| {
            messages::table
                .select(diesel::dsl::max(messages::row_id))
                .get_result(db)
        })?;
        Ok(newest.unwrap_or(0))
    }
}

impl Tx {
    /// Stores a message of an archive unless there is one with this id. It is never unread, and
    /// nobody who follows arrivals sees it.
    pub fn restore_message(&self, new: &NewMessage<'_>) -> Result<Inserted, StoreError> {
        self.insert_message_as(new, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::ConversationKind;
    use crate::testing::{ALIX, Folder, alix_account, dm, group, message_id, read, text, write};

    #[tokio::test]
    async fn what_an_archive_brings_is_neither_unread_nor_an_arrival() {
        let folder = Folder::new();
        let store = folder.open();
        let ids = [message_id(1), message_id(2)];
        let new = write(&store, move |tx| {
            tx.insert_account(&alix_account())?;
            tx.insert_conversation(&group(1), 0)?;
            let restored = tx.restore_message(&text(&ids[0], &[1; 16], 5))?;
            let again = tx.restore_message(&text(&ids[0], &[1; 16], 9))?;
            tx.insert_message(&text(&ids[1], &[1; 16], 3))?;
            Ok((restored.is_new, again.is_new))
        });
        assert_eq!(new.await, (true, false));
        read(&store, move |reader| {
            let summary = reader.summary(&[1; 16])?.unwrap();
            assert_eq!(summary.unread_count, 1);
            assert_eq!(summary.last_message_id.unwrap(), ids[0]);
            let arrived = reader.messages_inserted_after(0, 10)?;
            assert_eq!(arrived.len(), 1);
            assert_eq!(arrived[0].id, ids[1]);
            Ok(())
        })
        .await;
    }

    #[tokio::test]
    async fn pages_hold_what_the_scope_asks_for() {
        let folder = Folder::new();
        let store = folder.open();
        let numbers: Vec<[u8; 32]> = (0..8).map(message_id).collect();
        write(&store, move |tx| {
            tx.insert_account(&alix_account())?;
            for conversation in [group(1), dm(2)] {
                tx.insert_conversation(&conversation, 0)?;
            }
            let mut sync = group(3);
            sync.kind = ConversationKind::Sync;
            tx.insert_conversation(&sync, 0)?;
            for (at_ns, id) in (10..).zip(&numbers) {
                let mut new = text(id, &[1; 16], at_ns);
                match at_ns {
                    13 => new.expire_at_ns = Some(40),
                    14 => new.expire_at_ns = Some(20),
                    15 => new.kind = MessageKind::Gap,
                    16 => new.delivery = Delivery::Failed,
                    _ => {}
                }
                tx.insert_message(&new)?;
            }
            tx.mask_message(&numbers[7], Some(ALIX), None)
        })
        .await;
        read(&store, |reader| {
            let ids = |after: &[u8], limit| {
                let page = reader.conversations_to_archive(after, limit)?;
                Ok::<_, StoreError>(page.into_iter().map(|c| c.id).collect::<Vec<_>>())
            };
            assert_eq!(ids(&[], 1)?, [vec![1; 16]]);
            assert_eq!(ids(&[1; 16], 9)?, [vec![2; 16]]);
            let times = |after, scope: &ArchiveScope| {
                let page = reader.messages_to_archive(after, scope, 30, 9)?;
                Ok::<_, StoreError>(page.into_iter().map(|m| m.sent_at_ns).collect::<Vec<_>>())
            };
            let mut scope = ArchiveScope::default();
            assert_eq!(times(0, &scope)?, [10, 11, 12, 13]);
            assert_eq!(times(2, &scope)?, [12, 13]);
            scope.exclude_disappearing = true;
            assert_eq!(times(0, &scope)?, [10, 11, 12]);
            (scope.start_ns, scope.end_ns) = (Some(10), Some(11));
            assert_eq!(times(0, &scope)?, [11]);
            assert_eq!(reader.newest_message_row()?, 8);
            Ok(())
        })
        .await;
    }
}
