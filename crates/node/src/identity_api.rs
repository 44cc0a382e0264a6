//! The identity service (`node.md` 2.6, 3.4, 7; `identity.md` 4.6).

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conclave_identity::{
    AssociationState, Identifier, IdentityError, InboxId, MemberIdentifier, SmartContractVerifier,
    VerifiedUpdate, VerifierError, repeats_signature, verify_update,
};
use conclave_proto::identity::api::v1::get_identity_updates_response::{
    IdentityUpdateLog, Response as UpdatesResponse,
};
use conclave_proto::identity::api::v1::get_inbox_ids_response::Response as InboxIdResponse;
use conclave_proto::identity::api::v1::identity_api_server::IdentityApi;
use conclave_proto::identity::api::v1::verify_smart_contract_wallet_signatures_response::ValidationResponse;
use conclave_proto::identity::api::v1::{
    GetIdentityUpdatesRequest, GetIdentityUpdatesResponse, GetInboxIdsRequest, GetInboxIdsResponse,
    PublishIdentityUpdateRequest, PublishIdentityUpdateResponse,
    VerifySmartContractWalletSignatureRequestSignature, VerifySmartContractWalletSignaturesRequest,
    VerifySmartContractWalletSignaturesResponse,
};
use conclave_proto::identity::associations::{IdentifierKind, IdentityUpdate};
use prost::Message;
use tonic::{Request, Response, Status};

use crate::chain::Chains;
use crate::limits::{IDENTITY_UPDATE_BYTES, IDENTITY_UPDATES, SMART_CONTRACT_SIGNATURES};
use crate::mls_api::bounded_items;
use crate::storage::{Account, AccountKind, Appended, InboxLogEntry, NewIdentityUpdate, Storage};

mod states;

use states::States;

/// The identity service over a storage.
pub(crate) struct IdentityService {
    storage: Arc<dyn Storage>,
    chains: Arc<Chains>,
    states: States,
}

/// An update that may be stored, and what the inbox is then.
struct Validated {
    new: NewIdentityUpdate,
    state: AssociationState,
}

/// How long the signatures of one update may take, chains included.
const VERIFICATION: Duration = Duration::from_secs(30);

/// Runs work that checks many signatures on a thread where it holds nobody up.
async fn on_its_own<T, F>(work: F) -> Result<T, Status>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let work = move || runtime.block_on(async { tokio::time::timeout(VERIFICATION, work).await });
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| {
            tracing::error!(%error, "checking an identity update failed");
            Status::internal("the identity update could not be checked")
        })?
        .map_err(|_| Status::deadline_exceeded("checking the signatures takes too long"))
}

/// Trusts smart-contract signatures of updates that are in the log: the node asked the chain when
/// it appended them. An inbox must not freeze because a chain is out of reach today.
struct AskedBefore;

#[async_trait]
impl SmartContractVerifier for AskedBefore {
    async fn is_valid(
        &self,
        _account_id: &str,
        _hash: [u8; 32],
        _signature: &[u8],
        _block_number: u64,
    ) -> Result<bool, VerifierError> {
        Ok(true)
    }
}

fn invalid(error: &IdentityError) -> Status {
    if let IdentityError::Verifier(_) = error {
        // Not the client's fault; a later try may succeed.
        return Status::unavailable(error.to_string());
    }
    Status::invalid_argument(error.to_string())
}

impl IdentityService {
    pub(crate) fn new(storage: Arc<dyn Storage>, chains: Arc<Chains>) -> Self {
        Self {
            storage,
            chains,
            states: States::default(),
        }
    }

