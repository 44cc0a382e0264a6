//! Replies: complete content that names the message it answers (content-and-client.md 1.4).

use conclave_proto::mls::message_contents::EncodedContent;
use prost::Message;

use crate::{
    body::Body,
    content_type::{ContentType, KnownType},
    envelope::{ContentError, MessageId, encoded, inbox_id, message_reference},
};

const REFERENCE: &str = "reference";
const REFERENCE_INBOX_ID: &str = "referenceInboxId";
const CONTENT_TYPE: &str = "contentType";

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The message it answers; `None` if its id is not one.
    pub reference: Option<MessageId>,
    /// Who wrote that message, by the sender's word.
    pub reference_inbox_id: Option<String>,
    /// The type of what it says.
    pub content_type: ContentType,
    /// What it says: never a reply itself, and always a line.
    pub body: Body,
}

impl Reply {
    /// A reply in text.
    #[must_use]
    pub fn new(reference: MessageId, reference_inbox_id: Option<String>, body: Body) -> Self {
        Self {
            reference: Some(reference),
            reference_inbox_id,
            content_type: ContentType::default(),
            body,
        }
    }

    pub(crate) fn decode(encoded: &EncodedContent, content_type: ContentType, body: Body) -> Self {
        let parameter = |key| encoded.parameters.get(key).map(String::as_str);
        let (content_type, body) = match body {
            // A reply to a reply says what the inner one says.
            Body::Reply(inner) => (inner.content_type, inner.body),
            body if body.is_visible() && body != Body::LeaveRequest => (content_type, body),
            _ => (content_type, Body::Unsupported { fallback: None }),
        };
        Self {
            reference: parameter(REFERENCE).and_then(message_reference),
            reference_inbox_id: parameter(REFERENCE_INBOX_ID).and_then(inbox_id),
            content_type,
            body,
        }
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        let reference = self.reference.ok_or(ContentError::Unsendable)?;
        if matches!(self.body, Body::Reply(_) | Body::LeaveRequest) || !self.body.is_visible() {
            return Err(ContentError::Unsendable);
        }
        let inner = self.body.to_encoded()?;
        let inner_type = inner.r#type.clone().map(ContentType::from);
        let mut content = encoded(KnownType::Reply, inner.encode_to_vec());
        content.fallback = Some(match &self.body {
            Body::Text(text) | Body::Markdown(text) => {
                format!("Replied with \"{text}\" to an earlier message")
            }
            _ => "Replied to an earlier message".to_owned(),
        });
        let parameters = &mut content.parameters;
        parameters.insert(REFERENCE.into(), hex::encode(reference));
        if let Some(inbox_id) = &self.reference_inbox_id {
            parameters.insert(REFERENCE_INBOX_ID.into(), inbox_id.clone());
        }
        let inner_type = inner_type.unwrap_or_default().to_string();
        parameters.insert(CONTENT_TYPE.into(), inner_type);
        Ok(content)
    }
}
