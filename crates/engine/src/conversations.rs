//! Making, listing and following conversations.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use conclave_mls::{
    GroupState, extensions,
    group::{Disappearing, NewGroup, NewGroupKind},
    policy::{Permission, PolicySet, Preset, Role, Rule},
};
use conclave_store::{
    StoreError,
    conversation::{Conversation, ConversationEntry, ConversationOrder, ConversationQuery},
    kinds::{ConsentState, ConversationKind, ForkState},
    message::Message,
};
use futures::{Stream, StreamExt, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    client::{Client, Core},
    commit_log,
    consent::{allow_new, decide_conversation},
    deletion::erase,
    error::{EngineError, Refused, RefusedReason},
    event::{Changes, Event, GroupId, Operation},
    intents::IntentData,
    members::{MembershipOutcome, Newcomer},
    metadata::check_length,
    operations::Running,
    people::{MAX_PEOPLE, Resolved},
    transcript::columns,
};

/// Messages that a stream reads at a time.
const STREAM_PAGE: i64 = 200;

/// Why a group with people cannot begin with these permissions.
const NOBODY_ADDS: &str = "nobody may add people with these permissions, so the group would stay without the people chosen; let super admins add people, and change that once the group is made";

/// A group to make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewConversation {
    /// Addresses or inbox ids, at most 400; none for a group of one's own installations.
    pub who: Vec<String>,
    /// Name, at most 100 bytes.
    pub name: String,
    /// Description, at most 1000 bytes.
    pub description: String,
    /// Image URL, at most 2048 bytes.
    pub image_url: String,
    /// Free string of an application, at most 8192 bytes.
    pub app_data: String,
    /// Whether only admins may add people and edit; else everyone may.
    pub admins_only: bool,
    /// Permissions that differ from that.
    pub permissions: Vec<(Permission, Rule)>,
    /// Messages disappear so long after they were received, in ns; `None` if they stay.
    pub disappearing_in_ns: Option<i64>,
    /// Names the operation in progress events and for [`Client::cancel_operation`].
    pub operation_id: Option<String>,
}

/// What a sync of everything did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllSync {
    /// Conversations that are new.
    pub new_conversations: usize,
    /// Groups synced.
    pub synced: usize,
    /// Groups that could not be synced.
    pub failed: usize,
    /// Messages that were not there before.
    pub new_messages: usize,
}

impl Client {
    /// Creates a group, adds the people and waits until the network has it. Those who can't be
    /// added, or come after a stop or an error, are named; everybody else is in.
    ///
    /// # Errors
    /// [`EngineError::People`] if somebody is malformed or unknown, or nobody can be added;
    /// [`EngineError::Denied`] if the permissions let nobody add the people;
    /// [`EngineError::MetadataTooLong`], [`EngineError::TooManyPeople`],
    /// [`EngineError::Cancelled`], the network's. No group is left behind then.
    pub async fn create_group(
        &self,
        new: &NewConversation,
    ) -> Result<(ConversationEntry, Vec<Refused>), EngineError> {
        for (attribute, value) in [
            (extensions::ATTRIBUTE_NAME, &new.name),
            (extensions::ATTRIBUTE_DESCRIPTION, &new.description),
            (extensions::ATTRIBUTE_IMAGE_URL, &new.image_url),
            (extensions::ATTRIBUTE_APP_DATA, &new.app_data),
        ] {
            check_length(attribute, value)?;
        }
        let running = self
            .0
            .begin(Operation::CreateGroup, new.operation_id.clone());
        let mut people = self.0.inboxes(&new.who).await?;
        people.retain(|(_, inbox_id)| *inbox_id != self.0.account.inbox_id);
        if people.len() >= MAX_PEOPLE {
            return Err(EngineError::TooManyPeople(MAX_PEOPLE));
        }
        let preset = if new.admins_only {
            Preset::AdminOnly
        } else {
            Preset::AllMembers
        };
        let policies = new
            .permissions
            .iter()
            .fold(PolicySet::from(preset), |set, (permission, rule)| {
                set.with(permission, *rule)
            });
        // The first commit puts the people in, and everybody judges it by these permissions.
        if !people.is_empty() && !policies.add_member.allows(Role::SuperAdmin) {
            return Err(EngineError::Denied(NOBODY_ADDS.to_owned()));
        }
        let disappearing = new.disappearing_in_ns.filter(|in_ns| *in_ns > 0);
        let group = NewGroup {
            disappearing: disappearing.map(|in_ns| Disappearing {
                from_ns: self.0.clock.now_ns(),
                in_ns,
            }),
            name: new.name.clone(),
            description: new.description.clone(),
            image_url: new.image_url.clone(),
            app_data: new.app_data.clone(),
            ..NewGroup::of_kind(NewGroupKind::Group(policies))
        };
        let (id, outcome) = self.0.create(group, people, &running).await?;
        Ok((self.conversation(&id).await?, outcome.failed))
    }

