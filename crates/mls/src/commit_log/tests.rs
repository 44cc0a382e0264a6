//! Entries of official clients, made again and read; and each way in which an entry does not count.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/commit_log.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn recorded(value: &Value) -> CommitLogEntry {
    CommitLogEntry {
        sequence_id: value["sequence_id"].as_u64().unwrap_or_default(),
        serialized_commit_log_entry: bytes(&value["entry"]),
        signature: Some(RecoverableEd25519Signature {
            bytes: bytes(&value["signature"]),
            public_key: bytes(&value["public_key"]),
        }),
    }
}

#[test]
fn official_entries_are_made_again_byte_for_byte() {
    let vectors = vectors();
    let published = vectors["published"].as_array().unwrap();
    let mut made = 0;
    for one in published {
        let recorded = recorded(one);
        let signature = recorded.signature.unwrap();
        let serialized = recorded.serialized_commit_log_entry;
        verify_signature(&serialized, &signature.bytes, &signature.public_key).unwrap();
        let group_id = one["group_id"].as_str().unwrap();
        let Some(attribute) = vectors["signers"][group_id].as_str() else {
            continue;
        };
        let signer = LogSigner::from_attribute(attribute).unwrap();
        assert_eq!(signer.public_key().as_slice(), signature.public_key);
        let entry = LogEntry::from(PlaintextCommitLogEntry::decode(&*serialized).unwrap());
        let again = entry.sign(&signer);
        assert_eq!(hex::encode(again.group_id), group_id);
        assert_eq!(again.serialized_commit_log_entry, serialized);
        assert_eq!(again.signature.unwrap(), signature);
        made += 1;
    }
    assert_eq!(published.len(), 32);
    assert!(made >= 20, "{made} with a known signer");
}

#[test]
fn logs_of_official_clients_are_read() {
    let vectors = vectors();
    for (group_id, entries) in vectors["logs"].as_object().unwrap() {
        let mut log = RemoteLog {
            group_id: hex::decode(group_id).unwrap(),
            key: None,
            newest: None,
        };
        let mut newest = 0;
        for entry in entries.as_array().unwrap() {
            match log.accept(&recorded(entry)) {
                Ok(read) => newest = read.commit_sequence_id,
                // Two installations of a super admin publish the same commits.
                Err(ignored) => assert_eq!(ignored, Ignored::Order),
            }
        }
        assert_eq!(log.newest.unwrap().0, newest);
        if let Some(attribute) = vectors["signers"][group_id].as_str() {
            let signer = LogSigner::from_attribute(attribute).unwrap();
            assert_eq!(log.key.unwrap(), signer.public_key());
        }
    }
}

const GROUP: [u8; 16] = [5; 16];

fn entry(commit: u64, last: u8, result: CommitResult, epoch: u64, now: u8) -> LogEntry {
    LogEntry {
        group_id: GROUP.to_vec(),
        commit_sequence_id: commit,
        last_epoch_authenticator: vec![last; 32],
        result: result.number(),
        epoch,
        epoch_authenticator: vec![now; 32],
    }
}

fn stored(entry: &LogEntry, signer: &LogSigner) -> CommitLogEntry {
    let request = entry.sign(signer);
    CommitLogEntry {
        sequence_id: 1,
        serialized_commit_log_entry: request.serialized_commit_log_entry,
        signature: request.signature,
    }
}

fn empty() -> RemoteLog {
    RemoteLog {
        group_id: GROUP.to_vec(),
        key: None,
        newest: None,
    }
}

#[test]
fn each_rule_keeps_an_entry_out_and_its_neighbour_in() {
    use CommitResult::{Applied, Invalid, WrongEpoch};
    let (signer, other) = (
        LogSigner::from_seed(&[1; 32]).unwrap(),
        LogSigner::from_seed(&[2; 32]).unwrap(),
    );
    let mut log = empty();
    let mut take = |entry: &LogEntry, signer: &LogSigner| log.accept(&stored(entry, signer));

    let elsewhere = LogEntry {
        group_id: vec![6; 16],
        ..entry(3, 1, Applied, 1, 2)
    };
    assert_eq!(take(&elsewhere, &other), Err(Ignored::Malformed));
    assert_eq!(
        take(&entry(0, 1, Applied, 1, 2), &other),
        Err(Ignored::Malformed)
    );
    // The first signed one counts, wherever its epochs begin.
    assert!(take(&entry(3, 1, Applied, 7, 2), &signer).is_ok());
    assert_eq!(
        take(&entry(4, 2, Applied, 8, 3), &other),
        Err(Ignored::Signature)
    );
    assert_eq!(
        take(&entry(3, 2, Applied, 8, 3), &signer),
        Err(Ignored::Order)
    );
    assert_eq!(
        take(&entry(4, 9, Applied, 8, 3), &signer),
        Err(Ignored::Chain)
    );
    assert_eq!(
        take(&entry(4, 2, Applied, 9, 3), &signer),
        Err(Ignored::Chain)
    );
    assert_eq!(
        take(&entry(4, 2, WrongEpoch, 7, 3), &signer),
        Err(Ignored::Chain)
    );
    assert_eq!(
        take(&entry(4, 2, WrongEpoch, 8, 2), &signer),
        Err(Ignored::Chain)
    );
    assert!(take(&entry(4, 2, WrongEpoch, 7, 2), &signer).is_ok());
    assert!(take(&entry(6, 2, Invalid, 7, 2), &signer).is_ok());
    assert!(take(&entry(7, 2, Applied, 8, 3), &signer).is_ok());
    assert_eq!(log.newest, Some((7, 8, vec![3; 32])));
}

#[test]
fn what_is_not_signed_decides_nothing() {
    let signer = LogSigner::from_seed(&[1; 32]).unwrap();
    let good = stored(&entry(1, 1, CommitResult::Applied, 1, 2), &signer);
    let mut log = empty();
    let unsigned = CommitLogEntry {
        signature: None,
        ..good.clone()
    };
    assert_eq!(log.accept(&unsigned), Err(Ignored::Signature));
    let mut forged = good.clone();
    forged.serialized_commit_log_entry.push(0);
    assert!(log.accept(&forged).is_err());
    let mut forged = good.clone();
    forged.signature.as_mut().unwrap().bytes[5] ^= 1;
    assert_eq!(log.accept(&forged), Err(Ignored::Signature));
    let mut forged = good.clone();
    forged.signature.as_mut().unwrap().public_key = vec![1; 5];
    assert_eq!(log.accept(&forged), Err(Ignored::Signature));
    assert_eq!(log, empty());
    assert!(log.accept(&good).is_ok());
    let huge = entry(u64::MAX, 2, CommitResult::Applied, 2, 3);
    assert_eq!(log.accept(&stored(&huge, &signer)), Err(Ignored::Malformed));
}

#[test]
fn keys_are_read_strictly_and_never_shown() {
    assert!(LogSigner::from_seed(&[1; 31]).is_none());
    assert!(LogSigner::from_attribute(&"0".repeat(63)).is_none());
    assert!(LogSigner::from_attribute("z").is_none());
    let signer = LogSigner::from_attribute(&"0a".repeat(32)).unwrap();
    assert!(!format!("{signer:?}").contains("0a0a0a"));
    assert_eq!(*signer.seed(), [10; 32]);
}
