//! From the outbox onto the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Duration,
};

use conclave_content::{encode_envelope, sender_hmac};
use conclave_mls::{
    GroupState, MissingIdentity, MlsError,
    commit::{self, AdminChange, BuiltCommit},
    encoding,
    extensions::ATTRIBUTE_PINNED_MESSAGES,
    membership::{self, MembershipPlan, PlanError},
    process,
    validation::{CommitError, validate_commit},
};
use conclave_proto::mls::api::v1::group_message_input::V1 as GroupMessageInput;
use conclave_store::{
    Tx,
    conversation::ConversationChange,
    intent::{BuiltIntent, Intent},
    kinds::{ConversationKind, Delivery, IntentKind, IntentState},
    message::Message,
};
use openmls::group::MlsGroup;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    client::Core,
    effects,
    error::EngineError,
    event::Changes,
    intents::IntentData,
    members::{KeyPackages, readable},
    nanoseconds::{DAY, SECOND},
    pins,
    post_commit::PostCommit,
    receipts,
    rules::{self, Action},
    sync::{GroupSync, Survey},
    turn::Turn,
};

/// Failed tries after which a message or change is given up.
const ATTEMPTS: i32 = 3;
/// Most messages, and most of their bytes, in one request.
const MESSAGES_PER_REQUEST: usize = 100;
const BYTES_PER_REQUEST: usize = 1024 * 1024;
/// How long after the answer to a send a stream may show the message; then it is asked for.
const STREAM_LAG: Duration = Duration::from_millis(20);
/// Own messages of this many earlier epochs are sent again as they are: others can read them.
const KEPT_EPOCHS: i64 = 3;
/// Leaf keys are renewed after this time (groups.md 6.7).
const KEY_UPDATE_NS: i64 = 30 * DAY;
/// In groups of more installations the renewal is left to chance commits: hundreds of people who
/// begin to talk would otherwise mean hundreds of commits that race each other (groups.md 6.7).
const KEY_UPDATE_LEAVES: usize = 50;
/// Times a plan is made anew because something was missing.
const PLAN_TRIES: u32 = 5;

/// What building a change gave.
enum Built {
    Ready(GroupMessageInput),
    Nothing,
}

/// A message that is stored in the form in which it is to be sent.
pub(crate) struct Encrypted {
    input: GroupMessageInput,
    /// The group's cursor then.
    cursor: u64,
}

/// Why a change was not built yet.
enum Hold {
    Missing(Vec<MissingIdentity>),
    KeyPackages(BTreeMap<conclave_mls::InstallationId, String>),
    Failed(EngineError),
}

impl<E: Into<EngineError>> From<E> for Hold {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Core {
    /// Sends what waits in a group: first what was sent before and did not come back, then one
    /// change, then messages in the order they were written. One change at a time is under way.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        group_id: &[u8],
        now: &Survey,
        key_packages: &mut KeyPackages,
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        // The look at the members' inboxes before it may have told.
        self.require_valid()?;
        if !now.under_way.is_empty() {
            self.resend(group_id).await?;
        }
        match now.change {
            Some(change) => {
                let change = self.store.read(move |reader| reader.intent(change)).await?;
                let change = change.filter(|intent| intent.state == IntentState::ToPublish);
                let Some(change) = change else { return Ok(()) };
                self.publish_change(group_id, &change, key_packages, report)
                    .await
            }
            None if now.waiting.is_empty() => Ok(()),
            None => self.publish_messages(group_id).await,
        }
    }

    /// Sends the same bytes again for what did not come back, where others can still read them;
    /// the rest is made anew. Nodes store identical bytes once (node.md 3.1).
    async fn resend(self: &Arc<Self>, group_id: &[u8]) -> Result<(), EngineError> {
        let (core, group) = (Arc::clone(self), group_id.to_vec());
        let inputs = self
            .store
            .write(move |tx| {
                let conversation = tx.group(&group)?;
                let epoch = conversation.ok_or(EngineError::UnknownConversation)?.epoch;
                let mut inputs = Vec::new();
                for intent in tx.intents_in_state(&group, IntentState::Published)? {
                    let kept = if intent.kind == IntentKind::SendMessage {
                        KEPT_EPOCHS
                    } else {
                        0
                    };
                    let is_current = intent
                        .published_in_epoch
                        .is_some_and(|at| at + kept >= epoch);
                    match intent.payload.filter(|_| is_current) {
                        Some(payload) => {
                            let message = match &intent.message_id {
                                Some(id) => tx.message(id)?,
                                None => None,
                            };
                            let should_push = message.is_none_or(|message| message.should_push);
                            inputs.push(core.input(&group, payload, should_push));
                        }
                        None => tx.intent_to_publish(intent.id)?,
                    }
                }
                Ok::<_, EngineError>(inputs)
            })
            .await?;
        if !inputs.is_empty() {
            self.network.send_group_messages(inputs).await?;
        }
        Ok(())
    }

