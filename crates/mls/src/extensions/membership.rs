//! `0xFF01`: who belongs to the group, and up to which identity update (`groups.md` 2.3).

use std::collections::{BTreeMap, BTreeSet};

use conclave_identity::InstallationId;
use conclave_proto::mls::message_contents as proto;
use prost::Message;

use super::{ExtensionError, GROUP_MEMBERSHIP};

/// The membership of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Inbox id → sequence id of the last identity update applied to this group. 0 means *not yet
    /// resolved* (the creator, before its first membership commit).
    pub members: BTreeMap<String, u64>,
    /// Installations that belong here but could not be added.
    pub failed_installations: BTreeSet<InstallationId>,
}

impl Membership {
    /// Reads extension data. Entries of `failed_installations` that are not 32 bytes long name no
    /// installation and are dropped.
    ///
    /// # Errors
    /// [`ExtensionError::Malformed`] for a bad protobuf.
    pub fn decode(data: &[u8]) -> Result<Self, ExtensionError> {
        let message = proto::GroupMembership::decode(data)
            .map_err(|error| ExtensionError::malformed(GROUP_MEMBERSHIP, error))?;
        Ok(Self {
            members: message.members,
            failed_installations: message
                .failed_installations
                .iter()
                .filter_map(|id| id.as_slice().try_into().ok())
                .collect(),
        })
    }

    /// Extension data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        proto::GroupMembership {
            members: self.members.clone(),
            failed_installations: self
                .failed_installations
                .iter()
                .map(|id| id.as_bytes().to_vec())
                .collect(),
        }
        .encode_to_vec()
    }
}
