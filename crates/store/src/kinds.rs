//! The enumerations stored as integers. Numbers are part of the database format and never reused.

use diesel::deserialize::{FromSql, Result as FromSqlResult};
use diesel::serialize::{IsNull, Output, Result as ToSqlResult, ToSql};
use diesel::sql_types::Integer;
use diesel::sqlite::{Sqlite, SqliteValue};

macro_rules! stored {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = Integer)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every variant, in the order of the stored numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored number.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number),+ }
            }
        }

        impl ToSql<Integer, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> ToSqlResult {
                out.set_value(self.number());
                Ok(IsNull::No)
            }
        }

        impl FromSql<Integer, Sqlite> for $name {
            fn from_sql(value: SqliteValue<'_, '_, '_>) -> FromSqlResult<Self> {
                match <i32 as FromSql<Integer, Sqlite>>::from_sql(value)? {
                    $($number => Ok(Self::$variant),)+
                    other => Err(format!("{} is no {}", other, stringify!($name)).into()),
                }
            }
        }
    };
}

stored! {
    /// How far the registration of this installation has come. A crash resumes at the stored step
    /// with the same installation key.
    RegistrationStep {
        /// The keys exist here; nothing is known to have reached the node.
        Created = 0,
        /// The node has accepted the identity update that names this installation.
        IdentityPublished = 1,
        /// The node has also accepted a key package: the installation can be added to groups.
        Registered = 2,
    }
}

stored! {
    /// The kind of a conversation (content-and-client.md 7.2).
    ConversationKind {
        /// A group with any number of members.
        Group = 1,
        /// A conversation of two inboxes.
        Dm = 2,
        /// The group of all installations of one's own inbox.
        Sync = 3,
        /// A group that carries one message.
        Oneshot = 4,
    }
}

stored! {
    /// Our standing in a conversation (content-and-client.md 3.5).
    MembershipState {
        /// We take part.
        Allowed = 1,
        /// Defined by the protocol, not set by us.
        Rejected = 2,
        /// Joined by a welcome, not acted on yet.
        Pending = 3,
        /// A stub from an archive: readable, inactive, replaced by a real welcome.
        Restored = 4,
        /// We asked to leave.
        PendingRemove = 5,
    }
}

stored! {
    /// What is known about our copy of the group having diverged (cli.md, `group debug`).
    ForkState {
        /// Nothing points to a fork.
        None = 0,
        /// A message of a later epoch than ours arrived.
        Suspected = 1,
        /// The commit logs differ.
        Confirmed = 2,
    }
}

stored! {
    /// Which part this installation has in a transfer of history.
    TransferRole {
        /// It wants history.
        Asking = 1,
        /// It has history.
        Answering = 2,
    }
}

stored! {
    /// What is to be done or waited for in a transfer of history.
    TransferStep {
        /// Somebody is to answer.
        Waiting = 1,
        /// The person is to answer.
        Held = 2,
        /// The archive is to be written.
        Building = 3,
        /// The archive is to be put on a server.
        Uploading = 4,
        /// The other installation is to take it in.
        Sent = 5,
        /// The archive is there, and may be fetched if the person allows its server.
        Ready = 6,
        /// The archive is to be fetched.
        Downloading = 7,
        /// The archive is to be looked through.
        Verifying = 8,
        /// The archive is to be taken in.
        Importing = 9,
    }
}

stored! {
    /// Whether a transfer of history goes on.
    TransferState {
        /// It does.
        Going = 1,
        /// The person stopped it.
        Paused = 2,
        /// It did not work; the person may try again.
        Failed = 3,
        /// Nobody asked for the archive: the person may take it.
        Offered = 4,
        /// All is done.
        Done = 5,
        /// A person said no.
        Refused = 6,
        /// It took too long.
        Expired = 7,
        /// It was given up.
        Cancelled = 8,
    }
}

stored! {
    /// Where a file of a message is on its way.
    AttachmentState {
        /// Copied into the database, part of no message yet.
        Prepared = 1,
        /// To be transferred.
        Waiting = 2,
        /// Being transferred, or was when the program ended.
        Transferring = 3,
        /// Stopped by the person; what is there stays.
        Paused = 4,
        /// Did not work; trying again may help.
        Failed = 5,
        /// Not what its message says, or from where nothing is fetched.
        Refused = 6,
        /// Transferred when the person asks for it.
        Offered = 7,
        /// Here; if it is ours, uploaded too.
        Stored = 8,
    }
}

stored! {
    /// What a message row stands for.
    MessageKind {
        /// An application message.
        Application = 1,
        /// A line made here from a validated commit or welcome.
        MembershipChange = 2,
        /// A place in the conversation where an envelope could not be read, with its explanation.
        Gap = 3,
    }
}

stored! {
    /// Where a message is on its way to the node (content-and-client.md 2.1).
    Delivery {
        /// Only here.
        Unpublished = 1,
        /// Seen on the node.
        Published = 2,
        /// Given up; the person may ask for another attempt.
        Failed = 3,
    }
}

stored! {
    /// How the content of a reaction is to be read.
    ReactionSchema {
        /// An emoji.
        Unicode = 1,
        /// A name such as `:+1:`.
        Shortcode = 2,
        /// Anything.
        Custom = 3,
    }
}

stored! {
    /// What we are in a group.
    OwnRole {
        /// On neither list.
        Member = 1,
        /// On the admin list only.
        Admin = 2,
        /// On the super admin list.
        SuperAdmin = 3,
    }
}

stored! {
    /// What an intent does to its group (groups.md 6.1).
    IntentKind {
        /// Publishes a stored message.
        SendMessage = 1,
        /// Renews our leaf keys.
        KeyUpdate = 2,
        /// Changes a metadata field.
        MetadataUpdate = 3,
        /// Adds or removes inboxes or installations.
        UpdateGroupMembership = 4,
        /// Changes the list of admins or super admins.
        UpdateAdminList = 5,
        /// Changes a permission.
        UpdatePermission = 6,
        /// Removes and adds installations again.
        ReaddInstallations = 7,
    }
}

stored! {
    /// Where an intent stands (groups.md 6.1). One that is done is gone.
    IntentState {
        /// To be built and sent.
        ToPublish = 1,
        /// Built and stored with its exact bytes; it may or may not have reached the node.
        Published = 2,
        /// Seen on the node; work after the commit (welcomes) is outstanding.
        Committed = 3,
        /// Given up.
        Error = 4,
    }
}

stored! {
    /// What a cursor follows: a stream of the node, or the rows of messages.
    CursorKind {
        /// Welcomes; the entity is the installation id.
        Welcome = 1,
        /// All messages of a group; the entity is the group id.
        Group = 2,
        /// Application messages of a group, where they are followed apart from commits.
        Application = 3,
        /// Commits of a group, where they are followed apart from application messages.
        Commit = 4,
        /// The identity log; the entity is the inbox id as text.
        IdentityLog = 5,
        /// No stream: the row up to which messages are in the search index; the entity is empty.
        Search = 6,
    }
}

stored! {
    /// What a consent record is about.
    ConsentEntity {
        /// A conversation; the entity is the lower-case hex group id.
        Conversation = 1,
        /// A person; the entity is the inbox id.
        Inbox = 2,
    }
}

stored! {
    /// What the person decided (content-and-client.md 4).
    ConsentState {
        /// Nothing yet.
        Unknown = 0,
        /// Wanted.
        Allowed = 1,
        /// Blocked.
        Denied = 2,
    }
}
