//! Conversations: the list, one of them, leaving and deleting them.

use std::collections::BTreeMap;

use conclave_engine::{
    Client, ConsentState, ConversationEntry, ConversationKind as StoredKind,
    ConversationOrder as StoredOrder, ConversationQuery, Draft as StoredDraft, Fork as StoredFork,
    ForkState as StoredForkState, GroupId, MembershipState, OwnRole, Summary, is_request,
};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        Consent, Conversation, ConversationArgs, ConversationKind, ConversationListArgs,
        ConversationPage, Disappearing, Draft, DraftArgs, Fork, ForkState, ListFilter,
        MarkUnreadArgs, Nothing, Preview, Role,
    },
    value,
};

/// Most rows of one page of the list.
const MAX_PAGE: usize = 1000;

/// Which conversations [`Api::conversations`] gives. The default is groups and direct messages that
/// are allowed or unknown, newest activity first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Consent; empty for allowed and unknown.
    pub consent: Vec<Consent>,
    /// Kinds; empty for both.
    pub kinds: Vec<ConversationKind>,
    /// Only those created later, in ns.
    pub created_after_ns: Option<i64>,
    /// Only those created earlier, in ns.
    pub created_before_ns: Option<i64>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The order.
    pub order: ConversationOrder,
}

/// The order of a list of conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationOrder {
    /// Newest activity first.
    #[default]
    Activity,
    /// Newest first.
    Created,
}

impl From<ConversationKind> for StoredKind {
    fn from(kind: ConversationKind) -> Self {
        match kind {
            ConversationKind::Group => Self::Group,
            ConversationKind::Dm => Self::Dm,
        }
    }
}

impl From<ConversationOrder> for StoredOrder {
    fn from(order: ConversationOrder) -> Self {
        match order {
            ConversationOrder::Activity => Self::Activity,
            ConversationOrder::Created => Self::Created,
        }
    }
}

fn preview(summary: &Summary) -> Option<Preview> {
    Some(Preview {
        message_id: value::id(summary.last_message_id.as_ref()?),
        text: summary.last_message_preview.clone()?,
        sender_inbox_id: summary.last_message_sender_inbox_id.clone()?,
        kind: summary.last_message_kind?.into(),
        delivery: summary.last_message_delivery?.into(),
        sent_at_ns: value::ns(summary.last_message_sent_at_ns?),
    })
}

/// The draft of a conversation, of whichever of its ids it was begun under.
fn draft(entry: &ConversationEntry, drafts: &BTreeMap<GroupId, StoredDraft>) -> Option<Draft> {
    let mut ids = std::iter::once(&entry.conversation.id).chain(&entry.duplicates);
    let found = ids.find_map(|id| drafts.get(id))?;
    Some(Draft {
        text: found.text.clone(),
        reply_to: found.reply_to.as_ref().map(value::id),
    })
}

