//! Message formats: what travels inside an MLS application message, and the identifiers derived
//! from it. No I/O, no state.
//!
//! Layers of a message (content-and-client.md 1.1): MLS application data is a `PlaintextEnvelope`;
//! its content is a serialized `EncodedContent`; the payload of that depends on the content type.

mod content_type;
mod decoded;
mod envelope;
mod push;
mod transcript;

pub use content_type::{ContentType, KnownType};
pub use decoded::{Decoded, PREVIEW_CHARS};
pub use envelope::{
    ContentError, Envelope, MAX_TEXT_BYTES, encode_envelope, encode_text, message_id, open_envelope,
};
pub use push::{HmacKey, HmacRoot, sender_hmac};
pub use transcript::{FieldChange, GroupUpdate, encode_group_updated};
