use openmls::prelude::tls_codec::{Deserialize, Serialize};
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::database::Options;
use crate::error::StoreError;
use crate::store::Store;
use crate::testing::{Folder, found_in, group, read, write};
use crate::transaction::Tx;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
const GROUP: [u8; 16] = [0xa1; 16];

fn credential(name: &str, signer: &SignatureKeyPair) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(name.as_bytes().to_vec()).into(),
        signature_key: signer.public().into(),
    }
}

fn failed(error: impl std::fmt::Debug) -> StoreError {
    StoreError::Query(format!("{error:?}"))
}

/// A member whose state is in memory, as the reference.
struct Bo {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    group: Option<MlsGroup>,
}

impl Bo {
    fn new() -> Self {
        Self {
            provider: OpenMlsRustCrypto::default(),
            signer: SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap(),
            group: None,
        }
    }

    fn key_package(&self) -> KeyPackage {
        KeyPackage::builder()
            .leaf_node_capabilities(
                Capabilities::builder()
                    .extensions(extension_types())
                    .build(),
            )
            .build(
                SUITE,
                &self.provider,
                &self.signer,
                credential("bo", &self.signer),
            )
            .unwrap()
            .key_package()
            .clone()
    }

    fn join(&mut self, welcome: &[u8]) {
        let MlsMessageBodyIn::Welcome(welcome) = MlsMessageIn::tls_deserialize_exact(welcome)
            .unwrap()
            .extract()
        else {
            panic!("not a welcome")
        };
        let config = MlsGroupJoinConfig::default();
        let staged = StagedWelcome::new_from_welcome(&self.provider, &config, welcome, None);
        self.group = Some(staged.unwrap().into_group(&self.provider).unwrap());
    }

    fn group(&mut self) -> &mut MlsGroup {
        self.group.as_mut().unwrap()
    }

    fn send(&mut self, text: &str) -> Vec<u8> {
        let group = self.group.as_mut().unwrap();
        let message = group
            .create_message(&self.provider, &self.signer, text.as_bytes())
            .unwrap();
        message.tls_serialize_detached().unwrap()
    }

    fn receive(&mut self, bytes: &[u8]) -> Received {
        process(self.group.as_mut().unwrap(), &self.provider, bytes).unwrap()
    }

    fn commit(&mut self) -> Vec<u8> {
        let group = self.group.as_mut().unwrap();
        let leaf = LeafNodeParameters::default();
        let (commit, ..) = group
            .self_update(&self.provider, &self.signer, leaf)
            .unwrap()
            .into_messages();
        group.merge_pending_commit(&self.provider).unwrap();
        commit.tls_serialize_detached().unwrap()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Received {
    Text(String),
    Commit,
    Proposal,
}

fn process<P: OpenMlsProvider>(
    group: &mut MlsGroup,
    provider: &P,
    bytes: &[u8],
) -> Result<Received, StoreError> {
    let message = MlsMessageIn::tls_deserialize_exact(bytes).map_err(failed)?;
    let message = message.try_into_protocol_message().map_err(failed)?;
    match group
        .process_message(provider, message)
        .map_err(failed)?
        .into_content()
    {
        ProcessedMessageContent::ApplicationMessage(message) => Ok(Received::Text(
            String::from_utf8(message.into_bytes()).map_err(failed)?,
        )),
        ProcessedMessageContent::StagedCommitMessage(commit) => {
            group
                .merge_staged_commit(provider, *commit)
                .map_err(failed)?;
            Ok(Received::Commit)
        }
        ProcessedMessageContent::ProposalMessage(proposal) => {
            group
                .store_pending_proposal(provider.storage(), *proposal)
                .map_err(failed)?;
            Ok(Received::Proposal)
        }
        other => Err(failed(other)),
    }
}

fn extension_types() -> Vec<ExtensionType> {
    vec![ExtensionType::Unknown(0xff00)]
}

/// Alix's side: the engine's pattern of taking a group, working on it and keeping it.
fn with_group<T>(
    tx: &mut Tx,
    work: impl FnOnce(&mut MlsGroup, &super::MlsProvider) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut group = tx
        .take_group(&GROUP)?
        .ok_or(StoreError::NotFound("group"))?;
    let answer = work(&mut group, tx.mls())?;
    tx.keep_group(group);
    Ok(answer)
}

async fn receive(store: &Store, bytes: Vec<u8>) -> Result<Received, StoreError> {
    store
        .write(move |tx| with_group(tx, |group, mls| process(group, mls, &bytes)))
        .await
}

fn signer_of(mls: &super::MlsProvider, group: &MlsGroup) -> SignatureKeyPair {
    let leaf = group.own_leaf_node().unwrap();
    SignatureKeyPair::read(mls.storage(), leaf.signature_key().as_slice(), SUITE.into()).unwrap()
}

async fn send(store: &Store, text: &'static str) -> Vec<u8> {
    write(store, move |tx| {
        with_group(tx, |group, mls| {
            let signer = signer_of(mls, group);
            let message = group
                .create_message(mls, &signer, text.as_bytes())
                .map_err(failed)?;
            message.tls_serialize_detached().map_err(failed)
        })
    })
    .await
}

async fn authenticator(store: &Store) -> Vec<u8> {
    write(store, |tx| {
        with_group(tx, |group, _| {
            Ok(group.epoch_authenticator().as_slice().to_vec())
        })
    })
    .await
}

/// Alix creates a group in her store and adds Bo.
async fn alix_and_bo() -> (Folder, Store, Bo) {
    let folder = Folder::new();
    let store = folder.open();
    let mut bo = Bo::new();
    let key_package = bo.key_package();
    let welcome = write(&store, move |tx| {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm()).map_err(failed)?;
        signer.store(tx.mls().storage())?;
        let extension = Extension::Unknown(0xff00, UnknownExtension(b"metadata".to_vec()));
        let mut group = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(&GROUP))
            .ciphersuite(SUITE)
            .max_past_epochs(3)
            .use_ratchet_tree_extension(true)
            .with_capabilities(
                Capabilities::builder()
                    .extensions(extension_types())
                    .build(),
            )
            .with_group_context_extensions(Extensions::single(extension).map_err(failed)?)
            .build(tx.mls(), &signer, credential("alix", &signer))
            .map_err(failed)?;
        let (_, welcome, _) = group
            .add_members(tx.mls(), &signer, &[key_package])
            .map_err(failed)?;
        group.merge_pending_commit(tx.mls()).map_err(failed)?;
        tx.keep_group(group);
        welcome.tls_serialize_detached().map_err(failed)
    })
    .await;
    bo.join(&welcome);
    (folder, store, bo)
}

