//! What the installations of one inbox write to each other in their sync group
//! (device-sync.md 2).

use std::fmt;

use conclave_proto::{
    device_sync::{
        ArchiveOptions, BackupElementSelection,
        content::{
            ArchiveFile, DeviceSyncAcknowledge, DeviceSyncContent, DeviceSyncKeyType,
            DeviceSyncReply, DeviceSyncRequest, HistoryNotice, HistoryWish, HmacKeyUpdate,
            PreferenceUpdate, PreferenceUpdates, device_sync_content, device_sync_key_type,
            history_notice::Outcome, preference_update,
        },
    },
    mls::message_contents::{ContentTypeId, EncodedContent},
};
use prost::Message;
use zeroize::Zeroize as _;

use crate::{
    HmacRoot,
    archive::{ArchiveKey, ArchivedConsent, ElementKind, Metadata},
};

const AUTHORITY: &str = "xmtp.org";
const TYPE_ID: &str = "application/x-protobuf";
/// Most bytes of a pin: official clients have 5 or 32, and people may choose one.
const MAX_PIN_BYTES: usize = 64;
/// Most bytes of an address.
const MAX_URL_BYTES: usize = 2048;
/// Most groups that a request names, and most bytes of the id of one.
const MAX_GROUPS: usize = 10_000;
const MAX_GROUP_ID_BYTES: usize = 64;

/// A message of a sync group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceSync {
    /// Somebody wants history.
    Request(HistoryRequest),
    /// Somebody is about to give it.
    Acknowledge {
        /// Of the request.
        pin: String,
        /// Whether an app like this one wrote it.
        is_conclave: bool,
    },
    /// An archive lies on a server.
    Reply(HistoryReply),
    /// What the person decided elsewhere.
    Preferences(Vec<Preference>),
    /// What became of a transfer; only apps like this one write and read it.
    Notice {
        /// Of the request.
        pin: String,
        /// How it ended.
        outcome: HistoryOutcome,
    },
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Names the request, 1 to 64 bytes.
    pub pin: String,
    /// Where the archive is to be put; empty where official clients do not say.
    pub server_url: String,
    /// What is wanted, in this order.
    pub kinds: Vec<ElementKind>,
    /// Only messages sent later, in ns.
    pub start_ns: Option<i64>,
    /// Only messages sent then or earlier, in ns.
    pub end_ns: Option<i64>,
    /// Without messages that will disappear.
    pub exclude_disappearing: bool,
    /// What an app like this one adds; `None` of official clients.
    pub wish: Option<Wish>,
}

/// What an app like this one adds to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Whether files of messages are wanted.
    pub attachments: bool,
    /// Only these groups; empty for all.
    pub group_ids: Vec<Vec<u8>>,
}

/// Where an archive lies, and what opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryReply {
    /// Of the request, or any of an archive that nobody asked for.
    pub pin: String,
    /// The address.
    pub url: String,
    /// The archive's key.
    pub key: ArchiveKey,
    /// What the archive says of itself, if the reply says so too.
    pub metadata: Option<Metadata>,
    /// What an app like this one adds.
    pub file: Option<FileFacts>,
}

impl fmt::Debug for HistoryReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HistoryReply(..)")
    }
}

/// What is known of an archive's file before it is fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// Conversations in it.
    pub conversations: u64,
    /// Messages in it.
    pub messages: u64,
}

/// How a transfer ended for one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryOutcome {
    /// The person who was asked said no.
    Refused,
    /// All is taken in.
    Done,
    /// Whoever asked wants it no more.
    Cancelled,
}

/// Something that the person decided for all installations.
#[derive(Clone, PartialEq, Eq)]
pub enum Preference {
    /// About a person or a conversation.
    Consent(ArchivedConsent),
    /// The root of the keys by which push servers know own messages.
    Hmac {
        /// The root.
        root: HmacRoot,
        /// When it was made, in ns, by the clock of who made it.
        cycled_at_ns: i64,
    },
}

impl fmt::Debug for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consent(_) => "Consent(..)",
            Self::Hmac { .. } => "Hmac(..)",
        })
    }
}

