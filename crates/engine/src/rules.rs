//! What a group allows, to whom, and why not: one set of rules for refusing before sending and for
//! telling people what they can do.
//!
//! These are the rules of [`policy::evaluate`](conclave_mls::policy::evaluate), by which others
//! judge what we send; a test holds the two against each other.

use std::collections::BTreeMap;

use conclave_mls::{
    GroupState,
    commit::AdminChange,
    extensions::{
        ATTRIBUTE_APP_DATA, ATTRIBUTE_DESCRIPTION, ATTRIBUTE_DISAPPEAR_FROM,
        ATTRIBUTE_DISAPPEAR_IN, ATTRIBUTE_IMAGE_URL, ATTRIBUTE_MINIMUM_VERSION, ATTRIBUTE_NAME,
        ATTRIBUTE_PINNED_MESSAGES,
    },
    policy::{Permission, Policy, PolicySet, Role, Rule, UnreadablePolicies},
};
use conclave_store::Reader;

use crate::{
    client::Client,
    error::{EngineError, LeaveRefused, Refused, RefusedReason},
    identities::{addresses, newest_state},
    intents::IntentData,
    messages::inactive,
};

/// Attributes that people change, in the order they read them.
pub const FIELDS: [&str; 8] = [
    ATTRIBUTE_NAME,
    ATTRIBUTE_DESCRIPTION,
    ATTRIBUTE_IMAGE_URL,
    ATTRIBUTE_APP_DATA,
    ATTRIBUTE_DISAPPEAR_FROM,
    ATTRIBUTE_DISAPPEAR_IN,
    ATTRIBUTE_MINIMUM_VERSION,
    ATTRIBUTE_PINNED_MESSAGES,
];

/// People named in a sentence; more are counted.
const NAMED: usize = 3;
/// People listed who could do what we can't.
const LISTED: usize = 20;

/// Something that a group's rules allow or forbid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Adding people.
    AddMember,
    /// Removing people.
    RemoveMember,
    /// Changing the attribute of this name.
    UpdateMetadata(String),
    /// Making admins.
    AddAdmin,
    /// Taking the admin role away.
    RemoveAdmin,
    /// Making super admins.
    AddSuperAdmin,
    /// Taking the super admin role away.
    RemoveSuperAdmin,
    /// Changing permissions.
    UpdatePermissions,
    /// Deleting messages of others for everybody.
    DeleteForAll,
    /// Leaving.
    Leave,
}

