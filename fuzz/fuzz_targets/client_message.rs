//! What a member writes and what strangers send to a device: frames, envelopes, content, pointers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = conclave_mls::framing::parse(data);
    let _ = conclave_mls::welcome::Pointer::decode(data);
    conclave_content::probe_envelope(data);
});
