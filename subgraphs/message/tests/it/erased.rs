//! What is deleted is nowhere: not in the API, not in the log of events, not in the database.

use crate::house::{House, SEND, replying, said, text};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

/// Whether a text is anywhere: in any file of an SQLite database, in any row of a PostgreSQL one, which
/// overwrites what nobody sees any more when it gets to it.
async fn is_anywhere(house: &House, text: &str) -> bool {
    let db = house.platform.db.writer();
    if house.platform.db.is_postgres() {
        let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
        let tables = db.query_all_raw(statement(tables)).await.unwrap();
        assert!(tables.len() > 10);
        for table in tables {
            let table: String = table.try_get_by_index(0).unwrap();
            let row = format!("SELECT 1 FROM {table} AS one WHERE one::text LIKE '%{text}%' LIMIT 1");
            if db.query_one_raw(statement(&row)).await.unwrap().is_some() {
                return true;
            }
        }
        return false;
    }
    db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .unwrap();
    let files = std::fs::read_dir(house.world.database.folder()).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| {
            // Most places fail at the first byte.
            let first = text.as_bytes()[0];
            let mut starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
            starts.any(|(at, _)| bytes[at..].starts_with(text.as_bytes()))
        })
}

fn statement(text: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, text)
}

#[tokio::test]
async fn a_deleted_body_is_nowhere() {
    let house = House::new().await;
    let bob = house.ask(&house.bob);
    house.say_many(&house.bob, house.general, 40).await;
    // One that fits a page, one that does not, one that was edited.
    let bodies = [
        "Xylophone-4711",
        &format!("Quagga-0815 {}", "x".repeat(3_900)),
        "Zeppelin-1337",
    ];
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(house.said(&house.bob, house.general, body).await);
        house.say_many(&house.carol, house.general, 10).await;
    }
    let edit = "mutation($id: ID!) { editMessage(input: { messageId: $id, content: \"Yoghurt-2342\" }) { message { id } } }";
    bob.data(edit, json!({ "id": ids[2] })).await;
    let words = ["Xylophone-4711", "Quagga-0815", "Zeppelin-1337", "Yoghurt-2342"];
    let reply = said(bob.data(SEND, replying(house.general, "re", &ids[0])).await);
    assert_eq!(reply["replyTo"]["content"], "Xylophone-4711");
    assert!(
        is_anywhere(&house, "Xylophone-4711").await,
        "the search finds what is there"
    );

    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    for id in &ids {
        let answer = bob.data(delete, json!({ "id": id })).await;
        assert_eq!(answer["deleteMessage"]["messageId"], **id);
    }

    let everything = "query($r: [_Any!]!, $p: [StreamPosition!]!, $reply: ID!) {
        message(id: $reply) { isReply replyTo { id content } }
        channelEvents(positions: $p, first: 100) { nodes { seq
            ... on MessageCreated { messageId message { content replyTo { content } } }
            ... on MessageUpdated { messageId message { content } }
            ... on MessageDeleted { messageId } } }
        _entities(representations: $r) { ... on Channel { messages(first: 100) { nodes { content replyTo { content } } } }
            ... on Message { content } } }";
    let mut representations = vec![json!({ "__typename": "Channel", "id": house.general.to_string() })];
    representations.extend(ids.iter().map(|id| json!({ "__typename": "Message", "id": id })));
    let variables = json!({
        "r": representations,
        "p": [{ "channelId": house.general.to_string(), "after": 0 }],
        "reply": reply["id"],
    });
    let data = house.ask(&house.carol).data(everything, variables).await;
    assert_eq!(data["message"], json!({ "isReply": true, "replyTo": null }));
    assert_eq!(
        data["_entities"].as_array().unwrap()[1..],
        [Value::Null, Value::Null, Value::Null]
    );
    let of_first: Vec<&Value> = data["channelEvents"][0]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["messageId"] == *ids[0])
        .collect();
    assert_eq!(of_first.len(), 2, "that it was there is known");
    assert_eq!(of_first[0]["message"], Value::Null);
    let answer = data.to_string();
    for word in words {
        assert!(!answer.contains(word), "{word}");
    }

    assert!(
        is_anywhere(&house, &text(&json!("m40"))).await,
        "the rest is there"
    );
    for word in words {
        assert!(!is_anywhere(&house, word).await, "{word}");
    }
}
