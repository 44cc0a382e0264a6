//! A member that sends whatever OpenMLS lets it build: its engine is closed, and its keys and its
//! groups are used by hand.

use std::sync::Arc;

use conclave_engine::{
    Body, DATABASE_FILE, DatabaseKey, EngineError, GroupId, InstallationId, Network,
};
use conclave_identity::InstallationKey;
use conclave_mls::{
    GroupState, InstallationSigner,
    extensions::{
        GROUP_MEMBERSHIP, GROUP_PERMISSIONS, IMMUTABLE_METADATA, MUTABLE_METADATA, Membership,
        Metadata, MutableMetadata,
    },
    key_package::{self, VerifiedKeyPackage},
    policy::PolicySet,
    process::encrypt,
    welcome::{self, WelcomeRecipient},
};
use conclave_proto::mls::api::v1::group_message_input;
use conclave_store::{Options, Store};
use openmls::{
    credentials::CredentialWithKey,
    extensions::{Extension, Extensions, UnknownExtension},
    group::{GroupContext, MlsGroup},
    key_packages::{KeyPackage, Lifetime},
    prelude::{LeafNodeIndex, OpenMlsProvider, tls_codec::Serialize},
};
use openmls_rust_crypto::RustCrypto;

use crate::actor::{Actor, Town};

/// A commit without any of our rules. `None` as an extension's body leaves it out.
#[derive(Default)]
pub(crate) struct Raw {
    context: Vec<(u16, Option<Vec<u8>>)>,
    adds: Vec<VerifiedKeyPackage>,
    removes: Vec<InstallationId>,
}

impl Raw {
    pub(crate) fn extension(mut self, id: u16, body: Option<Vec<u8>>) -> Self {
        self.context.push((id, body));
        self
    }

    pub(crate) fn unreadable_metadata(self) -> Self {
        self.extension(IMMUTABLE_METADATA, Some(vec![0xFF]))
    }

    pub(crate) fn unreadable_policies(self) -> Self {
        self.extension(GROUP_PERMISSIONS, Some(vec![0xFF]))
    }

    pub(crate) fn immutable(self, state: &GroupState, edit: impl FnOnce(&mut Metadata)) -> Self {
        let mut metadata = state.metadata.clone();
        edit(&mut metadata);
        self.extension(IMMUTABLE_METADATA, Some(metadata.encode().unwrap()))
    }

    pub(crate) fn metadata(
        self,
        state: &GroupState,
        edit: impl FnOnce(&mut MutableMetadata),
    ) -> Self {
        let mut metadata = state.mutable_metadata.clone();
        edit(&mut metadata);
        self.extension(MUTABLE_METADATA, Some(metadata.encode()))
    }

    pub(crate) fn attribute(self, state: &GroupState, name: &str, value: &str) -> Self {
        self.metadata(state, |metadata| {
            let (name, value) = (name.to_owned(), value.to_owned());
            metadata.attributes.insert(name, value);
        })
    }

    pub(crate) fn membership(self, state: &GroupState, edit: impl FnOnce(&mut Membership)) -> Self {
        let mut membership = state.membership.clone();
        edit(&mut membership);
        self.extension(GROUP_MEMBERSHIP, Some(membership.encode()))
    }

    pub(crate) fn policies(self, policies: &PolicySet) -> Self {
        self.extension(GROUP_PERMISSIONS, Some(policies.encode()))
    }

    pub(crate) fn add(mut self, key_package: VerifiedKeyPackage) -> Self {
        self.adds.push(key_package);
        self
    }

    pub(crate) fn remove(mut self, device: InstallationId) -> Self {
        self.removes.push(device);
        self
    }
}

pub(crate) struct Hostile {
    actor: Actor,
    store: Store,
    signer: InstallationSigner,
    network: Arc<dyn Network>,
}

