//! Entries of the commit log: what each commit of a group led to, published by some members so that
//! all can see whether they are in the same epochs (`groups.md` 6.7).

use conclave_identity::{InstallationKey, verify_signature};
use conclave_proto::identity::associations::RecoverableEd25519Signature;
use conclave_proto::mls::api::v1::PublishCommitLogRequest;
use conclave_proto::mls::message_contents::{
    CommitLogEntry, CommitResult as ProtoResult, PlaintextCommitLogEntry,
};
use prost::Message;
use zeroize::Zeroizing;

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommitResult {
    /// It was merged.
    Applied,
    /// It was of another epoch than the group.
    WrongEpoch,
    /// It could not be decrypted.
    Undecryptable,
    /// It breaks a rule.
    Invalid,
}

impl CommitResult {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Applied => ProtoResult::Applied as i32,
            Self::WrongEpoch => ProtoResult::WrongEpoch as i32,
            Self::Undecryptable => ProtoResult::Undecryptable as i32,
            Self::Invalid => ProtoResult::Invalid as i32,
        }
    }
}

/// The key that signs entries; all super admins of a group can have it. Erased when dropped.
#[derive(Debug, Clone)]
pub struct LogSigner(InstallationKey);

impl LogSigner {
    /// The key with this 32-byte seed; `None` for another length.
    #[must_use]
    pub fn from_seed(seed: &[u8]) -> Option<Self> {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
        Some(Self(InstallationKey::from_seed(&seed)))
    }

    /// The key in the attribute `_commit_log_signer`: 64 hex characters; `None` for anything else.
    #[must_use]
    pub fn from_attribute(value: &str) -> Option<Self> {
        Self::from_seed(&Zeroizing::new(hex::decode(value).ok()?))
    }

    /// A new key; `None` without randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        InstallationKey::generate().ok().map(Self)
    }

    /// The seed, for encrypted storage and the attribute only.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        self.0.seed()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        *self.0.id().as_bytes()
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// MLS group id.
    pub group_id: Vec<u8>,
    /// The node's id of the commit.
    pub commit_sequence_id: u64,
    /// Authenticator of the epoch before.
    pub last_epoch_authenticator: Vec<u8>,
    /// What became of it, as on the wire.
    pub result: i32,
    /// The epoch after it; of a failed commit the current one.
    pub epoch: u64,
    /// Authenticator of that epoch.
    pub epoch_authenticator: Vec<u8>,
}

impl LogEntry {
    /// The entry as it is published. The signature is plain Ed25519 over the serialised entry.
    #[must_use]
    pub fn sign(&self, signer: &LogSigner) -> PublishCommitLogRequest {
        let serialized = PlaintextCommitLogEntry {
            group_id: self.group_id.clone(),
            commit_sequence_id: self.commit_sequence_id,
            last_epoch_authenticator: self.last_epoch_authenticator.clone(),
            commit_result: self.result,
            applied_epoch_number: self.epoch,
            applied_epoch_authenticator: self.epoch_authenticator.clone(),
        }
        .encode_to_vec();
        PublishCommitLogRequest {
            group_id: self.group_id.clone(),
            signature: Some(RecoverableEd25519Signature {
                bytes: signer.0.sign(&serialized).to_vec(),
                public_key: signer.public_key().to_vec(),
            }),
            serialized_commit_log_entry: serialized,
        }
    }
}

impl From<PlaintextCommitLogEntry> for LogEntry {
    fn from(entry: PlaintextCommitLogEntry) -> Self {
        Self {
            group_id: entry.group_id,
            commit_sequence_id: entry.commit_sequence_id,
            last_epoch_authenticator: entry.last_epoch_authenticator,
            result: entry.commit_result,
            epoch: entry.applied_epoch_number,
            epoch_authenticator: entry.applied_epoch_authenticator,
        }
    }
}

/// Why an entry does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ignored {
    /// Not an entry of this group about a commit.
    #[error("no entry of this group")]
    Malformed,
    /// Not signed, wrongly signed, or signed by another key than the first entry.
    #[error("not signed by the log's key")]
    Signature,
    /// It is about a commit at or before the newest one.
    #[error("its commit does not come after the newest one")]
    Order,
    /// It does not continue the epochs of the entry before it.
    #[error("it does not follow from the entry before it")]
    Chain,
}

/// A group's log as the network has it, read entry by entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLog {
    /// MLS group id.
    pub group_id: Vec<u8>,
    /// Whose entries count; `None` before the first.
    pub key: Option<Vec<u8>>,
    /// Commit, epoch and authenticator of the newest entry that counts.
    pub newest: Option<(u64, u64, Vec<u8>)>,
}

impl RemoteLog {
    /// Reads the next entry of the log. The first that is validly signed decides whose entries count
    /// from then on.
    ///
    /// # Errors
    /// [`Ignored`]: the entry does not count; go on with the next.
    pub fn accept(&mut self, entry: &CommitLogEntry) -> Result<LogEntry, Ignored> {
        let serialized = entry.serialized_commit_log_entry.as_slice();
        let signature = entry.signature.as_ref().ok_or(Ignored::Signature)?;
        let key = &signature.public_key;
        if self.key.as_ref().is_some_and(|fixed| fixed != key) {
            return Err(Ignored::Signature);
        }
        let read = PlaintextCommitLogEntry::decode(serialized).map_err(|_| Ignored::Malformed)?;
        let read = LogEntry::from(read);
        if read.group_id != self.group_id || read.commit_sequence_id == 0 {
            return Err(Ignored::Malformed);
        }
        verify_signature(serialized, &signature.bytes, key).map_err(|_| Ignored::Signature)?;
        self.key = Some(key.clone());
        // What a database keeps as a signed number.
        if [read.commit_sequence_id, read.epoch]
            .iter()
            .any(|n| i64::try_from(*n).is_err())
        {
            return Err(Ignored::Malformed);
        }
        if let Some((commit, epoch, authenticator)) = &self.newest {
            if read.commit_sequence_id <= *commit {
                return Err(Ignored::Order);
            }
            let follows = if read.result == CommitResult::Applied.number() {
                read.last_epoch_authenticator == *authenticator
                    && epoch.checked_add(1) == Some(read.epoch)
            } else {
                read.epoch_authenticator == *authenticator && read.epoch == *epoch
            };
            if !follows {
                return Err(Ignored::Chain);
            }
        }
        self.newest = Some((
            read.commit_sequence_id,
            read.epoch,
            read.epoch_authenticator.clone(),
        ));
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
