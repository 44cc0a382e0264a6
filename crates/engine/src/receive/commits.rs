//! Commits: judged by the group's rules, merged, and recorded. One that does not hold is undone as a
//! whole, in the stored group and in the loaded one.

use std::collections::{BTreeMap, HashMap};

use conclave_mls::{
    GroupState, Leaf, MissingIdentity, encoding,
    framing::Framing,
    policy::Role,
    process::{self, ProcessError, Processed},
    validation::{CommitError, Rejection, ValidatedCommit, validate_commit},
};
use conclave_proto::mls::api::v1::group_message::V1 as GroupMessage;
use conclave_store::{StoreError, conversation::ConversationChange, intent::Intent};
use openmls::group::StagedCommit;

use super::{Applied, Run, Step, Stop, row};
use crate::{
    device_sync,
    error::EngineError,
    fork,
    intents::IntentData,
    leaving,
    post_commit::PostCommit,
    refused_changes::{self, RefusedChange},
    transcript::{columns, update_of},
};

/// Why a commit was undone, with everything that reading it had changed.
enum Undo {
    Missing(Vec<MissingIdentity>),
    Refused(&'static str),
    /// The group's rules forbid it.
    Rejected(Rejection),
    Paused(String),
    Unreadable(ProcessError),
    Failed(EngineError),
}

impl From<StoreError> for Undo {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl<E: Into<EngineError>> From<Failure<E>> for Undo {
    fn from(Failure(error): Failure<E>) -> Self {
        Self::Failed(error.into())
    }
}

/// An error that undoes the whole transaction.
struct Failure<E>(E);

impl Run<'_> {
    pub(super) fn own_commit(
        &mut self,
        item: &GroupMessage,
        framing: &Framing,
        intent: &Intent,
        index: usize,
    ) -> Result<Step, EngineError> {
        if framing.epoch != self.epoch() {
            // Somebody else's commit came first; ours is made again for the new epoch.
            self.tx.intent_to_publish(intent.id)?;
            return Ok(Step::Next);
        }
        let bytes = intent.staged_commit.clone().unwrap_or_default();
        let done = self.in_savepoint(|run| {
            let staged = encoding::decode_staged_commit(&bytes)
                .map_err(|_| Undo::Refused(fork::OWN_COMMIT_UNREADABLE))?;
            run.validate_and_merge(staged, item, true)?;
            match intent.post_commit.as_deref() {
                Some(post_commit) => {
                    run.tx.intent_committed(intent.id)?;
                    let post_commit =
                        PostCommit::with_cursor(post_commit, item.id).map_err(Undo::Failed)?;
                    run.tx.set_intent_post_commit(intent.id, &post_commit)?;
                }
                None => run.tx.intent_processed(intent.id)?,
            }
            run.applied.report.published += 1;
            Ok(())
        });
        if matches!(done, Err(Undo::Refused(_) | Undo::Rejected(_))) {
            self.tx.intent_failed(intent.id)?;
            self.applied.report.failed += 1;
        }
        self.after_commit(done, index)
    }

    pub(super) fn commit(
        &mut self,
        item: &GroupMessage,
        index: usize,
    ) -> Result<Step, EngineError> {
        let mut author = None;
        let done = self.in_savepoint(|run| {
            let Some(group) = run.group.as_mut() else {
                return Err(Undo::Refused("no_group"));
            };
            match process::process(run.tx.mls(), group, &item.data) {
                Ok(Processed::Commit { staged, sender }) => {
                    author = Some(sender);
                    run.validate_and_merge(*staged, item, false)
                }
                // Our own commit without its staged form: others applied it, we can't.
                Ok(Processed::Own) => Err(Undo::Refused(fork::OWN_COMMIT_LOST)),
                Ok(_) => Err(Undo::Refused("commit_invalid")),
                Err(error) => Err(Undo::Unreadable(error)),
            }
        });
        if let Some(author) = author {
            match &done {
                Err(Undo::Rejected(rejection)) => {
                    return self.refuse(item, &author, RefusedChange::Rule(rejection));
                }
                Err(Undo::Missing(_)) if self.refuse_missing => {
                    return self.refuse(item, &author, RefusedChange::UnknownIdentity);
                }
                _ => {}
            }
        }
        if let Err(Undo::Unreadable(ProcessError::Invalid(_))) = &done
            && !self.is_sync()
        {
            let nobody = row(self.group_id, item, self.now_ns, "", &[]);
            let changes = &mut self.applied.changes;
            refused_changes::note(self.tx, &nobody, RefusedChange::Invalid, changes)?;
            return Ok(Step::Next);
        }
        self.after_commit(done, index)
    }

