//! Signatures by smart-contract wallets (ERC-1271, ERC-6492; `identity.md` 3.3).

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use super::{SignatureKind, VerifiedSignature, ethereum_message_hash};
use crate::{Identifier, IdentityError};

/// A chain could not be asked; says why, and never that the signature is bad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the smart contract signature could not be checked: {0}")]
pub struct VerifierError(pub String);

/// Asks a chain, directly or through a node, whether a smart-contract wallet made a signature.
#[async_trait]
pub trait SmartContractVerifier: Send + Sync {
    /// Whether the wallet `account_id` (CAIP-10, `eip155:<chain>:<address>`) accepts `signature`
    /// over the 32-byte `hash` at block `block_number` of its chain.
    ///
    /// # Errors
    /// [`VerifierError`] where that could not be found out.
    async fn is_valid(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: u64,
    ) -> Result<bool, VerifierError>;
}

/// A CAIP-10 account id: `namespace:reference:address`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountId {
    text: String,
    namespace: String,
    reference: String,
    address: String,
}

impl AccountId {
    /// The account of a smart-contract wallet on an Ethereum chain.
    #[must_use]
    pub fn eip155(chain_id: u64, address: &str) -> Self {
        let address = address.to_ascii_lowercase();
        Self {
            text: format!("eip155:{chain_id}:{address}"),
            namespace: "eip155".to_owned(),
            reference: chain_id.to_string(),
            address,
        }
    }

    /// The address, as written.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of the Ethereum chain.
    ///
    /// # Errors
    /// [`IdentityError::NotEip155`] for another kind of chain, [`IdentityError::InvalidChainId`]
    /// where the number is none.
    pub fn chain_id(&self) -> Result<u64, IdentityError> {
        if self.namespace != "eip155" {
            return Err(IdentityError::NotEip155);
        }
        self.reference
            .parse()
            .map_err(|_| IdentityError::InvalidChainId)
    }
}

impl FromStr for AccountId {
    type Err = IdentityError;

    /// # Errors
    /// [`IdentityError::InvalidLength`] unless there are three parts, [`IdentityError::Malformed`]
    /// where one has other characters or another length than CAIP-2 and CAIP-10 allow.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let &[namespace, reference, address] = parts.as_slice() else {
            return Err(IdentityError::InvalidLength {
                field: "account_id",
                expected: 3,
                actual: parts.len(),
            });
        };
        let of = |part: &str, lengths: std::ops::RangeInclusive<usize>, allowed: fn(u8) -> bool| {
            lengths.contains(&part.len()) && part.bytes().all(allowed)
        };
        let chain_ok = of(
            namespace,
            3..=8,
            |b| matches!(b, b'-' | b'a'..=b'z' | b'0'..=b'9'),
        ) && of(reference, 1..=32, |b| {
            matches!(b, b'-' | b'_') || b.is_ascii_alphanumeric()
        });
        let address_ok = of(address, 1..=128, |b| {
            matches!(b, b'-' | b'.' | b'%') || b.is_ascii_alphanumeric()
        });
        if !chain_ok || !address_ok {
            return Err(IdentityError::Malformed("account_id"));
        }
        Ok(Self {
            text: text.to_owned(),
            namespace: namespace.to_owned(),
            reference: reference.to_owned(),
            address: address.to_owned(),
        })
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) async fn verify(
    text: &str,
    account: &AccountId,
    block_number: u64,
    signature: &[u8],
    verifier: &dyn SmartContractVerifier,
) -> Result<VerifiedSignature, IdentityError> {
    let chain_id = account.chain_id()?;
    let hash = ethereum_message_hash(text);
    if !verifier
        .is_valid(&account.text, hash, signature, block_number)
        .await?
    {
        return Err(IdentityError::SignatureInvalid);
    }
    Ok(VerifiedSignature {
        signer: Identifier::Ethereum(account.address.to_ascii_lowercase()).into(),
        kind: SignatureKind::Erc1271,
        raw_bytes: signature.to_vec(),
        chain_id: Some(chain_id),
    })
}
