//! `0xFF00`: attributes and admin lists (`groups.md` 2.2).

use std::collections::BTreeMap;

use conclave_proto::mls::message_contents as proto;
use prost::Message;

use super::{ExtensionError, MUTABLE_METADATA};

/// Name of the group.
pub const ATTRIBUTE_NAME: &str = "group_name";
/// Description of the group.
pub const ATTRIBUTE_DESCRIPTION: &str = "description";
/// URL of the group's square image.
pub const ATTRIBUTE_IMAGE_URL: &str = "group_image_url_square";
/// Free text for applications.
pub const ATTRIBUTE_APP_DATA: &str = "app_data";
/// Decimal i64: messages after this time disappear (`_ns` since 1970).
pub const ATTRIBUTE_DISAPPEAR_FROM: &str = "message_disappear_from_ns";
/// Decimal i64: how long a disappearing message lives (ns).
pub const ATTRIBUTE_DISAPPEAR_IN: &str = "message_disappear_in_ns";
/// Lowest libxmtp version that may follow the group.
pub const ATTRIBUTE_MINIMUM_VERSION: &str = "minimum_supported_protocol_version";
/// Pinned messages; ours (`docs/pinned-messages.md`). No preset names it, so admins may change it by
/// the fallback rule.
pub const ATTRIBUTE_PINNED_MESSAGES: &str = "conclave.pinned_messages";
/// Hexadecimal seed of the key that signs the commit log. A secret of the group.
pub const ATTRIBUTE_COMMIT_LOG_SIGNER: &str = "_commit_log_signer";

/// The attributes that permission presets name, in alphabetical order of their keys.
pub const SUPPORTED_ATTRIBUTES: [&str; 7] = [
    ATTRIBUTE_APP_DATA,
    ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_IMAGE_URL,
    ATTRIBUTE_NAME,
    ATTRIBUTE_DISAPPEAR_FROM,
    ATTRIBUTE_DISAPPEAR_IN,
    ATTRIBUTE_MINIMUM_VERSION,
];

/// Largest number of UTF-8 bytes of an attribute's value; `None` for attributes without a limit.
#[must_use]
pub fn attribute_limit(attribute: &str) -> Option<usize> {
    match attribute {
        ATTRIBUTE_NAME => Some(100),
        ATTRIBUTE_DESCRIPTION => Some(1000),
        ATTRIBUTE_IMAGE_URL => Some(2048),
        ATTRIBUTE_APP_DATA => Some(8192),
        _ => None,
    }
}

/// The mutable metadata of a group.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MutableMetadata {
    /// Values by name; unknown ones are kept.
    pub attributes: BTreeMap<String, String>,
    /// Inboxes of admins.
    pub admins: Vec<String>,
    /// Inboxes of super admins. Independent of `admins`.
    pub super_admins: Vec<String>,
}

// Attributes hold texts of people and the commit log's secret.
impl std::fmt::Debug for MutableMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MutableMetadata")
            .field("attributes", &self.attributes.keys())
            .field("admins", &self.admins)
            .field("super_admins", &self.super_admins)
            .finish()
    }
}

impl MutableMetadata {
    /// Reads extension data.
    ///
    /// # Errors
    /// [`ExtensionError::Malformed`] for a bad protobuf or a missing list.
    pub fn decode(data: &[u8]) -> Result<Self, ExtensionError> {
        let message = proto::GroupMutableMetadataV1::decode(data)
            .map_err(|error| ExtensionError::malformed(MUTABLE_METADATA, error))?;
        let (Some(admins), Some(super_admins)) = (message.admin_list, message.super_admin_list)
        else {
            return Err(ExtensionError::malformed(
                MUTABLE_METADATA,
                "a list is missing",
            ));
        };
        Ok(Self {
            attributes: message.attributes,
            admins: admins.inbox_ids,
            super_admins: super_admins.inbox_ids,
        })
    }

    /// Extension data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let inboxes = |ids: &[String]| {
            Some(proto::Inboxes {
                inbox_ids: ids.to_vec(),
            })
        };
        proto::GroupMutableMetadataV1 {
            attributes: self.attributes.clone(),
            admin_list: inboxes(&self.admins),
            super_admin_list: inboxes(&self.super_admins),
        }
        .encode_to_vec()
    }

    /// Value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}
