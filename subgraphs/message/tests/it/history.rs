//! History: pages both ways and around a message.

use crate::house::{House, numbers, text, texts, unknown_message};
use commons_access::Permissions;
use commons_entities::ChannelId;
use commons_testing::Client;
use serde_json::{Value, json};

const PAGE: &str =
    "query($r: [_Any!]!, $first: Int, $after: String, $last: Int, $before: String, $around: ID) {
    _entities(representations: $r) { ... on Channel {
        messages(first: $first, after: $after, last: $last, before: $before, around: $around) {
            headSeq pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
            edges { cursor node { id content seq } } } } } }";

fn arguments(channel: ChannelId, mut page: Value) -> Value {
    page["r"] = json!([{ "__typename": "Channel", "id": channel.to_string() }]);
    page
}

async fn page(client: &Client<'_>, channel: ChannelId, arguments_: Value) -> Value {
    let mut data = client.data(PAGE, arguments(channel, arguments_)).await;
    data["_entities"][0]["messages"].take()
}

fn contents(page: &Value) -> Vec<String> {
    texts(&page["edges"], "/node/content")
}

fn range(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|i| format!("m{i}")).collect()
}

fn more(page: &Value) -> (bool, bool) {
    let info = &page["pageInfo"];
    (
        info["hasPreviousPage"].as_bool().unwrap(),
        info["hasNextPage"].as_bool().unwrap(),
    )
}

#[tokio::test]
async fn history_is_read_both_ways() {
    let house = House::new().await;
    house.say_many(&house.bob, house.general, 120).await;
    let bob = house.ask(&house.bob);
    let channel = house.general;

    let newest = page(&bob, channel, json!({})).await;
    assert_eq!(contents(&newest), range(71, 120), "the newest 50, oldest first");
    assert_eq!(more(&newest), (true, false));
    assert_eq!(newest["headSeq"], 120);

    // Back to the beginning.
    let mut seen = contents(&newest);
    let mut back = newest;
    while more(&back).0 {
        back = page(
            &bob,
            channel,
            json!({ "last": 30, "before": back["pageInfo"]["startCursor"] }),
        )
        .await;
        assert!(more(&back).1);
        seen.splice(0..0, contents(&back));
    }
    assert_eq!(seen, range(1, 120));

    // And forward again.
    let mut forth = page(&bob, channel, json!({ "first": 50 })).await;
    assert_eq!(more(&forth), (false, true));
    let mut seen = contents(&forth);
    while more(&forth).1 {
        forth = page(
            &bob,
            channel,
            json!({ "first": 50, "after": forth["pageInfo"]["endCursor"] }),
        )
        .await;
        assert!(more(&forth).0);
        seen.extend(contents(&forth));
    }
    assert_eq!(seen, range(1, 120));
    assert_eq!(
        contents(&page(&bob, channel, json!({ "last": 1 })).await),
        ["m120"]
    );
    assert_eq!(
        contents(&page(&bob, channel, json!({ "first": 100 })).await).len(),
        100
    );
}

#[tokio::test]
async fn a_page_can_stand_around_a_message() {
    let house = House::new().await;
    let ids = house.say_many(&house.bob, house.general, 60).await;
    let bob = house.ask(&house.bob);
    let around = async |i: usize, size: Option<i32>| {
        page(
            &bob,
            house.general,
            json!({ "around": ids[i - 1], "first": size }),
        )
        .await
    };
    let middle = around(30, Some(10)).await;
    assert_eq!((contents(&middle), more(&middle)), (range(25, 34), (true, true)));
    let whole = around(30, None).await;
    assert_eq!((contents(&whole), more(&whole)), (range(5, 54), (true, true)));
    let start = around(1, Some(10)).await;
    assert_eq!((contents(&start), more(&start)), (range(1, 5), (false, true)));
    let end = around(60, Some(10)).await;
    assert_eq!((contents(&end), more(&end)), (range(55, 60), (true, false)));
    let alone = around(30, Some(1)).await;
    assert_eq!((contents(&alone), more(&alone)), (range(30, 30), (true, true)));
    // Its cursors go on where it ends.
    let on = page(
        &bob,
        house.general,
        json!({ "first": 2, "after": middle["pageInfo"]["endCursor"] }),
    )
    .await;
    assert_eq!(contents(&on), range(35, 36));

    // A message of another channel, visible or not, and one that is none are the same: nothing.
    let other = house.channel("other").await;
    let elsewhere = house.said(&house.bob, other, "elsewhere").await;
    let hidden = house.said(&house.alice, house.hidden, "secret").await;
    let nothing = page(&bob, house.general, json!({ "around": unknown_message(&house) })).await;
    assert_eq!(contents(&nothing), [""; 0]);
    for id in [elsewhere, hidden] {
        assert_eq!(page(&bob, house.general, json!({ "around": id })).await, nothing);
    }
}

