use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Message, Role};

/// Who may do what in a group. Each rule is `allow`, `deny`, `admin`, `super_admin`, `custom` where
/// a policy of another app fits none of them, or `unspecified` where it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Permissions {
    /// `everyone`, `admins`, `dm`, `custom`, or `unreadable`: nobody can change the group then.
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
    /// Changing metadata, by field; fields that people change are always named, by their fallback rule
    /// where the group names none.
    pub update_metadata: BTreeMap<String, String>,
    /// The exact policies where a rule above is `custom`, by its name (`update_metadata.FIELD` for
    /// fields): `all(...)` and `any(...)` over rules.
    pub custom: BTreeMap<String, String>,
}

/// Messages of the conversation that are sent after `from_ns` disappear `in_ns` later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
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
}

/// A rule that people choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PermissionOption {
    /// Everybody.
    Allow,
    /// Nobody.
    Deny,
    /// Admins and super admins.
    Admin,
    /// Super admins.
    SuperAdmin,
}

/// A permission and its new rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct PermissionChange {
    /// `add_member`, `remove_member`, `add_admin`, `remove_admin` or `update_metadata.FIELD`.
    pub key: String,
    /// The rule; the admin roles know no `allow`.
    pub option: PermissionOption,
}

/// What a group says about one action of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ActionRule {
    /// Whether we may.
    pub allowed: bool,
    /// The rule that decides, in the words of [`Permissions`].
    pub rule: String,
    /// Why not: which policy, and who could; null if it is allowed.
    pub reason: Option<String>,
    /// Inbox ids of up to 20 members who could; empty if it is allowed.
    pub who: Vec<String>,
}

/// What a group allows, to whom, and what we may do ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct GroupRules {
    /// Its permissions.
    pub permissions: Permissions,
    /// What we are.
    pub my_role: Role,
    /// Inbox ids of the admins.
    pub admins: Vec<String>,
    /// Inbox ids of the super admins.
    pub super_admins: Vec<String>,
    /// Who created it.
    pub creator_inbox_id: String,
    /// The protocol version that it demands of everybody.
    pub minimum_version: Option<String>,
    /// Free text of an application; empty if there is none.
    pub app_data: String,
    /// What we may do: `add_member`, `remove_member`, `update_metadata.FIELD`, `add_admin`,
    /// `remove_admin`, `add_super_admin`, `remove_super_admin`, `update_permissions`,
    /// `delete_for_all`, `leave`.
    pub actions: BTreeMap<String, ActionRule>,
}

/// A change of an admin list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoleChange {
    /// Makes an admin.
    AddAdmin,
    /// Takes the admin role away.
    RemoveAdmin,
    /// Makes a super admin.
    AddSuperAdmin,
    /// Takes the super admin role away.
    RemoveSuperAdmin,
}

/// A pinned message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Pin {
    /// Its id.
    pub message_id: String,
    /// The message; null if it is not on this installation.
    pub message: Option<Message>,
}

/// The admin lists, as the command line prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Admins {
    /// Inbox ids of the admins.
    pub admins: Vec<String>,
    /// Inbox ids of the super admins.
    pub super_admins: Vec<String>,
}
