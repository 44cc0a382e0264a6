//! Statements that SQLite parses once.
//!
//! Diesel keeps prepared statements, but no UPDATE, no INSERT and nothing with literal SQL, because
//! their text may vary without bound. Where it does not, parsing one costs more than running it:
//! for every index of a table the parser plans its upkeep.
//!
//! Diesel's `first` is not used in this crate: it binds a LIMIT, and SQLite prepares a statement
//! again each time its bound LIMIT is set (`sqlite3ExprIsInteger` looks at the value). Where at most
//! one row is there, or an index gives the order, `get_result` reads the first row without it.

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Integer, Untyped};
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

impl<Q: QueryFragment<Sqlite>> Prepared<Q> {
    /// Runs a statement that gives no rows, and says how many it changed.
    ///
    /// Stands before Diesel's method of this name, which passes the statement on by reference, and
    /// the reference does not tell that it may be kept (2.3.14, `QueryFragment for &T`).
    pub(crate) fn execute(self, db: &mut SqliteConnection) -> QueryResult<usize> {
        for row in LoadConnection::<DefaultLoadingMode>::load(db, Prepared(Silent(self.0)))? {
            drop(row?);
        }
        let changed: i32 = diesel::select(sql::<Integer>("changes()"))
            .prepared()
            .get_result(db)?;
        Ok(usize::try_from(changed).unwrap_or_default())
    }
}

/// A statement that gives no rows.
struct Silent<Q>(Q);

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Silent<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }
}

impl<Q> Query for Silent<Q> {
    type SqlType = Untyped;
}

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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use diesel::sql_types::BigInt;

    use super::*;

    #[test]
    fn a_change_is_parsed_once_and_counts_its_rows() {
        let mut db = SqliteConnection::establish(":memory:").unwrap();
        db.batch_execute(
            "CREATE TABLE pairs (a INTEGER, b INTEGER); INSERT INTO pairs VALUES (1, 1), (1, 2);",
        )
        .unwrap();
        let parsed = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&parsed);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                log.lock().unwrap().push(sql.to_owned());
            }
        });
        let text = "UPDATE pairs SET b = 3 WHERE a = ?";
        let mut change = |a: i64| {
            let statement = diesel::sql_query(text).bind::<BigInt, _>(a);
            statement.prepared().execute(&mut db).unwrap()
        };
        assert_eq!((change(1), change(2), change(1)), (2, 0, 2));
        assert_eq!(*parsed.lock().unwrap(), [text, "SELECT changes()"]);
    }
}