    fn input(&self, group_id: &[u8], data: Vec<u8>, should_push: bool) -> GroupMessageInput {
        let root = self.hmac.read().unwrap_or_else(PoisonError::into_inner);
        let key = root.key(group_id, self.clock.now_ns());
        GroupMessageInput {
            sender_hmac: sender_hmac(&key, &data),
            data,
            should_push,
        }
    }

    async fn publish_messages(self: &Arc<Self>, group_id: &[u8]) -> Result<(), EngineError> {
        let (core, group) = (Arc::clone(self), group_id.to_vec());
        let inputs = self
            .store
            .write(move |tx| {
                let mut mls = tx
                    .take_group(&group)?
                    .ok_or(EngineError::UnknownConversation)?;
                let intents = tx.intents_to_publish(&group, MESSAGES_PER_REQUEST)?;
                let encrypted = core.encrypt(tx, &mut mls, &intents)?;
                core.queue_key_update(tx, &group, &mls)?;
                tx.keep_group(mls);
                Ok::<_, EngineError>(encrypted)
            })
            .await?;
        if inputs.is_empty() {
            return Ok(());
        }
        Ok(self.network.send_group_messages(inputs).await?)
    }

    /// Encrypts messages and stores their exact bytes before any of them is sent.
    fn encrypt(
        &self,
        tx: &Tx,
        group: &mut MlsGroup,
        intents: &[Intent],
    ) -> Result<Vec<GroupMessageInput>, EngineError> {
        let (mut inputs, mut bytes) = (Vec::new(), 0);
        for intent in intents
            .iter()
            .filter(|intent| intent.kind == IntentKind::SendMessage)
        {
            let message = match &intent.message_id {
                Some(id) => tx.message(id)?,
                None => None,
            };
            // Deleted here meanwhile, or known to be in.
            let Some(message) = message.filter(|m| m.delivery == Delivery::Unpublished) else {
                tx.intent_processed(intent.id)?;
                continue;
            };
            if receipts::is_untrue(tx, &message)? {
                tx.intent_processed(intent.id)?;
                tx.delete_message(&message.id)?;
                continue;
            }
            bytes += message.content.len();
            if bytes > BYTES_PER_REQUEST && !inputs.is_empty() {
                break;
            }
            inputs.push(self.encrypt_one(tx, group, intent.id, message)?);
        }
        Ok(inputs)
    }

    fn encrypt_one(
        &self,
        tx: &Tx,
        group: &mut MlsGroup,
        intent_id: i64,
        message: Message,
    ) -> Result<GroupMessageInput, EngineError> {
        let envelope = Zeroizing::new(encode_envelope(message.content, message.idempotency_key));
        let data = process::encrypt(tx.mls(), &self.signer, group, &envelope)?;
        tx.intent_published(
            intent_id,
            &BuiltIntent {
                payload: &data,
                payload_hash: &Sha256::digest(&data),
                staged_commit: None,
                post_commit: None,
                epoch: i64::try_from(group.epoch().as_u64()).unwrap_or(i64::MAX),
            },
        )?;
        Ok(self.input(&message.conversation_id, data, message.should_push))
    }

