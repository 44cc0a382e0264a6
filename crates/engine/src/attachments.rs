//! Files in messages: prepared, sent, shown, read and saved. Their bytes are in the encrypted
//! database alone until the person saves one.

use std::sync::Arc;

use conclave_content::{
    Attachment, AttachmentKeys, Body, MAX_ATTACHMENTS, MAX_INLINE_BYTES, Origin, RemoteAttachment,
};
use conclave_network::{FileServer, TrustedHosts, host_of};
use conclave_store::{
    Reader, StoreError, Tx,
    attachment::{Attachment as Stored, NewAttachment},
    consent::Consent,
    kinds::{AttachmentState, ConsentEntity, ConsentState, Delivery},
    message::Message,
};

use crate::{
    client::{Client, Core},
    error::EngineError,
    event::Changes,
    intents::IntentData,
    messages::Draft,
    outgoing,
    picture::{Picture, Thumbnail},
    settings,
    transcript::Stored as StoredMessage,
};

/// A file of a message, as a conversation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// Its name, made safe.
    pub name: String,
    /// What it is, once that is known.
    pub media_type: Option<String>,
    /// Its bytes, or those of its encrypted form by the sender's word.
    pub size: Option<u64>,
    /// Whether it is within the message.
    pub is_inline: bool,
    /// The host it lies on; `None` within the message.
    pub host: Option<String>,
    /// Where it is on its way.
    pub state: AttachmentState,
    /// Why it failed or was refused.
    pub failure: Option<String>,
    /// Bytes of the encrypted form that are transferred.
    pub done_bytes: u64,
    /// Bytes of the encrypted form, as far as known.
    pub total_bytes: Option<u64>,
    /// Pixels of its small picture.
    pub thumbnail: Option<(u32, u32)>,
}

/// What to do with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferAction {
    /// Begin it, or go on.
    Start,
    /// Stop it; what is there stays.
    Pause,
    /// Stop it and forget what is there. An upload fails with its message.
    Cancel,
}

/// The files within a body, in order.
pub(crate) fn remote_files(body: &Body) -> &[RemoteAttachment] {
    match body {
        Body::RemoteAttachment(file) => std::slice::from_ref(file.as_ref()),
        Body::RemoteAttachments(files) => files,
        Body::Reply(reply) => remote_files(&reply.body),
        _ => &[],
    }
}

pub(crate) fn inline_file(body: &Body) -> Option<&Attachment> {
    match body {
        Body::Attachment(file) => Some(file),
        Body::Reply(reply) => inline_file(&reply.body),
        _ => None,
    }
}

fn pixels(width: Option<i32>, height: Option<i32>) -> Option<(u32, u32)> {
    Some((u32::try_from(width?).ok()?, u32::try_from(height?).ok()?))
}

