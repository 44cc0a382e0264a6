//! Leaves: who stands behind a place in the tree.

use conclave_identity::InstallationId;
use conclave_proto::identity::MlsCredential;
use openmls::credentials::{BasicCredential, Credential, CredentialType, CredentialWithKey};
use openmls::group::Member;
use openmls::prelude::LeafNode;
use prost::Message;

/// One leaf of the tree: one device of one inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Place in the tree.
    pub index: u32,
    /// The inbox that the leaf's credential names. Empty where the credential cannot be read,
    /// which only a hostile member can bring about.
    pub inbox_id: String,
    /// The device: the leaf's signature key.
    pub installation_id: InstallationId,
}

impl Leaf {
    /// Reads a member of the tree. `None` for a signature key that is not 32 bytes long, which the
    /// group's ciphersuite rules out.
    pub(crate) fn of(member: &Member) -> Option<Self> {
        Some(Self {
            index: member.index.u32(),
            inbox_id: inbox_id_of(&member.credential).unwrap_or_default(),
            installation_id: member.signature_key.as_slice().try_into().ok()?,
        })
    }
}

/// The credential of one device of `inbox_id` (`identity.md` 5.2).
pub(crate) fn credential(inbox_id: &str, installation_id: &InstallationId) -> CredentialWithKey {
    let identity = MlsCredential {
        inbox_id: inbox_id.to_owned(),
    }
    .encode_to_vec();
    CredentialWithKey {
        credential: BasicCredential::new(identity).into(),
        signature_key: installation_id.as_bytes().to_vec().into(),
    }
}

/// The inbox that a credential names; `None` if it is not basic or does not decode.
pub(crate) fn inbox_id_of(credential: &Credential) -> Option<String> {
    if credential.credential_type() != CredentialType::Basic {
        return None;
    }
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    MlsCredential::decode(basic.identity())
        .ok()
        .map(|credential| credential.inbox_id)
}

/// The device of a leaf node.
pub(crate) fn installation_of(leaf: &LeafNode) -> Option<InstallationId> {
    leaf.signature_key().as_slice().try_into().ok()
}
