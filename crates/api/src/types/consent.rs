use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whether the person wants to hear from an inbox or in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nothing said yet.
    Unknown,
    /// Wanted.
    Allowed,
    /// Not wanted.
    Denied,
}

/// What a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConsentEntity {
    /// A person.
    Inbox,
    /// A conversation.
    Conversation,
}

/// Arguments of `consent_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ConsentSetArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// The new state.
    pub state: Consent,
}

/// Arguments of `inbox_consent_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct InboxConsentArgs {
    /// Inbox id.
    pub inbox_id: String,
    /// The new state.
    pub state: Consent,
}

/// Arguments of `inbox_consent_list`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct InboxConsentListArgs {
    /// Which decision.
    pub state: Consent,
}

/// The decision about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct InboxConsent {
    /// Inbox id.
    pub inbox_id: String,
    /// Wallets of the inbox, as far as known on this installation.
    pub addresses: Vec<String>,
    /// The decision.
    pub state: Consent,
    /// When it was taken; null if it never was.
    pub decided_at_ns: Option<String>,
}

/// Who added us to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RequestAdder {
    /// Inbox id.
    pub inbox_id: String,
    /// Wallets of the inbox, as far as known on this installation.
    pub addresses: Vec<String>,
    /// Our consent to them.
    pub consent: Consent,
}

/// A group in which somebody is too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SharedConversation {
    /// Conversation id.
    pub conversation_id: String,
    /// Its name.
    pub name: String,
}

/// What a person sees of a conversation before they decide about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RequestDetails {
    /// Who added us.
    pub added_by: RequestAdder,
    /// Number of members (inboxes).
    pub member_count: u32,
    /// Other groups, not blocked, that we share with them, newest activity first; at most 20.
    pub shared: Vec<SharedConversation>,
}
