//! The messaging service (`node.md` 1.1, 2, 3, 4).

use std::pin::Pin;
use std::sync::Arc;

use conclave_proto::mls::api::v1::fetch_key_packages_response::KeyPackage;
use conclave_proto::mls::api::v1::get_newest_group_message_response::Response as NewestResponse;
use conclave_proto::mls::api::v1::mls_api_server::MlsApi;
use conclave_proto::mls::api::v1::{
    BatchPublishCommitLogRequest, BatchQueryCommitLogRequest, BatchQueryCommitLogResponse,
    FetchKeyPackagesRequest, FetchKeyPackagesResponse, GetIdentityUpdatesRequest,
    GetIdentityUpdatesResponse, GetNewestGroupMessageRequest, GetNewestGroupMessageResponse,
    GroupMessage, KeyPackageUpload, PagingInfo, QueryCommitLogRequest, QueryCommitLogResponse,
    QueryGroupMessagesRequest, QueryGroupMessagesResponse, QueryWelcomeMessagesRequest,
    QueryWelcomeMessagesResponse, RegisterInstallationRequest, RegisterInstallationResponse,
    RevokeInstallationRequest, SendGroupMessagesRequest, SendWelcomeMessagesRequest, SortDirection,
    SubscribeGroupMessagesRequest, SubscribeWelcomeMessagesRequest, UploadKeyPackageRequest,
    WelcomeMessage,
};
use futures::Stream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::limits::{COMMIT_LOG_QUERIES, ITEMS, PAGE_ROWS};
use crate::live::Live;
use crate::parse;
use crate::storage::{Direction, NewKeyPackage, Page, Storage, TopicCursor};

mod feed;
mod publication;

use feed::Feed;

/// The messaging service over a storage.
pub(crate) struct MlsService {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) live: Arc<Live>,
    /// Cancelled when the node stops; ends the streams.
    pub(crate) stopping: CancellationToken,
}

type MessageStream<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

impl MlsService {
    async fn store_key_package(&self, upload: Option<KeyPackageUpload>) -> Result<Vec<u8>, Status> {
        let key_package = upload
            .ok_or_else(|| Status::invalid_argument("no key package"))?
            .key_package_tls_serialized;
        let installation_key = parse::key_package(&key_package)
            .map_err(|error| Status::invalid_argument(format!("invalid identity: {error}")))?;
        self.storage
            .put_key_package(NewKeyPackage {
                installation_key: installation_key.clone(),
                key_package,
            })
            .await?;
        Ok(installation_key)
    }
}

/// The stream as an answer whose headers leave at once: clients resolve the call only then
/// (`node.md` 4.1).
fn subscribed<M>(feed: Feed<M>) -> Response<MessageStream<M>>
where
    M: feed::Streamed,
{
    let mut response = Response::new(feed.into_stream());
    response
        .metadata_mut()
        .insert("subscribed", MetadataValue::from_static("true"));
    response
}

/// The page that a request asks for (`node.md` 2.5), with the paging information of the reply.
fn page(info: Option<PagingInfo>) -> Page {
    let info = info.unwrap_or_default();
    Page {
        direction: match info.direction() {
            SortDirection::Ascending => Direction::Ascending,
            SortDirection::Descending | SortDirection::Unspecified => Direction::Descending,
        },
        limit: match info.limit {
            limit @ 1..=PAGE_ROWS => limit,
            _ => PAGE_ROWS,
        },
        cursor: info.id_cursor,
    }
}

fn paging_info(page: Page, next_cursor: u64) -> PagingInfo {
    let direction = match page.direction {
        Direction::Ascending => SortDirection::Ascending,
        Direction::Descending => SortDirection::Descending,
    };
    PagingInfo {
        direction: direction.into(),
        limit: page.limit,
        id_cursor: next_cursor,
    }
}

/// Refuses more items than one request may carry.
pub(crate) fn bounded_items<T>(items: &[T], what: &str) -> Result<(), Status> {
    if items.len() > ITEMS {
        return Err(Status::invalid_argument(format!(
            "{} {what} are more than the {ITEMS} of one request",
            items.len()
        )));
    }
    Ok(())
}

#[tonic::async_trait]
impl MlsApi for MlsService {
    type SubscribeGroupMessagesStream = MessageStream<GroupMessage>;
    type SubscribeWelcomeMessagesStream = MessageStream<WelcomeMessage>;

