//! Our own inbox as the network has it: its installations and wallets, whether this installation
//! still belongs to it, and our groups following it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use conclave_identity::{AssociationState, Identifier, InstallationId, MAX_INSTALLATIONS};
use conclave_mls::GroupState;
use conclave_network::Network;
use conclave_store::{
    Reader, Store, StoreError, Tx,
    conversation::{ConversationEntry, ConversationQuery},
    kinds::{ConsentState, ConversationKind, Delivery, IntentState},
};
use futures::{StreamExt as _, stream};
use tokio::sync::Notify;

use crate::{
    client::{Client, Core, Engine},
    effects,
    error::EngineError,
    event::{Changes, Connection, Event, GroupId},
    identities::{Identities, newest_state, state_at},
    inbox_changes::{self, InboxChange, PreparedChange},
    intents::IntentData,
    members::KeyPackages,
    nanoseconds::{DAY, SECOND},
    preferences,
    sync::{CONCURRENT_GROUPS, GroupSync},
};

/// The log of our inbox is looked at this often although nothing said that it changed.
const CHECK: Duration = Duration::from_secs(5 * 60);
/// One that was looked at in this time is not asked for again by a sync.
const CHECK_BEFORE_SYNC_NS: i64 = 5 * SECOND;
/// A new installation is brought at once into conversations that were used in this time; into others
/// when somebody writes there (device-sync.md 6.1).
const RECENTLY_USED_NS: i64 = 90 * DAY;
/// The newest update of our inbox that all our groups were told to follow.
const FOLLOWED: &str = "own_inbox_followed";
/// Why messages that waited are not sent any more.
pub(crate) const REVOKED: &str = "installation_revoked";
/// Names that the person gave to installations are settings of this name and the id.
const NAME: &str = "installation_name:";
/// Most characters of such a name.
const MAX_NAME_CHARS: usize = 64;

/// One of the installations of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// When its update was signed (nanoseconds), by its own clock, if known.
    pub created_at_ns: Option<u64>,
    /// The name that the person gave it here; the protocol has none.
    pub name: Option<String>,
    /// The keys by which others add it to groups.
    pub keys: InstallationKeys,
}

/// What the node has of the keys by which others add an installation to groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallationKeys {
    /// The node was not asked since the program started.
    Unknown,
    /// Good ones.
    Renewed {
        /// When they were made, by the installation's clock, in ns.
        at_ns: u64,
    },
    /// None, or none that can be used any more: until the installation is opened nobody can add it.
    Unusable,
}

/// An installation that came to our inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its id.
    pub installation_id: InstallationId,
    /// The name that the person gave it here.
    pub name: Option<String>,
    /// When we first heard of it, in ns.
    pub first_seen_ns: i64,
}

/// An inbox: who belongs to it, and who may revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// Inbox id.
    pub inbox_id: String,
    /// Its installations, the longest known first.
    pub installations: Vec<Installation>,
    /// Its wallets.
    pub addresses: Vec<String>,
    /// Its passkeys, in hex.
    pub passkeys: Vec<String>,
    /// The address, or passkey in hex, that may revoke.
    pub recovery: String,
}

impl Inbox {
    /// Installations that an inbox may have before a new one is refused.
    pub const MAX_INSTALLATIONS: usize = MAX_INSTALLATIONS;
}

/// What is known of the own inbox besides its log.
#[derive(Default)]
pub(crate) struct OwnInbox {
    /// Asks for a look at the log.
    pub(crate) wake: Notify,
    checked_at_ns: AtomicI64,
    /// What the node was last seen to have of our installations.
    keys: Mutex<BTreeMap<InstallationId, InstallationKeys>>,
}

impl Engine {
    /// The inbox of a wallet, for somebody who is not logged in.
    ///
    /// # Errors
    /// [`EngineError::InboxChange`] without an inbox, the network's.
    pub async fn inbox_of(
        &self,
        network: &Arc<dyn Network>,
        wallet: &Identifier,
    ) -> Result<Inbox, EngineError> {
        let inbox_id = inbox_changes::own_inbox_of(network.as_ref(), wallet).await?;
        let identities = Identities::new(self.store.clone(), Arc::clone(network));
        identities.refresh(std::slice::from_ref(&inbox_id)).await?;
        inbox(&self.store, &identities, &inbox_id).await
    }

