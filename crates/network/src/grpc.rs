//! The V3 services over gRPC.

mod file_server;

use std::collections::HashMap;
use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use conclave_proto::identity::api::v1::identity_api_client::IdentityApiClient;
use conclave_proto::identity::api::v1::{
    GetIdentityUpdatesRequest, GetInboxIdsRequest, PublishIdentityUpdateRequest,
    VerifySmartContractWalletSignatureRequestSignature, VerifySmartContractWalletSignaturesRequest,
    get_identity_updates_request, get_inbox_ids_request,
};
use conclave_proto::identity::associations::{IdentifierKind, IdentityUpdate};
use conclave_proto::mls::api::v1::mls_api_client::MlsApiClient;
use conclave_proto::mls::api::v1::{
    BatchPublishCommitLogRequest, BatchQueryCommitLogRequest, FetchKeyPackagesRequest,
    GetNewestGroupMessageRequest, GroupMessageInput, KeyPackageUpload, PagingInfo,
    PublishCommitLogRequest, QueryCommitLogRequest, QueryGroupMessagesRequest,
    QueryWelcomeMessagesRequest, SendGroupMessagesRequest, SendWelcomeMessagesRequest,
    SortDirection, SubscribeGroupMessagesRequest, SubscribeWelcomeMessagesRequest,
    UploadKeyPackageRequest, WelcomeMessageInput, group_message, group_message_input,
    subscribe_group_messages_request, subscribe_welcome_messages_request, welcome_message,
};
use conclave_proto::mls::message_contents::CommitLogEntry;
use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::reply::{self, Marks};
use crate::{
    FileServer, GroupMessageStream, LoggedUpdate, MESSAGE_LIMIT, Network, NetworkError, NodeConfig,
    PAGE_LIMIT, PAYLOAD_LIMIT, Page, Retry, Timeouts, WalletVerdict, WelcomeStream, channel,
    foreign,
};

/// Sent as `x-libxmtp-version`. Nodes refuse versions before 1.1.5 and take what is no version for
/// new enough (`node.md` 11), so the truth does.
const LIBRARY_VERSION: &str = concat!("conclave-", env!("CARGO_PKG_VERSION"));

/// Inboxes per identity query (`node.md` 11).
const INBOXES_PER_CALL: usize = 50;
/// Groups per query for the newest messages (`node.md` 11).
const GROUPS_PER_CALL: usize = 1000;
/// Key packages of a few KiB each stay far below the message limit in such a number.
const KEY_PACKAGES_PER_CALL: usize = 500;
/// Welcomes per call (`groups.md` 5.3).
const WELCOMES_PER_CALL: usize = 50;
/// Group messages per call.
const GROUP_MESSAGES_PER_CALL: usize = 50;
/// Commit-log entries per publication and groups per query (`node.md` 3.6, 2.5).
const COMMIT_LOG_ENTRIES_PER_CALL: usize = 10;
const COMMIT_LOG_GROUPS_PER_CALL: usize = 20;
/// Parts of one split request under way at the same time.
const PARALLEL_CALLS: usize = 4;

/// Says to the node who we are.
#[derive(Debug, Clone)]
struct VersionHeaders {
    app: MetadataValue<Ascii>,
}

impl Interceptor for VersionHeaders {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let headers = request.metadata_mut();
        headers.insert("x-app-version", self.app.clone());
        headers.insert(
            "x-libxmtp-version",
            MetadataValue::from_static(LIBRARY_VERSION),
        );
        Ok(request)
    }
}

type Service = InterceptedService<Channel, VersionHeaders>;

/// A node reached by gRPC. Clones share one connection.
#[derive(Debug, Clone)]
pub struct GrpcNetwork {
    mls: MlsApiClient<Service>,
    identity: IdentityApiClient<Service>,
    config: NodeConfig,
    timeouts: Timeouts,
    retry: Retry,
    /// Whether a V3 node has ever answered at this address.
    proven: Arc<AtomicBool>,
}

/// A call to an address where no node has answered yet is repeated for this long only: most likely
/// the address is wrong, and a person waits.
const UNPROVEN_PATIENCE: Duration = Duration::from_secs(1);

