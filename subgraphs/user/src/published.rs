//! What the user service shows to anybody on its port: the public halves of the signing keys.

use crate::UserService;
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// `GET /.well-known/jwks.json`: the keys as they are now, for other processes to check tokens with.
pub fn jwks(service: Arc<UserService>) -> Router {
    let answer = move || {
        let keys = service.platform.tokens.jwks();
        std::future::ready(answer(keys))
    };
    Router::new().route("/.well-known/jwks.json", get(answer))
}

fn answer(keys: Option<Vec<u8>>) -> Response {
    match keys {
        Some(keys) => ([(CONTENT_TYPE, "application/json")], keys).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
