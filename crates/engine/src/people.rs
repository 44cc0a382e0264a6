//! Addresses and inbox ids as people type them, looked up on the network.

use std::collections::{BTreeSet, HashMap};

use conclave_identity::{AssociationState, Identifier, InboxId};
use conclave_proto::identity::associations::IdentifierKind;

use crate::{
    client::Core,
    error::{EngineError, Refused, RefusedReason},
    identities::addresses,
};

/// Most people that one call takes; a group has no more.
pub const MAX_PEOPLE: usize = 400;

/// What is known of an address or inbox id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// As it was given.
    pub who: String,
    /// Its inbox, if there is one on this network.
    pub inbox_id: Option<String>,
    /// Whether it has an installation.
    pub reachable: bool,
    /// Wallets of the inbox.
    pub addresses: Vec<String>,
    /// Why it can't be used.
    pub problem: Option<RefusedReason>,
}

impl Resolved {
    fn refused(who: &str, reason: RefusedReason) -> Self {
        Self {
            who: who.to_owned(),
            inbox_id: None,
            reachable: false,
            addresses: Vec::new(),
            problem: Some(reason),
        }
    }
}

/// An address or inbox id that is well formed.
enum Typed {
    Address(String),
    Inbox(String),
}

fn read(who: &str) -> Option<Typed> {
    let who = who.trim().to_lowercase();
    if who.starts_with("0x") {
        return Some(Typed::Address(Identifier::ethereum(&who).ok()?.to_string()));
    }
    InboxId::try_from(who)
        .ok()
        .map(|id| Typed::Inbox(id.as_str().to_owned()))
}

impl Core {
    /// Looks people up, in the order given. Never fails because of a single one of them.
    pub(crate) async fn resolve(&self, who: &[String]) -> Result<Vec<Resolved>, EngineError> {
        if who.len() > MAX_PEOPLE {
            return Err(EngineError::TooManyPeople(MAX_PEOPLE));
        }
        let typed: Vec<Option<Typed>> = who.iter().map(|who| read(who)).collect();
        let asked: Vec<(String, IdentifierKind)> = typed
            .iter()
            .filter_map(|typed| match typed {
                Some(Typed::Address(address)) => Some((address.clone(), IdentifierKind::Ethereum)),
                _ => None,
            })
            .collect();
        let mut answers = if asked.is_empty() {
            Vec::new()
        } else {
            self.network.inbox_ids(&asked).await?
        }
        .into_iter();
        let found: Vec<Option<Option<String>>> = typed
            .into_iter()
            .map(|typed| {
                typed.map(|typed| match typed {
                    Typed::Address(_) => answers.next().flatten(),
                    Typed::Inbox(inbox_id) => Some(inbox_id),
                })
            })
            .collect();
        let inbox_ids: BTreeSet<String> = found.iter().flatten().flatten().cloned().collect();
        let inbox_ids: Vec<String> = inbox_ids.into_iter().collect();
        self.identities.refresh(&inbox_ids).await?;
        let states = self.identities.newest_of_many(inbox_ids).await?;
        let mut resolved = Vec::with_capacity(who.len());
        for (who, found) in who.iter().zip(found) {
            resolved.push(match found {
                None => Resolved::refused(who, RefusedReason::Malformed),
                Some(None) => Resolved::refused(who, RefusedReason::NotRegistered),
                Some(Some(inbox_id)) => self.describe(who, inbox_id, &states),
            });
        }
        Ok(resolved)
    }

    fn describe(
        &self,
        who: &str,
        inbox_id: String,
        states: &HashMap<String, (u64, AssociationState)>,
    ) -> Resolved {
        let Some((_, state)) = states.get(&inbox_id) else {
            return Resolved::refused(who, RefusedReason::NotRegistered);
        };
        let reachable = state.installations().next().is_some();
        let problem = if inbox_id == self.account.inbox_id {
            Some(RefusedReason::OurSelf)
        } else {
            (!reachable).then_some(RefusedReason::NoInstallation)
        };
        Resolved {
            who: who.to_owned(),
            inbox_id: Some(inbox_id),
            reachable,
            addresses: addresses(state),
            problem,
        }
    }

    /// The inboxes of people to be added or removed, each once, in the order given.
    ///
    /// # Errors
    /// [`EngineError::People`] naming all that can't be used; then nothing was changed.
    pub(crate) async fn inboxes(
        &self,
        who: &[String],
    ) -> Result<Vec<(String, String)>, EngineError> {
        let mut inboxes: Vec<(String, String)> = Vec::new();
        let mut refused = Vec::new();
        for one in self.resolve(who).await? {
            match (one.problem, one.inbox_id) {
                // Adding oneself changes nothing and removing oneself is refused by the caller.
                (None | Some(RefusedReason::OurSelf | RefusedReason::NoInstallation), Some(id)) => {
                    if !inboxes.iter().any(|(_, known)| *known == id) {
                        inboxes.push((one.who, id));
                    }
                }
                (reason, _) => refused.push(Refused {
                    who: one.who,
                    reason: reason.unwrap_or(RefusedReason::NotRegistered),
                }),
            }
        }
        if refused.is_empty() {
            Ok(inboxes)
        } else {
            Err(EngineError::People(refused))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_inbox_ids_are_told_apart_and_normalised() {
        let address = "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266";
        assert!(
            matches!(read(&format!(" {address}\n")), Some(Typed::Address(a)) if a == address.to_lowercase())
        );
        assert!(matches!(read(&"AB".repeat(32)), Some(Typed::Inbox(id)) if id == "ab".repeat(32)));
        for malformed in [
            "",
            "0x",
            "0x12",
            "alix.eth",
            &"g".repeat(64),
            &"a".repeat(40),
        ] {
            assert!(read(malformed).is_none(), "{malformed}");
        }
    }
}
