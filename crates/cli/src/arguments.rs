//! The command line as it is typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use conclave_api::types::{Consent, ConversationKind, Delivery, MessageKind, PermissionOption};
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
    /// File with the passphrase of the database, for when the keychain has lost its key; stands
    /// before the command
    #[arg(long, value_name = "F")]
    pub(crate) passphrase_file: Option<PathBuf>,
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
    /// Wallets of this inbox
    #[command(subcommand)]
    Wallet(WalletVerb),
    /// The history as an encrypted file
    #[command(subcommand)]
    Archive(ArchiveVerb),
    /// The passphrase that opens the database where the keychain has lost its key
    #[command(subcommand)]
    Passphrase(PassphraseVerb),
    /// The folder with this account's data
    #[command(subcommand)]
    Data(DataVerb),
    /// History from one of your devices to another
    #[command(subcommand)]
    History(HistoryVerb),
    /// Serve this account to a page over WebSocket on loopback
    Serve(ServeArguments),
}

/// The wallet that signs.
#[derive(Debug, Args)]
pub(crate) struct WalletFiles {
    /// File with a wallet's private key in hex
    #[arg(long, value_name = "F", conflicts_with = "mnemonic_file")]
    pub(crate) private_key_file: Option<PathBuf>,
    /// File with a wallet's recovery phrase
    #[arg(long, value_name = "F")]
    pub(crate) mnemonic_file: Option<PathBuf>,
}

/// The wallet that is added, or takes over.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct NewWalletFiles {
    /// File with its private key in hex
    #[arg(long, value_name = "F")]
    pub(crate) new_private_key_file: Option<PathBuf>,
    /// File with its recovery phrase
    #[arg(long, value_name = "F")]
    pub(crate) new_mnemonic_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Register this folder's installation, with a new wallet unless one is given
    Create(WalletFiles),
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
    /// Delete a conversation on this computer only
    Delete {
        id: String,
        /// Really
        #[arg(long)]
        yes: bool,
    },
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
    /// Save a file of a message, fetching it first where it is not here
    Save {
        /// The file's place in the message, from 0
        #[arg(long, value_name = "N", default_value_t = 0)]
        index: u32,
        /// Fetch it also from a host on a private network or without TLS, now and later
        #[arg(long)]
        allow_host: bool,
        message: String,
        /// A file to write, or a folder to put it into
        path: PathBuf,
    },
    /// React to a message
    React {
        /// Take the reaction back
        #[arg(long)]
        remove: bool,
        /// Only store it; the next sync publishes it
        #[arg(long)]
        no_sync: bool,
        message: String,
        /// An emoji, a :shortcode: or anything else
        emoji: String,
    },
    /// Choose one of the actions that a message offers
    Answer {
        /// Only store it; the next sync publishes it
        #[arg(long)]
        no_sync: bool,
        message: String,
        /// Id of the action
        action: String,
    },
    /// Delete a message, on this computer only unless for everyone
    Delete {
        /// Ask all members' apps to delete it
        #[arg(long)]
        for_everyone: bool,
        /// Only store the wish; the next sync publishes it
        #[arg(long, requires = "for_everyone")]
        no_sync: bool,
        message: String,
    },
    /// Search messages, newest first: words, "words in a row", from:WHO, in:NAME,
    /// before:2026-11-01, after:2026-11-01 (days of UTC)
    Search {
        /// What to search for
        query: String,
        /// Only in this conversation
        #[arg(long = "in", value_name = "ID")]
        within: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
    },
}

