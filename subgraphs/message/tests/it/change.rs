//! Editing, deleting and pinning: who may, what stays the same, what the stream says.

use crate::house::{House, numbers, texts, unknown_message};
use chrono::TimeDelta;
use commons_access::Permissions;
use commons_entities::ChannelId;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

const EDIT: &str =
    "mutation($id: ID!, $content: String!) { editMessage(input: { messageId: $id, content: $content }) {
    message { id content editedAt viewerCanEdit } } }";
const DELETE: &str = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
const PIN: &str = "mutation($id: ID!) { pinMessage(input: { messageId: $id }) { message { id pinnedAt } } }";
const UNPIN: &str =
    "mutation($id: ID!) { unpinMessage(input: { messageId: $id }) { message { id pinnedAt } } }";
const MESSAGE: &str =
    "query($id: ID!) { message(id: $id) { content editedAt pinnedAt viewerCanEdit viewerCanDelete } }";

fn editing(id: &str, content: &str) -> Value {
    json!({ "id": id, "content": content })
}

/// The kinds of a channel's events.
async fn kinds(house: &House, channel: ChannelId) -> Vec<String> {
    let document = "query($p: [StreamPosition!]!) { channelEvents(positions: $p, first: 100) { nodes { seq kind: __typename } } }";
    let position = json!({ "p": [{ "channelId": channel.to_string(), "after": 0 }] });
    let data = house.ask(&house.alice).data(document, position).await;
    let nodes = &data["channelEvents"][0]["nodes"];
    let count = i64::try_from(nodes.as_array().unwrap().len()).unwrap();
    assert!(numbers(nodes, "/seq").into_iter().eq(1..=count), "dense");
    texts(nodes, "/kind")
}

#[tokio::test]
async fn authors_edit_and_nobody_else() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "first").await;
    let bob = house.ask(&house.bob);
    house.world.clock.advance(TimeDelta::seconds(1));
    let edited = bob.data(EDIT, editing(&id, "second ")).await;
    let message = json!({ "id": id, "content": "second", "editedAt": "2023-11-14T22:13:21+00:00", "viewerCanEdit": true });
    assert_eq!(edited["editMessage"]["message"], message);
    house.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        bob.data(EDIT, editing(&id, "second")).await,
        edited,
        "the same again changes nothing"
    );
    assert_eq!(
        kinds(&house, house.general).await,
        ["MessageCreated", "MessageUpdated"]
    );

    let found = house.ask(&house.carol).data(MESSAGE, json!({ "id": id })).await;
    assert_eq!(found["message"]["content"], "second", "others see it at once");
    assert_eq!(
        (
            &found["message"]["viewerCanEdit"],
            &found["message"]["viewerCanDelete"]
        ),
        (&json!(false), &json!(false))
    );
    let alice = house.ask(&house.alice).data(MESSAGE, json!({ "id": id })).await;
    assert_eq!(
        (
            &alice["message"]["viewerCanEdit"],
            &alice["message"]["viewerCanDelete"]
        ),
        (&json!(false), &json!(true))
    );

    let not_author = json!({ "code": "FORBIDDEN", "reason": "NOT_AUTHOR" });
    assert_eq!(
        house.ask(&house.carol).error(EDIT, editing(&id, "x")).await,
        not_author
    );
    assert_eq!(
        house.ask(&house.alice).error(EDIT, editing(&id, "x")).await,
        not_author,
        "nor does the owner"
    );
    for (content, reason) in [("", "CONTENT_EMPTY"), (&*"x".repeat(4_001), "CONTENT_TOO_LONG")] {
        let error = bob.error(EDIT, editing(&id, content)).await;
        assert_eq!(
            error,
            json!({ "code": "INVALID", "field": "content", "reason": reason })
        );
    }
    assert_eq!(
        bob.error(EDIT, editing(&house.general.to_string(), "x")).await["reason"],
        "ID_MALFORMED"
    );
}

#[tokio::test]
async fn editing_needs_what_sending_needs() {
    let house = House::new().await;
    let (silenced, archive) = (house.channel("silenced").await, house.channel("archive").await);
    let in_silence = house.said(&house.bob, silenced, "a").await;
    let in_archive = house.said(&house.bob, archive, "a").await;
    house
        .take(silenced, house.bob.user, Permissions::SEND_MESSAGES)
        .await;
    house.archive(archive).await;
    house.hear().await;
    let bob = house.ask(&house.bob);
    for (id, code, reason) in [
        (&in_silence, "FORBIDDEN", "MISSING_PERMISSION"),
        (&in_archive, "CONFLICT", "CHANNEL_ARCHIVED"),
    ] {
        let message = &bob.data(MESSAGE, json!({ "id": id })).await["message"];
        assert_eq!(message["viewerCanEdit"], false, "{reason}");
        assert_eq!(message["viewerCanDelete"], true, "{reason}");
        assert_eq!(
            bob.error(EDIT, editing(id, "b")).await,
            json!({ "code": code, "reason": reason })
        );
        bob.data(DELETE, json!({ "id": id })).await;
    }
}

