//! The streams: history after each cursor, then whatever comes (`node.md` 4.1).
//!
//! A feed is pulled by its connection. It subscribes to live rows before it reads history, and
//! lets a row pass only if its id is above the last one of its topic; so nothing is missed and
//! nothing comes twice. It reads history in parts, only as fast as the client takes them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage, group_message, welcome_message};
use futures::stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{MessageStream, MlsService};
use crate::live::{Hub, Subscription};
use crate::status::stopping;
use crate::storage::{ReplayPosition, Replayed, Storage, StorageError, TopicCursor};

/// A kind of message that can be streamed.
#[async_trait]
pub(super) trait Streamed: Clone + Send + Sync + 'static {
    /// Reads the next part of the history.
    async fn replay(
        storage: &dyn Storage,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<Self>, StorageError>;

    /// Its id and topic.
    fn place(&self) -> Option<(u64, &[u8])>;
}

#[async_trait]
impl Streamed for GroupMessage {
    async fn replay(
        storage: &dyn Storage,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<Self>, StorageError> {
        storage.replay_group_messages(topics, from).await
    }

    fn place(&self) -> Option<(u64, &[u8])> {
        match self.version.as_ref()? {
            group_message::Version::V1(v1) => Some((v1.id, &v1.group_id)),
        }
    }
}

#[async_trait]
impl Streamed for WelcomeMessage {
    async fn replay(
        storage: &dyn Storage,
        topics: Arc<[TopicCursor]>,
        from: ReplayPosition,
    ) -> Result<Replayed<Self>, StorageError> {
        storage.replay_welcomes(topics, from).await
    }

    fn place(&self) -> Option<(u64, &[u8])> {
        Some(match self.version.as_ref()? {
            welcome_message::Version::V1(v1) => (v1.id, &v1.installation_key),
            welcome_message::Version::WelcomePointer(pointer) => {
                (pointer.id, &pointer.installation_key)
            }
        })
    }
}

/// One client's stream.
pub(super) struct Feed<M> {
    storage: Arc<dyn Storage>,
    stopping: CancellationToken,
    subscription: Option<Subscription<M>>,
    topics: Arc<[TopicCursor]>,
    /// What ends the stream at once: errors come inside it (`node.md` 4.1).
    problem: Option<Status>,
    /// Where the replay goes on; `None` when it is over.
    replay: Option<ReplayPosition>,
    /// History read and not yet sent.
    waiting: VecDeque<M>,
    /// Last id sent, by topic.
    marks: HashMap<Vec<u8>, u64>,
}

impl<M: Streamed> Feed<M> {
    pub(super) fn new(
        service: &MlsService,
        hub: &Arc<Hub<M>>,
        topics: impl Iterator<Item = TopicCursor>,
        problem: Option<Status>,
    ) -> Self {
        // A topic that is named twice is replayed once, from the lower cursor.
        let mut cursors: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        if problem.is_none() {
            for topic in topics {
                cursors
                    .entry(topic.topic)
                    .and_modify(|cursor| *cursor = topic.cursor.min(*cursor))
                    .or_insert(topic.cursor);
            }
        }
        // Before history is read: what is stored from now on arrives here.
        let (subscription, problem) =
            match (problem, hub.subscribe(cursors.keys().map(Vec::as_slice))) {
                (None, Ok(subscription)) => (Some(subscription), None),
                (None, Err(error)) => (None, Some(Status::resource_exhausted(error.to_string()))),
                (Some(problem), _) => (None, Some(problem)),
            };
        let topics = cursors
            .into_iter()
            .map(|(topic, cursor)| TopicCursor { topic, cursor })
            .collect();
        Self {
            storage: Arc::clone(&service.storage),
            stopping: service.stopping.clone(),
            subscription,
            topics,
            problem,
            replay: Some(ReplayPosition::default()),
            waiting: VecDeque::new(),
            marks: HashMap::new(),
        }
    }

    pub(super) fn into_stream(self) -> MessageStream<M> {
        Box::pin(stream::unfold(Some(self), |feed| async {
            let mut feed = feed?;
            match feed.next().await {
                Ok(message) => Some((Ok(message), Some(feed))),
                Err(status) => Some((Err(status), None)),
            }
        }))
    }

    async fn next(&mut self) -> Result<M, Status> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let stopped = self.stopping.clone();
        tokio::select! {
            biased;
            () = stopped.cancelled() => Err(stopping()),
            message = self.next_message() => message,
        }
    }

    async fn next_message(&mut self) -> Result<M, Status> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                if self.passes(&message) {
                    return Ok(message);
                }
            } else if let Some(from) = self.replay {
                let part = M::replay(&*self.storage, Arc::clone(&self.topics), from).await?;
                self.waiting = part.rows.into();
                self.replay = part.next;
            } else {
                let row = match &mut self.subscription {
                    Some(subscription) => subscription.next().await,
                    None => None,
                };
                let Some(row) = row else {
                    return Err(Status::aborted(
                        "caller did not read all messages fast enough",
                    ));
                };
                if self.passes(&row.message) {
                    return Ok(row.message.clone());
                }
            }
        }
    }

    /// Whether the message is news for the client; remembers it as sent.
    fn passes(&mut self, message: &M) -> bool {
        let Some((id, topic)) = message.place() else {
            return false;
        };
        match self.marks.get_mut(topic) {
            Some(mark) if id <= *mark => false,
            Some(mark) => {
                *mark = id;
                true
            }
            None => {
                self.marks.insert(topic.to_vec(), id);
                true
            }
        }
    }
}
