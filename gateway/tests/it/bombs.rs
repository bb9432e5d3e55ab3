//! Documents and variables that nest without end: refused with a code, and the process lives.

use crate::world::World;
use serde_json::{Value, json};

fn documents(size: usize) -> Vec<String> {
    let nest = |open: &str, close: &str| format!("{}1{}", open.repeat(size), close.repeat(size));
    vec![
        format!("{{ echo(text: {}) }}", nest("[", "]")),
        format!("{{ echo(text: {}) }}", nest("{a:", "}")),
        format!("query($v: String = {}) {{ echo(text: $v) }}", nest("[", "]")),
        format!(
            "query($v: {}String{}) {{ deep {{ end }} }}",
            "[".repeat(size),
            "]".repeat(size)
        ),
        format!("{}{}", "{ deep ".repeat(size), "}".repeat(size)),
        "[".repeat(size),
    ]
}

/// What fits into a request line when every byte becomes three; longer ones are no HTTP request.
const LONGEST_LINE: usize = 20_000;
const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn is_refused(answer: &Value) -> bool {
    answer["errors"][0]["extensions"]["code"] == "INVALID"
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http() {
    let world = World::start().await;
    for document in SIZES.into_iter().flat_map(documents) {
        assert!(is_refused(&world.ask(&document).await));
        if document.len() <= LONGEST_LINE {
            let got = world
                .http
                .get(world.url("/graphql"))
                .query(&[("query", &document)])
                .send()
                .await
                .unwrap();
            assert!(is_refused(&got.json().await.unwrap()));
        }
    }
    for size in SIZES {
        let variables = format!("{{\"t\":{}{}}}", "[".repeat(size), "]".repeat(size));
        let body =
            format!("{{\"query\":\"query($t: String!) {{ echo(text: $t) }}\",\"variables\":{variables}}}");
        let post = world
            .http
            .post(world.url("/graphql"))
            .header("content-type", "application/json")
            .body(body);
        assert!(is_refused(&post.send().await.unwrap().json().await.unwrap()));
        if variables.len() > LONGEST_LINE {
            continue;
        }
        let query = [
            ("query", "query($t: String!) { echo(text: $t) }"),
            ("variables", &variables),
        ];
        let get = world.http.get(world.url("/graphql")).query(&query);
        assert!(is_refused(&get.send().await.unwrap().json().await.unwrap()));
    }
    assert_eq!(world.ask("{ deep { end } }").await["data"]["deep"]["end"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_websocket() {
    let world = World::start().await;
    let mut socket = world.socket(None).await;
    for document in SIZES.into_iter().flat_map(documents) {
        socket.subscribe("1", &document).await;
        let message = socket.hear().await;
        assert_eq!(message["type"], "error");
        assert_eq!(message["payload"][0]["extensions"]["code"], "INVALID");
    }
    // The message itself nests: not a request any more, but the socket's protocol.
    for size in SIZES {
        let mut socket = world.socket(None).await;
        let nested = format!("{}{}", "[".repeat(size), "]".repeat(size));
        socket.say_text(&format!("{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{{\"query\":\"{{a}}\",\"variables\":{{\"v\":{nested}}}}}}}")).await;
        let message = socket.hear().await;
        assert_eq!(
            message["payload"][0]["extensions"]["reason"], "JSON_TOO_DEEP",
            "{message}"
        );
        socket
            .say_text(&format!("{{\"type\":\"subscribe\",\"x\":{nested}}}"))
            .await;
        assert_eq!(socket.closed().await, 4400);
    }
    assert_eq!(world.ask("{ deep { end } }").await["data"]["deep"]["end"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn brackets_in_a_text_are_text() {
    let world = World::start().await;
    let text = "(".repeat(65);
    assert_eq!(
        world.ask(&format!("{{ echo(text: \"{text}\") }}")).await["data"]["echo"],
        text
    );
    let request = json!({ "query": "query($t: String!) { echo(text: $t) }", "variables": { "t": text } });
    let post = world.http.post(world.url("/graphql")).json(&request);
    let answer: Value = post.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["echo"], text);
    let mut socket = world.socket(None).await;
    socket
        .say(json!({ "type": "subscribe", "id": "1", "payload": request }))
        .await;
    assert_eq!(socket.next("1").await["data"]["echo"], text);
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_that_multiply_are_refused() {
    let world = World::start().await;
    let mut document = "{ deep { ...F0 } }".to_owned();
    for level in 0..40 {
        let next = level + 1;
        document.push_str(&format!(" fragment F{level} on Deep {{ ...F{next} ...F{next} }}"));
    }
    document.push_str(" fragment F40 on Deep { end }");
    let answer = world.ask(&document).await;
    assert_eq!(answer["errors"][0]["extensions"]["reason"], "TOO_MANY_REPEATS");
    let answer = world
        .ask("{ deep { ...A } } fragment A on Deep { deep { ...A } }")
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["reason"], "FRAGMENT_CYCLE");
}
