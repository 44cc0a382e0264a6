//! What stands in an archive: plain data, checked.

use std::{collections::BTreeMap, fmt};

use conclave_proto::device_sync::{
    BackupElement, BackupElementSelection, BackupMetadataSave, FilePiece, backup_element,
    consent_backup::{ConsentSave, ConsentStateSave, ConsentTypeSave},
    group_backup::{
        ConversationTypeSave, GroupMembershipStateSave, GroupSave, ImmutableMetadataSave,
        MutableMetadataSave,
    },
    message_backup::{ContentTypeSave, DeliveryStatusSave, GroupMessageKindSave, GroupMessageSave},
};

use crate::{ContentType, MessageId};

/// Most bytes of a piece of a file.
pub const MAX_PIECE_BYTES: usize = 128 * 1024;
/// Longest name of a file, and of what it is.
const MAX_NAME_BYTES: usize = 1024;
/// Longest group id: those of official clients have 16 bytes.
const MAX_ID_BYTES: usize = 64;

/// A kind of elements that an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementKind {
    /// Groups, then their messages.
    Messages,
    /// Decisions.
    Consent,
}

impl ElementKind {
    /// Its number on the wire.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Messages => BackupElementSelection::Messages,
            Self::Consent => BackupElementSelection::Consent,
        }
        .into()
    }

    /// Those that are known here, each once.
    pub(crate) fn known(elements: impl Iterator<Item = BackupElementSelection>) -> Vec<Self> {
        let mut kinds = Vec::new();
        for element in elements {
            let kind = match element {
                BackupElementSelection::Messages => Self::Messages,
                BackupElementSelection::Consent => Self::Consent,
                BackupElementSelection::Unspecified | BackupElementSelection::Event => continue,
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }
}

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// What it holds, in this order. Kinds that are not known here are left out.
    pub kinds: Vec<ElementKind>,
    /// When it was begun, in ns, by the writer's clock.
    pub exported_at_ns: i64,
    /// Only messages sent later, in ns.
    pub start_ns: Option<i64>,
    /// Only messages sent then or earlier, in ns.
    pub end_ns: Option<i64>,
}

/// Whether a conversation is a group or a direct message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivedGroupKind {
    /// A group.
    Group,
    /// A direct message, with its dm id: `dm:` and both inbox ids in order.
    Dm(String),
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedGroup {
    /// The group's id, 1 to 64 bytes.
    pub id: Vec<u8>,
    /// What it is.
    pub kind: ArchivedGroupKind,
    /// When the writer made or joined it, in ns.
    pub created_at_ns: i64,
    /// Who made it; empty if the archive does not say.
    pub creator_inbox_id: String,
    /// Who added the writer; empty if the archive does not say.
    pub added_by_inbox_id: String,
    /// The newest message, in ns.
    pub last_message_ns: Option<i64>,
    /// When messages disappear: from when on, and how long after they were sent, in ns.
    pub disappearing: Option<(i64, i64)>,
    /// Name, description, picture and others by their keys.
    pub attributes: BTreeMap<String, String>,
    /// Inbox ids.
    pub admins: Vec<String>,
    /// Inbox ids.
    pub super_admins: Vec<String>,
}

/// A message. Only those that members sent are archived, none that commits left.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchivedMessage {
    /// Its id.
    pub id: MessageId,
    /// The group, 1 to 64 bytes.
    pub group_id: Vec<u8>,
    /// A serialized `EncodedContent`: anything at all.
    pub content: Vec<u8>,
    /// When it was sent, in ns.
    pub sent_at_ns: i64,
    /// The sender's installation.
    pub sender_installation_id: Vec<u8>,
    /// The sender, by the writer's word.
    pub sender_inbox_id: String,
    /// Whether the network has it; if not, the writer tried or will.
    pub is_published: bool,
    /// The type, by the writer's word.
    pub content_type: ContentType,
    /// The message it refers to.
    pub reference_id: Option<Vec<u8>>,
    /// The node's number of the envelope.
    pub sequence_id: Option<i64>,
}

impl fmt::Debug for ArchivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedMessage")
            .field("content", &self.content.len())
            .field("sent_at_ns", &self.sent_at_ns)
            .finish_non_exhaustive()
    }
}

