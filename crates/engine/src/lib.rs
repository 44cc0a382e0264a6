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

mod client;
mod clock;
mod conversations;
mod core;
mod error;
mod event;
mod identities;
mod intents;
mod key_packages;
mod live;
mod members;
mod messages;
mod metadata;
mod nanoseconds;
mod people;
mod post_commit;
mod publish;
mod receive;
pub mod registration;
mod rows;
mod sync;
mod transcript;
pub mod wallet;
mod welcomes;

pub use client::{AccountInfo, Client, DATABASE_FILE, Engine};
pub use clock::{Clock, SystemClock};
pub use conclave_content::{Decoded, FieldChange, GroupUpdate};
pub use conclave_identity::{InstallationId, WalletKey};
pub use conclave_mls::policy::{Policy, PolicySet, Preset, Role, Rule};
pub use conclave_network::{GrpcNetwork, Network, NetworkError, NodeConfig};
pub use conclave_store::{
    DatabaseKey, StoreError,
    conversation::{Conversation, ConversationEntry, ConversationOrder, ConversationQuery},
    key::KeyError,
    kinds::{ConsentEntity, ConsentState, ConversationKind, Delivery, ForkState, MessageKind},
    message::Message,
    message_query::{MessagePosition, MessageQuery, PageDirection},
    summary::Summary,
};
pub use conversations::{AllSync, NewConversation};
pub use error::{EngineError, Refused, RefusedReason};
pub use event::{Connection, Event, GroupId, MessageId, Operation};
pub use live::Live;
pub use members::{Member, MembershipOutcome};
pub use messages::{MessagePage, PageStart};
pub use metadata::{GroupDebug, GroupMetadata, MetadataChange};
pub use people::{MAX_PEOPLE, Resolved};
pub use sync::GroupSync;
