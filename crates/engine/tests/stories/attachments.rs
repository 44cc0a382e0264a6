//! Files in messages: through the node's own file server, and through servers that lie.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use conclave_content::{Attachment, AttachmentKeys, Body, RemoteAttachment, attachment_digest};
use conclave_engine::{
    AttachmentState, AttachmentView, Client, ConsentState, Delivery, Event, GroupId, Lines, Live,
    Message, PageStart, TransferAction,
};
use conclave_node::{Config, FilesConfig, Node};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    actor::{Actor, Town, group, until},
    disk::{bytes_on_disk, found},
};

/// A picture of some size that does not compress.
fn picture(side: u32) -> Vec<u8> {
    let mut noise = 1_u32;
    let drawn = image::RgbImage::from_fn(side, side, |_, _| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [red, green, blue, _] = noise.to_be_bytes();
        image::Rgb([red, green, blue])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::from(drawn)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// Alix and Bo, who allowed each other, in a group.
async fn friends(town: &Town) -> (Actor, Actor, GroupId) {
    let (alix, bo) = (town.person("alix").await, town.person("bo").await);
    let new = group(&[bo.address()], "Pictures");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    bo.sync().await;
    allow(&bo, &alix).await;
    (alix, bo, id)
}

async fn allow(who: &Actor, whom: &Actor) {
    let inbox = whom.inbox_id();
    let allowed = ConsentState::Allowed;
    who.client()
        .set_inbox_consent(&inbox, allowed)
        .await
        .unwrap();
}

async fn prepare(client: &Client, id: &GroupId, name: &str, bytes: Vec<u8>) -> i64 {
    let prepared = client.prepare_attachment(id, name, None, bytes).await;
    prepared.unwrap().id
}

async fn send(who: &Actor, id: &GroupId, name: &str, bytes: Vec<u8>) -> Message {
    let client = who.client();
    let prepared = prepare(client, id, name, bytes).await;
    let sent = client.send_attachments(id, &[prepared], None, None).await;
    sent.unwrap()
}

async fn views(client: &Client, id: &[u8]) -> Vec<AttachmentView> {
    let message = client.message(id).await.unwrap();
    let annotated = client.annotated(vec![message]).await.unwrap();
    annotated.into_iter().next().unwrap().attachments
}

async fn state(client: &Client, id: &[u8]) -> AttachmentState {
    views(client, id).await[0].state
}

async fn until_state(client: &Client, id: &[u8], wanted: AttachmentState) {
    until("the file is where it should be", || async {
        client.message(id).await.is_ok() && state(client, id).await == wanted
    })
    .await;
}

async fn until_published(client: &Client, id: &[u8]) {
    until("the message is published", || async {
        client.message(id).await.unwrap().delivery == Delivery::Published
    })
    .await;
}

fn live(people: &[&Actor]) -> Vec<Live> {
    people
        .iter()
        .map(|person| person.client().start())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alix_sends_bo_a_small_picture_within_the_message() {
    let town = Town::new().await;
    let (alix, bo, id) = friends(&town).await;
    let small = picture(16);
    let sent = send(&alix, &id, "../Sunset\u{202e}gpj.png", small.clone()).await;
    alix.client().group_sync(&id).await.unwrap();
    bo.sync().await;
    let seen = &views(bo.client(), &sent.id).await[0];
    assert_eq!(seen.name, "Sunsetgpj.png");
    assert_eq!(seen.media_type.as_deref(), Some("image/png"));
    assert!(seen.is_inline && seen.state == AttachmentState::Stored);
    let shown = bo
        .client()
        .read_attachment(&sent.id, 0, false)
        .await
        .unwrap();
    assert_eq!(shown.bytes, small);
    let small = bo
        .client()
        .read_attachment(&sent.id, 0, true)
        .await
        .unwrap();
    assert_eq!(small.media_type, "image/jpeg");
}

#[tokio::test(flavor = "multi_thread")]
async fn alix_sends_bo_a_large_picture_through_the_node() {
    let town = Town::new().await;
    let (alix, bo, id) = friends(&town).await;
    let _live = live(&[&alix, &bo]);
    let large = picture(700);
    assert!(large.len() > 1_000_000);
    let mut events = bo.client().events();
    let sent = send(&alix, &id, "Sunset.png", large.clone()).await;
    until_published(alix.client(), &sent.id).await;
    // Bo allowed Alix, so it comes by itself.
    until_state(bo.client(), &sent.id, AttachmentState::Stored).await;
    let seen = &views(bo.client(), &sent.id).await[0];
    assert_eq!(seen.size, Some(large.len() as u64));
    assert_eq!(seen.thumbnail, Some((640, 640)));
    let shown = bo
        .client()
        .read_attachment(&sent.id, 0, false)
        .await
        .unwrap();
    assert_eq!(shown.bytes, large);
    let mut told = 0;
    while let Ok(event) = events.try_recv() {
        told += usize::from(matches!(event, Event::AttachmentProgress { .. }));
    }
    assert!(told >= 1);

    // Saved twice into a folder, and over a file.
    let folder = tempfile::tempdir().unwrap();
    for name in ["Sunset.png", "Sunset (2).png"] {
        let saved = bo
            .client()
            .save_attachment(&sent.id, 0, folder.path())
            .await;
        assert_eq!(saved.unwrap(), folder.path().join(name));
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), large);
    }
    // Deleted, its bytes are gone with it.
    bo.client().delete_message(&sent.id).await.unwrap();
    let gone = bo.client().read_attachment(&sent.id, 0, false).await;
    assert_eq!(gone.err().unwrap().code(), "unknown_message");
}

#[tokio::test(flavor = "multi_thread")]
async fn bo_is_asked_first_where_he_allowed_nobody() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("alix").await, town.person("bo").await);
    let new = group(&[bo.address()], "Strangers");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    let _live = live(&[&alix, &bo]);
    let sent = send(&alix, &id, "a.bin", vec![5; 600_000]).await;
    until_published(alix.client(), &sent.id).await;
    until_state(bo.client(), &sent.id, AttachmentState::Offered).await;
    let refused = bo.client().read_attachment(&sent.id, 0, false).await;
    assert_eq!(refused.err().unwrap().code(), "unknown_attachment");
    let start = TransferAction::Start;
    bo.client()
        .transfer_attachment(&sent.id, 0, start)
        .await
        .unwrap();
    until_state(bo.client(), &sent.id, AttachmentState::Stored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_interrupted_goes_on_after_a_restart_and_the_message_waits() {
    let town = Town::new().await;
    let (mut alix, bo, id) = friends(&town).await;
    // Known before the node goes, as in an app that was online once.
    send(&alix, &id, "first.bin", vec![1; 600_000]).await;
    alix.client().carry_transfers(None).await.unwrap();
    alix.client().group_sync(&id).await.unwrap();

    let sent = send(&alix, &id, "second.bin", vec![2; 3_000_000]).await;
    // Nothing carries it out, and the message does not go before it.
    alix.client().group_sync(&id).await.unwrap();
    let waiting = alix.client().message(&sent.id).await.unwrap();
    assert_eq!(waiting.delivery, Delivery::Unpublished);
    bo.sync().await;
    assert!(bo.client().message(&sent.id).await.is_err());

    alix.restart(&town).await;
    assert_eq!(
        state(alix.client(), &sent.id).await,
        AttachmentState::Waiting
    );
    alix.client().carry_transfers(None).await.unwrap();
    alix.client().group_sync(&id).await.unwrap();
    until_published(alix.client(), &sent.id).await;
    bo.sync().await;
    bo.client().carry_transfers(Some(&sent.id)).await.unwrap();
    until_state(bo.client(), &sent.id, AttachmentState::Stored).await;
}

/// A server whose every answer a story decides: by the head of the request.
async fn server(
    answer: impl Fn(&str) -> Vec<u8> + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match socket.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let bytes = answer(&head);
            heads.lock().unwrap().push(head);
            drop(socket.write_all(&bytes).await);
        }
    });
    (host, asked)
}

