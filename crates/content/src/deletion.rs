//! Deleting a message for everyone (content-and-client.md 1.9, 2.6).

use conclave_proto::mls::message_contents::{EncodedContent, content_types::DeleteMessage};
use prost::Message;

use crate::{
    content_type::KnownType,
    envelope::{MessageId, encoded, message_reference},
};

pub(crate) fn encode(target: &MessageId) -> EncodedContent {
    let wire = DeleteMessage {
        message_id: hex::encode(target),
    };
    encoded(KnownType::DeleteMessage, wire.encode_to_vec())
}

pub(crate) fn decode(payload: &[u8]) -> Option<MessageId> {
    message_reference(&DeleteMessage::decode(payload).ok()?.message_id)
}
