//! Other people's identity logs: fetched, verified, folded and kept, so that group rules can be
//! checked without the network.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use conclave_identity::{
    AssociationState, Identifier, InstallationId, MemberIdentifier, SmartContractVerifier,
    VerifierError, verify_update,
};
use conclave_mls::{AssociationStates, MissingIdentity};
use conclave_network::Network;
use conclave_proto::identity::associations::{
    AssociationState as WireState, IdentityUpdate as WireUpdate,
};
use conclave_store::{Reader, Store, identity_log::IdentityUpdate};
use prost::Message;
use tokio::sync::{Notify, watch};

use crate::error::EngineError;

/// Folded states kept in memory; emptied when full, because any of them is one query away.
const MAX_CACHED_STATES: usize = 10_000;
/// Tries to read a published update back, and the pause between them.
const READ_BACK_TRIES: u32 = 6;
const READ_BACK_PAUSE: Duration = Duration::from_millis(200);

type Installations = Arc<BTreeSet<InstallationId>>;

/// Fetches and keeps identity logs.
pub(crate) struct Identities {
    store: Store,
    network: Arc<dyn Network>,
    cache: Mutex<HashMap<(String, u64), Installations>>,
    own: Option<Own>,
}

/// This installation and its inbox, whose log says whether it still belongs there.
struct Own {
    inbox_id: String,
    installation_id: InstallationId,
    is_revoked: watch::Sender<bool>,
    is_told: AtomicBool,
    /// The log has grown.
    changed: Notify,
}

/// Smart-contract signatures are checked by the node, as official clients do (identity.md 3.3).
pub(crate) struct NodeVerifier<'a>(pub(crate) &'a dyn Network);

#[async_trait]
impl SmartContractVerifier for NodeVerifier<'_> {
    async fn is_valid(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: u64,
    ) -> Result<bool, VerifierError> {
        self.0
            .verify_smart_contract_signature(account_id, hash, signature, Some(block_number))
            .await
            .map(|verdict| verdict.is_valid)
            .map_err(|error| VerifierError(error.to_string()))
    }
}

impl Identities {
    pub(crate) fn new(store: Store, network: Arc<dyn Network>) -> Self {
        Self {
            store,
            network,
            cache: Mutex::new(HashMap::new()),
            own: None,
        }
    }

    /// As [`Identities::new`], for a registered installation.
    pub(crate) fn of_own(
        store: Store,
        network: Arc<dyn Network>,
        inbox_id: &str,
        installation_id: InstallationId,
    ) -> Self {
        Self {
            own: Some(Own {
                inbox_id: inbox_id.to_owned(),
                installation_id,
                is_revoked: watch::Sender::new(false),
                is_told: AtomicBool::default(),
                changed: Notify::new(),
            }),
            ..Self::new(store, network)
        }
    }

    /// Looks in the local database whether this installation belongs to its inbox.
    pub(crate) async fn read_own(&self) -> Result<(), EngineError> {
        let Some(own) = &self.own else { return Ok(()) };
        if let Some((_, state)) = self.newest(&own.inbox_id).await? {
            own.note(&state);
        }
        Ok(())
    }

    /// Whether this installation was revoked, as far as known.
    pub(crate) fn is_revoked(&self) -> bool {
        self.own
            .as_ref()
            .is_some_and(|own| *own.is_revoked.borrow())
    }

    /// Waits until this installation is revoked.
    pub(crate) async fn revoked(&self) {
        match &self.own {
            Some(own) => {
                // An error would mean that the sender is gone, which is ours.
                drop(
                    own.is_revoked
                        .subscribe()
                        .wait_for(|revoked| *revoked)
                        .await,
                );
            }
            None => std::future::pending().await,
        }
    }

