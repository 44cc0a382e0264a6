//! What a group allows, to whom: permissions and roles in the words of `cli.md`, and changing them.

use std::collections::BTreeMap;

use conclave_engine::{
    AdminChange, FIELDS, GroupRules as Rules, Permission, Policy, PolicySet, Preset, Rule,
    UnreadablePolicies,
};

use crate::{
    api::Api,
    error::ApiError,
    message,
    types::{
        ActionRule, Conversation, ConversationArgs, ConversationDetails, DisappearingSetArgs,
        GroupRules, PermissionChange, PermissionOption, Permissions, PermissionsSetArgs, Pin,
        PinSetArgs, RoleChange, RoleChangeArgs,
    },
    value,
};

const CUSTOM: &str = "custom";
const UNSPECIFIED: &str = "unspecified";
const UNREADABLE: &str = "unreadable";

/// Words for rules; the exact text of those that have no word is kept.
#[derive(Default)]
struct Words {
    custom: BTreeMap<String, String>,
}

/// The word for a policy; `None` is one that cannot be read.
fn word(policy: Option<&Policy>) -> String {
    match policy {
        None => UNSPECIFIED.to_owned(),
        Some(Policy::Rule(rule)) => rule.to_string(),
        Some(_) => CUSTOM.to_owned(),
    }
}

impl Words {
    fn of(&mut self, name: &str, policy: Option<&Policy>) -> String {
        if let Some(policy @ (Policy::All(_) | Policy::Any(_))) = policy {
            self.custom.insert(name.to_owned(), policy.to_string());
        }
        word(policy)
    }

    fn of_fields(
        &mut self,
        policies: impl Iterator<Item = (String, Option<Policy>)>,
    ) -> BTreeMap<String, String> {
        policies
            .map(|(field, policy)| {
                let name = format!("update_metadata.{field}");
                let word = self.of(&name, policy.as_ref());
                (field, word)
            })
            .collect()
    }
}

impl From<&PolicySet> for Permissions {
    fn from(set: &PolicySet) -> Self {
        let preset = match set.preset() {
            Some(Preset::AllMembers) => "everyone",
            Some(Preset::AdminOnly) => "admins",
            Some(Preset::Dm) => "dm",
            None => CUSTOM,
        };
        let mut words = Words::default();
        let named = set.update_metadata.keys().map(String::as_str);
        let fields = FIELDS.into_iter().chain(named);
        Self {
            preset: preset.to_owned(),
            add_member: words.of("add_member", Some(&set.add_member)),
            remove_member: words.of("remove_member", Some(&set.remove_member)),
            add_admin: words.of("add_admin", Some(&set.add_admin)),
            remove_admin: words.of("remove_admin", Some(&set.remove_admin)),
            update_permissions: words.of("update_permissions", Some(&set.update_permissions)),
            update_metadata: words
                .of_fields(fields.map(|name| (name.to_owned(), Some(set.attribute(name))))),
            custom: words.custom,
        }
    }
}

impl From<&UnreadablePolicies> for Permissions {
    fn from(set: &UnreadablePolicies) -> Self {
        let mut words = Words::default();
        let fields = set.update_metadata.iter();
        Self {
            preset: UNREADABLE.to_owned(),
            add_member: words.of("add_member", set.add_member.as_ref()),
            remove_member: words.of("remove_member", set.remove_member.as_ref()),
            add_admin: words.of("add_admin", set.add_admin.as_ref()),
            remove_admin: words.of("remove_admin", set.remove_admin.as_ref()),
            update_permissions: words.of("update_permissions", set.update_permissions.as_ref()),
            update_metadata: words
                .of_fields(fields.map(|(name, policy)| (name.clone(), policy.clone()))),
            custom: words.custom,
        }
    }
}

