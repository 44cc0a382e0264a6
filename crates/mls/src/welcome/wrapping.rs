//! The outer layers of a welcome (`groups.md` 5.2 to 5.4).

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use conclave_identity::InstallationId;
use conclave_proto::mls::api::v1::{
    WelcomeMessageInput, welcome_message, welcome_message_input as input,
};
use conclave_proto::mls::message_contents as proto;
use openmls::prelude::OpenMlsRand;
use prost::Message;
use zeroize::Zeroizing;

use super::WelcomeError;
use crate::hpke::{self, WrapperAlgorithm};
use crate::key_package::{VerifiedKeyPackage, WrapperKey};

/// Pointers are used when more than this many recipients understand them.
pub const POINTER_THRESHOLD: usize = 2;

/// A device that a commit adds, and how to reach it. Serialisable, to be kept until the commit has
/// come back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WelcomeRecipient {
    /// The device; its welcome topic.
    pub installation_id: InstallationId,
    /// Key of its key package.
    pub wrapper: WrapperKey,
    /// Whether it understands pointers.
    pub pointer_capable: bool,
}

impl From<&VerifiedKeyPackage> for WelcomeRecipient {
    fn from(key_package: &VerifiedKeyPackage) -> Self {
        Self {
            installation_id: key_package.installation_id,
            wrapper: key_package.wrapper.clone(),
            pointer_capable: key_package.pointer_capable,
        }
    }
}

/// Welcomes for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltWelcomes {
    /// In sending order: the pointee first, if there is one.
    pub messages: Vec<WelcomeMessageInput>,
    /// Devices whose key cannot be encrypted to; they stay without a welcome.
    pub unreachable: Vec<InstallationId>,
}

/// Wraps `inner` (an [`BuiltCommit`](crate::commit::BuiltCommit)'s welcome) for each recipient.
/// `message_cursor` is the sequence id that the node gave the commit, 0 if unknown.
///
/// # Errors
/// [`WelcomeError::Randomness`].
pub fn build(
    rand: &impl OpenMlsRand,
    inner: &[u8],
    recipients: &[WelcomeRecipient],
    message_cursor: u64,
) -> Result<BuiltWelcomes, WelcomeError> {
    let metadata = proto::WelcomeMetadata { message_cursor }.encode_to_vec();
    let by_pointer = |recipient: &&WelcomeRecipient| {
        recipient.pointer_capable && recipient.wrapper.algorithm == WrapperAlgorithm::XWing
    };
    let mut built = BuiltWelcomes {
        messages: Vec::new(),
        unreachable: Vec::new(),
    };
    let pointer = if recipients.iter().filter(by_pointer).count() > POINTER_THRESHOLD {
        let pointer = Pointer::generate(rand)?;
        built.messages.push(v1(pointer.seal(inner, &metadata)?));
        Some(Zeroizing::new(pointer.encode()))
    } else {
        None
    };
    for recipient in recipients {
        let message = match &pointer {
            Some(pointer) if by_pointer(&recipient) => wrap_pointer(recipient, pointer),
            _ => wrap(recipient, inner, &metadata),
        };
        match message {
            Ok(message) => built.messages.push(message),
            Err(_) => built.unreachable.push(recipient.installation_id),
        }
    }
    Ok(built)
}

const fn v1(message: input::V1) -> WelcomeMessageInput {
    WelcomeMessageInput {
        version: Some(input::Version::V1(message)),
    }
}

fn wrap(
    recipient: &WelcomeRecipient,
    inner: &[u8],
    metadata: &[u8],
) -> Result<WelcomeMessageInput, hpke::HpkeError> {
    let WrapperKey {
        algorithm,
        public_key,
    } = &recipient.wrapper;
    let sealed = hpke::seal(*algorithm, public_key, inner, metadata)?;
    Ok(v1(input::V1 {
        installation_key: recipient.installation_id.as_bytes().to_vec(),
        data: sealed.first,
        hpke_public_key: public_key.clone(),
        wrapper_algorithm: match algorithm {
            WrapperAlgorithm::Curve25519 => proto::WelcomeWrapperAlgorithm::Curve25519,
            WrapperAlgorithm::XWing => proto::WelcomeWrapperAlgorithm::XwingMlkem768Draft6,
        }
        .into(),
        welcome_metadata: sealed.second,
    }))
}

