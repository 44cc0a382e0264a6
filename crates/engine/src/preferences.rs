//! What the person decides counts on all their installations: consent, and the root of the keys by
//! which push servers know own messages (device-sync.md 5).
//!
//! A decision and the note that others are to hear of it are one transaction. The newest decision
//! counts, by the time at which it was taken; of two at the same time, the one that shows less. A
//! time that lies ahead of the network's is cut, here and where it was taken, so that a clock that is
//! hours ahead does not win for hours.

use std::sync::{Arc, PoisonError};

use conclave_content::{
    HmacRoot,
    archive::{ArchivedConsent, ArchivedEntity, ArchivedState},
    device_sync::{DeviceSync, Preference},
};
use conclave_store::{
    StoreError, Tx,
    consent::Consent,
    kinds::{ConsentEntity, ConsentState},
};
use rand::RngCore as _;

use crate::{
    client::Core,
    consent,
    device_sync::Received,
    error::EngineError,
    event::{Changes, GroupId},
    nanoseconds::MINUTE,
};

/// How far the time of a decision may be ahead of the network's (device-sync.md 5.2).
const AHEAD_NS: i64 = 5 * MINUTE;
/// Decisions in one message.
const DECISIONS_PER_MESSAGE: i64 = 100;
/// Set while a new root is to be made and told.
const ROOT_DUE: &str = "hmac_root_due";

pub(crate) fn archived(consent: Consent) -> ArchivedConsent {
    ArchivedConsent {
        entity_kind: match consent.entity_kind {
            ConsentEntity::Conversation => ArchivedEntity::Conversation,
            ConsentEntity::Inbox => ArchivedEntity::Inbox,
        },
        entity: consent.entity,
        state: match consent.state {
            ConsentState::Unknown => ArchivedState::Unknown,
            ConsentState::Allowed => ArchivedState::Allowed,
            ConsentState::Denied => ArchivedState::Denied,
        },
        consented_at_ns: consent.consented_at_ns,
    }
}

pub(crate) fn stored(archived: ArchivedConsent) -> Consent {
    Consent {
        entity_kind: match archived.entity_kind {
            ArchivedEntity::Conversation => ConsentEntity::Conversation,
            ArchivedEntity::Inbox => ConsentEntity::Inbox,
        },
        entity: archived.entity,
        state: match archived.state {
            ArchivedState::Unknown => ConsentState::Unknown,
            ArchivedState::Allowed => ConsentState::Allowed,
            ArchivedState::Denied => ConsentState::Denied,
        },
        consented_at_ns: archived.consented_at_ns,
    }
}

/// A new root is to be made and told, once those who are not to know it can't read it.
pub(crate) fn root_due(tx: &Tx, changes: &mut Changes) -> Result<(), StoreError> {
    changes.devices_due();
    tx.set_setting(ROOT_DUE, "true")
}

fn new_root() -> HmacRoot {
    let mut bytes = [0; 42];
    rand::rng().fill_bytes(&mut bytes);
    let root = HmacRoot::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
    root
}

/// Takes over what an installation of ours decided.
pub(crate) fn apply(
    core: &Core,
    tx: &Tx,
    received: &Received<'_>,
    updates: Vec<Preference>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let latest_ns = received.sent_at_ns.saturating_add(AHEAD_NS);
    let is_own = received.sender == core.account.installation_id;
    for update in updates {
        match update {
            Preference::Consent(archived) => {
                let said = stored(archived);
                let known = tx.consent(said.entity_kind, &said.entity)?;
                let counted = Consent {
                    consented_at_ns: said.consented_at_ns.min(latest_ns),
                    ..said.clone()
                };
                let weight = |one: &Consent| (one.consented_at_ns, one.state.number());
                let is_own_word = is_own && known.as_ref() == Some(&said);
                if is_own_word || known.as_ref().is_none_or(|k| weight(k) < weight(&counted)) {
                    let before = known.map_or(ConsentState::Unknown, |known| known.state);
                    tx.replace_consent(&counted)?;
                    if before != counted.state {
                        consent::changed(tx, counted, changes)?;
                    }
                }
            }
            Preference::Hmac { root, cycled_at_ns } => {
                let Some(account) = tx.account()? else {
                    continue;
                };
                let known = account.hmac_root_key.as_slice();
                let counted_ns = cycled_at_ns.min(latest_ns);
                let is_own_word =
                    is_own && known == root.bytes() && account.hmac_cycled_at_ns == cycled_at_ns;
                if is_own_word
                    || (account.hmac_cycled_at_ns, known) < (counted_ns, root.bytes().as_slice())
                {
                    tx.set_hmac_root_key(root.bytes(), counted_ns)?;
                    changes.hmac_root(root);
                }
            }
        }
    }
    Ok(())
}