fn whole(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// What Eri announces, and what its server has.
fn announced() -> (RemoteAttachment, Vec<u8>) {
    let file = Attachment {
        name: Some("report.txt".to_owned()),
        media_type: "text/plain".to_owned(),
        bytes: b"quarterly figures".repeat(100),
    };
    let keys = AttachmentKeys::new([3; 76]);
    let sealed = file.seal(&keys).unwrap();
    let announced = RemoteAttachment {
        url: String::new(),
        digest: attachment_digest(&sealed),
        keys,
        length: u32::try_from(sealed.len()).ok(),
        name: Some("report.txt".to_owned()),
    };
    (announced, sealed)
}

/// Eri announces a file; Bo, who allowed the host, fetches it. How that ends.
async fn fetched(town: &Town, file: RemoteAttachment, host: Option<&str>) -> AttachmentView {
    let (eri, bo) = (town.person("eri").await, town.person("bo").await);
    let new = group(&[bo.address()], "Files");
    let (made, _) = eri.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    let body = Body::RemoteAttachment(Box::new(file));
    let sent = eri.client().send_body(&id, body).await.unwrap();
    eri.client().group_sync(&id).await.unwrap();
    bo.sync().await;
    if let Some(host) = host {
        bo.client().allow_host(host, true).await.unwrap();
    }
    let start = TransferAction::Start;
    bo.client()
        .transfer_attachment(&sent.id, 0, start)
        .await
        .unwrap();
    bo.client().carry_transfers(Some(&sent.id)).await.unwrap();
    views(bo.client(), &sent.id).await.remove(0)
}

fn at(host: &str, file: RemoteAttachment) -> RemoteAttachment {
    RemoteAttachment {
        url: format!("http://{host}/report"),
        ..file
    }
}

async fn refusal(file: RemoteAttachment, body: Vec<u8>) -> (AttachmentState, String) {
    let town = Town::new().await;
    let (host, _) = server(move |_| whole(&body)).await;
    let seen = fetched(&town, at(&host, file), Some(&host)).await;
    (seen.state, seen.failure.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_is_asked_once_the_person_allowed_it() {
    let town = Town::new().await;
    let (file, sealed) = announced();
    let (host, asked) = server(move |_| whole(&sealed)).await;
    let refused = fetched(&town, at(&host, file.clone()), None).await;
    assert_eq!(refused.state, AttachmentState::Refused);
    assert_eq!(refused.failure.as_deref(), Some("url_refused"));
    assert_eq!(refused.host.as_deref(), Some(host.as_str()));
    assert!(asked.lock().unwrap().is_empty());

    let town = Town::new().await;
    let seen = fetched(&town, at(&host, file), Some(&host)).await;
    assert_eq!(
        (seen.state, seen.size),
        (AttachmentState::Stored, Some(1700))
    );
    assert_eq!(seen.media_type.as_deref(), Some("text/plain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_what_was_announced_are_refused_visibly() {
    let refused = |code: &str| (AttachmentState::Refused, code.to_owned());
    let (file, sealed) = announced();
    // Other bytes of the same size.
    let mut other = sealed.clone();
    other[7] ^= 1;
    assert_eq!(
        refusal(file.clone(), other).await,
        refused("attachment_refused")
    );
    // More bytes, and fewer.
    let longer = [sealed.clone(), vec![0; 5]].concat();
    assert_eq!(
        refusal(file.clone(), longer).await,
        refused("attachment_refused")
    );
    let shorter = sealed[..sealed.len() - 1].to_vec();
    assert_eq!(
        refusal(file.clone(), shorter).await,
        refused("attachment_refused")
    );
    // Bytes without an announced size, and without end.
    let boundless = RemoteAttachment {
        length: Some(u32::MAX),
        ..file
    };
    assert_eq!(
        refusal(boundless, sealed).await,
        refused("attachment_too_large")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_says_so() {
    let town = Town::new().await;
    let (file, _) = announced();
    let gone =
        |_: &str| b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
    let (host, _) = server(gone).await;
    let seen = fetched(&town, at(&host, file), Some(&host)).await;
    assert_eq!(seen.state, AttachmentState::Failed);
    assert_eq!(seen.failure.as_deref(), Some("attachment_gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let town = Town::new().await;
    let file = Attachment {
        name: None,
        media_type: String::new(),
        bytes: vec![9; 700_000],
    };
    let keys = AttachmentKeys::new([4; 76]);
    let sealed = file.seal(&keys).unwrap();
    let announced = RemoteAttachment {
        url: String::new(),
        digest: attachment_digest(&sealed),
        keys,
        length: u32::try_from(sealed.len()).ok(),
        name: None,
    };
    let (host, asked) = server(move |head| {
        let range = head.split("range: bytes=").nth(1);
        let length = sealed.len();
        match range.and_then(|range| range.split('-').next()?.parse::<usize>().ok()) {
            // Breaks off after half.
            None => whole(&sealed)[..length / 2 + 100_000].to_vec(),
            Some(from) => {
                let head = format!(
                    "HTTP/1.1 206 P\r\ncontent-range: bytes {from}-{}/{length}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    length - 1,
                    length - from
                );
                [head.as_bytes(), &sealed[from..]].concat()
            }
        }
    })
    .await;
    let seen = fetched(&town, at(&host, announced), Some(&host)).await;
    assert_eq!(seen.state, AttachmentState::Stored);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    let from = asked[1].split("range: bytes=").nth(1);
    let from = from.and_then(|range| range.split('-').next()?.parse::<usize>().ok());
    assert!(from.is_some_and(|from| from >= 262_144), "{}", asked[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_no_such_file_fails_the_message_and_a_retry_mends_it() {
    let small = Config {
        files: FilesConfig {
            file_bytes: 1000,
            ..FilesConfig::default()
        },
        ..Config::temporary()
    };
    let town = Town {
        node: Node::start(small).await.unwrap(),
    };
    let (alix, _bo, id) = friends(&town).await;
    let sent = send(&alix, &id, "a.bin", vec![7; 600_000]).await;
    alix.client().carry_transfers(None).await.unwrap();
    let failed = alix.client().message(&sent.id).await.unwrap();
    assert_eq!(failed.delivery, Delivery::Failed);
    assert_eq!(failed.failure_code.as_deref(), Some("attachment_too_large"));
    let retried = alix.client().retry(&sent.id).await.unwrap();
    assert_eq!(retried.delivery, Delivery::Unpublished);
    assert_eq!(
        state(alix.client(), &sent.id).await,
        AttachmentState::Waiting
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_upload_waits_and_a_cancelled_one_fails_its_message() {
    let town = Town::new().await;
    let (alix, bo, id) = friends(&town).await;
    let sent = send(&alix, &id, "a.bin", vec![7; 600_000]).await;
    let transfer = |action| alix.client().transfer_attachment(&sent.id, 0, action);
    transfer(TransferAction::Pause).await.unwrap();
    alix.client().carry_transfers(None).await.unwrap();
    assert_eq!(
        state(alix.client(), &sent.id).await,
        AttachmentState::Paused
    );
    let cancelled = transfer(TransferAction::Cancel).await.unwrap();
    assert_eq!(cancelled.failure_code.as_deref(), Some("cancelled"));
    transfer(TransferAction::Start).await.unwrap();
    alix.client().carry_transfers(None).await.unwrap();
    alix.client().group_sync(&id).await.unwrap();
    until_published(alix.client(), &sent.id).await;
    bo.sync().await;
    assert_eq!(bo.messages(&id).await.last().unwrap().id, sent.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_on_their_way_are_taken_back_and_what_followed_goes_out() {
    let town = Town::new().await;
    let (alix, bo, id) = friends(&town).await;
    let client = alix.client();
    let prepared = prepare(client, &id, "a.bin", vec![7; 600_000]).await;
    let text = Some(Body::Text("Look at this".to_owned()));
    let text = client
        .send_attachments(&id, &[prepared], text, None)
        .await
        .unwrap();
    // A second click finds nothing to send any more.
    let again = client.send_attachments(&id, &[prepared], None, None).await;
    assert_eq!(again.unwrap_err().code(), "unknown_attachment");
    let files = alix.messages(&id).await;
    let files = &files[files.len() - 2];
    assert!(files.sent_at_ns < text.sent_at_ns);
    client.group_sync(&id).await.unwrap();
    let waiting = client.message(&text.id).await.unwrap();
    assert_eq!(waiting.delivery, Delivery::Unpublished);

    client.delete_for_everyone(&files.id).await.unwrap();
    client.carry_transfers(None).await.unwrap();
    client.group_sync(&id).await.unwrap();
    until_published(client, &text.id).await;
    bo.sync().await;
    let last = bo.messages(&id).await;
    assert_eq!(last.last().unwrap().id, text.id);
    assert!(last.iter().all(|message| message.id != files.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_refused_leaves_its_files_unsent() {
    let town = Town::new().await;
    let (alix, _bo, id) = friends(&town).await;
    let client = alix.client();
    let prepared = prepare(client, &id, "a.bin", vec![7; 1000]).await;
    let before = alix.messages(&id).await.len();
    let long = Some(Body::Text("x".repeat(70_000)));
    let refused = client.send_attachments(&id, &[prepared], long, None).await;
    assert!(refused.is_err());
    assert_eq!(alix.messages(&id).await.len(), before);
    // They are still there to be sent, as an answer now.
    let asked = client.send(&id, "Which one?").await.unwrap();
    let answer = client
        .send_attachments(&id, &[prepared], None, Some(&asked.id))
        .await
        .unwrap();
    assert_eq!(answer.reference_id, Some(asked.id));
    assert_eq!(views(client, &answer.id).await[0].name, "a.bin");
    // In the list of files are messages that are files, the newest last.
    let first = send(&alix, &id, "b.bin", vec![7; 1000]).await;
    client.send(&id, "That one").await.unwrap();
    let second = send(&alix, &id, "c.bin", vec![7; 600_000]).await;
    let page = client.message_page(&id, Lines::Files, PageStart::Latest, 50);
    let listed: Vec<_> = page
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(listed, [first.id, second.id]);
}

/// Expired: whatever had files loses them with the message.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_disappears_takes_its_file_with_it() {
    let town = Town::new().await;
    let (alix, bo, id) = friends(&town).await;
    let hour = i64::try_from(Duration::from_secs(3600).as_nanos()).unwrap();
    alix.client()
        .set_disappearing(&id, Some(hour))
        .await
        .unwrap();
    let sent = send(
        &alix,
        &id,
        "a.bin",
        b"It was quartzfeldspar that we met. ".repeat(20_000),
    )
    .await;
    alix.client().carry_transfers(None).await.unwrap();
    alix.client().group_sync(&id).await.unwrap();
    bo.sync().await;
    bo.client().carry_transfers(Some(&sent.id)).await.unwrap();
    assert_eq!(state(bo.client(), &sent.id).await, AttachmentState::Stored);
    let word = BTreeSet::from(["quartzfeldspar".to_owned()]);
    let left = |person: &Actor| found(&bytes_on_disk(person.folder.path(), [1; 32]), &word).len();
    assert_eq!((left(&alix), left(&bo)), (1, 1), "the disk can be read");
    bo.wait(Duration::from_secs(7200));
    alix.wait(Duration::from_secs(7200));
    let _live = live(&[&alix, &bo]);
    until("the message is gone", || async {
        bo.client().message(&sent.id).await.is_err()
    })
    .await;
    let saved = bo
        .client()
        .save_attachment(&sent.id, 0, std::env::temp_dir().as_path())
        .await;
    assert_eq!(saved.err().unwrap().code(), "unknown_message");
    for person in [&alix, &bo] {
        until("nothing of the file is left on the disk", || async {
            left(person) == 0
        })
        .await;
    }
}
