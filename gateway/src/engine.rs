//! The embedded router as a function: an operation and its caller in, an answer or a stream out.
//!
//! Each worker thread has its own instance of the router's web application, without a socket; they
//! share plans, schema and clients. What the router is told is in [`config`], how it asks
//! subgraphs in [`plugin`]. Its own routes, sockets and telemetry are never reached.

mod config;
mod measure;
mod plugin;

use self::measure::Measured;
use crate::{
    GatewayError, Settings, caller,
    operation::Operation,
    reply::Reply,
    settings::Answers,
    sse::{Event, Splitter},
};
use commons_platform::{
    ApiError,
    graphql::Call,
    telemetry::{TracePoint, span},
};
use futures_util::{
    StreamExt,
    future::LocalBoxFuture,
    stream::{self, LocalBoxStream},
};
use hive_router::{
    PluginRegistry, RouterPaths, RouterSharedState, SchemaState,
    background_tasks::BackgroundTasksManager,
    configure_app_from_config, configure_ntex_app,
    http::{Method, StatusCode, Uri},
    init_rustls_crypto_provider, invoke_shutdown_hooks,
    ntex::{
        self, SharedCfg,
        http::{
            HttpMessage, Payload, Request,
            body::{Body, ResponseBody},
            header::{self, HeaderValue},
        },
        service::{IntoServiceFactory, ServiceFactory},
        web::{self, WebResponse},
    },
    plugins::{hooks::on_supergraph_load::Supergraph, plugins_service::PluginService},
    telemetry::{TelemetryContext, traces::set_tracing_enabled},
};
use std::{
    rc::Rc,
    sync::{Arc, Once},
};
use tokio::runtime::Handle;
use tracing::Instrument;

const PATH: &str = "/graphql";

/// The supergraph and how subgraphs are asked; the plugin finds it in each request.
pub(crate) struct Federation {
    supergraph: Arc<Supergraph>,
    answers: Answers,
    runtime: Handle,
}

impl Federation {
    /// Loads the supergraph; subgraphs are asked on `runtime`.
    ///
    /// # Errors
    /// When the text is no supergraph.
    pub(crate) fn load(settings: &Settings, answers: Answers, runtime: Handle) -> Result<Self, GatewayError> {
        let options = config::supergraph_options(settings)?;
        let supergraph = Supergraph::from_sdl("commons", &settings.supergraph, options)
            .map_err(|error| GatewayError::Supergraph(error.into()))?;
        Ok(Self {
            supergraph: Arc::new(supergraph),
            answers,
            runtime,
        })
    }
}

impl Federation {
    /// Where subgraphs are asked.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl std::fmt::Debug for Federation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Federation")
            .field("subgraphs", &self.answers.keys())
            .finish_non_exhaustive()
    }
}

/// The router's state, shared by all workers.
#[derive(Clone)]
pub(crate) struct Router {
    shared: Arc<RouterSharedState>,
    schema: Arc<SchemaState>,
    federation: Arc<Federation>,
}

impl Router {
    /// Starts the router's background tasks on the current ntex system.
    ///
    /// # Errors
    /// When the router does not take its settings.
    pub(crate) async fn start(
        settings: &Settings,
        federation: Arc<Federation>,
        tasks: &mut BackgroundTasksManager,
    ) -> Result<Self, GatewayError> {
        // Once a process: a second try would log an error.
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(init_rustls_crypto_provider);
        set_tracing_enabled(false);
        let config = config::router(settings)?.into_static();
        let telemetry =
            TelemetryContext::from_propagation_config(&config.telemetry.tracing.propagation, &config.log);
        let plugins = PluginRegistry::new().register::<plugin::Subgraphs>();
        let (shared, schema) = configure_app_from_config(config, telemetry, tasks, plugins)
            .await
            .map_err(|error| GatewayError::Router(error.to_string().into()))?;
        Ok(Self {
            shared,
            schema,
            federation,
        })
    }

    /// Tells the router that it is over.
    pub(crate) async fn stop(&self) {
        invoke_shutdown_hooks(&self.shared).await;
    }

    /// The router for one worker thread.
    pub(crate) async fn engine(&self) -> Engine {
        let paths = RouterPaths::new(PATH.to_owned(), None, None);
        let app = web::App::new()
            .middleware(PluginService::new(paths.clone(), None))
            .state(self.shared.clone())
            .state(self.schema.clone())
            .state(self.shared.telemetry_context.clone())
            .state(self.schema.callback_subscriptions.clone())
            .state(self.federation.clone())
            .configure(|routes| configure_ntex_app(routes, &paths, None));
        let pipeline = app
            .into_factory()
            .pipeline(SharedCfg::default())
            .await
            .unwrap_or_else(|()| unreachable!("no route of the router has a start that can fail"));
        let pipeline = Rc::new(pipeline);
        Engine {
            app: Rc::new(move |request| {
                let pipeline = pipeline.clone();
                Box::pin(async move { pipeline.call(request).await })
            }),
        }
    }
}

