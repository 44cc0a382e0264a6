//! `./dev bench node`: a node in this process over a real file, clients on loopback.
//!
//! Prints how many messages a second 1, 16 and 128 writers publish, each waiting for its answer,
//! with the latency of an answer; and how long a message takes to reach 1,000 subscribers.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its results and stops at the first surprise"
)]

use std::time::{Duration, Instant};

use conclave_node::{Config, Database, Node, Running};
use conclave_proto::mls::api::v1::mls_api_client::MlsApiClient;
use conclave_proto::mls::api::v1::subscribe_group_messages_request::Filter;
use conclave_proto::mls::api::v1::{
    GroupMessage, GroupMessageInput, SendGroupMessagesRequest, SubscribeGroupMessagesRequest,
    group_message_input,
};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// How long each number of writers publishes.
const PUBLISHING: Duration = Duration::from_secs(8);

const SUBSCRIBERS: usize = 1_000;

/// Messages that all subscribers get, one after the other.
const FAN_OUT: u64 = 30;

/// Bytes of a message, that of a short text under MLS.
const CONTENT: usize = 400;

fn main() {
    // `cargo bench` says so; `cargo test --all-targets` wants no benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(Config {
            database: Database::Sqlite(folder.path().join("node.db")),
            ..Config::temporary()
        })
        .await
        .unwrap();
        println!("publishing, {CONTENT} bytes a message, each writer waits for its answer");
        println!(
            "{:>8} {:>12} {:>10} {:>10}",
            "writers", "messages/s", "p50 ms", "p99 ms"
        );
        for writers in [1, 16, 128] {
            publish(&node, writers).await;
        }
        println!();
        fan_out(&node).await;
        node.shutdown().await;
    });
}

async fn client(node: &Running) -> MlsApiClient<Channel> {
    let endpoint = Endpoint::from_shared(node.url()).unwrap();
    MlsApiClient::new(endpoint.connect().await.unwrap())
}

/// A PrivateMessage (RFC 9420 section 6.3) of a group.
fn message(group: &[u8; 16], number: u64) -> SendGroupMessagesRequest {
    let mut data = vec![0, 1, 0, 2, 16];
    data.extend(group);
    data.extend([0; 8]);
    data.extend([1, 0, 1, 0]);
    data.extend((u16::try_from(CONTENT).unwrap() | 0x4000).to_be_bytes());
    data.extend(number.to_be_bytes());
    data.resize(data.len() + CONTENT - 8, 0xaa);
    let v1 = group_message_input::V1 {
        data,
        sender_hmac: vec![0; 32],
        should_push: true,
    };
    SendGroupMessagesRequest {
        messages: vec![GroupMessageInput {
            version: Some(group_message_input::Version::V1(v1)),
        }],
    }
}

async fn publish(node: &Running, writers: u8) {
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let mut client = client(node).await;
        tasks.push(tokio::spawn(async move {
            let group = [writer; 16];
            let mut latencies = Vec::new();
            let mut number = u64::from(writers) << 32;
            while begin.elapsed() < PUBLISHING {
                let asked = Instant::now();
                client
                    .send_group_messages(message(&group, number))
                    .await
                    .unwrap();
                latencies.push(asked.elapsed());
                number += 1;
            }
            latencies
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    let took = begin.elapsed().as_secs_f64();
    let rate = latencies.len() as f64 / took;
    println!(
        "{writers:>8} {rate:>12.0} {:>10.2} {:>10.2}",
        percentile(&mut latencies, 50),
        percentile(&mut latencies, 99)
    );
}

async fn fan_out(node: &Running) {
    let group = [0xfe; 16];
    let mut streams: Vec<Streaming<GroupMessage>> = Vec::new();
    let mut shared = client(node).await;
    for number in 0..SUBSCRIBERS {
        // A hundred streams to a connection.
        if number % 100 == 0 {
            shared = client(node).await;
        }
        let request = SubscribeGroupMessagesRequest {
            filters: vec![Filter {
                group_id: group.to_vec(),
                id_cursor: 0,
            }],
        };
        let stream = shared.subscribe_group_messages(request).await.unwrap();
        streams.push(stream.into_inner());
    }
    let (arrivals, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    for mut stream in streams {
        let arrivals = arrivals.clone();
        tokio::spawn(async move {
            while let Ok(Some(_)) = stream.message().await {
                if arrivals.send(Instant::now()).is_err() {
                    break;
                }
            }
        });
    }
    let mut writer = client(node).await;
    let mut latencies = Vec::new();
    let begin = Instant::now();
    for number in 0..FAN_OUT {
        let sent = Instant::now();
        writer
            .send_group_messages(message(&group, number))
            .await
            .unwrap();
        for _ in 0..SUBSCRIBERS {
            let at = arrived.recv().await.unwrap();
            latencies.push(at.saturating_duration_since(sent));
        }
    }
    let rate = latencies.len() as f64 / begin.elapsed().as_secs_f64();
    println!("one message to {SUBSCRIBERS} subscribers, {FAN_OUT} times");
    println!(
        "{:>12} {:>10} {:>10} {:>10}",
        "deliveries/s", "p50 ms", "p99 ms", "last ms"
    );
    println!(
        "{rate:>12.0} {:>10.2} {:>10.2} {:>10.2}",
        percentile(&mut latencies, 50),
        percentile(&mut latencies, 99),
        percentile(&mut latencies, 100)
    );
}

/// In milliseconds.
fn percentile(latencies: &mut [Duration], percent: usize) -> f64 {
    latencies.sort_unstable();
    let index = (latencies.len() * percent / 100).min(latencies.len() - 1);
    latencies.get(index).unwrap().as_secs_f64() * 1_000.0
}
