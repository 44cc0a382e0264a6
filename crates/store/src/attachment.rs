//! Files of messages, as bytes in rows: nothing of them is ever on the disk outside the database.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::kinds::AttachmentState;
use crate::schema::{allowed_hosts, attachment_chunks, attachments, held_messages, messages};
use crate::transaction::{Reader, Tx};

/// Bytes of one chunk.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Number of the first chunk of a file that was decrypted while its encrypted form is still there.
const FILE_CHUNKS: i64 = 1 << 40;
/// Hosts that may be allowed.
const MAX_HOSTS: i64 = 1_000;

/// A file of a message, or one that is prepared.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = attachments)]
pub struct Attachment {
    /// The row, never reused.
    pub id: i64,
    /// Its conversation.
    pub conversation_id: Vec<u8>,
    /// Its message; `None` while it is prepared.
    pub message_id: Option<Vec<u8>>,
    /// Its place in the message, from 0.
    pub position: i32,
    /// Whether we send it.
    pub is_own: bool,
    /// Its name, made safe.
    pub name: String,
    /// What it is, once that is known.
    pub media_type: Option<String>,
    /// Bytes of the file, once it is here.
    pub size: Option<i64>,
    /// Where it is on its way.
    pub state: AttachmentState,
    /// Why it failed or was refused.
    pub failure: Option<String>,
    /// Bytes of the encrypted form that are transferred.
    pub done_bytes: i64,
    /// Bytes of the encrypted form, as far as it is known.
    pub total_bytes: Option<i64>,
    /// What it is encrypted with, 76 bytes; until its message holds that.
    pub keys: Option<Vec<u8>>,
    /// SHA-256 of the encrypted form in hex; until its message holds that.
    pub digest: Option<String>,
    /// Pixels of the thumbnail.
    pub thumbnail_width: Option<i32>,
    /// Pixels of the thumbnail.
    pub thumbnail_height: Option<i32>,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("done_bytes", &self.done_bytes)
            .finish_non_exhaustive()
    }
}

/// A file to store; the fields are those of [`Attachment`].
#[derive(Clone, Insertable)]
#[diesel(table_name = attachments)]
#[diesel(treat_none_as_default_value = false)]
pub struct NewAttachment<'a> {
    /// See [`Attachment::conversation_id`].
    pub conversation_id: &'a [u8],
    /// See [`Attachment::message_id`].
    pub message_id: Option<&'a [u8]>,
    /// See [`Attachment::position`].
    pub position: i32,
    /// See [`Attachment::is_own`].
    pub is_own: bool,
    /// See [`Attachment::name`].
    pub name: &'a str,
    /// See [`Attachment::media_type`].
    pub media_type: Option<&'a str>,
    /// See [`Attachment::size`].
    pub size: Option<i64>,
    /// See [`Attachment::state`].
    pub state: AttachmentState,
    /// See [`Attachment::failure`].
    pub failure: Option<&'a str>,
    /// See [`Attachment::done_bytes`].
    pub done_bytes: i64,
    /// See [`Attachment::total_bytes`].
    pub total_bytes: Option<i64>,
    /// See [`Attachment::keys`].
    pub keys: Option<&'a [u8]>,
    /// See [`Attachment::digest`].
    pub digest: Option<&'a str>,
    /// When it was stored, in ns.
    pub created_at_ns: i64,
}

/// A small picture of a file, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredThumbnail {
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// The encoded picture.
    pub bytes: Vec<u8>,
}

