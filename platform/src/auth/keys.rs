//! Keys that sign and check access tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::RngCore;
use serde_json::json;

/// A stored key cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key in PKCS#8")]
pub struct BadKey;

/// An Ed25519 key with its name.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    private: ed25519_dalek::SigningKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key; its name is the start of its public half.
    pub fn generate() -> Self {
        let mut seed = [0u8; 32];
        rand::rng().fill_bytes(&mut seed);
        let private = ed25519_dalek::SigningKey::from_bytes(&seed);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(&private.verifying_key().as_bytes()[..9]);
        Self { kid, private }
    }

    /// A stored key.
    ///
    /// # Errors
    /// When the bytes are no Ed25519 key in PKCS#8.
    pub fn from_pkcs8(kid: String, der: &[u8]) -> Result<Self, BadKey> {
        let private = ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(|_| BadKey)?;
        Ok(Self { kid, private })
    }

    /// The private key in PKCS#8, to be sealed.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        self.private
            .to_pkcs8_der()
            .expect("an Ed25519 key always has a PKCS#8 form")
            .as_bytes()
            .to_vec()
    }

    /// Its name, `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    fn public_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.private.verifying_key().as_bytes())
    }
}

/// The live keys of a process: all of them check, one signs.
pub struct KeySet {
    signer: (String, EncodingKey),
    checkers: Vec<(String, DecodingKey)>,
    jwks: Vec<u8>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet")
            .field("signer", &self.signer.0)
            .finish_non_exhaustive()
    }
}

impl KeySet {
    /// A set in which `signer` signs and `others` only check.
    ///
    /// # Errors
    /// When a key cannot be read back from its own form.
    pub fn new(signer: &SigningKey, others: &[SigningKey]) -> Result<Self, BadKey> {
        let all = || std::iter::once(signer).chain(others);
        let checkers = all()
            .map(|key| {
                let checker = DecodingKey::from_ed_components(&key.public_text()).map_err(|_| BadKey)?;
                Ok((key.kid.clone(), checker))
            })
            .collect::<Result<_, BadKey>>()?;
        let published: Vec<_> = all()
            .map(|key| json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": key.public_text()}))
            .collect();
        Ok(Self {
            signer: (signer.kid.clone(), EncodingKey::from_ed_der(&signer.to_pkcs8())),
            checkers,
            jwks: json!({ "keys": published }).to_string().into_bytes(),
        })
    }

    pub(super) fn signer(&self) -> (&str, &EncodingKey) {
        (&self.signer.0, &self.signer.1)
    }

    pub(super) fn checker(&self, kid: &str) -> Option<&DecodingKey> {
        self.checkers
            .iter()
            .find(|(name, _)| name == kid)
            .map(|(_, key)| key)
    }

    /// The public halves as a JSON Web Key Set.
    pub fn jwks(&self) -> &[u8] {
        &self.jwks
    }
}