impl GrpcNetwork {
    /// Gets ready to talk to a node. Nothing is sent before the first call, and a broken
    /// connection is made anew by the next one. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`NetworkError::InvalidUrl`], [`NetworkError::InvalidAppVersion`], and
    /// [`NetworkError::Unreachable`] where TLS cannot be set up.
    pub fn connect(config: &NodeConfig) -> Result<Self, NetworkError> {
        let headers = VersionHeaders {
            app: config
                .app_version
                .parse()
                .map_err(|_| NetworkError::InvalidAppVersion)?,
        };
        let service = InterceptedService::new(channel::open(config)?, headers);
        Ok(Self {
            mls: MlsApiClient::new(service.clone())
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT),
            identity: IdentityApiClient::new(service)
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT),
            config: config.clone(),
            timeouts: config.timeouts,
            retry: config.retry,
            proven: Arc::default(),
        })
    }

    /// One attempt, within `deadline`.
    async fn once<T>(
        deadline: Duration,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, NetworkError> {
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(status.into()),
            Err(_) => Err(NetworkError::Timeout),
        }
    }

    /// Repeats an attempt as long as that may help, within the bounds of [`Retry`].
    async fn unary<Q, T, Fut>(
        &self,
        deadline: Duration,
        request: Q,
        call: impl Fn(Q) -> Fut,
    ) -> Result<T, NetworkError>
    where
        Q: Message + Clone,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let bytes = request.encoded_len();
        if bytes > MESSAGE_LIMIT {
            return Err(NetworkError::TooLarge { bytes });
        }
        let policy = ExponentialBuilder::new()
            .with_factor(3.0)
            .with_min_delay(self.retry.first_pause)
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(self.retry.times)
            .with_jitter();
        let started = Instant::now();
        let mut paused = false;
        let proven = self.proven.load(Ordering::Relaxed);
        // Once seen, another attempt's vaguer error does not hide it.
        let speaks_otherwise = AtomicBool::new(false);
        let reply = (|| Self::once(deadline, call(request.clone())))
            .retry(policy)
            .when(|error| {
                let foreign = !proven && foreign::speaks_another_protocol(error);
                speaks_otherwise.fetch_or(foreign, Ordering::Relaxed);
                error.is_retryable() && !foreign
            })
            .adjust(|error, pause| {
                let pause = match error {
                    _ if !proven && started.elapsed() > UNPROVEN_PATIENCE => None,
                    NetworkError::RateLimited(_) if paused => None,
                    NetworkError::RateLimited(_) => {
                        paused = true;
                        pause.map(|jitter| self.retry.rate_limit_pause + jitter)
                    }
                    _ => pause,
                };
                pause.filter(|pause| started.elapsed() + *pause <= self.retry.total)
            })
            .notify(|error, pause| {
                tracing::debug!(
                    code = error.code(),
                    pause_ms = pause.as_millis(),
                    "call failed, trying again"
                );
            })
            .await;
        match reply {
            Ok(reply) => {
                self.proven.store(true, Ordering::Relaxed);
                Ok(reply)
            }
            Err(error)
                if speaks_otherwise.into_inner()
                    || !proven && foreign::answers_otherwise(&self.config, &error).await =>
            {
                Err(NetworkError::NotXmtp(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// Welcomes in parts of at most [`WELCOMES_PER_CALL`] and [`PAYLOAD_LIMIT`] bytes.
    async fn send_welcome_part(
        &self,
        messages: Vec<WelcomeMessageInput>,
    ) -> Result<(), NetworkError> {
        let request = SendWelcomeMessagesRequest { messages };
        self.unary(self.timeouts.upload, request, |request| {
            let mut mls = self.mls.clone();
            async move { mls.send_welcome_messages(request).await }
        })
        .await?;
        Ok(())
    }

    /// The request of a [`Network::check`] to the identity service, and what it says.
    async fn check_identity(&self) -> Result<(), NetworkError> {
        let nobody = format!("0x{}", "0".repeat(40));
        let request = GetInboxIdsRequest {
            requests: vec![get_inbox_ids_request::Request {
                identifier: nobody,
                identifier_kind: IdentifierKind::Ethereum.into(),
            }],
        };
        let mut identity = self.identity.clone();
        let reply = Self::once(self.timeouts.call, identity.get_inbox_ids(request)).await?;
        reply::same_count(1, reply.responses.len())
    }

    async fn check_mls(&self) -> Result<(), NetworkError> {
        let request = FetchKeyPackagesRequest {
            installation_keys: vec![vec![0; 32]],
        };
        let mut mls = self.mls.clone();
        let reply = Self::once(self.timeouts.call, mls.fetch_key_packages(request)).await?;
        reply::same_count(1, reply.key_packages.len())
    }
}

/// Splits a list so that no part has more than `count` items or, unless it is a single item, more
/// than [`PAYLOAD_LIMIT`] bytes.
fn parts<T: Message>(items: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let size = item.encoded_len();
        match parts.last_mut() {
            Some(part) if part.len() < count && bytes + size <= PAYLOAD_LIMIT => {
                bytes += size;
                part.push(item);
            }
            _ => {
                bytes = size;
                parts.push(vec![item]);
            }
        }
    }
    parts
}

/// A page size that nodes take.
const fn page_limit(limit: u32) -> u32 {
    if limit == 0 || limit > PAGE_LIMIT {
        PAGE_LIMIT
    } else {
        limit
    }
}

/// Ascending from `after_id`.
fn paging(after_id: u64, limit: u32) -> Option<PagingInfo> {
    Some(PagingInfo {
        direction: SortDirection::Ascending.into(),
        limit,
        id_cursor: after_id,
    })
}

#[async_trait]
impl Network for GrpcNetwork {
    async fn check(&self) -> Result<(), NetworkError> {
        let outcome = match self.check_identity().await {
            Ok(()) => self.check_mls().await,
            refused => refused,
        };
        outcome.map_err(|error| {
            if foreign::is_foreign(&error) {
                NetworkError::NotXmtp(error.to_string())
            } else {
                error
            }
        })
    }

    async fn file_server(&self) -> Result<Option<FileServer>, NetworkError> {
        self.announced_files().await
    }

    async fn upload_key_package(&self, key_package: Vec<u8>) -> Result<(), NetworkError> {
        let request = UploadKeyPackageRequest {
            key_package: Some(KeyPackageUpload {
                key_package_tls_serialized: key_package,
            }),
            is_inbox_id_credential: true,
        };
        self.unary(self.timeouts.call, request, |request| {
            let mut mls = self.mls.clone();
            async move { mls.upload_key_package(request).await }
        })
        .await?;
        Ok(())
    }

    async fn fetch_key_packages(
        &self,
        installation_keys: &[[u8; 32]],
    ) -> Result<Vec<Option<Vec<u8>>>, NetworkError> {
        // The reference node answers only the last of several equal questions (node.md 2.5).
        let mut asked: Vec<[u8; 32]> = installation_keys.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let calls = asked.chunks(KEY_PACKAGES_PER_CALL).map(|keys| {
            let keys = keys.to_vec();
            async move {
                let request = FetchKeyPackagesRequest {
                    installation_keys: keys.iter().map(|key| key.to_vec()).collect(),
                };
                let reply = self
                    .unary(self.timeouts.call, request, |request| {
                        let mut mls = self.mls.clone();
                        async move { mls.fetch_key_packages(request).await }
                    })
                    .await?;
                reply::same_count(keys.len(), reply.key_packages.len())?;
                let packages = reply
                    .key_packages
                    .into_iter()
                    .map(|package| package.key_package_tls_serialized);
                Ok::<_, NetworkError>(keys.into_iter().zip(packages).collect::<Vec<_>>())
            }
        });
        let found: Vec<Vec<([u8; 32], Vec<u8>)>> = stream::iter(calls.collect::<Vec<_>>())
            .buffered(PARALLEL_CALLS)
            .try_collect()
            .await?;
        let found: HashMap<[u8; 32], Vec<u8>> = found.into_iter().flatten().collect();
        Ok(installation_keys
            .iter()
            .map(|key| {
                found
                    .get(key)
                    .filter(|package| !package.is_empty())
                    .cloned()
            })
            .collect())
    }

    async fn send_group_messages(
        &self,
        messages: Vec<group_message_input::V1>,
    ) -> Result<(), NetworkError> {
        let messages = messages
            .into_iter()
            .map(|message| GroupMessageInput {
                version: Some(
                    conclave_proto::mls::api::v1::group_message_input::Version::V1(message),
                ),
            })
            .collect();
        // One after the other: ids must follow the order of the list.
        for messages in parts(messages, GROUP_MESSAGES_PER_CALL) {
            let request = SendGroupMessagesRequest { messages };
            self.unary(self.timeouts.upload, request, |request| {
                let mut mls = self.mls.clone();
                async move { mls.send_group_messages(request).await }
            })
            .await?;
        }
        Ok(())
    }

    async fn send_welcomes(&self, welcomes: Vec<WelcomeMessageInput>) -> Result<(), NetworkError> {
        let mut parts = parts(welcomes, WELCOMES_PER_CALL).into_iter();
        // The first part holds the pointee that all pointers lead to; the order of the others
        // does not matter.
        if let Some(first) = parts.next() {
            self.send_welcome_part(first).await?;
        }
        let calls: Vec<_> = parts.map(|part| self.send_welcome_part(part)).collect();
        stream::iter(calls)
            .buffer_unordered(PARALLEL_CALLS)
            .try_collect()
            .await
    }

    async fn query_group_messages(
        &self,
        group_id: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<group_message::V1>, NetworkError> {
        let limit = page_limit(limit);
        let request = QueryGroupMessagesRequest {
            group_id: group_id.to_vec(),
            paging_info: paging(after_id, limit),
        };
        let reply = self
            .unary(self.timeouts.upload, request, |request| {
                let mut mls = self.mls.clone();
                async move { mls.query_group_messages(request).await }
            })
            .await?;
        let messages = reply
            .messages
            .into_iter()
            .map(reply::group_message)
            .collect::<Result<_, _>>()?;
        reply::page(
            messages,
            reply.paging_info,
            after_id,
            limit,
            |message: &group_message::V1| message.id,
            |message| message.group_id == group_id,
        )
    }

    async fn query_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
        limit: u32,
    ) -> Result<Page<welcome_message::Version>, NetworkError> {
        let limit = page_limit(limit);
        let request = QueryWelcomeMessagesRequest {
            installation_key: topic.to_vec(),
            paging_info: paging(after_id, limit),
        };
        let reply = self
            .unary(self.timeouts.upload, request, |request| {
                let mut mls = self.mls.clone();
                async move { mls.query_welcome_messages(request).await }
            })
            .await?;
        let welcomes = reply
            .messages
            .into_iter()
            .map(reply::welcome)
            .collect::<Result<_, _>>()?;
        reply::page(
            welcomes,
            reply.paging_info,
            after_id,
            limit,
            |welcome| reply::welcome_parts(welcome).0,
            |welcome| reply::welcome_parts(welcome).2 == topic,
        )
    }

    async fn newest_group_messages(
        &self,
        group_ids: &[Vec<u8>],
    ) -> Result<Vec<Option<group_message::V1>>, NetworkError> {
        let calls: Vec<_> = group_ids
            .chunks(GROUPS_PER_CALL)
            .map(|ids| async move {
                let request = GetNewestGroupMessageRequest {
                    group_ids: ids.to_vec(),
                    include_content: false,
                };
                let reply = self
                    .unary(self.timeouts.call, request, |request| {
                        let mut mls = self.mls.clone();
                        async move { mls.get_newest_group_message(request).await }
                    })
                    .await?;
                reply::same_count(ids.len(), reply.responses.len())?;
                ids.iter()
                    .zip(reply.responses)
                    .map(|(id, response)| {
                        let message = response
                            .group_message
                            .map(reply::group_message)
                            .transpose()?;
                        match message {
                            Some(message) if message.group_id != *id => {
                                Err(NetworkError::reply("the newest message of another group"))
                            }
                            message => Ok(message),
                        }
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .collect();
        let newest: Vec<Vec<_>> = stream::iter(calls)
            .buffered(PARALLEL_CALLS)
            .try_collect()
            .await?;
        Ok(newest.into_iter().flatten().collect())
    }

    async fn subscribe_groups(
        &self,
        groups: Vec<(Vec<u8>, u64)>,
    ) -> Result<GroupMessageStream, NetworkError> {
        let filters = groups
            .iter()
            .map(
                |(group_id, id_cursor)| subscribe_group_messages_request::Filter {
                    group_id: group_id.clone(),
                    id_cursor: *id_cursor,
                },
            )
            .collect();
        let mut mls = self.mls.clone();
        let call = mls.subscribe_group_messages(SubscribeGroupMessagesRequest { filters });
        let rows = Self::once(self.timeouts.call, call).await?;
        let mut marks = Marks::new(groups);
        Ok(until_error(rows, move |row| {
            let message = reply::group_message(row)?;
            let new = marks.advance(&message.group_id, message.id)?;
            Ok(new.then_some(message))
        }))
    }

    async fn subscribe_welcomes(
        &self,
        topic: &[u8],
        after_id: u64,
    ) -> Result<WelcomeStream, NetworkError> {
        let filters = vec![subscribe_welcome_messages_request::Filter {
            installation_key: topic.to_vec(),
            id_cursor: after_id,
        }];
        let mut mls = self.mls.clone();
        let call = mls.subscribe_welcome_messages(SubscribeWelcomeMessagesRequest { filters });
        let rows = Self::once(self.timeouts.call, call).await?;
        let mut marks = Marks::new([(topic.to_vec(), after_id)]);
        Ok(until_error(rows, move |row| {
            let welcome = reply::welcome(row)?;
            let (id, _, topic) = reply::welcome_parts(&welcome);
            let new = marks.advance(topic, id)?;
            Ok(new.then_some(welcome))
        }))
    }

    async fn publish_identity_update(&self, update: IdentityUpdate) -> Result<(), NetworkError> {
        let request = PublishIdentityUpdateRequest {
            identity_update: Some(update.clone()),
        };
        let outcome = self
            .unary(self.timeouts.call, request, |request| {
                let mut identity = self.identity.clone();
                async move { identity.publish_identity_update(request).await }
            })
            .await;
        let Err(error) = outcome else {
            return Ok(());
        };
        // A lost reply and a second attempt look like a replay to the node: what counts is
        // whether the update is in the log (node.md 11).
        let log = self
            .identity_updates(&[(update.inbox_id.clone(), 0)])
            .await
            .unwrap_or_default();
        if log.iter().flatten().any(|entry| entry.update == update) {
            Ok(())
        } else {
            Err(error)
        }
    }

    async fn identity_updates(
        &self,
        inboxes: &[(String, u64)],
    ) -> Result<Vec<Vec<LoggedUpdate>>, NetworkError> {
        let calls: Vec<_> = inboxes
            .chunks(INBOXES_PER_CALL)
            .map(|inboxes| async move {
                let request = GetIdentityUpdatesRequest {
                    requests: inboxes
                        .iter()
                        .map(|(inbox_id, after)| get_identity_updates_request::Request {
                            inbox_id: inbox_id.clone(),
                            sequence_id: *after,
                        })
                        .collect(),
                };
                let reply = self
                    .unary(self.timeouts.call, request, |request| {
                        let mut identity = self.identity.clone();
                        async move { identity.get_identity_updates(request).await }
                    })
                    .await?;
                reply::same_count(inboxes.len(), reply.responses.len())?;
                inboxes
                    .iter()
                    .zip(reply.responses)
                    .map(|((inbox_id, after), response)| {
                        reply::identity_log(response, inbox_id, *after)
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .collect();
        let logs: Vec<Vec<_>> = stream::iter(calls)
            .buffered(PARALLEL_CALLS)
            .try_collect()
            .await?;
        Ok(logs.into_iter().flatten().collect())
    }

    async fn inbox_ids(
        &self,
        identifiers: &[(String, IdentifierKind)],
    ) -> Result<Vec<Option<String>>, NetworkError> {
        let calls: Vec<_> = identifiers
            .chunks(INBOXES_PER_CALL)
            .map(|identifiers| async move {
                let request = GetInboxIdsRequest {
                    requests: identifiers
                        .iter()
                        .map(|(identifier, kind)| get_inbox_ids_request::Request {
                            identifier: identifier.clone(),
                            identifier_kind: (*kind).into(),
                        })
                        .collect(),
                };
                let reply = self
                    .unary(self.timeouts.call, request, |request| {
                        let mut identity = self.identity.clone();
                        async move { identity.get_inbox_ids(request).await }
                    })
                    .await?;
                reply::same_count(identifiers.len(), reply.responses.len())?;
                identifiers
                    .iter()
                    .zip(reply.responses)
                    .map(|((identifier, _), response)| reply::inbox_id(response, identifier))
                    .collect::<Result<Vec<_>, _>>()
            })
            .collect();
        let ids: Vec<Vec<_>> = stream::iter(calls)
            .buffered(PARALLEL_CALLS)
            .try_collect()
            .await?;
        Ok(ids.into_iter().flatten().collect())
    }

    async fn verify_smart_contract_signature(
        &self,
        account_id: &str,
        hash: [u8; 32],
        signature: &[u8],
        block_number: Option<u64>,
    ) -> Result<WalletVerdict, NetworkError> {
        let request = VerifySmartContractWalletSignaturesRequest {
            signatures: vec![VerifySmartContractWalletSignatureRequestSignature {
                account_id: account_id.to_owned(),
                block_number,
                signature: signature.to_vec(),
                hash: hash.to_vec(),
            }],
        };
        let reply = self
            .unary(self.timeouts.call, request, |request| {
                let mut identity = self.identity.clone();
                async move {
                    identity
                        .verify_smart_contract_wallet_signatures(request)
                        .await
                }
            })
            .await?;
        let mut responses = reply.responses.into_iter();
        let (Some(response), None) = (responses.next(), responses.next()) else {
            return Err(NetworkError::reply("not one answer to one signature"));
        };
        match response.error {
            // Filled only where the check itself failed (identity.md 3.3).
            Some(error) if !error.is_empty() => Err(NetworkError::WalletUnchecked(error)),
            _ => Ok(WalletVerdict {
                is_valid: response.is_valid,
                block_number: response.block_number,
            }),
        }
    }

    async fn batch_publish_commit_log(
        &self,
        entries: Vec<PublishCommitLogRequest>,
    ) -> Result<(), NetworkError> {
        for requests in parts(entries, COMMIT_LOG_ENTRIES_PER_CALL) {
            let request = BatchPublishCommitLogRequest { requests };
            self.unary(self.timeouts.call, request, |request| {
                let mut mls = self.mls.clone();
                async move { mls.batch_publish_commit_log(request).await }
            })
            .await?;
        }
        Ok(())
    }

    async fn batch_query_commit_log(
        &self,
        groups: &[(Vec<u8>, u64)],
    ) -> Result<Vec<Page<CommitLogEntry>>, NetworkError> {
        let calls: Vec<_> = groups
            .chunks(COMMIT_LOG_GROUPS_PER_CALL)
            .map(|groups| async move {
                let request = BatchQueryCommitLogRequest {
                    requests: groups
                        .iter()
                        .map(|(group_id, after)| QueryCommitLogRequest {
                            group_id: group_id.clone(),
                            paging_info: paging(*after, PAGE_LIMIT),
                        })
                        .collect(),
                };
                let reply = self
                    .unary(self.timeouts.call, request, |request| {
                        let mut mls = self.mls.clone();
                        async move { mls.batch_query_commit_log(request).await }
                    })
                    .await?;
                reply::same_count(groups.len(), reply.responses.len())?;
                groups
                    .iter()
                    .zip(reply.responses)
                    .map(|((group_id, after), response)| {
                        reply::commit_log(response, group_id, *after)
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .collect();
        let logs: Vec<Vec<_>> = stream::iter(calls)
            .buffered(PARALLEL_CALLS)
            .try_collect()
            .await?;
        Ok(logs.into_iter().flatten().collect())
    }
}

/// The rows of a stream as `read` understands them, without those that it drops, up to and
/// including the first error: what follows nonsense cannot be trusted.
fn until_error<R, T>(
    rows: impl stream::Stream<Item = Result<R, Status>> + Send + 'static,
    mut read: impl FnMut(R) -> Result<Option<T>, NetworkError> + Send + 'static,
) -> stream::BoxStream<'static, Result<T, NetworkError>>
where
    R: Send + 'static,
    T: Send + 'static,
{
    rows.map(move |row| {
        row.map_err(NetworkError::from)
            .and_then(&mut read)
            .transpose()
    })
    .filter_map(ready)
    .scan(false, |failed, row| {
        let before = std::mem::replace(failed, row.is_err());
        ready((!before).then_some(row))
    })
    .boxed()
}
