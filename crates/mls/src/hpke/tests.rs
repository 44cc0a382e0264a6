use super::*;

#[derive(serde::Deserialize)]
struct Vector {
    secret_key_hex: String,
    pk: String,
    enc: String,
    ct: String,
    plaintext_utf8: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../../tests/vectors/xwing_obsolete.json")).unwrap()
}

fn open_vector(kem: KemAlgorithm) -> Result<Vec<u8>, hpke_rs::HpkeError> {
    let vector = vector();
    let suite: Hpke<HpkeRustCrypto> = Hpke::new(
        Mode::Base,
        kem,
        KdfAlgorithm::HkdfSha256,
        AeadAlgorithm::ChaCha20Poly1305,
    );
    suite.open(
        &hex::decode(vector.enc).unwrap(),
        &HpkePrivateKey::from(hex::decode(vector.secret_key_hex).unwrap()),
        b"info",
        b"",
        &hex::decode(vector.ct).unwrap(),
        None,
        None,
        None,
    )
}

#[test]
fn opens_what_the_official_hpke_sealed() {
    let text = open_vector(WrapperAlgorithm::XWing.kem()).unwrap();
    assert_eq!(text, vector().plaintext_utf8.as_bytes());
    assert_eq!(
        hex::decode(vector().pk).unwrap().len(),
        WrapperAlgorithm::XWing.public_key_len()
    );
}

#[test]
fn the_current_kem_id_does_not_interoperate() {
    assert!(open_vector(KemAlgorithm::XWingDraft06).is_err());
}

#[test]
fn two_texts_make_the_round_trip_and_damage_shows() {
    let XWingKeyPair { public, private } = generate_xwing().unwrap();
    assert_eq!((public.len(), private.len()), (1216, 32));
    let sealed = seal(WrapperAlgorithm::XWing, &public, b"first", b"second").unwrap();
    let opened = open(
        WrapperAlgorithm::XWing,
        &private,
        &sealed.first,
        &sealed.second,
    )
    .unwrap();
    assert_eq!(*opened.first, b"first");
    assert_eq!(opened.second.as_deref(), Some(&b"second"[..]));
    let alone = open(WrapperAlgorithm::XWing, &private, &sealed.first, &[]).unwrap();
    assert_eq!(alone.second, None);

    for position in [0, 5, sealed.first.len() - 1] {
        let mut damaged = sealed.first.clone();
        damaged[position] ^= 1;
        assert!(open(WrapperAlgorithm::XWing, &private, &damaged, &[]).is_err());
    }
    assert!(open(WrapperAlgorithm::XWing, &private, &sealed.first, b"x").is_err());
    assert!(open(WrapperAlgorithm::XWing, &[1; 31], &sealed.first, &[]).is_err());
    assert!(open(WrapperAlgorithm::Curve25519, &private, &sealed.first, &[]).is_err());
    assert!(seal(WrapperAlgorithm::XWing, &public[1..], b"", b"").is_err());
    assert!(seal(WrapperAlgorithm::Curve25519, &[0; 32], b"", b"").is_err());
}
