//! `0xF000`: what a group is, fixed at its creation (`groups.md` 2.1).

use conclave_proto::mls::message_contents as proto;
use openmls::prelude::tls_codec::{Deserialize, Serialize, VLBytes};
use prost::Message;

use super::{ExtensionError, IMMUTABLE_METADATA};

/// What kind of conversation a group is (`groups.md` 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConversationType {
    /// Any number of inboxes.
    Group,
    /// Two inboxes.
    Dm,
    /// All devices of one inbox; hidden.
    Sync,
    /// Carries one payload in its metadata and is never shown.
    Oneshot,
}

/// The payload of a one-shot group: a member with a broken copy of a group asks to be re-added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaddRequest {
    /// MLS group id of the broken group.
    pub group_id: Vec<u8>,
    /// Sequence id of the newest commit the asking device has seen.
    pub latest_commit_sequence_id: u64,
}

/// The immutable metadata of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Kind of conversation.
    pub conversation_type: ConversationType,
    /// Inbox that made the group.
    pub creator_inbox_id: String,
    /// The two inboxes of a DM, creator first as far as honest clients write it; order means nothing.
    pub dm_members: Option<[String; 2]>,
    /// Payload of a one-shot group.
    pub readd_request: Option<ReaddRequest>,
}

impl Metadata {
    /// Reads extension data: a length-prefixed protobuf.
    ///
    /// # Errors
    /// [`ExtensionError::Malformed`] for a bad prefix, bytes after it, a bad protobuf or an unknown
    /// conversation type.
    pub fn decode(data: &[u8]) -> Result<Self, ExtensionError> {
        let malformed = |reason: &str| ExtensionError::malformed(IMMUTABLE_METADATA, reason);
        let inner =
            VLBytes::tls_deserialize_exact(data).map_err(|error| malformed(&error.to_string()))?;
        let message = proto::GroupMetadataV1::decode(inner.as_slice())
            .map_err(|error| malformed(&error.to_string()))?;
        let conversation_type = match message.conversation_type() {
            proto::ConversationType::Group => ConversationType::Group,
            proto::ConversationType::Dm => ConversationType::Dm,
            proto::ConversationType::Sync => ConversationType::Sync,
            proto::ConversationType::Oneshot => ConversationType::Oneshot,
            proto::ConversationType::Unspecified => {
                return Err(malformed("unknown conversation type"));
            }
        };
        let dm_members = match message.dm_members {
            None => None,
            Some(members) => match (members.dm_member_one, members.dm_member_two) {
                (Some(one), Some(two)) => Some([one.inbox_id, two.inbox_id]),
                _ => return Err(malformed("DM with a missing member")),
            },
        };
        let readd_request = message
            .oneshot_message
            .and_then(|oneshot| oneshot.message_type)
            .map(
                |proto::oneshot_message::MessageType::ReaddRequest(request)| ReaddRequest {
                    group_id: request.group_id,
                    latest_commit_sequence_id: request.latest_commit_sequence_id,
                },
            );
        Ok(Self {
            conversation_type,
            creator_inbox_id: message.creator_inbox_id,
            dm_members,
            readd_request,
        })
    }

    /// Extension data: the protobuf behind its own length prefix (`groups.md` 2.1).
    ///
    /// # Errors
    /// [`ExtensionError::Malformed`] beyond the 2^30 bytes that a prefix can name.
    pub fn encode(&self) -> Result<Vec<u8>, ExtensionError> {
        let inbox = |inbox_id: &String| proto::Inbox {
            inbox_id: inbox_id.clone(),
        };
        let message = proto::GroupMetadataV1 {
            conversation_type: match self.conversation_type {
                ConversationType::Group => proto::ConversationType::Group,
                ConversationType::Dm => proto::ConversationType::Dm,
                ConversationType::Sync => proto::ConversationType::Sync,
                ConversationType::Oneshot => proto::ConversationType::Oneshot,
            }
            .into(),
            // Always empty on the wire.
            creator_account_address: String::new(),
            creator_inbox_id: self.creator_inbox_id.clone(),
            dm_members: self.dm_members.as_ref().map(|[one, two]| proto::DmMembers {
                dm_member_one: Some(inbox(one)),
                dm_member_two: Some(inbox(two)),
            }),
            oneshot_message: self
                .readd_request
                .as_ref()
                .map(|request| proto::OneshotMessage {
                    message_type: Some(proto::oneshot_message::MessageType::ReaddRequest(
                        proto::ReaddRequest {
                            group_id: request.group_id.clone(),
                            latest_commit_sequence_id: request.latest_commit_sequence_id,
                        },
                    )),
                }),
        };
        prefixed(message.encode_to_vec())
    }
}

/// Puts the variable-length prefix of RFC 9420 2.1.2 before `bytes`.
pub(super) fn prefixed(bytes: Vec<u8>) -> Result<Vec<u8>, ExtensionError> {
    VLBytes::new(bytes)
        .tls_serialize_detached()
        .map_err(|error| ExtensionError::malformed(IMMUTABLE_METADATA, error))
}
