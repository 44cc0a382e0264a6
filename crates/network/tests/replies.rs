//! Nodes that answer nonsense.

// Test code: a panic is how it fails, and each file uses its part of the support module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code
)]

mod support;

use conclave_network::{Network, NetworkError, PAGE_LIMIT, Page};
use conclave_proto::identity::api::v1 as identity;
use conclave_proto::identity::api::v1::get_identity_updates_response::{
    IdentityUpdateLog, Response as LogResponse,
};
use conclave_proto::identity::associations::{IdentifierKind, IdentityUpdate};
use conclave_proto::mls::api::v1 as mls;
use conclave_proto::mls::message_contents::CommitLogEntry;
use support::*;

const GROUP: &[u8] = &[7; 16];
const OTHER: &[u8] = &[8; 16];

fn paging(id_cursor: u64) -> Option<mls::PagingInfo> {
    Some(mls::PagingInfo {
        direction: 1,
        limit: 100,
        id_cursor,
    })
}

async fn query(
    messages: Vec<mls::GroupMessage>,
    paging_info: Option<mls::PagingInfo>,
    after_id: u64,
    limit: u32,
) -> Result<Page<mls::group_message::V1>, NetworkError> {
    let (_node, client) = client(Stub {
        query_group_messages: always(move |request: mls::QueryGroupMessagesRequest| {
            let asked = request.paging_info.unwrap();
            assert_eq!((asked.direction, asked.id_cursor), (1, after_id));
            assert!((1..=PAGE_LIMIT).contains(&asked.limit));
            Ok(mls::QueryGroupMessagesResponse {
                messages: messages.clone(),
                paging_info,
            })
        }),
        ..Stub::default()
    })
    .await;
    client.query_group_messages(GROUP, after_id, limit).await
}

fn rows(ids: impl IntoIterator<Item = u64>) -> Vec<mls::GroupMessage> {
    ids.into_iter().map(|id| group_message(GROUP, id)).collect()
}

#[tokio::test]
async fn pages_say_whether_there_is_more() {
    for (count, paging, limit, more) in [
        (100, paging(100), 100, true),
        (100, paging(100), 0, true),
        (100, paging(100), 5000, true),
        (100, paging(0), 100, false),
        (100, None, 100, false),
        (99, paging(99), 100, false),
        (20, paging(20), 20, true),
        (0, paging(0), 100, false),
    ] {
        let page = query(rows(1..=count), paging, 0, limit).await.unwrap();
        assert_eq!((page.items.len() as u64, page.more), (count, more));
    }
}

