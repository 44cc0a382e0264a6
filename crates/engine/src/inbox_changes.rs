//! Changes of an inbox that a person asks for: revoking installations, adding and removing wallets
//! and passkeys, another recovery identity. Each is one identity update: prepared from what the
//! network says now, shown, signed, checked here by the rules that everybody will hold it to,
//! published and read back (identity.md 7.2).

use std::sync::Arc;

use conclave_identity::{
    AssociationState, Identifier, IdentityError, InboxId, InstallationId, InstallationKey,
    MemberIdentifier, UnsignedUpdate, UpdateBuilder, WalletKey, verify_update,
};
use conclave_network::Network;
use conclave_proto::identity::associations::{IdentityUpdate, RecoverablePasskeySignature};

use crate::{
    clock::Clock,
    error::EngineError,
    identities::{Identities, NodeVerifier, inbox_of},
};

/// Most installations revoked by one update; an inbox has 10 unless somebody ignored the limit.
const MAX_REVOKED: usize = 100;

/// A change of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxChange {
    /// Takes installations out of the inbox.
    RevokeInstallations(Vec<InstallationId>),
    /// Takes all installations but this one out; all, for somebody who is not logged in.
    RevokeOtherInstallations,
    /// Adds a wallet, which must sign.
    AddWallet {
        /// Its address.
        address: String,
        /// Adds it although it leads to another inbox so far.
        reassign: bool,
    },
    /// Adds a passkey, which must sign.
    AddPasskey {
        /// Its P-256 point, compressed or not (SEC1).
        key: Vec<u8>,
        /// The origin of the page that made it; only there it can sign.
        relying_party: Option<String>,
        /// Adds it although it leads to another inbox so far.
        reassign: bool,
    },
    /// Takes a wallet, or a passkey in hex, out, and with it the installations that it added; this
    /// one stays.
    RemoveWallet(String),
    /// Another wallet, or a passkey of the inbox in hex, may revoke from now on. It signs as well,
    /// which proves that somebody has it: the protocol does not ask for that, and a wrong address
    /// would lock the inbox.
    ChangeRecovery(String),
}

/// What a person should know before signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeWarning {
    /// This installation is among the revoked ones.
    EndsThisInstallation,
    /// Other installations end because the wallet or passkey that added them goes.
    EndsInstallationsOfWallet,
    /// The wallet or passkey is the recovery identity, which it stays: whoever has it can still add
    /// and revoke.
    WalletStaysRecovery,
    /// No wallet is left by which people could find the inbox.
    LastWallet,
    /// The wallet or passkey leads to another inbox so far; people who look it up come here from
    /// now on.
    ReassignsWallet,
    /// The new recovery identity is no wallet of the inbox.
    RecoveryIsNoMember,
}

/// Why a change of an inbox can't be made. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboxChangeRefused {
    /// There is nothing to take out.
    #[error("There is nothing to revoke: no other device belongs to this inbox.")]
    NothingToRevoke,
    /// More than one update takes.
    #[error("At most {MAX_REVOKED} devices can be revoked at once.")]
    TooMany,
    /// Not an installation of the inbox.
    #[error("{0} is no device of this inbox, or was revoked already. Look at the list again.")]
    UnknownInstallation(String),
    /// Not an address.
    #[error("{0} is no address: it has 0x and 40 hexadecimal characters.")]
    InvalidAddress(String),
    /// Not a key that a passkey can have here.
    #[error("This is no key of a passkey: it is a point on the curve P-256 (ES256).")]
    InvalidPasskey,
    /// Not a wallet of the inbox.
    #[error("{0} is no wallet of this inbox.")]
    NotOwnWallet(String),
    /// A wallet or passkey of the inbox already.
    #[error("{0} belongs to this inbox already.")]
    WalletKnown(String),
    /// A wallet or passkey of another inbox.
    #[error(
        "{0} leads to another inbox so far. If it is added here, people who use this address reach this inbox instead; say so if that is wanted."
    )]
    WalletElsewhere(String),
    /// The recovery identity already.
    #[error("{0} is the recovery identity already.")]
    RecoveryUnchanged(String),
    /// The wallet has no inbox on this network.
    #[error("The wallet {0} has no inbox on this network.")]
    NoInbox(String),
    /// A signature by somebody else, or over another text.
    #[error(
        "This is no signature of {0} over the text shown. Use that wallet or passkey, and sign the whole text as it is."
    )]
    WrongSigner(String),
    /// A passkey's signature that readers would accept and we do not publish (identity.md 11, row 3).
    #[error(
        "The passkey signed without anybody present, or for another site than the one it belongs to. Sign again, and confirm it on the device that asks."
    )]
    PasskeyPresence,
    /// Somebody has not signed yet.
    #[error("The signature of {0} is missing.")]
    SignatureMissing(String),
    /// The inbox has changed since the text was made.
    #[error("The inbox has changed meanwhile ({0}). Look at it again, then sign anew.")]
    Outdated(String),
}

