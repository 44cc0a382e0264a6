//! Signatures of smart-contract wallets, checked on their chain (ERC-1271, ERC-6492;
//! `identity.md` 3.3).
//!
//! One `eth_call` without a recipient runs a small program of ours: it deploys the wallet where
//! the signature carries its deployment (ERC-6492) and nothing is deployed yet, asks the wallet's
//! `isValidSignature` (ERC-1271), and returns what the wallet answered. The chain forgets all of
//! it. An account without code and without deployment is an ordinary key: its signature is
//! recovered here. ERC-6492's optional preparation of a wallet that is deployed already is not
//! supported, as in the reference.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::network::{Ethereum, Network, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, Signature, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::sol_types::SolValue;
use alloy::transports::TransportError;
use async_trait::async_trait;
use conclave_identity::{AccountId, SmartContractVerifier, VerifierError};
use tokio::sync::Semaphore;

/// How long one signature may take, all calls to the chain together.
const DEADLINE: Duration = Duration::from_secs(10);

/// Signatures checked at the same time; others wait within their deadline.
const AT_ONCE: usize = 16;

/// Bytes of a signature, wrapping included (*own*): nodes run at most 48 KiB of program.
const SIGNATURE_BYTES: usize = 32 * 1024;

/// Characters of a chain's error message that are passed on.
const ERROR_CHARS: usize = 200;

/// Ends a signature that carries the deployment of its wallet (ERC-6492).
const WRAPPED_SUFFIX: [u8; 32] = [
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
];

/// Selector of `isValidSignature(bytes32,bytes)` and, padded, its answer for yes (ERC-1271).
const IS_VALID_SIGNATURE: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

/// The configured chains do not make sense.
#[derive(Debug, thiserror::Error)]
pub enum ChainConfigError {
    /// A chain that is not named `eip155:<number>` or by its number.
    #[error("the chain {0:?} is not a number or eip155:<number>")]
    Chain(String),
    /// An address that is no HTTP URL.
    #[error("the RPC address of chain {0} is not an http or https URL")]
    Url(u64),
    /// The HTTP client cannot start.
    #[error("the HTTP client for the chains cannot start: {0}")]
    Client(String),
}

/// A signature could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// An account id that is not of the form `eip155:<chain>:<address>`.
    #[error("invalid account id: {0}")]
    AccountId(String),
    /// A hash of another length.
    #[error("the hash is not 32 bytes long")]
    Hash,
    /// A signature that is too long to be checked.
    #[error("the signature is longer than {SIGNATURE_BYTES} bytes")]
    SignatureTooLong,
    /// No RPC address is configured for the chain.
    #[error("verifier not present for chain ID eip155:{0}")]
    UnknownChain(u64),
    /// The chain did not answer, or answered with an error.
    #[error("the chain could not be asked: {0}")]
    Chain(String),
    /// The chain did not answer in time.
    #[error("the chain did not answer in time")]
    TimedOut,
}

impl CheckError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccountId(_) => "invalid_account_id",
            Self::Hash => "invalid_hash",
            Self::SignatureTooLong => "signature_too_long",
            Self::UnknownChain(_) => "unknown_chain",
            Self::Chain(_) => "chain_failed",
            Self::TimedOut => "chain_timed_out",
        }
    }
}

/// What a chain said about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the account made it.
    pub is_valid: bool,
    /// The block at which that is so.
    pub block_number: u64,
}

/// The chains that can be asked.
pub struct Chains {
    providers: BTreeMap<u64, DynProvider>,
    turns: Semaphore,
    deadline: Duration,
}

impl Chains {
    /// Chains by name (`eip155:1` or `1`) and the address of an RPC endpoint of each.
    ///
    /// # Errors
    /// [`ChainConfigError`].
    pub fn new(urls: &BTreeMap<String, String>) -> Result<Self, ChainConfigError> {
        let mut providers = BTreeMap::new();
        if !urls.is_empty() {
            // Fails only where one is installed already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder()
                .timeout(DEADLINE)
                .build()
                .map_err(|error| ChainConfigError::Client(error.to_string()))?;
            for (name, url) in urls {
                let chain_id = name
                    .strip_prefix("eip155:")
                    .unwrap_or(name)
                    .parse()
                    .map_err(|_| ChainConfigError::Chain(name.clone()))?;
                let url = reqwest::Url::parse(url)
                    .ok()
                    .filter(|url| matches!(url.scheme(), "http" | "https"))
                    .ok_or(ChainConfigError::Url(chain_id))?;
                let provider = ProviderBuilder::new()
                    .disable_recommended_fillers()
                    .connect_reqwest(client.clone(), url)
                    .erased();
                providers.insert(chain_id, provider);
            }
        }
        Ok(Self {
            providers,
            turns: Semaphore::new(AT_ONCE),
            deadline: DEADLINE,
        })
    }

