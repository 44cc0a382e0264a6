//! Reactions: version 2 is sent, version 1 and the form before it are read too
//! (content-and-client.md 1.5).

use conclave_proto::mls::message_contents::{
    EncodedContent,
    content_types::{ReactionAction as WireAction, ReactionSchema as WireSchema, ReactionV2},
};
use prost::Message;
use serde::Deserialize;

use crate::{
    content_type::KnownType,
    envelope::{ContentError, JSON_BYTES, MessageId, encoded, inbox_id, message_reference},
};

/// Most bytes of what somebody reacts with: a long sequence of emoji, or a word.
pub const MAX_REACTION_BYTES: usize = 256;

/// What a reaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReactionAction {
    /// The sender reacts.
    Added,
    /// The sender takes it back.
    Removed,
    /// Something this version does not know; it changes nothing.
    Unknown,
}

/// How the content of a reaction is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReactionSchema {
    /// An emoji; also where the sender does not say.
    Unicode,
    /// A name such as `:+1:`.
    Shortcode,
    /// Anything.
    Custom,
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The message it is about.
    pub reference: MessageId,
    /// Who wrote that message, by the sender's word.
    pub reference_inbox_id: Option<String>,
    /// What it does.
    pub action: ReactionAction,
    /// What the sender reacts with: 1 to [`MAX_REACTION_BYTES`] bytes.
    pub content: String,
    /// How to read it.
    pub schema: ReactionSchema,
}

/// Version 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    #[serde(default)]
    action: String,
    reference: String,
    #[serde(default)]
    reference_inbox_id: Option<String>,
    #[serde(default)]
    schema: String,
    content: String,
}

impl ReactionAction {
    fn named(name: &str) -> Self {
        match name {
            "added" => Self::Added,
            "removed" => Self::Removed,
            _ => Self::Unknown,
        }
    }
}

impl ReactionSchema {
    fn named(name: &str) -> Self {
        match name {
            "shortcode" => Self::Shortcode,
            "custom" => Self::Custom,
            _ => Self::Unicode,
        }
    }
}

impl Reaction {
    pub(crate) fn decode(encoded: &EncodedContent, payload: &[u8]) -> Option<Self> {
        let major = encoded.r#type.as_ref().map(|name| name.version_major);
        let reaction = if major == Some(2) {
            Self::of_wire(ReactionV2::decode(payload).ok()?)
        } else if payload.len() > JSON_BYTES {
            None
        } else if let Ok(json) = serde_json::from_slice::<Json>(payload) {
            Self::of_json(json)
        } else {
            // The oldest form: the emoji alone, and all about it in the parameters.
            let parameter = |key| encoded.parameters.get(key).map_or("", String::as_str);
            Self::of_json(Json {
                action: parameter("action").to_owned(),
                reference: parameter("reference").to_owned(),
                reference_inbox_id: None,
                schema: parameter("schema").to_owned(),
                content: std::str::from_utf8(payload).ok()?.to_owned(),
            })
        };
        reaction.filter(Self::is_in_bounds)
    }

    fn of_wire(wire: ReactionV2) -> Option<Self> {
        Some(Self {
            reference: message_reference(&wire.reference)?,
            reference_inbox_id: inbox_id(&wire.reference_inbox_id),
            action: match wire.action() {
                WireAction::Added => ReactionAction::Added,
                WireAction::Removed => ReactionAction::Removed,
                WireAction::Unspecified => ReactionAction::Unknown,
            },
            schema: match wire.schema() {
                WireSchema::Shortcode => ReactionSchema::Shortcode,
                WireSchema::Custom => ReactionSchema::Custom,
                WireSchema::Unicode | WireSchema::Unspecified => ReactionSchema::Unicode,
            },
            content: wire.content,
        })
    }

    fn of_json(json: Json) -> Option<Self> {
        Some(Self {
            reference: message_reference(&json.reference)?,
            reference_inbox_id: json.reference_inbox_id.as_deref().and_then(inbox_id),
            action: ReactionAction::named(&json.action),
            schema: ReactionSchema::named(&json.schema),
            content: json.content,
        })
    }

    fn is_in_bounds(&self) -> bool {
        !self.content.trim().is_empty() && self.content.len() <= MAX_REACTION_BYTES
    }

    /// What a client shows that does not know reactions.
    pub(crate) fn text(&self) -> String {
        let content = &self.content;
        match self.action {
            ReactionAction::Removed => format!("Removed \"{content}\" from an earlier message"),
            ReactionAction::Added | ReactionAction::Unknown => {
                format!("Reacted with \"{content}\" to an earlier message")
            }
        }
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        if !self.is_in_bounds() {
            return Err(ContentError::Reaction);
        }
        let action = match self.action {
            ReactionAction::Added => WireAction::Added,
            ReactionAction::Removed => WireAction::Removed,
            ReactionAction::Unknown => return Err(ContentError::Reaction),
        };
        let schema = match self.schema {
            ReactionSchema::Unicode => WireSchema::Unicode,
            ReactionSchema::Shortcode => WireSchema::Shortcode,
            ReactionSchema::Custom => WireSchema::Custom,
        };
        let wire = ReactionV2 {
            reference: hex::encode(self.reference),
            reference_inbox_id: self.reference_inbox_id.clone().unwrap_or_default(),
            action: action.into(),
            content: self.content.clone(),
            schema: schema.into(),
        };
        let mut encoded = encoded(KnownType::Reaction, wire.encode_to_vec());
        encoded.fallback = Some(self.text());
        Ok(encoded)
    }
}
