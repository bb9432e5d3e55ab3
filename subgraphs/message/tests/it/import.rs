//! Messages of another platform.

use crate::house::{House, numbers, texts};
use chrono::{DateTime, Utc};
use commons_entities::{UserId, message::MessageKind};
use commons_message::service::{self, ImportedMessage, Names};
use serde_json::{Value, json};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_500_000_000 + seconds, 123_456_000).unwrap()
}

fn message(external_id: &str, author: UserId, seconds: i64, content: &str) -> ImportedMessage {
    ImportedMessage {
        external_id: external_id.to_owned(),
        author,
        at: at(seconds),
        kind: MessageKind::Default,
        content: Some(content.to_owned()),
        reply_to: None,
        edited_at: None,
        reactions: Vec::new(),
    }
}

const HISTORY: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel { headSeq
    pinnedMessages { content pinnedAt }
    messages(first: 100) { nodes { id seq ordinal kind content createdAt editedAt author { id } isReply replyTo { content }
        reactions { emoji count users(first: 2) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } } } } } } }";

async fn history(house: &House) -> Value {
    let general = json!({ "r": [{ "__typename": "Channel", "id": house.general.to_string() }] });
    house.ask(&house.bob).data(HISTORY, general).await["_entities"][0].take()
}

#[tokio::test]
async fn history_comes_with_its_own_times_and_order() {
    let house = House::new().await;
    let (alice, bob) = (house.alice.user, house.bob.user);
    let mut names = Names::default();
    names.users.insert("U1".to_owned(), alice);
    let mut second = message("1.2", bob, 60, "hi <@U1>, *bold* &amp; more");
    second.edited_at = Some(at(90));
    second.reply_to = Some("1.1".to_owned());
    let thumbs = ("thumbsup".to_owned(), vec![alice, bob, alice]);
    second.reactions = vec![
        thumbs.clone(),
        thumbs,
        ("+1".to_owned(), vec![bob]),
        ("our_own".to_owned(), vec![bob]),
    ];
    let mut joined = message("1.0", alice, 0, "");
    (joined.kind, joined.content) = (MessageKind::MemberJoined, None);
    let day = [
        joined,
        message("1.1", alice, 30, "first"),
        message("1.15", bob, 40, " \n"),
        second,
    ];
    let import = async |day: &[ImportedMessage]| {
        service::import_messages(&house.service, house.general, day, &names)
            .await
            .unwrap()
    };
    let done = import(&day).await;
    assert_eq!((done.messages, done.reactions, done.known), (3, 3, 0));
    assert_eq!(
        done.skipped
            .iter()
            .map(|skipped| skipped.index)
            .collect::<Vec<_>>(),
        [2]
    );
    assert!(!done.skipped[0].why.is_empty());
    let before = history(&house).await;
    let nodes = &before["messages"]["nodes"];
    assert_eq!(numbers(nodes, "/seq"), [1, 2, 3]);
    assert_eq!(numbers(nodes, "/ordinal"), [1, 2, 3]);
    assert_eq!(texts(nodes, "/kind"), ["MEMBER_JOINED", "DEFAULT", "DEFAULT"]);
    assert_eq!(nodes[0]["content"], Value::Null);
    assert_eq!(
        texts(nodes, "/createdAt"),
        [
            "2017-07-14T02:40:00.123+00:00",
            "2017-07-14T02:40:30.123+00:00",
            "2017-07-14T02:41:00.123+00:00"
        ],
        "in whole milliseconds"
    );
    assert_eq!(nodes[2]["editedAt"], "2017-07-14T02:41:30.123+00:00");
    assert_eq!(nodes[2]["content"], format!("hi <@{alice}>, **bold** & more"));
    assert_eq!(nodes[2]["replyTo"]["content"], "first");
    let reactions = &nodes[2]["reactions"];
    assert_eq!(texts(reactions, "/emoji"), [":our_own:", "👍"]);
    assert_eq!(numbers(reactions, "/count"), [1, 2]);

    // A second run adds nothing; the next day answers the first.
    let again = import(&day).await;
    assert_eq!((again.messages, again.reactions, again.known), (0, 0, 3));
    assert_eq!(history(&house).await, before);
    let mut later = message("2.1", bob, 86_400, "re");
    later.reply_to = Some("1.1".to_owned());
    import(&[later]).await;
    let after = history(&house).await;
    let reply = &after["messages"]["nodes"][3];
    assert_eq!(
        (&reply["isReply"], &reply["replyTo"]["content"]),
        (&json!(true), &json!("first"))
    );

    // And the channel lives on.
    let live = house.say(&house.alice, house.general, "live").await;
    assert_eq!((&live["seq"], &live["ordinal"]), (&json!(5), &json!(5)));
}

