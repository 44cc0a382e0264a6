//! Message rows: how content and commits become what a conversation shows.

use std::collections::BTreeSet;

use conclave_content::{
    Body, ContentType, FieldChange, GroupUpdate, Origin, encode_group_updated, message_id,
};
use conclave_mls::{
    GroupState,
    policy::{PolicyChange, Role},
    transcript,
    validation::ValidatedCommit,
};
use conclave_store::{
    StoreError, Tx,
    conversation::ConversationChange,
    kinds::{ConversationKind, Delivery, MessageKind, OwnRole},
    message::{Inserted, NewMessage},
};
use sha2::{Digest, Sha256};

use crate::{event::Changes, pins};

/// Before the key of a changed permission in the fields of a line.
pub const PERMISSION_FIELD: &str = "permissions.";

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

/// What was stored as an application message.
pub(crate) struct Stored {
    /// Its message id.
    pub(crate) id: conclave_content::MessageId,
    /// What it says.
    pub(crate) body: Body,
    pub(crate) inserted: Inserted,
}

impl Row<'_> {
    /// Stores an application message.
    pub(crate) fn insert_application(
        &self,
        tx: &Tx,
        content: &[u8],
        idempotency_key: &str,
        changes: &mut Changes,
    ) -> Result<Stored, StoreError> {
        let id = message_id(self.group_id, idempotency_key, content);
        let (content_type, body) = Body::decode(content, Origin::Member);
        let shown = Shown::application(&id, content, &content_type, &body, idempotency_key);
        let inserted = self.insert(tx, &shown, changes)?;
        Ok(Stored { id, body, inserted })
    }

    /// Stores a message out of an archive under the id that it has there: what the id is made of is
    /// not in an archive.
    pub(crate) fn restore(
        &self,
        tx: &Tx,
        id: conclave_content::MessageId,
        content: &[u8],
    ) -> Result<Stored, StoreError> {
        let (content_type, body) = Body::decode(content, Origin::Member);
        let key = self.sent_at_ns.to_string();
        let shown = Shown {
            should_push: false,
            ..Shown::application(&id, content, &content_type, &body, &key)
        };
        let inserted = tx.restore_message(&self.of(&shown))?;
        Ok(Stored { id, body, inserted })
    }

    /// Stores an own message that was never there: where the clock stands still, the next free key
    /// is taken, so that the same words twice are two messages.
    pub(crate) fn insert_own(
        &self,
        tx: &Tx,
        content: &[u8],
        changes: &mut Changes,
    ) -> Result<Stored, StoreError> {
        let mut key_ns = self.now_ns;
        loop {
            let stored = self.insert_application(tx, content, &key_ns.to_string(), changes)?;
            if stored.inserted.is_new {
                return Ok(stored);
            }
            key_ns = key_ns.saturating_add(1);
        }
    }

    /// Stores a message of ours that no person sees, for our other installations.
    pub(crate) fn insert_unseen(
        &self,
        tx: &Tx,
        content: &[u8],
    ) -> Result<conclave_content::MessageId, StoreError> {
        let (content_type, body) = Body::decode(content, Origin::Member);
        let mut key_ns = self.now_ns;
        loop {
            let key = key_ns.to_string();
            let id = message_id(self.group_id, &key, content);
            let shown = Shown {
                preview: None,
                visible: false,
                should_push: false,
                ..Shown::application(&id, content, &content_type, &body, &key)
            };
            if tx.insert_message(&self.of(&shown))?.is_new {
                return Ok(id);
            }
            key_ns = key_ns.saturating_add(1);
        }
    }

    /// Stores the line that a commit or a welcome left behind. An empty update leaves none.
    pub(crate) fn insert_update(
        &self,
        tx: &Tx,
        update: &GroupUpdate,
        idempotency_key: &str,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        if update.is_empty() || self.is_told(tx, update)? {
            return Ok(());
        }
        let content = encode_group_updated(update);
        let id = message_id(self.group_id, idempotency_key, &content);
        let (content_type, _) = Body::decode(&content, Origin::Commit);
        let shown = Shown {
            id: &id,
            kind: MessageKind::MembershipChange,
            content: &content,
            content_type: &content_type,
            preview: Some(headline(update).to_owned()),
            visible: true,
            should_push: false,
            reference_id: None,
            idempotency_key,
        };
        self.insert(tx, &shown, changes).map(drop)
    }

    /// Whether a direct message, in any of the groups that it consists of, says as its newest line
    /// already that these people came in (groups.md 8).
    fn is_told(&self, tx: &Tx, update: &GroupUpdate) -> Result<bool, StoreError> {
        let only_added = GroupUpdate {
            by: update.by.clone(),
            added: update.added.clone(),
            ..GroupUpdate::default()
        };
        if update.added.is_empty() || only_added != *update {
            return Ok(false);
        }
        let is_dm = tx
            .conversation(self.group_id)?
            .is_some_and(|found| found.kind == ConversationKind::Dm);
        if !is_dm {
            return Ok(false);
        }
        let newest = tx.newest_change(&tx.stitched_ids(self.group_id)?)?;
        let newest = newest.map(|content| Body::decode(&content, Origin::Commit).1);
        Ok(matches!(newest, Some(Body::GroupUpdated(told)) if told.added == update.added))
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
        self.insert_gap_line(tx, reason, "", gap_text(reason), changes)
    }

    /// As [`Row::insert_gap`], with a code as content. A run is one line per sender.
    pub(crate) fn insert_gap_line(
        &self,
        tx: &Tx,
        type_id: &str,
        code: &str,
        text: &str,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let counted = if code.is_empty() { type_id } else { code };
        tx.count_diagnostic(counted, self.now_ns)?;
        if tx.ends_with_gap_by(self.group_id, self.sender_inbox_id)? {
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
            type_id: type_id.into(),
            major: 1,
            minor: 0,
        };
        let shown = Shown {
            id: &id,
            kind: MessageKind::Gap,
            content: code.as_bytes(),
            content_type: &content_type,
            preview: Some(text.to_owned()),
            visible: true,
            should_push: false,
            reference_id: None,
            idempotency_key: "",
        };
        self.insert(tx, &shown, changes).map(drop)
    }

    /// The row of what is shown.
    fn of<'b>(&'b self, shown: &'b Shown<'_>) -> NewMessage<'b> {
        NewMessage {
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
            reference_id: shown.reference_id,
            sequence_id: self.sequence_id,
            expire_at_ns: self.expire_at_ns,
            should_push: shown.should_push,
            idempotency_key: shown.idempotency_key,
        }
    }

    fn insert(
        &self,
        tx: &Tx,
        shown: &Shown<'_>,
        changes: &mut Changes,
    ) -> Result<Inserted, StoreError> {
        let inserted = tx.insert_message(&self.of(shown))?;
        if inserted.is_new {
            changes.message(self.group_id, shown.id);
        }
        Ok(inserted)
    }
}

