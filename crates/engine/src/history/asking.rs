//! Taking history: the archive is fetched, looked through to its end, and taken in.

use std::{io::Write as _, sync::Arc};

use conclave_content::{
    archive::ArchiveKey,
    device_sync::{DeviceSync, HistoryOutcome},
};
use conclave_network::FileError;
use conclave_store::{
    history::{StoredKey, Transfer},
    kinds::{TransferState, TransferStep},
};
use tokio_util::sync::CancellationToken;

use super::{
    HistoryRefused, KEPT_NS, count, spool,
    work::{goes_on, or_stopped},
};
use crate::{
    archive::{Archive, ArchiveSecret, Imported, Watch, look_through, take_in},
    client::Core,
    error::EngineError,
};

/// Most bytes of an archive.
const MAX_BYTES: u64 = 64 << 30;
/// Bytes after which how far a download is is kept.
const KEPT_EVERY: u64 = 8 << 20;

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Tells how far an archive is read, and stops with its transfer.
struct Reading<'a> {
    core: &'a Core,
    stop: &'a CancellationToken,
}

impl Watch for Reading<'_> {
    fn go_on(&self) -> Result<(), EngineError> {
        goes_on(self.stop)
    }

    fn looked(&self, done: usize, _: usize) {
        self.core
            .history_reached(|reached| reached.bytes = done as u64);
    }

    fn took(&self, done: usize, _: usize, so_far: &Imported) {
        self.core.history_reached(|reached| {
            reached.bytes = done as u64;
            reached.conversations = so_far.new_conversations + so_far.known_conversations;
            reached.messages =
                so_far.new_messages + so_far.known_messages + so_far.expired_messages;
            reached.skipped = so_far.skipped;
        });
    }
}

impl Core {
    pub(super) async fn begin_fetch(self: &Arc<Self>, pin: &str) -> Result<(), EngineError> {
        self.history_step(pin, |_, transfer| {
            transfer.step = TransferStep::Downloading;
            Ok(())
        })
        .await
    }

    /// Fetches what is not here yet.
    pub(super) async fn fetch_history(
        self: &Arc<Self>,
        transfer: Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        // So that conversations we were added to meanwhile are there before what is said in them.
        self.sync_welcomes().await?;
        let path = self.spool(&transfer.pin);
        let announced = transfer.bytes_total.map(count);
        let limit = announced.unwrap_or(MAX_BYTES);
        let (mut file, mut done) = spool::go_on(&path, limit)?;
        if announced.is_none_or(|announced| done < announced) {
            let trusted = self.trusted_for(&transfer).await?;
            let url = transfer.url.as_deref().unwrap_or_default();
            // The person knows of one server.
            let opened = self.files.open_directly(url, &trusted, done);
            let mut incoming = or_stopped(stop, opened).await??;
            if incoming.from != done {
                file = spool::create(&path)?;
                done = 0;
            }
            let is_other = match (incoming.length, announced) {
                (Some(length), Some(announced)) => length != announced,
                (length, _) => length.is_some_and(|length| length > limit),
            };
            if is_other {
                return Err(HistoryRefused::OtherFile.into());
            }
            let total = incoming.length.or(announced);
            self.reached_bytes(&transfer.pin, done, total).await?;
            let mut kept = done;
            while let Some(piece) = or_stopped(stop, incoming.next()).await?? {
                done += piece.len() as u64;
                if done > limit {
                    return Err(HistoryRefused::OtherFile.into());
                }
                file.write_all(&piece).map_err(spool::failed)?;
                self.history_reached(|reached| reached.bytes = done);
                if done - kept >= KEPT_EVERY {
                    kept = done;
                    self.reached_bytes(&transfer.pin, done, total).await?;
                }
            }
            if total.is_some_and(|total| done < total) {
                self.reached_bytes(&transfer.pin, done, total).await?;
                let cut = FileError::Unreachable("the connection broke".to_owned());
                return Err(cut.into());
            }
        }
        file.sync_all().map_err(spool::failed)?;
        drop(file);
        if let Some(sha256) = transfer.sha256.clone() {
            let hashed = path.clone();
            let digest = tokio::task::spawn_blocking(move || spool::digest(&hashed));
            let digest = digest
                .await
                .map_err(|_| conclave_store::StoreError::Panicked)??;
            if digest != sha256.as_slice() {
                spool::remove(&path);
                return Err(HistoryRefused::OtherFile.into());
            }
        }
        self.history_step(&transfer.pin, move |_, transfer| {
            transfer.step = TransferStep::Verifying;
            transfer.bytes_done = number(done);
            transfer.bytes_total = Some(number(done));
            Ok(())
        })
        .await
    }