impl InboxChangeRefused {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingToRevoke => "nothing_to_revoke",
            Self::TooMany => "too_many_to_revoke",
            Self::UnknownInstallation(_) => "unknown_installation",
            Self::InvalidAddress(_) => "invalid_address",
            Self::InvalidPasskey => "invalid_passkey",
            Self::NotOwnWallet(_) => "not_own_wallet",
            Self::WalletKnown(_) => "wallet_known",
            Self::WalletElsewhere(_) => "wallet_in_other_inbox",
            Self::RecoveryUnchanged(_) => "recovery_unchanged",
            Self::NoInbox(_) => "no_inbox",
            Self::WrongSigner(_) => "wrong_signer",
            Self::PasskeyPresence => "passkey_presence_missing",
            Self::SignatureMissing(_) => "signature_missing",
            Self::Outdated(_) => "inbox_changed",
        }
    }
}

/// A change that waits for signatures: text fixed, nothing stored and nothing sent.
#[derive(Debug)]
pub struct PreparedChange {
    inbox_id: String,
    update: UnsignedUpdate,
    /// The same text, for a signature that proves that somebody has a key and is thrown away
    /// (identity.md 11, item 10).
    proof: Option<UnsignedUpdate>,
    revoked: Vec<InstallationId>,
    warnings: Vec<ChangeWarning>,
}

impl PreparedChange {
    /// The inbox to change.
    #[must_use]
    pub fn inbox_id(&self) -> &str {
        &self.inbox_id
    }

    /// The exact text that every signer signs.
    #[must_use]
    pub fn signature_text(&self) -> &str {
        self.update.text()
    }

    /// The wallets and passkeys that have yet to sign.
    #[must_use]
    pub fn signers(&self) -> Vec<Identifier> {
        let mut signers: Vec<Identifier> = Vec::new();
        let updates = [Some(&self.update), self.proof.as_ref()];
        for update in updates.into_iter().flatten() {
            for signer in update.missing_signers() {
                let known = signer.identifier().cloned();
                signers.extend(known.filter(|one| !signers.contains(one)));
            }
        }
        signers
    }

    /// Installations that lose access.
    #[must_use]
    pub fn revoked(&self) -> &[InstallationId] {
        &self.revoked
    }

    /// What a person should know before signing.
    #[must_use]
    pub fn warnings(&self) -> &[ChangeWarning] {
        &self.warnings
    }

    /// Takes a wallet's 65-byte signature over the text as a personal message (ERC-191).
    ///
    /// # Errors
    /// [`InboxChangeRefused::WrongSigner`].
    pub fn add_signature(&mut self, signature: &[u8]) -> Result<(), EngineError> {
        self.take(|update| update.add_wallet_signature(signature))
    }

    /// Takes a passkey's signature: a WebAuthn assertion with the text as its challenge. Somebody was
    /// present, and it was made on the site that the passkey belongs to (identity.md 3.4).
    ///
    /// # Errors
    /// [`InboxChangeRefused::PasskeyPresence`], [`InboxChangeRefused::WrongSigner`].
    pub fn add_passkey_signature(
        &mut self,
        signature: &RecoverablePasskeySignature,
    ) -> Result<(), EngineError> {
        self.take(|update| update.add_passkey_signature(signature.clone()))
    }

    /// One signature serves the update and the proof: both have the same text.
    fn take(
        &mut self,
        add: impl FnMut(&mut UnsignedUpdate) -> Result<(), IdentityError>,
    ) -> Result<(), EngineError> {
        let updates = [Some(&mut self.update), self.proof.as_mut()];
        let given: Vec<_> = updates.into_iter().flatten().map(add).collect();
        if given.iter().any(Result::is_ok) {
            return Ok(());
        }
        if given.contains(&Err(IdentityError::PasskeyPresence)) {
            return Err(InboxChangeRefused::PasskeyPresence.into());
        }
        Err(InboxChangeRefused::WrongSigner(self.missing(" or ")).into())
    }

