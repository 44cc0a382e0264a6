//! One opened data folder.

use std::sync::{Arc, Mutex, PoisonError};

use conclave_engine::{Client, Engine, EngineError, SystemClock};
use tokio::sync::{RwLock, broadcast};

use crate::{
    error::ApiError,
    inbox::PendingChange,
    options::Options,
    registration::Pending,
    session::Session,
    types::{Account, Connection, Event, Nothing, Stage, Status},
};

/// Events kept for a slow receiver; one that falls further behind is told to read anew.
const EVENT_BUFFER: usize = 512;

/// One opened data folder: what a shell talks to. Cheap to clone.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    /// `None` once closed.
    pub(crate) engine: RwLock<Option<Engine>>,
    /// `None` until the account is registered, and once closed.
    pub(crate) session: RwLock<Option<Session>>,
    /// Held while a registration is under way, so that there is one at a time.
    pub(crate) pending: tokio::sync::Mutex<Option<Pending>>,
    /// A change of the inbox that waits for signatures; one at a time.
    pub(crate) change: tokio::sync::Mutex<Option<PendingChange>>,
    pub(crate) shared: Arc<Shared>,
}

/// What commands and the task that tells events share.
pub(crate) struct Shared {
    pub(crate) events: broadcast::Sender<Event>,
    connection: Mutex<Connection>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            events: broadcast::Sender::new(EVENT_BUFFER),
            connection: Mutex::new(Connection::Idle),
        }
    }

    /// Tells an event to whoever listens.
    pub(crate) fn send(&self, event: Event) {
        // An error only means that nobody listens.
        drop(self.events.send(event));
    }

    pub(crate) fn connection(&self) -> Connection {
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_connection(&self, connection: Connection) {
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

impl Api {
    /// Opens a data folder, making it if there is none. With a registered account in it, its client
    /// is ready afterwards, and its background work has begun if [`Options::live`] says so. The
    /// network is not waited for.
    ///
    /// # Errors
    /// `data_folder_unusable`, the key's (`keychain_unavailable`, `invalid_key_file`, ...), the
    /// database's (`account_in_use`, `wrong_key`, `newer_version`, `database_corrupt`,
    /// `disk_full`), and the resolver's where the account uses the built-in node.
    pub async fn open(options: Options) -> Result<Self, ApiError> {
        let preparing = options.clone();
        let key = tokio::task::spawn_blocking(move || preparing.prepare())
            .await
            .map_err(|_| ApiError::internal("Getting the database key was interrupted."))??;
        let engine = Engine::open(&options.data_dir, key, Arc::new(SystemClock)).await?;
        let account = engine.account().await?;
        let live = options.live;
        let api = Self(Arc::new(Inner {
            options,
            engine: RwLock::new(Some(engine)),
            session: RwLock::new(None),
            pending: tokio::sync::Mutex::new(None),
            change: tokio::sync::Mutex::new(None),
            shared: Arc::new(Shared::new()),
        }));
        if let Some(account) = account.filter(|account| account.registered) {
            if let Err(error) = api.begin_session(&account).await {
                api.close().await;
                return Err(error);
            }
            if live {
                api.go_live().await?;
            }
        }
        Ok(api)
    }

    /// Events from now on. A receiver that falls more than 512 events behind gets a lag error from
    /// its channel and must read everything it shows again.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.shared.events.subscribe()
    }

    /// What a shell needs to know when it starts.
    ///
    /// # Errors
    /// The database's.
    pub async fn status(&self, _: Nothing) -> Result<Status, ApiError> {
        let account = self.engine().await?.account().await?;
        let stage = match &account {
            None => Stage::Empty,
            Some(account) if !account.registered => Stage::Registering,
            Some(_) => Stage::Ready,
        };
        let session = self.0.session.read().await;
        let revoked = session.as_ref().is_some_and(|one| one.client.is_revoked());
        let (_, version) = self
            .0
            .options
            .app_version
            .split_once('/')
            .unwrap_or_default();
        Ok(Status {
            stage,
            account: account.map(Account::from),
            connection: self.0.shared.connection(),
            version: version.to_owned(),
            revoked: revoked.then_some(true),
            locked: None,
        })
    }

    pub(crate) async fn engine(&self) -> Result<Engine, ApiError> {
        let engine = self.0.engine.read().await;
        engine.clone().ok_or_else(closed)
    }

    /// The registered account's client.
    pub(crate) async fn client(&self) -> Result<Client, ApiError> {
        if let Some(session) = self.0.session.read().await.as_ref() {
            return Ok(session.client.clone());
        }
        let account = self.engine().await?.account().await?;
        let error = if account.is_some() {
            EngineError::NotRegistered
        } else {
            EngineError::NoAccount
        };
        Err(error.into())
    }
}

pub(crate) fn closed() -> ApiError {
    ApiError::new(
        "store_closed",
        "The account has been closed. Open it again.",
    )
}

#[cfg(test)]
mod tests;