    /// Prepares a change of a wallet's inbox for somebody who is not logged in; see
    /// [`Client::prepare_inbox_change`].
    ///
    /// # Errors
    /// As there.
    pub async fn prepare_inbox_change(
        &self,
        network: &Arc<dyn Network>,
        wallet: &Identifier,
        change: &InboxChange,
    ) -> Result<PreparedChange, EngineError> {
        let inbox_id = inbox_changes::own_inbox_of(network.as_ref(), wallet).await?;
        let identities = Identities::new(self.store.clone(), Arc::clone(network));
        let clock = self.clock.as_ref();
        inbox_changes::prepare(&identities, network, clock, &inbox_id, None, change).await
    }

    /// Publishes a change that [`Engine::prepare_inbox_change`] made.
    ///
    /// # Errors
    /// As [`Client::apply_inbox_change`].
    pub async fn apply_inbox_change(
        &self,
        network: &Arc<dyn Network>,
        change: PreparedChange,
    ) -> Result<(), EngineError> {
        let identities = Identities::new(self.store.clone(), Arc::clone(network));
        inbox_changes::publish(&identities, network, change).await
    }
}

impl Client {
    /// Our own inbox, as the local database knows it.
    ///
    /// # Errors
    /// [`EngineError::NotRegistered`], the store's.
    pub async fn own_inbox(&self) -> Result<Inbox, EngineError> {
        let mut inbox = inbox(&self.0.store, &self.0.identities, &self.0.account.inbox_id).await?;
        let keys = self.0.own_inbox.keys.lock();
        let keys = keys.unwrap_or_else(PoisonError::into_inner);
        for one in &mut inbox.installations {
            one.keys = keys.get(&one.id).copied().unwrap_or(one.keys);
        }
        Ok(inbox)
    }

    /// Asks the node for the keys by which others add our installations to groups, in one call;
    /// [`Client::own_inbox`] has them then.
    ///
    /// # Errors
    /// The network's; [`EngineError::Clock`] where all keys look spent because our clock is wrong.
    pub async fn check_own_keys(&self) -> Result<(), EngineError> {
        let inbox = self.own_inbox().await?;
        let ids = inbox.installations.iter().map(|one| one.id);
        let wanted = ids.map(|id| (id, inbox.inbox_id.clone())).collect();
        let mut found = KeyPackages::default();
        found.fetch(&self.0, &wanted).await?;
        let keys = wanted.into_keys().map(|id| {
            let keys = found.get(&id).map_or(InstallationKeys::Unusable, |good| {
                InstallationKeys::Renewed {
                    at_ns: good.made_at_s.saturating_mul(SECOND.unsigned_abs()),
                }
            });
            (id, keys)
        });
        let known = self.0.own_inbox.keys.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = keys.collect();
        Ok(())
    }

    /// Asks the network what became of our inbox. Groups follow what has changed.
    ///
    /// # Errors
    /// The network's.
    pub async fn check_own_inbox(&self) -> Result<(), EngineError> {
        self.0.check_own_inbox(0).await?;
        self.0.follow_own_inbox().await
    }