    /// Encrypts a message that was queued in this transaction, where nothing has to be done in its
    /// group before it is sent. The caller holds the group's turn and sends it with
    /// [`Core::send_encrypted`].
    pub(crate) fn encrypt_at_once(
        &self,
        tx: &Tx,
        message: &Message,
        intent_id: i64,
    ) -> Result<Option<Encrypted>, EngineError> {
        let group_id = &message.conversation_id;
        let now = Survey::of(tx, group_id, self.clock.now_ns())?;
        if !now.is_ready_for(intent_id) {
            return Ok(None);
        }
        let Some(mut group) = tx.take_group(group_id)? else {
            return Ok(None);
        };
        if self.is_key_update_due(tx, group_id, &group)? {
            tx.keep_group(group);
            return Ok(None);
        }
        let input = self.encrypt_one(tx, &mut group, intent_id, message.clone())?;
        tx.keep_group(group);
        let cursor = now.cursor;
        Ok(Some(Encrypted { input, cursor }))
    }

    /// Sends a message that was encrypted when it was stored. It is published once a stream shows
    /// it; where none does, it is fetched with what else is there. Where that fails the group is
    /// synced, which sends the same bytes again.
    pub(crate) async fn send_encrypted(
        self: Arc<Self>,
        turn: Turn,
        group_id: Vec<u8>,
        message: Encrypted,
    ) {
        let Encrypted { input, cursor } = message;
        let queue = self.turns.of(&group_id);
        let shown = queue.expect(Sha256::digest(&input.data).into());
        let done = async {
            self.require_valid()?;
            self.network.send_group_messages(vec![input]).await?;
            if let Ok(Ok(envelope)) = tokio::time::timeout(STREAM_LAG, shown).await {
                return self.confirm(&group_id, envelope).await;
            }
            let mut report = GroupSync::default();
            let left = self.receive(&group_id, cursor, &mut report).await?;
            if left.is_shared() {
                queue.settle(report);
            }
            Ok::<_, EngineError>(left)
        };
        match done.await {
            Ok(left) if left.is_settled() => {}
            Ok(_) => self.wake(&group_id),
            Err(error) => {
                tracing::info!(code = error.code(), "a message was not sent at once");
                self.wake(&group_id);
            }
        }
        drop(turn);
    }

    /// Queues the renewal of our leaf keys when it is due: with the first message in a group and
    /// every 30 days.
    fn queue_key_update(
        &self,
        tx: &Tx,
        group_id: &[u8],
        group: &MlsGroup,
    ) -> Result<(), EngineError> {
        let now_ns = self.clock.now_ns();
        if self.is_key_update_due(tx, group_id, group)? {
            IntentData::KeyUpdate.enqueue(tx, group_id, None, now_ns)?;
            let change = ConversationChange {
                rotated_at_ns: Some(now_ns),
                ..ConversationChange::default()
            };
            tx.update_conversation(group_id, &change)?;
        }
        Ok(())
    }

    fn is_key_update_due(
        &self,
        tx: &Tx,
        group_id: &[u8],
        group: &MlsGroup,
    ) -> Result<bool, EngineError> {
        let Some(conversation) = tx.group(group_id)? else {
            return Ok(false);
        };
        let due_ns = conversation.rotated_at_ns.saturating_add(KEY_UPDATE_NS);
        // In a group that nobody can change any more it would only fail.
        let is_possible = || GroupState::of(group).is_ok_and(|state| state.unreadable.is_empty());
        Ok(due_ns <= self.clock.now_ns()
            && group.members().count() <= KEY_UPDATE_LEAVES
            && is_possible())
    }

    /// Counts a failed try of the messages that wait in a group. A change that may have left
    /// is never given up: others may have applied it.
    pub(crate) async fn messages_failed(
        self: &Arc<Self>,
        group_id: &[u8],
        code: &'static str,
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        let group = group_id.to_vec();
        let waiting = self.store.read(move |reader| reader.outbox(&group)).await?;
        let messages = waiting
            .into_iter()
            .filter(|(_, kind, state)| {
                *kind == IntentKind::SendMessage && *state != IntentState::Committed
            })
            .map(|(id, ..)| id)
            .collect();
        self.count_attempt(messages, code, report).await
    }

