use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use conclave_proto::device_sync::{BackupElement, backup_element};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value;

use super::{frame::Frames, *};
use crate::{Body, ContentType, KnownType, Origin};

fn key(byte: u8) -> ArchiveKey {
    ArchiveKey::new([byte; 32])
}

fn metadata() -> Metadata {
    Metadata {
        kinds: vec![ElementKind::Messages, ElementKind::Consent],
        exported_at_ns: 1_700_000_000_000_000_000,
        ..Metadata::default()
    }
}

fn group() -> Element {
    Element::Group(ArchivedGroup {
        id: vec![7; 16],
        kind: ArchivedGroupKind::Group,
        created_at_ns: 5,
        creator_inbox_id: "a".repeat(64),
        added_by_inbox_id: "b".repeat(64),
        last_message_ns: Some(9),
        disappearing: Some((3, 4)),
        attributes: BTreeMap::from([("group_name".into(), "Tea".into())]),
        admins: vec![],
        super_admins: vec!["a".repeat(64)],
    })
}

fn message(number: u8, bytes: usize) -> Element {
    Element::Message(ArchivedMessage {
        id: [number; 32],
        group_id: vec![7; 16],
        content: (0..=250).cycle().take(bytes).collect(),
        sent_at_ns: 10 + i64::from(number),
        sender_installation_id: vec![1; 32],
        sender_inbox_id: "a".repeat(64),
        is_published: true,
        content_type: KnownType::Text.name().unwrap(),
        reference_id: None,
        sequence_id: Some(3),
    })
}

fn consent(state: ArchivedState) -> Element {
    Element::Consent(ArchivedConsent {
        entity_kind: ArchivedEntity::Conversation,
        entity: "101112131415161718191a1b1c1d1e1f".into(),
        state,
        consented_at_ns: 1_700_000_000_000_000_000,
    })
}

fn written(elements: &[Element]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(&key(7), [9; 12], &metadata(), false).unwrap();
    let mut bytes = Vec::new();
    for element in elements {
        writer.write(element).unwrap();
        bytes.extend(writer.take());
    }
    bytes.extend(writer.finish("me").unwrap());
    bytes
}

/// Everything in an archive that comes in pieces of this size.
fn read(
    bytes: &[u8],
    key: &ArchiveKey,
    piece: usize,
    may_be_legacy: bool,
) -> (Vec<Element>, Result<Totals, ArchiveError>) {
    let mut reader = ArchiveReader::new(key, may_be_legacy);
    let mut elements = Vec::new();
    for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(element)) => elements.push(element),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.read(&mut piece), Err(error));
                    assert_eq!(reader.finish(), Err(error));
                    return (elements, Err(error));
                }
            }
        }
        assert!(piece.is_empty());
    }
    (elements, reader.finish())
}

fn read_all(bytes: &[u8]) -> (Vec<Element>, Result<Totals, ArchiveError>) {
    read(bytes, &key(7), 4096, false)
}

/// A container around any plaintexts, with nonces of one's choice.
fn container(version: u16, plains: &[&[u8]], is_constant: bool) -> Vec<u8> {
    let mut frames = Frames::new(&key(7), [255; 12]);
    if is_constant {
        frames.hold_nonce();
    }
    let mut stream = Vec::new();
    for plain in plains {
        frames.seal(plain, &mut stream).unwrap();
    }
    wrapped(version, &stream)
}

fn wrapped(version: u16, stream: &[u8]) -> Vec<u8> {
    let mut bytes = version.to_le_bytes().to_vec();
    bytes.extend([255; 12]);
    bytes.extend(zstd::stream::encode_all(stream, 3).unwrap());
    bytes
}

fn plain(element: &Element) -> Vec<u8> {
    element.encode().encode_to_vec()
}

