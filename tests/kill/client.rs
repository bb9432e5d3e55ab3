//! What every client has: the gateways, a token, and requests that may fail in any way.

use crate::{
    ledger::Ledger,
    process::lock,
    socket::{Broken, Socket},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::timeout;

/// How long a client waits for one answer before it asks elsewhere.
pub(crate) const ANSWER: Duration = Duration::from_millis(2500);

/// How a request ended.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Data without errors.
    Data(Value),
    /// The code of the first error, and the whole answer.
    Refused(String, Value),
    /// No answer: the connection broke or nothing came in time.
    None,
}

impl Answer {
    fn of(mut answer: Value) -> Self {
        let Some(error) = answer["errors"].get(0) else {
            return Self::Data(answer["data"].take());
        };
        let code = error["extensions"]["code"].as_str().unwrap_or("without a code");
        Self::Refused(code.to_owned(), answer)
    }
}

/// Somebody with an account; cheap to clone, and all clones have the newest token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) username: String,
    pub(crate) ledger: Arc<Ledger>,
    gateways: Arc<[SocketAddr]>,
    http: reqwest::Client,
    token: Arc<Mutex<String>>,
}

impl Client {
    /// Somebody without a token yet.
    pub(crate) fn new(username: &str, gateways: &[SocketAddr], ledger: &Arc<Ledger>) -> anyhow::Result<Self> {
        Ok(Self {
            username: username.to_owned(),
            ledger: ledger.clone(),
            gateways: gateways.into(),
            http: reqwest::Client::builder().no_proxy().build()?,
            token: Arc::default(),
        })
    }

    pub(crate) fn gateways(&self) -> usize {
        self.gateways.len()
    }

    pub(crate) fn set_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.token));
    }

    /// One request over HTTP.
    pub(crate) async fn ask(&self, gateway: usize, query: &str, variables: &Value) -> Answer {
        self.ask_within(ANSWER, gateway, query, variables).await
    }

    /// One request over HTTP that may take longer.
    pub(crate) async fn ask_within(
        &self,
        time: Duration,
        gateway: usize,
        query: &str,
        variables: &Value,
    ) -> Answer {
        let request = self
            .http
            .post(format!("http://{}/graphql", self.gateways[gateway]));
        let request = request.timeout(time);
        let token = lock(&self.token).clone();
        let request = match token.as_str() {
            "" => request,
            token => request.bearer_auth(token),
        };
        let request = request.json(&json!({ "query": query, "variables": variables }));
        let Ok(answer) = request.send().await else {
            return Answer::None;
        };
        match answer.json().await {
            Ok(answer) => Answer::of(answer),
            Err(_) => Answer::None,
        }
    }

    /// One request over a socket, which is opened when there is none and forgotten when it breaks.
    pub(crate) async fn ask_over(
        &self,
        socket: &mut Option<Socket>,
        gateway: usize,
        query: &str,
        variables: &Value,
    ) -> Answer {
        let talk = async {
            let socket = match socket {
                Some(socket) => socket,
                None => socket.insert(self.socket(gateway).await?),
            };
            socket.ask(query, variables).await
        };
        match timeout(ANSWER, talk).await {
            Ok(Ok(answer)) => Answer::of(answer),
            broken => {
                if let Ok(Err(broken)) = broken {
                    self.ledger.socket_ended(&broken);
                }
                *socket = None;
                Answer::None
            }
        }
    }

    /// A socket of this client.
    pub(crate) async fn socket(&self, gateway: usize) -> Result<Socket, Broken> {
        let token = lock(&self.token).clone();
        Socket::open(self.gateways[gateway], &token).await
    }
}

/// The document of a mutation whose input is named as it is.
pub(crate) fn mutation(field: &str, selection: &str) -> String {
    let ty = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    format!("mutation($input: {ty}!) {{ {field}(input: $input) {{ {selection} }} }}")
}
