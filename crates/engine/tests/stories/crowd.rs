//! Hundreds of people on one node. They have real identities, key packages and groups and keep all
//! rules, but no database, and they look identity logs up together: as full accounts each of them
//! would verify the log of each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use conclave_content::{Body, Envelope, Origin, open_envelope};
use conclave_engine::{GroupId, InstallationId, Network, SystemClock, WalletKey};
use conclave_identity::{DEFAULT_NONCE, InboxId, InstallationKey, UpdateBuilder};
use conclave_mls::{
    AssociationStates, GroupState, InstallationSigner,
    extensions::ConversationType,
    key_package::{self, NewKeyPackage},
    process::{self, Processed},
    validation::validate_commit,
    welcome,
};
use conclave_network::PAGE_LIMIT;
use conclave_proto::mls::api::v1::{group_message::V1 as GroupMessage, welcome_message::Version};
use futures::{StreamExt, TryStreamExt, stream};
use openmls::group::MlsGroup;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::actor::{Actor, Town};

/// What is done for so many people at the same time.
const AT_ONCE: usize = 8;

type Installations = Arc<BTreeSet<InstallationId>>;

/// The identity logs of all, by inbox and sequence id.
#[derive(Default, Clone)]
pub(crate) struct Registry(BTreeMap<(String, u64), Installations>);

impl AssociationStates for Registry {
    fn installations_at(&self, inbox_id: &str, sequence_id: u64) -> Option<Installations> {
        let of_inbox = (inbox_id.to_owned(), 0)..=(inbox_id.to_owned(), u64::MAX);
        match sequence_id {
            0 => self
                .0
                .range(of_inbox)
                .next_back()
                .map(|(_, all)| Arc::clone(all)),
            _ => self.0.get(&(inbox_id.to_owned(), sequence_id)).cloned(),
        }
    }
}

/// One device of somebody in the crowd.
pub(crate) struct Guest {
    pub(crate) inbox_id: String,
    provider: OpenMlsRustCrypto,
    signer: InstallationSigner,
    key_package: NewKeyPackage,
    welcomes: u64,
    group: Option<MlsGroup>,
    messages: u64,
    pub(crate) texts: Vec<String>,
}

pub(crate) struct Crowd {
    network: Arc<dyn Network>,
    registry: Arc<Registry>,
    pub(crate) guests: Vec<Guest>,
}

impl Crowd {
    /// Registers people of so many devices each, and as many further devices for each of `known`
    /// that they have so many as well. The inbox ids of the new people come with them. So many
    /// devices, of all people alike, are awake; the others are never seen online.
    pub(crate) async fn gather(
        town: &Town,
        known: &[Actor],
        people: usize,
        devices: usize,
        awake: usize,
    ) -> (Self, Vec<String>) {
        let network = town.network();
        let mut registry = Registry::default();
        let strangers = (0..people).map(|number| (wallet(number), None, devices));
        let own = known.iter().map(|actor| {
            let id = actor.client().account().installation_id;
            (actor.wallet(), Some((actor.inbox_id(), id)), devices - 1)
        });
        let registering = own.chain(strangers).map(|(wallet, first, devices)| {
            register(Arc::clone(&network), wallet, first.clone(), devices)
        });
        let registered: Vec<_> = stream::iter(registering).buffered(AT_ONCE).collect().await;
        let (mut guests, mut new) = (Vec::new(), Vec::new());
        for (number, (inbox_id, sequence_id, all, theirs)) in registered.into_iter().enumerate() {
            registry
                .0
                .insert((inbox_id.clone(), sequence_id), Arc::new(all));
            guests.extend(theirs);
            if number >= known.len() {
                new.push(inbox_id);
            }
        }
        let step = guests.len().div_ceil(awake).max(1);
        let guests = guests.into_iter().step_by(step).collect();
        let crowd = Self {
            network,
            registry: Arc::new(registry),
            guests,
        };
        (crowd, new)
    }

    /// Everybody fetches what is there and applies it.
    pub(crate) async fn sync(&mut self) {
        let guests = std::mem::take(&mut self.guests).into_iter();
        let (network, registry) = (&self.network, &self.registry);
        self.guests = stream::iter(guests)
            .map(|guest| guest.sync(Arc::clone(network), Arc::clone(registry)))
            .buffered(AT_ONCE)
            .collect()
            .await;
    }

    /// Those who are in, and those who are not.
    pub(crate) fn members(&self) -> (Vec<&Guest>, Vec<&Guest>) {
        self.guests.iter().partition(|guest| guest.is_in())
    }
}

fn wallet(number: usize) -> WalletKey {
    let mut key = [9_u8; 32];
    key[..8].copy_from_slice(&(number + 1).to_be_bytes());
    WalletKey::from_bytes(&key).unwrap()
}

