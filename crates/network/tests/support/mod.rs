//! A node whose every answer a test decides.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use conclave_network::{GrpcNetwork, NodeConfig, Retry};
use conclave_proto::identity::api::v1 as identity;
use conclave_proto::identity::api::v1::identity_api_server::{IdentityApi, IdentityApiServer};
use conclave_proto::mls::api::v1 as mls;
use conclave_proto::mls::api::v1::mls_api_server::{MlsApi, MlsApiServer};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Answers one kind of call.
pub type Answer<Q, A> = Box<dyn Fn(Q) -> BoxFuture<'static, Result<A, Status>> + Send + Sync>;

/// An answer made by an async function.
pub fn answer<Q, A, F>(make: impl Fn(Q) -> F + Send + Sync + 'static) -> Answer<Q, A>
where
    F: Future<Output = Result<A, Status>> + Send + 'static,
{
    Box::new(move |question| make(question).boxed())
}

/// An answer that needs no waiting.
pub fn always<Q, A>(make: impl Fn(Q) -> Result<A, Status> + Send + Sync + 'static) -> Answer<Q, A>
where
    A: Send + 'static,
{
    Box::new(move |question| std::future::ready(make(question)).boxed())
}

fn unimplemented<Q, A: Send + 'static>() -> Answer<Q, A> {
    always(|_| Err(Status::unimplemented("not in this test")))
}

pub type Rows<T> = BoxStream<'static, Result<T, Status>>;
pub type SeeHeaders = Box<dyn Fn(&MetadataMap) + Send + Sync>;

macro_rules! stub {
    ($($name:ident: $question:ty => $answer:ty;)*) => {
        /// The answers; what a test does not set is not implemented.
        pub struct Stub {
            pub headers: SeeHeaders,
            $(pub $name: Answer<$question, $answer>,)*
        }

        impl Default for Stub {
            fn default() -> Self {
                Self { headers: Box::new(|_| ()), $($name: unimplemented(),)* }
            }
        }

        impl Stub {
            $(async fn $name(&self, request: Request<$question>) -> Result<Response<$answer>, Status> {
                (self.headers)(request.metadata());
                (self.$name)(request.into_inner()).await.map(Response::new)
            })*
        }
    };
}

stub! {
    send_group_messages: mls::SendGroupMessagesRequest => ();
    send_welcome_messages: mls::SendWelcomeMessagesRequest => ();
    upload_key_package: mls::UploadKeyPackageRequest => ();
    fetch_key_packages: mls::FetchKeyPackagesRequest => mls::FetchKeyPackagesResponse;
    query_group_messages: mls::QueryGroupMessagesRequest => mls::QueryGroupMessagesResponse;
    query_welcome_messages: mls::QueryWelcomeMessagesRequest => mls::QueryWelcomeMessagesResponse;
    subscribe_group_messages: mls::SubscribeGroupMessagesRequest => Rows<mls::GroupMessage>;
    subscribe_welcome_messages: mls::SubscribeWelcomeMessagesRequest => Rows<mls::WelcomeMessage>;
    batch_publish_commit_log: mls::BatchPublishCommitLogRequest => ();
    batch_query_commit_log: mls::BatchQueryCommitLogRequest => mls::BatchQueryCommitLogResponse;
    get_newest_group_message: mls::GetNewestGroupMessageRequest => mls::GetNewestGroupMessageResponse;
    publish_identity_update: identity::PublishIdentityUpdateRequest => identity::PublishIdentityUpdateResponse;
    get_identity_updates: identity::GetIdentityUpdatesRequest => identity::GetIdentityUpdatesResponse;
    get_inbox_ids: identity::GetInboxIdsRequest => identity::GetInboxIdsResponse;
    verify_smart_contract_wallet_signatures: identity::VerifySmartContractWalletSignaturesRequest => identity::VerifySmartContractWalletSignaturesResponse;
}

/// The same answers behind a shared pointer, which the generated traits are implemented for.
struct Shared(Arc<Stub>);

#[async_trait]
impl MlsApi for Shared {
    type SubscribeGroupMessagesStream = Rows<mls::GroupMessage>;
    type SubscribeWelcomeMessagesStream = Rows<mls::WelcomeMessage>;

    async fn send_group_messages(
        &self,
        request: Request<mls::SendGroupMessagesRequest>,
    ) -> Result<Response<()>, Status> {
        self.0.send_group_messages(request).await
    }
    async fn send_welcome_messages(
        &self,
        request: Request<mls::SendWelcomeMessagesRequest>,
    ) -> Result<Response<()>, Status> {
        self.0.send_welcome_messages(request).await
    }
    async fn register_installation(
        &self,
        _: Request<mls::RegisterInstallationRequest>,
    ) -> Result<Response<mls::RegisterInstallationResponse>, Status> {
        Err(Status::unimplemented("legacy"))
    }
    async fn upload_key_package(
        &self,
        request: Request<mls::UploadKeyPackageRequest>,
    ) -> Result<Response<()>, Status> {
        self.0.upload_key_package(request).await
    }
    async fn fetch_key_packages(
        &self,
        request: Request<mls::FetchKeyPackagesRequest>,
    ) -> Result<Response<mls::FetchKeyPackagesResponse>, Status> {
        self.0.fetch_key_packages(request).await
    }
    async fn revoke_installation(
        &self,
        _: Request<mls::RevokeInstallationRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("legacy"))
    }
    async fn get_identity_updates(
        &self,
        _: Request<mls::GetIdentityUpdatesRequest>,
    ) -> Result<Response<mls::GetIdentityUpdatesResponse>, Status> {
        Err(Status::unimplemented("legacy"))
    }
    async fn query_group_messages(
        &self,
        request: Request<mls::QueryGroupMessagesRequest>,
    ) -> Result<Response<mls::QueryGroupMessagesResponse>, Status> {
        self.0.query_group_messages(request).await
    }
    async fn query_welcome_messages(
        &self,
        request: Request<mls::QueryWelcomeMessagesRequest>,
    ) -> Result<Response<mls::QueryWelcomeMessagesResponse>, Status> {
        self.0.query_welcome_messages(request).await
    }
    async fn subscribe_group_messages(
        &self,
        request: Request<mls::SubscribeGroupMessagesRequest>,
    ) -> Result<Response<Rows<mls::GroupMessage>>, Status> {
        self.0.subscribe_group_messages(request).await
    }
    async fn subscribe_welcome_messages(
        &self,
        request: Request<mls::SubscribeWelcomeMessagesRequest>,
    ) -> Result<Response<Rows<mls::WelcomeMessage>>, Status> {
        self.0.subscribe_welcome_messages(request).await
    }
    async fn batch_publish_commit_log(
        &self,
        request: Request<mls::BatchPublishCommitLogRequest>,
    ) -> Result<Response<()>, Status> {
        self.0.batch_publish_commit_log(request).await
    }
    async fn batch_query_commit_log(
        &self,
        request: Request<mls::BatchQueryCommitLogRequest>,
    ) -> Result<Response<mls::BatchQueryCommitLogResponse>, Status> {
        self.0.batch_query_commit_log(request).await
    }
    async fn get_newest_group_message(
        &self,
        request: Request<mls::GetNewestGroupMessageRequest>,
    ) -> Result<Response<mls::GetNewestGroupMessageResponse>, Status> {
        self.0.get_newest_group_message(request).await
    }
}

