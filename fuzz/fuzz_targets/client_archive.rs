//! What somebody hands over as an archive: its container, and what is inside it once it opens.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert!(conclave_content::archive::probe_archive(data));
});
