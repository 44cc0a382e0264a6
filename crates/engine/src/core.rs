//! What all parts of a client share.

use std::{
    path::PathBuf,
    sync::{Arc, RwLock},
};

use conclave_content::HmacRoot;
use conclave_identity::{IdentityError, InstallationKey};
use conclave_mls::InstallationSigner;
use conclave_network::{Network, RemoteFiles};
use conclave_store::{Store, account::Account};

use crate::{
    client::AccountInfo,
    clock::Clock,
    error::EngineError,
    event::Events,
    history::Histories,
    identities::Identities,
    live::Wakes,
    operations::Operations,
    own_inbox::OwnInbox,
    receipts::Receipts,
    transfers::Transfers,
    turn::{Turn, Turns},
};

/// What all parts of a client share.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) files: RemoteFiles,
    pub(crate) transfers: Transfers,
    pub(crate) history: Histories,
    /// The data folder.
    pub(crate) folder: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identities: Identities,
    pub(crate) account: AccountInfo,
    pub(crate) own_inbox: OwnInbox,
    pub(crate) signer: InstallationSigner,
    /// Changed as our installations agree on another one.
    pub(crate) hmac: RwLock<HmacRoot>,
    pub(crate) events: Events,
    pub(crate) turns: Turns,
    /// Held while welcomes are fetched and joined, so that none is processed twice at once.
    pub(crate) welcomes: tokio::sync::Mutex<()>,
    pub(crate) wakes: Wakes,
    pub(crate) operations: Operations,
    pub(crate) receipts: Receipts,
}

impl Core {
    pub(crate) fn new(
        store: Store,
        network: Arc<dyn Network>,
        files: RemoteFiles,
        clock: Arc<dyn Clock>,
        folder: PathBuf,
        account: &Account,
    ) -> Result<Self, EngineError> {
        let hmac: [u8; 42] = account
            .hmac_root_key
            .as_slice()
            .try_into()
            .map_err(|_| EngineError::Identity(IdentityError::Malformed("HMAC root key")))?;
        let info = AccountInfo::from(account);
        Ok(Self {
            identities: Identities::of_own(
                store.clone(),
                Arc::clone(&network),
                &info.inbox_id,
                info.installation_id,
            ),
            store,
            network,
            files,
            transfers: Transfers::default(),
            history: Histories::default(),
            folder,
            clock,
            account: info,
            own_inbox: OwnInbox::default(),
            signer: InstallationSigner::new(InstallationKey::from_seed(&account.installation_seed)),
            hmac: RwLock::new(HmacRoot::new(hmac)),
            events: Events::new(),
            turns: Turns::default(),
            welcomes: tokio::sync::Mutex::new(()),
            wakes: Wakes::default(),
            operations: Operations::default(),
            receipts: Receipts::default(),
        })
    }

    /// Waits for a group's turn: everything that fetches or publishes in a group holds it.
    pub(crate) async fn lock(&self, group_id: &[u8]) -> Turn {
        self.turns.of(group_id).wait().await
    }
}
