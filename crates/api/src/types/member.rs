use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;

use super::{Consent, Failure};

/// A member's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Member.
    Member,
    /// Admin.
    Admin,
    /// Super admin.
    SuperAdmin,
}

/// A member of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Member {
    /// Inbox id.
    pub inbox_id: String,
    /// Wallets of the inbox.
    pub addresses: Vec<String>,
    /// Installations of the inbox that are in the group.
    pub installation_ids: Vec<String>,
    /// Role.
    pub role: Role,
    /// Our consent to this inbox.
    pub consent: Consent,
    /// Whether it is us.
    pub is_self: bool,
    /// What we may do to them: `remove`, `add_admin`, `remove_admin`, `add_super_admin`,
    /// `remove_super_admin`.
    pub can: Vec<String>,
    /// What we may not do to them although it would make sense, each with the reason.
    pub denied: BTreeMap<String, String>,
}

/// What is known of an address or inbox id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Resolved {
    /// As it was given.
    pub who: String,
    /// Its inbox, if there is one on this network.
    pub inbox_id: Option<String>,
    /// Whether at least one installation can be added to a group.
    pub reachable: bool,
    /// Wallets of the inbox.
    pub addresses: Vec<String>,
    /// Why it can't be used: `malformed`, `not_registered`, `no_installation`, `is_self`; null if
    /// it can.
    pub problem: Option<String>,
}

/// People that were added or removed, and those that were not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MembershipResult {
    /// Inbox ids that were added (or removed).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub added: Option<Vec<String>>,
    /// Inbox ids that were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub removed: Option<Vec<String>>,
    /// Those that were not, and why.
    pub failed: Vec<Failure>,
}
