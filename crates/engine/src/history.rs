//! History from one installation of a person to another (device-sync.md 2, 9; `docs/history.md`).
//!
//! One installation asks in the sync group; the request is held on the others until the person
//! answers there, after comparing the words that both screens show. Who answers writes an archive,
//! puts it on a server and says where; who asked fetches it, looks through it to its end, and takes
//! it in. Each step ends with one transaction that makes the next one due, so that after a stop at
//! any instruction the step at hand is done again and nothing else.

mod answering;
mod arrivals;
mod asking;
mod code;
mod refused;
mod spool;
mod work;

use std::{collections::BTreeSet, sync::Arc};

use conclave_content::{
    archive::ElementKind,
    device_sync::{DeviceSync, HistoryOutcome, HistoryRequest, Wish},
};
use conclave_identity::InstallationId;
use conclave_mls::GroupState;
use conclave_network::host_of;
use conclave_store::{
    Reader, Tx,
    archive::ArchiveScope,
    history::{Transfer, WANTS_CONSENT, WANTS_FILES, WANTS_MESSAGES, WITHOUT_DISAPPEARING},
    kinds::{TransferRole, TransferState, TransferStep},
};
use rand::Rng as _;

pub use refused::HistoryRefused;
pub(crate) use work::{Histories, work};

use crate::{
    client::{Client, Core},
    device_sync,
    error::EngineError,
    event::{Changes, Event, GroupId},
    nanoseconds::DAY,
    own_inbox::{NewDevice, name_of},
    settings,
};

/// How long a request waits for an answer.
const HELD_NS: i64 = DAY;
/// How long a transfer that is over is shown, and an archive of others is offered: servers keep files
/// for so long (device-sync.md 4.1).
const KEPT_NS: i64 = 7 * DAY;
/// Characters of a pin of ours.
const PIN_CHARS: usize = 12;

/// Where a transfer is, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryPhase {
    /// At this step.
    Step(TransferStep),
    /// Stopped or ended.
    Ended(TransferState),
}

/// Why a transfer does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFailure {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub text: String,
}

/// How much of a transfer is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistoryProgress {
    /// Bytes of the archive that the step at hand has done.
    pub bytes: u64,
    /// Conversations written or taken in.
    pub conversations: u64,
    /// Messages written or taken in.
    pub messages: u64,
    /// What was left out.
    pub skipped: u64,
}

/// A transfer of history between two installations of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTransfer {
    /// Names it, on both installations.
    pub pin: String,
    /// Whether we ask or answer.
    pub role: TransferRole,
    /// The other installation, once it is known.
    pub installation_id: Option<InstallationId>,
    /// The name that the person gave it here.
    pub device_name: Option<String>,
    /// Eight words that both installations show.
    pub code: Option<Vec<String>>,
    /// Whether the other installation runs another app, once that is known.
    pub is_official: Option<bool>,
    /// Only messages sent later, in ns.
    pub since_ns: Option<i64>,
    /// Whether decisions are wanted.
    pub consent: bool,
    /// Whether files of messages are wanted.
    pub attachments: bool,
    /// Only these conversations; `None` for all.
    pub conversation_ids: Option<Vec<GroupId>>,
    /// The host that the archive lies on, or is to lie on; empty if nobody said.
    pub server: String,
    /// Whether that is another one than that of the configured server.
    pub is_foreign_server: bool,
    /// Where it is.
    pub phase: HistoryPhase,
    /// How far.
    pub done: HistoryProgress,
    /// Bytes of the archive.
    pub bytes_total: Option<u64>,
    /// Conversations in all.
    pub conversations_total: Option<u64>,
    /// Messages in all.
    pub messages_total: Option<u64>,
    /// About how many bytes would be sent.
    pub estimate_bytes: Option<u64>,
    /// Why it does not go on.
    pub failure: Option<HistoryFailure>,
    /// When it was begun or came here, in ns.
    pub created_at_ns: i64,
    /// When it ends by itself, in ns.
    pub expires_at_ns: Option<i64>,
}

/// An archive that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailableArchive {
    /// Names it.
    pub pin: String,
    /// Who wrote it.
    pub installation_id: InstallationId,
    /// The name that the person gave that installation here.
    pub device_name: Option<String>,
    /// When it was written, in ns, by the clock of who wrote it.
    pub exported_at_ns: i64,
    /// Only messages sent later, in ns.
    pub since_ns: Option<i64>,
}

/// Everything about history between our installations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryOverview {
    /// Transfers, the newest first.
    pub transfers: Vec<HistoryTransfer>,
    /// Archives that lie ready although nobody asked, the newest first.
    pub archives: Vec<AvailableArchive>,
    /// Installations that the person has not seen yet, the newest first.
    pub new_devices: Vec<NewDevice>,
}

