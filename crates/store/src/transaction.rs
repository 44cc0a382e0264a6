//! What a closure given to the store works with: a [`Reader`] over one consistent state, or a
//! [`Tx`], which reads and writes in one transaction.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use openmls::group::{GroupId, MlsGroup};

use crate::error::StoreError;
use crate::mls::{GroupCache, MlsProvider};
use crate::summary::TouchedConversations;

/// Reads one consistent state of the database. [`Tx`] can do all that this can.
pub struct Reader {
    connection: RefCell<SqliteConnection>,
    pub(crate) touched: RefCell<TouchedConversations>,
    /// The error after which SQLite may have ended the transaction by itself.
    aborted: RefCell<Option<StoreError>>,
}

impl Reader {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self {
            connection: RefCell::new(connection),
            touched: RefCell::default(),
            aborted: RefCell::default(),
        }
    }

    /// Runs a statement. The connection is borrowed only for that long, so OpenMLS and the
    /// caller can take turns within one transaction.
    ///
    /// After a full disk or an I/O error SQLite may have rolled the transaction back. Whatever
    /// the caller does with that error, no later statement may then run on its own.
    pub(crate) fn with<T>(
        &self,
        statement: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        if let Some(error) = self.aborted.borrow().as_ref() {
            return Err(error.clone());
        }
        statement(&mut self.connection.borrow_mut()).map_err(|error| {
            let error = StoreError::from(error);
            if matches!(
                error,
                StoreError::DiskFull | StoreError::Io(_) | StoreError::Corrupt(_)
            ) {
                self.aborted.replace(Some(error.clone()));
            }
            error
        })
    }

    /// No statement may run any more before the transaction is rolled back.
    fn abort(&self, error: StoreError) {
        self.aborted.replace(Some(error));
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.with(|db| db.batch_execute(sql))
    }

    /// Runs a closure over one snapshot.
    pub(crate) fn snapshot<T, E: From<StoreError>>(
        &mut self,
        closure: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let answer = self
            .execute("BEGIN DEFERRED")
            .map_err(E::from)
            .and_then(|()| closure(self));
        self.roll_back();
        answer
    }

    /// Ends the open transaction, if any, without its changes.
    pub(crate) fn roll_back(&self) {
        self.aborted.replace(None);
        // Without an open transaction this fails, and there is nothing to end.
        let _ = self.connection.borrow_mut().batch_execute("ROLLBACK");
        *self.touched.borrow_mut() = TouchedConversations::default();
    }
}

/// What SQLite answers to a checkpoint.
#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// The size of the database.
#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    page_count: i64,
}

/// What a committed transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// The end of the process, however sudden.
    Process,
    /// Also the loss of power: the disk confirms the commit.
    Power,
}

/// One write transaction on the only writable connection: rows, MLS state and cursors change
/// together or not at all. Lives on the writer thread.
///
/// Methods take `&self`, so that [`Tx::mls`] can be held while rows are changed.
pub struct Tx {
    mls: MlsProvider,
    groups: RefCell<GroupCache>,
    pub(crate) newest_inserted_at_ns: Cell<Option<i64>>,
    /// No row after this one is in the search index. May be too high after a rollback, never too
    /// low.
    pub(crate) indexed_row: Cell<Option<i64>>,
    own_inbox: RefCell<Option<String>>,
    /// What the connection is set to.
    durability: Cell<Option<Durability>>,
}

impl Deref for Tx {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.mls.reader()
    }
}

impl Tx {
    pub(crate) fn new(connection: SqliteConnection, mls_cache_bytes: usize) -> Self {
        Self {
            mls: MlsProvider::new(Reader::new(connection), mls_cache_bytes),
            groups: RefCell::default(),
            newest_inserted_at_ns: Cell::new(None),
            indexed_row: Cell::new(None),
            own_inbox: RefCell::default(),
            durability: Cell::new(None),
        }
    }

    /// The provider for OpenMLS calls; its storage is part of this transaction.
    pub fn mls(&self) -> &MlsProvider {
        &self.mls
    }

    /// Takes a group out of the cache, or loads it; `None` if it is not stored. Give it back with
    /// [`Tx::keep_group`] once it agrees with what is stored; drop it after an error.
    ///
    /// # Errors
    /// [`StoreError::Encoding`] if the stored group cannot be decoded, or any database error.
    pub fn take_group(&self, group_id: &[u8]) -> Result<Option<MlsGroup>, StoreError> {
        if let Some(group) = self.groups.borrow_mut().take(group_id) {
            return Ok(Some(group));
        }
        MlsGroup::load(self.mls.values(), &GroupId::from_slice(group_id))
    }

    /// Keeps a group for the next transaction that needs it. If this transaction or the savepoint
    /// around this call is rolled back, the group is forgotten and loaded again next time.
    pub fn keep_group(&self, group: MlsGroup) {
        self.groups.borrow_mut().keep(group);
    }

    /// Runs a closure whose changes, MLS state and kept groups included, are undone if it returns
    /// an error, while the transaction goes on.
    ///
    /// A group that the caller took before the savepoint and changed within it has to be dropped
    /// by the caller after an error: only its stored state is undone.
    pub fn savepoint<T, E: From<StoreError>>(
        &mut self,
        closure: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.execute("SAVEPOINT inner_change")?;
        self.begin_level();
        match closure(self) {
            Ok(answer) => {
                self.execute("RELEASE inner_change")?;
                self.commit_level();
                Ok(answer)
            }
            Err(error) => {
                self.mls.values().roll_back_level();
                self.groups.borrow_mut().roll_back_level();
                self.touched.borrow_mut().roll_back();
                self.own_inbox.replace(None);
                self.execute("ROLLBACK TO inner_change; RELEASE inner_change")?;
                Err(error)
            }
        }
    }

