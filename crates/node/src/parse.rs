//! What the node reads out of the bytes that clients send.
//!
//! Everything here takes any bytes at all: it answers with an error, and neither panics nor
//! allocates more than a small multiple of its input. The functions are the entry points of the
//! fuzz targets.

use conclave_proto::identity::MlsCredential;
use openmls::prelude::tls_codec::Deserialize as _;
use openmls::prelude::{
    BasicCredential, ContentType, KeyPackageIn, MlsMessageIn, OpenMlsProvider, ProtocolVersion,
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use prost::Message as _;

use crate::limits::{
    GROUP_ID_BYTES, GROUP_MESSAGE_BYTES, INSTALLATION_KEY_BYTES, KEY_PACKAGE_BYTES,
};

/// Why bytes were refused. The texts go to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No bytes at all.
    #[error("message is empty")]
    Empty,
    /// More bytes than the node takes.
    #[error("{len} bytes are more than the {bound} bytes that this node takes")]
    TooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        bound: usize,
    },
    /// Not what it should be; the text says what the decoder said.
    #[error("{0}")]
    Malformed(String),
    /// An MLS message of a kind that does not belong to a group's topic.
    #[error("only public and private messages belong to a group")]
    WrongWireFormat,
    /// A message of no group.
    #[error("group id is empty")]
    NoGroup,
    /// A group id that is too long.
    #[error("the group id is longer than {GROUP_ID_BYTES} bytes")]
    LongGroupId,
    /// A credential that is not an XMTP one.
    #[error("the credential is not a basic credential with an inbox id")]
    Credential,
    /// A signature key that cannot be an installation.
    #[error("the signature key is not {INSTALLATION_KEY_BYTES} bytes long")]
    InstallationKey,
}

impl ParseError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(_) => "malformed",
            Self::WrongWireFormat => "wrong_wire_format",
            Self::NoGroup => "no_group",
            Self::LongGroupId => "long_group_id",
            Self::Credential => "wrong_credential",
            Self::InstallationKey => "wrong_installation_key",
        }
    }
}

/// What the framing of a group message says in the clear (RFC 9420 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFraming {
    /// The group, 1 to 64 bytes.
    pub group_id: Vec<u8>,
    /// Whether the content is a Commit.
    pub is_commit: bool,
    /// Whether the content is a Proposal.
    pub is_proposal: bool,
}

/// Reads the framing of one group message: a TLS-encoded MLSMessage with a PublicMessage or
/// PrivateMessage. Bytes after it are tolerated, as all readers do (`node.md` 3.1).
///
/// # Errors
/// [`ParseError`].
pub fn group_message(data: &[u8]) -> Result<GroupFraming, ParseError> {
    if data.is_empty() {
        return Err(ParseError::Empty);
    }
    bounded(data, GROUP_MESSAGE_BYTES)?;
    let mut rest = data;
    // The reading decoder, not the slicing one: the latter has debug assertions on lengths.
    let message = MlsMessageIn::tls_deserialize(&mut rest)
        .map_err(|error| ParseError::Malformed(error.to_string()))?
        .try_into_protocol_message()
        .map_err(|_| ParseError::WrongWireFormat)?;
    let group_id = message.group_id().as_slice();
    if group_id.is_empty() {
        return Err(ParseError::NoGroup);
    }
    if group_id.len() > GROUP_ID_BYTES {
        return Err(ParseError::LongGroupId);
    }
    Ok(GroupFraming {
        group_id: group_id.to_vec(),
        is_commit: message.content_type() == ContentType::Commit,
        is_proposal: message.content_type() == ContentType::Proposal,
    })
}

/// Checks an uploaded key package (`identity.md` 6.6): exactly one bare KeyPackage of MLS 1.0 with
/// good signatures and a current lifetime, by a basic credential that names an inbox. Whether the
/// installation belongs to that inbox is not asked: the package comes first (`node.md` 1.2).
///
/// Returns the installation key, 32 bytes.
///
/// # Errors
/// [`ParseError`].
pub fn key_package(data: &[u8]) -> Result<Vec<u8>, ParseError> {
    bounded(data, KEY_PACKAGE_BYTES)?;
    let malformed = |error: &dyn ToString| ParseError::Malformed(error.to_string());
    let mut rest = data;
    let parsed = KeyPackageIn::tls_deserialize(&mut rest).map_err(|error| malformed(&error))?;
    if !rest.is_empty() {
        return Err(ParseError::Malformed(
            "bytes follow the key package".to_owned(),
        ));
    }
    let provider = OpenMlsRustCrypto::default();
    let key_package = parsed
        .validate(provider.crypto(), ProtocolVersion::Mls10)
        .map_err(|error| malformed(&error))?;
    let leaf = key_package.leaf_node();
    let credential =
        BasicCredential::try_from(leaf.credential().clone()).map_err(|_| ParseError::Credential)?;
    MlsCredential::decode(credential.identity()).map_err(|_| ParseError::Credential)?;
    let installation_key = leaf.signature_key().as_slice();
    if installation_key.len() != INSTALLATION_KEY_BYTES {
        return Err(ParseError::InstallationKey);
    }
    Ok(installation_key.to_vec())
}

fn bounded(data: &[u8], bound: usize) -> Result<(), ParseError> {
    if data.len() > bound {
        return Err(ParseError::TooLarge {
            len: data.len(),
            bound,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
