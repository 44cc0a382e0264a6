//! The chain is a JSON-RPC server with a machine that knows the instructions of our program, one
//! wallet and one factory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const WALLET: Address = Address::repeat_byte(0xaa);
const FACTORY: Address = Address::repeat_byte(0xfa);
const HASH: [u8; 32] = [0x11; 32];
const GOOD: &[u8] = b"the wallet accepts this";
const DEPLOY: &[u8] = b"deploy the wallet";
const BLOCK: u64 = 77;

/// What the chain looks like and what was asked of it.
#[derive(Clone, Default)]
struct World {
    deployed: bool,
    /// The wallet's answer to a good signature, if not the right one.
    answer: Option<Vec<u8>>,
    blocks: Arc<Mutex<BTreeSet<String>>>,
    silent: bool,
}

impl World {
    /// A call as the chain runs it: success and returned bytes.
    fn call(&mut self, to: Address, data: &[u8], changes_allowed: bool) -> (bool, Vec<u8>) {
        if to == FACTORY && changes_allowed && data == DEPLOY {
            self.deployed = true;
            return (true, vec![]);
        }
        if to != WALLET || !self.deployed {
            return (true, vec![]);
        }
        let expected = [
            IS_VALID_SIGNATURE.as_slice(),
            &(B256::from(HASH), Bytes::from_static(GOOD)).abi_encode_params(),
        ]
        .concat();
        if data != expected {
            return (false, b"revert".to_vec());
        }
        let yes = [IS_VALID_SIGNATURE.as_slice(), &[0; 28]].concat();
        (true, self.answer.clone().unwrap_or(yes))
    }

    /// Runs the instructions that our program has, as the Ethereum yellow paper defines them.
    fn run(&mut self, program: &[u8]) -> Vec<u8> {
        let mut stack: Vec<U256> = Vec::new();
        let mut memory = vec![0u8; 64 * 1024];
        let mut returned: Vec<u8> = Vec::new();
        let mut at = 0;
        loop {
            let instruction = program[at];
            at += 1;
            let mut pop = || stack.pop().unwrap();
            let size = |value: U256| usize::try_from(value).unwrap();
            match instruction {
                0x60..=0x73 => {
                    let length = usize::from(instruction - 0x5f);
                    stack.push(U256::from_be_slice(&program[at..at + length]));
                    at += length;
                }
                0x39 => {
                    let (to, from, length) = (size(pop()), size(pop()), size(pop()));
                    memory[to..to + length].copy_from_slice(&program[from..from + length]);
                }
                0xf1 | 0xfa => {
                    let _gas = pop();
                    let to = Address::from_word(pop().into());
                    let changes_allowed = instruction == 0xf1;
                    if changes_allowed {
                        assert_eq!(pop(), U256::ZERO, "value");
                    }
                    let (from, length) = (size(pop()), size(pop()));
                    let (back, room) = (size(pop()), size(pop()));
                    let data = memory[from..from + length].to_vec();
                    let (succeeded, answer) = self.call(to, &data, changes_allowed);
                    let copied = room.min(answer.len());
                    memory[back..back + copied].copy_from_slice(&answer[..copied]);
                    returned = answer;
                    stack.push(U256::from(succeeded));
                }
                0x50 => {
                    pop();
                }
                0x52 => {
                    let (to, value) = (size(pop()), pop());
                    memory[to..to + 32].copy_from_slice(&value.to_be_bytes::<32>());
                }
                0x3d => stack.push(U256::from(returned.len())),
                0x5a => stack.push(U256::from(30_000_000)),
                0xf3 => {
                    let (from, length) = (size(pop()), size(pop()));
                    assert!(stack.is_empty(), "left on the stack: {stack:?}");
                    return memory[from..from + length].to_vec();
                }
                other => panic!("instruction {other:#x} at {at}"),
            }
        }
    }
}

async fn answer(State(mut world): State<World>, body: String) -> String {
    let request: Value = serde_json::from_str(&body).unwrap();
    let params = &request["params"];
    if world.silent {
        std::future::pending::<()>().await;
    }
    let at_block = |block: &Value| {
        world
            .blocks
            .lock()
            .unwrap()
            .insert(block.as_str().unwrap().to_owned());
    };
    let result = match request["method"].as_str().unwrap() {
        "eth_blockNumber" => json!(format!("{BLOCK:#x}")),
        "eth_getCode" => {
            at_block(&params[1]);
            let wallet = params[0] == json!(WALLET.to_string().to_lowercase());
            json!(if wallet && world.deployed {
                "0x60"
            } else {
                "0x"
            })
        }
        "eth_call" => {
            at_block(&params[1]);
            assert!(params[0].get("to").is_none());
            let program = params[0]["input"].as_str().unwrap();
            let program = hex::decode(program.trim_start_matches("0x")).unwrap();
            json!(format!("0x{}", hex::encode(world.run(&program))))
        }
        other => panic!("{other}"),
    };
    json!({"jsonrpc": "2.0", "id": request["id"], "result": result}).to_string()
}

async fn chain(world: World) -> Chains {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(answer)).with_state(world);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Chains::new(&BTreeMap::from([("eip155:31337".to_owned(), url)])).unwrap()
}

fn account() -> String {
    format!("eip155:31337:{WALLET}")
}

fn wrapped(factory: Address, calldata: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut bytes = (
        factory,
        Bytes::copy_from_slice(calldata),
        Bytes::copy_from_slice(signature),
    )
        .abi_encode_params();
    bytes.extend(WRAPPED_SUFFIX);
    bytes
}