#[tokio::test]
async fn arguments_that_make_no_page_are_refused() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "a").await;
    let bob = house.ask(&house.bob);
    let cursor = text(&page(&bob, house.general, json!({})).await["edges"][0]["cursor"]);
    let mut tampered = cursor.clone();
    tampered.replace_range(0..2, "AA");
    for (wrong, field, reason) in [
        (json!({ "first": 0 }), "first", "PAGE_SIZE"),
        (json!({ "first": 101 }), "first", "PAGE_SIZE"),
        (json!({ "last": 0 }), "last", "PAGE_SIZE"),
        (json!({ "last": 101 }), "last", "PAGE_SIZE"),
        (json!({ "last": -1 }), "last", "PAGE_SIZE"),
        (json!({ "first": 1, "last": 1 }), "last", "PAGE_BOTH_WAYS"),
        (
            json!({ "first": 1, "before": cursor }),
            "before",
            "PAGE_BOTH_WAYS",
        ),
        (json!({ "around": id, "last": 1 }), "around", "PAGE_BOTH_WAYS"),
        (
            json!({ "around": id, "after": cursor }),
            "around",
            "PAGE_BOTH_WAYS",
        ),
        (json!({ "around": id, "first": 0 }), "first", "PAGE_SIZE"),
        (
            json!({ "around": house.general.to_string() }),
            "around",
            "ID_MALFORMED",
        ),
        (json!({ "after": tampered }), "after", "CURSOR_MALFORMED"),
        (json!({ "before": "!" }), "before", "CURSOR_MALFORMED"),
        (json!({ "after": "" }), "after", "CURSOR_MALFORMED"),
        (
            json!({ "after": "x".repeat(10_000) }),
            "after",
            "CURSOR_MALFORMED",
        ),
    ] {
        let error = bob.error(PAGE, arguments(house.general, wrong.clone())).await;
        assert_eq!(
            error,
            json!({ "code": "INVALID", "field": field, "reason": reason }),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_deleted_message_is_in_no_list() {
    let house = House::new().await;
    let ids = house.say_many(&house.bob, house.general, 5).await;
    let bob = house.ask(&house.bob);
    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    for id in [&ids[1], &ids[4]] {
        bob.data(delete, json!({ "id": id })).await;
    }
    let all = page(&bob, house.general, json!({})).await;
    assert_eq!(contents(&all), ["m1", "m3", "m4"]);
    assert_eq!(numbers(&all["edges"], "/node/seq"), [1, 3, 4], "numbers stay");
    assert_eq!(all["headSeq"], 7);
    let around = page(&bob, house.general, json!({ "around": ids[1], "first": 2 })).await;
    assert_eq!(contents(&around), ["m1", "m3"], "its place is still a place");
    let rest = "query($r: [_Any!]!, $id: ID!) { message(id: $id) { id }
        _entities(representations: $r) { ... on Channel { lastMessage { content } headSeq } ... on Message { id } } }";
    let representations = json!([
        { "__typename": "Channel", "id": house.general.to_string() },
        { "__typename": "Message", "id": ids[4] },
    ]);
    let data = bob
        .data(rest, json!({ "r": representations, "id": ids[4] }))
        .await;
    let channel = json!({ "lastMessage": { "content": "m4" }, "headSeq": 7 });
    assert_eq!(data, json!({ "message": null, "_entities": [channel, null] }));
}

#[tokio::test]
async fn who_may_not_read_history_has_none() {
    let house = House::new().await;
    let blind = house.channel("blind").await;
    house.deny(blind, Permissions::READ_HISTORY).await;
    let id = house.said(&house.alice, blind, "before your time").await;
    let pin = "mutation($id: ID!) { pinMessage(input: { messageId: $id }) { message { pinnedAt } } }";
    house.ask(&house.alice).data(pin, json!({ "id": id })).await;
    let all = "query($r: [_Any!]!, $id: ID!, $p: [StreamPosition!]!) {
        message(id: $id) { id }
        channelEvents(positions: $p) { reset headSeq hasMore nodes { seq } }
        _entities(representations: $r) { ... on Channel {
            messages { headSeq nodes { id } } around: messages(around: $id) { nodes { id } }
            headSeq lastMessage { id } pinnedMessages { id } events(after: 0) { reset nodes { seq } } } } }";
    let variables = json!({
        "r": [{ "__typename": "Channel", "id": blind.to_string() }],
        "id": id,
        "p": [{ "channelId": blind.to_string(), "after": 0 }],
    });
    let data = house.ask(&house.bob).data(all, variables.clone()).await;
    insta::assert_json_snapshot!(data, @r#"
    {
      "_entities": [
        {
          "around": {
            "nodes": []
          },
          "events": {
            "nodes": [],
            "reset": true
          },
          "headSeq": 2,
          "lastMessage": null,
          "messages": {
            "headSeq": 2,
            "nodes": []
          },
          "pinnedMessages": []
        }
      ],
      "channelEvents": [
        {
          "hasMore": false,
          "headSeq": 2,
          "nodes": [],
          "reset": true
        }
      ],
      "message": null
    }
    "#);
    // Nor is it to be had by changing it.
    let bob = house.ask(&house.bob);
    for field in ["addReaction", "removeReaction"] {
        let document = format!(
            "mutation($id: ID!) {{ {field}(input: {{ messageId: $id, emoji: \"👍\" }}) {{ message {{ content }} }} }}"
        );
        let refused = bob.send(&document, json!({ "id": id })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(
            refused,
            bob.send(&document, json!({ "id": unknown_message(&house) }))
                .await
        );
    }
    // What is one's own can be changed.
    let own = house.said(&house.bob, blind, "mine").await;
    let edit = "mutation($id: ID!) { editMessage(input: { messageId: $id, content: \"still mine\" }) { message { content } } }";
    let edited = bob.data(edit, json!({ "id": own })).await;
    assert_eq!(edited["editMessage"]["message"]["content"], "still mine");
}
