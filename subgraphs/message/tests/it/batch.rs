//! Group commit: many senders, one order, and nobody pays for another's failure.

use crate::house::{House, SEND, numbers, replying, said, sending, sending_as, soon, text};
use commons_entities::message::message;
use commons_message::{
    Cx,
    service::{self, SendInput},
};
use commons_platform::{ApiError, Code, task};
use commons_streams::log;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc};

const SENDERS: usize = 16;
const EACH: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_are_dense_under_many_senders() {
    let house = Arc::new(House::new().await);
    let people = [house.alice.clone(), house.bob.clone(), house.carol.clone()];
    let senders = (0..SENDERS).map(|sender| {
        let (house, who) = (house.clone(), people[sender % people.len()].clone());
        task::spawn(async move {
            let mut acknowledged = Vec::new();
            for i in 0..EACH {
                let variables = sending_as(house.general, &format!("{sender}/{i}"), &format!("{sender}/{i}"));
                let message = said(house.ask(&who).data(SEND, variables.clone()).await);
                if i % 8 == 0 {
                    let again = said(house.ask(&who).data(SEND, variables).await);
                    assert_eq!(again, message);
                }
                acknowledged.push(message);
            }
            acknowledged
        })
    });
    let acknowledged: Vec<Value> = soon(join_all(senders))
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    let total = i64::try_from(SENDERS * EACH).unwrap();
    assert_eq!(house.counts(house.general).await, (total, total));

    let db = house.platform.db.read();
    let rows = message::Entity::find()
        .filter(message::Column::ChannelId.eq(house.general))
        .order_by_asc(message::Column::Seq)
        .all(db)
        .await
        .unwrap();
    assert!(rows.iter().map(|row| row.seq).eq(1..=total));
    assert!(rows.iter().map(|row| row.ordinal).eq(1..=total));
    let contents: HashSet<&str> = rows.iter().filter_map(|row| row.content.as_deref()).collect();
    assert_eq!(contents.len(), SENDERS * EACH, "nothing is there twice");
    let ids: HashSet<String> = acknowledged.iter().map(|message| text(&message["id"])).collect();
    assert_eq!(
        ids,
        rows.iter().map(|row| row.id.to_string()).collect(),
        "nothing acknowledged is missing"
    );
    for sender in 0..SENDERS {
        let of_sender = acknowledged[sender * EACH..][..EACH].to_vec();
        let seqs = numbers(&of_sender.into(), "/seq");
        assert!(seqs.is_sorted(), "one sender's messages keep their order");
    }

    let events = log::read(db, house.general.0, 0, 10_000).await.unwrap();
    assert!(
        events
            .iter()
            .map(|event| (event.seq, event.subject))
            .eq(rows.iter().map(|row| (row.seq, row.id.0)))
    );
}

/// A row that the database refuses, for whatever reason it has.
#[tokio::test]
async fn a_message_that_cannot_be_inserted_fails_alone() {
    let house = House::new().await;
    let refuse = match house.platform.db.is_postgres() {
        true => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.content = 'poison' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
        false => {
            "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN NEW.content = 'poison'
            BEGIN SELECT RAISE(ABORT, 'poison'); END"
        }
    };
    house
        .platform
        .db
        .writer()
        .execute_unprepared(refuse)
        .await
        .unwrap();
    house.say(&house.bob, house.general, "warm").await;
    let bob = house.ask(&house.bob);
    let contents: Vec<String> = (0..21)
        .map(|i| {
            if i == 13 {
                "poison".to_owned()
            } else {
                format!("m{i}")
            }
        })
        .collect();
    let sends = contents
        .iter()
        .map(|content| bob.send(SEND, sending(house.general, content)));
    let answers = house.meanwhile(sends, async |_| {}).await;
    let mut seqs = Vec::new();
    for (content, answer) in contents.iter().zip(&answers) {
        if content == "poison" {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
            assert!(
                !answer.to_string().contains("poison"),
                "internal text stays inside: {answer}"
            );
        } else {
            let message = &answer["data"]["sendMessage"]["message"];
            assert_eq!(message["content"], **content, "{answer}");
            seqs.push(message["seq"].as_i64().unwrap());
        }
    }
    assert!(
        seqs.into_iter().eq(2..=21),
        "the others keep their order and leave no hole"
    );
    assert_eq!(house.counts(house.general).await, (21, 21));
}

