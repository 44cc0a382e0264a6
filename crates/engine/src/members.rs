//! Members of a group: listing, adding, removing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use conclave_identity::InstallationId;
use conclave_mls::{
    GroupState,
    key_package::{self, InvalidKeyPackage, MINIMUM_REMAINING_LIFETIME_S, VerifiedKeyPackage},
    policy::Role,
};
use conclave_store::kinds::{ConsentEntity, ConsentState};

use crate::{
    client::{Client, Core},
    error::{EngineError, Refused, RefusedReason},
    event::{Event, Operation},
    identities::{addresses, newest_state},
    intents::IntentData,
    nanoseconds::{MINUTE, SECOND},
    people::MAX_PEOPLE,
};

/// Most installations that one commit adds: its size then stays far below the 4 MiB that nodes
/// take for a group message (groups.md 4.9: 694 KB for 400).
const INSTALLATIONS_PER_COMMIT: usize = 400;
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
}

/// What became of adding or removing people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MembershipOutcome {
    /// Inbox ids that were added, or removed. Those that were in (or out) already are not named.
    pub changed: Vec<String>,
    /// People who were not, and why; everybody else was.
    pub failed: Vec<Refused>,
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
        self.0
            .store
            .read(move |reader| members(reader, &state))
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
        let people = self.0.inboxes(who).await?;
        self.add(id, people).await
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

    async fn add(
        &self,
        id: &[u8],
        people: Vec<(String, String)>,
    ) -> Result<MembershipOutcome, EngineError> {
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        self.check_policy(&state, |policies| &policies.add_member, "add people")?;
        if state.metadata.dm_members.is_some() {
            return Err(EngineError::DirectMessage(
                "Nobody can be added to a direct message. Create a group instead.",
            ));
        }
        let new: Vec<_> = people
            .into_iter()
            .filter(|(_, inbox_id)| !state.membership.members.contains_key(inbox_id))
            .collect();
        if state.membership.members.len() + new.len() > MAX_PEOPLE {
            return Err(EngineError::TooManyPeople(MAX_PEOPLE));
        }
        self.0.add_inboxes(id, new).await
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
        let people = self.0.inboxes(who).await?;
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        self.check_policy(&state, |policies| &policies.remove_member, "remove people")?;
        let mut outcome = MembershipOutcome::default();
        for (who, inbox_id) in people {
            let reason = if inbox_id == self.0.account.inbox_id {
                Some(RefusedReason::OurSelf)
            } else if !state.membership.members.contains_key(&inbox_id) {
                Some(RefusedReason::NotMember)
            } else {
                None
            };
            match reason {
                Some(reason) => outcome.failed.push(Refused { who, reason }),
                None if state.role(&inbox_id) == Role::SuperAdmin => {
                    return Err(EngineError::Denied(format!(
                        "{who} is a super admin; another super admin must take that role away first"
                    )));
                }
                None => outcome.changed.push(inbox_id),
            }
        }
        if outcome.changed.is_empty() {
            return match outcome.failed.is_empty() {
                true => Ok(outcome),
                false => Err(EngineError::People(outcome.failed)),
            };
        }
        let removed = outcome.changed.clone();
        self.0
            .settle(
                id,
                IntentData::Membership {
                    updates: BTreeMap::new(),
                    removed,
                },
            )
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

    pub(crate) fn check_policy(
        &self,
        state: &GroupState,
        policy: impl Fn(&conclave_mls::policy::PolicySet) -> &conclave_mls::policy::Policy,
        what: &str,
    ) -> Result<(), EngineError> {
        // The creator's first commit adds the other person of a direct message; nobody else may.
        let role = state.role(&self.0.account.inbox_id);
        if state.metadata.dm_members.is_some() || policy(&state.policies).allows(role) {
            Ok(())
        } else {
            Err(EngineError::Denied(format!(
                "you may not {what} here; an admin can"
            )))
        }
    }
}

impl Core {
    /// Adds inboxes to a group whose lock the caller holds, in as many commits as needed. Those
    /// without a usable installation are left out and named.
    async fn add_inboxes(
        self: &Arc<Self>,
        id: &[u8],
        people: Vec<(String, String)>,
    ) -> Result<MembershipOutcome, EngineError> {
        let mut additions = self.prepare_additions(people).await?;
        let mut outcome = MembershipOutcome::default();
        while let Some(updates) = additions.batches.pop_front() {
            let added: Vec<String> = updates.keys().cloned().collect();
            let data = IntentData::Membership {
                updates,
                removed: Vec::new(),
            };
            self.settle_with(id, data, &mut additions.key_packages)
                .await?;
            outcome.changed.extend(added);
            self.tell_added(id, &outcome, additions.total);
        }
        outcome.failed = additions.failed;
        Ok(outcome)
    }

    pub(crate) fn tell_added(&self, id: &[u8], outcome: &MembershipOutcome, total: usize) {
        self.events.send(Event::Progress {
            operation: Operation::AddMembers,
            conversation_id: Some(id.to_vec()),
            done: outcome.changed.len(),
            total,
        });
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

        let mut size = 0;
        for (who, inbox_id) in people {
            let installations: Vec<_> = states
                .get(&inbox_id)
                .map(|(_, state)| state.installations().collect())
                .unwrap_or_default();
            let usable = |one| additions.key_packages.get(one).is_some();
            let Some((sequence_id, _)) = states
                .get(&inbox_id)
                .filter(|_| installations.iter().any(usable))
            else {
                let reason = RefusedReason::NoInstallation;
                additions.failed.push(Refused { who, reason });
                continue;
            };
            if size == 0 || size + installations.len() > INSTALLATIONS_PER_COMMIT {
                additions.batches.push_back(BTreeMap::new());
                size = 0;
            }
            size += installations.len();
            additions.total += 1;
            if let Some(batch) = additions.batches.back_mut() {
                batch.insert(inbox_id, *sequence_id);
            }
        }
        if additions.batches.is_empty() && !additions.failed.is_empty() {
            return Err(EngineError::People(additions.failed));
        }
        Ok(additions)
    }
}

/// People to add, in batches of one commit each.
#[derive(Default)]
pub(crate) struct Additions {
    /// Inbox id to the identity update that the group should follow.
    pub(crate) batches: VecDeque<BTreeMap<String, u64>>,
    /// Number of people in all batches.
    pub(crate) total: usize,
    /// Those who are left out.
    pub(crate) failed: Vec<Refused>,
    pub(crate) key_packages: KeyPackages,
}

fn members(
    reader: &conclave_store::Reader,
    state: &GroupState,
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
            inbox_id: inbox_id.clone(),
        });
    }
    Ok(members)
}
