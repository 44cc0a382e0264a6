//! An uploaded key package, as the node checks it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(key) = conclave_node::parse::key_package(data) {
        assert_eq!(key.len(), 32);
    }
});
