//! Background work of a client: streams, publishing, key rotation.
//!
//! Streams only say that something is there; what it is is fetched from the stored cursor by the
//! same function as every other sync. So a node that drops a row from a live stream (node.md 4.2)
//! delays a message until the next one and never loses it, and there is one path over a ratchet.
//! The one exception needs no ratchet: a message of ours that a stream shows is published, and is
//! passed over when it is fetched in its turn.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conclave_network::{Reconnect, StreamEvent, reconnecting};
use conclave_store::{
    conversation::ConversationQuery,
    kinds::{ConsentState, ConversationKind, CursorKind},
};
use futures::{StreamExt, future::BoxFuture};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::{Client, Core},
    commit_log, device_sync,
    error::EngineError,
    event::{Changes, Connection, Event, GroupId},
    expiry, history, key_packages, leaving,
    nanoseconds::DAY,
    own_inbox, search,
    sync::GroupSync,
    transfers,
};

/// Groups synced at the same time in the background.
const CONCURRENT_SYNCS: usize = 8;
/// Key rotation and erasure are looked at this often.
const MAINTENANCE: Duration = Duration::from_secs(5);
/// Everything is synced this often although streams are open, because a node may drop a row from
/// a live stream.
const SAFETY_SYNC: Duration = Duration::from_secs(10 * 60);
/// Pause after a group's sync failed: grows from the first to the second.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Pauses between attempts to open a stream. Short ones: a person waits, and most nodes that went
/// away are back within seconds.
const RECONNECT: Reconnect = Reconnect {
    min: Duration::from_secs(1),
    max: Duration::from_secs(10),
    rate_limit_pause: Duration::from_secs(60),
};
/// What the person is told while the node can't be reached.
const OFFLINE: &str = "The node can't be reached. What you write is kept and sent when it is back.";
/// Pause before a task that panicked is started again.
const RESTART: Duration = Duration::from_secs(1);
/// What was given up is forgotten after this time. Until then a copy of it that arrives late is known
/// by its bytes.
const KEPT_INTENTS_NS: i64 = DAY;

/// Why a group is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// The node has an envelope with this id.
    Announced(u64),
    /// Something may be to be published, or something else happened.
    Work,
}

impl Wake {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Announced(one), Self::Announced(two)) => Self::Announced(one.max(two)),
            _ => Self::Work,
        }
    }
}

/// What wakes the background work.
#[derive(Default)]
pub(crate) struct Wakes {
    groups: Mutex<BTreeMap<GroupId, Wake>>,
    group: Notify,
    welcome: Notify,
    streams: Notify,
    everything: Notify,
    /// Somebody is to be taken out of a group by us.
    pub(crate) removals: Notify,
    /// The commit log of a group is to be looked at.
    pub(crate) commit_logs: Notify,
    /// Our other installations are to be told something.
    pub(crate) devices: Notify,
    /// Something was deleted without an event of its own: nothing of it is to be left on the disk.
    pub(crate) erased: Notify,
    connection: Mutex<Connection>,
    /// The background work, once it was started.
    running: Mutex<Option<(CancellationToken, TaskTracker)>>,
}

