//! The engine's error: one stable code and one sentence for the person each.

use conclave_content::{ContentError, archive::ArchiveError};
use conclave_identity::IdentityError;
use conclave_network::{FileError, NetworkError};
use conclave_store::StoreError;

use crate::{
    history::HistoryRefused, inbox_changes::InboxChangeRefused, own_inbox::REVOKED,
    picture::PictureRefused, wallet::WalletError,
};

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
    /// The person stopped the operation before it came to this one.
    Cancelled,
    /// The operation failed after it had changed a part.
    Interrupted,
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
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
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
            Self::Cancelled => "You stopped before it was this person's turn.",
            Self::Interrupted => {
                "It could not go on here, because the node or the group did not answer as it should. Sync the conversation, look at its members, then try again for those who are left."
            }
        }
    }
}

/// Why a group can't be left, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaveRefused {
    /// It is a direct message.
    #[error(
        "A direct message can't be left. Block the person, or delete the conversation on this device."
    )]
    DirectMessage,
    /// Nobody else is in it.
    #[error(
        "You are the only member, so nobody could take you out. Delete the conversation on this device instead."
    )]
    Alone,
    /// We are a super admin, one of several.
    #[error(
        "You are a super admin, and super admins can't leave. Give that role up first, then leave; other super admins stay."
    )]
    SuperAdmin,
    /// We are the only super admin.
    #[error(
        "You are the only super admin, and a group needs one. Make another member super admin, give that role up yourself, then leave."
    )]
    LastSuperAdmin,
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
    /// A file on somebody's server.
    #[error(transparent)]
    File(#[from] FileError),
    /// No such file, or it is not here.
    #[error("This file is not here. Fetch it first, or choose it again.")]
    UnknownAttachment,
    /// Nobody keeps files for us.
    #[error(
        "The node keeps no files for its people, so only a single file of up to 512 KiB can be sent. Name a server for files in the settings to send larger ones."
    )]
    NoFileServer,
    /// The server that was named takes no files.
    #[error(
        "Write a whole address that begins with https://, without a user name. Nothing was changed."
    )]
    UploadServer,
    /// A file on the disk can't be read.
    #[error("The file could not be read: {0}.")]
    FileUnreadable(String),
    /// A file can't be written to the disk.
    #[error("The file could not be saved: {0}. Choose another place.")]
    FileUnwritable(String),
    /// An archive.
    #[error("{}. Nothing was taken in.", capitalized(&.0.to_string()))]
    Archive(#[from] ArchiveError),
    /// An archive that another kind of secret opens.
    #[error("{0}")]
    ArchiveSecret(&'static str),
    /// The archive of somebody else.
    #[error("This is the history of another person. Nothing was taken in.")]
    ForeignArchive,
    /// A passphrase that is soon guessed.
    #[error(
        "The passphrase is too short: whoever finds the file could guess it. Use at least {0} characters."
    )]
    WeakPassphrase(usize),
    /// A picture.
    #[error(transparent)]
    Picture(#[from] PictureRefused),
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
        "This inbox has {0} of 10 devices. Revoke one with the wallet first, here or on another device; then go on."
    )]
    TooManyInstallations(usize),
    /// This installation was revoked.
    #[error(
        "This device was revoked, so nothing is sent or fetched here any more. What is here stays readable. To go on, delete the local database and sign in again with the same wallet."
    )]
    Revoked,
    /// A transfer of history.
    #[error(transparent)]
    History(#[from] HistoryRefused),
    /// A change of an inbox.
    #[error(transparent)]
    InboxChange(#[from] InboxChangeRefused),
    /// No such conversation.
    #[error("There is no conversation with this id here. Sync first, or check the id.")]
    UnknownConversation,
    /// No such message.
    #[error("There is no message with this id here.")]
    UnknownMessage,
    /// The message can't be deleted for everyone.
    #[error("{0}")]
    NotDeletable(&'static str),
    /// The message can't be answered or reacted to.
    #[error("{0}")]
    NotAnswerable(&'static str),
    /// We are no longer a member.
    #[error(
        "You are no longer a member of this conversation. Its history stays; nothing can be sent."
    )]
    Inactive,
    /// The conversation comes out of an archive.
    #[error(
        "This conversation comes from a file, and nobody has added this device to it yet. It can be read. Write in it on another device of yours, or wait until somebody in it writes: then this device is added by itself."
    )]
    Restored,
    /// The group wants a newer version.
    #[error(
        "This conversation needs a newer version of the app ({0}). Update; until then nothing is sent or received in it, and nothing is lost."
    )]
    Paused(String),
    /// The group's state differs from that of others.
    #[error(
        "The keys on this device differ from those of the others, so nobody could read what you write. In a group, ask the super admins to add this device again; in a direct message, start a new one with the same person. What you have here is kept."
    )]
    Forked,
    /// Nobody could add this device to the group again.
    #[error("{0}")]
    ReaddUnavailable(&'static str),
    /// Names in a list that can't be used, each with its reason.
    #[error("{}", people(.0))]
    People(Vec<Refused>),
    /// More people than a group may have.
    #[error("A group has at most {0} people.")]
    TooManyPeople(usize),
    /// A direct message with oneself or of more than two.
    #[error("{0}")]
    DirectMessage(&'static str),
    /// A policy of the group says no: the clause that names the policy and who could.
    #[error("{}.", capitalized(.0))]
    Denied(String),
    /// The only super admin would be one no more.
    #[error(
        "A group needs a super admin, and this is the only one. Make somebody else super admin first."
    )]
    LastSuperAdmin,
    /// As many messages are pinned as may be.
    #[error("At most {0} messages are pinned. Unpin one first.")]
    TooManyPins(usize),
    /// A minimum version that can't be asked for.
    #[error(
        "{0} is no version that can be asked for: write three numbers like 1.10.0, not above {ours}, which this app follows.",
        ours = conclave_mls::COMPATIBILITY_VERSION
    )]
    InvalidVersion(String),
    /// The group's context cannot be read, so every commit in it would be refused by everybody.
    #[error(
        "Somebody made this group's settings unreadable, so nobody can change them or its members any more. Messages still go through; create a new group to go on."
    )]
    Unreadable,
    /// We can't leave a group, or not yet.
    #[error(transparent)]
    CannotLeave(#[from] LeaveRefused),
    /// We asked to leave already.
    #[error(
        "You asked to leave this group already. You are out once a device of a super admin has seen it; nothing else is to be done."
    )]
    LeavingAlready,
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
    /// A change left this computer and no answer came. It is sent again as it is, or found, by the
    /// next sync.
    #[error(
        "The change was sent, but the node did not answer. It may hold already; as soon as the node answers, it is looked up or sent again."
    )]
    Unconfirmed,
    /// A change was given up.
    #[error("The change could not be made: {0}. The group is as it was; try again.")]
    GivenUp(String),
    /// The person stopped the operation before it changed anything.
    #[error("Stopped. Nothing was changed.")]
    Cancelled,
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

