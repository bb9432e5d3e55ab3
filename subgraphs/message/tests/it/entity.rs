//! What references from other subgraphs resolve to.

use crate::house::{House, unknown_channel, unknown_message};
use serde_json::{Value, json};

const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) {
    ... on Message { id content author { id } channel { id } } ... on Channel { id headSeq } } }";

#[tokio::test]
async fn what_may_not_be_seen_is_null_and_spoils_nothing() {
    let house = House::new().await;
    let open = house.said(&house.bob, house.general, "open").await;
    let secret = house.said(&house.alice, house.hidden, "secret").await;
    let message = |id: &str| json!({ "__typename": "Message", "id": id });
    let channel = |id: &str| json!({ "__typename": "Channel", "id": id });
    let general = house.general.to_string();
    let representations = json!([
        message(&open),
        message(&secret),
        message(&unknown_message(&house)),
        message("message_1"),
        message(&general),
        channel(&general),
        channel(&house.hidden.to_string()),
        channel(&unknown_channel(&house).to_string()),
        channel(&open),
    ]);
    let data = house
        .ask(&house.carol)
        .data(ENTITIES, json!({ "r": representations }))
        .await;
    let author = json!({ "id": house.bob.user.to_string() });
    let shown = json!({ "id": open, "content": "open", "author": author, "channel": { "id": general } });
    let mut expected = vec![Value::Null; 9];
    expected[0] = shown;
    expected[5] = json!({ "id": general, "headSeq": 1 });
    assert_eq!(data["_entities"], Value::from(expected));

    for who in [house.ask(&house.mallory), house.nobody()] {
        let data = who.data(ENTITIES, json!({ "r": representations })).await;
        assert_eq!(data["_entities"], Value::from(vec![Value::Null; 9]));
    }
    let alice = house
        .ask(&house.alice)
        .data(ENTITIES, json!({ "r": [message(&secret)] }))
        .await;
    assert_eq!(alice["_entities"][0]["content"], "secret");
}

#[tokio::test]
async fn mentions_are_references_to_people() {
    let house = House::new().await;
    let (bob, carol) = (house.bob.user.to_string(), house.carol.user.to_string());
    let content = format!(
        "<@{bob}> and <@{carol}>, again <@{bob}>, not `<@{}>`",
        house.alice.user
    );
    let id = house.said(&house.alice, house.general, &content).await;
    let data = house
        .ask(&house.bob)
        .data(
            "query($id: ID!) { message(id: $id) { mentions { id } } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(
        data["message"]["mentions"],
        json!([{ "id": bob }, { "id": carol }])
    );
}