impl From<Rules> for GroupRules {
    fn from(rules: Rules) -> Self {
        let permissions = match &rules.policies {
            Ok(policies) => policies.into(),
            Err(unreadable) => unreadable.as_ref().into(),
        };
        let actions = rules.verdicts.into_iter().map(|(action, verdict)| {
            let rule = ActionRule {
                allowed: verdict.refusal.is_none(),
                rule: word(verdict.policy.as_ref()),
                reason: verdict.refusal,
                who: verdict.who,
            };
            (action, rule)
        });
        Self {
            permissions,
            my_role: rules.role.into(),
            admins: rules.admins,
            super_admins: rules.super_admins,
            creator_inbox_id: rules.creator_inbox_id,
            minimum_version: rules.minimum_version,
            app_data: rules.app_data,
            actions: actions.collect(),
        }
    }
}

impl From<RoleChange> for AdminChange {
    fn from(change: RoleChange) -> Self {
        match change {
            RoleChange::AddAdmin => Self::AddAdmin,
            RoleChange::RemoveAdmin => Self::RemoveAdmin,
            RoleChange::AddSuperAdmin => Self::AddSuperAdmin,
            RoleChange::RemoveSuperAdmin => Self::RemoveSuperAdmin,
        }
    }
}

/// Reads permissions and their new rules.
pub(crate) fn permission_changes(
    changes: &[PermissionChange],
) -> Result<Vec<(Permission, Rule)>, ApiError> {
    changes.iter().map(permission_change).collect()
}

fn permission_change(change: &PermissionChange) -> Result<(Permission, Rule), ApiError> {
    let permission: Permission = change.key.parse().map_err(|_| {
        ApiError::arguments(
            "The permissions are add_member, remove_member, add_admin, remove_admin and \
             update_metadata.FIELD.",
        )
    })?;
    if matches!(&permission, Permission::UpdateMetadata(field) if !FIELDS.contains(&field.as_str()))
    {
        return Err(ApiError::arguments(format!(
            "The fields are {}.",
            FIELDS.join(", ")
        )));
    }
    let rule = match change.option {
        PermissionOption::Allow => Rule::Allow,
        PermissionOption::Deny => Rule::Deny,
        PermissionOption::Admin => Rule::Admin,
        PermissionOption::SuperAdmin => Rule::SuperAdmin,
    };
    let about_admins = matches!(permission, Permission::AddAdmin | Permission::RemoveAdmin);
    if about_admins && rule == Rule::Allow {
        return Err(ApiError::arguments(
            "Not everyone may change admins: choose deny, admin or super_admin.",
        ));
    }
    Ok((permission, rule))
}

/// Reads a duration in ns; none for `null`.
pub(crate) fn duration(in_ns: Option<&str>) -> Result<Option<i64>, ApiError> {
    in_ns
        .map(|text| match text.parse::<i64>() {
            Ok(in_ns) if in_ns > 0 => Ok(in_ns),
            _ => Err(ApiError::arguments(
                "A time after which messages disappear is a number of nanoseconds above 0.",
            )),
        })
        .transpose()
}

