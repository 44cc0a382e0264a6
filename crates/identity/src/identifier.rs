//! Who can be a member of an inbox.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use conclave_proto::identity::associations::{
    IdentifierKind, MemberIdentifier as WireMember, Passkey as WirePasskey, member_identifier,
};
use serde::{Deserialize, Serialize};

use crate::IdentityError;

/// The 32-byte Ed25519 public key of one device. Its text form is 64 lower-case hexadecimal
/// digits (`identity.md` 5.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstallationId([u8; 32]);

impl InstallationId {
    /// The id with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for InstallationId {
    type Error = IdentityError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        <[u8; 32]>::try_from(bytes)
            .map(Self)
            .map_err(|_| IdentityError::InvalidInstallationId)
    }
}

impl FromStr for InstallationId {
    type Err = IdentityError;

    /// Reads 64 hexadecimal digits of any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdentityError::InvalidInstallationId)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for InstallationId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<InstallationId> for String {
    fn from(id: InstallationId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallationId({self})")
    }
}

/// A WebAuthn public key. Two passkeys are the same when their keys are; the relying party is
/// only carried along (`identity.md` 1.3).
#[derive(Debug, Clone)]
pub struct Passkey {
    /// SEC1 P-256 point, as it was given: 33 bytes, or 65 from writers that do not compress.
    pub key: Vec<u8>,
    /// Site that the passkey belongs to, where known.
    pub relying_party: Option<String>,
}

impl PartialEq for Passkey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Passkey {}

impl Hash for Passkey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for Passkey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Passkey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// A name that a person holds: it can found an inbox, recover one and be looked up.
///
/// The variants hold what the wire says, also where that is malformed; people's input goes through
/// [`Identifier::ethereum`] and [`Identifier::passkey`], which normalise and check it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifier {
    /// An Ethereum address, `0x` and 40 lower-case hexadecimal digits when normalised.
    Ethereum(String),
    /// A passkey.
    Passkey(Passkey),
}

impl Identifier {
    /// Reads an Ethereum address as a person types it: 40 digits of any case after `0x`.
    /// Checksums are not looked at (`identity.md` 1.3).
    ///
    /// # Errors
    /// [`IdentityError::InvalidAddress`] for anything else, [`IdentityError::InvalidAccountAddress`]
    /// where only the `0x` is missing.
    pub fn ethereum(text: &str) -> Result<Self, IdentityError> {
        let digits = text.strip_prefix("0x");
        let plain = digits.unwrap_or(text);
        if plain.len() != 40 || !plain.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(IdentityError::InvalidAddress(text.to_owned()));
        }
        if digits.is_none() {
            return Err(IdentityError::InvalidAccountAddress);
        }
        Ok(Self::Ethereum(text.to_ascii_lowercase()))
    }

    /// Takes a passkey's public key.
    ///
    /// # Errors
    /// [`IdentityError::InvalidPasskey`] unless the key is a P-256 point of 33 or 65 bytes.
    pub fn passkey(key: &[u8], relying_party: Option<String>) -> Result<Self, IdentityError> {
        if !matches!(key.len(), 33 | 65) || p256::PublicKey::from_sec1_bytes(key).is_err() {
            return Err(IdentityError::InvalidPasskey(key.len()));
        }
        Ok(Self::Passkey(Passkey {
            key: key.to_vec(),
            relying_party,
        }))
    }

    /// Takes the public key of a passkey that is to be added. It is written compressed, as one key in
    /// two encodings would be two members (`identity.md` 3.4).
    ///
    /// # Errors
    /// As [`Identifier::passkey`].
    pub fn new_passkey(key: &[u8], relying_party: Option<String>) -> Result<Self, IdentityError> {
        let invalid = || IdentityError::InvalidPasskey(key.len());
        let point = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| invalid())?;
        Self::passkey(point.to_encoded_point(true).as_bytes(), relying_party)
    }

    /// Reads a passkey's public key as a person types it: hexadecimal digits of any case, with or
    /// without `0x`.
    ///
    /// # Errors
    /// [`IdentityError::InvalidHex`], and those of [`Identifier::passkey`].
    pub fn passkey_text(text: &str, relying_party: Option<String>) -> Result<Self, IdentityError> {
        let key = hex::decode(text.strip_prefix("0x").unwrap_or(text))
            .map_err(|_| IdentityError::InvalidHex)?;
        Self::passkey(&key, relying_party)
    }

    /// Takes the text form and kind that lookups, founding and recovery changes carry
    /// (`identity.md` 2.1). Ethereum text stays as it is; a kind that is not set or not known is
    /// read as Ethereum, as every reader does.
    ///
    /// # Errors
    /// [`IdentityError::InvalidHex`] for a passkey that is no hexadecimal.
    pub fn from_wire(
        text: &str,
        kind: i32,
        relying_party: Option<String>,
    ) -> Result<Self, IdentityError> {
        match IdentifierKind::try_from(kind) {
            Ok(IdentifierKind::Passkey) => Ok(Self::Passkey(Passkey {
                key: hex::decode(text).map_err(|_| IdentityError::InvalidHex)?,
                relying_party,
            })),
            Ok(IdentifierKind::Unspecified | IdentifierKind::Ethereum) | Err(_) => {
                Ok(Self::Ethereum(text.to_owned()))
            }
        }
    }

    /// The kind as the wire names it.
    #[must_use]
    pub const fn wire_kind(&self) -> IdentifierKind {
        match self {
            Self::Ethereum(_) => IdentifierKind::Ethereum,
            Self::Passkey(_) => IdentifierKind::Passkey,
        }
    }

    /// The relying party, for passkeys that have one.
    #[must_use]
    pub fn relying_party(&self) -> Option<&str> {
        match self {
            Self::Ethereum(_) => None,
            Self::Passkey(passkey) => passkey.relying_party.as_deref(),
        }
    }
}

