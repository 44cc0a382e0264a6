//! What the outbox holds besides messages: changes of a group that wait to be published.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conclave_mls::{
    commit::AdminChange,
    encoding,
    policy::{Permission, Rule},
};
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
    sync::{GroupSync, pause_before},
};

/// What a queued change does; stored in the compact encoding of OpenMLS values, which names variants by
/// their place: new ones come last, or what waits in a database means something else.
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
    /// Pins or unpins a message in the list as it is when the change is built.
    Pin {
        /// The message.
        message_id: Vec<u8>,
        /// Whether it is pinned afterwards.
        pinned: bool,
    },
    /// Changes permissions of the set as it is when the change is built.
    Permissions {
        /// Each with its new rule.
        changes: Vec<(Permission, Rule)>,
    },
    /// Changes an admin list.
    Admins {
        /// Which list, and how.
        change: AdminChange,
        /// Who.
        inbox_id: String,
    },
    /// Takes these devices' leaves out and puts them in again.
    Readd {
        /// Installation ids.
        installations: Vec<[u8; 32]>,
    },
}

impl IntentData {
    fn kind(&self) -> IntentKind {
        match self {
            Self::Message => IntentKind::SendMessage,
            Self::KeyUpdate => IntentKind::KeyUpdate,
            Self::Metadata { .. } | Self::Pin { .. } => IntentKind::MetadataUpdate,
            Self::Permissions { .. } => IntentKind::UpdatePermission,
            Self::Admins { .. } => IntentKind::UpdateAdminList,
            Self::Membership { .. } => IntentKind::UpdateGroupMembership,
            Self::Readd { .. } => IntentKind::ReaddInstallations,
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

/// Rounds of a change that somebody waits for: as many admins may be quicker before it has to wait for
/// the next sync. The pauses before them make two seconds.
const CHANGE_ROUNDS: u32 = 5;

impl Core {
    /// Queues a change and works until the network has it: at most [`CHANGE_ROUNDS`] rounds, because
    /// others may change the group at the same time. The caller holds the group's lock.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        group_id: &[u8],
        data: IntentData,
    ) -> Result<(), EngineError> {
        self.settle_with(group_id, data, &mut KeyPackages::default())
            .await
    }

    /// As [`Core::settle`], for several changes that belong together: queued at once, settled in
    /// order. If the first comes to nothing the others are taken back; once it is made, or may be, they
    /// wait for the next sync at worst.
    pub(crate) async fn settle_all(
        self: &Arc<Self>,
        group_id: &[u8],
        changes: Vec<IntentData>,
    ) -> Result<(), EngineError> {
        let (group, now_ns) = (group_id.to_vec(), self.clock.now_ns());
        let ids = self
            .store
            .write(move |tx| {
                changes
                    .iter()
                    .map(|data| data.enqueue(tx, &group, None, now_ns))
                    .collect::<Result<Vec<i64>, EngineError>>()
            })
            .await?;
        let key_packages = &mut KeyPackages::default();
        let mut left = ids.into_iter();
        let Some(first) = left.next() else {
            return Ok(());
        };
        if let Err(error) = self.settle_queued(group_id, first, key_packages).await {
            if self.intent_state(first).await? == Some(IntentState::Error) {
                self.store
                    .write(move |tx| {
                        for id in left {
                            tx.intent_failed(id)?;
                        }
                        Ok::<_, EngineError>(())
                    })
                    .await?;
            }
            return Err(error);
        }
        for id in left {
            self.settle_kept(group_id, id, key_packages).await?;
        }
        Ok(())
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
        let settled = self.settle_kept(group_id, id, key_packages).await;
        if settled.is_ok() || matches!(settled, Err(EngineError::Unsettled)) {
            return settled;
        }
        match self.intent_state(id).await? {
            // Nothing of it has left this computer: take it back, so that an error means that
            // nothing was done.
            Some(IntentState::ToPublish) => {
                self.store
                    .write(move |tx| Ok::<_, EngineError>(tx.intent_failed(id)?))
                    .await?;
                settled
            }
            Some(IntentState::Published) => Err(EngineError::Unconfirmed),
            _ => settled,
        }
    }

    /// As [`Core::settle_queued`]; what did not leave this computer waits for the next sync.
    async fn settle_kept(
        self: &Arc<Self>,
        group_id: &[u8],
        id: i64,
        key_packages: &mut KeyPackages,
    ) -> Result<(), EngineError> {
        let mut report = GroupSync::default();
        for round in 0..CHANGE_ROUNDS {
            pause_before(round).await;
            let worked = self.round(group_id, key_packages, &mut report).await;
            match self.intent_state(id).await? {
                None | Some(IntentState::Committed) => return Ok(()),
                Some(IntentState::Error) => {
                    let reason = match worked {
                        Err(error) if error.is_final() => return Err(error),
                        Err(error) => error.to_string(),
                        Ok(_) => "the group's rules or its state do not allow it".to_owned(),
                    };
                    return Err(EngineError::GivenUp(reason));
                }
                Some(IntentState::ToPublish | IntentState::Published) => {
                    worked?;
                }
            }
        }
        Err(EngineError::Unsettled)
    }

    /// Where an intent stands; `None` once it is done.
    async fn intent_state(&self, id: i64) -> Result<Option<IntentState>, EngineError> {
        let intent = self.store.read(move |reader| reader.intent(id)).await?;
        Ok(intent.map(|intent| intent.state))
    }
}

/// Pauses between tries grow from here by factor 3 (groups.md 6.3).
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_in_a_database_keeps_its_meaning() {
        // The place of each kind of change in the encoding, as released.
        let membership = IntentData::Membership {
            updates: BTreeMap::new(),
            removed: Vec::new(),
        };
        let change = AdminChange::AddAdmin;
        let pin = IntentData::Pin {
            message_id: Vec::new(),
            pinned: true,
        };
        let places = [IntentData::Message, IntentData::KeyUpdate]
            .into_iter()
            .chain([
                IntentData::Metadata {
                    attribute: String::new(),
                    value: String::new(),
                },
                membership,
                pin,
                IntentData::Permissions {
                    changes: Vec::new(),
                },
                IntentData::Admins {
                    change,
                    inbox_id: String::new(),
                },
                IntentData::Readd {
                    installations: Vec::new(),
                },
            ]);
        for (place, data) in (0_u8..).zip(places) {
            let bytes = encoding::encode(&data).unwrap();
            assert_eq!(bytes.first(), Some(&place), "{data:?}");
            assert_eq!(IntentData::decode(&bytes).unwrap(), data);
        }
    }
}