#[async_trait]
impl IdentityApi for Shared {
    async fn publish_identity_update(
        &self,
        request: Request<identity::PublishIdentityUpdateRequest>,
    ) -> Result<Response<identity::PublishIdentityUpdateResponse>, Status> {
        self.0.publish_identity_update(request).await
    }
    async fn get_identity_updates(
        &self,
        request: Request<identity::GetIdentityUpdatesRequest>,
    ) -> Result<Response<identity::GetIdentityUpdatesResponse>, Status> {
        self.0.get_identity_updates(request).await
    }
    async fn get_inbox_ids(
        &self,
        request: Request<identity::GetInboxIdsRequest>,
    ) -> Result<Response<identity::GetInboxIdsResponse>, Status> {
        self.0.get_inbox_ids(request).await
    }
    async fn verify_smart_contract_wallet_signatures(
        &self,
        request: Request<identity::VerifySmartContractWalletSignaturesRequest>,
    ) -> Result<Response<identity::VerifySmartContractWalletSignaturesResponse>, Status> {
        self.0
            .verify_smart_contract_wallet_signatures(request)
            .await
    }
}

/// A running node; it stops when dropped.
pub struct Node {
    pub port: u16,
    _stop: oneshot::Sender<()>,
}

impl Node {
    pub async fn start(stub: Stub) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), stub)
    }

    pub fn start_on(listener: TcpListener, stub: Stub) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let stub = Arc::new(stub);
        let mls = MlsApiServer::new(Shared(stub.clone()))
            .max_decoding_message_size(conclave_network::MESSAGE_LIMIT)
            .max_encoding_message_size(2 * conclave_network::MESSAGE_LIMIT);
        let identity = IdentityApiServer::new(Shared(stub));
        tokio::spawn(
            Server::builder()
                .add_service(mls)
                .add_service(identity)
                .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                    let _ = stopped.await;
                }),
        );
        Self { port, _stop: stop }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn client(&self) -> GrpcNetwork {
        GrpcNetwork::connect(&config(self.url())).unwrap()
    }
}

/// Repeats quickly, so that tests are quick.
pub fn config(url: String) -> NodeConfig {
    NodeConfig {
        retry: Retry {
            times: 3,
            first_pause: Duration::from_millis(5),
            rate_limit_pause: Duration::from_millis(200),
            total: Duration::from_secs(20),
        },
        ..NodeConfig::new(url)
    }
}

/// A client of the node that answers so.
pub async fn client(stub: Stub) -> (Node, GrpcNetwork) {
    let node = Node::start(stub).await;
    let client = node.client();
    (node, client)
}

/// Counts calls.
#[derive(Clone, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    /// The number of this call, from 1 on.
    pub fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub fn group_message(group_id: &[u8], id: u64) -> mls::GroupMessage {
    mls::GroupMessage {
        version: Some(mls::group_message::Version::V1(mls::group_message::V1 {
            id,
            created_ns: id,
            group_id: group_id.to_vec(),
            data: vec![1],
            ..Default::default()
        })),
    }
}

pub fn welcome(topic: &[u8], id: u64) -> mls::WelcomeMessage {
    mls::WelcomeMessage {
        version: Some(mls::welcome_message::Version::V1(
            mls::welcome_message::V1 {
                id,
                created_ns: id,
                installation_key: topic.to_vec(),
                data: vec![1],
                ..Default::default()
            },
        )),
    }
}