    /// Who has yet to sign, as one text.
    fn missing(&self, separator: &str) -> String {
        let signers: Vec<String> = self.signers().iter().map(ToString::to_string).collect();
        signers.join(separator)
    }

    /// Refuses a change that somebody has yet to sign.
    ///
    /// # Errors
    /// [`InboxChangeRefused::SignatureMissing`].
    pub fn require_signatures(&self) -> Result<(), EngineError> {
        if self.signers().is_empty() {
            return Ok(());
        }
        Err(InboxChangeRefused::SignatureMissing(self.missing(", ")).into())
    }

    /// Signs with a wallet that is here.
    ///
    /// # Errors
    /// As [`PreparedChange::add_signature`].
    pub fn sign(&mut self, wallet: &WalletKey) -> Result<(), EngineError> {
        let signature = wallet.sign_text(self.signature_text())?;
        self.add_signature(&signature)
    }

    fn finish(self) -> Result<IdentityUpdate, EngineError> {
        self.require_signatures()?;
        Ok(self.update.finish()?)
    }
}

/// An Ethereum address as the protocol writes it.
fn address(text: &str) -> Result<Identifier, EngineError> {
    let shown = || text.trim().chars().take(80).collect();
    Identifier::ethereum(text.trim())
        .map_err(|_| InboxChangeRefused::InvalidAddress(shown()).into())
}

/// A wallet or passkey of an inbox, by its text.
fn known<'a>(state: &'a AssociationState, text: &str) -> Option<&'a Identifier> {
    let wanted = text.trim().to_lowercase();
    state.identifiers().find(|one| one.to_string() == wanted)
}

/// The inbox of a wallet that must have one, for somebody who is not logged in.
pub(crate) async fn own_inbox_of(
    network: &dyn Network,
    wallet: &Identifier,
) -> Result<String, EngineError> {
    inbox_of(network, wallet)
        .await?
        .ok_or_else(|| InboxChangeRefused::NoInbox(wallet.to_string()).into())
}

/// Makes the text of a change from what the network says now. `own` is this installation's key;
/// without one nobody is logged in.
pub(crate) async fn prepare(
    identities: &Identities,
    network: &Arc<dyn Network>,
    clock: &dyn Clock,
    inbox_id: &str,
    own: Option<&InstallationKey>,
    change: &InboxChange,
) -> Result<PreparedChange, EngineError> {
    identities.refresh(&[inbox_id.to_owned()]).await?;
    let newest = identities.newest(inbox_id).await?;
    let (_, state) = newest.ok_or(IdentityError::NotCreated)?;
    let now_ns = u64::try_from(clock.now_ns()).unwrap_or_default();
    let draft = Draft {
        state: &state,
        own,
        now_ns,
        builder: UpdateBuilder::new(InboxId::try_from(inbox_id.to_owned())?, now_ns),
        proof: None,
        revoked: Vec::new(),
        warnings: Vec::new(),
    };
    match change {
        InboxChange::RevokeInstallations(ids) => draft.revoke(ids),
        InboxChange::RevokeOtherInstallations => {
            let own = draft.own_id();
            if draft.own.is_some() && own.is_none() {
                // To a revoked one all that are left are others.
                return Err(EngineError::Revoked);
            }
            let others: Vec<_> = state
                .installations()
                .filter(|id| Some(*id) != own)
                .collect();
            draft.revoke(&others)
        }
        InboxChange::AddWallet {
            address: text,
            reassign,
        } => {
            let wallet = address(text)?;
            let owner = inbox_of(network.as_ref(), &wallet).await?;
            draft.add(wallet, owner.as_deref(), *reassign)
        }
        InboxChange::AddPasskey {
            key,
            relying_party,
            reassign,
        } => {
            let passkey = Identifier::new_passkey(key, relying_party.clone())
                .map_err(|_| InboxChangeRefused::InvalidPasskey)?;
            let owner = inbox_of(network.as_ref(), &passkey).await?;
            draft.add(passkey, owner.as_deref(), *reassign)
        }
        InboxChange::RemoveWallet(text) => match known(&state, text) {
            Some(gone) => draft.remove(gone),
            None => Err(InboxChangeRefused::NotOwnWallet(address(text)?.to_string()).into()),
        },
        InboxChange::ChangeRecovery(text) => match known(&state, text) {
            Some(new) => draft.change_recovery(new.clone()),
            None => draft.change_recovery(address(text)?),
        },
    }
}

fn is_wallet(identifier: &Identifier) -> bool {
    matches!(identifier, Identifier::Ethereum(_))
}

