//! The values OpenMLS stores, as one table of keys and bytes.
//!
//! OpenMLS writes the same values again and again while it works through messages. Within a
//! transaction they stay in memory, one map for the transaction and one for each open savepoint,
//! and each key is written once before the commit. Committed values stay cached up to a bound.

use std::cell::RefCell;
use std::collections::HashMap;

use diesel::prelude::*;
use lru::LruCache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::schema::mls_values;
use crate::statement::Prepare;
use crate::transaction::Reader;

/// What a value is; the first byte of its key. Numbers are part of the database format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    JoinConfig = 1,
    OwnLeafNodes = 2,
    Proposals = 3,
    Tree = 4,
    InterimTranscriptHash = 5,
    GroupContext = 6,
    ConfirmationTag = 7,
    GroupState = 8,
    MessageSecrets = 9,
    ResumptionPsks = 10,
    OwnLeafIndex = 11,
    EpochSecrets = 12,
    SignatureKeyPair = 13,
    EncryptionKeyPair = 14,
    EpochKeyPairs = 15,
    KeyPackage = 16,
    Psk = 17,
}

type Bytes = Zeroizing<Vec<u8>>;

/// A list of encoded items, kept encoded because the item types cannot be cloned.
pub(super) type Items = Vec<(Vec<u8>, Vec<u8>)>;

/// The storage given to OpenMLS.
pub struct MlsValues {
    reader: Reader,
    memory: RefCell<Memory>,
}

impl std::fmt::Debug for MlsValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MlsValues").finish_non_exhaustive()
    }
}

struct Memory {
    /// Uncommitted values, the innermost savepoint last; `None` is a deleted value.
    levels: Vec<HashMap<Vec<u8>, Option<Bytes>>>,
    /// Committed values.
    cache: LruCache<Vec<u8>, Bytes>,
    cached_bytes: usize,
    max_cached_bytes: usize,
}

impl Memory {
    fn cache(&mut self, key: Vec<u8>, value: Bytes) {
        self.forget(&key);
        self.cached_bytes = self
            .cached_bytes
            .saturating_add(key.len())
            .saturating_add(value.len());
        self.cache.put(key, value);
        while self.cached_bytes > self.max_cached_bytes {
            let Some((key, value)) = self.cache.pop_lru() else {
                break;
            };
            self.release(&key, &value);
        }
    }

    fn forget(&mut self, key: &[u8]) {
        if let Some((key, value)) = self.cache.pop_entry(key) {
            self.release(&key, &value);
        }
    }

    fn release(&mut self, key: &[u8], value: &[u8]) {
        self.cached_bytes = self
            .cached_bytes
            .saturating_sub(key.len())
            .saturating_sub(value.len());
    }
}

impl MlsValues {
    pub(super) fn new(reader: Reader, max_cached_bytes: usize) -> Self {
        let memory = Memory {
            levels: Vec::new(),
            cache: LruCache::unbounded(),
            cached_bytes: 0,
            max_cached_bytes,
        };
        Self {
            reader,
            memory: RefCell::new(memory),
        }
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(super) fn get<V: DeserializeOwned>(
        &self,
        label: Label,
        key: &impl Serialize,
    ) -> Result<Option<V>, StoreError> {
        let key = storage_key(label, key)?;
        {
            let mut memory = self.memory.borrow_mut();
            if let Some(value) = memory.levels.iter().rev().find_map(|level| level.get(&key)) {
                return value.as_ref().map(|value| decode(label, value)).transpose();
            }
            if let Some(value) = memory.cache.get(&key) {
                return decode(label, value).map(Some);
            }
        }
        let stored: Option<Vec<u8>> = self.reader.with(|db| {
            mls_values::table
                .find(&key)
                .select(mls_values::value)
                .get_result(db)
                .optional()
        })?;
        let Some(value) = stored.map(Zeroizing::new) else {
            return Ok(None);
        };
        let decoded = decode(label, &value)?;
        self.memory.borrow_mut().cache(key, value);
        Ok(Some(decoded))
    }

    pub(super) fn put(
        &self,
        label: Label,
        key: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<(), StoreError> {
        let value = encode(label, value)?;
        self.set(storage_key(label, key)?, Some(value))
    }

    pub(super) fn remove(&self, label: Label, key: &impl Serialize) -> Result<(), StoreError> {
        self.set(storage_key(label, key)?, None)
    }

    fn set(&self, key: Vec<u8>, value: Option<Bytes>) -> Result<(), StoreError> {
        let mut memory = self.memory.borrow_mut();
        let level = memory
            .levels
            .last_mut()
            .ok_or_else(|| StoreError::Query("an MLS value outside a transaction".to_owned()))?;
        level.insert(key, value);
        Ok(())
    }

    pub(crate) fn begin_level(&self) {
        self.memory.borrow_mut().levels.push(HashMap::new());
    }

    pub(crate) fn commit_level(&self) {
        let mut memory = self.memory.borrow_mut();
        if let Some(top) = memory.levels.pop()
            && let Some(below) = memory.levels.last_mut()
        {
            below.extend(top);
        }
    }

    pub(crate) fn roll_back_level(&self) {
        self.memory.borrow_mut().levels.pop();
    }

    /// Leaves this many levels.
    pub(crate) fn roll_back_to(&self, levels: usize) {
        self.memory.borrow_mut().levels.truncate(levels);
    }

    /// Writes the transaction's values to the database, still inside the transaction.
    pub(crate) fn write_out(&self) -> Result<(), StoreError> {
        let memory = self.memory.borrow();
        for (key, value) in memory.levels.iter().flatten() {
            self.reader.with(|db| match value {
                Some(value) => diesel::replace_into(mls_values::table)
                    .values((
                        mls_values::key.eq(key),
                        mls_values::value.eq(value.as_slice()),
                    ))
                    .prepared()
                    .execute(db),
                None => diesel::delete(mls_values::table.find(key)).execute(db),
            })?;
        }
        Ok(())
    }

    /// The transaction is committed: its values are now the ones to cache.
    pub(crate) fn committed(&self) {
        let mut memory = self.memory.borrow_mut();
        let levels = std::mem::take(&mut memory.levels);
        for (key, value) in levels.into_iter().flatten() {
            match value {
                Some(value) => memory.cache(key, value),
                None => memory.forget(&key),
            }
        }
    }

    /// The transaction is rolled back: what it wrote is forgotten. The cache holds only committed
    /// values and stays.
    pub(crate) fn abandoned(&self) {
        self.memory.borrow_mut().levels.clear();
    }

    #[cfg(test)]
    pub(super) fn cached_bytes(&self) -> usize {
        self.memory.borrow().cached_bytes
    }
}

fn storage_key(label: Label, key: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(key, vec![label as u8]).map_err(encoding)
}

/// Postcard, but JSON for the join configuration: OpenMLS 0.9.2 reads part of it through an
/// untagged enum, which needs a self-describing format. It is small and rarely written.
pub(super) fn encode(label: Label, value: &impl Serialize) -> Result<Bytes, StoreError> {
    match label {
        Label::JoinConfig => serde_json::to_vec(value).map_err(encoding),
        _ => postcard::to_stdvec(value).map_err(encoding),
    }
    .map(Zeroizing::new)
}

pub(super) fn decode<V: DeserializeOwned>(label: Label, bytes: &[u8]) -> Result<V, StoreError> {
    match label {
        Label::JoinConfig => serde_json::from_slice(bytes).map_err(encoding),
        _ => postcard::from_bytes(bytes).map_err(encoding),
    }
}

fn encoding(error: impl std::fmt::Display) -> StoreError {
    StoreError::Encoding(error.to_string())
}
