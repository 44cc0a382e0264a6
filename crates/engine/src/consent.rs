//! What the person decided about conversations and people, and what follows from it.
//!
//! Shells see one decision per conversation, the effective one: that about the conversation, else
//! that about the person who added us. The store computes it in the query that reads a row.

use conclave_store::{
    StoreError, Tx,
    consent::Consent,
    conversation::{Conversation, ConversationQuery},
    kinds::{ConsentEntity, ConsentState, ConversationKind, MembershipState},
};

use crate::{
    client::Client,
    error::EngineError,
    event::{Changes, GroupId},
    identities::{addresses, newest_state},
};

/// Most shared groups that [`Client::request`] names.
const MAX_SHARED: usize = 20;
/// Groups that are looked through for them, the most recently active first.
const SEARCHED_FOR_SHARED: i64 = 200;

/// What was decided about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxConsent {
    /// Inbox id.
    pub inbox_id: String,
    /// Wallets of the inbox, as far as known here.
    pub addresses: Vec<String>,
    /// The decision.
    pub state: ConsentState,
    /// When it was taken, in ns; `None` if it never was.
    pub decided_at_ns: Option<i64>,
}

/// What a person sees of a request before they decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who added us.
    pub added_by: InboxConsent,
    /// How many people are in it.
    pub member_count: i64,
    /// Other groups in which they are too and that are not blocked, the most recently active first
    /// and at most 20: (group id, name).
    pub shared: Vec<(GroupId, String)>,
}

impl Client {
    /// Groups and direct messages that others began and that wait for a decision.
    ///
    /// # Errors
    /// The store's.
    pub async fn request_count(&self) -> Result<usize, EngineError> {
        let own = self.0.account.inbox_id.clone();
        let count = self
            .0
            .store
            .read(move |reader| reader.request_count(&own))
            .await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Whether nothing of a conversation is to be shown.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_denied(&self, id: &[u8]) -> Result<bool, EngineError> {
        let id = id.to_vec();
        let consent = self
            .0
            .store
            .read(move |reader| reader.effective_consent(&id))
            .await?;
        Ok(consent == ConsentState::Denied)
    }

    /// What was decided about a person.
    ///
    /// # Errors
    /// The store's.
    pub async fn inbox_consent(&self, inbox_id: &str) -> Result<InboxConsent, EngineError> {
        let inbox_id = inbox_id.to_owned();
        self.0
            .store
            .read(move |reader| described(reader, inbox_id))
            .await
    }

    /// Everybody about whom this was decided, the newest decision first.
    ///
    /// # Errors
    /// The store's.
    pub async fn inbox_consents(
        &self,
        state: ConsentState,
    ) -> Result<Vec<InboxConsent>, EngineError> {
        self.0
            .store
            .read(move |reader| {
                let decided = reader.inbox_consents(state)?.into_iter();
                decided
                    .map(|consent| described(reader, consent.entity))
                    .collect()
            })
            .await
    }

    /// Stores the decision about a person: of the direct message with them, and of all groups they
    /// added us to about which nothing else was decided.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_inbox_consent(
        &self,
        inbox_id: &str,
        state: ConsentState,
    ) -> Result<(), EngineError> {
        let (inbox_id, now_ns) = (inbox_id.to_owned(), self.0.clock.now_ns());
        let changes = self
            .0
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                let decision = Decision::of_person(state, now_ns);
                decide_person(tx, &inbox_id, decision, &mut changes)?;
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.0.note_work(&changes);
        self.0.events.send_changes(changes);
        Ok(())
    }