    /// Whether the account made `signature` over `hash`, at `block_number` or, without it, at the
    /// newest block.
    ///
    /// # Errors
    /// [`CheckError`] where that could not be found out; a bad signature is no error.
    pub async fn check(
        &self,
        account_id: &str,
        hash: &[u8],
        signature: &[u8],
        block_number: Option<u64>,
    ) -> Result<Verdict, CheckError> {
        let invalid = |error: &dyn ToString| CheckError::AccountId(error.to_string());
        let account_id = AccountId::from_str(account_id).map_err(|error| invalid(&error))?;
        let chain_id = account_id.chain_id().map_err(|error| invalid(&error))?;
        let account = Address::from_str(account_id.address()).map_err(|error| invalid(&error))?;
        let hash = B256::try_from(hash).map_err(|_| CheckError::Hash)?;
        if signature.len() > SIGNATURE_BYTES {
            return Err(CheckError::SignatureTooLong);
        }
        let provider = self
            .providers
            .get(&chain_id)
            .ok_or(CheckError::UnknownChain(chain_id))?;
        let ask = async {
            let _turn = self.turns.acquire().await;
            ask(provider, account, hash, signature, block_number).await
        };
        tokio::time::timeout(self.deadline, ask)
            .await
            .unwrap_or(Err(CheckError::TimedOut))
    }
}

#[async_trait]
impl SmartContractVerifier for Chains {
    async fn is_valid(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: u64,
    ) -> Result<bool, VerifierError> {
        self.check(account_id, &hash, signature, Some(block_number))
            .await
            .map(|verdict| verdict.is_valid)
            .map_err(|error| VerifierError(error.to_string()))
    }
}

async fn ask(
    provider: &DynProvider,
    account: Address,
    hash: B256,
    signature: &[u8],
    block_number: Option<u64>,
) -> Result<Verdict, CheckError> {
    let block_number = match block_number {
        Some(number) => number,
        None => provider
            .get_block_number()
            .await
            .map_err(|error| failed(&error))?,
    };
    let block = BlockId::number(block_number);
    let code = provider
        .get_code_at(account)
        .block_id(block)
        .await
        .map_err(|error| failed(&error))?;
    let wrapped = unwrap(signature);
    let is_valid = match (&wrapped, code.is_empty()) {
        (None, true) => is_own_key(account, hash, signature),
        (None, false) => {
            let program = program(None, account, hash, signature);
            run(provider, program, block).await?
        }
        (Some(wrapped), deployed_not) => {
            let deployment = deployed_not.then_some((wrapped.factory, &wrapped.calldata));
            let program = program(deployment, account, hash, &wrapped.signature);
            run(provider, program, block).await?
        }
    };
    Ok(Verdict {
        is_valid,
        block_number,
    })
}

/// What a client learns of a failed call: never the address of the endpoint, which often holds the
/// operator's key.
fn failed(error: &TransportError) -> CheckError {
    if let Some(answer) = error.as_error_resp() {
        let message: String = answer.message.chars().take(ERROR_CHARS).collect();
        return CheckError::Chain(format!("error {}: {message}", answer.code));
    }
    let status = error
        .as_transport_err()
        .and_then(|error| error.as_http_error())
        .map(|error| error.status);
    CheckError::Chain(match status {
        Some(status) => format!("its RPC endpoint answers with HTTP status {status}"),
        None => "its RPC endpoint cannot be reached or does not answer in JSON-RPC".to_owned(),
    })
}

/// A signature with the deployment of its wallet.
struct Wrapped {
    factory: Address,
    calldata: Bytes,
    signature: Bytes,
}

/// `None` where the signature is not wrapped, or claims to be and does not decode.
fn unwrap(signature: &[u8]) -> Option<Wrapped> {
    let encoded = signature.strip_suffix(&WRAPPED_SUFFIX)?;
    let (factory, calldata, signature) =
        <(Address, Bytes, Bytes)>::abi_decode_params(encoded).ok()?;
    Some(Wrapped {
        factory,
        calldata,
        signature,
    })
}