impl Action {
    /// Every action that the rules speak of.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::AddMember, Self::RemoveMember]
            .into_iter()
            .chain(FIELDS.map(|name| Self::UpdateMetadata(name.to_owned())))
            .chain([
                Self::AddAdmin,
                Self::RemoveAdmin,
                Self::AddSuperAdmin,
                Self::RemoveSuperAdmin,
                Self::UpdatePermissions,
                Self::DeleteForAll,
                Self::Leave,
            ])
    }

    /// Its name in the API.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::AddMember => "add_member".to_owned(),
            Self::RemoveMember => "remove_member".to_owned(),
            Self::UpdateMetadata(name) => format!("update_metadata.{name}"),
            Self::AddAdmin => "add_admin".to_owned(),
            Self::RemoveAdmin => "remove_admin".to_owned(),
            Self::AddSuperAdmin => "add_super_admin".to_owned(),
            Self::RemoveSuperAdmin => "remove_super_admin".to_owned(),
            Self::UpdatePermissions => "update_permissions".to_owned(),
            Self::DeleteForAll => "delete_for_all".to_owned(),
            Self::Leave => "leave".to_owned(),
        }
    }

    /// What one does, as it stands after "may".
    fn phrase(&self) -> String {
        match self {
            Self::AddMember => "add people".to_owned(),
            Self::RemoveMember => "remove people".to_owned(),
            Self::UpdateMetadata(name) => match name.as_str() {
                ATTRIBUTE_NAME => "change the name".to_owned(),
                ATTRIBUTE_DESCRIPTION => "change the description".to_owned(),
                ATTRIBUTE_IMAGE_URL => "change the picture".to_owned(),
                ATTRIBUTE_APP_DATA => "change the app data".to_owned(),
                ATTRIBUTE_DISAPPEAR_FROM | ATTRIBUTE_DISAPPEAR_IN => {
                    "change disappearing messages".to_owned()
                }
                ATTRIBUTE_MINIMUM_VERSION => "change the minimum version".to_owned(),
                ATTRIBUTE_PINNED_MESSAGES => "pin messages".to_owned(),
                other => format!("change “{other}”"),
            },
            Self::AddAdmin => "make admins".to_owned(),
            Self::RemoveAdmin => "take the admin role away".to_owned(),
            Self::AddSuperAdmin => "make super admins".to_owned(),
            Self::RemoveSuperAdmin => "take the super admin role away".to_owned(),
            Self::UpdatePermissions => "change permissions".to_owned(),
            Self::DeleteForAll => "delete messages of others".to_owned(),
            Self::Leave => "leave".to_owned(),
        }
    }

    /// The policy that decides. Of the fixed ones the protocol asks for a super admin whatever the
    /// group says (groups.md 2.4, 4.6; content-and-client.md 2.6).
    #[must_use]
    pub fn policy(&self, policies: &PolicySet) -> Policy {
        match self {
            Self::AddMember => policies.add_member.clone(),
            Self::RemoveMember => policies.remove_member.clone(),
            Self::UpdateMetadata(name) => policies.attribute(name),
            Self::AddAdmin => policies.add_admin.clone(),
            Self::RemoveAdmin => policies.remove_admin.clone(),
            Self::AddSuperAdmin
            | Self::RemoveSuperAdmin
            | Self::UpdatePermissions
            | Self::DeleteForAll => Rule::SuperAdmin.into(),
            Self::Leave => Rule::Allow.into(),
        }
    }
}

impl From<AdminChange> for Action {
    fn from(change: AdminChange) -> Self {
        match change {
            AdminChange::AddAdmin => Self::AddAdmin,
            AdminChange::RemoveAdmin => Self::RemoveAdmin,
            AdminChange::AddSuperAdmin => Self::AddSuperAdmin,
            AdminChange::RemoveSuperAdmin => Self::RemoveSuperAdmin,
        }
    }
}

/// What a group says about one action of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The policy that decides; `None` where it cannot be read.
    pub policy: Option<Policy>,
    /// Why not, as a sentence; `None` if it is allowed.
    pub refusal: Option<String>,
    /// Inbox ids of members who could, at most 20, the mightiest first; empty if it is allowed.
    pub who: Vec<String>,
}

/// What a group allows, to whom, and what we may do ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRules {
    /// Its permissions, or what can be read of them.
    pub policies: Result<PolicySet, Box<UnreadablePolicies>>,
    /// What we are.
    pub role: Role,
    /// Inbox ids of the admins.
    pub admins: Vec<String>,
    /// Inbox ids of the super admins.
    pub super_admins: Vec<String>,
    /// Who created it.
    pub creator_inbox_id: String,
    /// The protocol version that it demands of everybody.
    pub minimum_version: Option<String>,
    /// Free text of an application; empty if there is none.
    pub app_data: String,
    /// What we may do, by [`Action::key`].
    pub verdicts: BTreeMap<String, Verdict>,
}

/// What may be done to one member: the actions that are allowed, and the others that make sense
/// with the reason why not. Names: `remove`, and the keys of the changes of roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberActions {
    /// Allowed.
    pub can: Vec<&'static str>,
    /// Not allowed, with the reason as a sentence.
    pub denied: BTreeMap<&'static str, String>,
}

/// Why somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// Everybody would refuse the commit.
    Unreadable,
    /// Direct messages do not have it.
    DirectMessage(&'static str),
    /// The policy that decides.
    Policy(Policy),
    /// A super admin loses that role before they are removed.
    SuperAdmin,
    /// Somebody must be super admin.
    LastSuperAdmin,
    /// They can't leave.
    Leave(LeaveRefused),
}

