//! Leaving a group: one asks, a super admin takes out (groups.md 4.8).
//!
//! MLS lets nobody remove themselves, so leaving is a message. Every member remembers who asked;
//! installations of super admins commit the removal as soon as they see the wish.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use conclave_content::{Body, KnownType};
use conclave_mls::{GroupState, policy::Role, validation::ValidatedCommit};
use conclave_store::{
    StoreError, Tx,
    conversation::{Conversation, ConversationChange},
    kinds::{ConversationKind, Delivery, IntentState, MembershipState},
    message::Message,
    message_query::MessageQuery,
};
use rand::Rng as _;

use crate::{
    client::{Client, Core},
    effects,
    error::{EngineError, LeaveRefused},
    event::{Changes, Connection, Event},
    intents::IntentData,
    members::{KeyPackages, readable},
    messages::usable,
    rules::may_leave,
};

/// Type id of the message that asks.
pub(crate) const LEAVE_REQUEST: &str = "leave_request";
/// Super admins that see a wish at the same time wait a moment, each its own, so that mostly one
/// of them commits. When several do nothing is harmed: the later ones find nothing left to do.
const LONGEST_PAUSE: Duration = Duration::from_millis(1500);
/// What could not be done is tried again after this time.
const RETRY: Duration = Duration::from_secs(60);

impl Client {
    /// Asks the super admins of a group to take us out, and waits until the network has the wish.
    /// All our installations go.
    ///
    /// # Errors
    /// [`EngineError::CannotLeave`], [`EngineError::LeavingAlready`], [`EngineError::Inactive`],
    /// [`EngineError::Paused`], [`EngineError::UnknownConversation`], the network's. Nothing was
    /// asked then, unless the wish was on its way; it then goes out with the next sync.
    pub async fn leave(&self, id: &[u8]) -> Result<(), EngineError> {
        let _turn = self.0.lock(id).await;
        let (message_id, intent) = self.0.queue_leave_request(id).await?;
        let settled = self
            .0
            .settle_queued(id, intent, &mut KeyPackages::default())
            .await;
        if settled.is_err() {
            self.0.take_back(id, message_id, intent).await?;
        }
        settled
    }
}

impl Core {
    async fn queue_leave_request(
        self: &Arc<Self>,
        id: &[u8],
    ) -> Result<(Vec<u8>, i64), EngineError> {
        let (core, id) = (Arc::clone(self), id.to_vec());
        let (message_id, intent, changes) = self
            .store
            .write(move |tx| {
                let conversation = tx.conversation(&id)?;
                let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
                core.check_leave(tx, &conversation)?;
                let now_ns = core.clock.now_ns();
                let row = core.own_row(&id, now_ns);
                let mut changes = Changes::default();
                let stored = row.insert_application(
                    tx,
                    &Body::LeaveRequest.encode()?,
                    &now_ns.to_string(),
                    &mut changes,
                )?;
                let intent = IntentData::Message.enqueue(tx, &id, Some(&stored.id), now_ns)?;
                Ok::<_, EngineError>((stored.id.to_vec(), intent, changes))
            })
            .await?;
        self.events.send_changes(changes);
        Ok((message_id, intent))
    }

    /// What the official clients check before they ask.
    fn check_leave(&self, tx: &Tx, conversation: &Conversation) -> Result<(), EngineError> {
        if conversation.kind != ConversationKind::Group {
            return Err(LeaveRefused::DirectMessage.into());
        }
        self.require_valid()?;
        usable(conversation)?;
        if conversation.membership_state == MembershipState::PendingRemove {
            return Err(EngineError::LeavingAlready);
        }
        let waiting = tx.messages(&MessageQuery {
            conversation_id: conversation.id.clone(),
            content_types: vec![LEAVE_REQUEST.to_owned()],
            delivery: vec![Delivery::Unpublished],
            ..MessageQuery::default()
        })?;
        if !waiting.is_empty() {
            return Err(EngineError::LeavingAlready);
        }
        let group = tx.take_group(&conversation.id)?;
        let group = group.ok_or(EngineError::UnknownConversation)?;
        let state = GroupState::of(&group);
        tx.keep_group(group);
        let state = state?;
        Ok(may_leave(&state, &self.account.inbox_id)?)
    }

    /// Takes a wish back that never left this computer, so that an error means that nothing was
    /// asked.
    async fn take_back(
        self: &Arc<Self>,
        id: &[u8],
        message_id: Vec<u8>,
        intent: i64,
    ) -> Result<(), EngineError> {
        let deleted = message_id.clone();
        let was_deleted = self
            .store
            .write(move |tx| {
                let given_up = tx
                    .intent(intent)?
                    .is_some_and(|intent| intent.state == IntentState::Error);
                Ok::<_, EngineError>(given_up && tx.delete_message(&deleted)?)
            })
            .await?;
        if was_deleted {
            self.events.send(Event::MessageDeleted {
                conversation_id: id.to_vec(),
                id: message_id,
            });
        }
        Ok(())
    }

