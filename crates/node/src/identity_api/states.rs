//! Association states of recently changed inboxes, so that a log is not verified from its start
//! for each update.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use conclave_identity::AssociationState;

/// Inboxes remembered at most. One more, and all are forgotten: they come back from their logs.
const INBOXES: usize = 1_024;

/// State of an inbox after the update with this sequence id.
type Remembered = (u64, AssociationState);

/// What is remembered.
#[derive(Default)]
pub(super) struct States(Mutex<HashMap<[u8; 32], Remembered>>);

impl States {
    pub(super) fn get(&self, inbox_id: [u8; 32]) -> Option<Remembered> {
        self.lock().get(&inbox_id).cloned()
    }

    pub(super) fn put(&self, inbox_id: [u8; 32], sequence_id: u64, state: AssociationState) {
        let mut states = self.lock();
        if states.len() >= INBOXES && !states.contains_key(&inbox_id) {
            states.clear();
        }
        states.insert(inbox_id, (sequence_id, state));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
