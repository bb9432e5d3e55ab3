//! Password hashes: Argon2id on a bounded number of blocking threads.

use crate::Error;
use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use commons_content::Password;
use commons_platform::ApiError;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many hashes run at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turn-taking of password work.
#[derive(Debug, Clone)]
pub(super) struct Passwords(Arc<Semaphore>);

impl Passwords {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// A new hash in PHC form.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move || {
            let salt = SaltString::generate(&mut OsRng);
            Argon2::default()
                .hash_password(password.as_str().as_bytes(), &salt)
                .expect("the parameters are the crate's own and the password is bounded")
                .to_string()
        })
        .await
    }

    /// Whether a text is the password of a hash; without a hash it costs the same and is not.
    pub(super) async fn fits(&self, text: &str, hash: Option<String>) -> Result<bool, Error> {
        // What could not be set as a password fits none; it costs the same, too.
        let (password, hash) = match Password::parse(text) {
            Ok(password) => (password.into_string(), hash),
            Err(_) => (String::new(), None),
        };
        self.run(move || {
            let known = hash.as_deref().unwrap_or(DUMMY);
            let parsed = PasswordHash::new(known).expect("stored hashes and the dummy are in PHC form");
            let fits = Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok();
            fits && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        Ok(done.await.map_err(ApiError::from)?)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        match tokio::time::timeout(PATIENCE, self.0.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(ApiError::internal(closed)),
            Err(_) => Err(ApiError::overloaded()),
        }
    }
}

/// A hash of nothing in particular, with the same parameters as real ones.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGluIHBhcnRpY3VsYXI$lk3DNn5hqzCrUk8kXNGr4LUT4bvbLzPZ5Z6wFYUzhFM";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_fits() {
        let passwords = Passwords::new();
        let hash = passwords
            .hash(Password::parse("correct horse").unwrap())
            .await
            .unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.fits("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.fits("another", Some(hash)).await.unwrap());
        assert!(!passwords.fits("correct horse", None).await.unwrap());
    }
}
