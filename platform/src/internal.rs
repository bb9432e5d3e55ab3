//! What the processes of one instance show each other, so that their ports refuse strangers.
//!
//! The token comes from the instance's secret alone ([`Secret::internal_token`]): each process has it
//! without asking. It goes with every call from one process to another, in the header [`TOKEN`] over
//! HTTP, as metadata of the same name over gRPC, and in `connection_init` over WebSocket. Only a call
//! with it may say for whom it is made ([`CLIENT_ADDRESS`], [`REQUEST_ID`]). Who the user is comes from
//! the access token in any case, never from here.

use crate::secret::Secret;
use axum::{
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;

/// The header that has the token.
pub const TOKEN: HeaderName = HeaderName::from_static("x-commons-internal");
/// The address of the client for whom the call is made.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("x-commons-client-address");
/// Names the client's request in the log and in errors.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The instance's internal token; cheap to clone.
#[derive(Clone)]
pub struct InternalToken(Arc<str>);

impl fmt::Debug for InternalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalToken(…)")
    }
}

impl InternalToken {
    /// The token of the instance that has this secret.
    pub fn of(secret: &Secret) -> Self {
        Self(secret.internal_token().into())
    }

    /// Its text, to be sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the token; how long the answer takes tells nothing of it.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// Whether these headers have the token.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get(TOKEN).is_some_and(|given| self.is(given.as_bytes()))
    }
}

/// The answer to a call without the token.
pub(crate) fn stranger() -> Response {
    (StatusCode::UNAUTHORIZED, "unauthorized\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let secret = Secret::new("a");
        let token = InternalToken::of(&secret);
        let text = secret.internal_token();
        assert!(token.is(text.as_bytes()));
        for other in [
            "",
            &text[..42],
            &format!("{text}x"),
            &Secret::new("b").internal_token(),
        ] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert!(!format!("{token:?}").contains(&text));
    }
}