#[tokio::test]
async fn authors_and_those_who_manage_messages_delete() {
    let house = House::new().await;
    let own = house.said(&house.bob, house.general, "own").await;
    let other = house.said(&house.bob, house.general, "other").await;
    let (alice, bob, carol) = (
        house.ask(&house.alice),
        house.ask(&house.bob),
        house.ask(&house.carol),
    );
    let missing = json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" });
    assert_eq!(carol.error(DELETE, json!({ "id": own })).await, missing);
    assert_eq!(
        bob.data(DELETE, json!({ "id": own })).await["deleteMessage"]["messageId"],
        *own
    );
    alice.data(DELETE, json!({ "id": other })).await;

    // Gone is gone, for its author too, and whatever is asked of it.
    let unknown = json!({ "id": unknown_message(&house), "content": "x" });
    for document in [DELETE, EDIT, PIN, UNPIN] {
        let not_there = bob.send(document, unknown.clone()).await;
        assert_eq!(
            not_there["errors"][0]["extensions"],
            json!({ "code": "NOT_FOUND" })
        );
        assert_eq!(bob.send(document, editing(&own, "x")).await, not_there);
        assert_eq!(alice.send(document, editing(&other, "x")).await, not_there);
    }
    let created = "MessageCreated";
    assert_eq!(
        kinds(&house, house.general).await,
        [created, created, "MessageDeleted", "MessageDeleted"]
    );
}

#[tokio::test]
async fn those_who_manage_messages_pin() {
    let house = House::new().await;
    let (first, second) = (
        house.said(&house.bob, house.general, "1").await,
        house.said(&house.bob, house.general, "2").await,
    );
    let alice = house.ask(&house.alice);
    let missing = json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" });
    assert_eq!(
        house.ask(&house.bob).error(PIN, json!({ "id": first })).await,
        missing,
        "not even one's own"
    );
    let pinned = alice.data(PIN, json!({ "id": second })).await;
    house.world.clock.advance(TimeDelta::seconds(1));
    alice.data(PIN, json!({ "id": first })).await;
    assert_eq!(
        alice.data(PIN, json!({ "id": second })).await,
        pinned,
        "pinned again, it stays where it is"
    );

    let pins =
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel { pinnedMessages { id } } } }";
    let general = json!({ "r": [{ "__typename": "Channel", "id": house.general.to_string() }] });
    let list = async || {
        let data = house.ask(&house.carol).data(pins, general.clone()).await;
        texts(&data["_entities"][0]["pinnedMessages"], "/id")
    };
    assert_eq!(
        list().await,
        [first.clone(), second.clone()],
        "the newest pin first"
    );
    assert_eq!(
        alice.data(UNPIN, json!({ "id": second })).await["unpinMessage"]["message"]["pinnedAt"],
        Value::Null
    );
    alice.data(UNPIN, json!({ "id": second })).await;
    assert_eq!(list().await, [&*first]);
    alice.data(DELETE, json!({ "id": first })).await;
    assert_eq!(list().await, [""; 0]);
    assert_eq!(
        kinds(&house, house.general).await[2..],
        [
            "MessagePinned",
            "MessagePinned",
            "MessageUnpinned",
            "MessageDeleted"
        ]
    );
}

#[tokio::test]
async fn a_channel_has_room_for_250_pins() {
    let house = House::new().await;
    let ids = house.say_many(&house.bob, house.general, 251).await;
    let pin_all = "UPDATE message SET pinned_at = created_at WHERE ordinal <= 250";
    house
        .platform
        .db
        .writer()
        .execute_unprepared(pin_all)
        .await
        .unwrap();
    let alice = house.ask(&house.alice);
    let full = alice.error(PIN, json!({ "id": ids[250] })).await;
    assert_eq!(full, json!({ "code": "CONFLICT", "reason": "TOO_MANY_PINS" }));
    alice.data(UNPIN, json!({ "id": ids[0] })).await;
    alice.data(PIN, json!({ "id": ids[250] })).await;
}

/// A change that is refused must not leave the caches closed.
#[tokio::test]
async fn refusals_and_changes_leave_the_caches_coherent() {
    let house = House::new().await;
    let id = house.said(&house.bob, house.general, "1").await;
    let bob = house.ask(&house.bob);
    for i in 2..10 {
        let content = format!("{i}");
        house
            .ask(&house.carol)
            .error(EDIT, editing(&id, "not mine"))
            .await;
        bob.data(EDIT, editing(&id, &content)).await;
        bob.data(EDIT, editing(&id, &content)).await;
        let found = house.ask(&house.carol).data(MESSAGE, json!({ "id": id })).await;
        assert_eq!(found["message"]["content"], content);
    }
}
