//! The text that everybody signs (`identity.md` 2.2, 2.3).

use conclave_proto::identity::associations::{
    IdentityUpdate, MemberIdentifier as WireMember, identity_action, member_identifier,
};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::{Identifier, IdentityError};

const TIME_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The text that all signatures of `update` sign. It is rebuilt from the decoded actions, so how
/// the message was encoded does not matter.
///
/// # Errors
/// [`IdentityError::MissingField`] or [`IdentityError::InvalidHex`] where an action does not
/// decode.
pub fn signature_text(update: &IdentityUpdate) -> Result<String, IdentityError> {
    let actions = update
        .actions
        .iter()
        .map(|action| {
            let kind = action
                .kind
                .as_ref()
                .ok_or(IdentityError::MissingField("action"))?;
            action_text(kind)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(format!(
        "XMTP : Authenticate to inbox\n\nInbox ID: {}\nCurrent time: {}\n\n{}\n\n\
         For more info: https://xmtp.org/signatures",
        update.inbox_id,
        time_text(update.client_timestamp_ns)?,
        actions.join("\n"),
    ))
}

/// Whole seconds in UTC. The nanoseconds are read as signed, so large numbers lie before 1970.
fn time_text(timestamp_ns: u64) -> Result<String, IdentityError> {
    let seconds = timestamp_ns.cast_signed().div_euclid(1_000_000_000);
    // Every signed 64-bit number of nanoseconds lies between the years 1677 and 2262.
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(TIME_FORMAT).ok())
        .ok_or(IdentityError::Malformed("client_timestamp_ns"))
}

fn action_text(action: &identity_action::Kind) -> Result<String, IdentityError> {
    use identity_action::Kind;
    let (what, label, value) = match action {
        Kind::CreateInbox(create) => {
            let owner = Identifier::from_wire(
                &create.initial_identifier,
                create.initial_identifier_kind,
                None,
            )?;
            ("Create inbox", "Owner", owner.to_string())
        }
        Kind::Add(add) => {
            let (kind, label, value) = member_text(add.new_member_identifier.as_ref())?;
            let what = match kind {
                "address" => "Link address to inbox",
                "app" => "Grant messaging access to app",
                _ => "Link passkey to inbox",
            };
            (what, label, value)
        }
        Kind::Revoke(revoke) => {
            let (kind, label, value) = member_text(revoke.member_to_revoke.as_ref())?;
            let what = match kind {
                "address" => "Unlink address from inbox",
                "app" => "Revoke messaging access from app",
                _ => "Unlink passkey from inbox",
            };
            (what, label, value)
        }
        Kind::ChangeRecoveryAddress(change) => {
            let recovery = Identifier::from_wire(
                &change.new_recovery_identifier,
                change.new_recovery_identifier_kind,
                None,
            )?;
            // The label stays, also for a passkey.
            (
                "Change inbox recovery address",
                "Address",
                recovery.to_string(),
            )
        }
    };
    Ok(format!("- {what}\n  ({label}: {value})"))
}

/// What a member is called in the text, the label of its value, and its value. An installation id
/// may have any length here: a revocation of one that cannot exist is legal and changes nothing.
fn member_text(
    member: Option<&WireMember>,
) -> Result<(&'static str, &'static str, String), IdentityError> {
    use member_identifier::Kind;
    let kind = member
        .and_then(|member| member.kind.as_ref())
        .ok_or(IdentityError::MissingField("member_identifier"))?;
    Ok(match kind {
        Kind::EthereumAddress(address) => ("address", "Address", address.clone()),
        Kind::InstallationPublicKey(key) => ("app", "ID", hex::encode(key)),
        Kind::Passkey(passkey) => ("passkey", "Passkey", hex::encode(&passkey.key)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_floored_and_wraps_as_readers_expect() {
        // identity.md 2.3
        for (timestamp_ns, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_999_999_999, "1970-01-01T00:00:01Z"),
            (1_700_000_000_123_456_789, "2023-11-14T22:13:20Z"),
            (u64::MAX / 2, "2262-04-11T23:47:16Z"),
            (u64::MAX / 2 + 1, "1677-09-21T00:12:43Z"),
            (u64::MAX, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(time_text(timestamp_ns).as_deref(), Ok(text));
        }
    }
}
