//! The router's hooks: which supergraph a request has, and how its subgraphs are asked: in process, or
//! over the network by a client of ours, which has the deadlines and bounds that the router's has not.
//!
//! Hooks do not run for subscriptions, nor for the entities of their events: for those the router
//! reaches the same subgraphs itself.

use super::Federation;
use bytes::Bytes;
use commons_platform::{ApiError, graphql::Call};
use hive_router::{
    SubgraphHttpResponse, async_trait,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    ntex::http::HttpMessage,
    plugins::{
        hooks::{
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_subgraph_http_request::{OnSubgraphHttpRequestHookPayload, OnSubgraphHttpRequestHookResult},
        },
        plugin_trait::{RouterPlugin, StartHookPayload},
    },
};
use std::{sync::Arc, time::Duration};
use tracing::Instrument;

/// How long a subgraph may take.
const DEADLINE: Duration = Duration::from_secs(25);

/// Answers the router's subgraph requests.
pub(super) struct Subgraphs {
    headers: Arc<HeaderMap>,
}

#[async_trait]
impl RouterPlugin for Subgraphs {
    type Config = ();

    fn plugin_name() -> &'static str {
        "subgraphs"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        payload.initialize_plugin(Self {
            headers: Arc::new(headers),
        })
    }

    fn on_http_request<'req>(
        &'req self,
        payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            let request = &payload.router_http_request;
            if let Some(federation) = request.app_state::<Arc<Federation>>().cloned() {
                payload.set_supergraph(federation.supergraph.clone());
                payload.context.insert(federation);
            }
            let call = request.message_extensions_mut().remove::<Call>();
            if let Some(call) = call {
                payload.context.insert(call);
            }
            payload.proceed()
        })
    }

    async fn on_subgraph_http_request<'exec>(
        &'exec self,
        mut payload: OnSubgraphHttpRequestHookPayload<'exec>,
    ) -> OnSubgraphHttpRequestHookResult<'exec> {
        // Clones: a guard of the context must not live across the await.
        let federation = payload
            .context
            .get_ref::<Arc<Federation>>()
            .map(|federation| federation.as_ref().clone());
        let call = payload
            .context
            .get_ref::<Call>()
            .map(|call| call.as_ref().clone());
        let (Some(federation), Some(call)) = (federation, call) else {
            return payload.proceed();
        };
        let Some(answer) = federation.answers.get(payload.subgraph_name) else {
            return payload.proceed();
        };
        // The caller's runtime has the threads and timers that the subgraph's database needs. A task
        // of its own also means that a write goes on when the client leaves.
        let body = Bytes::from(std::mem::take(&mut payload.body));
        let id = call.origin.request_id.clone();
        let task = federation.runtime.spawn(answer(body, call).in_current_span());
        let body = match tokio::time::timeout(DEADLINE, task).await {
            Ok(Ok(body)) => body,
            Ok(Err(lost)) => failed(payload.subgraph_name, lost.into(), &id),
            Err(elapsed) => failed(payload.subgraph_name, ApiError::unavailable(elapsed), &id),
        };
        let headers = self.headers.clone();
        payload.end_with_response(SubgraphHttpResponse {
            status: StatusCode::OK,
            headers,
            body,
        })
    }
}

fn failed(subgraph: &str, error: ApiError, request_id: &str) -> Bytes {
    tracing::error!(subgraph, "a subgraph gave no answer");
    crate::reply::Reply::refusal(error, request_id).json
}
