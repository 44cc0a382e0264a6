//! What commits led to, here and by the network's log, and who wants to be added again
//! (groups.md 6.7).

use std::collections::BTreeMap;

use diesel::prelude::*;
use zeroize::Zeroizing;

use crate::consent::effective;
use crate::error::StoreError;
use crate::kinds::{ConsentState, ConversationKind};
use crate::schema::{commit_log, commit_log_states, conversations, readds, remote_commit_log};
use crate::transaction::{Reader, Tx};

/// Rows kept of each group, here and of the network's log; older ones have been compared long ago.
const KEPT_ROWS: i64 = 500;

/// A row of our log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = commit_log)]
pub struct LoggedCommit {
    /// The row; increasing and never reused.
    pub id: i64,
    /// The node's id of the commit; 0 for our creating or joining the group.
    pub commit_sequence_id: i64,
    /// Number of the result (groups.md 6.7): 1 applied, above it failed.
    pub result: i32,
    /// Authenticator of the epoch before.
    pub last_authenticator: Vec<u8>,
    /// The epoch after; of a failed commit the current one.
    pub epoch: i64,
    /// Authenticator of that epoch.
    pub authenticator: Vec<u8>,
}

/// A row to append to our log; see [`LoggedCommit`].
#[derive(Debug, Clone, Copy, Insertable)]
#[diesel(table_name = commit_log)]
pub struct NewLoggedCommit<'a> {
    /// The group.
    pub conversation_id: &'a [u8],
    /// See [`LoggedCommit::commit_sequence_id`].
    pub commit_sequence_id: i64,
    /// See [`LoggedCommit::result`].
    pub result: i32,
    /// See [`LoggedCommit::last_authenticator`].
    pub last_authenticator: &'a [u8],
    /// See [`LoggedCommit::epoch`].
    pub epoch: i64,
    /// See [`LoggedCommit::authenticator`].
    pub authenticator: &'a [u8],
}

/// An entry of the network's log that counts.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = remote_commit_log)]
pub struct RemoteCommit {
    /// The node's id of the commit.
    pub commit_sequence_id: i64,
    /// The epoch after it.
    pub epoch: i64,
    /// Authenticator of that epoch.
    pub authenticator: Vec<u8>,
}

/// How far a group's logs were read and written. The seed is erased when dropped and never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommitLogState {
    /// Seed of the key we sign with, if it is not the group's.
    pub signer_seed: Option<Zeroizing<Vec<u8>>>,
    /// Whose entries count, 32 bytes; `None` before the first.
    pub consensus_key: Option<Vec<u8>>,
    /// The node's id of the last entry read.
    pub remote_position: i64,
    /// The last row of our log that was uploaded.
    pub published_id: i64,
    /// When the log was last looked at, in ns.
    pub checked_at_ns: i64,
}

impl std::fmt::Debug for CommitLogState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitLogState")
            .field("has_signer", &self.signer_seed.is_some())
            .field("remote_position", &self.remote_position)
            .field("published_id", &self.published_id)
            .field("checked_at_ns", &self.checked_at_ns)
            .finish_non_exhaustive()
    }
}

type StateRow = (Option<Vec<u8>>, Option<Vec<u8>>, i64, i64, i64);

impl Reader {
    /// How far a group's logs were read and written.
    pub fn commit_log_state(&self, conversation_id: &[u8]) -> Result<CommitLogState, StoreError> {
        let row: Option<StateRow> = self.with(|db| {
            commit_log_states::table
                .find(conversation_id)
                .select((
                    commit_log_states::signer_seed,
                    commit_log_states::consensus_key,
                    commit_log_states::remote_position,
                    commit_log_states::published_id,
                    commit_log_states::checked_at_ns,
                ))
                .first(db)
                .optional()
        })?;
        Ok(
            row.map_or_else(CommitLogState::default, |row| CommitLogState {
                signer_seed: row.0.map(Zeroizing::new),
                consensus_key: row.1,
                remote_position: row.2,
                published_id: row.3,
                checked_at_ns: row.4,
            }),
        )
    }

