//! Serving a schema: limits before parsing, identity, one context a request, HTTP and WebSocket.
//!
//! A [`Subgraph`] answers in process ([`Subgraph::answer`]) and over the network ([`Subgraph::router`]);
//! both take the same way through [`guard`], [`limits`] and the token check.

mod documents;
pub mod guard;
mod http;
pub mod kept;
pub mod limits;
mod socket;

use self::documents::Documents;
use crate::{
    ApiError, Code, Cx, Origin, Platform,
    auth::Actor,
    cx::Service,
    internal::InternalToken,
    telemetry::{
        operation::{Operations, Running},
        span,
    },
};
use async_graphql::{ObjectType, Request, Response, Schema, ServerError, SubscriptionType, Value};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use std::{str::FromStr, sync::Arc};
use tracing::{Instrument, Span};

pub use http::{MAX_BODY, MAX_INTERNAL_BODY};

/// What a caller of a subgraph asserts beside the document.
#[derive(Debug, Clone)]
pub struct Call {
    /// The `authorization` value, as it came.
    pub authorization: Option<String>,
    /// Where the request comes from.
    pub origin: Origin,
}

/// A domain's schema, ready to answer; cheap to clone.
#[derive(Clone)]
pub struct Subgraph(Arc<Inner>);

struct Inner {
    name: &'static str,
    sdl: String,
    platform: Platform,
    token: InternalToken,
    engine: Box<dyn Engine>,
    documents: Documents,
    operations: Arc<Operations>,
}

impl std::fmt::Debug for Subgraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subgraph")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

/// A schema with its service, whatever their types.
trait Engine: Send + Sync {
    fn execute(&self, request: Request, actor: Actor, origin: Origin) -> BoxFuture<'static, Response>;
    fn stream(&self, request: Request, actor: Actor, origin: Origin) -> BoxStream<'static, Response>;
}

struct Served<Q, M, Sub, S> {
    schema: Schema<Q, M, Sub>,
    service: Arc<S>,
}

impl<Q, M, Sub, S> Engine for Served<Q, M, Sub, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    Sub: SubscriptionType + 'static,
    S: Service,
{
    fn execute(&self, request: Request, actor: Actor, origin: Origin) -> BoxFuture<'static, Response> {
        let cx = Cx::new(self.service.clone(), actor, origin);
        let (schema, request) = (self.schema.clone(), request.data(Arc::new(cx)));
        Box::pin(async move { schema.execute(request).await })
    }

    fn stream(&self, request: Request, actor: Actor, origin: Origin) -> BoxStream<'static, Response> {
        let cx = Cx::live(self.service.clone(), actor, origin);
        self.schema.execute_stream(request.data(Arc::new(cx))).boxed()
    }
}

impl Subgraph {
    /// A subgraph over a schema whose resolvers find an `Arc<Cx<S>>` in their context.
    pub fn new<Q, M, Sub, S>(
        name: &'static str,
        platform: Platform,
        schema: Schema<Q, M, Sub>,
        service: Arc<S>,
    ) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        Sub: SubscriptionType + 'static,
        S: Service,
    {
        Self(Arc::new(Inner {
            name,
            sdl: sdl(&schema),
            // Not the federated SDL, which may leave subscriptions out.
            operations: Operations::new(name, &schema.sdl()),
            token: InternalToken::of(&platform.secret),
            platform,
            engine: Box::new(Served { schema, service }),
            documents: Documents::default(),
        }))
    }

    /// Its name in the supergraph.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Its federation SDL.
    pub fn sdl(&self) -> &str {
        &self.0.sdl
    }

    /// Answers a request body in process: JSON in, JSON out, never an error of another form.
    pub async fn answer(&self, body: &[u8], call: Call) -> Bytes {
        let response = match parse(body) {
            Ok(request) => self.execute(request, call).await,
            Err(error) => span::request(&call.origin.request_id).in_scope(|| failed(error)),
        };
        encode(&response)
    }

    /// Executes one query or mutation.
    pub async fn execute(&self, request: Request, call: Call) -> Response {
        let logged = span::request(&call.origin.request_id);
        self.execute_logged(request, call).instrument(logged).await
    }