/// What a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchivedEntity {
    /// A conversation: the entity is the group id in lower-case hex.
    Conversation,
    /// A person: the entity is the inbox id.
    Inbox,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchivedState {
    /// None.
    Unknown,
    /// Wanted.
    Allowed,
    /// Blocked.
    Denied,
}

/// What was decided about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedConsent {
    /// What it is about.
    pub entity_kind: ArchivedEntity,
    /// Lower-case hex, see [`ArchivedEntity`].
    pub entity: String,
    /// The decision.
    pub state: ArchivedState,
    /// When it was taken, in ns, by the clock of whoever took it.
    pub consented_at_ns: i64,
}

/// A piece of a file that belongs to a message; the pieces of a file come one after the other.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchivedPiece {
    /// The message.
    pub message_id: MessageId,
    /// The file's place in the message, from 0.
    pub position: u32,
    /// Its name.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Bytes of the whole file.
    pub size: u64,
    /// Where this piece stands in it.
    pub offset: u64,
    /// The piece, at most [`MAX_PIECE_BYTES`].
    pub bytes: Vec<u8>,
}

impl fmt::Debug for ArchivedPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedPiece")
            .field("size", &self.size)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// What the archive says of itself: the first element, and no other.
    Metadata(Metadata),
    /// A conversation.
    Group(ArchivedGroup),
    /// A message.
    Message(ArchivedMessage),
    /// A decision.
    Consent(ArchivedConsent),
    /// A piece of a file. Other apps skip it.
    Piece(ArchivedPiece),
}

/// The number that clients up to 1.8.1 know a type by; they read no others (device-sync.md 3.6).
const NUMBERED: [(&str, ContentTypeSave); 9] = [
    ("text", ContentTypeSave::Text),
    (
        "group_membership_change",
        ContentTypeSave::GroupMembershipChange,
    ),
    ("group_updated", ContentTypeSave::GroupUpdated),
    ("reaction", ContentTypeSave::Reaction),
    ("readReceipt", ContentTypeSave::ReadReceipt),
    ("reply", ContentTypeSave::Reply),
    ("attachment", ContentTypeSave::Attachment),
    ("remoteStaticAttachment", ContentTypeSave::RemoteAttachment),
    (
        "transactionReference",
        ContentTypeSave::TransactionReference,
    ),
];

fn is_id(id: &[u8]) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len())
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_inbox_id(text: &str) -> bool {
    text.len() == 64 && is_lower_hex(text)
}

fn is_dm_id(text: &str) -> bool {
    let Some((one, other)) = text
        .strip_prefix("dm:")
        .and_then(|pair| pair.split_once(':'))
    else {
        return false;
    };
    is_inbox_id(one) && is_inbox_id(other) && one <= other
}

impl Element {
    pub(super) fn encode(&self) -> BackupElement {
        use backup_element::Element as Save;
        let element = match self {
            Self::Metadata(metadata) => Save::Metadata(metadata.save()),
            Self::Group(group) => Save::Group(group.encode()),
            Self::Message(message) => Save::GroupMessage(message.encode()),
            Self::Consent(consent) => Save::Consent(consent.encode()),
            Self::Piece(piece) => Save::FilePiece(piece.encode()),
        };
        BackupElement {
            element: Some(element),
        }
    }

    /// What an element says; `None` for one that makes no sense.
    pub(super) fn decode(saved: backup_element::Element) -> Option<Self> {
        use backup_element::Element as Save;
        Some(match saved {
            Save::Metadata(saved) => Self::Metadata(Metadata::decode(saved)),
            Save::Group(saved) => Self::Group(ArchivedGroup::decode(saved)?),
            Save::GroupMessage(saved) => Self::Message(ArchivedMessage::decode(saved)?),
            Save::Consent(saved) => Self::Consent(ArchivedConsent::decode(saved)?),
            Save::FilePiece(saved) => Self::Piece(ArchivedPiece::decode(saved)?),
            Save::Trailer(_) => return None,
        })
    }
}

impl Metadata {
    pub(crate) fn save(&self) -> BackupMetadataSave {
        BackupMetadataSave {
            elements: self.kinds.iter().map(|kind| kind.number()).collect(),
            exported_at_ns: self.exported_at_ns,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
        }
    }

