//! A client of the node under test, and what it publishes.

use conclave_identity::{Identifier, UpdateBuilder, WalletKey};
use conclave_node::{Config, Node, Running};
use conclave_proto::identity::MlsCredential;
use conclave_proto::identity::api::v1::identity_api_client::IdentityApiClient;
use conclave_proto::identity::associations::IdentityUpdate;
use conclave_proto::mls::api::v1::mls_api_client::MlsApiClient;
use conclave_proto::mls::api::v1::subscribe_group_messages_request::Filter;
use conclave_proto::mls::api::v1::{
    GroupMessage, GroupMessageInput, KeyPackageUpload, PagingInfo, QueryGroupMessagesRequest,
    QueryGroupMessagesResponse, QueryWelcomeMessagesRequest, SendGroupMessagesRequest,
    SendWelcomeMessagesRequest, SubscribeGroupMessagesRequest, UploadKeyPackageRequest,
    WelcomeMessage, WelcomeMessageInput, group_message, group_message_input, welcome_message,
    welcome_message_input,
};
use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    BasicCredential, Ciphersuite, CredentialWithKey, KeyPackage, Lifetime, OpenMlsProvider,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use prost::Message;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

/// A node with data of its own.
pub(crate) async fn node() -> Running {
    Node::start(Config::temporary()).await.unwrap()
}

/// A client for plain HTTP and gRPC-web.
pub(crate) fn http() -> reqwest::Client {
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned())
        .unwrap()
        .http2_adaptive_window(true)
        .connect()
        .await
        .unwrap()
}

/// Somebody who talks to the node.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) mls: MlsApiClient<Channel>,
    pub(crate) identity: IdentityApiClient<Channel>,
}

impl Peer {
    pub(crate) async fn of(node: &Running) -> Self {
        Self::at(&node.url()).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let channel = channel(url).await;
        Self {
            mls: MlsApiClient::new(channel.clone())
                .max_decoding_message_size(usize::MAX)
                .max_encoding_message_size(usize::MAX),
            identity: IdentityApiClient::new(channel)
                .max_decoding_message_size(usize::MAX)
                .max_encoding_message_size(usize::MAX),
        }
    }

    pub(crate) async fn send(&mut self, data: Vec<u8>) -> Result<(), Status> {
        self.send_all(vec![data]).await
    }

    pub(crate) async fn send_all(&mut self, data: Vec<Vec<u8>>) -> Result<(), Status> {
        let messages = data.into_iter().map(input).collect();
        self.mls
            .send_group_messages(SendGroupMessagesRequest { messages })
            .await
            .map(|_| ())
    }

    pub(crate) async fn query(
        &mut self,
        group_id: &[u8],
        paging_info: PagingInfo,
    ) -> QueryGroupMessagesResponse {
        self.mls
            .query_group_messages(QueryGroupMessagesRequest {
                group_id: group_id.to_vec(),
                paging_info: Some(paging_info),
            })
            .await
            .unwrap()
            .into_inner()
    }

    /// All messages of a group, as a client syncs them.
    pub(crate) async fn sync(&mut self, group_id: &[u8]) -> Vec<group_message::V1> {
        let mut messages = Vec::new();
        let mut cursor = 0;
        loop {
            let page = self.query(group_id, ascending(cursor)).await;
            cursor = page.paging_info.unwrap().id_cursor;
            messages.extend(page.messages.into_iter().map(v1));
            if cursor == 0 {
                return messages;
            }
        }
    }

    pub(crate) async fn send_welcomes(
        &mut self,
        messages: Vec<WelcomeMessageInput>,
    ) -> Result<(), Status> {
        self.mls
            .send_welcome_messages(SendWelcomeMessagesRequest { messages })
            .await
            .map(|_| ())
    }

    pub(crate) async fn welcomes(&mut self, installation_key: &[u8]) -> Vec<WelcomeMessage> {
        self.mls
            .query_welcome_messages(QueryWelcomeMessagesRequest {
                installation_key: installation_key.to_vec(),
                paging_info: Some(ascending(0)),
            })
            .await
            .unwrap()
            .into_inner()
            .messages
    }