fn row(
    entry: ConversationEntry,
    draft: Option<Draft>,
    addresses: &BTreeMap<String, String>,
    own: &str,
) -> Conversation {
    let request = is_request(entry.consent, &entry.conversation, own);
    let ConversationEntry {
        conversation,
        summary,
        consent,
        added_by_consent,
        duplicates,
    } = entry;
    let is_leaving =
        conversation.is_active && conversation.membership_state == MembershipState::PendingRemove;
    let fork = StoredFork::of(&conversation).map(|fork| Fork {
        state: match fork.state {
            StoredForkState::Confirmed => ForkState::Confirmed,
            StoredForkState::None | StoredForkState::Suspected => ForkState::Suspected,
        },
        reason: fork.reason,
        text: fork.text,
        can_request: fork.can_request,
        requested_at_ns: fork.requested_at_ns.map(value::ns),
    });
    let peer = conversation.peer_inbox_id;
    Conversation {
        id: value::id(&conversation.id),
        kind: match conversation.kind {
            StoredKind::Dm => ConversationKind::Dm,
            _ => ConversationKind::Group,
        },
        name: conversation.name,
        description: conversation.description,
        image_url: conversation.image_url,
        created_at_ns: value::ns(conversation.created_at_ns),
        added_by_inbox_id: conversation.added_by_inbox_id,
        creator_inbox_id: conversation.creator_inbox_id,
        peer_address: peer.as_ref().and_then(|peer| addresses.get(peer).cloned()),
        peer_inbox_id: peer,
        consent: consent.into(),
        is_active: conversation.is_active,
        is_restored: (conversation.membership_state == MembershipState::Restored).then_some(true),
        my_role: match conversation.own_role {
            OwnRole::Member => Role::Member,
            OwnRole::Admin => Role::Admin,
            OwnRole::SuperAdmin => Role::SuperAdmin,
        },
        pinned: conversation
            .pinned
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
        disappearing: conversation
            .disappear_from_ns
            .zip(conversation.disappear_in_ns)
            .map(|(from_ns, in_ns)| Disappearing {
                from_ns: value::ns(from_ns),
                in_ns: value::ns(in_ns),
            }),
        minimum_version: conversation.minimum_version,
        epoch: u64::try_from(conversation.epoch).unwrap_or_default(),
        member_count: value::count(conversation.member_count),
        last_activity_ns: value::ns(summary.last_activity_ns),
        preview: preview(&summary),
        draft,
        unread_count: value::count(summary.unread_count),
        failed_count: value::count(summary.failed_count),
        paused_for_version: conversation.paused_for_version,
        fork,
        duplicate_ids: duplicates.iter().map(value::id).collect(),
        leaving: is_leaving,
        request,
        added_by_consent: added_by_consent.into(),
    }
}

/// Rows of these conversations, with the addresses of the other people in direct messages.
pub(crate) async fn rows(
    client: &Client,
    entries: Vec<ConversationEntry>,
) -> Result<Vec<Conversation>, ApiError> {
    let own = &client.account().inbox_id;
    let peers: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.conversation.peer_inbox_id.clone())
        .collect();
    let addresses = if peers.is_empty() {
        BTreeMap::new()
    } else {
        client.first_addresses(peers).await?
    };
    let ids = entries.iter().flat_map(|entry| {
        let duplicates = entry.duplicates.iter().cloned();
        std::iter::once(entry.conversation.id.clone()).chain(duplicates)
    });
    let drafts = client.drafts(ids.collect()).await?;
    Ok(entries
        .into_iter()
        .map(|entry| {
            let draft = draft(&entry, &drafts);
            row(entry, draft, &addresses, own)
        })
        .collect())
}

/// The row of one conversation.
pub(crate) async fn one(
    client: &Client,
    entry: ConversationEntry,
) -> Result<Conversation, ApiError> {
    let mut rows = rows(client, vec![entry]).await?;
    rows.pop()
        .ok_or_else(|| ApiError::internal("A conversation was read and is not there."))
}

impl Api {
    /// A page of conversations from the local database.
    ///
    /// # Errors
    /// `no_account`, `not_registered`, `invalid_arguments`.
    pub async fn conversation_list(
        &self,
        args: ConversationListArgs,
    ) -> Result<ConversationPage, ApiError> {
        let client = self.client().await?;
        let own = client.account().inbox_id.clone();
        let limit = usize::try_from(args.limit)
            .unwrap_or(MAX_PAGE)
            .clamp(1, MAX_PAGE);
        let mut after = match &args.after {
            None => None,
            Some(position) => {
                let (time, id) = value::read_position(position)?;
                Some((time, value::bytes(id)?))
            }
        };
        let requested = ConversationQuery {
            consent: vec![ConsentState::Unknown],
            ..ConversationQuery::default()
        };
        let requests = client.request_count().await?;
        let query = match args.filter {
            ListFilter::All | ListFilter::Unread => ConversationQuery::default(),
            ListFilter::Requests => requested,
        };
        let waits =
            |entry: &ConversationEntry| is_request(entry.consent, &entry.conversation, &own);
        // Filters that the database does not know are applied here, page by page.
        let mut found: Vec<ConversationEntry> = Vec::new();
        let more = loop {
            let query = ConversationQuery {
                after: after.clone(),
                limit: i64::try_from(limit).ok(),
                ..query.clone()
            };
            let page = client.list(query).await?;
            let is_last = page.len() < limit;
            after = page.last().map(position);
            found.extend(page.into_iter().filter(|entry| match args.filter {
                ListFilter::All => true,
                ListFilter::Unread => entry.summary.unread_count > 0 && !waits(entry),
                ListFilter::Requests => waits(entry),
            }));
            if found.len() >= limit || is_last {
                break !is_last || found.len() > limit;
            }
        };
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(position)
            .map(|(time, id)| value::position(time, value::id(id)));
        Ok(ConversationPage {
            items: rows(&client, found).await?,
            next,
            total_unread: value::count(client.total_unread().await?),
            requests: value::count(requests),
        })
    }