/// A change in the making.
struct Draft<'a> {
    state: &'a AssociationState,
    own: Option<&'a InstallationKey>,
    now_ns: u64,
    builder: UpdateBuilder,
    proof: Option<UnsignedUpdate>,
    revoked: Vec<InstallationId>,
    warnings: Vec<ChangeWarning>,
}

impl Draft<'_> {
    /// This installation, if it belongs to the inbox.
    fn own_id(&self) -> Option<InstallationId> {
        let own = self.own.map(InstallationKey::id);
        own.filter(|own| self.state.has_installation(*own))
    }

    fn revoke(mut self, ids: &[InstallationId]) -> Result<PreparedChange, EngineError> {
        let recovery = self.state.recovery();
        for id in ids {
            if !self.state.has_installation(*id) {
                return Err(InboxChangeRefused::UnknownInstallation(id.to_string()).into());
            }
            if !self.revoked.contains(id) {
                self.revoked.push(*id);
            }
        }
        if self.revoked.is_empty() {
            return Err(InboxChangeRefused::NothingToRevoke.into());
        }
        if self.revoked.len() > MAX_REVOKED {
            return Err(InboxChangeRefused::TooMany.into());
        }
        if self.own_id().is_some_and(|own| self.revoked.contains(&own)) {
            self.warnings.push(ChangeWarning::EndsThisInstallation);
        }
        for id in &self.revoked {
            self.builder = self.builder.revoke(*id, recovery.clone());
        }
        self.close()
    }

    /// `owner`: the inbox that it leads to on the network.
    fn add(
        mut self,
        new: Identifier,
        owner: Option<&str>,
        reassign: bool,
    ) -> Result<PreparedChange, EngineError> {
        // This installation vouches for the new one (identity.md 4.2: an installation may add
        // identifiers).
        let own = self.own_id().ok_or(EngineError::Revoked)?;
        if self.is_member(&new) {
            return Err(InboxChangeRefused::WalletKnown(new.to_string()).into());
        }
        if owner.is_some_and(|owner| owner != self.state.inbox_id().as_str()) {
            if !reassign {
                return Err(InboxChangeRefused::WalletElsewhere(new.to_string()).into());
            }
            self.warnings.push(ChangeWarning::ReassignsWallet);
        }
        self.builder = self.builder.add(new, own);
        self.close()
    }

    fn remove(mut self, gone: &Identifier) -> Result<PreparedChange, EngineError> {
        let recovery = self.state.recovery();
        let member = MemberIdentifier::from(gone.clone());
        let added = self.state.members().into_iter().filter_map(|(id, facts)| {
            let is_added = facts.added_by.as_ref() == Some(&member);
            id.installation().filter(|_| is_added)
        });
        let (kept, revoked): (Vec<_>, Vec<_>) = added.partition(|id| Some(*id) == self.own_id());
        self.revoked = revoked;
        self.builder = self.builder.revoke(member, recovery.clone());
        // The recovery identity vouches for this installation anew. After the removal, because it
        // may be the very one that goes, whose installations go with it.
        for own in kept {
            self.builder = self.builder.add(own, recovery.clone());
        }
        if !self.revoked.is_empty() {
            self.warnings.push(ChangeWarning::EndsInstallationsOfWallet);
        }
        if recovery == gone {
            self.warnings.push(ChangeWarning::WalletStaysRecovery);
        }
        let mut wallets = self.state.identifiers().filter(|one| is_wallet(one));
        if is_wallet(gone) && wallets.all(|other| other == gone) {
            self.warnings.push(ChangeWarning::LastWallet);
        }
        self.close()
    }

    fn change_recovery(mut self, new: Identifier) -> Result<PreparedChange, EngineError> {
        let current = self.state.recovery().clone();
        if new == current {
            return Err(InboxChangeRefused::RecoveryUnchanged(new.to_string()).into());
        }
        if !self.is_member(&new) {
            self.warnings.push(ChangeWarning::RecoveryIsNoMember);
        }
        // Who signs is not part of the text, so this is the text of the update itself.
        let proof = UpdateBuilder::new(self.state.inbox_id().clone(), self.now_ns)
            .change_recovery(new.clone(), new.clone())
            .build()?;
        self.proof = Some(proof);
        self.builder = self.builder.change_recovery(new, current);
        self.close()
    }

    fn is_member(&self, identifier: &Identifier) -> bool {
        self.state.identifiers().any(|known| known == identifier)
    }

    fn close(self) -> Result<PreparedChange, EngineError> {
        let mut update = self.builder.build()?;
        if let Some(own) = self.own
            && update.missing_signers().contains(&&own.id().into())
        {
            update.sign_with_installation(own)?;
        }
        Ok(PreparedChange {
            inbox_id: self.state.inbox_id().as_str().to_owned(),
            update,
            proof: self.proof,
            revoked: self.revoked,
            warnings: self.warnings,
        })
    }
}