type App = dyn Fn(Request) -> LocalBoxFuture<'static, Result<WebResponse, web::Error>>;

/// The router of one worker thread.
#[derive(Clone)]
pub(crate) struct Engine {
    app: Rc<App>,
}

/// What an operation gives.
pub(crate) enum Outcome {
    /// One answer, with the status and the content type that the client asked for.
    One {
        status: StatusCode,
        content_type: HeaderValue,
        reply: Reply,
    },
    /// The answers of a subscription.
    Many(Updates),
}

/// A stream that ends after [`Update::Complete`], or without it when the router broke off.
pub(crate) type Updates = LocalBoxStream<'static, Update>;

/// One thing that a subscription has to say.
pub(crate) enum Update {
    Answer(Reply),
    Heartbeat,
    Complete,
}

impl Engine {
    /// Executes an operation; `accept` is what the answer may be, JSON or a stream of events.
    pub(crate) async fn execute(&self, operation: &Operation, call: Call, accept: HeaderValue) -> Outcome {
        let logged = span::request(&call.origin.request_id);
        self.execute_logged(operation, call, accept)
            .instrument(logged)
            .await
    }

    async fn execute_logged(&self, operation: &Operation, mut call: Call, accept: HeaderValue) -> Outcome {
        let id = call.origin.request_id.clone();
        let about = operation.about();
        let measured = Measured::begin(about.kind);
        let traced = span::gateway(about.kind, about.name.as_deref(), &id);
        call.origin.trace = traced.in_scope(TracePoint::here);
        let request = request(operation, call, accept);
        let outcome = match (self.app)(request).instrument(traced.clone()).await {
            Ok(response) => read(response, id).await,
            Err(error) => {
                tracing::error!(%error, "the router failed");
                broken(&id)
            }
        };
        span::settle(&traced, measured.end(&outcome));
        outcome
    }
}

/// The router's request: made from nothing but what was checked.
fn request(operation: &Operation, call: Call, accept: HeaderValue) -> Request {
    let body = ntex::util::Bytes::from(operation.to_json());
    let mut request = Request::with_payload(Payload::Stream(Box::pin(stream::iter([Ok(body)]))));
    let head = request.head_mut();
    head.method = Method::POST;
    head.uri = Uri::from_static(PATH);
    let headers = &mut head.headers;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, accept);
    caller::tell(&call, |name, value| {
        // A value that no header can hold must fail the check, not pass as anonymous.
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("malformed"));
        headers.insert(name, value);
    });
    request.message_extensions_mut().insert(call);
    request
}

async fn read(mut response: WebResponse, id: Arc<str>) -> Outcome {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
    let kind = content_type
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let body = response.take_body();
    if kind.starts_with("text/event-stream") {
        return Outcome::Many(updates(body, id));
    }
    let Some(content_type) = content_type.clone().filter(|_| kind.contains("json")) else {
        // Only its limit on long-lived clients answers with plain text.
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return refused(StatusCode::SERVICE_UNAVAILABLE, ApiError::overloaded(), &id);
        }
        tracing::error!(%status, kind, "the router's answer is no JSON");
        return broken(&id);
    };
    match collect(body).await {
        Some(json) => Outcome::One {
            status,
            content_type,
            reply: Reply::of_router(json, &id),
        },
        None => broken(&id),
    }
}

async fn collect(body: ResponseBody<Body>) -> Option<bytes::Bytes> {
    match Body::from(body) {
        Body::Bytes(bytes) => Some(bytes::Bytes::copy_from_slice(&bytes)),
        body => {
            let mut chunks = ResponseBody::<Body>::from(body);
            let mut whole = Vec::new();
            while let Some(chunk) = chunks.next().await {
                whole.extend_from_slice(&chunk.ok()?);
            }
            Some(whole.into())
        }
    }
}

fn updates(body: ResponseBody<Body>, id: Arc<str>) -> Updates {
    let state = (body, Splitter::default(), id);
    let updates = stream::unfold(state, async |(mut body, mut splitter, id)| {
        loop {
            if let Some(event) = splitter.pop() {
                let update = match event {
                    Event::Next(json) => Update::Answer(Reply::of_router(json, &id)),
                    Event::Heartbeat => Update::Heartbeat,
                    Event::Complete => Update::Complete,
                };
                return Some((update, (body, splitter, id)));
            }
            match body.next().await? {
                Ok(chunk) => splitter.push(&chunk),
                Err(error) => {
                    tracing::error!(request_id = %id, %error, "the router's stream broke");
                    return None;
                }
            }
        }
    });
    updates.boxed_local()
}

/// An outcome that the gateway itself decides.
pub(crate) fn refused(status: StatusCode, error: ApiError, id: &str) -> Outcome {
    json(status, Reply::refusal(error, id))
}

fn broken(id: &str) -> Outcome {
    json(StatusCode::INTERNAL_SERVER_ERROR, Reply::broken(id))
}

fn json(status: StatusCode, reply: Reply) -> Outcome {
    Outcome::One {
        status,
        content_type: HeaderValue::from_static("application/json"),
        reply,
    }
}