    /// Leaves a line for a commit that does not count, and goes on after it.
    fn refuse(
        &mut self,
        item: &GroupMessage,
        author: &Leaf,
        refused: RefusedChange<'_>,
    ) -> Result<Step, EngineError> {
        if self.is_sync() {
            return self.skip(refused.code());
        }
        let device = author.installation_id;
        let row = row(
            self.group_id,
            item,
            self.now_ns,
            &author.inbox_id,
            device.as_bytes(),
        );
        refused_changes::note(self.tx, &row, refused, &mut self.applied.changes)?;
        Ok(Step::Next)
    }

    /// Runs `change` so that an error undoes the stored and the loaded group alike.
    fn in_savepoint(
        &mut self,
        change: impl FnOnce(&mut Run<'_>) -> Result<(), Undo>,
    ) -> Result<(), Undo> {
        let Self {
            core,
            tx,
            group_id,
            conversation,
            now_ns,
            refuse_missing,
            ..
        } = self;
        let (core, group_id, now_ns, refuse_missing) = (*core, *group_id, *now_ns, *refuse_missing);
        let inner_conversation = conversation.clone();
        let group = self.group.take();
        let done = tx.savepoint(|tx| {
            let mut run = Run {
                core,
                tx,
                group_id,
                conversation: inner_conversation,
                group,
                own: HashMap::new(),
                cursor: 0,
                now_ns,
                refuse_missing,
                applied: Applied::default(),
            };
            change(&mut run)?;
            Ok::<_, Undo>((run.group, run.conversation, run.applied))
        });
        match done {
            Ok((group, conversation, applied)) => {
                self.group = group;
                self.conversation = conversation;
                self.applied.changes.merge(applied.changes);
                self.applied.report.published += applied.report.published;
                Ok(())
            }
            Err(undo) => {
                // What the savepoint undid in storage is undone in memory by loading it again.
                self.group = self.tx.take_group(self.group_id)?;
                Err(undo)
            }
        }
    }

    fn after_commit(&mut self, done: Result<(), Undo>, index: usize) -> Result<Step, EngineError> {
        match done {
            Ok(()) if self.conversation.is_active => Ok(Step::Next),
            Ok(()) => Ok(Step::Last),
            Err(Undo::Missing(_)) if self.refuse_missing => self.skip("commit_identity_missing"),
            Err(Undo::Missing(missing)) => {
                self.applied.stop = Some(Stop::MissingIdentity { at: index, missing });
                Ok(Step::Stay)
            }
            Err(Undo::Refused(reason)) => {
                if matches!(reason, fork::OWN_COMMIT_LOST | fork::OWN_COMMIT_UNREADABLE) {
                    self.suspect_fork(reason)?;
                }
                self.skip(reason)
            }
            Err(Undo::Rejected(rejection)) => self.skip(rejection.code()),
            Err(Undo::Paused(version)) => {
                let change = ConversationChange {
                    paused_for_version: Some(Some(version)),
                    ..ConversationChange::default()
                };
                self.tx.update_conversation(self.group_id, &change)?;
                self.applied.changes.conversation(self.group_id);
                Ok(Step::Stay)
            }
            Err(Undo::Failed(error)) => Err(error),
            Err(Undo::Unreadable(error)) => match error {
                ProcessError::Storage(error) => Err(EngineError::Mls(error)),
                // A commit that lost its race; normal.
                ProcessError::StaleEpoch { .. } => Ok(Step::Next),
                ProcessError::Inactive => Ok(Step::Stay),
                // Others applied it, we can't (groups.md 10.3): stay, say so, and let the person
                // be added again.
                ProcessError::ExpiredKeyPackage => {
                    self.suspect_fork(error.code())?;
                    Ok(Step::Stay)
                }
                ProcessError::FutureEpoch { .. } => {
                    self.suspect_fork(error.code())?;
                    self.skip(error.code())
                }
                error => {
                    self.skip(error.code())?;
                    Ok(Step::Unread)
                }
            },
        }
    }

    fn validate_and_merge(
        &mut self,
        staged: StagedCommit,
        item: &GroupMessage,
        is_own: bool,
    ) -> Result<(), Undo> {
        let Some(group) = self.group.as_mut() else {
            return Err(Undo::Refused("no_group"));
        };
        let known = self.core.identities.known(self.tx);
        let commit = match validate_commit(group, &staged, &known) {
            Ok(commit) => commit,
            Err(CommitError::MissingIdentity(missing)) => return Err(Undo::Missing(missing)),
            Err(CommitError::Paused { version }) => return Err(Undo::Paused(version)),
            Err(CommitError::Rejected(rejection)) => {
                tracing::warn!(rule = rejection.rule(), "a commit breaks the group's rules");
                return Err(Undo::Rejected(rejection));
            }
        };
        let last = group.epoch_authenticator().as_slice().to_vec();
        process::merge(self.tx.mls(), group, staged).map_err(Failure)?;
        let (conversation, changes) = (&mut self.conversation, &mut self.applied.changes);
        let place = (item.id, last.as_slice());
        fork::committed(self.tx, group, conversation, &commit, place, changes)?;
        self.record(&commit, item, is_own)
    }

    /// Stores what a merged commit changed outside of MLS.
    fn record(
        &mut self,
        commit: &ValidatedCommit,
        item: &GroupMessage,
        is_own: bool,
    ) -> Result<(), Undo> {
        let Some(group) = self.group.as_ref() else {
            return Err(Undo::Refused("no_group"));
        };
        let state = GroupState::of(group).map_err(|error| Undo::Failed(error.into()))?;
        let mut change = columns(&state, &self.core.account.inbox_id, !commit.self_removed);
        if is_own {
            // Every commit of ours carries a new path, so it renews our leaf.
            change.rotated_at_ns = Some(self.now_ns);
        }
        let is_foreign =
            self.is_sync() && !device_sync::is_ours(&state, &self.core.account.inbox_id);
        if is_foreign {
            // Nothing in it is for anybody but us: it is left alone from now on.
            change.is_active = Some(false);
            self.tx
                .count_diagnostic(device_sync::FOREIGN, self.now_ns)?;
        }
        self.tx.update_conversation(self.group_id, &change)?;
        if commit.self_removed {
            // Perhaps because this installation was revoked.
            self.core.own_inbox.wake.notify_one();
        }
        if self.is_sync() {
            if is_own && !is_foreign {
                let made_at = i64::try_from(item.id).unwrap_or(i64::MAX);
                self.tx.insert_sync_group(self.group_id, made_at)?;
            }
            let conversation = self.tx.group(self.group_id)?;
            self.conversation = conversation.ok_or(StoreError::NotFound("conversation"))?;
            return Ok(());
        }
        let actor = &commit.actor;
        let row = row(
            self.group_id,
            item,
            self.now_ns,
            &actor.inbox_id,
            actor.installation_id.as_bytes(),
        );
        if commit.rewrites_metadata {
            let changes = &mut self.applied.changes;
            refused_changes::note(self.tx, &row, RefusedChange::Rewritten, changes)?;
        }
        let leaving = self.tx.pending_removals(self.group_id)?;
        let (own, changes) = (&self.core.account.inbox_id, &mut self.applied.changes);
        leaving::committed(self.tx, &state, own, commit, &leaving, changes)?;
        let update = update_of(commit, &leaving);
        let key = item.created_ns.to_string();
        row.insert_update(self.tx, &update, &key, &mut self.applied.changes)?;
        if !commit.retained_installations.is_empty() {
            let changes = &mut self.applied.changes;
            refused_changes::note(self.tx, &row, RefusedChange::StrayDevice, changes)?;
            if !is_own && state.role(&self.core.account.inbox_id) == Role::SuperAdmin {
                // Every membership commit of a super admin takes stray devices out.
                let clean = IntentData::Membership {
                    updates: BTreeMap::new(),
                    removed: Vec::new(),
                };
                clean
                    .enqueue(self.tx, self.group_id, None, self.now_ns)
                    .map_err(Undo::Failed)?;
            }
        }
        self.applied.changes.conversation(self.group_id);
        let conversation = self.tx.group(self.group_id)?;
        self.conversation = conversation.ok_or(StoreError::NotFound("conversation"))?;
        Ok(())
    }
}