    /// Stores the decision about a conversation; of a direct message also that about the person.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn set_conversation_consent(
        &self,
        id: &[u8],
        state: ConsentState,
    ) -> Result<(), EngineError> {
        let (id, now_ns) = (id.to_vec(), self.0.clock.now_ns());
        let changes = self
            .0
            .store
            .write(move |tx| {
                let conversation = tx.conversation(&id)?;
                let conversation = conversation.ok_or(EngineError::UnknownConversation)?;
                let mut changes = Changes::default();
                decide_conversation(tx, &conversation, state, now_ns, &mut changes)?;
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.0.note_work(&changes);
        self.0.events.send_changes(changes);
        Ok(())
    }

    /// What a person sees of a conversation before they decide about it.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn request(&self, id: &[u8]) -> Result<Request, EngineError> {
        let conversation = self.conversation(id).await?.conversation;
        let adder = conversation.added_by_inbox_id;
        let candidates = ConversationQuery {
            kinds: vec![ConversationKind::Group],
            limit: Some(SEARCHED_FOR_SHARED),
            ..ConversationQuery::default()
        };
        let mut shared = Vec::new();
        for entry in self.list(candidates).await? {
            let other = entry.conversation;
            if other.id == id || !other.is_active {
                continue;
            }
            let members = self.group_state(&other.id).await?.membership.members;
            if members.contains_key(&adder) {
                shared.push((other.id, other.name));
            }
            if shared.len() >= MAX_SHARED {
                break;
            }
        }
        Ok(Request {
            added_by: self.inbox_consent(&adder).await?,
            member_count: conversation.member_count,
            shared,
        })
    }
}

fn described(
    reader: &conclave_store::Reader,
    inbox_id: String,
) -> Result<InboxConsent, EngineError> {
    let consent = reader.consent(ConsentEntity::Inbox, &inbox_id)?;
    let known = newest_state(reader, &inbox_id)?;
    Ok(InboxConsent {
        addresses: known
            .map(|(_, known)| addresses(&known))
            .unwrap_or_default(),
        state: consent
            .as_ref()
            .map_or(ConsentState::Unknown, |consent| consent.state),
        decided_at_ns: consent.map(|consent| consent.consented_at_ns),
        inbox_id,
    })
}

/// A decision to store.
#[derive(Clone, Copy)]
struct Decision {
    state: ConsentState,
    now_ns: i64,
    /// Whether our other installations hear of it: not of what each of them finds out for itself
    /// (device-sync.md 5.1).
    is_told: bool,
}

impl Decision {
    fn of_person(state: ConsentState, now_ns: i64) -> Self {
        Self {
            state,
            now_ns,
            is_told: true,
        }
    }

    fn by_itself(state: ConsentState, now_ns: i64) -> Self {
        Self {
            is_told: false,
            ..Self::of_person(state, now_ns)
        }
    }
}

/// Stores one record. A decision taken here is always the newest, whatever the clock says.
fn decide(
    tx: &Tx,
    entity_kind: ConsentEntity,
    entity: String,
    decision: Decision,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let state = decision.state;
    let known = tx.consent(entity_kind, &entity)?;
    if known.as_ref().is_some_and(|known| known.state == state) {
        return Ok(());
    }
    let after_known = known.map_or(0, |known| known.consented_at_ns.saturating_add(1));
    tx.set_consent(&Consent {
        entity_kind,
        entity: entity.clone(),
        state,
        consented_at_ns: decision.now_ns.max(after_known),
    })?;
    if decision.is_told {
        tx.insert_untold_preference(entity_kind, &entity)?;
        changes.devices_due();
    }
    changes.consent(entity_kind, entity, state);
    Ok(())
}

/// Stores the record of a conversation alone.
fn decide_group(
    tx: &Tx,
    id: &[u8],
    decision: Decision,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let (kind, entity) = (ConsentEntity::Conversation, hex::encode(id));
    decide(tx, kind, entity, decision, changes)
}

/// Stores the decision about a person, and about the direct message with them.
fn decide_person(
    tx: &Tx,
    inbox_id: &str,
    decision: Decision,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let inbox = inbox_id.to_owned();
    decide(tx, ConsentEntity::Inbox, inbox, decision, changes)?;
    for (id, is_dm) in tx.conversations_of(inbox_id)? {
        if is_dm {
            decide_group(tx, &id, decision, changes)?;
        }
        changes.conversation(&id);
    }
    Ok(())
}

/// Stores the decision about a conversation; of a direct message also that about the person.
pub(crate) fn decide_conversation(
    tx: &Tx,
    conversation: &Conversation,
    state: ConsentState,
    now_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let decision = Decision::of_person(state, now_ns);
    decide_both(tx, conversation, decision, changes)
}

fn decide_both(
    tx: &Tx,
    conversation: &Conversation,
    decision: Decision,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if let Some(peer) = &conversation.peer_inbox_id {
        return decide_person(tx, peer, decision, changes);
    }
    decide_group(tx, &conversation.id, decision, changes)?;
    changes.conversation(&conversation.id);
    Ok(())
}

