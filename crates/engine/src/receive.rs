//! The one place where envelopes of a group are decrypted and applied, in the node's order.

mod commits;

use std::{collections::HashMap, sync::Arc, time::Duration};

use conclave_content::{Body, Envelope, open_envelope};
use conclave_identity::InstallationId;
use conclave_mls::{
    GroupState, MissingIdentity,
    framing::{self, ContentKind, Framing},
    policy::Role,
    process::{self, ProcessError, Processed},
};
use conclave_network::PAGE_LIMIT;
use conclave_proto::mls::api::v1::group_message::V1 as GroupMessage;
use conclave_store::{
    Tx,
    conversation::Conversation,
    intent::Intent,
    kinds::{ConversationKind, CursorKind, Delivery, IntentState},
};
use openmls::group::MlsGroup;
use sha2::{Digest, Sha256};

use crate::{
    client::Core,
    commit_log, device_sync,
    effects::{self, Sender},
    error::EngineError,
    event::Changes,
    fork,
    intents::IntentData,
    leaving,
    sync::{GroupSync, Survey},
    transcript::{Row, Stored},
};

/// Application messages of this many earlier epochs are readable: what OpenMLS keeps (groups.md 1).
/// The inequality of groups.md 6.5 is one short of it; by it a message that all others have read
/// would be sent a second time.
const KEPT_EPOCHS: u64 = 3;
/// Times that the identity logs a commit refers to are fetched before it is refused.
const IDENTITY_TRIES: u32 = 2;
const IDENTITY_PAUSE: Duration = Duration::from_secs(1);

/// What became of a run of envelopes.
#[derive(Default)]
struct Applied {
    changes: Changes,
    report: GroupSync,
    stop: Option<Stop>,
}

/// Why a run ended early.
enum Stop {
    /// These identity logs are needed to judge the commit at this index.
    MissingIdentity {
        at: usize,
        missing: Vec<MissingIdentity>,
    },
    /// Nothing more is to be applied: we are out, the group is paused, or it is forked.
    Halt,
}

/// What one envelope led to.
enum Step {
    Next,
    /// Applied, and nothing after it is for us.
    Last,
    /// As `Next`, for a commit that could not be read.
    Unread,
    /// Not applied; stay before it.
    Stay,
}

