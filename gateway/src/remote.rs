//! A subgraph that is a process of its own: queries and mutations as HTTP calls.
//!
//! Connections are kept and used again. What can't be had is `UNAVAILABLE` after a deadline, and so
//! many calls wait for one subgraph at most, so that one that hangs does not take the others with it.
//! Nothing is sent twice: a call that fails may have been carried out. Subscriptions do not come this
//! way; the router opens sockets for them itself.

use crate::{GatewayError, caller, reply::Reply};
use bytes::Bytes;
use commons_platform::{
    ApiError,
    graphql::Call,
    internal::{self, InternalToken},
};
use hive_router::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use reqwest::{Client, redirect};
use std::time::Duration;
use tokio::sync::Semaphore;

const CONNECT: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(10);
/// How many calls may wait for one subgraph.
const MAX_CALLS: usize = 1024;

/// One subgraph over the network.
pub(crate) struct Remote {
    name: String,
    url: String,
    token: HeaderValue,
    client: Client,
    places: Semaphore,
}

/// Why a subgraph gave no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("subgraph {0} does not answer")]
    Silent(String, #[source] reqwest::Error),
    #[error("subgraph {0} does not know our internal token: do both have the same COMMONS_SECRET?")]
    Stranger(String),
    #[error("subgraph {0} answered with {1}")]
    Status(String, StatusCode),
}

impl Remote {
    /// The subgraph at `url`.
    ///
    /// # Errors
    /// When that is not `http://host:port/graphql`.
    pub(crate) fn new(name: &str, url: &str, internal: &InternalToken) -> Result<Self, GatewayError> {
        let wrong = || GatewayError::Upstream {
            name: name.to_owned(),
            url: url.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") || uri.path() != "/graphql" || uri.query().is_some() {
            return Err(wrong());
        }
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .build()
            .map_err(|_| wrong())?;
        Ok(Self {
            name: name.to_owned(),
            url: url.to_owned(),
            token: HeaderValue::try_from(internal.as_str()).expect("it is URL-safe text"),
            client,
            places: Semaphore::new(MAX_CALLS),
        })
    }

    /// GraphQL JSON in, GraphQL JSON out, whatever happens.
    pub(crate) async fn answer(&self, body: Bytes, call: Call) -> Bytes {
        match self.ask(body, &call).await {
            Ok(answer) => answer,
            Err(error) => Reply::refusal(error, &call.origin.request_id).json,
        }
    }

    async fn ask(&self, body: Bytes, call: &Call) -> Result<Bytes, ApiError> {
        let _place = self.places.try_acquire().map_err(|_| ApiError::overloaded())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(internal::TOKEN, self.token.clone());
        caller::tell(call, |name, value| {
            // A value that no header can hold must fail the check, not pass as anonymous.
            let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("malformed"));
            headers.insert(name, value);
        });
        let request = self.client.post(&self.url).headers(headers).body(body);
        let silent = |error: reqwest::Error| {
            ApiError::unavailable(NoAnswer::Silent(self.name.clone(), error.without_url()))
        };
        let response = request.send().await.map_err(silent)?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                return Err(ApiError::unavailable(NoAnswer::Stranger(self.name.clone())));
            }
            status if status.is_success() || is_json(response.headers()) => {}
            status => return Err(ApiError::unavailable(NoAnswer::Status(self.name.clone(), status))),
        }
        response.bytes().await.map_err(silent)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Upstream;
    use commons_platform::secret::Secret;

    #[test]
    fn an_address_is_a_place_and_nothing_else() {
        let token = InternalToken::of(&Secret::new("a"));
        let check = |base| Remote::new("user", &Upstream::remote("user", base).url, &token);
        for good in ["http://user:8005", "http://[::1]:1/", "http://user"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "user:8005",
            "https://user",
            "http://",
            "http://user/more",
            "http://user?x",
        ] {
            assert!(matches!(check(bad), Err(GatewayError::Upstream { .. })), "{bad}");
        }
    }
}