    /// Keeps how far a download is.
    async fn reached_bytes(
        self: &Arc<Self>,
        pin: &str,
        done: u64,
        total: Option<u64>,
    ) -> Result<(), EngineError> {
        let pin = pin.to_owned();
        self.store
            .write(move |tx| {
                let transfer = tx.transfer(&pin)?;
                let is_going = |one: &Transfer| one.state == TransferState::Going;
                let mut transfer = transfer.filter(is_going).ok_or(EngineError::Cancelled)?;
                transfer.bytes_done = number(done);
                transfer.bytes_total = total.map(number);
                Ok::<_, EngineError>(tx.put_transfer(&transfer)?)
            })
            .await
    }

    /// Looks through the archive to its end: one that is cut, damaged, somebody else's or under
    /// another key is thrown away, and nothing of it is taken in.
    pub(super) async fn check_history(
        self: &Arc<Self>,
        transfer: Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let path = self.spool(&transfer.pin);
        let looked = async {
            let secret = secret(&transfer)?;
            let archive = Archive {
                path: &path,
                secret: &secret,
                may_be_legacy: false,
            };
            let reading = Reading { core: self, stop };
            let summary = look_through(self, &reading, &archive).await?;
            // Ours say where they end; those of other apps never do.
            if transfer.is_official == Some(false) && !summary.is_sealed {
                return Err(HistoryRefused::NotSealed.into());
            }
            Ok::<_, EngineError>(summary)
        };
        let summary = match looked.await {
            Ok(summary) => summary,
            Err(error @ EngineError::Cancelled) => return Err(error),
            Err(error) => {
                spool::remove(&path);
                self.history_step(&transfer.pin, |_, transfer| {
                    transfer.step = TransferStep::Downloading;
                    transfer.bytes_done = 0;
                    Ok(())
                })
                .await?;
                return Err(error);
            }
        };
        self.history_step(&transfer.pin, move |_, transfer| {
            transfer.step = TransferStep::Importing;
            transfer.exported_at_ns = Some(summary.exported_at_ns);
            transfer.conversations_total = Some(number(summary.conversations));
            transfer.messages_total = Some(number(summary.messages));
            Ok(())
        })
        .await
    }

    /// Takes the archive in; what is here stays as it is, so doing it again completes it.
    pub(super) async fn take_in_history(
        self: &Arc<Self>,
        transfer: Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let path = self.spool(&transfer.pin);
        if transfer.bytes_total.map(count) != Some(spool::length(&path)) {
            // Gone, or cut: it is fetched again.
            return self.begin_fetch(&transfer.pin).await;
        }
        let secret = secret(&transfer)?;
        let archive = Archive {
            path: &path,
            secret: &secret,
            may_be_legacy: false,
        };
        let reading = Reading { core: self, stop };
        let done = take_in(self, &reading, &archive).await?;
        let core = Arc::clone(self);
        self.history_step(&transfer.pin, move |tx, transfer| {
            transfer.state = TransferState::Done;
            transfer.archive_key = None;
            transfer.bytes_done = transfer.bytes_total.unwrap_or_default();
            transfer.conversations_done = number(done.new_conversations + done.known_conversations);
            transfer.messages_done =
                number(done.new_messages + done.known_messages + done.expired_messages);
            transfer.skipped = number(done.skipped);
            transfer.expires_at_ns = Some(core.clock.now_ns().saturating_add(KEPT_NS));
            if transfer.is_official == Some(false) {
                let notice = DeviceSync::Notice {
                    pin: transfer.pin.clone(),
                    outcome: HistoryOutcome::Done,
                };
                core.queue_device_message(tx, &notice)?;
            }
            Ok(())
        })
        .await?;
        spool::remove(&path);
        if let Some(group_id) = self.device_group().await? {
            self.publish_queued(vec![group_id]).await;
        }
        Ok(())
    }
}

fn secret(transfer: &Transfer) -> Result<ArchiveSecret, EngineError> {
    let key = transfer.archive_key.as_ref().and_then(StoredKey::bytes);
    let key = key.ok_or(HistoryRefused::NotNow)?;
    Ok(ArchiveSecret::Key(ArchiveKey::new(key)))
}