impl Core {
    /// Fetches and applies everything after a group's cursor, and says what is left to do then. The
    /// caller holds the group's lock.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        group_id: &[u8],
        cursor: u64,
        report: &mut GroupSync,
    ) -> Result<Survey, EngineError> {
        self.turns.of(group_id).begin_fetch();
        let mut page = self
            .network
            .query_group_messages(group_id, cursor, PAGE_LIMIT)
            .await?;
        while let Some(last) = page.items.last().map(|message| message.id) {
            let apply = self.apply(group_id, page.items.into(), report);
            // The next page travels while this one is applied.
            if page.more {
                let next = self
                    .network
                    .query_group_messages(group_id, last, PAGE_LIMIT);
                let (applied, next) = tokio::join!(apply, next);
                match applied? {
                    (true, _) => page = next?,
                    (false, left) => return Ok(left),
                }
            } else {
                return Ok(apply.await?.1);
            }
        }
        self.survey(group_id).await
    }

    /// Applies a page; false if nothing after it is to be applied. Also says what is left to do.
    async fn apply(
        self: &Arc<Self>,
        group_id: &[u8],
        items: Arc<[GroupMessage]>,
        report: &mut GroupSync,
    ) -> Result<(bool, Survey), EngineError> {
        let mut start = 0;
        let mut tries = 0;
        loop {
            let page = Arc::clone(&items);
            let refuse_missing = tries >= IDENTITY_TRIES;
            let work = move |run: &mut Run<'_>| run.apply(&page, start);
            let (applied, left) = self.run(group_id, refuse_missing, work).await?;
            *report += applied.report;
            match applied.stop {
                None => return Ok((true, left)),
                Some(Stop::Halt) => return Ok((false, left)),
                Some(Stop::MissingIdentity { at, missing }) => {
                    tries = if at == start && tries > 0 {
                        tries + 1
                    } else {
                        1
                    };
                    if tries > 1 {
                        tokio::time::sleep(IDENTITY_PAUSE).await;
                    }
                    start = at;
                    self.identities.fetch(&missing).await?;
                }
            }
        }
    }

    /// A message of ours as a stream shows it, which the node has therefore: it is published. The
    /// cursor stays, because something may stand before it; fetched with that, it is passed over.
    /// Says what is left to do. The caller has the group's turn.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        group_id: &[u8],
        envelope: GroupMessage,
    ) -> Result<Survey, EngineError> {
        let work = move |run: &mut Run<'_>| run.confirm(&envelope);
        Ok(self.run(group_id, false, work).await?.1)
    }

    /// Does `work` in one transaction and tells of what it changed. Gives what else came of it, and
    /// what is left to do then.
    async fn run(
        self: &Arc<Self>,
        group_id: &[u8],
        refuse_missing: bool,
        work: impl FnOnce(&mut Run<'_>) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(Applied, Survey), EngineError> {
        let (core, group) = (Arc::clone(self), group_id.to_vec());
        let (mut applied, left) = self
            .store
            .write(move |tx| {
                let mut run = Run::begin(&core, tx, &group, refuse_missing)?;
                work(&mut run)?;
                let applied = run.finish()?;
                Ok::<_, EngineError>((applied, Survey::of(tx, &group, core.clock.now_ns())?))
            })
            .await?;
        self.turns.of(group_id).apply(left.cursor);
        let changes = std::mem::take(&mut applied.changes);
        self.note_work(&changes);
        self.events.send_changes(changes);
        Ok((applied, left))
    }
}

/// A run of envelopes of one group within one transaction.
struct Run<'a> {
    core: &'a Core,
    tx: &'a mut Tx,
    group_id: &'a [u8],
    conversation: Conversation,
    group: Option<MlsGroup>,
    /// Own messages under way or given up, by the hash of their bytes.
    own: HashMap<Vec<u8>, Intent>,
    cursor: i64,
    now_ns: i64,
    refuse_missing: bool,
    applied: Applied,
}

impl<'a> Run<'a> {
    fn begin(
        core: &'a Core,
        tx: &'a mut Tx,
        group_id: &'a [u8],
        refuse_missing: bool,
    ) -> Result<Self, EngineError> {
        let conversation = tx
            .group(group_id)?
            .ok_or(EngineError::UnknownConversation)?;
        let mut own = HashMap::new();
        for state in [IntentState::Error, IntentState::Published] {
            for intent in tx.intents_in_state(group_id, state)? {
                if let Some(hash) = intent.payload_hash.clone() {
                    own.insert(hash, intent);
                }
            }
        }
        Ok(Self {
            cursor: tx.cursor(CursorKind::Group, group_id)?,
            group: tx.take_group(group_id)?,
            now_ns: core.clock.now_ns(),
            core,
            tx,
            group_id,
            conversation,
            own,
            refuse_missing,
            applied: Applied::default(),
        })
    }

