//! Conversations: the list, one of them, consent to them.

use std::collections::BTreeMap;

use conclave_engine::{
    Client, ConsentEntity, ConsentState, ConversationEntry, ConversationKind as StoredKind,
    ConversationOrder as StoredOrder, ConversationQuery, ForkState, Summary,
};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        Consent, ConsentSetArgs, Conversation, ConversationArgs, ConversationKind,
        ConversationListArgs, ConversationPage, ListFilter, Nothing, Preview,
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

impl From<Consent> for ConsentState {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Unknown => Self::Unknown,
            Consent::Allowed => Self::Allowed,
            Consent::Denied => Self::Denied,
        }
    }
}

impl From<ConsentState> for Consent {
    fn from(consent: ConsentState) -> Self {
        match consent {
            ConsentState::Unknown => Self::Unknown,
            ConsentState::Allowed => Self::Allowed,
            ConsentState::Denied => Self::Denied,
        }
    }
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

fn row(entry: ConversationEntry, addresses: &BTreeMap<String, String>) -> Conversation {
    let ConversationEntry {
        conversation,
        summary,
        consent,
    } = entry;
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
        epoch: u64::try_from(conversation.epoch).unwrap_or_default(),
        member_count: value::count(conversation.member_count),
        last_activity_ns: value::ns(summary.last_activity_ns),
        preview: preview(&summary),
        unread_count: value::count(summary.unread_count),
        failed_count: value::count(summary.failed_count),
        paused_for_version: conversation.paused_for_version,
        maybe_forked: conversation.fork != ForkState::None,
    }
}

/// Rows of these conversations, with the addresses of the other people in direct messages.
pub(crate) async fn rows(
    client: &Client,
    entries: Vec<ConversationEntry>,
) -> Result<Vec<Conversation>, ApiError> {
    let peers: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.conversation.peer_inbox_id.clone())
        .collect();
    let addresses = if peers.is_empty() {
        BTreeMap::new()
    } else {
        client.first_addresses(peers).await?
    };
    Ok(entries
        .into_iter()
        .map(|entry| row(entry, &addresses))
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

/// Somebody else made it, and we have not said what we think of it.
fn is_request(entry: &ConversationEntry, own: &str) -> bool {
    entry.consent == ConsentState::Unknown && entry.conversation.creator_inbox_id != own
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
                ListFilter::Unread => entry.summary.unread_count > 0,
                ListFilter::Requests => is_request(entry, &own),
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

    /// Sets the consent to a conversation.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn consent_set(&self, args: ConsentSetArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        self.set_conversation_consent(&id, args.state).await?;
        self.conversation(&id).await
    }

    /// The consent to a conversation.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_consent(&self, conversation_id: &str) -> Result<Consent, ApiError> {
        let id = value::bytes(conversation_id)?;
        Ok(self.client().await?.conversation(&id).await?.consent.into())
    }

    /// The consent to an inbox.
    ///
    /// # Errors
    /// `invalid_id`.
    pub async fn inbox_consent(&self, inbox_id: &str) -> Result<Consent, ApiError> {
        let inbox_id = value::inbox_id(inbox_id)?;
        let consent = self
            .client()
            .await?
            .consent(ConsentEntity::Inbox, &inbox_id)
            .await?;
        Ok(consent.into())
    }

    /// Sets the consent to an inbox.
    ///
    /// # Errors
    /// `invalid_id`.
    pub async fn inbox_consent_set(&self, inbox_id: &str, state: Consent) -> Result<(), ApiError> {
        let inbox_id = value::inbox_id(inbox_id)?;
        let client = self.client().await?;
        Ok(client
            .set_consent(ConsentEntity::Inbox, &inbox_id, state.into())
            .await?)
    }

    async fn set_conversation_consent(&self, id: &[u8], state: Consent) -> Result<(), ApiError> {
        let client = self.client().await?;
        client.conversation(id).await?;
        let entity = value::id(id);
        Ok(client
            .set_consent(ConsentEntity::Conversation, &entity, state.into())
            .await?)
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
