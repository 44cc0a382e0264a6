//! Files on their way to and from servers, in the background: a few at a time, each from where it
//! stopped before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use conclave_content::{
    Attachment, AttachmentKeys, Body, MAX_SEALED_BYTES, OpenError, Origin, RemoteAttachment,
};
use conclave_network::{FileError, TrustedHosts, Uploaded};
use conclave_store::{
    StoreError, Tx,
    attachment::{Attachment as Stored, CHUNK_BYTES},
    kinds::{AttachmentState, Delivery},
    message::Message,
};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    attachments::{self, remote_files},
    client::{Client, Core},
    effects,
    error::EngineError,
    event::{Changes, Event},
    picture::Thumbnail,
};

/// Transfers at the same time.
const AT_ONCE: usize = 3;
/// Transfers that are carried out by one call.
const CARRIED_AT_ONCE: i64 = 1_000;
/// Between two events of progress of one transfer: at most five a second.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// Bytes that are sent to a node by one request.
const PART_BYTES: usize = 1024 * 1024;
/// How long sending a whole file to a server may take that knows no parts.
const WHOLE_UPLOAD: Duration = Duration::from_secs(60 * 60);
/// Attempts that brought nothing before a transfer is given up.
const ATTEMPTS: u32 = 5;
/// The pause after the first of them; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What is under way.
pub(crate) struct Transfers {
    work: Notify,
    running: Mutex<HashMap<i64, CancellationToken>>,
    /// For what takes as much memory as a large file.
    large: Semaphore,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            work: Notify::new(),
            running: Mutex::default(),
            large: Semaphore::new(1),
        }
    }
}

impl Transfers {
    /// There may be something to transfer.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Stops a transfer if it is under way. What becomes of it stands in its row already.
    pub(crate) fn stop(&self, id: i64) {
        if let Some(running) = self.running().get(&id) {
            running.cancel();
        }
    }

    /// The turn to use much memory.
    pub(crate) async fn large(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.large.acquire().await.ok()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: i64) -> Option<CancellationToken> {
        let mut running = self.running();
        if running.contains_key(&id) {
            return None;
        }
        let token = CancellationToken::new();
        running.insert(id, token.clone());
        Some(token)
    }

    fn end(&self, id: i64) {
        self.running().remove(&id);
    }
}

