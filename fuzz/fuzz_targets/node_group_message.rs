//! The framing of a group message, as the node reads it from anybody.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(framing) = conclave_node::parse::group_message(data) {
        assert!((1..=64).contains(&framing.group_id.len()));
    }
});
