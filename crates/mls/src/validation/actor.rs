//! Who made a commit (`groups.md` 4.4).

use conclave_identity::InstallationId;
use openmls::framing::Sender;
use openmls::group::{MlsGroup, StagedCommit};
use openmls::prelude::LeafNodeIndex;

use crate::extensions::MutableMetadata;
use crate::member::{Leaf, inbox_id_of, installation_of};
use crate::policy::Role;

/// The maker of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Inbox.
    pub inbox_id: String,
    /// Device.
    pub installation_id: InstallationId,
    /// Role before the commit.
    pub role: Role,
}

/// The one member that made all proposals and the path; `None` if there is no such one.
pub(super) fn derive(
    group: &MlsGroup,
    staged: &StagedCommit,
    metadata: &MutableMetadata,
) -> Option<Actor> {
    let mut author: Option<LeafNodeIndex> = None;
    for queued in staged.queued_proposals() {
        let Sender::Member(index) = queued.sender() else {
            return None;
        };
        if *author.get_or_insert(*index) != *index {
            return None;
        }
    }
    let author = match author {
        Some(index) => Some(Leaf::of(&group.member_at(index)?)?),
        None => None,
    };
    let (inbox_id, installation_id) = match staged.update_path_leaf_node() {
        Some(path) => {
            let id = installation_of(path)?;
            if author.is_some_and(|author| author.installation_id != id) {
                return None;
            }
            (inbox_id_of(path.credential())?, id)
        }
        None => {
            let author = author?;
            (author.inbox_id, author.installation_id)
        }
    };
    Some(Actor {
        role: Role::of(&inbox_id, metadata),
        inbox_id,
        installation_id,
    })
}
