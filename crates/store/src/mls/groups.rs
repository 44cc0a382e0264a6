//! Groups kept in memory between transactions, so that a message does not reload its group.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use openmls::group::MlsGroup;

/// How many groups are kept; the one unused for longest goes first.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// The groups whose memory and stored state agree. What a transaction or savepoint keeps stays
/// apart until it succeeds.
pub(crate) struct GroupCache {
    kept: LruCache<Vec<u8>, MlsGroup>,
    levels: Vec<HashMap<Vec<u8>, MlsGroup>>,
}

impl Default for GroupCache {
    fn default() -> Self {
        Self {
            kept: LruCache::new(CAPACITY),
            levels: Vec::new(),
        }
    }
}

impl GroupCache {
    pub(crate) fn take(&mut self, group_id: &[u8]) -> Option<MlsGroup> {
        self.levels
            .iter_mut()
            .rev()
            .find_map(|level| level.remove(group_id))
            .or_else(|| self.kept.pop(group_id))
    }

    pub(crate) fn keep(&mut self, group: MlsGroup) {
        let id = group.group_id().to_vec();
        match self.levels.last_mut() {
            Some(level) => {
                level.insert(id, group);
            }
            None => {
                self.kept.put(id, group);
            }
        }
    }

    pub(crate) fn begin_level(&mut self) {
        self.levels.push(HashMap::new());
    }

    pub(crate) fn commit_level(&mut self) {
        for group in self.levels.pop().into_iter().flat_map(HashMap::into_values) {
            self.keep(group);
        }
    }

    pub(crate) fn roll_back_level(&mut self) {
        self.levels.pop();
    }

    /// Leaves this many levels.
    pub(crate) fn roll_back_to(&mut self, levels: usize) {
        self.levels.truncate(levels);
    }

    pub(crate) fn abandoned(&mut self) {
        self.levels.clear();
    }

    #[cfg(test)]
    pub(crate) fn holds(&self, group_id: &[u8]) -> bool {
        self.kept.contains(group_id)
    }
}
