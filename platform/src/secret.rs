//! The instance's secret: seals what must not be readable in a copy of the database, and gives the
//! processes of an instance keys that each of them has without asking.
//!
//! Sealed is with XChaCha20-Poly1305 under SHA-256 of the secret's text; the nonce stands before the
//! ciphertext. Keys are made by HKDF-SHA256 of the same, one for each purpose.

use crate::config::Config;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use hkdf::Hkdf;
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
pub struct Secret {
    cipher: XChaCha20Poly1305,
    key: [u8; 32],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The secret behind a text of any length.
    pub fn new(text: &str) -> Self {
        let key = Sha256::digest(text.as_bytes());
        Self {
            cipher: XChaCha20Poly1305::new(&key),
            key: key.into(),
        }
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
                make_private(&path, &random_token())?;
                // Another process may have been first: what is in the file counts.
                Ok(Self::new(std::fs::read_to_string(&path)?.trim()))
            }
            Err(error) => Err(error),
        }
    }

    /// A key for one purpose, the same in every process that has the secret.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0u8; 32];
        Hkdf::<Sha256>::new(None, &self.key)
            .expand(purpose.as_bytes(), &mut key)
            .expect("32 bytes are less than HKDF gives at most");
        key
    }

    /// What the processes of an instance show each other, 43 URL-safe characters; see [`crate::internal`].
    pub fn internal_token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.derive("commons internal"))
    }

    /// Seals bytes: 24 bytes of nonce, then the ciphertext.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = nonce.to_vec();
        let text = self
            .cipher
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
        self.cipher
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

/// Makes a file with this text and mode 0600, whole or not at all; one that is there already stays.
fn make_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = folder.join(format!("secret.{}", random_token()));
    write_private(&draft, text)?;
    let made = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    };
    std::fs::remove_file(&draft)?;
    made
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
    fn each_purpose_has_a_key_of_its_own() {
        let secret = Secret::new("a");
        assert_eq!(secret.derive("one"), Secret::new("a").derive("one"));
        assert_ne!(secret.derive("one"), secret.derive("two"));
        assert_ne!(secret.derive("one"), Secret::new("b").derive("one"));
        assert_eq!(secret.internal_token().len(), 43);
    }

    #[test]
    fn processes_that_start_together_have_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::from_toml(&format!("data_dir = {:?}", folder.path())).unwrap();
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let starts = [(); 8].map(|()| scope.spawn(|| Secret::load(&config).unwrap().internal_token()));
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        let files = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(files.count(), 1, "a draft is left behind");
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
