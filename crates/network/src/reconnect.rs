//! Streams that come back by themselves.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, Stream, unfold};
use rand::Rng;
use tokio::time::Instant;

use crate::NetworkError;

/// Pauses between attempts to open a stream: they double, are jittered, and start again once a
/// stream has proved itself by delivering something or by lasting for `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// The first pause.
    pub min: Duration,
    /// The longest pause. Jitter adds up to half of a pause.
    pub max: Duration,
    /// The pause after the node asked for one.
    pub rate_limit_pause: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            min: Duration::from_secs(1),
            max: Duration::from_secs(60),
            rate_limit_pause: Duration::from_secs(60),
        }
    }
}

impl Reconnect {
    /// The pause after `failures` attempts in a row that came to nothing, before jitter.
    fn pause(&self, failures: u32, error: Option<&NetworkError>) -> Duration {
        let doubled = self.min.saturating_mul(2_u32.saturating_pow(failures));
        let pause = doubled.min(self.max);
        match error {
            Some(NetworkError::RateLimited(_)) => pause.max(self.rate_limit_pause),
            _ => pause,
        }
    }
}

/// What happens on a stream that comes back by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent<T> {
    /// The node accepted the subscription; what it has stored after the cursors comes first.
    Connected,
    /// A row.
    Item(T),
    /// The stream ended or could not be opened; it is opened again after a pause.
    Disconnected {
        /// Why; nothing where the node ended it in good order.
        error: Option<NetworkError>,
        /// The pause.
        retry_in: Duration,
    },
}

enum State<T> {
    Waiting(Duration),
    Open {
        stream: BoxStream<'static, Result<T, NetworkError>>,
        since: Instant,
    },
}

struct Reconnecting<T, F> {
    open: F,
    policy: Reconnect,
    failures: u32,
    state: State<T>,
}

/// Opens a stream with `open`, and again whenever it ends, for ever. `open` is called for each
/// attempt and subscribes from the cursors as they are then, so that nothing is lost and nothing
/// asked for twice.
///
/// Nothing runs by itself: the work is done while the stream is polled, and dropping it ends
/// everything. To subscribe to other groups, drop it and start another.
pub fn reconnecting<T, F, Fut>(
    policy: Reconnect,
    open: F,
) -> impl Stream<Item = StreamEvent<T>> + Send
where
    T: Send + 'static,
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<BoxStream<'static, Result<T, NetworkError>>, NetworkError>> + Send,
{
    let start = Reconnecting {
        open,
        policy,
        failures: 0,
        state: State::Waiting(Duration::ZERO),
    };
    unfold(start, |mut this| async move {
        let event = this.next().await;
        Some((event, this))
    })
}

impl<T, F, Fut> Reconnecting<T, F>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<BoxStream<'static, Result<T, NetworkError>>, NetworkError>>,
{
    async fn next(&mut self) -> StreamEvent<T> {
        match &mut self.state {
            State::Waiting(pause) => {
                tokio::time::sleep(*pause).await;
                match (self.open)().await {
                    Ok(stream) => {
                        self.state = State::Open {
                            stream,
                            since: Instant::now(),
                        };
                        StreamEvent::Connected
                    }
                    Err(error) => self.disconnect(Some(error)),
                }
            }
            State::Open { stream, since } => match stream.next().await {
                Some(Ok(item)) => {
                    self.failures = 0;
                    StreamEvent::Item(item)
                }
                ended => {
                    if since.elapsed() >= self.policy.max {
                        self.failures = 0;
                    }
                    self.disconnect(ended.and_then(Result::err))
                }
            },
        }
    }

    fn disconnect(&mut self, error: Option<NetworkError>) -> StreamEvent<T> {
        let pause = self.policy.pause(self.failures, error.as_ref());
        // At most half on top, so that clients of a node that restarts do not return all at once.
        let retry_in = pause.mul_f64(rand::rng().random_range(1.0..1.5));
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting(retry_in);
        tracing::debug!(
            code = error.as_ref().map_or("ended", NetworkError::code),
            retry_in_ms = retry_in.as_millis(),
            "stream disconnected"
        );
        StreamEvent::Disconnected { error, retry_in }
    }
}