impl Wakes {
    fn take_groups(&self) -> BTreeMap<GroupId, Wake> {
        std::mem::take(&mut *self.groups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn connection(&self) -> Connection {
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Something is to be fetched or published in a group.
    pub(crate) fn wake(&self, group_id: &[u8]) {
        self.wake_for(group_id, Wake::Work);
    }

    fn wake_for(&self, group_id: &[u8], wake: Wake) {
        let mut groups = self
            .wakes
            .groups
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        groups
            .entry(group_id.to_vec())
            .and_modify(|before| *before = before.and(wake))
            .or_insert(wake);
        drop(groups);
        self.wakes.group.notify_one();
    }

    /// Whether there is background work, with or without a node.
    pub(crate) fn is_live(&self) -> bool {
        let running = self
            .wakes
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running
            .as_ref()
            .is_some_and(|(cancel, _)| !cancel.is_cancelled())
    }

    /// Where work goes that ends with the background work; `None` if there is none, or if it
    /// could do nothing because the node is not reached.
    pub(crate) fn background(&self) -> Option<Background> {
        if self.wakes.connection() != Connection::Online {
            return None;
        }
        let running = self
            .wakes
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (cancel, tasks) = running.as_ref()?;
        (!cancel.is_cancelled()).then(|| Background {
            cancel: cancel.clone(),
            tasks: tasks.clone(),
        })
    }

    /// Whether the background work runs and has lost the node.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_live() && self.wakes.connection() != Connection::Online
    }

    /// There are other groups to follow than before.
    pub(crate) fn wake_streams(&self) {
        self.wakes.streams.notify_one();
    }

    /// Does at once what changes lead to, or wakes the work that does it: taking people out, fetching
    /// files, telling our other installations, and leaving nothing of what was erased.
    pub(crate) fn note_work(&self, changes: &Changes) {
        if changes.has_removals_due() {
            self.wakes.removals.notify_one();
        }
        if changes.has_transfers_due() {
            self.transfers.wake();
        }
        if changes.has_devices_due() {
            self.wakes.devices.notify_one();
        }
        if changes.has_history() {
            self.history.wake();
        }
        if let Some(root) = changes.new_hmac_root() {
            self.use_hmac_root(root.clone());
        }
        if changes.has_erased() {
            self.wakes.erased.notify_one();
        }
    }

    fn set_connection(&self, state: Connection, message: Option<String>) {
        let before = {
            let mut connection = self
                .wakes
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *connection, state)
        };
        if before != state {
            self.events.send(Event::Connection { state, message });
        }
        if state == Connection::Online && before != Connection::Online {
            self.own_inbox.wake.notify_one();
            self.wakes.devices.notify_one();
            self.history.wake();
            self.wakes.everything.notify_one();
        }
    }

    /// Work that is due by the clock: key packages and finished work.
    pub(crate) async fn maintain(&self) -> Result<(), EngineError> {
        self.require_valid()?;
        key_packages::erase_due(&self.store, self.clock.as_ref()).await?;
        let now_ns = self.clock.now_ns();
        self.store
            .write(move |tx| {
                tx.delete_prepared_before(now_ns - DAY)?;
                tx.prune_intents(now_ns - KEPT_INTENTS_NS)?;
                Ok::<_, EngineError>(())
            })
            .await?;
        if key_packages::is_due(&self.store, self.clock.as_ref()).await? {
            key_packages::rotate(
                &self.store,
                self.network.as_ref(),
                self.clock.as_ref(),
                &self.signer,
                &self.account.inbox_id,
            )
            .await?;
        }
        Ok(())
    }
}

/// Where work goes that ends with the background work.
pub(crate) struct Background {
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    pub(crate) fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        let Self { cancel, tasks } = self;
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                () = work => {}
            }
        });
    }
}

impl Client {
    /// Starts the background work. It ends when the returned value is dropped, or when this
    /// installation is revoked.
    #[must_use]
    pub fn start(&self) -> Live {
        let cancel = CancellationToken::new();
        let live = Live {
            network: cancel.child_token(),
            cancel,
            tasks: TaskTracker::new(),
        };
        *self
            .0
            .wakes
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) =
            Some((live.network.clone(), live.tasks.clone()));
        live.end_when_revoked(&self.0);
        if !self.is_revoked() {
            live.follow_network(&self.0);
        }
        let local = &live.cancel;
        live.supervise(&self.0, local, "expiry", |core| {
            Box::pin(expiry::work(core))
        });
        live.supervise(&self.0, local, "erasure", |core| {
            Box::pin(expiry::leave_nothing(core))
        });
        live.supervise(&self.0, local, "search index", |core| {
            Box::pin(search::work(core))
        });
        live.tasks.close();
        live
    }

    /// State of the connection, as the background work sees it.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.0.wakes.connection()
    }
}

/// The background work of a client.
pub struct Live {
    /// Ends everything.
    cancel: CancellationToken,
    /// Ends what uses the network.
    network: CancellationToken,
    tasks: TaskTracker,
}

impl Live {
    /// Ends the background work and waits for it.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }

