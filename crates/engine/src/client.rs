//! An opened data folder, and the registered account in it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use conclave_identity::{InstallationId, WalletKey};
use conclave_network::{Network, RemoteFiles};
use conclave_store::{DatabaseKey, Store, StoreError, account::Account, folder::DATABASE_FILE};
use tokio::sync::broadcast;

pub(crate) use crate::core::Core;
use crate::{
    clock::Clock,
    error::EngineError,
    event::Event,
    registration::{self, Prepared, Step},
};

/// An opened data folder. One process at a time has it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    folder: PathBuf,
}

/// The account of a data folder, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Inbox id, 64 lower-case hex characters.
    pub inbox_id: String,
    /// Installation id.
    pub installation_id: InstallationId,
    /// The wallet's address, lower-case with `0x`.
    pub address: String,
    /// The node's URL as it was given.
    pub node_url: String,
    /// Whether the installation is known to the network.
    pub registered: bool,
}

impl From<&Account> for AccountInfo {
    fn from(account: &Account) -> Self {
        Self {
            inbox_id: account.inbox_id.clone(),
            installation_id: InstallationId::new(account.installation_id),
            address: account.address.clone(),
            node_url: account.node_url.clone(),
            registered: account.registered(),
        }
    }
}

impl Engine {
    /// Opens the data folder, making it and its database if there is none.
    ///
    /// # Errors
    /// The store's: in use, wrong key, newer version, damaged, disk full. Nothing is changed then.
    pub async fn open(
        data_dir: &Path,
        key: DatabaseKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        Self::open_bounded(data_dir, key, clock, None).await
    }

    /// As [`Engine::open`], with a bound on the size of the database, in pages of 4096 bytes: beyond it
    /// the disk counts as full.
    ///
    /// # Errors
    /// As there.
    pub async fn open_bounded(
        data_dir: &Path,
        key: DatabaseKey,
        clock: Arc<dyn Clock>,
        max_pages: Option<u32>,
    ) -> Result<Self, EngineError> {
        std::fs::create_dir_all(data_dir).map_err(StoreError::from)?;
        let folder = std::path::absolute(data_dir).map_err(StoreError::from)?;
        let path = folder.join(DATABASE_FILE);
        // Opening reads the disk and may wait for it.
        let opened = tokio::task::spawn_blocking(move || {
            let options = conclave_store::Options {
                max_pages,
                ..conclave_store::Options::default()
            };
            Store::open(path, &key, options)
        });
        let store = opened.await.map_err(|_| StoreError::Panicked)??;
        Ok(Self {
            store,
            clock,
            folder,
        })
    }

    /// The account, registered or on the way; `None` in a new folder.
    ///
    /// # Errors
    /// The store's.
    pub async fn account(&self) -> Result<Option<AccountInfo>, EngineError> {
        let account = self.store.read(|reader| reader.account()).await?;
        Ok(account.as_ref().map(AccountInfo::from))
    }

    /// Prepares a registration; see [`registration::prepare`].
    ///
    /// # Errors
    /// As there.
    pub async fn prepare(
        &self,
        network: &Arc<dyn Network>,
        wallet: WalletKey,
    ) -> Result<Prepared, EngineError> {
        registration::prepare(&self.store, network, self.clock.as_ref(), wallet).await
    }

    /// Registers this installation, or continues; see [`registration::register`].
    ///
    /// # Errors
    /// As there.
    pub async fn register(
        &self,
        network: Arc<dyn Network>,
        node_url: &str,
        prepared: Option<Prepared>,
        on_step: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<AccountInfo, EngineError> {
        let clock = self.clock.as_ref();
        let account =
            registration::register(&self.store, network, clock, node_url, prepared, on_step)
                .await?;
        Ok(AccountInfo::from(&account))
    }

    /// The registered account with its node, and the way to files elsewhere. Does not use the
    /// network yet.
    ///
    /// # Errors
    /// [`EngineError::NoAccount`], [`EngineError::NotRegistered`].
    pub async fn client(
        &self,
        network: Arc<dyn Network>,
        files: RemoteFiles,
    ) -> Result<Client, EngineError> {
        let account = self.store.read(|reader| reader.account()).await?;
        let account = account.ok_or(EngineError::NoAccount)?;
        if !account.registered() {
            return Err(EngineError::NotRegistered);
        }
        let core = Core::new(
            self.store.clone(),
            network,
            files,
            Arc::clone(&self.clock),
            self.folder.clone(),
            &account,
        )?;
        // Before anything is shown: messages may have expired while the program did not run.
        core.purge_expired().await?;
        core.identities.read_own().await?;
        Ok(Client(Arc::new(core)))
    }

    /// Closes the database: waits until everything queued is done, and until all clients are gone.
    /// Another process can open the folder once this has returned.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// A registered account with its node. Cheap to clone.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Core>);

impl Client {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountInfo {
        &self.0.account
    }

    /// Events from now on. A receiver that falls more than 1024 events behind gets a lag error and
    /// must read what it shows again.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }
}
