//! Members of a group: listing, adding, removing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use conclave_identity::InstallationId;
use conclave_mls::{
    GroupState,
    key_package::{self, InvalidKeyPackage, MINIMUM_REMAINING_LIFETIME_S, VerifiedKeyPackage},
    policy::{PolicySet, Role},
};
use conclave_store::kinds::{ConsentEntity, ConsentState};

use crate::{
    client::{Client, Core},
    error::{EngineError, Refused, RefusedReason},
    event::Operation,
    identities::{addresses, newest_state},
    intents::IntentData,
    nanoseconds::{MINUTE, SECOND},
    operations::Running,
    people::MAX_PEOPLE,
    rules::{Action, MemberActions, member_actions},
};

/// Most installations that one commit adds or removes: its size then stays far below the 4 MiB that
/// nodes take for a group message, and a long operation can be followed and stopped between two
/// commits (groups.md 4.9: batches of 100 are 174 KB).
const INSTALLATIONS_PER_COMMIT: usize = 100;
/// A clock that is further behind the node's than this is called wrong.
const CLOCK_TOLERANCE_NS: i64 = 10 * MINUTE;
/// Most key packages asked for in one call.
const KEY_PACKAGES_PER_CALL: usize = 500;

/// A member of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Inbox id.
    pub inbox_id: String,
    /// Wallets of the inbox, as far as known here.
    pub addresses: Vec<String>,
    /// Installations of the inbox that are in the group.
    pub installation_ids: Vec<InstallationId>,
    /// Role.
    pub role: Role,
    /// Our consent to this inbox.
    pub consent: ConsentState,
    /// What we may do to them.
    pub actions: MemberActions,
}

/// What became of adding or removing people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MembershipOutcome {
    /// Inbox ids that were added, or removed. Those that were in (or out) already are not named.
    pub changed: Vec<String>,
    /// People who were not, and why; everybody else was.
    pub failed: Vec<Refused>,
}

impl MembershipOutcome {
    /// Ends an operation early: names those who are left, or gives the error if nothing was done.
    fn stop(
        &mut self,
        error: EngineError,
        left: impl Iterator<Item = String>,
    ) -> Result<(), EngineError> {
        let reason = match error {
            EngineError::Cancelled => RefusedReason::Cancelled,
            _ => RefusedReason::Interrupted,
        };
        self.failed.extend(left.map(|who| Refused { who, reason }));
        if self.changed.is_empty() {
            return Err(error);
        }
        tracing::warn!(code = error.code(), "not everybody was reached");
        Ok(())
    }
}

/// Key packages that were fetched and checked, by installation. Missing or unusable ones are
/// absent.
#[derive(Default)]
pub(crate) struct KeyPackages {
    usable: BTreeMap<InstallationId, VerifiedKeyPackage>,
    asked: BTreeSet<InstallationId>,
}

impl KeyPackages {
    pub(crate) fn get(&self, id: &InstallationId) -> Option<&VerifiedKeyPackage> {
        self.usable.get(id)
    }

    /// Whether the node was asked for it, whatever the answer was.
    pub(crate) fn was_asked(&self, id: &InstallationId) -> bool {
        self.asked.contains(id)
    }

    /// Fetches those of `wanted` that were not asked for yet. What a node hands out is compared
    /// with what was asked for, so that it can't swap devices (identity.md 5.3).
    pub(crate) async fn fetch(
        &mut self,
        core: &Core,
        wanted: &BTreeMap<InstallationId, String>,
    ) -> Result<(), EngineError> {
        let missing: Vec<InstallationId> = wanted
            .keys()
            .filter(|id| !self.asked.contains(id))
            .copied()
            .collect();
        let now_s = u64::try_from(core.clock.now_ns() / SECOND).unwrap_or_default();
        let mut outside_lifetime = false;
        for chunk in missing.chunks(KEY_PACKAGES_PER_CALL) {
            let keys: Vec<[u8; 32]> = chunk.iter().map(|id| *id.as_bytes()).collect();
            let answers = core.network.fetch_key_packages(&keys).await?;
            let crypto = openmls_rust_crypto::RustCrypto::default();
            for (id, bytes) in chunk.iter().zip(answers) {
                self.asked.insert(*id);
                let Some(bytes) = bytes else { continue };
                match key_package::verify(&crypto, &bytes) {
                    Ok(found)
                        if found.installation_id == *id
                            && wanted.get(id) == Some(&found.inbox_id)
                            && found.not_after_s >= now_s + MINIMUM_REMAINING_LIFETIME_S =>
                    {
                        self.usable.insert(*id, found);
                    }
                    Ok(_) => tracing::warn!("a key package is another's or ends too soon"),
                    Err(error) => {
                        outside_lifetime |= error == InvalidKeyPackage::Lifetime;
                        tracing::warn!(code = error.code(), "unusable key package");
                    }
                }
            }
        }
        // The node has logged something in our future: it is our clock that is wrong, not their
        // key packages.
        if outside_lifetime {
            let newest_ns = core
                .store
                .read(|reader| reader.newest_identity_timestamp_ns())
                .await?;
            if newest_ns > core.clock.now_ns() + CLOCK_TOLERANCE_NS {
                return Err(EngineError::Clock);
            }
        }
        Ok(())
    }
}

