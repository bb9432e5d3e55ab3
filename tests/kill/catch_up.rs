//! Reading everything again at the end, through every gateway: events page by page, the newest messages,
//! and messages that are gone.

use crate::{
    attempt::{Line, Outcome},
    client::Client,
    ids::message_id,
    subscriber::Seen,
    verify::Truth,
    world::World,
};
use serde_json::{Value, json};

const EVENTS: &str = "query($positions: [StreamPosition!]!) { channelEvents(positions: $positions, first: 50) {
    hasMore reset nodes { __typename seq ... on MessageCreated { messageId } ... on MessageUpdated { messageId }
        ... on MessageDeleted { messageId } ... on ReactionAdded { messageId } ... on ReactionRemoved { messageId } } } }";
const NEWEST: &str = "query($id: ID!) { channel(id: $id) { messages(last: 50) { nodes { id content } } } }";
const MESSAGE: &str = "query($id: ID!) { message(id: $id) { id content } }";
/// How many deleted messages of a channel are asked for by id.
const GONE: usize = 5;

/// Everything that happened in every channel, as pages tell it; none when pages do not come.
pub(crate) async fn by_pages(client: &Client, world: &World, gateway: usize) -> Option<Vec<Vec<Seen>>> {
    let mut all: Vec<Vec<Seen>> = world.channels.iter().map(|_| Vec::new()).collect();
    loop {
        let positions: Vec<Value> = world
            .channels
            .iter()
            .zip(&all)
            .map(|(channel, seen)| json!({ "channelId": channel.id, "after": seen.len() }))
            .collect();
        let data = read(client, gateway, EVENTS, &json!({ "positions": positions })).await?;
        let mut has_more = false;
        for (seen, page) in all.iter_mut().zip(data["channelEvents"].as_array()?) {
            if page["reset"] == true {
                client
                    .ledger
                    .violated(format!("a page is reset after {}: {page}", seen.len()));
            }
            for event in page["nodes"].as_array()? {
                if event["seq"] != seen.len() + 1 {
                    client
                        .ledger
                        .violated(format!("a page goes on after {} with {event}", seen.len()));
                    return None;
                }
                seen.push(Seen::of(event)?);
            }
            has_more |= page["hasMore"] == true;
        }
        if !has_more {
            return Some(all);
        }
    }
}

/// The newest messages, and some that are gone, as the API shows them.
pub(crate) async fn is_as_stored(
    client: &Client,
    world: &World,
    gateway: usize,
    truths: &[Truth],
) -> Option<()> {
    for (channel, truth) in world.channels.iter().zip(truths) {
        let data = read(client, gateway, NEWEST, &json!({ "id": channel.id })).await?;
        let shown = data["channel"]["messages"]["nodes"].as_array()?;
        let living = truth.messages.iter().filter(|message| !message.is_deleted);
        let stored: Vec<Value> = living
            .map(|message| json!({ "id": message_id(message.id), "content": message.content }))
            .collect();
        let stored = &stored[stored.len().saturating_sub(50)..];
        if let Some(at) = (0..stored.len().max(shown.len())).find(|at| stored.get(*at) != shown.get(*at)) {
            client.ledger.violated(format!(
                "gateway {gateway} shows as number {at} of the newest of {} {:?}; stored is {:?}",
                channel.id,
                shown.get(at),
                stored.get(at),
            ));
        }
        for gone in truth
            .messages
            .iter()
            .rev()
            .filter(|message| message.is_deleted)
            .take(GONE)
        {
            let data = read(client, gateway, MESSAGE, &json!({ "id": message_id(gone.id) })).await?;
            if !data["message"].is_null() {
                client
                    .ledger
                    .violated(format!("gateway {gateway} shows a deleted message: {data}"));
            }
        }
    }
    Some(())
}

async fn read(client: &Client, gateway: usize, document: &str, variables: &Value) -> Option<Value> {
    match Line::at(client.clone(), gateway)
        .insist("a read at the end", document, variables)
        .await
    {
        Outcome::Done { data, .. } => Some(data),
        Outcome::Gone | Outcome::Unknown => {
            client.ledger.violated(format!(
                "gateway {gateway} does not answer {document} {variables}"
            ));
            None
        }
    }
}
