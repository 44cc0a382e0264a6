//! The engine's error: one stable code and one sentence for the person each.

use conclave_content::ContentError;
use conclave_identity::IdentityError;
use conclave_network::NetworkError;
use conclave_store::StoreError;

use crate::wallet::WalletError;

/// Somebody who could not be added, removed or resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The address or inbox id as it was given.
    pub who: String,
    /// Why.
    pub reason: RefusedReason,
}

/// Why somebody could not be added, removed or resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedReason {
    /// Neither an address nor an inbox id.
    Malformed,
    /// The network has no inbox for it.
    NotRegistered,
    /// The inbox has no installation that can be added: none at all, or only expired or missing
    /// key packages.
    NoInstallation,
    /// It is ourselves.
    OurSelf,
    /// Not a member, so it can't be removed.
    NotMember,
}

impl RefusedReason {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotRegistered => "not_registered",
            Self::NoInstallation => "no_installation",
            Self::OurSelf => "is_self",
            Self::NotMember => "not_member",
        }
    }

    /// A sentence for the person.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Malformed => {
                "This is neither an address (0x and 40 hexadecimal characters) nor an inbox id (64 hexadecimal characters)."
            }
            Self::NotRegistered => {
                "Nobody with this address or inbox id is on this network. Ask them to open a messenger on it once."
            }
            Self::NoInstallation => {
                "None of this person's devices can be added at the moment, because their keys are missing or expired. Ask them to open their messenger, then add them again."
            }
            Self::OurSelf => "This is you.",
            Self::NotMember => "This person is not a member.",
        }
    }
}

/// Why an operation failed. Unless a variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The local database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A wallet.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// Content to send.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// An identity log, a key or a signature.
    #[error("An identity could not be checked: {0}.")]
    Identity(#[from] IdentityError),
    /// A group rule or its state.
    #[error("The group's keys refused the operation: {0}. Sync the conversation and try again.")]
    Mls(String),
    /// The data folder has no account.
    #[error("There is no account here yet. Create one first.")]
    NoAccount,
    /// The data folder has an account already.
    #[error("There is an account here already. Use another data folder for another person.")]
    AccountExists,
    /// Registration was begun and not finished.
    #[error("The registration is not finished. Continue it; the same keys are used again.")]
    NotRegistered,
    /// Registration was begun with another wallet.
    #[error("The registration was begun with the wallet {0}. Use that wallet to finish it.")]
    OtherWallet(String),
    /// The inbox has as many installations as it may have.
    #[error(
        "This inbox has {0} of 10 installations. Revoke one on another device first; then come back."
    )]
    TooManyInstallations(usize),
    /// No such conversation.
    #[error("There is no conversation with this id here. Sync first, or check the id.")]
    UnknownConversation,
    /// No such message.
    #[error("There is no message with this id here.")]
    UnknownMessage,
    /// We are no longer a member.
    #[error(
        "You are no longer a member of this conversation. Its history stays; nothing can be sent."
    )]
    Inactive,
    /// The group wants a newer version.
    #[error(
        "This conversation needs a newer version of the app ({0}). Update; until then nothing is sent or received in it, and nothing is lost."
    )]
    Paused(String),
    /// The group's state differs from that of others.
    #[error(
        "This conversation is out of step with the others. Ask an admin to remove and add you again; your history stays."
    )]
    Forked,
    /// Names in a list that can't be used, each with its reason.
    #[error("{}", people(.0))]
    People(Vec<Refused>),
    /// More people than a group may have.
    #[error("A group has at most {0} people.")]
    TooManyPeople(usize),
    /// A direct message with oneself or of more than two.
    #[error("{0}")]
    DirectMessage(&'static str),
    /// A policy of the group says no.
    #[error("The group's rules do not let you do this: {0}.")]
    Denied(String),
    /// A metadata value is longer than the protocol allows.
    #[error("{field} has {bytes} bytes; at most {limit} are allowed. Shorten it.")]
    MetadataTooLong {
        /// Attribute key.
        field: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A change was tried three times and others' changes always came first. It is still queued.
    #[error(
        "Others changed the group at the same time. Your change waits and goes out with the next sync."
    )]
    Unsettled,
    /// A change was given up.
    #[error("The change could not be made: {0}. The group is as it was; try again.")]
    GivenUp(String),
    /// Text that is no id.
    #[error("{0} is not a valid id.")]
    InvalidId(String),
    /// The node and this computer disagree about the time.
    #[error(
        "The network refused this computer's keys because the clocks disagree. Set this computer's date and time, then try again; nothing was changed."
    )]
    Clock,
}

impl From<conclave_mls::MlsError> for EngineError {
    fn from(error: conclave_mls::MlsError) -> Self {
        match error {
            conclave_mls::MlsError::Inactive => Self::Inactive,
            other => Self::Mls(other.to_string()),
        }
    }
}

impl From<conclave_mls::extensions::ExtensionError> for EngineError {
    fn from(error: conclave_mls::extensions::ExtensionError) -> Self {
        Self::Mls(error.to_string())
    }
}

/// One sentence for one person, a list for many.
fn people(refused: &[Refused]) -> String {
    match refused {
        [one] => format!("{}: {}", one.who, one.reason.message()),
        many => {
            let list: Vec<_> = many
                .iter()
                .map(|one| format!("{} ({})", one.who, one.reason.code()))
                .collect();
            format!(
                "These people can't be used: {}. Mend or leave them out; nothing was changed.",
                list.join(", ")
            )
        }
    }
}

impl EngineError {
    /// Stable code that shells and scripts branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Network(error) => error.code(),
            Self::Wallet(error) => error.code(),
            Self::Content(error) => error.code(),
            Self::Identity(_) => "identity_invalid",
            Self::Mls(_) => "group_state",
            Self::NoAccount => "no_account",
            Self::AccountExists => "account_exists",
            Self::NotRegistered => "not_registered",
            Self::OtherWallet(_) => "other_wallet",
            Self::TooManyInstallations(_) => "too_many_installations",
            Self::UnknownConversation => "unknown_conversation",
            Self::UnknownMessage => "unknown_message",
            Self::Inactive => "conversation_inactive",
            Self::Paused(_) => "conversation_paused",
            Self::Forked => "conversation_forked",
            Self::People(refused) => match refused.first() {
                Some(first) => first.reason.code(),
                None => "malformed",
            },
            Self::TooManyPeople(_) => "too_many_people",
            Self::DirectMessage(_) => "direct_message",
            Self::Denied(_) => "denied_by_policy",
            Self::MetadataTooLong { .. } => "metadata_too_long",
            Self::Unsettled => "unsettled",
            Self::GivenUp(_) => "given_up",
            Self::InvalidId(_) => "invalid_id",
            Self::Clock => "clock_skew",
        }
    }

    /// Whether trying the same again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Network(error) => error.is_retryable(),
            Self::Unsettled | Self::Clock => true,
            _ => false,
        }
    }
}
