//! Lists load in a number of statements that does not depend on their length.

use crate::house::{House, SEND, replying, soon};
use commons_entities::message::MessageKind;
use commons_message::{MessageService, service::ImportedMessage};
use commons_platform::{Platform, cache::MemoryCache, db::Db, graphql::Subgraph};
use commons_streams::Streams;
use commons_testing::Client;
use serde_json::{Value, json};
use std::sync::Arc;

/// The message subgraph as a process has it that has just started, on connections of its own.
async fn cold(house: &House) -> (Subgraph, Db) {
    let db = house.world.database.reconnect().await;
    let cache = Arc::new(MemoryCache::new(house.platform.clock.clone(), 1 << 20));
    let platform = Platform {
        db: db.clone(),
        cache,
        ..house.platform.clone()
    };
    let streams = Streams::new(
        house.platform.db.clone(),
        platform.bus.clone(),
        platform.clock.clone(),
    );
    let service = MessageService::start(platform, house.access.clone(), streams);
    // The first turn of housekeeping is no part of any request.
    soon(async {
        while db.query_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (commons_message::subgraph(service), db)
}

/// How many statements a request takes in a process that knows nothing yet.
async fn statements(house: &House, document: &str, variables: Value) -> u64 {
    let (subgraph, db) = cold(house).await;
    let before = db.query_count();
    Client::of(&subgraph, &house.bob).data(document, variables).await;
    db.query_count() - before
}

#[tokio::test]
async fn a_page_of_history_takes_as_many_statements_whatever_its_length() {
    let house = House::new().await;
    let people = [&house.alice, &house.bob, &house.carol].map(|who| who.user);
    let message = |i: usize| ImportedMessage {
        external_id: i.to_string(),
        author: people[i % 3],
        at: house.platform.clock.now(),
        kind: MessageKind::Default,
        content: Some(format!("m{i}")),
        reply_to: (i > 50).then(|| (i - 50).to_string()),
        edited_at: None,
        reactions: vec![
            ("thumbsup".to_owned(), people.to_vec()),
            ("tada".to_owned(), people[1..].to_vec()),
        ],
    };
    let ids = house
        .import(house.general, &(1..=100).map(message).collect::<Vec<_>>())
        .await;
    let page = "query($r: [_Any!]!, $last: Int, $first: Int, $around: ID) { _entities(representations: $r) { ... on Channel {
        messages(last: $last, first: $first, around: $around) { headSeq nodes {
            id content author { id } mentions { id } channel { id headSeq } replyTo { content author { id } }
            reactions { emoji count viewerHasReacted users(first: 5) { totalCount nodes { id } } }
            viewerCanEdit viewerCanDelete } } } } }";
    let channel = json!([{ "__typename": "Channel", "id": house.general.to_string() }]);
    for size in [1, 2, 50] {
        // The head, the page, the targets of replies; reactions: counted, one's own, who; the head again.
        assert_eq!(
            statements(&house, page, json!({ "r": channel, "last": size })).await,
            7
        );
        assert_eq!(
            statements(&house, page, json!({ "r": channel, "first": size })).await,
            6,
            "no replies here"
        );
        // The middle and both sides of it.
        let around = json!({ "r": channel, "around": ids[75], "first": size });
        assert_eq!(statements(&house, page, around).await, 9);
    }
}

#[tokio::test]
async fn many_channels_take_as_many_statements_as_one() {
    let house = House::new().await;
    let mut channels = vec![house.general];
    for i in 0..79 {
        channels.push(house.channel(&format!("c{i}")).await);
    }
    for channel in &channels {
        let id = house.said(&house.alice, *channel, "a").await;
        house
            .ask(&house.bob)
            .data(SEND, replying(*channel, "b", &id))
            .await;
    }
    let events = "query($p: [StreamPosition!]!) { channelEvents(positions: $p) { channel { id } headSeq hasMore reset
        nodes { seq ... on MessageCreated { message { content replyTo { content } reactions { count } } } } } }";
    let positions = |count: usize| -> Value {
        channels[..count]
            .iter()
            .map(|id| json!({ "channelId": id.to_string(), "after": 0 }))
            .collect()
    };
    let one = statements(&house, events, json!({ "p": positions(1) })).await;
    assert_eq!(
        one, 4,
        "heads, events, messages, which are the targets of replies too, counts"
    );
    assert_eq!(
        statements(&house, events, json!({ "p": positions(40) })).await,
        one
    );

    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel {
        headSeq lastMessage { content reactions { count } viewerCanEdit } } } }";
    let representations = |count: usize| -> Value {
        channels[..count]
            .iter()
            .map(|id| json!({ "__typename": "Channel", "id": id.to_string() }))
            .collect()
    };
    let one = statements(&house, entities, json!({ "r": representations(1) })).await;
    assert_eq!(one, 3);
    assert_eq!(
        statements(&house, entities, json!({ "r": representations(80) })).await,
        one
    );
}

#[tokio::test]
async fn messages_by_reference_are_one_load() {
    let house = House::new().await;
    let ids = house.say_many(&house.bob, house.general, 100).await;
    let document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Message { content reactions { count } } } }";
    let representations = |count: usize| -> Value {
        ids[..count]
            .iter()
            .map(|id| json!({ "__typename": "Message", "id": id }))
            .collect()
    };
    assert_eq!(
        statements(&house, document, json!({ "r": representations(1) })).await,
        2
    );
    assert_eq!(
        statements(&house, document, json!({ "r": representations(100) })).await,
        2
    );
}
