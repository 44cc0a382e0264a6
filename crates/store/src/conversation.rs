//! Conversations: what is known about each group, and the list of them.

use diesel::dsl::AsSelect;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel::sqlite::Sqlite;

use crate::consent::{effective, of_adder};
use crate::error::StoreError;
use crate::kinds::{
    ConsentState, ConversationKind, CursorKind, ForkState, MembershipState, OwnRole,
};
use crate::schema::{conversations, cursors, summaries};
use crate::summary::Summary;
use crate::transaction::{Reader, Tx};

/// A conversation as its MLS group and its welcome describe it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = conversations)]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Conversation {
    /// The MLS group id, 16 bytes as created by official clients.
    pub id: Vec<u8>,
    /// The kind.
    pub kind: ConversationKind,
    /// `dm:` and the two inbox ids in order (content-and-client.md 3.4); `None` if not a DM.
    pub dm_id: Option<String>,
    /// The other person of a DM.
    pub peer_inbox_id: Option<String>,
    /// Who created the group, from the immutable metadata.
    pub creator_inbox_id: String,
    /// Who added us; ourselves where we created it.
    pub added_by_inbox_id: String,
    /// Local time of creation or of the welcome's processing, in ns.
    pub created_at_ns: i64,
    /// Our standing.
    pub membership_state: MembershipState,
    /// False once we are removed, and for restored stubs.
    pub is_active: bool,
    /// The group's name; empty if unset, like the next three.
    pub name: String,
    /// The group's description.
    pub description: String,
    /// The group's picture.
    pub image_url: String,
    /// Data of applications.
    pub app_data: String,
    /// How many inboxes are members.
    pub member_count: i64,
    /// The MLS epoch.
    pub epoch: i64,
    /// The node's id of the welcome by which we joined; `None` where we created the group.
    pub welcome_sequence_id: Option<i64>,
    /// When our leaf keys were last renewed, in ns; 0 for never.
    pub rotated_at_ns: i64,
    /// When the members' installations were last compared with their inboxes, in ns; 0 for never.
    pub installations_checked_at_ns: i64,
    /// The protocol version the group demands and we do not have.
    pub paused_for_version: Option<String>,
    /// Whether our copy seems to have diverged.
    pub fork: ForkState,
    /// Why that is thought.
    pub fork_details: String,
    /// Disappearing messages, first attribute, in ns (content-and-client.md 2.5).
    pub disappear_from_ns: Option<i64>,
    /// Disappearing messages, second attribute: how long messages stay, in ns.
    pub disappear_in_ns: Option<i64>,
    /// What we are in the group.
    pub own_role: OwnRole,
    /// Ids of pinned messages in hex, newest pin first, separated by commas.
    pub pinned: String,
    /// The protocol version that the group demands of everybody.
    pub minimum_version: Option<String>,
    /// When the person last asked to be added again because of a fork, in ns.
    pub readd_requested_at_ns: Option<i64>,
}

impl Conversation {
    /// An active conversation of one member with nothing set, allowed, at epoch 0.
    #[must_use]
    pub fn new(
        id: Vec<u8>,
        kind: ConversationKind,
        creator_inbox_id: String,
        added_by_inbox_id: String,
        created_at_ns: i64,
    ) -> Self {
        Self {
            id,
            kind,
            dm_id: None,
            peer_inbox_id: None,
            creator_inbox_id,
            added_by_inbox_id,
            created_at_ns,
            membership_state: MembershipState::Allowed,
            is_active: true,
            name: String::new(),
            description: String::new(),
            image_url: String::new(),
            app_data: String::new(),
            member_count: 1,
            epoch: 0,
            welcome_sequence_id: None,
            rotated_at_ns: 0,
            installations_checked_at_ns: 0,
            paused_for_version: None,
            fork: ForkState::None,
            fork_details: String::new(),
            disappear_from_ns: None,
            disappear_in_ns: None,
            own_role: OwnRole::Member,
            pinned: String::new(),
            minimum_version: None,
            readd_requested_at_ns: None,
        }
    }
}

