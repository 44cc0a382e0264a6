//! What an inbox is after a number of updates (`identity.md` 4).

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use conclave_proto::identity::associations::IdentityUpdate;

use crate::{
    Identifier, IdentityError, InboxId, InstallationId, MAX_INSTALLATIONS, MemberIdentifier,
    SignatureKind, SmartContractVerifier, VerifiedAction, VerifiedSignature, VerifiedUpdate,
    verify_update,
};

/// What an inbox knows about one of its members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Who added it; nobody for the founder.
    pub added_by: Option<MemberIdentifier>,
    /// Clock of the writer of the update that added it, nanoseconds since 1970; none for the
    /// founder.
    pub client_timestamp_ns: Option<u64>,
    /// The chain from which a smart-contract wallet signed when it was added.
    pub added_on_chain_id: Option<u64>,
}

/// The members and the recovery identifier of an inbox after an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationState {
    inbox_id: InboxId,
    members: BTreeMap<MemberIdentifier, Member>,
    recovery: Identifier,
    seen_signatures: BTreeSet<Vec<u8>>,
}

/// Members that came and went between two states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssociationStateDiff {
    /// Members of the new state only.
    pub new_members: Vec<MemberIdentifier>,
    /// Members of the old state only.
    pub removed_members: Vec<MemberIdentifier>,
}

impl AssociationState {
    /// Applies `update` to `state`, which is `None` before the first update of an inbox. Neither
    /// argument changes; any refusal voids the whole update.
    ///
    /// # Errors
    /// A rule of `identity.md` 4.2, with the text given there.
    pub fn apply(state: Option<&Self>, update: &VerifiedUpdate) -> Result<Self, IdentityError> {
        Self::apply_owned(state.cloned(), update)
    }

