//! A client of one subgraph, in process: documents in, JSON out.

use crate::{Identity, world};
use async_graphql::{Request, Variables};
use commons_platform::graphql::{Call, Subgraph};
use futures_util::{StreamExt, stream::BoxStream};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// Asks a subgraph as somebody, or as nobody.
#[derive(Debug, Clone)]
pub struct Client<'s> {
    subgraph: &'s Subgraph,
    authorization: Option<String>,
    address: IpAddr,
    device: Option<Arc<str>>,
}

impl<'s> Client<'s> {
    /// A client without a token.
    pub fn anonymous(subgraph: &'s Subgraph) -> Self {
        Self::asking(subgraph, None)
    }

    /// A client with an identity's token.
    pub fn of(subgraph: &'s Subgraph, identity: &Identity) -> Self {
        Self::with(subgraph, format!("Bearer {}", identity.token))
    }

    /// A client with any `authorization` value.
    pub fn with(subgraph: &'s Subgraph, authorization: impl Into<String>) -> Self {
        Self::asking(subgraph, Some(authorization.into()))
    }

    /// The same client at another address.
    #[must_use]
    pub fn at(self, address: impl Into<IpAddr>) -> Self {
        Self {
            address: address.into(),
            ..self
        }
    }

    /// The same client, which calls itself this.
    #[must_use]
    pub fn on(self, device: &str) -> Self {
        Self {
            device: Some(device.into()),
            ..self
        }
    }

    fn asking(subgraph: &'s Subgraph, authorization: Option<String>) -> Self {
        Self {
            subgraph,
            authorization,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            device: None,
        }
    }

    /// The whole response.
    pub async fn send(&self, document: &str, variables: Value) -> Value {
        let body = serde_json::json!({ "query": document, "variables": variables }).to_string();
        let answer = self.subgraph.answer(body.as_bytes(), self.call()).await;
        serde_json::from_slice(&answer).unwrap()
    }

    /// The data of a response that must have no errors.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let mut response = self.send(document, variables).await;
        assert!(response.get("errors").is_none(), "{document}: {response:#}");
        response["data"].take()
    }

    /// The extensions of the first error of a response that must have one.
    pub async fn error(&self, document: &str, variables: Value) -> Value {
        let mut response = self.send(document, variables).await;
        assert!(
            response.get("errors").is_some(),
            "{document}: no error in {response:#}"
        );
        response["errors"][0]["extensions"].take()
    }

    /// A subscription's responses.
    pub fn subscribe(&self, document: &str, variables: Value) -> BoxStream<'static, Value> {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let call = self.call();
        let actor = self.subgraph.actor_of(&call).unwrap();
        self.subgraph
            .stream(request, actor, call.origin)
            .map(|response| serde_json::to_value(response).unwrap())
            .boxed()
    }

    fn call(&self) -> Call {
        let mut call = world::call(self.authorization.clone());
        call.origin.address = self.address;
        call.origin.device = self.device.clone();
        call
    }
}
