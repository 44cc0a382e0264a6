//! Copies of a group that seem to differ from those of the others: how that is noticed, what a
//! person is told, and what is done about it.
//!
//! A fork can't be mended from within: the keys of the others' epochs are not here. What helps is
//! being added again ([`crate::readd`]), or that the logs turn out to agree after all.

use conclave_mls::validation::ValidatedCommit;
use conclave_store::{
    StoreError, Tx,
    conversation::{Conversation, ConversationChange},
    kinds::{ConversationKind, ForkState, IntentState},
};
use openmls::group::MlsGroup;

use crate::{commit_log, event::Changes};

/// A commit adds a device whose key package has expired meanwhile: official clients apply it, we
/// can't (groups.md 10.3).
pub(crate) const EXPIRED_KEY_PACKAGE: &str = "commit_expired_key_package";
/// A commit of ours is in, and its staged form is not here any more.
pub(crate) const OWN_COMMIT_LOST: &str = "commit_own_lost";
/// As [`OWN_COMMIT_LOST`]: it is here and can't be read.
pub(crate) const OWN_COMMIT_UNREADABLE: &str = "commit_staged_unreadable";
/// The logs differ.
const LOG_DIFFERS: &str = "commit_log_differs";

/// A fork, for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Suspected or confirmed.
    pub state: ForkState,
    /// Stable code of the reason.
    pub reason: String,
    /// What happened and what to do, in sentences.
    pub text: String,
    /// Whether [`crate::Client::request_readd`] can help.
    pub can_request: bool,
    /// When that was last done, in ns.
    pub requested_at_ns: Option<i64>,
}

impl Fork {
    /// The fork of a conversation, if there is or may be one.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Option<Self> {
        if conversation.fork == ForkState::None || !conversation.is_active {
            return None;
        }
        let reason = conversation.fork_details.as_str();
        let what = match reason {
            EXPIRED_KEY_PACKAGE => {
                "A device was added with a key that has expired since, and this device was away too \
                 long to follow that change. Nothing after it can be read here. If this computer's \
                 date is wrong, set it right; the conversation then goes on by itself. "
            }
            OWN_COMMIT_LOST | OWN_COMMIT_UNREADABLE => {
                "A change that you made reached the others, and its keys are not on this device any \
                 more. Nothing after it can be read here. "
            }
            _ if conversation.fork == ForkState::Confirmed => {
                "The keys on this device differ from those of the others: they can't read what is \
                 written here since then, nor this device what they write. "
            }
            _ => {
                "Something arrived from a later state of the conversation than this device knows. It \
                 may have missed a change; what you write may not reach everybody. "
            }
        };
        let is_group = conversation.kind == ConversationKind::Group;
        let what_to_do = match (is_group, conversation.readd_requested_at_ns) {
            (false, _) => {
                "In a direct message nobody can add this device again: start a new direct message \
                 with the same person. Both are shown as one conversation."
            }
            (true, None) => {
                "Ask the super admins to add this device again; their apps do it by themselves."
            }
            (true, Some(_)) => {
                "The super admins were asked to add this device again; that happens by itself when \
                 one of them is online. If it takes long, ask one to remove you and add you again."
            }
        };
        Some(Self {
            state: conversation.fork,
            reason: reason.to_owned(),
            text: format!("{what}{what_to_do} What you have here is kept."),
            can_request: is_group,
            requested_at_ns: conversation.readd_requested_at_ns,
        })
    }
}

/// Whether nothing is to be published in a conversation, because it is certain that others could
/// not read it. What waits goes out once we are added again.
pub(crate) fn holds_back(conversation: &Conversation) -> bool {
    is_certain(&conversation.fork_details) && conversation.fork != ForkState::None
}

/// Whether the reason is one that a matching log of earlier commits does not remove.
fn is_certain(reason: &str) -> bool {
    matches!(
        reason,
        EXPIRED_KEY_PACKAGE | OWN_COMMIT_LOST | OWN_COMMIT_UNREADABLE
    )
}

/// Notes that a conversation may have forked; the first reason stays, unless a certain one comes.
pub(crate) fn suspect(
    tx: &Tx,
    conversation: &mut Conversation,
    reason: &str,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let is_news = conversation.fork == ForkState::None
        || (is_certain(reason) && !is_certain(&conversation.fork_details));
    if !is_news {
        return Ok(());
    }
    let state = conversation.fork.max(ForkState::Suspected);
    set(tx, conversation, state, reason, changes)
}