/// All reactions of an imported message came with it: paging must not lose those with the same number.
#[tokio::test]
async fn imported_reactions_are_listed_whole() {
    let house = House::new().await;
    let mut people = Vec::new();
    for i in 0..5 {
        people.push(house.world.person(&format!("p{i}")).await.user);
    }
    let mut liked = message("1", people[0], 0, "a");
    liked.reactions = vec![
        ("thumbsup".to_owned(), people.clone()),
        ("tada".to_owned(), people[..3].to_vec()),
    ];
    service::import_messages(&house.service, house.general, &[liked], &Names::default())
        .await
        .unwrap();
    let id = history(&house).await["messages"]["nodes"][0]["id"].clone();
    let query = "query($id: ID!, $after: String) { message(id: $id) { reactions {
        emoji users(first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } } }";
    for emoji in ["👍", "🎉"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let data = house
                .ask(&house.bob)
                .data(query, json!({ "id": id, "after": after }))
                .await;
            let groups = data["message"]["reactions"].as_array().unwrap().clone();
            let group = groups.iter().find(|group| group["emoji"] == emoji).unwrap();
            seen.extend(texts(&group["users"]["nodes"], "/id"));
            after = group["users"]["pageInfo"]["endCursor"].clone();
            if group["users"]["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let count = if emoji == "👍" { 5 } else { 3 };
        let mut expected: Vec<String> = people[..count].iter().map(UserId::to_string).collect();
        expected.sort();
        seen.sort();
        assert_eq!(seen, expected, "{emoji}");
    }
}

#[tokio::test]
async fn pins_are_imported_once() {
    let house = House::new().await;
    let day = [
        message("1", house.bob.user, 0, "a"),
        message("2", house.bob.user, 1, "b"),
    ];
    service::import_messages(&house.service, house.general, &day, &Names::default())
        .await
        .unwrap();
    history(&house).await;
    let pins = [
        ("2".to_owned(), at(10)),
        ("unknown".to_owned(), at(11)),
        ("1".to_owned(), at(12)),
    ];
    for _ in 0..2 {
        let pinned = service::pin_imported(&house.service, house.general, &pins)
            .await
            .unwrap();
        assert_eq!(pinned, 2);
        let now = history(&house).await;
        assert_eq!(texts(&now["pinnedMessages"], "/content"), ["a", "b"]);
        assert_eq!(
            now["pinnedMessages"][1]["pinnedAt"],
            "2017-07-14T02:40:10.123+00:00"
        );
        assert_eq!(now["headSeq"], 4, "a pin is an event, once");
    }
    assert_eq!(house.counts(house.general).await, (2, 4));
}

/// What is too long for a message becomes several, in their order, and once.
#[tokio::test]
async fn long_texts_are_cut() {
    let house = House::new().await;
    let long = message("1", house.bob.user, 0, &"word ".repeat(2_000));
    let import = async || {
        let day = [long.clone()];
        service::import_messages(&house.service, house.general, &day, &Names::default())
            .await
            .unwrap()
    };
    let done = import().await;
    assert!(done.messages >= 3 && done.skipped.is_empty(), "{done:?}");
    let before = history(&house).await;
    let total: usize = texts(&before["messages"]["nodes"], "/content")
        .iter()
        .map(|part| part.matches("word").count())
        .sum();
    assert_eq!(total, 2_000);
    assert_eq!(import().await.messages, 0);
    assert_eq!(history(&house).await, before);
}
