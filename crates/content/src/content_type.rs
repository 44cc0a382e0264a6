//! Names of content types.

use std::fmt;

use conclave_proto::mls::message_contents::ContentTypeId;

/// A content type as it stands in a message, for instance `xmtp.org/text:1.0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentType {
    /// Who defined it.
    pub authority: String,
    /// Its name within the authority.
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
        Self {
            authority: id.authority_id,
            type_id: id.type_id,
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
    /// Markdown, shown as its source.
    Markdown,
    /// A reply that carries another content.
    Reply,
    /// A reaction, version 1 (JSON) or 2 (protobuf).
    Reaction,
    /// "I have read everything up to now".
    ReadReceipt,
    /// A line derived from a commit; never accepted from the wire.
    GroupUpdated,
    /// Deletes another message.
    DeleteMessage,
    /// Asks to be removed from the group.
    LeaveRequest,
    /// Anything else.
    Other,
}

impl KnownType {
    /// Which known type this is.
    #[must_use]
    pub fn of(content_type: &ContentType) -> Self {
        match (content_type.type_id.as_str(), content_type.major) {
            ("text", 1) => Self::Text,
            ("markdown", 1) => Self::Markdown,
            ("reply", 1) => Self::Reply,
            ("reaction", 1 | 2) => Self::Reaction,
            ("readReceipt", 1) => Self::ReadReceipt,
            ("group_updated", 1) => Self::GroupUpdated,
            ("deleteMessage", 1) => Self::DeleteMessage,
            ("leave_request", 1) => Self::LeaveRequest,
            _ => Self::Other,
        }
    }

    /// Whether a message of this type is a line of its own, counts as unread and may be the preview
    /// of its conversation. The others act on another message or on nothing visible.
    #[must_use]
    pub fn is_visible(self) -> bool {
        !matches!(
            self,
            Self::Reaction | Self::ReadReceipt | Self::DeleteMessage
        )
    }

    /// Whether a push server should wake people for it (content-and-client.md 1.10).
    #[must_use]
    pub fn should_push(self) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Reply)
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
}
