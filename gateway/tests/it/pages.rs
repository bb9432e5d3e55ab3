//! Paths beside GraphQL.

use crate::world::World;
use reqwest::{StatusCode, redirect::Policy};

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_is_served_and_needs_no_other_origin() {
    let world = World::start().await;
    let page = world.http.get(world.url("/")).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("http"), "{policy}");
    let tag = page.headers()["etag"].clone();
    let html = page.text().await.unwrap();
    let mut linked = 0;
    for attribute in ["src=\"", "href=\""] {
        for (at, _) in html.match_indices(attribute) {
            let target = html[at + attribute.len()..].split('"').next().unwrap();
            if target.starts_with("data:") {
                continue;
            }
            assert!(target.starts_with("/assets/"), "{target}");
            let asset = world.http.get(world.url(target)).send().await.unwrap();
            assert_eq!(asset.status(), StatusCode::OK);
            assert!(asset.content_length().unwrap() > 100_000);
            linked += 1;
        }
    }
    assert_eq!(linked, 2);
    let again = world
        .http
        .get(world.url("/"))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_path_leads_there() {
    let world = World::start().await;
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let response = client.get(world.url("/graphiql")).send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["location"]),
        (StatusCode::TEMPORARY_REDIRECT, &"/".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_of_the_caller_are_served() {
    let world = World::start().await;
    let ready = world.http.get(world.url("/ready")).send().await.unwrap();
    assert_eq!(
        (ready.status(), ready.text().await.unwrap().as_str()),
        (StatusCode::OK, "ready")
    );
    let broken = world.http.get(world.url("/broken")).send().await.unwrap();
    assert_eq!(broken.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served() {
    let world = World::start().await;
    for path in [
        "/nothing",
        "/readiness",
        "/graphql/sha256:abc",
        "/assets/../Cargo.toml",
        "/assets/SOURCES.sha256",
    ] {
        let response = world.http.get(world.url(path)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let response = world.http.get(world.url("/graphql/ws")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
}