impl Reader {
    /// One file.
    pub fn attachment(&self, id: i64) -> Result<Option<Attachment>, StoreError> {
        self.with(|db| {
            attachments::table
                .find(id)
                .select(Attachment::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// The files of a message, in order.
    pub fn attachments_of(&self, message_id: &[u8]) -> Result<Vec<Attachment>, StoreError> {
        self.with(|db| {
            attachments::table
                .filter(attachments::message_id.eq(message_id))
                .order(attachments::position)
                .select(Attachment::as_select())
                .load(db)
        })
    }

    /// The file at a place of a message, from 0.
    pub fn attachment_at(
        &self,
        message_id: &[u8],
        position: usize,
    ) -> Result<Option<Attachment>, StoreError> {
        let Ok(position) = i32::try_from(position) else {
            return Ok(None);
        };
        self.with(|db| {
            attachments::table
                .filter(attachments::message_id.eq(message_id))
                .filter(attachments::position.eq(position))
                .select(Attachment::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// The oldest files that are to be transferred, at most `limit`.
    pub fn attachments_under_way(&self, limit: i64) -> Result<Vec<Attachment>, StoreError> {
        self.with(|db| {
            attachments::table
                .filter(
                    attachments::state
                        .eq_any([AttachmentState::Waiting, AttachmentState::Transferring]),
                )
                .order(attachments::id)
                .limit(limit)
                .select(Attachment::as_select())
                .load(db)
        })
    }

    /// The bytes that are here of a file: its own, or those of its encrypted form.
    pub fn attachment_bytes(&self, id: i64) -> Result<Vec<u8>, StoreError> {
        let chunks: Vec<Vec<u8>> = self.with(|db| {
            attachment_chunks::table
                .filter(attachment_chunks::attachment_id.eq(id))
                .order(attachment_chunks::number)
                .select(attachment_chunks::bytes)
                .load(db)
        })?;
        Ok(chunks.concat())
    }

    /// The next chunk of a file after this number, if there is one, and its number. `None` for the
    /// first.
    pub fn attachment_chunk_after(
        &self,
        id: i64,
        number: Option<i64>,
    ) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        self.with(|db| {
            attachment_chunks::table
                .filter(attachment_chunks::attachment_id.eq(id))
                .filter(attachment_chunks::number.gt(number.unwrap_or(i64::MIN)))
                .order(attachment_chunks::number)
                .select((attachment_chunks::number, attachment_chunks::bytes))
                .first(db)
                .optional()
        })
    }

    /// The next files that are here and belong to a message, after this row, at most `limit`.
    pub fn stored_attachments(
        &self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Attachment>, StoreError> {
        self.with(|db| {
            attachments::table
                .filter(attachments::id.gt(after))
                .filter(attachments::state.eq(AttachmentState::Stored))
                .filter(attachments::message_id.is_not_null())
                .order(attachments::id)
                .limit(limit)
                .select(Attachment::as_select())
                .load(db)
        })
    }

    /// The small picture of a file.
    pub fn attachment_thumbnail(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|db| {
            attachments::table
                .find(id)
                .select(attachments::thumbnail)
                .get_result(db)
                .optional()
                .map(Option::flatten)
        })
    }

    /// Hosts that the person allowed, in order.
    pub fn allowed_hosts(&self) -> Result<Vec<String>, StoreError> {
        self.with(|db| {
            allowed_hosts::table
                .order(allowed_hosts::host)
                .select(allowed_hosts::host)
                .load(db)
        })
    }
}

impl Tx {
    /// Stores a file without its bytes and returns its row.
    pub fn insert_attachment(&self, new: &NewAttachment<'_>) -> Result<i64, StoreError> {
        self.with(|db| {
            diesel::insert_into(attachments::table)
                .values(new)
                .returning(attachments::id)
                .get_result(db)
        })
    }

    /// Adds the next bytes of a file, or of its encrypted form.
    pub fn append_chunk(&self, id: i64, number: i64, bytes: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_into(attachment_chunks::table)
                .values((
                    attachment_chunks::attachment_id.eq(id),
                    attachment_chunks::number.eq(number),
                    attachment_chunks::bytes.eq(bytes),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Adds bytes of the decrypted file, beside its encrypted form.
    pub fn append_file_chunk(&self, id: i64, number: i64, bytes: &[u8]) -> Result<(), StoreError> {
        self.append_chunk(id, FILE_CHUNKS.saturating_add(number), bytes)
    }

    /// Forgets what was decrypted of a file whose encrypted form is still there.
    pub fn clear_file_chunks(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(attachment_chunks::table)
                .filter(attachment_chunks::attachment_id.eq(id))
                .filter(attachment_chunks::number.ge(FILE_CHUNKS))
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets all bytes of a file.
    pub fn clear_chunks(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(attachment_chunks::table)
                .filter(attachment_chunks::attachment_id.eq(id))
                .execute(db)
        })?;
        self.set_transferred(id, 0, None)
    }

    /// How much of the encrypted form is transferred; `total` where it is known now.
    pub fn set_transferred(
        &self,
        id: i64,
        done: i64,
        total: Option<i64>,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(attachments::table.find(id))
                .set((
                    attachments::done_bytes.eq(done),
                    // `None` leaves it as it is.
                    total.map(|total| attachments::total_bytes.eq(total)),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Where a file is on its way, and why.
    pub fn set_attachment_state(
        &self,
        id: i64,
        state: AttachmentState,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(attachments::table.find(id))
                .set((
                    attachments::state.eq(state),
                    attachments::failure.eq(failure),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// A file is here: its encrypted form goes.
    pub fn attachment_arrived(
        &self,
        id: i64,
        name: &str,
        media_type: &str,
        size: i64,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(attachment_chunks::table)
                .filter(attachment_chunks::attachment_id.eq(id))
                .filter(attachment_chunks::number.lt(FILE_CHUNKS))
                .execute(db)?;
            diesel::update(attachments::table.find(id))
                .set((
                    attachments::name.eq(name),
                    attachments::media_type.eq(media_type),
                    attachments::size.eq(size),
                ))
                .execute(db)
        })?;
        self.set_attachment_state(id, AttachmentState::Stored, None)
    }

    /// Keeps the small picture of a file.
    pub fn set_thumbnail(&self, id: i64, thumbnail: &StoredThumbnail) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(attachments::table.find(id))
                .set((
                    attachments::thumbnail_width.eq(thumbnail.width),
                    attachments::thumbnail_height.eq(thumbnail.height),
                    attachments::thumbnail.eq(&thumbnail.bytes),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// A prepared file became part of a message, which holds its keys from now on.
    pub fn assign_attachment(
        &self,
        id: i64,
        message_id: &[u8],
        position: i32,
        state: AttachmentState,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(attachments::table.find(id))
                .set((
                    attachments::message_id.eq(message_id),
                    attachments::position.eq(position),
                    attachments::state.eq(state),
                    attachments::keys.eq(None::<Vec<u8>>),
                    attachments::digest.eq(None::<String>),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Deletes a file with its bytes.
    pub fn delete_attachment(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(attachments::table.find(id)).execute(db))?;
        Ok(())
    }

    /// Deletes the files of a message that stays as a deleted one.
    pub fn delete_attachments_of(&self, message_id: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(attachments::table)
                .filter(attachments::message_id.eq(message_id))
                .execute(db)
        })?;
        Ok(())
    }

    /// Deletes files that were prepared before a time and never sent.
    pub fn delete_prepared_before(&self, before_ns: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::delete(attachments::table)
                .filter(attachments::state.eq(AttachmentState::Prepared))
                .filter(attachments::created_at_ns.lt(before_ns))
                .execute(db)
        })?;
        Ok(())
    }

    /// An own message goes out after another one.
    pub fn hold_message(&self, message_id: &[u8], waits_for: &[u8]) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_or_ignore_into(held_messages::table)
                .values((
                    held_messages::message_id.eq(message_id),
                    held_messages::waits_for.eq(waits_for),
                ))
                .execute(db)
        })?;
        Ok(())
    }

    /// Whatever waited for a message waits no more. Returns it, in order.
    pub fn release_messages(&self, waits_for: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|db| {
            let held = held_messages::table
                .inner_join(messages::table.on(messages::id.eq(held_messages::message_id)))
                .filter(held_messages::waits_for.eq(waits_for))
                .order(messages::row_id)
                .select(held_messages::message_id)
                .load(db)?;
            diesel::delete(held_messages::table)
                .filter(held_messages::waits_for.eq(waits_for))
                .execute(db)?;
            Ok(held)
        })
    }

    /// Allows a host, or no longer. Beyond 1,000 nothing more is allowed.
    pub fn set_host_allowed(&self, host: &str, is_allowed: bool) -> Result<(), StoreError> {
        self.with(|db| {
            if !is_allowed {
                return diesel::delete(allowed_hosts::table.find(host)).execute(db);
            }
            let count: i64 = allowed_hosts::table.count().get_result(db)?;
            if count >= MAX_HOSTS {
                return Ok(0);
            }
            diesel::insert_or_ignore_into(allowed_hosts::table)
                .values(allowed_hosts::host.eq(host))
                .execute(db)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::testing::{Folder, group, message_id, read, text, write};

    fn new(message: Option<&[u8]>) -> NewAttachment<'_> {
        NewAttachment {
            conversation_id: &[1; 16],
            message_id: message,
            position: 0,
            is_own: false,
            name: "a.txt",
            media_type: None,
            size: None,
            state: AttachmentState::Waiting,
            failure: None,
            done_bytes: 0,
            total_bytes: Some(6),
            keys: None,
            digest: None,
            created_at_ns: 5,
        }
    }

    /// A store with a file of a message in it, which has no bytes yet.
    async fn store_with_file() -> (Folder, Store, i64) {
        let folder = Folder::new();
        let store = folder.open();
        let id = write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            let message = message_id(1);
            tx.insert_message(&text(&message, &[1; 16], 1))?;
            tx.insert_attachment(&new(Some(&message)))
        })
        .await;
        (folder, store, id)
    }

    #[tokio::test]
    async fn a_file_comes_in_pieces_and_is_decrypted_beside_them() {
        let (_folder, store, id) = store_with_file().await;
        write(&store, move |tx| {
            tx.append_chunk(id, 0, b"sea")?;
            tx.append_chunk(id, 1, b"led")?;
            tx.set_transferred(id, 6, None)
        })
        .await;
        let found = read(&store, move |r| r.attachment(id)).await.unwrap();
        assert_eq!((found.done_bytes, found.total_bytes), (6, Some(6)));
        assert_eq!(
            read(&store, move |r| r.attachment_bytes(id)).await,
            b"sealed"
        );
        write(&store, move |tx| {
            tx.append_file_chunk(id, 0, b"pla")?;
            tx.append_file_chunk(id, 1, b"in")?;
            tx.attachment_arrived(id, "b.txt", "text/plain", 5)
        })
        .await;
        assert_eq!(
            read(&store, move |r| r.attachment_bytes(id)).await,
            b"plain"
        );
        let found = read(&store, |r| r.attachments_of(&message_id(1))).await;
        assert_eq!(
            (found[0].name.as_str(), found[0].size, found[0].state),
            ("b.txt", Some(5), AttachmentState::Stored)
        );
        assert!(
            read(&store, |r| r.attachments_under_way(10))
                .await
                .is_empty()
        );
    }

    #[tokio::test]
    async fn a_file_goes_with_its_message() {
        let (_folder, store, id) = store_with_file().await;
        write(&store, move |tx| tx.append_chunk(id, 0, b"bytes")).await;
        write(&store, |tx| tx.delete_message(&message_id(1))).await;
        assert_eq!(read(&store, move |r| r.attachment(id)).await, None);
        assert!(
            read(&store, move |r| r.attachment_bytes(id))
                .await
                .is_empty()
        );
    }

    #[tokio::test]
    async fn what_was_prepared_and_never_sent_goes() {
        let folder = Folder::new();
        let store = folder.open();
        let id = write(&store, |tx| {
            tx.insert_conversation(&group(1), 0)?;
            let prepared = NewAttachment {
                state: AttachmentState::Prepared,
                ..new(None)
            };
            tx.insert_attachment(&prepared)
        })
        .await;
        write(&store, |tx| tx.delete_prepared_before(5)).await;
        assert!(read(&store, move |r| r.attachment(id)).await.is_some());
        write(&store, |tx| tx.delete_prepared_before(6)).await;
        assert!(read(&store, move |r| r.attachment(id)).await.is_none());
    }

    #[tokio::test]
    async fn hosts_are_allowed_until_they_are_not() {
        let folder = Folder::new();
        let store = folder.open();
        write(&store, |tx| {
            tx.set_host_allowed("nas.local", true)?;
            tx.set_host_allowed("nas.local", true)?;
            tx.set_host_allowed("192.168.1.5:80", true)
        })
        .await;
        let hosts = read(&store, |r| r.allowed_hosts()).await;
        assert_eq!(hosts, ["192.168.1.5:80", "nas.local"]);
        write(&store, |tx| tx.set_host_allowed("nas.local", false)).await;
        let hosts = read(&store, |r| r.allowed_hosts()).await;
        assert_eq!(hosts, ["192.168.1.5:80"]);
    }
}