/// Whether the key behind an account without code made the signature: 65 bytes, V 27 or 28.
fn is_own_key(account: Address, hash: B256, signature: &[u8]) -> bool {
    let Some((&v @ (27 | 28), scalars)) = signature.split_last() else {
        return false;
    };
    let Ok(scalars) = <&[u8; 64]>::try_from(scalars) else {
        return false;
    };
    let (r, s) = scalars.split_at(32);
    let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), v == 28);
    signature
        .recover_address_from_prehash(&hash)
        .is_ok_and(|signer| signer == account)
}

/// Where the program keeps its input; the three words before it are its answer.
const INPUT: u8 = 0x60;

/// Assembles the program and its data. It answers three words: whether the wallet's call
/// succeeded, how many bytes it returned, and the first 32 of them.
fn program(
    deployment: Option<(Address, &Bytes)>,
    account: Address,
    hash: B256,
    signature: &[u8],
) -> Bytes {
    let mut question = IS_VALID_SIGNATURE.to_vec();
    question.extend((hash, Bytes::copy_from_slice(signature)).abi_encode_params());
    let calldata: &[u8] = deployment.map_or(&[], |(_, calldata)| calldata);

    // The data stands behind the code, whose length depends only on whether there is a
    // deployment; so assembling once with any offset tells it.
    let length = code(
        deployment.map(|(factory, _)| factory),
        account,
        calldata,
        &question,
        0,
    )
    .len();
    let mut bytes = code(
        deployment.map(|(factory, _)| factory),
        account,
        calldata,
        &question,
        length,
    );
    bytes.extend_from_slice(calldata);
    bytes.extend_from_slice(&question);
    bytes.into()
}

fn code(
    factory: Option<Address>,
    account: Address,
    calldata: &[u8],
    question: &[u8],
    data_offset: usize,
) -> Vec<u8> {
    const POP: u8 = 0x50;
    const MSTORE: u8 = 0x52;
    const CODECOPY: u8 = 0x39;
    const RETURNDATASIZE: u8 = 0x3d;
    const GAS: u8 = 0x5a;
    const PUSH1: u8 = 0x60;
    const PUSH4: u8 = 0x63;
    const PUSH20: u8 = 0x73;
    const CALL: u8 = 0xf1;
    const STATICCALL: u8 = 0xfa;
    const RETURN: u8 = 0xf3;

    let mut code = Vec::new();
    let mut offset = data_offset;
    let push4 = |code: &mut Vec<u8>, value: usize| {
        // Inputs are bounded far below 4 GiB.
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        code.push(PUSH4);
        code.extend(value.to_be_bytes());
    };
    let copy = |code: &mut Vec<u8>, offset: usize, length: usize| {
        push4(code, length);
        push4(code, offset);
        code.extend([PUSH1, INPUT, CODECOPY]);
    };

    if let Some(factory) = factory {
        copy(&mut code, offset, calldata.len());
        // No room for an answer, the input, no value, the factory, all gas.
        code.extend([PUSH1, 0, PUSH1, 0]);
        push4(&mut code, calldata.len());
        code.extend([PUSH1, INPUT, PUSH1, 0, PUSH20]);
        code.extend(factory);
        code.extend([GAS, CALL, POP]);
    }
    offset += calldata.len();

    copy(&mut code, offset, question.len());
    // The answer's first word at 0x40, the input, the account, all gas.
    code.extend([PUSH1, 32, PUSH1, 0x40]);
    push4(&mut code, question.len());
    code.extend([PUSH1, INPUT, PUSH20]);
    code.extend(account);
    code.extend([GAS, STATICCALL]);
    code.extend([PUSH1, 0, MSTORE]);
    code.extend([RETURNDATASIZE, PUSH1, 32, MSTORE]);
    code.extend([PUSH1, 0x60, PUSH1, 0, RETURN]);
    code
}

async fn run(provider: &DynProvider, program: Bytes, block: BlockId) -> Result<bool, CheckError> {
    let call = <Ethereum as Network>::TransactionRequest::default().with_input(program);
    let answer = provider
        .call(call)
        .block(block)
        .await
        .map_err(|error| failed(&error))?;
    let (succeeded, length, word) = <(U256, U256, B256)>::abi_decode_params(&answer)
        .map_err(|_| CheckError::Chain("the chain's answer does not decode".to_owned()))?;
    let mut yes = B256::ZERO;
    if let Some(start) = yes.0.first_chunk_mut() {
        *start = IS_VALID_SIGNATURE;
    }
    Ok(succeeded == U256::from(1) && length >= U256::from(32) && word == yes)
}

#[cfg(test)]
mod tests;