    async fn send_group_messages(
        &self,
        request: Request<SendGroupMessagesRequest>,
    ) -> Result<Response<()>, Status> {
        let messages = publication::group_messages(request.into_inner().messages)?;
        self.storage.append_group_messages(messages).await?;
        Ok(Response::new(()))
    }

    async fn send_welcome_messages(
        &self,
        request: Request<SendWelcomeMessagesRequest>,
    ) -> Result<Response<()>, Status> {
        let welcomes = publication::welcomes(request.into_inner().messages)?;
        self.storage.append_welcomes(welcomes).await?;
        Ok(Response::new(()))
    }

    async fn register_installation(
        &self,
        request: Request<RegisterInstallationRequest>,
    ) -> Result<Response<RegisterInstallationResponse>, Status> {
        let installation_key = self
            .store_key_package(request.into_inner().key_package)
            .await?;
        Ok(Response::new(RegisterInstallationResponse {
            installation_key,
        }))
    }

    async fn upload_key_package(
        &self,
        request: Request<UploadKeyPackageRequest>,
    ) -> Result<Response<()>, Status> {
        self.store_key_package(request.into_inner().key_package)
            .await?;
        Ok(Response::new(()))
    }

    async fn fetch_key_packages(
        &self,
        request: Request<FetchKeyPackagesRequest>,
    ) -> Result<Response<FetchKeyPackagesResponse>, Status> {
        let keys = request.into_inner().installation_keys;
        bounded_items(&keys, "installation keys")?;
        let found = self.storage.key_packages(keys).await?;
        let key_packages = found
            .into_iter()
            .map(|key_package| KeyPackage {
                key_package_tls_serialized: key_package.unwrap_or_default(),
            })
            .collect();
        Ok(Response::new(FetchKeyPackagesResponse { key_packages }))
    }