async fn valid(world: World, signature: &[u8]) -> bool {
    let chains = chain(world).await;
    let verdict = chains
        .check(&account(), &HASH, signature, None)
        .await
        .unwrap();
    assert_eq!(verdict.block_number, BLOCK);
    verdict.is_valid
}

fn deployed() -> World {
    World {
        deployed: true,
        ..World::default()
    }
}

#[tokio::test]
async fn a_deployed_wallet_is_asked() {
    assert!(valid(deployed(), GOOD).await);
    assert!(!valid(deployed(), b"another").await);
    assert!(!valid(deployed(), b"").await);
}

#[tokio::test]
async fn only_the_exact_answer_is_yes() {
    let yes = [IS_VALID_SIGNATURE.as_slice(), &[0; 28]].concat();
    let mut unclean = yes.clone();
    unclean[31] = 1;
    for (answer, expected) in [
        (yes.clone(), true),
        ([yes.as_slice(), b"more"].concat(), true),
        (yes[..4].to_vec(), false),
        (unclean, false),
        (vec![0xff; 32], false),
        (vec![], false),
    ] {
        let world = World {
            answer: Some(answer.clone()),
            ..deployed()
        };
        assert_eq!(valid(world, GOOD).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_wallet_that_is_not_deployed_yet_is_deployed_for_the_question() {
    let good = wrapped(FACTORY, DEPLOY, GOOD);
    assert!(valid(World::default(), &good).await);
    assert!(valid(deployed(), &good).await);
    assert!(!valid(World::default(), &wrapped(FACTORY, DEPLOY, b"another")).await);
    assert!(!valid(World::default(), &wrapped(FACTORY, b"nothing", GOOD)).await);
    let other = Address::repeat_byte(1);
    assert!(!valid(World::default(), &wrapped(other, DEPLOY, GOOD)).await);
    // Claims to be wrapped, and is not.
    assert!(!valid(World::default(), &WRAPPED_SUFFIX).await);
}

#[tokio::test]
async fn an_account_without_code_is_a_key() {
    let key = conclave_identity::WalletKey::from_bytes(&[7; 32]).unwrap();
    let signature = key.sign_text("hello").unwrap();
    let hash = conclave_identity::ethereum_message_hash("hello");
    let account = format!("eip155:31337:{}", key.identifier());
    let chains = chain(World::default()).await;
    let check = |signature: Vec<u8>| {
        let (chains, account) = (&chains, &account);
        async move {
            let verdict = chains
                .check(account, &hash, &signature, Some(5))
                .await
                .unwrap();
            assert_eq!(verdict.block_number, 5);
            verdict.is_valid
        }
    };
    assert!(check(signature.to_vec()).await);
    let mut flipped = signature.to_vec();
    flipped[64] = 55 - flipped[64];
    assert!(!check(flipped).await);
    let mut parity = signature.to_vec();
    parity[64] -= 27;
    assert!(!check(parity).await);
    assert!(!check(signature[..64].to_vec()).await);
}

#[tokio::test]
async fn everything_is_asked_at_the_block_that_was_named() {
    let world = deployed();
    let blocks = Arc::clone(&world.blocks);
    let chains = chain(world).await;
    let accepted = chains.is_valid(&account(), HASH, GOOD, 0x1234).await;
    assert_eq!(accepted, Ok(true));
    assert_eq!(
        *blocks.lock().unwrap(),
        BTreeSet::from(["0x1234".to_owned()])
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_and_not_a_no() {
    let chains = chain(deployed()).await;
    let check = |account: &str, hash: &[u8], signature: &[u8]| {
        let (account, hash, signature) = (account.to_owned(), hash.to_vec(), signature.to_vec());
        let chains = &chains;
        async move {
            chains
                .check(&account, &hash, &signature, None)
                .await
                .unwrap_err()
        }
    };
    assert_eq!(check(&account(), &HASH[1..], GOOD).await, CheckError::Hash);
    let other = format!("eip155:5:{WALLET}");
    assert_eq!(
        check(&other, &HASH, GOOD).await,
        CheckError::UnknownChain(5)
    );
    let long = vec![0; SIGNATURE_BYTES + 1];
    assert_eq!(
        check(&account(), &HASH, &long).await,
        CheckError::SignatureTooLong
    );

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let chains = Chains::new(&BTreeMap::from([("31337".to_owned(), url)])).unwrap();
    let error = chains
        .check(&account(), &HASH, GOOD, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "chain_failed");
    // The endpoint's address may hold a key.
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_chain_that_does_not_answer_is_not_waited_for_longer_than_the_deadline() {
    let world = World {
        silent: true,
        ..deployed()
    };
    let mut chains = chain(world).await;
    chains.deadline = Duration::from_millis(100);
    let error = chains
        .check(&account(), &HASH, GOOD, None)
        .await
        .unwrap_err();
    assert_eq!(error, CheckError::TimedOut);
}

#[test]
fn chains_are_named_by_number_and_reached_by_http() {
    let chains = |name: &str, url: &str| {
        Chains::new(&BTreeMap::from([(name.to_owned(), url.to_owned())])).map(|_| ())
    };
    assert!(chains("eip155:1", "https://example.org").is_ok());
    assert!(chains("10", "http://example.org").is_ok());
    assert!(matches!(
        chains("base", "http://x"),
        Err(ChainConfigError::Chain(_))
    ));
    assert!(matches!(
        chains("1", "ws://x"),
        Err(ChainConfigError::Url(1))
    ));
    assert!(matches!(
        chains("1", "rubbish"),
        Err(ChainConfigError::Url(1))
    ));
}
