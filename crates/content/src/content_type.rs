//! Names of content types.

use std::fmt;

use conclave_proto::mls::message_contents::ContentTypeId;

/// Most characters of a name that are kept; no known name comes near.
const NAME_CHARS: usize = 128;

/// A content type as it stands in a message, for instance `xmtp.org/text:1.0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentType {
    /// Who defined it; at most 128 characters.
    pub authority: String,
    /// Its name within the authority; at most 128 characters.
    pub type_id: String,
    /// Major version; another one is another type to us.
    pub major: u32,
    /// Minor version; ignored when reading.
    pub minor: u32,
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}:{}.{}",
            self.authority, self.type_id, self.major, self.minor
        )
    }
}

impl From<ContentTypeId> for ContentType {
    fn from(id: ContentTypeId) -> Self {
        fn name(mut text: String) -> String {
            if let Some((end, _)) = text.char_indices().nth(NAME_CHARS) {
                text.truncate(end);
            }
            text
        }
        Self {
            authority: name(id.authority_id),
            type_id: name(id.type_id),
            major: id.version_major,
            minor: id.version_minor,
        }
    }
}

impl From<ContentType> for ContentTypeId {
    fn from(value: ContentType) -> Self {
        Self {
            authority_id: value.authority,
            type_id: value.type_id,
            version_major: value.major,
            version_minor: value.minor,
        }
    }
}

/// The types that this version tells apart; dispatch is on type id and major version alone, as
/// official clients do (content-and-client.md 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownType {
    /// Plain text.
    Text,
    /// Markdown source.
    Markdown,
    /// A reply that carries another content.
    Reply,
    /// A reaction, version 1 (JSON, or older still) or 2 (protobuf).
    Reaction,
    /// "I have read everything up to now".
    ReadReceipt,
    /// A file within the message.
    Attachment,
    /// A file elsewhere, encrypted.
    RemoteAttachment,
    /// Several files elsewhere.
    MultiRemoteAttachment,
    /// A line derived from a commit; never accepted from the wire.
    GroupUpdated,
    /// Names a transaction of some chain.
    TransactionReference,
    /// Asks a wallet to make calls.
    WalletSendCalls,
    /// Asks to choose one of several actions.
    Actions,
    /// The choice of an action.
    Intent,
    /// Deletes another message for everyone.
    DeleteMessage,
    /// Asks to be removed from the group.
    LeaveRequest,
    /// Anything else.
    Other,
}

impl KnownType {
    /// The name that clients send it under, and its version; `None` for [`KnownType::Other`].
    #[must_use]
    pub fn name(self) -> Option<ContentType> {
        let (authority, type_id, major) = match self {
            Self::Text => ("xmtp.org", "text", 1),
            Self::Markdown => ("xmtp.org", "markdown", 1),
            Self::Reply => ("xmtp.org", "reply", 1),
            Self::Reaction => ("xmtp.org", "reaction", 2),
            Self::ReadReceipt => ("xmtp.org", "readReceipt", 1),
            Self::Attachment => ("xmtp.org", "attachment", 1),
            Self::RemoteAttachment => ("xmtp.org", "remoteStaticAttachment", 1),
            Self::MultiRemoteAttachment => ("xmtp.org", "multiRemoteStaticAttachment", 1),
            Self::GroupUpdated => ("xmtp.org", "group_updated", 1),
            Self::TransactionReference => ("xmtp.org", "transactionReference", 1),
            Self::WalletSendCalls => ("xmtp.org", "walletSendCalls", 1),
            Self::Actions => ("coinbase.com", "actions", 1),
            Self::Intent => ("coinbase.com", "intent", 1),
            Self::DeleteMessage => ("xmtp.org", "deleteMessage", 1),
            Self::LeaveRequest => ("xmtp.org", "leave_request", 1),
            Self::Other => return None,
        };
        Some(ContentType {
            authority: authority.into(),
            type_id: type_id.into(),
            major,
            minor: 0,
        })
    }

    /// Which known type this is.
    #[must_use]
    pub fn of(content_type: &ContentType) -> Self {
        match (content_type.type_id.as_str(), content_type.major) {
            ("text", 1) => Self::Text,
            ("markdown", 1) => Self::Markdown,
            ("reply", 1) => Self::Reply,
            ("reaction", 1 | 2) => Self::Reaction,
            ("readReceipt", 1) => Self::ReadReceipt,
            ("attachment", 1) => Self::Attachment,
            ("remoteStaticAttachment", 1) => Self::RemoteAttachment,
            ("multiRemoteStaticAttachment", 1) => Self::MultiRemoteAttachment,
            ("group_updated", 1) => Self::GroupUpdated,
            ("transactionReference", 1) => Self::TransactionReference,
            ("walletSendCalls", 1) => Self::WalletSendCalls,
            ("actions", 1) => Self::Actions,
            ("intent", 1) => Self::Intent,
            ("deleteMessage", 1) => Self::DeleteMessage,
            ("leave_request", 1) => Self::LeaveRequest,
            _ => Self::Other,
        }
    }

    /// Whether a message of this type may be deleted for everyone (content-and-client.md 1.2).
    #[must_use]
    pub fn is_deletable(self) -> bool {
        !matches!(
            self,
            Self::Reaction
                | Self::ReadReceipt
                | Self::GroupUpdated
                | Self::Actions
                | Self::Intent
                | Self::DeleteMessage
                | Self::LeaveRequest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_minor_is_the_same_type_and_a_higher_major_is_not() {
        let text = |major, minor| ContentType {
            authority: "xmtp.org".into(),
            type_id: "text".into(),
            major,
            minor,
        };
        assert_eq!(KnownType::of(&text(1, 7)), KnownType::Text);
        assert_eq!(KnownType::of(&text(2, 0)), KnownType::Other);
        assert_eq!(text(1, 0).to_string(), "xmtp.org/text:1.0");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let long = ContentTypeId {
            type_id: "é".repeat(1000),
            ..ContentTypeId::default()
        };
        assert_eq!(ContentType::from(long).type_id, "é".repeat(NAME_CHARS));
    }
}
