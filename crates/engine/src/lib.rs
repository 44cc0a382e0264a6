//! Accounts, conversations and everything that happens between the local database and the node.
//!
//! - [`Engine`] is an opened data folder, with or without an account.
//! - [`Client`] is a registered account with its node; all conversations are reached through it.
//! - [`Live`] is the background work of a client: streams, publishing, key rotation.
//!
//! One rule carries the rest: **all that one envelope changes is one database transaction** — MLS
//! state, message row, cursor, outbox and the conversation's projection. Envelopes of a group are
//! applied in the node's order by one function under the group's lock, whether a person asked for
//! a sync or a stream woke it; so a crash at any instruction leaves a state from which the next
//! sync continues. Reads never touch the network.

mod annotations;
mod archive;
mod attachments;
mod client;
mod clock;
mod commit_log;
mod consent;
mod conversations;
mod core;
mod deletion;
mod device_sync;
mod effects;
mod error;
mod event;
mod expiry;
mod fork;
mod history;
mod identities;
mod inbox_changes;
mod intents;
mod key_packages;
mod leaving;
mod live;
mod members;
mod messages;
mod metadata;
mod nanoseconds;
mod operations;
mod outgoing;
mod own_inbox;
mod people;
mod picture;
mod pins;
mod post_commit;
mod preferences;
mod preparing;
mod publish;
mod readd;
mod reading;
mod receipts;
mod receive;
mod refused_changes;
pub mod registration;
mod rows;
mod rules;
mod saving;
mod search;
mod settings;
mod sync;
mod transcript;
mod transfers;
mod turn;
pub mod wallet;
mod welcomes;

pub use annotations::{Annotated, MAX_REACTIONS, Quote, QuoteState, body};
pub use archive::{
    ArchiveSecret, ArchiveSummary, Exported, Imported, Protection, printed_key, read_printed_key,
};
pub use attachments::{AttachmentView, TransferAction};
pub use client::{AccountInfo, Client, Engine};
pub use clock::{Clock, SystemClock};
pub use conclave_content::{
    ActionStyle, Actions, Body, FieldChange, GroupUpdate, Intent, KnownType, Origin, Reply,
    TransactionReference, WalletSendCalls,
};
pub use conclave_identity::{Identifier, InstallationId, WalletKey};
pub use conclave_mls::{
    commit::AdminChange,
    policy::{Permission, Policy, PolicySet, Preset, Role, Rule, UnreadablePolicies},
};
pub use conclave_network::{
    FileError, GrpcNetwork, Network, NetworkError, NodeConfig, RemoteFiles, UrlRefused,
};
pub use conclave_proto::identity::associations::RecoverablePasskeySignature;
pub use conclave_store::{
    DatabaseKey, StoreError,
    archive::ArchiveScope,
    conversation::{Conversation, ConversationEntry, ConversationOrder, ConversationQuery},
    draft::Draft,
    folder::{DATABASE_FILE, DataFolder, FolderError, MoveStep},
    key::{KeyError, Keychain, SystemKeychain},
    kinds::{
        AttachmentState, ConsentEntity, ConsentState, ConversationKind, Delivery, ForkState,
        MembershipState, MessageKind, OwnRole, ReactionSchema, TransferRole, TransferState,
        TransferStep,
    },
    message::Message,
    message_query::{Lines, MessagePosition, MessageQuery, PageDirection},
    reaction::Tally,
    search::{SearchHit, SnippetPart},
    summary::Summary,
};
pub use consent::{InboxConsent, Request, is_request};
pub use conversations::{AllSync, NewConversation};
pub use effects::DELETED;
pub use error::{EngineError, LeaveRefused, Refused, RefusedReason};
pub use event::{Connection, Event, GroupId, MessageId, Operation};
pub use fork::Fork;
pub use history::{
    AvailableArchive, HistoryFailure, HistoryGrant, HistoryOverview, HistoryPhase, HistoryProgress,
    HistoryRefused, HistoryTransfer, HistoryWish,
};
pub use inbox_changes::{ChangeWarning, InboxChange, InboxChangeRefused, PreparedChange};
pub use live::Live;
pub use members::{Member, MembershipOutcome};
pub use messages::{MessagePage, PageStart};
pub use metadata::{GroupDebug, GroupMetadata, MetadataChange};
pub use own_inbox::{Inbox, Installation, InstallationKeys, NewDevice};
pub use people::{MAX_PEOPLE, Resolved};
pub use picture::PictureRefused;
pub use pins::{MAX_PINS, Pin};
pub use preparing::PreparedAttachment;
pub use refused_changes::REFUSED_CHANGE;
pub use rules::{Action, FIELDS, GroupRules, MemberActions, Verdict};
pub use saving::Media;
pub use search::{Search, SearchPage};
pub use settings::{Settings, SettingsChange};
pub use sync::GroupSync;
pub use transcript::PERMISSION_FIELD;
