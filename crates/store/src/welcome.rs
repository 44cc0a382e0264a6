//! Welcomes that could not be joined yet, kept so that none is lost.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::failed_welcomes;
use crate::transaction::{Reader, Tx};

/// A welcome that failed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = failed_welcomes)]
#[diesel(treat_none_as_default_value = false)]
pub struct FailedWelcome {
    /// The node's id of the welcome.
    pub sequence_id: i64,
    /// The welcome as the node served it.
    pub bytes: Vec<u8>,
    /// The code of the last error.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When to try again, in ns; `None`: never by itself.
    pub next_attempt_ns: Option<i64>,
}

impl Reader {
    /// All failed welcomes in the order of the node.
    pub fn failed_welcomes(&self) -> Result<Vec<FailedWelcome>, StoreError> {
        self.with(|db| {
            failed_welcomes::table
                .order(failed_welcomes::sequence_id)
                .select(FailedWelcome::as_select())
                .load(db)
        })
    }

    /// The failed welcomes to try again at `now_ns`, in the order of the node.
    pub fn failed_welcomes_due(&self, now_ns: i64) -> Result<Vec<FailedWelcome>, StoreError> {
        self.with(|db| {
            failed_welcomes::table
                .filter(failed_welcomes::next_attempt_ns.le(now_ns))
                .order(failed_welcomes::sequence_id)
                .select(FailedWelcome::as_select())
                .load(db)
        })
    }
}

impl Tx {
    /// Stores a failed welcome, replacing what was stored under its id.
    pub fn put_failed_welcome(&self, welcome: &FailedWelcome) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(failed_welcomes::table)
                .values(welcome)
                .execute(db)
        })?;
        Ok(())
    }

    /// Forgets a failed welcome.
    pub fn delete_failed_welcome(&self, sequence_id: i64) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(failed_welcomes::table.find(sequence_id)).execute(db))?;
        Ok(())
    }
}