/// Whether `actor` may do something in a group, to `target` if it is named. The one place where
/// that is decided, for refusing before sending and for what people are shown.
pub(crate) fn judge(
    state: &GroupState,
    actor: &str,
    action: &Action,
    target: Option<&str>,
) -> Result<(), Forbidden> {
    if *action == Action::Leave {
        return may_leave(state, actor).map_err(Forbidden::Leave);
    }
    let policies = match &state.policies {
        Ok(policies) if state.unreadable.is_empty() => policies,
        _ => return Err(Forbidden::Unreadable),
    };
    if state.metadata.dm_members.is_some() {
        return dm_allows(action).map_err(Forbidden::DirectMessage);
    }
    let policy = action.policy(policies);
    if !policy.allows(state.role(actor)) {
        return Err(Forbidden::Policy(policy));
    }
    let Some(target) = target.filter(|target| state.role(target) == Role::SuperAdmin) else {
        return Ok(());
    };
    let mut super_admins = state.mutable_metadata.super_admins.iter();
    match action {
        Action::RemoveMember => Err(Forbidden::SuperAdmin),
        Action::RemoveSuperAdmin if super_admins.all(|other| other == target) => {
            Err(Forbidden::LastSuperAdmin)
        }
        _ => Ok(()),
    }
}

/// Whether somebody can ask to be taken out (groups.md 4.8).
pub(crate) fn may_leave(state: &GroupState, actor: &str) -> Result<(), LeaveRefused> {
    if state.metadata.dm_members.is_some() {
        return Err(LeaveRefused::DirectMessage);
    }
    if state.membership.members.len() < 2 {
        return Err(LeaveRefused::Alone);
    }
    match state.role(actor) {
        Role::SuperAdmin if state.mutable_metadata.super_admins.len() < 2 => {
            Err(LeaveRefused::LastSuperAdmin)
        }
        Role::SuperAdmin => Err(LeaveRefused::SuperAdmin),
        _ => Ok(()),
    }
}

/// Refuses what [`judge`] does not let us do.
///
/// # Errors
/// [`EngineError::Denied`] with the policy and who could; [`EngineError::LastSuperAdmin`],
/// [`EngineError::Unreadable`], [`EngineError::DirectMessage`], [`EngineError::CannotLeave`].
pub(crate) fn check(
    reader: &Reader,
    state: &GroupState,
    own: &str,
    action: &Action,
    target: Option<&str>,
) -> Result<(), EngineError> {
    let Err(forbidden) = judge(state, own, action, target) else {
        return Ok(());
    };
    Err(match forbidden {
        Forbidden::Unreadable => EngineError::Unreadable,
        Forbidden::DirectMessage(reason) => EngineError::DirectMessage(reason),
        Forbidden::LastSuperAdmin => EngineError::LastSuperAdmin,
        Forbidden::Leave(reason) => reason.into(),
        Forbidden::Policy(policy) => {
            let who = could(state, &policy);
            EngineError::Denied(refusal(reader, action, &policy, &who)?)
        }
        Forbidden::SuperAdmin => EngineError::Denied(format!(
            "{} is a super admin; a super admin must take that role away first",
            name(reader, target.unwrap_or_default())?
        )),
    })
}

/// A direct message has two people for good and no admins (groups.md 3).
fn dm_allows(action: &Action) -> Result<(), &'static str> {
    let reason = match action {
        Action::UpdateMetadata(name) => match name.as_str() {
            ATTRIBUTE_DISAPPEAR_FROM | ATTRIBUTE_DISAPPEAR_IN => return Ok(()),
            ATTRIBUTE_PINNED_MESSAGES => {
                "Nobody is an admin of a direct message, so nothing can be pinned in it."
            }
            _ => "A direct message has no name, description or picture of its own.",
        },
        Action::AddMember => "Nobody can be added to a direct message. Create a group instead.",
        Action::RemoveMember => {
            "Nobody can be removed from a direct message. Block the person, or delete the conversation on this device."
        }
        Action::DeleteForAll => "In a direct message everybody deletes their own messages only.",
        Action::AddAdmin
        | Action::RemoveAdmin
        | Action::AddSuperAdmin
        | Action::RemoveSuperAdmin
        | Action::UpdatePermissions => "A direct message has no roles and no permissions.",
        Action::Leave => return Ok(()),
    };
    Err(reason)
}

