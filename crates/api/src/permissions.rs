//! Policies of a group in the words of `cli.md`.

use std::collections::BTreeMap;

use conclave_engine::{Policy, PolicySet, Preset, Rule};

use crate::{
    api::Api,
    error::ApiError,
    types::{ConversationArgs, ConversationDetails, Disappearing, Permissions},
    value,
};

const CUSTOM: &str = "custom";

fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::Allow => "allow",
        Rule::Deny => "deny",
        Rule::Admin => "admin",
        Rule::SuperAdmin => "super_admin",
    }
}

fn exact(policy: &Policy) -> String {
    let list = |policies: &[Policy]| policies.iter().map(exact).collect::<Vec<_>>().join(", ");
    match policy {
        Policy::Rule(rule) => word(*rule).to_owned(),
        Policy::All(policies) => format!("all({})", list(policies)),
        Policy::Any(policies) => format!("any({})", list(policies)),
    }
}

impl From<&PolicySet> for Permissions {
    fn from(policies: &PolicySet) -> Self {
        let mut custom = BTreeMap::new();
        let mut option = |name: String, policy: &Policy| match policy {
            Policy::Rule(rule) => word(*rule).to_owned(),
            _ => {
                custom.insert(name, exact(policy));
                CUSTOM.to_owned()
            }
        };
        let preset = match policies.preset() {
            Some(Preset::AllMembers) => "everyone",
            Some(Preset::AdminOnly) => "admins",
            Some(Preset::Dm) => "dm",
            None => CUSTOM,
        };
        Self {
            preset: preset.to_owned(),
            add_member: option("add_member".to_owned(), &policies.add_member),
            remove_member: option("remove_member".to_owned(), &policies.remove_member),
            add_admin: option("add_admin".to_owned(), &policies.add_admin),
            remove_admin: option("remove_admin".to_owned(), &policies.remove_admin),
            update_permissions: option(
                "update_permissions".to_owned(),
                &policies.update_permissions,
            ),
            update_metadata: policies
                .update_metadata
                .iter()
                .map(|(field, policy)| {
                    (
                        field.clone(),
                        option(format!("update_metadata.{field}"), policy),
                    )
                })
                .collect(),
            custom,
        }
    }
}

impl Api {
    /// A conversation with its permissions, disappearing times and pinned messages.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_details(
        &self,
        args: ConversationArgs,
    ) -> Result<ConversationDetails, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let metadata = self.client().await?.group_metadata(&id).await?;
        Ok(ConversationDetails {
            conversation: self.conversation(&id).await?,
            permissions: Permissions::from(&metadata.policies),
            disappearing: metadata.disappearing.map(|(from_ns, in_ns)| Disappearing {
                from_ns: value::ns(from_ns),
                in_ns: value::ns(in_ns),
            }),
            pinned: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(
            serde_json::to_value(&everyone)
                .unwrap()
                .get("custom")
                .is_none()
        );
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
}
