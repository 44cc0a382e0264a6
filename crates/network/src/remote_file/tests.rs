use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A server whose every answer is one text, and what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn new(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
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
                let head = String::from_utf8_lossy(&head).into_owned();
                let answer = answer(&head);
                heads.lock().unwrap().push(head);
                // The client may have seen enough before the end.
                drop(socket.write_all(&answer).await);
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/picture", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn trusted(&self) -> TrustedHosts {
        [self.address.to_string()].into_iter().collect()
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn leads_to(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .into_bytes()
}

/// Every name is this computer, as an attacker's name server would say.
fn rebinding() -> RemoteFiles {
    let lookup: Lookup = Arc::new(|_| {
        Box::pin(std::future::ready(Ok(vec![SocketAddr::from((
            [127, 0, 0, 1],
            0,
        ))])))
    });
    RemoteFiles::with_lookup(None, lookup)
}

async fn get(url: &str, trusted: &TrustedHosts) -> Result<Vec<u8>, FileError> {
    rebinding().get(url, trusted, 1000, 10 * SECOND).await
}

#[tokio::test]
async fn alix_fetches_a_file_from_a_server_she_allowed_and_says_little() {
    let server = Server::new(|_| ok(b"bytes")).await;
    let got = get(&server.url(), &server.trusted()).await;
    assert_eq!(got.unwrap(), b"bytes");
    let head = server.asked()[0].to_lowercase();
    assert!(head.starts_with("get /picture http/1.1\r\n"), "{head}");
    assert!(head.contains("accept-encoding: identity"), "{head}");
    assert!(
        !head.contains("referer") && !head.contains("cookie"),
        "{head}"
    );
}

#[tokio::test]
async fn eri_names_a_host_that_resolves_to_this_computer_and_nobody_is_asked() {
    let server = Server::new(|_| ok(b"secret")).await;
    let url = format!("https://pictures.example:{}/", server.address.port());
    let error = get(&url, &TrustedHosts::default()).await.unwrap_err();
    assert_eq!(error, FileError::Url(UrlRefused::Private));
    assert_eq!((error.code(), error.is_retryable()), ("url_refused", false));
    // An address is refused as well as a name.
    let error = get(&server.url(), &TrustedHosts::default()).await;
    assert_eq!(error.unwrap_err(), FileError::Url(UrlRefused::Scheme));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn eri_leads_on_into_the_private_network_and_nobody_is_asked_there() {
    let inside = Server::new(|_| ok(b"secret")).await;
    let port = inside.address.port();
    for location in [
        format!("https://pictures.example:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("//127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
    ] {
        let outside = Server::new(move |_| leads_to(&location)).await;
        let error = get(&outside.url(), &outside.trusted()).await.unwrap_err();
        assert_eq!(error.code(), "url_refused");
        assert_eq!(outside.asked().len(), 1);
    }
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn a_server_may_lead_on_a_few_times() {
    let server = Server::new(|head| match head.split(' ').nth(1) {
        Some("/picture") => leads_to("/second"),
        Some("/second") => leads_to("third"),
        Some("/third") => leads_to("/last"),
        _ => ok(b"bytes"),
    })
    .await;
    let got = get(&server.url(), &server.trusted()).await;
    assert_eq!(got.unwrap(), b"bytes");

    let server = Server::new(|_| leads_to("/picture")).await;
    let error = get(&server.url(), &server.trusted()).await.unwrap_err();
    assert_eq!(error, FileError::Url(UrlRefused::Redirects));
    assert_eq!(server.asked().len(), REDIRECTS + 1);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_given_up_early() {
    let server = Server::new(|_| ok(&[0; 1001])).await;
    let error = get(&server.url(), &server.trusted()).await.unwrap_err();
    assert_eq!(error, FileError::TooLarge(1000));
    // One that does not say so beforehand, too.
    let server =
        Server::new(|_| [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[0; 5000]].concat()).await;
    let error = get(&server.url(), &server.trusted()).await.unwrap_err();
    assert_eq!(error, FileError::TooLarge(1000));
}

#[tokio::test]
async fn a_server_that_never_ends_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trusted = [address.to_string()].into_iter().collect();
    let (files, url) = (rebinding(), format!("http://{address}/"));
    let got = files.get(&url, &trusted, 1000, SECOND / 10).await;
    assert_eq!(got.unwrap_err(), FileError::Timeout);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_not_taken_for_whole() {
    let server =
        Server::new(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()).await;
    let error = get(&server.url(), &server.trusted()).await.unwrap_err();
    assert!(matches!(error, FileError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn errors_of_servers_keep_their_meaning() {
    for (status, error, is_retryable) in [
        (404, FileError::Gone, false),
        (410, FileError::Gone, false),
        (403, FileError::Status(403), false),
        (429, FileError::Status(429), true),
        (503, FileError::Status(503), true),
        // Nothing that a plain request may be answered with.
        (206, FileError::Status(206), false),
    ] {
        let server = Server::new(move |_| {
            format!(
                "HTTP/1.1 {status} X\r\ncontent-range: bytes 5-9/10\r\ncontent-length: 0\r\n\r\n"
            )
            .into_bytes()
        })
        .await;
        let got = get(&server.url(), &server.trusted()).await.unwrap_err();
        assert_eq!((&got, got.is_retryable()), (&error, is_retryable));
    }
}

#[tokio::test]
async fn a_file_is_fetched_on_from_where_it_stopped() {
    let server = Server::new(|head| {
        if head.to_lowercase().contains("range: bytes=4-") {
            b"HTTP/1.1 206 Partial\r\ncontent-range: bytes 4-9/10\r\ncontent-length: 6\r\n\r\n456789"
                .to_vec()
        } else {
            ok(b"0123456789")
        }
    })
    .await;
    let files = rebinding();
    let mut file = files
        .open(&server.url(), &server.trusted(), 4)
        .await
        .unwrap();
    assert_eq!((file.from, file.length), (4, Some(10)));
    assert_eq!(file.next().await.unwrap().unwrap(), b"456789");
    // A server that knows no ranges begins anew.
    let file = files
        .open(&server.url(), &server.trusted(), 5)
        .await
        .unwrap();
    assert_eq!((file.from, file.length), (0, Some(10)));
}

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let trusted = [address.to_string()].into_iter().collect();
    let error = get(&format!("http://{address}/"), &trusted)
        .await
        .unwrap_err();
    assert!(
        error.is_retryable() && error.code() == "file_unreachable",
        "{error:?}"
    );
    assert!(!error.to_string().contains(&address.to_string()), "{error}");
}