    /// Counts a failed try; what has failed three times is given up, visibly.
    async fn count_attempt(
        self: &Arc<Self>,
        intent_ids: Vec<i64>,
        code: &'static str,
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        let (changes, given_up) = self
            .store
            .write(move |tx| {
                let (mut changes, mut given_up) = (Changes::default(), 0);
                for id in intent_ids {
                    if tx.intent_attempted(id)? < ATTEMPTS {
                        continue;
                    }
                    let Some(intent) = tx.intent(id)? else {
                        continue;
                    };
                    // Given up already, with what it refers to.
                    if intent.state == IntentState::Error {
                        continue;
                    }
                    // Nobody could try again what our installations tell each other.
                    let group = tx.group(&intent.conversation_id)?;
                    if group.is_some_and(|group| group.kind == ConversationKind::Sync) {
                        continue;
                    }
                    tx.intent_failed(id)?;
                    given_up += 1;
                    if let Some(message_id) = intent.message_id
                        && let Some(message) = tx.message(&message_id)?
                    {
                        effects::failed(tx, message, code, &mut changes)?;
                    }
                }
                Ok::<_, EngineError>((changes, given_up))
            })
            .await?;
        report.failed += given_up;
        self.events.send_changes(changes);
        Ok(())
    }

    async fn publish_change(
        self: &Arc<Self>,
        group_id: &[u8],
        intent: &Intent,
        key_packages: &mut KeyPackages,
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        let built = match self.build_change(group_id, intent, key_packages).await {
            Ok(built) => built,
            Err(error) => {
                // Rules do not change by trying; everything else may.
                let give_up = error.is_final();
                let (id, code) = (intent.id, error.code());
                if give_up {
                    self.store
                        .write(move |tx| Ok::<_, EngineError>(tx.intent_failed(id)?))
                        .await?;
                    report.failed += 1;
                } else if !error.is_retryable() {
                    self.count_attempt(vec![id], code, report).await?;
                }
                return Err(error);
            }
        };
        let Built::Ready(input) = built else {
            return Ok(());
        };
        Ok(self.network.send_group_messages(vec![input]).await?)
    }

    /// Builds a change for the group as it is now, fetching what turns out to be needed between
    /// transactions, and stores its exact bytes.
    async fn build_change(
        self: &Arc<Self>,
        group_id: &[u8],
        intent: &Intent,
        key_packages: &mut KeyPackages,
    ) -> Result<Built, EngineError> {
        let data = IntentData::decode(&intent.data)?;
        for _ in 0..PLAN_TRIES {
            let (core, group, data) = (Arc::clone(self), group_id.to_vec(), data.clone());
            let (id, offered) = (intent.id, std::mem::take(key_packages));
            let (offered, built) = self
                .store
                .write(move |tx| {
                    let built = tx.savepoint(|tx| core.build(tx, &group, id, &data, &offered));
                    Ok::<_, EngineError>((offered, built))
                })
                .await?;
            *key_packages = offered;
            match built {
                Ok(built) => return Ok(built),
                Err(Hold::Missing(missing)) => self.identities.fetch(&missing).await?,
                Err(Hold::KeyPackages(wanted)) => key_packages.fetch(self, &wanted).await?,
                Err(Hold::Failed(error)) => return Err(error),
            }
        }
        Err(EngineError::Unsettled)
    }

