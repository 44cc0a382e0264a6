//! From the outbox onto the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use conclave_content::{encode_envelope, sender_hmac};
use conclave_mls::{
    GroupState, MissingIdentity, MlsError,
    commit::{self, BuiltCommit},
    encoding,
    membership::{self, MembershipPlan, PlanError},
    process,
    validation::{CommitError, validate_commit},
};
use conclave_proto::mls::api::v1::group_message_input::V1 as GroupMessageInput;
use conclave_store::{
    Tx,
    conversation::ConversationChange,
    intent::{BuiltIntent, Intent},
    kinds::{Delivery, IntentKind, IntentState},
};
use openmls::group::MlsGroup;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    client::Core,
    error::EngineError,
    event::Changes,
    intents::IntentData,
    members::KeyPackages,
    nanoseconds::{DAY, SECOND},
    post_commit::PostCommit,
    sync::{GroupSync, Survey},
};

/// Failed tries after which a message or change is given up.
const ATTEMPTS: i32 = 3;
/// Most messages, and most of their bytes, in one request.
const MESSAGES_PER_REQUEST: i64 = 100;
const BYTES_PER_REQUEST: usize = 1024 * 1024;
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
                let conversation = tx.conversation(&group)?;
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
                        Some(payload) => inputs.push(core.input(&group, payload, true)),
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
        let key = self.hmac.key(group_id, self.clock.now_ns());
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
                let encrypted = core.encrypt(tx, &group, &mut mls, &intents)?;
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
        group_id: &[u8],
        group: &mut MlsGroup,
        intents: &[Intent],
    ) -> Result<Vec<GroupMessageInput>, EngineError> {
        let epoch = i64::try_from(group.epoch().as_u64()).unwrap_or(i64::MAX);
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
            bytes += message.content.len();
            if bytes > BYTES_PER_REQUEST && !inputs.is_empty() {
                break;
            }
            let envelope =
                Zeroizing::new(encode_envelope(message.content, message.idempotency_key));
            let data = process::encrypt(tx.mls(), &self.signer, group, &envelope)?;
            tx.intent_published(
                intent.id,
                &BuiltIntent {
                    payload: &data,
                    payload_hash: &Sha256::digest(&data),
                    staged_commit: None,
                    post_commit: None,
                    epoch,
                },
            )?;
            inputs.push(self.input(group_id, data, message.should_push));
        }
        Ok(inputs)
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
        let Some(conversation) = tx.conversation(group_id)? else {
            return Ok(());
        };
        let is_due = conversation.rotated_at_ns.saturating_add(KEY_UPDATE_NS) <= now_ns;
        if is_due && group.members().count() <= KEY_UPDATE_LEAVES {
            IntentData::KeyUpdate.enqueue(tx, group_id, None, now_ns)?;
            let change = ConversationChange {
                rotated_at_ns: Some(now_ns),
                ..ConversationChange::default()
            };
            tx.update_conversation(group_id, &change)?;
        }
        Ok(())
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
        self.count_attempt(group_id, messages, code, report).await
    }

    /// Counts a failed try; what has failed three times is given up, visibly.
    async fn count_attempt(
        self: &Arc<Self>,
        group_id: &[u8],
        intent_ids: Vec<i64>,
        code: &'static str,
        report: &mut GroupSync,
    ) -> Result<(), EngineError> {
        let group = group_id.to_vec();
        let (changes, given_up) = self
            .store
            .write(move |tx| {
                let (mut changes, mut given_up) = (Changes::default(), 0);
                for id in intent_ids {
                    if tx.intent_attempted(id)? < ATTEMPTS {
                        continue;
                    }
                    let message_id = tx.intent(id)?.and_then(|intent| intent.message_id);
                    tx.intent_failed(id)?;
                    given_up += 1;
                    if let Some(message_id) = message_id
                        && tx.message(&message_id)?.is_some()
                    {
                        tx.mark_message_failed(&message_id, code)?;
                        changes.message(&group, &message_id);
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
                let give_up = matches!(error, EngineError::Denied(_) | EngineError::Inactive);
                let (id, code) = (intent.id, error.code());
                if give_up {
                    self.store
                        .write(move |tx| Ok::<_, EngineError>(tx.intent_failed(id)?))
                        .await?;
                    report.failed += 1;
                } else if !error.is_retryable() {
                    self.count_attempt(group_id, vec![id], code, report).await?;
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
            IntentData::Metadata { attribute, value } => {
                commit::set_attribute(tx.mls(), &self.signer, &mut group, attribute, value)?
            }
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
    /// queues the commit that follows them.
    pub(crate) async fn follow_installations(
        self: &Arc<Self>,
        group_id: &[u8],
        interval_ns: i64,
    ) -> Result<(), EngineError> {
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
            return Ok(());
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
                if !updates.is_empty() && !is_queued {
                    let data = IntentData::Membership {
                        updates,
                        removed: Vec::new(),
                    };
                    data.enqueue(tx, &group, None, now_ns)?;
                }
                Ok(())
            })
            .await
    }
}