    /// The direct message with a person: the one that is there, or a new one.
    ///
    /// # Errors
    /// As [`Client::create_group`], and [`EngineError::DirectMessage`] with oneself.
    pub async fn create_dm(&self, who: &str) -> Result<ConversationEntry, EngineError> {
        let people = self.0.inboxes(&[who.to_owned()]).await?;
        let Some((_, peer)) = people.first().cloned() else {
            let reason = RefusedReason::Malformed;
            return Err(EngineError::People(vec![Refused {
                who: who.to_owned(),
                reason,
            }]));
        };
        if peer == self.0.account.inbox_id {
            return Err(EngineError::DirectMessage(
                "This is you. Create a group without others to write notes to your own devices.",
            ));
        }
        let mut pair = [peer.as_str(), self.0.account.inbox_id.as_str()];
        pair.sort_unstable();
        let dm_id = format!("dm:{}", pair.join(":"));
        let known = self
            .0
            .store
            .read(move |reader| reader.dm_winner(&dm_id))
            .await?;
        // Nothing helps a direct message that has forked but another one (groups.md 10.3).
        let is_sound = |known: &Conversation| known.is_active && known.fork == ForkState::None;
        if let Some(known) = known.filter(is_sound) {
            self.0.want(&known).await?;
            return self.conversation(&known.id).await;
        }
        let group = NewGroup::of_kind(NewGroupKind::Dm { peer });
        let running = self.0.begin(Operation::CreateGroup, None);
        let (id, _) = self.0.create(group, people, &running).await?;
        let made = self.conversation(&id).await?.conversation;
        self.0.want(&made).await?;
        self.conversation(&id).await
    }

