//! Being added to a group again after a fork: asking for it, and answering those who ask
//! (groups.md 6.7).
//!
//! The request travels in the metadata of a group made for it alone, so that it does not need the
//! keys of the group that is broken. Super admins' installations answer with one commit that takes
//! the device's leaf out and puts it in again.

use std::{collections::BTreeMap, sync::Arc};

use conclave_mls::{
    GroupState, InstallationId, Leaf, MlsError,
    commit::{self, MembershipCommit},
    extensions::{ATTRIBUTE_MINIMUM_VERSION, ReaddRequest},
    group::{NewGroup, NewGroupKind},
    policy::Role,
    version::LibraryVersion,
};
use conclave_store::{
    Tx,
    conversation::{Conversation, ConversationChange, ConversationQuery},
    kinds::{ConsentState, ConversationKind, CursorKind, ForkState},
};
use openmls::group::MlsGroup;

use crate::{
    client::{Client, Core},
    deletion::erase,
    error::EngineError,
    event::{Changes, GroupId},
    intents::IntentData,
    members::{KeyPackages, Newcomer},
    messages::{inactive, usable},
    nanoseconds::SECOND,
};

/// Official clients before this version can't follow a commit that adds a device again; the super
/// admin who answers makes it the group's minimum (groups.md 6.7).
const MINIMUM_VERSION: &str = "1.6.0";

const DIRECT: &str = "In a direct message nobody can add this device again. Start a new direct message with the same person; both are shown as one conversation.";
const NO_FORK: &str =
    "This conversation is in step with the others, as far as is known; nothing is to be asked.";
const NOBODY: &str = "This group has no super admin with another device who could add this device again. Ask a member to remove and add you again, or make a new group; what you have here is kept.";