    /// Whether this installation was revoked: then nothing is sent or fetched any more.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.identities.is_revoked()
    }

    /// Names an installation of our inbox, for this computer only; an empty name takes it away.
    ///
    /// # Errors
    /// [`EngineError::InboxChange`] for one that is not ours.
    pub async fn name_installation(
        &self,
        id: InstallationId,
        name: &str,
    ) -> Result<(), EngineError> {
        let inbox = self.own_inbox().await?;
        if !inbox.installations.iter().any(|known| known.id == id) {
            let unknown = inbox_changes::InboxChangeRefused::UnknownInstallation(id.to_string());
            return Err(unknown.into());
        }
        let name: String = name.trim().chars().take(MAX_NAME_CHARS).collect();
        self.0
            .store
            .write(move |tx| Ok::<_, EngineError>(tx.set_setting(&format!("{NAME}{id}"), &name)?))
            .await
    }

    /// Prepares a change of our inbox from what the network says now; changes nothing.
    ///
    /// # Errors
    /// [`EngineError::InboxChange`], [`EngineError::Revoked`], the network's.
    pub async fn prepare_inbox_change(
        &self,
        change: &InboxChange,
    ) -> Result<PreparedChange, EngineError> {
        inbox_changes::prepare(
            &self.0.identities,
            &self.0.network,
            self.0.clock.as_ref(),
            &self.0.account.inbox_id,
            Some(self.0.signer.key()),
            change,
        )
        .await
    }

    /// Other installations that came to our inbox and that the person has not seen yet, the newest
    /// first.
    ///
    /// # Errors
    /// The store's.
    pub async fn new_devices(&self) -> Result<Vec<NewDevice>, EngineError> {
        self.0
            .store
            .read(|reader| {
                let new = reader.new_devices()?.into_iter();
                new.map(|(id, first_seen_ns)| {
                    let installation_id = InstallationId::new(id);
                    Ok(NewDevice {
                        installation_id,
                        name: name_of(reader, &installation_id)?,
                        first_seen_ns,
                    })
                })
                .collect()
            })
            .await
    }

    /// The person has seen that an installation is new.
    ///
    /// # Errors
    /// The store's.
    pub async fn new_device_seen(&self, id: InstallationId) -> Result<(), EngineError> {
        self.0
            .store
            .write(move |tx| Ok::<_, EngineError>(tx.delete_new_device(id.as_bytes())?))
            .await?;
        self.0.events.send(Event::History);
        Ok(())
    }

    /// Publishes a signed change, and takes revoked installations out of our groups. A group in
    /// which that fails now is tried again by every later sync.
    ///
    /// # Errors
    /// [`EngineError::InboxChange`] for a missing signature or if the inbox has changed meanwhile,
    /// [`EngineError::Unconfirmed`] if the network did not list it, the network's.
    pub async fn apply_inbox_change(&self, change: PreparedChange) -> Result<(), EngineError> {
        inbox_changes::publish(&self.0.identities, &self.0.network, change).await?;
        self.0.follow_own_inbox().await
    }
}

/// Other installations of our inbox that came and went between two of its states.
struct Devices {
    new: Vec<InstallationId>,
    gone: Vec<InstallationId>,
}

impl Devices {
    /// Without an earlier state nothing is known to be new.
    fn between(
        before: Option<&AssociationState>,
        now: &AssociationState,
        this: InstallationId,
    ) -> Self {
        let Some(before) = before else {
            return Self {
                new: Vec::new(),
                gone: Vec::new(),
            };
        };
        let only_in = |one: &AssociationState, other: &AssociationState| {
            one.installations()
                .filter(|id| *id != this && !other.has_installation(*id))
                .collect()
        };
        Self {
            new: only_in(now, before),
            gone: only_in(before, now),
        }
    }

    /// The person is told of new ones. Those that are gone are to know nothing that comes: with the
    /// next root of the keys by which push servers know our messages they know it no more.
    fn note(&self, tx: &Tx, now_ns: i64, changes: &mut Changes) -> Result<(), EngineError> {
        for id in &self.new {
            tx.insert_new_device(id.as_bytes(), now_ns)?;
        }
        for id in &self.gone {
            tx.delete_new_device(id.as_bytes())?;
        }
        if !self.gone.is_empty() {
            preferences::root_due(tx, changes)?;
        }
        if !self.new.is_empty() || !self.gone.is_empty() {
            changes.history();
            changes.devices_due();
        }
        Ok(())
    }
}

/// The name that the person gave an installation here.
pub(crate) fn name_of(reader: &Reader, id: &InstallationId) -> Result<Option<String>, StoreError> {
    let name = reader.setting(&format!("{NAME}{id}"))?;
    Ok(name.filter(|name| !name.is_empty()))
}

async fn inbox(
    store: &Store,
    identities: &Identities,
    inbox_id: &str,
) -> Result<Inbox, EngineError> {
    let newest = identities.newest(inbox_id).await?;
    let (_, state) = newest.ok_or(EngineError::NotRegistered)?;
    let mut installations: Vec<Installation> = state
        .members()
        .into_iter()
        .filter_map(|(member, facts)| {
            Some(Installation {
                id: member.installation()?,
                created_at_ns: facts.client_timestamp_ns,
                name: None,
                keys: InstallationKeys::Unknown,
            })
        })
        .collect();
    installations = store
        .read(move |reader| {
            for one in &mut installations {
                one.name = name_of(reader, &one.id)?;
            }
            Ok::<_, EngineError>(installations)
        })
        .await?;
    let (mut addresses, mut passkeys) = (Vec::new(), Vec::new());
    for identifier in state.identifiers() {
        match identifier {
            Identifier::Ethereum(address) => addresses.push(address.clone()),
            Identifier::Passkey(_) => passkeys.push(identifier.to_string()),
        }
    }
    Ok(Inbox {
        inbox_id: inbox_id.to_owned(),
        installations,
        addresses,
        passkeys,
        recovery: state.recovery().to_string(),
    })
}

