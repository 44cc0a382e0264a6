//! The first run: a wallet in memory, a node, and the registration of this installation.

use std::sync::{Arc, Mutex, PoisonError};

use conclave_engine::{
    AccountInfo, EngineError, WalletKey,
    registration::{Prepared, Step},
    wallet,
};

use crate::{
    api::{Api, Shared},
    error::ApiError,
    inbox::installation,
    session::node_text,
    types::{
        Account, Event, NetworkCheck, NewWallet, NodeArgs, NodeChoice, Nothing,
        RegistrationPreview, RegistrationStep, StepState, Wallet, WalletImport, WalletSecretKind,
    },
    value,
};

/// A wallet that waits for `register`; only ever in memory, erased when dropped.
pub(crate) struct Pending {
    pub(crate) wallet: WalletKey,
    /// What was shown to the person, and of which node.
    prepared: Option<(NodeChoice, Prepared)>,
    /// Whether that was taken back, because the inbox is another one since.
    is_outdated: bool,
}

impl From<WalletKey> for Pending {
    fn from(wallet: WalletKey) -> Self {
        Self {
            wallet,
            prepared: None,
            is_outdated: false,
        }
    }
}

impl Pending {
    /// What was shown does not fit the inbox any more: it must be shown again before it is signed.
    pub(crate) fn take_back(&mut self) {
        self.is_outdated |= self.prepared.take().is_some();
    }

    fn address(&self) -> String {
        self.wallet.identifier().to_string()
    }
}

impl From<AccountInfo> for Account {
    fn from(account: AccountInfo) -> Self {
        Self {
            inbox_id: account.inbox_id,
            installation_id: value::id(account.installation_id.as_bytes()),
            address: account.address,
            node: account.node_url,
            registered: account.registered,
            recovery_phrase: None,
        }
    }
}

impl From<Step> for RegistrationStep {
    fn from(step: Step) -> Self {
        match step {
            Step::LookUpInbox => Self::LookUpInbox,
            Step::CreateKeys => Self::CreateKeys,
            Step::Sign => Self::Sign,
            Step::UploadKeyPackage => Self::UploadKeyPackage,
            Step::PublishIdentity => Self::PublishIdentity,
        }
    }
}

fn preview(prepared: &Prepared) -> RegistrationPreview {
    let installations = prepared.installations();
    RegistrationPreview {
        address: prepared.address(),
        inbox_id: prepared.inbox_id().to_owned(),
        inbox_exists: prepared.inbox_exists(),
        installations: installations
            .into_iter()
            .map(|(id, created_at_ns)| installation(id, created_at_ns, None))
            .collect(),
        signature_text: prepared.signature_text().to_owned(),
    }
}

/// Tells the steps of a registration; a step ends when the next begins.
struct Steps {
    shared: Arc<Shared>,
    running: Mutex<Option<RegistrationStep>>,
}

impl Steps {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            running: Mutex::new(None),
        }
    }

    fn begin(&self, step: RegistrationStep) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if *running == Some(step) {
            return;
        }
        if let Some(step) = running.replace(step) {
            self.shared.send(Event::Registration {
                step,
                state: StepState::Done,
            });
        }
        self.shared.send(Event::Registration {
            step,
            state: StepState::Running,
        });
    }

    fn end(&self, state: StepState) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = running.take() {
            self.shared.send(Event::Registration { step, state });
        }
    }
}

impl Api {
    /// Makes a new wallet and holds it in memory for `register`.
    ///
    /// # Errors
    /// `account_exists`, `system_failure`.
    pub async fn wallet_create(&self, _: Nothing) -> Result<NewWallet, ApiError> {
        let mut pending = self.0.pending.lock().await;
        self.refuse_registered().await?;
        let (wallet, phrase) = wallet::create().map_err(EngineError::from)?;
        let made = Pending::from(wallet);
        let address = made.address();
        *pending = Some(made);
        let recovery_phrase = phrase.split_whitespace().map(str::to_owned).collect();
        Ok(NewWallet {
            address,
            recovery_phrase,
        })
    }

    /// Imports a wallet and holds it in memory for `register`.
    ///
    /// # Errors
    /// `account_exists`, `invalid_recovery_phrase`, `invalid_private_key`, `keystore_not_opened`.
    pub async fn wallet_import(&self, args: WalletImport) -> Result<Wallet, ApiError> {
        let mut pending = self.0.pending.lock().await;
        self.refuse_registered().await?;
        let wallet = import(args).await?;
        let imported = Pending::from(wallet);
        let address = imported.address();
        *pending = Some(imported);
        Ok(Wallet { address })
    }

    /// The address of a wallet whose secret is here; nothing is held.
    ///
    /// # Errors
    /// As [`Api::wallet_import`].
    pub async fn wallet_address(&self, args: WalletImport) -> Result<String, ApiError> {
        Ok(import(args).await?.identifier().to_string())
    }

    /// Asks a node whether it works.
    ///
    /// # Errors
    /// `invalid_node_url`, `not_xmtp_node`, `node_unreachable` and alike.
    pub async fn network_check(&self, args: NodeArgs) -> Result<NetworkCheck, ApiError> {
        self.network(&args.node).await?.check().await?;
        Ok(NetworkCheck {
            url: self.node_url(&args.node).await?,
        })
    }

