use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::{Body, Envelope, Origin, open_envelope};

/// What the official SDK 1.10.0 made of a file of 20 bytes.
fn official() -> (RemoteAttachment, Vec<u8>) {
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/attachment.json")).unwrap();
    let result = &vector["result"];
    let bytes = |key: &str| {
        STANDARD
            .decode(result[key]["b64"].as_str().unwrap())
            .unwrap()
    };
    let keys = AttachmentKeys {
        secret: Zeroizing::new(bytes("secret").try_into().unwrap()),
        salt: bytes("salt").try_into().unwrap(),
        nonce: bytes("nonce").try_into().unwrap(),
    };
    let file = RemoteAttachment {
        url: "https://node.example/files/1".into(),
        digest: result["contentDigest"].as_str().unwrap().into(),
        keys,
        length: Some(177),
        name: Some("secret.txt".into()),
    };
    (file, bytes("payload"))
}

fn file() -> Attachment {
    Attachment {
        name: Some("secret.txt".into()),
        media_type: "text/plain".into(),
        bytes: b"attachment plaintext".to_vec(),
    }
}

fn keys() -> AttachmentKeys {
    AttachmentKeys::new(std::array::from_fn(|place| u8::try_from(place).unwrap()))
}

fn remote(sealed: &[u8]) -> RemoteAttachment {
    RemoteAttachment {
        url: "https://node.example/files/1".into(),
        digest: attachment_digest(sealed),
        keys: keys(),
        length: u32::try_from(sealed.len()).ok(),
        name: Some("secret.txt".into()),
    }
}

#[test]
fn a_file_that_the_official_client_encrypted_opens() {
    let (remote, sealed) = official();
    assert_eq!(remote.open(sealed).unwrap(), file());
}

#[test]
fn a_file_is_encrypted_as_the_official_client_does_it() {
    let (remote, sealed) = official();
    let ours = file().seal(&remote.keys).unwrap();
    // The order of parameters is the encoder's own, so only the size is the same.
    assert_eq!(ours.len(), sealed.len());
    let remote = RemoteAttachment {
        digest: attachment_digest(&ours),
        ..remote
    };
    assert_eq!(remote.open(ours).unwrap(), file());
}

/// The official client's messages of each kind.
fn sample(content_type: &str) -> Vec<u8> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/content_types.json")).unwrap();
    let samples = vectors["samples"].as_array().unwrap();
    let sample = samples
        .iter()
        .find(|sample| sample["content_type"] == content_type)
        .unwrap();
    let plaintext = STANDARD
        .decode(sample["plaintext_envelope"].as_str().unwrap())
        .unwrap();
    match open_envelope(&plaintext).unwrap() {
        Envelope::Content { content, .. } => content,
        Envelope::Ignored => panic!("no content"),
    }
}

#[test]
fn official_messages_are_read() {
    let (_, inline) = Body::decode(&sample("attachment"), Origin::Member);
    let expected = Attachment {
        name: Some("a.txt".into()),
        media_type: "text/plain".into(),
        bytes: b"file body".to_vec(),
    };
    assert_eq!(inline, Body::Attachment(expected));

    let expected = RemoteAttachment {
        url: "https://example.invalid/x".into(),
        digest: "a".repeat(64),
        keys: AttachmentKeys {
            secret: Zeroizing::new([1; 32]),
            salt: [2; 32],
            nonce: [3; 12],
        },
        length: Some(10),
        name: Some("x.bin".into()),
    };
    let (_, one) = Body::decode(&sample("remoteStaticAttachment"), Origin::Member);
    assert_eq!(one, Body::RemoteAttachment(Box::new(expected.clone())));
    let (_, many) = Body::decode(&sample("multiRemoteStaticAttachment"), Origin::Member);
    assert_eq!(many, Body::RemoteAttachments(vec![expected]));
}