impl Core {
    /// Refuses what a revoked installation can't do any more.
    ///
    /// # Errors
    /// [`EngineError::Revoked`].
    pub(crate) fn require_valid(&self) -> Result<(), EngineError> {
        if self.identities.is_revoked() {
            return Err(EngineError::Revoked);
        }
        Ok(())
    }

    /// Asks the network what became of our inbox, unless that was done within `max_age_ns`.
    pub(crate) async fn check_own_inbox(&self, max_age_ns: i64) -> Result<(), EngineError> {
        let now_ns = self.clock.now_ns();
        let checked_ns = self.own_inbox.checked_at_ns.load(Ordering::Relaxed);
        if max_age_ns > 0 && (checked_ns..checked_ns.saturating_add(max_age_ns)).contains(&now_ns) {
            return Ok(());
        }
        let own = std::slice::from_ref(&self.account.inbox_id);
        self.identities.refresh(own).await?;
        self.own_inbox
            .checked_at_ns
            .store(now_ns, Ordering::Relaxed);
        Ok(())
    }

    /// Before a sync: whether we still belong to our inbox. Where there is background work it knows.
    ///
    /// # Errors
    /// [`EngineError::Revoked`], the store's.
    pub(crate) async fn require_own_inbox(self: &Arc<Self>) -> Result<(), EngineError> {
        if !self.identities.is_revoked() && !self.is_live() {
            match self.check_own_inbox(CHECK_BEFORE_SYNC_NS).await {
                Ok(()) if self.identities.is_revoked() => {}
                Ok(()) => drop(self.queue_own_inbox().await?),
                // The sync itself says what is wrong.
                Err(error) => tracing::info!(code = error.code(), "our inbox is not looked at"),
            }
        }
        if self.identities.is_revoked() {
            self.end_revoked().await?;
        }
        self.require_valid()
    }

    /// Queues in our groups what changed in our inbox, and sees to it that it is published: by the
    /// background work, or here.
    pub(crate) async fn follow_own_inbox(self: &Arc<Self>) -> Result<(), EngineError> {
        if self.identities.is_revoked() {
            return self.end_revoked().await;
        }
        let queued = self.queue_own_inbox().await?;
        self.publish_queued(queued).await;
        Ok(())
    }

    /// Sees to it that what was queued in these groups is published: by the background work, or
    /// here. What fails stays queued for the next sync.
    pub(crate) async fn publish_queued(self: &Arc<Self>, ids: Vec<GroupId>) {
        if self.is_live() {
            for id in &ids {
                self.wake(id);
            }
            return;
        }
        let mut syncs = stream::iter(ids)
            .map(|id| async move {
                let _turn = self.lock(&id).await;
                self.sync_group(&id, &mut GroupSync::default()).await
            })
            .buffer_unordered(CONCURRENT_GROUPS);
        while let Some(synced) = syncs.next().await {
            if let Err(error) = synced {
                tracing::warn!(code = error.code(), "a change of a group's devices waits");
            }
        }
    }

