//! `0xFF02`: who may do what (`groups.md` 2.4, 4.6).

mod evaluation;
mod wire;

pub use evaluation::{Changes, PolicyViolation, evaluate};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::extensions::{
    ATTRIBUTE_DISAPPEAR_FROM, ATTRIBUTE_DISAPPEAR_IN, ATTRIBUTE_MINIMUM_VERSION, ExtensionError,
    MutableMetadata, SUPPORTED_ATTRIBUTES,
};

/// What an inbox is in a group. Ordered: each role may do what the lower ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// On neither list.
    Member,
    /// On the admin list only.
    Admin,
    /// On the super admin list.
    SuperAdmin,
}

impl Role {
    /// The role of `inbox_id` by the lists of `metadata`.
    #[must_use]
    pub fn of(inbox_id: &str, metadata: &MutableMetadata) -> Self {
        let on = |list: &[String]| list.iter().any(|id| id == inbox_id);
        if on(&metadata.super_admins) {
            Self::SuperAdmin
        } else if on(&metadata.admins) {
            Self::Admin
        } else {
            Self::Member
        }
    }
}

/// A simple rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Everybody.
    Allow,
    /// Nobody.
    Deny,
    /// Admins and super admins.
    Admin,
    /// Super admins.
    SuperAdmin,
}

/// A rule or a combination of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// One rule.
    Rule(Rule),
    /// All must hold. Never empty on the wire.
    All(Vec<Policy>),
    /// At least one must hold. Never empty on the wire.
    Any(Vec<Policy>),
}

impl Policy {
    /// Whether `role` may.
    #[must_use]
    pub fn allows(&self, role: Role) -> bool {
        match self {
            Self::Rule(Rule::Allow) => true,
            Self::Rule(Rule::Deny) => false,
            Self::Rule(Rule::Admin) => role >= Role::Admin,
            Self::Rule(Rule::SuperAdmin) => role == Role::SuperAdmin,
            Self::All(policies) => policies.iter().all(|policy| policy.allows(role)),
            Self::Any(policies) => policies.iter().any(|policy| policy.allows(role)),
        }
    }
}

impl fmt::Display for Rule {
    /// The word of `cli.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        })
    }
}

impl fmt::Display for Policy {
    /// The rule's word; `all(...)` and `any(...)` over rules.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, policies) = match self {
            Self::Rule(rule) => return rule.fmt(f),
            Self::All(policies) => ("all", policies),
            Self::Any(policies) => ("any", policies),
        };
        write!(f, "{name}(")?;
        for (index, policy) in policies.iter().enumerate() {
            write!(f, "{}{policy}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl From<Rule> for Policy {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

/// The permissions of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySet {
    /// Who may add inboxes.
    pub add_member: Policy,
    /// Who may remove inboxes.
    pub remove_member: Policy,
    /// Who may change an attribute, by its name. See [`PolicySet::attribute`] for the others.
    pub update_metadata: BTreeMap<String, Policy>,
    /// Who may add to the admin list.
    pub add_admin: Policy,
    /// Who may remove from the admin list.
    pub remove_admin: Policy,
    /// Carried but not used: every change of permissions needs a super admin (`groups.md` 2.4).
    pub update_permissions: Policy,
}

/// What can still be said of permissions that cannot be read as a whole. Nobody can follow them:
/// every commit in such a group is refused by everybody (V1). A policy that is absent, an empty
/// combination or of an unknown rule is `None` ("unspecified").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadablePolicies {
    /// Why the whole cannot be read.
    pub error: ExtensionError,
    /// Who may add inboxes.
    pub add_member: Option<Policy>,
    /// Who may remove inboxes.
    pub remove_member: Option<Policy>,
    /// Who may change an attribute, by its name.
    pub update_metadata: BTreeMap<String, Option<Policy>>,
    /// Who may add to the admin list.
    pub add_admin: Option<Policy>,
    /// Who may remove from the admin list.
    pub remove_admin: Option<Policy>,
    /// Carried but not used, see [`PolicySet::update_permissions`].
    pub update_permissions: Option<Policy>,
}