fn vector(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn hex_key(value: &Value) -> ArchiveKey {
    let bytes = hex::decode(value.as_str().unwrap()).unwrap();
    ArchiveKey::new(bytes.try_into().unwrap())
}

#[test]
fn an_archive_of_the_official_client_has_what_its_database_had() {
    let vector = vector(include_str!("../../tests/vectors/archive.json"));
    let bytes = base64(&vector["archive"]);
    let key = hex_key(&vector["key"]);
    for piece in [1, 7, 1000, bytes.len()] {
        let (elements, totals) = read(&bytes, &key, piece, false);
        assert_eq!(
            totals,
            Ok(Totals {
                elements: 40,
                ..Totals::default()
            })
        );
        let Element::Metadata(metadata) = &elements[0] else {
            panic!("no metadata");
        };
        assert_eq!(
            metadata.exported_at_ns.to_string(),
            vector["metadata"]["exportedAtNs"].as_str().unwrap()
        );
        assert_eq!(
            metadata.kinds,
            [ElementKind::Messages, ElementKind::Consent]
        );
        let mut groups: Vec<String> = Vec::new();
        let mut consents = Vec::new();
        let mut messages = 0;
        for element in &elements {
            match element {
                Element::Metadata(_) => {}
                Element::Group(group) => groups.push(hex::encode(&group.id)),
                Element::Message(message) => {
                    messages += 1;
                    let (content_type, body) = Body::decode(&message.content, Origin::Member);
                    assert_eq!(content_type, message.content_type);
                    assert!(groups.contains(&hex::encode(&message.group_id)));
                    let reference = body.reference();
                    assert_eq!(reference.is_some(), message.reference_id.is_some());
                }
                Element::Consent(consent) => consents.push(consent.clone()),
                Element::Piece(_) => panic!("other apps put no files in"),
            }
        }
        assert_eq!(messages, 26);
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        let expected = &vector["expected"];
        let ids = expected["groups"].as_array().unwrap();
        let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned());
        assert_eq!(sorted(groups), sorted(ids.collect()));
        let records = expected["consent_records"].as_array().unwrap();
        assert_eq!(consents.len(), records.len());
        for record in records {
            let entity = String::from_utf8(base64(&record["entity"])).unwrap();
            let found = consents.iter().find(|c| c.entity == entity).unwrap();
            let at_ns = record["consented_at_ns"].to_string();
            assert_eq!(at_ns.trim_matches('"'), found.consented_at_ns.to_string());
            // The database's numbers, where 1 is allowed (device-sync.md 3.4).
            assert_eq!(record["state"], 1);
            assert_eq!(found.state, ArchivedState::Allowed);
            let kind = match found.entity_kind {
                ArchivedEntity::Conversation => 1,
                ArchivedEntity::Inbox => 2,
            };
            assert_eq!(record["entity_type"], kind);
        }
    }
}

#[test]
fn archives_that_official_clients_uploaded_are_read_and_written_alike() {
    let vector = vector(include_str!("../../tests/vectors/archives.json"));
    for upload in vector["archives"].as_array().unwrap() {
        let bytes = base64(&upload["archive"]);
        let (elements, totals) = read(&bytes, &hex_key(&upload["key"]), 1, false);
        let totals = totals.unwrap();
        assert_eq!((totals.skipped, totals.is_sealed), (0, false));
        assert_eq!(totals.elements, elements.len() as u64);
        assert!(elements.len() > 4);
        // What we write of it, we read as the same.
        let again = written(&elements[1..]);
        let (read, totals) = read_all(&again);
        assert_eq!(read[1..], elements[1..]);
        assert!(totals.unwrap().is_sealed);
    }
}

