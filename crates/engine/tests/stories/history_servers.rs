//! Servers that lie about the archives they keep, archives that are none, and answers that nobody asked
//! for.

use std::time::Duration;

use conclave_content::{
    archive::{ArchiveKey, ArchiveWriter, Metadata},
    device_sync::{DeviceSync, FileFacts, HistoryReply},
};
use conclave_engine::{EngineError, GroupId, TransferState, TransferStep};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    actor::{Actor, Town},
    device_sync::{counted, inside},
    history::{
        ask, at, code, ended, everything, laptop_with_a_past, overview, phase, spooled, take_in,
        transfer,
    },
    hostile::Hostile,
};

/// A server that answers each request for a file by the next of these, and then by the last again.
struct Server {
    url: String,
    requests: tokio::sync::mpsc::UnboundedReceiver<String>,
}

/// What a server says it has, and what it sends.
#[derive(Clone)]
enum Answer {
    /// The whole file, or the part that was asked for.
    File(Vec<u8>),
    /// Only the first bytes of what it says it sends.
    Cut(Vec<u8>, usize),
    Gone,
    /// It is somewhere else.
    Elsewhere(String),
}

impl Server {
    async fn with(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/files/1", listener.local_addr().unwrap());
        let (told, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut last = answers.next().unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let byte = stream.read_u8().await.unwrap();
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                let from = head
                    .split_once("range: bytes=")
                    .map(|(_, rest)| rest.split_once('-').unwrap().0.parse().unwrap());
                let _ = told.send(head.clone());
                let (bytes, sent) = match &last {
                    Answer::File(bytes) => (bytes.clone(), bytes.len()),
                    Answer::Cut(bytes, sent) => (bytes.clone(), *sent),
                    Answer::Gone | Answer::Elsewhere(_) => {
                        let head = match &last {
                            Answer::Elsewhere(url) => format!("302 Found\r\nlocation: {url}"),
                            _ => "404 Not Found".to_owned(),
                        };
                        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                        last = answers.next().unwrap_or(last);
                        continue;
                    }
                };
                let from: usize = from.unwrap_or(0);
                let rest = &bytes[from.min(bytes.len())..];
                let status = match from {
                    0 => "200 OK".to_owned(),
                    _ => format!(
                        "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
                        bytes.len() - 1,
                        bytes.len()
                    ),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    rest.len()
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                let sent = sent.saturating_sub(from).min(rest.len());
                let _ = stream.write_all(&rest[..sent]).await;
                let _ = stream.shutdown().await;
                last = answers.next().unwrap_or(last);
            }
        });
        Self { url, requests }
    }
}

const KEY: [u8; 32] = [4; 32];

/// An archive of nothing, of so many bytes about.
fn archive(of: &str, padding: usize) -> Vec<u8> {
    let metadata = Metadata {
        exported_at_ns: 5,
        ..Metadata::default()
    };
    let key = ArchiveKey::new(KEY);
    let mut writer = ArchiveWriter::new(&key, [1; 12], &metadata, false).unwrap();
    for number in 0..padding {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let piece = conclave_content::archive::ArchivedPiece {
            message_id: id,
            position: 0,
            name: "nothing".into(),
            media_type: String::new(),
            size: 512,
            offset: 0,
            bytes: vec![0; 512],
        };
        let piece = conclave_content::archive::Element::Piece(piece);
        writer.write(&piece).unwrap();
    }
    writer.finish(of).unwrap()
}

/// A reply to a request, or to none, about this file.
fn reply(pin: &str, url: &str, file: Option<&[u8]>) -> Vec<u8> {
    DeviceSync::Reply(HistoryReply {
        pin: pin.to_owned(),
        url: url.to_owned(),
        key: ArchiveKey::new(KEY),
        metadata: Some(Metadata {
            exported_at_ns: 5,
            ..Metadata::default()
        }),
        file: file.map(|bytes| FileFacts {
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
            conversations: 0,
            messages: 0,
        }),
    })
    .encode()
}

