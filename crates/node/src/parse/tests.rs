use super::*;

/// A PrivateMessage (RFC 9420 section 6.3) of group "g".
fn private_message(content_type: u8) -> Vec<u8> {
    let mut data = vec![0, 1, 0, 2, 1, b'g'];
    data.extend(5u64.to_be_bytes());
    data.push(content_type);
    data.extend([0, 1, 0xaa, 2, 0xbb, 0xcc]);
    data
}

#[test]
fn framing_tells_group_and_content() {
    for (content_type, is_proposal, is_commit) in
        [(1, false, false), (2, true, false), (3, false, true)]
    {
        let framing = group_message(&private_message(content_type)).unwrap();
        assert_eq!(framing.group_id, b"g");
        assert_eq!(framing.is_proposal, is_proposal);
        assert_eq!(framing.is_commit, is_commit);
    }
}

#[test]
fn a_message_may_be_followed_by_other_bytes_and_not_be_cut() {
    let data = private_message(1);
    let followed = [data.as_slice(), b"more"].concat();
    assert_eq!(group_message(&followed), group_message(&data));
    for length in 0..data.len() {
        let cut = data.get(..length).unwrap();
        assert!(group_message(cut).is_err(), "{length}");
    }
}

#[test]
fn a_length_beyond_the_input_is_an_error_and_no_allocation() {
    // A group id that claims 2^30 - 1 bytes.
    let data = [0, 1, 0, 2, 0xbf, 0xff, 0xff, 0xff, 1, 2, 3];
    let error = group_message(&data).unwrap_err();
    assert_eq!(error.code(), "malformed");
    assert_eq!(key_package(&data).unwrap_err().code(), "malformed");
}

#[test]
fn each_refusal_has_its_reason() {
    assert_eq!(group_message(b""), Err(ParseError::Empty));
    let large = vec![0; GROUP_MESSAGE_BYTES + 1];
    assert_eq!(group_message(&large).unwrap_err().code(), "too_large");
    let mut no_group = private_message(1);
    no_group.drain(4..6);
    no_group.insert(4, 0);
    assert_eq!(group_message(&no_group), Err(ParseError::NoGroup));
}

#[test]
fn all_that_fuzzing_kept_is_read_or_refused() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, at_least) in [("node_group_message", 20), ("node_key_package", 10)] {
        let files: Vec<_> = std::fs::read_dir(corpus.join(target)).unwrap().collect();
        assert!(files.len() >= at_least, "{target}: {}", files.len());
        for file in files {
            let data = std::fs::read(file.unwrap().path()).unwrap();
            if let Ok(framing) = group_message(&data) {
                assert!((1..=64).contains(&framing.group_id.len()));
            }
            if let Ok(key) = key_package(&data) {
                assert_eq!(key.len(), 32);
            }
        }
    }
}
