//! What the outside of a group message says.

use openmls::framing::{
    ContentType, MlsMessageBodyIn, MlsMessageIn, PrivateMessageIn, ProtocolMessage,
};
use openmls::prelude::tls_codec::Deserialize;

/// What a message carries, as its unauthenticated frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// A text or other content of people.
    Application,
    /// A change of the group.
    Commit,
    /// A proposal by itself; not used up to libxmtp 1.10 (`groups.md` 1).
    Proposal,
}

/// The frame of a group message. Nothing in it is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// MLS group id.
    pub group_id: Vec<u8>,
    /// Epoch in which the message was made.
    pub epoch: u64,
    /// What it carries.
    pub kind: ContentKind,
}

/// Bytes that are no group message for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// No `MlsMessage` at all.
    #[error("not an MLS message: {0}")]
    Malformed(String),
    /// An MLS message, but not a PrivateMessage; clients refuse all others (`groups.md` 1).
    #[error("an MLS message of an unsupported type")]
    UnsupportedType,
}

impl FramingError {
    /// A stable name for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "message_malformed",
            Self::UnsupportedType => "message_type_unsupported",
        }
    }
}

/// Reads the frame of a TLS `MlsMessage`. Bytes after it are ignored, as the official clients do.
///
/// # Errors
/// [`FramingError`].
pub fn parse(bytes: &[u8]) -> Result<Framing, FramingError> {
    let message = private_message(bytes)?;
    Ok(Framing {
        group_id: message.group_id().as_slice().to_vec(),
        epoch: message.epoch().as_u64(),
        kind: match message.content_type() {
            ContentType::Application => ContentKind::Application,
            ContentType::Commit => ContentKind::Commit,
            ContentType::Proposal => ContentKind::Proposal,
        },
    })
}

fn private_message(bytes: &[u8]) -> Result<PrivateMessageIn, FramingError> {
    let message = MlsMessageIn::tls_deserialize(&mut &*bytes)
        .map_err(|error| FramingError::Malformed(error.to_string()))?;
    match message.extract() {
        MlsMessageBodyIn::PrivateMessage(message) => Ok(message),
        _ => Err(FramingError::UnsupportedType),
    }
}

/// The message for OpenMLS, with its frame.
pub(crate) fn protocol_message(bytes: &[u8]) -> Result<ProtocolMessage, FramingError> {
    private_message(bytes).map(ProtocolMessage::from)
}
