//! What the messages of a sync group do to transfers of history. Each runs in the transaction that
//! reads its message.

use conclave_content::{
    archive::ElementKind,
    device_sync::{HistoryOutcome, HistoryReply, HistoryRequest},
};
use conclave_store::{
    StoreError, Tx,
    history::{
        StoredKey, Transfer, WANTS_CONSENT, WANTS_FILES, WANTS_MESSAGES, WITHOUT_DISAPPEARING,
    },
    kinds::{TransferRole, TransferState, TransferStep},
};

use super::{HELD_NS, HistoryRefused, KEPT_NS, code::code, fail};
use crate::{client::Core, device_sync::Received, event::Changes, nanoseconds::MINUTE};

/// Requests and archives of others that are kept at a time. Only installations of ours make any.
const MOST_KEPT: usize = 32;
/// For so long nobody else answers a request that an installation says it answers
/// (device-sync.md 2.5).
pub(super) const CLAIM_NS: i64 = 10 * MINUTE;

/// Whether another installation's word that it answers still counts.
pub(super) fn is_claimed(transfer: &Transfer, now_ns: i64) -> bool {
    let claimed = transfer.claimed_at_ns;
    claimed.is_some_and(|at_ns| at_ns.saturating_add(CLAIM_NS) > now_ns)
}

fn wanted(request: &HistoryRequest) -> i32 {
    let is = |kind| request.kinds.contains(&kind);
    let files = request.wish.as_ref().is_some_and(|wish| wish.attachments);
    [
        (is(ElementKind::Messages), WANTS_MESSAGES),
        (is(ElementKind::Consent), WANTS_CONSENT),
        (files, WANTS_FILES),
        (request.exclude_disappearing, WITHOUT_DISAPPEARING),
    ]
    .into_iter()
    .filter_map(|(is, flag)| is.then_some(flag))
    .sum()
}

/// How ids are stored; `None` for all.
pub(super) fn joined(ids: &[Vec<u8>]) -> Option<String> {
    let hex: Vec<_> = ids.iter().map(hex::encode).collect();
    (!hex.is_empty()).then(|| hex.join(","))
}

impl Core {
    /// Somebody wants history: it is held until the person answers. Of our own request the words to
    /// compare are known now.
    pub(crate) fn history_requested(
        &self,
        tx: &Tx,
        received: &Received<'_>,
        request: HistoryRequest,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let now_ns = self.clock.now_ns();
        let words = code(&received.members, &request.pin, received.group_id);
        let known = tx.transfer(&request.pin)?;
        if received.sender == self.account.installation_id {
            if let Some(mut own) = known.filter(|own| own.role == TransferRole::Asking) {
                own.code = Some(words);
                tx.put_transfer(&own)?;
                changes.history();
            }
            return Ok(());
        }
        let expires_at_ns = received.sent_at_ns.min(now_ns).saturating_add(HELD_NS);
        let reason = if known.is_some() {
            // Its own again, or another installation's.
            "history_pin_known"
        } else if expires_at_ns <= now_ns {
            "history_request_expired"
        } else if waiting(tx)? >= MOST_KEPT {
            "history_requests_beyond_bound"
        } else {
            let (role, step) = (TransferRole::Answering, TransferStep::Held);
            let mut held = Transfer::new(request.pin.clone(), role, step, now_ns);
            held.peer = Some(received.sender.as_bytes().to_vec());
            held.is_official = Some(request.wish.is_none());
            // Another app can't show it.
            held.code = request.wish.is_some().then_some(words);
            held.wanted = wanted(&request);
            held.start_ns = request.start_ns;
            held.end_ns = request.end_ns;
            held.conversation_ids = request.wish.and_then(|wish| joined(&wish.group_ids));
            held.server_url = request.server_url.trim_end_matches('/').to_owned();
            held.expires_at_ns = Some(expires_at_ns);
            forget_earlier(tx, &held)?;
            tx.put_transfer(&held)?;
            changes.history();
            return Ok(());
        };
        tx.count_diagnostic(reason, now_ns)
    }

    /// An installation says that it answers a request. The first who says so does; our own word is
    /// the first if no other came before it.
    pub(crate) fn history_claimed(
        &self,
        tx: &Tx,
        received: &Received<'_>,
        pin: &str,
        is_conclave: bool,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let Some(mut transfer) = tx.transfer(pin)? else {
            return Ok(());
        };
        let now_ns = self.clock.now_ns();
        let is_own = received.sender == self.account.installation_id;
        match transfer.role {
            TransferRole::Asking if !is_own && transfer.peer.is_none() => {
                transfer.peer = Some(received.sender.as_bytes().to_vec());
                transfer.is_official = Some(!is_conclave);
            }
            TransferRole::Answering if is_own && transfer.step == TransferStep::Building => {
                transfer.claim = 2;
            }
            TransferRole::Answering
                if !is_own && transfer.claim < 2 && transfer.state == TransferState::Going =>
            {
                transfer.claimed_at_ns = Some(received.sent_at_ns.min(now_ns));
                if transfer.step == TransferStep::Building {
                    transfer.step = TransferStep::Held;
                    transfer.claim = 0;
                    fail(&mut transfer, &HistoryRefused::Claimed.into());
                }
            }
            _ => return Ok(()),
        }
        tx.put_transfer(&transfer)?;
        changes.history();
        Ok(())
    }