    /// Conversations from the local database.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        query: ConversationQuery,
    ) -> Result<Vec<ConversationEntry>, EngineError> {
        Ok(self
            .0
            .store
            .read(move |reader| reader.conversations(&query))
            .await?)
    }

    /// The groups that a conversation consists of: one, or all direct messages with a person.
    ///
    /// # Errors
    /// The store's.
    pub async fn stitched_ids(&self, id: &[u8]) -> Result<Vec<GroupId>, EngineError> {
        let id = id.to_vec();
        let store = &self.0.store;
        Ok(store.read(move |reader| reader.stitched_ids(&id)).await?)
    }

    /// One conversation from the local database.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn conversation(&self, id: &[u8]) -> Result<ConversationEntry, EngineError> {
        let group_id = id.to_vec();
        let found = self
            .0
            .store
            .read(move |reader| reader.conversation_entry(&group_id))
            .await?;
        found.ok_or(EngineError::UnknownConversation)
    }

    /// Unread messages in all conversations that the person wants.
    ///
    /// # Errors
    /// The store's.
    pub async fn total_unread(&self) -> Result<usize, EngineError> {
        let total = self.0.store.read(|reader| reader.total_unread()).await?;
        Ok(usize::try_from(total).unwrap_or_default())
    }

    /// Looks addresses and inbox ids up on the network, at most 400, in the order given.
    ///
    /// # Errors
    /// [`EngineError::TooManyPeople`] and the network's.
    pub async fn resolve(&self, who: &[String]) -> Result<Vec<Resolved>, EngineError> {
        self.0.resolve(who).await
    }

    /// Conversations that come to be from now on, each once. A reader that falls behind the events
    /// finds those it missed in the database.
    ///
    /// # Errors
    /// The store's.
    pub async fn stream(
        &self,
    ) -> Result<
        impl Stream<Item = Result<ConversationEntry, EngineError>> + Send + use<>,
        EngineError,
    > {
        let events = self.events();
        let start = Arrivals {
            client: self.clone(),
            events,
            known: self.all_conversations().await?.into_iter().collect(),
            waiting: VecDeque::new(),
        };
        Ok(stream::unfold(start, |mut arrivals| async move {
            let next = arrivals.next().await?;
            Some((next, arrivals))
        }))
    }

    /// The ids of all conversations, the oldest first.
    async fn all_conversations(&self) -> Result<Vec<GroupId>, EngineError> {
        let query = ConversationQuery {
            consent: ConsentState::ALL.to_vec(),
            include_duplicate_dms: true,
            include_hidden: true,
            order: ConversationOrder::Created,
            ..ConversationQuery::default()
        };
        let newest_first = self.list(query).await?;
        let ids = newest_first.into_iter().rev();
        Ok(ids.map(|entry| entry.conversation.id).collect())
    }

    /// Messages of one conversation that are stored from now on, each once, in order.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn stream_messages(
        &self,
        id: &[u8],
    ) -> Result<impl Stream<Item = Result<Message, EngineError>> + Send + use<>, EngineError> {
        self.conversation(id).await?;
        self.follow(Some(id.to_vec()), Vec::new()).await
    }

    /// Messages of all conversations that are stored from now on, each once, in order per
    /// conversation. `consent`: of which conversations; empty for allowed and unknown.
    ///
    /// # Errors
    /// The store's.
    pub async fn stream_all_messages(
        &self,
        consent: Vec<ConsentState>,
    ) -> Result<impl Stream<Item = Result<Message, EngineError>> + Send + use<>, EngineError> {
        self.follow(None, consent).await
    }

    /// Events only say that there is something; what it is is read from the database after the
    /// last row delivered. So nothing is lost when events are, and nothing comes twice.
    async fn follow(
        &self,
        id: Option<Vec<u8>>,
        consent: Vec<ConsentState>,
    ) -> Result<impl Stream<Item = Result<Message, EngineError>> + Send + use<>, EngineError> {
        let events = self.events();
        let position = self
            .0
            .store
            .read(|reader| reader.newest_inserted_at_ns())
            .await?;
        let start = Following {
            client: self.clone(),
            events,
            id,
            consent,
            position,
        };
        Ok(stream::unfold(start, |mut following| async move {
            let page = following.next_page().await?;
            Some((page, following))
        })
        .flat_map(|page| match page {
            Ok(messages) => stream::iter(messages.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        }))
    }
}

/// A stream of conversations.
struct Arrivals {
    client: Client,
    events: Receiver<Event>,
    /// Those that were there before, or were delivered; not more than there are conversations.
    known: BTreeSet<GroupId>,
    /// Those that were missed and are to be delivered.
    waiting: VecDeque<GroupId>,
}

impl Arrivals {
    /// Waits for the next conversation; `None` when the client is gone.
    async fn next(&mut self) -> Option<Result<ConversationEntry, EngineError>> {
        loop {
            let id = match self.waiting.pop_front() {
                Some(id) => id,
                None => match self.events.recv().await {
                    Ok(Event::Conversation { id, is_new: true }) => id,
                    Ok(_) => continue,
                    Err(RecvError::Closed) => return None,
                    Err(RecvError::Lagged(_)) => {
                        match self.client.all_conversations().await {
                            Ok(ids) => {
                                let known = &self.known;
                                let missed = ids.into_iter().filter(|id| !known.contains(id));
                                self.waiting = missed.collect();
                            }
                            Err(error) => return Some(Err(error)),
                        }
                        continue;
                    }
                },
            };
            self.known.insert(id.clone());
            let entry = self.client.conversation(&id).await;
            // Duplicates of a direct message are the same conversation to a person.
            if !matches!(&entry, Ok(entry) if entry.summary.is_duplicate) {
                return Some(entry);
            }
        }
    }
}

struct Following {
    client: Client,
    events: Receiver<Event>,
    id: Option<Vec<u8>>,
    consent: Vec<ConsentState>,
    position: i64,
}