impl Hostile {
    pub(crate) async fn of(mut actor: Actor, town: &Town) -> Self {
        actor.close().await;
        let path = actor.folder.path().join(DATABASE_FILE);
        let key = DatabaseKey::from_bytes([1; 32]);
        let store = Store::open(path, &key, Options::default()).unwrap();
        let account = store
            .read(|reader| reader.account())
            .await
            .unwrap()
            .unwrap();
        Self {
            actor,
            store,
            signer: InstallationKey::from_seed(&account.installation_seed).into(),
            network: town.network(),
        }
    }

    /// Becomes an ordinary member again.
    pub(crate) async fn repent(self, town: &Town) -> Actor {
        let mut actor = self.actor;
        self.store.close().await;
        actor.reopen(town).await;
        actor
    }

    /// The groups of this person's own devices, the newest first.
    pub(crate) async fn sync_groups(&self) -> Vec<GroupId> {
        self.store
            .read(|reader| reader.sync_groups())
            .await
            .unwrap()
    }

    pub(crate) fn id(&self) -> InstallationId {
        self.signer.key().id()
    }

    /// The newest key package of anybody.
    pub(crate) async fn key_package(&self, of: &InstallationId) -> VerifiedKeyPackage {
        let found = self
            .network
            .fetch_key_packages(&[*of.as_bytes()])
            .await
            .unwrap();
        let bytes = found.into_iter().next().flatten().unwrap();
        key_package::verify(&RustCrypto::default(), &bytes).unwrap()
    }

    /// Sends a commit and forgets it, as somebody does who knows that it will be refused.
    pub(crate) async fn tries(&self, id: &GroupId, raw: impl FnOnce(&GroupState) -> Raw) {
        self.send_commit(id, raw, false).await;
    }

    /// Sends a commit, applies it, and invites those whom it adds.
    pub(crate) async fn does(&self, id: &GroupId, raw: impl FnOnce(&GroupState) -> Raw) {
        let (recipients, welcome) = self.send_commit(id, raw, true).await;
        let Some(welcome) = welcome else { return };
        let newest = self
            .network
            .newest_group_messages(std::slice::from_ref(id))
            .await
            .unwrap();
        let cursor = newest[0].as_ref().unwrap().id;
        let built = welcome::build(&RustCrypto::default(), &welcome, &recipients, cursor).unwrap();
        self.network.send_welcomes(built.messages).await.unwrap();
    }

    /// Goes a way of its own: merges a commit that nobody else ever sees.
    pub(crate) async fn branches(&self, id: &GroupId) {
        let (group_id, signer) = (id.clone(), self.signer.clone());
        self.store
            .write(move |tx| {
                let mut group = tx.take_group(&group_id)?.unwrap();
                build(tx.mls(), &signer, &mut group, Raw::default());
                group.merge_pending_commit(tx.mls()).unwrap();
                tx.keep_group(group);
                Ok::<_, EngineError>(())
            })
            .await
            .unwrap();
    }

    /// A key package of this device that ends after so many seconds; it is not published.
    pub(crate) async fn short_lived_key_package(&self, seconds: u64) -> VerifiedKeyPackage {
        let like = self.key_package(&self.id()).await.key_package;
        let signer = self.signer.clone();
        let bytes = self
            .store
            .write(move |tx| {
                let leaf = like.leaf_node();
                let bundle = KeyPackage::builder()
                    .key_package_lifetime(Lifetime::new(seconds))
                    .leaf_node_capabilities(leaf.capabilities().clone())
                    .leaf_node_extensions(leaf.extensions().clone())
                    .key_package_extensions(like.extensions().clone())
                    .build(
                        like.ciphersuite(),
                        tx.mls(),
                        &signer,
                        CredentialWithKey {
                            credential: leaf.credential().clone(),
                            signature_key: leaf.signature_key().clone(),
                        },
                    )
                    .unwrap();
                let bytes = bundle.key_package().tls_serialize_detached().unwrap();
                Ok::<_, EngineError>(bytes)
            })
            .await
            .unwrap();
        key_package::verify(&RustCrypto::default(), &bytes).unwrap()
    }

