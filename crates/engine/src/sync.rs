//! Rounds of publishing and fetching in one group, and the sync of everything.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use conclave_mls::version;
use conclave_store::{
    Reader,
    conversation::{Conversation, ConversationChange, ConversationQuery},
    kinds::{ConsentState, ConversationKind, CursorKind, IntentKind, IntentState},
};
use futures::{StreamExt, stream};
use rand::Rng as _;

use crate::{
    client::{Client, Core},
    conversations::AllSync,
    error::EngineError,
    event::{Event, GroupId, Operation},
    fork,
    intents::FIRST_PAUSE,
    members::KeyPackages,
    messages::inactive,
    nanoseconds::{MINUTE, SECOND},
};

/// Most rounds in which one call tries to get its changes through (groups.md 6.3).
pub(crate) const ROUNDS: u32 = 3;
/// Groups synced at the same time.
pub(crate) const CONCURRENT_GROUPS: usize = 10;
/// Members' installations are compared with their inboxes before a send, at most this often.
const CHECK_BEFORE_SEND_NS: i64 = 5 * SECOND;
/// And after a sync of everything, at most this often.
const CHECK_AFTER_SYNC_NS: i64 = 30 * MINUTE;
/// Groups whose members are compared in one such sync; the others have their turn in the next.
const CHECKS_PER_SYNC: usize = 50;
/// Groups asked for their newest message in one call.
const GROUPS_PER_QUERY: usize = 1_000;

/// What a sync of one group did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupSync {
    /// Messages that were not there before.
    pub new_messages: usize,
    /// Own messages and changes that the network has now.
    pub published: usize,
    /// Own messages and changes given up, and envelopes that could not be read.
    pub failed: usize,
}

impl std::ops::AddAssign for GroupSync {
    fn add_assign(&mut self, other: Self) {
        self.new_messages += other.new_messages;
        self.published += other.published;
        self.failed += other.failed;
    }
}

/// Waits before a round; the first begins at once.
pub(crate) async fn pause_before(round: u32) {
    if round > 0 {
        let jitter = Duration::from_millis(rand::rng().random_range(0..25));
        tokio::time::sleep(FIRST_PAUSE * 3_u32.pow(round - 1) + jitter).await;
    }
}

impl Client {
    /// Publishes and fetches everything that waits in a conversation; for a direct message in all
    /// groups that it consists of.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`], [`EngineError::Inactive`], the network's. What was
    /// done before the error stays done.
    pub async fn group_sync(&self, id: &[u8]) -> Result<GroupSync, EngineError> {
        let group_id = id.to_vec();
        self.0.require_own_inbox().await?;
        let ids = self
            .0
            .store
            .read(move |reader| {
                let found = reader.conversation(&group_id)?;
                let found = found.ok_or(EngineError::UnknownConversation)?;
                if !found.is_active && found.dm_id.is_none() {
                    return Err(inactive(&found));
                }
                Ok(reader.stitched_ids(&group_id)?)
            })
            .await?;
        let mut report = GroupSync::default();
        for id in ids {
            report += self.0.sync_or_share(&id).await?;
        }
        Ok(report)
    }