    /// Whether shells have still to hear of the revocation; true once.
    pub(crate) fn tell_revoked(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| !own.is_told.swap(true, Ordering::Relaxed))
    }

    /// Waits until the log of the own inbox has grown.
    pub(crate) async fn own_changed(&self) {
        match &self.own {
            Some(own) => own.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Publishes an update and waits until the network lists it, as `is_listed` finds out.
    ///
    /// # Errors
    /// The network's if it refused the update, [`EngineError::Unconfirmed`] if it took it and does
    /// not list it.
    pub(crate) async fn publish<Listed>(
        &self,
        update: WireUpdate,
        is_listed: impl Fn() -> Listed,
    ) -> Result<(), EngineError>
    where
        Listed: Future<Output = Result<bool, EngineError>>,
    {
        if let Err(error) = self.network.publish_identity_update(update).await {
            // The reply may be lost although the update is in (node.md 11).
            if !is_listed().await? {
                return Err(error.into());
            }
        }
        for attempt in 1.. {
            if is_listed().await? {
                break;
            }
            if attempt == READ_BACK_TRIES {
                return Err(EngineError::Unconfirmed);
            }
            tokio::time::sleep(READ_BACK_PAUSE).await;
        }
        Ok(())
    }

    /// Whether the network lists exactly this update in the inbox's log.
    pub(crate) async fn has_update(
        &self,
        inbox_id: &str,
        update: &WireUpdate,
    ) -> Result<bool, EngineError> {
        self.refresh(&[inbox_id.to_owned()]).await?;
        let (id, wanted) = (inbox_id.to_owned(), update.clone());
        self.store
            .read(move |reader| {
                let log = reader.identity_updates(&id, None)?;
                // Nodes may encode anew what they store (node.md 3.4).
                Ok(log.iter().rev().any(|entry| {
                    WireUpdate::decode(entry.payload.as_slice()).is_ok_and(|found| found == wanted)
                }))
            })
            .await
    }

    /// Fetches what is new in the logs of these inboxes, verifies it and stores it with the folded
    /// states. An inbox whose log does not verify stays at its last good state: it can't be used
    /// by anybody (identity.md 4.5), and must not keep others from being used.
    pub(crate) async fn refresh(&self, inbox_ids: &[String]) -> Result<(), EngineError> {
        if inbox_ids.is_empty() {
            return Ok(());
        }
        let ids = inbox_ids.to_vec();
        let latest = self
            .store
            .read(move |reader| reader.latest_identity_sequences(&ids))
            .await?;
        let requests: Vec<_> = inbox_ids
            .iter()
            .map(|inbox_id| {
                let known = latest.get(inbox_id).copied().unwrap_or_default();
                (inbox_id.clone(), u64::try_from(known).unwrap_or_default())
            })
            .collect();
        let logs = self.network.identity_updates(&requests).await?;
        let mut stored = Vec::new();
        for (log, (inbox_id, known)) in logs.into_iter().zip(requests) {
            if log.is_empty() {
                continue;
            }
            match self.fold(&inbox_id, known, log).await {
                Ok(folded) => stored.push(folded),
                Err(EngineError::Identity(error)) => {
                    tracing::warn!(%error, "an identity log does not verify");
                }
                Err(error) => return Err(error),
            }
        }
        if stored.is_empty() {
            return Ok(());
        }
        let own_state = self.own.as_ref().and_then(|own| {
            let folded = stored.iter().find(|one| one.inbox_id == own.inbox_id)?;
            Some((own, folded.newest.clone()?))
        });
        self.store
            .write(move |tx| {
                for folded in &stored {
                    tx.insert_identity_updates(&folded.updates)?;
                    for (sequence_id, state) in &folded.states {
                        tx.put_association_state(&folded.inbox_id, *sequence_id, state)?;
                    }
                    for address in &folded.addresses {
                        tx.put_identifier(address, ETHEREUM, &folded.inbox_id)?;
                    }
                }
                Ok::<_, EngineError>(())
            })
            .await?;
        if let Some((own, state)) = own_state {
            own.note(&state);
            own.changed.notify_one();
        }
        Ok(())
    }

    /// Fetches the logs that a group rule asked for.
    pub(crate) async fn fetch(&self, missing: &[MissingIdentity]) -> Result<(), EngineError> {
        let inbox_ids: BTreeSet<_> = missing.iter().map(|one| one.inbox_id.clone()).collect();
        self.refresh(&inbox_ids.into_iter().collect::<Vec<_>>())
            .await
    }

    async fn fold(
        &self,
        inbox_id: &str,
        known: u64,
        log: Vec<conclave_network::LoggedUpdate>,
    ) -> Result<Folded, EngineError> {
        let start = inbox_id.to_owned();
        let state = self
            .store
            .read(move |reader| state_at(reader, &start, known))
            .await?;
        let verifier = NodeVerifier(self.network.as_ref());
        let mut state = match (state, known) {
            (None, 1..) => self.refold(inbox_id, known).await?,
            (state, _) => state,
        };
        let mut folded = Folded {
            inbox_id: inbox_id.to_owned(),
            updates: Vec::with_capacity(log.len()),
            states: Vec::with_capacity(log.len()),
            addresses: Vec::new(),
            newest: None,
        };
        for entry in log {
            let verified = verify_update(&entry.update, &verifier).await?;
            let next = AssociationState::apply(state.as_ref(), &verified)?;
            let sequence_id = i64::try_from(entry.sequence_id).unwrap_or(i64::MAX);
            folded
                .states
                .push((sequence_id, next.to_proto().encode_to_vec()));
            folded.updates.push(IdentityUpdate {
                inbox_id: inbox_id.to_owned(),
                sequence_id,
                server_timestamp_ns: i64::try_from(entry.server_timestamp_ns).unwrap_or(i64::MAX),
                payload: entry.update.encode_to_vec(),
            });
            state = Some(next);
        }
        if let Some(state) = &state {
            folded.addresses = addresses(state);
        }
        folded.newest = state;
        Ok(folded)
    }

    /// Folds a stored log anew, for the case that its cached state is gone.
    async fn refold(
        &self,
        inbox_id: &str,
        known: u64,
    ) -> Result<Option<AssociationState>, EngineError> {
        let id = inbox_id.to_owned();
        let up_to = i64::try_from(known).ok();
        let log = self
            .store
            .read(move |reader| reader.identity_updates(&id, up_to))
            .await?;
        let updates: Vec<_> = log
            .iter()
            .filter_map(|entry| WireUpdate::decode(entry.payload.as_slice()).ok())
            .collect();
        let verifier = NodeVerifier(self.network.as_ref());
        Ok(Some(
            AssociationState::from_log(None, &updates, &verifier).await?,
        ))
    }

    /// Newest known state of an inbox, from the local database.
    pub(crate) async fn newest(
        &self,
        inbox_id: &str,
    ) -> Result<Option<(u64, AssociationState)>, EngineError> {
        let id = inbox_id.to_owned();
        Ok(self
            .store
            .read(move |reader| newest_state(reader, &id))
            .await?)
    }

    /// Newest known states of many inboxes, from the local database in one read. Those without a
    /// known state are absent.
    pub(crate) async fn newest_of_many(
        &self,
        inbox_ids: Vec<String>,
    ) -> Result<HashMap<String, (u64, AssociationState)>, EngineError> {
        let found: HashMap<_, _> = self
            .store
            .read(move |reader| {
                let latest = reader.latest_identity_sequences(&inbox_ids)?;
                let mut found = HashMap::with_capacity(latest.len());
                for (inbox_id, sequence_id) in latest {
                    let sequence_id = u64::try_from(sequence_id).unwrap_or_default();
                    if let Some(state) = state_at(reader, &inbox_id, sequence_id)? {
                        found.insert(inbox_id, (sequence_id, state));
                    }
                }
                Ok::<_, EngineError>(found)
            })
            .await?;
        for (inbox_id, (sequence_id, state)) in &found {
            self.remember(
                (inbox_id.clone(), *sequence_id),
                Arc::new(state.installations().collect()),
            );
        }
        Ok(found)
    }

    fn remember(&self, key: (String, u64), installations: Installations) {
        if let Ok(mut cache) = self.cache.lock() {
            if cache.len() >= MAX_CACHED_STATES {
                cache.clear();
            }
            cache.insert(key, installations);
        }
    }

    /// What is known within a transaction or a read.
    pub(crate) fn known<'a>(&'a self, reader: &'a Reader) -> KnownStates<'a> {
        KnownStates {
            identities: self,
            reader,
        }
    }
}

/// `IdentifierKind` of Ethereum addresses (identity.md 1.3).
pub(crate) const ETHEREUM: i32 = 1;

struct Folded {
    inbox_id: String,
    updates: Vec<IdentityUpdate>,
    states: Vec<(i64, Vec<u8>)>,
    addresses: Vec<String>,
    newest: Option<AssociationState>,
}

impl Own {
    fn note(&self, state: &AssociationState) {
        let is_revoked = !state.has_installation(self.installation_id);
        self.is_revoked.send_replace(is_revoked);
    }
}

/// The inbox to which a wallet or passkey leads, as the network has it now.
pub(crate) async fn inbox_of(
    network: &dyn Network,
    identifier: &Identifier,
) -> Result<Option<String>, EngineError> {
    let asked = [(identifier.to_string(), identifier.wire_kind())];
    let found = network.inbox_ids(&asked).await?;
    Ok(found.into_iter().next().flatten())
}

/// The Ethereum addresses of an inbox.
pub(crate) fn addresses(state: &AssociationState) -> Vec<String> {
    state
        .members()
        .into_iter()
        .filter_map(|(member, _)| match member {
            MemberIdentifier::Identifier(conclave_identity::Identifier::Ethereum(address)) => {
                Some(address.clone())
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn state_at(
    reader: &Reader,
    inbox_id: &str,
    sequence_id: u64,
) -> Result<Option<AssociationState>, conclave_store::StoreError> {
    let sequence_id = i64::try_from(sequence_id).unwrap_or(i64::MAX);
    Ok(reader
        .association_state(inbox_id, sequence_id)?
        .and_then(|bytes| WireState::decode(bytes.as_slice()).ok())
        .and_then(|wire| AssociationState::from_proto(wire).ok()))
}

/// The newest stored state of an inbox and its sequence id.
pub(crate) fn newest_state(
    reader: &Reader,
    inbox_id: &str,
) -> Result<Option<(u64, AssociationState)>, conclave_store::StoreError> {
    let latest = reader.latest_identity_sequences(&[inbox_id.to_owned()])?;
    let Some(sequence_id) = latest.get(inbox_id).and_then(|id| u64::try_from(*id).ok()) else {
        return Ok(None);
    };
    Ok(state_at(reader, inbox_id, sequence_id)?.map(|state| (sequence_id, state)))
}

/// The states known at one moment.
pub(crate) struct KnownStates<'a> {
    identities: &'a Identities,
    reader: &'a Reader,
}

impl AssociationStates for KnownStates<'_> {
    fn installations_at(&self, inbox_id: &str, sequence_id: u64) -> Option<Installations> {
        if sequence_id == 0 {
            let (_, state) = newest_state(self.reader, inbox_id).ok()??;
            return Some(Arc::new(state.installations().collect()));
        }
        let key = (inbox_id.to_owned(), sequence_id);
        if let Ok(cache) = self.identities.cache.lock()
            && let Some(found) = cache.get(&key)
        {
            return Some(Arc::clone(found));
        }
        let state = state_at(self.reader, inbox_id, sequence_id).ok()??;
        let installations: Installations = Arc::new(state.installations().collect());
        self.identities.remember(key, Arc::clone(&installations));
        Some(installations)
    }
}
