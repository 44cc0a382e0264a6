use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Message;

/// Arguments of `search_messages`.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct SearchArgs {
    /// Words that all have to be there, the last perhaps only begun; `"words in a row"`;
    /// `from:` an address, an inbox id, the beginning of one, or `me`; `in:` a part of a
    /// conversation's name, its id or the person of a direct message; `before:2026-11-01` and
    /// `after:2026-11-01`, both without that day. Values with spaces stand in quotes.
    pub query: String,
    /// Only in this conversation.
    #[ts(optional)]
    pub conversation_id: Option<String>,
    /// Results, 1 to 100; 30 if it is not given.
    #[ts(optional)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[ts(optional)]
    pub before: Option<String>,
    /// How many minutes the person's clock is ahead of UTC, for `before:` and `after:`; 0 if it is
    /// not given.
    #[ts(optional)]
    pub utc_offset_minutes: Option<i32>,
}

/// A part of what a result shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SnippetPart {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_match: bool,
}

/// A message that was found.
#[derive(Debug, Clone, Serialize, TS)]
pub struct SearchHit {
    /// The message.
    pub message: Message,
    /// Its text around the first matches.
    pub snippet: Vec<SnippetPart>,
}

/// A page of messages that were found, the newest first.
#[derive(Debug, Clone, Serialize, TS)]
pub struct SearchPage {
    /// The messages.
    pub items: Vec<SearchHit>,
    /// Pass as `before` for the next page; null on the last.
    pub next: Option<String>,
    /// Why nothing could be searched for, in a sentence: a filter that can't be read or that stands
    /// for nobody and nothing here. Null if all is well.
    pub problem: Option<String>,
}
