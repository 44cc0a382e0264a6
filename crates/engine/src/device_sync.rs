//! Sync groups: the hidden groups in which the installations of our inbox tell each other things
//! (device-sync.md 1, 2).
//!
//! Each installation that comes to an inbox makes one with all others in it, so there are several.
//! All are read; what we write goes into the newest, by when the node had the commit that made it:
//! unlike the times that installations see themselves, that is the same for everybody.
//!
//! Only installations of our own inbox may be in one. A welcome into any other is dropped, a group
//! that somebody else came into is left alone from then on, and what a revoked installation wrote
//! counts nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conclave_content::device_sync::DeviceSync;
use conclave_identity::InstallationId;
use conclave_mls::{
    GroupState,
    group::{NewGroup, NewGroupKind},
};
use conclave_store::{StoreError, Tx, kinds::IntentKind};

use crate::{
    client::Core,
    error::EngineError,
    event::{Changes, Connection, GroupId},
    identities::newest_state,
    intents::IntentData,
    members::KeyPackages,
    nanoseconds::SECOND,
    preferences,
    sync::GroupSync,
};

/// Why a sync group is not used: others are in it, or could be.
pub(crate) const FOREIGN: &str = "sync_group_foreign";
/// A message of a sync group that says nothing that is known here.
const UNREADABLE: &str = "device_sync_unreadable";
/// A message of an installation that belongs to our inbox no more.
const REVOKED_SENDER: &str = "device_sync_of_revoked";

/// The work is looked at this often although nothing said that there is some.
const CHECK: Duration = Duration::from_secs(60);
/// Pause after it failed.
const RETRY: Duration = Duration::from_secs(5);
/// An installation that is new makes the first sync group, and has this long for it. If an older one
/// made another meanwhile, 1.8.1 would write its request into the one and look for the answer in the
/// other, and ask no more.
const TURN_OF_NEWCOMER_NS: i64 = 30 * SECOND;
/// Times that a revoked installation is taken out before the next look.
const CLEANING_TRIES: u32 = 3;

/// A message of a sync group, as it stands on the node.
pub(crate) struct Received<'a> {
    pub(crate) group_id: &'a [u8],
    /// Who wrote it.
    pub(crate) sender: InstallationId,
    /// Everybody who can read it, in order of their ids.
    pub(crate) members: Vec<InstallationId>,
    /// When the node had it, in ns.
    pub(crate) sent_at_ns: i64,
}

/// Whether only installations of our inbox are in a group, and one of them made it.
pub(crate) fn is_ours(state: &GroupState, own: &str) -> bool {
    state.metadata.creator_inbox_id == own
        && state.membership.members.keys().all(|member| member == own)
        && state.leaves.iter().all(|leaf| leaf.inbox_id == own)
}

impl Core {
    /// Does what a message of a sync group says, our own included: it counts once the network has it.
    pub(crate) fn device_message(
        &self,
        tx: &Tx,
        received: &Received<'_>,
        content: &[u8],
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let now_ns = self.clock.now_ns();
        let known = newest_state(tx, &self.account.inbox_id)?;
        if !known.is_some_and(|(_, state)| state.has_installation(received.sender)) {
            return Ok(tx.count_diagnostic(REVOKED_SENDER, now_ns)?);
        }
        match DeviceSync::decode(content) {
            Some(DeviceSync::Preferences(updates)) => {
                Ok(preferences::apply(self, tx, received, updates, changes)?)
            }
            Some(DeviceSync::Request(request)) => {
                Ok(self.history_requested(tx, received, request, changes)?)
            }
            Some(DeviceSync::Acknowledge { pin, is_conclave }) => {
                Ok(self.history_claimed(tx, received, &pin, is_conclave, changes)?)
            }
            Some(DeviceSync::Reply(reply)) => {
                Ok(self.history_replied(tx, received, reply, changes)?)
            }
            Some(DeviceSync::Notice { pin, outcome }) => {
                Ok(self.history_noticed(tx, received, &pin, outcome, changes)?)
            }
            None => Ok(tx.count_diagnostic(UNREADABLE, now_ns)?),
        }
    }

    /// Queues a message to our other installations in the newest sync group. Gives the group, which
    /// is to be published; `None` if there is none.
    pub(crate) fn queue_device_message(
        &self,
        tx: &Tx,
        message: &DeviceSync,
    ) -> Result<Option<GroupId>, EngineError> {
        let Some(group_id) = tx.sync_groups()?.into_iter().next() else {
            return Ok(None);
        };
        let now_ns = self.clock.now_ns();
        let row = self.own_row(&group_id, now_ns);
        let id = row.insert_unseen(tx, &message.encode())?;
        IntentData::Message.enqueue(tx, &group_id, Some(&id), now_ns)?;
        Ok(Some(group_id))
    }

