use openmls::group::MlsGroupJoinConfig;
use openmls::key_packages::KeyPackageBundle;
use openmls::prelude::OpenMlsProvider;
use openmls_traits::storage::StorageProvider;

use super::*;
use crate::group::join_config;
use crate::testing::{Device, circle};

#[test]
fn staged_commits_survive_with_everything() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let renamed = devices[0].rename("climbing");
    let bytes = encode(&decode_staged_commit(&renamed.staged_commit).unwrap()).unwrap();
    assert_eq!(*bytes, *renamed.staged_commit);
    devices[0].take_own(&renamed, &ledger).unwrap();
    assert_eq!(devices[0].state().attribute("group_name"), Some("climbing"));
}

#[test]
fn truncated_bytes_are_an_error() {
    let (mut devices, _) = circle(&["alix", "bo"]);
    let commit = devices[0].self_update();
    for length in [
        0,
        1,
        commit.staged_commit.len() / 2,
        commit.staged_commit.len() - 1,
    ] {
        assert!(decode_staged_commit(&commit.staged_commit[..length]).is_err());
    }
}

#[test]
fn key_package_bundles_survive() {
    let mut alix = Device::new("alix", 1);
    let verified = alix.key_package();
    let reference = verified
        .key_package
        .hash_ref(alix.provider.crypto())
        .unwrap();
    let bundle: KeyPackageBundle = alix
        .provider
        .storage()
        .key_package(&reference)
        .unwrap()
        .unwrap();
    let back: KeyPackageBundle = decode(&encode(&bundle).unwrap()).unwrap();
    assert_eq!(back.key_package(), bundle.key_package());
    assert_eq!(**back.init_private_key(), **bundle.init_private_key());
}

/// The reason for the second format: should postcard ever read a configuration, drop it.
#[test]
fn configurations_need_a_self_describing_format() {
    let config = join_config();
    let bytes = encode(&config).unwrap();
    assert!(decode::<MlsGroupJoinConfig>(&bytes).is_err());
    let back: MlsGroupJoinConfig = decode_config(&encode_config(&config).unwrap()).unwrap();
    assert_eq!(back, config);
}