    async fn revoke_installation(
        &self,
        _: Request<RevokeInstallationRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("unimplemented"))
    }

    async fn get_identity_updates(
        &self,
        _: Request<GetIdentityUpdatesRequest>,
    ) -> Result<Response<GetIdentityUpdatesResponse>, Status> {
        Err(Status::unimplemented("unimplemented"))
    }

    async fn query_group_messages(
        &self,
        request: Request<QueryGroupMessagesRequest>,
    ) -> Result<Response<QueryGroupMessagesResponse>, Status> {
        let request = request.into_inner();
        if request.group_id.is_empty() {
            return Err(Status::invalid_argument("group is required"));
        }
        let page = page(request.paging_info);
        let found = self.storage.group_messages(request.group_id, page).await?;
        Ok(Response::new(QueryGroupMessagesResponse {
            messages: found.rows,
            paging_info: Some(paging_info(page, found.next_cursor)),
        }))
    }

    async fn query_welcome_messages(
        &self,
        request: Request<QueryWelcomeMessagesRequest>,
    ) -> Result<Response<QueryWelcomeMessagesResponse>, Status> {
        let request = request.into_inner();
        if request.installation_key.is_empty() {
            return Err(Status::invalid_argument("installation is required"));
        }
        let page = page(request.paging_info);
        let found = self
            .storage
            .welcomes(request.installation_key, page)
            .await?;
        Ok(Response::new(QueryWelcomeMessagesResponse {
            messages: found.rows,
            paging_info: Some(paging_info(page, found.next_cursor)),
        }))
    }

    async fn subscribe_group_messages(
        &self,
        request: Request<SubscribeGroupMessagesRequest>,
    ) -> Result<Response<Self::SubscribeGroupMessagesStream>, Status> {
        let filters = request.into_inner().filters;
        let problem = bounded_items(&filters, "filters").err().or_else(|| {
            let empty = filters.iter().any(|filter| filter.group_id.is_empty());
            empty.then(|| Status::invalid_argument("group is required"))
        });
        let topics = filters.into_iter().map(|filter| TopicCursor {
            topic: filter.group_id,
            cursor: filter.id_cursor,
        });
        Ok(subscribed(Feed::new(
            self,
            &self.live.groups,
            topics,
            problem,
        )))
    }

    async fn subscribe_welcome_messages(
        &self,
        request: Request<SubscribeWelcomeMessagesRequest>,
    ) -> Result<Response<Self::SubscribeWelcomeMessagesStream>, Status> {
        let filters = request.into_inner().filters;
        let problem = bounded_items(&filters, "filters").err().or_else(|| {
            let text = if filters.is_empty() {
                "no valid filters provided"
            } else if filters.iter().any(|f| f.installation_key.is_empty()) {
                "a filter is nil or installation key is empty"
            } else {
                return None;
            };
            Some(Status::invalid_argument(text))
        });
        let topics = filters.into_iter().map(|filter| TopicCursor {
            topic: filter.installation_key,
            cursor: filter.id_cursor,
        });
        Ok(subscribed(Feed::new(
            self,
            &self.live.welcomes,
            topics,
            problem,
        )))
    }

    async fn batch_publish_commit_log(
        &self,
        request: Request<BatchPublishCommitLogRequest>,
    ) -> Result<Response<()>, Status> {
        let entries = publication::commit_log(request.into_inner().requests)?;
        self.storage.append_commit_log(entries).await?;
        Ok(Response::new(()))
    }

    async fn batch_query_commit_log(
        &self,
        request: Request<BatchQueryCommitLogRequest>,
    ) -> Result<Response<BatchQueryCommitLogResponse>, Status> {
        let requests = request.into_inner().requests;
        if requests.is_empty() || requests.len() > COMMIT_LOG_QUERIES {
            return Err(Status::invalid_argument(format!(
                "a batch has 1 to {COMMIT_LOG_QUERIES} queries"
            )));
        }
        let queries = requests
            .into_iter()
            .map(commit_log_query)
            .collect::<Result<Vec<_>, _>>()?;
        let found = self.storage.commit_logs(queries.clone()).await?;
        let responses = queries
            .into_iter()
            .zip(found)
            .map(|((group_id, page), found)| QueryCommitLogResponse {
                group_id,
                commit_log_entries: found.rows,
                paging_info: Some(paging_info(page, found.next_cursor)),
            })
            .collect();
        Ok(Response::new(BatchQueryCommitLogResponse { responses }))
    }

    async fn get_newest_group_message(
        &self,
        request: Request<GetNewestGroupMessageRequest>,
    ) -> Result<Response<GetNewestGroupMessageResponse>, Status> {
        let request = request.into_inner();
        if request.group_ids.is_empty() {
            return Err(Status::invalid_argument("no group ids provided"));
        }
        bounded_items(&request.group_ids, "group ids")?;
        let newest = self
            .storage
            .newest_group_messages(request.group_ids, request.include_content)
            .await?;
        let responses = newest
            .into_iter()
            .map(|group_message| NewestResponse { group_message })
            .collect();
        Ok(Response::new(GetNewestGroupMessageResponse { responses }))
    }
}

/// The commit log is read in ascending order only (`node.md` 2.5).
fn commit_log_query(request: QueryCommitLogRequest) -> Result<(Vec<u8>, Page), Status> {
    if request.group_id.is_empty() {
        return Err(Status::invalid_argument("invalid request"));
    }
    let descending = request
        .paging_info
        .is_some_and(|info| info.direction() == SortDirection::Descending);
    if descending {
        return Err(Status::invalid_argument(
            "failed to query commit log: only ascending order is supported",
        ));
    }
    let page = Page {
        direction: Direction::Ascending,
        ..page(request.paging_info)
    };
    Ok((request.group_id, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(direction: i32, limit: u32) -> Page {
        page(Some(PagingInfo {
            direction,
            limit,
            id_cursor: 7,
        }))
    }

    /// `node.md` 2.5.
    #[test]
    fn only_one_is_ascending_and_limits_are_clamped() {
        assert_eq!(page(None).direction, Direction::Descending);
        assert_eq!(page(None).limit, 100);
        for (direction, expected) in [
            (0, Direction::Descending),
            (1, Direction::Ascending),
            (2, Direction::Descending),
            (3, Direction::Descending),
            (-1, Direction::Descending),
        ] {
            assert_eq!(asked(direction, 5).direction, expected, "{direction}");
        }
        for (limit, expected) in [(0, 100), (1, 1), (100, 100), (101, 100), (u32::MAX, 100)] {
            assert_eq!(asked(1, limit).limit, expected, "{limit}");
        }
        assert_eq!(asked(1, 1).cursor, 7);
    }
}
