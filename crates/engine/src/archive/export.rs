//! From the database into an archive.

use std::collections::{BTreeMap, BTreeSet};

use conclave_content::archive::{
    ArchiveError, ArchiveKey, ArchiveWriter, ArchivedGroup, ArchivedGroupKind, ArchivedMessage,
    ArchivedPiece, Element, ElementKind, MAX_PIECE_BYTES, Metadata,
};
use conclave_content::{ContentType, MessageId};
use conclave_mls::extensions;
use conclave_store::{
    Reader,
    archive::ArchiveScope,
    attachment::Attachment,
    conversation::Conversation,
    kinds::{ConsentState, ConversationKind},
    message::Message,
};
use rand::RngCore as _;

use crate::{error::EngineError, preferences};

/// Rows read at a time.
const ROWS: i64 = 100;

/// How much of what is in an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) conversations: u64,
    pub(crate) messages: u64,
    pub(crate) consents: u64,
    /// Messages too large for whoever is to read it.
    pub(crate) left_out: u64,
}

/// What goes in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contents {
    pub(crate) messages: bool,
    pub(crate) consent: bool,
    /// Files of messages that are here; only we read them.
    pub(crate) files: bool,
}

/// Told how far an export is: rows done and in all, and what they were. May stop it.
pub(crate) type Told<'a> = dyn FnMut(i64, i64, &Counts) -> Result<(), EngineError> + 'a;

/// What an export works with.
pub(crate) struct Export<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) own_inbox_id: &'a str,
    pub(crate) now_ns: i64,
    pub(crate) scope: &'a ArchiveScope,
    pub(crate) contents: Contents,
    /// Takes what is written, piece by piece.
    pub(crate) sink: &'a mut dyn FnMut(Vec<u8>) -> Result<(), EngineError>,
    pub(crate) told: &'a mut Told<'a>,
}

impl Export<'_> {
    /// Writes the archive: one consistent state of the database, in bounded memory. `is_foreign`:
    /// official clients may read it.
    pub(crate) fn run(
        &mut self,
        key: &ArchiveKey,
        is_foreign: bool,
    ) -> Result<Counts, EngineError> {
        let mut nonce = [0; 12];
        rand::rng().fill_bytes(&mut nonce);
        let metadata = self.metadata();
        let mut writer = ArchiveWriter::new(key, nonce, &metadata, is_foreign)?;
        let mut counts = Counts::default();
        if self.contents.messages {
            let ids = self.conversations(&mut writer, &mut counts)?;
            self.messages(&mut writer, &ids, &mut counts)?;
            if self.contents.files {
                self.files(&mut writer, &ids, &mut counts)?;
            }
        }
        if self.contents.consent {
            for consent in self.reader.consents(None)? {
                writer.write(&Element::Consent(preferences::archived(consent)))?;
                (self.sink)(writer.take())?;
                counts.consents += 1;
            }
        }
        (self.sink)(writer.finish(self.own_inbox_id)?)?;
        Ok(counts)
    }

    /// What the archive says of itself.
    pub(crate) fn metadata(&self) -> Metadata {
        let kinds = [
            (self.contents.messages, ElementKind::Messages),
            (self.contents.consent, ElementKind::Consent),
        ];
        Metadata {
            kinds: kinds
                .into_iter()
                .filter_map(|(is_in, kind)| is_in.then_some(kind))
                .collect(),
            exported_at_ns: self.now_ns,
            start_ns: self.scope.start_ns,
            end_ns: self.scope.end_ns,
        }
    }

    /// Every conversation of the scope, whatever its messages: none of these may be without one.
    fn conversations(
        &mut self,
        writer: &mut ArchiveWriter,
        counts: &mut Counts,
    ) -> Result<BTreeSet<Vec<u8>>, EngineError> {
        let mut ids = BTreeSet::new();
        let mut after = Vec::new();
        loop {
            let page = self.reader.conversations_to_archive(&after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(ids);
            };
            after.clone_from(&last.id);
            for conversation in page {
                let wanted = &self.scope.conversation_ids;
                if wanted
                    .as_ref()
                    .is_some_and(|ids| !ids.contains(&conversation.id))
                {
                    continue;
                }
                if self.scope.exclude_denied
                    && wanted.is_none()
                    && self.reader.effective_consent(&conversation.id)? == ConsentState::Denied
                {
                    continue;
                }
                let summary = self.reader.summary(&conversation.id)?;
                let newest = summary.map(|summary| summary.last_message_ns);
                ids.insert(conversation.id.clone());
                let group = archived_group(conversation, newest.filter(|at_ns| *at_ns > 0));
                writer.write(&Element::Group(group))?;
                (self.sink)(writer.take())?;
                counts.conversations += 1;
            }
        }
    }

    fn messages(
        &mut self,
        writer: &mut ArchiveWriter,
        ids: &BTreeSet<Vec<u8>>,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let rows = self.reader.newest_message_row()?;
        let mut after = 0;
        loop {
            (self.told)(after, rows, counts)?;
            let page = self
                .reader
                .messages_to_archive(after, self.scope, self.now_ns, ROWS)?;
            let Some(last) = page.last() else {
                return (self.told)(rows, rows, counts);
            };
            after = last.row_id;
            for message in page {
                if !ids.contains(&message.conversation_id) {
                    continue;
                }
                // An id is 32 bytes by the database's own check.
                let Some(message) = archived_message(message) else {
                    continue;
                };
                match writer.write(&Element::Message(message)) {
                    Ok(()) => counts.messages += 1,
                    Err(ArchiveError::TooLarge) => counts.left_out += 1,
                    Err(error) => return Err(error.into()),
                }
                (self.sink)(writer.take())?;
            }
        }
    }
}