/// Publishes a signed change and waits until the network lists it. It is held to the rules here
/// first, by the log as it is now, so that a refusal has a name.
pub(crate) async fn publish(
    identities: &Identities,
    network: &Arc<dyn Network>,
    change: PreparedChange,
) -> Result<(), EngineError> {
    let inbox_id = change.inbox_id.clone();
    let update = change.finish()?;
    let verified = verify_update(&update, &NodeVerifier(network.as_ref())).await?;
    identities.refresh(std::slice::from_ref(&inbox_id)).await?;
    let newest = identities.newest(&inbox_id).await?;
    AssociationState::apply(newest.as_ref().map(|(_, state)| state), &verified)
        .map_err(|error| InboxChangeRefused::Outdated(error.to_string()))?;
    identities
        .publish(update.clone(), || identities.has_update(&inbox_id, &update))
        .await
}

#[cfg(test)]
mod tests {
    use conclave_proto::identity::associations::{
        AssociationState as WireState, IdentifierKind, Member, MemberMap, Passkey,
        member_identifier,
    };

    use super::*;

    const INBOX: &str = "fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9";
    const KEY: [u8; 33] = [2; 33];

    fn wallet(seed: u8) -> WalletKey {
        WalletKey::from_bytes(&[seed; 32]).unwrap()
    }

    /// An inbox of a wallet and a passkey, one of which may revoke.
    fn state(recovery: &str, kind: IdentifierKind) -> AssociationState {
        let passkey = Passkey {
            key: KEY.to_vec(),
            relying_party: None,
        };
        let identifier = member_identifier::Kind::Passkey(passkey);
        let passkey = conclave_proto::identity::associations::MemberIdentifier {
            kind: Some(identifier),
        };
        let wallet = MemberIdentifier::from(wallet(1).identifier());
        let members = [(&wallet).into(), passkey].map(|key| MemberMap {
            value: Some(Member {
                identifier: Some(Clone::clone(&key)),
                ..Member::default()
            }),
            key: Some(key),
        });
        AssociationState::from_proto(WireState {
            inbox_id: INBOX.to_owned(),
            members: members.to_vec(),
            recovery_identifier: recovery.to_owned(),
            recovery_identifier_kind: kind.into(),
            ..WireState::default()
        })
        .unwrap()
    }

    fn draft(state: &AssociationState) -> Draft<'_> {
        Draft {
            state,
            own: None,
            now_ns: 0,
            builder: UpdateBuilder::new(state.inbox_id().clone(), 0),
            proof: None,
            revoked: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_passkey_can_be_taken_out() {
        let of_wallet = wallet(1).identifier().to_string();
        let state = state(&of_wallet, IdentifierKind::Ethereum);
        let passkey = Identifier::passkey(&KEY, None).unwrap();
        let mut prepared = draft(&state).remove(&passkey).unwrap();
        assert!(prepared.warnings().is_empty());
        assert!(prepared.signature_text().contains(&format!(
            "- Unlink passkey from inbox\n  (Passkey: {})",
            hex::encode(KEY)
        )));
        assert_eq!(prepared.signers(), [wallet(1).identifier()]);
        prepared.sign(&wallet(1)).unwrap();
        assert!(prepared.finish().is_ok());
    }

    #[test]
    fn who_takes_over_signs_the_same_text() {
        let of_wallet = wallet(1).identifier().to_string();
        let state = state(&of_wallet, IdentifierKind::Ethereum);
        let (old, new) = (wallet(1), wallet(2));
        let mut prepared = draft(&state).change_recovery(new.identifier()).unwrap();
        let proof = prepared.proof.as_ref().unwrap();
        assert_eq!(proof.text(), prepared.signature_text());
        assert_eq!(
            prepared.add_signature(&[0; 65]).unwrap_err().code(),
            "wrong_signer"
        );
        prepared.sign(&new).unwrap();
        // Each signs once.
        assert_eq!(prepared.sign(&new).unwrap_err().code(), "wrong_signer");
        assert_eq!(prepared.signers(), [old.identifier()]);
        prepared.sign(&old).unwrap();
        let update = prepared.finish().unwrap();
        assert_eq!(update.actions.len(), 1);
    }
}
