//! The one account of a database: its inbox, installation keys and registration.

use diesel::prelude::*;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::kinds::RegistrationStep;
use crate::schema::account;
use crate::transaction::{Reader, Tx};

/// The account. Its secrets are erased from memory when it is dropped and never printed.
#[derive(Clone)]
pub struct Account {
    /// The inbox id, 64 lower-case hex characters.
    pub inbox_id: String,
    /// The installation id: the Ed25519 public key, 32 bytes.
    pub installation_id: [u8; 32],
    /// The seed of the installation key, 32 bytes.
    pub installation_seed: Zeroizing<[u8; 32]>,
    /// The wallet address, lower-case with `0x`.
    pub address: String,
    /// The node this account uses.
    pub node_url: String,
    /// How far registration has come.
    pub registration_step: RegistrationStep,
    /// The signed identity update (protobuf) to send again until the node has accepted it.
    pub pending_identity_update: Option<Vec<u8>>,
    /// The wallet's private key, kept only if the person asked for it.
    pub wallet_key: Option<Zeroizing<Vec<u8>>>,
    /// When the account was created here, in ns.
    pub created_at_ns: i64,
    /// When the next key package has to be published, in ns; `None` before the first.
    pub next_key_package_rotation_ns: Option<i64>,
    /// The root key of the message HMAC keys, 42 bytes (content-and-client.md 7.2).
    pub hmac_root_key: Zeroizing<Vec<u8>>,
    /// When that root was made, in ns, by the clock of the installation that made it; 0 for the one
    /// that this installation began with.
    pub hmac_cycled_at_ns: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("registration_step", &self.registration_step)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Whether the installation can be added to groups.
    #[must_use]
    pub fn registered(&self) -> bool {
        self.registration_step == RegistrationStep::Registered
    }
}

/// The stored form of [`Account`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = account)]
struct Row {
    inbox_id: String,
    installation_id: Vec<u8>,
    installation_seed: Vec<u8>,
    address: String,
    node_url: String,
    registration_step: RegistrationStep,
    pending_identity_update: Option<Vec<u8>>,
    wallet_key: Option<Vec<u8>>,
    created_at_ns: i64,
    next_key_package_rotation_ns: Option<i64>,
    hmac_root_key: Vec<u8>,
    hmac_cycled_at_ns: i64,
}

impl TryFrom<Row> for Account {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let seed = Zeroizing::new(row.installation_seed);
        Ok(Self {
            inbox_id: row.inbox_id,
            installation_id: array(&row.installation_id)?,
            installation_seed: Zeroizing::new(array(&seed)?),
            address: row.address,
            node_url: row.node_url,
            registration_step: row.registration_step,
            pending_identity_update: row.pending_identity_update,
            wallet_key: row.wallet_key.map(Zeroizing::new),
            created_at_ns: row.created_at_ns,
            next_key_package_rotation_ns: row.next_key_package_rotation_ns,
            hmac_root_key: Zeroizing::new(row.hmac_root_key),
            hmac_cycled_at_ns: row.hmac_cycled_at_ns,
        })
    }
}

fn array(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Encoding("a key is not 32 bytes long".to_owned()))
}

impl Reader {
    /// The account, or `None` before one is created.
    pub fn account(&self) -> Result<Option<Account>, StoreError> {
        self.with(|db| {
            account::table
                .select(Row::as_select())
                .get_result(db)
                .optional()
        })?
        .map(Account::try_from)
        .transpose()
    }
}

impl Tx {
    /// Stores the account of this database.
    ///
    /// # Errors
    /// [`StoreError::Query`] if there is one already.
    pub fn insert_account(&self, new: &Account) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::insert_into(account::table)
                .values((
                    account::id.eq(1),
                    account::inbox_id.eq(&new.inbox_id),
                    account::installation_id.eq(new.installation_id.as_slice()),
                    account::installation_seed.eq(new.installation_seed.as_slice()),
                    account::address.eq(&new.address),
                    account::node_url.eq(&new.node_url),
                    account::registration_step.eq(new.registration_step),
                    account::pending_identity_update.eq(new.pending_identity_update.as_deref()),
                    account::wallet_key.eq(new.wallet_key.as_ref().map(|key| key.as_slice())),
                    account::created_at_ns.eq(new.created_at_ns),
                    account::next_key_package_rotation_ns.eq(new.next_key_package_rotation_ns),
                    account::hmac_root_key.eq(new.hmac_root_key.as_slice()),
                    account::hmac_cycled_at_ns.eq(new.hmac_cycled_at_ns),
                ))
                .execute(db)
        })?;
        self.forget_own_inbox();
        Ok(())
    }

    /// Records how far registration has come and what is still to be sent.
    pub fn set_registration(
        &self,
        step: RegistrationStep,
        pending_identity_update: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(account::table)
                .set((
                    account::registration_step.eq(step),
                    account::pending_identity_update.eq(pending_identity_update),
                ))
                .execute(db)
        })
        .and_then(found)
    }

    /// Remembers another node address.
    pub fn set_node_url(&self, node_url: &str) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(account::table)
                .set(account::node_url.eq(node_url))
                .execute(db)
        })
        .and_then(found)
    }

    /// Keeps the wallet key, or erases it (`None`).
    pub fn set_wallet_key(&self, key: Option<&[u8]>) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(account::table)
                .set(account::wallet_key.eq(key))
                .execute(db)
        })
        .and_then(found)
    }

    /// Sets when the next key package has to be published, in ns.
    pub fn set_next_key_package_rotation(&self, at_ns: Option<i64>) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(account::table)
                .set(account::next_key_package_rotation_ns.eq(at_ns))
                .execute(db)
        })
        .and_then(found)
    }

    /// Replaces the HMAC root key (42 bytes) by one that was made at `cycled_at_ns`, by the clock of
    /// whoever made it.
    pub fn set_hmac_root_key(&self, key: &[u8], cycled_at_ns: i64) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::update(account::table)
                .set((
                    account::hmac_root_key.eq(key),
                    account::hmac_cycled_at_ns.eq(cycled_at_ns),
                ))
                .execute(db)
        })
        .and_then(found)
    }
}

fn found(rows: usize) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::NotFound("account"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