impl Client {
    /// The members of a conversation, ourselves included, ordered by inbox id.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn list_members(&self, id: &[u8]) -> Result<Vec<Member>, EngineError> {
        let state = self.group_state(id).await?;
        let own = self.0.account.inbox_id.clone();
        self.0
            .store
            .read(move |reader| members(reader, &state, &own))
            .await
    }

    /// Adds people by address or inbox id and waits until the group has them.
    ///
    /// # Errors
    /// [`EngineError::People`] if somebody is malformed or unknown (nothing was changed then) or if
    /// nobody can be added; [`EngineError::Denied`], [`EngineError::TooManyPeople`],
    /// [`EngineError::DirectMessage`], and those of a sync.
    pub async fn add_members(
        &self,
        id: &[u8],
        who: &[String],
    ) -> Result<MembershipOutcome, EngineError> {
        self.add_members_in(id, who, None).await
    }

    /// As [`Client::add_members`], with inbox ids only.
    ///
    /// # Errors
    /// As there.
    pub async fn add_members_by_inbox_id(
        &self,
        id: &[u8],
        inbox_ids: &[String],
    ) -> Result<MembershipOutcome, EngineError> {
        self.add_members(id, inbox_ids).await
    }

    /// As [`Client::add_members`], as an operation that is told in progress events under this id and
    /// can be stopped. Those who come after a stop or an error are named among the failed.
    ///
    /// # Errors
    /// As there, and [`EngineError::Cancelled`].
    pub async fn add_members_in(
        &self,
        id: &[u8],
        who: &[String],
        operation_id: Option<String>,
    ) -> Result<MembershipOutcome, EngineError> {
        let running = self.0.begin(Operation::AddMembers, operation_id);
        let people = self.0.inboxes(who).await?;
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        self.require(&state, &Action::AddMember, None).await?;
        let new: Vec<_> = people
            .into_iter()
            .filter(|(_, inbox_id)| !state.membership.members.contains_key(inbox_id))
            .collect();
        if state.membership.members.len() + new.len() > MAX_PEOPLE {
            return Err(EngineError::TooManyPeople(MAX_PEOPLE));
        }
        let additions = self.0.prepare_additions(new).await?;
        running.go_on()?;
        running.tell(Some(id), 0, additions.total);
        let mut outcome = MembershipOutcome::default();
        self.0
            .add_batches(id, additions, &running, &mut outcome)
            .await?;
        Ok(outcome)
    }

    /// Removes people by address or inbox id and waits until the group has done so.
    ///
    /// # Errors
    /// As [`Client::add_members`].
    pub async fn remove_members(
        &self,
        id: &[u8],
        who: &[String],
    ) -> Result<MembershipOutcome, EngineError> {
        self.remove_members_in(id, who, None).await
    }

    /// As [`Client::remove_members`], as an operation that is told in progress events under this id
    /// and can be stopped. Those who come after a stop or an error are named among the failed.
    ///
    /// # Errors
    /// As there, and [`EngineError::Cancelled`].
    pub async fn remove_members_in(
        &self,
        id: &[u8],
        who: &[String],
        operation_id: Option<String>,
    ) -> Result<MembershipOutcome, EngineError> {
        let running = self.0.begin(Operation::RemoveMembers, operation_id);
        let people = self.0.inboxes(who).await?;
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        self.require(&state, &Action::RemoveMember, None).await?;
        let (mut outcome, mut removed) = (MembershipOutcome::default(), Vec::new());
        for (who, inbox_id) in people {
            if inbox_id == self.0.account.inbox_id {
                let reason = RefusedReason::OurSelf;
                outcome.failed.push(Refused { who, reason });
            } else if !state.membership.members.contains_key(&inbox_id) {
                let reason = RefusedReason::NotMember;
                outcome.failed.push(Refused { who, reason });
            } else {
                let of_inbox = state.leaves.iter().filter(|leaf| leaf.inbox_id == inbox_id);
                removed.push((of_inbox.count(), (who, inbox_id)));
            }
        }
        let targets: Vec<String> = removed.iter().map(|(_, (_, id))| id.clone()).collect();
        for target in &targets {
            self.require(&state, &Action::RemoveMember, Some(target))
                .await?;
        }
        if removed.is_empty() {
            return match outcome.failed.is_empty() {
                true => Ok(outcome),
                false => Err(EngineError::People(outcome.failed)),
            };
        }
        running.go_on()?;
        self.0
            .remove_batches(id, batches(removed), &running, &mut outcome)
            .await?;
        Ok(outcome)
    }

    /// As [`Client::remove_members`], with inbox ids only.
    ///
    /// # Errors
    /// As there.
    pub async fn remove_members_by_inbox_id(
        &self,
        id: &[u8],
        inbox_ids: &[String],
    ) -> Result<MembershipOutcome, EngineError> {
        self.remove_members(id, inbox_ids).await
    }
}

