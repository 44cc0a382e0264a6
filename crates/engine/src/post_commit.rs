//! What remains after a commit of ours is in: the welcomes of those it added (groups.md 5.1).

use std::sync::Arc;

use conclave_mls::{
    encoding,
    welcome::{self, WelcomeRecipient},
};
use conclave_store::kinds::IntentState;
use openmls_rust_crypto::RustCrypto;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{client::Core, error::EngineError};

/// The welcome of a commit and those it is for.
#[derive(Serialize, Deserialize)]
pub(crate) struct PostCommit {
    /// TLS `MlsMessage(Welcome)`.
    welcome: Vec<u8>,
    recipients: Vec<WelcomeRecipient>,
    /// The node's id of the commit; 0 until it came back.
    commit_sequence_id: u64,
}

// The welcome is encrypted to its recipients, but its bytes show who joins which group.
impl Drop for PostCommit {
    fn drop(&mut self) {
        self.welcome.zeroize();
    }
}

impl PostCommit {
    pub(crate) fn encode(
        welcome: &[u8],
        recipients: Vec<WelcomeRecipient>,
    ) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        let post_commit = Self {
            welcome: welcome.to_vec(),
            recipients,
            commit_sequence_id: 0,
        };
        Ok(encoding::encode(&post_commit).map_err(conclave_mls::MlsError::from)?)
    }

    /// The same work, knowing where the commit is.
    pub(crate) fn with_cursor(
        bytes: &[u8],
        commit_sequence_id: u64,
    ) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        let mut post_commit: Self =
            encoding::decode(bytes).map_err(conclave_mls::MlsError::from)?;
        post_commit.commit_sequence_id = commit_sequence_id;
        Ok(encoding::encode(&post_commit).map_err(conclave_mls::MlsError::from)?)
    }
}

impl Core {
    /// Sends the welcomes of all commits that are in. After a crash some are sent again; those who
    /// joined already ignore them (groups.md 5.7).
    pub(crate) async fn send_welcomes(
        self: &Arc<Self>,
        group_id: &[u8],
    ) -> Result<(), EngineError> {
        let group = group_id.to_vec();
        let committed = self
            .store
            .read(move |reader| reader.intents_in_state(&group, IntentState::Committed))
            .await?;
        for intent in committed {
            let Some(bytes) = intent.post_commit.map(Zeroizing::new) else {
                continue;
            };
            // Post-quantum encryption to hundreds of devices takes a while.
            let built = tokio::task::spawn_blocking(move || {
                let work: PostCommit =
                    encoding::decode(&bytes).map_err(conclave_mls::MlsError::from)?;
                welcome::build(
                    &RustCrypto::default(),
                    &work.welcome,
                    &work.recipients,
                    work.commit_sequence_id,
                )
                .map_err(|error| EngineError::Mls(error.to_string()))
            })
            .await
            .map_err(|_| EngineError::Mls("wrapping welcomes was interrupted".into()))??;
            if !built.unreachable.is_empty() {
                tracing::warn!(count = built.unreachable.len(), "devices without a welcome");
            }
            self.network.send_welcomes(built.messages).await?;
            self.store
                .write(move |tx| Ok::<_, EngineError>(tx.intent_processed(intent.id)?))
                .await?;
        }
        Ok(())
    }
}
