//! Between the page and the `api` crate: one command in, one event out.

use conclave_api::{Answer, Api, ApiError, Options, types::Event};
use serde_json::Value;
use tauri::{AppHandle, Emitter as _, State, async_runtime};
use tokio::sync::{
    OnceCell,
    broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
};

use crate::{
    desktop::{self, Chosen},
    window::MAIN,
};

/// Name of the one event; its payload is a list of api events.
const EVENT: &str = "conclave-event";
/// Most api events that the page gets at once: it draws them together, and takes keys in between.
const EVENTS_AT_ONCE: usize = 32;

/// The data folder, opened when it is first needed.
pub(crate) struct Account {
    options: Options,
    api: OnceCell<Api>,
    chosen: Chosen,
}

impl Account {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            api: OnceCell::new(),
            chosen: Chosen::default(),
        }
    }

    /// The opened folder; its events go to the page from the start.
    ///
    /// # Errors
    /// As [`Api::open`]; asking again tries again, for instance once the keychain is unlocked.
    pub(crate) async fn open(&self, app: &AppHandle) -> Result<&Api, ApiError> {
        self.api
            .get_or_try_init(|| async {
                let api = Api::open(self.options.clone()).await?;
                async_runtime::spawn(relay(api.events(), app.clone()));
                Ok(api)
            })
            .await
    }

    /// Ends the background work and closes the database.
    pub(crate) async fn close(&self) {
        if let Some(api) = self.api.get() {
            api.close().await;
        }
    }
}

/// Runs the api command of that name.
#[tauri::command]
pub(crate) async fn call(
    app: AppHandle,
    account: State<'_, Account>,
    command: String,
    args: Value,
) -> Result<Answer, ApiError> {
    let answer = match account.open(&app).await {
        Ok(api) => run(api, &account.chosen, &command, args).await,
        Err(error) => Err(error),
    };
    // Nothing of the arguments or the answer: they hold texts and keys.
    let code = answer.as_ref().err().map(|error| error.code.as_str());
    tracing::debug!(command, code, "answered the page");
    answer
}

/// What the desktop itself does, else a command of the api.
async fn run(api: &Api, chosen: &Chosen, command: &str, args: Value) -> Result<Answer, ApiError> {
    if desktop::makes_up_a_path(chosen, command, &args) {
        return Err(ApiError::new(
            "path_refused",
            "The page may not name files or folders. Choose them in the dialog.",
        ));
    }
    match desktop::call(api, chosen, command, &args).await {
        Some(answer) => answer,
        None => api.call(command, args).await,
    }
}

/// Hands events to the page until the folder is closed.
async fn relay(mut events: Receiver<Event>, app: AppHandle) {
    while let Some(waiting) = next(&mut events).await {
        if let Err(error) = app.emit_to(MAIN, EVENT, waiting) {
            tracing::warn!(%error, "events did not reach the page");
        }
    }
}

/// The next event and what waits behind it; where some were lost because the page was too slow, the
/// one that says so.
async fn next(events: &mut Receiver<Event>) -> Option<Vec<Event>> {
    let first = match events.recv().await {
        Ok(event) => event,
        Err(RecvError::Lagged(_)) => Event::Resync {},
        Err(RecvError::Closed) => return None,
    };
    let mut waiting = vec![first];
    while waiting.len() < EVENTS_AT_ONCE {
        match events.try_recv() {
            Ok(event) => waiting.push(event),
            Err(TryRecvError::Lagged(_)) => waiting.push(Event::Resync {}),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    Some(waiting)
}

#[cfg(test)]
mod tests {
    use conclave_api::types::Connection;
    use tokio::sync::broadcast;

    use super::*;

    fn connection(connection: Connection) -> Event {
        Event::Connection {
            connection,
            message: None,
        }
    }

    #[tokio::test]
    async fn lost_events_become_a_request_to_read_again() {
        let (sender, mut events) = broadcast::channel(1);
        for state in [Connection::Connecting, Connection::Online] {
            sender.send(connection(state)).unwrap();
        }
        drop(sender);
        let waiting = next(&mut events).await.unwrap();
        assert!(matches!(
            waiting[..],
            [
                Event::Resync {},
                Event::Connection {
                    connection: Connection::Online,
                    ..
                }
            ]
        ));
        assert!(next(&mut events).await.is_none());
    }

    #[tokio::test]
    async fn what_waits_together_goes_together_up_to_a_bound() {
        let (sender, mut events) = broadcast::channel(128);
        for _ in 0..EVENTS_AT_ONCE + 1 {
            sender.send(connection(Connection::Online)).unwrap();
        }
        assert_eq!(next(&mut events).await.unwrap().len(), EVENTS_AT_ONCE);
        assert_eq!(next(&mut events).await.unwrap().len(), 1);
    }
}
