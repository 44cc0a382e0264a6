//! Taking turns in a group: one at a time fetches and publishes, and those who waited meanwhile
//! need not repeat what was done for them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use conclave_proto::mls::api::v1::group_message::V1 as GroupMessage;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::{event::GroupId, sync::GroupSync};

/// Holds a group's turn for as long as it lives.
pub(crate) struct Turn {
    _guard: OwnedMutexGuard<()>,
    /// Kept, so that whoever comes meanwhile waits in the same queue.
    _queue: Arc<Queue>,
}

/// The groups somebody works in or waits for; as many as there are calls under way.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<GroupId, Weak<Queue>>>);

impl Turns {
    /// The queue of a group. It remembers what was done for as long as somebody holds it.
    pub(crate) fn of(&self, group_id: &[u8]) -> Arc<Queue> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(group_id).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::new(Queue::default());
        queues.insert(group_id.to_vec(), Arc::downgrade(&queue));
        queue
    }

    /// A stream shows an envelope: it goes to whoever awaits it in its group, or is given back.
    pub(crate) fn shown(&self, envelope: GroupMessage) -> Option<GroupMessage> {
        let queue = {
            let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            queues.get(&envelope.group_id).and_then(Weak::upgrade)
        };
        match queue {
            Some(queue) => queue.shown(envelope),
            None => Some(envelope),
        }
    }
}

/// Who waits for a group, and how far it is.
#[derive(Default)]
pub(crate) struct Queue {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Fetches begun so far.
    fetches: AtomicU64,
    /// The fetch after which nothing was left to do, and what its sync did.
    settled: Mutex<(u64, GroupSync)>,
    /// The node's id of the newest envelope known to be applied.
    applied: AtomicU64,
    /// The envelope of ours that was just sent.
    awaited: Mutex<Option<Awaited>>,
}

/// An envelope that a stream is to show.
struct Awaited {
    /// SHA-256 of its bytes.
    hash: [u8; 32],
    shown: oneshot::Sender<GroupMessage>,
}

impl Queue {
    /// Waits for the turn.
    pub(crate) async fn wait(self: &Arc<Self>) -> Turn {
        Turn {
            _guard: Arc::clone(&self.turn).lock_owned().await,
            _queue: Arc::clone(self),
        }
    }

    /// The turn, if nobody has it and nobody waits for it.
    pub(crate) fn at_once(self: &Arc<Self>) -> Option<Turn> {
        Some(Turn {
            _guard: Arc::clone(&self.turn).try_lock_owned().ok()?,
            _queue: Arc::clone(self),
        })
    }

    /// What a stream shows of the envelope with this SHA-256, if it shows that one next in the group.
    /// Only whoever has the turn calls this.
    pub(crate) fn expect(&self, hash: [u8; 32]) -> oneshot::Receiver<GroupMessage> {
        let (shown, answer) = oneshot::channel();
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Awaited { hash, shown });
        answer
    }

    fn shown(&self, envelope: GroupMessage) -> Option<GroupMessage> {
        let awaited = self
            .awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match awaited {
            // Not taken if nobody waits any more.
            Some(Awaited { hash, shown }) if Sha256::digest(&envelope.data)[..] == hash => {
                shown.send(envelope).err()
            }
            _ => Some(envelope),
        }
    }

    /// How many fetches have begun.
    pub(crate) fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::SeqCst)
    }

    /// A fetch begins. Only whoever has the turn calls this and the next two.
    pub(crate) fn begin_fetch(&self) {
        self.fetches.fetch_add(1, Ordering::SeqCst);
    }

    /// Everything up to this id of the node is applied.
    pub(crate) fn apply(&self, id: u64) {
        self.applied.fetch_max(id, Ordering::SeqCst);
    }

    /// After the newest fetch nothing was left: all that was queued before is out and in again.
    pub(crate) fn settle(&self, report: GroupSync) {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        *settled = (self.fetches(), report);
    }

    /// What a sync did that left nothing and whose last fetch began after there were `seen`
    /// fetches: it did all that a sync called at that moment would have done.
    pub(crate) fn settled_after(&self, seen: u64) -> Option<GroupSync> {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        (settled.0 > seen).then_some(settled.1)
    }

    /// Whether the envelope with this id of the node is known to be applied.
    pub(crate) fn has_applied(&self, id: u64) -> bool {
        self.applied.load(Ordering::SeqCst) >= id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fetch_that_began_later_counts_for_a_call() {
        let queue = Queue::default();
        let report = GroupSync {
            published: 1,
            ..GroupSync::default()
        };
        queue.begin_fetch();
        // Bo calls while a fetch runs: what the node got meanwhile may not be in it.
        let bo = queue.fetches();
        queue.settle(report);
        assert_eq!(queue.settled_after(bo), None);
        queue.begin_fetch();
        assert_eq!(queue.settled_after(bo), None, "this one has not ended");
        queue.settle(report);
        assert_eq!(queue.settled_after(bo), Some(report));
        assert_eq!(queue.settled_after(queue.fetches()), None);
    }

    fn envelope(group: u8, data: &[u8]) -> GroupMessage {
        GroupMessage {
            group_id: vec![group],
            data: data.to_vec(),
            ..GroupMessage::default()
        }
    }

    #[test]
    fn an_envelope_of_ours_goes_to_whoever_awaits_it() {
        let turns = Turns::default();
        let (ours, other) = (envelope(1, b"ours"), envelope(1, b"of Bo"));
        assert_eq!(turns.shown(ours.clone()), Some(ours.clone()), "no turn");
        let queue = turns.of(&[1]);
        let expect = || queue.expect(Sha256::digest(b"ours").into());

        let mut answer = expect();
        let elsewhere = envelope(2, b"ours");
        assert_eq!(turns.shown(elsewhere.clone()), Some(elsewhere));
        assert_eq!(turns.shown(ours.clone()), None);
        assert_eq!(answer.try_recv(), Ok(ours.clone()));
        assert_eq!(turns.shown(ours.clone()), Some(ours.clone()), "once");

        let mut answer = expect();
        assert_eq!(turns.shown(other.clone()), Some(other));
        assert!(answer.try_recv().is_err(), "another one came first");

        drop(expect());
        assert_eq!(turns.shown(ours.clone()), Some(ours), "nobody waits");
    }

    #[test]
    fn a_queue_is_one_for_all_who_hold_it_and_forgotten_after() {
        let turns = Turns::default();
        let turn = turns.of(&[1]).at_once();
        assert!(turn.is_some());
        assert!(turns.of(&[1]).at_once().is_none(), "one at a time");
        assert!(turns.of(&[2]).at_once().is_some(), "per group");
        turns.of(&[1]).apply(7);
        assert!(turns.of(&[1]).has_applied(7));
        drop(turn);
        assert!(!turns.of(&[1]).has_applied(7));
        turns.of(&[3]);
        let kept = turns.of(&[4]);
        assert_eq!(
            turns.0.lock().unwrap().len(),
            1,
            "no group is kept for ever"
        );
        drop(kept);
    }
}
