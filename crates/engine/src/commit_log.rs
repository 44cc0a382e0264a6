//! The commit log: what each commit led to here, published by those whose word counts, and compared
//! with what the network has, so that a group whose members went separate ways is noticed
//! (groups.md 6.7).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conclave_mls::{
    GroupState, MlsError,
    commit_log::{CommitResult, LogEntry, LogSigner, RemoteLog},
    extensions::ATTRIBUTE_COMMIT_LOG_SIGNER,
    policy::Role,
};
use conclave_network::Page;
use conclave_proto::{
    mls::api::v1::PublishCommitLogRequest, mls::message_contents::CommitLogEntry,
};
use conclave_store::{
    Reader, StoreError, Tx,
    commit_log::{CommitLogState, LoggedCommit, NewLoggedCommit, RemoteCommit},
    conversation::Conversation,
    kinds::{ConversationKind, ForkState, OwnRole},
};
use openmls::group::MlsGroup;
use zeroize::Zeroizing;

use crate::{
    client::Core,
    error::EngineError,
    event::{Changes, Connection, GroupId},
    fork,
    intents::IntentData,
    nanoseconds::MINUTE,
};

/// A group's log is looked at this often.
const INTERVAL: Duration = Duration::from_secs(5 * 60);
const INTERVAL_NS: i64 = 5 * MINUTE;
/// Groups looked at in one round; the others have their turn in the next.
const GROUPS_PER_ROUND: i64 = 100;
/// Entries of a group published in one round.
const ENTRIES_PER_ROUND: i64 = 100;
/// Pages of each log read in one round.
const PAGES_PER_ROUND: u32 = 5;
/// Rows of our log compared, newest first.
const COMPARED_ROWS: i64 = 500;

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Begins a group's log: we created the group or joined it.
pub(crate) fn began(tx: &Tx, group: &MlsGroup) -> Result<(), StoreError> {
    log(tx, group, 0, CommitResult::Applied, &[])
}

/// Notes a commit that was merged. `last`: the authenticator of the epoch before.
pub(crate) fn applied(
    tx: &Tx,
    group: &MlsGroup,
    commit_sequence_id: u64,
    last: &[u8],
) -> Result<(), StoreError> {
    let id = number(commit_sequence_id);
    log(tx, group, id, CommitResult::Applied, last)
}

/// Notes a commit that was not merged and never will be. `epoch`: the one it was made in.
pub(crate) fn failed(
    tx: &Tx,
    group: &MlsGroup,
    commit_sequence_id: u64,
    epoch: u64,
    is_decrypted: bool,
) -> Result<(), StoreError> {
    let current = group.epoch().as_u64();
    let result = match epoch == current {
        false => CommitResult::WrongEpoch,
        true if is_decrypted => CommitResult::Invalid,
        true => CommitResult::Undecryptable,
    };
    if epoch < current {
        // From before we came.
        let newest = tx.newest_logged_commits(group.group_id().as_slice(), 1)?;
        if newest
            .first()
            .is_some_and(|row| row.commit_sequence_id == 0)
        {
            return Ok(());
        }
    }
    let authenticator = group.epoch_authenticator().as_slice();
    log(tx, group, number(commit_sequence_id), result, authenticator)
}

fn log(
    tx: &Tx,
    group: &MlsGroup,
    commit_sequence_id: i64,
    result: CommitResult,
    last_authenticator: &[u8],
) -> Result<(), StoreError> {
    tx.log_commit(&NewLoggedCommit {
        conversation_id: group.group_id().as_slice(),
        commit_sequence_id,
        result: result.number(),
        last_authenticator,
        epoch: number(group.epoch().as_u64()),
        authenticator: group.epoch_authenticator().as_slice(),
    })
}

/// What comparing our log with the network's gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The newest commit that both know led to different epochs.
    Forked,
    /// The newest commit here led to the same epoch there.
    Agrees {
        /// Whether the network's log knows no commit after it.
        is_newest: bool,
    },
    /// Nobody has published the newest commits yet.
    Unknown,
}

fn verdict(ours: &[LoggedCommit], theirs: &BTreeMap<i64, Vec<u8>>) -> Verdict {
    let mut is_first = true;
    // Whatever was before we joined, or joined again, is settled.
    for row in ours.iter().take_while(|row| row.commit_sequence_id > 0) {
        match theirs.get(&row.commit_sequence_id) {
            Some(authenticator) if *authenticator != row.authenticator => return Verdict::Forked,
            Some(_) if is_first => {
                let newest = theirs.last_key_value().map(|(commit, _)| *commit);
                return Verdict::Agrees {
                    is_newest: newest == Some(row.commit_sequence_id),
                };
            }
            Some(_) => return Verdict::Unknown,
            None => is_first = false,
        }
    }
    Verdict::Unknown
}