    /// An archive lies on a server: that of a request of ours, or one that nobody asked for.
    pub(crate) fn history_replied(
        &self,
        tx: &Tx,
        received: &Received<'_>,
        reply: HistoryReply,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        if received.sender == self.account.installation_id {
            return Ok(());
        }
        let now_ns = self.clock.now_ns();
        let known = tx.transfer(&reply.pin)?;
        let mut transfer = match known {
            None if waiting(tx)? >= MOST_KEPT => {
                return tx.count_diagnostic("history_replies_beyond_bound", now_ns);
            }
            None => {
                let (role, step) = (TransferRole::Asking, TransferStep::Ready);
                let mut offered = Transfer::new(reply.pin.clone(), role, step, now_ns);
                offered.state = TransferState::Offered;
                offered.expires_at_ns =
                    Some(received.sent_at_ns.min(now_ns).saturating_add(KEPT_NS));
                offered
            }
            Some(mut held) if held.role == TransferRole::Answering => {
                let is_open = held.state == TransferState::Going && held.claim < 2;
                if is_open {
                    held.state = TransferState::Cancelled;
                    held.expires_at_ns = Some(now_ns.saturating_add(KEPT_NS));
                    fail(&mut held, &HistoryRefused::AnsweredElsewhere.into());
                    tx.put_transfer(&held)?;
                    changes.history();
                }
                return Ok(());
            }
            Some(asked) if takes_reply(&asked) => asked,
            // Several installations of other apps answer; the first counts.
            Some(_) => return tx.count_diagnostic("history_reply_again", now_ns),
        };
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        if transfer.state != TransferState::Offered {
            transfer.state = TransferState::Going;
            transfer.expires_at_ns = None;
        }
        transfer.step = TransferStep::Ready;
        transfer.peer = Some(received.sender.as_bytes().to_vec());
        transfer.is_official = Some(reply.file.is_none());
        transfer.archive_key = Some(StoredKey::new(reply.key.bytes()));
        transfer.bytes_done = 0;
        transfer.bytes_total = reply.file.map(|file| count(file.bytes));
        transfer.sha256 = reply.file.map(|file| file.sha256.to_vec());
        transfer.conversations_total = reply.file.map(|file| count(file.conversations));
        transfer.messages_total = reply.file.map(|file| count(file.messages));
        if let Some(metadata) = &reply.metadata {
            transfer.exported_at_ns = Some(metadata.exported_at_ns);
            transfer.start_ns = metadata.start_ns;
        }
        transfer.url = Some(reply.url);
        transfer.error_code = None;
        transfer.error_text = None;
        tx.put_transfer(&transfer)?;
        changes.history();
        Ok(())
    }

    /// The other installation of a transfer says how it ended.
    pub(crate) fn history_noticed(
        &self,
        tx: &Tx,
        received: &Received<'_>,
        pin: &str,
        outcome: HistoryOutcome,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        if received.sender == self.account.installation_id {
            return Ok(());
        }
        let Some(mut transfer) = tx.transfer(pin)? else {
            return Ok(());
        };
        let is_peer = transfer.peer.as_deref() == Some(received.sender.as_bytes().as_slice());
        let is_open = matches!(
            transfer.state,
            TransferState::Going | TransferState::Paused | TransferState::Failed
        );
        transfer.state = match (transfer.role, outcome) {
            (TransferRole::Asking, HistoryOutcome::Refused)
                if transfer.step == TransferStep::Waiting
                    && is_open
                    && (is_peer || transfer.peer.is_none()) =>
            {
                transfer.peer = Some(received.sender.as_bytes().to_vec());
                transfer.is_official = Some(false);
                TransferState::Refused
            }
            (TransferRole::Answering, HistoryOutcome::Done) if is_peer && is_open => {
                TransferState::Done
            }
            (TransferRole::Answering, HistoryOutcome::Cancelled) if is_peer && is_open => {
                TransferState::Cancelled
            }
            _ => return Ok(()),
        };
        transfer.archive_key = None;
        transfer.expires_at_ns = Some(self.clock.now_ns().saturating_add(KEPT_NS));
        tx.put_transfer(&transfer)?;
        changes.history();
        Ok(())
    }
}

/// An installation that asks again means its newest request: 1.8.1 makes several by itself when it is
/// new.
fn forget_earlier(tx: &Tx, newest: &Transfer) -> Result<(), StoreError> {
    for earlier in tx.transfers()? {
        let is_held = earlier.step == TransferStep::Held && earlier.state == TransferState::Going;
        if is_held && earlier.role == newest.role && earlier.peer == newest.peer {
            tx.delete_transfer(&earlier.pin)?;
        }
    }
    Ok(())
}

/// Whether an archive can be that of a request: it waits for one, or what came of it was nothing.
fn takes_reply(asked: &Transfer) -> bool {
    match asked.state {
        TransferState::Going => asked.step == TransferStep::Waiting,
        TransferState::Failed | TransferState::Refused | TransferState::Expired => true,
        _ => false,
    }
}

/// How many requests and archives of others wait for the person.
fn waiting(tx: &Tx) -> Result<usize, StoreError> {
    let all = tx.transfers()?.into_iter();
    let waits = |one: &Transfer| {
        one.state == TransferState::Offered
            || (one.state == TransferState::Going && one.step == TransferStep::Held)
    };
    Ok(all.filter(waits).count())
}