    /// Conversations by options, from the local database.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn conversations(
        &self,
        filter: ConversationFilter,
    ) -> Result<Vec<Conversation>, ApiError> {
        let client = self.client().await?;
        let query = ConversationQuery {
            kinds: filter.kinds.into_iter().map(StoredKind::from).collect(),
            consent: filter.consent.into_iter().map(ConsentState::from).collect(),
            created_after_ns: filter.created_after_ns,
            created_before_ns: filter.created_before_ns,
            order: filter.order.into(),
            limit: filter.limit.map(i64::from),
            ..ConversationQuery::default()
        };
        let entries = client.list(query).await?;
        rows(&client, entries).await
    }

    /// One conversation from the local database.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_get(&self, args: ConversationArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.conversation(&id).await
    }

    pub(crate) async fn conversation(&self, id: &[u8]) -> Result<Conversation, ApiError> {
        let client = self.client().await?;
        let entry = client.conversation(id).await?;
        one(&client, entry).await
    }

    /// Marks everything in a conversation as read.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_mark_read(
        &self,
        args: ConversationArgs,
    ) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.client().await?.mark_read(&id).await?;
        self.conversation(&id).await
    }

    /// Marks a conversation as unread, from a message on or from the newest one of others. Where
    /// nobody else has written nothing happens.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`, `unknown_message` for one that is not in it.
    pub async fn conversation_mark_unread(
        &self,
        args: MarkUnreadArgs,
    ) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let message_id = args.message_id.as_deref().map(value::bytes).transpose()?;
        let client = self.client().await?;
        client.mark_unread(&id, message_id.as_deref()).await?;
        self.conversation(&id).await
    }

    /// Keeps what the person has begun to write; of a direct message for all its ids. Without text
    /// and without a message to reply to nothing is kept.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`, `text_too_long`.
    pub async fn draft_set(&self, args: DraftArgs) -> Result<Nothing, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let draft = StoredDraft {
            text: args.text,
            reply_to: args.reply_to.as_deref().map(value::bytes).transpose()?,
        };
        self.client().await?.set_draft(&id, draft).await?;
        Ok(Nothing {})
    }

    /// Asks the super admins of a group to take us out.
    ///
    /// # Errors
    /// `cannot_leave`, `leaving_already`, `conversation_inactive`, `conversation_paused`,
    /// `unknown_conversation`, the network's.
    pub async fn group_leave(&self, args: ConversationArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.client().await?.leave(&id).await?;
        self.conversation(&id).await
    }

    /// Asks the super admins of a group to add this device again, because its copy of the group
    /// differs from those of the others.
    ///
    /// # Errors
    /// `readd_unavailable`, `conversation_inactive`, `conversation_paused`,
    /// `unknown_conversation`, the network's.
    pub async fn readd_request(&self, args: ConversationArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.client().await?.request_readd(&id).await?;
        self.conversation(&id).await
    }

    /// Deletes a conversation on this installation only.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_delete(&self, args: ConversationArgs) -> Result<Nothing, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.client().await?.delete_conversation(&id).await?;
        Ok(Nothing {})
    }

    /// Fetches the conversations that we were added to; answers how many are new.
    ///
    /// # Errors
    /// The network's.
    pub async fn sync_conversations(&self, _: Nothing) -> Result<u32, ApiError> {
        Ok(value::count(self.client().await?.sync().await?))
    }
}

fn position(entry: &ConversationEntry) -> (i64, Vec<u8>) {
    (
        entry.summary.last_activity_ns,
        entry.conversation.id.clone(),
    )
}