fn wrap_pointer(
    recipient: &WelcomeRecipient,
    pointer: &[u8],
) -> Result<WelcomeMessageInput, hpke::HpkeError> {
    // The official sender seals empty metadata as well and throws it away; nobody sees it.
    let sealed = hpke::seal(
        WrapperAlgorithm::XWing,
        &recipient.wrapper.public_key,
        pointer,
        &[],
    )?;
    Ok(WelcomeMessageInput {
        version: Some(input::Version::WelcomePointer(input::WelcomePointer {
            installation_key: recipient.installation_id.as_bytes().to_vec(),
            welcome_pointer: sealed.first,
            hpke_public_key: recipient.wrapper.public_key.clone(),
            wrapper_algorithm: proto::WelcomePointerWrapperAlgorithm::XwingMlkem768Draft6.into(),
        })),
    })
}

/// An unwrapped welcome.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedWelcome {
    /// TLS `MlsMessage(Welcome)`.
    pub inner: Zeroizing<Vec<u8>>,
    /// Sequence id of the commit that added us; `None` if the sender says nothing readable.
    pub message_cursor: Option<u64>,
}

impl std::fmt::Debug for OpenedWelcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedWelcome")
            .field("message_cursor", &self.message_cursor)
            .finish_non_exhaustive()
    }
}

/// How a welcome is wrapped, by the number on the wire: which of the two private keys that belong
/// to its `hpke_public_key` opens it.
///
/// # Errors
/// [`WelcomeError::Algorithm`] for a symmetric or unknown one.
pub fn wrapper_algorithm(welcome: &welcome_message::V1) -> Result<WrapperAlgorithm, WelcomeError> {
    use proto::WelcomeWrapperAlgorithm as Wire;
    match Wire::try_from(welcome.wrapper_algorithm) {
        Ok(Wire::Unspecified | Wire::Curve25519) => Ok(WrapperAlgorithm::Curve25519),
        Ok(Wire::XwingMlkem768Draft6) => Ok(WrapperAlgorithm::XWing),
        Ok(Wire::SymmetricKey) | Err(_) => Err(WelcomeError::Algorithm),
    }
}

/// Unwraps a welcome with the private key that belongs to its `hpke_public_key`: the init key for
/// Curve25519, the X-Wing seed for X-Wing (see [`wrapper_algorithm`]).
///
/// # Errors
/// [`WelcomeError::Undecryptable`], [`WelcomeError::Algorithm`].
pub fn open(
    welcome: &welcome_message::V1,
    private_key: &[u8],
) -> Result<OpenedWelcome, WelcomeError> {
    let algorithm = wrapper_algorithm(welcome)?;
    let opened = hpke::open(
        algorithm,
        private_key,
        &welcome.data,
        &welcome.welcome_metadata,
    )
    .map_err(|_| WelcomeError::Undecryptable)?;
    Ok(OpenedWelcome {
        inner: opened.first,
        // Unreadable metadata is ignored here (`groups.md` 5.5).
        message_cursor: opened.second.and_then(|bytes| read_cursor(&bytes).ok()),
    })
}

fn read_cursor(metadata: &[u8]) -> Result<u64, WelcomeError> {
    proto::WelcomeMetadata::decode(metadata)
        .map(|metadata| metadata.message_cursor)
        .map_err(|_| WelcomeError::Malformed("metadata"))
}

/// Where a welcome lies and how to decrypt it. Everything in it is secret but the destination.
#[derive(Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The topic to query; take its first message.
    pub destination: [u8; 32],
    key: Zeroizing<[u8; 32]>,
    data_nonce: [u8; 12],
    metadata_nonce: [u8; 12],
}

impl std::fmt::Debug for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pointer").finish_non_exhaustive()
    }
}

impl Pointer {
    fn generate(rand: &impl OpenMlsRand) -> Result<Self, WelcomeError> {
        let data_nonce: [u8; 12] = random(rand)?;
        let mut metadata_nonce: [u8; 12] = random(rand)?;
        // Both texts are sealed with one key: the nonces must differ.
        while metadata_nonce == data_nonce {
            metadata_nonce = random(rand)?;
        }
        Ok(Self {
            destination: random(rand)?,
            key: Zeroizing::new(random(rand)?),
            data_nonce,
            metadata_nonce,
        })
    }

