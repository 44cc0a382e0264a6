//! Background work of a client: streams, publishing, key rotation.
//!
//! Streams only say that something is there; what it is is fetched from the stored cursor by the
//! same function as every other sync. So a node that drops a row from a live stream (node.md 4.2)
//! delays a message until the next one and never loses it, and there is one path over a ratchet.

use std::{
    collections::{BTreeSet, HashMap},
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
    error::EngineError,
    event::{Connection, Event, GroupId},
    key_packages,
    nanoseconds::DAY,
    sync::GroupSync,
};

/// Groups synced at the same time in the background.
const CONCURRENT_SYNCS: usize = 8;
/// Key rotation, erasure and expiry are looked at this often.
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
/// Expired messages deleted in one transaction.
const EXPIRED_AT_ONCE: i64 = 500;
/// Finished work is forgotten after this time. Until then a late copy of an own message is known
/// by its bytes.
const KEPT_INTENTS_NS: i64 = DAY;

/// What wakes the background work.
#[derive(Default)]
pub(crate) struct Wakes {
    groups: Mutex<BTreeSet<GroupId>>,
    group: Notify,
    welcome: Notify,
    streams: Notify,
    everything: Notify,
    connection: Mutex<Connection>,
}

impl Wakes {
    fn take_groups(&self) -> BTreeSet<GroupId> {
        std::mem::take(&mut *self.groups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connection(&self) -> Connection {
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Something is to be fetched or published in a group.
    pub(crate) fn wake(&self, group_id: &[u8]) {
        let mut groups = self
            .wakes
            .groups
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        groups.insert(group_id.to_vec());
        drop(groups);
        self.wakes.group.notify_one();
    }

    /// There are other groups to follow than before.
    pub(crate) fn wake_streams(&self) {
        self.wakes.streams.notify_one();
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
            self.wakes.everything.notify_one();
        }
    }

    /// Work that is due by the clock: key packages and expired messages.
    pub(crate) async fn maintain(&self) -> Result<(), EngineError> {
        key_packages::erase_due(&self.store, self.clock.as_ref()).await?;
        let now_ns = self.clock.now_ns();
        self.store
            .write(move |tx| Ok::<_, EngineError>(tx.prune_intents(now_ns - KEPT_INTENTS_NS)?))
            .await?;
        let next_expiry = self.store.read(|reader| reader.next_expiry_ns()).await?;
        if next_expiry.is_some_and(|at_ns| at_ns <= now_ns) {
            let expired = self
                .store
                .write(move |tx| {
                    Ok::<_, EngineError>(tx.purge_expired_messages(now_ns, EXPIRED_AT_ONCE)?)
                })
                .await?;
            for message in expired {
                let conversation_id = message.conversation_id.clone();
                self.events.send(Event::MessageDeleted {
                    conversation_id,
                    id: message.id,
                });
                self.events.send(Event::Conversation {
                    id: message.conversation_id,
                    is_new: false,
                });
            }
        }
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

impl Client {
    /// Starts the background work. It ends when the returned value is dropped.
    #[must_use]
    pub fn start(&self) -> Live {
        let live = Live {
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        live.supervise(&self.0, "welcomes", |core| Box::pin(follow_welcomes(core)));
        live.supervise(&self.0, "groups", |core| Box::pin(follow_groups(core)));
        live.supervise(&self.0, "new conversations", |core| {
            Box::pin(take_welcomes(core))
        });
        live.supervise(&self.0, "group syncs", |core| Box::pin(sync_groups(core)));
        live.supervise(&self.0, "everything", |core| {
            Box::pin(sync_everything(core))
        });
        live.supervise(&self.0, "maintenance", |core| Box::pin(maintain(core)));
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
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Live {
    /// Ends the background work and waits for it.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }

    /// Runs a task until the end; one that panics is started again, visibly in the log.
    fn supervise(
        &self,
        core: &Arc<Core>,
        name: &'static str,
        task: fn(Arc<Core>) -> BoxFuture<'static, ()>,
    ) {
        let (core, cancel) = (Arc::clone(core), self.cancel.clone());
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
                    Some(StreamEvent::Item(message)) => core.wake(&message.group_id),
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
        for id in core.wakes.take_groups() {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let (core, busy) = (Arc::clone(&core), Arc::clone(&busy));
            running.spawn(async move {
                let turn = core.lock(&id).await;
                let mut report = GroupSync::default();
                let synced = core.sync_group(&id, &mut report).await;
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
