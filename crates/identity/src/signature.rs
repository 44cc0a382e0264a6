//! Signatures of identity updates: who made one, and whether it is good (`identity.md` 3).

mod ethereum;
mod legacy;
mod passkey;
mod smart_contract;

use std::fmt;

use conclave_proto::identity::associations::{Signature as WireSignature, signature as wire};

use crate::{
    Identifier, IdentityError, InstallationId, MemberIdentifier, MemberKind,
    verify_identity_update_signature,
};

pub use ethereum::ethereum_message_hash;
pub(crate) use ethereum::{address_of, canonical_recoverable};
pub(crate) use legacy::certificate_signature;
pub(crate) use passkey::{canonical_passkey, check_user_presence, verify as verify_passkey};
pub use smart_contract::{AccountId, SmartContractVerifier, VerifierError};

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// By an Ethereum key, over a personal message.
    Erc191,
    /// By a smart-contract wallet, deployed (ERC-1271) or not yet (ERC-6492).
    Erc1271,
    /// By an installation.
    InstallationKey,
    /// By a key of the V2 network that an Ethereum key certified.
    LegacyDelegated,
    /// By a passkey.
    P256,
}

impl SignatureKind {
    /// The name that error texts use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erc191 => "erc-191",
            Self::Erc1271 => "erc-1271",
            Self::InstallationKey => "installation-key",
            Self::LegacyDelegated => "legacy-delegated",
            Self::P256 => "p256",
        }
    }

    /// Whether a member of this kind can make such a signature (`identity.md` 4.2).
    #[must_use]
    pub const fn fits(self, member: MemberKind) -> bool {
        match member {
            MemberKind::Ethereum => {
                matches!(self, Self::Erc191 | Self::Erc1271 | Self::LegacyDelegated)
            }
            MemberKind::Installation => matches!(self, Self::InstallationKey),
            MemberKind::Passkey => matches!(self, Self::P256),
        }
    }
}

impl fmt::Display for SignatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A signature that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Who made it.
    pub signer: MemberIdentifier,
    /// How.
    pub kind: SignatureKind,
    /// The bytes that must not come again in a later update of the inbox (`identity.md` 3).
    pub raw_bytes: Vec<u8>,
    /// The chain of a smart-contract wallet.
    pub chain_id: Option<u64>,
}

/// A signature as decoded: complete, but not yet checked against a text.
#[derive(Debug)]
pub(crate) enum ParsedSignature<'a> {
    Erc191(&'a [u8]),
    SmartContract {
        account: AccountId,
        block_number: u64,
        signature: &'a [u8],
    },
    InstallationKey {
        key: InstallationId,
        signature: &'a [u8],
    },
    LegacyDelegated(&'a conclave_proto::identity::associations::LegacyDelegatedSignature),
    Passkey(&'a conclave_proto::identity::associations::RecoverablePasskeySignature),
}

impl<'a> ParsedSignature<'a> {
    /// # Errors
    /// [`IdentityError::MissingField`], [`IdentityError::InvalidLength`] or
    /// [`IdentityError::Malformed`] where the message does not decode (`identity.md` 2.1).
    pub(crate) fn parse(wire: Option<&'a WireSignature>) -> Result<Self, IdentityError> {
        let kind = wire
            .and_then(|wire| wire.signature.as_ref())
            .ok_or(IdentityError::MissingField("signature"))?;
        Ok(match kind {
            wire::Signature::Erc191(signature) => Self::Erc191(&signature.bytes),
            wire::Signature::Erc6492(signature) => Self::SmartContract {
                account: signature.account_id.parse()?,
                block_number: signature.block_number,
                signature: &signature.signature,
            },
            wire::Signature::InstallationKey(signature) => {
                let key: &[u8; 32] = signature.public_key.as_slice().try_into().map_err(|_| {
                    IdentityError::InvalidLength {
                        field: "public_key",
                        expected: 32,
                        actual: signature.public_key.len(),
                    }
                })?;
                ed25519_dalek::VerifyingKey::from_bytes(key)
                    .map_err(|_| IdentityError::Malformed("public_key"))?;
                Self::InstallationKey {
                    key: InstallationId::new(*key),
                    signature: &signature.bytes,
                }
            }
            wire::Signature::DelegatedErc191(signature) => {
                legacy::require_fields(signature)?;
                Self::LegacyDelegated(signature)
            }
            wire::Signature::Passkey(signature) => Self::Passkey(signature),
        })
    }

    /// Checks the signature over `text`.
    ///
    /// # Errors
    /// Any of the signature errors; [`IdentityError::Verifier`] where a smart-contract wallet
    /// could not be asked.
    pub(crate) async fn verify(
        &self,
        text: &str,
        verifier: &dyn SmartContractVerifier,
    ) -> Result<VerifiedSignature, IdentityError> {
        match self {
            Self::SmartContract {
                account,
                block_number,
                signature,
            } => smart_contract::verify(text, account, *block_number, signature, verifier).await,
            Self::Erc191(signature) => verify_wallet(text, signature),
            Self::InstallationKey { key, signature } => {
                verify_identity_update_signature(text, signature, key.as_bytes())?;
                Ok(VerifiedSignature {
                    signer: (*key).into(),
                    kind: SignatureKind::InstallationKey,
                    raw_bytes: signature.to_vec(),
                    chain_id: None,
                })
            }
            Self::LegacyDelegated(signature) => legacy::verify(text, signature),
            Self::Passkey(signature) => verify_passkey(text, signature),
        }
    }
}

/// Who signed `text` with an Ethereum key.
///
/// # Errors
/// [`IdentityError::SignatureLength`], [`IdentityError::Ecdsa`], [`IdentityError::InvalidParity`].
pub(crate) fn verify_wallet(
    text: &str,
    signature: &[u8],
) -> Result<VerifiedSignature, IdentityError> {
    let (address, raw_bytes) = ethereum::recover(text, signature)?;
    Ok(VerifiedSignature {
        signer: Identifier::Ethereum(address).into(),
        kind: SignatureKind::Erc191,
        raw_bytes,
        chain_id: None,
    })
}