    /// Shows what `register` will sign; changes nothing. `register` on the same node signs exactly
    /// this.
    ///
    /// # Errors
    /// `no_wallet`, the network's.
    pub async fn registration_preview(
        &self,
        args: NodeArgs,
    ) -> Result<RegistrationPreview, ApiError> {
        let mut pending = self.0.pending.lock().await;
        self.refuse_registered().await?;
        let pending = pending.as_mut().ok_or_else(no_wallet)?;
        let network = self.network(&args.node).await?;
        let prepared = self
            .engine()
            .await?
            .prepare(&network, pending.wallet.clone())
            .await?;
        let shown = preview(&prepared);
        pending.prepared = Some((args.node, prepared));
        pending.is_outdated = false;
        Ok(shown)
    }

    /// Registers this installation, or continues where a crash stopped it, then fetches the
    /// conversations that wait already. A failure of that last step does not fail the command.
    ///
    /// # Errors
    /// `no_wallet`, `preview_outdated`, `account_exists`, `other_wallet`,
    /// `too_many_installations`, `clock_skew`, the network's. What was stored stays stored; the next
    /// call goes on from there.
    pub async fn register(&self, args: NodeArgs) -> Result<Account, ApiError> {
        let mut pending = self.0.pending.lock().await;
        let steps = Steps::new(&self.0.shared);
        let registered = self
            .register_pending(&args.node, &mut pending, &steps)
            .await;
        let account = registered.inspect_err(|_| steps.end(StepState::Failed))?;
        // The wallet has done its work; it is erased here.
        *pending = None;
        steps.begin(RegistrationStep::FirstSync);
        let client = self.begin_session(&account).await?;
        steps.end(match client.sync().await {
            Ok(_) => StepState::Done,
            Err(error) => {
                tracing::warn!(code = error.code(), "the first sync failed");
                StepState::Failed
            }
        });
        if self.0.options.live {
            self.go_live().await?;
        }
        Ok(account.into())
    }

    async fn register_pending(
        &self,
        node: &NodeChoice,
        pending: &mut Option<Pending>,
        steps: &Steps,
    ) -> Result<AccountInfo, ApiError> {
        let engine = self.engine().await?;
        let begun = engine.account().await?;
        let network = self.network(node).await?;
        let prepared = match (begun, pending.as_mut()) {
            (Some(account), _) if account.registered => {
                return Err(EngineError::AccountExists.into());
            }
            (Some(account), Some(pending)) if pending.address() != account.address => {
                return Err(EngineError::OtherWallet(account.address).into());
            }
            // The keys and the signature are stored already.
            (Some(_), _) => None,
            (None, None) => return Err(no_wallet()),
            (None, Some(pending)) => {
                steps.begin(RegistrationStep::LookUpInbox);
                let prepared = match pending.prepared.take() {
                    Some((shown, prepared)) if shown == *node => prepared,
                    Some(other) => {
                        pending.prepared = Some(other);
                        return Err(ApiError::new(
                            "preview_outdated",
                            "What was shown is for another network. Look at what will be signed \
                             on this one first.",
                        ));
                    }
                    None if pending.is_outdated => {
                        return Err(ApiError::new(
                            "preview_outdated",
                            "The inbox has changed since it was shown. Look at what will be \
                             signed again.",
                        ));
                    }
                    None => engine.prepare(&network, pending.wallet.clone()).await?,
                };
                Some(prepared)
            }
        };
        let on_step = |step: Step| steps.begin(step.into());
        Ok(engine
            .register(network, &node_text(node), prepared, &on_step)
            .await?)
    }

    async fn refuse_registered(&self) -> Result<(), ApiError> {
        match self.engine().await?.account().await? {
            Some(account) if account.registered => Err(EngineError::AccountExists.into()),
            _ => Ok(()),
        }
    }
}

/// The wallet of a secret, which is erased.
pub(crate) async fn import(args: WalletImport) -> Result<WalletKey, ApiError> {
    // Keystores are made slow to open on purpose.
    let wallet = tokio::task::spawn_blocking(move || match args.kind {
        WalletSecretKind::RecoveryPhrase => wallet::from_phrase(&args.secret),
        WalletSecretKind::PrivateKey => wallet::from_private_key(&args.secret),
        WalletSecretKind::Keystore => {
            wallet::from_keystore(&args.secret, args.password.as_deref().unwrap_or_default())
        }
    })
    .await
    .map_err(|_| ApiError::internal("Importing the wallet was interrupted. Try again."))?
    .map_err(EngineError::from)?;
    Ok(wallet)
}

pub(crate) fn no_wallet() -> ApiError {
    ApiError::new(
        "no_wallet",
        "There is no wallet yet. Create or import one first.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_ends_when_the_next_begins() {
        let shared = Arc::new(Shared::new(false));
        let mut events = shared.events.subscribe();
        let steps = Steps::new(&shared);
        steps.begin(RegistrationStep::LookUpInbox);
        steps.begin(RegistrationStep::LookUpInbox);
        steps.begin(RegistrationStep::Sign);
        steps.end(StepState::Failed);
        steps.end(StepState::Failed);
        let mut told = Vec::new();
        while let Ok(Event::Registration { step, state }) = events.try_recv() {
            told.push((step, state));
        }
        use RegistrationStep::{LookUpInbox, Sign};
        assert_eq!(
            told,
            [
                (LookUpInbox, StepState::Running),
                (LookUpInbox, StepState::Done),
                (Sign, StepState::Running),
                (Sign, StepState::Failed),
            ]
        );
    }
}
