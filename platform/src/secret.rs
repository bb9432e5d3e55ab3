//! The instance's secret: seals what must not be readable in a copy of the database.
//!
//! XChaCha20-Poly1305 under SHA-256 of the secret's text; the nonce stands before the ciphertext.

use crate::config::Config;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use rand::RngCore;
use sha2::{Digest, Sha256};
use std::{io, path::Path};

const NONCE: usize = 24;

/// What was sealed cannot be opened: another secret, or altered bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another secret, or altered")]
pub struct Unsealable;

/// The instance's secret.
#[derive(Clone)]
pub struct Secret(XChaCha20Poly1305);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The secret behind a text of any length.
    pub fn new(text: &str) -> Self {
        Self(XChaCha20Poly1305::new(&Sha256::digest(text.as_bytes())))
    }

    /// The configured secret, or the one in `<data_dir>/secret`, made with mode 0600 when missing.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub fn load(config: &Config) -> io::Result<Self> {
        if !config.auth.secret.is_empty() {
            return Ok(Self::new(&config.auth.secret));
        }
        let path = config.data_dir.join("secret");
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= 32 => Ok(Self::new(text.trim())),
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is too short", path.display()),
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = random_token();
                write_private(&path, &text)?;
                Ok(Self::new(&text))
            }
            Err(error) => Err(error),
        }
    }

    /// Seals bytes: 24 bytes of nonce, then the ciphertext.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = nonce.to_vec();
        let text = self
            .0
            .encrypt(XNonce::from_slice(&nonce), plain)
            .expect("a key fits into memory many times");
        sealed.extend(text);
        sealed
    }

    /// Opens what [`Secret::seal`] made.
    ///
    /// # Errors
    /// When another secret sealed it, or it was altered.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
        self.0
            .decrypt(XNonce::from_slice(nonce), text)
            .map_err(|_| Unsealable)
    }
}

/// 256 random bits as 43 URL-safe characters: refresh tokens, claim tokens.
pub fn random_token() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 of a token: what the database holds of it.
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::{fs::OpenOptions, io::Write};
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_opens() {
        let sealed = Secret::new("a").seal(b"key");
        assert_eq!(Secret::new("a").open(&sealed).unwrap(), b"key");
        assert_eq!(Secret::new("b").open(&sealed), Err(Unsealable));
        let mut altered = sealed.clone();
        altered[NONCE] ^= 1;
        assert_eq!(Secret::new("a").open(&altered), Err(Unsealable));
        assert_eq!(Secret::new("a").open(b"short"), Err(Unsealable));
        assert_ne!(sealed, Secret::new("a").seal(b"key"));
    }

    #[test]
    fn a_made_secret_is_private_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::from_toml(&format!("data_dir = {:?}", folder.path())).unwrap();
        let sealed = Secret::load(&config).unwrap().seal(b"x");
        assert_eq!(Secret::load(&config).unwrap().open(&sealed).unwrap(), b"x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join("secret"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
