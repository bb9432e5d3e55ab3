//! `/graphql` over HTTP: POST with JSON, GET for queries, answers as JSON or as server-sent events.

use crate::{
    caller,
    edge::{self, One},
    engine::{Outcome, Update, Updates, refused},
    operation::{MAX_BODY, Operation},
    reply::Reply,
    server::{Counted, Worker},
    sse,
};
use commons_platform::{ApiError, Code, auth::SessionEnd, graphql::Call, internal::REQUEST_ID};
use futures_util::{Stream, StreamExt, future::OptionFuture, stream};
use hive_router::{
    http::{Method, StatusCode},
    ntex::{
        http::{
            ConnectionType, HeaderMap,
            header::{self, HeaderValue},
        },
        io::IoRef,
        util::Bytes,
        web::{HttpRequest, HttpResponse, types},
    },
};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::time::timeout;

const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read away, so that the client gets to see the refusal.
const MAX_DRAINED: usize = 1 << 20;

/// Takes over a connection that becomes a socket after it served requests.
pub(crate) async fn upgrade(req: HttpRequest, worker: types::State<Worker>) -> HttpResponse {
    if edge::is_upgrade(&req) {
        return edge::carry(&worker.edge, &req);
    }
    HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
        .content_type("text/plain")
        .body("open a WebSocket here\n")
}

/// Answers one request.
pub(crate) async fn graphql(
    req: HttpRequest,
    body: types::Payload,
    worker: types::State<Worker>,
) -> HttpResponse {
    if edge::is_upgrade(&req) {
        return edge::carry(&worker.edge, &req);
    }
    metrics::counter!("commons_gateway_requests_total", "transport" => "http").increment(1);
    let call = caller::call(&req, &worker.trusted_proxies);
    let (id, network) = (call.origin.request_id.clone(), call.origin.network());
    // Counted before the look at `draining`: what passes it is waited for.
    let counted = Counted::one(&worker.requests);
    let (mut session, mut only_events) = (None, false);
    let outcome = if *worker.draining.borrow() {
        let error = ApiError::new(Code::Unavailable, "this server is ending, try again");
        refused(StatusCode::SERVICE_UNAVAILABLE, error, &id)
    } else if let Err(error) = worker.edge.bounds.operation(network, None) {
        refused(StatusCode::TOO_MANY_REQUESTS, error, &id)
    } else {
        match read(&req, body).await {
            Ok((operation, accept)) => {
                let call = if takes(&accept, "text/event-stream") {
                    connected(call, &worker, &mut session)
                } else {
                    call
                };
                only_events = !takes(&accept, "json");
                let accept = if only_events { EITHER } else { accept };
                worker.engine.execute(&operation, call, accept).await
            }
            Err((status, error)) => refused(status, error, &id),
        }
    };
    let mut response = match outcome {
        // One answer is a short stream.
        Outcome::One { reply, .. } if only_events => HttpResponse::Ok()
            .content_type("text/event-stream")
            .body(Bytes::from([&sse::next(&reply.json), sse::COMPLETE].concat())),
        Outcome::One {
            status,
            content_type,
            reply,
        } => HttpResponse::build(status)
            .header(header::CONTENT_TYPE, content_type)
            .body(Bytes::from(Vec::from(reply.json))),
        Outcome::Many(updates) => match worker.edge.bounds.socket(network) {
            Some(one) => HttpResponse::Ok()
                .content_type("text/event-stream")
                .streaming(Box::pin(events(
                    updates,
                    &req,
                    &worker,
                    session,
                    (counted, one, id.clone()),
                ))),
            None => {
                let error = ApiError::overloaded().with_reason("TOO_MANY_STREAMS");
                HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
                    .content_type("application/json")
                    .body(Bytes::from(Vec::from(Reply::refusal(error, &id).json)))
            }
        },
    };
    if *worker.draining.borrow() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(id) = HeaderValue::try_from(&*id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// What the router is asked for when the client takes events alone: of one answer it makes no stream.
const EITHER: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Whether the answer may be of a type.
fn takes(accept: &HeaderValue, name: &str) -> bool {
    accept.to_str().is_ok_and(|ranges| ranges.contains(name))
}

/// The caller of a stream, which goes on after the token has ended, for as long as `session`; a bad token
/// stays as it is, for the subgraph to refuse.
fn connected(mut call: Call, worker: &Worker, session: &mut Option<SessionEnd>) -> Call {
    if let (Some(tokens), Some(given)) = (&worker.tokens, &call.authorization)
        && let Ok(connection) = tokens.for_connection(given)
    {
        *session = Some(tokens.end_of(connection.session));
        call.authorization = Some(connection.authorization);
    }
    call
}

type Refusal = (StatusCode, ApiError);

async fn read(req: &HttpRequest, body: types::Payload) -> Result<(Operation, HeaderValue), Refusal> {
    let bad_request = |error| (StatusCode::BAD_REQUEST, error);
    let accept = accept(req.headers())?;
    let operation = match *req.method() {
        Method::POST => {
            check_content(req.headers())?;
            Operation::from_json(&collect(req.headers(), body).await?).map_err(bad_request)?
        }
        Method::GET => Operation::from_query_string(req.query_string()).map_err(|error| {
            let not_by_get = Operation::is_method_error(&error);
            (
                if not_by_get {
                    StatusCode::METHOD_NOT_ALLOWED
                } else {
                    StatusCode::BAD_REQUEST
                },
                error,
            )
        })?,
        _ => {
            let error = ApiError::invalid("method", "METHOD", "use POST, or GET for queries");
            return Err((StatusCode::METHOD_NOT_ALLOWED, error));
        }
    };
    Ok((operation, accept))
}

/// What the client takes of what we give; the router also knows multipart streams, which we do not offer.
fn accept(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    let said: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .collect();
    if said.is_empty() {
        return Ok(HeaderValue::from_static("application/json"));
    }
    let mut kept = Vec::new();
    for range in said.iter().flat_map(|value| value.split(',')) {
        let essence = range
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/graphql-response+json" | "application/json" | "text/event-stream" => {
                kept.push(range.trim())
            }
            "*/*" | "application/*" => kept.push("application/json"),
            _ => {}
        }
    }
    let refused = || {
        let message = "application/json, application/graphql-response+json and text/event-stream are offered";
        (
            StatusCode::NOT_ACCEPTABLE,
            ApiError::invalid("accept", "ACCEPT", message),
        )
    };
    if kept.is_empty() {
        return Err(refused());
    }
    HeaderValue::try_from(kept.join(", ")).map_err(|_| refused())
}

fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = |name| {
        let value = headers.get(name)?.to_str().unwrap_or("?");
        Some(
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase(),
        )
    };
    let unsupported = |error| Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    if essence(header::CONTENT_TYPE).as_deref() != Some("application/json") {
        return unsupported(ApiError::invalid(
            "content-type",
            "CONTENT_TYPE",
            "send application/json",
        ));
    }
    match essence(header::CONTENT_ENCODING).as_deref() {
        None | Some("" | "identity") => Ok(()),
        Some(_) => unsupported(ApiError::invalid(
            "content-encoding",
            "CONTENT_ENCODING",
            "send it uncompressed",
        )),
    }
}

async fn collect(headers: &HeaderMap, mut body: types::Payload) -> Result<Vec<u8>, Refusal> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut whole = Vec::with_capacity(announced.unwrap_or_default().min(MAX_BODY));
    let mut seen = 0;
    let reading = async {
        while let Some(chunk) = body.recv().await {
            let chunk = chunk.map_err(|_| ())?;
            seen += chunk.len();
            if seen <= MAX_BODY {
                whole.extend_from_slice(&chunk);
            } else if seen > MAX_DRAINED {
                break;
            }
        }
        Ok::<_, ()>(())
    };
    match timeout(BODY_DEADLINE, reading).await {
        Ok(Ok(())) if seen <= MAX_BODY => Ok(whole),
        Ok(Ok(())) => {
            let message = format!("a request has at most {MAX_BODY} bytes");
            Err((
                StatusCode::PAYLOAD_TOO_LARGE,
                ApiError::invalid("body", "BODY_TOO_LARGE", message),
            ))
        }
        Ok(Err(())) => Err((
            StatusCode::BAD_REQUEST,
            ApiError::invalid("body", "BODY_CUT", "the body ended early"),
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            ApiError::invalid("body", "BODY_SLOW", "the body came too slowly"),
        )),
    }
}

/// A subscription as events. It ends when the client leaves or the session is revoked, and without
/// `complete` when the gateway stops, so that clients come back.
fn events(
    updates: Updates,
    req: &HttpRequest,
    worker: &Worker,
    session: Option<SessionEnd>,
    (counted, one, id): (Counted, One<IpAddr>, Arc<str>),
) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    let mut draining = worker.draining.clone();
    let left = req.io().map(IoRef::on_disconnect);
    let over = async move {
        tokio::select! {
            // The sender is gone only when the gateway is.
            _ = draining.wait_for(|draining| *draining) => {}
            Some(()) = OptionFuture::from(left) => {}
        }
    };
    bytes_of(updates, session, id).take_until(over).map(move |event| {
        let _open = (&counted, &one);
        Ok(Bytes::from(event))
    })
}

/// Updates as they are written, until the session is revoked: then a refusal, and the end.
fn bytes_of(updates: Updates, session: Option<SessionEnd>, id: Arc<str>) -> impl Stream<Item = Vec<u8>> {
    stream::unfold(Some((updates, session, id)), async |state| {
        let (mut updates, session, id) = state?;
        let update = tokio::select! {
            biased;
            () = caller::revoked(session.as_ref()) => {
                let refusal = Reply::refusal(ApiError::unauthenticated(), &id);
                return Some(([&sse::next(&refusal.json), sse::COMPLETE].concat(), None));
            }
            update = updates.next() => update?,
        };
        let event = match update {
            Update::Answer(Reply { json, .. }) => sse::next(&json),
            Update::Heartbeat => sse::HEARTBEAT.to_vec(),
            Update::Complete => sse::COMPLETE.to_vec(),
        };
        Some((event, Some((updates, session, id))))
    })
}
