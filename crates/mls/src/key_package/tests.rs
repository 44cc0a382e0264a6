use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openmls::key_packages::Lifetime;
use openmls::prelude::{Capabilities, OpenMlsProvider};
use openmls_rust_crypto::OpenMlsRustCrypto;

use super::*;
use crate::testing::{Device, inbox, now_s};

#[derive(serde::Deserialize)]
struct Vector {
    sdk_version: String,
    installation_id: Option<String>,
    init_public_key: Option<String>,
    key_package: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../tests/vectors/key_packages.json")).unwrap()
}

/// Without the lifetime: the recordings end 84 days after 22 November 2026.
fn read(bytes: &[u8]) -> KeyPackageIn {
    KeyPackageIn::tls_deserialize_exact(bytes).unwrap()
}

/// The part of `bytes` from the credential's end to the lifetime: the capabilities.
const CAPABILITIES: &str = "02000102000310000a0001ff02ff00ff01ff03ff04f000020007020001";

#[test]
fn official_key_packages_verify_with_what_they_can() {
    let crypto = OpenMlsRustCrypto::default();
    let mut seen = 0;
    for vector in vectors() {
        let bytes = STANDARD.decode(&vector.key_package).unwrap();
        let again = read(&bytes).tls_serialize_detached().unwrap();
        assert_eq!(again, bytes, "{}", vector.sdk_version);
        // Fails on the lifetime after February 2027; run under `faketime` then.
        let verified = verify(crypto.crypto(), &bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.sdk_version));
        if let Some(id) = &vector.installation_id {
            assert_eq!(verified.installation_id.to_string(), *id);
        }
        let (algorithm, pointers) = match (vector.sdk_version.as_str(), bytes.len()) {
            ("1.2.0", _) | (_, ..=500) => (WrapperAlgorithm::Curve25519, false),
            ("1.4.0", _) => (WrapperAlgorithm::XWing, false),
            _ => (WrapperAlgorithm::XWing, true),
        };
        assert_eq!(
            verified.wrapper.algorithm, algorithm,
            "{}",
            vector.sdk_version
        );
        assert_eq!(verified.pointer_capable, pointers, "{}", vector.sdk_version);
        if let (WrapperAlgorithm::Curve25519, Some(init)) = (algorithm, &vector.init_public_key) {
            assert_eq!(hex::encode(&verified.wrapper.public_key), *init);
        }
        assert_eq!(verified.inbox_id.len(), 64);
        seen += 1;
    }
    assert_eq!(seen, 21);
}

#[test]
fn ours_has_the_official_shape_byte_for_byte() {
    let mut alix = Device::new("alix", 1);
    alix.key_package();
    let ours = &alix.keys[0].bytes;
    let official = vectors()
        .iter()
        .filter(|vector| vector.sdk_version == "1.10.0")
        .map(|vector| STANDARD.decode(&vector.key_package).unwrap())
        .next()
        .unwrap();
    assert_eq!(ours.len(), 1659);
    assert_eq!(official.len(), ours.len());

    // Everything that is a key, a name, a time or a signature is blanked; the rest must be equal.
    let blank = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let mut position = 4; // version, ciphersuite
        let mut skip = |bytes: &mut Vec<u8>, fixed: usize, variable: usize| {
            position += fixed;
            bytes[position..position + variable].fill(0);
            position += variable;
        };
        skip(&mut bytes, 1, 32); // init key
        skip(&mut bytes, 1, 32); // encryption key
        skip(&mut bytes, 1, 32); // signature key
        skip(&mut bytes, 2 + 2 + 2, 64); // credential: type, length, protobuf head, inbox id
        skip(&mut bytes, CAPABILITIES.len() / 2 + 1, 16); // capabilities, source, lifetime
        skip(&mut bytes, 2 + 2 + 2 + 2, 64); // application id
        skip(&mut bytes, 2, 64); // leaf signature
        // Extensions up to the wrapper key: lengths, three types and two bodies.
        skip(&mut bytes, 2 + 3 + 2 + 1 + 3 + 2 + 2 + 3, 1216);
        skip(&mut bytes, 2 + 2, 64); // algorithm, signature
        assert_eq!(position, bytes.len());
        hex::encode(bytes)
    };
    assert_eq!(blank(ours), blank(&official));
    assert!(hex::encode(ours).contains(CAPABILITIES));
}

#[test]
fn ours_lives_an_hour_and_84_days() {
    let mut alix = Device::new("alix", 1);
    let before = now_s();
    let verified = alix.key_package();
    let lifetime = verified.key_package.life_time();
    assert_eq!(lifetime.not_after() - lifetime.not_before(), 7_261_200);
    assert!(lifetime.not_before() + 3600 >= before && lifetime.not_before() + 3600 <= now_s());
    assert_eq!(verified.made_at_s, lifetime.not_before() + 60 * 60);
    assert_eq!(verified.not_after_s, lifetime.not_after());
    assert!(verified.key_package.last_resort());
    assert!(verified.pointer_capable);
    assert_eq!(verified.inbox_id, alix.inbox());
    assert_eq!(verified.installation_id, alix.id());
    assert_eq!(verified.wrapper.public_key, alix.keys[0].xwing_public_key);
}