/// What is left to do in a group after its logs were compared.
struct Left {
    group_id: GroupId,
    /// Devices that we are to add again.
    readds: bool,
    /// The log's key, to be written into the group so that other super admins can sign too.
    signer: Option<Zeroizing<String>>,
}

impl Core {
    /// Looks at the logs that are due, in bounded work. Nobody waits for it: what fails is tried
    /// again in the next round.
    pub(crate) async fn check_commit_logs(self: &Arc<Self>) -> Result<(), EngineError> {
        let before_ns = self.clock.now_ns() - INTERVAL_NS;
        let due = self
            .store
            .read(move |reader| reader.commit_logs_due(before_ns, GROUPS_PER_ROUND))
            .await?;
        if due.is_empty() {
            return Ok(());
        }
        self.download(due.clone()).await?;
        let published = self.publish_commit_logs(due.clone()).await?;
        if !published.is_empty() {
            self.download(published).await?;
        }
        for left in self.compare(due).await? {
            let _turn = self.lock(&left.group_id).await;
            if let Some(signer) = left.signer {
                let data = IntentData::Metadata {
                    attribute: ATTRIBUTE_COMMIT_LOG_SIGNER.to_owned(),
                    value: signer.as_str().to_owned(),
                };
                if let Err(error) = self.settle(&left.group_id, data).await {
                    tracing::warn!(code = error.code(), "the log's key was not shared");
                }
            }
            if left.readds
                && let Err(error) = self.answer_readds(&left.group_id).await
            {
                tracing::warn!(code = error.code(), "devices wait to be added again");
            }
        }
        Ok(())
    }

