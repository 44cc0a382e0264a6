//! What a group says about itself, and changing it.

use std::sync::Arc;

use conclave_mls::{
    GroupState, extensions,
    policy::{PolicySet, UnreadablePolicies},
    version,
};

use crate::{
    client::Client, error::EngineError, intents::IntentData, messages::inactive, rules::Action,
};

/// The immutable facts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Who created it.
    pub creator_inbox_id: String,
    /// Its permissions, or what can be read of them.
    pub policies: Result<PolicySet, Box<UnreadablePolicies>>,
    /// Inbox ids of the admins.
    pub admins: Vec<String>,
    /// Inbox ids of the super admins.
    pub super_admins: Vec<String>,
    /// Whether messages disappear: from when and after how long, in ns.
    pub disappearing: Option<(i64, i64)>,
}

/// New values of attributes; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataChange {
    /// Name, at most 100 bytes.
    pub name: Option<String>,
    /// Description, at most 1000 bytes.
    pub description: Option<String>,
    /// Image URL, at most 2048 bytes.
    pub image_url: Option<String>,
    /// Free string of an application, at most 8192 bytes.
    pub app_data: Option<String>,
    /// Lowest protocol version that may follow the group: three numbers, not above ours.
    pub minimum_version: Option<String>,
}

impl MetadataChange {
    fn attributes(self) -> Vec<(&'static str, String)> {
        [
            (extensions::ATTRIBUTE_NAME, self.name),
            (extensions::ATTRIBUTE_DESCRIPTION, self.description),
            (extensions::ATTRIBUTE_IMAGE_URL, self.image_url),
            (extensions::ATTRIBUTE_APP_DATA, self.app_data),
            (extensions::ATTRIBUTE_MINIMUM_VERSION, self.minimum_version),
        ]
        .into_iter()
        .filter_map(|(attribute, value)| value.map(|value| (attribute, value)))
        .collect()
    }
}

/// Refuses values longer than the protocol allows.
pub(crate) fn check_length(attribute: &str, value: &str) -> Result<(), EngineError> {
    match extensions::attribute_limit(attribute) {
        Some(limit) if value.len() > limit => Err(EngineError::MetadataTooLong {
            field: attribute.to_owned(),
            bytes: value.len(),
            limit,
        }),
        _ => Ok(()),
    }
}

/// Refuses a minimum version that would pause ourselves, or that not everybody reads alike
/// (groups.md 4.7: only plain `x.y.z`).
fn check_version(minimum: &str) -> Result<(), EngineError> {
    // Semver, which newer clients use, knows no leading zeros.
    let plain = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    if minimum.split('.').all(plain) && version::supports(minimum).unwrap_or(false) {
        Ok(())
    } else {
        Err(EngineError::InvalidVersion(minimum.to_owned()))
    }
}

/// Epoch facts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDebug {
    /// MLS epoch.
    pub epoch: u64,
    /// Equal on all members of one epoch (RFC 9420 section 8.7).
    pub epoch_authenticator: Vec<u8>,
    /// Sequence id of the last envelope processed.
    pub cursor: u64,
    /// Number of installations in the tree.
    pub leaf_count: usize,
}

