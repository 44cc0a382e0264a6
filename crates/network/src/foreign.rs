//! Telling something that is no node by what it says.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{NetworkError, NodeConfig, StatusCode, channel};

/// How a client begins with HTTP/2: its preface and empty settings (RFC 9113, 3.4).
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Bytes of the header of a frame, and where the frame's type is in it (RFC 9113, 4.1).
const FRAME_HEADER: usize = 9;
const FRAME_TYPE: usize = 3;
/// With settings a server begins.
const SETTINGS: u8 = 4;
/// For the first words of the other end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the other end speaks, but not gRPC: a web site, a mail server.
pub(crate) fn speaks_another_protocol(error: &NetworkError) -> bool {
    match error {
        // What is made of h2's word on bytes that are no HTTP/2 frames.
        NetworkError::Closed(cause) | NetworkError::Unreachable(cause) => {
            cause.contains("what answers there is no node")
                || cause.contains("unspecific protocol error")
        }
        NetworkError::Rejected { message, .. } => is_no_grpc_reply(message),
        _ => false,
    }
}

/// What our own end says of an HTTP reply that is no gRPC reply (tonic 0.14).
fn is_no_grpc_reply(message: &str) -> bool {
    message.contains("mapped from HTTP status code") || message.contains("invalid content-type")
}

/// Whether something that is no V3 node answered so.
pub(crate) fn is_foreign(error: &NetworkError) -> bool {
    match error {
        NetworkError::NodeReply(_) | NetworkError::Closed(_) => true,
        NetworkError::Rejected { code, message } => {
            *code == StatusCode::Unimplemented || is_no_grpc_reply(message)
        }
        _ => false,
    }
}

/// After a call that broke: whether what is at the address begins with anything but HTTP/2. A call
/// often ends with a broken pipe before the other end's words are read; this writes once and then
/// only reads, so that it hears them whichever comes first.
pub(crate) async fn answers_otherwise(config: &NodeConfig, error: &NetworkError) -> bool {
    if !matches!(error, NetworkError::Closed(_)) {
        return false;
    }
    matches!(
        tokio::time::timeout(PATIENCE, first_words(config)).await,
        Ok(Some(words)) if words.get(FRAME_TYPE).is_some_and(|kind| *kind != SETTINGS)
    )
}

/// At most the bytes of a frame header; `None` where nobody is reached, and where TLS would come
/// first.
async fn first_words(config: &NodeConfig) -> Option<Vec<u8>> {
    let node = config.uri().ok()?;
    if node.scheme_str() == Some("https") {
        return None;
    }
    let mut socket = channel::socket(config, &node).await.ok()?;
    socket.write_all(HELLO).await.ok()?;
    let mut words = Vec::with_capacity(FRAME_HEADER);
    while words.len() < FRAME_HEADER {
        match socket.read_buf(&mut words).await {
            Ok(read) if read > 0 => {}
            // Also a connection that is reset after it said something.
            _ => break,
        }
    }
    Some(words)
}
