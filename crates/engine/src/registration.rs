//! Registration of this installation: made so that it can be continued after a crash at any step
//! with the same keys (identity.md 7.1).

use std::sync::Arc;

use conclave_identity::{
    AssociationState, InboxId, InstallationId, InstallationKey, MAX_INSTALLATIONS, UnsignedUpdate,
    UpdateBuilder, WalletKey,
};
use conclave_mls::InstallationSigner;
use conclave_network::{Network, NetworkError};
use conclave_proto::identity::associations::IdentityUpdate;
use conclave_store::{Store, account::Account, kinds::RegistrationStep as StoredStep};
use prost::Message;
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    error::EngineError,
    identities::{Identities, inbox_of},
    key_packages,
};

/// Length of the HMAC root key in bytes (groups.md 7.4).
const HMAC_ROOT_BYTES: usize = 42;

/// The steps of a registration, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking the network whether the inbox exists.
    LookUpInbox,
    /// Making the installation's keys and storing them.
    CreateKeys,
    /// The wallet signs.
    Sign,
    /// Uploading the key package.
    UploadKeyPackage,
    /// Publishing the identity update and reading it back.
    PublishIdentity,
}

/// A registration that only waits for the person's word: keys made, text fixed, nothing stored and
/// nothing sent.
pub struct Prepared {
    wallet: WalletKey,
    key: InstallationKey,
    inbox_id: InboxId,
    state: Option<AssociationState>,
    update: UnsignedUpdate,
}

impl Prepared {
    /// The inbox that the installation will belong to.
    #[must_use]
    pub fn inbox_id(&self) -> &str {
        self.inbox_id.as_str()
    }

    /// The wallet's address.
    #[must_use]
    pub fn address(&self) -> String {
        self.wallet.identifier().to_string()
    }

    /// Whether the inbox exists already.
    #[must_use]
    pub fn inbox_exists(&self) -> bool {
        self.state.is_some()
    }

    /// The inbox's installations so far and when each was added (nanoseconds), if known.
    #[must_use]
    pub fn installations(&self) -> Vec<(InstallationId, Option<u64>)> {
        let members = self
            .state
            .as_ref()
            .map(AssociationState::members)
            .unwrap_or_default();
        members
            .into_iter()
            .filter_map(|(member, facts)| {
                member
                    .installation()
                    .map(|id| (id, facts.client_timestamp_ns))
            })
            .collect()
    }

    /// The exact text that the wallet signs.
    #[must_use]
    pub fn signature_text(&self) -> &str {
        self.update.text()
    }
}

/// Looks the wallet up and prepares its registration.
///
/// # Errors
/// The network's, or an identity log that does not verify.
pub async fn prepare(
    store: &Store,
    network: &Arc<dyn Network>,
    clock: &dyn Clock,
    wallet: WalletKey,
) -> Result<Prepared, EngineError> {
    let identifier = wallet.identifier();
    let now_ns = u64::try_from(clock.now_ns()).unwrap_or_default();
    let known = inbox_of(network.as_ref(), &identifier).await?;
    let (inbox_id, state, builder) = match known {
        None => {
            let nonce = conclave_identity::DEFAULT_NONCE;
            let inbox_id = InboxId::derive(&identifier, nonce)?;
            (
                inbox_id,
                None,
                UpdateBuilder::create_inbox(identifier.clone(), nonce, now_ns)?,
            )
        }
        Some(id) => {
            let identities = Identities::new(store.clone(), Arc::clone(network));
            identities.refresh(std::slice::from_ref(&id)).await?;
            let state = identities.newest(&id).await?.map(|(_, state)| state);
            let inbox_id = InboxId::try_from(id)?;
            let state = state.ok_or(conclave_identity::IdentityError::NotCreated)?;
            (
                inbox_id.clone(),
                Some(state),
                UpdateBuilder::new(inbox_id, now_ns),
            )
        }
    };
    let key = InstallationKey::generate()?;
    let update = builder.add(key.id(), identifier).build()?;
    Ok(Prepared {
        wallet,
        key,
        inbox_id,
        state,
        update,
    })
}

