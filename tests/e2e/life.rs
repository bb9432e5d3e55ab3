//! Starting again, and ending when asked to.

use crate::harness::{CREATED, Ending, House, Person, by_pages, codes, mutation};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::watch, task::JoinSet};

const SENDERS: usize = 16;

#[tokio::test]
async fn a_second_start_keeps_the_data() {
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    let (guild, general) = alice.found("Harbour").await;
    let sent = alice.send(&general, "Ahoy").await;
    alice
        .mutate(
            "addReaction",
            json!({ "messageId": sent["id"], "emoji": "👍" }),
            "message { id }",
        )
        .await;
    let document = "query($id: ID!) { viewer { administrator sessions { nodes { id } } } guild(id: $id) { name channels { name headSeq
        messages { nodes { id content author { username } reactions { emoji count } } } } } }";
    let before = alice.data(document, json!({ "id": guild })).await;
    let (ended, _) = house.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    house.open().await;
    // The token still passes: the signing keys are kept as well.
    assert_eq!(alice.data(document, json!({ "id": guild })).await, before);
    let again = Person::login(&house.api, "alice").await;
    assert_eq!(again.id, alice.id);
    assert_eq!(again.send(&general, "again").await["seq"], 3);
    let mut bob = house
        .register("bob")
        .await
        .data("{ viewer { administrator } }", json!({}))
        .await;
    assert_eq!(bob["viewer"].take(), json!({ "administrator": false }));
}

/// Sends until there is no answer, every other sender over a socket; what was answered.
async fn send_on(person: Person, channel: String, number: usize, count: watch::Sender<usize>) -> Vec<String> {
    let document = mutation("sendMessage", "message { id }");
    let mut socket = if number.is_multiple_of(2) {
        Some(person.socket().await)
    } else {
        None
    };
    let mut acknowledged = Vec::new();
    for turn in 0..10_000 {
        let input = json!({ "input": { "channelId": channel, "content": format!("{number}/{turn}") } });
        let answer = match &mut socket {
            Some(socket) => socket.try_ask(&document, input).await.ok(),
            None => answer(person.api.request(Some(&person.token), &document, &input)).await,
        };
        let Some(answer) = answer else { break };
        let Some(id) = answer["data"]["sendMessage"]["message"]["id"].as_str() else {
            // Whoever comes too late is told so, in words that a client knows.
            assert_eq!(codes(&answer), ["UNAVAILABLE"], "{answer:#}");
            continue;
        };
        acknowledged.push(id.to_owned());
        count.send_modify(|count| *count += 1);
    }
    acknowledged
}

/// None when the connection breaks.
async fn answer(request: RequestBuilder) -> Option<Value> {
    request.send().await.ok()?.json().await.ok()
}

#[tokio::test]
async fn sigterm_answers_what_it_accepted() {
    let mut house = House::alone().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    let mut live = alice.follow(&general, None).await;
    let count = watch::Sender::new(0);
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        senders.spawn(send_on(alice.clone(), general.clone(), number, count.clone()));
    }
    count.subscribe().wait_for(|count| *count >= 100).await.unwrap();
    let (ended, took) = house.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    assert_eq!(live.ending("1", |_| {}).await, Ending::Closed(Some(1012)));

    let acknowledged: BTreeSet<String> = senders.join_all().await.into_iter().flatten().collect();
    assert!(acknowledged.len() >= 100);
    house.open().await;
    let events = by_pages(&alice, &general, 0).await;
    assert!(events.iter().all(|event| event["__typename"] == CREATED));
    let written: BTreeSet<String> = events
        .iter()
        .map(|event| event["messageId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        acknowledged, written,
        "what is answered is written, and what is written was answered"
    );
    assert_eq!(written.len(), events.len());
}
