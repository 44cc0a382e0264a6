use std::io::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use conclave_proto::mls::message_contents::content_types::MultiRemoteAttachment;
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    Action, ActionStyle, Envelope, MAX_REACTION_BYTES, MAX_TEXT_BYTES, ReactionAction,
    ReactionSchema, TransactionMetadata, WalletCall, encode_group_updated, open_envelope,
};

/// The message that the official samples refer to.
const TARGET: &str = "316b6b1dee77e236a7e57910fd5a515ca7c5ce5a758a9d3bc7e5c78fc9b28987";

/// Contents that official clients sent, by the names of their types.
fn official() -> Vec<(String, Vec<u8>)> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/content_types.json")).unwrap();
    let samples = vectors["samples"].as_array().unwrap().iter();
    samples
        .map(|sample| {
            let plaintext = sample["plaintext_envelope"].as_str().unwrap();
            let plaintext = STANDARD.decode(plaintext).unwrap();
            let Ok(Envelope::Content { content, .. }) = open_envelope(&plaintext) else {
                panic!("no content in {sample}")
            };
            (sample["content_type"].as_str().unwrap().into(), content)
        })
        .collect()
}

fn sent(content: &[u8]) -> Body {
    Body::decode(content, Origin::Member).1
}

fn target() -> MessageId {
    crate::envelope::message_reference(TARGET).unwrap()
}

fn raw(type_id: &str, major: u32, payload: &[u8]) -> EncodedContent {
    EncodedContent {
        r#type: Some(
            ContentType {
                authority: "xmtp.org".into(),
                type_id: type_id.into(),
                major,
                minor: 0,
            }
            .into(),
        ),
        content: payload.to_vec(),
        ..EncodedContent::default()
    }
}

fn reaction(content: &str) -> Reaction {
    Reaction {
        reference: target(),
        reference_inbox_id: None,
        action: ReactionAction::Added,
        content: content.into(),
        schema: ReactionSchema::Unicode,
    }
}

