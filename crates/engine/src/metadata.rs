//! What a group says about itself, and changing it.

use std::sync::Arc;

use conclave_mls::{GroupState, extensions, policy::PolicySet};

use crate::{client::Client, error::EngineError, intents::IntentData};

/// The immutable facts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Who created it.
    pub creator_inbox_id: String,
    /// Its permissions.
    pub policies: PolicySet,
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
}

impl MetadataChange {
    fn attributes(self) -> Vec<(&'static str, String)> {
        [
            (extensions::ATTRIBUTE_NAME, self.name),
            (extensions::ATTRIBUTE_DESCRIPTION, self.description),
            (extensions::ATTRIBUTE_IMAGE_URL, self.image_url),
            (extensions::ATTRIBUTE_APP_DATA, self.app_data),
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
        Ok(GroupMetadata {
            disappearing: state
                .disappearing()
                .map(|times| (times.from_ns, times.in_ns)),
            creator_inbox_id: state.metadata.creator_inbox_id,
            policies: state.policies,
            admins: state.mutable_metadata.admins,
            super_admins: state.mutable_metadata.super_admins,
        })
    }

    /// Changes attributes of a group, one commit each, and waits until the network has them.
    ///
    /// # Errors
    /// [`EngineError::MetadataTooLong`], [`EngineError::Denied`], [`EngineError::DirectMessage`],
    /// and those of a sync. Changes that were queued before an error go out with the next sync.
    pub async fn update_metadata(
        &self,
        id: &[u8],
        change: MetadataChange,
    ) -> Result<(), EngineError> {
        let attributes = change.attributes();
        for (attribute, value) in &attributes {
            check_length(attribute, value)?;
        }
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        if state.metadata.dm_members.is_some() {
            return Err(EngineError::DirectMessage(
                "A direct message has no name, description or picture of its own.",
            ));
        }
        let role = state.role(&self.0.account.inbox_id);
        let allowed = |attribute: &str| state.policies.attribute(attribute).allows(role);
        if let Some((denied, _)) = attributes.iter().find(|(name, _)| !allowed(name)) {
            return Err(EngineError::Denied(format!(
                "you may not change {denied} here; an admin can"
            )));
        }
        for (attribute, value) in attributes {
            if state.mutable_metadata.attribute(attribute) == Some(value.as_str()) {
                continue;
            }
            let attribute = attribute.to_owned();
            self.0
                .settle(id, IntentData::Metadata { attribute, value })
                .await?;
        }
        Ok(())
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

    /// A group's MLS state. Groups live on the writer's thread, where they are cached.
    pub(crate) async fn group_state(&self, id: &[u8]) -> Result<GroupState, EngineError> {
        let group_id = id.to_vec();
        let core = Arc::clone(&self.0);
        core.store
            .write(move |tx| {
                let group = tx
                    .take_group(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                let state = GroupState::of(&group);
                tx.keep_group(group);
                Ok::<_, EngineError>(state?)
            })
            .await
    }
}
