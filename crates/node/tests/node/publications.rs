//! What publishers may send, and what they get for anything else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_proto::mls::api::v1::{
    GroupMessageInput, SendGroupMessagesRequest, SendWelcomeMessagesRequest, WelcomeMessageInput,
    welcome_message, welcome_message_input,
};
use tonic::Code;

use crate::peer::{APPLICATION, Peer, group, node, pointer, private_message, welcome};

#[derive(serde::Deserialize)]
struct Vectors {
    messages: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    group_id: String,
    is_commit: bool,
    data: String,
}

/// Messages of the official SDK come back byte for byte, each in its group, commits marked.
#[tokio::test]
async fn messages_of_official_clients_are_kept_as_they_are() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../vectors/group_messages.json")).unwrap();
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let mut groups: Vec<&str> = Vec::new();
    for vector in &vectors.messages {
        alix.send(STANDARD.decode(&vector.data).unwrap())
            .await
            .unwrap();
        if !groups.contains(&vector.group_id.as_str()) {
            groups.push(&vector.group_id);
        }
    }
    let mut commits = 0;
    for name in groups {
        let expected: Vec<_> = vectors
            .messages
            .iter()
            .filter(|vector| vector.group_id == name)
            .collect();
        let stored = alix.sync(&hex::decode(name).unwrap()).await;
        assert_eq!(stored.len(), expected.len());
        for (stored, expected) in stored.iter().zip(expected) {
            assert_eq!(stored.data, STANDARD.decode(&expected.data).unwrap());
            assert_eq!(stored.is_commit, expected.is_commit);
            commits += usize::from(stored.is_commit);
        }
    }
    assert!(commits > 0);
    node.shutdown().await;
}

async fn refused(alix: &mut Peer, messages: Vec<GroupMessageInput>, text: &str) {
    let error = alix
        .mls
        .send_group_messages(SendGroupMessagesRequest { messages })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.message().contains(text), "{}", error.message());
}

#[tokio::test]
async fn group_messages_are_checked_before_anything_is_stored() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let good = || private_message(&group(1), APPLICATION, b"good");
    refused(&mut alix, vec![], "no group messages to send").await;
    let versionless = GroupMessageInput { version: None };
    refused(&mut alix, vec![versionless], "invalid group message").await;
    let (key_package, _) = crate::peer::key_package(openmls::prelude::Lifetime::default());
    let wrapped_key_package = [[0, 1, 0, 5].as_slice(), &key_package].concat();
    let mut other_version = good();
    other_version[1] = 2;
    let long_group = private_message(&[1; 65], APPLICATION, b"x");
    let mut cut = good();
    cut.pop();
    for (data, text) in [
        (vec![], "message is empty"),
        (b"rubbish".to_vec(), "invalid group message: "),
        (cut, "invalid group message: "),
        (other_version, "invalid group message: "),
        (wrapped_key_package, "only public and private messages"),
        (private_message(b"", APPLICATION, b"x"), "group id is empty"),
        (
            private_message(&group(1), 9, b"x"),
            "invalid group message: ",
        ),
        (long_group, "longer than 64 bytes"),
        (
            private_message(&group(1), APPLICATION, &vec![0; 4 * 1024 * 1024]),
            "more than the 4194304 bytes",
        ),
    ] {
        let messages = vec![crate::peer::input(good()), crate::peer::input(data)];
        refused(&mut alix, messages, text).await;
    }
    assert!(alix.sync(&group(1)).await.is_empty());
    // The largest that fits is taken.
    let frame = private_message(&group(1), APPLICATION, &[0; 20_000]).len() - 20_000;
    let largest = private_message(&group(1), APPLICATION, &vec![0; 4 * 1024 * 1024 - frame]);
    assert_eq!(largest.len(), 4 * 1024 * 1024);
    alix.send(largest).await.unwrap();
    node.shutdown().await;
}

fn changed(
    mut input: WelcomeMessageInput,
    change: impl FnOnce(&mut welcome_message_input::V1),
) -> WelcomeMessageInput {
    if let Some(welcome_message_input::Version::V1(v1)) = &mut input.version {
        change(v1);
    }
    input
}

