//! What a member puts into a message of each type: payloads, nested and compressed contents. What
//! can be read must be sendable again and read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert!(conclave_content::probe(data));
});
