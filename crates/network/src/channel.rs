//! The HTTP/2 connection to a node.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_socks::TargetAddr;
use tokio_socks::tcp::Socks5Stream;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Uri};

use crate::{NetworkError, NodeConfig, Socks5};

/// Between PINGs, also on a quiet connection. Nodes may close a connection that sends more than
/// one in 15 s (`node.md` 4.4, 11).
const PING_INTERVAL: Duration = Duration::from_secs(45);
/// For the answer to a PING.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that may be under way per call; pages and welcomes are large (`node.md` 9).
const STREAM_WINDOW: u32 = 8 * 1024 * 1024;
/// Bytes that may be under way on the connection.
const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;

/// A channel that connects with its first call, and again after each break.
///
/// # Errors
/// [`NetworkError::InvalidUrl`], and [`NetworkError::Unreachable`] where TLS cannot be set up.
pub(crate) fn open(config: &NodeConfig) -> Result<Channel, NetworkError> {
    let uri = config.uri()?;
    let https = uri.scheme_str() == Some("https");
    let mut endpoint = Endpoint::from(uri)
        .connect_timeout(config.timeouts.connect)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(PING_INTERVAL))
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    if https {
        endpoint = endpoint
            .tls_config(ClientTlsConfig::new().with_native_roots())
            .map_err(|error| NetworkError::Unreachable(error.to_string()))?;
    }
    Ok(match config.proxy.clone() {
        None => endpoint.connect_lazy(),
        Some(proxy) => endpoint.connect_with_connector_lazy(tower::service_fn(move |node: Uri| {
            let proxy = proxy.clone();
            async move { through_proxy(&proxy, &node).await.map(TokioIo::new) }
        })),
    })
}

/// Where a node is: its host, without the brackets of an IPv6 literal, and its port.
fn place(node: &Uri) -> (&str, u16) {
    let host = node.host().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = node.port_u16().unwrap_or(match node.scheme_str() {
        Some("https") => 443,
        _ => 80,
    });
    (host, port)
}

/// A bare connection to a node without TLS, through the proxy where there is one.
///
/// # Errors
/// Where the node, or the proxy, is not reached.
pub(crate) async fn socket(
    config: &NodeConfig,
    node: &Uri,
) -> Result<TcpStream, tokio_socks::Error> {
    Ok(match &config.proxy {
        Some(proxy) => through_proxy(proxy, node).await?.into_inner(),
        None => TcpStream::connect(place(node)).await?,
    })
}

/// A connection to the node through the proxy, which is given the name as it stands: our machine
/// never resolves it, so it does not leak to the local name server.
async fn through_proxy(
    proxy: &Socks5,
    node: &Uri,
) -> Result<Socks5Stream<TcpStream>, tokio_socks::Error> {
    let (host, port) = place(node);
    // The protocol has a type for addresses.
    let target = match host.parse() {
        Ok(address) => TargetAddr::Ip(std::net::SocketAddr::new(address, port)),
        Err(_) => TargetAddr::Domain(host.into(), port),
    };
    let socket = TcpStream::connect(proxy.address.as_str()).await?;
    socket.set_nodelay(true)?;
    match &proxy.credentials {
        None => Socks5Stream::connect_with_socket(socket, target).await,
        Some((name, password)) => {
            Socks5Stream::connect_with_password_and_socket(socket, target, name, password).await
        }
    }
}
