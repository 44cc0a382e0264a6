//! One opened data folder.

use std::sync::{Arc, Mutex, PoisonError};

use conclave_engine::{Client, DatabaseKey, Engine, EngineError, GroupId};
use tokio::sync::{RwLock, broadcast};

use crate::{
    error::ApiError,
    inbox::PendingChange,
    opening::{Opened, Opening},
    options::Options,
    registration::Pending,
    session::Session,
    types::{Account, Connection, Event, LockReason, Nothing, Stage, Status},
};

/// Events kept for a slow receiver; one that falls further behind is told to read anew.
const EVENT_BUFFER: usize = 512;

/// One opened data folder: what a shell talks to. Cheap to clone.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) state: RwLock<State>,
    /// Held by what opens or closes the account: one at a time.
    pub(crate) upkeep: tokio::sync::Mutex<()>,
    /// `None` until the account is registered, and once closed.
    pub(crate) session: RwLock<Option<Session>>,
    /// Held while a registration is under way, so that there is one at a time.
    pub(crate) pending: tokio::sync::Mutex<Option<Pending>>,
    /// A change of the inbox that waits for signatures; one at a time.
    pub(crate) change: tokio::sync::Mutex<Option<PendingChange>>,
    pub(crate) shared: Arc<Shared>,
}

/// Whether the data folder is open.
pub(crate) enum State {
    Opened(Opened),
    Locked(LockReason),
    Closed,
}

/// What commands and the task that tells events share.
pub(crate) struct Shared {
    pub(crate) events: broadcast::Sender<Event>,
    connection: Mutex<Connection>,
    messages_of_shown: bool,
    /// The conversation whose messages were listed last.
    shown: Mutex<GroupId>,
}

impl Shared {
    /// As [`Options::messages_of_shown`].
    pub(crate) fn new(messages_of_shown: bool) -> Self {
        Self {
            events: broadcast::Sender::new(EVENT_BUFFER),
            connection: Mutex::new(Connection::Idle),
            messages_of_shown,
            shown: Mutex::default(),
        }
    }

    /// Tells an event to whoever listens.
    pub(crate) fn send(&self, event: Event) {
        // An error only means that nobody listens.
        drop(self.events.send(event));
    }

    /// A conversation is shown from now on.
    pub(crate) fn show(&self, id: &[u8]) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = id.to_vec();
    }

    /// The one conversation of which messages are told; `None` if those of all are.
    pub(crate) fn only_shown(&self) -> Option<GroupId> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        self.messages_of_shown.then(|| shown.clone())
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
    /// network is not waited for. Where the keychain can't give the key of a database that has a
    /// passphrase, the account is locked until [`Api::unlock`].
    ///
    /// # Errors
    /// `data_folder_unusable`, `data_folder_missing`, the key's (`keychain_unavailable`,
    /// `key_lost`, `invalid_key_file`, ...), the
    /// database's (`account_in_use`, `wrong_key`, `newer_version`, `database_corrupt`,
    /// `disk_full`), and the resolver's where the account uses the built-in node.
    pub async fn open(options: Options) -> Result<Self, ApiError> {
        let shared = Arc::new(Shared::new(options.messages_of_shown));
        let api = Self(Arc::new(Inner {
            options,
            state: RwLock::new(State::Closed),
            upkeep: tokio::sync::Mutex::new(()),
            session: RwLock::new(None),
            pending: tokio::sync::Mutex::new(None),
            change: tokio::sync::Mutex::new(None),
            shared,
        }));
        api.start(None).await?;
        Ok(api)
    }

    /// Opens the data folder of one that is closed. A key that is known is not looked for.
    pub(crate) async fn start(&self, known: Option<DatabaseKey>) -> Result<(), ApiError> {
        match self.0.options.open(known).await? {
            Opening::Opened(opened) => self.begin(opened).await,
            Opening::Locked(reason) => {
                *self.0.state.write().await = State::Locked(reason);
                Ok(())
            }
        }
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
        let locked = self.locked().await;
        let account = match locked {
            Some(_) => None,
            None => self.engine().await?.account().await?,
        };
        let stage = match &account {
            _ if locked.is_some() => Stage::Locked,
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
            locked,
        })
    }

    pub(crate) async fn engine(&self) -> Result<Engine, ApiError> {
        Ok(self.opened().await?.engine)
    }

    /// The data folder. Whoever keeps it keeps the database open.
    pub(crate) async fn opened(&self) -> Result<Opened, ApiError> {
        match &*self.0.state.read().await {
            State::Opened(opened) => Ok(opened.clone()),
            State::Locked(_) => Err(ApiError::new(
                "account_locked",
                "The system's keychain does not give the key of this account. Unlock it with its \
                 passphrase.",
            )),
            State::Closed => Err(closed()),
        }
    }

    /// Why the account is locked, if it is.
    pub(crate) async fn locked(&self) -> Option<LockReason> {
        match &*self.0.state.read().await {
            State::Locked(reason) => Some(*reason),
            State::Opened(_) | State::Closed => None,
        }
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

fn closed() -> ApiError {
    ApiError::new(
        "store_closed",
        "The account has been closed. Open it again.",
    )
}

#[cfg(test)]
mod tests;