    async fn execute_logged(&self, mut request: Request, call: Call) -> Response {
        let mut running = self.0.operations.begin();
        let actor = match self.admit(&mut request, call.authorization.as_deref()) {
            Ok(actor) => actor,
            Err(error) => {
                let response = failed(error);
                running.settle(&response);
                return response;
            }
        };
        running.read(&mut request);
        let traced = self.traced(&running, &call.origin);
        let response = self.0.engine.execute(request, actor, call.origin);
        let response = with_codes(response.instrument(traced.clone()).await);
        span::settle(&traced, running.settle(&response));
        response
    }

    /// Runs any operation as a stream of responses: one for a query, many for a subscription.
    pub fn stream(&self, mut request: Request, actor: Actor, origin: Origin) -> BoxStream<'static, Response> {
        let logged = span::request(&origin.request_id);
        let _logged = logged.enter();
        let mut running = self.0.operations.begin();
        let (responses, traced) = match self.0.documents.prepare(&mut request) {
            Ok(()) => {
                running.read(&mut request);
                let traced = self.traced(&running, &origin);
                let responses = self.0.engine.stream(request, actor, origin);
                (responses.map(with_codes).boxed(), traced)
            }
            Err(error) => {
                let response = failed(error);
                (stream::once(async { response }).boxed(), Span::none())
            }
        };
        running.follow(responses, logged.clone(), traced)
    }

    fn traced(&self, running: &Running, origin: &Origin) -> Span {
        let (kind, field) = (running.kind(), running.field());
        span::operation(self.0.name, kind, field, &origin.request_id, &origin.trace)
    }

    /// The routes of this subgraph: `/graphql`, `/graphql/ws` and health.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone()).merge(crate::health::router(self.0.platform.clone()))
    }

    /// The actor that a call names.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anything but a live token or none.
    pub fn actor_of(&self, call: &Call) -> Result<Actor, ApiError> {
        self.actor(call.authorization.as_deref())
    }

    /// The actor behind an `authorization` value.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anything but a live token or none.
    pub(crate) fn actor(&self, authorization: Option<&str>) -> Result<Actor, ApiError> {
        self.0.platform.tokens.actor(authorization)
    }

    fn token(&self) -> &InternalToken {
        &self.0.token
    }

    fn admit(&self, request: &mut Request, authorization: Option<&str>) -> Result<Actor, ApiError> {
        let actor = self.actor(authorization)?;
        self.0.documents.prepare(request)?;
        Ok(actor)
    }
}

/// The federation SDL of a schema, as it is committed in `schema/`.
pub fn sdl<Q, M, Sub>(schema: &Schema<Q, M, Sub>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    Sub: SubscriptionType + 'static,
{
    use async_graphql::SDLExportOptions;
    schema.sdl_with_options(
        SDLExportOptions::new()
            .federation()
            .compose_directive()
            .sorted_fields(),
    )
}

/// A typed id from an argument.
///
/// # Errors
/// `INVALID` with the argument's name when the text is no id of this kind.
pub fn parse_id<Id>(field: &'static str, id: &async_graphql::ID) -> Result<Id, ApiError>
where
    Id: FromStr,
    Id::Err: std::fmt::Display,
{
    id.parse()
        .map_err(|error: Id::Err| ApiError::invalid(field, "ID_MALFORMED", error.to_string()))
}

/// One request from a body; a list of requests is refused.
fn parse(body: &[u8]) -> Result<Request, ApiError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(ApiError::invalid(
            "body",
            "BATCH_REFUSED",
            "send one request at a time",
        ));
    }
    serde_json::from_slice(body).map_err(|_| {
        ApiError::invalid(
            "body",
            "BODY_MALFORMED",
            "the body is not a GraphQL request in JSON",
        )
    })
}

fn encode(response: &Response) -> Bytes {
    serde_json::to_vec(response)
        .expect("a response holds only what JSON has")
        .into()
}

fn failed(error: ApiError) -> Response {
    let error: async_graphql::Error = error.into();
    Response::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
}

/// Gives every error a code: those without one come from the schema's own checks of the input.
fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        if !has_code(error) {
            error
                .extensions
                .get_or_insert_default()
                .set("code", Code::Invalid.as_str());
        }
    }
    response
}

fn has_code(error: &ServerError) -> bool {
    let code = error
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get("code"));
    matches!(code, Some(Value::String(_)))
}