impl Client {
    /// The group's permissions, admins and creator, from its MLS state.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn group_metadata(&self, id: &[u8]) -> Result<GroupMetadata, EngineError> {
        let state = self.group_state(id).await?;
        // As stored when the group was joined: whoever rewrites it later changes nothing here.
        let creator_inbox_id = self.conversation(id).await?.conversation.creator_inbox_id;
        Ok(GroupMetadata {
            creator_inbox_id,
            disappearing: state
                .disappearing()
                .map(|times| (times.from_ns, times.in_ns)),
            policies: state.policies,
            admins: state.mutable_metadata.admins,
            super_admins: state.mutable_metadata.super_admins,
        })
    }

    /// Changes attributes of a group, one commit each, and waits until the network has them.
    ///
    /// # Errors
    /// [`EngineError::MetadataTooLong`], [`EngineError::InvalidVersion`], [`EngineError::Denied`],
    /// [`EngineError::DirectMessage`], and those of a sync. Once the first change is made the others
    /// go out with the next sync, whatever goes wrong then.
    pub async fn update_metadata(
        &self,
        id: &[u8],
        change: MetadataChange,
    ) -> Result<(), EngineError> {
        let attributes = change.attributes();
        for (attribute, value) in &attributes {
            check_length(attribute, value)?;
            if *attribute == extensions::ATTRIBUTE_MINIMUM_VERSION {
                check_version(value)?;
            }
        }
        self.set_attributes(id, attributes).await
    }

    /// Lets messages disappear `in_ns` after each was received, or stay (`None`). The two attributes
    /// are two commits, queued together, so that a crash between them is made up for by the next sync.
    ///
    /// # Errors
    /// [`EngineError::Denied`], and those of a sync.
    pub async fn set_disappearing(&self, id: &[u8], in_ns: Option<i64>) -> Result<(), EngineError> {
        let in_ns = in_ns.unwrap_or_default().max(0);
        let from_ns = if in_ns == 0 { 0 } else { self.0.clock.now_ns() };
        let attributes = vec![
            (extensions::ATTRIBUTE_DISAPPEAR_FROM, from_ns.to_string()),
            (extensions::ATTRIBUTE_DISAPPEAR_IN, in_ns.to_string()),
        ];
        self.set_attributes(id, attributes).await
    }

    async fn set_attributes(
        &self,
        id: &[u8],
        mut attributes: Vec<(&'static str, String)>,
    ) -> Result<(), EngineError> {
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        for (name, _) in &attributes {
            let action = Action::UpdateMetadata((*name).to_owned());
            self.require(&state, &action, None).await?;
        }
        attributes.retain(|(name, value)| state.attribute(name) != Some(value.as_str()));
        let changes = attributes
            .into_iter()
            .map(|(attribute, value)| IntentData::Metadata {
                attribute: attribute.to_owned(),
                value,
            })
            .collect();
        self.0.settle_all(id, changes).await
    }

    /// Epoch facts, for support and for comparing two members.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn group_debug(&self, id: &[u8]) -> Result<GroupDebug, EngineError> {
        let state = self.group_state(id).await?;
        let group_id = id.to_vec();
        let cursor = self
            .0
            .store
            .read(move |reader| reader.cursor(conclave_store::kinds::CursorKind::Group, &group_id))
            .await?;
        Ok(GroupDebug {
            epoch: state.epoch,
            epoch_authenticator: state.epoch_authenticator,
            cursor: u64::try_from(cursor).unwrap_or_default(),
            leaf_count: state.leaves.len(),
        })
    }

    /// A group's MLS state; there is none of a conversation that comes out of an archive. Groups
    /// live on the writer's thread, where they are cached.
    pub(crate) async fn group_state(&self, id: &[u8]) -> Result<GroupState, EngineError> {
        let group_id = id.to_vec();
        let core = Arc::clone(&self.0);
        core.store
            .write(move |tx| {
                let known = tx.conversation(&group_id)?;
                let known = known.ok_or(EngineError::UnknownConversation)?;
                let group = tx.take_group(&group_id)?.ok_or_else(|| inactive(&known))?;
                let state = GroupState::of(&group);
                tx.keep_group(group);
                Ok::<_, EngineError>(state?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimum_versions_are_plain_and_not_above_ours() {
        for good in ["1.10.0", "1.9.99", "0.0.0"] {
            check_version(good).unwrap();
        }
        for bad in [
            "",
            "1",
            "1.10",
            "1.10.0.0",
            "1.10.1",
            "2.0.0",
            "1.10.0-dev",
            "1.9.0-rc1",
            "01.9.0",
            "+1.9.0",
            "1.9.0 ",
            "a.b.c",
            "99999999999.0.0",
        ] {
            let error = check_version(bad).unwrap_err();
            assert_eq!(error.code(), "invalid_version", "{bad}");
        }
    }
}
