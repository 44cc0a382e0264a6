//! One readable picture of a group at one epoch.

use std::collections::BTreeSet;

use conclave_identity::InstallationId;
use openmls::group::{GroupContext, Member, MlsGroup};

use crate::extensions::{
    self, ATTRIBUTE_DISAPPEAR_FROM, ATTRIBUTE_DISAPPEAR_IN, ATTRIBUTE_MINIMUM_VERSION,
    ConversationType, ExtensionError, Membership, Metadata, MutableMetadata,
};
use crate::group::Disappearing;
use crate::member::Leaf;
use crate::policy::{PolicySet, Role, UnreadablePolicies};
use crate::version;

/// What a group says at one epoch. `Debug` shows no attribute values.
///
/// A hostile member can make a group whose context is not readable in full, or break it by a commit
/// that the rules allow (nobody looks at `0xF000` after a commit). People must still see such a group
/// and its messages: see [`GroupState::unreadable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// MLS group id (16 bytes in groups of official clients).
    pub group_id: Vec<u8>,
    /// MLS epoch.
    pub epoch: u64,
    /// Authenticator of the epoch, 32 bytes; equal for all members of one epoch and different after
    /// a fork. Empty before a group is joined.
    pub epoch_authenticator: Vec<u8>,
    /// Kind, creator and DM members. Where unreadable, those of a group without a creator: what was
    /// stored when the group was joined is right then.
    pub metadata: Metadata,
    /// Attributes and admin lists. Where unreadable, empty.
    pub mutable_metadata: MutableMetadata,
    /// Inboxes with their sequence ids, and failed installations.
    pub membership: Membership,
    /// Permissions, or what can be read of them.
    pub policies: Result<PolicySet, Box<UnreadablePolicies>>,
    /// Extensions that cannot be read. If there is one, nobody can change the group any more: every
    /// commit is refused by everybody (V1). Messages go on.
    pub unreadable: Vec<ExtensionError>,
    /// Devices in the tree, in the order of their places.
    pub leaves: Vec<Leaf>,
}

impl GroupState {
    /// Reads a joined or created group.
    ///
    /// # Errors
    /// [`ExtensionError`] where the membership cannot be read, which no commit and no welcome that
    /// we accept brings about.
    pub fn of(group: &MlsGroup) -> Result<Self, ExtensionError> {
        let mut state = Self::read(group.public_group().group_context(), group.members())?;
        state.epoch_authenticator = group.epoch_authenticator().as_slice().to_vec();
        Ok(state)
    }

    /// Reads a context and a tree, without an authenticator.
    pub(crate) fn read(
        context: &GroupContext,
        members: impl Iterator<Item = Member>,
    ) -> Result<Self, ExtensionError> {
        let extensions = context.extensions();
        let mut unreadable = Vec::new();
        let metadata = extensions::metadata(extensions).unwrap_or_else(|error| {
            unreadable.push(error);
            Metadata {
                conversation_type: ConversationType::Group,
                creator_inbox_id: String::new(),
                dm_members: None,
                readd_request: None,
            }
        });
        let mutable_metadata = extensions::mutable_metadata(extensions).unwrap_or_else(|error| {
            unreadable.push(error);
            MutableMetadata::default()
        });
        let policies = extensions::readable_policies(extensions);
        unreadable.extend(policies.as_ref().err().map(|found| found.error.clone()));
        Ok(Self {
            group_id: context.group_id().as_slice().to_vec(),
            epoch: context.epoch().as_u64(),
            epoch_authenticator: Vec::new(),
            metadata,
            mutable_metadata,
            membership: extensions::membership(extensions)?,
            policies,
            unreadable,
            leaves: members.filter_map(|member| Leaf::of(&member)).collect(),
        })
    }

    /// Kind of conversation.
    #[must_use]
    pub const fn conversation_type(&self) -> ConversationType {
        self.metadata.conversation_type
    }

    /// Value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.mutable_metadata.attribute(name)
    }

    /// Role of an inbox.
    #[must_use]
    pub fn role(&self, inbox_id: &str) -> Role {
        Role::of(inbox_id, &self.mutable_metadata)
    }

    /// Whether a device has a leaf.
    #[must_use]
    pub fn has_leaf(&self, installation_id: &InstallationId) -> bool {
        self.leaves
            .iter()
            .any(|leaf| leaf.installation_id == *installation_id)
    }

    /// Devices in the tree.
    #[must_use]
    pub fn installations(&self) -> BTreeSet<InstallationId> {
        self.leaves
            .iter()
            .map(|leaf| leaf.installation_id)
            .collect()
    }

    /// Leaves whose inbox is not a member: a device that someone kept in the tree by the trick that
    /// `groups.md` 4.2 describes. A super admin can take it out, see
    /// [`membership::plan`](crate::membership::plan).
    pub fn stray_leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.leaves
            .iter()
            .filter(|leaf| !self.membership.members.contains_key(&leaf.inbox_id))
    }

    /// Key under which all DMs of the same two inboxes are one conversation (`groups.md` 3).
    #[must_use]
    pub fn dm_id(&self) -> Option<String> {
        let mut pair = self
            .metadata
            .dm_members
            .as_ref()?
            .each_ref()
            .map(|inbox_id| inbox_id.to_lowercase());
        pair.sort();
        Some(format!("dm:{}", pair.join(":")))
    }

    /// Disappearing times, if both are numbers above 0.
    #[must_use]
    pub fn disappearing(&self) -> Option<Disappearing> {
        let number = |name| {
            self.attribute(name)?
                .parse::<i64>()
                .ok()
                .filter(|ns| *ns > 0)
        };
        Some(Disappearing {
            from_ns: number(ATTRIBUTE_DISAPPEAR_FROM)?,
            in_ns: number(ATTRIBUTE_DISAPPEAR_IN)?,
        })
    }

    /// The version that the group asks for, if it is one that we do not have: the group is then
    /// paused (`groups.md` 5.8, 6.8). An unreadable one also counts.
    #[must_use]
    pub fn unsupported_version(&self) -> Option<&str> {
        self.attribute(ATTRIBUTE_MINIMUM_VERSION)
            .filter(|minimum| !version::supports(minimum).unwrap_or(false))
    }
}
