//! Telling others what was read (content-and-client.md 1.9, 2.8).
//!
//! A receipt says "everything up to now", so one stands for all messages read in a short time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use conclave_content::Body;
use conclave_store::{Reader, StoreError, Tx, kinds::ConsentState, message::Message};

use crate::{
    client::{Client, Core},
    effects::READ_RECEIPT,
    error::EngineError,
    messages::{Draft, usable},
    settings::{SEND_READ_RECEIPTS, is_on},
};

/// One receipt is sent in this time; what is read meanwhile is told at its end.
const BURST: Duration = Duration::from_secs(5);
/// In conversations of more people nobody reads what hundreds have read, and every receipt would
/// be a message to all of them.
const MEMBERS: i64 = 100;

/// What is to be told.
enum Owed {
    Nothing,
    Now,
    Later(Duration),
}

/// Whether a message is a receipt that would say more than is true by now: something came that
/// was not read. The next reading is told instead.
pub(crate) fn is_untrue(tx: &Tx, message: &Message) -> Result<bool, StoreError> {
    if message.type_id != READ_RECEIPT {
        return Ok(false);
    }
    let summary = tx.summary(&message.conversation_id)?;
    Ok(summary.is_some_and(|summary| summary.unread_count > 0))
}

impl Core {
    fn owed(&self, reader: &Reader, id: &[u8]) -> Result<Owed, EngineError> {
        let active = reader.active_conversation(id)?;
        let active = active.ok_or(EngineError::UnknownConversation)?;
        let is_wanted = !self.identities.is_revoked()
            && is_on(reader.setting(SEND_READ_RECEIPTS)?.as_deref())
            && active.member_count <= MEMBERS
            && usable(&active).is_ok()
            && reader.effective_consent(&active.id)? == ConsentState::Allowed;
        // One that waits will say as much.
        if !is_wanted || reader.has_waiting(&active.id, READ_RECEIPT)? {
            return Ok(Owed::Nothing);
        }
        let told = reader.read_times(&active.id)?;
        let Some(told_ns) = told.get(&self.account.inbox_id) else {
            return Ok(Owed::Now);
        };
        let since = self.clock.now_ns().saturating_sub(*told_ns);
        let since = Duration::from_nanos(u64::try_from(since).unwrap_or_default());
        Ok(match BURST.checked_sub(since) {
            Some(left) if !left.is_zero() => Owed::Later(left),
            _ => Owed::Now,
        })
    }
}

impl Client {
    /// Tells the others that everything was read: now, at the end of the burst, or not at all
    /// where the person does not want it.
    pub(crate) async fn owe_receipt(&self, id: &[u8]) -> Result<(), EngineError> {
        match self.owed(id).await? {
            Owed::Nothing => Ok(()),
            Owed::Now => self.send_receipt(id).await,
            Owed::Later(pause) => {
                // Without background work nothing is sent later; the next reading is told.
                if let Some(background) = self.0.background()
                    && self.0.receipts.begin(id)
                {
                    let (client, id) = (self.clone(), id.to_vec());
                    background.spawn(async move {
                        tokio::time::sleep(pause).await;
                        client.0.receipts.end(&id);
                        if let Err(error) = client.owe_again(&id).await {
                            tracing::warn!(code = error.code(), "a receipt was not queued");
                        }
                    });
                }
                Ok(())
            }
        }
    }

    async fn owed(&self, id: &[u8]) -> Result<Owed, EngineError> {
        let (core, group_id) = (Arc::clone(&self.0), id.to_vec());
        self.0
            .store
            .read(move |reader| core.owed(reader, &group_id))
            .await
    }

    /// The end of a burst: whatever was read in it is told, unless that is not wanted any more.
    async fn owe_again(&self, id: &[u8]) -> Result<(), EngineError> {
        match self.owed(id).await? {
            Owed::Nothing => Ok(()),
            // The node's clock may be ahead of ours; a burst has passed all the same.
            Owed::Now | Owed::Later(_) => self.send_receipt(id).await,
        }
    }

    async fn send_receipt(&self, id: &[u8]) -> Result<(), EngineError> {
        let draft = Draft::of(&Body::ReadReceipt, None)?;
        self.queue(id, move |_| Ok(draft)).await.map(drop)
    }

    /// How far people have read, by the receipts they sent: inbox ids with times in ns. People who
    /// send none are not in it.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn read_times(&self, id: &[u8]) -> Result<BTreeMap<String, i64>, EngineError> {
        let group_id = id.to_vec();
        self.0
            .store
            .read(move |reader| {
                reader
                    .conversation(&group_id)?
                    .ok_or(EngineError::UnknownConversation)?;
                Ok(reader.read_times(&group_id)?)
            })
            .await
    }
}

/// The conversations in which a receipt is to follow; as many as were read within a burst.
#[derive(Default)]
pub(crate) struct Receipts(Mutex<BTreeSet<Vec<u8>>>);

impl Receipts {
    fn waiting(&self) -> MutexGuard<'_, BTreeSet<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the first in its burst.
    fn begin(&self, id: &[u8]) -> bool {
        self.waiting().insert(id.to_vec())
    }

    fn end(&self, id: &[u8]) {
        self.waiting().remove(id);
    }
}
