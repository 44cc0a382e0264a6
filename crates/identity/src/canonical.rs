//! Signatures that readers take for different though they are one (`identity.md` 3.6).

use std::collections::BTreeSet;

use conclave_proto::identity::associations::{
    IdentityAction, IdentityUpdate, Signature, identity_action, signature,
};

use crate::IdentityError;
use crate::signature::{canonical_passkey, canonical_recoverable, certificate_signature};

/// The canonical bytes of every signature of `update`, in the order of the actions: S in the
/// lower half, V reduced to parity. Readers record V as sent, so an old update can come again with
/// another V. They must go on accepting that, but a node need not append it: refusing at
/// publication never makes two readers of one log disagree.
///
/// # Errors
/// Where a signature does not decode; an update that [`crate::verify_update`] accepts has none
/// such.
pub fn canonical_signatures(update: &IdentityUpdate) -> Result<Vec<Vec<u8>>, IdentityError> {
    update
        .actions
        .iter()
        .flat_map(signatures)
        .map(canonical)
        .collect()
}

/// Whether `update` carries a signature, in whatever form, that an update of `log` carries. A node
/// asks this before it appends, after the rules of the inbox.
///
/// # Errors
/// As [`canonical_signatures`].
pub fn repeats_signature<'a>(
    log: impl IntoIterator<Item = &'a IdentityUpdate>,
    update: &IdentityUpdate,
) -> Result<bool, IdentityError> {
    let new: BTreeSet<_> = canonical_signatures(update)?.into_iter().collect();
    for old in log {
        if canonical_signatures(old)?
            .iter()
            .any(|signature| new.contains(signature))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn signatures(action: &IdentityAction) -> Vec<&Signature> {
    use identity_action::Kind;
    let (first, second) = match action.kind.as_ref() {
        None => (None, None),
        Some(Kind::CreateInbox(create)) => (create.initial_identifier_signature.as_ref(), None),
        Some(Kind::Add(add)) => (
            add.existing_member_signature.as_ref(),
            add.new_member_signature.as_ref(),
        ),
        Some(Kind::Revoke(revoke)) => (revoke.recovery_identifier_signature.as_ref(), None),
        Some(Kind::ChangeRecoveryAddress(change)) => {
            (change.existing_recovery_identifier_signature.as_ref(), None)
        }
    };
    first.into_iter().chain(second).collect()
}

fn canonical(signature: &Signature) -> Result<Vec<u8>, IdentityError> {
    use signature::Signature as Kind;
    match signature.signature.as_ref() {
        None => Err(IdentityError::MissingField("signature")),
        Some(Kind::Erc191(signature)) => canonical_recoverable(&signature.bytes),
        // What a contract takes for the same signature, only the contract knows.
        Some(Kind::Erc6492(signature)) => Ok(signature.signature.clone()),
        Some(Kind::InstallationKey(signature)) => Ok(signature.bytes.clone()),
        Some(Kind::DelegatedErc191(signature)) => {
            let key = signature
                .delegated_key
                .as_ref()
                .ok_or(IdentityError::MissingField("delegated_key"))?;
            canonical_recoverable(&certificate_signature(key)?)
        }
        Some(Kind::Passkey(signature)) => canonical_passkey(signature),
    }
}
