use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::archive::{ArchivedEntity, ArchivedState};

/// What official clients wrote, each with its number on the node.
fn official() -> Vec<(u64, Vec<u8>)> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/device_sync.json")).unwrap();
    let messages = vectors["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            let content = STANDARD.decode(message["decrypted"].as_str().unwrap());
            (message["sequence_id"].as_u64().unwrap(), content.unwrap())
        })
        .collect()
}

fn official_message(sequence_id: u64) -> (Vec<u8>, DeviceSync) {
    let all = official().into_iter();
    let (_, content) = all.rev().find(|(id, _)| *id == sequence_id).unwrap();
    let decoded = DeviceSync::decode(&content).unwrap();
    (content, decoded)
}

#[test]
fn messages_of_official_clients_are_read_and_written_alike() {
    let mut read = 0;
    for (id, content) in official() {
        let Some(decoded) = DeviceSync::decode(&content) else {
            // Lines that commits left are no messages of anybody.
            assert!(content.windows(13).any(|part| part == b"group_updated"));
            continue;
        };
        assert_eq!(decoded.encode(), content, "{id}");
        read += 1;
    }
    assert_eq!(read, 26);
}

#[test]
fn a_request_of_1_10_names_a_server_and_one_of_1_8_does_not() {
    let DeviceSync::Request(newer) = official_message(61).1 else {
        panic!("no request");
    };
    assert_eq!(newer.pin, "Ck7xs");
    assert_eq!(newer.server_url, "http://127.0.0.1:15588");
    assert_eq!(newer.kinds, [ElementKind::Messages, ElementKind::Consent]);
    assert_eq!((newer.wish, newer.exclude_disappearing), (None, false));
    let DeviceSync::Request(older) = official_message(73).1 else {
        panic!("no request");
    };
    assert_eq!((older.pin.len(), older.server_url.as_str()), (32, ""));
    let (_, claim) = official_message(76);
    assert_eq!(
        claim,
        DeviceSync::Acknowledge {
            pin: older.pin,
            is_conclave: false
        }
    );
}

#[test]
fn a_reply_and_preferences_of_official_clients_say_what_they_did() {
    let DeviceSync::Reply(reply) = official_message(63).1 else {
        panic!("no reply");
    };
    assert_eq!(reply.pin, "Ck7xs");
    assert!(reply.url.starts_with("http://127.0.0.1:15588/files/"));
    assert!(reply.metadata.unwrap().exported_at_ns > 0);
    assert_eq!(reply.file, None);
    let DeviceSync::Preferences(updates) = official_message(64).1 else {
        panic!("no preferences");
    };
    let [Preference::Consent(consent)] = updates.as_slice() else {
        panic!("no consent");
    };
    assert_eq!(consent.entity_kind, ArchivedEntity::Conversation);
    assert_eq!(consent.state, ArchivedState::Allowed);
    let DeviceSync::Preferences(updates) = official_message(80).1 else {
        panic!("no preferences");
    };
    assert!(matches!(
        updates.as_slice(),
        [Preference::Hmac { cycled_at_ns, .. }] if *cycled_at_ns > 0
    ));
}

#[test]
fn what_we_add_comes_back_and_is_skipped_by_those_who_do_not_know_it() {
    let request = HistoryRequest {
        pin: "tea".into(),
        server_url: "https://files.example".into(),
        kinds: vec![ElementKind::Messages],
        start_ns: Some(1),
        end_ns: None,
        exclude_disappearing: true,
        wish: Some(Wish {
            attachments: true,
            group_ids: vec![vec![1; 16]],
        }),
    };
    let reply = HistoryReply {
        pin: "tea".into(),
        url: "https://files.example/files/1".into(),
        key: ArchiveKey::new([5; 32]),
        metadata: Some(Metadata::default()),
        file: Some(FileFacts {
            bytes: 3,
            sha256: [1; 32],
            conversations: 1,
            messages: 2,
        }),
    };
    let notice = DeviceSync::Notice {
        pin: "tea".into(),
        outcome: HistoryOutcome::Refused,
    };
    for sent in [
        DeviceSync::Request(request),
        DeviceSync::Reply(reply),
        notice,
    ] {
        assert_eq!(DeviceSync::decode(&sent.encode()), Some(sent));
    }
}

#[test]
fn what_cannot_be_used_is_none() {
    let encode = |content| {
        let payload = DeviceSyncContent {
            content: Some(content),
        };
        EncodedContent {
            r#type: Some(ContentTypeId {
                type_id: TYPE_ID.to_owned(),
                ..ContentTypeId::default()
            }),
            content: payload.encode_to_vec(),
            ..EncodedContent::default()
        }
        .encode_to_vec()
    };
    use device_sync_content::Content;
    let request = |pin: String, kind, options| {
        encode(Content::Request(DeviceSyncRequest {
            pin,
            deprecated_kind: kind,
            options,
            ..DeviceSyncRequest::default()
        }))
    };
    let options = Some(ArchiveOptions::default());
    assert!(DeviceSync::decode(&request("tea".into(), 0, options.clone())).is_some());
    for bad in [
        request(String::new(), 0, options.clone()),
        request("x".repeat(65), 0, options.clone()),
        request("tea".into(), 1, options),
        request("tea".into(), 0, None),
        encode(Content::Reply(DeviceSyncReply {
            request_id: "tea".into(),
            url: "https://files.example".into(),
            ..DeviceSyncReply::default()
        })),
        encode(Content::HistoryNotice(HistoryNotice {
            pin: "tea".into(),
            outcome: 9,
        })),
        Vec::new(),
        vec![255; 40],
    ] {
        assert_eq!(DeviceSync::decode(&bad), None);
    }
    // Of several updates those that make sense count.
    let short = PreferenceUpdate {
        update: Some(preference_update::Update::Hmac(HmacKeyUpdate {
            key: vec![1; 41],
            cycled_at_ns: 1,
        })),
    };
    let updates = encode(Content::PreferenceUpdates(PreferenceUpdates {
        updates: vec![short],
    }));
    assert_eq!(
        DeviceSync::decode(&updates),
        Some(DeviceSync::Preferences(Vec::new()))
    );
}

proptest::proptest! {
    /// Whatever an installation sends is read or is not, and what is read is written alike.
    #[test]
    fn any_bytes_are_read_or_are_not(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
        proptest::prop_assert!(probe_device_sync(&bytes));
        // Again as the inside of a message of one of the kinds.
        let kind = bytes.first().copied().unwrap_or_default() % 4 + 1;
        let length = u8::try_from(bytes.len()).unwrap();
        bytes.splice(0..0, [kind << 3 | 2, length]);
        proptest::prop_assert!(probe_device_sync(&bytes));
    }
}
