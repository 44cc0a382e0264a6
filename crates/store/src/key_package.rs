//! The key packages we have published, so that a welcome finds its keys and old secrets are erased.

use diesel::dsl::max;
use diesel::prelude::*;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::schema::key_packages;
use crate::transaction::{Reader, Tx};

/// A published key package. The MLS private keys are in the OpenMLS storage under `hash_ref`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPackageRecord {
    /// The row, never reused.
    pub id: i64,
    /// The key package's hash reference as the engine serialized it.
    pub hash_ref: Vec<u8>,
    /// The HPKE init key that a Curve25519 welcome names, 32 bytes.
    pub init_public_key: Vec<u8>,
    /// The X-Wing key that a post-quantum welcome names, 1216 bytes.
    pub xwing_public_key: Option<Vec<u8>>,
    /// The X-Wing private key.
    pub xwing_private_key: Option<Zeroizing<Vec<u8>>>,
    /// When it was made, in ns.
    pub created_at_ns: i64,
    /// When it has to be erased, in ns; `None` for the current one.
    pub delete_at_ns: Option<i64>,
}

impl std::fmt::Debug for KeyPackageRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPackageRecord")
            .field("id", &self.id)
            .field("created_at_ns", &self.created_at_ns)
            .field("delete_at_ns", &self.delete_at_ns)
            .finish_non_exhaustive()
    }
}

/// A key package to store; the fields are those of [`KeyPackageRecord`].
#[derive(Clone, Copy)]
pub struct NewKeyPackage<'a> {
    /// See [`KeyPackageRecord::hash_ref`].
    pub hash_ref: &'a [u8],
    /// See [`KeyPackageRecord::init_public_key`].
    pub init_public_key: &'a [u8],
    /// See [`KeyPackageRecord::xwing_public_key`].
    pub xwing_public_key: Option<&'a [u8]>,
    /// See [`KeyPackageRecord::xwing_private_key`].
    pub xwing_private_key: Option<&'a [u8]>,
    /// See [`KeyPackageRecord::created_at_ns`].
    pub created_at_ns: i64,
}

type Row = (
    i64,
    Vec<u8>,
    Vec<u8>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    i64,
    Option<i64>,
);

fn record(row: Row) -> KeyPackageRecord {
    KeyPackageRecord {
        id: row.0,
        hash_ref: row.1,
        init_public_key: row.2,
        xwing_public_key: row.3,
        xwing_private_key: row.4.map(Zeroizing::new),
        created_at_ns: row.5,
        delete_at_ns: row.6,
    }
}

impl Reader {
    /// Finds a key package by its init key or its X-Wing key.
    pub fn key_package_by_public_key(
        &self,
        public_key: &[u8],
    ) -> Result<Option<KeyPackageRecord>, StoreError> {
        self.with(|db| {
            key_packages::table
                .filter(
                    key_packages::init_public_key
                        .eq(public_key)
                        .or(key_packages::xwing_public_key
                            .assume_not_null()
                            .eq(public_key)),
                )
                .get_result::<Row>(db)
                .optional()
        })
        .map(|row| row.map(record))
    }

    /// The key packages that had to be erased at or before `now_ns`.
    pub fn key_packages_due(&self, now_ns: i64) -> Result<Vec<KeyPackageRecord>, StoreError> {
        self.with(|db| {
            key_packages::table
                .filter(key_packages::delete_at_ns.le(now_ns))
                .order(key_packages::id)
                .load::<Row>(db)
        })
        .map(|rows| rows.into_iter().map(record).collect())
    }
}

impl Tx {
    /// Stores a new key package and returns its row id.
    pub fn insert_key_package(&self, new: &NewKeyPackage<'_>) -> Result<i64, StoreError> {
        self.with(|db| {
            diesel::insert_into(key_packages::table)
                .values((
                    key_packages::hash_ref.eq(new.hash_ref),
                    key_packages::init_public_key.eq(new.init_public_key),
                    key_packages::xwing_public_key.eq(new.xwing_public_key),
                    key_packages::xwing_private_key.eq(new.xwing_private_key),
                    key_packages::created_at_ns.eq(new.created_at_ns),
                ))
                .returning(key_packages::id)
                .get_result(db)
        })
    }

    /// Marks every key package but the newest for erasure at `delete_at_ns`; those already marked
    /// keep their time. Returns how many were marked.
    pub fn supersede_key_packages(&self, delete_at_ns: i64) -> Result<usize, StoreError> {
        self.with(|db| {
            let newest: Option<i64> = key_packages::table
                .select(max(key_packages::id))
                .get_result(db)?;
            diesel::update(key_packages::table)
                .filter(key_packages::delete_at_ns.is_null())
                .filter(key_packages::id.lt(newest.unwrap_or(0)))
                .set(key_packages::delete_at_ns.eq(delete_at_ns))
                .execute(db)
        })
    }

    /// Deletes a key package with its X-Wing private key. The caller deletes the MLS keys through
    /// [`Tx::mls`] in the same transaction.
    pub fn delete_key_package(&self, id: i64) -> Result<(), StoreError> {
        self.with(|db| diesel::delete(key_packages::table.find(id)).execute(db))?;
        Ok(())
    }
}