impl DeviceSync {
    /// The serialized `EncodedContent`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        use device_sync_content::Content;
        let content = match self {
            Self::Request(request) => Content::Request(request.encode()),
            Self::Acknowledge { pin, is_conclave } => Content::Acknowledge(DeviceSyncAcknowledge {
                request_id: pin.clone(),
                is_conclave: *is_conclave,
            }),
            Self::Reply(reply) => Content::Reply(reply.encode()),
            Self::Preferences(updates) => Content::PreferenceUpdates(PreferenceUpdates {
                updates: updates.iter().map(Preference::encode).collect(),
            }),
            Self::Notice { pin, outcome } => Content::HistoryNotice(HistoryNotice {
                pin: pin.clone(),
                outcome: match outcome {
                    HistoryOutcome::Refused => Outcome::Refused,
                    HistoryOutcome::Done => Outcome::Done,
                    HistoryOutcome::Cancelled => Outcome::Cancelled,
                }
                .into(),
            }),
        };
        let mut payload = DeviceSyncContent {
            content: Some(content),
        };
        let encoded = EncodedContent {
            r#type: Some(ContentTypeId {
                authority_id: AUTHORITY.to_owned(),
                type_id: TYPE_ID.to_owned(),
                version_major: 1,
                version_minor: 0,
            }),
            content: payload.encode_to_vec(),
            ..EncodedContent::default()
        };
        erase(&mut payload);
        encoded.encode_to_vec()
    }

    /// Reads a serialized `EncodedContent`; `None` for what is no message of a sync group, says
    /// nothing that is known here, or is of the first design.
    #[must_use]
    pub fn decode(content: &[u8]) -> Option<Self> {
        use device_sync_content::Content;
        let encoded = EncodedContent::decode(content).ok()?;
        if encoded.r#type.is_none_or(|named| named.type_id != TYPE_ID) {
            return None;
        }
        let payload = DeviceSyncContent::decode(encoded.content.as_slice()).ok()?;
        Some(match payload.content? {
            Content::Request(request) => Self::Request(HistoryRequest::decode(request)?),
            Content::Acknowledge(acknowledge) => Self::Acknowledge {
                pin: pin(acknowledge.request_id)?,
                is_conclave: acknowledge.is_conclave,
            },
            Content::Reply(reply) => Self::Reply(HistoryReply::decode(reply)?),
            Content::PreferenceUpdates(all) => {
                let updates = all.updates.into_iter().filter_map(|one| one.update);
                Self::Preferences(updates.filter_map(Preference::decode).collect())
            }
            Content::HistoryNotice(notice) => Self::Notice {
                outcome: match notice.outcome() {
                    Outcome::Refused => HistoryOutcome::Refused,
                    Outcome::Done => HistoryOutcome::Done,
                    Outcome::Cancelled => HistoryOutcome::Cancelled,
                    Outcome::Unspecified => return None,
                },
                pin: pin(notice.pin)?,
            },
        })
    }
}

/// Leaves no key in memory.
fn erase(payload: &mut DeviceSyncContent) {
    use device_sync_content::Content;
    match &mut payload.content {
        Some(Content::Reply(reply)) => {
            if let Some(device_sync_key_type::Key::Aes256Gcm(key)) = reply
                .encryption_key
                .as_mut()
                .and_then(|key| key.key.as_mut())
            {
                key.zeroize();
            }
        }
        Some(Content::PreferenceUpdates(all)) => {
            for update in &mut all.updates {
                if let Some(preference_update::Update::Hmac(hmac)) = &mut update.update {
                    hmac.key.zeroize();
                }
            }
        }
        _ => {}
    }
}

fn pin(text: String) -> Option<String> {
    (1..=MAX_PIN_BYTES).contains(&text.len()).then_some(text)
}

impl HistoryRequest {
    fn encode(&self) -> DeviceSyncRequest {
        DeviceSyncRequest {
            pin: self.pin.clone(),
            server_url: self.server_url.clone(),
            deprecated_kind: BackupElementSelection::Unspecified.into(),
            options: Some(ArchiveOptions {
                elements: self.kinds.iter().map(|kind| kind.number()).collect(),
                start_ns: self.start_ns,
                end_ns: self.end_ns,
                exclude_disappearing_messages: self.exclude_disappearing,
            }),
            wish: self.wish.as_ref().map(|wish| HistoryWish {
                attachments: wish.attachments,
                group_ids: wish.group_ids.clone(),
            }),
        }
    }

