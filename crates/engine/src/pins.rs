//! Pinned messages: an attribute of the group (`docs/pinned-messages.md`).

use conclave_mls::extensions::ATTRIBUTE_PINNED_MESSAGES;
use conclave_store::{kinds::MessageKind, message::Message};

use crate::{
    client::Client, error::EngineError, event::MessageId, intents::IntentData, rules::Action,
};

/// Most messages that a group pins.
pub const MAX_PINS: usize = 20;

/// Ids of pinned messages, newest pin first, out of the attribute. What is malformed, repeated or
/// beyond the limit is left out: any admin may write anything there.
pub(crate) fn read(value: &str) -> Vec<MessageId> {
    let mut pins: Vec<MessageId> = Vec::new();
    for entry in value.split(',') {
        let Ok(id) = hex::decode(entry) else { continue };
        if id.len() == 32 && pins.len() < MAX_PINS && !pins.contains(&id) {
            pins.push(id);
        }
    }
    pins
}

/// The attribute after pinning or unpinning a message.
///
/// # Errors
/// [`EngineError::TooManyPins`].
pub(crate) fn with(value: &str, message_id: &[u8], pinned: bool) -> Result<String, EngineError> {
    let mut pins = read(value);
    let is_pinned = pins.iter().any(|id| id == message_id);
    if pinned && !is_pinned {
        if pins.len() == MAX_PINS {
            return Err(EngineError::TooManyPins(MAX_PINS));
        }
        pins.insert(0, message_id.to_vec());
    } else if !pinned {
        pins.retain(|id| id != message_id);
    }
    Ok(pins.iter().map(hex::encode).collect::<Vec<_>>().join(","))
}

/// A pinned message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its id.
    pub message_id: MessageId,
    /// The message, if this installation has it: it may be older than our membership, or deleted
    /// here.
    pub message: Option<Message>,
}

impl Client {
    /// Pinned messages, newest pin first.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn pins(&self, id: &[u8]) -> Result<Vec<Pin>, EngineError> {
        let (group_id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        self.0
            .store
            .read(move |reader| {
                let conversation = reader.conversation(&group_id)?;
                let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
                let mut pins = Vec::new();
                for message_id in read(&conversation.pinned) {
                    let message = reader.message(&message_id)?;
                    pins.push(Pin {
                        // A pin names no conversation: a message of another one is not shown here.
                        message: message.filter(|found| {
                            found.conversation_id == group_id
                                && found.expire_at_ns.is_none_or(|at| at > now_ns)
                        }),
                        message_id,
                    });
                }
                Ok(pins)
            })
            .await
    }

    /// Pins or unpins a message for everybody, and waits until the network has it. The list is
    /// changed as it is then, so two people who pin at once lose nothing.
    ///
    /// # Errors
    /// [`EngineError::UnknownMessage`] unless it is a published message of this conversation (one
    /// that is not here can only be unpinned), [`EngineError::TooManyPins`],
    /// [`EngineError::Denied`], [`EngineError::DirectMessage`], and those of a sync.
    pub async fn set_pin(
        &self,
        id: &[u8],
        message_id: &[u8],
        pinned: bool,
    ) -> Result<(), EngineError> {
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        if state.metadata.dm_members.is_some() {
            return Err(EngineError::DirectMessage(
                "Nobody is an admin of a direct message, so nothing can be pinned in it.",
            ));
        }
        let action = Action::UpdateMetadata(ATTRIBUTE_PINNED_MESSAGES.to_owned());
        self.require(&state, &action, None).await?;
        if pinned {
            let (group_id, wanted) = (id.to_vec(), message_id.to_vec());
            let known = self
                .0
                .store
                .read(move |reader| reader.message(&wanted))
                .await?;
            known
                .filter(|found| {
                    found.conversation_id == group_id
                        && found.kind == MessageKind::Application
                        && found.sequence_id.is_some()
                })
                .ok_or(EngineError::UnknownMessage)?;
        }
        let current = state.attribute(ATTRIBUTE_PINNED_MESSAGES);
        if with(current.unwrap_or_default(), message_id, pinned)?
            == current.map(str::to_owned).unwrap_or_default()
        {
            return Ok(());
        }
        let pin = IntentData::Pin {
            message_id: message_id.to_vec(),
            pinned,
        };
        self.0.settle(id, pin).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> MessageId {
        vec![number; 32]
    }

    #[test]
    fn the_newest_pin_is_first_and_pinning_twice_changes_nothing() {
        let one = with("", &id(1), true).unwrap();
        let two = with(&one, &id(2), true).unwrap();
        assert_eq!(read(&two), [id(2), id(1)]);
        assert_eq!(with(&two, &id(1), true).unwrap(), two);
        assert_eq!(with(&two, &id(2), false).unwrap(), one);
        assert_eq!(with(&one, &id(3), false).unwrap(), one);
        assert_eq!(with(&one, &id(1), false).unwrap(), "");
    }

    #[test]
    fn what_others_wrote_there_does_no_harm() {
        let good = hex::encode(id(7));
        let value = format!("hello,,{good},{good},abcd,{}", "zz".repeat(32));
        assert_eq!(read(&value), [id(7)]);
        assert_eq!(with(&value, &id(7), false).unwrap(), "");
        let many = (0..100).map(|n| hex::encode(id(n))).collect::<Vec<_>>();
        assert_eq!(read(&many.join(",")).len(), MAX_PINS);
    }

    #[test]
    fn there_is_a_cap() {
        let mut value = String::new();
        for number in 0..u8::try_from(MAX_PINS).unwrap() {
            value = with(&value, &id(number), true).unwrap();
        }
        let error = with(&value, &id(99), true).unwrap_err();
        assert_eq!(error.code(), "too_many_pins");
        assert_eq!(with(&value, &id(0), true).unwrap(), value);
    }
}
