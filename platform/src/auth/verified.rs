//! Tokens whose signatures were checked lately: a call to a service should not pay for the same
//! signature again.
//!
//! Kept is what a signed token says, under its whole text and with the key that signed it. What can
//! change is not kept: whoever asks has looked the key up now, and checks the end of the token and of
//! its session each time.

use super::{keys::Checker, tokens::Claims};
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};

/// How many tokens are kept.
const MAX_TOKENS: u64 = 10_000;
/// How long each is kept; most end by then.
const KEPT: Duration = Duration::from_secs(300);

/// What tokens said whose signatures were good.
pub(super) struct Verified(Cache<Box<str>, Signed>);

/// By which key, and what.
#[derive(Clone)]
struct Signed([u8; 32], Arc<Claims>);

impl Default for Verified {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX_TOKENS).time_to_live(KEPT);
        Self(cache.build())
    }
}

impl Verified {
    /// What the token says, when this very key signed it for one of these audiences: remembered, or
    /// found out by `check`, which must check both.
    pub(super) fn claims(
        &self,
        token: &str,
        key: &Checker,
        audiences: &[&str],
        check: impl FnOnce() -> Option<Claims>,
    ) -> Option<Arc<Claims>> {
        if let Some(Signed(public, claims)) = self.0.get(token)
            && public == key.public
            && audiences.contains(&claims.aud.as_str())
        {
            return Some(claims);
        }
        let claims = Arc::new(check()?);
        self.0.insert(token.into(), Signed(key.public, claims.clone()));
        Some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{KeySet, SigningKey};
    use uuid::Uuid;

    fn claims(aud: &str) -> Claims {
        Claims {
            iss: "commons".to_owned(),
            aud: aud.to_owned(),
            sub: Uuid::nil(),
            sid: Some(Uuid::nil()),
            iat: 0,
            exp: 0,
        }
    }

    #[test]
    fn a_signature_is_checked_once_for_each_token_key_and_audience() {
        let (one, two) = (SigningKey::generate(), SigningKey::generate());
        let set = KeySet::new(&one, std::slice::from_ref(&two)).unwrap();
        let (one, two) = (set.checker(one.kid()).unwrap(), set.checker(two.kid()).unwrap());
        let verified = Verified::default();
        let checked = |token, key, audience: &str| {
            let mut checked = false;
            let said = verified.claims(token, key, &[audience], || {
                checked = true;
                Some(claims(audience))
            });
            assert!(said.is_some());
            checked
        };
        assert!(checked("token", one, "a"));
        assert!(!checked("token", one, "a"));
        assert!(checked("another", one, "a"));
        assert!(checked("token", two, "a"));
        assert!(checked("token", two, "b"));
        let either = verified.claims("token", two, &["a", "b"], || None);
        assert_eq!(either.unwrap().aud, "b");
    }

    #[test]
    fn what_does_not_pass_is_not_kept_and_what_does_is_bounded() {
        let key = SigningKey::generate();
        let set = KeySet::new(&key, &[]).unwrap();
        let key = set.checker(key.kid()).unwrap();
        let verified = Verified::default();
        assert!(verified.claims("bad", key, &["a"], || None).is_none());
        assert!(verified.claims("bad", key, &["a"], || None).is_none());
        for number in 0..MAX_TOKENS + 1_000 {
            verified.claims(&number.to_string(), key, &["a"], || Some(claims("a")));
        }
        verified.0.run_pending_tasks();
        assert!(
            verified.0.entry_count() <= MAX_TOKENS,
            "{}",
            verified.0.entry_count()
        );
    }
}
