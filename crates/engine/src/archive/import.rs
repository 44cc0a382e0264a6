//! From an archive into the database.

use std::collections::{BTreeMap, HashMap};

use conclave_content::archive::{
    ArchivedConsent, ArchivedGroup, ArchivedGroupKind, ArchivedMessage, ArchivedPiece, Element,
    Metadata, Totals,
};
use conclave_content::safe_file_name;
use conclave_mls::extensions;
use conclave_store::{
    StoreError, Tx,
    consent::Consent,
    conversation::Conversation,
    kinds::{AttachmentState, ConsentState, ConversationKind, Delivery, MembershipState},
};

use crate::{
    consent,
    effects::{self, Sender},
    error::EngineError,
    event::{Changes, GroupId},
    metadata::check_length,
    nanoseconds::{MINUTE, SECOND},
    preferences,
    transcript::Row,
};

/// Conversations of an archive that are remembered while it is taken in; those beyond are left out.
const MAX_CONVERSATIONS: usize = 100_000;
/// Super admins of each.
const MAX_SUPER_ADMINS: usize = 32;
/// How far a time may be ahead of ours.
const AHEAD_NS: i64 = 5 * MINUTE;
/// How far the time of a message may be ahead: clocks are wrong by hours.
const MESSAGE_AHEAD_NS: i64 = 24 * 60 * 60 * SECOND;

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// When it was written, in ns, by the clock of who wrote it.
    pub exported_at_ns: i64,
    /// Only messages sent later, in ns.
    pub start_ns: Option<i64>,
    /// Only messages sent then or earlier, in ns.
    pub end_ns: Option<i64>,
    /// Groups and direct messages.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// The oldest message, in ns.
    pub oldest_ns: Option<i64>,
    /// The newest message, in ns.
    pub newest_ns: Option<i64>,
    /// Decisions about people and conversations.
    pub consents: u64,
    /// Files of messages.
    pub files: u64,
    /// Elements that are not known here or make no sense.
    pub skipped: u64,
    /// Whether its end says that nothing is missing. Archives of official clients never do.
    pub is_sealed: bool,
}

/// What became of an archive that was taken in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Conversations that were not here; they can be read until somebody adds this device.
    pub new_conversations: u64,
    /// Conversations that were here, and stay as they were.
    pub known_conversations: u64,
    /// Messages that were not here.
    pub new_messages: u64,
    /// Messages that were here, and stay as they were.
    pub known_messages: u64,
    /// Messages whose time to disappear is over.
    pub expired_messages: u64,
    /// Decisions that were newer than those here.
    pub changed_consents: u64,
    /// Files of messages that were not here.
    pub new_files: u64,
    /// Elements left out: of no conversation, never sent, of times that can't be, or unknown.
    pub skipped: u64,
}

impl ArchiveSummary {
    /// Counts an element.
    ///
    /// # Errors
    /// [`EngineError::ForeignArchive`] for a direct message of others.
    pub(super) fn add(&mut self, element: &Element, own: &str) -> Result<(), EngineError> {
        match element {
            Element::Metadata(metadata) => {
                self.exported_at_ns = metadata.exported_at_ns;
                self.start_ns = metadata.start_ns;
                self.end_ns = metadata.end_ns;
            }
            Element::Group(group) => {
                if let ArchivedGroupKind::Dm(dm_id) = &group.kind {
                    peer_of(dm_id, own).ok_or(EngineError::ForeignArchive)?;
                }
                self.conversations += 1;
            }
            Element::Message(message) => {
                let at_ns = message.sent_at_ns;
                self.oldest_ns = Some(self.oldest_ns.map_or(at_ns, |ns| ns.min(at_ns)));
                self.newest_ns = Some(self.newest_ns.map_or(at_ns, |ns| ns.max(at_ns)));
                self.messages += 1;
            }
            Element::Consent(_) => self.consents += 1,
            Element::Piece(piece) => self.files += u64::from(piece.offset == 0),
        }
        Ok(())
    }

    /// The archive has been read to its end.
    ///
    /// # Errors
    /// [`EngineError::ForeignArchive`] for one of another inbox.
    pub(super) fn end(&mut self, totals: Totals, own: &str) -> Result<(), EngineError> {
        if totals.inbox_id.is_some_and(|inbox_id| inbox_id != own) {
            return Err(EngineError::ForeignArchive);
        }
        self.skipped = totals.skipped;
        self.is_sealed = totals.is_sealed;
        Ok(())
    }
}

/// The other person of a direct message of ours.
fn peer_of<'a>(dm_id: &'a str, own: &str) -> Option<&'a str> {
    let (one, other) = dm_id.strip_prefix("dm:")?.split_once(':')?;
    match (one == own, other == own) {
        (true, _) => Some(other),
        (false, true) => Some(one),
        (false, false) => None,
    }
}

