//! Carrying transfers on, one at a time, each from the step it is at.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use conclave_store::{
    StoreError, Tx,
    history::Transfer,
    kinds::{TransferRole, TransferState, TransferStep},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{HistoryProgress, KEPT_NS, configured_server, fail, host, scope, spool};
use crate::{
    client::{Client, Core},
    error::EngineError,
    event::{Connection, Event},
};

/// Between two events of progress: at most five a second.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// What expires is looked at this often.
const CHECK: Duration = Duration::from_secs(60);
/// Attempts that brought nothing before a transfer is called failed.
const ATTEMPTS: u32 = 5;
/// The pause after the first of them; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// What stands around the words of a message in an archive, about.
const BYTES_PER_MESSAGE: i64 = 300;

/// What is under way.
#[derive(Default)]
pub(crate) struct Histories {
    work: Notify,
    /// Held by whoever carries transfers on.
    turn: tokio::sync::Mutex<()>,
    running: Mutex<Option<Running>>,
}

struct Running {
    pin: String,
    stop: CancellationToken,
    reached: HistoryProgress,
    told: Option<Instant>,
}

/// A transfer that is being carried on. Dropped, also from without, it stops what it left on other
/// threads.
struct UnderWay<'a> {
    histories: &'a Histories,
    stop: CancellationToken,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
        *self.histories.running() = None;
    }
}

impl Histories {
    /// There may be something to carry on.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    fn begin(&self, pin: &str) -> UnderWay<'_> {
        let stop = CancellationToken::new();
        *self.running() = Some(Running {
            pin: pin.to_owned(),
            stop: stop.clone(),
            reached: HistoryProgress::default(),
            told: None,
        });
        UnderWay {
            histories: self,
            stop,
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the transfer is that is being carried on, and its pin.
    pub(super) fn reached(&self) -> Option<(String, HistoryProgress)> {
        let running = self.running();
        running.as_ref().map(|one| (one.pin.clone(), one.reached))
    }

    /// Stops a transfer if it is being carried on. What becomes of it stands in its row already.
    pub(super) fn stop(&self, pin: &str) {
        if let Some(running) = self.running().as_ref().filter(|one| one.pin == pin) {
            running.stop.cancel();
        }
    }
}

impl Core {
    /// Tells how far the transfer under way is, not too often.
    pub(super) fn history_reached(&self, change: impl FnOnce(&mut HistoryProgress)) {
        let mut running = self.history.running();
        let Some(running) = running.as_mut() else {
            return;
        };
        change(&mut running.reached);
        let now = Instant::now();
        let is_due = running
            .told
            .is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if is_due {
            running.told = Some(now);
            self.events.send(Event::History);
        }
    }

    /// Where the archive of a transfer is kept while it is on its way.
    pub(super) fn spool(&self, pin: &str) -> PathBuf {
        spool::path(&self.folder, pin)
    }

    /// Ends the step of a transfer, unless somebody stopped it meanwhile: what the person said counts.
    pub(super) async fn history_step(
        self: &Arc<Self>,
        pin: &str,
        change: impl FnOnce(&Tx, &mut Transfer) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let pin = pin.to_owned();
        self.store
            .write(move |tx| {
                let transfer = tx.transfer(&pin)?;
                let is_going = |one: &Transfer| one.state == TransferState::Going;
                let mut transfer = transfer.filter(is_going).ok_or(EngineError::Cancelled)?;
                change(tx, &mut transfer)?;
                tx.put_transfer(&transfer)?;
                Ok::<_, EngineError>(())
            })
            .await?;
        if let Some(running) = self.history.running().as_mut() {
            running.reached = HistoryProgress::default();
            running.told = None;
        }
        self.events.send(Event::History);
        Ok(())
    }

    /// Carries on what can be, until nothing is left.
    async fn carry_history(self: &Arc<Self>) -> Result<(), EngineError> {
        let _turn = self.history.turn.lock().await;
        self.require_valid()?;
        self.tidy_history().await?;
        while let Some(transfer) = self.next_transfer().await? {
            let under_way = self.history.begin(&transfer.pin);
            let ended = self.carry_transfer(&transfer.pin, &under_way.stop).await;
            drop(under_way);
            self.events.send(Event::History);
            ended?;
        }
        // What has ended in between leaves nothing.
        self.tidy_history().await
    }