/// Tells what follows from a decision that was taken elsewhere and is stored.
pub(crate) fn changed(tx: &Tx, taken: Consent, changes: &mut Changes) -> Result<(), StoreError> {
    match taken.entity_kind {
        ConsentEntity::Conversation => {
            let id = hex::decode(&taken.entity).unwrap_or_default();
            if tx.conversation(&id)?.is_some() {
                changes.conversation(&id);
            }
        }
        ConsentEntity::Inbox => {
            for (id, _) in tx.conversations_of(&taken.entity)? {
                changes.conversation(&id);
            }
        }
    }
    changes.consent(taken.entity_kind, taken.entity, taken.state);
    Ok(())
}

/// Remembers that the person wants a conversation: they made it or wrote in it.
pub(crate) fn allow(
    tx: &Tx,
    conversation: &Conversation,
    now_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    allow_as(
        tx,
        conversation,
        Decision::of_person(ConsentState::Allowed, now_ns),
        changes,
    )
}

fn allow_as(
    tx: &Tx,
    conversation: &Conversation,
    decision: Decision,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let entity = hex::encode(&conversation.id);
    let known = tx.consent(ConsentEntity::Conversation, &entity)?;
    let allowed = ConsentState::Allowed;
    // Most messages go where the person has written before.
    if known.is_some_and(|known| known.state == allowed)
        && (conversation.peer_inbox_id.is_none()
            || tx.effective_consent(&conversation.id)? == allowed)
    {
        return Ok(());
    }
    decide_both(tx, conversation, decision, changes)
}

/// As [`allow`], for a group that is being made here. The person of a direct message is allowed
/// once it is made.
pub(crate) fn allow_new(
    tx: &Tx,
    id: &[u8],
    now_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let decision = Decision::of_person(ConsentState::Allowed, now_ns);
    decide_group(tx, id, decision, changes)
}

/// The decision that a group starts with when a welcome brings us in: allowed if another
/// installation of ours made it, unknown again after having left, that of the newest duplicate of
/// a direct message; otherwise none (groups.md 5.7, 9.1). `before`: the group as it was stored.
pub(crate) fn joined(
    tx: &Tx,
    joined: &Conversation,
    before: Option<&Conversation>,
    own_inbox_id: &str,
    now_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if !matches!(joined.kind, ConversationKind::Group | ConversationKind::Dm) {
        return Ok(());
    }
    let state = if joined.creator_inbox_id == own_inbox_id {
        let decision = Decision::by_itself(ConsentState::Allowed, now_ns);
        return allow_as(tx, joined, decision, changes);
    } else if let Some(before) = before {
        let had_left = before.membership_state == MembershipState::PendingRemove;
        had_left.then_some(ConsentState::Unknown)
    } else {
        newest_of_duplicates(tx, joined)?
    };
    if let Some(state) = state {
        let decision = Decision::by_itself(state, now_ns);
        decide_group(tx, &joined.id, decision, changes)?;
    }
    Ok(())
}

fn newest_of_duplicates(
    tx: &Tx,
    joined: &Conversation,
) -> Result<Option<ConsentState>, StoreError> {
    let Some(dm_id) = &joined.dm_id else {
        return Ok(None);
    };
    let mut newest: Option<Consent> = None;
    for other in tx.dm_conversations(dm_id)? {
        let entity = hex::encode(&other.id);
        if let Some(found) = tx.consent(ConsentEntity::Conversation, &entity)?
            && newest
                .as_ref()
                .is_none_or(|n| n.consented_at_ns < found.consented_at_ns)
        {
            newest = Some(found);
        }
    }
    Ok(newest.map(|found| found.state))
}

/// Whether a group or direct message waits for a decision: somebody else made it.
#[must_use]
pub fn is_request(consent: ConsentState, conversation: &Conversation, own_inbox_id: &str) -> bool {
    consent == ConsentState::Unknown && conversation.creator_inbox_id != own_inbox_id
}

/// What a group's own record becomes when it is deleted after we left it: being added again asks
/// anew (groups.md 5.7).
pub(crate) fn forget_after_leaving(
    tx: &Tx,
    conversation: &Conversation,
    now_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if conversation.membership_state == MembershipState::PendingRemove {
        let decision = Decision::by_itself(ConsentState::Unknown, now_ns);
        decide_group(tx, &conversation.id, decision, changes)?;
    }
    Ok(())
}