/// Publishes devices of one person: of a new one, or of one that has a first device.
async fn register(
    network: Arc<dyn Network>,
    wallet: WalletKey,
    first: Option<(String, InstallationId)>,
    devices: usize,
) -> (String, u64, BTreeSet<InstallationId>, Vec<Guest>) {
    use conclave_engine::Clock as _;
    let identifier = wallet.identifier();
    let now_ns = u64::try_from(SystemClock.now_ns()).unwrap();
    let mut all = BTreeSet::new();
    let (inbox_id, mut builder) = match first {
        None => (
            InboxId::derive(&identifier, DEFAULT_NONCE)
                .unwrap()
                .as_str()
                .to_owned(),
            UpdateBuilder::create_inbox(identifier.clone(), DEFAULT_NONCE, now_ns).unwrap(),
        ),
        Some((inbox_id, id)) => {
            all.insert(id);
            let known = InboxId::try_from(inbox_id.clone()).unwrap();
            (inbox_id, UpdateBuilder::new(known, now_ns))
        }
    };
    let keys: Vec<_> = (0..devices)
        .map(|_| InstallationKey::generate().unwrap())
        .collect();
    for key in &keys {
        builder = builder.add(key.id(), identifier.clone());
        all.insert(key.id());
    }
    let mut guests = Vec::new();
    if !keys.is_empty() {
        let mut update = builder.build().unwrap();
        for key in &keys {
            update.sign_with_installation(key).unwrap();
        }
        let signature = wallet.sign_text(update.text()).unwrap();
        update.add_wallet_signature(&signature).unwrap();
        for key in keys {
            let guest = Guest::new(&inbox_id, key);
            let bytes = guest.key_package.bytes.clone();
            network.upload_key_package(bytes).await.unwrap();
            guests.push(guest);
        }
        let update = update.finish().unwrap();
        network.publish_identity_update(update).await.unwrap();
    }
    let log = network
        .identity_updates(&[(inbox_id.clone(), 0)])
        .await
        .unwrap();
    let sequence_id = log[0].last().unwrap().sequence_id;
    (inbox_id, sequence_id, all, guests)
}

impl Guest {
    fn new(inbox_id: &str, key: InstallationKey) -> Self {
        let (provider, signer) = (OpenMlsRustCrypto::default(), InstallationSigner::from(key));
        let key_package = key_package::build(&provider, &signer, inbox_id).unwrap();
        Self {
            inbox_id: inbox_id.to_owned(),
            provider,
            signer,
            key_package,
            welcomes: 0,
            group: None,
            messages: 0,
            texts: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        GroupState::of(self.group.as_ref().unwrap()).unwrap()
    }

    fn is_in(&self) -> bool {
        self.group.as_ref().is_some_and(MlsGroup::is_active)
    }

    async fn sync(mut self, network: Arc<dyn Network>, registry: Arc<Registry>) -> Self {
        let topic = *self.signer.key().id().as_bytes();
        let page = network
            .query_welcomes(&topic, self.welcomes, PAGE_LIMIT)
            .await
            .unwrap();
        for welcome in page.items {
            self = self.join(network.as_ref(), &registry, welcome).await;
        }
        while self.is_in() {
            let id: GroupId = self.state().group_id;
            let page = network
                .query_group_messages(&id, self.messages, PAGE_LIMIT)
                .await
                .unwrap();
            if page.items.is_empty() {
                break;
            }
            let registry = Arc::clone(&registry);
            let applying = tokio::task::spawn_blocking(move || {
                for message in page.items {
                    self.apply(&message, &registry);
                }
                self
            });
            self = applying.await.unwrap();
        }
        self
    }

    async fn join(
        mut self,
        network: &dyn Network,
        registry: &Arc<Registry>,
        welcome: Version,
    ) -> Self {
        let key = &self.key_package.xwing_private_key;
        let (number, opened) = match &welcome {
            Version::V1(v1) => (v1.id, welcome::open(v1, key).unwrap()),
            Version::WelcomePointer(wrapped) => {
                let pointer = welcome::open_pointer(wrapped, key).unwrap();
                let page = network
                    .query_welcomes(&pointer.destination, 0, 1)
                    .await
                    .unwrap();
                let Some(Version::V1(pointee)) = page.items.first() else {
                    panic!("nothing at the pointer's destination");
                };
                (
                    wrapped.id,
                    welcome::open_pointee(pointee, &pointer).unwrap(),
                )
            }
        };
        self.welcomes = number;
        let registry = Arc::clone(registry);
        let joining = tokio::task::spawn_blocking(move || {
            let staged = welcome::stage(&self.provider, &opened.inner).unwrap();
            staged.validate(registry.as_ref(), &self.inbox_id).unwrap();
            // That of a person's own devices is not what the story is about.
            if staged.state().conversation_type() == ConversationType::Sync {
                return self;
            }
            self.group = Some(welcome::join(&self.provider, staged).unwrap());
            self.messages = opened.message_cursor.unwrap();
            self
        });
        joining.await.unwrap()
    }

    fn apply(&mut self, message: &GroupMessage, registry: &Registry) {
        self.messages = message.id;
        let Some(group) = self.group.as_mut().filter(|group| group.is_active()) else {
            return;
        };
        match process::process(&self.provider, group, &message.data) {
            Ok(Processed::Application { plaintext, .. }) => {
                let Ok(Envelope::Content { content, .. }) = open_envelope(&plaintext) else {
                    panic!("not a message");
                };
                let (_, body) = Body::decode(&content, Origin::Member);
                self.texts.push(body.preview());
            }
            Ok(Processed::Commit { staged, .. }) => {
                validate_commit(group, &staged, registry).unwrap();
                process::merge(&self.provider, group, *staged).unwrap();
            }
            // A commit that lost its race.
            Err(process::ProcessError::StaleEpoch { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// All accounts fetch what is there, several at a time.
pub(crate) async fn all_sync(people: &[Actor]) {
    let syncing = stream::iter(people).map(|person| person.sync());
    syncing.buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// All of them write at the same time.
pub(crate) async fn all_say(people: &[Actor], id: &GroupId) {
    let saying = stream::iter(people).map(|person| async move {
        let text = format!("{} here", person.name);
        person.client().send(id, &text).await?;
        person.client().group_sync(id).await
    });
    let saying = saying.buffer_unordered(people.len());
    saying.try_collect::<Vec<_>>().await.unwrap();
}