    pub(crate) async fn stream(&mut self, filters: &[(&[u8], u64)]) -> Streaming<GroupMessage> {
        let filters = filters
            .iter()
            .map(|(group_id, id_cursor)| Filter {
                group_id: group_id.to_vec(),
                id_cursor: *id_cursor,
            })
            .collect();
        self.mls
            .subscribe_group_messages(SubscribeGroupMessagesRequest { filters })
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn upload(&mut self, key_package: Vec<u8>) -> Result<(), Status> {
        self.mls
            .upload_key_package(UploadKeyPackageRequest {
                key_package: Some(KeyPackageUpload {
                    key_package_tls_serialized: key_package,
                }),
                is_inbox_id_credential: true,
            })
            .await
            .map(|_| ())
    }
}

pub(crate) fn ascending(id_cursor: u64) -> PagingInfo {
    PagingInfo {
        direction: 1,
        limit: 100,
        id_cursor,
    }
}

pub(crate) fn input(data: Vec<u8>) -> GroupMessageInput {
    GroupMessageInput {
        version: Some(group_message_input::Version::V1(group_message_input::V1 {
            data,
            sender_hmac: b"hmac".to_vec(),
            should_push: true,
        })),
    }
}

pub(crate) fn v1(message: GroupMessage) -> group_message::V1 {
    let Some(group_message::Version::V1(v1)) = message.version else {
        panic!("a message without version")
    };
    v1
}

pub(crate) fn ids(messages: Vec<GroupMessage>) -> Vec<u64> {
    messages.into_iter().map(|message| v1(message).id).collect()
}

pub(crate) fn welcome_id(message: &WelcomeMessage) -> u64 {
    match message.version.as_ref().unwrap() {
        welcome_message::Version::V1(v1) => v1.id,
        welcome_message::Version::WelcomePointer(pointer) => pointer.id,
    }
}

/// The next message of a stream that must have one.
pub(crate) async fn next(stream: &mut Streaming<GroupMessage>) -> group_message::V1 {
    v1(stream.message().await.unwrap().unwrap())
}

pub(crate) const APPLICATION: u8 = 1;
pub(crate) const PROPOSAL: u8 = 2;
pub(crate) const COMMIT: u8 = 3;

/// A PrivateMessage as RFC 9420 section 6.3 frames it; the content is as opaque as a real one.
pub(crate) fn private_message(group_id: &[u8], content_type: u8, content: &[u8]) -> Vec<u8> {
    let mut data = vec![0, 1, 0, 2];
    vector(&mut data, group_id);
    data.extend(7u64.to_be_bytes());
    data.push(content_type);
    vector(&mut data, b"");
    vector(&mut data, b"sender data");
    vector(&mut data, content);
    data
}

/// A vector with a variable-size length (RFC 9420 section 2.1.2).
fn vector(data: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap();
    match length {
        0..64 => data.push(u8::try_from(length).unwrap()),
        64..16_384 => data.extend((u16::try_from(length).unwrap() | 0x4000).to_be_bytes()),
        _ => data.extend((length | 0x8000_0000).to_be_bytes()),
    }
    data.extend(bytes);
}

/// The group of a test, 16 bytes.
pub(crate) fn group(name: u8) -> Vec<u8> {
    vec![name; 16]
}

pub(crate) fn welcome(installation_key: &[u8], data: Vec<u8>) -> WelcomeMessageInput {
    WelcomeMessageInput {
        version: Some(welcome_message_input::Version::V1(
            welcome_message_input::V1 {
                installation_key: installation_key.to_vec(),
                data,
                hpke_public_key: vec![7; 32],
                wrapper_algorithm: 2,
                welcome_metadata: b"metadata".to_vec(),
            },
        )),
    }
}

pub(crate) fn pointer(installation_key: &[u8], data: Vec<u8>) -> WelcomeMessageInput {
    WelcomeMessageInput {
        version: Some(welcome_message_input::Version::WelcomePointer(
            welcome_message_input::WelcomePointer {
                installation_key: installation_key.to_vec(),
                welcome_pointer: data,
                hpke_public_key: vec![7; 32],
                wrapper_algorithm: 2,
            },
        )),
    }
}

/// A key package with its installation key.
pub(crate) fn key_package(lifetime: Lifetime) -> (Vec<u8>, Vec<u8>) {
    let credential = MlsCredential {
        inbox_id: "ab".repeat(32),
    };
    key_package_of(BasicCredential::new(credential.encode_to_vec()), lifetime)
}

pub(crate) fn key_package_of(
    credential: BasicCredential,
    lifetime: Lifetime,
) -> (Vec<u8>, Vec<u8>) {
    let suite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
    let provider = OpenMlsRustCrypto::default();
    let signer = SignatureKeyPair::new(suite.signature_algorithm()).unwrap();
    signer.store(provider.storage()).unwrap();
    let credential = CredentialWithKey {
        credential: credential.into(),
        signature_key: signer.public().into(),
    };
    let bundle = KeyPackage::builder()
        .key_package_lifetime(lifetime)
        .build(suite, &provider, &signer, credential)
        .unwrap();
    let bytes = bundle.key_package().tls_serialize_detached().unwrap();
    (bytes, signer.public().to_vec())
}

/// A person with a wallet.
pub(crate) struct Person {
    pub(crate) wallet: WalletKey,
}

impl Person {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            wallet: WalletKey::from_bytes(&[seed; 32]).unwrap(),
        }
    }

    pub(crate) fn identifier(&self) -> Identifier {
        self.wallet.identifier()
    }

    /// Founds an inbox with this nonce.
    pub(crate) fn create(&self, nonce: u64) -> IdentityUpdate {
        let update = UpdateBuilder::create_inbox(self.identifier(), nonce, 1_000_000_000).unwrap();
        self.sign(update, &[])
    }

    /// Signs with the wallet, and with others' wallets that must sign too.
    pub(crate) fn sign(&self, update: UpdateBuilder, others: &[&Person]) -> IdentityUpdate {
        let mut update = update.build().unwrap();
        let text = update.text().to_owned();
        for person in std::iter::once(&self).chain(others) {
            let signature = person.wallet.sign_text(&text).unwrap();
            update.add_wallet_signature(&signature).unwrap();
        }
        update.finish().unwrap()
    }
}