/// Members whose role a policy allows, super admins first.
fn could(state: &GroupState, policy: &Policy) -> Vec<String> {
    let mut members: Vec<(Role, &String)> = state
        .membership
        .members
        .keys()
        .map(|inbox_id| (state.role(inbox_id), inbox_id))
        .filter(|(role, _)| policy.allows(*role))
        .collect();
    members.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    members
        .into_iter()
        .take(LISTED)
        .map(|(_, inbox_id)| inbox_id.clone())
        .collect()
}

/// The clause that says which policy forbids it and who could.
fn refusal(
    reader: &Reader,
    action: &Action,
    policy: &Policy,
    who: &[String],
) -> Result<String, EngineError> {
    let phrase = action.phrase();
    let rule = match policy {
        Policy::Rule(Rule::Deny) => {
            return Ok(format!(
                "nobody may {phrase} here; a super admin can change that in the permissions"
            ));
        }
        Policy::Rule(Rule::SuperAdmin) => format!("only super admins may {phrase} here"),
        Policy::Rule(_) => format!("only admins may {phrase} here"),
        _ => format!("who may {phrase} here is decided by the rule {policy}"),
    };
    if who.is_empty() {
        return Ok(format!("{rule}, and nobody in it is one"));
    }
    Ok(format!("{rule}: {}", names(reader, who)?))
}

/// People as a sentence names them.
fn names(reader: &Reader, inbox_ids: &[String]) -> Result<String, EngineError> {
    let mut names = Vec::new();
    for inbox_id in inbox_ids.iter().take(NAMED) {
        names.push(name(reader, inbox_id)?);
    }
    let more = inbox_ids.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    Ok(match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    })
}

/// One person: the beginning and end of the address, or of the inbox id.
fn name(reader: &Reader, inbox_id: &str) -> Result<String, EngineError> {
    let known = newest_state(reader, inbox_id)?;
    let address = known.and_then(|(_, state)| addresses(&state).into_iter().next());
    let long = address.as_deref().unwrap_or(inbox_id);
    // Whoever commits can put any text on a list: nothing that could steer a terminal.
    let long: String = long.chars().filter(|c| !c.is_control()).collect();
    let (head, tail) = (long.chars().take(6), long.chars().rev().take(4));
    let tail: Vec<char> = tail.collect();
    Ok(head.chain(['…']).chain(tail.into_iter().rev()).collect())
}