/// The permissions of a group that can still be changed.
///
/// # Errors
/// [`EngineError::Unreadable`]: everybody would refuse the commit.
pub(crate) fn readable(state: &GroupState) -> Result<&PolicySet, EngineError> {
    match &state.policies {
        Ok(policies) if state.unreadable.is_empty() => Ok(policies),
        _ => Err(EngineError::Unreadable),
    }
}

impl Core {
    /// Adds people to a group whose lock the caller holds, one commit for each batch. An error of
    /// the first change is the operation's; one of a later batch, or a stop, names all that are left.
    ///
    /// # Errors
    /// The first batch's, if nothing was changed before it.
    pub(crate) async fn add_batches(
        self: &Arc<Self>,
        id: &[u8],
        additions: Additions,
        running: &Running<'_>,
        outcome: &mut MembershipOutcome,
    ) -> Result<(), EngineError> {
        let Additions {
            mut batches,
            total,
            failed,
            mut key_packages,
        } = additions;
        outcome.failed.extend(failed);
        while let Some(batch) = batches.pop_front() {
            let updates = batch.iter().map(Newcomer::update).collect();
            let data = IntentData::Membership {
                updates,
                removed: Vec::new(),
            };
            let done = match running.is_cancelled() {
                true => Err(EngineError::Cancelled),
                false => self.settle_with(id, data, &mut key_packages).await,
            };
            match done {
                Ok(()) => {
                    let added = batch.into_iter().map(|one| one.inbox_id);
                    outcome.changed.extend(added);
                    running.tell(Some(id), outcome.changed.len(), total);
                }
                Err(error) => {
                    let left = batch.into_iter().chain(batches.into_iter().flatten());
                    return outcome.stop(error, left.map(|one| one.who));
                }
            }
        }
        Ok(())
    }

    /// As [`Core::add_batches`], for people to remove, each as it was given and as an inbox id.
    async fn remove_batches(
        self: &Arc<Self>,
        id: &[u8],
        mut batches: VecDeque<Vec<(String, String)>>,
        running: &Running<'_>,
        outcome: &mut MembershipOutcome,
    ) -> Result<(), EngineError> {
        let total = batches.iter().map(Vec::len).sum();
        running.tell(Some(id), 0, total);
        while let Some(batch) = batches.pop_front() {
            let removed: Vec<String> = batch.iter().map(|(_, inbox_id)| inbox_id.clone()).collect();
            let data = IntentData::Membership {
                updates: BTreeMap::new(),
                removed: removed.clone(),
            };
            let done = match running.is_cancelled() {
                true => Err(EngineError::Cancelled),
                false => self.settle(id, data).await,
            };
            match done {
                Ok(()) => {
                    outcome.changed.extend(removed);
                    running.tell(Some(id), outcome.changed.len(), total);
                }
                Err(error) => {
                    let left = batch.into_iter().chain(batches.into_iter().flatten());
                    return outcome.stop(error, left.map(|(who, _)| who));
                }
            }
        }
        Ok(())
    }