impl UnreadablePolicies {
    /// For permissions of which nothing can be read.
    pub(crate) const fn nothing(error: ExtensionError) -> Self {
        Self {
            error,
            add_member: None,
            remove_member: None,
            update_metadata: BTreeMap::new(),
            add_admin: None,
            remove_admin: None,
            update_permissions: None,
        }
    }
}

/// A well-known policy set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Every member may add people and rename ("default").
    AllMembers,
    /// Only admins may.
    AdminOnly,
    /// The fixed set of DMs.
    Dm,
}

impl Preset {
    const ALL: [Self; 3] = [Self::AllMembers, Self::AdminOnly, Self::Dm];

    const fn membership(self) -> (Rule, Rule) {
        match self {
            Self::AllMembers => (Rule::Allow, Rule::Admin),
            Self::AdminOnly => (Rule::Admin, Rule::Admin),
            Self::Dm => (Rule::Deny, Rule::Deny),
        }
    }

    const fn administration(self) -> Rule {
        match self {
            Self::AllMembers | Self::AdminOnly => Rule::SuperAdmin,
            Self::Dm => Rule::Deny,
        }
    }

    fn attribute(self, name: &str) -> Rule {
        match (self, name) {
            (Self::Dm, _) => Rule::Allow,
            (_, ATTRIBUTE_MINIMUM_VERSION) => Rule::SuperAdmin,
            (_, ATTRIBUTE_DISAPPEAR_FROM | ATTRIBUTE_DISAPPEAR_IN) | (Self::AdminOnly, _) => {
                Rule::Admin
            }
            (Self::AllMembers, _) => Rule::Allow,
        }
    }
}

impl From<Preset> for PolicySet {
    fn from(preset: Preset) -> Self {
        let (add, remove) = preset.membership();
        let administration = preset.administration();
        Self {
            add_member: add.into(),
            remove_member: remove.into(),
            update_metadata: SUPPORTED_ATTRIBUTES
                .into_iter()
                .map(|name| (name.to_owned(), preset.attribute(name).into()))
                .collect(),
            add_admin: administration.into(),
            remove_admin: administration.into(),
            update_permissions: administration.into(),
        }
    }
}

/// A permission that people may change (`groups.md` 2.4, end).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// Adding inboxes.
    AddMember,
    /// Removing inboxes.
    RemoveMember,
    /// Adding admins.
    AddAdmin,
    /// Removing admins.
    RemoveAdmin,
    /// Changing the attribute of this name.
    UpdateMetadata(String),
}

impl fmt::Display for Permission {
    /// The key of `cli.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddMember => f.write_str("add_member"),
            Self::RemoveMember => f.write_str("remove_member"),
            Self::AddAdmin => f.write_str("add_admin"),
            Self::RemoveAdmin => f.write_str("remove_admin"),
            Self::UpdateMetadata(name) => write!(f, "update_metadata.{name}"),
        }
    }
}

impl std::str::FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        match key {
            "add_member" => Ok(Self::AddMember),
            "remove_member" => Ok(Self::RemoveMember),
            "add_admin" => Ok(Self::AddAdmin),
            "remove_admin" => Ok(Self::RemoveAdmin),
            _ => match key.strip_prefix("update_metadata.") {
                Some(name) if !name.is_empty() => Ok(Self::UpdateMetadata(name.to_owned())),
                _ => Err(UnknownPermission(key.to_owned())),
            },
        }
    }
}

/// A text that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a permission: {0:?}")]
pub struct UnknownPermission(pub String);

/// One policy that differs between two sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// Which: the key of a [`Permission`], or `update_permissions`.
    pub key: String,
    /// Policy before; of an attribute without one, the fallback.
    pub old: Policy,
    /// Policy after.
    pub new: Policy,
}

