//! Welcomes: how this installation comes into groups.

use std::{sync::Arc, time::Duration};

use conclave_content::GroupUpdate;
use conclave_mls::{
    GroupState, MissingIdentity, key_package, transcript,
    welcome::{self, JoinError, OpenedWelcome, Pointer, WelcomeError},
};
use conclave_network::{NetworkError, PAGE_LIMIT};
use conclave_proto::mls::api::v1::WelcomeMessage;
use conclave_proto::mls::api::v1::welcome_message::{self, Version};
use conclave_store::{
    StoreError, Tx,
    conversation::Conversation,
    kinds::{ConversationKind, CursorKind, Delivery, ForkState, MembershipState},
    welcome::FailedWelcome,
};
use prost::Message as _;
use zeroize::Zeroizing;

use crate::{
    client::{Client, Core},
    commit_log, consent,
    conversations::{kind_of, peer_of},
    device_sync,
    error::EngineError,
    event::Changes,
    fork,
    key_packages::ROTATION_AFTER_WELCOME_NS,
    leaving,
    nanoseconds::MINUTE,
    preferences,
    sync::{ROUNDS, pause_before},
    transcript::{Row, columns},
};

/// A pointer whose target is not there yet is tried again after this time, then after ever longer
/// ones (groups.md 5.4).
const FIRST_RETRY_NS: i64 = 5 * MINUTE;
const LONGEST_RETRY_NS: i64 = 120 * MINUTE;
const MOST_RETRIES: i32 = 100;
/// Times that a pointer's target is asked for at once.
const POINTEE_TRIES: u32 = 4;
const POINTEE_PAUSE: Duration = Duration::from_millis(50);

/// Why a welcome did not lead into a group.
enum Unused {
    /// The network or the database: nothing was decided, try the same again.
    Retry(EngineError),
    /// Its target is not there yet: keep it and try later.
    Later(&'static str),
    /// Never: it is recorded with its reason.
    Final(&'static str),
    /// These identity logs are needed first.
    Missing(Vec<MissingIdentity>),
}

impl From<EngineError> for Unused {
    fn from(error: EngineError) -> Self {
        Self::Retry(error)
    }
}

impl From<StoreError> for Unused {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.into())
    }
}

impl From<NetworkError> for Unused {
    fn from(error: NetworkError) -> Self {
        Self::Retry(error.into())
    }
}

impl From<WelcomeError> for Unused {
    fn from(error: WelcomeError) -> Self {
        match error.is_retriable() {
            true => Self::Retry(EngineError::Mls(error.to_string())),
            false => Self::Final(error.code()),
        }
    }
}

impl From<conclave_mls::MlsError> for Unused {
    fn from(error: conclave_mls::MlsError) -> Self {
        Self::Final(error.code())
    }
}

impl Client {
    /// Fetches new conversations. Gives their number.
    ///
    /// # Errors
    /// [`EngineError::Revoked`], the network's; conversations that were joined before it stay.
    pub async fn sync(&self) -> Result<usize, EngineError> {
        self.0.require_own_inbox().await?;
        let joined = self.0.sync_welcomes().await?;
        self.0.maintain().await?;
        Ok(joined)
    }
}

impl Core {
    /// Processes all welcomes after the cursor, and those that failed earlier and are due.
    pub(crate) async fn sync_welcomes(self: &Arc<Self>) -> Result<usize, EngineError> {
        let _turn = self.welcomes.lock().await;
        let mut joined = self.retry_welcomes().await?;
        let topic = *self.account.installation_id.as_bytes();
        let cursor = self
            .store
            .read(move |reader| reader.cursor(CursorKind::Welcome, &topic))
            .await?;
        let mut after = u64::try_from(cursor).unwrap_or_default();
        let mut any = false;
        loop {
            let page = self
                .network
                .query_welcomes(&topic, after, PAGE_LIMIT)
                .await?;
            for welcome in page.items {
                any = true;
                let (id, _) = stamp(&welcome);
                after = after.max(id);
                joined += usize::from(self.take_in(welcome, 0).await?);
            }
            if !page.more {
                break;
            }
        }
        if any {
            // The key package that brought us in is replaced soon (groups.md 5.9).
            let soon_ns = self.clock.now_ns() + ROTATION_AFTER_WELCOME_NS;
            self.store
                .write(move |tx| {
                    let account = tx.account()?.ok_or(EngineError::NoAccount)?;
                    if account
                        .next_key_package_rotation_ns
                        .is_none_or(|next| next > soon_ns)
                    {
                        tx.set_next_key_package_rotation(Some(soon_ns))?;
                    }
                    Ok::<_, EngineError>(())
                })
                .await?;
        }
        Ok(joined)
    }

