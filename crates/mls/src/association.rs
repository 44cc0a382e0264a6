//! Which installations an inbox has, as told by the identity layer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_identity::InstallationId;

/// Association states that are known locally.
///
/// An inbox id is any text that a group names, not always a valid one.
pub trait AssociationStates {
    /// The installations of `inbox_id` after its identity update with this sequence id.
    ///
    /// `None` means *not known here*: the caller fetches the inbox's log and asks again. For
    /// `sequence_id` 0, which a group's creator has until the first membership commit, the answer
    /// is the newest known state (`groups.md` 11, head).
    fn installations_at(
        &self,
        inbox_id: &str,
        sequence_id: u64,
    ) -> Option<Arc<BTreeSet<InstallationId>>>;
}

/// A state that must be fetched before the question can be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MissingIdentity {
    /// The inbox, as the group names it.
    pub inbox_id: String,
    /// The identity update up to which its log is needed; 0 asks for the newest.
    pub sequence_id: u64,
}

/// Looks states up once each and remembers all that are missing.
pub(crate) struct Lookup<'a, S: ?Sized> {
    states: &'a S,
    found: BTreeMap<(String, u64), Arc<BTreeSet<InstallationId>>>,
    missing: BTreeSet<MissingIdentity>,
}

impl<'a, S: AssociationStates + ?Sized> Lookup<'a, S> {
    pub(crate) const fn new(states: &'a S) -> Self {
        Self {
            states,
            found: BTreeMap::new(),
            missing: BTreeSet::new(),
        }
    }

    /// The state, or an empty one that is noted as missing: check [`Lookup::finish`] before
    /// drawing any conclusion.
    pub(crate) fn installations(
        &mut self,
        inbox_id: &str,
        sequence_id: u64,
    ) -> Arc<BTreeSet<InstallationId>> {
        let key = (inbox_id.to_owned(), sequence_id);
        if let Some(found) = self.found.get(&key) {
            return Arc::clone(found);
        }
        match self.states.installations_at(inbox_id, sequence_id) {
            Some(found) => {
                self.found.insert(key, Arc::clone(&found));
                found
            }
            None => {
                self.missing.insert(MissingIdentity {
                    inbox_id: key.0,
                    sequence_id,
                });
                Arc::default()
            }
        }
    }

    /// All that was missing, sorted, if anything.
    pub(crate) fn finish(self) -> Result<(), Vec<MissingIdentity>> {
        if self.missing.is_empty() {
            Ok(())
        } else {
            Err(self.missing.into_iter().collect())
        }
    }
}