/// What a commit visibly changed: the line that official clients write, and changed permissions,
/// about which they are silent.
pub(crate) fn update_of(commit: &ValidatedCommit, left: &BTreeSet<String>) -> GroupUpdate {
    let mut update = transcript::group_updated(commit, left)
        .map(GroupUpdate::from)
        .unwrap_or_default();
    update.by.clone_from(&commit.actor.inbox_id);
    // An attribute that another client named like a permission is not shown as one.
    for change in &mut update.fields {
        if change.field.starts_with(PERMISSION_FIELD) {
            change.field.insert_str(0, "attribute.");
        }
    }
    update
        .fields
        .extend(commit.policy_changes.iter().map(permission_line));
    update
}

fn permission_line(change: &PolicyChange) -> FieldChange {
    FieldChange {
        field: format!("{PERMISSION_FIELD}{}", change.key),
        old: Some(change.old.to_string()),
        new: Some(change.new.to_string()),
    }
}

/// What a list says of an update: a code that the shell puts into the person's language.
fn headline(update: &GroupUpdate) -> &'static str {
    let by_name = |name: &str| update.fields.iter().any(|change| change.field == name);
    if update.added.iter().any(|inbox_id| *inbox_id != update.by) {
        "added"
    } else if !update.added.is_empty() {
        // Who adds themselves has brought a device of theirs in.
        "device"
    } else if !update.removed.is_empty() {
        "removed"
    } else if !update.left.is_empty() {
        "left"
    } else if by_name("group_name") {
        "renamed"
    } else if by_name(conclave_mls::extensions::ATTRIBUTE_PINNED_MESSAGES) {
        "pinned"
    } else if update
        .fields
        .iter()
        .any(|change| change.field.starts_with(PERMISSION_FIELD))
    {
        "permissions"
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

/// What a row says, and how it is shown.
struct Shown<'a> {
    id: &'a [u8],
    kind: MessageKind,
    content: &'a [u8],
    content_type: &'a ContentType,
    preview: Option<String>,
    visible: bool,
    should_push: bool,
    reference_id: Option<&'a [u8]>,
    idempotency_key: &'a str,
}

impl<'a> Shown<'a> {
    /// What a member sent.
    fn application(
        id: &'a [u8],
        content: &'a [u8],
        content_type: &'a ContentType,
        body: &'a Body,
        idempotency_key: &'a str,
    ) -> Self {
        Self {
            id,
            kind: MessageKind::Application,
            content,
            content_type,
            preview: body.is_preview().then(|| body.preview()),
            visible: body.is_visible(),
            should_push: body.should_push(),
            reference_id: body.reference().map(<[u8; 32]>::as_slice),
            idempotency_key,
        }
    }
}

/// The columns of a conversation that its MLS group decides; `own` is our inbox.
pub(crate) fn columns(state: &GroupState, own: &str, is_active: bool) -> ConversationChange {
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
        own_role: Some(match state.role(own) {
            Role::Member => OwnRole::Member,
            Role::Admin => OwnRole::Admin,
            Role::SuperAdmin => OwnRole::SuperAdmin,
        }),
        pinned: Some(
            pins::read(
                state
                    .attribute(attribute::ATTRIBUTE_PINNED_MESSAGES)
                    .unwrap_or_default(),
            )
            .iter()
            .map(hex::encode)
            .collect::<Vec<_>>()
            .join(","),
        ),
        minimum_version: Some(
            state
                .attribute(attribute::ATTRIBUTE_MINIMUM_VERSION)
                .map(str::to_owned),
        ),
        ..ConversationChange::default()
    }
}