/// Takes an archive in, batch by batch, each in a transaction of its own.
pub(super) struct Import {
    own: String,
    now_ns: i64,
    exported_at_ns: i64,
    known: HashMap<GroupId, Remembered>,
    /// The file that is coming in: its row, and where its next piece begins.
    file: Option<(i64, u64)>,
    pub(super) done: Imported,
}

/// What messages need of a conversation of the archive.
struct Remembered {
    disappearing: Option<(i64, i64)>,
    super_admins: Vec<String>,
}

impl Import {
    pub(super) fn new(own: String, now_ns: i64) -> Self {
        Self {
            own,
            now_ns,
            exported_at_ns: now_ns,
            known: HashMap::new(),
            file: None,
            done: Imported::default(),
        }
    }

    /// Takes the next elements in.
    pub(super) fn apply(&mut self, tx: &Tx, batch: Vec<Element>) -> Result<Changes, EngineError> {
        let mut changes = Changes::default();
        let mut conversations = BTreeMap::new();
        for element in batch {
            match element {
                Element::Metadata(metadata) => self.begin(&metadata),
                Element::Group(group) => self.group(tx, group, &mut changes)?,
                Element::Message(message) => {
                    self.message(tx, &message, &mut conversations, &mut changes)?;
                }
                Element::Consent(consent) => self.consent(tx, consent, &mut changes)?,
                Element::Piece(piece) => self.piece(tx, &piece, &mut changes)?,
            }
        }
        Ok(changes.without_messages())
    }

    fn begin(&mut self, metadata: &Metadata) {
        self.exported_at_ns = metadata.exported_at_ns;
    }

    fn group(
        &mut self,
        tx: &Tx,
        group: ArchivedGroup,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if self.known.len() >= MAX_CONVERSATIONS {
            self.done.skipped += 1;
            return Ok(());
        }
        let mut super_admins = group.super_admins.clone();
        super_admins.truncate(MAX_SUPER_ADMINS);
        let remembered = Remembered {
            disappearing: group.disappearing,
            super_admins,
        };
        if tx.conversation(&group.id)?.is_some() {
            self.known.insert(group.id, remembered);
            self.done.known_conversations += 1;
            return Ok(());
        }
        let id = group.id.clone();
        let Some(conversation) = self.restored(group) else {
            self.done.skipped += 1;
            return Ok(());
        };
        tx.insert_conversation(&conversation, 0)?;
        changes.new_conversation(&id);
        self.known.insert(id, remembered);
        self.done.new_conversations += 1;
        Ok(())
    }

    /// A conversation as it is until an installation of somebody in it adds this one
    /// (device-sync.md 3.5): it can be read, and nothing is ever sent in it.
    fn restored(&self, group: ArchivedGroup) -> Option<Conversation> {
        let text = |key: &str| {
            let value = group.attributes.get(key).cloned().unwrap_or_default();
            check_length(key, &value)
                .map(|()| value)
                .unwrap_or_default()
        };
        let (kind, dm_id, member_count) = match &group.kind {
            // How many are in a group only the group itself says.
            ArchivedGroupKind::Group => (ConversationKind::Group, None, 0),
            ArchivedGroupKind::Dm(dm_id) => (ConversationKind::Dm, Some(dm_id.clone()), 2),
        };
        let peer_inbox_id = match &dm_id {
            Some(dm_id) => Some(peer_of(dm_id, &self.own)?.to_owned()),
            None => None,
        };
        let restored = Conversation {
            dm_id,
            peer_inbox_id,
            membership_state: MembershipState::Restored,
            is_active: false,
            name: text(extensions::ATTRIBUTE_NAME),
            description: text(extensions::ATTRIBUTE_DESCRIPTION),
            image_url: text(extensions::ATTRIBUTE_IMAGE_URL),
            app_data: text(extensions::ATTRIBUTE_APP_DATA),
            member_count,
            disappear_from_ns: group.disappearing.map(|(from_ns, _)| from_ns),
            disappear_in_ns: group.disappearing.map(|(_, in_ns)| in_ns),
            ..Conversation::new(
                group.id,
                kind,
                group.creator_inbox_id,
                group.added_by_inbox_id,
                group.created_at_ns.clamp(0, self.now_ns),
            )
        };
        Some(restored)
    }