#[tokio::test]
async fn a_group_goes_on_after_a_restart() {
    let (folder, store, mut bo) = alix_and_bo().await;
    let late = bo.send("sent before the restart");
    assert_eq!(
        bo.receive(&send(&store, "one").await),
        Received::Text("one".to_owned())
    );
    store.close().await;

    let store = folder.open();
    assert_eq!(
        bo.receive(&send(&store, "two").await),
        Received::Text("two".to_owned())
    );
    assert_eq!(
        receive(&store, bo.send("three")).await,
        Ok(Received::Text("three".to_owned()))
    );
    assert_eq!(receive(&store, bo.commit()).await, Ok(Received::Commit));
    assert_eq!(
        authenticator(&store).await,
        bo.group().epoch_authenticator().as_slice()
    );
    store.close().await;

    // In the next epoch, from storage alone: a message of the past epoch, then the new one.
    let store = folder.open();
    assert_eq!(
        receive(&store, late).await,
        Ok(Received::Text("sent before the restart".to_owned()))
    );
    assert_eq!(
        bo.receive(&send(&store, "four").await),
        Received::Text("four".to_owned())
    );
    let extension = write(&store, |tx| {
        with_group(tx, |group, _| {
            Ok(group
                .extensions()
                .unknown(0xff00)
                .map(|extension| extension.0.clone()))
        })
    })
    .await;
    assert_eq!(extension.as_deref(), Some(b"metadata".as_slice()));
    store.close().await;
}

#[tokio::test]
async fn a_rolled_back_transaction_forgets_what_it_did_to_a_group() {
    let (_folder, store, mut bo) = alix_and_bo().await;
    let message = bo.send("again and again");
    let bytes = message.clone();
    let error: StoreError = store
        .write(move |tx| {
            let text = with_group(tx, |group, mls| process(group, mls, &bytes))?;
            assert_eq!(text, Received::Text("again and again".to_owned()));
            // A second decryption in the same transaction fails: the secret is consumed.
            assert!(with_group(tx, |group, mls| process(group, mls, &bytes)).is_err());
            Err::<(), _>(StoreError::NotFound("test"))
        })
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::NotFound("test"));
    assert_eq!(
        receive(&store, message.clone()).await,
        Ok(Received::Text("again and again".to_owned()))
    );
    assert!(receive(&store, message).await.is_err());
}

