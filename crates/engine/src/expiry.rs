//! Disappearing messages (content-and-client.md 2.5), and leaving nothing of what was deleted.
//!
//! A message is deleted at its time, in one transaction with everything that repeats it: its entry
//! in the search index and the preview of its conversation. SQLite overwrites what it deletes
//! (`secure_delete`) and the index takes its words out of its pages, but the write-ahead log still
//! has the pages as they were. So the log is emptied into the database file [`GATHER`] after each
//! deletion, and again each second while somebody reads from it.
//!
//! Where rows move between pages SQLite leaves copies of them in unused space, which it does not
//! overwrite when the row is deleted later. A database of up to [`COMPACTED_PAGES`] is therefore
//! written anew after a deletion, at most each [`COMPACT_PAUSE`]; in a larger one such a copy may
//! stay until its page is written again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

use crate::{client::Core, error::EngineError, event::Event};

/// Expired messages deleted in one transaction.
const EXPIRED_AT_ONCE: i64 = 200;
/// Longest sleep. The computer may have slept meanwhile, or its clock may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Pause after something failed.
const RETRY: Duration = Duration::from_secs(1);
/// Pause before new messages are looked at for one that expires before all others.
const NEWS_PAUSE: Duration = Duration::from_millis(100);
/// Pause between a deletion and emptying the log, so that many deletions empty it once.
const GATHER: Duration = Duration::from_secs(1);

/// Largest database that is written anew, in pages of 4096 bytes: 32 MiB take less than a second.
const COMPACTED_PAGES: i64 = 8192;
const COMPACT_PAUSE: Duration = Duration::from_secs(10 * 60);

impl Core {
    /// Deletes what has expired. Answers when the next message does, in ns.
    pub(crate) async fn purge_expired(&self) -> Result<Option<i64>, EngineError> {
        loop {
            let now_ns = self.clock.now_ns();
            let next_ns = self.store.read(|reader| reader.next_expiry_ns()).await?;
            if next_ns.is_none_or(|at_ns| at_ns > now_ns) {
                return Ok(next_ns);
            }
            let expired = self
                .store
                .write(move |tx| tx.purge_expired_messages(now_ns, EXPIRED_AT_ONCE))
                .await?;
            let mut conversations: Vec<_> = Vec::new();
            for message in expired {
                let conversation_id = message.conversation_id;
                if !conversations.contains(&conversation_id) {
                    conversations.push(conversation_id.clone());
                }
                self.events.send(Event::MessageDeleted {
                    conversation_id,
                    id: message.id,
                });
            }
            for id in conversations {
                self.events.send(Event::Conversation { id, is_new: false });
            }
        }
    }
}

/// Deletes messages at their time, also where there is no network.
pub(crate) async fn work(core: Arc<Core>) {
    // Subscribed before anything is looked at, so that no message with a time is missed.
    let mut events = core.events.subscribe();
    loop {
        let sleep = match core.purge_expired().await {
            Ok(None) => LONGEST_SLEEP,
            Ok(Some(next_ns)) => {
                let left = next_ns.saturating_sub(core.clock.now_ns());
                Duration::from_nanos(u64::try_from(left).unwrap_or_default()).min(LONGEST_SLEEP)
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "expired messages were not deleted");
                RETRY
            }
        };
        let over = tokio::time::sleep(sleep);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => break,
                event = events.recv() => match event {
                    // It may be the next to expire. Whoever talks a lot makes one look of many.
                    Ok(Event::Messages { .. }) | Err(RecvError::Lagged(_)) => {
                        tokio::time::sleep(NEWS_PAUSE).await;
                        while events.try_recv().is_ok() {}
                        break;
                    }
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

/// Empties the write-ahead log after each deletion. Begins with emptying it: a deletion may have
/// been the last that the program did before it ended.
pub(crate) async fn leave_nothing(core: Arc<Core>) {
    let mut events = core.events.subscribe();
    let mut compacted: Option<Instant> = None;
    let mut is_due = false;
    loop {
        if is_due && compacted.is_none_or(|at| at.elapsed() >= COMPACT_PAUSE) {
            (compacted, is_due) = (Some(Instant::now()), false);
            if let Err(error) = core.store.compact(COMPACTED_PAGES).await {
                tracing::warn!(code = error.code(), "the database was not compacted");
            }
        }
        loop {
            match core.store.empty_log().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => tracing::warn!(code = error.code(), "the log was not emptied"),
            }
            tokio::time::sleep(RETRY).await;
        }
        let next = compacted.filter(|_| is_due).map(|at| at + COMPACT_PAUSE);
        tokio::select! {
            () = sleep_until(next) => continue,
            is_open = deletion(&mut events) => if !is_open { return },
            () = core.wakes.erased.notified() => {}
        }
        is_due = true;
        tokio::time::sleep(GATHER).await;
        // What was deleted meanwhile goes with it.
        while events.try_recv().is_ok() {}
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Waits until something was deleted; false when no more can come.
async fn deletion(events: &mut Receiver<Event>) -> bool {
    loop {
        match events.recv().await {
            Ok(Event::MessageDeleted { .. } | Event::ConversationDeleted { .. })
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}