pub(crate) fn bytes(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The files of a message, as a conversation shows them.
pub(crate) fn views(
    reader: &Reader,
    message: &Message,
    body: &Body,
) -> Result<Vec<AttachmentView>, StoreError> {
    if let Some(file) = inline_file(body) {
        let size = file.bytes.len() as u64;
        let picture = Picture::look(&file.bytes).ok();
        return Ok(vec![AttachmentView {
            name: file.safe_name(),
            media_type: match &picture {
                Some(picture) => Some(picture.media_type.to_owned()),
                None => Some(file.media_type.clone()).filter(|name| !name.is_empty()),
            },
            size: Some(size),
            is_inline: true,
            host: None,
            state: AttachmentState::Stored,
            failure: None,
            done_bytes: size,
            total_bytes: Some(size),
            thumbnail: picture.map(|picture| Thumbnail::fit(picture.width, picture.height)),
        }]);
    }
    let files = remote_files(body);
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let stored = reader.attachments_of(&message.id)?;
    let views = files.iter().enumerate().map(|(place, file)| {
        let stored = stored
            .iter()
            .find(|stored| usize::try_from(stored.position) == Ok(place));
        view(file, stored)
    });
    Ok(views.collect())
}

fn view(file: &RemoteAttachment, stored: Option<&Stored>) -> AttachmentView {
    let announced = file.length.map(u64::from);
    let Some(stored) = stored else {
        return AttachmentView {
            name: file.safe_name(),
            media_type: None,
            size: announced,
            is_inline: false,
            host: host_of(&file.url),
            state: AttachmentState::Offered,
            failure: None,
            done_bytes: 0,
            total_bytes: announced,
            thumbnail: None,
        };
    };
    AttachmentView {
        name: stored.name.clone(),
        media_type: stored.media_type.clone(),
        size: stored.size.map(bytes).or(announced),
        is_inline: false,
        host: host_of(&file.url),
        state: stored.state,
        failure: stored.failure.clone(),
        done_bytes: bytes(stored.done_bytes),
        total_bytes: stored.total_bytes.map(bytes).or(announced),
        thumbnail: pixels(stored.thumbnail_width, stored.thumbnail_height),
    }
}

/// Keeps what is to be known of the files of a message that came. Whether they are fetched by
/// themselves: of people who were allowed, or of ourselves, up to the size that the person set.
pub(crate) fn arrived(
    tx: &Tx,
    conversation_id: &[u8],
    stored: &StoredMessage,
    sender_inbox_id: &str,
    is_own: bool,
    now_ns: i64,
) -> Result<bool, StoreError> {
    if remote_files(&stored.body).is_empty() {
        return Ok(false);
    }
    let sender = tx.consent(ConsentEntity::Inbox, sender_inbox_id)?;
    let conversation = tx.consent(ConsentEntity::Conversation, &hex::encode(conversation_id))?;
    let state = |found: Option<Consent>| found.map(|consent| consent.state);
    let is_welcome = (is_own || state(sender) == Some(ConsentState::Allowed))
        && state(conversation) != Some(ConsentState::Denied);
    let limit = is_welcome.then_some(settings::auto_download_bytes(tx)?);
    keep(tx, conversation_id, stored, limit, now_ns)
}

/// As [`arrived`], and none is fetched by itself.
pub(crate) fn offered(
    tx: &Tx,
    conversation_id: &[u8],
    stored: &StoredMessage,
    now_ns: i64,
) -> Result<(), StoreError> {
    keep(tx, conversation_id, stored, None, now_ns).map(drop)
}

/// Keeps the files of a message; those up to `limit` bytes wait to be fetched. Whether any does.
fn keep(
    tx: &Tx,
    conversation_id: &[u8],
    stored: &StoredMessage,
    limit: Option<u64>,
    now_ns: i64,
) -> Result<bool, StoreError> {
    let mut is_due = false;
    for (place, file) in (0..).zip(remote_files(&stored.body)) {
        let length = file.length.map(u64::from);
        let state = if length
            .zip(limit)
            .is_some_and(|(length, limit)| length <= limit)
        {
            is_due = true;
            AttachmentState::Waiting
        } else {
            AttachmentState::Offered
        };
        tx.insert_attachment(&NewAttachment {
            conversation_id,
            message_id: Some(&stored.id),
            position: place,
            is_own: false,
            name: &file.safe_name(),
            media_type: None,
            size: None,
            state,
            failure: None,
            done_bytes: 0,
            total_bytes: file.length.map(i64::from),
            keys: None,
            digest: None,
            created_at_ns: now_ns,
        })?;
    }
    Ok(is_due)
}

impl Core {
    /// Where files are put: the server that the person named, else the node's.
    pub(crate) async fn file_server(&self) -> Result<FileServer, EngineError> {
        let named = self
            .store
            .read(|reader| settings::upload_server(reader))
            .await?;
        match named {
            Some(url) => Ok(FileServer {
                url,
                is_nodes_host: false,
            }),
            None => self
                .nodes_file_server()
                .await?
                .ok_or(EngineError::NoFileServer),
        }
    }

    /// The node's server for files, as the node says it now; offline as it said it last, so that a
    /// message can be written all the same.
    async fn nodes_file_server(&self) -> Result<Option<FileServer>, EngineError> {
        let known = self
            .store
            .read(|reader| settings::known_file_server(reader))
            .await?;
        match self.network.file_server().await {
            Ok(Some(server)) => {
                if known.as_ref() != Some(&server) {
                    let server = server.clone();
                    self.store
                        .write(move |tx| {
                            Ok::<_, EngineError>(settings::know_file_server(tx, &server)?)
                        })
                        .await?;
                }
                Ok(Some(server))
            }
            Ok(None) => Ok(None),
            Err(error) => Ok(Some(known.ok_or(EngineError::Network(error))?)),
        }
    }

    /// Hosts that may be private: those the person allowed, and the file server of the own node.
    pub(crate) async fn trusted_hosts(&self) -> Result<TrustedHosts, EngineError> {
        Ok(self.trusted_host_names().await?.into_iter().collect())
    }

    /// As [`Core::trusted_hosts`], by name.
    pub(crate) async fn trusted_host_names(&self) -> Result<Vec<String>, EngineError> {
        let mut hosts = self.store.read(|reader| reader.allowed_hosts()).await?;
        // Where the node can't be reached its server is not either.
        let nodes = self.nodes_file_server().await.ok().flatten();
        let own = nodes.filter(|server| server.is_nodes_host);
        hosts.extend(own.and_then(|server| host_of(&server.url)));
        Ok(hosts)
    }
}

impl Client {
    /// Sends prepared files, and then `text` if there is some, in one step: neither is stored
    /// without the other. `reply_to` is what the text answers, or the files where there is none. A
    /// single small file goes within its message; others are encrypted and uploaded first, and their
    /// message and the text wait for that. Returns the last message.
    ///
    /// # Errors
    /// [`EngineError::UnknownAttachment`] for one that is not prepared for this conversation,
    /// [`EngineError::NoFileServer`], and as [`Client::send_message`].
    pub async fn send_attachments(
        &self,
        id: &[u8],
        ids: &[i64],
        text: Option<Body>,
        reply_to: Option<&[u8]>,
    ) -> Result<Message, EngineError> {
        if ids.is_empty() || ids.len() > MAX_ATTACHMENTS {
            return Err(EngineError::UnknownAttachment);
        }
        let (group_id, wanted) = (id.to_vec(), ids.to_vec());
        let files = self
            .0
            .store
            .read(move |reader| prepared(reader, &group_id, &wanted))
            .await?;
        let server = if is_small(&files) {
            None
        } else {
            Some(self.0.file_server().await?.url)
        };
        let (group_id, wanted) = (id.to_vec(), ids.to_vec());
        let target_id = reply_to.map(<[u8]>::to_vec);
        self.queue_all(id, move |tx| {
            // Sent meanwhile, by a second click say, it is no prepared file any more.
            let files = prepared(tx, &group_id, &wanted)?;
            let (body, uploads) = match &server {
                Some(server) => (remote_body(&files, server)?, wanted),
                None => (inline_body(tx, &files)?, Vec::new()),
            };
            let mut bodies = vec![body];
            bodies.extend(text);
            let answer = bodies.pop().ok_or(EngineError::UnknownAttachment)?;
            let last = outgoing::answering(tx, &group_id, target_id.as_deref(), answer)?;
            let mut drafts = bodies
                .iter()
                .map(|body| Draft::of(body, None))
                .collect::<Result<Vec<_>, _>>()?;
            drafts.push(last);
            let mut drafts = drafts.into_iter();
            let first = drafts.next().ok_or(EngineError::UnknownAttachment)?;
            Ok(std::iter::once(first.with_uploads(uploads))
                .chain(drafts)
                .collect())
        })
        .await
    }

    /// Begins, stops or gives up a transfer. Returns the message.
    ///
    /// # Errors
    /// [`EngineError::UnknownAttachment`].
    pub async fn transfer_attachment(
        &self,
        message_id: &[u8],
        position: usize,
        action: TransferAction,
    ) -> Result<Message, EngineError> {
        let core = Arc::clone(&self.0);
        let (id, now_ns) = (message_id.to_vec(), core.clock.now_ns());
        let (stored, message) = core
            .store
            .write(move |tx| {
                let message = tx.message(&id)?.ok_or(EngineError::UnknownMessage)?;
                let stored = row_of(tx, &message, position, now_ns)?;
                let is_ended = stored.state == AttachmentState::Stored;
                let state = match action {
                    _ if is_ended => stored.state,
                    TransferAction::Start => AttachmentState::Waiting,
                    TransferAction::Pause => AttachmentState::Paused,
                    TransferAction::Cancel if stored.is_own => AttachmentState::Paused,
                    TransferAction::Cancel => AttachmentState::Offered,
                };
                if action == TransferAction::Cancel && !is_ended {
                    if stored.is_own {
                        tx.mark_message_failed(&id, "cancelled")?;
                    } else {
                        tx.clear_chunks(stored.id)?;
                    }
                }
                if action == TransferAction::Start && message.delivery == Delivery::Failed {
                    tx.requeue_message(&id)?;
                }
                tx.set_attachment_state(stored.id, state, None)?;
                Ok::<_, EngineError>((stored, message))
            })
            .await?;
        core.transfers.stop(stored.id);
        core.transfers.wake();
        let mut changes = Changes::default();
        changes.message(&message.conversation_id, &message.id);
        core.events.send_changes(changes);
        self.message(message_id).await
    }

    /// Allows a host on a private network, or one without TLS, or no longer.
    ///
    /// # Errors
    /// The store's.
    pub async fn allow_host(&self, host: &str, is_allowed: bool) -> Result<(), EngineError> {
        let host = host.trim().to_ascii_lowercase();
        self.0
            .store
            .write(move |tx| Ok(tx.set_host_allowed(&host, is_allowed)?))
            .await
    }
}

fn prepared(reader: &Reader, group_id: &[u8], ids: &[i64]) -> Result<Vec<Stored>, EngineError> {
    let stitched = reader.stitched_ids(group_id)?;
    ids.iter()
        .map(|id| {
            let found = reader.attachment(*id)?.filter(|found| {
                found.state == AttachmentState::Prepared
                    && stitched.contains(&found.conversation_id)
            });
            found.ok_or(EngineError::UnknownAttachment)
        })
        .collect()
}

/// Whether these files go within their message.
fn is_small(files: &[Stored]) -> bool {
    let [file] = files else { return false };
    file.size
        .is_some_and(|size| bytes(size) <= MAX_INLINE_BYTES as u64)
}

/// A message that holds a small file, which is no prepared file any more.
fn inline_body(tx: &Tx, files: &[Stored]) -> Result<Body, EngineError> {
    let [file] = files else {
        return Err(EngineError::UnknownAttachment);
    };
    let body = Body::Attachment(Attachment {
        name: Some(file.name.clone()),
        media_type: file.media_type.clone().unwrap_or_default(),
        bytes: tx.attachment_bytes(file.id)?,
    });
    tx.delete_attachment(file.id)?;
    Ok(body)
}

/// A message that names files on a server.
fn remote_body(files: &[Stored], server: &str) -> Result<Body, EngineError> {
    let mut remote = files
        .iter()
        .map(|file| remote(file, server))
        .collect::<Option<Vec<_>>>()
        .ok_or(EngineError::UnknownAttachment)?;
    match (remote.len(), remote.pop()) {
        (1, Some(file)) => Ok(Body::RemoteAttachment(Box::new(file))),
        (_, Some(last)) => {
            remote.push(last);
            Ok(Body::RemoteAttachments(remote))
        }
        (_, None) => Err(EngineError::UnknownAttachment),
    }
}

fn remote(file: &Stored, server: &str) -> Option<RemoteAttachment> {
    let digest = file.digest.clone()?;
    let keys = file.keys.as_ref()?.as_slice().try_into().ok()?;
    Some(RemoteAttachment {
        url: format!("{server}/files/{digest}"),
        digest,
        keys: AttachmentKeys::new(keys),
        length: Some(u32::try_from(file.total_bytes?).ok()?),
        name: Some(file.name.clone()),
    })
}

/// The row of a file; made for one that came before there were such rows.
fn row_of(tx: &Tx, message: &Message, position: usize, now_ns: i64) -> Result<Stored, EngineError> {
    if let Some(found) = tx.attachment_at(&message.id, position)? {
        return Ok(found);
    }
    let (_, body) = Body::decode(&message.content, Origin::Member);
    let file = remote_files(&body)
        .get(position)
        .ok_or(EngineError::UnknownAttachment)?;
    tx.insert_attachment(&NewAttachment {
        conversation_id: &message.conversation_id,
        message_id: Some(&message.id),
        position: i32::try_from(position).map_err(|_| EngineError::UnknownAttachment)?,
        is_own: false,
        name: &file.safe_name(),
        media_type: None,
        size: None,
        state: AttachmentState::Offered,
        failure: None,
        done_bytes: 0,
        total_bytes: file.length.map(i64::from),
        keys: None,
        digest: None,
        created_at_ns: now_ns,
    })?;
    let made = tx.attachment_at(&message.id, position)?;
    made.ok_or(EngineError::UnknownAttachment)
}

/// Begins anew with the uploads of a message that failed; whether there are some.
pub(crate) fn restart(tx: &Tx, message_id: &[u8]) -> Result<bool, StoreError> {
    let mut is_due = false;
    for row in tx.attachments_of(message_id)? {
        if row.is_own && row.state != AttachmentState::Stored {
            tx.set_attachment_state(row.id, AttachmentState::Waiting, None)?;
            is_due = true;
        }
    }
    Ok(is_due)
}

/// A message whose files are uploaded goes out, and what was written after it.
pub(crate) fn release(tx: &Tx, message: &Message, now_ns: i64) -> Result<(), EngineError> {
    let group_id = &message.conversation_id;
    IntentData::Message.enqueue(tx, group_id, Some(&message.id), now_ns)?;
    release_held(tx, &message.id, now_ns)
}

/// What was written after a message waits for it no more.
pub(crate) fn release_held(tx: &Tx, message_id: &[u8], now_ns: i64) -> Result<(), EngineError> {
    for held in tx.release_messages(message_id)? {
        if let Some(held) = tx.message(&held)?
            && held.delivery == Delivery::Unpublished
        {
            IntentData::Message.enqueue(tx, &held.conversation_id, Some(&held.id), now_ns)?;
        }
    }
    Ok(())
}