impl fmt::Display for Identifier {
    /// The address, or the key in lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ethereum(address) => f.write_str(address),
            Self::Passkey(passkey) => f.write_str(&hex::encode(&passkey.key)),
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberKind {
    /// An Ethereum address.
    Ethereum,
    /// An installation.
    Installation,
    /// A passkey.
    Passkey,
}

impl MemberKind {
    /// The name that error texts use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Installation => "installation",
            Self::Passkey => "passkey",
        }
    }
}

impl fmt::Display for MemberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A member of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberIdentifier {
    /// A person's identifier.
    Identifier(Identifier),
    /// A device.
    Installation(InstallationId),
}

impl MemberIdentifier {
    /// What this member is.
    #[must_use]
    pub const fn kind(&self) -> MemberKind {
        match self {
            Self::Identifier(Identifier::Ethereum(_)) => MemberKind::Ethereum,
            Self::Identifier(Identifier::Passkey(_)) => MemberKind::Passkey,
            Self::Installation(_) => MemberKind::Installation,
        }
    }

    /// The identifier, unless this is an installation.
    #[must_use]
    pub const fn identifier(&self) -> Option<&Identifier> {
        match self {
            Self::Identifier(identifier) => Some(identifier),
            Self::Installation(_) => None,
        }
    }

    /// The installation, unless this is an identifier.
    #[must_use]
    pub const fn installation(&self) -> Option<InstallationId> {
        match self {
            Self::Identifier(_) => None,
            Self::Installation(id) => Some(*id),
        }
    }
}

impl From<Identifier> for MemberIdentifier {
    fn from(identifier: Identifier) -> Self {
        Self::Identifier(identifier)
    }
}

impl From<InstallationId> for MemberIdentifier {
    fn from(id: InstallationId) -> Self {
        Self::Installation(id)
    }
}

impl From<&MemberIdentifier> for WireMember {
    fn from(member: &MemberIdentifier) -> Self {
        use member_identifier::Kind;
        let kind = match member {
            MemberIdentifier::Identifier(Identifier::Ethereum(address)) => {
                Kind::EthereumAddress(address.clone())
            }
            MemberIdentifier::Identifier(Identifier::Passkey(passkey)) => {
                Kind::Passkey(WirePasskey {
                    key: passkey.key.clone(),
                    relying_party: passkey.relying_party.clone(),
                })
            }
            MemberIdentifier::Installation(id) => {
                Kind::InstallationPublicKey(id.as_bytes().to_vec())
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<&WireMember> for MemberIdentifier {
    type Error = IdentityError;

    /// # Errors
    /// [`IdentityError::MissingField`] without a kind, [`IdentityError::InvalidInstallationId`]
    /// for an installation whose key is not 32 bytes.
    fn try_from(wire: &WireMember) -> Result<Self, Self::Error> {
        use member_identifier::Kind;
        match wire.kind.as_ref() {
            Some(Kind::EthereumAddress(address)) => {
                Ok(Identifier::Ethereum(address.clone()).into())
            }
            Some(Kind::InstallationPublicKey(key)) => {
                InstallationId::try_from(key.as_slice()).map(Self::from)
            }
            Some(Kind::Passkey(passkey)) => Ok(Identifier::Passkey(Passkey {
                key: passkey.key.clone(),
                relying_party: passkey.relying_party.clone(),
            })
            .into()),
            None => Err(IdentityError::MissingField("member_identifier")),
        }
    }
}