impl Export<'_> {
    /// The files of messages that are in the archive, as far as they are here.
    fn files(
        &mut self,
        writer: &mut ArchiveWriter,
        ids: &BTreeSet<Vec<u8>>,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let mut after = 0;
        loop {
            let page = self.reader.stored_attachments(after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            for file in page {
                let message = match &file.message_id {
                    Some(id) if ids.contains(&file.conversation_id) => self.reader.message(id)?,
                    _ => None,
                };
                let message = message.filter(|message| self.is_in_scope(message));
                let id = message.and_then(|message| message.id.clone().try_into().ok());
                if let Some(message_id) = id {
                    self.file(writer, &file, message_id, counts)?;
                }
            }
        }
    }

    fn is_in_scope(&self, message: &Message) -> bool {
        let sent_at_ns = message.sent_at_ns;
        self.scope.start_ns.is_none_or(|start| sent_at_ns > start)
            && self.scope.end_ns.is_none_or(|end| sent_at_ns <= end)
            && message.deleted_by_inbox_id.is_none()
            && message
                .expire_at_ns
                .is_none_or(|at| at > self.now_ns && !self.scope.exclude_disappearing)
    }

    fn file(
        &mut self,
        writer: &mut ArchiveWriter,
        file: &Attachment,
        message_id: MessageId,
        counts: &Counts,
    ) -> Result<(), EngineError> {
        let size = u64::try_from(file.size.unwrap_or_default()).unwrap_or_default();
        let (mut number, mut offset) = (None, 0);
        while let Some((next, bytes)) = self.reader.attachment_chunk_after(file.id, number)? {
            number = Some(next);
            for bytes in bytes.chunks(MAX_PIECE_BYTES) {
                writer.write(&Element::Piece(ArchivedPiece {
                    message_id,
                    position: u32::try_from(file.position).unwrap_or_default(),
                    name: file.name.clone(),
                    media_type: file.media_type.clone().unwrap_or_default(),
                    size,
                    offset,
                    bytes: bytes.to_vec(),
                }))?;
                (self.sink)(writer.take())?;
                offset += bytes.len() as u64;
            }
            (self.told)(1, 1, counts)?;
        }
        Ok(())
    }
}

fn archived_group(conversation: Conversation, last_message_ns: Option<i64>) -> ArchivedGroup {
    let attributes = [
        (extensions::ATTRIBUTE_NAME, conversation.name),
        (extensions::ATTRIBUTE_DESCRIPTION, conversation.description),
        (extensions::ATTRIBUTE_IMAGE_URL, conversation.image_url),
        (extensions::ATTRIBUTE_APP_DATA, conversation.app_data),
    ];
    let attributes: BTreeMap<String, String> = attributes
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    ArchivedGroup {
        id: conversation.id,
        kind: match (conversation.kind, conversation.dm_id) {
            (ConversationKind::Dm, Some(dm_id)) => ArchivedGroupKind::Dm(dm_id),
            _ => ArchivedGroupKind::Group,
        },
        created_at_ns: conversation.created_at_ns,
        creator_inbox_id: conversation.creator_inbox_id,
        added_by_inbox_id: conversation.added_by_inbox_id,
        last_message_ns,
        disappearing: conversation
            .disappear_from_ns
            .zip(conversation.disappear_in_ns),
        attributes,
        // Readers ignore them; who is admin is for the group itself to say.
        admins: Vec::new(),
        super_admins: Vec::new(),
    }
}

fn archived_message(message: Message) -> Option<ArchivedMessage> {
    Some(ArchivedMessage {
        id: message.id.try_into().ok()?,
        group_id: message.conversation_id,
        content: message.content,
        sent_at_ns: message.sent_at_ns,
        sender_installation_id: message.sender_installation_id,
        sender_inbox_id: message.sender_inbox_id,
        is_published: true,
        content_type: ContentType {
            authority: message.authority_id,
            type_id: message.type_id,
            major: u32::try_from(message.version_major).unwrap_or_default(),
            minor: u32::try_from(message.version_minor).unwrap_or_default(),
        },
        reference_id: message.reference_id,
        sequence_id: message.sequence_id,
    })
}