/// A phone that asked, and a laptop of the same person that answers whatever a story wants.
async fn asked(town: &Town) -> (Actor, Hostile, GroupId, String) {
    let (laptop, phone, _, _, _) = laptop_with_a_past(town).await;
    let pin = ask(&phone, everything(), &[&laptop]).await;
    let laptop = Hostile::of(laptop, town).await;
    let group_id = laptop.sync_groups().await.remove(0);
    (phone, laptop, group_id, pin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ours_is_asked_only_once_the_person_allows_it() {
    let town = Town::new().await;
    let (phone, laptop, group_id, pin) = asked(&town).await;
    let whole = archive(&phone.inbox_id(), 4);
    let mut server = Server::with(vec![Answer::File(whole.clone())]).await;
    laptop
        .says(&group_id, reply(&pin, &server.url, Some(&whole)))
        .await;
    take_in(&phone).await;
    let ready = transfer(&phone, &pin).await;
    assert_eq!(ready.phase, at(TransferStep::Ready));
    assert!(ready.is_foreign_server);
    assert!(server.url.contains(&ready.server));
    let refused = phone.client().take_history(&pin, false).await.unwrap_err();
    assert_eq!(refused.code(), "history_server");
    assert!(refused.to_string().contains(&ready.server));
    assert!(server.requests.try_recv().is_err(), "nobody asked it");
    phone.client().take_history(&pin, true).await.unwrap();
    take_in(&phone).await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_lies_about_is_noticed_and_what_it_stops_goes_on() {
    let town = Town::new().await;
    let (phone, laptop, group_id, pin) = asked(&town).await;
    let own = phone.inbox_id();
    let whole = archive(&own, 200);
    let other = archive(&own, 199);
    let mut damaged = whole.clone();
    damaged[5000] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    let answers = [
        Answer::File(other),
        Answer::File(longer),
        Answer::File(damaged),
        Answer::Gone,
        Answer::Elsewhere("https://files.example/1".into()),
        // It stops midway, twice, and then has the rest.
        Answer::Cut(whole.clone(), 3000),
        Answer::Cut(whole.clone(), 20_000),
        Answer::File(whole.clone()),
    ];
    let mut server = Server::with(answers.to_vec()).await;
    laptop
        .says(&group_id, reply(&pin, &server.url, Some(&whole)))
        .await;
    phone.sync().await;
    let before = phone.listed(&[]).await;
    for expected in [
        "history_other_file",
        "history_other_file",
        "history_other_file",
        "attachment_gone",
        "url_refused",
    ] {
        phone.client().take_history(&pin, true).await.unwrap();
        phone.client().carry_history().await.unwrap();
        assert_eq!(phase(&phone, &pin).await, ended(TransferState::Failed));
        assert_eq!(code(&phone, &pin).await, expected);
        assert_eq!(phone.listed(&[]).await, before);
        while server.requests.try_recv().is_ok() {}
    }
    phone.client().take_history(&pin, true).await.unwrap();
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    let mut ranges = Vec::new();
    while let Ok(request) = server.requests.try_recv() {
        let range = request.lines().find(|line| line.starts_with("range:"));
        ranges.push(range.map(str::to_owned));
    }
    let expected = [None, Some(3000), Some(20_000)];
    let expected = expected.map(|from| from.map(|from| format!("range: bytes={from}-")));
    assert_eq!(ranges, expected);
    assert_eq!(spooled(&phone), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_cut_foreign_or_under_another_key_changes_nothing() {
    let town = Town::new().await;
    let (phone, laptop, group_id, pin) = asked(&town).await;
    let own = phone.inbox_id();
    let whole = archive(&own, 3);
    phone.sync().await;
    let before = phone.listed(&[]).await;
    let mut wrong_key = ArchiveWriter::new(
        &ArchiveKey::new([5; 32]),
        [1; 12],
        &Metadata::default(),
        false,
    )
    .unwrap();
    let begun = wrong_key.take();
    let wrong_key = [begun, wrong_key.finish(&own).unwrap()].concat();
    for (file, expected) in [
        (whole[..whole.len() - 1].to_vec(), "archive_truncated"),
        (archive(&"a".repeat(64), 0), "archive_foreign"),
        (wrong_key, "archive_wrong_key"),
        (
            b"Dear diary, today nothing happened".to_vec(),
            "not_an_archive",
        ),
    ] {
        let server = Server::with(vec![Answer::File(file.clone())]).await;
        // As other apps reply: without a digest.
        laptop.says(&group_id, reply(&pin, &server.url, None)).await;
        phone.sync().await;
        phone.client().take_history(&pin, true).await.unwrap();
        phone.client().carry_history().await.unwrap();
        assert_eq!(phase(&phone, &pin).await, ended(TransferState::Failed));
        assert_eq!(code(&phone, &pin).await, expected);
        assert_eq!(phone.listed(&[]).await, before);
        assert_eq!(spooled(&phone), 0);
    }
    // Another reply to the same request, and it is well.
    let server = Server::with(vec![Answer::File(whole)]).await;
    laptop.says(&group_id, reply(&pin, &server.url, None)).await;
    phone.sync().await;
    phone.client().take_history(&pin, true).await.unwrap();
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    assert_eq!(transfer(&phone, &pin).await.is_official, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_nobody_asked_for_is_offered_and_a_second_answer_is_not_taken() {
    let town = Town::new().await;
    let (mut phone, laptop, group_id, pin) = asked(&town).await;
    let whole = archive(&phone.inbox_id(), 1);
    let server = Server::with(vec![Answer::File(whole.clone())]).await;
    laptop
        .says(&group_id, reply("123", &server.url, Some(&whole)))
        .await;
    take_in(&phone).await;
    let shown = overview(&phone).await;
    assert_eq!(shown.archives.len(), 1);
    let offered = &shown.archives[0];
    assert_eq!((offered.pin.as_str(), offered.exported_at_ns), ("123", 5));
    assert_eq!(offered.installation_id, laptop.id());
    assert_eq!(phase(&phone, &pin).await, at(TransferStep::Waiting));
    phone.client().take_history("123", true).await.unwrap();
    take_in(&phone).await;
    assert_eq!(phase(&phone, "123").await, ended(TransferState::Done));
    assert!(overview(&phone).await.archives.is_empty());

    laptop
        .says(&group_id, reply("456", &server.url, Some(&whole)))
        .await;
    phone.sync().await;
    phone.client().cancel_history("456").await.unwrap();
    let refused: EngineError = phone.client().take_history("456", true).await.unwrap_err();
    assert_eq!(refused.code(), "history_not_now");

    for _ in 0..2 {
        laptop
            .says(&group_id, reply(&pin, &server.url, Some(&whole)))
            .await;
    }
    phone.sync().await;
    phone.client().take_history(&pin, true).await.unwrap();
    take_in(&phone).await;
    laptop
        .says(&group_id, reply(&pin, &server.url, Some(&whole)))
        .await;
    phone.sync().await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    assert_eq!(counted(&mut phone, &town, "history_reply_again").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_failed_can_be_tried_again_for_a_week_and_leaves_no_key_then() {
    let town = Town::new().await;
    let (mut phone, laptop, group_id, pin) = asked(&town).await;
    let server = Server::with(vec![Answer::Gone]).await;
    laptop.says(&group_id, reply(&pin, &server.url, None)).await;
    phone.sync().await;
    phone.client().take_history(&pin, true).await.unwrap();
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Failed));
    phone.wait(Duration::from_secs(6 * 24 * 3600));
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Failed));
    phone.wait(Duration::from_secs(2 * 24 * 3600));
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Expired));
    let late = phone.client().take_history(&pin, true).await.unwrap_err();
    assert_eq!(late.code(), "history_not_now");
    let key = inside(&mut phone, &town, move |reader| {
        Ok(reader.transfer(&pin)?.unwrap().archive_key)
    });
    assert!(key.await.is_none());
}