#[tokio::test]
async fn a_panic_forgets_what_it_did_to_a_group_and_the_store_goes_on() {
    let (_folder, store, mut bo) = alix_and_bo().await;
    let message = bo.send("hello");
    let bytes = message.clone();
    let error = store
        .write(move |tx| -> Result<(), StoreError> {
            tx.insert_conversation(&group(1), 0)?;
            with_group(tx, |group, mls| process(group, mls, &bytes))?;
            panic!("a defect in the closure")
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), "internal_error");
    assert_eq!(
        receive(&store, message).await,
        Ok(Received::Text("hello".to_owned()))
    );
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_none());
}

#[tokio::test]
async fn a_savepoint_undoes_only_its_own_part() {
    let (_folder, store, mut bo) = alix_and_bo().await;
    let (first, second) = (bo.send("first"), bo.send("second"));
    let again = second.clone();
    write(&store, move |tx| {
        with_group(tx, |group, mls| process(group, mls, &first))?;
        let undone: Result<(), StoreError> = tx.savepoint(|tx| {
            tx.insert_conversation(&group(1), 0)?;
            with_group(tx, |group, mls| process(group, mls, &second))?;
            Err(StoreError::NotFound("test"))
        });
        assert!(undone.is_err());
        let kept: Result<(), StoreError> = tx.savepoint(|tx| tx.insert_conversation(&group(2), 0));
        kept
    })
    .await;
    assert!(read(&store, |r| r.conversation(&[1; 16])).await.is_none());
    assert!(read(&store, |r| r.conversation(&[2; 16])).await.is_some());
    // The second is decrypted from the state after the first.
    assert_eq!(
        receive(&store, again).await,
        Ok(Received::Text("second".to_owned()))
    );
}

#[tokio::test]
async fn a_commit_can_be_built_and_undone() {
    let (_folder, store, mut bo) = alix_and_bo().await;
    let (commit, staged) = write(&store, |tx| {
        let mut built = None;
        let undone: Result<(), StoreError> = tx.savepoint(|tx| {
            built = Some(with_group(tx, |group, mls| {
                let signer = signer_of(mls, group);
                let leaf = LeafNodeParameters::default();
                let (commit, ..) = group
                    .self_update(mls, &signer, leaf)
                    .map_err(failed)?
                    .into_messages();
                let staged = postcard::to_stdvec(group.pending_commit().unwrap());
                Ok((
                    commit.tls_serialize_detached().map_err(failed)?,
                    staged.map_err(failed)?,
                ))
            })?);
            Err(StoreError::NotFound("rolled back on purpose"))
        });
        assert!(undone.is_err());
        with_group(tx, |group, _| {
            assert!(group.pending_commit().is_none());
            Ok(())
        })?;
        Ok(built.unwrap())
    })
    .await;
    assert_eq!(bo.receive(&commit), Received::Commit);
    write(&store, move |tx| {
        with_group(tx, |group, mls| {
            let staged: StagedCommit = postcard::from_bytes(&staged).map_err(failed)?;
            group.merge_staged_commit(mls, staged).map_err(failed)
        })
    })
    .await;
    assert_eq!(
        authenticator(&store).await,
        bo.group().epoch_authenticator().as_slice()
    );
    assert_eq!(
        bo.receive(&send(&store, "new epoch").await),
        Received::Text("new epoch".to_owned())
    );
}

#[tokio::test]
async fn proposals_are_queued_removed_and_survive_a_restart() {
    let (folder, store, mut bo) = alix_and_bo().await;
    let (mut proposals, mut references) = (Vec::new(), Vec::new());
    for id in [b"one", b"two"] {
        let group = bo.group.as_mut().unwrap();
        let (proposal, reference) = group
            .propose_remove_member(&bo.provider, &bo.signer, LeafNodeIndex::new(0))
            .unwrap_or_else(|error| panic!("{id:?}: {error:?}"));
        proposals.push(proposal.tls_serialize_detached().unwrap());
        references.push(reference);
        group
            .clear_pending_proposals(bo.provider.storage())
            .unwrap();
    }
    for proposal in proposals {
        assert_eq!(receive(&store, proposal).await, Ok(Received::Proposal));
    }
    store.close().await;
    let store = folder.open();
    let count = |tx: &mut Tx| with_group(tx, |group, _| Ok(group.pending_proposals().count()));
    let before = write(&store, count).await;
    assert!(before >= 1);
    let reference = references.pop().unwrap();
    write(&store, move |tx| {
        with_group(tx, |group, mls| {
            group
                .remove_pending_proposal(mls.storage(), &reference)
                .map_err(failed)
        })
    })
    .await;
    assert_eq!(write(&store, count).await, before - 1);
    store.close().await;
    let store = folder.open();
    assert_eq!(write(&store, count).await, before - 1);
    write(&store, |tx| {
        with_group(tx, |group, mls| {
            group.clear_pending_proposals(mls.storage()).map_err(failed)
        })
    })
    .await;
    store.close().await;
    let store = folder.open();
    assert_eq!(write(&store, count).await, 0);
}