/// What is asked of our other installations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryWish {
    /// Only messages sent later, in ns.
    pub since_ns: Option<i64>,
    /// Decisions too.
    pub consent: bool,
    /// Files of messages too.
    pub attachments: bool,
    /// Only these conversations; `None` for all.
    pub conversation_ids: Option<Vec<GroupId>>,
}

/// How much a person gives of what was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryGrant {
    /// Only messages sent later, in ns.
    pub since_ns: Option<i64>,
    /// Files of messages too.
    pub attachments: bool,
    /// Only these conversations; `None` for all that were asked for.
    pub conversation_ids: Option<Vec<GroupId>>,
    /// The person allows a server that is not the configured one.
    pub host_allowed: bool,
}

/// Keeps why a transfer does not go on.
fn fail(transfer: &mut Transfer, error: &EngineError) {
    transfer.error_code = Some(error.code().to_owned());
    transfer.error_text = Some(error.to_string());
}

fn has(transfer: &Transfer, flag: i32) -> bool {
    transfer.wanted & flag != 0
}

/// The conversations that a transfer names; `None` for all.
fn named(transfer: &Transfer) -> Option<Vec<GroupId>> {
    let ids = transfer.conversation_ids.as_ref()?.split(',');
    Some(ids.filter_map(|id| hex::decode(id).ok()).collect())
}

/// What goes into the archive of a transfer: nothing of a conversation that is blocked, unless the
/// person names it.
fn scope(transfer: &Transfer) -> ArchiveScope {
    ArchiveScope {
        conversation_ids: named(transfer).map(|ids| ids.into_iter().collect()),
        start_ns: transfer.start_ns,
        end_ns: transfer.end_ns,
        exclude_disappearing: has(transfer, WITHOUT_DISAPPEARING),
        exclude_denied: true,
    }
}

/// Where files are put, as far as known here: the server that the person named, else the node's.
fn configured_server(reader: &Reader) -> Result<Option<String>, EngineError> {
    let named = settings::upload_server(reader)?;
    let nodes = settings::known_file_server(reader)?.map(|server| server.url);
    Ok(named.or(nodes))
}