/// What changed in a conversation; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = conversations)]
#[allow(
    clippy::option_option,
    reason = "the outer option is `change it`, the inner the value"
)]
pub struct ConversationChange {
    /// See [`Conversation::membership_state`].
    pub membership_state: Option<MembershipState>,
    /// See [`Conversation::is_active`].
    pub is_active: Option<bool>,
    /// See [`Conversation::name`].
    pub name: Option<String>,
    /// See [`Conversation::description`].
    pub description: Option<String>,
    /// See [`Conversation::image_url`].
    pub image_url: Option<String>,
    /// See [`Conversation::app_data`].
    pub app_data: Option<String>,
    /// See [`Conversation::member_count`].
    pub member_count: Option<i64>,
    /// See [`Conversation::epoch`].
    pub epoch: Option<i64>,
    /// See [`Conversation::rotated_at_ns`].
    pub rotated_at_ns: Option<i64>,
    /// See [`Conversation::installations_checked_at_ns`].
    pub installations_checked_at_ns: Option<i64>,
    /// See [`Conversation::paused_for_version`].
    pub paused_for_version: Option<Option<String>>,
    /// See [`Conversation::fork`].
    pub fork: Option<ForkState>,
    /// See [`Conversation::fork_details`].
    pub fork_details: Option<String>,
    /// See [`Conversation::disappear_from_ns`].
    pub disappear_from_ns: Option<Option<i64>>,
    /// See [`Conversation::disappear_in_ns`].
    pub disappear_in_ns: Option<Option<i64>>,
    /// See [`Conversation::own_role`].
    pub own_role: Option<OwnRole>,
    /// See [`Conversation::pinned`].
    pub pinned: Option<String>,
    /// See [`Conversation::minimum_version`].
    pub minimum_version: Option<Option<String>>,
    /// See [`Conversation::readd_requested_at_ns`].
    pub readd_requested_at_ns: Option<Option<i64>>,
}

/// A row of the conversation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationEntry {
    /// The conversation.
    pub conversation: Conversation,
    /// Its stored projection.
    pub summary: Summary,
    /// The decision that counts for it: about itself, else about the person who added us.
    pub consent: ConsentState,
    /// The decision about the person who added us.
    pub added_by_consent: ConsentState,
    /// The other conversations with the same dm id, which are one with this to the user.
    pub duplicates: Vec<Vec<u8>>,
}

/// What is selected for a [`ConversationEntry`].
type EntryRow = (
    Conversation,
    Summary,
    ConsentState,
    ConsentState,
    Option<String>,
);

impl From<EntryRow> for ConversationEntry {
    fn from((conversation, summary, consent, added_by_consent, duplicates): EntryRow) -> Self {
        Self {
            conversation,
            summary,
            consent,
            added_by_consent,
            duplicates: duplicates
                .iter()
                .flat_map(|ids| ids.split(','))
                .filter_map(|id| hex::decode(id).ok())
                .collect(),
        }
    }
}

/// The kinds that people see; groups of others serve the program.
const OF_PEOPLE: &[ConversationKind] = &[ConversationKind::Group, ConversationKind::Dm];

/// The ids in hex of the other conversations with the same dm id as a row of `conversations`.
const DUPLICATES: &str = "(SELECT group_concat(hex(other.id)) FROM conversations other
    WHERE other.dm_id = conversations.dm_id AND other.id <> conversations.id)";

/// The columns of an [`EntryRow`].
type EntryColumns = (
    AsSelect<Conversation, Sqlite>,
    AsSelect<Summary, Sqlite>,
    SqlLiteral<Integer>,
    SqlLiteral<Integer>,
    SqlLiteral<Nullable<Text>>,
);

fn entry_columns() -> EntryColumns {
    (
        Conversation::as_select(),
        Summary::as_select(),
        effective(),
        of_adder(),
        diesel::dsl::sql(DUPLICATES),
    )
}

/// The order of the conversation list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConversationOrder {
    /// Newest activity first.
    #[default]
    Activity,
    /// Newest first.
    Created,
}

/// Which conversations to list, and how (content-and-client.md 3.1). The default lists groups and
/// DMs that are allowed or unknown, newest activity first.
#[derive(Debug, Clone, Default)]
pub struct ConversationQuery {
    /// Kinds to list; empty: groups and DMs.
    pub kinds: Vec<ConversationKind>,
    /// Decisions to list; empty: allowed and unknown.
    pub consent: Vec<ConsentState>,
    /// Only those created later, in ns.
    pub created_after_ns: Option<i64>,
    /// Only those created earlier, in ns.
    pub created_before_ns: Option<i64>,
    /// Also the DMs that another DM with the same person stands for.
    pub include_duplicate_dms: bool,
    /// Also those that the person deleted here and in which nothing has come since.
    pub include_hidden: bool,
    /// The order.
    pub order: ConversationOrder,
    /// Continue after this row of the previous page: its time in the order asked for
    /// (`last_activity_ns` or `created_at_ns`) and its id.
    pub after: Option<(i64, Vec<u8>)>,
    /// At most so many rows.
    pub limit: Option<i64>,
}