    /// Protobuf bytes, to be kept with an unfinished join as well.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        use proto::welcome_pointer::{Version, WelcomeV1Pointer};
        proto::WelcomePointer {
            version: Some(Version::WelcomeV1Pointer(WelcomeV1Pointer {
                destination: self.destination.to_vec(),
                aead_type: proto::WelcomePointeeEncryptionAeadType::Chacha20Poly1305.into(),
                encryption_key: self.key.to_vec(),
                data_nonce: self.data_nonce.to_vec(),
                welcome_metadata_nonce: self.metadata_nonce.to_vec(),
            })),
        }
        .encode_to_vec()
    }

    /// Reads what [`Pointer::encode`] wrote.
    ///
    /// # Errors
    /// [`WelcomeError::Malformed`] for other bytes or lengths, [`WelcomeError::Algorithm`] for
    /// another cipher.
    pub fn decode(bytes: &[u8]) -> Result<Self, WelcomeError> {
        use proto::welcome_pointer::Version;
        let malformed = || WelcomeError::Malformed("pointer");
        let Some(Version::WelcomeV1Pointer(message)) = proto::WelcomePointer::decode(bytes)
            .map_err(|_| malformed())?
            .version
        else {
            return Err(malformed());
        };
        if message.aead_type() != proto::WelcomePointeeEncryptionAeadType::Chacha20Poly1305 {
            return Err(WelcomeError::Algorithm);
        }
        let key = Zeroizing::new(message.encryption_key);
        Ok(Self {
            destination: message.destination.try_into().map_err(|_| malformed())?,
            key: Zeroizing::new(key.as_slice().try_into().map_err(|_| malformed())?),
            data_nonce: message.data_nonce.try_into().map_err(|_| malformed())?,
            metadata_nonce: message
                .welcome_metadata_nonce
                .try_into()
                .map_err(|_| malformed())?,
        })
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.key.as_ref().into())
    }

    fn seal(&self, inner: &[u8], metadata: &[u8]) -> Result<input::V1, WelcomeError> {
        let cipher = self.cipher();
        let seal = |nonce: &[u8; 12], text: &[u8]| {
            cipher
                .encrypt(nonce.into(), text)
                // Beyond 256 GiB only.
                .map_err(|_| WelcomeError::Malformed("too long"))
        };
        Ok(input::V1 {
            installation_key: self.destination.to_vec(),
            data: seal(&self.data_nonce, inner)?,
            hpke_public_key: Vec::new(),
            wrapper_algorithm: proto::WelcomeWrapperAlgorithm::SymmetricKey.into(),
            welcome_metadata: seal(&self.metadata_nonce, metadata)?,
        })
    }
}

fn random<const N: usize>(rand: &impl OpenMlsRand) -> Result<[u8; N], WelcomeError> {
    rand.random_array().map_err(|_| WelcomeError::Randomness)
}

/// Unwraps a pointer with the X-Wing seed that belongs to its `hpke_public_key`.
///
/// # Errors
/// [`WelcomeError::Undecryptable`], [`WelcomeError::Algorithm`], [`WelcomeError::Malformed`].
pub fn open_pointer(
    welcome: &welcome_message::WelcomePointer,
    private_key: &[u8],
) -> Result<Pointer, WelcomeError> {
    if welcome.wrapper_algorithm() != proto::WelcomePointerWrapperAlgorithm::XwingMlkem768Draft6 {
        return Err(WelcomeError::Algorithm);
    }
    let opened = hpke::open(
        WrapperAlgorithm::XWing,
        private_key,
        &welcome.welcome_pointer,
        &[],
    )
    .map_err(|_| WelcomeError::Undecryptable)?;
    Pointer::decode(&opened.first)
}

/// Decrypts the first message of a pointer's destination. It must be a `V1`; a pointer to a pointer
/// is an error that the caller sees by the message's type.
///
/// # Errors
/// [`WelcomeError::Undecryptable`], [`WelcomeError::Algorithm`], [`WelcomeError::Malformed`] for
/// unreadable metadata.
pub fn open_pointee(
    welcome: &welcome_message::V1,
    pointer: &Pointer,
) -> Result<OpenedWelcome, WelcomeError> {
    if welcome.wrapper_algorithm() != proto::WelcomeWrapperAlgorithm::SymmetricKey {
        return Err(WelcomeError::Algorithm);
    }
    let cipher = pointer.cipher();
    let open = |nonce: &[u8; 12], text: &[u8]| {
        cipher
            .decrypt(nonce.into(), text)
            .map_err(|_| WelcomeError::Undecryptable)
    };
    let inner = Zeroizing::new(open(&pointer.data_nonce, &welcome.data)?);
    let metadata = open(&pointer.metadata_nonce, &welcome.welcome_metadata)?;
    Ok(OpenedWelcome {
        inner,
        message_cursor: if metadata.is_empty() {
            None
        } else {
            Some(read_cursor(&metadata)?)
        },
    })
}
