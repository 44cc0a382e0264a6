//! Message formats: what travels inside an MLS application message, and the identifiers derived
//! from it. No I/O, no state.
//!
//! Layers of a message (content-and-client.md 1.1): MLS application data is a `PlaintextEnvelope`;
//! its content is a serialized `EncodedContent`; the payload of that depends on the content type.

mod actions;
pub mod archive;
mod attachment;
mod body;
mod content_type;
mod deletion;
pub mod device_sync;
mod envelope;
mod file_name;
mod probe;
mod push;
mod reaction;
mod reply;
mod text;
mod transaction;
mod transcript;

pub use actions::{Action, ActionStyle, Actions, Intent, MAX_ACTIONS};
pub use attachment::{
    Attachment, AttachmentKeys, MAX_ATTACHMENTS, MAX_INLINE_BYTES, MAX_REMOTE_BYTES,
    MAX_SEALED_BYTES, OpenError, RemoteAttachment, attachment_digest,
};
pub use body::{Body, Origin, PREVIEW_CHARS};
pub use content_type::{ContentType, KnownType};
pub use envelope::{ContentError, Envelope, MessageId, encode_envelope, message_id, open_envelope};
pub use file_name::safe as safe_file_name;
pub use probe::{probe, probe_attachment, probe_envelope};
pub use push::{HmacKey, HmacRoot, sender_hmac};
pub use reaction::{MAX_REACTION_BYTES, Reaction, ReactionAction, ReactionSchema};
pub use reply::Reply;
pub use text::MAX_TEXT_BYTES;
pub use transaction::{
    MAX_CALLS, TransactionMetadata, TransactionReference, WalletCall, WalletSendCalls,
};
pub use transcript::{FieldChange, GroupUpdate, encode_group_updated};
