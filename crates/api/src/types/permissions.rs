use std::collections::BTreeMap;

use serde::Serialize;

/// Who may do what in a group. Each rule is `allow`, `deny`, `admin`, `super_admin`, or `custom`
/// where a policy of another app fits none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// `everyone`, `admins`, `dm`, or `custom`.
    pub preset: String,
    /// Adding people.
    pub add_member: String,
    /// Removing people.
    pub remove_member: String,
    /// Making admins.
    pub add_admin: String,
    /// Taking the admin role away.
    pub remove_admin: String,
    /// Changing permissions. Receivers want a super admin whatever stands here (groups.md 2.4).
    pub update_permissions: String,
    /// Changing metadata, by field.
    pub update_metadata: BTreeMap<String, String>,
    /// The exact policies where a rule above is `custom`, by its name (`update_metadata.FIELD` for
    /// fields): `all(...)` and `any(...)` over rules.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
}

/// Messages of the conversation that are sent after `from_ns` disappear `in_ns` later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disappearing {
    /// From when on.
    pub from_ns: String,
    /// After how long.
    pub in_ns: String,
}

/// A conversation with what only its own page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConversationDetails {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: super::Conversation,
    /// Who may do what.
    pub permissions: Permissions,
    /// Whether messages disappear.
    pub disappearing: Option<Disappearing>,
    /// Ids of pinned messages.
    pub pinned: Vec<String>,
}
