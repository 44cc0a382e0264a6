//! Policies as protobuf. Three message families carry the same tree of rules.

use conclave_proto::mls::message_contents as proto;
use prost::Message;

use super::{Policy, PolicySet, Rule, UnreadablePolicies};
use crate::extensions::{ExtensionError, GROUP_PERMISSIONS};

fn malformed(reason: &str) -> ExtensionError {
    ExtensionError::malformed(GROUP_PERMISSIONS, reason)
}

fn combination<T>(
    policies: &[T],
    read: impl Fn(&T) -> Result<Policy, ExtensionError>,
) -> Result<Vec<Policy>, ExtensionError> {
    if policies.is_empty() {
        return Err(malformed("empty combination"));
    }
    // Depth is bounded by the protobuf decoder's recursion limit.
    policies.iter().map(read).collect()
}

macro_rules! policy_family {
    ($module:ident, $message:ident, $package:ident, $base:ident, $($theirs:ident <=> $ours:ident),+) => {
        mod $module {
            use super::{ExtensionError, Policy, Rule, combination, malformed, proto};
            use proto::$package::{AndCondition, AnyCondition, $base, Kind};

            pub(super) fn read(message: &proto::$message) -> Result<Policy, ExtensionError> {
                match &message.kind {
                    Some(Kind::Base(base)) => match $base::try_from(*base) {
                        $(Ok($base::$theirs) => Ok(Policy::Rule(Rule::$ours)),)+
                        _ => Err(malformed("unknown rule")),
                    },
                    Some(Kind::AndCondition(all)) => {
                        combination(&all.policies, read).map(Policy::All)
                    }
                    Some(Kind::AnyCondition(any)) => {
                        combination(&any.policies, read).map(Policy::Any)
                    }
                    None => Err(malformed("policy without a kind")),
                }
            }

            pub(super) fn write(policy: &Policy) -> proto::$message {
                let kind = match policy {
                    Policy::Rule(rule) => Kind::Base(base(*rule).into()),
                    Policy::All(policies) => Kind::AndCondition(AndCondition {
                        policies: policies.iter().map(write).collect(),
                    }),
                    Policy::Any(policies) => Kind::AnyCondition(AnyCondition {
                        policies: policies.iter().map(write).collect(),
                    }),
                };
                proto::$message { kind: Some(kind) }
            }

            fn base(rule: Rule) -> $base {
                match rule {
                    $(Rule::$ours => $base::$theirs,)+
                    // Reached only for `Allow` in a family that has no such rule: the strictest
                    // role stands in for it (`groups.md` 2.4).
                    #[allow(unreachable_patterns, reason = "the other families cover all rules")]
                    _ => $base::AllowIfSuperAdmin,
                }
            }
        }
    };
}

policy_family!(membership, MembershipPolicy, membership_policy, BasePolicy,
    Allow <=> Allow, Deny <=> Deny, AllowIfAdminOrSuperAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin);
policy_family!(metadata, MetadataPolicy, metadata_policy, MetadataBasePolicy,
    Allow <=> Allow, Deny <=> Deny, AllowIfAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin);
policy_family!(permissions, PermissionsUpdatePolicy, permissions_update_policy, PermissionsBasePolicy,
    Deny <=> Deny, AllowIfAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin);

pub(super) fn decode(data: &[u8]) -> Result<PolicySet, ExtensionError> {
    let set = proto::GroupMutablePermissionsV1::decode(data)
        .map_err(|error| ExtensionError::malformed(GROUP_PERMISSIONS, error))?
        .policies
        .ok_or_else(|| malformed("no policies"))?;
    let absent = || malformed("a policy is missing");
    Ok(PolicySet {
        add_member: membership::read(set.add_member_policy.as_ref().ok_or_else(absent)?)?,
        remove_member: membership::read(set.remove_member_policy.as_ref().ok_or_else(absent)?)?,
        update_metadata: set
            .update_metadata_policy
            .iter()
            .map(|(name, policy)| Ok((name.clone(), metadata::read(policy)?)))
            .collect::<Result<_, ExtensionError>>()?,
        add_admin: permissions::read(set.add_admin_policy.as_ref().ok_or_else(absent)?)?,
        remove_admin: permissions::read(set.remove_admin_policy.as_ref().ok_or_else(absent)?)?,
        update_permissions: permissions::read(
            set.update_permissions_policy.as_ref().ok_or_else(absent)?,
        )?,
    })
}

/// What [`decode`] would have read of each policy by itself.
pub(super) fn salvage(data: &[u8], error: ExtensionError) -> UnreadablePolicies {
    let set = proto::GroupMutablePermissionsV1::decode(data)
        .ok()
        .and_then(|message| message.policies)
        .unwrap_or_default();
    let of_members = |policy: Option<&_>| policy.and_then(|policy| membership::read(policy).ok());
    let of_admins = |policy: Option<&_>| policy.and_then(|policy| permissions::read(policy).ok());
    UnreadablePolicies {
        error,
        add_member: of_members(set.add_member_policy.as_ref()),
        remove_member: of_members(set.remove_member_policy.as_ref()),
        update_metadata: set
            .update_metadata_policy
            .iter()
            .map(|(name, policy)| (name.clone(), metadata::read(policy).ok()))
            .collect(),
        add_admin: of_admins(set.add_admin_policy.as_ref()),
        remove_admin: of_admins(set.remove_admin_policy.as_ref()),
        update_permissions: of_admins(set.update_permissions_policy.as_ref()),
    }
}

pub(super) fn encode(set: &PolicySet) -> Vec<u8> {
    proto::GroupMutablePermissionsV1 {
        policies: Some(proto::PolicySet {
            add_member_policy: Some(membership::write(&set.add_member)),
            remove_member_policy: Some(membership::write(&set.remove_member)),
            update_metadata_policy: set
                .update_metadata
                .iter()
                .map(|(name, policy)| (name.clone(), metadata::write(policy)))
                .collect(),
            add_admin_policy: Some(permissions::write(&set.add_admin)),
            remove_admin_policy: Some(permissions::write(&set.remove_admin)),
            update_permissions_policy: Some(permissions::write(&set.update_permissions)),
        }),
    }
    .encode_to_vec()
}