    async fn retry_welcomes(self: &Arc<Self>) -> Result<usize, EngineError> {
        let now_ns = self.clock.now_ns();
        let due = self
            .store
            .read(move |reader| reader.failed_welcomes_due(now_ns))
            .await?;
        let mut joined = 0;
        for failed in due {
            let decoded = WelcomeMessage::decode(failed.bytes.as_slice());
            if let Ok(WelcomeMessage {
                version: Some(welcome),
            }) = decoded
            {
                joined += usize::from(self.take_in(welcome, failed.attempts).await?);
            }
        }
        Ok(joined)
    }

    /// Processes one welcome to its end: joined, ignored, or kept with its reason; the cursor moves
    /// on in each case. Only an error of the network or the database leaves it where it is.
    async fn take_in(
        self: &Arc<Self>,
        welcome: Version,
        attempts: i32,
    ) -> Result<bool, EngineError> {
        let (id, _) = stamp(&welcome);
        let sequence_id = i64::try_from(id).unwrap_or(i64::MAX);
        let (reason, next_attempt_ns) = match self.join(&welcome).await {
            Ok(joined) => return Ok(joined),
            Err(Unused::Retry(error)) => return Err(error),
            Err(Unused::Missing(_)) => ("welcome_identity_missing", self.next_try(attempts)),
            Err(Unused::Later(reason)) => (reason, self.next_try(attempts)),
            Err(Unused::Final(reason)) => (reason, None),
        };
        tracing::warn!(reason, "a welcome was not used");
        let failed = FailedWelcome {
            sequence_id,
            bytes: WelcomeMessage {
                version: Some(welcome),
            }
            .encode_to_vec(),
            reason: reason.to_owned(),
            attempts: attempts.saturating_add(1),
            next_attempt_ns,
        };
        let (topic, now_ns) = (
            *self.account.installation_id.as_bytes(),
            self.clock.now_ns(),
        );
        self.store
            .write(move |tx| {
                tx.put_failed_welcome(&failed)?;
                tx.count_diagnostic(reason, now_ns)?;
                tx.advance_cursor(CursorKind::Welcome, &topic, sequence_id)?;
                Ok::<_, EngineError>(false)
            })
            .await
    }

    fn next_try(&self, attempts: i32) -> Option<i64> {
        if attempts >= MOST_RETRIES {
            return None;
        }
        // Grows by half each time.
        let mut pause = FIRST_RETRY_NS;
        for _ in 0..attempts {
            pause = (pause + pause / 2).min(LONGEST_RETRY_NS);
        }
        Some(self.clock.now_ns() + pause)
    }

    async fn join(self: &Arc<Self>, welcome: &Version) -> Result<bool, Unused> {
        let opened = self.open(welcome).await?;
        let (sequence_id, created_ns) = stamp(welcome);
        let mut missing = Vec::new();
        for round in 0..ROUNDS {
            pause_before(round).await;
            let (core, opened) = (Arc::clone(self), opened.clone());
            let arrival = Arrival {
                sequence_id: i64::try_from(sequence_id).unwrap_or(i64::MAX),
                created_ns: i64::try_from(created_ns).unwrap_or(i64::MAX),
            };
            match self
                .store
                .write(move |tx| core.enter(tx, &opened, &arrival))
                .await
            {
                Ok(Some((group_id, changes))) => {
                    let is_seen = changes.has_new_conversations();
                    self.note_work(&changes);
                    self.events.send_changes(changes);
                    self.wake(&group_id);
                    self.wake_streams();
                    return Ok(is_seen);
                }
                Ok(None) => {
                    // Perhaps somebody asked to be added again.
                    self.wakes.commit_logs.notify_one();
                    return Ok(false);
                }
                Err(Unused::Missing(wanted)) => {
                    self.identities.fetch(&wanted).await?;
                    missing = wanted;
                }
                Err(other) => return Err(other),
            }
        }
        Err(Unused::Missing(missing))
    }

