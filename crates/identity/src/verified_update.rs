//! Updates whose signatures are good; whether the inbox allows them is a separate question.

use conclave_proto::identity::associations::{
    IdentityUpdate, MemberIdentifier as WireMember, identity_action,
};

use crate::signature::ParsedSignature;
use crate::{
    Identifier, IdentityError, MemberIdentifier, SmartContractVerifier, VerifiedSignature,
    signature_text,
};

/// An action whose signatures are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedAction {
    /// Founds the inbox.
    CreateInbox {
        /// Who founds it.
        identifier: Identifier,
        /// Number that makes several inboxes of one identifier differ.
        nonce: u64,
        /// By the founder.
        signature: VerifiedSignature,
    },
    /// Adds a member.
    Add {
        /// The new member. `None` stands for an installation whose id is not 32 bytes: nobody can
        /// sign for it.
        new_member: Option<MemberIdentifier>,
        /// By the new member.
        new_signature: VerifiedSignature,
        /// By a member or the recovery identifier.
        existing_signature: VerifiedSignature,
    },
    /// Removes a member.
    Revoke {
        /// The member. `None` stands for an installation whose id is not 32 bytes: no inbox has
        /// it.
        member: Option<MemberIdentifier>,
        /// By the recovery identifier.
        signature: VerifiedSignature,
    },
    /// Replaces the recovery identifier.
    ChangeRecovery {
        /// The new one. It does not sign and need not be well formed.
        identifier: Identifier,
        /// By the present one.
        signature: VerifiedSignature,
    },
}

impl VerifiedAction {
    /// The signatures of the action.
    pub fn signatures(&self) -> impl Iterator<Item = &VerifiedSignature> {
        let (first, second) = match self {
            Self::CreateInbox { signature, .. }
            | Self::Revoke { signature, .. }
            | Self::ChangeRecovery { signature, .. } => (signature, None),
            Self::Add {
                new_signature,
                existing_signature,
                ..
            } => (existing_signature, Some(new_signature)),
        };
        std::iter::once(first).chain(second)
    }
}

/// An update all of whose signatures are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUpdate {
    /// The inbox that the signers named; not yet checked to be the one the update leads to.
    pub inbox_id: String,
    /// Clock of the writer, nanoseconds since 1970. Nobody checks it.
    pub client_timestamp_ns: u64,
    /// In the order in which they count.
    pub actions: Vec<VerifiedAction>,
}

/// An action as decoded, before its signatures are checked.
enum ParsedAction<'a> {
    CreateInbox(Identifier, u64, ParsedSignature<'a>),
    Add {
        new_member: Option<MemberIdentifier>,
        new_signature: ParsedSignature<'a>,
        existing_signature: ParsedSignature<'a>,
    },
    Revoke(Option<MemberIdentifier>, ParsedSignature<'a>),
    ChangeRecovery(Identifier, ParsedSignature<'a>),
}

/// Checks every signature of `update` over its text.
///
/// The whole message is decoded first and all signatures are checked before any rule is applied,
/// so that one bad part voids the update (`identity.md` 3). Work grows with the number of
/// actions; whoever takes updates from strangers bounds the size of the message.
///
/// # Errors
/// The first decoding or signature error, in the order of the actions;
/// [`IdentityError::Verifier`] where a smart-contract wallet could not be asked.
pub async fn verify_update(
    update: &IdentityUpdate,
    verifier: &dyn SmartContractVerifier,
) -> Result<VerifiedUpdate, IdentityError> {
    let parsed = update
        .actions
        .iter()
        .map(|action| {
            let kind = action
                .kind
                .as_ref()
                .ok_or(IdentityError::MissingField("action"))?;
            parse_action(kind)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let text = signature_text(update)?;
    let mut actions = Vec::with_capacity(parsed.len());
    for action in parsed {
        actions.push(verify_action(action, &text, verifier).await?);
    }
    Ok(VerifiedUpdate {
        inbox_id: update.inbox_id.clone(),
        client_timestamp_ns: update.client_timestamp_ns,
        actions,
    })
}

fn parse_action(kind: &identity_action::Kind) -> Result<ParsedAction<'_>, IdentityError> {
    use identity_action::Kind;
    Ok(match kind {
        Kind::CreateInbox(create) => ParsedAction::CreateInbox(
            Identifier::from_wire(
                &create.initial_identifier,
                create.initial_identifier_kind,
                create.relying_party.clone(),
            )?,
            create.nonce,
            ParsedSignature::parse(create.initial_identifier_signature.as_ref())?,
        ),
        Kind::Add(add) => ParsedAction::Add {
            new_member: parse_member(add.new_member_identifier.as_ref())?,
            new_signature: ParsedSignature::parse(add.new_member_signature.as_ref())?,
            existing_signature: ParsedSignature::parse(add.existing_member_signature.as_ref())?,
        },
        Kind::Revoke(revoke) => ParsedAction::Revoke(
            parse_member(revoke.member_to_revoke.as_ref())?,
            ParsedSignature::parse(revoke.recovery_identifier_signature.as_ref())?,
        ),
        Kind::ChangeRecoveryAddress(change) => ParsedAction::ChangeRecovery(
            Identifier::from_wire(
                &change.new_recovery_identifier,
                change.new_recovery_identifier_kind,
                change.relying_party.clone(),
            )?,
            ParsedSignature::parse(change.existing_recovery_identifier_signature.as_ref())?,
        ),
    })
}

/// The member, or `None` for an installation id that is not 32 bytes.
fn parse_member(wire: Option<&WireMember>) -> Result<Option<MemberIdentifier>, IdentityError> {
    let wire = wire.ok_or(IdentityError::MissingField("member_identifier"))?;
    match MemberIdentifier::try_from(wire) {
        Ok(member) => Ok(Some(member)),
        Err(IdentityError::InvalidInstallationId) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn verify_action(
    action: ParsedAction<'_>,
    text: &str,
    verifier: &dyn SmartContractVerifier,
) -> Result<VerifiedAction, IdentityError> {
    Ok(match action {
        ParsedAction::CreateInbox(identifier, nonce, signature) => VerifiedAction::CreateInbox {
            identifier,
            nonce,
            signature: signature.verify(text, verifier).await?,
        },
        ParsedAction::Add {
            new_member,
            new_signature,
            existing_signature,
        } => VerifiedAction::Add {
            new_member,
            new_signature: new_signature.verify(text, verifier).await?,
            existing_signature: existing_signature.verify(text, verifier).await?,
        },
        ParsedAction::Revoke(member, signature) => VerifiedAction::Revoke {
            member,
            signature: signature.verify(text, verifier).await?,
        },
        ParsedAction::ChangeRecovery(identifier, signature) => VerifiedAction::ChangeRecovery {
            identifier,
            signature: signature.verify(text, verifier).await?,
        },
    })
}