    /// Validates the update against the inbox's log as it is now. `None`: it is there already.
    async fn validate(
        &self,
        inbox_id: &InboxId,
        update: &IdentityUpdate,
        verified: &VerifiedUpdate,
    ) -> Result<Option<Validated>, Status> {
        let request = (inbox_id.to_bytes().to_vec(), 0);
        let log = self
            .storage
            .inbox_logs(vec![request])
            .await?
            .pop()
            .unwrap_or_default();
        let encoded = update.encode_to_vec();
        // The answer to the first try was lost (node.md 3.4).
        if log.iter().any(|entry| entry.update == encoded) {
            return Ok(None);
        }
        if log.len() >= IDENTITY_UPDATES {
            return Err(Status::invalid_argument("inbox log is full"));
        }
        let old_updates = log
            .iter()
            .map(decode_logged)
            .collect::<Result<Vec<_>, _>>()?;
        // The newest state that is remembered, and what came after it.
        let known = self.states.get(inbox_id.to_bytes());
        let known_updates = known.as_ref().map_or(0, |(sequence_id, _)| {
            log.iter()
                .take_while(|entry| entry.sequence_id <= *sequence_id)
                .count()
        });
        let (old_updates, old_state) = on_its_own(async move {
            let state = known.map(|(_, state)| state);
            let mut later = old_updates.iter().skip(known_updates).peekable();
            if later.peek().is_none() {
                return Ok((old_updates, state));
            }
            let state = AssociationState::from_log(state, later, &AskedBefore).await?;
            Ok((old_updates, Some(state)))
        })
        .await?
        .map_err(|error| invalid(&error))?;
        let state = AssociationState::apply(old_state.as_ref(), verified)
            .map_err(|error| invalid(&error))?;
        // Readers accept an old update with another encoding of its signatures; nobody has to
        // append it (identity.md 3.6).
        if repeats_signature(&old_updates, update).map_err(|error| invalid(&error))? {
            return Err(invalid(&IdentityError::Replay));
        }
        let diff = state.diff(old_state.as_ref());
        let new = NewIdentityUpdate {
            inbox_id: inbox_id.to_bytes().to_vec(),
            after: log.last().map_or(0, |entry| entry.sequence_id),
            update: encoded,
            added: diff.new_members.iter().filter_map(account).collect(),
            removed: diff.removed_members.iter().filter_map(account).collect(),
        };
        Ok(Some(Validated { new, state }))
    }
}

fn decode_logged(entry: &InboxLogEntry) -> Result<IdentityUpdate, Status> {
    IdentityUpdate::decode(entry.update.as_slice()).map_err(|error| {
        tracing::error!(%error, sequence_id = entry.sequence_id, "a stored update does not decode");
        Status::internal("the inbox's log is damaged")
    })
}

/// What a member is found by in the address index; installations are not.
fn account(member: &MemberIdentifier) -> Option<Account> {
    let kind = match member.identifier()? {
        Identifier::Ethereum(_) => AccountKind::Ethereum,
        Identifier::Passkey(_) => AccountKind::Passkey,
    };
    Some(Account {
        kind,
        text: member.identifier()?.to_string(),
    })
}

/// An inbox id as clients write it, to its bytes. The empty text is nobody's.
fn inbox_id_bytes(text: &str) -> Result<Vec<u8>, Status> {
    hex::decode(text).map_err(|_| Status::invalid_argument("an inbox id is hexadecimal digits"))
}

#[tonic::async_trait]
impl IdentityApi for IdentityService {
    async fn publish_identity_update(
        &self,
        request: Request<PublishIdentityUpdateRequest>,
    ) -> Result<Response<PublishIdentityUpdateResponse>, Status> {
        let update = request
            .into_inner()
            .identity_update
            .ok_or_else(|| Status::invalid_argument("IdentityUpdate is required"))?;
        if update.encoded_len() > IDENTITY_UPDATE_BYTES {
            return Err(Status::invalid_argument(format!(
                "an identity update has at most {IDENTITY_UPDATE_BYTES} bytes"
            )));
        }
        let inbox_id = InboxId::from_str(&update.inbox_id).map_err(|error| invalid(&error))?;
        // Once, and before the log is read: this may ask a chain.
        let chains = Arc::clone(&self.chains);
        let (update, verified) = on_its_own(async move {
            let verified = verify_update(&update, &*chains).await;
            (update, verified)
        })
        .await?;
        let verified = verified.map_err(|error| invalid(&error))?;
        // Each further round means that another update of this inbox was stored meanwhile, and
        // those are bounded.
        while let Some(validated) = self.validate(&inbox_id, &update, &verified).await? {
            let appended = self.storage.append_identity_update(validated.new).await?;
            if let Appended::Stored(sequence_id) = appended {
                self.states
                    .put(inbox_id.to_bytes(), sequence_id, validated.state);
                break;
            }
        }
        Ok(Response::new(PublishIdentityUpdateResponse {}))
    }