    /// Takes the outer layers off.
    async fn open(self: &Arc<Self>, welcome: &Version) -> Result<OpenedWelcome, Unused> {
        match welcome {
            Version::V1(v1) => {
                let algorithm = welcome::wrapper_algorithm(v1)?;
                let key = self.private_key(&v1.hpke_public_key, algorithm).await?;
                Ok(welcome::open(v1, &key)?)
            }
            Version::WelcomePointer(wrapped) => {
                let algorithm = key_package::WrapperAlgorithm::XWing;
                let key = self
                    .private_key(&wrapped.hpke_public_key, algorithm)
                    .await?;
                let pointer = welcome::open_pointer(wrapped, &key)?;
                let pointee = self.pointee(&pointer).await?;
                Ok(welcome::open_pointee(&pointee, &pointer)?)
            }
        }
    }

    async fn private_key(
        self: &Arc<Self>,
        public_key: &[u8],
        algorithm: key_package::WrapperAlgorithm,
    ) -> Result<Zeroizing<Vec<u8>>, Unused> {
        let public_key = public_key.to_vec();
        let key = self
            .store
            .write(move |tx| {
                let Some(record) = tx.key_package_by_public_key(&public_key)? else {
                    return Ok(None);
                };
                match algorithm {
                    key_package::WrapperAlgorithm::XWing => Ok(record.xwing_private_key),
                    key_package::WrapperAlgorithm::Curve25519 => {
                        Ok(key_package::init_private_key(tx.mls(), &record.hash_ref)?)
                    }
                }
            })
            .await
            .map_err(|error: EngineError| Unused::Retry(error))?;
        key.ok_or(Unused::Final(WelcomeError::NoKeyPackage.code()))
    }

    /// The first welcome at a pointer's destination. Its sender sends in parallel, so it may come
    /// a moment later than the pointer.
    async fn pointee(&self, pointer: &Pointer) -> Result<welcome_message::V1, Unused> {
        for attempt in 0..POINTEE_TRIES {
            let page = self
                .network
                .query_welcomes(&pointer.destination, 0, 1)
                .await?;
            match page.items.into_iter().next() {
                Some(Version::V1(v1)) => return Ok(v1),
                Some(Version::WelcomePointer(_)) => {
                    return Err(Unused::Final("welcome_pointer_to_pointer"));
                }
                None => tokio::time::sleep(POINTEE_PAUSE * 3_u32.pow(attempt)).await,
            }
        }
        Err(Unused::Later("welcome_data_not_found"))
    }

