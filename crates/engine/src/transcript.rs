//! Message rows: how content and commits become what a conversation shows.

use conclave_content::{
    ContentType, Decoded, GroupUpdate, KnownType, encode_group_updated, message_id,
};
use conclave_mls::GroupState;
use conclave_store::{
    StoreError, Tx,
    conversation::ConversationChange,
    kinds::{Delivery, MessageKind},
    message::{Inserted, NewMessage},
};
use sha2::{Digest, Sha256};

use crate::event::Changes;

/// A message as it is about to be stored.
pub(crate) struct Row<'a> {
    pub(crate) group_id: &'a [u8],
    pub(crate) sender_inbox_id: &'a str,
    pub(crate) sender_installation_id: &'a [u8],
    pub(crate) delivery: Delivery,
    pub(crate) sent_at_ns: i64,
    pub(crate) now_ns: i64,
    pub(crate) sequence_id: Option<i64>,
    pub(crate) expire_at_ns: Option<i64>,
}

impl Row<'_> {
    /// Stores an application message.
    pub(crate) fn insert_application(
        &self,
        tx: &Tx,
        content: &[u8],
        idempotency_key: &str,
        changes: &mut Changes,
    ) -> Result<(Vec<u8>, Inserted), StoreError> {
        let id = message_id(self.group_id, idempotency_key, content);
        let (content_type, decoded) = Decoded::of(content);
        let known = KnownType::of(&content_type);
        let visible = known.is_visible();
        let inserted = self.insert(
            tx,
            &Shown {
                id: &id,
                kind: MessageKind::Application,
                content,
                content_type: &content_type,
                preview: visible.then(|| decoded.preview()),
                visible,
                should_push: known.should_push(),
                idempotency_key,
            },
            changes,
        )?;
        Ok((id.to_vec(), inserted))
    }

    /// Stores the line that a commit or a welcome left behind. An empty update leaves none.
    pub(crate) fn insert_update(
        &self,
        tx: &Tx,
        update: &GroupUpdate,
        idempotency_key: &str,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        if update.is_empty() {
            return Ok(());
        }
        let content = encode_group_updated(update);
        let id = message_id(self.group_id, idempotency_key, &content);
        let (content_type, _) = Decoded::of(&content);
        let shown = Shown {
            id: &id,
            kind: MessageKind::MembershipChange,
            content: &content,
            content_type: &content_type,
            preview: Some(headline(update).to_owned()),
            visible: true,
            should_push: false,
            idempotency_key,
        };
        self.insert(tx, &shown, changes).map(drop)
    }

    /// Stores a visible line for an envelope that could not be read. A run of them is one line:
    /// whoever knows the group's id could otherwise fill the conversation (node.md 9.18); each is
    /// counted in the diagnostics all the same.
    pub(crate) fn insert_gap(
        &self,
        tx: &Tx,
        reason: &str,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        tx.count_diagnostic(reason, self.now_ns)?;
        if tx.newest_message_kind(self.group_id)? == Some(MessageKind::Gap) {
            return Ok(());
        }
        let sequence_id = self.sequence_id.unwrap_or_default().to_be_bytes();
        let id = Sha256::new()
            .chain_update(b"conclave gap")
            .chain_update(self.group_id)
            .chain_update(sequence_id)
            .finalize();
        let content_type = ContentType {
            authority: "conclave".into(),
            type_id: reason.into(),
            major: 1,
            minor: 0,
        };
        let shown = Shown {
            id: &id,
            kind: MessageKind::Gap,
            content: &[],
            content_type: &content_type,
            preview: Some(gap_text(reason).to_owned()),
            visible: true,
            should_push: false,
            idempotency_key: "",
        };
        self.insert(tx, &shown, changes).map(drop)
    }

    fn insert(
        &self,
        tx: &Tx,
        shown: &Shown<'_>,
        changes: &mut Changes,
    ) -> Result<Inserted, StoreError> {
        let inserted = tx.insert_message(&NewMessage {
            id: shown.id,
            conversation_id: self.group_id,
            sender_inbox_id: self.sender_inbox_id,
            sender_installation_id: self.sender_installation_id,
            kind: shown.kind,
            delivery: self.delivery,
            sent_at_ns: self.sent_at_ns,
            inserted_at_ns: self.now_ns,
            content: shown.content,
            authority_id: &shown.content_type.authority,
            type_id: &shown.content_type.type_id,
            version_major: i64::from(shown.content_type.major),
            version_minor: i64::from(shown.content_type.minor),
            preview: shown.preview.as_deref(),
            visible: shown.visible,
            reference_id: None,
            sequence_id: self.sequence_id,
            expire_at_ns: self.expire_at_ns,
            should_push: shown.should_push,
            idempotency_key: shown.idempotency_key,
        })?;
        if inserted.is_new {
            changes.message(self.group_id, shown.id);
        }
        Ok(inserted)
    }
}

/// What a list says of an update: a code that the shell puts into the person's language.
fn headline(update: &GroupUpdate) -> &'static str {
    let by_name = |name: &str| update.fields.iter().any(|change| change.field == name);
    if !update.added.is_empty() {
        "added"
    } else if !update.removed.is_empty() {
        "removed"
    } else if !update.left.is_empty() {
        "left"
    } else if by_name("group_name") {
        "renamed"
    } else if !update.fields.is_empty() {
        "edited"
    } else {
        "roles"
    }
}

/// What a gap's line says: what happened and what to do.
fn gap_text(reason: &str) -> &'static str {
    match reason {
        "message_unknown_sender" => {
            "Somebody who had left the group by then wrote something. It can't be read any more."
        }
        "message_future_epoch" => {
            "A message could not be read, because this device is out of step with the group. Ask an \
             admin to remove and add you again; your history stays."
        }
        _ => "A message could not be read on this device. Ask the sender to send it again.",
    }
}

struct Shown<'a> {
    id: &'a [u8],
    kind: MessageKind,
    content: &'a [u8],
    content_type: &'a ContentType,
    preview: Option<String>,
    visible: bool,
    should_push: bool,
    idempotency_key: &'a str,
}

/// The columns of a conversation that its MLS group decides.
pub(crate) fn columns(state: &GroupState, is_active: bool) -> ConversationChange {
    use conclave_mls::extensions as attribute;
    let text = |name| Some(state.attribute(name).unwrap_or_default().to_owned());
    let disappearing = state.disappearing();
    ConversationChange {
        is_active: Some(is_active),
        name: text(attribute::ATTRIBUTE_NAME),
        description: text(attribute::ATTRIBUTE_DESCRIPTION),
        image_url: text(attribute::ATTRIBUTE_IMAGE_URL),
        app_data: text(attribute::ATTRIBUTE_APP_DATA),
        member_count: i64::try_from(state.membership.members.len()).ok(),
        epoch: i64::try_from(state.epoch).ok(),
        disappear_from_ns: Some(disappearing.map(|times| times.from_ns)),
        disappear_in_ns: Some(disappearing.map(|times| times.in_ns)),
        ..ConversationChange::default()
    }
}
