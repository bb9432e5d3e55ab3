//! Keys that sign and check access tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How many published keys are taken.
const MAX_PUBLISHED: usize = 16;

/// A stored or published key cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key, or no set of them")]
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

    /// The key that whoever has the seed can make.
    pub(super) fn from_seed(kid: &str, seed: &[u8; 32]) -> Self {
        Self {
            kid: kid.to_owned(),
            private: ed25519_dalek::SigningKey::from_bytes(seed),
        }
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

/// The public half of a key.
pub(super) struct Checker {
    kid: String,
    pub(super) public: [u8; 32],
    pub(super) key: DecodingKey,
}

/// The live keys of a process: all of them check, one signs or none.
pub struct KeySet {
    signer: Option<(String, EncodingKey)>,
    checkers: Vec<Checker>,
    jwks: Vec<u8>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet")
            .field("signer", &self.signer.as_ref().map(|(kid, _)| kid))
            .finish_non_exhaustive()
    }
}

/// A JSON Web Key Set.
#[derive(Serialize, Deserialize)]
struct Published {
    keys: Vec<PublishedKey>,
}

/// One key of it; only the first four of ours are looked at.
#[derive(Serialize, Deserialize)]
struct PublishedKey {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
    #[serde(rename = "use", default)]
    usage: String,
    #[serde(default)]
    alg: String,
}

impl PublishedKey {
    fn of(key: &SigningKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: key.kid.clone(),
            x: key.public_text(),
            usage: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        }
    }

    fn is_ed25519(&self) -> bool {
        self.kty == "OKP" && self.crv == "Ed25519" && !self.kid.is_empty()
    }
}

impl KeySet {
    /// A set in which `signer` signs and `others` only check.
    ///
    /// # Errors
    /// When a key cannot be read back from its own form.
    pub fn new(signer: &SigningKey, others: &[SigningKey]) -> Result<Self, BadKey> {
        let all = std::iter::once(signer).chain(others);
        let mut set = Self::published(all.map(PublishedKey::of).collect())?;
        set.signer = Some((signer.kid.clone(), EncodingKey::from_ed_der(&signer.to_pkcs8())));
        Ok(set)
    }

    /// The keys that another process publishes: they check, none signs. Keys of another kind are left out.
    ///
    /// # Errors
    /// When this is no JSON Web Key Set, holds no Ed25519 key or too many, or one that is none.
    pub fn from_jwks(json: &[u8]) -> Result<Self, BadKey> {
        let published: Published = serde_json::from_slice(json).map_err(|_| BadKey)?;
        let keys: Vec<_> = published
            .keys
            .into_iter()
            .filter(PublishedKey::is_ed25519)
            .collect();
        if keys.is_empty() || keys.len() > MAX_PUBLISHED {
            return Err(BadKey);
        }
        Self::published(keys)
    }

    fn published(keys: Vec<PublishedKey>) -> Result<Self, BadKey> {
        let checker = |key: &PublishedKey| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&key.x).map_err(|_| BadKey)?;
            let public: [u8; 32] = bytes.as_slice().try_into().map_err(|_| BadKey)?;
            ed25519_dalek::VerifyingKey::from_bytes(&public).map_err(|_| BadKey)?;
            Ok(Checker {
                kid: key.kid.clone(),
                public,
                key: DecodingKey::from_ed_components(&key.x).map_err(|_| BadKey)?,
            })
        };
        let names: HashSet<_> = keys.iter().map(|key| &key.kid).collect();
        if names.len() < keys.len() {
            return Err(BadKey);
        }
        Ok(Self {
            signer: None,
            checkers: keys.iter().map(checker).collect::<Result<_, BadKey>>()?,
            jwks: serde_json::to_vec(&Published { keys }).expect("texts are JSON"),
        })
    }

    pub(super) fn signer(&self) -> Option<(&str, &EncodingKey)> {
        self.signer.as_ref().map(|(kid, key)| (kid.as_str(), key))
    }

    pub(super) fn checker(&self, kid: &str) -> Option<&Checker> {
        self.checkers.iter().find(|checker| checker.kid == kid)
    }

    /// The public halves as a JSON Web Key Set.
    pub fn jwks(&self) -> &[u8] {
        &self.jwks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_are_read_back() {
        let (signer, other) = (SigningKey::generate(), SigningKey::generate());
        let set = KeySet::new(&signer, std::slice::from_ref(&other)).unwrap();
        let read = KeySet::from_jwks(set.jwks()).unwrap();
        assert!(read.signer().is_none());
        assert!(read.checker(signer.kid()).is_some() && read.checker(other.kid()).is_some());
        assert!(read.checker("another").is_none());
        assert_eq!(read.jwks(), set.jwks());
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        let key = SigningKey::generate();
        let good = serde_json::to_value(PublishedKey::of(&key)).unwrap();
        let with = |name: &str, value: &str| {
            let mut key = good.clone();
            key[name] = value.into();
            key
        };
        let many: Vec<_> = (0..=MAX_PUBLISHED)
            .map(|number| with("kid", &number.to_string()))
            .collect();
        for keys in [
            vec![],
            vec![with("kty", "RSA")],
            vec![with("crv", "P-256")],
            vec![with("kid", "")],
            vec![with("x", "AAAA")],
            vec![with("x", "not base 64")],
            vec![good.clone(), good.clone()],
            many,
        ] {
            let json = serde_json::json!({ "keys": keys }).to_string();
            assert!(KeySet::from_jwks(json.as_bytes()).is_err(), "{json}");
        }
        let mixed = serde_json::json!({ "keys": [{ "kty": "RSA", "n": "1" }, good] }).to_string();
        assert!(KeySet::from_jwks(mixed.as_bytes()).is_ok());
        for text in ["", "[]", "{}", "{\"keys\":1}"] {
            assert!(KeySet::from_jwks(text.as_bytes()).is_err(), "{text}");
        }
    }
}
