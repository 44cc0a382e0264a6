//! Actions to choose from, and the choice of one (content-and-client.md 1.8). Keys are written with
//! underscores: official clients of 1.8.1 write and read only these, later ones read both.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use conclave_proto::mls::message_contents::EncodedContent;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    content_type::KnownType,
    envelope::{ContentError, encoded, from_json, to_json},
};

/// Most actions that are sent.
pub const MAX_ACTIONS: usize = 10;
/// Most actions that are read.
const MAX_ACTIONS_READ: usize = 50;
/// Most bytes of a choice's metadata.
const INTENT_METADATA_BYTES: usize = 10_240;

/// How an action should look; one that is not known has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStyle {
    /// The expected one.
    Primary,
    /// Another one.
    Secondary,
    /// One to think about first.
    Danger,
    /// Anything else.
    #[serde(other)]
    Unknown,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id, unique among the actions of a message.
    pub id: String,
    /// What its button says.
    pub label: String,
    /// A picture.
    #[serde(default, alias = "imageUrl", skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// How it should look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<ActionStyle>,
    /// When it can't be chosen any more, by RFC 3339.
    #[serde(default, alias = "expiresAt", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Asks to choose one of several actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    /// Its id, which a choice names.
    pub id: String,
    /// What it is about.
    pub description: String,
    /// The actions.
    pub actions: Vec<Action>,
    /// When none can be chosen any more, by RFC 3339.
    #[serde(default, alias = "expiresAt", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// The choice of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// [`Actions::id`].
    pub id: String,
    /// [`Action::id`].
    #[serde(alias = "actionId")]
    pub action_id: String,
    /// Whatever the sender adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// Official clients (1.8.1) write times in UTC without saying so.
fn name_zone(time: &mut String) {
    let has_zone = time.split_once('T').is_none_or(|(_, clock)| {
        clock
            .bytes()
            .any(|b| matches!(b, b'Z' | b'z' | b'+' | b'-'))
    });
    if !has_zone {
        time.push('Z');
    }
}

impl Actions {
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut read: Self = from_json(payload)?;
        if read.actions.len() > MAX_ACTIONS_READ {
            return None;
        }
        let of_actions = read.actions.iter_mut().map(|action| &mut action.expires_at);
        for time in of_actions.chain([&mut read.expires_at]).flatten() {
            name_zone(time);
        }
        Some(read)
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        let ids: BTreeSet<&str> = self
            .actions
            .iter()
            .map(|action| action.id.as_str())
            .collect();
        if !(1..=MAX_ACTIONS).contains(&self.actions.len()) || ids.len() != self.actions.len() {
            return Err(ContentError::Actions);
        }
        let mut fallback = format!("{}\n\n", self.description);
        for (number, action) in (1..).zip(&self.actions) {
            let _ = writeln!(fallback, "[{number}] {}", action.label);
        }
        fallback.push_str("\nReply with the number to select");
        let mut content = encoded(KnownType::Actions, to_json(self)?);
        content.fallback = Some(fallback);
        Ok(content)
    }
}

impl Intent {
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        from_json(payload)
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        if let Some(metadata) = &self.metadata
            && to_json(metadata)?.len() > INTENT_METADATA_BYTES
        {
            return Err(ContentError::Unsendable);
        }
        let mut content = encoded(KnownType::Intent, to_json(self)?);
        content.fallback = Some(format!("User selected action: {}", self.action_id));
        Ok(content)
    }
}
