//! Signatures by passkeys (WebAuthn assertions, `identity.md` 3.4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_proto::identity::associations::RecoverablePasskeySignature;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{SignatureKind, VerifiedSignature};
use crate::{Identifier, IdentityError, Passkey};

/// The fields of `clientDataJSON` (WebAuthn level 2, 5.8.1) that matter here.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type", default)]
    kind: serde_json::Value,
    origin: String,
    challenge: String,
}

fn client_data(signature: &RecoverablePasskeySignature) -> Result<ClientData, IdentityError> {
    serde_json::from_slice(&signature.client_data_json).map_err(|_| IdentityError::ClientData)
}

fn parse(signature: &RecoverablePasskeySignature) -> Result<Signature, IdentityError> {
    Signature::from_der(&signature.signature).map_err(|_| IdentityError::Ecdsa)
}

/// Readers check the challenge and the signature and nothing else: neither `type`, relying party,
/// flags nor the height of S.
pub(crate) fn verify(
    text: &str,
    signature: &RecoverablePasskeySignature,
) -> Result<VerifiedSignature, IdentityError> {
    let client_data = client_data(signature)?;
    if client_data.challenge != URL_SAFE_NO_PAD.encode(text) {
        return Err(IdentityError::ClientData);
    }
    let key =
        VerifyingKey::from_sec1_bytes(&signature.public_key).map_err(|_| IdentityError::Ecdsa)?;
    let ecdsa = parse(signature)?;
    let signed = [
        signature.authenticator_data.as_slice(),
        &Sha256::digest(&signature.client_data_json),
    ]
    .concat();
    key.verify(&signed, &ecdsa)
        .map_err(|_| IdentityError::Ecdsa)?;
    Ok(VerifiedSignature {
        signer: Identifier::Passkey(Passkey {
            key: signature.public_key.clone(),
            relying_party: Some(client_data.origin),
        })
        .into(),
        kind: SignatureKind::P256,
        raw_bytes: ecdsa.to_bytes().to_vec(),
        chain_id: None,
    })
}

/// The one form of the two signatures that readers take for the same: S in the lower half.
pub(crate) fn canonical_passkey(
    signature: &RecoverablePasskeySignature,
) -> Result<Vec<u8>, IdentityError> {
    let ecdsa = parse(signature)?;
    Ok(ecdsa.normalize_s().unwrap_or(ecdsa).to_bytes().to_vec())
}

/// What we ask of signatures that we are about to publish, beyond what readers check: an
/// assertion (not a registration), made with the user present, for the expected site if one is
/// expected (`identity.md` 11, row 3).
pub(crate) fn check_user_presence(
    signature: &RecoverablePasskeySignature,
    relying_party: Option<&str>,
) -> Result<(), IdentityError> {
    /// Bit "user present" of the flags, which follow the 32-byte hash (WebAuthn level 2, 6.1).
    const USER_PRESENT: u8 = 1;
    let client_data = client_data(signature)?;
    let present = signature
        .authenticator_data
        .get(32)
        .is_some_and(|flags| flags & USER_PRESENT != 0);
    let expected_site = relying_party.is_none_or(|site| site == client_data.origin);
    if present && expected_site && client_data.kind == "webauthn.get" {
        Ok(())
    } else {
        Err(IdentityError::PasskeyPresence)
    }
}
