//! What comes from a file's server and what a member says of files: encrypted forms and names.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert!(conclave_content::probe_attachment(data));
});