    fn apply(&mut self, items: &[GroupMessage], start: usize) -> Result<(), EngineError> {
        if !self.conversation.is_active || self.group.is_none() {
            self.applied.stop = Some(Stop::Halt);
            return Ok(());
        }
        for (index, item) in items.iter().enumerate().skip(start) {
            let id = i64::try_from(item.id).unwrap_or(i64::MAX);
            if id <= self.cursor {
                continue;
            }
            match self.one(item, index)? {
                Step::Next | Step::Unread => self.cursor = id,
                Step::Last => {
                    self.cursor = id;
                    self.applied.stop = Some(Stop::Halt);
                }
                Step::Stay if self.applied.stop.is_none() => {
                    self.applied.stop = Some(Stop::Halt);
                }
                Step::Stay => {}
            }
            if self.applied.stop.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Applied, EngineError> {
        if self.is_sync() {
            self.applied.changes.unseen(self.group_id);
        }
        let (conversation, changes) = (&self.conversation, &mut self.applied.changes);
        if self
            .core
            .finish_leaving(self.tx, conversation, &mut self.group, changes)?
        {
            return Ok(self.applied);
        }
        self.tx
            .advance_cursor(CursorKind::Group, self.group_id, self.cursor)?;
        if let Some(group) = self.group {
            self.tx.keep_group(group);
        }
        Ok(self.applied)
    }

    fn one(&mut self, item: &GroupMessage, index: usize) -> Result<Step, EngineError> {
        let framing = match framing::parse(&item.data) {
            Ok(framing) if framing.group_id == self.group_id => framing,
            // Not from a member: a node stores whatever is sent to it.
            Ok(_) => return self.skip("message_wrong_group"),
            Err(error) => return self.skip(error.code()),
        };
        let hash = Sha256::digest(&item.data).to_vec();
        let own = self.own.remove(&hash);
        let epoch = self.epoch();
        let step = match (framing.kind, own) {
            (ContentKind::Proposal, _) => self.skip("message_proposal"),
            (ContentKind::Application, Some(intent)) => self.own_message(item, &framing, &intent),
            (ContentKind::Application, None) => self.message(item, framing.epoch),
            (ContentKind::Commit, Some(intent)) if intent.state == IntentState::Published => {
                self.own_commit(item, &framing, &intent, index)
            }
            (ContentKind::Commit, _) => self.commit(item, index),
        }?;
        if framing.kind == ContentKind::Commit
            && matches!(step, Step::Next | Step::Unread)
            && self.epoch() == epoch
            && let Some(group) = &self.group
        {
            let is_decrypted = matches!(step, Step::Next);
            commit_log::failed(self.tx, group, item.id, framing.epoch, is_decrypted)?;
        }
        Ok(step)
    }

    /// Notes that a message of ours is on the node. Those of a sync group wait for their turn: they
    /// leave no row by which they would be known then.
    fn confirm(&mut self, item: &GroupMessage) -> Result<(), EngineError> {
        if self.is_sync() || !self.conversation.is_active {
            return Ok(());
        }
        if let Some(intent) = self.own.remove(&Sha256::digest(&item.data)[..])
            && let Ok(framing) = framing::parse(&item.data)
        {
            self.own_message(item, &framing, &intent)?;
        }
        Ok(())
    }

    /// Whether an envelope in its turn is a message of ours that was confirmed before. If the group
    /// had moved on before it, so that others can't read it, it is sent again after all.
    fn was_confirmed(&mut self, item: &GroupMessage, epoch: u64) -> Result<bool, EngineError> {
        let sequence_id = i64::try_from(item.id).unwrap_or(i64::MAX);
        let this = self.core.account.installation_id;
        let stored = self.tx.message_by_sequence(self.group_id, sequence_id)?;
        let Some(message) = stored.filter(|m| m.sender_installation_id == this.as_bytes()) else {
            return Ok(false);
        };
        if epoch + KEPT_EPOCHS < self.epoch() {
            self.tx.unpublish_message(&message.id)?;
            let id = Some(message.id.as_slice());
            IntentData::Message.enqueue(self.tx, self.group_id, id, self.now_ns)?;
            self.applied.changes.message(self.group_id, &message.id);
        }
        Ok(true)
    }

    /// Whether this is a group of our own installations, which nobody sees.
    fn is_sync(&self) -> bool {
        self.conversation.kind == ConversationKind::Sync
    }

    /// Does what an installation of ours says in a sync group.
    fn device_message(
        &mut self,
        item: &GroupMessage,
        sender: InstallationId,
        content: &[u8],
    ) -> Result<(), EngineError> {
        let Some(group) = self.group.as_ref() else {
            return Ok(());
        };
        let leaves = GroupState::of(group)?.leaves;
        let mut members: Vec<_> = leaves.iter().map(|leaf| leaf.installation_id).collect();
        members.sort_unstable();
        let received = device_sync::Received {
            group_id: self.group_id,
            sender,
            members,
            sent_at_ns: i64::try_from(item.created_ns).unwrap_or(i64::MAX),
        };
        let changes = &mut self.applied.changes;
        self.core
            .device_message(self.tx, &received, content, changes)
    }

    /// Counts an envelope that is not for the conversation.
    fn skip(&mut self, reason: &str) -> Result<Step, EngineError> {
        self.tx.count_diagnostic(reason, self.now_ns)?;
        Ok(Step::Next)
    }

    fn epoch(&self) -> u64 {
        self.group
            .as_ref()
            .map_or(0, |group| group.epoch().as_u64())
    }

    fn expiry(&self) -> Option<i64> {
        let in_ns = self.conversation.disappear_in_ns.filter(|_| {
            self.conversation
                .disappear_from_ns
                .is_some_and(|from_ns| from_ns > 0)
        })?;
        (in_ns > 0).then(|| self.now_ns.saturating_add(in_ns))
    }

    /// Our own message comes back: it is published now. One from too long ago is encrypted again
    /// under the same id, because others can no longer read it (groups.md 6.5).
    fn own_message(
        &mut self,
        item: &GroupMessage,
        framing: &Framing,
        intent: &Intent,
    ) -> Result<Step, EngineError> {
        let is_given_up = intent.state == IntentState::Error;
        let is_readable = framing.epoch + KEPT_EPOCHS >= self.epoch();
        if !is_readable {
            if !is_given_up {
                self.tx.intent_to_publish(intent.id)?;
            }
            return Ok(Step::Next);
        }
        if let Some(message_id) = &intent.message_id
            && let Some(message) = self.tx.message(message_id)?
        {
            if self.is_sync() {
                // It is done with: it may hold keys.
                self.device_message(item, self.core.account.installation_id, &message.content)?;
                self.tx.delete_message(message_id)?;
                self.applied.changes.erased();
                self.tx.intent_processed(intent.id)?;
                return Ok(Step::Next);
            }
            let sent_at_ns = i64::try_from(item.created_ns).unwrap_or(i64::MAX);
            let sequence_id = i64::try_from(item.id).unwrap_or(i64::MAX);
            let expiry = self.expiry();
            self.tx
                .mark_message_published(message_id, sent_at_ns, sequence_id, expiry)?;
            let (conversation, changes) = (&self.conversation, &mut self.applied.changes);
            changes.message(self.group_id, message_id);
            effects::published(self.tx, conversation, &message, sent_at_ns, changes)?;
            if leaving::is_request(&message) {
                self.leave_requested(&message.sender_inbox_id, message_id)?;
            }
        }
        if !is_given_up {
            self.tx.intent_processed(intent.id)?;
        }
        self.applied.report.published += 1;
        Ok(Step::Next)
    }

    fn message(&mut self, item: &GroupMessage, epoch: u64) -> Result<Step, EngineError> {
        let Some(group) = self.group.as_mut() else {
            return Ok(Step::Stay);
        };
        // A failed message changes nothing in the group: OpenMLS moves the ratchet only once a
        // message is accepted.
        match process::process(self.tx.mls(), group, &item.data) {
            Ok(Processed::Application {
                inbox_id,
                installation_id,
                plaintext,
            }) => {
                let row = Row {
                    expire_at_ns: self.expiry(),
                    ..row(
                        self.group_id,
                        item,
                        self.now_ns,
                        &inbox_id,
                        installation_id.as_bytes(),
                    )
                };
                match open_envelope(&plaintext) {
                    Ok(Envelope::Content { content, .. }) if self.is_sync() => {
                        self.device_message(item, installation_id, &content)?;
                    }
                    Ok(Envelope::Content {
                        content,
                        idempotency_key,
                    }) => {
                        let changes = &mut self.applied.changes;
                        let stored =
                            row.insert_application(self.tx, &content, &idempotency_key, changes)?;
                        let is_new = stored.inserted.is_new;
                        self.applied.report.new_messages += usize::from(is_new);
                        if is_new {
                            self.arrived(&stored, &inbox_id, row.sent_at_ns)?;
                        }
                    }
                    Ok(Envelope::Ignored) => {}
                    Err(error) if self.is_sync() => return self.skip(error.code()),
                    Err(error) => {
                        row.insert_gap(self.tx, error.code(), &mut self.applied.changes)?;
                        self.applied.report.failed += 1;
                    }
                }
                Ok(Step::Next)
            }
            Ok(Processed::Own) | Err(ProcessError::StaleEpoch { .. })
                if self.was_confirmed(item, epoch)? =>
            {
                Ok(Step::Next)
            }
            // Published by us before the database was restored from a backup.
            Ok(Processed::Own | Processed::Proposal | Processed::Commit { .. }) => {
                self.skip("message_own")
            }
            Err(ProcessError::Storage(error)) => Err(EngineError::Mls(error)),
            Err(ProcessError::Inactive) => Ok(Step::Stay),
            // Older than the epochs anybody keeps: its sender sends it again under the same id; or
            // from before we came, then it was not for us.
            Err(error @ ProcessError::StaleEpoch { .. }) => self.skip(error.code()),
            Err(error) => {
                if let ProcessError::FutureEpoch { .. } = error {
                    self.suspect_fork(error.code())?;
                }
                if self.is_sync() {
                    return self.skip(error.code());
                }
                row(self.group_id, item, self.now_ns, "", &[]).insert_gap(
                    self.tx,
                    error.code(),
                    &mut self.applied.changes,
                )?;
                self.applied.report.failed += 1;
                Ok(Step::Next)
            }
        }
    }

    /// Does what a new message of a member does to others.
    fn arrived(
        &mut self,
        stored: &Stored,
        inbox_id: &str,
        sent_at_ns: i64,
    ) -> Result<(), EngineError> {
        let is_super_admin = match (&stored.body, &self.group) {
            (Body::LeaveRequest, _) => return self.leave_requested(inbox_id, &stored.id),
            (Body::DeleteMessage(_), Some(group)) => {
                GroupState::of(group)?.role(inbox_id) == Role::SuperAdmin
            }
            _ => false,
        };
        let sender = Sender {
            inbox_id,
            is_own: inbox_id == self.core.account.inbox_id,
            is_super_admin,
        };
        let (conversation, changes) = (&self.conversation, &mut self.applied.changes);
        effects::arrived(self.tx, conversation, stored, &sender, sent_at_ns, changes)?;
        Ok(())
    }

    fn leave_requested(&mut self, sender: &str, message_id: &[u8]) -> Result<(), EngineError> {
        let Some(group) = self.group.as_ref() else {
            return Ok(());
        };
        let standing = leaving::requested(
            self.tx,
            &GroupState::of(group)?,
            self.conversation.kind,
            (&self.core.account.inbox_id, sender),
            message_id,
            &mut self.applied.changes,
        )?;
        if let Some(standing) = standing {
            self.conversation.membership_state = standing;
        }
        Ok(())
    }

    fn suspect_fork(&mut self, reason: &str) -> Result<(), EngineError> {
        let (conversation, changes) = (&mut self.conversation, &mut self.applied.changes);
        Ok(fork::suspect(self.tx, conversation, reason, changes)?)
    }
}

fn row<'a>(
    group_id: &'a [u8],
    item: &GroupMessage,
    now_ns: i64,
    sender_inbox_id: &'a str,
    sender_installation_id: &'a [u8],
) -> Row<'a> {
    Row {
        group_id,
        sender_inbox_id,
        sender_installation_id,
        delivery: Delivery::Published,
        sent_at_ns: i64::try_from(item.created_ns).unwrap_or(i64::MAX),
        now_ns,
        sequence_id: i64::try_from(item.id).ok(),
        expire_at_ns: None,
    }
}
