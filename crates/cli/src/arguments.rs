//! The command line as it is typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use conclave_api::types::{Consent, ConversationKind, Delivery, MessageKind};
use serde::de::DeserializeOwned;

/// Conclave on the command line: one account per data folder.
#[derive(Debug, Parser)]
#[command(name = "conclave-cli", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The account's folder [default: the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The node, http:// or https://; remembered at `account create`, for this run elsewhere
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) node: Option<String>,
    /// File with the database key, 64 hex characters [default: the system's keychain]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Touch only the local database
    #[arg(long, global = true)]
    pub(crate) offline: bool,
}

/// What the command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// The account of this folder
    #[command(subcommand)]
    Account(AccountVerb),
    /// People
    #[command(subcommand)]
    Inbox(InboxVerb),
    /// All conversations
    #[command(subcommand)]
    Conversation(ConversationVerb),
    /// Messages of all conversations
    #[command(subcommand)]
    Message(MessageVerb),
    /// One conversation, a group or a direct message
    #[command(subcommand)]
    Group(GroupVerb),
    /// Direct messages
    #[command(subcommand)]
    Dm(DmVerb),
    /// Who and what is wanted
    #[command(subcommand)]
    Consent(ConsentVerb),
    /// Installations of this inbox
    #[command(subcommand)]
    Device(DeviceVerb),
    /// Serve this account to a page over WebSocket on loopback
    Serve(ServeArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Register this folder's installation, with a new wallet unless one is given
    Create {
        /// File with a wallet's private key in hex
        #[arg(long, value_name = "F", conflicts_with = "mnemonic_file")]
        private_key_file: Option<PathBuf>,
        /// File with a wallet's recovery phrase
        #[arg(long, value_name = "F")]
        mnemonic_file: Option<PathBuf>,
    },
    /// Show the account
    Show,
    /// Delete this installation's keys and history from this computer
    DeleteLocalDatabase {
        /// Really
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InboxVerb {
    /// Look people up on the network
    Resolve {
        /// Addresses, inbox ids, or @FILE with one per line
        #[arg(required = true)]
        who: Vec<String>,
    },
}

/// Consent to conversations; several separated by commas.
#[derive(Debug, Args)]
pub(crate) struct ConsentFilter {
    /// allowed, unknown, denied [default: allowed,unknown]
    #[arg(long, value_delimiter = ',', value_parser = consent(), hide_possible_values = true)]
    pub(crate) consent: Vec<Consent>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConversationVerb {
    /// Fetch conversations that others added us to
    Sync,
    /// Fetch and publish everything that waits
    SyncAll,
    /// List conversations
    List {
        #[command(flatten)]
        consent: ConsentFilter,
        /// group, dm [default: both]
        #[arg(long, value_delimiter = ',', value_parser = conversation_kind(), hide_possible_values = true)]
        kind: Vec<ConversationKind>,
        /// Only those created later
        #[arg(long, value_name = "N")]
        created_after_ns: Option<i64>,
        /// Only those created earlier
        #[arg(long, value_name = "N")]
        created_before_ns: Option<i64>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// What comes first is the newest by this
        #[arg(long, default_value = "activity")]
        order: ListOrder,
    },
    /// Print conversations as they come
    Stream(ConsentFilter),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListOrder {
    Created,
    Activity,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessageVerb {
    /// Print messages of all conversations as they come
    StreamAll(ConsentFilter),
}

/// Attributes of a group.
#[derive(Debug, Args)]
pub(crate) struct Attributes {
    /// Name, at most 100 bytes
    #[arg(long, value_name = "T")]
    pub(crate) name: Option<String>,
    /// Description, at most 1000 bytes
    #[arg(long, value_name = "T")]
    pub(crate) description: Option<String>,
    /// Image URL, at most 2048 bytes
    #[arg(long, value_name = "U")]
    pub(crate) image_url: Option<String>,
    /// Free text of an application, at most 8192 bytes
    #[arg(long, value_name = "T")]
    pub(crate) app_data: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PresetName {
    Everyone,
    Admins,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum MessageOrder {
    Asc,
    Desc,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupVerb {
    /// Create a group
    Create {
        #[command(flatten)]
        attributes: Attributes,
        /// Who may add people and edit
        #[arg(long, default_value = "everyone")]
        preset: PresetName,
        /// Addresses, inbox ids, or @FILE with one per line; none for a group of your own devices
        who: Vec<String>,
    },
    /// Show a conversation
    Show { id: String },
    /// Fetch and publish what waits in a conversation
    Sync { id: String },
    /// Send a message
    Send {
        /// Only store it; the next sync publishes it
        #[arg(long)]
        no_sync: bool,
        id: String,
        /// The text; - reads it from standard input
        text: String,
    },
    /// List messages
    Messages {
        id: String,
        /// Only those sent later
        #[arg(long, value_name = "N")]
        after_ns: Option<i64>,
        /// Only those sent earlier
        #[arg(long, value_name = "N")]
        before_ns: Option<i64>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// published, unpublished, failed [default: all]
        #[arg(long, value_delimiter = ',', value_parser = delivery(), hide_possible_values = true)]
        delivery: Vec<Delivery>,
        /// Oldest or newest first
        #[arg(long, default_value = "asc")]
        order: MessageOrder,
        /// application, membership_change, gap [default: all]
        #[arg(long, value_delimiter = ',', value_parser = message_kind(), hide_possible_values = true)]
        kind: Vec<MessageKind>,
    },
    /// List members
    Members { id: String },
    /// Add people
    Add {
        id: String,
        /// Addresses, inbox ids, or @FILE with one per line
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Remove people
    Remove {
        id: String,
        /// Addresses, inbox ids, or @FILE with one per line
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Change name, description, picture or application data
    Set {
        id: String,
        #[command(flatten)]
        attributes: Attributes,
    },
    /// Who may do what
    #[command(subcommand)]
    Permissions(PermissionsVerb),
    /// Print messages as they come
    Stream { id: String },
    /// Epoch facts
    Debug { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsVerb {
    /// Show them
    Show { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DmVerb {
    /// Find or create the direct message with a person
    Create {
        /// An address, an inbox id, or @FILE with one in it
        who: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Entity {
    Inbox,
    Conversation,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentVerb {
    /// Show a decision
    Get { entity: Entity, id: String },
    /// Make a decision
    Set {
        entity: Entity,
        id: String,
        #[arg(value_parser = consent())]
        state: Consent,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    /// List them
    List,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// A loopback address and port; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// File with the token that pages must show; made with a random one if there is none
    #[arg(long, value_name = "F")]
    pub(crate) token_file: PathBuf,
}

/// Reads a word as its JSON shape is read, so that there is one list of words.
fn word<T: DeserializeOwned>(text: String) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::Value::String(text))
}

fn consent() -> impl TypedValueParser<Value = Consent> {
    PossibleValuesParser::new(["allowed", "unknown", "denied"]).try_map(word)
}

fn conversation_kind() -> impl TypedValueParser<Value = ConversationKind> {
    PossibleValuesParser::new(["group", "dm"]).try_map(word)
}

fn delivery() -> impl TypedValueParser<Value = Delivery> {
    PossibleValuesParser::new(["published", "unpublished", "failed"]).try_map(word)
}

fn message_kind() -> impl TypedValueParser<Value = MessageKind> {
    PossibleValuesParser::new(["application", "membership_change", "gap"]).try_map(word)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn general_flags_stand_anywhere() {
        for line in [
            "conclave-cli --data d --json group send 00ff hello",
            "conclave-cli group send 00ff hello --data d --json",
        ] {
            let arguments = parse(line).unwrap();
            assert!(
                arguments.common.json && arguments.common.data.is_some(),
                "{line}"
            );
        }
    }

    #[test]
    fn lists_of_words_are_read() {
        let line = "conclave-cli conversation list --consent allowed,denied --kind dm";
        let Noun::Conversation(ConversationVerb::List { consent, kind, .. }) =
            parse(line).unwrap().noun
        else {
            panic!("another verb");
        };
        assert_eq!(consent.consent, [Consent::Allowed, Consent::Denied]);
        assert_eq!(kind, [ConversationKind::Dm]);
        assert!(parse("conclave-cli conversation list --consent maybe").is_err());
    }

    #[test]
    fn verbs_of_later_versions_do_not_exist() {
        for verb in [
            "group leave 00",
            "group permissions set 00 add_member admin",
            "group admin add 00 11",
            "group super-admin add 00 11",
            "device revoke 00",
        ] {
            assert!(parse(&format!("conclave-cli {verb}")).is_err(), "{verb}");
        }
    }

    #[test]
    fn a_dash_is_a_text() {
        assert!(parse("conclave-cli group send 00ff -").is_ok());
    }
}