    fn message(
        &mut self,
        tx: &Tx,
        message: &ArchivedMessage,
        conversations: &mut BTreeMap<GroupId, Option<Conversation>>,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let group_id = &message.group_id;
        if !conversations.contains_key(group_id) {
            let found = tx.conversation(group_id)?.filter(|found| {
                matches!(found.kind, ConversationKind::Group | ConversationKind::Dm)
            });
            conversations.insert(group_id.clone(), found);
        }
        let conversation = conversations.get(group_id).and_then(Option::as_ref);
        let newest_ns = self.now_ns.max(self.exported_at_ns);
        let is_possible = (0..=newest_ns.saturating_add(MESSAGE_AHEAD_NS))
            .contains(&message.sent_at_ns)
            && message.is_published;
        let Some(conversation) = conversation.filter(|_| is_possible) else {
            self.done.skipped += 1;
            return Ok(());
        };
        let remembered = self.known.get(group_id);
        let disappearing = match remembered {
            Some(remembered) => remembered.disappearing,
            None => conversation
                .disappear_from_ns
                .zip(conversation.disappear_in_ns),
        };
        let sent_at_ns = message.sent_at_ns;
        let expire_at_ns = disappearing
            .filter(|(from_ns, in_ns)| *from_ns > 0 && *in_ns > 0 && sent_at_ns >= *from_ns)
            .map(|(_, in_ns)| sent_at_ns.saturating_add(in_ns));
        if expire_at_ns.is_some_and(|at_ns| at_ns <= self.now_ns) {
            self.done.expired_messages += 1;
            return Ok(());
        }
        let row = Row {
            group_id,
            sender_inbox_id: &message.sender_inbox_id,
            sender_installation_id: &message.sender_installation_id,
            delivery: Delivery::Published,
            sent_at_ns,
            now_ns: self.now_ns,
            sequence_id: message.sequence_id,
            expire_at_ns,
        };
        let stored = row.restore(tx, message.id, &message.content)?;
        if !stored.inserted.is_new {
            self.done.known_messages += 1;
            return Ok(());
        }
        self.done.new_messages += 1;
        changes.conversation(group_id);
        let sender = Sender {
            inbox_id: &message.sender_inbox_id,
            is_own: message.sender_inbox_id == self.own,
            is_super_admin: remembered
                .is_some_and(|known| known.super_admins.contains(&message.sender_inbox_id)),
        };
        effects::restored(tx, conversation, &stored, &sender, sent_at_ns, changes)?;
        Ok(())
    }

    /// A file comes in piece by piece; one that is here stays, and of one that stopped in between the
    /// next time begins anew.
    fn piece(
        &mut self,
        tx: &Tx,
        piece: &ArchivedPiece,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if piece.offset == 0 {
            let position = usize::try_from(piece.position).unwrap_or(usize::MAX);
            let row = tx.attachment_at(&piece.message_id, position)?;
            let row = row.filter(|row| {
                !row.is_own
                    && !matches!(
                        row.state,
                        AttachmentState::Stored
                            | AttachmentState::Waiting
                            | AttachmentState::Transferring
                    )
            });
            self.file = row.map(|row| (row.id, 0));
            if let Some((id, _)) = self.file {
                tx.clear_file_chunks(id)?;
            }
        }
        let Some((id, next)) = self.file.filter(|(_, next)| *next == piece.offset) else {
            self.file = None;
            return Ok(());
        };
        let number = i64::try_from(next).unwrap_or(i64::MAX);
        tx.append_file_chunk(id, number, &piece.bytes)?;
        let next = next.saturating_add(piece.bytes.len() as u64);
        self.file = Some((id, next));
        if next == piece.size {
            let name = safe_file_name(&piece.name);
            let size = i64::try_from(piece.size).unwrap_or(i64::MAX);
            tx.attachment_arrived(id, &name, &piece.media_type, size)?;
            self.file = None;
            self.done.new_files += 1;
            if let Some(message) = tx.message(&piece.message_id)? {
                changes.conversation(&message.conversation_id);
            }
        }
        Ok(())
    }

    /// The newest decision counts, by its own time (device-sync.md 5.2). One that claims to be later
    /// than its archive is only taken where there is none.
    fn consent(
        &mut self,
        tx: &Tx,
        archived: ArchivedConsent,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let claimed_ns = archived.consented_at_ns;
        let latest_ns = self.now_ns.saturating_add(AHEAD_NS);
        let new = Consent {
            consented_at_ns: claimed_ns.min(latest_ns),
            ..preferences::stored(archived)
        };
        let known = tx.consent(new.entity_kind, &new.entity)?;
        let is_newer = known.as_ref().is_none_or(|known| {
            claimed_ns <= self.exported_at_ns
                && (new.consented_at_ns > known.consented_at_ns
                    || (new.consented_at_ns == known.consented_at_ns
                        && new.state == ConsentState::Denied))
        });
        if is_newer && known.as_ref() != Some(&new) && tx.set_consent(&new)? {
            self.done.changed_consents += 1;
            consent::changed(tx, new, changes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