/// What may be done to a member by us.
pub(crate) fn member_actions(
    reader: &Reader,
    state: &GroupState,
    own: &str,
    inbox_id: &str,
) -> Result<MemberActions, EngineError> {
    let mut actions = MemberActions::default();
    if state.metadata.dm_members.is_some() {
        return Ok(actions);
    }
    let role = state.role(inbox_id);
    let sensible = [
        ("remove", Action::RemoveMember, inbox_id != own),
        ("add_admin", Action::AddAdmin, role == Role::Member),
        ("remove_admin", Action::RemoveAdmin, role == Role::Admin),
        (
            "add_super_admin",
            Action::AddSuperAdmin,
            role != Role::SuperAdmin,
        ),
        (
            "remove_super_admin",
            Action::RemoveSuperAdmin,
            role == Role::SuperAdmin,
        ),
    ];
    for (key, action, makes_sense) in sensible {
        if !makes_sense {
            continue;
        }
        match check(reader, state, own, &action, Some(inbox_id)) {
            Ok(()) => actions.can.push(key),
            Err(
                error @ (EngineError::Denied(_)
                | EngineError::LastSuperAdmin
                | EngineError::Unreadable),
            ) => {
                actions.denied.insert(key, error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(actions)
}

impl Client {
    /// What a group allows, to whom, and what we may do ourselves.
    ///
    /// # Errors
    /// [`EngineError::UnknownConversation`].
    pub async fn group_rules(&self, id: &[u8]) -> Result<GroupRules, EngineError> {
        let state = self.group_state(id).await?;
        let conversation = self.conversation(id).await?.conversation;
        let own = self.0.account.inbox_id.clone();
        self.0
            .store
            .read(move |reader| {
                let mut verdicts = BTreeMap::new();
                for action in Action::all() {
                    let policy = state.policies.as_ref().ok().map(|set| action.policy(set));
                    let refusal = if conversation.is_active {
                        match check(reader, &state, &own, &action, None) {
                            Ok(()) => None,
                            Err(EngineError::Store(error)) => return Err(error.into()),
                            Err(error) => Some(error.to_string()),
                        }
                    } else {
                        Some(inactive(&conversation).to_string())
                    };
                    let who = match (&refusal, &policy) {
                        (Some(_), Some(policy)) if action != Action::Leave => could(&state, policy),
                        _ => Vec::new(),
                    };
                    verdicts.insert(
                        action.key(),
                        Verdict {
                            policy,
                            refusal,
                            who,
                        },
                    );
                }
                Ok(GroupRules {
                    role: state.role(&own),
                    admins: state.mutable_metadata.admins,
                    super_admins: state.mutable_metadata.super_admins,
                    creator_inbox_id: conversation.creator_inbox_id,
                    minimum_version: conversation.minimum_version,
                    app_data: conversation.app_data,
                    policies: state.policies,
                    verdicts,
                })
            })
            .await
    }

    /// Refuses what the group's rules forbid us, before anything is sent.
    ///
    /// # Errors
    /// [`EngineError::Denied`] with the policy and who could; [`EngineError::Unreadable`];
    /// [`EngineError::DirectMessage`].
    pub(crate) async fn require(
        &self,
        state: &GroupState,
        action: &Action,
        target: Option<&str>,
    ) -> Result<(), EngineError> {
        let own = self.0.account.inbox_id.clone();
        if judge(state, &own, action, target).is_ok() {
            return Ok(());
        }
        let (state, action) = (state.clone(), action.clone());
        let target = target.map(str::to_owned);
        self.0
            .store
            .read(move |reader| check(reader, &state, &own, &action, target.as_deref()))
            .await
    }

    /// Changes permissions, all in one commit, and waits until the network has it. Policies of other
    /// apps that are not named stay as they are.
    ///
    /// # Errors
    /// [`EngineError::Denied`], [`EngineError::DirectMessage`], [`EngineError::Unreadable`], and
    /// those of a sync.
    pub async fn set_permissions(
        &self,
        id: &[u8],
        changes: Vec<(Permission, Rule)>,
    ) -> Result<(), EngineError> {
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        self.require(&state, &Action::UpdatePermissions, None)
            .await?;
        self.0.settle(id, IntentData::Permissions { changes }).await
    }

    /// Changes an admin list and waits until the network has it.
    ///
    /// # Errors
    /// [`EngineError::People`] for somebody unknown or no member, [`EngineError::Denied`],
    /// [`EngineError::LastSuperAdmin`], [`EngineError::DirectMessage`], and those of a sync.
    pub async fn change_role(
        &self,
        id: &[u8],
        who: &str,
        change: AdminChange,
    ) -> Result<(), EngineError> {
        let people = self.0.inboxes(&[who.to_owned()]).await?;
        let _turn = self.0.lock(id).await;
        self.0.require_usable(id).await?;
        let state = self.group_state(id).await?;
        let action = Action::from(change);
        self.require(&state, &action, None).await?;
        for (who, inbox_id) in people {
            let adds = matches!(change, AdminChange::AddAdmin | AdminChange::AddSuperAdmin);
            if adds && !state.membership.members.contains_key(&inbox_id) {
                let reason = RefusedReason::NotMember;
                return Err(EngineError::People(vec![Refused { who, reason }]));
            }
            self.require(&state, &action, Some(&inbox_id)).await?;
            self.0
                .settle(id, IntentData::Admins { change, inbox_id })
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
