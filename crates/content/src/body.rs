//! Content as a conversation shows it and as it is sent.

use std::borrow::Cow;

use conclave_proto::mls::message_contents::{EncodedContent, GroupUpdated};
use prost::Message;

use crate::{
    actions::{Actions, Intent},
    attachment::{self, Attachment, RemoteAttachment},
    content_type::{ContentType, KnownType},
    deletion,
    envelope::{ContentError, INFLATED_BYTES, MessageId, encoded, inflate},
    reaction::Reaction,
    reply::Reply,
    text,
    transaction::{TransactionReference, WalletSendCalls},
    transcript::GroupUpdate,
};

/// Most characters of a stored preview.
pub const PREVIEW_CHARS: usize = 200;

/// Most replies inside replies that are opened; official clients nest one.
const NESTING: u8 = 3;

/// Where content comes from, which decides what it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A member sent it. Lines about the group are derived from commits and never sent (groups.md
    /// 8): one that comes as a message is forged, and shows as nothing that happened.
    Member,
    /// Derived here from a validated commit or welcome.
    Commit,
}

/// Decoded content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Plain text.
    Text(String),
    /// Markdown source.
    Markdown(String),
    /// Content that answers another message.
    Reply(Box<Reply>),
    /// A reaction to another message.
    Reaction(Reaction),
    /// The sender has read everything up to now (content-and-client.md 1.9).
    ReadReceipt,
    /// A file within the message.
    Attachment(Attachment),
    /// A file on a server.
    RemoteAttachment(Box<RemoteAttachment>),
    /// Files on servers.
    RemoteAttachments(Vec<RemoteAttachment>),
    /// Names a transaction; shown, never acted on.
    TransactionReference(TransactionReference),
    /// Asks a wallet to make calls; shown, never acted on.
    WalletSendCalls(WalletSendCalls),
    /// Asks to choose one of several actions.
    Actions(Actions),
    /// The choice of an action.
    Intent(Intent),
    /// Deletes the message with this id for everyone.
    DeleteMessage(MessageId),
    /// A line derived from a commit.
    GroupUpdated(GroupUpdate),
    /// The sender asks to be taken out of the group (groups.md 4.8).
    LeaveRequest,
    /// A type this version does not show, or content that did not decode.
    Unsupported {
        /// The sender's fallback, if it is not empty.
        fallback: Option<String>,
    },
}

impl Body {
    /// Decodes a serialized `EncodedContent`. Never fails: what can't be read is
    /// [`Body::Unsupported`], because a message is never dropped from its conversation.
    #[must_use]
    pub fn decode(content: &[u8], origin: Origin) -> (ContentType, Self) {
        let Ok(encoded) = EncodedContent::decode(content) else {
            let body = Self::Unsupported { fallback: None };
            return (ContentType::default(), body);
        };
        let mut opening = Opening {
            origin,
            nesting: NESTING,
            inflated: INFLATED_BYTES,
        };
        opening.open(&encoded)
    }