    /// Applies updates in order, starting from nothing.
    ///
    /// # Errors
    /// [`IdentityError::NotCreated`] for no update at all, else the rule that the first refused
    /// update breaks: there is no skipping.
    pub fn fold<'a>(
        updates: impl IntoIterator<Item = &'a VerifiedUpdate>,
    ) -> Result<Self, IdentityError> {
        let mut state = None;
        for update in updates {
            state = Some(Self::apply_owned(state, update)?);
        }
        state.ok_or(IdentityError::NotCreated)
    }

    /// Verifies and applies the updates of a log in the server's order, starting from `state`
    /// (`None`: from nothing).
    ///
    /// # Errors
    /// As [`verify_update`] and [`AssociationState::fold`].
    pub async fn from_log<'a>(
        mut state: Option<Self>,
        log: impl IntoIterator<Item = &'a IdentityUpdate>,
        verifier: &dyn SmartContractVerifier,
    ) -> Result<Self, IdentityError> {
        for update in log {
            let update = verify_update(update, verifier).await?;
            state = Some(Self::apply_owned(state, &update)?);
        }
        state.ok_or(IdentityError::NotCreated)
    }

    fn apply_owned(state: Option<Self>, update: &VerifiedUpdate) -> Result<Self, IdentityError> {
        let mut state = state;
        for action in &update.actions {
            state = Some(match (state, action) {
                (
                    None,
                    VerifiedAction::CreateInbox {
                        identifier,
                        nonce,
                        signature,
                    },
                ) => Self::create(identifier, *nonce, signature)?,
                (Some(_), VerifiedAction::CreateInbox { .. }) => {
                    return Err(IdentityError::MultipleCreate);
                }
                (None, _) => return Err(IdentityError::NotCreated),
                (Some(mut state), action) => {
                    state.change(action, update.client_timestamp_ns)?;
                    state
                }
            });
        }
        let mut state = state.ok_or(IdentityError::NotCreated)?;
        if state.inbox_id.as_str() != update.inbox_id {
            return Err(IdentityError::WrongInboxId);
        }
        // Only now: one update may use a signature for several of its actions.
        state.seen_signatures.extend(
            update
                .actions
                .iter()
                .flat_map(VerifiedAction::signatures)
                .map(|signature| signature.raw_bytes.clone()),
        );
        Ok(state)
    }

    fn create(
        identifier: &Identifier,
        nonce: u64,
        signature: &VerifiedSignature,
    ) -> Result<Self, IdentityError> {
        if signature.signer.identifier() != Some(identifier) {
            return Err(IdentityError::MissingExistingMember);
        }
        require_fit(signature, &signature.signer)?;
        if signature.kind == SignatureKind::LegacyDelegated && nonce != 0 {
            return Err(IdentityError::LegacySignatureReuse);
        }
        let founder = Member {
            added_on_chain_id: signature.chain_id,
            ..Member::default()
        };
        Ok(Self {
            inbox_id: InboxId::derive(identifier, nonce)?,
            members: BTreeMap::from([(identifier.clone().into(), founder)]),
            recovery: identifier.clone(),
            seen_signatures: BTreeSet::new(),
        })
    }

    fn change(
        &mut self,
        action: &VerifiedAction,
        client_timestamp_ns: u64,
    ) -> Result<(), IdentityError> {
        match action {
            VerifiedAction::CreateInbox { .. } => return Err(IdentityError::MultipleCreate),
            VerifiedAction::Add {
                new_member,
                new_signature,
                existing_signature,
            } => {
                self.check_add(new_member.as_ref(), new_signature, existing_signature)?;
                let member = Member {
                    added_by: Some(existing_signature.signer.clone()),
                    client_timestamp_ns: Some(client_timestamp_ns),
                    added_on_chain_id: new_signature.chain_id,
                };
                self.members.insert(new_signature.signer.clone(), member);
            }
            VerifiedAction::Revoke { member, signature } => {
                self.check_recovery(signature)?;
                if let Some(member) = member {
                    self.remove(member);
                }
            }
            VerifiedAction::ChangeRecovery {
                identifier,
                signature,
            } => {
                self.check_recovery(signature)?;
                self.recovery = identifier.clone();
            }
        }
        Ok(())
    }

    /// The checks of AddAssociation, in the order of `identity.md` 4.2.
    fn check_add(
        &self,
        new_member: Option<&MemberIdentifier>,
        new: &VerifiedSignature,
        existing: &VerifiedSignature,
    ) -> Result<(), IdentityError> {
        self.check_unseen(new)?;
        self.check_unseen(existing)?;
        if new_member != Some(&new.signer) {
            return Err(IdentityError::NewMemberMismatch);
        }
        if new.signer == existing.signer {
            return Err(IdentityError::AddSelf);
        }
        let existing_legacy = existing.kind == SignatureKind::LegacyDelegated;
        if let Some(identifier) = existing.signer.identifier()
            && (existing_legacy || new.kind == SignatureKind::LegacyDelegated)
            && self.inbox_id != InboxId::derive(identifier, 0)?
        {
            return Err(IdentityError::LegacySignatureReuse);
        }
        require_fit(new, &new.signer)?;
        if self.members.contains_key(&existing.signer) {
            self.check_chain(existing)?;
        } else if existing.signer.identifier() == Some(&self.recovery) {
            if existing_legacy {
                return Err(IdentityError::LegacySignatureReuse);
            }
        } else {
            return Err(IdentityError::MissingExistingMember);
        }
        require_fit(existing, &existing.signer)?;
        if let (MemberIdentifier::Installation(_), MemberIdentifier::Installation(_)) =
            (&existing.signer, &new.signer)
        {
            return Err(IdentityError::MemberNotAllowed(
                existing.signer.kind(),
                new.signer.kind(),
            ));
        }
        Ok(())
    }

    /// The checks of RevokeAssociation and ChangeRecoveryAddress, in the order of `identity.md`
    /// 4.2. Whether the signature fits its signer is on purpose not among them.
    fn check_recovery(&self, signature: &VerifiedSignature) -> Result<(), IdentityError> {
        self.check_unseen(signature)?;
        self.check_chain(signature)?;
        if signature.kind == SignatureKind::LegacyDelegated {
            return Err(IdentityError::SignatureNotAllowed(
                signature.signer.kind(),
                signature.kind,
            ));
        }
        if signature.signer.identifier() != Some(&self.recovery) {
            return Err(IdentityError::MissingExistingMember);
        }
        Ok(())
    }

    fn check_unseen(&self, signature: &VerifiedSignature) -> Result<(), IdentityError> {
        if self.seen_signatures.contains(&signature.raw_bytes) {
            return Err(IdentityError::Replay);
        }
        Ok(())
    }

    /// A member keeps signing from the chain it was added from; others are not bound.
    fn check_chain(&self, signature: &VerifiedSignature) -> Result<(), IdentityError> {
        match self.members.get(&signature.signer) {
            Some(member) if member.added_on_chain_id != signature.chain_id => {
                Err(IdentityError::WrongChainId {
                    added: member.added_on_chain_id.unwrap_or_default(),
                    signing: signature.chain_id.unwrap_or_default(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Removes a member and the installations it added; one level, and no wallets or passkeys.
    fn remove(&mut self, member: &MemberIdentifier) {
        self.members.remove(member);
        self.members.retain(|identifier, entry| {
            identifier.installation().is_none() || entry.added_by.as_ref() != Some(member)
        });
    }

    /// The inbox.
    #[must_use]
    pub const fn inbox_id(&self) -> &InboxId {
        &self.inbox_id
    }

    /// The identifier that may revoke and replace itself. It need not be a member.
    #[must_use]
    pub const fn recovery(&self) -> &Identifier {
        &self.recovery
    }

    /// What the inbox knows about a member.
    #[must_use]
    pub fn member(&self, identifier: &MemberIdentifier) -> Option<&Member> {
        self.members.get(identifier)
    }

    /// All members, the longest known first and those without a time (the founder) last.
    #[must_use]
    pub fn members(&self) -> Vec<(&MemberIdentifier, &Member)> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| {
            (
                member.client_timestamp_ns.is_none(),
                member.client_timestamp_ns,
            )
        });
        members
    }

    /// The installations, in the order of [`AssociationState::members`].
    pub fn installations(&self) -> impl Iterator<Item = InstallationId> {
        self.members()
            .into_iter()
            .filter_map(|(member, _)| member.installation())
    }

    /// The addresses and passkeys, in the order of [`AssociationState::members`].
    pub fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        self.members()
            .into_iter()
            .filter_map(|(member, _)| member.identifier())
    }

    /// Whether the installation belongs to the inbox.
    #[must_use]
    pub fn has_installation(&self, id: InstallationId) -> bool {
        self.members.contains_key(&id.into())
    }

    /// Whether a client may register one more installation. Only the registering client asks this
    /// (`identity.md` 4.4, 7.1 step 4b); the rules of the log know no limit.
    ///
    /// # Errors
    /// [`IdentityError::TooManyInstallations`] from [`MAX_INSTALLATIONS`] on.
    pub fn require_room_for_installation(&self) -> Result<(), IdentityError> {
        let count = self.installations().count();
        if count < MAX_INSTALLATIONS {
            return Ok(());
        }
        Err(IdentityError::TooManyInstallations {
            inbox_id: self.inbox_id.clone(),
            count,
        })
    }

    /// Members that came and went since `old`; everybody came where there is no `old`. Members
    /// that were added again do not show up.
    #[must_use]
    pub fn diff(&self, old: Option<&Self>) -> AssociationStateDiff {
        let only = |these: &Self, those: Option<&Self>| -> Vec<MemberIdentifier> {
            these
                .members
                .keys()
                .filter(|member| those.is_none_or(|those| !those.members.contains_key(*member)))
                .cloned()
                .collect()
        };
        AssociationStateDiff {
            new_members: only(self, old),
            removed_members: old.map(|old| only(old, Some(self))).unwrap_or_default(),
        }
    }
}

fn require_fit(
    signature: &VerifiedSignature,
    member: &MemberIdentifier,
) -> Result<(), IdentityError> {
    if signature.kind.fits(member.kind()) {
        Ok(())
    } else {
        Err(IdentityError::SignatureNotAllowed(
            member.kind(),
            signature.kind,
        ))
    }
}
