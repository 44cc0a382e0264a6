//! Which services answer, and how browsers reach them.

use conclave_proto::migration::api::v1::d14n_migration_api_client::D14nMigrationApiClient;
use conclave_proto::mls::api::v1::{
    GetIdentityUpdatesRequest, QueryGroupMessagesRequest, QueryGroupMessagesResponse,
    RevokeInstallationRequest, SubscribeGroupMessagesRequest, subscribe_group_messages_request,
};
use prost::Message;
use tonic::Code;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

use crate::peer::{APPLICATION, Peer, channel, group, http, node, private_message};

/// `node.md` 12, 19.
#[tokio::test]
async fn health_is_serving() {
    let node = node().await;
    let mut health = HealthClient::new(channel(&node.url()).await);
    let reply = health.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(reply.into_inner().status, 1);
    let reply = http()
        .get(format!("http://{}/health", node.http_addr))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    let reply = http()
        .get(format!("http://{}/other", node.http_addr))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 404);
    node.shutdown().await;
}

#[tokio::test]
async fn what_the_node_does_not_do_is_unimplemented() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let revoke = alix
        .mls
        .revoke_installation(RevokeInstallationRequest::default())
        .await;
    assert_eq!(revoke.unwrap_err().code(), Code::Unimplemented);
    let updates = alix
        .mls
        .get_identity_updates(GetIdentityUpdatesRequest::default())
        .await;
    assert_eq!(updates.unwrap_err().code(), Code::Unimplemented);
    for path in [
        "/xmtp.mls.api.v1.MlsApi/Subscribe",
        "/xmtp.mls.api.v1.MlsApi/NoSuchMethod",
        "/xmtp.xmtpv4.message_api.ReplicationApi/QueryEnvelopes",
    ] {
        let mut client = Grpc::new(channel(&node.url()).await);
        client.ready().await.unwrap();
        let codec: ProstCodec<(), ()> = ProstCodec::default();
        let reply = client
            .unary(
                tonic::Request::new(()),
                PathAndQuery::from_static(path),
                codec,
            )
            .await;
        assert_eq!(reply.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn the_network_is_never_cut_over() {
    let node = node().await;
    let mut client = D14nMigrationApiClient::new(channel(&node.url()).await);
    let reply = client.fetch_d14n_cutover(()).await.unwrap().into_inner();
    assert_eq!(reply.timestamp_ns, 9_223_372_036_854_775_807);
    node.shutdown().await;
}

/// One message in a frame of gRPC-web: a flag byte, four bytes of length, the message.
fn frame(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    frame.extend(bytes);
    frame
}

fn from_browser(url: &str, method: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
    http()
        .post(format!("{url}/xmtp.mls.api.v1.MlsApi/{method}"))
        .header("origin", "https://example.org")
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .body(body)
}

/// `node.md` 12, 18, and 5.4.
#[tokio::test]
async fn browsers_ask_before_they_call() {
    let node = node().await;
    let reply = http()
        .request(
            reqwest::Method::OPTIONS,
            format!("{}/xmtp.mls.api.v1.MlsApi/QueryGroupMessages", node.url()),
        )
        .header("origin", "https://example.org")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-grpc-web,x-app-version",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-allow-methods"), "POST");
    assert_eq!(
        header("access-control-allow-headers"),
        "content-type,x-grpc-web,grpc-timeout,x-user-agent,x-libxmtp-version,x-app-version"
    );
    node.shutdown().await;
}

#[tokio::test]
async fn browsers_can_query() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let data = private_message(&group(1), APPLICATION, b"hello");
    alix.send(data.clone()).await.unwrap();
    let request = QueryGroupMessagesRequest {
        group_id: group(1),
        paging_info: None,
    };
    let reply = from_browser(&node.url(), "QueryGroupMessages", frame(&request))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    let exposed = reply.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert_eq!(exposed, "grpc-status,grpc-message,grpc-status-details-bin");
    assert_eq!(reply.headers()["access-control-allow-origin"], "*");
    let body = reply.bytes().await.unwrap();
    let length = usize::try_from(u32::from_be_bytes(body[1..5].try_into().unwrap())).unwrap();
    let message = QueryGroupMessagesResponse::decode(&body[5..5 + length]).unwrap();
    let found = message.messages.into_iter().next().unwrap();
    assert_eq!(crate::peer::v1(found).data, data);
    // The trailers are the last frame.
    let trailers = &body[5 + length..];
    assert_eq!(trailers[0], 0x80);
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));
    node.shutdown().await;
}

#[tokio::test]
async fn browsers_can_stream() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let request = SubscribeGroupMessagesRequest {
        filters: vec![subscribe_group_messages_request::Filter {
            group_id: group(1),
            id_cursor: 0,
        }],
    };
    let mut reply = from_browser(&node.url(), "SubscribeGroupMessages", frame(&request))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["subscribed"], "true");
    for text in [b"one", b"two"] {
        alix.send(private_message(&group(1), APPLICATION, text))
            .await
            .unwrap();
        let chunk = reply.chunk().await.unwrap().unwrap();
        assert!(chunk.windows(3).any(|window| window == text));
    }
    node.shutdown().await;
}
