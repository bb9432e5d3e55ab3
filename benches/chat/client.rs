//! A GraphQL client over one kept-alive connection. It costs as little as it can: it shares the
//! machine with what it measures.

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

/// Asks the gateway as somebody, or as nobody.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    /// The `authorization` value.
    pub(crate) authorization: Option<String>,
}

impl Client {
    /// A client that keeps one connection open.
    pub(crate) fn new(base: &str, authorization: Option<String>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(1)
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            url: format!("{base}/graphql"),
            authorization,
        })
    }

    /// The data of an answer that must have no errors.
    pub(crate) async fn data(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let answer = self.answer(body(document, variables)).await?;
        let mut answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["data"].take())
    }

    /// The bytes of an answer that must have no errors; they are looked through, not parsed.
    pub(crate) async fn answer(&self, body: Bytes) -> anyhow::Result<Bytes> {
        let mut request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await?;
        let status = response.status();
        let answer = response.bytes().await?;
        let text = str::from_utf8(&answer).context("an answer that is no text")?;
        if !status.is_success() || text.contains("\"errors\"") {
            bail!("{status}: {text}");
        }
        Ok(answer)
    }
}

/// A request's body.
pub(crate) fn body(document: &str, variables: Value) -> Bytes {
    json!({ "query": document, "variables": variables })
        .to_string()
        .into()
}
