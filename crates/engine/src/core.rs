//! What all parts of a client share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use conclave_content::HmacRoot;
use conclave_identity::{IdentityError, InstallationKey};
use conclave_mls::InstallationSigner;
use conclave_network::Network;
use conclave_store::{Store, account::Account};

use crate::{
    client::AccountInfo,
    clock::Clock,
    error::EngineError,
    event::{Events, GroupId},
    identities::Identities,
    live::Wakes,
};

/// What all parts of a client share.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identities: Identities,
    pub(crate) account: AccountInfo,
    pub(crate) signer: InstallationSigner,
    pub(crate) hmac: HmacRoot,
    pub(crate) events: Events,
    locks: Mutex<HashMap<GroupId, Weak<tokio::sync::Mutex<()>>>>,
    /// Held while welcomes are fetched and joined, so that none is processed twice at once.
    pub(crate) welcomes: tokio::sync::Mutex<()>,
    pub(crate) wakes: Wakes,
}

impl Core {
    pub(crate) fn new(
        store: Store,
        network: Arc<dyn Network>,
        clock: Arc<dyn Clock>,
        account: &Account,
    ) -> Result<Self, EngineError> {
        let hmac: [u8; 42] = account
            .hmac_root_key
            .as_slice()
            .try_into()
            .map_err(|_| EngineError::Identity(IdentityError::Malformed("HMAC root key")))?;
        Ok(Self {
            identities: Identities::new(store.clone(), Arc::clone(&network)),
            store,
            network,
            clock,
            account: AccountInfo::from(account),
            signer: InstallationSigner::new(InstallationKey::from_seed(&account.installation_seed)),
            hmac: HmacRoot::new(hmac),
            events: Events::new(),
            locks: Mutex::new(HashMap::new()),
            welcomes: tokio::sync::Mutex::new(()),
            wakes: Wakes::default(),
        })
    }

    /// Waits for a group's turn: everything that fetches or publishes in a group holds its lock.
    pub(crate) async fn lock(&self, group_id: &[u8]) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            match locks.get(group_id).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    locks.retain(|_, lock| lock.strong_count() > 0);
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    locks.insert(group_id.to_vec(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}
