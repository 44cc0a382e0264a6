//! Changes of a group that its rules refuse, or of which a part is refused: each leaves a line that
//! says by whom and why, because a hostile member must not be able to try in silence.
//!
//! A commit that lost its race or comes from an earlier epoch is no refusal; it leaves nothing.

use conclave_mls::{policy::PolicyViolation, validation::Rejection};
use conclave_store::{StoreError, Tx};

use crate::{event::Changes, transcript::Row};

/// Type id of the line of a refused change. The line's kind is a gap, its sender who made the change,
/// its content a stable code.
pub const REFUSED_CHANGE: &str = "refused_change";

/// Why a change, or a part of it, does not count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RefusedChange<'a> {
    /// A rule forbids it. The group is as it was.
    Rule(&'a Rejection),
    /// It refers to identity updates that the network does not have. The group is as it was.
    UnknownIdentity,
    /// It breaks a rule of MLS itself (RFC 9420), or commits to proposals sent before it, which
    /// official clients drop like us. Its author is not known. The group is as it was.
    Invalid,
    /// The group was changed, and with it what is fixed at its creation: we keep the original.
    Rewritten,
    /// The group was changed, and a device that should have left it stays in the tree.
    StrayDevice,
}

impl RefusedChange<'_> {
    /// A stable name for programs and translations.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Rule(rejection) => rejection.code(),
            Self::UnknownIdentity => "commit_identity_missing",
            Self::Invalid => "commit_invalid",
            Self::Rewritten => "metadata_rewritten",
            Self::StrayDevice => "stray_device",
        }
    }

    fn text(self) -> String {
        match self {
            Self::Rule(rejection) => refusal(rule(rejection)),
            Self::UnknownIdentity => refusal(
                "it names versions of a member's list of devices that the network does not have",
            ),
            Self::Invalid => refusal("it breaks the rules of the encryption itself"),
            Self::Rewritten => "A member changed what is fixed when a group is made, its kind or \
                its creator. Conclave goes on with the original."
                .to_owned(),
            Self::StrayDevice => "A device that should have left the group stayed in it, because \
                a member had marked it as failed. It can read what is written until a \
                super admin's Conclave takes it out, which happens by itself."
                .to_owned(),
        }
    }
}

fn refusal(why: &str) -> String {
    format!("A change of the group was refused: {why}. The group is as it was.")
}

const fn rule(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Context(_) => {
            "the group's settings would be unreadable afterwards, or have been before"
        }
        Rejection::AttributeTooLong(_) => {
            "a name, description, picture address or app text would be longer than groups allow"
        }
        Rejection::Actor => "it does not come from one member alone",
        Rejection::PreSharedKey => "it uses pre-shared keys, which these groups do not have",
        Rejection::UnknownLeaf => "it removes a device that is not in the group",
        Rejection::SequenceDecreased => {
            "it would go back to an earlier version of a member's list of devices"
        }
        Rejection::UnexpectedAddition => "it brings in a device that belongs to no new member",
        Rejection::UnexpectedRemovals => {
            "it removes other devices than those whose members leave or gave them up"
        }
        Rejection::Author => "its author's device does not belong to a member any more",
        Rejection::Policy(violation) => policy(*violation),
        Rejection::Version => "it asks for a version of the app that is no version",
    }
}

const fn policy(violation: PolicyViolation) -> &'static str {
    match violation {
        PolicyViolation::AddMember => "its author may not add people",
        PolicyViolation::RemoveMember => "its author may not remove people",
        PolicyViolation::RemoveSuperAdmin => {
            "it removes a super admin, who must lose that role first"
        }
        PolicyViolation::UpdateMetadata => "its author may not change this setting",
        PolicyViolation::AddAdmin => "its author may not make people admins",
        PolicyViolation::RemoveAdmin => "its author may not take the admin role away",
        PolicyViolation::AddSuperAdmin => "its author may not make people super admins",
        PolicyViolation::DemoteSuperAdmin => {
            "its author may not take the super admin role away, or it was the last one"
        }
        PolicyViolation::UpdatePermissions => "its author may not change permissions",
    }
}

/// Stores the line, unless the conversation ends with gaps of which one is this member's: whoever
/// repeats it fills the conversation no further. Each is counted in the diagnostics.
pub(crate) fn note(
    tx: &Tx,
    row: &Row<'_>,
    refused: RefusedChange<'_>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let code = refused.code();
    row.insert_gap_line(tx, REFUSED_CHANGE, code, &refused.text(), changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_whole_sentences_and_names_no_rule_number() {
        let rejection = Rejection::Policy(PolicyViolation::AddMember);
        for refused in [
            RefusedChange::Rule(&rejection),
            RefusedChange::UnknownIdentity,
            RefusedChange::Invalid,
            RefusedChange::Rewritten,
            RefusedChange::StrayDevice,
        ] {
            let text = refused.text();
            assert!(text.starts_with("A ") && text.ends_with('.'), "{text}");
            assert!(!text.contains("V10") && !text.contains("  "), "{text}");
        }
        assert_eq!(
            RefusedChange::Rule(&rejection).text(),
            "A change of the group was refused: its author may not add people. \
             The group is as it was."
        );
    }
}
