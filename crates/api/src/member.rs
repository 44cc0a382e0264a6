//! People: looking them up, and members of a conversation.

use conclave_engine::{Member as Found, Resolved as Looked, Role as Held};

use crate::{
    api::Api,
    error::ApiError,
    group::{failures, operation_id},
    types::{ConversationArgs, Member, MembersArgs, MembershipResult, Resolved, Role, WhoArgs},
    value,
};

impl From<Held> for Role {
    fn from(role: Held) -> Self {
        match role {
            Held::Member => Self::Member,
            Held::Admin => Self::Admin,
            Held::SuperAdmin => Self::SuperAdmin,
        }
    }
}

impl From<Looked> for Resolved {
    fn from(found: Looked) -> Self {
        Self {
            who: found.who,
            inbox_id: found.inbox_id,
            reachable: found.reachable,
            addresses: found.addresses,
            problem: found.problem.map(|reason| reason.code().to_owned()),
        }
    }
}

fn member(found: Found, own: &str) -> Member {
    Member {
        is_self: found.inbox_id == own,
        inbox_id: found.inbox_id,
        addresses: found.addresses,
        installation_ids: found
            .installation_ids
            .iter()
            .map(|installation| value::id(installation.as_bytes()))
            .collect(),
        role: found.role.into(),
        consent: found.consent.into(),
        can: found.actions.can.into_iter().map(str::to_owned).collect(),
        denied: found
            .actions
            .denied
            .into_iter()
            .map(|(action, reason)| (action.to_owned(), reason))
            .collect(),
    }
}

impl Api {
    /// Looks people up on the network, in the order given.
    ///
    /// # Errors
    /// `too_many_people`, the network's.
    pub async fn who_resolve(&self, args: WhoArgs) -> Result<Vec<Resolved>, ApiError> {
        let found = self.client().await?.resolve(&args.who).await?;
        Ok(found.into_iter().map(Resolved::from).collect())
    }

    /// Members of a conversation, ourselves included.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn member_list(&self, args: ConversationArgs) -> Result<Vec<Member>, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        let members = client.list_members(&id).await?;
        let own = &client.account().inbox_id;
        Ok(members
            .into_iter()
            .map(|found| member(found, own))
            .collect())
    }

    /// Adds people. Who can't be added is named; everybody else is in.
    ///
    /// # Errors
    /// `malformed` and `not_registered` (nothing was changed), `no_installation` if nobody can be
    /// added, `denied_by_policy`, `too_many_people`, `direct_message`, `cancelled` before anybody was
    /// added, the network's.
    pub async fn member_add(&self, args: MembersArgs) -> Result<MembershipResult, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        some(&args.who)?;
        let operation_id = operation_id(args.operation_id)?;
        let client = self.client().await?;
        let outcome = client.add_members_in(&id, &args.who, operation_id).await?;
        Ok(MembershipResult {
            added: Some(outcome.changed),
            removed: None,
            failed: failures(outcome.failed),
        })
    }

    /// Removes people.
    ///
    /// # Errors
    /// As [`Api::member_add`], and `not_member` if nobody named is one.
    pub async fn member_remove(&self, args: MembersArgs) -> Result<MembershipResult, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        some(&args.who)?;
        let operation_id = operation_id(args.operation_id)?;
        let client = self.client().await?;
        let outcome = client
            .remove_members_in(&id, &args.who, operation_id)
            .await?;
        Ok(MembershipResult {
            added: None,
            removed: Some(outcome.changed),
            failed: failures(outcome.failed),
        })
    }
}

fn some(who: &[String]) -> Result<(), ApiError> {
    if who.is_empty() {
        return Err(ApiError::arguments("Name at least one person."));
    }
    Ok(())
}