    /// The oldest transfer that can be carried on.
    async fn next_transfer(self: &Arc<Self>) -> Result<Option<Transfer>, EngineError> {
        self.store
            .read(|reader| {
                let configured = configured_server(reader)?;
                let all = reader.transfers()?.into_iter().rev();
                let can = |one: &Transfer| {
                    use TransferStep::{
                        Building, Downloading, Importing, Ready, Uploading, Verifying,
                    };
                    one.state == TransferState::Going
                        && match one.step {
                            Building | Uploading | Downloading | Verifying | Importing => true,
                            Ready => one.host_allowed || !host(one, configured.as_deref()).1,
                            _ => false,
                        }
                };
                let mut can_be = all.filter(can);
                Ok::<_, EngineError>(can_be.next())
            })
            .await
    }

    /// Carries one transfer on to its end, or until it waits for somebody.
    async fn carry_transfer(
        self: &Arc<Self>,
        pin: &str,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let (mut attempts, mut pause, mut reached) = (0, FIRST_PAUSE, None);
        loop {
            let name = pin.to_owned();
            let transfer = self
                .store
                .read(move |reader| reader.transfer(&name))
                .await?;
            let going = transfer.filter(|one| one.state == TransferState::Going);
            let Some(transfer) = going else {
                return Ok(());
            };
            let place = (transfer.step, transfer.bytes_done, transfer.claim);
            if reached != Some(place) {
                (attempts, pause, reached) = (0, FIRST_PAUSE, Some(place));
            }
            let step = transfer.step;
            let done = match (transfer.role, step) {
                (TransferRole::Answering, TransferStep::Building) => {
                    self.write_history(transfer, stop).await
                }
                (TransferRole::Answering, TransferStep::Uploading) => {
                    self.send_history(transfer, stop).await
                }
                (TransferRole::Asking, TransferStep::Ready) => self.begin_fetch(pin).await,
                (TransferRole::Asking, TransferStep::Downloading) => {
                    self.fetch_history(transfer, stop).await
                }
                (TransferRole::Asking, TransferStep::Verifying) => {
                    self.check_history(transfer, stop).await
                }
                (TransferRole::Asking, TransferStep::Importing) => {
                    self.take_in_history(transfer, stop).await
                }
                _ => return Ok(()),
            };
            let error = match done {
                Ok(()) => continue,
                // Stopped: what becomes of it stands in its row.
                Err(EngineError::Cancelled) => return Ok(()),
                Err(error @ EngineError::Revoked) => return Err(error),
                Err(error) => error,
            };
            attempts += 1;
            // Only the person makes room on a disk.
            let is_full = matches!(&error, EngineError::Store(StoreError::DiskFull));
            if error.is_retryable() && !is_full && attempts < ATTEMPTS {
                if or_stopped(stop, tokio::time::sleep(pause)).await.is_err() {
                    return Ok(());
                }
                pause = pause.saturating_mul(2);
                continue;
            }
            tracing::warn!(code = error.code(), "a transfer of history has failed");
            let over_ns = self.clock.now_ns().saturating_add(KEPT_NS);
            let failed = self.history_step(pin, move |_, transfer| {
                transfer.state = TransferState::Failed;
                transfer.expires_at_ns = Some(over_ns);
                fail(transfer, &error);
                Ok(())
            });
            return match failed.await {
                Err(EngineError::Cancelled) => Ok(()),
                other => other,
            };
        }
    }