impl Core {
    /// The transaction that made it is committed.
    pub(crate) fn use_hmac_root(&self, root: HmacRoot) {
        *self.hmac.write().unwrap_or_else(PoisonError::into_inner) = root;
    }

    /// Makes a new root if one is due.
    fn cycle_root(&self, tx: &Tx, changes: &mut Changes) -> Result<Option<Preference>, StoreError> {
        let due = tx.setting(ROOT_DUE)?;
        let (Some(account), true) = (tx.account()?, due.as_deref() == Some("true")) else {
            return Ok(None);
        };
        tx.set_setting(ROOT_DUE, "false")?;
        let root = new_root();
        // Later than the one before, whatever the clock says.
        let after_known = account.hmac_cycled_at_ns.saturating_add(1);
        let cycled_at_ns = self.clock.now_ns().max(after_known);
        tx.set_hmac_root_key(root.bytes(), cycled_at_ns)?;
        changes.hmac_root(root.clone());
        Ok(Some(Preference::Hmac { root, cycled_at_ns }))
    }

    /// Whether there is something to tell.
    async fn is_untold(&self) -> Result<bool, EngineError> {
        self.store
            .read(|reader| {
                let is_due = reader.setting(ROOT_DUE)?.as_deref() == Some("true");
                Ok::<_, EngineError>(is_due || !reader.untold_preferences(1)?.is_empty())
            })
            .await
    }

    /// Queues what the others were not told, and sees to it that it is published.
    pub(crate) async fn tell_preferences(self: &Arc<Self>) -> Result<(), EngineError> {
        let mut queued: Option<GroupId> = None;
        while self.is_untold().await? {
            let core = Arc::clone(self);
            let (group_id, changes) = self
                .store
                .write(move |tx| {
                    let mut changes = Changes::default();
                    let mut updates: Vec<_> =
                        core.cycle_root(tx, &mut changes)?.into_iter().collect();
                    for (kind, entity) in tx.untold_preferences(DECISIONS_PER_MESSAGE)? {
                        tx.delete_untold_preference(kind, &entity)?;
                        if let Some(consent) = tx.consent(kind, &entity)? {
                            updates.push(Preference::Consent(archived(consent)));
                        }
                    }
                    if updates.is_empty() {
                        return Ok((None, changes));
                    }
                    let message = DeviceSync::Preferences(updates);
                    let group_id = core.queue_device_message(tx, &message)?;
                    let group_id = group_id.ok_or(EngineError::UnknownConversation)?;
                    Ok::<_, EngineError>((Some(group_id), changes))
                })
                .await?;
            self.note_work(&changes);
            self.events.send_changes(changes);
            queued = group_id.or(queued);
        }
        self.publish_queued(queued.into_iter().collect()).await;
        Ok(())
    }

    /// There is no other installation: nobody is to be told. A new root is made all the same, because
    /// one that was revoked knows the old one.
    pub(crate) async fn tell_nobody(self: &Arc<Self>) -> Result<(), EngineError> {
        if !self.is_untold().await? {
            return Ok(());
        }
        let core = Arc::clone(self);
        let changes = self
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                core.cycle_root(tx, &mut changes)?;
                for (kind, entity) in tx.untold_preferences(i64::MAX)? {
                    tx.delete_untold_preference(kind, &entity)?;
                }
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.note_work(&changes);
        Ok(())
    }
}