impl Reader {
    /// One conversation of people. Groups that nobody sees are none; see [`Reader::group`].
    pub fn conversation(&self, id: &[u8]) -> Result<Option<Conversation>, StoreError> {
        let found = self.group(id)?;
        Ok(found.filter(|found| OF_PEOPLE.contains(&found.kind)))
    }

    /// One group of any kind, those included that nobody sees.
    pub fn group(&self, id: &[u8]) -> Result<Option<Conversation>, StoreError> {
        self.with(|db| {
            conversations::table
                .find(id)
                .select(Conversation::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// One conversation of people with its projection and consent.
    pub fn conversation_entry(&self, id: &[u8]) -> Result<Option<ConversationEntry>, StoreError> {
        self.flush_summaries()?;
        let row: Option<EntryRow> = self.with(|db| {
            summaries::table
                .inner_join(conversations::table)
                .filter(summaries::conversation_id.eq(id))
                .filter(summaries::kind.eq_any(OF_PEOPLE))
                .select(entry_columns())
                .first(db)
                .optional()
        })?;
        Ok(row.map(ConversationEntry::from))
    }

    /// Lists conversations in one query.
    pub fn conversations(
        &self,
        query: &ConversationQuery,
    ) -> Result<Vec<ConversationEntry>, StoreError> {
        self.flush_summaries()?;
        let kinds: &[ConversationKind] = if query.kinds.is_empty() {
            OF_PEOPLE
        } else {
            &query.kinds
        };
        let states: &[ConsentState] = if query.consent.is_empty() {
            &[ConsentState::Allowed, ConsentState::Unknown]
        } else {
            &query.consent
        };
        let mut list = summaries::table
            .inner_join(conversations::table)
            .filter(summaries::kind.eq_any(kinds))
            .select(entry_columns())
            .into_boxed();
        if !query.include_duplicate_dms {
            list = list.filter(summaries::is_duplicate.eq(false));
        }
        if !query.include_hidden {
            list = list.filter(summaries::is_hidden.eq(false));
        }
        if states.len() < ConsentState::ALL.len() {
            list = list.filter(effective().eq_any(states));
        }
        if let Some(after) = query.created_after_ns {
            list = list.filter(summaries::created_at_ns.gt(after));
        }
        if let Some(before) = query.created_before_ns {
            list = list.filter(summaries::created_at_ns.lt(before));
        }
        // The first comparison of a keyset is implied by the second; it is there for the index.
        match query.order {
            ConversationOrder::Activity => {
                if let Some((at, id)) = &query.after {
                    list = list.filter(summaries::last_activity_ns.le(*at)).filter(
                        summaries::last_activity_ns
                            .lt(*at)
                            .or(summaries::conversation_id.lt(id.clone())),
                    );
                }
                list = list.order((
                    summaries::last_activity_ns.desc(),
                    summaries::conversation_id.desc(),
                ));
            }
            ConversationOrder::Created => {
                if let Some((at, id)) = &query.after {
                    list = list.filter(summaries::created_at_ns.le(*at)).filter(
                        summaries::created_at_ns
                            .lt(*at)
                            .or(summaries::conversation_id.lt(id.clone())),
                    );
                }
                list = list.order((
                    summaries::created_at_ns.desc(),
                    summaries::conversation_id.desc(),
                ));
            }
        }
        if let Some(limit) = query.limit {
            list = list.limit(limit);
        }
        let rows: Vec<EntryRow> = self.with(|db| list.load(db))?;
        Ok(rows.into_iter().map(ConversationEntry::from).collect())
    }

    /// How many groups and DMs that others than `own_inbox_id` began wait for a decision.
    pub fn request_count(&self, own_inbox_id: &str) -> Result<i64, StoreError> {
        self.flush_summaries()?;
        self.with(|db| {
            summaries::table
                .inner_join(conversations::table)
                .filter(summaries::is_duplicate.eq(false))
                .filter(summaries::is_hidden.eq(false))
                .filter(summaries::kind.eq_any(OF_PEOPLE))
                .filter(conversations::creator_inbox_id.ne(own_inbox_id))
                .filter(effective().eq(ConsentState::Unknown))
                .count()
                .get_result(db)
        })
    }

    /// The ids of all conversations that are one to the user: those with the same dm id, or only
    /// the one given. Also answers the id given when there is no such conversation.
    pub fn stitched_ids(&self, id: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let dm_id: Option<Option<String>> = self.with(|db| {
            conversations::table
                .find(id)
                .select(conversations::dm_id)
                .get_result(db)
                .optional()
        })?;
        match dm_id.flatten() {
            Some(dm_id) => self.with(|db| {
                conversations::table
                    .filter(conversations::dm_id.eq(dm_id))
                    .select(conversations::id)
                    .load(db)
            }),
            None => Ok(vec![id.to_vec()]),
        }
    }

    /// All conversations with one dm id.
    pub fn dm_conversations(&self, dm_id: &str) -> Result<Vec<Conversation>, StoreError> {
        self.with(|db| {
            conversations::table
                .filter(conversations::dm_id.eq(dm_id))
                .select(Conversation::as_select())
                .load(db)
        })
    }

    /// The conversation that find-or-create of a DM returns: the one with the newest message of
    /// any kind among those that are not restored stubs; on a tie the greatest id
    /// (content-and-client.md 3.4). One that can't be written to, or whose state seems to differ
    /// from the peer's, only wins where there is no other.
    pub fn dm_winner(&self, dm_id: &str) -> Result<Option<Conversation>, StoreError> {
        self.flush_summaries()?;
        self.with(|db| {
            conversations::table
                .inner_join(summaries::table)
                .filter(conversations::dm_id.eq(dm_id))
                .filter(conversations::membership_state.ne(MembershipState::Restored))
                .order((
                    conversations::is_active.desc(),
                    conversations::fork.eq(ForkState::None).desc(),
                    summaries::last_message_ns.desc(),
                    conversations::id.desc(),
                ))
                .select(Conversation::as_select())
                .get_result(db)
                .optional()
        })
    }

    /// The conversation messages typed into this one are sent to: of all stitched with it the one
    /// with the newest message (content-and-client.md 3.4).
    pub fn active_conversation(&self, id: &[u8]) -> Result<Option<Conversation>, StoreError> {
        match self.conversation(id)? {
            Some(Conversation {
                dm_id: Some(dm_id), ..
            }) => {
                let winner = self.dm_winner(&dm_id)?;
                if winner.is_some() {
                    Ok(winner)
                } else {
                    self.conversation(id)
                }
            }
            found => Ok(found),
        }
    }
}

impl Tx {
    /// Stores a conversation we created or were welcomed to. One that is there already is replaced
    /// if it is a restored stub or if the new welcome is newer; it keeps its creation time, its
    /// messages and its projection. `last_message_ns` is the welcome's time for a DM, so that a
    /// fresh one can win (content-and-client.md 3.4), else 0.
    ///
    /// # Errors
    /// [`StoreError::DuplicateWelcome`] if it is there with the same or a newer welcome, or if it
    /// was created here and the new one has no welcome.
    pub fn insert_conversation(
        &self,
        new: &Conversation,
        last_message_ns: i64,
    ) -> Result<(), StoreError> {
        match self.group(&new.id)? {
            None => {
                self.with(|db| {
                    diesel::insert_into(conversations::table)
                        .values(new)
                        .execute(db)
                })?;
                self.insert_summary(new, last_message_ns)?;
            }
            Some(old)
                if old.membership_state == MembershipState::Restored
                    || new.welcome_sequence_id > old.welcome_sequence_id =>
            {
                let replaced = Conversation {
                    created_at_ns: old.created_at_ns,
                    ..new.clone()
                };
                self.with(|db| {
                    diesel::update(conversations::table.find(&new.id))
                        .set(&replaced)
                        .execute(db)
                })?;
                self.raise_last_message(&new.id, last_message_ns);
            }
            Some(_) => return Err(StoreError::DuplicateWelcome),
        }
        self.recount(&new.id);
        Ok(())
    }

    /// Changes a conversation, for instance after a commit.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such conversation.
    pub fn update_conversation(
        &self,
        id: &[u8],
        change: &ConversationChange,
    ) -> Result<(), StoreError> {
        let changed = self.with(|db| {
            diesel::update(conversations::table.find(id))
                .set(change)
                .execute(db)
                .optional_empty_changeset()
        })?;
        if changed == Some(0) {
            Err(StoreError::NotFound("conversation"))
        } else {
            Ok(())
        }
    }

    /// Deletes a conversation with its messages, intents and cursor. Its MLS state is the caller's
    /// to delete; decisions about it stay. Returns whether it existed.
    pub fn delete_conversation(&self, id: &[u8]) -> Result<bool, StoreError> {
        let stitched = self.stitched_ids(id)?;
        self.flush_summaries()?;
        let deleted =
            self.with(|db| diesel::delete(conversations::table.find(id)).execute(db))? > 0;
        self.with(|db| {
            diesel::delete(cursors::table.find((CursorKind::Group.number(), id))).execute(db)
        })?;
        for other in stitched.iter().filter(|other| other.as_slice() != id) {
            self.recount(other);
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests;