    /// Without options, or with a kind of the first design, nobody answers (device-sync.md 2.2).
    fn decode(saved: DeviceSyncRequest) -> Option<Self> {
        if saved.deprecated_kind != 0 || saved.server_url.len() > MAX_URL_BYTES {
            return None;
        }
        let options = saved.options?;
        let wish = saved.wish.map(|wish| Wish {
            attachments: wish.attachments,
            group_ids: wish.group_ids,
        });
        let is_sound = |wish: &Wish| {
            wish.group_ids.len() <= MAX_GROUPS
                && wish
                    .group_ids
                    .iter()
                    .all(|id| (1..=MAX_GROUP_ID_BYTES).contains(&id.len()))
        };
        if !wish.as_ref().is_none_or(is_sound) {
            return None;
        }
        Some(Self {
            pin: pin(saved.pin)?,
            server_url: saved.server_url,
            kinds: ElementKind::known(options.elements()),
            start_ns: options.start_ns,
            end_ns: options.end_ns,
            exclude_disappearing: options.exclude_disappearing_messages,
            wish,
        })
    }
}

impl HistoryReply {
    fn encode(&self) -> DeviceSyncReply {
        let key = device_sync_key_type::Key::Aes256Gcm(self.key.bytes().to_vec());
        DeviceSyncReply {
            request_id: self.pin.clone(),
            url: self.url.clone(),
            encryption_key: Some(DeviceSyncKeyType { key: Some(key) }),
            timestamp_ns: 0,
            kind: BackupElementSelection::Unspecified.into(),
            metadata: self.metadata.as_ref().map(Metadata::save),
            file: self.file.map(|file| ArchiveFile {
                bytes: file.bytes,
                sha256: file.sha256.to_vec(),
                conversations: file.conversations,
                messages: file.messages,
            }),
        }
    }

    fn decode(saved: DeviceSyncReply) -> Option<Self> {
        if saved.kind != 0 || saved.url.is_empty() || saved.url.len() > MAX_URL_BYTES {
            return None;
        }
        let device_sync_key_type::Key::Aes256Gcm(mut key) = saved.encryption_key?.key?;
        let bytes = <[u8; 32]>::try_from(key.as_slice());
        key.zeroize();
        let file = match saved.file {
            Some(file) => Some(FileFacts {
                bytes: file.bytes,
                sha256: file.sha256.try_into().ok()?,
                conversations: file.conversations,
                messages: file.messages,
            }),
            None => None,
        };
        Some(Self {
            pin: pin(saved.request_id)?,
            url: saved.url,
            key: ArchiveKey::new(bytes.ok()?),
            metadata: saved.metadata.map(Metadata::decode),
            file,
        })
    }
}

impl Preference {
    fn encode(&self) -> PreferenceUpdate {
        PreferenceUpdate {
            update: Some(match self {
                Self::Consent(consent) => preference_update::Update::Consent(consent.encode()),
                Self::Hmac { root, cycled_at_ns } => {
                    preference_update::Update::Hmac(HmacKeyUpdate {
                        key: root.bytes().to_vec(),
                        cycled_at_ns: *cycled_at_ns,
                    })
                }
            }),
        }
    }

    fn decode(saved: preference_update::Update) -> Option<Self> {
        Some(match saved {
            preference_update::Update::Consent(saved) => {
                Self::Consent(ArchivedConsent::decode(saved)?)
            }
            preference_update::Update::Hmac(mut saved) => {
                let root = saved.key.as_slice().try_into().ok().map(HmacRoot::new);
                saved.key.zeroize();
                Self::Hmac {
                    root: root?,
                    cycled_at_ns: saved.cycled_at_ns,
                }
            }
        })
    }
}

/// Reads any bytes as the payload of a message of a sync group. Whether what can be read says the same
/// when it is sent again. What fuzzing and the tests on stable share.
#[must_use]
pub fn probe_device_sync(data: &[u8]) -> bool {
    let encoded = EncodedContent {
        r#type: Some(ContentTypeId {
            type_id: TYPE_ID.to_owned(),
            ..ContentTypeId::default()
        }),
        content: data.to_vec(),
        ..EncodedContent::default()
    };
    match DeviceSync::decode(&encoded.encode_to_vec()) {
        Some(read) => DeviceSync::decode(&read.encode()) == Some(read),
        None => true,
    }
}

#[cfg(test)]
mod tests;