    /// Reads what is new in the network's logs.
    async fn download(self: &Arc<Self>, mut groups: Vec<GroupId>) -> Result<(), EngineError> {
        for _ in 0..PAGES_PER_ROUND {
            let asked = self
                .store
                .read(move |reader| {
                    groups
                        .into_iter()
                        .map(|id| {
                            let position = reader.commit_log_state(&id)?.remote_position;
                            Ok((id, u64::try_from(position).unwrap_or_default()))
                        })
                        .collect::<Result<Vec<_>, StoreError>>()
                })
                .await?;
            let pages = self.network.batch_query_commit_log(&asked).await?;
            groups = self
                .store
                .write(move |tx| {
                    let mut more = Vec::new();
                    for ((id, _), page) in asked.into_iter().zip(pages) {
                        if take(tx, &id, page)? {
                            more.push(id);
                        }
                    }
                    Ok::<_, EngineError>(more)
                })
                .await?;
            if groups.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Publishes what is new in our logs, of groups where that is up to us. Gives those groups.
    async fn publish_commit_logs(
        self: &Arc<Self>,
        groups: Vec<GroupId>,
    ) -> Result<Vec<GroupId>, EngineError> {
        let ready = self
            .store
            .write(move |tx| {
                let mut ready = Vec::new();
                for id in groups {
                    if let Some((last, entries)) = publication(tx, &id)? {
                        ready.push((id, last, entries));
                    }
                }
                Ok::<_, EngineError>(ready)
            })
            .await?;
        let mut published = Vec::new();
        for (id, last, entries) in ready {
            if !entries.is_empty() {
                self.network.batch_publish_commit_log(entries).await?;
            }
            let group_id = id.clone();
            self.store
                .write(move |tx| {
                    if tx.conversation(&group_id)?.is_some() {
                        let mut state = tx.commit_log_state(&group_id)?;
                        state.published_id = last;
                        tx.set_commit_log_state(&group_id, &state)?;
                    }
                    Ok::<_, EngineError>(())
                })
                .await?;
            published.push(id);
        }
        Ok(published)
    }

    /// Compares the logs, and notes that they were looked at.
    async fn compare(self: &Arc<Self>, groups: Vec<GroupId>) -> Result<Vec<Left>, EngineError> {
        let now_ns = self.clock.now_ns();
        let (changes, left) = self
            .store
            .write(move |tx| {
                let (mut changes, mut left) = (Changes::default(), Vec::new());
                for group_id in groups {
                    left.extend(compare_one(tx, group_id, now_ns, &mut changes)?);
                }
                Ok::<_, EngineError>((changes, left))
            })
            .await?;
        self.events.send_changes(changes);
        Ok(left)
    }
}

/// Stores a page of the network's log; whether there is more.
fn take(tx: &Tx, id: &[u8], page: Page<CommitLogEntry>) -> Result<bool, EngineError> {
    let Some(last) = page.items.last().map(|entry| entry.sequence_id) else {
        return Ok(false);
    };
    if tx.conversation(id)?.is_none() {
        return Ok(false);
    }
    let mut state = tx.commit_log_state(id)?;
    let newest = tx.newest_remote_commit(id)?;
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    let mut log = RemoteLog {
        group_id: id.to_vec(),
        key: state.consensus_key.take(),
        newest: newest.map(|one| {
            let (commit, epoch) = (unsigned(one.commit_sequence_id), unsigned(one.epoch));
            (commit, epoch, one.authenticator)
        }),
    };
    for entry in &page.items {
        match log.accept(entry) {
            Ok(read) => {
                let entry = RemoteCommit {
                    commit_sequence_id: number(read.commit_sequence_id),
                    epoch: number(read.epoch),
                    authenticator: read.epoch_authenticator,
                };
                tx.insert_remote_commit(id, &entry)?;
            }
            // Anybody can write into a log; several members publish the same commits.
            Err(ignored) => tracing::debug!(%ignored, "an entry of a commit log"),
        }
    }
    state.consensus_key = log.key;
    state.remote_position = number(last);
    tx.set_commit_log_state(id, &state)?;
    Ok(page.more)
}

/// Whether our word about a group counts.
fn is_publisher(conversation: &Conversation, group: &GroupState, own: &str) -> bool {
    match conversation.kind {
        ConversationKind::Dm => true,
        ConversationKind::Group => group.role(own) == Role::SuperAdmin,
        ConversationKind::Sync | ConversationKind::Oneshot => false,
    }
}

/// The signed entries of a group that wait, and the row of the last of them.
fn publication(
    tx: &Tx,
    id: &[u8],
) -> Result<Option<(i64, Vec<PublishCommitLogRequest>)>, EngineError> {
    let Some(account) = tx.account()? else {
        return Ok(None);
    };
    let Some(conversation) = tx.conversation(id)? else {
        return Ok(None);
    };
    let mut state = tx.commit_log_state(id)?;
    let rows = tx.logged_commits_after(id, state.published_id, ENTRIES_PER_ROUND)?;
    let Some(last) = rows.last().map(|row| row.id) else {
        return Ok(None);
    };
    let Some(group) = group_state(tx, id)? else {
        return Ok(None);
    };
    if !is_publisher(&conversation, &group, &account.inbox_id) {
        return Ok(None);
    }
    // The log's key is another super admin's, who may share it later: then we go on from there.
    let Some(signer) = signer(&state, &group) else {
        return Ok(Some((last, Vec::new())));
    };
    if state.consensus_key.is_none() && state.signer_seed.is_none() {
        // Should somebody else be first and another key count, this one is just not used.
        state.signer_seed = Some(Zeroizing::new(signer.seed().to_vec()));
        tx.set_commit_log_state(id, &state)?;
    }
    // What others have published counts already; ours would be ignored.
    let newest = tx.newest_remote_commit(id)?;
    let known = newest.map_or(0, |entry| entry.commit_sequence_id);
    let entries = rows
        .into_iter()
        .filter(|row| row.commit_sequence_id > known)
        .map(|row| {
            LogEntry {
                group_id: id.to_vec(),
                commit_sequence_id: u64::try_from(row.commit_sequence_id).unwrap_or_default(),
                last_epoch_authenticator: row.last_authenticator,
                result: row.result,
                epoch: u64::try_from(row.epoch).unwrap_or_default(),
                epoch_authenticator: row.authenticator,
            }
            .sign(&signer)
        })
        .collect();
    Ok(Some((last, entries)))
}

/// The key we sign a group's log with: ours, else the group's, else a new one; once the log has a
/// key only that one.
fn signer(state: &CommitLogState, group: &GroupState) -> Option<LogSigner> {
    let own = state
        .signer_seed
        .as_ref()
        .and_then(|seed| LogSigner::from_seed(seed));
    let attribute = group.attribute(ATTRIBUTE_COMMIT_LOG_SIGNER);
    let shared = attribute.and_then(LogSigner::from_attribute);
    match &state.consensus_key {
        Some(key) => [own, shared]
            .into_iter()
            .flatten()
            .find(|signer| signer.public_key() == key.as_slice()),
        None => own.or(shared).or_else(LogSigner::generate),
    }
}

fn group_state(tx: &Tx, id: &[u8]) -> Result<Option<GroupState>, EngineError> {
    let Some(group) = tx.take_group(id)? else {
        return Ok(None);
    };
    let state = GroupState::of(&group);
    tx.keep_group(group);
    Ok(Some(state.map_err(MlsError::from)?))
}

fn compare_one(
    tx: &Tx,
    group_id: GroupId,
    now_ns: i64,
    changes: &mut Changes,
) -> Result<Option<Left>, EngineError> {
    let (account, conversation) = (tx.account()?, tx.conversation(&group_id)?);
    let (Some(account), Some(mut conversation)) = (account, conversation) else {
        return Ok(None);
    };
    let mut log = tx.commit_log_state(&group_id)?;
    log.checked_at_ns = now_ns;
    tx.set_commit_log_state(&group_id, &log)?;
    // Rows that we may have to publish are kept until they are.
    let is_publisher =
        conversation.kind == ConversationKind::Dm || conversation.own_role == OwnRole::SuperAdmin;
    let done = if is_publisher {
        log.published_id
    } else {
        i64::MAX
    };
    tx.prune_commit_logs(&group_id, done)?;
    let verdict = look(tx, &group_id)?;
    match verdict {
        Verdict::Forked => fork::confirm(tx, &mut conversation, changes)?,
        Verdict::Agrees { is_newest: true } => fork::clear(tx, &mut conversation, changes)?,
        Verdict::Agrees { is_newest: false } | Verdict::Unknown => {}
    }
    let agrees = matches!(verdict, Verdict::Agrees { .. });
    let is_ours = conversation.kind == ConversationKind::Group
        && conversation.fork == ForkState::None
        && conversation.paused_for_version.is_none();
    if !agrees || !is_ours {
        return Ok(None);
    }
    let Some(group) = group_state(tx, &group_id)? else {
        return Ok(None);
    };
    if group.role(&account.inbox_id) != Role::SuperAdmin {
        return Ok(None);
    }
    let attribute = group.attribute(ATTRIBUTE_COMMIT_LOG_SIGNER);
    let shared = attribute.and_then(LogSigner::from_attribute);
    let is_shared = shared.map(|signer| signer.public_key().to_vec()) == log.consensus_key;
    let own = signer(&log, &group).filter(|_| log.consensus_key.is_some() && !is_shared);
    let signer = own.map(|signer| Zeroizing::new(hex::encode(signer.seed().as_slice())));
    let readds = !tx.pending_readds(&group_id)?.is_empty();
    Ok((readds || signer.is_some()).then_some(Left {
        group_id,
        readds,
        signer,
    }))
}

fn look(reader: &Reader, group_id: &[u8]) -> Result<Verdict, StoreError> {
    let ours = reader.newest_logged_commits(group_id, COMPARED_ROWS)?;
    Ok(verdict(&ours, &reader.remote_authenticators(group_id)?))
}

/// Looks at the logs until it is stopped.
pub(crate) async fn work(core: Arc<Core>) {
    loop {
        // A wake is kept while we are busy.
        drop(tokio::time::timeout(INTERVAL, core.wakes.commit_logs.notified()).await);
        if core.wakes.connection() != Connection::Online {
            continue;
        }
        if let Err(error) = core.check_commit_logs().await {
            tracing::warn!(code = error.code(), "commit logs were not compared");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(rows: &[(i64, u8)]) -> Vec<LoggedCommit> {
        rows.iter()
            .map(|(commit, authenticator)| LoggedCommit {
                id: 1,
                commit_sequence_id: *commit,
                result: 1,
                last_authenticator: Vec::new(),
                epoch: 1,
                authenticator: vec![*authenticator; 32],
            })
            .collect()
    }

    fn theirs(rows: &[(i64, u8)]) -> BTreeMap<i64, Vec<u8>> {
        rows.iter()
            .map(|(commit, a)| (*commit, vec![*a; 32]))
            .collect()
    }

    #[test]
    fn logs_are_compared_from_the_newest_commit_on() {
        let newest = Verdict::Agrees { is_newest: true };
        let older = Verdict::Agrees { is_newest: false };
        for (here, there, expected) in [
            (vec![], vec![], Verdict::Unknown),
            (vec![(5, 1), (0, 9)], vec![], Verdict::Unknown),
            (vec![(5, 1), (0, 9)], vec![(5, 1)], newest),
            (vec![(5, 1), (0, 9)], vec![(5, 1), (7, 2)], older),
            (vec![(5, 1), (0, 9)], vec![(5, 2)], Verdict::Forked),
            // What is newer here has not been published: nothing is known, unless it was
            // different before already.
            (vec![(6, 2), (5, 1), (0, 9)], vec![(5, 1)], Verdict::Unknown),
            (vec![(6, 2), (5, 1), (0, 9)], vec![(5, 3)], Verdict::Forked),
            // Before we joined again nothing counts.
            (vec![(0, 9), (5, 1)], vec![(5, 3)], Verdict::Unknown),
            (vec![(8, 4), (0, 9), (5, 1)], vec![(5, 3), (8, 4)], newest),
        ] {
            assert_eq!(
                verdict(&ours(&here), &theirs(&there)),
                expected,
                "{here:?} {there:?}"
            );
        }
    }
}