    /// Active and allowed groups and DMs whose logs were last looked at no later than `before_ns`,
    /// the longest ago first, at most `limit`.
    pub fn commit_logs_due(&self, before_ns: i64, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            conversations::table
                .left_join(commit_log_states::table)
                .filter(conversations::is_active.eq(true))
                .filter(conversations::kind.eq_any([ConversationKind::Group, ConversationKind::Dm]))
                .filter(effective().eq(ConsentState::Allowed))
                .filter(
                    commit_log_states::checked_at_ns
                        .is_null()
                        .or(commit_log_states::checked_at_ns.le(before_ns)),
                )
                .order((commit_log_states::checked_at_ns, conversations::id))
                .limit(limit)
                .select(conversations::id)
                .load(db)
        })
    }

    /// Rows of our log after row `after`, oldest first, without creations and welcomes.
    pub fn logged_commits_after(
        &self,
        conversation_id: &[u8],
        after: i64,
        limit: i64,
    ) -> Result<Vec<LoggedCommit>, StoreError> {
        self.with(|db| {
            commit_log::table
                .filter(commit_log::conversation_id.eq(conversation_id))
                .filter(commit_log::id.gt(after))
                .filter(commit_log::commit_sequence_id.gt(0))
                .order(commit_log::id)
                .limit(limit)
                .select(LoggedCommit::as_select())
                .load(db)
        })
    }

    /// Rows of our log, newest first.
    pub fn newest_logged_commits(
        &self,
        conversation_id: &[u8],
        limit: i64,
    ) -> Result<Vec<LoggedCommit>, StoreError> {
        self.with(|db| {
            commit_log::table
                .filter(commit_log::conversation_id.eq(conversation_id))
                .order(commit_log::id.desc())
                .limit(limit)
                .select(LoggedCommit::as_select())
                .load(db)
        })
    }

    /// The newest entry of the network's log that counts.
    pub fn newest_remote_commit(
        &self,
        conversation_id: &[u8],
    ) -> Result<Option<RemoteCommit>, StoreError> {
        self.with(|db| {
            remote_commit_log::table
                .filter(remote_commit_log::conversation_id.eq(conversation_id))
                .order(remote_commit_log::commit_sequence_id.desc())
                .select(RemoteCommit::as_select())
                .first(db)
                .optional()
        })
    }

    /// Authenticators of the network's log by commit.
    pub fn remote_authenticators(
        &self,
        conversation_id: &[u8],
    ) -> Result<BTreeMap<i64, Vec<u8>>, StoreError> {
        let rows: Vec<(i64, Vec<u8>)> = self.with(|db| {
            remote_commit_log::table
                .filter(remote_commit_log::conversation_id.eq(conversation_id))
                .select((
                    remote_commit_log::commit_sequence_id,
                    remote_commit_log::authenticator,
                ))
                .load(db)
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Devices that asked to be added to a group again and were not since.
    pub fn pending_readds(&self, conversation_id: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            readds::table
                .filter(readds::conversation_id.eq(conversation_id))
                .filter(
                    readds::answered_at
                        .is_null()
                        .or(readds::answered_at.le(readds::requested_at.nullable())),
                )
                .order(readds::installation_id)
                .select(readds::installation_id)
                .load(db)
        })
    }
}