impl Api {
    /// What a group allows, to whom, and what we may do ourselves.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn group_rules(&self, args: ConversationArgs) -> Result<GroupRules, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        Ok(self.client().await?.group_rules(&id).await?.into())
    }

    /// Changes permissions, all in one commit.
    ///
    /// # Errors
    /// `invalid_arguments`, `denied_by_policy`, `direct_message`, `group_unreadable`, the network's.
    pub async fn permissions_set(&self, args: PermissionsSetArgs) -> Result<GroupRules, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let changes = permission_changes(&args.changes)?;
        let client = self.client().await?;
        client.set_permissions(&id, changes).await?;
        Ok(client.group_rules(&id).await?.into())
    }

    /// Changes an admin list.
    ///
    /// # Errors
    /// `malformed`, `not_registered`, `not_member`, `denied_by_policy`, `last_super_admin`,
    /// `direct_message`, `group_unreadable`, the network's.
    pub async fn role_change(&self, args: RoleChangeArgs) -> Result<GroupRules, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        client
            .change_role(&id, &args.who, args.change.into())
            .await?;
        Ok(client.group_rules(&id).await?.into())
    }

    /// Lets messages disappear some time after each was received, or stay.
    ///
    /// # Errors
    /// `invalid_arguments`, `denied_by_policy`, the network's.
    pub async fn disappearing_set(
        &self,
        args: DisappearingSetArgs,
    ) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let in_ns = duration(args.in_ns.as_deref())?;
        self.client().await?.set_disappearing(&id, in_ns).await?;
        self.conversation(&id).await
    }

    /// Pins or unpins a message for everybody.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_message`, `too_many_pins`, `denied_by_policy`, `direct_message`, the
    /// network's.
    pub async fn pin_set(&self, args: PinSetArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let message_id = value::bytes(&args.message_id)?;
        self.client()
            .await?
            .set_pin(&id, &message_id, args.pinned)
            .await?;
        self.conversation(&id).await
    }

    /// Pinned messages, newest pin first.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn pin_list(&self, args: ConversationArgs) -> Result<Vec<Pin>, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        let mut pins = Vec::new();
        for pin in client.pins(&id).await? {
            pins.push(Pin {
                message_id: value::id(pin.message_id),
                message: match pin.message {
                    Some(found) => Some(message::one(&client, found).await?),
                    None => None,
                },
            });
        }
        Ok(pins)
    }

    /// A conversation with its permissions.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_details(
        &self,
        args: ConversationArgs,
    ) -> Result<ConversationDetails, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        Ok(ConversationDetails {
            conversation: self.conversation(&id).await?,
            permissions: self.group_rules(args).await?.permissions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, option: PermissionOption) -> PermissionChange {
        PermissionChange {
            key: key.to_owned(),
            option,
        }
    }

    #[test]
    fn presets_have_their_names() {
        let everyone = Permissions::from(&PolicySet::from(Preset::AllMembers));
        assert_eq!(everyone.preset, "everyone");
        assert_eq!(
            (
                everyone.add_member.as_str(),
                everyone.remove_member.as_str()
            ),
            ("allow", "admin")
        );
        assert_eq!(everyone.update_metadata["group_name"], "allow");
        assert_eq!(
            everyone.update_metadata["conclave.pinned_messages"], "admin",
            "by the fallback rule"
        );
        assert!(everyone.custom.is_empty());
        assert_eq!(
            Permissions::from(&PolicySet::from(Preset::AdminOnly)).preset,
            "admins"
        );
        assert_eq!(Permissions::from(&PolicySet::from(Preset::Dm)).preset, "dm");
    }

    #[test]
    fn a_policy_that_fits_no_option_is_shown_exactly() {
        let mut policies = PolicySet::from(Preset::AllMembers);
        policies.add_member = Policy::Any(vec![
            Rule::Admin.into(),
            Policy::All(vec![Rule::Allow.into(), Rule::Deny.into()]),
        ]);
        let permissions = Permissions::from(&policies);
        assert_eq!(permissions.preset, "custom");
        assert_eq!(permissions.add_member, "custom");
        assert_eq!(
            permissions.custom["add_member"],
            "any(admin, all(allow, deny))"
        );
    }

    #[test]
    fn every_key_is_read_and_nothing_else() {
        use PermissionOption::{Admin, Allow, Deny, SuperAdmin};
        for key in ["add_member", "remove_member", "update_metadata.group_name"] {
            for (option, rule) in [
                (Allow, Rule::Allow),
                (Deny, Rule::Deny),
                (Admin, Rule::Admin),
                (SuperAdmin, Rule::SuperAdmin),
            ] {
                let (permission, read) = permission_change(&change(key, option)).unwrap();
                assert_eq!((permission.to_string().as_str(), read), (key, rule));
            }
        }
        for (key, option) in [
            ("add_admin", Allow),
            ("remove_admin", Allow),
            ("update_permissions", Admin),
            ("update_metadata.", Allow),
            ("update_metadata._commit_log_signer", Allow),
        ] {
            let error = permission_change(&change(key, option)).unwrap_err();
            assert_eq!(error.code, "invalid_arguments", "{key}");
        }
    }

    #[test]
    fn a_duration_is_a_positive_number() {
        assert_eq!(duration(None).unwrap(), None);
        assert_eq!(duration(Some("5")).unwrap(), Some(5));
        for bad in ["0", "-1", "soon", ""] {
            assert_eq!(duration(Some(bad)).unwrap_err().code, "invalid_arguments");
        }
    }
}
