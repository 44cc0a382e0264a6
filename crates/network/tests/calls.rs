//! Unary calls: repeats, deadlines, splitting, and nodes that are not there.

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

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_network::{GrpcNetwork, Network, NetworkError, NodeConfig, StatusCode, Timeouts};
use conclave_proto::identity::api::v1 as identity;
use conclave_proto::identity::associations::{IdentifierKind, IdentityUpdate};
use conclave_proto::mls::api::v1 as mls;
use conclave_proto::mls::message_contents::CommitLogEntry;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::Status;

/// A node that answers uploads as `make` says for each attempt, from 1 on.
async fn uploads(
    make: impl Fn(usize) -> Result<(), Status> + Send + Sync + 'static,
) -> (Node, GrpcNetwork, Count) {
    let count = Count::default();
    let seen = count.clone();
    let (node, client) = client(Stub {
        upload_key_package: always(move |_| make(seen.next())),
        ..Stub::default()
    })
    .await;
    (node, client, count)
}

#[tokio::test]
async fn calls_are_repeated_where_that_helps() {
    for status in [
        Status::unavailable("restarting"),
        Status::aborted("again"),
        Status::internal("disk"),
    ] {
        let failing = status.clone();
        let (_node, client, count) = uploads(move |attempt| {
            if attempt < 3 {
                Err(failing.clone())
            } else {
                Ok(())
            }
        })
        .await;
        assert_eq!(client.upload_key_package(vec![1]).await, Ok(()), "{status}");
        assert_eq!(count.get(), 3, "{status}");
    }
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    for status in [
        Status::invalid_argument("no"),
        Status::permission_denied("request blocked"),
        Status::unimplemented("no"),
        Status::unknown("inbox log is full"),
        Status::failed_precondition("no"),
    ] {
        let refusing = status.clone();
        let (_node, client, count) = uploads(move |_| Err(refusing.clone())).await;
        let error = client.upload_key_package(vec![1]).await.unwrap_err();
        let expected = NetworkError::Rejected {
            code: status.code(),
            message: status.message().to_owned(),
        };
        assert_eq!(error, expected);
        assert!(!error.is_retryable());
        assert_eq!(count.get(), 1);
    }
}

#[tokio::test]
async fn repeats_are_bounded() {
    let (_node, client, count) = uploads(|_| Err(Status::unavailable("down"))).await;
    let error = client.upload_key_package(vec![1]).await.unwrap_err();
    assert_eq!(error, NetworkError::Unreachable("down".to_owned()));
    assert!(error.is_retryable());
    assert_eq!(count.get(), 4);
}

#[tokio::test]
async fn a_node_that_asks_for_a_pause_gets_a_long_one_once() {
    let limited = || Err(Status::resource_exhausted("1 exceeds rate limit"));
    let started = Instant::now();
    let (_node, client, count) =
        uploads(move |attempt| if attempt == 1 { limited() } else { Ok(()) }).await;
    assert_eq!(client.upload_key_package(vec![1]).await, Ok(()));
    assert_eq!(count.get(), 2);
    assert!(started.elapsed() >= Duration::from_millis(200));

    let (_node, client, count) = uploads(move |_| limited()).await;
    let error = client.upload_key_package(vec![1]).await.unwrap_err();
    assert_eq!(error.code(), "node_rate_limited");
    assert_eq!(count.get(), 2);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_given_up() {
    let node = Node::start(Stub {
        upload_key_package: answer(|_| pending()),
        ..Stub::default()
    })
    .await;
    let mut config = config(node.url());
    config.timeouts.call = Duration::from_millis(60);
    config.retry.times = 1;
    let client = GrpcNetwork::connect(&config).unwrap();
    let started = Instant::now();
    assert_eq!(
        client.upload_key_package(vec![1]).await,
        Err(NetworkError::Timeout)
    );
    // Two attempts, no more.
    assert!(started.elapsed() >= Duration::from_millis(120));
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// A port on which nobody listens.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_node_that_is_not_there_is_unreachable() {
    let port = closed_port().await;
    for url in [
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        "http://node.conclave.invalid:80".to_owned(),
    ] {
        let client = GrpcNetwork::connect(&config(url.clone())).unwrap();
        for error in [
            client.upload_key_package(vec![1]).await.unwrap_err(),
            client.check().await.unwrap_err(),
            client.subscribe_groups(vec![]).await.err().unwrap(),
        ] {
            assert!(
                matches!(error, NetworkError::Unreachable(_)),
                "{url}: {error:?}"
            );
            assert!(error.is_retryable());
        }
    }
}

#[tokio::test]
async fn a_client_works_once_the_node_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
    assert!(client.upload_key_package(vec![1]).await.is_err());
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let _node = Node::start_on(
        listener,
        Stub {
            upload_key_package: always(|_| Ok(())),
            ..Stub::default()
        },
    );
    assert_eq!(client.upload_key_package(vec![1]).await, Ok(()));
}

