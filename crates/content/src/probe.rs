//! The entry points that fuzzing and the tests on stable share.

use std::collections::BTreeMap;

use conclave_proto::mls::message_contents::EncodedContent;
use prost::Message;

use crate::{
    attachment::{Attachment, AttachmentKeys, RemoteAttachment, attachment_digest},
    body::{Body, Origin},
    content_type::KnownType,
    envelope::{Envelope, open_envelope},
    file_name,
};

/// The types a member may name.
const TYPES: [KnownType; 15] = [
    KnownType::Text,
    KnownType::Markdown,
    KnownType::Reply,
    KnownType::Reaction,
    KnownType::ReadReceipt,
    KnownType::Attachment,
    KnownType::RemoteAttachment,
    KnownType::MultiRemoteAttachment,
    KnownType::GroupUpdated,
    KnownType::TransactionReference,
    KnownType::WalletSendCalls,
    KnownType::Actions,
    KnownType::Intent,
    KnownType::DeleteMessage,
    KnownType::LeaveRequest,
];

/// Reads any bytes as content, and as the payload of a content whose type, version and compression
/// the first of them choose. Whether what can be read says the same when it is sent again.
#[must_use]
pub fn probe(data: &[u8]) -> bool {
    let _ = Body::decode(data, Origin::Commit).1.preview();
    let [choice, version, compression, payload @ ..] = data else {
        return true;
    };
    let known = TYPES.get(usize::from(*choice) % TYPES.len());
    let mut content_type = known.and_then(|known| known.name()).unwrap_or_default();
    content_type.major = u32::from(version % 4);
    let mut parameters = BTreeMap::new();
    if version & 0x80 != 0 {
        let id = "ab".repeat(32);
        parameters.insert("reference".to_owned(), id);
        parameters.insert("action".to_owned(), "added".to_owned());
    }
    let content = EncodedContent {
        r#type: Some(content_type.into()),
        parameters,
        fallback: None,
        content: payload.to_vec(),
        compression: (*compression < 3).then_some(i32::from(*compression)),
    };
    let (_, body) = Body::decode(&content.encode_to_vec(), Origin::Member);
    let preview = body.preview();
    match body.encode() {
        Ok(again) => Body::decode(&again, Origin::Member).1.preview() == preview,
        // What is not sent in this form has nothing to be compared with.
        Err(_) => true,
    }
}

/// Reads any bytes as what a file's server sends and as what a member says of a file. Whether names
/// are safe, and whether what is sealed opens as it was.
#[must_use]
pub fn probe_attachment(data: &[u8]) -> bool {
    let keys = AttachmentKeys::new([7; 76]);
    let announced = RemoteAttachment {
        url: String::new(),
        digest: attachment_digest(data),
        keys: keys.clone(),
        length: None,
        name: None,
    };
    let _ = announced.open(data.to_vec());
    let name = String::from_utf8_lossy(data).into_owned();
    let is_safe = !file_name::safe(&name).contains(['/', '\\', '\0']);
    let file = Attachment {
        name: Some(name),
        media_type: String::new(),
        bytes: data.to_vec(),
    };
    let opens = file.seal(&keys).is_ok_and(|sealed| {
        let announced = RemoteAttachment {
            digest: attachment_digest(&sealed),
            ..announced
        };
        announced
            .open(sealed)
            .is_ok_and(|opened| opened.bytes == data)
    });
    is_safe && opens
}

/// Reads any bytes as what a member puts into a group's message.
pub fn probe_envelope(data: &[u8]) {
    if let Ok(Envelope::Content { content, .. }) = open_envelope(data) {
        let _ = Body::decode(&content, Origin::Member).1.preview();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::{archive::probe_archive, device_sync::probe_device_sync};

    /// What fuzzing found worth keeping.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files = std::fs::read_dir(root.join(target)).unwrap();
        let all: Vec<_> = files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        assert!(all.len() >= 20, "{target}: {}", all.len());
        all
    }

    /// One of the corpus, with bytes changed, left out, put in, and cut off at the end.
    fn damaged(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        let change = (any::<Index>(), 0..4_u8, any::<u8>());
        let changes = proptest::collection::vec(change, 0..6);
        (any::<Index>(), changes).prop_map(move |(which, changes)| {
            let mut data = which.get(&corpus).clone();
            for (at, how, byte) in changes {
                if data.is_empty() {
                    break;
                }
                let at = at.index(data.len());
                match how {
                    0 => data[at] = byte,
                    1 => drop(data.remove(at)),
                    2 => data.insert(at, byte),
                    _ => data.truncate(at),
                }
            }
            data
        })
    }

    #[test]
    fn all_that_fuzzing_kept_is_read() {
        for data in corpus("client_content") {
            assert!(probe(&data), "{}", hex::encode(data));
        }
        for data in corpus("client_attachment") {
            assert!(probe_attachment(&data), "{}", hex::encode(data));
        }
        for data in corpus("client_message") {
            probe_envelope(&data);
        }
        for data in corpus("client_archive") {
            assert!(probe_archive(&data), "{}", hex::encode(data));
        }
        for data in corpus("client_device_sync") {
            assert!(probe_device_sync(&data), "{}", hex::encode(data));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn damaged_content_is_read(data in damaged(corpus("client_content"))) {
            prop_assert!(probe(&data));
        }

        #[test]
        fn damaged_files_are_read(data in damaged(corpus("client_attachment"))) {
            prop_assert!(probe_attachment(&data));
        }

        #[test]
        fn damaged_messages_are_read(data in damaged(corpus("client_message"))) {
            probe_envelope(&data);
        }

        #[test]
        fn damaged_archives_are_read(data in damaged(corpus("client_archive"))) {
            prop_assert!(probe_archive(&data));
        }

        #[test]
        fn damaged_words_between_devices_are_read(data in damaged(corpus("client_device_sync"))) {
            prop_assert!(probe_device_sync(&data));
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_read_without_a_panic(
            data in proptest::collection::vec(any::<u8>(), 0..512),
        ) {
            prop_assert!(probe(&data));
        }

        #[test]
        fn any_json_is_read_without_a_panic(
            choice in 9_u8..13,
            payload in r#"\{("(id|actionId|networkId|reference|version|chainId|from|description)":("[a-z]{0,5}"|[0-9]{1,20}|null),){0,8}"(calls|actions|metadata|decimals)":(\[\{\}\]|\{"amount":[0-9]{1,25}\}|[0-9]{1,3})\}"#,
        ) {
            let mut data = vec![choice, 1, 3];
            data.extend(payload.into_bytes());
            prop_assert!(probe(&data));
        }
    }
}
