//! Updates in the making: what to sign, who must, and the finished message.

use conclave_proto::identity::associations::{
    AddAssociation, ChangeRecoveryAddress, CreateInbox, IdentityAction, IdentityUpdate,
    RecoverableEcdsaSignature, RecoverableEd25519Signature, RecoverablePasskeySignature,
    RevokeAssociation, Signature as WireSignature, SmartContractWalletSignature, identity_action,
    signature,
};

use crate::signature::{ParsedSignature, check_user_presence, verify_passkey, verify_wallet};
use crate::{
    AccountId, Identifier, IdentityError, InboxId, InstallationKey, MemberIdentifier,
    SmartContractVerifier, signature_text,
};

/// Collects the actions of one update. All its signatures sign one text, so somebody who must sign
/// several actions signs once.
#[derive(Debug, Clone)]
pub struct UpdateBuilder {
    inbox_id: InboxId,
    client_timestamp_ns: u64,
    actions: Vec<Action>,
}

#[derive(Debug, Clone)]
enum Action {
    Create(Identifier, u64),
    Add {
        new: MemberIdentifier,
        existing: MemberIdentifier,
    },
    Revoke(MemberIdentifier, Identifier),
    ChangeRecovery {
        new: Identifier,
        current: Identifier,
    },
}

impl UpdateBuilder {
    /// An update of an existing inbox. `client_timestamp_ns` is the present time in nanoseconds
    /// since 1970; the signer sees it in seconds.
    #[must_use]
    pub const fn new(inbox_id: InboxId, client_timestamp_ns: u64) -> Self {
        Self {
            inbox_id,
            client_timestamp_ns,
            actions: Vec::new(),
        }
    }

    /// The first update of the inbox that `founder` founds with `nonce`; it starts with the
    /// action that does so.
    ///
    /// # Errors
    /// As [`InboxId::derive`].
    pub fn create_inbox(
        founder: Identifier,
        nonce: u64,
        client_timestamp_ns: u64,
    ) -> Result<Self, IdentityError> {
        let inbox_id = InboxId::derive(&founder, nonce)?;
        Ok(Self {
            inbox_id,
            client_timestamp_ns,
            actions: vec![Action::Create(founder, nonce)],
        })
    }

    /// Adds `new`; `existing` is a member or the recovery identifier. Both sign.
    #[must_use]
    pub fn add(
        mut self,
        new: impl Into<MemberIdentifier>,
        existing: impl Into<MemberIdentifier>,
    ) -> Self {
        self.actions.push(Action::Add {
            new: new.into(),
            existing: existing.into(),
        });
        self
    }

    /// Removes `member`, and with an identifier the installations it added. The recovery
    /// identifier signs.
    #[must_use]
    pub fn revoke(mut self, member: impl Into<MemberIdentifier>, recovery: Identifier) -> Self {
        self.actions.push(Action::Revoke(member.into(), recovery));
        self
    }

    /// Replaces the recovery identifier `current`, which signs; `new` does not, so a wrong one
    /// locks its owner out.
    #[must_use]
    pub fn change_recovery(mut self, new: Identifier, current: Identifier) -> Self {
        self.actions.push(Action::ChangeRecovery { new, current });
        self
    }