/// Reads what a client sends first, answers `reply` and closes.
async fn blunt_server(reply: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 1024]).await;
            let _ = socket.write_all(reply).await;
        }
    });
    port
}

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_try() {
    let port = blunt_server(b"").await;
    let client = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
    let error = client.upload_key_package(vec![1]).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

/// Whether the words of the other end or the break of the connection are noticed first is chance, so
/// it is tried many times.
#[tokio::test]
async fn a_web_site_that_hangs_up_at_once_is_named_so_by_any_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 8]).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    for _ in 0..20 {
        let client = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
        let error = client.upload_key_package(vec![1]).await.unwrap_err();
        assert_eq!(error.code(), "not_xmtp_node", "{error:?}");
    }
}

#[tokio::test]
async fn something_else_than_a_node_is_named_so() {
    let port = blunt_server(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let web = GrpcNetwork::connect(&config(format!("http://127.0.0.1:{port}"))).unwrap();
    // A gRPC server without our services, and one of which only half is there.
    let (_other, other) = client(Stub::default()).await;
    let (_half, half) = client(Stub {
        get_inbox_ids: always(|_| {
            Ok(identity::GetInboxIdsResponse {
                responses: vec![Default::default()],
            })
        }),
        ..Stub::default()
    })
    .await;
    let (_nonsense, nonsense) = client(Stub {
        get_inbox_ids: always(|_| Ok(identity::GetInboxIdsResponse { responses: vec![] })),
        ..Stub::default()
    })
    .await;
    for client in [web, other, half, nonsense] {
        let error = client.check().await.unwrap_err();
        assert_eq!(error.code(), "not_xmtp_node", "{error:?}");
    }
}

#[tokio::test]
async fn a_node_is_recognised_and_told_who_we_are() {
    let headers = Arc::new(Mutex::new(Vec::new()));
    let seen = headers.clone();
    let node = Node::start(Stub {
        headers: Box::new(move |metadata| {
            let text = |name: &str| metadata.get(name).unwrap().to_str().unwrap().to_owned();
            seen.lock()
                .unwrap()
                .push((text("x-app-version"), text("x-libxmtp-version")));
        }),
        get_inbox_ids: always(|request: identity::GetInboxIdsRequest| {
            Ok(identity::GetInboxIdsResponse {
                responses: vec![Default::default(); request.requests.len()],
            })
        }),
        fetch_key_packages: always(|request: mls::FetchKeyPackagesRequest| {
            Ok(mls::FetchKeyPackagesResponse {
                key_packages: vec![Default::default(); request.installation_keys.len()],
            })
        }),
        ..Stub::default()
    })
    .await;
    let client = GrpcNetwork::connect(&NodeConfig {
        app_version: "spec/1".to_owned(),
        ..config(node.url())
    })
    .unwrap();
    assert_eq!(client.check().await, Ok(()));
    let headers = headers.lock().unwrap();
    assert_eq!(headers.len(), 2);
    for (app, library) in headers.iter() {
        assert_eq!(app, "spec/1");
        assert!(library.starts_with("conclave-"));
    }
}

#[tokio::test]
async fn bad_configurations_are_refused() {
    let code = |config: NodeConfig| GrpcNetwork::connect(&config).unwrap_err().code();
    assert_eq!(code(NodeConfig::new("node")), "invalid_node_url");
    let line_break = NodeConfig {
        app_version: "a\nb".to_owned(),
        ..NodeConfig::new("http://127.0.0.1:1")
    };
    assert_eq!(code(line_break), "invalid_app_version");
    assert_eq!(Timeouts::default().connect, Duration::from_secs(10));
}

/// Sizes of the requests a node got, in the order they came.
#[derive(Clone, Default)]
struct Sizes(Arc<Mutex<Vec<usize>>>);

impl Sizes {
    fn push(&self, size: usize) {
        self.0.lock().unwrap().push(size);
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn sorted(&self) -> Vec<usize> {
        let mut sizes = self.take();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}

fn welcome_input(bytes: usize) -> mls::WelcomeMessageInput {
    mls::WelcomeMessageInput {
        version: Some(mls::welcome_message_input::Version::V1(
            mls::welcome_message_input::V1 {
                installation_key: vec![7; 32],
                data: vec![1; bytes],
                ..Default::default()
            },
        )),
    }
}

#[tokio::test]
async fn long_lists_are_split_as_nodes_take_them() {
    let sizes = Sizes::default();
    let [welcomes, messages, log, queries, newest, inboxes] = [(); 6].map(|()| sizes.clone());
    let (_node, client) = client(Stub {
        send_welcome_messages: always(move |request: mls::SendWelcomeMessagesRequest| {
            welcomes.push(request.messages.len());
            Ok(())
        }),
        send_group_messages: always(move |request: mls::SendGroupMessagesRequest| {
            messages.push(request.messages.len());
            Ok(())
        }),
        batch_publish_commit_log: always(move |request: mls::BatchPublishCommitLogRequest| {
            log.push(request.requests.len());
            Ok(())
        }),
        batch_query_commit_log: always(move |request: mls::BatchQueryCommitLogRequest| {
            queries.push(request.requests.len());
            let responses = request
                .requests
                .into_iter()
                .map(|query| mls::QueryCommitLogResponse {
                    commit_log_entries: vec![CommitLogEntry {
                        sequence_id: u64::from(query.group_id[0]) + 1,
                        ..Default::default()
                    }],
                    group_id: query.group_id,
                    paging_info: None,
                });
            Ok(mls::BatchQueryCommitLogResponse {
                responses: responses.collect(),
            })
        }),
        get_newest_group_message: always(move |request: mls::GetNewestGroupMessageRequest| {
            newest.push(request.group_ids.len());
            assert!(!request.include_content);
            let responses = request.group_ids.iter().map(|id| {
                mls::get_newest_group_message_response::Response {
                    group_message: id[0].is_multiple_of(2).then(|| group_message(id, 1)),
                }
            });
            Ok(mls::GetNewestGroupMessageResponse {
                responses: responses.collect(),
            })
        }),
        get_identity_updates: always(move |request: identity::GetIdentityUpdatesRequest| {
            inboxes.push(request.requests.len());
            let responses = request.requests.into_iter().map(|request| {
                identity::get_identity_updates_response::Response {
                    updates: vec![identity::get_identity_updates_response::IdentityUpdateLog {
                        sequence_id: request.sequence_id + 1,
                        server_timestamp_ns: 5,
                        update: Some(IdentityUpdate {
                            inbox_id: request.inbox_id.clone(),
                            ..Default::default()
                        }),
                    }],
                    inbox_id: request.inbox_id,
                }
            });
            Ok(identity::GetIdentityUpdatesResponse {
                responses: responses.collect(),
            })
        }),
        ..Stub::default()
    })
    .await;

    client
        .send_welcomes(vec![welcome_input(10); 120])
        .await
        .unwrap();
    assert_eq!(sizes.sorted(), [50, 50, 20]);
    // 25 MiB per call.
    client
        .send_welcomes(vec![welcome_input(9_000_000); 5])
        .await
        .unwrap();
    assert_eq!(sizes.sorted(), [2, 2, 1]);
    client.send_welcomes(vec![]).await.unwrap();
    assert_eq!(sizes.take(), [0; 0]);

    let message = mls::group_message_input::V1 {
        data: vec![1],
        ..Default::default()
    };
    client.send_group_messages(vec![message; 60]).await.unwrap();
    assert_eq!(sizes.take(), [50, 10]);

    client
        .batch_publish_commit_log(vec![Default::default(); 25])
        .await
        .unwrap();
    assert_eq!(sizes.take(), [10, 10, 5]);

    let groups: Vec<_> = (0..45).map(|n| (vec![n; 16], u64::from(n))).collect();
    let logs = client.batch_query_commit_log(&groups).await.unwrap();
    assert_eq!(sizes.sorted(), [20, 20, 5]);
    let ids: Vec<_> = logs.iter().map(|page| page.items[0].sequence_id).collect();
    assert_eq!(ids, (1..=45).collect::<Vec<_>>());

    let groups: Vec<_> = (0..2100_u32).map(|n| n.to_le_bytes().to_vec()).collect();
    let newest = client.newest_group_messages(&groups).await.unwrap();
    assert_eq!(sizes.sorted(), [1000, 1000, 100]);
    for (group, newest) in groups.iter().zip(newest) {
        assert_eq!(newest.is_some(), group[0] % 2 == 0);
        assert!(newest.is_none_or(|message| message.group_id == *group));
    }

    let inboxes: Vec<_> = (0..120).map(|n| (format!("{n}"), n)).collect();
    let logs = client.identity_updates(&inboxes).await.unwrap();
    assert_eq!(sizes.sorted(), [50, 50, 20]);
    for ((inbox_id, after), log) in inboxes.iter().zip(logs) {
        assert_eq!(
            (log[0].sequence_id, &log[0].update.inbox_id),
            (after + 1, inbox_id)
        );
    }
}

#[tokio::test]
async fn large_messages_pass_and_too_large_ones_are_not_sent() {
    let (_node, client) = client(Stub {
        upload_key_package: always(|_| Ok(())),
        query_welcome_messages: always(|request: mls::QueryWelcomeMessagesRequest| {
            let mut large = welcome(&request.installation_key, 1);
            if let Some(mls::welcome_message::Version::V1(welcome)) = &mut large.version {
                welcome.data = vec![3; usize::from(request.installation_key[0]) * 1024 * 1024];
            }
            Ok(mls::QueryWelcomeMessagesResponse {
                messages: vec![large],
                paging_info: None,
            })
        }),
        ..Stub::default()
    })
    .await;
    let mib = 1024 * 1024;
    client.upload_key_package(vec![1; 25 * mib]).await.unwrap();
    let error = client
        .upload_key_package(vec![1; 27 * mib])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "request_too_large");
    assert_eq!(
        client
            .query_welcomes(&[25], 0, 100)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let error = client.query_welcomes(&[27], 0, 100).await.unwrap_err();
    assert_eq!(error.code(), "node_reply", "{error}");
}

#[tokio::test]
async fn key_packages_come_in_the_order_asked_for() {
    let (_node, client) = client(Stub {
        fetch_key_packages: always(|request: mls::FetchKeyPackagesRequest| {
            let key_packages = request.installation_keys.into_iter().map(|key| {
                // The installation that begins with 0 has none.
                let key_package_tls_serialized = if key[0] == 0 { vec![] } else { key };
                mls::fetch_key_packages_response::KeyPackage {
                    key_package_tls_serialized,
                }
            });
            Ok(mls::FetchKeyPackagesResponse {
                key_packages: key_packages.collect(),
            })
        }),
        ..Stub::default()
    })
    .await;
    let asked = [[9; 32], [0; 32], [3; 32], [9; 32]];
    let found = client.fetch_key_packages(&asked).await.unwrap();
    let package = |key: u8| Some(vec![key; 32]);
    assert_eq!(found, [package(9), None, package(3), package(9)]);
    assert_eq!(client.fetch_key_packages(&[]).await, Ok(vec![]));
}

#[tokio::test]
async fn an_update_that_is_in_the_log_counts_as_published() {
    let stored = IdentityUpdate {
        inbox_id: "a".to_owned(),
        client_timestamp_ns: 1,
        ..Default::default()
    };
    let log = stored.clone();
    let count = Count::default();
    let seen = count.clone();
    let (_node, client) = client(Stub {
        publish_identity_update: always(move |_| {
            seen.next();
            Err(Status::invalid_argument("Replay detected"))
        }),
        get_identity_updates: always(move |request: identity::GetIdentityUpdatesRequest| {
            Ok(identity::GetIdentityUpdatesResponse {
                responses: vec![identity::get_identity_updates_response::Response {
                    inbox_id: request.requests[0].inbox_id.clone(),
                    updates: vec![identity::get_identity_updates_response::IdentityUpdateLog {
                        sequence_id: 1,
                        server_timestamp_ns: 1,
                        update: Some(log.clone()),
                    }],
                }],
            })
        }),
        ..Stub::default()
    })
    .await;
    assert_eq!(client.publish_identity_update(stored.clone()).await, Ok(()));
    let other = IdentityUpdate {
        client_timestamp_ns: 2,
        ..stored
    };
    let error = client.publish_identity_update(other).await.unwrap_err();
    let refused = NetworkError::Rejected {
        code: StatusCode::InvalidArgument,
        message: "Replay detected".to_owned(),
    };
    assert_eq!(error, refused);
    assert_eq!(count.get(), 2);
}

#[tokio::test]
async fn inboxes_and_wallet_verdicts_are_handed_on() {
    let inbox = "ab".repeat(32);
    let known = inbox.clone();
    let (_node, client) = client(Stub {
        get_inbox_ids: always(move |request: identity::GetInboxIdsRequest| {
            let responses = request.requests.into_iter().map(|request| {
                identity::get_inbox_ids_response::Response {
                    inbox_id: (request.identifier_kind == 1).then(|| known.clone()),
                    identifier: request.identifier,
                    identifier_kind: 0,
                }
            });
            Ok(identity::GetInboxIdsResponse {
                responses: responses.collect(),
            })
        }),
        verify_smart_contract_wallet_signatures: always(
            |request: identity::VerifySmartContractWalletSignaturesRequest| {
                use identity::verify_smart_contract_wallet_signatures_response::ValidationResponse;
                let [signature] = request.signatures.as_slice() else {
                    return Err(Status::invalid_argument("one"));
                };
                let error = signature
                    .signature
                    .is_empty()
                    .then(|| "verifier not present for chain ID".to_owned());
                let responses = vec![ValidationResponse {
                    is_valid: signature.hash == [4; 32],
                    block_number: Some(9),
                    error,
                }];
                Ok(identity::VerifySmartContractWalletSignaturesResponse { responses })
            },
        ),
        ..Stub::default()
    })
    .await;
    let asked = [
        ("0x1".to_owned(), IdentifierKind::Ethereum),
        ("02".to_owned(), IdentifierKind::Passkey),
    ];
    assert_eq!(client.inbox_ids(&asked).await, Ok(vec![Some(inbox), None]));
    let verify = async |hash: u8, signature: &[u8]| {
        client
            .verify_smart_contract_signature("eip155:1:0x1", [hash; 32], signature, None)
            .await
    };
    assert!(verify(4, &[1]).await.unwrap().is_valid);
    assert!(!verify(5, &[1]).await.unwrap().is_valid);
    let error = verify(4, &[]).await.unwrap_err();
    assert_eq!(error.code(), "wallet_unchecked");
    assert!(error.is_retryable());
}