/// Kinds of messages whose payload is JSON.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum JsonKind {
    TransactionReference,
    WalletSendCalls,
    Actions,
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
        /// The message it answers
        #[arg(long, value_name = "MESSAGE")]
        reply_to: Option<String>,
        /// The text is markdown
        #[arg(long, conflicts_with = "json_of")]
        markdown: bool,
        /// The text is the JSON payload of this kind of message
        #[arg(long, value_name = "KIND")]
        json_of: Option<JsonKind>,
        id: String,
        /// The text; - reads it from standard input
        text: String,
    },
    /// Send files, with a text if one is given
    SendFile {
        /// Only store them; the next sync sends them
        #[arg(long)]
        no_sync: bool,
        /// What to say with them, as a message of its own
        #[arg(long)]
        text: Option<String>,
        id: String,
        #[arg(required = true)]
        path: Vec<PathBuf>,
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
    /// Ask the super admins to take you out
    Leave { id: String },
    /// Ask the super admins to add this device again, after a fork
    Readd { id: String },
    /// Change name, description, picture or application data
    Set {
        id: String,
        #[command(flatten)]
        attributes: Attributes,
    },
    /// Who may do what
    #[command(subcommand)]
    Permissions(PermissionsVerb),
    /// Make somebody admin, or take the role away
    #[command(subcommand)]
    Admin(RoleVerb),
    /// Make somebody super admin, or take the role away
    #[command(subcommand)]
    SuperAdmin(RoleVerb),
    /// Let messages disappear some time after each was received, or stay
    Disappearing {
        id: String,
        /// After so many nanoseconds
        #[arg(long, value_name = "N", required_unless_present = "off")]
        in_ns: Option<String>,
        /// Never
        #[arg(long, conflicts_with = "in_ns")]
        off: bool,
    },
    /// Pin a message for everybody
    Pin { id: String, message: String },
    /// Unpin a message
    Unpin { id: String, message: String },
    /// List pinned messages, newest pin first
    Pins { id: String },
    /// Print messages as they come
    Stream { id: String },
    /// Epoch facts
    Debug { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleVerb {
    /// Give the role
    Add {
        id: String,
        /// An address or an inbox id
        who: String,
    },
    /// Take it away
    Remove {
        id: String,
        /// An address or an inbox id
        who: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsVerb {
    /// Show them
    Show { id: String },
    /// Change one
    Set {
        id: String,
        /// add_member, remove_member, add_admin, remove_admin or update_metadata.FIELD
        key: String,
        #[arg(value_parser = permission_option())]
        option: PermissionOption,
    },
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
    /// List them; with a wallet's file also where there is no account
    List(WalletFiles),
    /// Take installations out of the inbox, signed by its recovery wallet
    Revoke {
        /// Installation ids
        #[arg(required_unless_present = "others", conflicts_with = "others")]
        installations: Vec<String>,
        /// All but this one
        #[arg(long)]
        others: bool,
        /// Also if this installation is among them
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wallet: WalletFiles,
    },
    /// Name an installation, on this computer only
    Name {
        /// Its id
        installation: String,
        /// The name; empty for none
        name: String,
    },
}

/// Wallets of this inbox.
#[derive(Debug, Subcommand)]
pub(crate) enum WalletVerb {
    /// List them
    List,
    /// Add one
    Add {
        #[command(flatten)]
        new: NewWalletFiles,
        /// Also if it leads to another inbox so far
        #[arg(long)]
        reassign: bool,
    },
    /// Take one out, with the installations that it added; this one stays
    Remove {
        /// Its address
        address: String,
        /// Although something is lost by it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wallet: WalletFiles,
    },
    /// Let another wallet revoke from now on
    Recovery {
        #[command(flatten)]
        new: NewWalletFiles,
        /// Also if it is no wallet of the inbox
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wallet: WalletFiles,
    },
}

/// How much of the history.
#[derive(Debug, Args)]
pub(crate) struct HistoryScope {
    /// Only messages sent later
    #[arg(long, value_name = "N")]
    pub(crate) since_ns: Option<i64>,
    /// Files of messages too
    #[arg(long)]
    pub(crate) attachments: bool,
    /// Only this conversation; may be given several times
    #[arg(long = "conversation", value_name = "ID")]
    pub(crate) conversations: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryVerb {
    /// Ask your other devices for the history
    Request {
        #[command(flatten)]
        scope: HistoryScope,
        /// Leave decisions about people and conversations away
        #[arg(long)]
        no_consent: bool,
    },
    /// Requests, archives that lie ready, and devices that are new
    List,
    /// Give a device that asks what it asks for, or less
    Allow {
        pin: String,
        #[command(flatten)]
        scope: HistoryScope,
        /// Use the server that it names, although it is not yours
        #[arg(long)]
        host_allowed: bool,
    },
    /// Give nothing
    Refuse { pin: String },
    /// Take an archive in that lies ready, or go on with that
    Take {
        pin: String,
        /// Fetch it from its server, although that is not yours
        #[arg(long)]
        host_allowed: bool,
    },
    /// Give a transfer up; what was taken in stays
    Cancel { pin: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveVerb {
    /// Write the history into a new file; without a passphrase its key is printed, once
    Export {
        file: PathBuf,
        /// File with the passphrase that is to open it
        #[arg(long, value_name = "F")]
        passphrase_file: Option<PathBuf>,
        /// Only messages sent later
        #[arg(long, value_name = "N")]
        after_ns: Option<i64>,
        /// Only messages sent then or earlier
        #[arg(long, value_name = "N")]
        until_ns: Option<i64>,
        /// Leave out messages that will disappear
        #[arg(long)]
        no_disappearing: bool,
        /// Leave out blocked conversations
        #[arg(long)]
        no_denied: bool,
    },
    /// Take the history in from a file; what is here already stays
    Import {
        file: PathBuf,
        /// File with the passphrase that opens it
        #[arg(long, value_name = "F", required_unless_present = "archive_key_file")]
        passphrase_file: Option<PathBuf>,
        /// File with the key that was printed
        #[arg(long, value_name = "F", conflicts_with = "passphrase_file")]
        archive_key_file: Option<PathBuf>,
        /// Only say what is in it
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PassphraseVerb {
    /// Show whether one is set
    Status,
    /// Set one where none is set; asked for unless a file is given
    Set {
        /// File with the passphrase
        #[arg(long, value_name = "F")]
        passphrase_file: Option<PathBuf>,
    },
    /// Change it; what no file is given for is asked for
    Change {
        /// File with the new passphrase
        #[arg(long, value_name = "F")]
        passphrase_file: Option<PathBuf>,
        /// File with the passphrase so far
        #[arg(long, value_name = "F")]
        current_passphrase_file: Option<PathBuf>,
    },
    /// Remove it, so that the keychain alone opens the database
    Remove {
        /// File with the passphrase so far; asked for unless one is given
        #[arg(long, value_name = "F")]
        current_passphrase_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// Show where it is and how large
    Show,
    /// Move the data to another folder, which is empty or not there yet
    Move { path: PathBuf },
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

fn permission_option() -> impl TypedValueParser<Value = PermissionOption> {
    PossibleValuesParser::new(["allow", "deny", "admin", "super_admin"]).try_map(word)
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
    fn what_is_revoked_and_who_is_added_is_said_once() {
        for line in [
            "conclave-cli device revoke 00 11 --private-key-file f",
            "conclave-cli device revoke --others --mnemonic-file f --yes",
            "conclave-cli wallet add --new-private-key-file f --reassign",
            "conclave-cli wallet remove 0x00 --private-key-file f",
            "conclave-cli wallet recovery --new-mnemonic-file f --private-key-file g",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "conclave-cli device revoke --private-key-file f",
            "conclave-cli device revoke 00 --others",
            "conclave-cli device revoke 00 --private-key-file f --mnemonic-file g",
            "conclave-cli wallet add",
            "conclave-cli wallet add --new-private-key-file f --new-mnemonic-file g",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn roles_and_permissions_take_the_words_of_the_contract() {
        for verb in [
            "group permissions set 00 add_member admin",
            "group permissions set 00 update_metadata.group_name super_admin",
            "group admin add 00 11",
            "group super-admin remove 00 11",
            "group disappearing 00 --in-ns 5",
            "group disappearing 00 --off",
            "group pin 00 11",
        ] {
            assert!(parse(&format!("conclave-cli {verb}")).is_ok(), "{verb}");
        }
        for verb in [
            "group permissions set 00 add_member everyone",
            "group permissions set 00 add_member",
            "group admin promote 00 11",
            "group disappearing 00",
            "group disappearing 00 --off --in-ns 5",
        ] {
            assert!(parse(&format!("conclave-cli {verb}")).is_err(), "{verb}");
        }
    }

    #[test]
    fn a_passphrase_before_the_command_is_that_of_the_database() {
        let line = "conclave-cli --passphrase-file a archive export h --passphrase-file b";
        let arguments = parse(line).unwrap();
        let Noun::Archive(ArchiveVerb::Export {
            passphrase_file, ..
        }) = arguments.noun
        else {
            panic!("another verb");
        };
        assert_eq!(arguments.common.passphrase_file, Some("a".into()));
        assert_eq!(passphrase_file, Some("b".into()));
        let line = "conclave-cli archive export h --passphrase-file b";
        assert_eq!(parse(line).unwrap().common.passphrase_file, None);
    }

    #[test]
    fn a_dash_is_a_text() {
        assert!(parse("conclave-cli group send 00ff -").is_ok());
    }
}