    pub(crate) fn decode(saved: BackupMetadataSave) -> Self {
        Self {
            kinds: ElementKind::known(saved.elements()),
            exported_at_ns: saved.exported_at_ns,
            start_ns: saved.start_ns,
            end_ns: saved.end_ns,
        }
    }
}

impl ArchivedGroup {
    fn encode(&self) -> GroupSave {
        let (conversation_type, dm_id) = match &self.kind {
            ArchivedGroupKind::Group => (ConversationTypeSave::Group, None),
            ArchivedGroupKind::Dm(dm_id) => (ConversationTypeSave::Dm, Some(dm_id.clone())),
        };
        GroupSave {
            id: self.id.clone(),
            created_at_ns: self.created_at_ns,
            membership_state: GroupMembershipStateSave::Allowed.into(),
            installations_last_checked: 0,
            added_by_inbox_id: self.added_by_inbox_id.clone(),
            welcome_id: None,
            rotated_at_ns: 0,
            conversation_type: conversation_type.into(),
            dm_id,
            last_message_ns: self.last_message_ns,
            message_disappear_from_ns: self.disappearing.map(|(from_ns, _)| from_ns),
            message_disappear_in_ns: self.disappearing.map(|(_, in_ns)| in_ns),
            metadata: Some(ImmutableMetadataSave {
                creator_inbox_id: self.creator_inbox_id.clone(),
            }),
            mutable_metadata: Some(MutableMetadataSave {
                attributes: self.attributes.clone(),
                admin_list: self.admins.clone(),
                super_admin_list: self.super_admins.clone(),
            }),
            paused_for_version: None,
        }
    }

    fn decode(saved: GroupSave) -> Option<Self> {
        let kind = match saved.conversation_type() {
            ConversationTypeSave::Dm => {
                ArchivedGroupKind::Dm(saved.dm_id.clone().filter(|id| is_dm_id(id))?)
            }
            ConversationTypeSave::Group => ArchivedGroupKind::Group,
            // Sync groups are never restored (device-sync.md 1.6).
            ConversationTypeSave::Sync | ConversationTypeSave::Unspecified => return None,
        };
        let inbox_id = |text: String| Some(text).filter(|t| is_inbox_id(t)).unwrap_or_default();
        let settings = saved.mutable_metadata.unwrap_or_default();
        let both = saved
            .message_disappear_from_ns
            .zip(saved.message_disappear_in_ns);
        Some(Self {
            id: Some(saved.id).filter(|id| is_id(id))?,
            kind,
            created_at_ns: saved.created_at_ns,
            creator_inbox_id: inbox_id(saved.metadata.unwrap_or_default().creator_inbox_id),
            added_by_inbox_id: inbox_id(saved.added_by_inbox_id),
            last_message_ns: saved.last_message_ns,
            disappearing: both.filter(|(_, in_ns)| *in_ns > 0),
            attributes: settings.attributes,
            admins: settings.admin_list,
            super_admins: settings.super_admin_list,
        })
    }
}

impl ArchivedMessage {
    fn encode(&self) -> GroupMessageSave {
        let named = &self.content_type;
        let number = NUMBERED
            .iter()
            .find(|(name, _)| *name == named.type_id)
            .map_or(ContentTypeSave::Unknown, |(_, number)| *number);
        let delivery = match self.is_published {
            true => DeliveryStatusSave::Published,
            false => DeliveryStatusSave::Unpublished,
        };
        GroupMessageSave {
            id: self.id.to_vec(),
            group_id: self.group_id.clone(),
            decrypted_message_bytes: self.content.clone(),
            sent_at_ns: self.sent_at_ns,
            kind: GroupMessageKindSave::Application.into(),
            sender_installation_id: self.sender_installation_id.clone(),
            sender_inbox_id: self.sender_inbox_id.clone(),
            delivery_status: delivery.into(),
            content_type_save: number.into(),
            version_major: i32::try_from(named.major).unwrap_or_default(),
            version_minor: i32::try_from(named.minor).unwrap_or_default(),
            authority_id: named.authority.clone(),
            reference_id: self.reference_id.clone(),
            sequence_id: self.sequence_id,
            originator_id: None,
            content_type: named.type_id.clone(),
        }
    }

