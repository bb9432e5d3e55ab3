//! Documents and values that nest or multiply without end, over every way in.

use crate::{
    harness::{Socket, is_only, json_of},
    input::scene,
};
use serde_json::{Value, json};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// What fits into a request line when every byte becomes three.
const LONGEST_LINE: usize = 20_000;

/// Documents that nest or multiply without end.
fn bombs() -> Vec<String> {
    let mut bombs = Vec::new();
    for size in SIZES {
        let nest = |open: &str, close: &str| format!("{}1{}", open.repeat(size), close.repeat(size));
        bombs.extend([
            format!("{{ users(ids: {}) {{ id }} }}", nest("[", "]")),
            format!("{{ users(ids: {}) {{ id }} }}", nest("{a:", "}")),
            format!(
                "query($v: [ID!]! = {}) {{ users(ids: $v) {{ id }} }}",
                nest("[", "]")
            ),
            format!(
                "query($v: {}ID{}) {{ viewer {{ email }} }}",
                "[".repeat(size),
                "]".repeat(size)
            ),
            format!("{}{}", "{ viewer ".repeat(size), "}".repeat(size)),
            "[".repeat(size),
            "{".repeat(size),
            "(".repeat(size),
        ]);
    }
    let many =
        |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<Vec<_>>().join(" ");
    bombs.push(format!(
        "{{ {} }}",
        many(1_000, &|n| format!("a{n}: viewer {{ email }}"))
    ));
    bombs.push(format!(
        "{{ viewer {{ {} }} }}",
        many(500, &|_| "email @skip(if: false)".to_owned())
    ));
    bombs.push(format!(
        "{{ viewer {{ email {} }} }}",
        "@include(if: true) ".repeat(100)
    ));
    let doubling = many(30, &|n| {
        format!("fragment F{n} on User {{ ...F{} ...F{} }}", n + 1, n + 1)
    });
    bombs.push(format!(
        "{{ viewer {{ user {{ ...F0 }} }} }} {doubling} fragment F30 on User {{ id }}"
    ));
    bombs.push("{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }".to_owned());
    bombs
}

#[tokio::test]
async fn bombs_over_every_way_in() {
    let (mut house, alice, _) = scene().await;
    for bomb in bombs() {
        let posted = alice.ask(&bomb, json!({})).await;
        is_only(&posted, "INVALID");
        assert!(posted.get("data").is_none_or(Value::is_null));
        if bomb.len() <= LONGEST_LINE {
            let got = house
                .api
                .get("/graphql")
                .bearer_auth(&alice.token)
                .query(&[("query", &bomb)]);
            is_only(&json_of(got.send().await.unwrap()).await, "INVALID");
        }
        let mut socket = alice.socket().await;
        is_only(&socket.ask(&bomb, json!({})).await, "INVALID");
    }
    for size in SIZES {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}1{}", open.repeat(size), close.repeat(size));
            let body = format!(
                "{{\"query\":\"query($v: [ID!]!) {{ users(ids: $v) {{ id }} }}\",\"variables\":{{\"v\":{value}}}}}"
            );
            let posted = house
                .api
                .post("/graphql")
                .header("content-type", "application/json")
                .body(body.clone());
            is_only(&json_of(posted.send().await.unwrap()).await, "INVALID");
            let mut socket = alice.socket().await;
            socket
                .say_text(format!(
                    "{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{body}}}"
                ))
                .await;
            is_only(
                &json!({ "errors": socket.hear().await.unwrap()["payload"] }),
                "INVALID",
            );
            let mut socket = Socket::connect(&house.api).await;
            socket
                .say_text(format!(
                    "{{\"type\":\"connection_init\",\"payload\":{{\"authorization\":{value}}}}}"
                ))
                .await;
            assert_eq!(socket.hear().await, Err(Some(4400)));
        }
    }
    house.lives().await;
}