/// The host of a transfer's archive, and whether it is another than that of the configured server.
fn host(transfer: &Transfer, configured: Option<&str>) -> (String, bool) {
    let configured = configured.and_then(host_of);
    let address = transfer.url.as_deref().unwrap_or(&transfer.server_url);
    if address.is_empty() {
        return (configured.unwrap_or_default(), false);
    }
    let host = host_of(address);
    let is_foreign = host.is_none() || host != configured;
    (host.unwrap_or_default(), is_foreign)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn installation(bytes: &[u8]) -> Option<InstallationId> {
    bytes.try_into().ok().map(InstallationId::new)
}

impl Client {
    /// Everything about history between our installations, from the local database.
    ///
    /// # Errors
    /// The store's.
    pub async fn history(&self) -> Result<HistoryOverview, EngineError> {
        let new_devices = self.new_devices().await?;
        let reached = self.0.history.reached();
        self.0
            .store
            .read(move |reader| {
                let configured = configured_server(reader)?;
                let mut overview = HistoryOverview {
                    new_devices,
                    ..HistoryOverview::default()
                };
                for transfer in reader.transfers()? {
                    let peer = transfer.peer.as_deref().and_then(installation);
                    let device_name = match &peer {
                        Some(id) => name_of(reader, id)?,
                        None => None,
                    };
                    if let (TransferState::Offered, Some(installation_id)) = (transfer.state, peer)
                    {
                        overview.archives.push(AvailableArchive {
                            pin: transfer.pin.clone(),
                            installation_id,
                            device_name,
                            exported_at_ns: transfer.exported_at_ns.unwrap_or_default(),
                            since_ns: transfer.start_ns,
                        });
                        continue;
                    }
                    let done = progress(&transfer, reached.as_ref());
                    let shown = view(&transfer, configured.as_deref(), done);
                    overview.transfers.push(HistoryTransfer {
                        installation_id: peer,
                        device_name,
                        ..shown
                    });
                }
                Ok(overview)
            })
            .await
    }

    /// Asks our other installations for history.
    ///
    /// # Errors
    /// [`HistoryRefused::NoOtherDevice`], [`EngineError::NoFileServer`], [`EngineError::Revoked`],
    /// the network's where a sync group had to be made.
    pub async fn request_history(&self, wish: HistoryWish) -> Result<HistoryOverview, EngineError> {
        let core = &self.0;
        core.require_valid()?;
        core.check_own_inbox(0).await?;
        let server_url = core.file_server().await?.url;
        let group_id = core.group_with_everybody().await?;
        let pin: String = rand::rng()
            .sample_iter(rand::distr::Alphanumeric)
            .take(PIN_CHARS)
            .map(char::from)
            .collect();
        let this = Arc::clone(core);
        core.store
            .write(move |tx| {
                let now_ns = this.clock.now_ns();
                let (role, step) = (TransferRole::Asking, TransferStep::Waiting);
                let mut asked = Transfer::new(pin.clone(), role, step, now_ns);
                let flags = [
                    (true, WANTS_MESSAGES),
                    (wish.consent, WANTS_CONSENT),
                    (wish.attachments, WANTS_FILES),
                ];
                let set = flags.into_iter().filter(|(is, _)| *is);
                asked.wanted = set.map(|(_, flag)| flag).sum();
                asked.start_ns = wish.since_ns;
                let group_ids = wish.conversation_ids.unwrap_or_default();
                asked.conversation_ids = arrivals::joined(&group_ids);
                asked.server_url.clone_from(&server_url);
                asked.expires_at_ns = Some(now_ns.saturating_add(HELD_NS));
                tx.put_transfer(&asked)?;
                let mut kinds = vec![ElementKind::Messages];
                kinds.extend(wish.consent.then_some(ElementKind::Consent));
                let request = DeviceSync::Request(HistoryRequest {
                    pin,
                    server_url,
                    kinds,
                    start_ns: wish.since_ns,
                    end_ns: None,
                    exclude_disappearing: false,
                    wish: Some(Wish {
                        attachments: wish.attachments,
                        group_ids,
                    }),
                });
                this.queue_device_message(tx, &request)
            })
            .await?;
        core.publish_queued(vec![group_id]).await;
        core.events.send(Event::History);
        self.history().await
    }

    /// Lets an installation of ours that asks have history. The archive is written and sent in the
    /// background; without it, by [`Client::carry_history`].
    ///
    /// # Errors
    /// [`HistoryRefused`]: unknown, nothing to be answered, another server, answered elsewhere, or
    /// asked for by an installation that was revoked meanwhile; the network's.
    pub async fn allow_history(
        &self,
        pin: &str,
        grant: HistoryGrant,
    ) -> Result<HistoryOverview, EngineError> {
        self.0.require_valid()?;
        // Whoever asks may have been revoked since.
        self.0.check_own_inbox(0).await?;
        // So that it is known which server is ours.
        drop(self.0.trusted_hosts().await?);
        let (core, now_ns) = (Arc::clone(&self.0), self.0.clock.now_ns());
        self.change(pin, move |tx, held| {
            if held.role != TransferRole::Answering
                || held.step != TransferStep::Held
                || held.state != TransferState::Going
            {
                return Err(HistoryRefused::NotNow.into());
            }
            if arrivals::is_claimed(held, now_ns) {
                return Err(HistoryRefused::Claimed.into());
            }
            let peer = held.peer.as_deref().and_then(installation);
            let own = crate::identities::newest_state(tx, &core.account.inbox_id)?;
            let is_ours =
                peer.is_some_and(|id| own.is_some_and(|(_, state)| state.has_installation(id)));
            if !is_ours {
                return Err(HistoryRefused::PeerRevoked.into());
            }
            let configured = configured_server(tx)?;
            let (host, is_foreign) = host(held, configured.as_deref());
            if is_foreign && !grant.host_allowed {
                return Err(HistoryRefused::Server(host).into());
            }
            held.host_allowed = grant.host_allowed;
            held.start_ns = held.start_ns.max(grant.since_ns);
            if !grant.attachments {
                held.wanted &= !WANTS_FILES;
            }
            if let Some(given) = grant.conversation_ids {
                let asked: Option<BTreeSet<_>> = named(held).map(|ids| ids.into_iter().collect());
                let is_asked = |id: &GroupId| asked.as_ref().is_none_or(|all| all.contains(id));
                let given: Vec<_> = given.into_iter().filter(is_asked).collect();
                // Nothing at all is not everything.
                held.conversation_ids = Some(arrivals::joined(&given).unwrap_or_default());
            }
            held.step = TransferStep::Building;
            held.claim = 0;
            held.claimed_at_ns = None;
            held.expires_at_ns = None;
            held.error_code = None;
            held.error_text = None;
            Ok(None)
        })
        .await
    }

    /// Sends nothing to an installation of ours that asks for history. Apps like this one hear of it.
    ///
    /// # Errors
    /// [`HistoryRefused::Unknown`], [`HistoryRefused::NotNow`].
    pub async fn refuse_history(&self, pin: &str) -> Result<HistoryOverview, EngineError> {
        let now_ns = self.0.clock.now_ns();
        self.change(pin, move |_, held| {
            if held.role != TransferRole::Answering
                || held.step != TransferStep::Held
                || held.state != TransferState::Going
            {
                return Err(HistoryRefused::NotNow.into());
            }
            Ok(end(held, TransferState::Refused, now_ns))
        })
        .await
    }

    /// Fetches an archive that lies ready and takes it in, also one that nobody asked for; or goes on
    /// with a transfer that was stopped or has failed. That happens in the background; without it, by
    /// [`Client::carry_history`].
    ///
    /// # Errors
    /// [`HistoryRefused`]: unknown, nothing to go on with, another server.
    pub async fn take_history(
        &self,
        pin: &str,
        host_allowed: bool,
    ) -> Result<HistoryOverview, EngineError> {
        self.0.require_valid()?;
        drop(self.0.trusted_hosts().await?);
        self.change(pin, move |tx, transfer| {
            let is_ready =
                transfer.state == TransferState::Going && transfer.step == TransferStep::Ready;
            let is_stopped = matches!(
                transfer.state,
                TransferState::Offered | TransferState::Paused | TransferState::Failed
            );
            if !is_ready && !is_stopped {
                return Err(HistoryRefused::NotNow.into());
            }
            transfer.host_allowed |= host_allowed;
            let configured = configured_server(tx)?;
            let (host, is_foreign) = host(transfer, configured.as_deref());
            if is_foreign && !transfer.host_allowed {
                return Err(HistoryRefused::Server(host).into());
            }
            transfer.state = TransferState::Going;
            transfer.expires_at_ns = None;
            transfer.error_code = None;
            transfer.error_text = None;
            Ok(None)
        })
        .await
    }

    /// Stops a transfer; what is there stays for a week.
    ///
    /// # Errors
    /// [`HistoryRefused::Unknown`], [`HistoryRefused::NotNow`].
    pub async fn pause_history(&self, pin: &str) -> Result<HistoryOverview, EngineError> {
        use TransferStep::{Building, Downloading, Importing, Ready, Uploading, Verifying};
        let over_ns = self.0.clock.now_ns().saturating_add(KEPT_NS);
        let changed = self
            .change(pin, move |_, transfer| {
                let is_at_work = matches!(
                    transfer.step,
                    Building | Uploading | Ready | Downloading | Verifying | Importing
                );
                if transfer.state != TransferState::Going || !is_at_work {
                    return Err(HistoryRefused::NotNow.into());
                }
                transfer.state = TransferState::Paused;
                transfer.expires_at_ns = Some(over_ns);
                Ok(None)
            })
            .await?;
        self.0.history.stop(pin);
        Ok(changed)
    }

    /// Gives a transfer up, or an offered archive. What was taken in stays; apps like this one hear of
    /// it.
    ///
    /// # Errors
    /// [`HistoryRefused::Unknown`], [`HistoryRefused::NotNow`].
    pub async fn cancel_history(&self, pin: &str) -> Result<HistoryOverview, EngineError> {
        let now_ns = self.0.clock.now_ns();
        let changed = self
            .change(pin, move |_, transfer| match transfer.state {
                TransferState::Going
                | TransferState::Paused
                | TransferState::Failed
                | TransferState::Offered => Ok(end(transfer, TransferState::Cancelled, now_ns)),
                _ => Err(HistoryRefused::NotNow.into()),
            })
            .await?;
        self.0.history.stop(pin);
        Ok(changed)
    }

    /// Changes a transfer in one transaction, with the message to the others that this leads to.
    async fn change(
        &self,
        pin: &str,
        change: impl FnOnce(&Tx, &mut Transfer) -> Result<Option<DeviceSync>, EngineError>
        + Send
        + 'static,
    ) -> Result<HistoryOverview, EngineError> {
        let (core, pin) = (Arc::clone(&self.0), pin.to_owned());
        let group_id = self
            .0
            .store
            .write(move |tx| {
                let mut transfer = tx.transfer(&pin)?.ok_or(HistoryRefused::Unknown)?;
                let message = change(tx, &mut transfer)?;
                tx.put_transfer(&transfer)?;
                match message {
                    Some(message) => core.queue_device_message(tx, &message),
                    None => Ok(None),
                }
            })
            .await?;
        let mut changes = Changes::default();
        changes.history();
        self.0.note_work(&changes);
        self.0.events.send_changes(changes);
        self.0.publish_queued(group_id.into_iter().collect()).await;
        self.history().await
    }
}

/// Ends a transfer as a person wishes; the message that tells the other installation.
fn end(transfer: &mut Transfer, state: TransferState, now_ns: i64) -> Option<DeviceSync> {
    let was_offered = transfer.state == TransferState::Offered;
    transfer.state = state;
    transfer.archive_key = None;
    transfer.expires_at_ns = Some(now_ns.saturating_add(KEPT_NS));
    let outcome = match transfer.role {
        TransferRole::Asking => HistoryOutcome::Cancelled,
        TransferRole::Answering => HistoryOutcome::Refused,
    };
    let is_heard = transfer.is_official != Some(true) && !was_offered;
    is_heard.then(|| DeviceSync::Notice {
        pin: transfer.pin.clone(),
        outcome,
    })
}

/// How far a transfer is: by what is `reached` of the one that is carried on, else by its row. Once it
/// is over its row alone says so, though who carried it on may not have let go of it yet.
fn progress(transfer: &Transfer, reached: Option<&(String, HistoryProgress)>) -> HistoryProgress {
    let is_going = transfer.state == TransferState::Going;
    if let Some((_, done)) = reached.filter(|(pin, _)| is_going && *pin == transfer.pin) {
        return *done;
    }
    HistoryProgress {
        bytes: count(transfer.bytes_done),
        conversations: count(transfer.conversations_done),
        messages: count(transfer.messages_done),
        skipped: count(transfer.skipped),
    }
}

/// A transfer as it is shown, without the other installation.
fn view(transfer: &Transfer, configured: Option<&str>, done: HistoryProgress) -> HistoryTransfer {
    let (server, is_foreign_server) = host(transfer, configured);
    let code = transfer.code.as_ref();
    HistoryTransfer {
        pin: transfer.pin.clone(),
        role: transfer.role,
        installation_id: None,
        device_name: None,
        code: code.map(|code| code.split(' ').map(str::to_owned).collect()),
        is_official: transfer.is_official,
        since_ns: transfer.start_ns,
        consent: has(transfer, WANTS_CONSENT),
        attachments: has(transfer, WANTS_FILES),
        conversation_ids: named(transfer),
        server,
        is_foreign_server,
        phase: match transfer.state {
            TransferState::Going => HistoryPhase::Step(transfer.step),
            ended => HistoryPhase::Ended(ended),
        },
        done,
        bytes_total: transfer.bytes_total.map(count),
        conversations_total: transfer.conversations_total.map(count),
        messages_total: transfer.messages_total.map(count),
        estimate_bytes: transfer.estimate_bytes.map(count),
        failure: transfer.error_code.clone().map(|code| HistoryFailure {
            code,
            text: transfer.error_text.clone().unwrap_or_default(),
        }),
        created_at_ns: transfer.created_at_ns,
        expires_at_ns: match transfer.state {
            TransferState::Going | TransferState::Offered => transfer.expires_at_ns,
            _ => None,
        },
    }
}

impl Core {
    /// The newest sync group, once all our installations are in it: another one is made if one of
    /// them is not.
    async fn group_with_everybody(self: &Arc<Self>) -> Result<GroupId, EngineError> {
        let others = self.other_installations().await?;
        if others.is_empty() {
            return Err(HistoryRefused::NoOtherDevice.into());
        }
        if let Some(id) = self.device_group().await? {
            let group_id = id.clone();
            let state = self
                .store
                .write(move |tx| {
                    let group = tx.take_group(&group_id)?;
                    let group = group.ok_or(EngineError::UnknownConversation)?;
                    let state = GroupState::of(&group);
                    tx.keep_group(group);
                    Ok::<_, EngineError>(state?)
                })
                .await?;
            let own = &self.account.inbox_id;
            // Those whose keys have run out come into no other group either.
            let failed = &state.membership.failed_installations;
            let is_there = |id: &InstallationId| state.has_leaf(id) || failed.contains(id);
            if device_sync::is_ours(&state, own) && others.iter().all(is_there) {
                return Ok(id);
            }
        }
        self.make_device_group().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_shows_the_counts_of_its_row() {
        let (role, step) = (TransferRole::Asking, TransferStep::Importing);
        let mut transfer = Transfer::new("pin".to_owned(), role, step, 1);
        transfer.messages_done = 3000;
        let reached = Some(("pin".to_owned(), HistoryProgress::default()));
        assert_eq!(progress(&transfer, reached.as_ref()).messages, 0);
        assert_eq!(progress(&transfer, None).messages, 3000);
        transfer.state = TransferState::Done;
        assert_eq!(progress(&transfer, reached.as_ref()).messages, 3000);
    }
}