impl Tx {
    /// Appends a row to our log.
    pub fn log_commit(&self, new: &NewLoggedCommit<'_>) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_into(commit_log::table)
                .values(new)
                .execute(db)
        })?;
        Ok(())
    }

    /// Stores how far a group's logs were read and written.
    pub fn set_commit_log_state(
        &self,
        conversation_id: &[u8],
        state: &CommitLogState,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(commit_log_states::table)
                .values((
                    commit_log_states::conversation_id.eq(conversation_id),
                    commit_log_states::signer_seed
                        .eq(state.signer_seed.as_ref().map(|seed| seed.as_slice())),
                    commit_log_states::consensus_key.eq(state.consensus_key.as_deref()),
                    commit_log_states::remote_position.eq(state.remote_position),
                    commit_log_states::published_id.eq(state.published_id),
                    commit_log_states::checked_at_ns.eq(state.checked_at_ns),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Stores an entry of the network's log that counts.
    pub fn insert_remote_commit(
        &self,
        conversation_id: &[u8],
        entry: &RemoteCommit,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(remote_commit_log::table)
                .values((
                    remote_commit_log::conversation_id.eq(conversation_id),
                    remote_commit_log::commit_sequence_id.eq(entry.commit_sequence_id),
                    remote_commit_log::epoch.eq(entry.epoch),
                    remote_commit_log::authenticator.eq(&entry.authenticator),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets all but the newest 500 rows of both logs of a group. Rows of ours that wait for their
    /// upload stay.
    pub fn prune_commit_logs(
        &self,
        conversation_id: &[u8],
        published_id: i64,
    ) -> Result<(), StoreError> {
        let oldest: Option<i64> = self.with(|db| {
            commit_log::table
                .filter(commit_log::conversation_id.eq(conversation_id))
                .order(commit_log::id.desc())
                .offset(KEPT_ROWS)
                .select(commit_log::id)
                .first(db)
                .optional()
        })?;
        if let Some(oldest) = oldest {
            self.with(|db| {
                diesel::delete(
                    commit_log::table
                        .filter(commit_log::conversation_id.eq(conversation_id))
                        .filter(commit_log::id.le(oldest.min(published_id))),
                )
                .execute(db)
            })?;
        }
        let oldest: Option<i64> = self.with(|db| {
            remote_commit_log::table
                .filter(remote_commit_log::conversation_id.eq(conversation_id))
                .order(remote_commit_log::commit_sequence_id.desc())
                .offset(KEPT_ROWS)
                .select(remote_commit_log::commit_sequence_id)
                .first(db)
                .optional()
        })?;
        if let Some(oldest) = oldest {
            self.with(|db| {
                diesel::delete(
                    remote_commit_log::table
                        .filter(remote_commit_log::conversation_id.eq(conversation_id))
                        .filter(remote_commit_log::commit_sequence_id.le(oldest)),
                )
                .execute(db)
            })?;
        }
        Ok(())
    }

    /// Notes that a device asked to be added again, after commit `requested_at`.
    pub fn request_readd(
        &self,
        conversation_id: &[u8],
        installation_id: &[u8; 32],
        requested_at: i64,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_into(readds::table)
                .values((
                    readds::conversation_id.eq(conversation_id),
                    readds::installation_id.eq(installation_id.as_slice()),
                    readds::requested_at.eq(requested_at),
                ))
                .on_conflict((readds::conversation_id, readds::installation_id))
                .do_update()
                .set(readds::requested_at.eq(requested_at))
                .execute(db)
        })?;
        Ok(())
    }

    /// Notes that a device was added again by commit `answered_at`, if it had asked for it.
    pub fn answer_readd(
        &self,
        conversation_id: &[u8],
        installation_id: &[u8; 32],
        answered_at: i64,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(readds::table.find((conversation_id, installation_id.as_slice())))
                .set(readds::answered_at.eq(answered_at))
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets that a device asked to be added again.
    pub fn delete_readd(
        &self,
        conversation_id: &[u8],
        installation_id: &[u8],
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(readds::table.find((conversation_id, installation_id))).execute(db)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Consent;
    use crate::kinds::ConsentEntity;
    use crate::testing::{Folder, group, read, write};

    const ID: [u8; 16] = [1; 16];

    fn row(commit: i64) -> NewLoggedCommit<'static> {
        NewLoggedCommit {
            conversation_id: &ID,
            commit_sequence_id: commit,
            result: 1,
            last_authenticator: &[1; 32],
            epoch: commit,
            authenticator: &[2; 32],
        }
    }

    #[tokio::test]
    async fn both_logs_keep_their_newest_rows_and_what_waits() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            for commit in 0..=KEPT_ROWS + 20 {
                tx.log_commit(&row(commit))?;
                tx.insert_remote_commit(
                    &ID,
                    &RemoteCommit {
                        commit_sequence_id: commit,
                        epoch: commit,
                        authenticator: vec![3; 32],
                    },
                )?;
            }
            tx.prune_commit_logs(&ID, 5)
        })
        .await;
        read(&store, |r| {
            let waiting = r.logged_commits_after(&ID, 0, 3)?;
            let ids: Vec<_> = waiting.iter().map(|one| one.id).collect();
            assert_eq!(ids, [6, 7, 8], "only what was uploaded goes");
            assert_eq!(r.remote_authenticators(&ID)?.len(), 500);
            let newest = r
                .newest_remote_commit(&ID)?
                .map(|one| one.commit_sequence_id);
            assert_eq!(newest, Some(KEPT_ROWS + 20));
            assert_eq!(r.newest_logged_commits(&ID, 1)?.len(), 1);
            Ok(())
        })
        .await;
    }

    #[tokio::test]
    async fn the_state_keeps_its_secret_to_itself_and_goes_with_the_group() {
        let folder = Folder::new();
        let store = folder.open();
        let state = CommitLogState {
            signer_seed: Some(Zeroizing::new(vec![7; 32])),
            consensus_key: Some(vec![8; 32]),
            remote_position: 9,
            published_id: 10,
            checked_at_ns: 11,
        };
        assert!(!format!("{state:?}").contains('7'));
        let stored = state.clone();
        write(&store, move |tx| {
            tx.insert_conversation(&group(1), 0)?;
            tx.set_commit_log_state(&ID, &stored)
        })
        .await;
        assert_eq!(read(&store, |r| r.commit_log_state(&ID)).await, state);
        write(&store, |tx| tx.delete_conversation(&ID)).await;
        let left = read(&store, |r| r.commit_log_state(&ID)).await;
        assert_eq!(left, CommitLogState::default());
    }

    #[tokio::test]
    async fn only_wanted_groups_are_due_and_each_in_its_turn() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            for number in 1..=3 {
                tx.insert_conversation(&group(number), 0)?;
            }
            for number in 1..=2_u8 {
                tx.set_consent(&Consent {
                    entity_kind: ConsentEntity::Conversation,
                    entity: hex::encode([number; 16]),
                    state: ConsentState::Allowed,
                    consented_at_ns: 1,
                })?;
            }
            let checked = CommitLogState {
                checked_at_ns: 50,
                ..CommitLogState::default()
            };
            tx.set_commit_log_state(&ID, &checked)
        })
        .await;
        read(&store, |r| {
            assert_eq!(r.commit_logs_due(49, 10)?, [[2; 16]]);
            assert_eq!(r.commit_logs_due(50, 10)?, [[2; 16], [1; 16]]);
            assert_eq!(r.commit_logs_due(50, 1)?.len(), 1);
            Ok(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_wish_to_be_added_again_is_open_until_a_later_commit() {
        let folder = Folder::new();
        let store = folder.open();
        let device = [9; 32];
        write(&store, move |tx| {
            tx.insert_conversation(&group(1), 0)?;
            tx.answer_readd(&ID, &device, 3)?;
            tx.request_readd(&ID, &device, 5)
        })
        .await;
        let open = || read(&store, |r| r.pending_readds(&ID));
        assert_eq!(open().await, [device.to_vec()]);
        write(&store, move |tx| tx.answer_readd(&ID, &device, 6)).await;
        assert!(open().await.is_empty());
        write(&store, move |tx| tx.request_readd(&ID, &device, 7)).await;
        assert_eq!(open().await.len(), 1, "asked anew");
        write(&store, move |tx| tx.delete_readd(&ID, &device)).await;
        assert!(open().await.is_empty());
    }
}