    /// Fetches new conversations and publishes and fetches everything that waits in those with
    /// this consent (none given: all; what is denied stays complete and is only not shown).
    ///
    /// # Errors
    /// The network's if not even the list of what is new could be had; a group that fails is
    /// counted.
    pub async fn sync_all(&self, consent: &[ConsentState]) -> Result<AllSync, EngineError> {
        self.0.require_own_inbox().await?;
        let new_conversations = self.0.sync_welcomes().await?;
        if !self.0.is_live() {
            // What a welcome told of our inbox; where there is background work it follows by itself.
            self.0.follow_own_inbox().await?;
        }
        let query = ConversationQuery {
            kinds: vec![
                ConversationKind::Group,
                ConversationKind::Dm,
                ConversationKind::Sync,
            ],
            consent: if consent.is_empty() {
                ConsentState::ALL.to_vec()
            } else {
                consent.to_vec()
            },
            include_duplicate_dms: true,
            include_hidden: true,
            ..ConversationQuery::default()
        };
        let entries = self
            .0
            .store
            .read(move |reader| reader.conversations(&query))
            .await?;
        let conversations: Vec<Conversation> = entries
            .into_iter()
            .map(|entry| entry.conversation)
            .filter(|c| c.is_active)
            .collect();
        let behind = self.0.behind(&conversations).await?;
        let unseen: BTreeSet<_> = conversations
            .iter()
            .filter(|c| c.kind == ConversationKind::Sync)
            .map(|c| c.id.clone())
            .collect();
        let (total, mut done) = (behind.len(), 0);
        let mut all = AllSync {
            new_conversations,
            ..AllSync::default()
        };
        let mut syncs = stream::iter(behind)
            .map(|id| async move {
                let _turn = self.0.lock(&id).await;
                let mut report = GroupSync::default();
                let synced = self.0.sync_group(&id, &mut report).await;
                (id, report, synced)
            })
            .buffer_unordered(CONCURRENT_GROUPS);
        while let Some((id, report, synced)) = syncs.next().await {
            done += 1;
            all.new_messages += report.new_messages;
            match synced {
                Ok(()) => all.synced += usize::from(!unseen.contains(&id)),
                Err(error) => {
                    tracing::warn!(code = error.code(), "a conversation was not synced");
                    all.failed += usize::from(!unseen.contains(&id));
                }
            }
            let operation = Operation::SyncAll;
            self.0.events.send(Event::Progress {
                operation,
                operation_id: None,
                conversation_id: None,
                done,
                total,
            });
        }
        drop(syncs);
        self.0.take_out_everywhere().await?;
        let due_ns = self.0.clock.now_ns() - CHECK_AFTER_SYNC_NS;
        let due = conversations
            .iter()
            .filter(|c| c.installations_checked_at_ns <= due_ns && !unseen.contains(&c.id));
        let mut queued = Vec::new();
        for conversation in due.take(CHECKS_PER_SYNC) {
            let follow = self
                .0
                .follow_installations(&conversation.id, CHECK_AFTER_SYNC_NS);
            if follow.await? {
                queued.push(conversation.id.clone());
            }
        }
        self.0.publish_queued(queued).await;
        if !self.0.is_live()
            && let Err(error) = self.0.sync_devices().await
        {
            tracing::warn!(code = error.code(), "our other installations were not told");
        }
        self.0.maintain().await?;
        if let Err(error) = self.0.check_commit_logs().await {
            tracing::warn!(code = error.code(), "commit logs were not compared");
        }
        Ok(all)
    }
}

impl Core {
    /// Groups in which the node has something after our cursor, or in which we have something to
    /// publish.
    async fn behind(&self, conversations: &[Conversation]) -> Result<Vec<GroupId>, EngineError> {
        let (cursors, unresolved) = self
            .store
            .read(|reader| {
                let cursors = reader.cursors(CursorKind::Group)?;
                Ok::<_, EngineError>((cursors, reader.unresolved_intents()?))
            })
            .await?;
        let cursors: std::collections::HashMap<_, _> = cursors.into_iter().collect();
        let mut behind = Vec::new();
        for chunk in conversations.chunks(GROUPS_PER_QUERY) {
            let ids: Vec<GroupId> = chunk.iter().map(|c| c.id.clone()).collect();
            let newest = self.network.newest_group_messages(&ids).await?;
            for (id, newest) in ids.into_iter().zip(newest) {
                let newest = newest.map_or(0, |m| i64::try_from(m.id).unwrap_or(i64::MAX));
                if newest > cursors.get(&id).copied().unwrap_or_default()
                    || unresolved.iter().any(|intent| intent.conversation_id == id)
                {
                    behind.push(id);
                }
            }
        }
        Ok(behind)
    }

    /// Waits for a group's turn and syncs it, unless another sync did that while this one waited.
    async fn sync_or_share(self: &Arc<Self>, group_id: &[u8]) -> Result<GroupSync, EngineError> {
        let queue = self.turns.of(group_id);
        let seen = queue.fetches();
        let _turn = queue.wait().await;
        if let Some(shared) = queue.settled_after(seen) {
            return Ok(shared);
        }
        let mut report = GroupSync::default();
        self.sync_group(group_id, &mut report).await?;
        if queue.settled_after(seen).is_none()
            && let Err(error) = self.take_out_leaving(group_id).await
        {
            tracing::warn!(code = error.code(), "people who want to leave are still in");
        }
        Ok(report)
    }

