//! What the outbox holds besides messages: changes of a group that wait to be published.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conclave_mls::encoding;
use conclave_store::{
    Tx,
    intent::NewIntent,
    kinds::{IntentKind, IntentState},
};
use serde::{Deserialize, Serialize};

use crate::{
    client::Core,
    error::EngineError,
    members::KeyPackages,
    sync::{GroupSync, ROUNDS, pause_before},
};

/// What a queued change does; stored in the compact encoding of OpenMLS values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IntentData {
    /// Publishes the message that the intent names.
    Message,
    /// Renews our leaf keys.
    KeyUpdate,
    /// Sets an attribute.
    Metadata {
        /// Attribute key.
        attribute: String,
        /// New value.
        value: String,
    },
    /// Moves inboxes to newer identity updates, adds and removes inboxes.
    Membership {
        /// Inbox id to the identity update that the group should follow.
        updates: BTreeMap<String, u64>,
        /// Inbox ids to remove.
        removed: Vec<String>,
    },
}

impl IntentData {
    fn kind(&self) -> IntentKind {
        match self {
            Self::Message => IntentKind::SendMessage,
            Self::KeyUpdate => IntentKind::KeyUpdate,
            Self::Metadata { .. } => IntentKind::MetadataUpdate,
            Self::Membership { .. } => IntentKind::UpdateGroupMembership,
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EngineError> {
        Ok(encoding::decode(bytes).map_err(conclave_mls::MlsError::from)?)
    }

    /// Queues it in a transaction.
    pub(crate) fn enqueue(
        &self,
        tx: &Tx,
        group_id: &[u8],
        message_id: Option<&[u8]>,
        now_ns: i64,
    ) -> Result<i64, EngineError> {
        let data = encoding::encode(self).map_err(conclave_mls::MlsError::from)?;
        Ok(tx.enqueue_intent(&NewIntent {
            conversation_id: group_id,
            kind: self.kind(),
            data: &data,
            message_id,
            created_at_ns: now_ns,
        })?)
    }
}

impl Core {
    /// Queues a change and works until the network has it: at most [`ROUNDS`] rounds, because
    /// others may change the group at the same time. The caller holds the group's lock.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        group_id: &[u8],
        data: IntentData,
    ) -> Result<(), EngineError> {
        self.settle_with(group_id, data, &mut KeyPackages::default())
            .await
    }

    /// As [`Core::settle`], with key packages that were fetched already.
    pub(crate) async fn settle_with(
        self: &Arc<Self>,
        group_id: &[u8],
        data: IntentData,
        key_packages: &mut KeyPackages,
    ) -> Result<(), EngineError> {
        let (group, now_ns) = (group_id.to_vec(), self.clock.now_ns());
        let id = self
            .store
            .write(move |tx| data.enqueue(tx, &group, None, now_ns))
            .await?;
        self.settle_queued(group_id, id, key_packages).await
    }

    /// As [`Core::settle_with`], for a change that is queued already.
    pub(crate) async fn settle_queued(
        self: &Arc<Self>,
        group_id: &[u8],
        id: i64,
        key_packages: &mut KeyPackages,
    ) -> Result<(), EngineError> {
        let mut report = GroupSync::default();
        for round in 0..ROUNDS {
            pause_before(round).await;
            let worked = self.round(group_id, key_packages, &mut report).await;
            match self.intent_state(id).await? {
                IntentState::Processed | IntentState::Committed => return Ok(()),
                IntentState::Error => {
                    let reason = worked.err().map_or_else(
                        || "the group's rules or its state do not allow it".to_owned(),
                        |error| error.to_string(),
                    );
                    return Err(EngineError::GivenUp(reason));
                }
                IntentState::ToPublish => {
                    if let Err(error) = worked {
                        // Nothing of it has left this computer: take it back, so that an error
                        // means that nothing was done.
                        self.store
                            .write(move |tx| Ok::<_, EngineError>(tx.intent_failed(id)?))
                            .await?;
                        return Err(error);
                    }
                }
                IntentState::Published => {
                    worked?;
                }
            }
        }
        Err(EngineError::Unsettled)
    }

    async fn intent_state(&self, id: i64) -> Result<IntentState, EngineError> {
        let intent = self.store.read(move |reader| reader.intent(id)).await?;
        Ok(intent.map_or(IntentState::Processed, |intent| intent.state))
    }
}

/// Pauses between tries grow from here by factor 3 (groups.md 6.3).
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(50);
