//! What a member can put into a group's context, as every other member reads it.
#![no_main]

use conclave_mls::extensions::{Membership, Metadata, MutableMetadata};
use conclave_mls::policy::PolicySet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = Metadata::decode(data) {
        assert_eq!(read.encode().and_then(|data| Metadata::decode(&data)), Ok(read));
    }
    if let Ok(read) = MutableMetadata::decode(data) {
        assert_eq!(MutableMetadata::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Membership::decode(data) {
        assert_eq!(Membership::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = PolicySet::read(data) {
        assert_eq!(PolicySet::decode(&read.encode()), Ok(read));
    }
});