    /// Looks up who can be added and fetches the key packages; changes nothing.
    ///
    /// # Errors
    /// [`EngineError::People`] if there is somebody to add and nobody can be.
    pub(crate) async fn prepare_additions(
        self: &Arc<Self>,
        people: Vec<(String, String)>,
    ) -> Result<Additions, EngineError> {
        let inbox_ids: Vec<String> = people
            .iter()
            .map(|(_, inbox_id)| inbox_id.clone())
            .collect();
        let states = self.identities.newest_of_many(inbox_ids).await?;
        let mut wanted = BTreeMap::new();
        for (inbox_id, (_, state)) in &states {
            wanted.extend(state.installations().map(|one| (one, inbox_id.clone())));
        }
        let mut additions = Additions::default();
        additions.key_packages.fetch(self, &wanted).await?;

        let mut usable = Vec::new();
        for (who, inbox_id) in people {
            let known = states.get(&inbox_id).map(|(sequence_id, state)| {
                let installations: Vec<_> = state.installations().collect();
                (*sequence_id, installations)
            });
            let has_key_package = |one: &_| additions.key_packages.get(one).is_some();
            match known.filter(|(_, all)| all.iter().any(&has_key_package)) {
                Some((sequence_id, installations)) => {
                    let newcomer = Newcomer {
                        who,
                        inbox_id,
                        sequence_id,
                    };
                    usable.push((installations.len(), newcomer));
                }
                None => {
                    let reason = RefusedReason::NoInstallation;
                    additions.failed.push(Refused { who, reason });
                }
            }
        }
        additions.total = usable.len();
        additions.batches = batches(usable);
        if additions.batches.is_empty() && !additions.failed.is_empty() {
            return Err(EngineError::People(additions.failed));
        }
        Ok(additions)
    }
}

/// People to add, in batches of one commit each.
#[derive(Default)]
pub(crate) struct Additions {
    pub(crate) batches: VecDeque<Vec<Newcomer>>,
    /// Number of people in all batches.
    pub(crate) total: usize,
    /// Those who are left out.
    pub(crate) failed: Vec<Refused>,
    pub(crate) key_packages: KeyPackages,
}

/// Somebody to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newcomer {
    /// As it was given.
    pub(crate) who: String,
    pub(crate) inbox_id: String,
    /// The identity update that the group should follow.
    sequence_id: u64,
}

impl Newcomer {
    pub(crate) fn update(&self) -> (String, u64) {
        (self.inbox_id.clone(), self.sequence_id)
    }
}

/// Splits people, each with their number of installations, so that no batch has more than
/// [`INSTALLATIONS_PER_COMMIT`] and each at least one person.
fn batches<T>(people: Vec<(usize, T)>) -> VecDeque<Vec<T>> {
    let (mut batches, mut size) = (VecDeque::<Vec<T>>::new(), 0);
    for (installations, person) in people {
        match batches.back_mut() {
            Some(batch) if size + installations <= INSTALLATIONS_PER_COMMIT => {
                size += installations;
                batch.push(person);
            }
            _ => {
                size = installations;
                batches.push_back(vec![person]);
            }
        }
    }
    batches
}

fn members(
    reader: &conclave_store::Reader,
    state: &GroupState,
    own: &str,
) -> Result<Vec<Member>, EngineError> {
    let mut members = Vec::with_capacity(state.membership.members.len());
    for inbox_id in state.membership.members.keys() {
        let known = newest_state(reader, inbox_id)?;
        let consent = reader.consent(ConsentEntity::Inbox, inbox_id)?;
        members.push(Member {
            addresses: known
                .map(|(_, known)| addresses(&known))
                .unwrap_or_default(),
            installation_ids: state
                .leaves
                .iter()
                .filter(|leaf| leaf.inbox_id == *inbox_id)
                .map(|leaf| leaf.installation_id)
                .collect(),
            role: state.role(inbox_id),
            consent: consent.map_or(ConsentState::Unknown, |consent| consent.state),
            actions: member_actions(reader, state, own, inbox_id)?,
            inbox_id: inbox_id.clone(),
        });
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(people: usize, installations: usize) -> Vec<usize> {
        let people = (0..people).map(|person| (installations, person)).collect();
        let batches = batches(people);
        let order: Vec<usize> = batches.iter().flatten().copied().collect();
        assert!(order.is_sorted(), "in the order given");
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn people_are_split_by_their_installations() {
        assert!(sizes(0, 1).is_empty());
        assert_eq!(sizes(399, 1), [100, 100, 100, 99]);
        assert_eq!(sizes(49, 8), [12, 12, 12, 12, 1]);
        assert_eq!(sizes(400, 10), [10; 40]);
        // A person is never split, whatever the limit.
        assert_eq!(sizes(2, 1_000), [1, 1]);
        // Somebody without a device takes no room.
        assert_eq!(sizes(150, 0), [150]);
    }
}