    fn follow_network(&self, core: &Arc<Core>) {
        let network = &self.network;
        self.supervise(core, network, "own inbox", |core| {
            Box::pin(own_inbox::work(core))
        });
        self.supervise(core, network, "welcomes", |core| {
            Box::pin(follow_welcomes(core))
        });
        self.supervise(core, network, "groups", |core| {
            Box::pin(follow_groups(core))
        });
        self.supervise(core, network, "new conversations", |core| {
            Box::pin(take_welcomes(core))
        });
        self.supervise(core, network, "group syncs", |core| {
            Box::pin(sync_groups(core))
        });
        self.supervise(core, network, "everything", |core| {
            Box::pin(sync_everything(core))
        });
        self.supervise(core, network, "leaving", |core| {
            Box::pin(leaving::work(core))
        });
        self.supervise(core, network, "commit logs", |core| {
            Box::pin(commit_log::work(core))
        });
        self.supervise(core, network, "transfers", |core| {
            Box::pin(transfers::work(core))
        });
        self.supervise(core, network, "other installations", |core| {
            Box::pin(device_sync::work(core))
        });
        self.supervise(core, network, "history", |core| {
            Box::pin(history::work(core))
        });
        self.supervise(core, network, "maintenance", |core| {
            Box::pin(maintain(core))
        });
    }