impl Client {
    /// Asks the super admins to add this device again, because its copy of the group is broken.
    /// Their installations answer by themselves, when they are online.
    ///
    /// # Errors
    /// [`EngineError::ReaddUnavailable`] where nobody could do it: in a direct message, without a
    /// fork, without another super admin; [`EngineError::UnknownConversation`],
    /// [`EngineError::Inactive`], [`EngineError::Paused`], the network's. Nothing was asked then.
    pub async fn request_readd(&self, id: &[u8]) -> Result<(), EngineError> {
        let _turn = self.0.lock(id).await;
        let conversation = self.conversation(id).await?.conversation;
        self.0.require_valid()?;
        if !conversation.is_active {
            return Err(inactive(&conversation));
        }
        if let Some(version) = conversation.paused_for_version {
            return Err(EngineError::Paused(version));
        }
        if conversation.kind != ConversationKind::Group {
            return Err(EngineError::ReaddUnavailable(DIRECT));
        }
        if conversation.fork == ForkState::None {
            return Err(EngineError::ReaddUnavailable(NO_FORK));
        }
        let state = self.group_state(id).await?;
        let own = self.0.account.inbox_id.clone();
        let is_super = |inbox_id: &str| state.role(inbox_id) == Role::SuperAdmin;
        let device = self.0.account.installation_id;
        // Our own other devices come into the request's group by themselves.
        let is_answered_by =
            |leaf: &Leaf| is_super(&leaf.inbox_id) && leaf.installation_id != device;
        if !state.leaves.iter().any(is_answered_by) {
            return Err(EngineError::ReaddUnavailable(NOBODY));
        }
        let members = state.membership.members.keys();
        let asked: Vec<_> = members
            .filter(|inbox_id| **inbox_id != own && is_super(inbox_id))
            .map(|inbox_id| (inbox_id.clone(), inbox_id.clone()))
            .collect();
        let group_id = id.to_vec();
        let cursor = self
            .0
            .store
            .read(move |reader| reader.cursor(CursorKind::Group, &group_id))
            .await?;
        let request = ReaddRequest {
            group_id: id.to_vec(),
            latest_commit_sequence_id: u64::try_from(cursor).unwrap_or_default(),
        };
        self.0.send_request(request, asked).await?;
        let (group_id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        let changes = self
            .0
            .store
            .write(move |tx| {
                tx.request_readd(&group_id, device.as_bytes(), cursor)?;
                let change = ConversationChange {
                    readd_requested_at_ns: Some(Some(now_ns)),
                    ..ConversationChange::default()
                };
                tx.update_conversation(&group_id, &change)?;
                let mut changes = Changes::default();
                changes.conversation(&group_id);
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.0.events.send_changes(changes);
        Ok(())
    }
}

/// A group, and the installations in it that asked to be added again.
type OpenRequests = (GroupState, Vec<[u8; 32]>);

impl Core {
    /// Makes the group that carries a request, welcomes people into it and forgets it.
    async fn send_request(
        self: &Arc<Self>,
        request: ReaddRequest,
        people: Vec<(String, String)>,
    ) -> Result<(), EngineError> {
        self.forget_requests().await?;
        let own = self.account.inbox_id.clone();
        self.identities.refresh(std::slice::from_ref(&own)).await?;
        let Some((own_sequence_id, _)) = self.identities.newest(&own).await? else {
            return Err(EngineError::NotRegistered);
        };
        let mut additions = self.prepare_additions(people).await?;
        // One commit: whoever answers first is enough.
        let newcomers = additions.batches.pop_front().unwrap_or_default();
        let mut first = BTreeMap::from([(own, own_sequence_id)]);
        first.extend(newcomers.iter().map(Newcomer::update));
        let new = NewGroup::of_kind(NewGroupKind::Oneshot(request));
        let (id, intent, _) = self.store_group(new, first).await?;
        let _turn = self.lock(&id).await;
        let settled = self
            .settle_queued(&id, intent, &mut additions.key_packages)
            .await;
        let sent = match settled {
            // It may be in without its welcomes.
            Ok(()) => self.send_welcomes(&id).await,
            Err(error) => Err(error),
        };
        self.forget_request(id.clone()).await?;
        sent
    }

    async fn forget_request(self: &Arc<Self>, id: GroupId) -> Result<(), EngineError> {
        self.store
            .write(move |tx| {
                let group = tx.take_group(&id)?;
                erase(tx, &id, group)
            })
            .await
    }

    /// Erases the groups of requests during which the program ended.
    async fn forget_requests(self: &Arc<Self>) -> Result<(), EngineError> {
        let query = ConversationQuery {
            kinds: vec![ConversationKind::Oneshot],
            consent: ConsentState::ALL.to_vec(),
            include_hidden: true,
            ..ConversationQuery::default()
        };
        let left = self
            .store
            .read(move |reader| reader.conversations(&query))
            .await?;
        for entry in left {
            self.forget_request(entry.conversation.id).await?;
        }
        Ok(())
    }

    /// Takes a request in: it counts if we want the group it is about and its sender has a leaf
    /// there.
    pub(crate) fn readd_requested(
        &self,
        tx: &Tx,
        oneshot: &GroupState,
        sender: &Leaf,
    ) -> Result<(), EngineError> {
        let Some(request) = &oneshot.metadata.readd_request else {
            return Ok(());
        };
        let now_ns = self.clock.now_ns();
        let conversation = tx.conversation(&request.group_id)?;
        let is_wanted = tx.effective_consent(&request.group_id)? == ConsentState::Allowed;
        let Some(conversation) = conversation.filter(|found| found.is_active && is_wanted) else {
            tx.count_diagnostic("readd_request_unwanted", now_ns)?;
            return Ok(());
        };
        let Some(group) = tx.take_group(&conversation.id)? else {
            return Ok(());
        };
        let state = GroupState::of(&group);
        tx.keep_group(group);
        if !state?.has_leaf(&sender.installation_id) {
            tx.count_diagnostic("readd_request_of_stranger", now_ns)?;
            return Ok(());
        }
        // No later than what we know ourselves, so that every answer comes after it.
        let cursor = tx.cursor(CursorKind::Group, &conversation.id)?;
        let latest = i64::try_from(request.latest_commit_sequence_id).unwrap_or(i64::MAX);
        let device = sender.installation_id;
        tx.request_readd(&conversation.id, device.as_bytes(), latest.min(cursor))?;
        // Its log is due at once.
        let mut log = tx.commit_log_state(&conversation.id)?;
        log.checked_at_ns = 0;
        tx.set_commit_log_state(&conversation.id, &log)?;
        Ok(())
    }

    /// Adds those again who asked for it. The caller holds the group's lock and knows that our log
    /// of it agrees with the network's.
    pub(crate) async fn answer_readds(self: &Arc<Self>, id: &[u8]) -> Result<(), EngineError> {
        let (core, group_id) = (Arc::clone(self), id.to_vec());
        let open = self
            .store
            .write(move |tx| core.open_requests(tx, &group_id))
            .await?;
        let Some((state, installations)) = open else {
            return Ok(());
        };
        let minimum = state.attribute(ATTRIBUTE_MINIMUM_VERSION);
        let is_lower = |text: &str| {
            let (current, wanted) = (text.parse::<LibraryVersion>(), MINIMUM_VERSION.parse());
            current.is_ok_and(|current| wanted.is_ok_and(|wanted| current < wanted))
        };
        if minimum.is_none_or(|text| text.is_empty() || is_lower(text)) {
            let data = IntentData::Metadata {
                attribute: ATTRIBUTE_MINIMUM_VERSION.to_owned(),
                value: MINIMUM_VERSION.to_owned(),
            };
            match self.settle(id, data).await {
                // The group's own rules may forbid it; the devices wait all the same.
                Err(EngineError::Denied(_) | EngineError::GivenUp(_)) => {}
                other => other?,
            }
        }
        self.settle(id, IntentData::Readd { installations }).await
    }

    /// The group and the devices in it that asked to be added again. Requests of devices that are
    /// out, and our own, are dropped.
    fn open_requests(&self, tx: &Tx, id: &[u8]) -> Result<Option<OpenRequests>, EngineError> {
        let conversation = tx.conversation(id)?;
        let may_answer = |found: &Conversation| {
            found.kind == ConversationKind::Group
                && found.fork == ForkState::None
                && usable(found).is_ok()
        };
        if !conversation.as_ref().is_some_and(may_answer) {
            return Ok(None);
        }
        let Some(group) = tx.take_group(id)? else {
            return Ok(None);
        };
        let state = GroupState::of(&group);
        tx.keep_group(group);
        let state = state?;
        if state.role(&self.account.inbox_id) != Role::SuperAdmin {
            return Ok(None);
        }
        let mut open = Vec::new();
        for device in tx.pending_readds(id)? {
            let known = <[u8; 32]>::try_from(device.as_slice())
                .ok()
                .filter(|bytes| {
                    let installation = InstallationId::new(*bytes);
                    installation != self.account.installation_id && state.has_leaf(&installation)
                });
            match known {
                Some(bytes) => open.push(bytes),
                None => tx.delete_readd(id, &device)?,
            }
        }
        Ok((!open.is_empty()).then_some((state, open)))
    }

    /// What `IntentData::Readd` still has to ask for, by device: those that have a leaf.
    pub(crate) fn readd_wanted(
        group: &MlsGroup,
        installations: &[[u8; 32]],
        key_packages: &KeyPackages,
    ) -> Result<BTreeMap<InstallationId, String>, EngineError> {
        let state = GroupState::of(group).map_err(MlsError::from)?;
        Ok(state
            .leaves
            .into_iter()
            .filter(|leaf| installations.contains(leaf.installation_id.as_bytes()))
            .filter(|leaf| !key_packages.was_asked(&leaf.installation_id))
            .map(|leaf| (leaf.installation_id, leaf.inbox_id))
            .collect())
    }

    /// The commit of `IntentData::Readd`, with the key packages that could be had.
    pub(crate) fn build_readd(
        &self,
        tx: &Tx,
        group: &mut MlsGroup,
        installations: &[[u8; 32]],
        key_packages: &KeyPackages,
    ) -> Result<MembershipCommit, MlsError> {
        let offered = installations
            .iter()
            .filter_map(|bytes| key_packages.get(&InstallationId::new(*bytes)))
            .cloned()
            .collect();
        let now_s = u64::try_from(self.clock.now_ns() / SECOND).unwrap_or_default();
        commit::readd(tx.mls(), &self.signer, group, offered, now_s)
    }
}