/// Registers this installation, or continues where an earlier try stopped. `on_step` is told when
/// a step begins.
///
/// # Errors
/// [`EngineError::AccountExists`], [`EngineError::OtherWallet`],
/// [`EngineError::TooManyInstallations`], [`EngineError::Clock`], or the network's; keys that were
/// stored stay stored, and the next call uses them.
pub async fn register(
    store: &Store,
    network: Arc<dyn Network>,
    clock: &dyn Clock,
    node_url: &str,
    prepared: Option<Prepared>,
    on_step: &(dyn Fn(Step) + Send + Sync),
) -> Result<Account, EngineError> {
    let account = match store.read(|reader| reader.account()).await? {
        Some(account) if account.registered() => return Err(EngineError::AccountExists),
        Some(account) => {
            if let Some(prepared) = prepared
                && prepared.address() != account.address
            {
                return Err(EngineError::OtherWallet(account.address.clone()));
            }
            let url = node_url.to_owned();
            store
                .write(move |tx| Ok::<_, EngineError>(tx.set_node_url(&url)?))
                .await?;
            account
        }
        None => {
            let prepared = prepared.ok_or(EngineError::NoAccount)?;
            begin(store, clock, node_url, prepared, on_step).await?
        }
    };
    let key = InstallationKey::from_seed(&account.installation_seed);
    let update = account
        .pending_identity_update
        .as_deref()
        .unwrap_or_default();
    let update = IdentityUpdate::decode(update).map_err(|_| EngineError::NotRegistered)?;

    // The key package comes first, so that nobody sees an installation without one.
    on_step(Step::UploadKeyPackage);
    let signer = InstallationSigner::new(key.clone());
    key_packages::rotate(store, network.as_ref(), clock, &signer, &account.inbox_id).await?;

    on_step(Step::PublishIdentity);
    let identities = Identities::new(store.clone(), Arc::clone(&network));
    identities
        .publish(update, || {
            is_listed(&identities, &account.inbox_id, key.id())
        })
        .await
        .map_err(|error| match error {
            EngineError::Network(error) => refusal(error),
            EngineError::Unconfirmed => EngineError::NotRegistered,
            error => error,
        })?;
    store
        .write(|tx| Ok::<_, EngineError>(tx.set_registration(StoredStep::Registered, None)?))
        .await?;
    store
        .read(|reader| reader.account())
        .await?
        .ok_or(EngineError::NoAccount)
}

async fn is_listed(
    identities: &Identities,
    inbox_id: &str,
    installation: InstallationId,
) -> Result<bool, EngineError> {
    identities.refresh(&[inbox_id.to_owned()]).await?;
    let state = identities.newest(inbox_id).await?;
    Ok(state.is_some_and(|(_, state)| state.has_installation(installation)))
}

/// Key packages are refused by a node whose clock says that they are not valid yet or no longer.
pub(crate) fn refusal(error: NetworkError) -> EngineError {
    match &error {
        NetworkError::Rejected { message, .. } if message.to_lowercase().contains("lifetime") => {
            EngineError::Clock
        }
        _ => error.into(),
    }
}

/// Signs and stores the keys and the update; nothing reaches the network yet.
async fn begin(
    store: &Store,
    clock: &dyn Clock,
    node_url: &str,
    prepared: Prepared,
    on_step: &(dyn Fn(Step) + Send + Sync),
) -> Result<Account, EngineError> {
    on_step(Step::LookUpInbox);
    let count = prepared.installations().len();
    if count >= MAX_INSTALLATIONS {
        return Err(EngineError::TooManyInstallations(count));
    }
    on_step(Step::CreateKeys);
    let address = prepared.address();
    let Prepared {
        wallet,
        key,
        inbox_id,
        mut update,
        ..
    } = prepared;
    update.sign_with_installation(&key)?;

    on_step(Step::Sign);
    let signature = wallet.sign_text(update.text())?;
    update.add_wallet_signature(&signature)?;
    let update = update.finish()?;

    let mut hmac_root = Zeroizing::new(vec![0_u8; HMAC_ROOT_BYTES]);
    rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut hmac_root)
        .map_err(|_| conclave_identity::IdentityError::Randomness)?;
    let account = Account {
        inbox_id: inbox_id.as_str().to_owned(),
        installation_id: *key.id().as_bytes(),
        installation_seed: key.seed(),
        address,
        node_url: node_url.to_owned(),
        registration_step: StoredStep::Created,
        pending_identity_update: Some(update.encode_to_vec()),
        wallet_key: None,
        created_at_ns: clock.now_ns(),
        next_key_package_rotation_ns: None,
        hmac_root_key: hmac_root,
        hmac_cycled_at_ns: 0,
    };
    let stored = account.clone();
    store
        .write(move |tx| Ok::<_, EngineError>(tx.insert_account(&stored)?))
        .await?;
    Ok(account)
}