    /// Ends what uses the network as soon as this installation is known to be revoked. What is local
    /// goes on: messages disappear in time all the same.
    fn end_when_revoked(&self, core: &Arc<Core>) {
        let (core, cancel) = (Arc::clone(core), self.network.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = core.identities.revoked() => {}
                () = cancel.cancelled() => return,
            }
            cancel.cancel();
            core.set_connection(Connection::Idle, None);
            if let Err(error) = core.end_revoked().await {
                tracing::warn!(code = error.code(), "what waits was not called failed");
            }
        });
    }

    /// Runs a task until the end; one that panics is started again, visibly in the log.
    fn supervise(
        &self,
        core: &Arc<Core>,
        cancel: &CancellationToken,
        name: &'static str,
        task: fn(Arc<Core>) -> BoxFuture<'static, ()>,
    ) {
        let (core, cancel) = (Arc::clone(core), cancel.clone());
        self.tasks.spawn(async move {
            loop {
                let mut running = tokio::spawn(task(Arc::clone(&core)));
                tokio::select! {
                    () = cancel.cancelled() => {
                        running.abort();
                        // Aborted, as asked.
                        drop(running.await);
                        return;
                    }
                    ended = &mut running => {
                        if let Err(error) = ended {
                            tracing::error!(name, panic = error.is_panic(), "a task ended");
                        }
                        tokio::time::sleep(RESTART).await;
                    }
                }
            }
        });
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn follow_welcomes(core: Arc<Core>) {
    core.set_connection(Connection::Connecting, None);
    let open = {
        let core = Arc::clone(&core);
        move || {
            let core = Arc::clone(&core);
            async move {
                let topic = *core.account.installation_id.as_bytes();
                let cursor = core
                    .store
                    .read(move |reader| reader.cursor(CursorKind::Welcome, &topic))
                    .await
                    .unwrap_or_default();
                let cursor = u64::try_from(cursor).unwrap_or_default();
                core.network.subscribe_welcomes(&topic, cursor).await
            }
        }
    };
    let mut events = std::pin::pin!(reconnecting(RECONNECT, open));
    while let Some(event) = events.next().await {
        match event {
            StreamEvent::Connected => core.set_connection(Connection::Online, None),
            StreamEvent::Item(_) => core.wakes.welcome.notify_one(),
            StreamEvent::Disconnected { error, .. } => {
                if let Some(error) = error {
                    tracing::info!(code = error.code(), "the node is not reached");
                }
                core.set_connection(Connection::Offline, Some(OFFLINE.to_owned()));
            }
        }
    }
}

async fn take_welcomes(core: Arc<Core>) {
    loop {
        core.wakes.welcome.notified().await;
        if let Err(error) = core.sync_welcomes().await {
            tracing::warn!(code = error.code(), "new conversations were not fetched");
            tokio::time::sleep(FIRST_RETRY).await;
            core.wakes.welcome.notify_one();
        }
    }
}

/// Follows all active groups; opened anew when there are others.
async fn follow_groups(core: Arc<Core>) {
    loop {
        let open = {
            let core = Arc::clone(&core);
            move || {
                let core = Arc::clone(&core);
                async move {
                    let groups = followed(&core).await.unwrap_or_default();
                    core.network.subscribe_groups(groups).await
                }
            }
        };
        let mut events = std::pin::pin!(reconnecting(RECONNECT, open));
        loop {
            tokio::select! {
                () = core.wakes.streams.notified() => break,
                event = events.next() => match event {
                    Some(StreamEvent::Item(message)) => {
                        if let Some(other) = core.turns.shown(message) {
                            core.wake_for(&other.group_id, Wake::Announced(other.id));
                        }
                    }
                    // Between two streams something may have come.
                    Some(StreamEvent::Connected) => core.wakes.everything.notify_one(),
                    Some(StreamEvent::Disconnected { .. }) => {}
                    None => break,
                },
            }
        }
    }
}

async fn followed(core: &Core) -> Result<Vec<(GroupId, u64)>, EngineError> {
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
    core.store
        .read(move |reader| {
            let cursors: HashMap<_, _> = reader.cursors(CursorKind::Group)?.into_iter().collect();
            let entries = reader.conversations(&query)?;
            Ok(entries
                .into_iter()
                .filter(|entry| entry.conversation.is_active)
                .map(|entry| {
                    let cursor = cursors
                        .get(&entry.conversation.id)
                        .copied()
                        .unwrap_or_default();
                    (
                        entry.conversation.id,
                        u64::try_from(cursor).unwrap_or_default(),
                    )
                })
                .collect())
        })
        .await
}

/// Syncs the groups that were woken. A wake during a sync leads to another one.
async fn sync_groups(core: Arc<Core>) {
    let places = Arc::new(Semaphore::new(CONCURRENT_SYNCS));
    let busy: Arc<Mutex<HashMap<GroupId, Duration>>> = Arc::default();
    // Ended with this task, when the work is stopped.
    let mut running = JoinSet::new();
    loop {
        core.wakes.group.notified().await;
        while running.try_join_next().is_some() {}
        // Offline nothing is tried, so that nothing counts as failed: the groups are looked at
        // again when the node is back, with everything that waits in them.
        if core.wakes.connection() != Connection::Online {
            continue;
        }
        for (id, wake) in core.wakes.take_groups() {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let (core, busy) = (Arc::clone(&core), Arc::clone(&busy));
            running.spawn(async move {
                let queue = core.turns.of(&id);
                let seen = queue.fetches();
                let turn = queue.wait().await;
                let is_done = match wake {
                    Wake::Announced(envelope) => queue.has_applied(envelope),
                    Wake::Work => false,
                } || queue.settled_after(seen).is_some();
                let synced = if is_done {
                    Ok(())
                } else {
                    core.sync_group(&id, &mut GroupSync::default()).await
                };
                drop((turn, place));
                let pause = {
                    let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
                    match &synced {
                        Err(error) if error.is_retryable() => {
                            let pause = busy.get(&id).map_or(FIRST_RETRY, |last| *last * 2);
                            let pause = pause.min(LONGEST_RETRY);
                            busy.insert(id.clone(), pause);
                            Some(pause)
                        }
                        _ => {
                            busy.remove(&id);
                            None
                        }
                    }
                };
                if let Err(error) = synced {
                    tracing::warn!(code = error.code(), "a conversation was not synced");
                }
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                    // Offline, the reconnection syncs everything.
                    if core.wakes.connection() == Connection::Online {
                        core.wake(&id);
                    }
                }
            });
        }
    }
}

async fn sync_everything(core: Arc<Core>) {
    let client = Client(Arc::clone(&core));
    loop {
        let woken = core.wakes.everything.notified();
        // The first connection wakes it; afterwards the clock does too.
        drop(tokio::time::timeout(SAFETY_SYNC, woken).await);
        if let Err(error) = client.sync_all(&[]).await {
            tracing::warn!(code = error.code(), "not everything was synced");
            if error.is_retryable() && core.wakes.connection() == Connection::Online {
                tokio::time::sleep(FIRST_RETRY).await;
                core.wakes.everything.notify_one();
            }
        }
    }
}

async fn maintain(core: Arc<Core>) {
    let mut ticks = tokio::time::interval(MAINTENANCE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if core.wakes.connection() != Connection::Online {
            continue;
        }
        if let Err(error) = core.maintain().await {
            tracing::warn!(code = error.code(), "maintenance was not finished");
        }
        let now_ns = core.clock.now_ns();
        let due = core
            .store
            .read(move |reader| reader.failed_welcomes_due(now_ns))
            .await;
        if due.is_ok_and(|due| !due.is_empty()) {
            core.wakes.welcome.notify_one();
        }
    }
}