    fn build(
        &self,
        tx: &Tx,
        group_id: &[u8],
        intent_id: i64,
        data: &IntentData,
        key_packages: &KeyPackages,
    ) -> Result<Built, Hold> {
        let mut group = tx
            .take_group(group_id)?
            .ok_or(EngineError::UnknownConversation)?;
        let mut post_commit = None;
        let built = match data {
            IntentData::Message => return Err(EngineError::UnknownMessage.into()),
            IntentData::KeyUpdate => commit::self_update(tx.mls(), &self.signer, &mut group)?,
            IntentData::Metadata { .. }
            | IntentData::Pin { .. }
            | IntentData::Permissions { .. }
            | IntentData::Admins { .. } => match self.change_context(tx, &mut group, data)? {
                Some(built) => built,
                None => {
                    tx.intent_processed(intent_id)?;
                    tx.keep_group(group);
                    return Ok(Built::Nothing);
                }
            },
            IntentData::Membership { updates, removed } => {
                let plan = self.plan(tx, &group, updates, removed)?;
                if plan.is_noop() {
                    tx.intent_processed(intent_id)?;
                    tx.keep_group(group);
                    return Ok(Built::Nothing);
                }
                let wanted: BTreeMap<_, _> = plan
                    .additions
                    .iter()
                    .filter(|(id, _)| !key_packages.was_asked(id))
                    .map(|(id, inbox_id)| (*id, inbox_id.clone()))
                    .collect();
                if !wanted.is_empty() {
                    return Err(Hold::KeyPackages(wanted));
                }
                let offered = plan
                    .additions
                    .keys()
                    .filter_map(|id| key_packages.get(id))
                    .cloned()
                    .collect();
                let now_s = u64::try_from(self.clock.now_ns() / SECOND).unwrap_or_default();
                let (provider, signer) = (tx.mls(), &self.signer);
                let mut change =
                    commit::change_membership(provider, signer, &mut group, &plan, offered, now_s)?;
                if let Some(welcome) = change.commit.welcome.take() {
                    post_commit = Some(PostCommit::encode(&welcome, change.recipients)?);
                }
                change.commit
            }
            IntentData::Readd { installations } => {
                let wanted = Self::readd_wanted(&group, installations, key_packages)?;
                if !wanted.is_empty() {
                    return Err(Hold::KeyPackages(wanted));
                }
                let mut change = self.build_readd(tx, &mut group, installations, key_packages)?;
                if let Some(welcome) = change.commit.welcome.take() {
                    post_commit = Some(PostCommit::encode(&welcome, change.recipients)?);
                }
                change.commit
            }
        };
        self.check_own(tx, &group, &built)?;
        tx.intent_published(
            intent_id,
            &BuiltIntent {
                payload: &built.message,
                payload_hash: &Sha256::digest(&built.message),
                staged_commit: Some(&built.staged_commit),
                post_commit: post_commit.as_ref().map(|bytes| bytes.as_slice()),
                epoch: i64::try_from(built.epoch).unwrap_or(i64::MAX),
            },
        )?;
        tx.keep_group(group);
        Ok(Built::Ready(self.input(group_id, built.message, false)))
    }

    /// Builds a change of attributes, lists or permissions out of what they are now; `None` if they
    /// are so already.
    fn change_context(
        &self,
        tx: &Tx,
        group: &mut MlsGroup,
        data: &IntentData,
    ) -> Result<Option<BuiltCommit>, Hold> {
        let state = GroupState::of(group).map_err(MlsError::from)?;
        let (provider, signer) = (tx.mls(), &self.signer);
        // Others may have changed the rules since the change was queued.
        let own = &self.account.inbox_id;
        let check = |action: &Action, target| rules::check(tx, &state, own, action, target);
        let attribute = match data {
            IntentData::Metadata { attribute, value } => (attribute.as_str(), value.clone()),
            IntentData::Pin { message_id, pinned } => {
                let current = state.attribute(ATTRIBUTE_PINNED_MESSAGES);
                let pins = pins::with(current.unwrap_or_default(), message_id, *pinned)?;
                (ATTRIBUTE_PINNED_MESSAGES, pins)
            }
            IntentData::Permissions { changes } => {
                check(&Action::UpdatePermissions, None)?;
                let policies = readable(&state)?;
                let changed = changes
                    .iter()
                    .fold(policies.clone(), |set, (permission, rule)| {
                        set.with(permission, *rule)
                    });
                let is_new = changed != *policies;
                return Ok(is_new
                    .then(|| commit::set_policies(provider, signer, group, &changed))
                    .transpose()?);
            }
            IntentData::Admins { change, inbox_id } => {
                let metadata = &state.mutable_metadata;
                let (list, adds) = match change {
                    AdminChange::AddAdmin => (&metadata.admins, true),
                    AdminChange::RemoveAdmin => (&metadata.admins, false),
                    AdminChange::AddSuperAdmin => (&metadata.super_admins, true),
                    AdminChange::RemoveSuperAdmin => (&metadata.super_admins, false),
                };
                let is_new = list.contains(inbox_id) != adds;
                if is_new {
                    check(&Action::from(*change), Some(inbox_id))?;
                }
                return Ok(is_new
                    .then(|| commit::change_admins(provider, signer, group, *change, inbox_id))
                    .transpose()?);
            }
            _ => return Ok(None),
        };
        let (name, value) = attribute;
        let is_new = state.attribute(name).unwrap_or_default() != value;
        if is_new {
            check(&Action::UpdateMetadata(name.to_owned()), None)?;
        }
        Ok(is_new
            .then(|| commit::set_attribute(provider, signer, group, name, &value))
            .transpose()?)
    }