    /// Closes the list of actions and makes the text to sign.
    ///
    /// # Errors
    /// As [`signature_text`](crate::signature_text()).
    pub fn build(self) -> Result<UnsignedUpdate, IdentityError> {
        let mut slots = Vec::new();
        let mut slot = |action: usize, role: Role, signer: MemberIdentifier| {
            slots.push(Slot {
                action,
                role,
                signer,
                signature: None,
            });
        };
        let mut actions = Vec::with_capacity(self.actions.len());
        for (index, action) in self.actions.into_iter().enumerate() {
            let kind = match action {
                Action::Create(founder, nonce) => {
                    let create = CreateInbox {
                        initial_identifier: founder.to_string(),
                        nonce,
                        initial_identifier_signature: None,
                        initial_identifier_kind: founder.wire_kind().into(),
                        relying_party: founder.relying_party().map(str::to_owned),
                    };
                    slot(index, Role::Existing, founder.into());
                    identity_action::Kind::CreateInbox(create)
                }
                Action::Add { new, existing } => {
                    let add = AddAssociation {
                        new_member_identifier: Some((&new).into()),
                        existing_member_signature: None,
                        new_member_signature: None,
                        relying_party: new
                            .identifier()
                            .and_then(Identifier::relying_party)
                            .map(str::to_owned),
                    };
                    slot(index, Role::Existing, existing);
                    slot(index, Role::New, new);
                    identity_action::Kind::Add(add)
                }
                Action::Revoke(member, recovery) => {
                    slot(index, Role::Existing, recovery.into());
                    identity_action::Kind::Revoke(RevokeAssociation {
                        member_to_revoke: Some((&member).into()),
                        recovery_identifier_signature: None,
                    })
                }
                Action::ChangeRecovery { new, current } => {
                    slot(index, Role::Existing, current.into());
                    identity_action::Kind::ChangeRecoveryAddress(ChangeRecoveryAddress {
                        new_recovery_identifier: new.to_string(),
                        existing_recovery_identifier_signature: None,
                        new_recovery_identifier_kind: new.wire_kind().into(),
                        relying_party: new.relying_party().map(str::to_owned),
                    })
                }
            };
            actions.push(IdentityAction { kind: Some(kind) });
        }
        let update = IdentityUpdate {
            actions,
            client_timestamp_ns: self.client_timestamp_ns,
            inbox_id: self.inbox_id.into(),
        };
        let text = signature_text(&update)?;
        Ok(UnsignedUpdate {
            update,
            text,
            slots,
        })
    }
}

/// Which signature of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The new member's.
    New,
    /// The other one.
    Existing,
}

#[derive(Debug, Clone)]
struct Slot {
    action: usize,
    role: Role,
    signer: MemberIdentifier,
    signature: Option<WireSignature>,
}

/// An update that waits for signatures.
#[derive(Debug, Clone)]
pub struct UnsignedUpdate {
    update: IdentityUpdate,
    text: String,
    slots: Vec<Slot>,
}

impl UnsignedUpdate {
    /// The text to show to the signer and to sign.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The inbox that the update belongs to.
    #[must_use]
    pub fn inbox_id(&self) -> &str {
        &self.update.inbox_id
    }