    async fn send_commit(
        &self,
        id: &GroupId,
        raw: impl FnOnce(&GroupState) -> Raw,
        keep: bool,
    ) -> (Vec<WelcomeRecipient>, Option<Vec<u8>>) {
        let state = self.state(id).await;
        let raw = raw(&state);
        let recipients = raw.adds.iter().map(WelcomeRecipient::from).collect();
        let (group_id, signer) = (id.clone(), self.signer.clone());
        let (message, welcome) = self
            .store
            .write(move |tx| {
                let mut group = tx.take_group(&group_id)?.unwrap();
                let built = build(tx.mls(), &signer, &mut group, raw);
                match keep {
                    true => group.merge_pending_commit(tx.mls()).unwrap(),
                    false => group.clear_pending_commit(tx.mls().storage()).unwrap(),
                }
                tx.keep_group(group);
                Ok::<_, EngineError>(built)
            })
            .await
            .unwrap();
        self.send(message).await;
        (recipients, welcome)
    }

    /// Writes with the group's keys as they are here.
    pub(crate) async fn writes(&self, id: &GroupId, text: &str) {
        let content = Body::Text(text.to_owned()).encode().unwrap();
        self.says(id, content).await;
    }

    /// As [`Hostile::writes`], for any content.
    pub(crate) async fn says(&self, id: &GroupId, content: Vec<u8>) {
        let envelope = conclave_content::encode_envelope(content, "1".to_owned());
        let (group_id, signer) = (id.clone(), self.signer.clone());
        let message = self
            .store
            .write(move |tx| {
                let mut group = tx.take_group(&group_id)?.unwrap();
                let message = encrypt(tx.mls(), &signer, &mut group, &envelope).unwrap();
                tx.keep_group(group);
                Ok::<_, EngineError>(message)
            })
            .await
            .unwrap();
        self.send(message).await;
    }

    async fn send(&self, data: Vec<u8>) {
        let message = group_message_input::V1 {
            data,
            sender_hmac: vec![0; 32],
            should_push: false,
        };
        self.network
            .send_group_messages(vec![message])
            .await
            .unwrap();
    }

    pub(crate) async fn state(&self, id: &GroupId) -> GroupState {
        let group_id = id.clone();
        self.store
            .write(move |tx| {
                let group = tx.take_group(&group_id)?.unwrap();
                let state = GroupState::of(&group).unwrap();
                tx.keep_group(group);
                Ok::<_, EngineError>(state)
            })
            .await
            .unwrap()
    }
}

fn build<P: OpenMlsProvider>(
    provider: &P,
    signer: &InstallationSigner,
    group: &mut MlsGroup,
    raw: Raw,
) -> (Vec<u8>, Option<Vec<u8>>) {
    let context = edited(group, &raw.context);
    let removes: Vec<LeafNodeIndex> = group
        .members()
        .filter(|member| {
            raw.removes
                .iter()
                .any(|id| member.signature_key == id.as_bytes())
        })
        .map(|member| member.index)
        .collect();
    assert_eq!(removes.len(), raw.removes.len(), "they have leaves");
    let mut builder = group
        .commit_builder()
        .consume_proposal_store(false)
        .force_self_update(true)
        .propose_adds(raw.adds.into_iter().map(|offer| offer.key_package))
        .propose_removals(removes);
    if !raw.context.is_empty() {
        builder = builder.propose_group_context_extensions(context).unwrap();
    }
    let bundle = builder
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.rand(), provider.crypto(), signer, |_| true)
        .unwrap()
        .stage_commit(provider)
        .unwrap();
    let (message, welcome, _) = bundle.into_messages();
    let bytes =
        |message: openmls::framing::MlsMessageOut| message.tls_serialize_detached().unwrap();
    (bytes(message), welcome.map(bytes))
}

fn edited(group: &MlsGroup, edits: &[(u16, Option<Vec<u8>>)]) -> Extensions<GroupContext> {
    let mut list: Vec<Extension> = group.extensions().iter().cloned().collect();
    for (id, body) in edits {
        list.retain(|extension| u16::from(extension.extension_type()) != *id);
        let body = body.clone().map(UnknownExtension);
        list.extend(body.map(|body| Extension::Unknown(*id, body)));
    }
    Extensions::from_vec(list).unwrap()
}