    /// Opens a transaction that several writes share; [`Tx::part`] runs each.
    pub(crate) fn begin_shared(&self, durability: Durability) -> Result<(), StoreError> {
        let begun = self.begin(durability);
        if begun.is_err() {
            self.roll_back();
        }
        begun
    }

    /// Runs one of the writes that share the open transaction. If it fails or panics, what it
    /// changed is undone and the transaction goes on.
    pub(crate) fn part<T, E: From<StoreError>>(
        &mut self,
        closure: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.execute("SAVEPOINT part")?;
        self.begin_level();
        let error = match catch_unwind(AssertUnwindSafe(|| closure(self))) {
            Ok(Ok(answer)) => {
                self.execute("RELEASE part")?;
                self.commit_level();
                return Ok(answer);
            }
            Ok(Err(error)) => error,
            Err(_) => StoreError::Panicked.into(),
        };
        // Also the savepoints within, which a panic leaves open.
        self.mls.values().roll_back_to(1);
        self.groups.borrow_mut().roll_back_to(1);
        self.touched.borrow_mut().roll_back_to(1);
        self.own_inbox.replace(None);
        if let Err(undo) = self.execute("ROLLBACK TO part; RELEASE part") {
            // Then nothing that follows may be committed.
            self.abort(undo);
        }
        Err(error)
    }

    /// Commits what several writes did.
    pub(crate) fn commit_shared(&mut self) -> Result<(), StoreError> {
        let committed = self.commit();
        if committed.is_err() {
            self.abandon();
        }
        committed
    }

    fn commit_level(&self) {
        self.mls.values().commit_level();
        self.groups.borrow_mut().commit_level();
        self.touched.borrow_mut().commit();
    }

    fn begin_level(&self) {
        self.mls.values().begin_level();
        self.groups.borrow_mut().begin_level();
        self.touched.borrow_mut().begin();
    }

    /// Runs a closure in a transaction of its own.
    pub(crate) fn transaction<T, E: From<StoreError>>(
        &mut self,
        durability: Durability,
        closure: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let answer = self.begin(durability).map_err(E::from).and_then(|()| {
            let answer = closure(self)?;
            self.commit()?;
            Ok(answer)
        });
        if answer.is_err() {
            self.abandon();
        }
        answer
    }

    fn begin(&self, durability: Durability) -> Result<(), StoreError> {
        if self.durability.get() != Some(durability) {
            self.execute(match durability {
                Durability::Process => "PRAGMA synchronous = NORMAL",
                Durability::Power => "PRAGMA synchronous = FULL",
            })?;
            self.durability.set(Some(durability));
        }
        self.execute("BEGIN IMMEDIATE")?;
        self.begin_level();
        Ok(())
    }

    fn commit(&self) -> Result<(), StoreError> {
        self.flush_summaries()?;
        self.mls.values().write_out()?;
        self.execute("COMMIT")?;
        self.mls.values().committed();
        self.groups.borrow_mut().commit_level();
        self.touched.borrow_mut().commit();
        Ok(())
    }

    /// Undoes everything of the open transaction, also after a panic in its closure.
    pub(crate) fn abandon(&mut self) {
        self.roll_back();
        self.mls.values().abandoned();
        self.groups.borrow_mut().abandoned();
        self.own_inbox.replace(None);
    }

    /// The inbox of this account, for telling own messages from others'.
    pub(crate) fn own_inbox(&self) -> Result<Option<String>, StoreError> {
        if self.own_inbox.borrow().is_none() {
            let inbox_id = self.account()?.map(|account| account.inbox_id);
            self.own_inbox.replace(inbox_id);
        }
        Ok(self.own_inbox.borrow().clone())
    }

    pub(crate) fn forget_own_inbox(&self) {
        self.own_inbox.replace(None);
    }

    #[cfg(test)]
    pub(crate) fn caches_group(&self, group_id: &[u8]) -> bool {
        self.groups.borrow().holds(group_id)
    }

    /// Empties the write-ahead log into the database file; false if a reader still needs it. Writes
    /// wait meanwhile, so it does not wait long for readers.
    pub(crate) fn checkpoint(&self) -> Result<bool, StoreError> {
        self.execute("PRAGMA busy_timeout = 100")?;
        let done = self.with(|db| {
            diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(db)
        });
        self.execute("PRAGMA busy_timeout = 5000")?;
        if done.is_err() {
            // Outside a transaction there is none that later statements could be missing.
            self.roll_back();
        }
        Ok(done?.busy == 0)
    }

    /// Writes the whole database anew if it is not too large; see [`crate::Store::compact`].
    pub(crate) fn compact(&self, max_pages: i64) -> Result<bool, StoreError> {
        let pages: Pages = self.with(|db| {
            diesel::sql_query("SELECT page_count FROM pragma_page_count()").get_result(db)
        })?;
        if pages.page_count > max_pages {
            return Ok(false);
        }
        let done = self.execute("VACUUM");
        if done.is_err() {
            self.roll_back();
        }
        done.map(|()| true)
    }
}