    fn decode(saved: GroupMessageSave) -> Option<Self> {
        // Lines that commits left are made here, never taken from a file.
        if saved.kind() != GroupMessageKindSave::Application {
            return None;
        }
        let is_published = match saved.delivery_status() {
            DeliveryStatusSave::Unspecified => return None,
            delivery => delivery == DeliveryStatusSave::Published,
        };
        let number = saved.content_type_save();
        let numbered = NUMBERED.iter().find(|(_, other)| *other == number);
        let type_id = numbered.map_or(saved.content_type, |(name, _)| (*name).to_owned());
        Some(Self {
            id: saved.id.try_into().ok()?,
            group_id: Some(saved.group_id).filter(|id| is_id(id))?,
            content: saved.decrypted_message_bytes,
            sent_at_ns: saved.sent_at_ns,
            sender_installation_id: Some(saved.sender_installation_id)
                .filter(|id| id.len() <= 32)?,
            sender_inbox_id: Some(saved.sender_inbox_id).filter(|id| is_inbox_id(id))?,
            is_published,
            content_type: ContentType {
                authority: saved.authority_id,
                type_id,
                major: u32::try_from(saved.version_major).unwrap_or_default(),
                minor: u32::try_from(saved.version_minor).unwrap_or_default(),
            },
            reference_id: saved.reference_id,
            sequence_id: saved.sequence_id,
        })
    }
}

impl ArchivedPiece {
    fn encode(&self) -> FilePiece {
        FilePiece {
            message_id: self.message_id.to_vec(),
            position: self.position,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            offset: self.offset,
            bytes: self.bytes.clone(),
        }
    }

    fn decode(saved: FilePiece) -> Option<Self> {
        let end = saved.offset.checked_add(saved.bytes.len() as u64)?;
        let is_sound = end <= saved.size
            && saved.bytes.len() <= MAX_PIECE_BYTES
            && saved.name.len() <= MAX_NAME_BYTES
            && saved.media_type.len() <= MAX_NAME_BYTES;
        is_sound.then_some(Self {
            message_id: saved.message_id.try_into().ok()?,
            position: saved.position,
            name: saved.name,
            media_type: saved.media_type,
            size: saved.size,
            offset: saved.offset,
            bytes: saved.bytes,
        })
    }
}

impl ArchivedConsent {
    pub(crate) fn encode(&self) -> ConsentSave {
        let entity_type = match self.entity_kind {
            ArchivedEntity::Conversation => ConsentTypeSave::ConversationId,
            ArchivedEntity::Inbox => ConsentTypeSave::InboxId,
        };
        let state = match self.state {
            ArchivedState::Unknown => ConsentStateSave::Unknown,
            ArchivedState::Allowed => ConsentStateSave::Allowed,
            ArchivedState::Denied => ConsentStateSave::Denied,
        };
        ConsentSave {
            entity_type: entity_type.into(),
            state: state.into(),
            entity: self.entity.clone(),
            consented_at_ns: self.consented_at_ns,
        }
    }

    pub(crate) fn decode(saved: ConsentSave) -> Option<Self> {
        let entity_kind = match saved.entity_type() {
            ConsentTypeSave::ConversationId => ArchivedEntity::Conversation,
            ConsentTypeSave::InboxId => ArchivedEntity::Inbox,
            ConsentTypeSave::Unspecified | ConsentTypeSave::Address => return None,
        };
        let state = match saved.state() {
            ConsentStateSave::Unknown => ArchivedState::Unknown,
            ConsentStateSave::Allowed => ArchivedState::Allowed,
            ConsentStateSave::Denied => ArchivedState::Denied,
            ConsentStateSave::Unspecified => return None,
        };
        let is_sound = is_lower_hex(&saved.entity)
            && match entity_kind {
                ArchivedEntity::Inbox => saved.entity.len() == 64,
                ArchivedEntity::Conversation => {
                    (2..=2 * MAX_ID_BYTES).contains(&saved.entity.len())
                        && saved.entity.len().is_multiple_of(2)
                }
            };
        is_sound.then_some(Self {
            entity_kind,
            entity: saved.entity,
            state,
            consented_at_ns: saved.consented_at_ns,
        })
    }
}