    /// Joins, in one transaction with everything that belongs to it. `None` if there is nothing to
    /// join.
    fn enter(
        &self,
        tx: &mut Tx,
        opened: &OpenedWelcome,
        arrival: &Arrival,
    ) -> Result<Option<(Vec<u8>, Changes)>, Unused> {
        let topic = *self.account.installation_id.as_bytes();
        let own = &self.account.inbox_id;
        let staged = welcome::stage(tx.mls(), &opened.inner)?;
        let known = self.identities.known(tx);
        staged.validate(&known, own).map_err(|error| match error {
            JoinError::Rejected(rejection) => Unused::Final(rejection.code()),
            JoinError::MissingIdentity(missing) => Unused::Missing(missing),
        })?;
        tx.advance_cursor(CursorKind::Welcome, &topic, arrival.sequence_id)?;
        tx.delete_failed_welcome(arrival.sequence_id)?;
        let state = staged.state().clone();
        let stored = tx.group(&state.group_id)?;
        let added_by = staged.added_by().clone();
        if kind_of(&state) == ConversationKind::Oneshot {
            self.readd_requested(tx, &state, &added_by)?;
            return Ok(None);
        }
        let is_sync = kind_of(&state) == ConversationKind::Sync;
        if is_sync && !(added_by.inbox_id == *own && device_sync::is_ours(&state, own)) {
            return Err(Unused::Final(device_sync::FOREIGN));
        }
        // Of two branches of a group the other one may be the shorter.
        let is_old = stored.as_ref().is_some_and(|stored| {
            stored.is_active
                && stored.fork != ForkState::Confirmed
                && i64::try_from(state.epoch).is_ok_and(|e| e <= stored.epoch)
        });
        if is_old {
            return Ok(None);
        }
        drop(tx.take_group(&state.group_id)?);
        let group = welcome::join(tx.mls(), staged)?;
        let mut changes = Changes::default();
        let (by, before) = (&added_by.inbox_id, stored.as_ref());
        self.insert(tx, &state, by, arrival, before, &mut changes)?;
        let cursor = opened.message_cursor.unwrap_or_default();
        let cursor = i64::try_from(cursor).unwrap_or_default();
        tx.advance_cursor(CursorKind::Group, &state.group_id, cursor)?;
        commit_log::began(tx, &group)?;
        if stored.is_some() {
            fork::rejoined(tx, &state.group_id, &topic, cursor)?;
        }
        if is_sync {
            // Another installation is new: it comes into our conversations, and what push servers
            // know our messages by is made anew (device-sync.md 1.4).
            tx.insert_sync_group(&state.group_id, cursor)?;
            preferences::root_due(tx, &mut changes)?;
            self.own_inbox.wake.notify_one();
            tx.keep_group(group);
            return Ok(Some((state.group_id, changes)));
        }
        let row = Row {
            group_id: &state.group_id,
            sender_inbox_id: &added_by.inbox_id,
            sender_installation_id: added_by.installation_id.as_bytes(),
            delivery: Delivery::Published,
            sent_at_ns: arrival.created_ns,
            now_ns: self.clock.now_ns(),
            sequence_id: None,
            expire_at_ns: None,
        };
        let update = GroupUpdate::from(transcript::welcome_added(&added_by.inbox_id, own));
        let key = format!("{}_welcome_added", arrival.created_ns);
        row.insert_update(tx, &update, &key, &mut changes)?;
        changes.new_conversation(&state.group_id);
        tx.keep_group(group);
        Ok(Some((state.group_id, changes)))
    }

    fn insert(
        &self,
        tx: &Tx,
        state: &GroupState,
        added_by: &str,
        arrival: &Arrival,
        stored: Option<&Conversation>,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let own = &self.account.inbox_id;
        let now_ns = self.clock.now_ns();
        let kind = kind_of(state);
        let creator = state.metadata.creator_inbox_id.clone();
        let mut conversation = Conversation::new(
            state.group_id.clone(),
            kind,
            creator,
            added_by.to_owned(),
            now_ns,
        );
        conversation.dm_id = state.dm_id();
        conversation.peer_inbox_id = peer_of(state, own);
        conversation.welcome_sequence_id = Some(arrival.sequence_id);
        let had_left = stored.is_some_and(|s| s.membership_state == MembershipState::PendingRemove);
        conversation.membership_state = match kind {
            ConversationKind::Sync => MembershipState::Allowed,
            _ if had_left => MembershipState::Allowed,
            _ => MembershipState::Pending,
        };
        if kind == ConversationKind::Group {
            conversation.paused_for_version = state.unsupported_version().map(str::to_owned);
        }
        let last_message_ns = if kind == ConversationKind::Dm {
            arrival.created_ns
        } else {
            0
        };
        tx.insert_conversation(&conversation, last_message_ns)?;
        tx.update_conversation(&state.group_id, &columns(state, own, true))?;
        if stored.is_some() {
            leaving::rejoined(tx, &state.group_id)?;
        }
        consent::joined(tx, &conversation, stored, own, now_ns, changes)
    }
}

/// When and where a welcome came.
struct Arrival {
    sequence_id: i64,
    created_ns: i64,
}

fn stamp(welcome: &Version) -> (u64, u64) {
    match welcome {
        Version::V1(v1) => (v1.id, v1.created_ns),
        Version::WelcomePointer(pointer) => (pointer.id, pointer.created_ns),
    }
}
