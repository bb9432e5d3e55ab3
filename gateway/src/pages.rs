//! Everything beside GraphQL: the GraphiQL page, the caller's routes, and nothing else.
//!
//! The page and its script are compiled in, so that it works without internet; `web/` makes them.

use crate::{Route, server::Worker};
use hive_router::{
    http::StatusCode,
    ntex::{
        http::header::{self, HeaderValue},
        util::Bytes,
        web::{self, HttpRequest, HttpResponse, ServiceConfig, types},
    },
};
use std::time::Duration;
use tokio::time::timeout;

/// How long a route's handler may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// A hash over the sources of the page, which names its version; a test compares it with `web/`.
const VERSION: &str = include_str!("../assets/SOURCES.sha256");

/// Lets the page reach this origin alone, and nobody frame it. The editor sets styles on elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

struct Asset {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        path: "/",
        content_type: "text/html; charset=utf-8",
        body: include_bytes!("../assets/index.html"),
    },
    Asset {
        path: "/assets/graphiql.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_bytes!("../assets/graphiql.js"),
    },
    Asset {
        path: "/assets/graphiql.css",
        content_type: "text/css; charset=utf-8",
        body: include_bytes!("../assets/graphiql.css"),
    },
];

/// Mounts the page and the caller's routes.
pub(crate) fn configure(config: &mut ServiceConfig, routes: &[Route]) {
    for asset in &ASSETS {
        config.service(
            web::resource(asset.path)
                .route(web::get().to(async move |req: HttpRequest| serve(asset, &req)))
                .route(web::head().to(async move |req: HttpRequest| serve(asset, &req))),
        );
    }
    config.service(web::resource("/graphiql").route(web::get().to(redirect)));
    for route in routes {
        let (path, route) = (route.path, route.clone());
        let handler = move |worker: types::State<Worker>| {
            let route = route.clone();
            async move { answer(&route, &worker).await }
        };
        config.service(web::resource(path).route(web::get().to(handler)));
    }
}

fn serve(asset: &Asset, req: &HttpRequest) -> HttpResponse {
    let tag = format!("\"{}\"", VERSION.trim());
    let known = req
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok()
            .content_type(asset.content_type)
            .body(Bytes::from_static(asset.body))
    };
    let headers = response.headers_mut();
    // Asked again each time, answered with 304 while this process has the same version.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

async fn redirect() -> HttpResponse {
    HttpResponse::TemporaryRedirect()
        .header(header::LOCATION, "/")
        .finish()
}

async fn answer(route: &Route, worker: &Worker) -> HttpResponse {
    let task = worker.runtime.spawn((route.handler)());
    match timeout(DEADLINE, task).await {
        Ok(Ok(Ok(body))) => HttpResponse::Ok()
            .content_type(route.content_type)
            .header(header::CACHE_CONTROL, "no-store")
            .body(Bytes::from(Vec::from(body))),
        Ok(Ok(Err(_))) => unavailable(),
        Ok(Err(panic)) => {
            tracing::error!(path = route.path, %panic, "a route's handler failed");
            unavailable()
        }
        Err(_) => {
            tracing::warn!(path = route.path, "a route's handler is too slow");
            unavailable()
        }
    }
}

fn unavailable() -> HttpResponse {
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
        .content_type("text/plain")
        .body("unavailable\n")
}

/// The answer for every path that is not served.
pub(crate) async fn not_found() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain")
        .body("not found\n")
}
