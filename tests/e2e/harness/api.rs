//! The public address as a client without an account sees it.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const CODES: [&str; 10] = [
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "INVALID",
    "CONFLICT",
    "RATE_LIMITED",
    "OVERLOADED",
    "LAGGED",
    "UNAVAILABLE",
    "INTERNAL",
];

/// What only the inside knows.
const INSIDE: [&str; 8] = [
    "127.0.0.1",
    "subgraph",
    "sqlx",
    "SQLITE",
    "sea_orm",
    "SELECT ",
    "panicked",
    "representations",
];

/// Cheap to clone; all clones follow the house when it moves to other ports.
#[derive(Clone)]
pub(crate) struct Api {
    http: Client,
    gateways: Arc<Mutex<Vec<SocketAddr>>>,
    /// Which gateway, counted around; everybody stays with theirs, as behind a balancer.
    seat: usize,
    next: Arc<AtomicUsize>,
}

impl Api {
    pub(super) fn new() -> Self {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(20));
        Self {
            http: http.build().unwrap(),
            gateways: Arc::default(),
            seat: 0,
            next: Arc::default(),
        }
    }

    pub(super) fn set_gateways(&self, addresses: Vec<SocketAddr>) {
        *self.gateways.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// For one more person: where there are several gateways, each has its turn.
    pub(super) fn for_another(&self) -> Self {
        Self {
            seat: self.next.fetch_add(1, Ordering::Relaxed),
            ..self.clone()
        }
    }

    /// The public address.
    pub(crate) fn address(&self) -> SocketAddr {
        let gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        gateways[self.seat % gateways.len()]
    }

    /// Every gateway answers, and all that it needs.
    pub(super) async fn is_ready(&self) -> bool {
        let gateways = self
            .gateways
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for gateway in gateways {
            let answer = self.http.get(format!("http://{gateway}/ready")).send().await;
            if !answer.is_ok_and(|answer| answer.status().is_success()) {
                return false;
            }
        }
        true
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("http://{}{path}", self.address()))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("http://{}{path}", self.address()))
    }

    /// A request with a query, as somebody or nobody.
    pub(crate) fn request(&self, token: Option<&str>, query: &str, variables: &Value) -> RequestBuilder {
        let request = self
            .post("/graphql")
            .json(&json!({ "query": query, "variables": variables }));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The whole answer to a query.
    pub(crate) async fn ask(&self, token: Option<&str>, query: &str, variables: &Value) -> Value {
        json_of(self.request(token, query, variables).send().await.unwrap()).await
    }
}

pub(crate) async fn json_of(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The extensions of the first error, but for the request's id; the answer must be one.
#[track_caller]
pub(crate) fn refusal(answer: &Value) -> Value {
    let codes = codes(answer);
    assert!(!codes.is_empty(), "no error: {answer:#}");
    let mut extensions = answer["errors"][0]["extensions"].clone();
    let id = extensions.as_object_mut().and_then(|all| all.remove("requestId"));
    assert!(id.is_some_and(|id| id.is_string()), "no request id: {answer:#}");
    extensions
}

/// The codes of all errors of an answer. Each is of the closed set, and nothing of the inside shows.
#[track_caller]
pub(crate) fn codes(answer: &Value) -> Vec<String> {
    let none = Vec::new();
    let errors = answer["errors"].as_array().unwrap_or(&none);
    for error in errors {
        let text = error.to_string();
        assert!(!INSIDE.iter().any(|word| text.contains(word)), "{text}");
        let code = error["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code: {text}"));
        assert!(CODES.contains(&code), "{text}");
    }
    errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap().to_owned())
        .collect()
}

/// All errors of an answer, and there are some, have this code.
#[track_caller]
pub(crate) fn is_only(answer: &Value, code: &str) {
    let codes = codes(answer);
    assert!(
        !codes.is_empty() && codes.iter().all(|found| found == code),
        "{code} wanted: {answer:#}"
    );
}
