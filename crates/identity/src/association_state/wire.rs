//! The stored form of a state: a cache, never signed (`identity.md` 2.1, 4.5).

use std::collections::{BTreeMap, BTreeSet};

use conclave_proto::identity::associations::{
    AssociationState as WireState, Member as WireMember, MemberMap,
};

use super::{AssociationState, Member};
use crate::{Identifier, IdentityError, MemberIdentifier};

impl AssociationState {
    /// The message for a cache or a peer process.
    #[must_use]
    pub fn to_proto(&self) -> WireState {
        WireState {
            inbox_id: self.inbox_id.as_str().to_owned(),
            members: self
                .members
                .iter()
                .map(|(identifier, member)| MemberMap {
                    key: Some(identifier.into()),
                    value: Some(WireMember {
                        identifier: Some(identifier.into()),
                        added_by_entity: member.added_by.as_ref().map(Into::into),
                        client_timestamp_ns: member.client_timestamp_ns,
                        added_on_chain_id: member.added_on_chain_id,
                    }),
                })
                .collect(),
            recovery_identifier: self.recovery.to_string(),
            seen_signatures: self.seen_signatures.iter().cloned().collect(),
            recovery_identifier_kind: self.recovery.wire_kind().into(),
            relying_party: self.recovery.relying_party().map(str::to_owned),
        }
    }

    /// Reads what [`AssociationState::to_proto`] wrote. Only for sources that are trusted to have
    /// folded the log.
    ///
    /// # Errors
    /// [`IdentityError::InvalidInboxId`], [`IdentityError::MissingField`],
    /// [`IdentityError::InvalidInstallationId`], [`IdentityError::InvalidHex`].
    pub fn from_proto(wire: WireState) -> Result<Self, IdentityError> {
        let mut members = BTreeMap::new();
        for entry in wire.members {
            let key = entry.key.ok_or(IdentityError::MissingField("key"))?;
            let value = entry.value.ok_or(IdentityError::MissingField("value"))?;
            let member = Member {
                added_by: value
                    .added_by_entity
                    .as_ref()
                    .map(MemberIdentifier::try_from)
                    .transpose()?,
                client_timestamp_ns: value.client_timestamp_ns,
                added_on_chain_id: value.added_on_chain_id,
            };
            members.insert(MemberIdentifier::try_from(&key)?, member);
        }
        Ok(Self {
            inbox_id: wire.inbox_id.try_into()?,
            members,
            recovery: Identifier::from_wire(
                &wire.recovery_identifier,
                wire.recovery_identifier_kind,
                wire.relying_party,
            )?,
            seen_signatures: BTreeSet::from_iter(wire.seen_signatures),
        })
    }
}
