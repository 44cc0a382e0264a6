//! Live delivery: what was just stored goes to everybody subscribed to its topic.
//!
//! The storage hands over rows after they are visible to queries, in the order of their ids. Each
//! subscriber has a bounded buffer; whoever lets it fill up is cut off and reads the rest from
//! storage when it comes back. Publishing never waits for a subscriber.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_proto::mls::api::v1::{GroupMessage, WelcomeMessage};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::limits::{FILTERS, SUBSCRIBER_BUFFER, SUBSCRIPTIONS};

/// A stored row on its way to subscribers.
#[derive(Debug)]
pub struct Row<M> {
    /// Its id.
    pub id: u64,
    /// Group id or installation key.
    pub topic: Vec<u8>,
    /// The row as clients read it.
    pub message: M,
}

/// Live delivery of both kinds of messages.
#[derive(Debug, Default)]
pub struct Live {
    /// Group messages, by group id.
    pub groups: Arc<Hub<GroupMessage>>,
    /// Welcomes and pointers, by installation key.
    pub welcomes: Arc<Hub<WelcomeMessage>>,
}

/// Live delivery of one kind of message.
#[derive(Debug)]
pub struct Hub<M> {
    subscribers: Mutex<Subscribers<M>>,
}

/// There are as many subscriptions, or filters in them, as the node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has as many subscribers as it takes; try again later")]
pub struct TooMany;

#[derive(Debug)]
struct Subscribers<M> {
    next: u64,
    filters: usize,
    by_number: HashMap<u64, Subscriber<M>>,
    by_topic: HashMap<Arc<[u8]>, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Subscriber<M> {
    buffer: mpsc::Sender<Arc<Row<M>>>,
    topics: Vec<Arc<[u8]>>,
}

impl<M> Default for Hub<M> {
    fn default() -> Self {
        Self {
            subscribers: Mutex::new(Subscribers {
                next: 0,
                filters: 0,
                by_number: HashMap::new(),
                by_topic: HashMap::new(),
            }),
        }
    }
}

impl<M> Hub<M> {
    /// Rows of these topics from now on. The subscription ends when it is dropped, or when more
    /// than [`SUBSCRIBER_BUFFER`] rows wait in it.
    ///
    /// # Errors
    /// [`TooMany`] beyond [`SUBSCRIPTIONS`] or [`FILTERS`].
    pub fn subscribe<'a>(
        self: &Arc<Self>,
        topics: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Subscription<M>, TooMany> {
        let topics: Vec<Arc<[u8]>> = topics.into_iter().map(Arc::from).collect();
        let (buffer, rows) = mpsc::channel(SUBSCRIBER_BUFFER);
        let mut subscribers = self.lock();
        if subscribers.by_number.len() >= SUBSCRIPTIONS
            || subscribers.filters + topics.len() > FILTERS
        {
            return Err(TooMany);
        }
        let number = subscribers.next;
        subscribers.next += 1;
        subscribers.filters += topics.len();
        for topic in &topics {
            subscribers
                .by_topic
                .entry(Arc::clone(topic))
                .or_default()
                .insert(number);
        }
        let subscriber = Subscriber { buffer, topics };
        subscribers.by_number.insert(number, subscriber);
        Ok(Subscription {
            number,
            rows,
            hub: Arc::clone(self),
        })
    }

    /// Delivers rows in the order given. Rows must come in the order of their ids.
    pub fn publish(&self, rows: impl IntoIterator<Item = Row<M>>) {
        let mut subscribers = self.lock();
        for row in rows {
            let Some(numbers) = subscribers.by_topic.get(row.topic.as_slice()) else {
                continue;
            };
            let row = Arc::new(row);
            let mut gone = Vec::new();
            for number in numbers {
                let Some(subscriber) = subscribers.by_number.get(number) else {
                    continue;
                };
                match subscriber.buffer.try_send(Arc::clone(&row)) {
                    Ok(()) => {}
                    Err(TrySendError::Full(_) | TrySendError::Closed(_)) => gone.push(*number),
                }
            }
            for number in gone {
                subscribers.remove(number);
            }
        }
    }

