//! Why an identifier, a signature or an update was refused.

use crate::{InboxId, MAX_INSTALLATIONS, MemberKind, SignatureKind, VerifierError};

/// A refusal. The texts of the rule and signature errors are those of the reference
/// implementation, because nodes hand them to clients of every make (`identity.md` 4.2, 3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Text that is no Ethereum address.
    #[error("invalid addresses: [{0:?}]")]
    InvalidAddress(String),
    /// An address without `0x`, or one that cannot found an inbox.
    #[error("Invalid account address: Must be 42 hex characters, starting with '0x'.")]
    InvalidAccountAddress,
    /// Passkey text that is no hexadecimal.
    #[error("address is invalid hex address")]
    InvalidHex,
    /// A passkey that is no SEC1 P-256 point of 33 or 65 bytes.
    #[error("a passkey is a P-256 public key of 33 or 65 bytes, not of {0} bytes")]
    InvalidPasskey(usize),
    /// Text that is no inbox id.
    #[error("an inbox id is 64 lower-case hexadecimal digits")]
    InvalidInboxId,
    /// Bytes or text that are no installation id.
    #[error("an installation id is 32 bytes, 64 hexadecimal digits")]
    InvalidInstallationId,
    /// Text or bytes that are no secp256k1 private key.
    #[error("a wallet key is 32 bytes, 64 hexadecimal digits, and not zero")]
    InvalidWalletKey,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Randomness,

    /// A wire message lacks a field that must be there.
    #[error("missing field {0}")]
    MissingField(&'static str),
    /// A wire field has a length that cannot be.
    #[error("type {field} has invalid length. expected {expected} got {actual}")]
    InvalidLength {
        /// Name of the field.
        field: &'static str,
        /// Length or number of parts that it must have.
        expected: usize,
        /// Length or number of parts that it has.
        actual: usize,
    },
    /// A wire field holds something that cannot be.
    #[error("field {0} is malformed")]
    Malformed(&'static str),

    /// A recoverable signature that is not 65 bytes.
    #[error("expected exactly 65 bytes")]
    SignatureLength,
    /// A secp256k1 or P-256 signature that is out of range or does not fit.
    #[error("signature is malformed or does not verify")]
    Ecdsa,
    /// The recovery byte of a recoverable signature.
    #[error("invalid parity: {0}")]
    InvalidParity(u64),
    /// An Ed25519ph signature that does not verify.
    #[error("ed25519 Signature failed {0}")]
    Ed25519(String),
    /// A text signature that is not 64 bytes.
    #[error("signature_bytes is not 64 bytes long.")]
    Ed25519SignatureLength,
    /// A public key that is not 32 bytes.
    #[error("public_key is not 32 bytes long.")]
    Ed25519KeyLength,
    /// A WebAuthn client data record that does not fit the text.
    #[error("client_data is invalid")]
    ClientData,
    /// We are about to produce a passkey signature that the authenticator made without the user.
    #[error("the passkey signature was made without the user's presence or for another site")]
    PasskeyPresence,
    /// A signature that verifies for nobody.
    #[error("Signature validation failed")]
    SignatureInvalid,
    /// The chain of a smart-contract wallet is no Ethereum chain.
    #[error("Chain ID is not prefixed with eip155:")]
    NotEip155,
    /// The chain number of a smart-contract wallet is no number.
    #[error("Chain ID is not a valid u64")]
    InvalidChainId,
    /// A smart-contract wallet could not be checked.
    #[error("{0}")]
    Verifier(#[from] VerifierError),

    /// A second CreateInbox.
    #[error("Multiple create operations detected")]
    MultipleCreate,
    /// Anything but CreateInbox at the start of a log, or an empty log.
    #[error("XID not yet created")]
    NotCreated,
    /// The signer is neither a member nor the recovery identifier.
    #[error("Missing existing member")]
    MissingExistingMember,
    /// A kind of signature that this kind of member cannot make.
    #[error("Signature not allowed for role {:?} {:?}", .0.as_str(), .1.as_str())]
    SignatureNotAllowed(MemberKind, SignatureKind),
    /// A legacy signature where only nonce-0 inboxes have one.
    #[error("Legacy key is only allowed to be associated using a legacy signature with nonce 0")]
    LegacySignatureReuse,
    /// A signature that an earlier update of the inbox carries.
    #[error("Replay detected")]
    Replay,
    /// The new member did not sign for itself.
    #[error("The new member identifier does not match the signer")]
    NewMemberMismatch,
    /// A member adds itself.
    #[error("Error creating association tried to add self")]
    AddSelf,
    /// A smart-contract wallet signs from another chain than it was added from.
    #[error("Wrong chain id. Initially added with {added} but now signing from {signing}")]
    WrongChainId {
        /// Chain when added, 0 for none.
        added: u64,
        /// Chain of this signature, 0 for none.
        signing: u64,
    },
    /// A member of this kind may not add one of that kind.
    #[error("Member of kind {0} not allowed to add {1}")]
    MemberNotAllowed(MemberKind, MemberKind),
    /// The update names another inbox than the one it leads to.
    #[error("Wrong inbox_id specified on association")]
    WrongInboxId,

    /// The inbox has as many installations as a registering client allows.
    #[error(
        "Cannot register a new installation because the InboxID {inbox_id} has already registered \
         {count}/{} installations. Please revoke existing installations first.",
        MAX_INSTALLATIONS
    )]
    TooManyInstallations {
        /// The inbox.
        inbox_id: InboxId,
        /// Its installations.
        count: usize,
    },
    /// A signature by somebody who is not asked to sign.
    #[error("Unknown signer")]
    UnknownSigner,
    /// An update is not signed by everybody who must.
    #[error("Required signature was not provided")]
    MissingSignature,
}

