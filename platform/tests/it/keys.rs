//! Following the keys that another process publishes.

use axum::{Router, http::StatusCode, routing::get};
use commons_platform::{
    auth::{KeySet, SigningKey, Tokens, follow_jwks},
    clock::SystemClock,
    config::Config,
    secret::Secret,
    task::{self, Guard},
};
use std::{
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

/// The user service, as far as its keys go.
struct Source {
    tokens: Tokens,
    /// What it answers; 500 when none.
    published: Arc<Mutex<Option<Vec<u8>>>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Source {
    async fn start() -> Self {
        let (published, asked) = (
            Arc::<Mutex<Option<Vec<u8>>>>::default(),
            Arc::<AtomicUsize>::default(),
        );
        let routes = Router::new().route(
            "/keys",
            get({
                let (published, asked) = (published.clone(), asked.clone());
                async move || {
                    asked.fetch_add(1, SeqCst);
                    let published = published.lock().unwrap().clone();
                    published.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
                }
            }),
        );
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        task::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            tokens: tokens(),
            published,
            asked,
            url,
        }
    }

    /// Signs with a new key from now on, and publishes that one alone.
    fn change(&self) {
        self.tokens
            .set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
        self.publish(Some(self.tokens.jwks().unwrap()));
    }

    fn publish(&self, keys: Option<Vec<u8>>) {
        *self.published.lock().unwrap() = keys;
    }

    fn token(&self) -> String {
        let token = self.tokens.issue(Uuid::from_u128(1), Uuid::from_u128(2)).unwrap();
        format!("Bearer {}", token.text)
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    fn follow(&self) -> (Arc<Tokens>, Guard) {
        let tokens = Arc::new(tokens());
        let guard = follow_jwks(tokens.clone(), self.url.clone()).unwrap();
        (tokens, guard)
    }
}

fn tokens() -> Tokens {
    let config = Config::from_toml("").unwrap();
    let clock = Arc::new(SystemClock::default());
    Tokens::new(&config.auth, &Secret::new("a secret of the tests"), clock)
}

async fn becomes(what: &str, so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < SOON, "{what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn keys_come_when_their_source_does() {
    let source = Source::start().await;
    let (tokens, _guard) = source.follow();
    becomes("it asks and asks again", || source.asked() >= 2).await;
    assert!(!tokens.has_keys());
    source.change();
    becomes("the keys come", || tokens.has_keys()).await;
    assert!(tokens.actor(Some(&source.token())).is_ok());
    assert!(tokens.issue(Uuid::nil(), Uuid::nil()).is_err(), "it only checks");
    assert_eq!(tokens.jwks(), source.tokens.jwks());
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_at_once_and_not_more_than_once_a_second() {
    let source = Source::start().await;
    source.change();
    let (tokens, _guard) = source.follow();
    becomes("the keys come", || tokens.has_keys()).await;
    let old = source.token();
    assert!(tokens.actor(Some(&old)).is_ok());
    source.change();
    let new = source.token();
    becomes("the new key is known", || tokens.actor(Some(&new)).is_ok()).await;
    assert!(
        tokens.actor(Some(&old)).is_err(),
        "a key that is gone counts no more"
    );

    // Strangers may name any key as often as they like.
    let stranger = self::tokens();
    stranger.set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
    let forged = format!(
        "Bearer {}",
        stranger.issue(Uuid::nil(), Uuid::nil()).unwrap().text
    );
    let (begin, before) = (Instant::now(), source.asked());
    becomes("it asks again", || {
        assert!(tokens.actor(Some(&forged)).is_err());
        source.asked() >= before + 3
    })
    .await;
    assert!(
        begin.elapsed() >= Duration::from_millis(1_900),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn keys_stay_while_their_source_is_away() {
    let source = Source::start().await;
    source.change();
    let (tokens, _guard) = source.follow();
    becomes("the keys come", || tokens.has_keys()).await;
    let (good, keys) = (source.token(), tokens.jwks());
    let long = vec![b' '; 100_000];
    for broken in [
        None,
        Some(Vec::new()),
        Some(b"{\"keys\":[]}".to_vec()),
        Some(long),
    ] {
        source.publish(broken);
        let before = source.asked();
        // A token that names another key makes it ask.
        let other = Source {
            tokens: self::tokens(),
            published: Arc::default(),
            asked: Arc::default(),
            url: String::new(),
        };
        other.change();
        let unknown = other.token();
        becomes("it asks", || {
            assert!(tokens.actor(Some(&unknown)).is_err());
            source.asked() > before + 1
        })
        .await;
        assert_eq!(tokens.jwks(), keys);
        assert!(tokens.actor(Some(&good)).is_ok());
    }
}
