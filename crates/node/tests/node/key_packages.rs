//! Key packages: upload, fetch, what is refused.

use conclave_proto::mls::api::v1::{
    FetchKeyPackagesRequest, KeyPackageUpload, RegisterInstallationRequest, UploadKeyPackageRequest,
};
use openmls::prelude::{BasicCredential, Lifetime};
use tonic::Code;

use crate::peer::{Peer, key_package, key_package_of, node};

async fn fetch(peer: &mut Peer, installation_keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    peer.mls
        .fetch_key_packages(FetchKeyPackagesRequest { installation_keys })
        .await
        .unwrap()
        .into_inner()
        .key_packages
        .into_iter()
        .map(|entry| entry.key_package_tls_serialized)
        .collect()
}

/// `node.md` 12, 4, and 2.5.
#[tokio::test]
async fn every_key_asked_for_has_an_entry_in_its_place() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    assert_eq!(fetch(&mut alix, vec![b"abc".to_vec()]).await, [b""]);
    assert!(fetch(&mut alix, vec![]).await.is_empty());
    let (first, first_key) = key_package(Lifetime::default());
    let (second, second_key) = key_package(Lifetime::default());
    alix.upload(first.clone()).await.unwrap();
    alix.upload(second.clone()).await.unwrap();
    let keys = vec![second_key, b"abc".to_vec(), first_key.clone(), first_key];
    let fetched = fetch(&mut alix, keys).await;
    assert_eq!(fetched, [second, vec![], first.clone(), first]);
    node.shutdown().await;
}

#[tokio::test]
async fn registering_answers_with_the_installation_key() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let (bytes, key) = key_package(Lifetime::default());
    let reply = alix
        .mls
        .register_installation(RegisterInstallationRequest {
            key_package: Some(KeyPackageUpload {
                key_package_tls_serialized: bytes.clone(),
            }),
            is_inbox_id_credential: false,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reply.installation_key, key);
    assert_eq!(fetch(&mut alix, vec![key]).await, [bytes]);
    node.shutdown().await;
}

#[tokio::test]
async fn only_valid_key_packages_of_xmtp_installations_are_taken() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let missing = alix
        .mls
        .upload_key_package(UploadKeyPackageRequest::default())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::InvalidArgument);
    assert_eq!(missing.message(), "no key package");

    let (good, good_key) = key_package(Lifetime::default());
    let mut trailing = good.clone();
    trailing.push(0);
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    // The init key, which only the outer signature covers.
    let mut swapped = good.clone();
    swapped[10] ^= 1;
    let wrapped = [[0, 1, 0, 5].as_slice(), &good].concat();
    let (expired, _) = key_package(Lifetime::init(1_000, 2_000));
    let (early, _) = key_package(Lifetime::init(32_503_680_000, 32_503_690_000));
    let (stranger, _) = key_package_of(
        BasicCredential::new(b"\xffnot an XMTP credential".to_vec()),
        Lifetime::default(),
    );
    for (name, bytes) in [
        ("empty", vec![]),
        ("rubbish", b"rubbish".to_vec()),
        ("trailing byte", trailing),
        ("forged signature", forged),
        ("other init key", swapped),
        ("wrapped in a message", wrapped),
        ("expired", expired),
        ("not yet valid", early),
        ("other credential", stranger),
        ("too large", vec![0; 300 * 1024]),
    ] {
        let error = alix.upload(bytes).await.expect_err(name);
        assert_eq!(error.code(), Code::InvalidArgument, "{name}");
        assert!(
            error.message().starts_with("invalid identity: "),
            "{name}: {error}"
        );
    }
    assert_eq!(fetch(&mut alix, vec![good_key.clone()]).await, [b""]);
    alix.upload(good.clone()).await.unwrap();
    assert_eq!(fetch(&mut alix, vec![good_key]).await, [good]);
    node.shutdown().await;
}

#[tokio::test]
async fn too_many_keys_in_one_request_are_refused() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let installation_keys = vec![vec![]; 20_001];
    let error = alix
        .mls
        .fetch_key_packages(FetchKeyPackagesRequest { installation_keys })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    node.shutdown().await;
}
