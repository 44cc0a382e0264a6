//! Counters of rare events, so that nothing is ignored without a trace.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::diagnostics;
use crate::transaction::{Reader, Tx};

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = diagnostics)]
pub struct Diagnostic {
    /// A stable snake_case name; never an id, a name or an address.
    pub name: String,
    /// How often it happened.
    pub count: i64,
    /// When it last happened, in ns.
    pub last_at_ns: i64,
}

impl Reader {
    /// All counters by name.
    pub fn diagnostics(&self) -> Result<Vec<Diagnostic>, StoreError> {
        self.with(|db| {
            diagnostics::table
                .order(diagnostics::name)
                .select(Diagnostic::as_select())
                .load(db)
        })
    }
}

impl Tx {
    /// Counts one event.
    pub fn count_diagnostic(&self, name: &str, now_ns: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_into(diagnostics::table)
                .values((
                    diagnostics::name.eq(name),
                    diagnostics::count.eq(1),
                    diagnostics::last_at_ns.eq(now_ns),
                ))
                .on_conflict(diagnostics::name)
                .do_update()
                .set((
                    diagnostics::count.eq(diagnostics::count + 1),
                    diagnostics::last_at_ns.eq(now_ns),
                ))
                .execute(db)
        })?;
        Ok(())
    }
}