#[test]
fn secrets_are_found_and_erased_by_reference() {
    let mut alix = Device::new("alix", 1);
    alix.key_package();
    let key = &alix.keys[0];
    let private = init_private_key(&alix.provider, &key.hash_ref)
        .unwrap()
        .unwrap();
    let sealed = hpke::seal(
        WrapperAlgorithm::Curve25519,
        &key.init_public_key,
        b"hello",
        b"",
    )
    .unwrap();
    let opened = hpke::open(WrapperAlgorithm::Curve25519, &private, &sealed.first, &[]).unwrap();
    assert_eq!(*opened.first, b"hello");

    erase(&alix.provider, &key.hash_ref).unwrap();
    assert_eq!(
        init_private_key(&alix.provider, &key.hash_ref).unwrap(),
        None
    );
    assert_eq!(init_private_key(&alix.provider, &[0; 32]).unwrap(), None);
    assert!(!format!("{key:?}").contains(&hex::encode(&*key.xwing_private_key)));
}

/// A key package of the official shape but for what `change` does.
pub(crate) fn odd_key_package(
    device: &Device,
    inbox_id: &str,
    capabilities: Capabilities,
    extensions: Vec<Extension>,
    lifetime: Lifetime,
) -> Vec<u8> {
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(capabilities)
        .key_package_extensions(Extensions::from_vec(extensions).unwrap())
        .key_package_lifetime(lifetime)
        .build(
            CIPHERSUITE,
            &device.provider,
            &device.signer,
            member::credential(inbox_id, &device.id()),
        )
        .unwrap();
    bundle.key_package().tls_serialize_detached().unwrap()
}

fn with_wrapper(algorithm: i32, length: usize) -> Result<VerifiedKeyPackage, InvalidKeyPackage> {
    let device = Device::new("alix", 1);
    let wrapper = proto::WelcomeWrapperEncryption {
        pub_key: vec![1; length],
        algorithm,
    };
    let pointees = proto::WelcomePointeeEncryptionAeadTypesExtension {
        supported_aead_types: vec![99, 3],
    };
    let bytes = odd_key_package(
        &device,
        &inbox("alix"),
        extensions::key_package_capabilities(),
        vec![
            extensions::opaque(WELCOME_WRAPPER, wrapper.encode_to_vec()),
            extensions::opaque(WELCOME_POINTEE_AEAD, pointees.encode_to_vec()),
        ],
        Lifetime::default(),
    );
    verify(device.provider.crypto(), &bytes)
}

#[test]
fn wrapper_algorithms_read_as_the_official_client_reads_them() {
    let xwing = with_wrapper(2, 1216).unwrap();
    assert_eq!(xwing.wrapper.algorithm, WrapperAlgorithm::XWing);
    assert!(
        xwing.pointer_capable,
        "an unknown cipher beside ours does no harm"
    );
    for number in [0, 1, 77] {
        let curve = with_wrapper(number, 32).unwrap();
        assert_eq!(curve.wrapper.algorithm, WrapperAlgorithm::Curve25519);
        assert!(!curve.pointer_capable);
    }
    for (number, length) in [(3, 32), (2, 1215), (2, 32), (1, 1216), (0, 0)] {
        assert_eq!(
            with_wrapper(number, length).unwrap_err(),
            InvalidKeyPackage::WrapperKey
        );
    }
}

#[test]
fn what_is_wrong_with_a_key_package_is_told_apart() {
    let mut device = Device::new("alix", 1);
    device.key_package();
    let good = device.keys[0].bytes.clone();
    let crypto = device.provider.crypto();
    let code = |bytes: &[u8]| verify(crypto, bytes).unwrap_err().code();
    assert_eq!(code(&[]), "key_package_malformed");
    assert_eq!(
        code(&[good.as_slice(), &[0]].concat()),
        "key_package_malformed"
    );
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(code(&damaged), "key_package_invalid");

    let make = |lifetime| {
        odd_key_package(
            &device,
            &inbox("alix"),
            extensions::key_package_capabilities(),
            vec![],
            lifetime,
        )
    };
    let now = now_s();
    assert!(verify(crypto, &make(Lifetime::init(now - 60, now + 60))).is_ok());
    assert_eq!(
        code(&make(Lifetime::init(now - 60, now - 1))),
        "key_package_expired"
    );
    assert_eq!(
        code(&make(Lifetime::init(now + 60, now + 600))),
        "key_package_expired"
    );
}