/// What fits neither the queue nor the batch in flight is refused at once, the rest is written.
#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    const SENDS: usize = 4_096 + 256 + 1;
    let house = House::new().await;
    house.say(&house.bob, house.general, "warm").await;
    let call = house.bob.call();
    let actor = house.subgraph.actor_of(&call).unwrap();
    let cx = Cx::new(house.service.clone(), actor, call.origin);
    let input = SendInput {
        channel: house.general,
        content: "m".to_owned(),
        nonce: None,
        reply_to: None,
    };
    let held = house.hold().await;
    let mut sends: FuturesUnordered<_> = (0..SENDS).map(|_| service::send(&cx, input.clone())).collect();
    let first = soon(sends.next()).await.unwrap();
    assert_eq!(ApiError::from(first.unwrap_err()).code(), Code::Overloaded);
    let refused = house
        .ask(&house.carol)
        .error(SEND, sending(house.general, "m"))
        .await;
    assert_eq!(refused, json!({ "code": "OVERLOADED", "retryAfter": 1.0 }));
    held.rollback().await.unwrap();
    let rest: Vec<_> = soon(sends.collect()).await;
    let (written, refused): (Vec<_>, Vec<_>) = rest.into_iter().partition(Result::is_ok);
    assert!(
        refused
            .into_iter()
            .all(|error| ApiError::from(error.unwrap_err()).code() == Code::Overloaded)
    );
    let ordinal = i64::try_from(written.len() + 1).unwrap();
    assert_eq!(
        house.counts(house.general).await,
        (ordinal, ordinal),
        "what was not refused is written"
    );
}

#[tokio::test]
async fn draining_writes_what_was_accepted_and_refuses_the_rest() {
    let house = House::new().await;
    house.say(&house.bob, house.general, "warm").await;
    let bob = house.ask(&house.bob);
    let sends = (0..32).map(|i| bob.send(SEND, sending(house.general, &format!("m{i}"))));
    let (sends, draining) = (join_all(sends), house.service.drain());
    let held = house.hold().await;
    let let_go = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let late = bob.send(SEND, sending(house.general, "late")).await;
        assert_eq!(late["errors"][0]["extensions"]["code"], "UNAVAILABLE");
        held.rollback().await.unwrap();
    };
    let drained = async {
        draining.await;
        message::Entity::find()
            .count(house.platform.db.read())
            .await
            .unwrap()
    };
    let (answers, on_disk, ()) = soon(async { tokio::join!(sends, drained, let_go) }).await;
    let (refused, written): (Vec<&Value>, Vec<&Value>) =
        answers.iter().partition(|answer| answer.get("errors").is_some());
    assert!(!written.is_empty(), "some were accepted before");
    for refused in refused {
        assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    }
    let on_disk = usize::try_from(on_disk).unwrap();
    assert_eq!(on_disk, written.len() + 1, "on the disk when the drain is over");
    house.service.drain().await;
}

/// On PostgreSQL five statements between BEGIN and COMMIT: the streams' locks, nonces and targets of
/// replies, the standings' versions, messages with nonces, heads with events. SQLite, where a statement
/// costs no way, moves each head by itself.
#[tokio::test]
async fn a_batch_takes_as_many_statements_whatever_its_size() {
    let house = House::new().await;
    let mut channels = vec![house.general];
    for name in ["a", "b", "c"] {
        channels.push(house.channel(name).await);
    }
    let mut targets = Vec::new();
    for channel in &channels {
        targets.push(house.said(&house.bob, *channel, "warm").await);
    }
    let bob = house.ask(&house.bob);
    let mut counts = Vec::new();
    for size in [1, 4, 12] {
        let sends = (0..size).map(|i| {
            let mut variables = replying(channels[i % 4], "m", &targets[i % 4]);
            variables["input"]["nonce"] = json!(format!("{size}/{i}"));
            // Nothing is asked for that is read after the commit.
            bob.send(
                "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id seq } } }",
                variables,
            )
        });
        let before = house.platform.db.query_count();
        let answers = house.meanwhile(sends, async |_| {}).await;
        counts.push(house.platform.db.query_count() - before);
        assert!(
            answers.iter().all(|answer| answer.get("errors").is_none()),
            "{answers:?}"
        );
    }
    let expected: [u64; 3] = match house.platform.db.is_postgres() {
        true => [5, 5, 5],
        false => [8, 11, 11],
    };
    assert_eq!(counts, expected);
}