impl Following {
    /// Waits until there are messages after the position; `None` when the client is gone.
    async fn next_page(&mut self) -> Option<Result<Vec<Message>, EngineError>> {
        loop {
            let after = self.position;
            let read = self
                .client
                .0
                .store
                .read(move |reader| reader.messages_inserted_after(after, STREAM_PAGE))
                .await;
            let page = match read {
                Ok(page) => page,
                Err(StoreError::Closed) => return None,
                Err(error) => return Some(Err(error.into())),
            };
            if let Some(last) = page.last() {
                self.position = last.inserted_at_ns;
                match self.wanted(page).await {
                    Ok(wanted) if wanted.is_empty() => continue,
                    other => return Some(other),
                }
            }
            loop {
                match self.events.recv().await {
                    Ok(Event::Messages { .. }) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }

    async fn wanted(&self, page: Vec<Message>) -> Result<Vec<Message>, EngineError> {
        let (id, consent) = (self.id.clone(), self.consent.clone());
        let reader = &self.client.0.store;
        Ok(reader
            .read(move |reader| {
                let stitched = id
                    .as_deref()
                    .map(|id| reader.stitched_ids(id))
                    .transpose()?;
                let mut verdicts: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
                let mut wanted = Vec::with_capacity(page.len());
                for message in page {
                    let group_id = &message.conversation_id;
                    let verdict = match (verdicts.get(group_id), &stitched) {
                        (Some(verdict), _) => *verdict,
                        (None, Some(stitched)) => stitched.contains(group_id),
                        (None, None) => {
                            let entry = reader.conversation_entry(group_id)?;
                            entry.is_some_and(|entry| listed(&entry, &consent))
                        }
                    };
                    verdicts.insert(group_id.clone(), verdict);
                    if verdict {
                        wanted.push(message);
                    }
                }
                Ok::<_, StoreError>(wanted)
            })
            .await?)
    }
}

fn listed(entry: &ConversationEntry, consent: &[ConsentState]) -> bool {
    let kind = entry.conversation.kind;
    let wanted = if consent.is_empty() {
        entry.consent != ConsentState::Denied
    } else {
        consent.contains(&entry.consent)
    };
    matches!(kind, ConversationKind::Group | ConversationKind::Dm) && wanted
}

impl Core {
    /// Creates a group with its first members. The first commit is always one of membership, even
    /// with nobody to add: it brings our own other installations in, and later ones can resolve us
    /// (groups.md 2.3, 11).
    async fn create(
        self: &Arc<Self>,
        new: NewGroup,
        people: Vec<(String, String)>,
        running: &Running<'_>,
    ) -> Result<(Vec<u8>, MembershipOutcome), EngineError> {
        let own = self.account.inbox_id.clone();
        self.identities.refresh(std::slice::from_ref(&own)).await?;
        self.require_valid()?;
        let Some((own_sequence_id, _)) = self.identities.newest(&own).await? else {
            return Err(EngineError::NotRegistered);
        };
        let mut additions = self.prepare_additions(people).await?;
        running.tell(None, 0, additions.total);
        let mut first = BTreeMap::from([(own, own_sequence_id)]);
        let newcomers = additions.batches.pop_front().unwrap_or_default();
        first.extend(newcomers.iter().map(Newcomer::update));
        running.go_on()?;
        let (id, intent, changes) = self.store_group(new, first).await?;
        let _turn = self.lock(&id).await;
        let key_packages = &mut additions.key_packages;
        if let Err(error) = self.settle_queued(&id, intent, key_packages).await {
            self.discard_unborn(&id).await?;
            return Err(error);
        }
        let mut outcome = MembershipOutcome {
            changed: newcomers.into_iter().map(|one| one.inbox_id).collect(),
            failed: Vec::new(),
        };
        running.tell(Some(&id), outcome.changed.len(), additions.total);
        // The group is there: what happens to later batches names people and is no error.
        self.add_batches(&id, additions, running, &mut outcome)
            .await?;
        self.note_work(&changes);
        self.events.send_changes(changes);
        self.events.send(Event::Conversation {
            id: id.clone(),
            is_new: true,
        });
        self.wake_streams();
        Ok((id, outcome))
    }

    /// Stores a new group together with the intent of its first commit, so that a crash leaves
    /// either nothing or a group that the next sync finishes.
    pub(crate) async fn store_group(
        self: &Arc<Self>,
        new: NewGroup,
        first: BTreeMap<String, u64>,
    ) -> Result<(Vec<u8>, i64, Changes), EngineError> {
        let core = Arc::clone(self);
        self.store
            .write(move |tx| {
                let mut changes = Changes::default();
                let own = &core.account.inbox_id;
                let group = conclave_mls::group::create(tx.mls(), &core.signer, own, &new)?;
                let state = GroupState::of(&group)?;
                let now_ns = core.clock.now_ns();
                let mut conversation = Conversation::new(
                    state.group_id.clone(),
                    kind_of(&state),
                    own.clone(),
                    own.clone(),
                    now_ns,
                );
                conversation.dm_id = state.dm_id();
                conversation.peer_inbox_id = peer_of(&state, own);
                let forked = match &conversation.dm_id {
                    Some(dm_id) => {
                        let others = tx.dm_conversations(dm_id)?;
                        others.iter().any(|other| other.fork != ForkState::None)
                    }
                    None => false,
                };
                // It stands for the direct message at once, in place of the one that has forked.
                let last_message_ns = if forked { now_ns } else { 0 };
                tx.insert_conversation(&conversation, last_message_ns)?;
                tx.update_conversation(&state.group_id, &columns(&state, own, true))?;
                if matches!(
                    conversation.kind,
                    ConversationKind::Group | ConversationKind::Dm
                ) {
                    allow_new(tx, &state.group_id, now_ns, &mut changes)?;
                }
                commit_log::began(tx, &group)?;
                tx.keep_group(group);
                let data = IntentData::Membership {
                    updates: first,
                    removed: Vec::new(),
                };
                let intent = data.enqueue(tx, &state.group_id, None, now_ns)?;
                Ok::<_, EngineError>((state.group_id, intent, changes))
            })
            .await
    }

    /// The person asks for a direct message: they want it and whom it is with, and want to see it.
    async fn want(&self, known: &Conversation) -> Result<(), EngineError> {
        let (known, now_ns) = (known.clone(), self.clock.now_ns());
        let changes = self
            .store
            .write(move |tx| {
                let mut changes = Changes::default();
                let allowed = ConsentState::Allowed;
                decide_conversation(tx, &known, allowed, now_ns, &mut changes)?;
                tx.show(&known.id);
                changes.conversation(&known.id);
                Ok::<_, EngineError>(changes)
            })
            .await?;
        self.note_work(&changes);
        self.events.send_changes(changes);
        Ok(())
    }

    /// Takes a group back whose first commit never left this computer, so that a failed creation
    /// leaves nothing behind. One that may have left stays and is finished by the next sync.
    pub(crate) async fn discard_unborn(self: &Arc<Self>, id: &[u8]) -> Result<(), EngineError> {
        let group_id = id.to_vec();
        self.store
            .write(move |tx| {
                let Some(group) = tx.take_group(&group_id)? else {
                    return Ok(());
                };
                let published = conclave_store::kinds::IntentState::Published;
                let under_way = tx.intents_in_state(&group_id, published)?;
                if !under_way.is_empty() || group.epoch().as_u64() > 0 {
                    tx.keep_group(group);
                    return Ok(());
                }
                erase(tx, &group_id, Some(group))
            })
            .await
    }
}

pub(crate) fn kind_of(state: &GroupState) -> ConversationKind {
    use extensions::ConversationType;
    match state.conversation_type() {
        ConversationType::Group => ConversationKind::Group,
        ConversationType::Dm => ConversationKind::Dm,
        ConversationType::Sync => ConversationKind::Sync,
        ConversationType::Oneshot => ConversationKind::Oneshot,
    }
}

/// The other person of a direct message.
pub(crate) fn peer_of(state: &GroupState, own: &str) -> Option<String> {
    let pair = state.metadata.dm_members.as_ref()?;
    pair.iter().find(|inbox_id| *inbox_id != own).cloned()
}
