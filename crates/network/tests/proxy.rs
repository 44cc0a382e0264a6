//! The way through a SOCKS5 proxy.

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

use std::time::Duration;

use conclave_network::{
    FileError, GrpcNetwork, Network, NetworkError, NodeConfig, RemoteFiles, Socks5, TrustedHosts,
    UrlRefused,
};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What a client asked the proxy for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    credentials: Option<(String, String)>,
    /// 1 IPv4, 3 name, 4 IPv6 (RFC 1928, 4).
    address_type: u8,
    address: Vec<u8>,
    port: u16,
}

async fn read<const N: usize>(socket: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn read_sized(socket: &mut TcpStream) -> Vec<u8> {
    let [length] = read(socket).await;
    let mut bytes = vec![0; usize::from(length)];
    socket.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Reads one request and answers `verdict` (RFC 1928, 6: 0 is success).
async fn negotiate(socket: &mut TcpStream, verdict: u8) -> Asked {
    let [version] = read(socket).await;
    assert_eq!(version, 5);
    let methods = read_sized(socket).await;
    let credentials = if methods.contains(&2) {
        socket.write_all(&[5, 2]).await.unwrap();
        let [_] = read(socket).await;
        let name = String::from_utf8(read_sized(socket).await).unwrap();
        let password = String::from_utf8(read_sized(socket).await).unwrap();
        socket.write_all(&[1, 0]).await.unwrap();
        Some((name, password))
    } else {
        socket.write_all(&[5, 0]).await.unwrap();
        None
    };
    let [_, command, _, address_type] = read(socket).await;
    assert_eq!(command, 1);
    let address = match address_type {
        1 => read::<4>(socket).await.to_vec(),
        3 => read_sized(socket).await,
        _ => read::<16>(socket).await.to_vec(),
    };
    let port = u16::from_be_bytes(read(socket).await);
    socket
        .write_all(&[5, verdict, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    Asked {
        credentials,
        address_type,
        address,
        port,
    }
}

/// A proxy that leads every connection to `node`, whatever was asked for.
async fn proxy(node: u16, verdict: u8) -> (String, mpsc::UnboundedReceiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let send = send.clone();
            tokio::spawn(async move {
                let asked = negotiate(&mut socket, verdict).await;
                let _ = send.send(asked);
                if verdict == 0 {
                    let mut node = TcpStream::connect(("127.0.0.1", node)).await.unwrap();
                    let _ = copy_bidirectional(&mut socket, &mut node).await;
                }
            });
        }
    });
    (address, receive)
}

fn through(proxy: Socks5, url: &str) -> GrpcNetwork {
    GrpcNetwork::connect(&NodeConfig {
        proxy: Some(proxy),
        ..config(url.to_owned())
    })
    .unwrap()
}

async fn node() -> Node {
    Node::start(Stub {
        upload_key_package: always(|_| Ok(())),
        ..Stub::default()
    })
    .await
}

#[tokio::test]
async fn the_proxy_gets_the_name_unresolved() {
    let node = node().await;
    let (address, mut asked) = proxy(node.port, 0).await;
    // A name that no resolver knows: had it been resolved here, the call would fail.
    let client = through(
        address.parse().unwrap(),
        "http://node.conclave.invalid:4321",
    );
    assert_eq!(client.upload_key_package(vec![1]).await, Ok(()));
    let expected = Asked {
        credentials: None,
        address_type: 3,
        address: b"node.conclave.invalid".to_vec(),
        port: 4321,
    };
    assert_eq!(asked.recv().await, Some(expected));
}

#[tokio::test]
async fn credentials_and_addresses_are_passed_on() {
    let node = node().await;
    for (url, address_type, expected, port) in [
        ("http://10.1.2.3", 1, vec![10, 1, 2, 3], 80),
        ("http://[::1]:99", 4, [vec![0; 15], vec![1]].concat(), 99),
    ] {
        let (address, mut asked) = proxy(node.port, 0).await;
        let proxy = format!("socks5h://alix:secret@{address}").parse().unwrap();
        assert_eq!(
            through(proxy, url).upload_key_package(vec![1]).await,
            Ok(())
        );
        let asked = asked.recv().await.unwrap();
        assert_eq!(
            asked.credentials,
            Some(("alix".to_owned(), "secret".to_owned()))
        );
        assert_eq!(
            (asked.address_type, asked.address, asked.port),
            (address_type, expected, port)
        );
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_makes_the_node_unreachable() {
    let node = node().await;
    // 4: host unreachable (RFC 1928, 6).
    let (refusing, _asked) = proxy(node.port, 4).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let absent = listener.local_addr().unwrap().to_string();
    drop(listener);
    for address in [refusing, absent] {
        let client = through(address.parse().unwrap(), &node.url());
        let error = client.upload_key_package(vec![1]).await.unwrap_err();
        assert!(matches!(error, NetworkError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn files_of_strangers_take_the_proxy_and_are_never_looked_up_here() {
    let node = node().await;
    let (address, mut asked) = proxy(node.port, 0).await;
    let files = RemoteFiles::new(Some(Socks5 {
        address,
        credentials: Some(("alix".to_owned(), "pass @:/".to_owned())),
    }));
    let trusted = TrustedHosts::default();
    let get = |url: &'static str| files.get(url, &trusted, 100, Duration::from_secs(20));
    // What answers behind the proxy speaks no TLS.
    let error = get("https://pictures.conclave.example:4321/a").await;
    assert_eq!(error.unwrap_err().code(), "file_unreachable");
    let expected = Asked {
        credentials: Some(("alix".to_owned(), "pass @:/".to_owned())),
        address_type: 3,
        address: b"pictures.conclave.example".to_vec(),
        port: 4321,
    };
    assert_eq!(asked.recv().await.unwrap(), expected);

    for url in [
        "https://127.0.0.1/a",
        "https://[fd00::1]/a",
        "https://router/a",
    ] {
        assert_eq!(
            get(url).await.unwrap_err(),
            FileError::Url(UrlRefused::Private)
        );
    }
    assert!(asked.try_recv().is_err());
}