    /// Takes out those who asked for it, if that is up to us, in one commit. The caller holds the
    /// group's lock.
    ///
    /// # Errors
    /// Those of a change of members. What could not be done stays due.
    pub(crate) async fn take_out_leaving(
        self: &Arc<Self>,
        group_id: &[u8],
    ) -> Result<(), EngineError> {
        let (core, group) = (Arc::clone(self), group_id.to_vec());
        let removed = self
            .store
            .write(move |tx| {
                let conversation = tx.conversation(&group)?;
                let is_usable = conversation.is_some_and(|found| usable(&found).is_ok());
                if !is_usable {
                    return Ok(Vec::new());
                }
                let Some(mls) = tx.take_group(&group)? else {
                    return Ok(Vec::new());
                };
                let state = GroupState::of(&mls);
                tx.keep_group(mls);
                Ok::<_, EngineError>(due(tx, &state?, &core.account.inbox_id)?)
            })
            .await?;
        if removed.is_empty() {
            return Ok(());
        }
        let data = IntentData::Membership {
            updates: BTreeMap::new(),
            removed,
        };
        self.settle(group_id, data).await
    }

    /// As [`Core::take_out_leaving`], in all groups; one that fails is tried again later.
    pub(crate) async fn take_out_everywhere(self: &Arc<Self>) -> Result<(), EngineError> {
        let groups = self
            .store
            .read(|reader| reader.conversations_with_removals_due())
            .await?;
        for group_id in groups {
            let _turn = self.lock(&group_id).await;
            if let Err(error) = self.take_out_leaving(&group_id).await {
                tracing::warn!(code = error.code(), "people who want to leave are still in");
            }
        }
        Ok(())
    }
}

