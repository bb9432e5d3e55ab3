//! All of a guild as a member reads it, without ids.

use crate::harness::Person;
use serde_json::{Value, json};

const CHANNELS: &str = "{ guilds { nodes { channels { id name topic kind archivedAt } } } }";
const MESSAGES: &str = "query($channel: ID!, $after: String) { channel(id: $channel) { messages(first: 100, after: $after) {
    pageInfo { endCursor hasNextPage }
    nodes { kind content createdAt editedAt pinnedAt ordinal author { username displayName kind } mentions { username }
        replyTo { createdAt } reactions { emoji count users { nodes { username } } } } } } }";

/// The channels of the person's only guild with all their messages, oldest first.
pub(super) async fn browse(person: &Person) -> Vec<Value> {
    let mut data = person.data(CHANNELS, json!({})).await;
    let mut channels: Vec<Value> = Vec::new();
    for mut channel in data["guilds"]["nodes"][0]["channels"]
        .as_array_mut()
        .unwrap()
        .drain(..)
    {
        let id = channel["id"].take();
        let mut messages = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut data = person
                .data(MESSAGES, json!({ "channel": id, "after": after }))
                .await;
            let mut page = data["channel"]["messages"].take();
            messages.extend(page["nodes"].as_array_mut().unwrap().drain(..).map(sorted));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            assert_ne!(page["pageInfo"]["endCursor"], after, "no progress");
            after = page["pageInfo"]["endCursor"].take();
        }
        channel["messages"] = Value::Array(messages);
        channels.push(channel);
    }
    channels
}

/// All who reacted before an import did so at once: they have no order.
fn sorted(mut message: Value) -> Value {
    for reaction in message["reactions"].as_array_mut().unwrap() {
        let people = reaction["users"]["nodes"].as_array_mut().unwrap();
        people.sort_by_key(|person| person["username"].as_str().map(str::to_owned));
    }
    message
}