    /// Queues a membership commit in every group that is behind our inbox. Revoked installations go
    /// from all groups; new ones come into those that were used lately and are not blocked.
    async fn queue_own_inbox(self: &Arc<Self>) -> Result<Vec<GroupId>, EngineError> {
        let own = self.account.inbox_id.clone();
        let query = ConversationQuery {
            kinds: vec![
                ConversationKind::Group,
                ConversationKind::Dm,
                ConversationKind::Sync,
            ],
            consent: ConsentState::ALL.to_vec(),
            include_duplicate_dms: true,
            include_hidden: true,
            ..ConversationQuery::default()
        };
        let (now_ns, this) = (self.clock.now_ns(), self.account.installation_id);
        let due = self
            .store
            .read(move |reader| {
                let Some((newest, state)) = newest_state(reader, &own)? else {
                    return Ok(None);
                };
                let followed = reader.setting(FOLLOWED)?;
                let followed = followed.and_then(|text| text.parse::<u64>().ok());
                if followed.is_some_and(|followed| followed >= newest) {
                    return Ok(None);
                }
                let before = match followed {
                    Some(followed) => state_at(reader, &own, followed)?,
                    None => None,
                };
                let devices = Devices::between(before.as_ref(), &state, this);
                // Without an earlier state nobody knows, so everything is looked at.
                let is_removal = before.is_none() || !devices.gone.is_empty();
                let wanted = |entry: &ConversationEntry| {
                    let is_used = entry.summary.last_activity_ns > now_ns - RECENTLY_USED_NS;
                    let is_open = entry.consent != ConsentState::Denied
                        && entry.conversation.kind != ConversationKind::Sync;
                    entry.conversation.is_active && (is_removal || (is_used && is_open))
                };
                let entries = reader.conversations(&query)?.into_iter();
                let ids: Vec<GroupId> = entries
                    .filter(wanted)
                    .map(|entry| entry.conversation.id)
                    .collect();
                Ok::<_, EngineError>(Some((newest, ids, devices)))
            })
            .await?;
        let Some((newest, ids, devices)) = due else {
            return Ok(Vec::new());
        };
        let mut queued = Vec::new();
        for id in ids {
            let core = Arc::clone(self);
            let is_queued = self
                .store
                .write(move |tx| Ok::<_, EngineError>((core.queue_own(tx, &id, newest)?, id)))
                .await?;
            if let (true, id) = is_queued {
                queued.push(id);
            }
        }
        let changes = self
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                devices.note(tx, now_ns, &mut changes)?;
                tx.set_setting(FOLLOWED, &newest.to_string())?;
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.note_work(&changes);
        self.events.send_changes(changes);
        self.events.send(Event::OwnInbox);
        Ok(queued)
    }

    /// Queues the commit that brings a group to an update of our inbox, if it is behind.
    fn queue_own(&self, tx: &Tx, group_id: &[u8], newest: u64) -> Result<bool, EngineError> {
        let own = &self.account.inbox_id;
        let Some(group) = tx.take_group(group_id)? else {
            return Ok(false);
        };
        let known = GroupState::of(&group).map(|state| state.membership.members.get(own).copied());
        tx.keep_group(group);
        // A group whose first commit is not in yet (0) is brought up to date by that commit.
        let is_behind = known.is_ok_and(|at| at.is_some_and(|at| at > 0 && at < newest));
        if !is_behind {
            return Ok(false);
        }
        let data = IntentData::Membership {
            updates: BTreeMap::from([(own.clone(), newest)]),
            removed: Vec::new(),
        };
        data.enqueue(tx, group_id, None, self.clock.now_ns())?;
        Ok(true)
    }

    /// This installation was revoked: what waits to be sent fails visibly, and shells are told.
    /// History stays.
    pub(crate) async fn end_revoked(&self) -> Result<(), EngineError> {
        let changes = self
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                for message in tx.undelivered_messages()? {
                    // Perhaps given up with one before it.
                    if let Some(message) = tx.message(&message.id)?
                        && message.delivery == Delivery::Unpublished
                    {
                        effects::failed(tx, message, REVOKED, &mut changes)?;
                    }
                }
                for intent in tx.unresolved_intents()? {
                    // What is committed is on the network.
                    if intent.state != IntentState::Committed {
                        tx.intent_failed(intent.id)?;
                    }
                }
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.events.send_changes(changes);
        if self.identities.tell_revoked() {
            self.events.send(Event::Revoked);
        }
        Ok(())
    }
}

/// Follows the log of our inbox until this installation is revoked.
pub(crate) async fn work(core: Arc<Core>) {
    loop {
        // What an earlier run left, or a refresh elsewhere found.
        if let Err(error) = core.follow_own_inbox().await {
            tracing::warn!(
                code = error.code(),
                "our groups do not follow our inbox yet"
            );
        }
        tokio::select! {
            () = core.identities.own_changed() => continue,
            () = core.own_inbox.wake.notified() => {}
            () = tokio::time::sleep(CHECK) => {}
        }
        if core.wakes.connection() == Connection::Online
            && let Err(error) = core.check_own_inbox(0).await
        {
            tracing::warn!(code = error.code(), "our inbox could not be looked at");
        }
    }
}
