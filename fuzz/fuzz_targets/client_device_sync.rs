//! What an installation of one's own inbox writes to the others: it may be a stranger's by now.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert!(conclave_content::device_sync::probe_device_sync(data));
});
