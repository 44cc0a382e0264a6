//! Signatures by keys of the V2 network (`identity.md` 3.5). Old inboxes contain them; nothing
//! makes them any more.

use conclave_proto::identity::associations::LegacyDelegatedSignature;
use conclave_proto::message_contents::{
    SignedPublicKey, UnsignedPublicKey, signature, unsigned_public_key,
};
use k256::ecdsa::VerifyingKey;
use prost::Message;

use super::{SignatureKind, VerifiedSignature, ethereum};
use crate::{Identifier, IdentityError};

/// # Errors
/// [`IdentityError::MissingField`] unless both parts are there.
pub(super) fn require_fields(signature: &LegacyDelegatedSignature) -> Result<(), IdentityError> {
    if signature.signature.is_none() {
        return Err(IdentityError::MissingField("signature"));
    }
    if signature.delegated_key.is_none() {
        return Err(IdentityError::MissingField("delegated_key"));
    }
    Ok(())
}

/// The text by which a wallet certified a V2 key. Unlike that of identity updates, its last line
/// ends with a slash.
fn certificate_text(key_bytes: &[u8]) -> String {
    format!(
        "XMTP : Create Identity\n{}\n\nFor more info: https://xmtp.org/signatures/",
        hex::encode(key_bytes)
    )
}

/// The wallet's 65-byte signature under the certificate of the V2 key.
pub(crate) fn certificate_signature(key: &SignedPublicKey) -> Result<Vec<u8>, IdentityError> {
    let union = key
        .signature
        .as_ref()
        .and_then(|signature| signature.union.as_ref())
        .ok_or(IdentityError::MissingField("signature"))?;
    let (bytes, recovery) = match union {
        signature::Union::EcdsaCompact(compact) => (&compact.bytes, compact.recovery),
        signature::Union::WalletEcdsaCompact(compact) => (&compact.bytes, compact.recovery),
    };
    let [recovery, ..] = recovery.to_le_bytes();
    Ok([bytes.as_slice(), &[recovery]].concat())
}

/// The key inside the certificate.
fn delegated_address(key_bytes: &[u8]) -> Result<String, IdentityError> {
    let key =
        UnsignedPublicKey::decode(key_bytes).map_err(|_| IdentityError::Malformed("key_bytes"))?;
    let unsigned_public_key::Union::Secp256k1Uncompressed(point) = key
        .union
        .ok_or(IdentityError::MissingField("secp256k1_uncompressed"))?;
    let key = VerifyingKey::from_sec1_bytes(&point.bytes).map_err(|_| IdentityError::Ecdsa)?;
    Ok(ethereum::address_of(&key))
}

/// The member is the wallet, and the bytes recorded are those of the certificate: one V2 key can
/// therefore sign a single update per inbox.
pub(super) fn verify(
    text: &str,
    signature: &LegacyDelegatedSignature,
) -> Result<VerifiedSignature, IdentityError> {
    let (Some(by_key), Some(key)) = (&signature.signature, &signature.delegated_key) else {
        return Err(IdentityError::MissingField("delegated_key"));
    };
    let (signer, _) = ethereum::recover(text, &by_key.bytes)?;
    let (wallet, raw_bytes) = ethereum::recover(
        &certificate_text(&key.key_bytes),
        &certificate_signature(key)?,
    )?;
    if delegated_address(&key.key_bytes)? != signer {
        return Err(IdentityError::SignatureInvalid);
    }
    Ok(VerifiedSignature {
        signer: Identifier::Ethereum(wallet).into(),
        kind: SignatureKind::LegacyDelegated,
        raw_bytes,
        chain_id: None,
    })
}
