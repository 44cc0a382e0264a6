//! Files over HTTP: as official clients share archives, and as ours share attachments.

use conclave_node::{Config, FilesConfig, Node, Running};
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{Peer, http};

async fn node(files: FilesConfig) -> Running {
    let config = Config {
        files,
        ..Config::temporary()
    };
    Node::start(config).await.unwrap()
}

fn small() -> FilesConfig {
    FilesConfig {
        file_bytes: 1 << 20,
        ..FilesConfig::default()
    }
}

fn url(node: &Running, path: &str) -> String {
    format!("http://{}{path}", node.http_addr)
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Bytes that differ from place to place.
fn bytes(count: usize) -> Vec<u8> {
    (0..count)
        .map(|place| u8::try_from(place * 7 % 251).unwrap())
        .collect()
}

async fn get(node: &Running, id: &str, headers: &[(&str, &str)]) -> Response {
    ask(node, Method::GET, id, headers).await
}

async fn ask(node: &Running, method: Method, id: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = http().request(method, url(node, &format!("/files/{id}")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn put(node: &Running, id: &str, part: Vec<u8>, range: Option<&str>) -> Response {
    let mut request = http().put(url(node, &format!("/files/{id}"))).body(part);
    if let Some(range) = range {
        request = request.header("content-range", range);
    }
    request.send().await.unwrap()
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

#[tokio::test]
async fn an_official_client_shares_an_archive() {
    let node = node(small()).await;
    let archive = bytes(300_000);
    for path in ["/upload", "//upload"] {
        let request = http().post(url(&node, path)).body(archive.clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let id = answer.text().await.unwrap();
        assert!(id.len() == 36 && id.matches('-').count() == 4, "{id}");

        let got = get(&node, &id, &[]).await;
        assert_eq!(header(&got, "content-type"), "application/octet-stream");
        assert_eq!(got.bytes().await.unwrap(), archive);
        let doubled = url(&node, &format!("//files/{id}"));
        assert_eq!(http().get(doubled).send().await.unwrap().status(), 200);
        // Nobody can write to a name that is known.
        assert_eq!(put(&node, &id, vec![1], None).await.status(), 405);
    }
    let health = http().get(url(&node, "/")).send().await.unwrap();
    assert_eq!(
        (health.status().as_u16(), health.text().await.unwrap()),
        (200, String::new())
    );
    for unknown in ["00000000-0000-4000-8000-000000000000", "..%2fnode.db", "x"] {
        assert_eq!(get(&node, unknown, &[]).await.status(), 404, "{unknown}");
    }
}

#[tokio::test]
async fn parts_of_a_file_are_given() {
    let node = node(small()).await;
    let file = bytes(1000);
    let id = digest(&file);
    assert_eq!(put(&node, &id, file.clone(), None).await.status(), 201);

    let head = ask(&node, Method::HEAD, &id, &[]).await;
    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-length"), "1000");
    assert_eq!(header(&head, "accept-ranges"), "bytes");
    assert_eq!(header(&head, "x-content-type-options"), "nosniff");
    let tag = header(&head, "etag");
    assert_eq!(tag, format!("\"{id}\""));

    for (range, first, last) in [
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=-5", 995, 999),
    ] {
        let got = get(&node, &id, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!(got.status(), 206);
        assert_eq!(
            header(&got, "content-range"),
            format!("bytes {first}-{last}/1000")
        );
        assert_eq!(got.bytes().await.unwrap(), file[first..=last]);
    }
    let beyond = get(&node, &id, &[("range", "bytes=1000-")]).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!(header(&beyond, "content-range"), "bytes */1000");
    let other = get(&node, &id, &[("range", "bytes=10-"), ("if-range", "\"x\"")]).await;
    assert_eq!(
        (other.status().as_u16(), other.bytes().await.unwrap().len()),
        (200, 1000)
    );
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let node = node(small()).await;
    let file = bytes(1000);
    let id = digest(&file);
    let part = put(&node, &id, file[..400].to_vec(), Some("bytes 0-399/1000")).await;
    assert_eq!(part.status(), 202);
    assert_eq!(header(&part, "upload-offset"), "400");
    let head = ask(&node, Method::HEAD, &id, &[]).await;
    assert_eq!(
        (head.status().as_u16(), header(&head, "upload-offset")),
        (404, "400".to_owned())
    );

    // A hole is not taken.
    let hole = put(&node, &id, file[500..].to_vec(), Some("bytes 500-999/1000")).await;
    assert_eq!(
        (hole.status().as_u16(), header(&hole, "upload-offset")),
        (409, "400".to_owned())
    );
    // What overlaps is written anew.
    let rest = put(&node, &id, file[300..].to_vec(), Some("bytes 300-999/1000")).await;
    assert_eq!(rest.status(), 201);
    assert_eq!(get(&node, &id, &[]).await.bytes().await.unwrap(), file);
    // Sent again it is there already.
    assert_eq!(put(&node, &id, file, None).await.status(), 200);
    for bad in ["bytes 9-0/10", "bytes */10", "0-9/10"] {
        assert_eq!(
            put(&node, &digest(b"x"), vec![0], Some(bad)).await.status(),
            400
        );
    }
}

/// A sender that goes away in the middle.
async fn break_off(node: &Running, head: String, part: &[u8]) {
    let mut socket = TcpStream::connect(node.http_addr).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(part).await.unwrap();
    socket.shutdown().await.unwrap();
    // The node has noticed once it closes as well.
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
}

#[tokio::test]
async fn what_came_before_a_connection_broke_is_kept_under_a_digest_only() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(FilesConfig {
        folder: Some(folder.path().to_owned()),
        ..small()
    })
    .await;
    let file = bytes(1000);
    let id = digest(&file);
    let head = format!("PUT /files/{id} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    break_off(&node, head, &file[..600]).await;
    let known = ask(&node, Method::HEAD, &id, &[]).await;
    assert_eq!(header(&known, "upload-offset"), "600");
    let rest = put(&node, &id, file[600..].to_vec(), Some("bytes 600-999/1000")).await;
    assert_eq!(rest.status(), 201);

    let head = "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n".to_owned();
    break_off(&node, head, &file[..600]).await;
    let left = std::fs::read_dir(folder.path().join("unfinished")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn eri_sends_other_bytes_than_the_digest_says() {
    let node = node(small()).await;
    let id = digest(b"honest");
    let answer = put(&node, &id, b"hostile".to_vec(), None).await;
    assert_eq!(answer.status(), 422);
    let known = ask(&node, Method::HEAD, &id, &[]).await;
    assert_eq!(
        (known.status().as_u16(), header(&known, "upload-offset")),
        (404, "0".to_owned())
    );
    assert_eq!(
        put(&node, &id, b"honest".to_vec(), None).await.status(),
        201
    );
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(FilesConfig {
        folder: Some(folder.path().to_owned()),
        ..small()
    })
    .await;
    let file = bytes((1 << 20) + 1);
    // Announced: refused before a byte is taken. The connection may break while we still send.
    let request = http().put(url(&node, &format!("/files/{}", digest(&file))));
    if let Ok(answer) = request.body(file.clone()).send().await {
        assert_eq!(answer.status(), 413);
    }
    let request = http().post(url(&node, "/upload")).body(file);
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status(), 413);
    }
    let files = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = files.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["key", "unfinished"]);
    let left = std::fs::read_dir(folder.path().join("unfinished")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn many_send_at_the_same_time() {
    let node = std::sync::Arc::new(node(small()).await);
    let sent = (0..16_u8).map(|number| {
        let node = std::sync::Arc::clone(&node);
        tokio::spawn(async move {
            // Half of them send the same file.
            let file = [bytes(100_000), vec![number % 8]].concat();
            let id = digest(&file);
            let answer = put(&node, &id, file.clone(), None).await;
            // Two at once: the later one is told so, and finds the file there soon.
            assert!(matches!(answer.status().as_u16(), 200 | 201 | 409));
            (id, file)
        })
    });
    for (id, file) in futures::future::try_join_all(sent).await.unwrap() {
        assert_eq!(get(&node, &id, &[]).await.bytes().await.unwrap(), file);
    }
}

#[tokio::test]
async fn pages_may_do_what_official_clients_do_and_no_more() {
    let node = node(small()).await;
    let ask = |method: &'static str| {
        http()
            .request(Method::OPTIONS, url(&node, "/upload"))
            .header("origin", "https://app.example")
            .header("access-control-request-method", method)
            .send()
    };
    let allowed = header(&ask("POST").await.unwrap(), "access-control-allow-methods");
    for method in ["GET", "HEAD", "POST"] {
        assert!(allowed.contains(method), "{allowed}");
    }
    assert!(
        !allowed.contains("PUT") && !allowed.contains("DELETE"),
        "{allowed}"
    );
    let answer = ask("POST").await.unwrap();
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
}

#[tokio::test]
async fn every_answer_says_where_the_files_are() {
    let here = node(small()).await;
    let ask = async |node: &Running| {
        let mut peer = Peer::of(node).await;
        let request = conclave_proto::mls::api::v1::FetchKeyPackagesRequest::default();
        let answer = peer.mls.fetch_key_packages(request).await.unwrap();
        let announced = answer.metadata().get("x-conclave-files").unwrap();
        announced.to_str().unwrap().to_owned()
    };
    assert_eq!(ask(&here).await, here.http_addr.port().to_string());
    let elsewhere = node(FilesConfig {
        url: Some("https://files.example".to_owned()),
        ..small()
    })
    .await;
    assert_eq!(ask(&elsewhere).await, "https://files.example");
}

#[tokio::test]
async fn whoever_sent_a_file_removes_it_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || FilesConfig {
        folder: Some(folder.path().to_owned()),
        ..small()
    };
    let first = node(kept()).await;
    let file = bytes(1000);
    let id = digest(&file);
    let stored = put(&first, &id, file.clone(), None).await;
    let secret = header(&stored, "file-secret");
    assert_eq!(secret.len(), 64);
    let again = put(&first, &id, file.clone(), None).await;
    assert_eq!(
        (again.status().as_u16(), header(&again, "file-secret")),
        (200, String::new())
    );
    let request = http().post(url(&first, "/upload")).body(file.clone());
    let official = request.send().await.unwrap();
    let other = header(&official, "file-secret");
    assert!(other.len() == 64 && other != secret);
    let official = official.text().await.unwrap();

    // The secret is the same after a restart.
    first.shutdown().await;
    let second = node(kept()).await;
    for wrong in ["", other.as_str(), "x"] {
        let answer = ask(&second, Method::DELETE, &id, &[("file-secret", wrong)]).await;
        assert_eq!(answer.status(), 403, "{wrong}");
    }
    assert_eq!(get(&second, &id, &[]).await.status(), 200);
    for (id, secret, status) in [
        (id.as_str(), secret.as_str(), 204),
        (&id, &secret, 404),
        (&official, &other, 204),
        ("x", &other, 404),
    ] {
        let answer = ask(&second, Method::DELETE, id, &[("file-secret", secret)]).await;
        assert_eq!(answer.status(), status);
        assert_eq!(get(&second, id, &[]).await.status(), 404);
    }
}