    /// Who has yet to sign, each once, in the order of the actions.
    #[must_use]
    pub fn missing_signers(&self) -> Vec<&MemberIdentifier> {
        let mut missing: Vec<&MemberIdentifier> = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.signature.is_none()) {
            if !missing.contains(&&slot.signer) {
                missing.push(&slot.signer);
            }
        }
        missing
    }

    /// Signs for an installation.
    ///
    /// # Errors
    /// [`IdentityError::UnknownSigner`] unless its signature is missing.
    pub fn sign_with_installation(&mut self, key: &InstallationKey) -> Result<(), IdentityError> {
        let signature = RecoverableEd25519Signature {
            bytes: key.sign_identity_update(&self.text)?.to_vec(),
            public_key: key.id().as_bytes().to_vec(),
        };
        self.fill(
            &key.id().into(),
            signature::Signature::InstallationKey(signature),
        )
    }

    /// Takes an Ethereum wallet's 65-byte signature over the text as a personal message.
    ///
    /// # Errors
    /// [`IdentityError::SignatureLength`], [`IdentityError::Ecdsa`],
    /// [`IdentityError::InvalidParity`] for bytes that are no signature;
    /// [`IdentityError::UnknownSigner`] for a signature by somebody not missing, which is also
    /// what one over another text looks like.
    pub fn add_wallet_signature(&mut self, signature: &[u8]) -> Result<(), IdentityError> {
        let signer = verify_wallet(&self.text, signature)?.signer;
        let signature = RecoverableEcdsaSignature {
            bytes: signature.to_vec(),
        };
        self.fill(&signer, signature::Signature::Erc191(signature))
    }

    /// Takes a passkey's signature: a WebAuthn assertion whose challenge is the text itself.
    ///
    /// # Errors
    /// [`IdentityError::ClientData`] or [`IdentityError::Ecdsa`] where it does not verify,
    /// [`IdentityError::PasskeyPresence`] where readers would accept it but we do not produce it,
    /// [`IdentityError::UnknownSigner`] where it is not missing.
    pub fn add_passkey_signature(
        &mut self,
        signature: RecoverablePasskeySignature,
    ) -> Result<(), IdentityError> {
        let expected = self.slots.iter().find_map(|slot| match &slot.signer {
            MemberIdentifier::Identifier(Identifier::Passkey(passkey))
                if passkey.key == signature.public_key =>
            {
                passkey.relying_party.as_deref()
            }
            _ => None,
        });
        check_user_presence(&signature, expected)?;
        let signer = verify_passkey(&self.text, &signature)?.signer;
        self.fill(&signer, signature::Signature::Passkey(signature))
    }

    /// Takes a smart-contract wallet's signature, valid at block `block_number` of its chain.
    ///
    /// # Errors
    /// [`IdentityError::SignatureInvalid`] where the wallet does not accept it,
    /// [`IdentityError::Verifier`] where it could not be asked, [`IdentityError::UnknownSigner`]
    /// where it is not missing.
    pub async fn add_smart_contract_signature(
        &mut self,
        account: &AccountId,
        block_number: u64,
        signature: Vec<u8>,
        verifier: &dyn SmartContractVerifier,
    ) -> Result<(), IdentityError> {
        let signature = SmartContractWalletSignature {
            account_id: account.to_string(),
            block_number,
            signature,
        };
        let wire = WireSignature {
            signature: Some(signature::Signature::Erc6492(signature.clone())),
        };
        let signer = ParsedSignature::parse(Some(&wire))?
            .verify(&self.text, verifier)
            .await?
            .signer;
        self.fill(&signer, signature::Signature::Erc6492(signature))
    }

    fn fill(
        &mut self,
        signer: &MemberIdentifier,
        signature: signature::Signature,
    ) -> Result<(), IdentityError> {
        let mut known = false;
        for slot in &mut self.slots {
            if slot.signature.is_none() && slot.signer == *signer {
                slot.signature = Some(WireSignature {
                    signature: Some(signature.clone()),
                });
                known = true;
            }
        }
        if known {
            Ok(())
        } else {
            Err(IdentityError::UnknownSigner)
        }
    }

    /// The message to publish.
    ///
    /// # Errors
    /// [`IdentityError::MissingSignature`] while somebody has yet to sign.
    pub fn finish(self) -> Result<IdentityUpdate, IdentityError> {
        let mut update = self.update;
        for slot in self.slots {
            let signature = slot.signature.ok_or(IdentityError::MissingSignature)?;
            let kind = update
                .actions
                .get_mut(slot.action)
                .and_then(|action| action.kind.as_mut());
            let field = match (kind, slot.role) {
                (Some(identity_action::Kind::Add(add)), Role::New) => &mut add.new_member_signature,
                (Some(identity_action::Kind::Add(add)), Role::Existing) => {
                    &mut add.existing_member_signature
                }
                (Some(identity_action::Kind::CreateInbox(create)), _) => {
                    &mut create.initial_identifier_signature
                }
                (Some(identity_action::Kind::Revoke(revoke)), _) => {
                    &mut revoke.recovery_identifier_signature
                }
                (Some(identity_action::Kind::ChangeRecoveryAddress(change)), _) => {
                    &mut change.existing_recovery_identifier_signature
                }
                (None, _) => return Err(IdentityError::MissingField("action")),
            };
            *field = Some(signature);
        }
        Ok(update)
    }
}