/// A clause as it begins a sentence.
fn capitalized(clause: &str) -> String {
    let mut rest = clause.chars();
    rest.next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(rest.clone())
        .collect()
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
    /// The disk's reason why a file can't be read.
    pub(crate) fn unreadable(error: std::io::Error) -> Self {
        Self::FileUnreadable(error.to_string())
    }

    /// Stable code that shells and scripts branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Network(error) => error.code(),
            Self::File(error) => error.code(),
            Self::UnknownAttachment => "unknown_attachment",
            Self::NoFileServer => "no_file_server",
            Self::UploadServer => "upload_server_invalid",
            Self::FileUnreadable(_) => "file_unreadable",
            Self::FileUnwritable(_) => "file_unwritable",
            Self::Archive(error) => error.code(),
            Self::ArchiveSecret(_) => "archive_secret_kind",
            Self::ForeignArchive => "archive_foreign",
            Self::WeakPassphrase(_) => "archive_passphrase_short",
            Self::Picture(_) => "image_refused",
            Self::Wallet(error) => error.code(),
            Self::Content(error) => error.code(),
            Self::Identity(_) => "identity_invalid",
            Self::Mls(_) => "group_state",
            Self::NoAccount => "no_account",
            Self::AccountExists => "account_exists",
            Self::NotRegistered => "not_registered",
            Self::OtherWallet(_) => "other_wallet",
            Self::TooManyInstallations(_) => "too_many_installations",
            Self::Revoked => REVOKED,
            Self::History(refused) => refused.code(),
            Self::InboxChange(refused) => refused.code(),
            Self::UnknownConversation => "unknown_conversation",
            Self::UnknownMessage => "unknown_message",
            Self::NotDeletable(_) => "not_deletable",
            Self::NotAnswerable(_) => "not_answerable",
            Self::Inactive | Self::Restored => "conversation_inactive",
            Self::Paused(_) => "conversation_paused",
            Self::Forked => "conversation_forked",
            Self::ReaddUnavailable(_) => "readd_unavailable",
            Self::People(refused) => match refused.first() {
                Some(first) => first.reason.code(),
                None => "malformed",
            },
            Self::TooManyPeople(_) => "too_many_people",
            Self::DirectMessage(_) => "direct_message",
            Self::Denied(_) => "denied_by_policy",
            Self::LastSuperAdmin => "last_super_admin",
            Self::TooManyPins(_) => "too_many_pins",
            Self::InvalidVersion(_) => "invalid_version",
            Self::Unreadable => "group_unreadable",
            Self::CannotLeave(_) => "cannot_leave",
            Self::LeavingAlready => "leaving_already",
            Self::MetadataTooLong { .. } => "metadata_too_long",
            Self::Unsettled => "unsettled",
            Self::Unconfirmed => "unconfirmed",
            Self::GivenUp(_) => "given_up",
            Self::Cancelled => "cancelled",
            Self::InvalidId(_) => "invalid_id",
            Self::Clock => "clock_skew",
        }
    }

    /// Whether a queued change that met this error is given up at once: rules and limits do not change
    /// by trying.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Denied(_)
                | Self::Inactive
                | Self::Restored
                | Self::LastSuperAdmin
                | Self::TooManyPins(_)
                | Self::DirectMessage(_)
                | Self::Unreadable
        )
    }

    /// Whether trying the same again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Network(error) => error.is_retryable(),
            Self::File(error) => error.is_retryable(),
            Self::Unsettled | Self::Unconfirmed | Self::Clock => true,
            _ => false,
        }
    }
}