#[test]
fn frames_are_those_of_the_specification() {
    let mut frames = Frames::new(&key(7), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let mut bytes = Vec::new();
    frames
        .seal(&plain(&Element::Metadata(metadata())), &mut bytes)
        .unwrap();
    let state = ArchivedState::Allowed;
    frames.seal(&plain(&consent(state)), &mut bytes).unwrap();
    let expected = "20000000128ffb721c0bc1c9f71a547f7dbfa7ed00ad6af3ac7ddcc1ddbb62b5f9c5f9e5\
        42000000901ee43300d869108dac0cb76598a4524e141cd7ea6d3f086d99c12256338fdc44235e4c82ba2707\
        002f67c4728c68e4ad9c9491158fb6a0b66ce6cc922b9890e91d";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

#[test]
fn what_is_written_is_read_in_pieces_of_any_size() {
    let elements = [
        group(),
        message(1, 10),
        message(2, 300_000),
        message(3, 1500),
        consent(ArchivedState::Denied),
    ];
    let bytes = written(&elements);
    for piece in [1, 3, 1024, 100_000, bytes.len()] {
        let (read, totals) = read(&bytes, &key(7), piece, false);
        assert_eq!(read[0], Element::Metadata(metadata()));
        assert_eq!(read[1..], elements);
        assert_eq!(
            totals,
            Ok(Totals {
                elements: 6,
                skipped: 0,
                is_sealed: true,
                inbox_id: Some("me".into())
            })
        );
    }
}

#[test]
fn a_cut_anywhere_is_an_error_and_what_came_before_is_sound() {
    let elements = [group(), message(1, 700), consent(ArchivedState::Denied)];
    let bytes = written(&elements);
    for length in 0..bytes.len() {
        let (read, totals) = read_all(&bytes[..length]);
        assert_eq!(totals, Err(ArchiveError::Truncated), "at {length}");
        assert!(read.len() <= 4);
        if let Some((_, rest)) = read.split_first() {
            assert_eq!(rest, &elements[..rest.len()]);
        }
    }
    // A cut between two elements that looks like an end is told by the missing trailer alone.
    let whole = container(
        0,
        &[&plain(&Element::Metadata(metadata())), &plain(&group())],
        false,
    );
    let totals = read_all(&whole).1.unwrap();
    assert_eq!((totals.elements, totals.is_sealed), (2, false));
}

#[test]
fn damage_anywhere_is_an_error() {
    let elements = [group(), message(1, 40), consent(ArchivedState::Denied)];
    let bytes = written(&elements);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        let (read, totals) = read_all(&damaged);
        // zstd has bits that mean nothing; then nothing is changed.
        if let Ok(totals) = totals {
            assert!(totals.is_sealed, "at {at}");
            assert_eq!(read[1..], elements);
        } else if let Some((_, rest)) = read.split_first() {
            assert_eq!(rest, &elements[..rest.len()], "at {at}");
        }
    }
}

#[test]
fn foreign_newer_and_wrong_ones_are_told_apart() {
    let bytes = written(&[group()]);
    let error = |bytes: &[u8]| read_all(bytes).1.unwrap_err();
    assert_eq!(
        read(&bytes, &key(8), 4096, true).1,
        Err(ArchiveError::WrongKey)
    );
    assert_eq!(error(b""), ArchiveError::Truncated);
    assert_eq!(error(&[0; 4096]), ArchiveError::NotAnArchive);
    assert_eq!(
        error(b"PK\x03\x04 and so on and so on"),
        ArchiveError::NotAnArchive
    );
    assert_eq!(
        error(&[&[0; 14], b"no zstd at all".as_slice()].concat()),
        ArchiveError::NotAnArchive
    );
    let mut newer = bytes.clone();
    newer[0] = 1;
    assert_eq!(error(&newer), ArchiveError::NewerVersion(1));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(error(&longer), ArchiveError::Trailing);
    let (first, second) = (plain(&Element::Metadata(metadata())), plain(&group()));
    assert_eq!(
        error(&container(0, &[&second, &first], false)),
        ArchiveError::MissingMetadata
    );
    assert_eq!(
        error(&container(0, &[], false)),
        ArchiveError::MissingMetadata
    );
    assert_eq!(
        error(&container(0, &[&[]], false)),
        ArchiveError::MissingMetadata
    );
    // A length that nobody means, and one that is no frame.
    let huge = wrapped(0, &[&u32::MAX.to_le_bytes()[..], &[0; 64]].concat());
    assert_eq!(error(&huge), ArchiveError::TooLarge);
    let short = wrapped(0, &[&15_u32.to_le_bytes()[..], &[0; 64]].concat());
    assert_eq!(error(&short), ArchiveError::NotAnArchive);
    // Elements after the trailer, and a trailer that says something else.
    let trailer = |count| {
        let element = Some(backup_element::Element::Trailer(
            conclave_proto::device_sync::ArchiveTrailer {
                count,
                sha256: {
                    let mut tally = super::frame::Tally::default();
                    tally.add(&first);
                    tally.sha256().to_vec()
                },
                inbox_id: String::new(),
            },
        ));
        BackupElement { element }.encode_to_vec()
    };
    let after = container(0, &[&first, &trailer(1), &second], false);
    assert_eq!(error(&after), ArchiveError::Trailing);
    let other = container(0, &[&first, &second, &trailer(1)], false);
    assert_eq!(error(&other), ArchiveError::Damaged(2));
    assert!(
        read_all(&container(0, &[&first, &trailer(1)], false))
            .1
            .unwrap()
            .is_sealed
    );
}

#[test]
fn elements_in_another_order_or_twice_are_damage() {
    let plains = [
        plain(&Element::Metadata(metadata())),
        plain(&message(1, 4)),
        plain(&message(2, 4)),
    ];
    let mut frames = Frames::new(&key(7), [255; 12]);
    let sealed = plains.map(|plain| {
        let mut bytes = Vec::new();
        frames.seal(&plain, &mut bytes).unwrap();
        bytes
    });
    for (order, place) in [
        (vec![0, 2, 1], 1),
        (vec![0, 1, 1], 2),
        (vec![0, 2], 1),
        (vec![0, 1, 2, 0], 3),
    ] {
        let stream: Vec<u8> = order.iter().flat_map(|at| sealed[*at].clone()).collect();
        for may_be_legacy in [false, true] {
            let (read, totals) = read(&wrapped(0, &stream), &key(7), 99, may_be_legacy);
            assert_eq!(totals, Err(ArchiveError::Damaged(place)), "{order:?}");
            assert_eq!(read.len() as u64, place);
        }
    }
}

#[test]
fn archives_of_the_first_clients_are_read_only_where_asked_for() {
    let plains = [
        plain(&Element::Metadata(metadata())),
        plain(&group()),
        plain(&message(1, 4)),
        plain(&consent(ArchivedState::Allowed)),
    ];
    let plains: Vec<&[u8]> = plains.iter().map(Vec::as_slice).collect();
    let legacy = container(0, &plains, true);
    let (elements, totals) = read(&legacy, &key(7), 5, true);
    assert_eq!((elements.len(), totals.unwrap().elements), (4, 4));
    assert_eq!(
        read(&legacy, &key(7), 5, false).1,
        Err(ArchiveError::Damaged(1))
    );
}

#[test]
fn what_is_unknown_or_makes_no_sense_is_skipped_and_counted() {
    let first = plain(&Element::Metadata(metadata()));
    // An event, a number of the future, noise, a second description, a sync group, no inbox id.
    let future = BackupElement { element: None };
    let mut sync = group().encode();
    if let Some(backup_element::Element::Group(group)) = &mut sync.element {
        group.conversation_type = 3;
    }
    let mut anonymous = message(1, 1).encode();
    if let Some(backup_element::Element::GroupMessage(message)) = &mut anonymous.element {
        message.sender_inbox_id = "../../etc".into();
    }
    let mut derived = message(1, 1).encode();
    if let Some(backup_element::Element::GroupMessage(message)) = &mut derived.element {
        message.kind = 2;
    }
    let parts: Vec<Vec<u8>> = vec![
        first.clone(),
        vec![0x2a, 0x02, 0x08, 0x01],
        vec![0x82, 0x7d, 0x01, 0x00],
        vec![0xff, 0xff, 0xff],
        first,
        sync.encode_to_vec(),
        anonymous.encode_to_vec(),
        derived.encode_to_vec(),
        // Padding is no element.
        future.encode_to_vec(),
        plain(&group()),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let (elements, totals) = read_all(&container(0, &parts, false));
    assert_eq!(elements, [Element::Metadata(metadata()), group()]);
    let totals = totals.unwrap();
    assert_eq!((totals.elements, totals.skipped), (9, 7));
}

#[test]
fn both_old_and_new_clients_find_the_type_of_a_message() {
    let typed = |known: KnownType| {
        let content_type = known.name().unwrap();
        let Element::Message(message) = message(1, 1) else {
            panic!("no message");
        };
        let encoded = Element::Message(ArchivedMessage {
            content_type: content_type.clone(),
            ..message
        })
        .encode();
        let Some(backup_element::Element::GroupMessage(saved)) = encoded.element else {
            panic!("no message");
        };
        let decoded = Element::decode(backup_element::Element::GroupMessage(saved.clone()));
        let Some(Element::Message(decoded)) = decoded else {
            panic!("no message");
        };
        assert_eq!(decoded.content_type, content_type);
        (saved.content_type_save, saved.content_type)
    };
    assert_eq!(typed(KnownType::Text), (2, "text".into()));
    assert_eq!(typed(KnownType::Reply), (7, "reply".into()));
    assert_eq!(
        typed(KnownType::RemoteAttachment),
        (9, "remoteStaticAttachment".into())
    );
    // One that has no number is "unknown" there, never 0, which old readers refuse.
    assert_eq!(typed(KnownType::Markdown), (1, "markdown".into()));
    let other = ContentType::default();
    assert_eq!(KnownType::of(&other), KnownType::Other);
}

#[test]
fn long_elements_have_short_ones_before_them_for_the_official_reader() {
    let lengths = |element: &Element| {
        let bytes = written(std::slice::from_ref(element));
        let stream = zstd::stream::decode_all(&bytes[HEADER_BYTES..]).unwrap();
        let mut rest = stream.as_slice();
        let mut lengths = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            lengths.push(length);
            rest = &after[length..];
        }
        lengths
    };
    let short = lengths(&message(1, 200));
    assert_eq!(short.iter().filter(|length| **length == 16).count(), 0);
    let long = lengths(&message(1, 5000));
    let frame = long.iter().max().unwrap() + 4;
    let padding = long.iter().filter(|length| **length == 16).count();
    assert_eq!(padding, frame.div_ceil(400));
    // The description comes first, whatever its length.
    assert_ne!(long[0], 16);
}

#[test]
fn what_official_clients_stumble_over_is_refused_for_them_alone() {
    let large = message(1, MAX_FOREIGN_ELEMENT_BYTES);
    let mut writer = ArchiveWriter::new(&key(7), [1; 12], &metadata(), true).unwrap();
    assert_eq!(writer.write(&large), Err(ArchiveError::TooLarge));
    writer.write(&message(2, 10)).unwrap();
    let (elements, totals) = read_all(&writer.finish("me").unwrap());
    assert_eq!(elements[1..], [message(2, 10)]);
    assert!(totals.unwrap().is_sealed);
    assert_eq!(read_all(&written(&[large])).0.len(), 2);
    let mut writer = ArchiveWriter::new(&key(7), [1; 12], &metadata(), false).unwrap();
    let larger = message(1, MAX_ELEMENT_BYTES);
    assert_eq!(writer.write(&larger), Err(ArchiveError::TooLarge));
}

#[test]
fn memory_stays_bounded_whatever_a_stream_unpacks_to() {
    // Some kilobytes that unpack to 64 MiB of what is no frame.
    let zeros = vec![0; 64 * 1024 * 1024];
    assert_eq!(
        read_all(&wrapped(0, &zeros)).1,
        Err(ArchiveError::NotAnArchive)
    );
    // A frame of 32 MiB that was never encrypted.
    let length = u32::try_from(MAX_ELEMENT_BYTES).unwrap();
    let stream = [&length.to_le_bytes()[..], &zeros].concat();
    assert_eq!(
        read_all(&wrapped(0, &stream)).1,
        Err(ArchiveError::WrongKey)
    );
    // A window of more than 128 MiB.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00];
    let bytes = [&[0; HEADER_BYTES][..], &window].concat();
    assert_eq!(read_all(&bytes).1, Err(ArchiveError::NotAnArchive));
}

#[test]
fn nonces_count_as_one_number_of_96_bits_and_wrap() {
    // The containers of these tests begin with the last of them.
    let parts = [plain(&Element::Metadata(metadata())), plain(&group())];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    assert_eq!(read_all(&container(0, &parts, false)).0.len(), 2);
}

fn elements() -> impl Strategy<Value = Vec<Element>> {
    let element = prop_oneof![
        Just(group()),
        (any::<u8>(), 0..3000_usize).prop_map(|(number, bytes)| message(number, bytes)),
        Just(consent(ArchivedState::Unknown)),
    ];
    proptest::collection::vec(element, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_written_is_read_again(elements in elements(), piece in 1..5000_usize) {
        let bytes = written(&elements);
        let (read, totals) = read(&bytes, &key(7), piece, false);
        prop_assert_eq!(&read[1..], elements.as_slice());
        prop_assert!(totals.unwrap().is_sealed);
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..2000),
        is_stream in any::<bool>(),
    ) {
        let bytes = if is_stream { wrapped(0, &noise) } else { noise };
        let (read, totals) = read(&bytes, &key(7), 100, true);
        prop_assert!(read.is_empty());
        prop_assert!(totals.is_err());
    }

    #[test]
    fn damaged_archives_give_only_what_was_written(
        elements in elements(),
        at in any::<prop::sample::Index>(),
        damage in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let mut bytes = written(&elements);
        let at = at.index(bytes.len());
        for (to, from) in bytes.iter_mut().skip(at).zip(damage) {
            *to = from;
        }
        let (read, _) = read(&bytes, &key(7), 512, false);
        if let Some((_, rest)) = read.split_first() {
            prop_assert_eq!(rest, elements.get(..rest.len()).unwrap());
        }
    }

    #[test]
    fn authentic_nonsense_is_skipped(plains in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..80), 0..10,
    )) {
        let mut parts = vec![plain(&Element::Metadata(metadata()))];
        parts.extend(plains);
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let (read, _) = read(&container(0, &parts, false), &key(7), 64, false);
        prop_assert_eq!(&read[0], &Element::Metadata(metadata()));
    }
}
