//! Following the keys that the user service publishes.
//!
//! They are asked for at the start, every minute, and at once when a token names a key that is not
//! there, but no more often than once a second: strangers can name any key. While the source does not
//! answer, the keys that are there go on.

use super::{BadKey, KeySet, Tokens};
use crate::task::Guard;
use reqwest::{Client, redirect};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

const EVERY: Duration = Duration::from_secs(60);
/// How soon a source that failed is asked again.
const AGAIN: Duration = Duration::from_secs(5);
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(3);
/// How long a key set may be, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Keeps the keys of `tokens` as `url` publishes them, until the guard is dropped.
///
/// # Errors
/// When no HTTP client can be made.
pub fn follow_jwks(tokens: Arc<Tokens>, url: String) -> Result<Guard, reqwest::Error> {
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(DEADLINE)
        .build()?;
    Ok(Guard::background("keys", follow(tokens, client, url)))
}

async fn follow(tokens: Arc<Tokens>, client: Client, url: String) {
    loop {
        let asked = Instant::now();
        let wait = match fetch(&client, &url).await {
            Ok(keys) => {
                tokens.set_keys(keys);
                EVERY
            }
            Err(error) => {
                tracing::warn!(%url, %error, "the signing keys could not be asked for");
                if tokens.has_keys() { AGAIN } else { AT_MOST_EVERY }
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = tokens.unknown_key() => sleep_until(asked + AT_MOST_EVERY).await,
        }
    }
}

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no answer")]
    Http(#[from] reqwest::Error),
    #[error("the answer is longer than {MAX_BODY} bytes")]
    TooLong,
    #[error(transparent)]
    BadKey(#[from] BadKey),
}

async fn fetch(client: &Client, url: &str) -> Result<KeySet, FetchError> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(KeySet::from_jwks(&body)?)
}
