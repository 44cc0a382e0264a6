//! HPKE for welcomes (`groups.md` 5.2): base mode, HKDF-SHA256, ChaCha20-Poly1305.
//!
//! Not OpenMLS's own HPKE: the network uses X-Wing under the obsolete KEM id `0x004D`, which goes
//! into the key schedule.

use hpke_rs::hpke_types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs::rustcrypto::HpkeRustCrypto;
use hpke_rs::{Hpke, HpkePrivateKey, HpkePublicKey, Mode};
use hpke_rs_crypto::HpkeCrypto;
use openmls::prelude::HpkeCiphertext;
use openmls::prelude::tls_codec::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// TLS struct of label `MLS 1.0 MLS_WELCOME` and an empty context.
const INFO: &[u8] = b"\x13MLS 1.0 MLS_WELCOME\x00";

/// How a welcome is wrapped for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum WrapperAlgorithm {
    /// DHKEM(X25519, HKDF-SHA256); the key is the key package's init key, 32 bytes.
    Curve25519,
    /// X-Wing draft 06 under KEM id `0x004D`; 1216-byte keys.
    XWing,
}

impl WrapperAlgorithm {
    /// Length of a public key in bytes.
    #[must_use]
    pub const fn public_key_len(self) -> usize {
        match self {
            Self::Curve25519 => 32,
            Self::XWing => 1216,
        }
    }

    const fn kem(self) -> KemAlgorithm {
        match self {
            Self::Curve25519 => KemAlgorithm::DhKem25519,
            #[expect(deprecated, reason = "the network stays on the obsolete KEM id")]
            Self::XWing => KemAlgorithm::XWingDraft06Obsolete,
        }
    }

    fn suite(self) -> Hpke<HpkeRustCrypto> {
        Hpke::new(
            Mode::Base,
            self.kem(),
            KdfAlgorithm::HkdfSha256,
            AeadAlgorithm::ChaCha20Poly1305,
        )
    }
}

/// Sealing or opening failed. Says no more: the reason is the business of nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HPKE failed")]
pub(crate) struct HpkeError;

/// A fresh X-Wing key pair.
pub(crate) struct XWingKeyPair {
    /// 1216 bytes.
    pub(crate) public: Vec<u8>,
    /// 32-byte seed.
    pub(crate) private: Zeroizing<Vec<u8>>,
}

pub(crate) fn generate_xwing() -> Result<XWingKeyPair, HpkeError> {
    let mut prng = HpkeRustCrypto::prng();
    let (public, private) = HpkeRustCrypto::kem_key_gen(WrapperAlgorithm::XWing.kem(), &mut prng)
        .map_err(|_| HpkeError)?;
    Ok(XWingKeyPair {
        public,
        private: Zeroizing::new(private),
    })
}

/// Two texts sealed in one context.
pub(crate) struct Sealed {
    /// TLS `HPKECiphertext` of the first text.
    pub(crate) first: Vec<u8>,
    /// Raw ciphertext of the second one.
    pub(crate) second: Vec<u8>,
}

pub(crate) fn seal(
    algorithm: WrapperAlgorithm,
    public_key: &[u8],
    first: &[u8],
    second: &[u8],
) -> Result<Sealed, HpkeError> {
    let (kem_output, mut context) = algorithm
        .suite()
        .setup_sender(&HpkePublicKey::from(public_key), INFO, None, None, None)
        .map_err(|_| HpkeError)?;
    let first = context.seal(&[], first).map_err(|_| HpkeError)?;
    let second = context.seal(&[], second).map_err(|_| HpkeError)?;
    let first = HpkeCiphertext {
        kem_output: kem_output.into(),
        ciphertext: first.into(),
    }
    .tls_serialize_detached()
    .map_err(|_| HpkeError)?;
    Ok(Sealed { first, second })
}

/// Two opened texts.
pub(crate) struct Opened {
    pub(crate) first: Zeroizing<Vec<u8>>,
    pub(crate) second: Option<Vec<u8>>,
}

/// Opens both texts; `second` may be empty, meaning that there is none.
pub(crate) fn open(
    algorithm: WrapperAlgorithm,
    private_key: &[u8],
    first: &[u8],
    second: &[u8],
) -> Result<Opened, HpkeError> {
    // Officials read the struct and ignore what follows; so do we.
    let sealed = HpkeCiphertext::tls_deserialize(&mut &*first).map_err(|_| HpkeError)?;
    let mut context = algorithm
        .suite()
        .setup_receiver(
            sealed.kem_output.as_slice(),
            &HpkePrivateKey::from(private_key),
            INFO,
            None,
            None,
            None,
        )
        .map_err(|_| HpkeError)?;
    let first = context
        .open(&[], sealed.ciphertext.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| HpkeError)?;
    let second = if second.is_empty() {
        None
    } else {
        Some(context.open(&[], second).map_err(|_| HpkeError)?)
    };
    Ok(Opened { first, second })
}

#[cfg(test)]
mod tests;
