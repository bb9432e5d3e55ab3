//! Reactions: rules, counts under load, and lists of people.

use crate::house::{House, soon, texts};
use commons_access::Permissions;
use commons_entities::{ChannelId, message::reaction};
use commons_platform::task;
use commons_testing::{Identity, seed};
use futures_util::future::join_all;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use std::sync::Arc;

const GROUPS: &str = "reactions { emoji count viewerHasReacted users(first: 2) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }";

fn adding(id: &str, emoji: &str) -> Value {
    json!({ "id": id, "emoji": emoji })
}

fn document(field: &str) -> String {
    format!(
        "mutation($id: ID!, $emoji: String!) {{ {field}(input: {{ messageId: $id, emoji: $emoji }}) {{ message {{ {GROUPS} }} }} }}"
    )
}

async fn react(house: &House, who: &Identity, field: &str, id: &str, emoji: &str) -> Value {
    let mut data = house.ask(who).data(&document(field), adding(id, emoji)).await;
    data[field]["message"]["reactions"].take()
}

async fn seen(house: &House, who: &Identity, id: &str) -> Vec<(String, i64, bool)> {
    let query = format!("query($id: ID!) {{ message(id: $id) {{ {GROUPS} }} }}");
    let data = house.ask(who).data(&query, json!({ "id": id })).await;
    let group = |group: &Value| {
        let emoji = group["emoji"].as_str().unwrap().to_owned();
        (
            emoji,
            group["count"].as_i64().unwrap(),
            group["viewerHasReacted"].as_bool().unwrap(),
        )
    };
    data["message"]["reactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(group)
        .collect()
}

fn is(groups: &[(&str, i64, bool)]) -> Vec<(String, i64, bool)> {
    groups
        .iter()
        .map(|(emoji, count, own)| ((*emoji).to_owned(), *count, *own))
        .collect()
}

async fn head(house: &House, channel: ChannelId) -> i64 {
    house.counts(channel).await.1
}

#[tokio::test]
async fn each_person_has_each_emoji_once() {
    let house = House::new().await;
    let id = house.said(&house.alice, house.general, "cake").await;
    react(&house, &house.bob, "addReaction", &id, "🎂").await;
    react(&house, &house.carol, "addReaction", &id, "👍").await;
    // With and without its variation selector it is one heart.
    react(&house, &house.bob, "addReaction", &id, "❤").await;
    let own = react(&house, &house.carol, "addReaction", &id, "❤\u{fe0f}").await;
    assert_eq!(own[2]["count"], 2, "the answer has it already: {own}");
    assert_eq!(own[2]["viewerHasReacted"], true);
    let all = [("🎂", 1, true), ("👍", 1, false), ("❤\u{fe0f}", 2, true)];
    assert_eq!(
        seen(&house, &house.bob, &id).await,
        is(&all),
        "in the order in which each came first"
    );
    assert_eq!(head(&house, house.general).await, 5);

    react(&house, &house.bob, "addReaction", &id, "🎂").await;
    react(&house, &house.carol, "removeReaction", &id, "🎂").await;
    assert_eq!(
        head(&house, house.general).await,
        5,
        "what changes nothing is no event"
    );

    react(&house, &house.bob, "removeReaction", &id, "🎂").await;
    assert_eq!(
        seen(&house, &house.bob, &id).await,
        is(&[("👍", 1, false), ("❤\u{fe0f}", 2, true)])
    );
    assert_eq!(head(&house, house.general).await, 6);

    let clear = "mutation($id: ID!) { clearReactions(input: { messageId: $id }) { message { reactions { emoji } } } }";
    let missing = json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" });
    assert_eq!(
        house.ask(&house.bob).error(clear, json!({ "id": id })).await,
        missing
    );
    let alice = house.ask(&house.alice);
    for _ in 0..2 {
        let cleared = alice.data(clear, json!({ "id": id })).await;
        assert_eq!(cleared["clearReactions"]["message"]["reactions"], json!([]));
    }
    assert_eq!(seen(&house, &house.bob, &id).await, is(&[]));
    assert_eq!(
        head(&house, house.general).await,
        7,
        "nothing to clear is no event"
    );
}

#[tokio::test]
async fn reactions_have_rules() {
    let house = House::new().await;
    let (mute, archive) = (house.channel("mute").await, house.channel("archive").await);
    house.deny(mute, Permissions::ADD_REACTIONS).await;
    let in_mute = house.said(&house.alice, mute, "a").await;
    let in_archive = house.said(&house.alice, archive, "a").await;
    react(&house, &house.bob, "addReaction", &in_archive, "👍").await;
    house.archive(archive).await;
    house.hear().await;
    let bob = house.ask(&house.bob);
    let add = document("addReaction");
    assert_eq!(
        bob.error(&add, adding(&in_mute, "👍")).await,
        json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" })
    );
    assert_eq!(
        bob.error(&add, adding(&in_archive, "🎉")).await,
        json!({ "code": "CONFLICT", "reason": "CHANNEL_ARCHIVED" })
    );
    for (emoji, reason) in [
        ("", "CONTENT_EMPTY"),
        ("a", "CONTENT_MALFORMED"),
        ("👍👍", "CONTENT_MALFORMED"),
    ] {
        let error = bob.error(&add, adding(&in_mute, emoji)).await;
        assert_eq!(
            error,
            json!({ "code": "INVALID", "field": "emoji", "reason": reason })
        );
    }
    let id = house.said(&house.alice, house.general, "a").await;
    for i in 0..20 {
        react(&house, &house.bob, "addReaction", &id, &format!(":e{i}:")).await;
    }
    assert_eq!(
        bob.error(&add, adding(&id, ":e20:")).await,
        json!({ "code": "CONFLICT", "reason": "TOO_MANY_EMOJIS" })
    );
    react(&house, &house.carol, "addReaction", &id, ":e19:").await;
}

/// The counts that are kept follow every change, also of the rest of the message.
#[tokio::test]
async fn counts_are_right_after_each_change() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "a").await;
    let edit = "mutation($id: ID!, $content: String!) { editMessage(input: { messageId: $id, content: $content }) { message { id } } }";
    for i in 0..10 {
        let who = [&house.alice, &house.bob, &house.carol][i % 3];
        let emoji = format!(":e{i}:");
        react(&house, who, "addReaction", &id, &emoji).await;
        assert_eq!(
            seen(&house, who, &id).await,
            is(&[("👍", 0, false), (&emoji, 1, true)][1..])
        );
        house
            .ask(&house.bob)
            .data(edit, json!({ "id": id, "content": format!("{i}") }))
            .await;
        assert_eq!(seen(&house, who, &id).await.len(), 1);
        react(&house, who, "removeReaction", &id, &emoji).await;
        assert_eq!(seen(&house, who, &id).await, is(&[]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_are_right_under_many_who_react() {
    let house = Arc::new(House::new().await);
    let id = Arc::new(house.said(&house.alice, house.general, "a").await);
    let mut people = Vec::new();
    for i in 0..16 {
        let person = house.world.person(&format!("p{i}")).await;
        seed::member(&house.platform.db, &*house.world.clock, house.guild, person.user).await;
        people.push(person);
    }
    let reacting = people.iter().cloned().enumerate().map(|(i, who)| {
        let (house, id) = (house.clone(), id.clone());
        task::spawn(async move {
            for round in 0..4 {
                react(&house, &who, "addReaction", &id, "👍").await;
                react(&house, &who, "addReaction", &id, "🎉").await;
                if i % 2 == 0 || round < 3 {
                    react(&house, &who, "removeReaction", &id, "🎉").await;
                }
                let own = seen(&house, &who, &id).await;
                assert!(
                    own.iter().any(|(emoji, _, own)| emoji == "👍" && *own),
                    "one reads what one wrote"
                );
            }
        })
    });
    for done in soon(join_all(reacting)).await {
        done.unwrap();
    }
    let mut groups = seen(&house, &people[0], &id).await;
    groups.sort();
    assert_eq!(groups, is(&[("🎉", 8, false), ("👍", 16, true)]));
    let db = house.platform.db.read();
    assert_eq!(reaction::Entity::find().count(db).await.unwrap(), 24);
    // The message; 16 thumbs; a tada and its end in each of 4 rounds, without 8 ends.
    assert_eq!(head(&house, house.general).await, 1 + 16 + 16 * 4 * 2 - 8);
}

#[tokio::test]
async fn people_are_listed_in_the_order_of_their_reactions() {
    let house = House::new().await;
    let id = house.said(&house.alice, house.general, "a").await;
    for who in [&house.carol, &house.alice, &house.bob] {
        react(&house, who, "addReaction", &id, "👍").await;
    }
    react(&house, &house.bob, "addReaction", &id, "🎉").await;
    let query = "query($id: ID!, $first: Int, $after: String) { message(id: $id) { reactions {
        users(first: $first, after: $after) { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }";
    let bob = house.ask(&house.bob);
    let first = bob.data(query, json!({ "id": id, "first": 2 })).await;
    let users = &first["message"]["reactions"][0]["users"];
    assert_eq!(
        texts(&users["nodes"], "/id"),
        [house.carol.user.to_string(), house.alice.user.to_string()]
    );
    assert_eq!(
        (&users["totalCount"], &users["pageInfo"]["hasNextPage"]),
        (&json!(3), &json!(true))
    );
    let after = &users["pageInfo"]["endCursor"];
    let second = bob.data(query, json!({ "id": id, "after": after })).await;
    let users = &second["message"]["reactions"][0]["users"];
    assert_eq!(texts(&users["nodes"], "/id"), [house.bob.user.to_string()]);
    assert_eq!(users["pageInfo"]["hasNextPage"], false);
    let error = bob.error(query, json!({ "id": id, "after": "AAAA" })).await;
    assert_eq!(
        error,
        json!({ "code": "INVALID", "field": "after", "reason": "CURSOR_MALFORMED" })
    );
    assert_eq!(
        bob.error(query, json!({ "id": id, "first": 101 })).await["reason"],
        "PAGE_SIZE"
    );
}
