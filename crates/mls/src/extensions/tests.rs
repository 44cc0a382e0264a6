use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use conclave_identity::InstallationId;
use openmls_rust_crypto::{OpenMlsRustCrypto, RustCrypto};
use proptest::prelude::*;

use super::*;
use crate::extensions::metadata::prefixed;

/// The context of an official DM (1.10.0), from `vectors/receivers.json`, rust3.
const DM_METADATA: &str = "QM8IAhpAMjYzNTI5OTQzNDVjZDRhZWUxNTljMDQ3OTRhZjQwYmU1Nzg1YWQ1OWM5YTJlOGM2MGFhMzFiZGU2NTEwMGJlNCKIAQpCCkAyNjM1Mjk5NDM0NWNkNGFlZTE1OWMwNDc5NGFmNDBiZTU3ODVhZDU5YzlhMmU4YzYwYWEzMWJkZTY1MTAwYmU0EkIKQDYwMTk1NGEyZGYxNzkwODUzYTliZmEzZmQwYWIxMjRmMTViODI2NjQwZDgwMDc4YjZlNmEzMjliNThiOTM0MWQ=";

#[test]
fn official_metadata_is_read_and_written_byte_for_byte() {
    let bytes = STANDARD.decode(DM_METADATA).unwrap();
    let metadata = Metadata::decode(&bytes).unwrap();
    assert_eq!(metadata.conversation_type, ConversationType::Dm);
    let [one, two] = metadata.dm_members.clone().unwrap();
    assert_eq!(one, metadata.creator_inbox_id);
    assert!(two.starts_with("601954a2"));
    assert_eq!(metadata.encode().unwrap(), bytes);
}

#[test]
fn the_inner_prefix_has_one_two_or_four_bytes() {
    for (length, prefix) in [
        (0, vec![0x00]),
        (63, vec![0x3F]),
        (64, vec![0x40, 0x40]),
        (16383, vec![0x7F, 0xFF]),
        (16384, vec![0x80, 0x00, 0x40, 0x00]),
    ] {
        let data = prefixed(vec![7; length]).unwrap();
        assert_eq!(data[..prefix.len()], prefix);
        assert_eq!(data.len(), prefix.len() + length);
    }
    // The same lengths as whole protobufs: a creator's name fills them up.
    for creator in [0, 57, 58, 59, 60, 16375, 16376, 16377, 16378] {
        let metadata = Metadata {
            conversation_type: ConversationType::Group,
            creator_inbox_id: "a".repeat(creator),
            dm_members: None,
            readd_request: None,
        };
        assert_eq!(
            Metadata::decode(&metadata.encode().unwrap()).unwrap(),
            metadata
        );
    }
}

/// Bytes at random, and real ones of which some are others.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let real: Vec<Vec<u8>> = vec![
        STANDARD.decode(DM_METADATA).unwrap(),
        MutableMetadata {
            attributes: [(ATTRIBUTE_NAME.to_owned(), "Hikers".to_owned())].into(),
            admins: vec!["alix".to_owned()],
            super_admins: vec!["bo".to_owned()],
        }
        .encode(),
        Membership {
            members: [("alix".to_owned(), 3)].into(),
            failed_installations: [InstallationId::new([7; 32])].into(),
        }
        .encode(),
        PolicySet::from(crate::policy::Preset::AllMembers).encode(),
    ];
    let damage = (
        prop::sample::select(real),
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        any::<prop::sample::Index>(),
        any::<bool>(),
    );
    let damaged = damage.prop_map(|(mut bytes, edits, end, cut)| {
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), damaged]
}

/// Reads these bytes as all that a member puts into a group; what is read is written so that it is
/// read the same again.
fn reads(bytes: &[u8]) {
    if let Ok(read) = Metadata::decode(bytes) {
        assert_eq!(Metadata::decode(&read.encode().unwrap()), Ok(read));
    }
    if let Ok(read) = MutableMetadata::decode(bytes) {
        assert_eq!(MutableMetadata::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Membership::decode(bytes) {
        assert_eq!(Membership::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = PolicySet::read(bytes) {
        assert_eq!(PolicySet::decode(&read.encode()), Ok(read));
    }
    let _ = crate::framing::parse(bytes);
    let _ = crate::key_package::verify(&RustCrypto::default(), bytes);
    let _ = crate::welcome::Pointer::decode(bytes);
    let _ = crate::welcome::stage(&OpenMlsRustCrypto::default(), bytes);
    let _ = crate::encoding::decode_staged_commit(bytes);
}

#[test]
fn all_that_fuzzing_kept_is_read_or_refused() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for target in ["client_group_context", "client_message"] {
        let files: Vec<_> = std::fs::read_dir(corpus.join(target)).unwrap().collect();
        assert!(files.len() >= 20, "{target}: {}", files.len());
        for file in files {
            reads(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}

proptest! {
    /// Whatever is read is written so that it is read the same again; nothing panics.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in bytes()) {
        reads(&bytes);
    }
}

#[test]
fn bad_metadata_is_refused() {
    let good = STANDARD.decode(DM_METADATA).unwrap();
    let without_prefix = good[2..].to_vec();
    let too_long = [good.as_slice(), &[0]].concat();
    let too_short = good[..good.len() - 1].to_vec();
    let no_type = prefixed(b"\x1a\x01a".to_vec()).unwrap();
    let unknown_type = prefixed(b"\x08\x09".to_vec()).unwrap();
    let half_dm = prefixed(b"\x08\x02\x22\x02\x0a\x00".to_vec()).unwrap();
    for data in [
        vec![],
        without_prefix,
        too_long,
        too_short,
        no_type,
        unknown_type,
        half_dm,
    ] {
        assert!(matches!(
            Metadata::decode(&data),
            Err(ExtensionError::Malformed {
                extension: IMMUTABLE_METADATA,
                ..
            })
        ));
    }
}

#[test]
fn oneshot_payloads_survive() {
    let metadata = Metadata {
        conversation_type: ConversationType::Oneshot,
        creator_inbox_id: "alix".to_owned(),
        dm_members: None,
        readd_request: Some(ReaddRequest {
            group_id: vec![1; 16],
            latest_commit_sequence_id: u64::MAX,
        }),
    };
    assert_eq!(
        Metadata::decode(&metadata.encode().unwrap()).unwrap(),
        metadata
    );
}

#[test]
fn both_admin_lists_must_be_there() {
    assert_eq!(
        MutableMetadata::decode(b"\x12\x00\x1a\x00").unwrap(),
        MutableMetadata::default()
    );
    assert_eq!(MutableMetadata::default().encode(), b"\x12\x00\x1a\x00");
    for data in [&b""[..], b"\x12\x00", b"\x1a\x00", b"\xff"] {
        assert!(MutableMetadata::decode(data).is_err());
    }
}

#[test]
fn debug_output_has_no_attribute_values() {
    let metadata = MutableMetadata {
        attributes: [("group_name".to_owned(), "secret plans".to_owned())].into(),
        ..MutableMetadata::default()
    };
    assert!(!format!("{metadata:?}").contains("secret plans"));
}

#[test]
fn failed_installations_of_odd_length_name_nobody() {
    let data = b"\x0a\x05\x0a\x01a\x10\x07\x12\x01x\x12\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let membership = Membership::decode(data).unwrap();
    assert_eq!(membership.members, [("a".to_owned(), 7)].into());
    assert_eq!(membership.failed_installations.len(), 1);
    assert!(Membership::decode(b"\xff").is_err());
}
