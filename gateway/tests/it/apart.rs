//! Subgraphs as services of their own: the same answers over the network, to the gateway alone, and
//! a service that is away costs its own fields only.

use crate::{
    client::Socket,
    subgraphs::{message_id, user_id},
    world::World,
};
use commons_gateway::Upstream;
use commons_platform::{internal::InternalToken, secret::Secret};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_joined() {
    let world = World::apart().await;
    assert_eq!(
        world.ask("{ messages { text author { name } } }").await,
        json!({ "data": { "messages": [
            { "text": "text 1", "author": { "name": "name 1" } },
            { "text": "text 2", "author": { "name": "name 2" } },
        ] } })
    );
    let viewer = "{ viewer { name } }";
    assert_eq!(
        world.ask_as(Some(&world.bob), viewer).await["data"]["viewer"]["name"],
        "name 2"
    );
    for bad in [None, Some("Bearer forged"), Some("")] {
        let answer = world.ask_as(bad, viewer).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
    let refused = world.ask("{ forbidden }").await;
    let extensions = &refused["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["reason"], &extensions["field"]),
        (&json!("FORBIDDEN"), &json!("BECAUSE"), &json!("it"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_are_done_once() {
    let world = World::apart().await;
    world.state.go_on.notify_one();
    assert_eq!(
        world.ask("mutation { slow }").await,
        json!({ "data": { "slow": true } })
    );
    // Begun once: the second would be a second notice.
    world.state.begun.notified().await;
    let again = tokio::time::timeout(Duration::ZERO, world.state.begun.notified()).await;
    assert!(again.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_found() {
    let world = World::apart().await;
    let query = format!(
        "{{ node(id: \"{}\") {{ ... on Message {{ text author {{ name }} }} }} }}",
        message_id(5)
    );
    let node = json!({ "text": "text 5", "author": { "name": "name 5" } });
    assert_eq!(
        world.ask_as(Some(&world.alice), &query).await,
        json!({ "data": { "node": node } })
    );
    let hidden = format!("{{ node(id: \"{}\") {{ id }} }}", user_id(13));
    assert_eq!(world.ask(&hidden).await, json!({ "data": { "node": null } }));
    let refused = world.ask(&query).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_joined() {
    let world = World::apart().await;
    let mut socket = world.socket(Some(&world.alice)).await;
    socket
        .subscribe("1", "subscription { posted { text author { name } } }")
        .await;
    while world.state.posts.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    world.state.posts.send(message_id(7)).unwrap();
    let posted = json!({ "text": "text 7", "author": { "name": "name 7" } });
    assert_eq!(socket.next("1").await, json!({ "data": { "posted": posted } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_gateway_says_who_calls() {
    let proxy = "127.0.0.1".parse().unwrap();
    let world = World::apart_with(|settings| settings.trusted_proxies = vec![proxy]).await;
    let token = world.platform.secret.internal_token();
    let query = json!({ "query": "{ caller { address requestId device } }" });
    let spoofed = world
        .http
        .post(world.url("/graphql"))
        .header("user-agent", "a test")
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-commons-internal", &token)
        .header("x-commons-client-address", "203.0.113.2")
        .header("x-request-id", "chosen");
    let response = spoofed.json(&query).send().await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        answer["data"]["caller"],
        json!({ "address": "192.0.2.7", "requestId": id, "device": "a test" })
    );

    // The same over a socket, and as the service of a subscription hears it.
    let mut socket = Socket::open(world.address, None).await;
    let claims = json!({
        "x-commons-internal": token,
        "x-commons-client-address": "203.0.113.2",
        "x-request-id": "chosen",
        "user-agent": "chosen",
    });
    socket.init(Some(claims)).await;
    socket
        .subscribe("q", "{ caller { address requestId device } }")
        .await;
    let caller = socket.next("q").await["data"]["caller"].take();
    assert_eq!(caller["address"], "127.0.0.1");
    assert_eq!(caller["requestId"].as_str().unwrap().len(), 32);
    assert_eq!(caller["device"], Value::Null);
    assert_eq!(socket.hear().await["type"], "complete");
    socket.subscribe("s", "subscription { count(to: 1) }").await;
    assert_eq!(socket.next("s").await, json!({ "data": { "count": 1 } }));
    let origin = world.state.counted_for.lock().unwrap().take().unwrap();
    assert_eq!(origin.address.to_string(), "127.0.0.1");
    assert_eq!(origin.request_id.len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_s_service_knows_the_client_s_address() {
    let proxy = "127.0.0.1".parse().unwrap();
    for apart in [false, true] {
        let change = |settings: &mut commons_gateway::Settings| settings.trusted_proxies = vec![proxy];
        let world = if apart {
            World::apart_with(change).await
        } else {
            World::with(change).await
        };
        let request = world
            .http
            .post(world.url("/graphql"))
            .header("accept", "text/event-stream")
            .header("x-forwarded-for", "2001:db8::7")
            .json(&json!({ "query": "subscription { count(to: 1) }" }));
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(response.text().await.unwrap().contains("{\"count\":1}"));
        let origin = world.state.counted_for.lock().unwrap().take().unwrap();
        assert_eq!(origin.address.to_string(), "2001:db8::7");
        assert_eq!(*origin.request_id, id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_refuses_strangers() {
    let world = World::apart().await;
    for service in &world.services {
        for token in [None, Some("guessed")] {
            let mut request = world.http.post(format!("{}/graphql", service.url()));
            if let Some(token) = token {
                request = request.header("x-commons-internal", token);
            }
            let request = request.header("authorization", &world.alice);
            let answer = request.json(&json!({ "query": "{ __typename }" })).send().await;
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 401);
            assert_eq!(answer.text().await.unwrap(), "unauthorized\n");
        }
        let mut socket = Socket::open(service.address, Some(&world.alice)).await;
        socket
            .say(json!({ "type": "connection_init", "payload": { "authorization": world.alice } }))
            .await;
        assert_eq!(socket.closed().await, 4403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_of_another_instance_is_a_stranger() {
    let world = World::apart_with(|settings| {
        settings.internal = InternalToken::of(&Secret::new("another instance's secret"));
    })
    .await;
    unavailable(&world.ask("{ messages { text } }").await);
    let mut socket = world.socket(Some(&world.alice)).await;
    socket.subscribe("1", "subscription { whoami }").await;
    let message = socket.hear().await;
    unavailable(&json!({ "errors": message["payload"] }));
}

/// The answer has an error of a service that is away, and it tells nothing of the inside.
#[track_caller]
fn unavailable(answer: &Value) {
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAVAILABLE",
        "{answer}"
    );
    let text = answer.to_string();
    for inside in ["127.0.0.1", "http", "onnect", "user", "COMMONS", "401"] {
        assert!(!text.contains(inside), "{inside} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_costs_its_fields_and_comes_back() {
    let mut world = World::apart().await;
    let joined = "{ messages { text author { name } } }";
    let whole = world.ask(joined).await;
    for _ in 0..2 {
        world.services[0].kill();
        let answer = world.ask(joined).await;
        assert_eq!(
            answer["data"],
            json!({ "messages": [
                { "text": "text 1", "author": null },
                { "text": "text 2", "author": null },
            ] })
        );
        unavailable(&answer);
        let node = format!("{{ node(id: \"{}\") {{ id }} }}", user_id(5));
        unavailable(&world.ask(&node).await);

        world.services[0].revive();
        assert_eq!(world.ask(joined).await, whole);
        assert_eq!(world.ask(&node).await["data"]["node"]["id"], user_id(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_a_service_that_dies_ends_and_can_be_taken_up() {
    let mut world = World::apart().await;
    let mut socket = world.socket(Some(&world.alice)).await;
    let follow = "subscription { posted { text author { name } } }";
    socket.subscribe("1", follow).await;
    while world.state.posts.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    // The authors' service is away: their events go on without them.
    world.services[0].kill();
    world.state.posts.send(message_id(7)).unwrap();
    let event = socket.next("1").await;
    assert_eq!(
        event["data"]["posted"],
        json!({ "text": "text 7", "author": null })
    );
    unavailable(&event);
    world.services[0].revive();

    world.services[1].kill();
    let message = socket.hear().await;
    let errors = if message["type"] == "error" {
        &message["payload"]
    } else {
        &message["payload"]["errors"]
    };
    unavailable(&json!({ "errors": errors }));
    world.services[1].revive();
    // The socket is as good as before.
    socket.subscribe("2", follow).await;
    while world.state.posts.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    world.state.posts.send(message_id(8)).unwrap();
    loop {
        let message = socket.hear().await;
        if message["id"] == "2" {
            let posted = json!({ "text": "text 8", "author": { "name": "name 8" } });
            assert_eq!(message["payload"], json!({ "data": { "posted": posted } }));
            break;
        }
        assert_eq!(message, json!({ "type": "complete", "id": "1" }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_costs_its_fields_too() {
    // It takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let world = World::apart_with(|settings| {
        settings.upstreams[0] = Upstream::remote("user", &format!("http://{address}"));
    })
    .await;
    let begin = Instant::now();
    let answer = world.ask("{ messages { text author { name } } }").await;
    assert_eq!(
        answer["data"]["messages"][1],
        json!({ "text": "text 2", "author": null })
    );
    unavailable(&answer);
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}