#[test]
fn what_we_write_is_what_the_official_client_writes() {
    for name in [
        "attachment",
        "remoteStaticAttachment",
        "multiRemoteStaticAttachment",
    ] {
        let official = EncodedContent::decode(sample(name).as_slice()).unwrap();
        let (_, body) = Body::decode(&sample(name), Origin::Member);
        let ours = EncodedContent::decode(body.encode().unwrap().as_slice()).unwrap();
        assert_eq!(ours.r#type, official.r#type);
        assert_eq!(ours.fallback, official.fallback);
        assert_eq!(ours.compression, None);
        for (key, value) in &ours.parameters {
            // The test that made the sample left the rest of the scheme out.
            let official = official.parameters.get(key).map(String::as_str);
            let value = if key == SCHEME { "https" } else { value };
            assert_eq!(official, Some(value), "{name} {key}");
        }
        assert_eq!(ours.parameters.len(), official.parameters.len());
        let (_, again) = Body::decode(&ours.encode_to_vec(), Origin::Member);
        assert_eq!(again, body);
    }
}

#[test]
fn what_is_not_what_its_message_says_is_refused_before_it_is_decrypted() {
    let sealed = file().seal(&keys()).unwrap();
    let honest = remote(&sealed);
    assert_eq!(honest.open(sealed.clone()).unwrap(), file());
    let mut longer = sealed.clone();
    longer.push(0);
    assert_eq!(honest.open(longer.clone()), Err(OpenError::Length));
    let unsized_one = RemoteAttachment {
        length: None,
        ..honest.clone()
    };
    assert_eq!(unsized_one.open(longer), Err(OpenError::Digest));
    let mut changed = sealed.clone();
    changed[3] ^= 1;
    assert_eq!(honest.open(changed.clone()), Err(OpenError::Digest));
    // The sender lies about the digest too: the cipher still notices.
    assert_eq!(remote(&changed).open(changed), Err(OpenError::Keys));
    let upper = RemoteAttachment {
        digest: honest.digest.to_uppercase(),
        ..honest.clone()
    };
    assert_eq!(upper.open(sealed.clone()), Err(OpenError::Digest));
    let wrong = RemoteAttachment {
        keys: AttachmentKeys::new([9; 76]),
        ..honest
    };
    assert_eq!(wrong.open(sealed), Err(OpenError::Keys));
    assert_eq!(remote(&[1, 2]).open(vec![1, 2]), Err(OpenError::Keys));
}

#[test]
fn something_else_inside_is_no_file() {
    let seal = |content: EncodedContent| {
        let mut bytes = content.encode_to_vec();
        let tag = keys()
            .cipher()
            .encrypt_in_place_detached(Nonce::from_slice(&keys().nonce), &[], &mut bytes)
            .unwrap();
        bytes.extend_from_slice(&tag);
        bytes
    };
    let text = seal(encoded(KnownType::Text, b"hi".to_vec()));
    assert_eq!(remote(&text).open(text), Err(OpenError::Type));
    let nothing = seal(EncodedContent::default());
    assert_eq!(remote(&nothing).open(nothing), Err(OpenError::Type));
    let compressed = seal(EncodedContent {
        compression: Some(1),
        ..file().content()
    });
    assert_eq!(remote(&compressed).open(compressed), Err(OpenError::Type));
}

#[test]
fn a_message_with_damaged_keys_shows_its_fallback() {
    let sealed = file().seal(&keys()).unwrap();
    let good = remote(&sealed).encode();
    for (key, value) in [
        (SALT, Some("00")),
        (NONCE, Some("zz")),
        (SECRET, None),
        (DIGEST, Some("A")),
        (LENGTH, Some("-1")),
        (LENGTH, Some("4294967296")),
    ] {
        let mut bad = good.clone();
        match value {
            Some(value) => bad.parameters.insert(key.into(), value.into()),
            None => bad.parameters.remove(key),
        };
        let (_, body) = Body::decode(&bad.encode_to_vec(), Origin::Member);
        assert!(
            matches!(&body, Body::Unsupported { fallback: Some(text) } if text.contains("secret.txt")),
            "{key}: {body:?}"
        );
    }
}

#[test]
fn files_have_bounds() {
    let inline = Attachment {
        bytes: vec![0; MAX_INLINE_BYTES + 1],
        ..file()
    };
    let error = Body::Attachment(inline).encode().unwrap_err();
    assert_eq!(error.code(), "attachment_too_large");
    let one = remote(b"");
    let many = vec![one; MAX_ATTACHMENTS + 1];
    assert!(encode_many(&many).is_err() && encode_many(&[]).is_err());
}

#[test]
fn keys_are_not_in_debug_output() {
    let text = format!("{:?}", remote(b"x"));
    assert!(
        !text.contains("secret") && !text.contains("node.example"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn random_and_cut_bytes_never_panic(
        kind in 0..3_usize,
        cut in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let names = ["attachment", "remoteStaticAttachment", "multiRemoteStaticAttachment"];
        let mut bytes = sample(names[kind]);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = Body::decode(&bytes, Origin::Member).1.preview();
        let _ = decode_many(&noise);
        let _ = remote(&noise).open(noise);
    }
}