fn changed_pointer(
    mut input: WelcomeMessageInput,
    change: impl FnOnce(&mut welcome_message_input::WelcomePointer),
) -> WelcomeMessageInput {
    if let Some(welcome_message_input::Version::WelcomePointer(pointer)) = &mut input.version {
        change(pointer);
    }
    input
}

#[tokio::test]
async fn welcomes_are_checked_before_anything_is_stored() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let key = [1; 32];
    let good = || welcome(&key, b"good".to_vec());
    let good_pointer = || pointer(&key, b"good pointer".to_vec());
    let error = alix
        .mls
        .send_welcome_messages(SendWelcomeMessagesRequest { messages: vec![] })
        .await
        .unwrap_err();
    assert_eq!(error.message(), "no welcome messages to send");
    for (bad, text) in [
        (WelcomeMessageInput { version: None }, "missing version"),
        (
            changed(good(), |v1| v1.data.clear()),
            "invalid welcome message",
        ),
        (
            changed(good(), |v1| v1.hpke_public_key.clear()),
            "invalid welcome message",
        ),
        (
            changed(good(), |v1| v1.installation_key.clear()),
            "invalid welcome message",
        ),
        (
            changed(good(), |v1| v1.installation_key = vec![1; 31]),
            "31 bytes long, not 32",
        ),
        (
            changed(good(), |v1| v1.welcome_metadata = vec![1; 20_000]),
            "longer than",
        ),
        (
            changed_pointer(good_pointer(), |p| p.welcome_pointer.clear()),
            "invalid welcome pointer message",
        ),
        (
            changed_pointer(good_pointer(), |p| p.hpke_public_key.clear()),
            "invalid welcome pointer message",
        ),
        (
            changed_pointer(good_pointer(), |p| p.installation_key = vec![1; 33]),
            "33 bytes long, not 32",
        ),
        (
            changed_pointer(good_pointer(), |p| p.wrapper_algorithm = 1),
            "invalid welcome pointer wrapper algorithm: 1",
        ),
    ] {
        let error = alix.send_welcomes(vec![good(), bad]).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(text), "{}", error.message());
    }
    assert!(alix.welcomes(&key).await.is_empty());
    node.shutdown().await;
}

#[tokio::test]
async fn an_unknown_wrapper_algorithm_becomes_one_that_clients_know() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let key = [1; 32];
    for (number, algorithm) in [(0u8, 0), (1, 1), (2, 2), (3, 3), (4, 77)] {
        let input = changed(welcome(&key, vec![number]), |v1| {
            v1.wrapper_algorithm = algorithm;
            if algorithm == 3 {
                v1.hpke_public_key.clear();
            }
        });
        alix.send_welcomes(vec![input]).await.unwrap();
    }
    let algorithms: Vec<i32> = alix
        .welcomes(&key)
        .await
        .into_iter()
        .map(|message| match message.version {
            Some(welcome_message::Version::V1(v1)) => v1.wrapper_algorithm,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(algorithms, [1, 1, 2, 3, 1]);
    node.shutdown().await;
}

/// `node.md` 12, 11.
#[tokio::test]
async fn large_welcomes_pass_and_requests_beyond_the_limit_do_not() {
    const MIB: usize = 1024 * 1024;
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let key = [2; 32];
    for size in [9_000_000, 24 * MIB, 26 * MIB] {
        alix.send_welcomes(vec![welcome(&key, vec![3; size])])
            .await
            .unwrap();
    }
    let error = alix
        .send_welcomes(vec![welcome(&key, vec![3; 30 * MIB])])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    // Read back page by page: a page ends before it is too large for clients.
    let mut sizes = Vec::new();
    let mut cursor = 0;
    loop {
        let request = conclave_proto::mls::api::v1::QueryWelcomeMessagesRequest {
            installation_key: key.to_vec(),
            paging_info: Some(crate::peer::ascending(cursor)),
        };
        let reply = alix
            .mls
            .query_welcome_messages(request)
            .await
            .unwrap()
            .into_inner();
        for message in reply.messages {
            let Some(welcome_message::Version::V1(v1)) = message.version else {
                panic!("no welcome")
            };
            sizes.push(v1.data.len());
        }
        cursor = reply.paging_info.unwrap().id_cursor;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(sizes, [9_000_000, 24 * MIB, 26 * MIB]);
    node.shutdown().await;
}