    /// Publishes and fetches everything that waits in a group. The caller holds its lock.
    pub(crate) async fn sync_group(
        self: &Arc<Self>,
        group_id: &[u8],
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        let mut key_packages = KeyPackages::default();
        for round in 0..ROUNDS {
            pause_before(round).await;
            match self.round(group_id, &mut key_packages, report).await {
                Ok(left) if left.waiting.is_empty() => {
                    if left.is_shared() {
                        self.turns.of(group_id).settle(*report);
                    }
                    return Ok(());
                }
                Ok(_) => {}
                Err(EngineError::Revoked) => {
                    self.end_revoked().await?;
                    return Err(EngineError::Revoked);
                }
                Err(error) => {
                    self.messages_failed(group_id, error.code(), report).await?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// One round: publish what waits, fetch what is there, send the welcomes that a commit left.
    /// Goes on as long as that settles something. Gives what is left.
    pub(crate) async fn round(
        self: &Arc<Self>,
        group_id: &[u8],
        key_packages: &mut KeyPackages,
        report: &mut GroupSync,
    ) -> Result<Survey, EngineError> {
        self.require_valid()?;
        let mut now = self.survey(group_id).await?;
        if let Some(minimum) = now.paused_for.take() {
            // This may be the version that the group waited for (groups.md 6.8).
            if !version::supports(&minimum).unwrap_or(false) {
                return Ok(Survey::default());
            }
            self.unpause(group_id).await?;
        }
        if !now.is_active {
            return Ok(Survey::default());
        }
        if now.is_held_back {
            // Only fetching helps, should it be the clock.
            now = self.receive(group_id, now.cursor, report).await?;
            if now.is_held_back {
                return Ok(Survey::default());
            }
        }
        if !now.waiting.is_empty() && now.is_check_due {
            self.follow_installations(group_id, CHECK_BEFORE_SEND_NS)
                .await?;
            now = self.survey(group_id).await?;
        }
        if now.waiting.is_empty() || !now.under_way.is_empty() || self.is_cut_off() {
            // What was sent before may be in; only what is not is sent again. And as long as the
            // node is gone nothing leaves that could not be taken back.
            now = self.receive(group_id, now.cursor, report).await?;
            if now.is_settled() {
                return Ok(now);
            }
        }
        loop {
            let published = self.publish(group_id, &now, key_packages, report).await;
            let mut left = match published {
                Err(error) if error.is_retryable() => return Err(error),
                _ => self.receive(group_id, now.cursor, report).await?,
            };
            if left.is_committed {
                self.send_welcomes(group_id).await?;
                left = self.survey(group_id).await?;
            }
            published?;
            if left.waiting.is_empty() || left.waiting == now.waiting {
                return Ok(left);
            }
            now = left;
        }
    }

    /// What is to be done in a group, read at once.
    pub(crate) async fn survey(&self, group_id: &[u8]) -> Result<Survey, EngineError> {
        let (group, now_ns) = (group_id.to_vec(), self.clock.now_ns());
        self.store
            .read(move |reader| Survey::of(reader, &group, now_ns))
            .await
    }

    async fn unpause(&self, group_id: &[u8]) -> Result<(), EngineError> {
        let group = group_id.to_vec();
        let change = ConversationChange {
            paused_for_version: Some(None),
            ..ConversationChange::default()
        };
        self.store
            .write(move |tx| Ok::<_, EngineError>(tx.update_conversation(&group, &change)?))
            .await
    }
}

/// What is to be done in a group.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    is_active: bool,
    /// Whether nothing is to be published because of a fork.
    is_held_back: bool,
    paused_for: Option<String>,
    /// Whether the members' installations are to be compared with their inboxes before a send.
    is_check_due: bool,
    /// The node's id of the last envelope applied.
    pub(crate) cursor: u64,
    /// Intents to publish, in order.
    pub(crate) waiting: Vec<i64>,
    /// The first of them that is a change of the group.
    pub(crate) change: Option<i64>,
    /// Intents that were sent, perhaps, and did not come back.
    pub(crate) under_way: Vec<i64>,
    /// Whether welcomes are to be sent.
    is_committed: bool,
    /// Whether somebody asked to leave and is still in.
    has_leavers: bool,
}

impl Survey {
    /// Within a transaction it sees the transaction's changes.
    pub(crate) fn of(reader: &Reader, group_id: &[u8], now_ns: i64) -> Result<Self, EngineError> {
        let Some(conversation) = reader.group(group_id)? else {
            // Deleted, as the person wished, with the envelope that took us out.
            return Ok(Self::default());
        };
        let checked_ns = conversation.installations_checked_at_ns;
        let mut survey = Self {
            is_active: conversation.is_active,
            is_held_back: fork::holds_back(&conversation),
            paused_for: conversation.paused_for_version,
            is_check_due: checked_ns.saturating_add(CHECK_BEFORE_SEND_NS) <= now_ns,
            cursor: u64::try_from(reader.cursor(CursorKind::Group, group_id)?).unwrap_or_default(),
            has_leavers: !reader.pending_removals(group_id)?.is_empty(),
            ..Self::default()
        };
        for (id, kind, state) in reader.outbox(group_id)? {
            match state {
                IntentState::ToPublish => {
                    let is_change = kind != IntentKind::SendMessage;
                    survey.change = survey.change.or(is_change.then_some(id));
                    survey.waiting.push(id);
                }
                IntentState::Published => survey.under_way.push(id),
                _ => survey.is_committed = true,
            }
        }
        Ok(survey)
    }

    /// Whether this queued message is all there is to do, and may be sent as the group is.
    pub(crate) fn is_ready_for(&self, intent_id: i64) -> bool {
        self.is_active
            && !self.is_held_back
            && self.paused_for.is_none()
            && !self.is_check_due
            && !self.is_committed
            && self.under_way.is_empty()
            && self.waiting == [intent_id]
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty() && !self.is_committed
    }

    /// Whether another sync of the group would find nothing to do either.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_active && self.is_settled() && !self.has_leavers
    }
}
