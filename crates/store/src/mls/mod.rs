//! OpenMLS on this database: the provider, the storage of its values and the cache of groups.

mod groups;
mod storage;
mod values;

pub(crate) use groups::GroupCache;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
pub use values::MlsValues;

use crate::transaction::Reader;

/// The provider given to OpenMLS calls within a transaction. It owns the transaction's
/// connection, which rows and MLS values share.
pub struct MlsProvider {
    crypto: RustCrypto,
    values: MlsValues,
}

impl MlsProvider {
    pub(crate) fn new(reader: Reader, cache_bytes: usize) -> Self {
        Self {
            crypto: RustCrypto::default(),
            values: MlsValues::new(reader, cache_bytes),
        }
    }

    pub(crate) fn reader(&self) -> &Reader {
        self.values.reader()
    }

    pub(crate) fn values(&self) -> &MlsValues {
        &self.values
    }
}

impl OpenMlsProvider for MlsProvider {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsValues;

    fn storage(&self) -> &MlsValues {
        &self.values
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

#[cfg(test)]
mod tests;