#[tokio::test]
async fn pages_that_cannot_be_are_refused() {
    let mut late = rows([1]);
    if let Some(mls::group_message::Version::V1(message)) = &mut late[0].version {
        message.created_ns = u64::MAX;
    }
    for (messages, after, limit) in [
        (rows([2, 1]), 0, 100),
        (rows([1, 1]), 0, 100),
        (rows([5]), 5, 100),
        (rows([4]), 5, 100),
        (rows([0]), 0, 100),
        (rows([u64::MAX]), 0, 100),
        (rows(1..=101), 0, 100),
        (rows(1..=2), 0, 1),
        (vec![group_message(OTHER, 1)], 0, 100),
        (vec![mls::GroupMessage { version: None }], 0, 100),
        (late, 0, 100),
    ] {
        let error = query(messages, None, after, limit).await.unwrap_err();
        assert_eq!(error.code(), "node_reply");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn welcomes_are_checked_alike() {
    let pointer = |topic: &[u8], id| mls::WelcomeMessage {
        version: Some(mls::welcome_message::Version::WelcomePointer(
            mls::welcome_message::WelcomePointer {
                id,
                installation_key: topic.to_vec(),
                ..Default::default()
            },
        )),
    };
    for (welcomes, good) in [
        (vec![welcome(GROUP, 1), pointer(GROUP, 2)], true),
        (vec![pointer(GROUP, 2), welcome(GROUP, 1)], false),
        (vec![pointer(OTHER, 1)], false),
        (vec![welcome(OTHER, 1)], false),
        (vec![pointer(GROUP, 0)], false),
        (vec![mls::WelcomeMessage { version: None }], false),
    ] {
        let (_node, client) = client(Stub {
            query_welcome_messages: always(move |_| {
                Ok(mls::QueryWelcomeMessagesResponse {
                    messages: welcomes.clone(),
                    paging_info: None,
                })
            }),
            ..Stub::default()
        })
        .await;
        let outcome = client.query_welcomes(GROUP, 0, 100).await;
        assert_eq!(
            outcome.as_ref().map_err(NetworkError::code).err(),
            (!good).then_some("node_reply")
        );
    }
}

#[tokio::test]
async fn answers_match_questions() {
    let message = |group: &[u8]| mls::get_newest_group_message_response::Response {
        group_message: Some(group_message(group, 1)),
    };
    let cases = [
        vec![],
        vec![message(OTHER)],
        vec![message(GROUP); 2],
        vec![mls::get_newest_group_message_response::Response {
            group_message: Some(mls::GroupMessage { version: None }),
        }],
    ];
    for responses in cases {
        let packages = vec![Default::default(); responses.len() * 2];
        let entries = vec![
            mls::QueryCommitLogResponse {
                group_id: OTHER.to_vec(),
                ..Default::default()
            };
            responses.len()
        ];
        let (_node, client) = client(Stub {
            get_newest_group_message: always(move |_| {
                Ok(mls::GetNewestGroupMessageResponse {
                    responses: responses.clone(),
                })
            }),
            fetch_key_packages: always(move |_| {
                Ok(mls::FetchKeyPackagesResponse {
                    key_packages: packages.clone(),
                })
            }),
            batch_query_commit_log: always(move |_| {
                Ok(mls::BatchQueryCommitLogResponse {
                    responses: entries.clone(),
                })
            }),
            ..Stub::default()
        })
        .await;
        let code = |error: NetworkError| error.code();
        assert_eq!(
            client
                .newest_group_messages(&[GROUP.to_vec()])
                .await
                .map_err(code),
            Err("node_reply")
        );
        assert_eq!(
            client.fetch_key_packages(&[[1; 32]]).await.map_err(code),
            Err("node_reply")
        );
        assert_eq!(
            client
                .batch_query_commit_log(&[(GROUP.to_vec(), 0)])
                .await
                .map_err(code),
            Err("node_reply")
        );
    }
}

#[tokio::test]
async fn commit_logs_ascend() {
    for (ids, good) in [
        (vec![3, 4], true),
        (vec![4, 3], false),
        (vec![2], false),
        (vec![u64::MAX], false),
    ] {
        let (_node, client) = client(Stub {
            batch_query_commit_log: always(move |_| {
                let entry = |id: &u64| CommitLogEntry {
                    sequence_id: *id,
                    ..Default::default()
                };
                Ok(mls::BatchQueryCommitLogResponse {
                    responses: vec![mls::QueryCommitLogResponse {
                        group_id: GROUP.to_vec(),
                        commit_log_entries: ids.iter().map(entry).collect(),
                        paging_info: None,
                    }],
                })
            }),
            ..Stub::default()
        })
        .await;
        let outcome = client.batch_query_commit_log(&[(GROUP.to_vec(), 2)]).await;
        assert_eq!(outcome.is_ok(), good);
    }
}

#[tokio::test]
async fn identity_answers_are_checked() {
    let entry = |sequence_id, update: Option<IdentityUpdate>| IdentityUpdateLog {
        sequence_id,
        server_timestamp_ns: 1,
        update,
    };
    let some = || Some(IdentityUpdate::default());
    let of = |inbox_id: &str, updates: Vec<IdentityUpdateLog>| LogResponse {
        inbox_id: inbox_id.to_owned(),
        updates,
    };
    for (responses, good) in [
        (
            vec![of("a", vec![entry(6, some()), entry(7, some())])],
            true,
        ),
        (vec![of("a", vec![])], true),
        (vec![], false),
        (vec![of("a", vec![]), of("a", vec![])], false),
        (vec![of("b", vec![])], false),
        (vec![of("a", vec![entry(5, some())])], false),
        (
            vec![of("a", vec![entry(7, some()), entry(6, some())])],
            false,
        ),
        (vec![of("a", vec![entry(6, None)])], false),
        (vec![of("a", vec![entry(u64::MAX, some())])], false),
    ] {
        let (_node, client) = client(Stub {
            get_identity_updates: always(move |_| {
                Ok(identity::GetIdentityUpdatesResponse {
                    responses: responses.clone(),
                })
            }),
            ..Stub::default()
        })
        .await;
        let outcome = client.identity_updates(&[("a".to_owned(), 5)]).await;
        assert_eq!(
            outcome.err().map(|error| error.code()),
            (!good).then_some("node_reply")
        );
    }
    for (identifier, inbox_id) in [
        ("0x2", None),
        ("0x1", Some("short".to_owned())),
        ("0x1", Some("AB".repeat(32))),
    ] {
        let (_node, client) = client(Stub {
            get_inbox_ids: always(move |_| {
                Ok(identity::GetInboxIdsResponse {
                    responses: vec![identity::get_inbox_ids_response::Response {
                        identifier: identifier.to_owned(),
                        inbox_id: inbox_id.clone(),
                        identifier_kind: 0,
                    }],
                })
            }),
            ..Stub::default()
        })
        .await;
        let asked = [("0x1".to_owned(), IdentifierKind::Ethereum)];
        assert_eq!(
            client.inbox_ids(&asked).await.unwrap_err().code(),
            "node_reply"
        );
    }
    let (_node, client) = client(Stub {
        verify_smart_contract_wallet_signatures: always(|_| {
            Ok(identity::VerifySmartContractWalletSignaturesResponse { responses: vec![] })
        }),
        ..Stub::default()
    })
    .await;
    let outcome = client
        .verify_smart_contract_signature("eip155:1:0x1", [0; 32], &[], None)
        .await;
    assert_eq!(outcome.unwrap_err().code(), "node_reply");
}

/// A reply whose frame is in order and whose content is no protobuf.
#[tokio::test]
async fn bytes_that_are_no_protobuf_are_refused() {
    use std::convert::Infallible;
    use tonic::codegen::{Body, StdError, http};

    #[derive(Clone)]
    struct Garbage;

    impl tonic::server::NamedService for Garbage {
        const NAME: &'static str = "xmtp.mls.api.v1.MlsApi";
    }

    impl<B: Body + Send + 'static> tonic::codegen::Service<http::Request<B>> for Garbage
    where
        B::Error: Into<StdError>,
    {
        type Response = http::Response<tonic::body::Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<B>) -> Self::Future {
            // One frame of three bytes: a field of wire type 7, which does not exist.
            let frame = "\0\0\0\0\u{3}\u{f}\u{f}\u{f}";
            let body = tonic::body::Body::new(frame.to_owned());
            let reply = http::Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "0")
                .body(body)
                .unwrap();
            std::future::ready(Ok(reply))
        }
    }

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(Garbage)
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    let client = conclave_network::GrpcNetwork::connect(&config(url)).unwrap();
    let error = client.fetch_key_packages(&[[1; 32]]).await.unwrap_err();
    assert_eq!(error.code(), "node_reply", "{error:?}");
}