impl IdentityError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidAddress(_) => "invalid_address",
            Self::InvalidAccountAddress => "invalid_account_address",
            Self::InvalidHex => "invalid_hex",
            Self::InvalidPasskey(_) => "invalid_passkey",
            Self::InvalidInboxId => "invalid_inbox_id",
            Self::InvalidInstallationId => "invalid_installation_id",
            Self::InvalidWalletKey => "invalid_wallet_key",
            Self::Randomness => "no_randomness",
            Self::MissingField(_) => "missing_field",
            Self::InvalidLength { .. } => "invalid_length",
            Self::Malformed(_) => "malformed_field",
            Self::SignatureLength => "signature_length",
            Self::Ecdsa => "ecdsa_signature_invalid",
            Self::InvalidParity(_) => "signature_parity_invalid",
            Self::Ed25519(_) => "ed25519_signature_invalid",
            Self::Ed25519SignatureLength => "ed25519_signature_length",
            Self::Ed25519KeyLength => "ed25519_key_length",
            Self::ClientData => "passkey_client_data_invalid",
            Self::PasskeyPresence => "passkey_presence_missing",
            Self::SignatureInvalid => "signature_invalid",
            Self::NotEip155 => "chain_not_eip155",
            Self::InvalidChainId => "chain_id_invalid",
            Self::Verifier(_) => "smart_contract_unchecked",
            Self::MultipleCreate => "multiple_create",
            Self::NotCreated => "inbox_not_created",
            Self::MissingExistingMember => "missing_existing_member",
            Self::SignatureNotAllowed(..) => "signature_not_allowed",
            Self::LegacySignatureReuse => "legacy_signature_reuse",
            Self::Replay => "replay",
            Self::NewMemberMismatch => "new_member_mismatch",
            Self::AddSelf => "add_self",
            Self::WrongChainId { .. } => "wrong_chain_id",
            Self::MemberNotAllowed(..) => "member_not_allowed",
            Self::WrongInboxId => "wrong_inbox_id",
            Self::TooManyInstallations { .. } => "too_many_installations",
            Self::UnknownSigner => "unknown_signer",
            Self::MissingSignature => "missing_signature",
        }
    }

    /// Whether the same call may succeed later: only where a chain could not be asked.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Verifier(_) | Self::Randomness)
    }
}