    fn plan(
        &self,
        tx: &Tx,
        group: &MlsGroup,
        updates: &BTreeMap<String, u64>,
        removed: &[String],
    ) -> Result<MembershipPlan, Hold> {
        let state = GroupState::of(group).map_err(MlsError::from)?;
        let mut updates = updates.clone();
        // The first commit of a group resolves its creator (groups.md 2.3).
        let own = &self.account.inbox_id;
        if state.membership.members.get(own) == Some(&0)
            && let Some((newest, _)) = crate::identities::newest_state(tx, own)?
        {
            updates.entry(own.clone()).or_insert(newest);
        }
        let removed: BTreeSet<String> = removed.iter().cloned().collect();
        membership::plan(group, &self.identities.known(tx), &updates, &removed).map_err(|error| {
            match error {
                PlanError::MissingIdentity(missing) => Hold::Missing(missing),
                PlanError::Mls(error) => Hold::Failed(error.into()),
            }
        })
    }

    /// Holds our own commit to the rules that others will hold it to, before it is sent.
    fn check_own(&self, tx: &Tx, group: &MlsGroup, built: &BuiltCommit) -> Result<(), Hold> {
        let staged =
            encoding::decode_staged_commit(&built.staged_commit).map_err(MlsError::from)?;
        match validate_commit(group, &staged, &self.identities.known(tx)) {
            Ok(_) => Ok(()),
            Err(CommitError::MissingIdentity(missing)) => Err(Hold::Missing(missing)),
            Err(CommitError::Paused { version }) => Err(EngineError::Paused(version).into()),
            Err(CommitError::Rejected(rejection)) => {
                Err(EngineError::Denied(rejection.to_string()).into())
            }
        }
    }

    /// Compares the members' installations with their inboxes, at most every `interval_ns`, and
    /// queues the commit that follows them. Whether one was queued.
    pub(crate) async fn follow_installations(
        self: &Arc<Self>,
        group_id: &[u8],
        interval_ns: i64,
    ) -> Result<bool, EngineError> {
        let now_ns = self.clock.now_ns();
        let (core, group) = (Arc::clone(self), group_id.to_vec());
        let members = self
            .store
            .write(move |tx| {
                let Some(conversation) = tx.conversation(&group)? else {
                    return Ok(None);
                };
                let is_due = conversation.installations_checked_at_ns + interval_ns <= now_ns;
                if !is_due || !conversation.is_active {
                    return Ok(None);
                }
                let Some(mls) = tx.take_group(&group)? else {
                    return Ok(None);
                };
                let state = GroupState::of(&mls)?;
                tx.keep_group(mls);
                let change = ConversationChange {
                    installations_checked_at_ns: Some(now_ns),
                    ..ConversationChange::default()
                };
                tx.update_conversation(&group, &change)?;
                // A group whose first commit is not in yet is brought up to date by that commit.
                let is_unborn = state.membership.members.get(&core.account.inbox_id) == Some(&0);
                Ok::<_, EngineError>((!is_unborn).then_some(state.membership.members))
            })
            .await?;
        let Some(members) = members else {
            return Ok(false);
        };
        let inbox_ids: Vec<String> = members.keys().cloned().collect();
        self.identities.refresh(&inbox_ids).await?;
        let group = group_id.to_vec();
        self.store
            .write(move |tx| {
                let newest = tx.latest_identity_sequences(&inbox_ids)?;
                let updates: BTreeMap<String, u64> = members
                    .into_iter()
                    .filter_map(|(inbox_id, known)| {
                        let newest = u64::try_from(*newest.get(&inbox_id)?).ok()?;
                        (newest > known).then_some((inbox_id, newest))
                    })
                    .collect();
                let is_queued = tx.outbox(&group)?.iter().any(|(_, kind, state)| {
                    *kind == IntentKind::UpdateGroupMembership && *state == IntentState::ToPublish
                });
                let is_new = !updates.is_empty() && !is_queued;
                if is_new {
                    let data = IntentData::Membership {
                        updates,
                        removed: Vec::new(),
                    };
                    data.enqueue(tx, &group, None, now_ns)?;
                }
                Ok(is_new)
            })
            .await
    }
}
