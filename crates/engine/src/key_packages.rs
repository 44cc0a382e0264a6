//! This installation's key packages: made, published, replaced and erased (identity.md 6.8).

use conclave_mls::{InstallationSigner, key_package};
use conclave_network::Network;
use conclave_store::{Store, key_package::NewKeyPackage};

use crate::{clock::Clock, error::EngineError, nanoseconds, registration::refusal};

/// A key package is replaced after this time, far below its lifetime of 84 days.
const ROTATION_NS: i64 = 30 * nanoseconds::DAY;
/// After a welcome the key package that it used is replaced soon.
pub(crate) const ROTATION_AFTER_WELCOME_NS: i64 = 5 * nanoseconds::SECOND;
/// Superseded secrets stay this long for welcomes that are under way.
const ERASURE_NS: i64 = nanoseconds::DAY;

/// Makes a key package, stores its secrets, uploads it, and marks the older ones for erasure. If
/// the upload fails, old and new secrets stay and the next call tries again.
pub(crate) async fn rotate(
    store: &Store,
    network: &dyn Network,
    clock: &dyn Clock,
    signer: &InstallationSigner,
    inbox_id: &str,
) -> Result<(), EngineError> {
    let now_ns = clock.now_ns();
    let (signer, inbox_id) = (signer.clone(), inbox_id.to_owned());
    let bytes = store
        .write(move |tx| {
            let new = key_package::build(tx.mls(), &signer, &inbox_id)?;
            tx.insert_key_package(&NewKeyPackage {
                hash_ref: &new.hash_ref,
                init_public_key: &new.init_public_key,
                xwing_public_key: Some(&new.xwing_public_key),
                xwing_private_key: Some(&new.xwing_private_key),
                created_at_ns: now_ns,
            })?;
            Ok::<_, EngineError>(new.bytes)
        })
        .await?;
    network.upload_key_package(bytes).await.map_err(refusal)?;
    store
        .write(move |tx| {
            tx.supersede_key_packages(now_ns + ERASURE_NS)?;
            tx.set_next_key_package_rotation(Some(now_ns + ROTATION_NS))?;
            Ok::<_, EngineError>(())
        })
        .await
}

/// Whether the key package is due for replacement.
pub(crate) async fn is_due(store: &Store, clock: &dyn Clock) -> Result<bool, EngineError> {
    let account = store.read(|reader| reader.account()).await?;
    let next_ns = account
        .ok_or(EngineError::NoAccount)?
        .next_key_package_rotation_ns;
    Ok(next_ns.is_none_or(|next_ns| next_ns <= clock.now_ns()))
}

/// Erases the secrets whose time has come.
pub(crate) async fn erase_due(store: &Store, clock: &dyn Clock) -> Result<(), EngineError> {
    let now_ns = clock.now_ns();
    let due = store
        .read(move |reader| reader.key_packages_due(now_ns))
        .await?;
    if due.is_empty() {
        return Ok(());
    }
    store
        .write(move |tx| {
            for record in &due {
                key_package::erase(tx.mls(), &record.hash_ref)?;
                tx.delete_key_package(record.id)?;
            }
            Ok::<_, EngineError>(())
        })
        .await
}
