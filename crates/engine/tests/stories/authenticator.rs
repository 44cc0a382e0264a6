//! A passkey as a browser and its authenticator keep it (WebAuthn level 2, identity.md 3.4). The
//! tests of the command line use it as well.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use sha2::{Digest as _, Sha256};

/// Flag "user present" of the authenticator data.
const USER_PRESENT: u8 = 1;

pub(crate) struct Authenticator {
    key: SigningKey,
    /// Of the page that asks.
    pub(crate) origin: String,
    /// What it says of the person beside it.
    pub(crate) flags: u8,
}

/// What `navigator.credentials.get` answers.
pub(crate) struct Assertion {
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) client_data_json: Vec<u8>,
    /// ASN.1 DER.
    pub(crate) signature: Vec<u8>,
}

impl Authenticator {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[seed; 32]).unwrap(),
            origin: "https://conclave.example".to_owned(),
            flags: USER_PRESENT,
        }
    }

    /// The public key with both coordinates, as browsers give it.
    pub(crate) fn key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        point.as_bytes().to_vec()
    }

    /// The public key as inboxes name it.
    pub(crate) fn compressed(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(true);
        point.as_bytes().to_vec()
    }

    /// Signs with the text as the challenge.
    pub(crate) fn sign(&self, text: &str) -> Assertion {
        let client_data = serde_json::json!({
            "type": "webauthn.get",
            "challenge": URL_SAFE_NO_PAD.encode(text),
            "origin": self.origin,
            "crossOrigin": false,
        });
        let client_data_json = serde_json::to_vec(&client_data).unwrap();
        let site = Sha256::digest("conclave.example");
        let authenticator_data = [&site[..], &[self.flags], &[0; 4]].concat();
        let signed = [
            &authenticator_data[..],
            &Sha256::digest(&client_data_json)[..],
        ]
        .concat();
        let signature: Signature = self.key.sign(&signed);
        Assertion {
            authenticator_data,
            client_data_json,
            signature: signature.to_der().as_bytes().to_vec(),
        }
    }
}