    /// Our other installations, as far as known here.
    pub(crate) async fn other_installations(&self) -> Result<Vec<InstallationId>, EngineError> {
        let newest = self.identities.newest(&self.account.inbox_id).await?;
        let all = newest
            .iter()
            .flat_map(|(_, state)| state.installations())
            .filter(|id| *id != self.account.installation_id);
        Ok(all.collect())
    }

    /// Sees to it that there is a sync group that revoked installations can't read, and tells the
    /// others what they were not told.
    pub(crate) async fn sync_devices(self: &Arc<Self>) -> Result<(), EngineError> {
        self.require_valid()?;
        if self.other_installations().await?.is_empty() {
            return self.tell_nobody().await;
        }
        if self.is_turn_of_newcomer().await? {
            return Ok(());
        }
        if self.device_group().await?.is_some() {
            self.tell_preferences().await?;
        }
        Ok(())
    }

    /// Whether there is no sync group yet, and another installation came so recently that it is about
    /// to make one.
    async fn is_turn_of_newcomer(&self) -> Result<bool, EngineError> {
        let since_ns = self.clock.now_ns().saturating_sub(TURN_OF_NEWCOMER_NS);
        let turn = self.store.read(move |reader| {
            let newest = reader.new_devices()?.into_iter().next();
            let is_recent = newest.is_some_and(|(_, first_seen_ns)| first_seen_ns > since_ns);
            Ok::<_, StoreError>(is_recent && reader.sync_groups()?.is_empty())
        });
        Ok(turn.await?)
    }

    /// The newest sync group, made if there is none. `None`: a revoked installation can still read
    /// it, and could not be taken out yet.
    pub(crate) async fn device_group(self: &Arc<Self>) -> Result<Option<GroupId>, EngineError> {
        let groups = self.store.read(|reader| reader.sync_groups()).await?;
        let id = match groups.into_iter().next() {
            Some(id) => id,
            None => self.make_device_group().await?,
        };
        for _ in 0..CLEANING_TRIES {
            let (core, group) = (Arc::clone(self), id.clone());
            let is_clean = self
                .store
                .write(move |tx| core.clean_device_group(tx, &group))
                .await?;
            if is_clean {
                return Ok(Some(id));
            }
            let _turn = self.lock(&id).await;
            self.sync_group(&id, &mut GroupSync::default()).await?;
        }
        Ok(None)
    }

    /// Whether everybody who can read a group is an installation of ours. If not, the commit that
    /// makes it so is queued.
    fn clean_device_group(&self, tx: &Tx, id: &[u8]) -> Result<bool, EngineError> {
        let own = &self.account.inbox_id;
        let (Some((newest, known)), Some(group)) = (newest_state(tx, own)?, tx.take_group(id)?)
        else {
            return Ok(false);
        };
        let state = GroupState::of(&group);
        tx.keep_group(group);
        let state = state?;
        let is_clean = state
            .leaves
            .iter()
            .all(|leaf| known.has_installation(leaf.installation_id));
        let is_queued = || {
            let outbox = tx.outbox(id)?;
            let is_membership = |kind: &IntentKind| *kind == IntentKind::UpdateGroupMembership;
            Ok::<_, StoreError>(outbox.iter().any(|(_, kind, _)| is_membership(kind)))
        };
        if !is_clean && !is_queued()? {
            let data = IntentData::Membership {
                updates: BTreeMap::from([(own.clone(), newest)]),
                removed: Vec::new(),
            };
            data.enqueue(tx, id, None, self.clock.now_ns())?;
        }
        Ok(is_clean)
    }

    /// Makes a sync group with all our installations in it: for them the sign that we are new, or
    /// that there is another group to write in.
    pub(crate) async fn make_device_group(self: &Arc<Self>) -> Result<GroupId, EngineError> {
        let own = self.account.inbox_id.clone();
        self.identities.refresh(std::slice::from_ref(&own)).await?;
        self.require_valid()?;
        let Some((newest, _)) = self.identities.newest(&own).await? else {
            return Err(EngineError::NotRegistered);
        };
        let new = NewGroup::of_kind(NewGroupKind::Sync);
        let first = BTreeMap::from([(own, newest)]);
        let (id, intent, _) = self.store_group(new, first).await?;
        let _turn = self.lock(&id).await;
        let key_packages = &mut KeyPackages::default();
        if let Err(error) = self.settle_queued(&id, intent, key_packages).await {
            self.discard_unborn(&id).await?;
            return Err(error);
        }
        self.wake_streams();
        Ok(id)
    }
}

/// Tells our other installations what they are to know, until this one is revoked.
pub(crate) async fn work(core: Arc<Core>) {
    loop {
        let mut pause = CHECK;
        if core.wakes.connection() == Connection::Online
            && let Err(error) = core.sync_devices().await
        {
            tracing::warn!(code = error.code(), "our other installations were not told");
            pause = RETRY;
        }
        // An error says that the time is over.
        drop(tokio::time::timeout(pause, core.wakes.devices.notified()).await);
    }
}