/// Takes people out as their wishes come, until it is stopped.
pub(crate) async fn work(core: Arc<Core>) {
    loop {
        // A wake is kept while we are busy; the clock brings back what failed.
        drop(tokio::time::timeout(RETRY, core.wakes.removals.notified()).await);
        if core.wakes.connection() != Connection::Online {
            continue;
        }
        let pause = rand::rng().random_range(Duration::ZERO..LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
        if let Err(error) = core.take_out_everywhere().await {
            tracing::warn!(code = error.code(), "wishes to leave could not be read");
        }
    }
}

/// Whether a stored message asks to leave.
pub(crate) fn is_request(message: &Message) -> bool {
    effects::known_type(message) == KnownType::LeaveRequest
}

/// Notes a wish to leave, in the transaction that stores its message. Our own makes us leaving.
/// Gives the conversation's new standing if it is another one.
pub(crate) fn requested(
    tx: &Tx,
    state: &GroupState,
    kind: ConversationKind,
    (own, sender): (&str, &str),
    message_id: &[u8],
    changes: &mut Changes,
) -> Result<Option<MembershipState>, StoreError> {
    // A direct message can't be left, and a leaf whose inbox is no member has nothing to leave.
    if kind != ConversationKind::Group || !state.membership.members.contains_key(sender) {
        return Ok(None);
    }
    let group_id = &state.group_id;
    tx.insert_pending_removal(group_id, sender, message_id)?;
    let leaving = (sender == own).then_some(MembershipState::PendingRemove);
    if leaving.is_some() {
        let change = ConversationChange {
            membership_state: leaving,
            ..ConversationChange::default()
        };
        tx.update_conversation(group_id, &change)?;
        changes.conversation(group_id);
    }
    review(tx, state, own, changes)?;
    Ok(leaving)
}

/// Follows a merged commit, in its transaction: who is out has no wish any more, and who became or
/// is no longer super admin has other work. `leaving`: those who wanted to leave before it.
pub(crate) fn committed(
    tx: &Tx,
    state: &GroupState,
    own: &str,
    commit: &ValidatedCommit,
    leaving: &BTreeSet<String>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if leaving.is_empty() {
        return Ok(());
    }
    for inbox_id in commit.removed_inboxes.intersection(leaving) {
        tx.delete_pending_removal(&state.group_id, inbox_id)?;
    }
    review(tx, state, own, changes)
}

/// Begins anew where we were added again: what was wished while we were out is not known.
pub(crate) fn rejoined(tx: &Tx, group_id: &[u8]) -> Result<(), StoreError> {
    tx.clear_pending_removals(group_id)?;
    tx.set_delete_when_out(group_id, false)?;
    tx.show(group_id);
    Ok(())
}

fn review(tx: &Tx, state: &GroupState, own: &str, changes: &mut Changes) -> Result<(), StoreError> {
    let is_due = !due(tx, state, own)?.is_empty();
    tx.set_removals_due(&state.group_id, is_due)?;
    if is_due {
        changes.removals_due();
    }
    Ok(())
}

/// Whom we are to take out: those who asked for it, if we are a super admin who does not leave
/// too. Super admins stay until they have handed their role over; nobody can take them out.
fn due(tx: &Tx, state: &GroupState, own: &str) -> Result<Vec<String>, StoreError> {
    let leaving = tx.pending_removals(&state.group_id)?;
    let may_remove =
        readable(state).is_ok_and(|policies| policies.remove_member.allows(Role::SuperAdmin));
    let is_ours = state.role(own) == Role::SuperAdmin && may_remove && !leaving.contains(own);
    Ok(leaving
        .into_iter()
        .filter(|inbox_id| {
            is_ours
                && state.membership.members.contains_key(inbox_id)
                && state.role(inbox_id) != Role::SuperAdmin
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use conclave_mls::{
        extensions::{ConversationType, Membership, Metadata, MutableMetadata},
        policy::{PolicySet, Preset, Rule},
    };
    use conclave_store::{DatabaseKey, Options, Store};

    use super::*;

    fn hikers(super_admins: &[&str], members: &[&str]) -> GroupState {
        GroupState {
            group_id: vec![1; 16],
            epoch: 1,
            epoch_authenticator: Vec::new(),
            metadata: Metadata {
                conversation_type: ConversationType::Group,
                creator_inbox_id: "alix".into(),
                dm_members: None,
                readd_request: None,
            },
            mutable_metadata: MutableMetadata {
                super_admins: super_admins.iter().map(|id| (*id).to_owned()).collect(),
                ..MutableMetadata::default()
            },
            membership: Membership {
                members: members.iter().map(|id| ((*id).to_owned(), 1)).collect(),
                ..Membership::default()
            },
            policies: Ok(PolicySet::from(Preset::AllMembers)),
            unreadable: Vec::new(),
            leaves: Vec::new(),
        }
    }

    #[tokio::test]
    async fn whose_work_it_is_changes_with_the_roles() {
        let folder = tempfile::tempdir().unwrap();
        let key = DatabaseKey::from_bytes([7; 32]);
        let store = Store::open(folder.path().join("db"), &key, Options::default()).unwrap();
        store
            .write(|tx| {
                let (id, kind) = (vec![1; 16], ConversationKind::Group);
                let conversation =
                    Conversation::new(id.clone(), kind, "alix".into(), "alix".into(), 1);
                tx.insert_conversation(&conversation, 0)?;
                let all = ["alix", "bo", "caro"];
                let mut changes = Changes::default();
                let mut is_due = |tx: &Tx, state: &GroupState| {
                    review(tx, state, "alix", &mut changes)?;
                    Ok::<_, StoreError>(!tx.conversations_with_removals_due()?.is_empty())
                };
                let boss = hikers(&["alix"], &all);
                assert!(!is_due(tx, &boss)?, "nobody asked");
                tx.insert_pending_removal(&id, "bo", &[1; 32])?;
                assert!(is_due(tx, &boss)?);
                assert!(!is_due(tx, &hikers(&["caro"], &all))?, "demoted");
                assert!(is_due(tx, &hikers(&["alix", "caro"], &all))?, "promoted");
                let bo_too = hikers(&["alix", "bo"], &all);
                assert!(!is_due(tx, &bo_too)?, "nobody can take a super admin out");
                assert!(!is_due(tx, &hikers(&["alix"], &["alix", "caro"]))?, "out");
                let mut nobody_may = boss.clone();
                if let Ok(policies) = &mut nobody_may.policies {
                    policies.remove_member = Rule::Deny.into();
                }
                assert!(!is_due(tx, &nobody_may)?, "the rules forbid it");
                tx.insert_pending_removal(&id, "alix", &[2; 32])?;
                assert!(!is_due(tx, &boss)?, "who leaves too leaves it to others");
                assert!(changes.has_removals_due());
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn only_members_of_groups_can_wish() {
        let folder = tempfile::tempdir().unwrap();
        let key = DatabaseKey::from_bytes([7; 32]);
        let store = Store::open(folder.path().join("db"), &key, Options::default()).unwrap();
        store
            .write(|tx| {
                let (id, kind) = (vec![1; 16], ConversationKind::Group);
                let conversation =
                    Conversation::new(id.clone(), kind, "alix".into(), "alix".into(), 1);
                tx.insert_conversation(&conversation, 0)?;
                let state = hikers(&["alix"], &["alix", "bo"]);
                let mut changes = Changes::default();
                let mut wish = |tx: &Tx, kind, own, sender| {
                    let people = (own, sender);
                    requested(tx, &state, kind, people, &[1; 32], &mut changes)
                };
                assert_eq!(wish(tx, ConversationKind::Dm, "alix", "bo")?, None);
                assert_eq!(wish(tx, kind, "alix", "stray")?, None);
                assert!(tx.pending_removals(&id)?.is_empty());
                assert_eq!(wish(tx, kind, "alix", "bo")?, None);
                assert_eq!(
                    wish(tx, kind, "bo", "bo")?,
                    Some(MembershipState::PendingRemove)
                );
                assert_eq!(tx.pending_removals(&id)?.len(), 1);
                rejoined(tx, &id)?;
                assert!(tx.pending_removals(&id)?.is_empty());
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }
}