impl PolicySet {
    /// Reads extension data.
    ///
    /// # Errors
    /// [`ExtensionError::Malformed`] for a bad protobuf, a missing policy, an empty combination or
    /// an unknown rule.
    pub fn decode(data: &[u8]) -> Result<Self, ExtensionError> {
        wire::decode(data)
    }

    /// Reads extension data for people to see: what is unreadable as a whole may be readable in
    /// part.
    ///
    /// # Errors
    /// What can be read of a set that [`PolicySet::decode`] refuses.
    pub fn read(data: &[u8]) -> Result<Self, Box<UnreadablePolicies>> {
        wire::decode(data).map_err(|error| Box::new(wire::salvage(data, error)))
    }

    /// Extension data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// The policy for an attribute: its own, or the fallback for names without one: super admins
    /// for names that begin with `_`, else admins.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Policy {
        self.update_metadata.get(name).cloned().unwrap_or_else(|| {
            if name.starts_with('_') {
                Rule::SuperAdmin.into()
            } else {
                Rule::Admin.into()
            }
        })
    }

    /// The policy of a permission.
    #[must_use]
    pub fn of(&self, permission: &Permission) -> Policy {
        match permission {
            Permission::AddMember => self.add_member.clone(),
            Permission::RemoveMember => self.remove_member.clone(),
            Permission::AddAdmin => self.add_admin.clone(),
            Permission::RemoveAdmin => self.remove_admin.clone(),
            Permission::UpdateMetadata(name) => self.attribute(name),
        }
    }

    /// What differs in `new`, in the order people read it.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<PolicyChange> {
        let names: BTreeSet<&String> = self
            .update_metadata
            .keys()
            .chain(new.update_metadata.keys())
            .collect();
        [
            Permission::AddMember,
            Permission::RemoveMember,
            Permission::AddAdmin,
            Permission::RemoveAdmin,
        ]
        .into_iter()
        .chain(
            names
                .into_iter()
                .map(|name| Permission::UpdateMetadata(name.clone())),
        )
        .map(|permission| PolicyChange {
            key: permission.to_string(),
            old: self.of(&permission),
            new: new.of(&permission),
        })
        .chain([PolicyChange {
            key: "update_permissions".to_owned(),
            old: self.update_permissions.clone(),
            new: new.update_permissions.clone(),
        }])
        .filter(|change| change.old != change.new)
        .collect()
    }

    /// The preset that this set is. Attributes may be more or fewer than the preset's, as long as
    /// each has the preset's rule.
    #[must_use]
    pub fn preset(&self) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| {
            self.fixed_policies_are(*preset)
                && self
                    .update_metadata
                    .iter()
                    .all(|(name, policy)| *policy == preset.attribute(name).into())
        })
    }

    /// Whether the five policies that are not about attributes are those of `preset`.
    pub(crate) fn fixed_policies_are(&self, preset: Preset) -> bool {
        let (add, remove) = preset.membership();
        let administration = Policy::from(preset.administration());
        self.add_member == add.into()
            && self.remove_member == remove.into()
            && self.add_admin == administration
            && self.remove_admin == administration
            && self.update_permissions == administration
    }

    /// This set with one permission changed. The policies about admins know no `Allow`; it becomes
    /// super admins only.
    #[must_use]
    pub fn with(mut self, permission: &Permission, rule: Rule) -> Self {
        let administration = if rule == Rule::Allow {
            Rule::SuperAdmin
        } else {
            rule
        };
        match permission {
            Permission::AddMember => self.add_member = rule.into(),
            Permission::RemoveMember => self.remove_member = rule.into(),
            Permission::AddAdmin => self.add_admin = administration.into(),
            Permission::RemoveAdmin => self.remove_admin = administration.into(),
            Permission::UpdateMetadata(name) => {
                self.update_metadata.insert(name.clone(), rule.into());
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