    /// Serializes it as an `EncodedContent`, with the fallback text for clients that do not know
    /// its type.
    ///
    /// # Errors
    /// [`ContentError::Unsendable`] for what is never sent: lines about the group, and content that
    /// could not be read. For the others the errors of their own: an empty or too long text, a
    /// reaction or a set of actions that breaks its bounds.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        Ok(self.to_encoded()?.encode_to_vec())
    }

    /// Content of a type whose payload is JSON, from that payload.
    ///
    /// # Errors
    /// [`ContentError::Json`] for a payload that is not of the type, or a type that has none.
    pub fn from_json(known: KnownType, payload: &str) -> Result<Self, ContentError> {
        let payload = payload.as_bytes();
        let body = match known {
            KnownType::TransactionReference => {
                TransactionReference::decode(payload).map(Self::TransactionReference)
            }
            KnownType::WalletSendCalls => {
                WalletSendCalls::decode(payload).map(Self::WalletSendCalls)
            }
            KnownType::Actions => Actions::decode(payload).map(Self::Actions),
            KnownType::Intent => Intent::decode(payload).map(Self::Intent),
            _ => None,
        };
        body.ok_or(ContentError::Json)
    }

    pub(crate) fn to_encoded(&self) -> Result<EncodedContent, ContentError> {
        match self {
            Self::Text(source) => text::encode(KnownType::Text, source),
            Self::Markdown(source) => text::encode(KnownType::Markdown, source),
            Self::Reply(reply) => reply.encode(),
            Self::Reaction(reaction) => reaction.encode(),
            Self::ReadReceipt => Ok(encoded(KnownType::ReadReceipt, Vec::new())),
            Self::Attachment(file) => file.encode(),
            Self::RemoteAttachment(file) => Ok(file.encode()),
            Self::RemoteAttachments(files) => attachment::encode_many(files),
            Self::TransactionReference(reference) => reference.encode(),
            Self::WalletSendCalls(calls) => calls.encode(),
            Self::Actions(actions) => actions.encode(),
            Self::Intent(intent) => intent.encode(),
            Self::DeleteMessage(target) => Ok(deletion::encode(target)),
            // Official clients send it without a note, so its payload is empty (groups.md 4.8).
            Self::LeaveRequest => Ok(encoded(KnownType::LeaveRequest, Vec::new())),
            Self::GroupUpdated(_) | Self::Unsupported { .. } => Err(ContentError::Unsendable),
        }
    }

    /// Whether a message with it is a line of its own. The others act on another message or on
    /// nothing visible.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        !matches!(
            self,
            Self::Reaction(_) | Self::ReadReceipt | Self::DeleteMessage(_)
        )
    }

    /// Whether a message with it may be the preview of its conversation, counts as unread and
    /// brings a conversation back that was deleted here. A line that is none only tells.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.is_visible() && !matches!(self, Self::LeaveRequest)
    }

    /// Whether a push server should wake people for it (content-and-client.md 1.10).
    #[must_use]
    pub fn should_push(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Markdown(_)
            | Self::Reply(_)
            | Self::Attachment(_)
            | Self::RemoteAttachment(_)
            | Self::RemoteAttachments(_)
            | Self::TransactionReference(_)
            | Self::WalletSendCalls(_)
            | Self::Actions(_)
            | Self::Intent(_) => true,
            Self::Reaction(_)
            | Self::ReadReceipt
            | Self::DeleteMessage(_)
            | Self::GroupUpdated(_)
            | Self::LeaveRequest
            | Self::Unsupported { .. } => false,
        }
    }

    /// The message it refers to: what it answers, is a reaction to, or deletes.
    #[must_use]
    pub fn reference(&self) -> Option<&MessageId> {
        match self {
            Self::Reply(reply) => reply.reference.as_ref(),
            Self::Reaction(reaction) => Some(&reaction.reference),
            Self::DeleteMessage(target) => Some(target),
            _ => None,
        }
    }

    /// It as text, in full: the text itself, or the words a list has for it. Empty for a membership
    /// change and for a wish to leave, which the shell puts into words.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Text(text) | Self::Markdown(text) => text,
            Self::Reply(reply) => return reply.body.text(),
            Self::Attachment(file) => return Cow::Owned(file.safe_name()),
            Self::RemoteAttachment(file) => return Cow::Owned(file.safe_name()),
            Self::RemoteAttachments(files) => {
                return Cow::Owned(match files.as_slice() {
                    [file] => file.safe_name(),
                    files => format!("{} files", files.len()),
                });
            }
            Self::TransactionReference(reference) => {
                return Cow::Owned(format!("Transaction {}", reference.reference));
            }
            Self::WalletSendCalls(_) => "Transaction request",
            Self::Actions(actions) => &actions.description,
            Self::Intent(intent) => return Cow::Owned(format!("Chose {}", intent.action_id)),
            Self::Unsupported { fallback } => fallback.as_deref().unwrap_or("Unsupported content"),
            Self::Reaction(reaction) => return Cow::Owned(reaction.text()),
            Self::ReadReceipt => "Read",
            Self::DeleteMessage(_) => "Deleted a message",
            Self::GroupUpdated(_) | Self::LeaveRequest => "",
        })
    }

    /// What a list shows: [`Body::text`] with white space folded, at most [`PREVIEW_CHARS`]
    /// characters.
    #[must_use]
    pub fn preview(&self) -> String {
        let mut preview = String::new();
        for word in self.text().split_whitespace() {
            if !preview.is_empty() {
                preview.push(' ');
            }
            preview.push_str(word);
            if preview.len() > PREVIEW_CHARS * 4 {
                break;
            }
        }
        preview.chars().take(PREVIEW_CHARS).collect()
    }
}

/// The opening of one message, with what is left of its bounds.
struct Opening {
    origin: Origin,
    /// Contents within this one that may still be opened.
    nesting: u8,
    /// Bytes that compressed contents may still grow to.
    inflated: usize,
}

impl Opening {
    fn open(&mut self, encoded: &EncodedContent) -> (ContentType, Body) {
        let content_type = encoded.r#type.clone().map(ContentType::from);
        let content_type = content_type.unwrap_or_default();
        let body = inflate(encoded, &mut self.inflated)
            .and_then(|payload| self.body(KnownType::of(&content_type), encoded, &payload));
        let body = body.unwrap_or_else(|| Body::Unsupported {
            fallback: encoded
                .fallback
                .clone()
                .filter(|fallback| !fallback.trim().is_empty()),
        });
        (content_type, body)
    }

    fn body(&mut self, known: KnownType, encoded: &EncodedContent, payload: &[u8]) -> Option<Body> {
        Some(match known {
            KnownType::Text => Body::Text(text::decode(encoded, payload)?),
            KnownType::Markdown => Body::Markdown(text::decode(encoded, payload)?),
            KnownType::Reply => {
                self.nesting = self.nesting.checked_sub(1)?;
                let inner = EncodedContent::decode(payload).ok()?;
                let (inner_type, inner) = self.open(&inner);
                Body::Reply(Box::new(Reply::decode(encoded, inner_type, inner)))
            }
            KnownType::Reaction => Body::Reaction(Reaction::decode(encoded, payload)?),
            KnownType::ReadReceipt => Body::ReadReceipt,
            KnownType::TransactionReference => {
                Body::TransactionReference(TransactionReference::decode(payload)?)
            }
            KnownType::WalletSendCalls => Body::WalletSendCalls(WalletSendCalls::decode(payload)?),
            KnownType::Actions => Body::Actions(Actions::decode(payload)?),
            KnownType::Intent => Body::Intent(Intent::decode(payload)?),
            KnownType::DeleteMessage => Body::DeleteMessage(deletion::decode(payload)?),
            KnownType::GroupUpdated if self.origin == Origin::Commit => {
                Body::GroupUpdated(GroupUpdated::decode(payload).ok()?.into())
            }
            // What a forged line would say is not shown either.
            KnownType::GroupUpdated => Body::Unsupported { fallback: None },
            KnownType::LeaveRequest => Body::LeaveRequest,
            KnownType::Attachment => {
                Body::Attachment(Attachment::decode(encoded, payload.to_vec()))
            }
            KnownType::RemoteAttachment => {
                Body::RemoteAttachment(Box::new(RemoteAttachment::decode(encoded, payload)?))
            }
            KnownType::MultiRemoteAttachment => {
                Body::RemoteAttachments(attachment::decode_many(payload)?)
            }
            KnownType::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests;
