//! Statements that SQLite parses once.
//!
//! Diesel keeps prepared statements, but no UPDATE, no INSERT and nothing with literal SQL, because
//! their text may vary without bound. Where it does not, parsing one costs more than running it:
//! for every index of a table the parser plans its upkeep.
//!
//! Diesel's `first` is not used in this crate: it binds a LIMIT, and SQLite prepares a statement
//! again each time its bound LIMIT is set (`sqlite3ExprIsInteger` looks at the value). Where at most
//! one row is there, or an index gives the order, `get_result` reads the first row without it.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

/// Marks statements whose text takes few forms.
pub(crate) trait Prepare: Sized {
    /// The same statement, kept prepared under its text for as long as the connection is open.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: QueryFragment<Sqlite>> Prepare for Q {}

/// A statement that is kept prepared.
pub(crate) struct Prepared<Q>(Q);

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Without an id of its type, a statement is looked up by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<SqliteConnection> for Prepared<Q> {}
