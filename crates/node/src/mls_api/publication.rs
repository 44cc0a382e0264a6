//! What publishers send, checked and made ready to store (`node.md` 3.1, 3.2, 3.6).
//!
//! Clients fail a whole query on one row that they cannot read (`node.md` 9.5); so nothing is
//! stored that they could not.

use conclave_proto::mls::api::v1::{
    GroupMessageInput, PublishCommitLogRequest, WelcomeMessageInput, group_message_input,
    welcome_message_input,
};
use conclave_proto::mls::message_contents::{
    WelcomePointerWrapperAlgorithm, WelcomeWrapperAlgorithm,
};
use tonic::Status;

use super::bounded_items;
use crate::limits::{
    COMMIT_LOG_ENTRY_BYTES, COMMIT_LOG_INSERTS, GROUP_ID_BYTES, INSTALLATION_KEY_BYTES,
    SMALL_FIELD_BYTES,
};
use crate::parse;
use crate::storage::{NewCommitLogEntry, NewGroupMessage, NewWelcome, WelcomeKind};

/// Checks the whole batch before anything is stored.
pub(super) fn group_messages(
    inputs: Vec<GroupMessageInput>,
) -> Result<Vec<NewGroupMessage>, Status> {
    if inputs.is_empty() {
        return Err(Status::invalid_argument("no group messages to send"));
    }
    bounded_items(&inputs, "group messages")?;
    inputs.into_iter().map(group_message).collect()
}

fn group_message(input: GroupMessageInput) -> Result<NewGroupMessage, Status> {
    let Some(group_message_input::Version::V1(v1)) = input.version else {
        return Err(Status::invalid_argument("invalid group message"));
    };
    let invalid = |text: &dyn ToString| {
        Status::invalid_argument(format!("invalid group message: {}", text.to_string()))
    };
    let framing = parse::group_message(&v1.data).map_err(|error| invalid(&error))?;
    if v1.sender_hmac.len() > SMALL_FIELD_BYTES {
        return Err(invalid(&"the sender's HMAC is too long"));
    }
    Ok(NewGroupMessage {
        group_id: framing.group_id,
        data: v1.data,
        sender_hmac: v1.sender_hmac,
        should_push: v1.should_push,
        is_commit: framing.is_commit,
        retain: framing.is_commit || framing.is_proposal,
    })
}

/// Checks the whole batch before anything is stored.
pub(super) fn welcomes(inputs: Vec<WelcomeMessageInput>) -> Result<Vec<NewWelcome>, Status> {
    if inputs.is_empty() {
        return Err(Status::invalid_argument("no welcome messages to send"));
    }
    bounded_items(&inputs, "welcome messages")?;
    inputs
        .into_iter()
        .map(|input| match input.version {
            Some(welcome_message_input::Version::V1(v1)) => welcome(v1),
            Some(welcome_message_input::Version::WelcomePointer(pointer)) => {
                welcome_pointer(pointer)
            }
            None => Err(Status::invalid_argument(
                "invalid welcome message: missing version",
            )),
        })
        .collect()
}

fn welcome(v1: welcome_message_input::V1) -> Result<NewWelcome, Status> {
    let algorithm = match v1.wrapper_algorithm() {
        // Clients fail on what they do not know; the reference stores this (`node.md` 2.1).
        WelcomeWrapperAlgorithm::Unspecified => WelcomeWrapperAlgorithm::Curve25519,
        known => known,
    };
    // What a pointer points to is encrypted to nobody's HPKE key (`node.md` 3.2).
    let needs_key = algorithm != WelcomeWrapperAlgorithm::SymmetricKey;
    if v1.data.is_empty() || (needs_key && v1.hpke_public_key.is_empty()) {
        return Err(Status::invalid_argument("invalid welcome message"));
    }
    check_installation_key(&v1.installation_key, "invalid welcome message")?;
    check_small(&v1.hpke_public_key, "invalid welcome message")?;
    check_small(&v1.welcome_metadata, "invalid welcome message")?;
    Ok(NewWelcome {
        kind: WelcomeKind::Welcome,
        installation_key: v1.installation_key,
        data: v1.data,
        hpke_public_key: v1.hpke_public_key,
        wrapper_algorithm: algorithm.into(),
        welcome_metadata: v1.welcome_metadata,
    })
}

fn welcome_pointer(pointer: welcome_message_input::WelcomePointer) -> Result<NewWelcome, Status> {
    let what = "invalid welcome pointer message";
    if pointer.welcome_pointer.is_empty() || pointer.hpke_public_key.is_empty() {
        return Err(Status::invalid_argument(what));
    }
    check_installation_key(&pointer.installation_key, what)?;
    let algorithm = WelcomePointerWrapperAlgorithm::XwingMlkem768Draft6;
    if pointer.wrapper_algorithm != i32::from(algorithm) {
        return Err(Status::invalid_argument(format!(
            "invalid welcome pointer wrapper algorithm: {}",
            pointer.wrapper_algorithm
        )));
    }
    check_small(&pointer.hpke_public_key, what)?;
    check_small(&pointer.welcome_pointer, what)?;
    Ok(NewWelcome {
        kind: WelcomeKind::Pointer,
        installation_key: pointer.installation_key,
        data: pointer.welcome_pointer,
        hpke_public_key: pointer.hpke_public_key,
        wrapper_algorithm: algorithm.into(),
        welcome_metadata: Vec::new(),
    })
}

fn check_installation_key(key: &[u8], what: &str) -> Result<(), Status> {
    if key.len() == INSTALLATION_KEY_BYTES {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{what}: the installation key is {} bytes long, not {INSTALLATION_KEY_BYTES}",
        key.len()
    )))
}

fn check_small(field: &[u8], what: &str) -> Result<(), Status> {
    if field.len() <= SMALL_FIELD_BYTES {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{what}: a field is longer than {SMALL_FIELD_BYTES} bytes"
    )))
}

/// Checks the whole batch before anything is stored.
pub(super) fn commit_log(
    requests: Vec<PublishCommitLogRequest>,
) -> Result<Vec<NewCommitLogEntry>, Status> {
    if requests.is_empty() {
        return Err(Status::invalid_argument("no log entries to publish"));
    }
    if requests.len() > COMMIT_LOG_INSERTS {
        return Err(Status::invalid_argument(format!(
            "cannot exceed {COMMIT_LOG_INSERTS} inserts in single batch"
        )));
    }
    requests.into_iter().map(commit_log_entry).collect()
}

fn commit_log_entry(request: PublishCommitLogRequest) -> Result<NewCommitLogEntry, Status> {
    let invalid = || Status::invalid_argument("invalid commit log entry");
    let signature = request.signature.ok_or_else(invalid)?;
    let entry = request.serialized_commit_log_entry;
    let group_id_ok = (1..=GROUP_ID_BYTES).contains(&request.group_id.len());
    let entry_ok = (1..=COMMIT_LOG_ENTRY_BYTES).contains(&entry.len());
    // An Ed25519 signature has 64 bytes and a key 32; the node does not verify it.
    let signature_ok = signature.bytes.len() <= 64 && signature.public_key.len() <= 32;
    if !(group_id_ok && entry_ok && signature_ok) {
        return Err(invalid());
    }
    Ok(NewCommitLogEntry {
        group_id: request.group_id,
        entry,
        signature: signature.bytes,
        signer: signature.public_key,
    })
}
