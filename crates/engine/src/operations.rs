//! Long operations: told as they go on, and stopped between two batches when a person asks for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    client::{Client, Core},
    error::EngineError,
    event::{Event, Operation},
};

/// Operations under way that can be stopped, by the id that their shell chose. Bounded by the calls
/// that are open.
#[derive(Default)]
pub(crate) struct Operations(Mutex<HashMap<String, Arc<AtomicBool>>>);

/// A long operation under way.
pub(crate) struct Running<'a> {
    core: &'a Core,
    operation: Operation,
    id: Option<String>,
    is_cancelled: Arc<AtomicBool>,
}

impl Core {
    /// Begins an operation; it can be stopped if it has an id. Of two at a time with the same id
    /// the later one can.
    pub(crate) fn begin(&self, operation: Operation, id: Option<String>) -> Running<'_> {
        let is_cancelled = Arc::<AtomicBool>::default();
        if let Some(id) = &id {
            let mut running = self.operations.lock();
            running.insert(id.clone(), Arc::clone(&is_cancelled));
        }
        Running {
            core: self,
            operation,
            id,
            is_cancelled,
        }
    }
}

impl Operations {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running<'_> {
    /// Tells how far it is: people done and people in all.
    pub(crate) fn tell(&self, conversation_id: Option<&[u8]>, done: usize, total: usize) {
        self.core.events.send(Event::Progress {
            operation: self.operation,
            operation_id: self.id.clone(),
            conversation_id: conversation_id.map(<[u8]>::to_vec),
            done,
            total,
        });
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// For the time before anything was changed.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub(crate) fn go_on(&self) -> Result<(), EngineError> {
        if self.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        Ok(())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Some(id) = &self.id else { return };
        let mut running = self.core.operations.lock();
        if running
            .get(id)
            .is_some_and(|flag| Arc::ptr_eq(flag, &self.is_cancelled))
        {
            running.remove(id);
        }
    }
}

impl Client {
    /// Stops a long operation after the batch under way; it answers with who is left. One that has
    /// ended meanwhile, or never was, is none of anybody's concern.
    pub fn cancel_operation(&self, id: &str) {
        if let Some(flag) = self.0.operations.lock().get(id) {
            flag.store(true, Ordering::Relaxed);
        }
    }
}