/// How a transfer ended.
enum End {
    Done,
    /// It cannot become anything.
    Refused(&'static str),
    /// It did not work this time.
    Failed(EngineError),
}

/// Transfers what waits, for ever.
pub(crate) async fn work(core: Arc<Core>) {
    // What an earlier run of this task left behind was aborted with it.
    core.transfers.running().clear();
    let mut tasks = JoinSet::new();
    loop {
        let waiting = core
            .store
            .read(|reader| Ok::<_, EngineError>(reader.attachments_under_way(64)?))
            .await;
        match waiting {
            Ok(waiting) => {
                for stored in waiting {
                    if tasks.len() >= AT_ONCE {
                        break;
                    }
                    if let Some(token) = core.transfers.begin(stored.id) {
                        tasks.spawn(run(Arc::clone(&core), stored, token));
                    }
                }
            }
            Err(error) => tracing::warn!(code = error.code(), "transfers can't be read"),
        }
        tokio::select! {
            () = core.transfers.work.notified() => {}
            // One ended, so there is room for another.
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn run(core: Arc<Core>, stored: Stored, token: CancellationToken) {
    let id = stored.id;
    let outcome = tokio::select! {
        biased;
        () = token.cancelled() => Ok(()),
        outcome = core.transfer(stored) => outcome,
    };
    if let Err(error) = outcome {
        tracing::warn!(code = error.code(), "a transfer could not be carried on");
    }
    core.transfers.end(id);
    // It may be to be begun anew already.
    core.transfers.wake();
}

impl Client {
    /// Carries out now what is to be sent, and what is to be fetched of one message. For shells
    /// without background work; what that has in hand is left to it.
    ///
    /// # Errors
    /// The store's. How each transfer ended stands in its row.
    pub async fn carry_transfers(&self, message_id: Option<&[u8]>) -> Result<(), EngineError> {
        let core = &self.0;
        let waiting = core
            .store
            .read(|reader| Ok::<_, EngineError>(reader.attachments_under_way(CARRIED_AT_ONCE)?))
            .await?;
        for stored in waiting {
            let is_meant = stored.is_own || stored.message_id.as_deref() == message_id;
            if is_meant && let Some(_token) = core.transfers.begin(stored.id) {
                let id = stored.id;
                let outcome = core.transfer(stored).await;
                core.transfers.end(id);
                outcome?;
            }
        }
        Ok(())
    }
}

/// Tells how far a transfer is, not too often.
struct Progress<'a> {
    core: &'a Core,
    conversation_id: &'a [u8],
    message_id: &'a [u8],
    position: usize,
    total: Option<u64>,
    told: Option<Instant>,
}

impl Progress<'_> {
    fn tell(&mut self, done: u64) {
        let now = Instant::now();
        if self
            .told
            .is_some_and(|told| now.duration_since(told) < TOLD_EVERY)
        {
            return;
        }
        self.told = Some(now);
        self.core.events.send(Event::AttachmentProgress {
            conversation_id: self.conversation_id.to_vec(),
            message_id: self.message_id.to_vec(),
            position: self.position,
            state: AttachmentState::Transferring,
            done_bytes: done,
            total_bytes: self.total,
        });
    }
}

impl Core {
    async fn transfer(self: &Arc<Self>, stored: Stored) -> Result<(), EngineError> {
        let Some(message_id) = stored.message_id.clone() else {
            return Ok(());
        };
        let (id, position) = (
            stored.id,
            usize::try_from(stored.position).unwrap_or_default(),
        );
        let found = self
            .store
            .write({
                let message_id = message_id.clone();
                move |tx| {
                    tx.set_attachment_state(id, AttachmentState::Transferring, None)?;
                    Ok::<_, EngineError>(tx.message(&message_id)?)
                }
            })
            .await?;
        let message = found.ok_or(EngineError::UnknownMessage)?;
        self.tell(&message);
        let (_, body) = Body::decode(&message.content, Origin::Member);
        let Some(file) = remote_files(&body).get(position).cloned() else {
            return self
                .end(&stored, &message, End::Refused("attachment_refused"))
                .await;
        };
        let mut attempts = 0;
        let mut pause = FIRST_PAUSE;
        let mut reached = 0;
        let end = loop {
            let trusted = self.trusted_hosts().await?;
            let mut progress = Progress {
                core: self,
                conversation_id: &message.conversation_id,
                message_id: &message.id,
                position,
                total: file.length.map(u64::from),
                told: None,
            };
            let end = if stored.is_own {
                self.send_file(&stored, &file, &trusted, &mut progress)
                    .await
            } else {
                self.fetch_file(&stored, &file, &trusted, &mut progress)
                    .await
            };
            let error = match end {
                Ok(end) => break end,
                Err(error) => error,
            };
            if !error.is_retryable() {
                break match &error {
                    EngineError::File(FileError::Url(_) | FileError::TooLarge(_)) => {
                        End::Refused(error.code())
                    }
                    _ => End::Failed(error),
                };
            }
            // What got further than before is worth going on with.
            let row = self.store.read(move |reader| reader.attachment(id)).await?;
            let done = row.map_or(0, |row| row.done_bytes);
            attempts = if done > reached { 1 } else { attempts + 1 };
            reached = done;
            if attempts >= ATTEMPTS {
                break End::Failed(error);
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        };
        self.end(&stored, &message, end).await
    }

    fn tell(&self, message: &Message) {
        let mut changes = Changes::default();
        changes.message(&message.conversation_id, &message.id);
        self.events.send_changes(changes);
    }

    /// Keeps how a transfer ended, and goes on with what waited for it.
    async fn end(&self, stored: &Stored, message: &Message, end: End) -> Result<(), EngineError> {
        let (id, is_own, now_ns) = (stored.id, stored.is_own, self.clock.now_ns());
        let message_id = message.id.clone();
        let group_id = message.conversation_id.clone();
        let changes = self
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                // Stopped or taken back in the same moment: what the person said counts.
                let Some(row) = tx.attachment(id)? else {
                    return Ok(changes);
                };
                let Some(message) = tx.message(&message_id)? else {
                    return Ok(changes);
                };
                changes.message(&message.conversation_id, &message.id);
                let is_under_way = row.state == AttachmentState::Transferring;
                match end {
                    // A download is done with its bytes.
                    End::Done if is_own && is_under_way => {
                        tx.set_attachment_state(id, AttachmentState::Stored, None)?;
                        finish_upload(tx, &message, now_ns)?;
                    }
                    End::Done => {}
                    End::Refused(code) if is_under_way => {
                        if !is_own {
                            tx.clear_chunks(id)?;
                        }
                        tx.set_attachment_state(id, AttachmentState::Refused, Some(code))?;
                        if is_own {
                            effects::failed(tx, message, code, &mut changes)?;
                        }
                    }
                    End::Failed(error) if is_under_way => {
                        let code = error.code();
                        tx.set_attachment_state(id, AttachmentState::Failed, Some(code))?;
                        if is_own {
                            effects::failed(tx, message, code, &mut changes)?;
                        }
                    }
                    End::Refused(_) | End::Failed(_) => {}
                }
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.events.send_changes(changes);
        if is_own {
            self.wake(&group_id);
        }
        Ok(())
    }

    /// Fetches the encrypted form piece by piece, then opens it.
    async fn fetch_file(
        &self,
        stored: &Stored,
        file: &RemoteAttachment,
        trusted: &TrustedHosts,
        progress: &mut Progress<'_>,
    ) -> Result<End, EngineError> {
        let id = stored.id;
        let row = self.store.read(move |reader| reader.attachment(id)).await?;
        let row = row.ok_or(EngineError::UnknownAttachment)?;
        let mut done = u64::try_from(row.done_bytes).unwrap_or_default();
        let announced = file.length.map(u64::from);
        let limit = announced.unwrap_or(MAX_SEALED_BYTES as u64);
        if limit > MAX_SEALED_BYTES as u64 {
            return Ok(End::Refused("attachment_too_large"));
        }
        if announced.is_none_or(|announced| done < announced) {
            let mut incoming = self.files.open(&file.url, trusted, done).await?;
            // Neither more nor less than the sender said.
            if let (Some(length), Some(announced)) = (incoming.length, announced)
                && length != announced
            {
                return Ok(End::Refused("attachment_refused"));
            }
            if incoming.length.is_some_and(|length| length > limit) {
                return Ok(End::Refused("attachment_too_large"));
            }
            let total = incoming.length.or(announced);
            progress.total = total;
            if incoming.from != done {
                done = 0;
                self.store
                    .write(move |tx| Ok::<_, EngineError>(tx.clear_chunks(id)?))
                    .await?;
            }
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            loop {
                let piece = incoming.next().await?;
                let is_end = piece.is_none();
                chunk.extend(piece.unwrap_or_default());
                let reached = done + chunk.len() as u64;
                if reached > limit {
                    let code = if announced.is_some() {
                        "attachment_refused"
                    } else {
                        "attachment_too_large"
                    };
                    return Ok(End::Refused(code));
                }
                if chunk.len() >= CHUNK_BYTES || (is_end && !chunk.is_empty()) {
                    let bytes = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES));
                    // Numbered by position: what a stopped transfer left is never in the way.
                    let number = i64::try_from(done).unwrap_or(i64::MAX);
                    done = reached;
                    let done = i64::try_from(done).unwrap_or(i64::MAX);
                    let total = total.and_then(|total| i64::try_from(total).ok());
                    self.store
                        .write(move |tx| {
                            tx.append_chunk(id, number, &bytes)?;
                            tx.set_transferred(id, done, total)?;
                            Ok::<_, EngineError>(())
                        })
                        .await?;
                }
                progress.tell(reached);
                if is_end {
                    break;
                }
            }
        }
        self.open_file(id, file).await
    }

    /// Opens what came: only what is exactly what the message announced is kept.
    async fn open_file(&self, id: i64, file: &RemoteAttachment) -> Result<End, EngineError> {
        let turn = self.transfers.large().await;
        let sealed = self
            .store
            .write(move |tx| {
                tx.clear_file_chunks(id)?;
                Ok::<_, EngineError>(tx.attachment_bytes(id)?)
            })
            .await?;
        let file = file.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let opened: Attachment = file.open(sealed)?;
            let thumbnail = Thumbnail::of(&opened.bytes).ok();
            let name = match &opened.name {
                Some(_) => opened.safe_name(),
                None => file.safe_name(),
            };
            Ok::<_, OpenError>((name, opened, thumbnail))
        });
        let Ok((name, opened, thumbnail)) = opened.await.map_err(|_| StoreError::Panicked)? else {
            return Ok(End::Refused("attachment_refused"));
        };
        let size = i64::try_from(opened.bytes.len()).unwrap_or(i64::MAX);
        self.write_chunks(id, opened.bytes, Tx::append_file_chunk)
            .await?;
        drop(turn);
        let media_type = opened.media_type;
        self.store
            .write(move |tx| {
                // Stopped in the same moment: the encrypted form is still there.
                let row = tx.attachment(id)?;
                if row.is_none_or(|row| row.state != AttachmentState::Transferring) {
                    tx.clear_file_chunks(id)?;
                    return Ok(());
                }
                tx.attachment_arrived(id, &name, &media_type, size)?;
                if let Some(thumbnail) = thumbnail {
                    tx.set_thumbnail(id, &thumbnail.into())?;
                }
                Ok::<_, EngineError>(())
            })
            .await?;
        Ok(End::Done)
    }

    /// Encrypts the file again, by the keys in its message, and sends what the server lacks.
    async fn send_file(
        &self,
        stored: &Stored,
        file: &RemoteAttachment,
        trusted: &TrustedHosts,
        progress: &mut Progress<'_>,
    ) -> Result<End, EngineError> {
        let id = stored.id;
        let turn = self.transfers.large().await;
        let bytes = self
            .store
            .read(move |reader| reader.attachment_bytes(id))
            .await?;
        let plain = Attachment {
            name: Some(stored.name.clone()),
            media_type: stored.media_type.clone().unwrap_or_default(),
            bytes,
        };
        let keys: AttachmentKeys = file.keys.clone();
        let sealed = tokio::task::spawn_blocking(move || plain.seal(&keys));
        let sealed = sealed.await.map_err(|_| StoreError::Panicked)??;
        drop(turn);
        let length = sealed.len() as u64;
        let known = self
            .store
            .read(|reader| crate::settings::known_file_server(reader))
            .await?;
        let is_node = known.is_some_and(|server| {
            let path = file.url.strip_prefix(&server.url);
            path.is_some_and(|path| path.starts_with('/'))
        });
        if !is_node {
            self.files
                .upload(&file.url, trusted, sealed, WHOLE_UPLOAD)
                .await?;
            return Ok(End::Done);
        }
        let mut here = self.files.uploaded(&file.url, trusted).await?;
        let mut went_back = 0;
        while let Uploaded::Part(from) = here {
            let at = usize::try_from(from).unwrap_or(usize::MAX);
            let end = at.saturating_add(PART_BYTES).min(sealed.len());
            let part = sealed.get(at..end).unwrap_or_default().to_vec();
            // A node that has more than there is, or asks for the same again and again.
            if part.is_empty() || went_back > ATTEMPTS {
                return Ok(End::Refused("attachment_refused"));
            }
            here = self
                .files
                .upload_part(&file.url, trusted, part, from, length)
                .await?;
            if let Uploaded::Part(reached) = here {
                if reached <= from {
                    went_back += 1;
                }
                let done = i64::try_from(reached).unwrap_or(i64::MAX);
                self.store
                    .write(move |tx| Ok::<_, EngineError>(tx.set_transferred(id, done, None)?))
                    .await?;
                progress.tell(reached);
            }
        }
        let done = i64::try_from(length).unwrap_or(i64::MAX);
        self.store
            .write(move |tx| Ok::<_, EngineError>(tx.set_transferred(id, done, None)?))
            .await?;
        Ok(End::Done)
    }
}

/// One file of a message is uploaded; with the last one the message may go out.
fn finish_upload(tx: &Tx, message: &Message, now_ns: i64) -> Result<(), EngineError> {
    let rows = tx.attachments_of(&message.id)?;
    let is_complete = rows.iter().all(|row| row.state == AttachmentState::Stored);
    if is_complete && message.delivery == Delivery::Unpublished {
        attachments::release(tx, message, now_ns)?;
    }
    Ok(())
}
