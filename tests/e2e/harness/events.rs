//! A channel's stream as a client records it.

use super::Person;
use serde_json::{Value, json};

/// One event: its number, its kind and the message it is about.
pub(crate) type Seen = (i64, String, String);

/// The kind of a sent message.
pub(crate) const CREATED: &str = "MessageCreated";

const EVENTS: &str = "query($channel: ID!, $after: Int!) { channel(id: $channel) { events(after: $after, first: 100) {
    hasMore reset headSeq nodes { __typename seq ... on MessageCreated { messageId message { id nonce content } }
        ... on MessageUpdated { messageId } ... on MessageDeleted { messageId } ... on ReactionAdded { messageId } } } } }";

/// All events behind a number, page by page. Numbers must be dense.
pub(crate) async fn by_pages(person: &Person, channel: &str, mut after: i64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let data = person
            .data(EVENTS, json!({ "channel": channel, "after": after }))
            .await;
        let page = &data["channel"]["events"];
        assert_eq!(page["reset"], false, "{page:#}");
        for event in page["nodes"].as_array().unwrap() {
            after += 1;
            assert_eq!(event["seq"], after, "a hole or a repetition: {event:#}");
            all.push(event.clone());
        }
        if page["hasMore"] == false {
            return all;
        }
        assert_ne!(page["nodes"], json!([]), "no progress: {page:#}");
    }
}

/// What a client keeps of an event.
pub(crate) fn seen(event: &Value) -> Seen {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        event["seq"].as_i64().unwrap(),
        text(&event["__typename"]),
        text(&event["messageId"]),
    )
}