#[tokio::test]
async fn a_deleted_group_is_gone_with_its_secrets() {
    let (folder, store, _bo) = alix_and_bo().await;
    let values = |tx: &mut Tx| {
        use diesel::prelude::*;
        tx.with(|db| {
            crate::schema::mls_values::table
                .count()
                .get_result::<i64>(db)
        })
    };
    assert!(write(&store, values).await > 5);
    write(&store, |tx| {
        let mut group = tx
            .take_group(&GROUP)?
            .ok_or(StoreError::NotFound("group"))?;
        let key = group
            .own_leaf_node()
            .unwrap()
            .signature_key()
            .as_slice()
            .to_vec();
        group.delete(tx.mls().storage())?;
        SignatureKeyPair::delete(tx.mls().storage(), &key, SUITE.into())
    })
    .await;
    assert!(write(&store, |tx| Ok(tx.take_group(&GROUP)?.is_none())).await);
    store.close().await;
    let store = folder.open();
    assert!(write(&store, |tx| Ok(tx.take_group(&GROUP)?.is_none())).await);
    assert_eq!(write(&store, values).await, 0);
}

#[tokio::test]
async fn groups_are_cached_until_a_rollback() {
    let (_folder, store, _bo) = alix_and_bo().await;
    assert!(write(&store, |tx| Ok(tx.caches_group(&GROUP))).await);
    // Taken and not given back: no longer cached, but stored.
    write(&store, |tx| tx.take_group(&GROUP)).await;
    assert!(!write(&store, |tx| Ok(tx.caches_group(&GROUP))).await);
    write(&store, |tx| with_group(tx, |_, _| Ok(()))).await;
    assert!(write(&store, |tx| Ok(tx.caches_group(&GROUP))).await);
    let undone: Result<(), StoreError> = store
        .write(|tx| {
            with_group(tx, |_, _| Ok(()))?;
            Err(StoreError::NotFound("test"))
        })
        .await;
    assert!(undone.is_err());
    assert!(!write(&store, |tx| Ok(tx.caches_group(&GROUP))).await);
}

#[tokio::test]
async fn the_cache_of_values_is_bounded() {
    let folder = Folder::new();
    let options = Options {
        mls_cache_bytes: 10_000,
        ..Options::default()
    };
    let store = Store::open(folder.database(), &folder.key(), options).unwrap();
    for number in 0..50_u32 {
        let cached = write(&store, move |tx| {
            let id = GroupId::from_slice(&number.to_be_bytes());
            tx.mls()
                .values()
                .put(super::values::Label::Tree, &id, &vec![number; 500])?;
            Ok(tx.mls().values().cached_bytes())
        })
        .await;
        assert!(cached <= 10_000, "{cached}");
    }
    // Evicted or not, every value is there.
    for number in 0..50_u32 {
        let value: Option<Vec<u32>> = write(&store, move |tx| {
            let id = GroupId::from_slice(&number.to_be_bytes());
            tx.mls().values().get(super::values::Label::Tree, &id)
        })
        .await;
        assert_eq!(value, Some(vec![number; 500]));
    }
    assert!(write(&store, |tx| Ok(tx.mls().values().cached_bytes())).await > 5_000);
}

#[tokio::test]
async fn private_keys_are_not_found_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    let key = [0x3c; 32];
    write(&store, move |tx| {
        let signer = SignatureKeyPair::from_raw(
            SUITE.signature_algorithm(),
            key.to_vec(),
            b"public".to_vec(),
        );
        signer.store(tx.mls().storage())
    })
    .await;
    assert_eq!(found_in(&folder, &key), None);
    store.close().await;
    assert_eq!(found_in(&folder, &key), None);
    let store = folder.open();
    let stored = write(&store, |tx| {
        Ok(SignatureKeyPair::read(tx.mls().storage(), b"public", SUITE.into()).is_some())
    })
    .await;
    assert!(stored);
}
