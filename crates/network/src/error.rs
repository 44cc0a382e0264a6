//! Why a call did not succeed.

use std::error::Error;

use tonic::Status;

/// A gRPC status code.
pub use tonic::Code as StatusCode;

/// A call, or a stream, that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The address of the node is no `http://` or `https://` URL.
    #[error("not the address of a node: {0}")]
    InvalidUrl(String),
    /// The address of the proxy is not `socks5://host:port`.
    #[error("not the address of a SOCKS5 proxy: {0}")]
    InvalidProxy(String),
    /// The name of the program that is sent along is not printable ASCII.
    #[error("the name of the program cannot be sent in a header")]
    InvalidAppVersion,
    /// Nobody answers at the address, the name does not resolve, TLS fails, or the node says that
    /// it is not available.
    #[error("the node cannot be reached: {0}")]
    Unreachable(String),
    /// No answer within the time allowed.
    #[error("the node did not answer in time")]
    Timeout,
    /// The connection broke in the middle of a call or stream.
    #[error("the connection to the node broke: {0}")]
    Closed(String),
    /// Too many calls; the node wants a pause of a minute.
    #[error("the node asks for a pause: {0}")]
    RateLimited(String),
    /// The node refused the call.
    #[error("the node refused: {message} ({code:?})")]
    Rejected {
        /// The gRPC status.
        code: StatusCode,
        /// The node's text.
        message: String,
    },
    /// The node answered something that cannot be.
    #[error("the node answered nonsense: {0}")]
    NodeReply(String),
    /// Something else than an XMTP V3 node answers at the address.
    #[error("this is not an XMTP V3 node: {0}")]
    NotXmtp(String),
    /// A single message is larger than a node takes.
    #[error("{bytes} bytes are more than a node takes at once")]
    TooLarge {
        /// Size of the request.
        bytes: usize,
    },
    /// The node could not ask the chain of a smart-contract wallet.
    #[error("the node could not check the wallet's signature: {0}")]
    WalletUnchecked(String),
}

impl NetworkError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl(_) => "invalid_node_url",
            Self::InvalidProxy(_) => "invalid_proxy",
            Self::InvalidAppVersion => "invalid_app_version",
            Self::Unreachable(_) => "node_unreachable",
            Self::Timeout => "node_timeout",
            Self::Closed(_) => "node_connection_closed",
            Self::RateLimited(_) => "node_rate_limited",
            Self::Rejected { .. } => "node_rejected",
            Self::NodeReply(_) => "node_reply",
            Self::NotXmtp(_) => "not_xmtp_node",
            Self::TooLarge { .. } => "request_too_large",
            Self::WalletUnchecked(_) => "wallet_unchecked",
        }
    }

    /// Whether the same call may succeed later without anything else changing.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Timeout
            | Self::Closed(_)
            | Self::RateLimited(_)
            | Self::WalletUnchecked(_) => true,
            Self::Rejected { code, .. } => {
                matches!(code, StatusCode::Aborted | StatusCode::Internal)
            }
            Self::InvalidUrl(_)
            | Self::InvalidProxy(_)
            | Self::InvalidAppVersion
            | Self::NodeReply(_)
            | Self::NotXmtp(_)
            | Self::TooLarge { .. } => false,
        }
    }

    /// A reply that cannot be.
    pub(crate) fn reply(what: impl Into<String>) -> Self {
        Self::NodeReply(what.into())
    }
}

impl From<Status> for NetworkError {
    fn from(status: Status) -> Self {
        // A status that has a cause was made here, of a failed connection; one without came from
        // the node, or from reading its reply.
        let cause = innermost(&status);
        let message = status.message().to_owned();
        match (status.code(), cause) {
            (StatusCode::Unavailable, cause) => Self::Unreachable(cause.unwrap_or(message)),
            (StatusCode::DeadlineExceeded, _) => Self::Timeout,
            (StatusCode::ResourceExhausted, _) => Self::RateLimited(message),
            (_, Some(cause)) => Self::Closed(cause),
            // What our own end says about replies that it cannot read (tonic 0.14).
            (StatusCode::OutOfRange, None) if message.contains("message length too large") => {
                Self::NodeReply(message)
            }
            (StatusCode::Internal, None)
                if message.starts_with("failed to decode Protobuf message")
                    || message.contains("protocol error: received message with") =>
            {
                Self::NodeReply(message)
            }
            (StatusCode::Internal, None) if message.contains("Missing response message") => {
                Self::NodeReply(message)
            }
            (code, None) => Self::Rejected { code, message },
        }
    }
}

/// The text of the error at the bottom of the chain, which names what really happened.
fn innermost(status: &Status) -> Option<String> {
    let mut error: &dyn Error = status.source()?;
    // Chains are short; the bound only guards against one that leads back to itself.
    for _ in 0..16 {
        match error.source() {
            Some(source) => error = source,
            None => break,
        }
    }
    Some(plain(error.to_string()))
}

/// The commonest causes in words that need no manual; others as they are.
fn plain(cause: String) -> String {
    let is = |text: &str| cause.contains(text);
    if is("Connection refused") {
        "nothing answers there".to_owned()
    } else if is("failed to lookup address") || is("Name or service not known") {
        "there is no computer of this name".to_owned()
    } else if is("frame with invalid size") {
        "what answers there is no node".to_owned()
    } else {
        cause
    }
}