    /// Number of open subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().by_number.len()
    }

    /// Whether nobody is subscribed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Subscribers<M>> {
        // The maps hold no half-made state between statements that can panic.
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Subscribers<M> {
    fn remove(&mut self, number: u64) {
        let Some(subscriber) = self.by_number.remove(&number) else {
            return;
        };
        self.filters -= subscriber.topics.len();
        for topic in subscriber.topics {
            if let Some(numbers) = self.by_topic.get_mut(&topic) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_topic.remove(&topic);
                }
            }
        }
    }
}

/// One subscriber's buffer of live rows.
#[derive(Debug)]
pub struct Subscription<M> {
    number: u64,
    rows: mpsc::Receiver<Arc<Row<M>>>,
    hub: Arc<Hub<M>>,
}

impl<M> Subscription<M> {
    /// The next row; `None` once the subscriber was too slow and what was buffered is read.
    pub async fn next(&mut self) -> Option<Arc<Row<M>>> {
        self.rows.recv().await
    }
}

impl<M> Drop for Subscription<M> {
    fn drop(&mut self) {
        self.hub.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, topic: &[u8]) -> Row<u64> {
        Row {
            id,
            topic: topic.to_vec(),
            message: id,
        }
    }

    #[tokio::test]
    async fn rows_reach_the_subscribers_of_their_topic_only() {
        let hub: Arc<Hub<u64>> = Arc::default();
        let mut alix = hub.subscribe([b"one".as_slice(), b"two"]).unwrap();
        let mut bo = hub.subscribe([b"two".as_slice()]).unwrap();
        hub.publish([
            row(1, b"one"),
            row(2, b"two"),
            row(3, b"three"),
            row(4, b"two"),
        ]);
        let mut alix_ids = Vec::new();
        for _ in 0..3 {
            alix_ids.push(alix.next().await.unwrap().id);
        }
        assert_eq!(alix_ids, [1, 2, 4]);
        assert_eq!(bo.next().await.unwrap().id, 2);
        assert_eq!(bo.next().await.unwrap().id, 4);
    }

    #[tokio::test]
    async fn a_full_buffer_ends_its_subscription_and_no_other() {
        let hub: Arc<Hub<u64>> = Arc::default();
        let mut slow = hub.subscribe([b"one".as_slice()]).unwrap();
        let bound = u64::try_from(SUBSCRIBER_BUFFER).unwrap();
        hub.publish((1..=bound).map(|id| row(id, b"one")));
        let mut late = hub.subscribe([b"one".as_slice()]).unwrap();
        hub.publish([row(bound + 1, b"one"), row(bound + 2, b"one")]);
        assert_eq!(hub.len(), 1);
        for id in 1..=bound {
            assert_eq!(slow.next().await.unwrap().id, id);
        }
        assert!(slow.next().await.is_none());
        assert_eq!(late.next().await.unwrap().id, bound + 1);
        assert_eq!(late.next().await.unwrap().id, bound + 2);
    }

    #[tokio::test]
    async fn a_dropped_subscription_leaves_nothing_behind() {
        let hub: Arc<Hub<u64>> = Arc::default();
        let alix = hub.subscribe([b"one".as_slice(), b"two"]).unwrap();
        let bo = hub.subscribe([b"one".as_slice()]).unwrap();
        drop(alix);
        assert_eq!(hub.len(), 1);
        drop(bo);
        assert!(hub.is_empty());
        assert!(hub.lock().by_topic.is_empty());
        assert_eq!(hub.lock().filters, 0);
    }

    #[tokio::test]
    async fn subscriptions_and_filters_are_bounded() {
        let hub: Arc<Hub<u64>> = Arc::default();
        let topics: Vec<[u8; 4]> = (0..20_000u32).map(u32::to_be_bytes).collect();
        let mut open = Vec::new();
        let refused = loop {
            match hub.subscribe(topics.iter().map(<[u8; 4]>::as_slice)) {
                Ok(subscription) => open.push(subscription),
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, TooMany);
        assert_eq!(open.len(), FILTERS / topics.len());
        open.pop();
        assert!(hub.subscribe([b"one".as_slice()]).is_ok());
    }
}
