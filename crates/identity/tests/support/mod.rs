//! The copied vectors, and what several test files do with them.

use base64::Engine;
use conclave_identity::{
    AssociationState, Identifier, IdentityError, InstallationKey, SmartContractVerifier,
    VerifierError, WalletKey,
};
use conclave_proto::identity::associations::IdentityUpdate;
use prost::Message;
use serde_json::Value;

pub fn identity() -> Value {
    serde_json::from_str(include_str!("../vectors/identity.json")).unwrap()
}

pub fn identity_updates() -> Value {
    serde_json::from_str(include_str!("../vectors/identity_updates.json")).unwrap()
}

pub fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn update_from_hex(value: &Value) -> IdentityUpdate {
    IdentityUpdate::decode(hex::decode(text(value)).unwrap().as_slice()).unwrap()
}

pub fn update_from_base64(value: &Value) -> IdentityUpdate {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text(value))
        .unwrap();
    IdentityUpdate::decode(bytes.as_slice()).unwrap()
}

/// Says of every smart-contract signature what the vector wants.
pub struct Answers(pub bool);

#[async_trait::async_trait]
impl SmartContractVerifier for Answers {
    async fn is_valid(
        &self,
        _account_id: &str,
        _hash: [u8; 32],
        _signature: &[u8],
        _block_number: u64,
    ) -> Result<bool, VerifierError> {
        Ok(self.0)
    }
}

/// The updates of an `identity_log` entry.
pub fn log(entry: &Value) -> Vec<IdentityUpdate> {
    array(&entry["updates"])
        .iter()
        .map(|update| update_from_hex(&update["identity_update_hex"]))
        .collect()
}

/// The verifier that an `identity_log` entry asks for. Entries that name none have no
/// smart-contract signature, or one that is refused before a chain is asked.
pub fn verifier(entry: &Value) -> Answers {
    Answers(entry["scw_verifier_answers"].as_bool().unwrap_or(false))
}

pub async fn fold(
    log: &[IdentityUpdate],
    verifier: &Answers,
) -> Result<AssociationState, IdentityError> {
    AssociationState::from_log(None, log, verifier).await
}

pub fn wallet(vectors: &Value, name: &str) -> WalletKey {
    WalletKey::from_hex(text(&vectors["keys"]["wallets"][name]["private_key"])).unwrap()
}

pub fn installation(vectors: &Value, name: &str) -> InstallationKey {
    let seed = hex::decode(text(&vectors["keys"]["installations"][name]["seed"])).unwrap();
    InstallationKey::from_seed(&seed.try_into().unwrap())
}

/// Identifiers of a state as the vectors list them.
pub fn identifier_texts(state: &AssociationState) -> Vec<String> {
    state.identifiers().map(Identifier::to_string).collect()
}

/// Installations of a state as the vectors list them.
pub fn installation_texts(state: &AssociationState) -> Vec<String> {
    state.installations().map(|id| id.to_string()).collect()
}