    async fn get_identity_updates(
        &self,
        request: Request<GetIdentityUpdatesRequest>,
    ) -> Result<Response<GetIdentityUpdatesResponse>, Status> {
        let requests = request.into_inner().requests;
        bounded_items(&requests, "inboxes")?;
        let wanted = requests
            .iter()
            .map(|request| Ok((inbox_id_bytes(&request.inbox_id)?, request.sequence_id)))
            .collect::<Result<Vec<_>, Status>>()?;
        let logs = self.storage.inbox_logs(wanted).await?;
        let mut responses = Vec::with_capacity(requests.len());
        for (request, log) in requests.into_iter().zip(logs) {
            let mut updates = Vec::with_capacity(log.len());
            for entry in log {
                updates.push(IdentityUpdateLog {
                    sequence_id: entry.sequence_id,
                    server_timestamp_ns: entry.server_timestamp_ns,
                    update: Some(decode_logged(&entry)?),
                });
            }
            responses.push(UpdatesResponse {
                inbox_id: request.inbox_id,
                updates,
            });
        }
        Ok(Response::new(GetIdentityUpdatesResponse { responses }))
    }

    async fn get_inbox_ids(
        &self,
        request: Request<GetInboxIdsRequest>,
    ) -> Result<Response<GetInboxIdsResponse>, Status> {
        let requests = request.into_inner().requests;
        bounded_items(&requests, "identifiers")?;
        let mut accounts = Vec::with_capacity(requests.len());
        let mut kinds = Vec::with_capacity(requests.len());
        for request in &requests {
            let (account_kind, kind) = match IdentifierKind::try_from(request.identifier_kind) {
                // Old clients leave it out and mean an address (identity.md 1.3).
                Ok(IdentifierKind::Unspecified | IdentifierKind::Ethereum) => {
                    (AccountKind::Ethereum, IdentifierKind::Ethereum)
                }
                Ok(IdentifierKind::Passkey) => (AccountKind::Passkey, IdentifierKind::Passkey),
                Err(_) => return Err(Status::invalid_argument("unknown kind of identifier")),
            };
            accounts.push(Account {
                kind: account_kind,
                text: request.identifier.clone(),
            });
            kinds.push(kind);
        }
        let found = self.storage.inbox_ids(accounts).await?;
        let responses = requests
            .into_iter()
            .zip(kinds)
            .zip(found)
            .map(|((request, kind), inbox_id)| InboxIdResponse {
                identifier: request.identifier,
                inbox_id: inbox_id.map(hex::encode),
                identifier_kind: kind.into(),
            })
            .collect();
        Ok(Response::new(GetInboxIdsResponse { responses }))
    }

    async fn verify_smart_contract_wallet_signatures(
        &self,
        request: Request<VerifySmartContractWalletSignaturesRequest>,
    ) -> Result<Response<VerifySmartContractWalletSignaturesResponse>, Status> {
        let signatures = request.into_inner().signatures;
        if signatures.len() > SMART_CONTRACT_SIGNATURES {
            return Err(Status::invalid_argument(format!(
                "a request has at most {SMART_CONTRACT_SIGNATURES} signatures"
            )));
        }
        // All at once: how many ask the chains at the same time is bounded there.
        let checks = signatures.iter().map(|signature| self.check(signature));
        let responses = futures::future::join_all(checks).await;
        Ok(Response::new(VerifySmartContractWalletSignaturesResponse {
            responses,
        }))
    }
}

impl IdentityService {
    async fn check(
        &self,
        signature: &VerifySmartContractWalletSignatureRequestSignature,
    ) -> ValidationResponse {
        let checked = self
            .chains
            .check(
                &signature.account_id,
                &signature.hash,
                &signature.signature,
                signature.block_number,
            )
            .await;
        match checked {
            Ok(verdict) => ValidationResponse {
                is_valid: verdict.is_valid,
                block_number: Some(verdict.block_number),
                error: None,
            },
            Err(error) => ValidationResponse {
                is_valid: false,
                block_number: None,
                error: Some(error.to_string()),
            },
        }
    }
}