/// Notes that the logs differ.
pub(crate) fn confirm(
    tx: &Tx,
    conversation: &mut Conversation,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if conversation.fork == ForkState::Confirmed {
        return Ok(());
    }
    let reason = match holds_back(conversation) {
        true => conversation.fork_details.clone(),
        false => LOG_DIFFERS.to_owned(),
    };
    set(tx, conversation, ForkState::Confirmed, &reason, changes)
}

/// Notes that the logs agree up to the newest commit.
pub(crate) fn clear(
    tx: &Tx,
    conversation: &mut Conversation,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if conversation.fork == ForkState::None || holds_back(conversation) {
        return Ok(());
    }
    forget(tx, conversation, changes)
}

fn forget(
    tx: &Tx,
    conversation: &mut Conversation,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    conversation.readd_requested_at_ns = None;
    set(tx, conversation, ForkState::None, "", changes)
}

fn set(
    tx: &Tx,
    conversation: &mut Conversation,
    state: ForkState,
    reason: &str,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    conversation.fork = state;
    conversation.fork_details = reason.to_owned();
    let change = ConversationChange {
        fork: Some(state),
        fork_details: Some(reason.to_owned()),
        readd_requested_at_ns: Some(conversation.readd_requested_at_ns),
        ..ConversationChange::default()
    };
    tx.update_conversation(&conversation.id, &change)?;
    changes.conversation(&conversation.id);
    Ok(())
}

/// Follows a merged commit, in its transaction. `last`: the authenticator of the epoch before it,
/// `id`: the node's id of it.
pub(crate) fn committed(
    tx: &Tx,
    group: &MlsGroup,
    conversation: &mut Conversation,
    commit: &ValidatedCommit,
    (id, last): (u64, &[u8]),
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if !commit.self_removed {
        commit_log::applied(tx, group, id, last)?;
    }
    let answered_at = i64::try_from(id).unwrap_or(i64::MAX);
    for installation in &commit.readded_installations {
        tx.answer_readd(&conversation.id, installation.as_bytes(), answered_at)?;
    }
    if conversation.fork != ForkState::None && conversation.fork_details == EXPIRED_KEY_PACKAGE {
        // The clock was set right.
        forget(tx, conversation, changes)?;
    }
    Ok(())
}

/// We were added again to a group that was here: what was under way is made anew for its new keys,
/// and what we asked for has come.
pub(crate) fn rejoined(
    tx: &Tx,
    group_id: &[u8],
    own_installation: &[u8; 32],
    cursor: i64,
) -> Result<(), StoreError> {
    for intent in tx.intents_in_state(group_id, IntentState::Published)? {
        tx.intent_to_publish(intent.id)?;
    }
    tx.answer_readd(group_id, own_installation, cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forked(kind: ConversationKind, state: ForkState, reason: &str) -> Conversation {
        let mut conversation =
            Conversation::new(vec![1; 16], kind, "a".to_owned(), "a".to_owned(), 1);
        conversation.fork = state;
        conversation.fork_details = reason.to_owned();
        conversation
    }

    #[test]
    fn a_person_is_told_what_happened_and_what_to_do() {
        use ConversationKind::{Dm, Group};
        assert_eq!(Fork::of(&forked(Group, ForkState::None, "")), None);
        for reason in [
            EXPIRED_KEY_PACKAGE,
            OWN_COMMIT_LOST,
            LOG_DIFFERS,
            "message_future_epoch",
        ] {
            for state in [ForkState::Suspected, ForkState::Confirmed] {
                let group = Fork::of(&forked(Group, state, reason)).unwrap();
                assert!(group.can_request && group.text.contains("super admins"));
                assert!(!group.text.contains("  ") && group.text.ends_with("is kept."));
                let direct = Fork::of(&forked(Dm, state, reason)).unwrap();
                assert!(!direct.can_request && direct.text.contains("new direct message"));
            }
        }
        let mut asked = forked(Group, ForkState::Confirmed, LOG_DIFFERS);
        asked.readd_requested_at_ns = Some(7);
        let fork = Fork::of(&asked).unwrap();
        assert!(fork.requested_at_ns == Some(7) && fork.text.contains("were asked"));
    }

    #[test]
    fn only_what_is_certain_holds_messages_back() {
        let group = |state, reason| forked(ConversationKind::Group, state, reason);
        assert!(holds_back(&group(
            ForkState::Suspected,
            EXPIRED_KEY_PACKAGE
        )));
        assert!(holds_back(&group(ForkState::Confirmed, OWN_COMMIT_LOST)));
        assert!(!holds_back(&group(
            ForkState::Suspected,
            "message_future_epoch"
        )));
        assert!(!holds_back(&group(ForkState::None, EXPIRED_KEY_PACKAGE)));
    }
}
