//! Lines that each installation derives from commits (groups.md 8). They are never sent.

use conclave_proto::mls::message_contents::{
    GroupUpdated,
    group_updated::{Inbox, MetadataFieldChange},
};
use prost::Message;

use crate::{content_type::KnownType, envelope::encoded};

/// A changed metadata field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Attribute key, for instance `group_name`.
    pub field: String,
    /// Value before.
    pub old: Option<String>,
    /// Value after.
    pub new: Option<String>,
}

/// What a commit visibly changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupUpdate {
    /// Inbox of the committer.
    pub by: String,
    /// Inboxes that came in.
    pub added: Vec<String>,
    /// Inboxes that were removed.
    pub removed: Vec<String>,
    /// Inboxes that were removed at their own wish.
    pub left: Vec<String>,
    /// Changed metadata. Keys that begin with `_` never appear: one of them holds a secret key.
    pub fields: Vec<FieldChange>,
    /// Inboxes that became admins.
    pub added_admins: Vec<String>,
    /// Inboxes that are no longer admins.
    pub removed_admins: Vec<String>,
    /// Inboxes that became super admins.
    pub added_super_admins: Vec<String>,
    /// Inboxes that are no longer super admins.
    pub removed_super_admins: Vec<String>,
}

impl GroupUpdate {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Self {
            by: self.by.clone(),
            ..Self::default()
        } == *self
    }
}

impl From<GroupUpdated> for GroupUpdate {
    fn from(update: GroupUpdated) -> Self {
        fn ids(inboxes: Vec<Inbox>) -> Vec<String> {
            inboxes.into_iter().map(|inbox| inbox.inbox_id).collect()
        }
        Self {
            by: update.initiated_by_inbox_id,
            added: ids(update.added_inboxes),
            removed: ids(update.removed_inboxes),
            left: ids(update.left_inboxes),
            fields: update
                .metadata_field_changes
                .into_iter()
                .filter(|change| !change.field_name.starts_with('_'))
                .map(|change| FieldChange {
                    field: change.field_name,
                    old: change.old_value,
                    new: change.new_value,
                })
                .collect(),
            added_admins: ids(update.added_admin_inboxes),
            removed_admins: ids(update.removed_admin_inboxes),
            added_super_admins: ids(update.added_super_admin_inboxes),
            removed_super_admins: ids(update.removed_super_admin_inboxes),
        }
    }
}

/// The stored form of a transcript line: a serialized `EncodedContent` of type
/// `xmtp.org/group_updated:1.0`.
#[must_use]
pub fn encode_group_updated(update: &GroupUpdate) -> Vec<u8> {
    fn inboxes(ids: &[String]) -> Vec<Inbox> {
        ids.iter()
            .map(|id| Inbox {
                inbox_id: id.clone(),
            })
            .collect()
    }
    let proto = GroupUpdated {
        initiated_by_inbox_id: update.by.clone(),
        added_inboxes: inboxes(&update.added),
        removed_inboxes: inboxes(&update.removed),
        left_inboxes: inboxes(&update.left),
        metadata_field_changes: update
            .fields
            .iter()
            .map(|change| MetadataFieldChange {
                field_name: change.field.clone(),
                old_value: change.old.clone(),
                new_value: change.new.clone(),
            })
            .collect(),
        added_admin_inboxes: inboxes(&update.added_admins),
        removed_admin_inboxes: inboxes(&update.removed_admins),
        added_super_admin_inboxes: inboxes(&update.added_super_admins),
        removed_super_admin_inboxes: inboxes(&update.removed_super_admins),
    };
    encoded(KnownType::GroupUpdated, proto.encode_to_vec()).encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Origin};

    #[test]
    fn a_line_survives_storage_and_secrets_do_not() {
        let update = GroupUpdate {
            by: "alix".into(),
            added: vec!["bo".into()],
            fields: vec![FieldChange {
                field: "group_name".into(),
                old: None,
                new: Some("Hikers".into()),
            }],
            ..GroupUpdate::default()
        };
        let (_, body) = Body::decode(&encode_group_updated(&update), Origin::Commit);
        assert_eq!(body, Body::GroupUpdated(update.clone()));

        let mut with_secret = update.clone();
        with_secret.fields.push(FieldChange {
            field: "_commit_log_signer".into(),
            old: None,
            new: Some("secret".into()),
        });
        let (_, body) = Body::decode(&encode_group_updated(&with_secret), Origin::Commit);
        assert_eq!(body, Body::GroupUpdated(update));
    }
}