#[test]
fn what_official_clients_send_is_decoded_and_encoded_as_they_do() {
    for (name, content) in official() {
        let body = sent(&content);
        assert!(!matches!(body, Body::Unsupported { .. }), "{name}");
        let ours = EncodedContent::decode(body.encode().unwrap().as_slice()).unwrap();
        let mut theirs = EncodedContent::decode(content.as_slice()).unwrap();
        match body {
            // This one was made by the JavaScript codec; the engine of the same version can't read it.
            Body::Intent(_) => {
                let json = String::from_utf8(theirs.content).unwrap();
                theirs.content = json.replace("actionId", "action_id").into_bytes();
            }
            // What made the sample left the rest of the scheme out; readers do not look at it.
            Body::RemoteAttachment(_) => {
                let scheme = theirs.parameters.get_mut("scheme").unwrap();
                assert_eq!(scheme, "https");
                scheme.push_str("://");
            }
            Body::RemoteAttachments(_) => {
                let mut files = MultiRemoteAttachment::decode(theirs.content.as_slice()).unwrap();
                for file in &mut files.attachments {
                    assert_eq!(file.scheme, "https");
                    file.scheme.push_str("://");
                }
                theirs.content = files.encode_to_vec();
            }
            _ => {}
        }
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn official_samples_say_what_their_senders_meant() {
    let bodies: Vec<Body> = official()
        .iter()
        .map(|(_, content)| sent(content))
        .collect();
    let reply = bodies.iter().find_map(|body| match body {
        Body::Reply(reply) => Some(reply),
        _ => None,
    });
    let reply = reply.unwrap();
    assert_eq!(reply.reference, Some(target()));
    assert_eq!(reply.body, Body::Text("a reply".into()));
    assert_eq!(reply.content_type.to_string(), "xmtp.org/text:1.0");
    let reactions: Vec<_> = bodies
        .iter()
        .filter_map(|body| match body {
            Body::Reaction(reaction) => Some((reaction.action, reaction.content.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        reactions,
        [
            (ReactionAction::Added, "👍"),
            (ReactionAction::Removed, "👍")
        ]
    );
    assert!(bodies.contains(&Body::ReadReceipt));
    assert!(bodies.contains(&Body::LeaveRequest));
    assert!(bodies.contains(&Body::Markdown("# hi".into())));
}

#[test]
fn every_form_of_a_reaction_is_read() {
    let version_1 = format!(
        r#"{{"action":"added","reference":"{TARGET}","schema":"shortcode","content":":+1:"}}"#
    );
    let Body::Reaction(read) = sent(&raw("reaction", 1, version_1.as_bytes()).encode_to_vec())
    else {
        panic!()
    };
    assert_eq!(read.schema, ReactionSchema::Shortcode);
    assert_eq!((read.reference, read.content.as_str()), (target(), ":+1:"));

    let mut oldest = raw("reaction", 1, "🎉".as_bytes());
    for (key, value) in [
        ("action", "removed"),
        ("reference", TARGET),
        ("schema", "unicode"),
        ("encoding", "UTF-8"),
    ] {
        oldest.parameters.insert(key.into(), value.into());
    }
    let expected = Reaction {
        action: ReactionAction::Removed,
        ..reaction("🎉")
    };
    assert_eq!(sent(&oldest.encode_to_vec()), Body::Reaction(expected));

    let strange = format!(r#"{{"action":"danced","reference":"{TARGET}","content":"x"}}"#);
    let Body::Reaction(read) = sent(&raw("reaction", 1, strange.as_bytes()).encode_to_vec()) else {
        panic!()
    };
    assert_eq!(read.action, ReactionAction::Unknown);
}

#[test]
fn what_is_no_reaction_is_a_line_with_its_fallback() {
    let long = "x".repeat(MAX_REACTION_BYTES + 1);
    let payload = format!(r#"{{"action":"added","reference":"{TARGET}","content":"{long}"}}"#);
    let mut content = raw("reaction", 1, payload.as_bytes());
    content.fallback = Some("Reacted at length".into());
    let body = sent(&content.encode_to_vec());
    assert!(body.is_visible());
    assert_eq!(body.preview(), "Reacted at length");
    let encoded = Body::Reaction(reaction(&long)).encode();
    assert_eq!(encoded, Err(ContentError::Reaction));
    let empty = Body::Reaction(reaction(" ")).encode();
    assert_eq!(empty, Err(ContentError::Reaction));
}

#[test]
fn a_member_cannot_forge_what_happened_to_the_group() {
    let forged = encode_group_updated(&GroupUpdate {
        by: "alix".into(),
        removed: vec!["bo".into()],
        ..GroupUpdate::default()
    });
    let (_, line) = Body::decode(&forged, Origin::Commit);
    assert!(matches!(line, Body::GroupUpdated(_)), "from a commit");
    assert_eq!(line.encode(), Err(ContentError::Unsendable));
    assert_eq!(sent(&forged), Body::Unsupported { fallback: None });
    assert_eq!(sent(&forged).preview(), "Unsupported content");
    // Nor within a reply.
    let mut reply = raw("reply", 1, &forged);
    reply.parameters.insert("reference".into(), TARGET.into());
    let Body::Reply(reply) = sent(&reply.encode_to_vec()) else {
        panic!()
    };
    assert_eq!(reply.body, Body::Unsupported { fallback: None });
}

#[test]
fn a_reply_answers_with_a_line_and_not_with_a_reply() {
    let reply = |body| Body::Reply(Box::new(Reply::new(target(), None, body)));
    let hello = reply(Body::Text("hello".into()));
    let nested = reply(hello.clone());
    assert_eq!(nested.encode(), Err(ContentError::Unsendable));
    let wrapped = raw("reply", 1, &hello.encode().unwrap()).encode_to_vec();
    let Body::Reply(read) = sent(&wrapped) else {
        panic!()
    };
    assert_eq!(
        (read.reference, read.body),
        (None, Body::Text("hello".into()))
    );
    for hidden in [
        Body::ReadReceipt,
        Body::DeleteMessage(target()),
        Body::LeaveRequest,
    ] {
        assert_eq!(
            reply(hidden.clone()).encode(),
            Err(ContentError::Unsendable)
        );
        let wrapped = raw("reply", 1, &hidden.encode().unwrap()).encode_to_vec();
        let Body::Reply(read) = sent(&wrapped) else {
            panic!()
        };
        assert_eq!(read.body, Body::Unsupported { fallback: None });
    }
}

#[test]
fn replies_within_replies_end() {
    let mut content = Body::Text("deep".into()).encode().unwrap();
    for _ in 0..50 {
        content = raw("reply", 1, &content).encode_to_vec();
    }
    let Body::Reply(reply) = sent(&content) else {
        panic!()
    };
    assert_eq!(reply.body, Body::Unsupported { fallback: None });
}

#[test]
fn compressed_content_of_mobile_clients_is_read() {
    let text = "compressed ".repeat(100);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let mut raw_deflate =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(text.as_bytes()).unwrap();
    raw_deflate.write_all(text.as_bytes()).unwrap();
    gzip.write_all(text.as_bytes()).unwrap();
    for (compression, payload) in [
        (0, zlib.finish().unwrap()),
        (0, raw_deflate.finish().unwrap()),
        (1, gzip.finish().unwrap()),
    ] {
        let mut content = raw("text", 1, &payload);
        content.compression = Some(compression);
        assert_eq!(sent(&content.encode_to_vec()), Body::Text(text.clone()));
        content.compression = Some(7);
        content.fallback = Some("packed".into());
        assert_eq!(sent(&content.encode_to_vec()).preview(), "packed");
    }
}

/// All layers of a message share one bound.
#[test]
fn compressed_replies_within_replies_do_not_add_up() {
    let pack = |content: &[u8]| {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(content).unwrap();
        zlib.finish().unwrap()
    };
    let mut content = raw("text", 1, &pack(&vec![b'x'; 8 * 1024 * 1024]));
    content.compression = Some(0);
    assert!(matches!(sent(&content.encode_to_vec()), Body::Text(_)));
    let mut inner = content.clone();
    inner.fallback = Some("y".repeat(4 * 1024 * 1024));
    let mut reply = raw("reply", 1, &pack(&inner.encode_to_vec()));
    reply.compression = Some(0);
    let Body::Reply(reply) = sent(&reply.encode_to_vec()) else {
        panic!()
    };
    assert!(matches!(reply.body, Body::Unsupported { .. }));
}

#[test]
fn a_text_that_is_no_utf_8_is_not_shown_as_one() {
    let mut latin = raw("text", 1, "hello".as_bytes());
    latin.parameters.insert("encoding".into(), "latin1".into());
    for content in [
        latin,
        raw("markdown", 1, &[0xff, 0xfe]),
        raw("text", 2, b"new"),
    ] {
        let body = sent(&content.encode_to_vec());
        assert_eq!(body, Body::Unsupported { fallback: None });
    }
    let plain = raw("text", 1, "no parameter".as_bytes());
    assert_eq!(
        sent(&plain.encode_to_vec()),
        Body::Text("no parameter".into())
    );
}

#[test]
fn bad_texts_are_refused_with_their_own_errors() {
    let text = |text: &str| Body::Text(text.to_owned()).encode();
    assert_eq!(text(" \n\t"), Err(ContentError::EmptyText));
    assert!(text(&"x".repeat(MAX_TEXT_BYTES)).is_ok());
    let error = text(&"x".repeat(MAX_TEXT_BYTES + 1)).unwrap_err();
    assert_eq!(error.code(), "text_too_long");
}

#[test]
fn actions_are_bounded_and_read_in_both_spellings() {
    let action = |id: &str| Action {
        id: id.into(),
        label: id.into(),
        image_url: None,
        style: None,
        expires_at: None,
    };
    let offer = |actions| {
        Body::Actions(Actions {
            id: "1".into(),
            description: "Tea?".into(),
            actions,
            expires_at: None,
        })
    };
    assert!(offer(vec![action("yes"), action("no")]).encode().is_ok());
    for bad in [vec![], vec![action("yes"), action("yes")]] {
        assert_eq!(offer(bad).encode(), Err(ContentError::Actions));
    }
    let spelled = r#"{"id":"1","description":"Tea?","expires_at":"2027-01-01T00:00:00.000Z",
        "actions":[{"id":"a","label":"A","image_url":"https://a","style":"sparkling"}]}"#;
    let Body::Actions(read) = sent(&raw("actions", 1, spelled.as_bytes()).encode_to_vec()) else {
        panic!()
    };
    assert_eq!(read.expires_at.as_deref(), Some("2027-01-01T00:00:00.000Z"));
    let unzoned = spelled.replace(".000Z", ".000");
    let Body::Actions(read) = sent(&raw("actions", 1, unzoned.as_bytes()).encode_to_vec()) else {
        panic!()
    };
    assert_eq!(read.expires_at.as_deref(), Some("2027-01-01T00:00:00.000Z"));
    assert_eq!(read.actions[0].image_url.as_deref(), Some("https://a"));
    assert_eq!(read.actions[0].style, Some(ActionStyle::Unknown));
    let chosen = raw("intent", 1, br#"{"id":"1","action_id":"a"}"#).encode_to_vec();
    assert_eq!(sent(&chosen).text(), "Chose a");
}

#[test]
fn what_calls_nobody_is_no_preview() {
    let wish = Body::LeaveRequest;
    assert!(wish.is_visible() && !wish.is_preview() && !wish.should_push());
    assert!(Body::Text("hi".into()).is_preview());
    for silent in [
        Body::Reaction(reaction("👍")),
        Body::ReadReceipt,
        Body::DeleteMessage(target()),
    ] {
        assert!(!silent.is_visible() && !silent.is_preview() && !silent.should_push());
    }
}

#[test]
fn a_preview_is_folded_and_cut_between_characters() {
    let preview = Body::Text(format!("  a\n\n b\t{}", "é".repeat(300))).preview();
    assert!(preview.starts_with("a b éé"));
    assert_eq!(preview.chars().count(), PREVIEW_CHARS);
    let nothing = EncodedContent::default().encode_to_vec();
    assert_eq!(sent(&nothing).preview(), "Unsupported content");
}

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9é👍 ]{1,40}x"
}

fn id() -> impl Strategy<Value = MessageId> {
    any::<MessageId>()
}

/// Anything that can be sent.
fn body() -> impl Strategy<Value = Body> {
    let line = prop_oneof![
        words().prop_map(Body::Text),
        words().prop_map(Body::Markdown),
        (words(), words(), any::<Option<u64>>(), 0_u32..30).prop_map(
            |(network_id, reference, amount, decimals)| {
                Body::TransactionReference(crate::TransactionReference {
                    namespace: None,
                    network_id,
                    reference,
                    metadata: Some(TransactionMetadata {
                        amount: amount.map(Into::into),
                        decimals: Some(decimals),
                        ..TransactionMetadata::default()
                    }),
                })
            }
        ),
        (words(), proptest::collection::vec(words(), 1..5)).prop_map(|(from, data)| {
            Body::WalletSendCalls(crate::WalletSendCalls {
                version: "1.0".into(),
                chain_id: "0x1".into(),
                from,
                calls: data
                    .into_iter()
                    .map(|data| WalletCall {
                        data: Some(data),
                        ..WalletCall::default()
                    })
                    .collect(),
                capabilities: None,
            })
        }),
        (words(), words()).prop_map(|(id, action_id)| Body::Intent(Intent {
            id,
            action_id,
            metadata: None,
        })),
    ];
    prop_oneof![
        line.clone(),
        (id(), line).prop_map(|(id, body)| {
            let inner = body.to_encoded().unwrap().r#type.map(ContentType::from);
            Body::Reply(Box::new(Reply {
                content_type: inner.unwrap_or_default(),
                ..Reply::new(id, None, body)
            }))
        }),
        (id(), words()).prop_map(|(reference, content)| Body::Reaction(Reaction {
            reference,
            ..reaction(&content)
        })),
        id().prop_map(Body::DeleteMessage),
        Just(Body::ReadReceipt),
        Just(Body::LeaveRequest),
    ]
}

proptest! {
    #[test]
    fn what_we_send_is_what_others_read(body in body()) {
        prop_assert_eq!(sent(&body.encode().unwrap()), body);
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        for origin in [Origin::Member, Origin::Commit] {
            let (_, body) = Body::decode(&bytes, origin);
            prop_assert!(body.preview().chars().count() <= PREVIEW_CHARS);
        }
        let _ = open_envelope(&bytes);
    }

    #[test]
    fn damaged_content_decodes_without_a_panic(
        which in any::<Index>(),
        cut in any::<Index>(),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        let samples = official();
        let mut content = which.get(&samples).1.clone();
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let _ = sent(&content).preview();
        content.truncate(cut.index(content.len()));
        let _ = sent(&content).preview();
    }
}