    /// Ends what took too long, forgets what is over for long, says how much held requests are about,
    /// and leaves no file of what is over.
    async fn tidy_history(self: &Arc<Self>) -> Result<(), EngineError> {
        let now_ns = self.clock.now_ns();
        let (is_changed, kept, held) = self
            .store
            .write(move |tx| {
                let (mut is_changed, mut kept, mut held) = (false, Vec::new(), Vec::new());
                for mut transfer in tx.transfers()? {
                    let is_over = transfer.expires_at_ns.is_some_and(|at| at <= now_ns);
                    match transfer.state {
                        TransferState::Going | TransferState::Paused | TransferState::Failed
                            if is_over =>
                        {
                            transfer.state = TransferState::Expired;
                            transfer.archive_key = None;
                            transfer.expires_at_ns = Some(now_ns.saturating_add(KEPT_NS));
                            tx.put_transfer(&transfer)?;
                            is_changed = true;
                        }
                        TransferState::Going | TransferState::Paused | TransferState::Failed => {
                            kept.push(transfer.pin.clone());
                            let is_new = transfer.step == TransferStep::Held
                                && transfer.estimate_bytes.is_none();
                            if is_new {
                                held.push(transfer);
                            }
                        }
                        _ if is_over => {
                            tx.delete_transfer(&transfer.pin)?;
                            is_changed = true;
                        }
                        _ => {}
                    }
                }
                Ok::<_, EngineError>((is_changed, kept, held))
            })
            .await?;
        let files: Vec<_> = kept.iter().map(|pin| self.spool(pin)).collect();
        let folder = self.folder.clone();
        let swept = tokio::task::spawn_blocking(move || spool::sweep(&folder, &files));
        drop(swept.await);
        let is_estimated = !held.is_empty();
        if is_estimated {
            // So that the person is told whether the server is theirs. Where the node can't be reached
            // nothing could be sent either.
            drop(self.trusted_host_names().await);
        }
        for transfer in held {
            let scope = scope(&transfer);
            let extent = self
                .store
                .read(move |reader| reader.archive_extent(&scope, now_ns))
                .await?;
            let text = extent.messages.saturating_mul(BYTES_PER_MESSAGE);
            let bytes = extent.bytes.saturating_add(text);
            self.store
                .write(move |tx| {
                    if let Some(mut held) = tx.transfer(&transfer.pin)? {
                        held.estimate_bytes = Some(bytes);
                        held.messages_total = Some(extent.messages);
                        tx.put_transfer(&held)?;
                    }
                    Ok::<_, EngineError>(())
                })
                .await?;
        }
        self.remove_files().await?;
        if is_changed || is_estimated {
            self.events.send(Event::History);
        }
        Ok(())
    }
}

/// Waits for something unless the transfer is stopped.
///
/// # Errors
/// [`EngineError::Cancelled`].
pub(super) async fn or_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, EngineError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(EngineError::Cancelled),
        done = work => Ok(done),
    }
}

/// # Errors
/// [`EngineError::Cancelled`] once the transfer is stopped.
pub(super) fn goes_on(stop: &CancellationToken) -> Result<(), EngineError> {
    match stop.is_cancelled() {
        true => Err(EngineError::Cancelled),
        false => Ok(()),
    }
}

impl Core {
    /// Removes archives of ours from their servers that nobody needs any more. What can't be removed
    /// now is tried again until the transfer is forgotten; servers remove it themselves after that.
    async fn remove_files(self: &Arc<Self>) -> Result<(), EngineError> {
        let all = self.store.read(|reader| reader.transfers()).await?;
        let is_over = |one: &Transfer| {
            matches!(
                one.state,
                TransferState::Done
                    | TransferState::Refused
                    | TransferState::Expired
                    | TransferState::Cancelled
            )
        };
        for transfer in all.into_iter().filter(is_over) {
            let (Some(url), Some(secret)) = (&transfer.url, &transfer.file_secret) else {
                continue;
            };
            let trusted = self.trusted_for(&transfer).await?;
            if let Err(error) = self.files.remove(url, &trusted, secret).await {
                tracing::info!(
                    code = error.code(),
                    "an archive stays on its server for now"
                );
                continue;
            }
            self.store
                .write(move |tx| {
                    if let Some(mut transfer) = tx.transfer(&transfer.pin)? {
                        transfer.file_secret = None;
                        tx.put_transfer(&transfer)?;
                    }
                    Ok::<_, EngineError>(())
                })
                .await?;
        }
        Ok(())
    }
}

impl Client {
    /// Carries transfers on now, each until it waits for somebody; for shells without background
    /// work. How each went stands in its row.
    ///
    /// # Errors
    /// [`EngineError::Revoked`], the store's.
    pub async fn carry_history(&self) -> Result<(), EngineError> {
        self.0.carry_history().await
    }
}

/// Carries transfers on, until this installation is revoked.
pub(crate) async fn work(core: Arc<Core>) {
    loop {
        if core.wakes.connection() == Connection::Online
            && let Err(error) = core.carry_history().await
        {
            tracing::warn!(code = error.code(), "history was not carried on");
        }
        // An error says that the time is over.
        drop(tokio::time::timeout(CHECK, core.history.work.notified()).await);
    }
}
