//! The HMAC by which a push server knows a person's own messages (groups.md 7.4).

use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of the root and of derived keys in bytes.
const KEY_BYTES: usize = 42;
/// Length of an HMAC epoch in seconds: 30 days.
const EPOCH_SECONDS: i64 = 2_592_000;
const SALT: &[u8] = b"libXMTP HKDF salt!";

/// One random key per inbox, shared between its installations.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct HmacRoot([u8; KEY_BYTES]);

/// The key of one group and 30-day epoch.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct HmacKey([u8; KEY_BYTES]);

impl std::fmt::Debug for HmacRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacRoot(..)")
    }
}

impl HmacRoot {
    /// From its 42 bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to keep them or hand them on.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Key of `group_id` at `now_ns` (nanoseconds since the Unix epoch).
    #[must_use]
    pub fn key(&self, group_id: &[u8], now_ns: i64) -> HmacKey {
        let epoch = now_ns.div_euclid(1_000_000_000).div_euclid(EPOCH_SECONDS);
        let mut input = [self.0.as_slice(), group_id].concat();
        let info = [group_id, &epoch.to_le_bytes()].concat();
        let mut key = [0; KEY_BYTES];
        // 42 bytes are far below HKDF's bound of 255 blocks, so expanding can't fail.
        let expanded = Hkdf::<Sha256>::new(Some(SALT), &input).expand(&info, &mut key);
        debug_assert!(expanded.is_ok());
        input.zeroize();
        HmacKey(key)
    }
}

/// `sender_hmac` of a group message: HMAC-SHA256 over its MLS bytes.
#[must_use]
pub fn sender_hmac(key: &HmacKey, data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn keys_are_those_of_the_official_client() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/hmac_keys.json")).unwrap();
        let derivation = &vectors["derivation"];
        let root = STANDARD
            .decode(derivation["root_key"].as_str().unwrap())
            .unwrap();
        let root = HmacRoot::new(root.try_into().unwrap());
        let group_id = hex::decode(derivation["group_id"].as_str().unwrap()).unwrap();
        let keys = derivation["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 3);
        for key in keys {
            let epoch = key["epoch"].as_i64().unwrap();
            let expected = STANDARD.decode(key["key"].as_str().unwrap()).unwrap();
            for second in [epoch * EPOCH_SECONDS, (epoch + 1) * EPOCH_SECONDS - 1] {
                assert_eq!(
                    root.key(&group_id, second * 1_000_000_000).0.to_vec(),
                    expected
                );
            }
        }
    }

    #[test]
    fn an_hmac_depends_on_every_byte() {
        let key = HmacRoot::new([7; KEY_BYTES]).key(b"group", 0);
        assert_eq!(sender_hmac(&key, b"data").len(), 32);
        assert_ne!(sender_hmac(&key, b"data"), sender_hmac(&key, b"datb"));
    }
}
