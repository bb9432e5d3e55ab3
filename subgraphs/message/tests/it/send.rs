//! Sending: what is accepted, what is refused and with which words.

use crate::house::{
    House, SEND, alter, overwrite, record, remove_member, replying, said, sending, sending_as, soon, text,
    unknown_channel, unknown_message,
};
use chrono::TimeDelta;
use commons_access::{Permissions, Subject};
use futures_util::future::join_all;
use sea_orm::Set;
use serde_json::json;

#[tokio::test]
async fn a_message_is_answered_as_it_is_on_the_disk() {
    let house = House::new().await;
    let first = house.say(&house.bob, house.general, "hello **there**").await;
    assert_eq!(first["content"], "hello **there**");
    assert_eq!((&first["seq"], &first["ordinal"]), (&json!(1), &json!(1)));
    assert_eq!(first["author"]["id"], house.bob.user.to_string());
    assert_eq!(first["channel"]["id"], house.general.to_string());
    assert_eq!(first["createdAt"], "2023-11-14T22:13:20+00:00");
    let second = house.say(&house.alice, house.general, &"(".repeat(65)).await;
    assert_eq!((&second["seq"], &second["ordinal"]), (&json!(2), &json!(2)));
    let read = "query($id: ID!) { message(id: $id) { id content } }";
    let found = house
        .ask(&house.carol)
        .data(read, json!({ "id": first["id"] }))
        .await;
    assert_eq!(found["message"]["content"], "hello **there**");
}

#[tokio::test]
async fn content_has_its_limits() {
    let house = House::new().await;
    let bob = house.ask(&house.bob);
    assert_eq!(
        house.say(&house.bob, house.general, &"ä".repeat(4_000)).await["ordinal"],
        1
    );
    for (input, field, reason) in [
        (json!({ "content": "" }), "content", "CONTENT_EMPTY"),
        (json!({ "content": " \n " }), "content", "CONTENT_EMPTY"),
        (
            json!({ "content": "ä".repeat(4_001) }),
            "content",
            "CONTENT_TOO_LONG",
        ),
        (
            json!({ "content": "a\u{7}" }),
            "content",
            "CONTENT_CONTROL_CHARACTER",
        ),
        (json!({ "content": "a", "nonce": "" }), "nonce", "CONTENT_EMPTY"),
        (
            json!({ "content": "a", "nonce": "n".repeat(65) }),
            "nonce",
            "CONTENT_TOO_LONG",
        ),
        (
            json!({ "content": "a", "channelId": house.guild.to_string() }),
            "channelId",
            "ID_MALFORMED",
        ),
        (
            json!({ "content": "a", "channelId": "general" }),
            "channelId",
            "ID_MALFORMED",
        ),
        (
            json!({ "content": "a", "replyTo": house.general.to_string() }),
            "replyTo",
            "ID_MALFORMED",
        ),
    ] {
        let mut all = json!({ "channelId": house.general.to_string() });
        all.as_object_mut()
            .unwrap()
            .extend(input.as_object().unwrap().clone());
        let error = bob.error(SEND, json!({ "input": all })).await;
        assert_eq!(
            error,
            json!({ "code": "INVALID", "field": field, "reason": reason }),
            "{input}"
        );
    }
    assert_eq!(
        house.counts(house.general).await,
        (1, 1),
        "what is refused leaves no hole"
    );
}

#[tokio::test]
async fn a_nonce_is_one_message() {
    let house = House::new().await;
    let (bob, carol) = (house.ask(&house.bob), house.ask(&house.carol));
    let other = house.channel("other").await;
    let first = said(bob.data(SEND, sending_as(house.general, "once", "n1")).await);
    let again = said(bob.data(SEND, sending_as(house.general, "once", "n1")).await);
    assert_eq!(first, again);
    assert_eq!(first["nonce"], "n1");

    let conflict = json!({ "code": "CONFLICT", "field": "nonce", "reason": "NONCE_CONFLICT" });
    assert_eq!(
        bob.error(SEND, sending_as(house.general, "twice", "n1")).await,
        conflict
    );
    let mut reply = replying(house.general, "once", &text(&first["id"]));
    reply["input"]["nonce"] = json!("n1");
    assert_eq!(
        bob.error(SEND, reply).await,
        conflict,
        "what it answers is part of what was sent"
    );

    // Another person's and another channel's nonces are their own.
    assert_ne!(
        said(carol.data(SEND, sending_as(house.general, "once", "n1")).await)["id"],
        first["id"]
    );
    assert_ne!(
        said(bob.data(SEND, sending_as(other, "once", "n1")).await)["id"],
        first["id"]
    );
    assert_eq!(house.counts(house.general).await, (2, 2));

    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    bob.data(delete, json!({ "id": first["id"] })).await;
    let gone = said(bob.data(SEND, sending_as(house.general, "once", "n1")).await);
    assert!(gone.is_null(), "it was sent, and it is deleted: {gone}");

    house
        .world
        .clock
        .advance(TimeDelta::hours(24) + TimeDelta::milliseconds(1));
    let day_ago = house.platform.clock.now() - TimeDelta::hours(24);
    let forgotten = commons_message::store::forget_nonces(house.platform.db.writer(), day_ago)
        .await
        .unwrap();
    assert_eq!(forgotten, 3);
    let carol = house.world.identity(house.carol.user).await;
    let anew = said(
        house
            .ask(&carol)
            .data(SEND, sending_as(house.general, "anew", "n1"))
            .await,
    );
    assert_eq!(anew["ordinal"], 3);
}

#[tokio::test]
async fn a_nonce_is_one_message_within_a_batch_too() {
    let house = House::new().await;
    house.say(&house.bob, house.general, "warm").await;
    let bob = house.ask(&house.bob);
    let bodies = ["a", "a", "b", "a"];
    let sends = bodies.map(|body| bob.send(SEND, sending_as(house.general, body, "n")));
    let answers = house.meanwhile(sends, async |_| {}).await;
    let id = &answers[0]["data"]["sendMessage"]["message"]["id"];
    assert!(id.is_string(), "{answers:?}");
    for (body, answer) in bodies.iter().zip(&answers) {
        match *body {
            "a" => assert_eq!(answer["data"]["sendMessage"]["message"]["id"], *id),
            _ => assert_eq!(answer["errors"][0]["extensions"]["reason"], "NONCE_CONFLICT"),
        }
    }
    // Across batches and at the same time.
    let many = join_all((0..64).map(|_| bob.data(SEND, sending_as(house.general, "a", "n")))).await;
    assert!(many.into_iter().all(|data| said(data)["id"] == *id));
    assert_eq!(house.counts(house.general).await, (2, 2));
}

#[tokio::test]
async fn a_reply_answers_what_can_be_read_in_its_channel() {
    let house = House::new().await;
    let other = house.channel("other").await;
    let bob = house.ask(&house.bob);
    let target = house.said(&house.alice, house.general, "question").await;
    let reply = said(bob.data(SEND, replying(house.general, "answer", &target)).await);
    assert_eq!(reply["isReply"], true);
    assert_eq!(reply["replyTo"], json!({ "id": target, "content": "question" }));

    let elsewhere = house.said(&house.alice, other, "elsewhere").await;
    let hidden = house.said(&house.alice, house.hidden, "secret").await;
    let deleted = house.said(&house.bob, house.general, "gone").await;
    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    bob.data(delete, json!({ "id": deleted })).await;
    let unknown = unknown_message(&house);
    let refused = bob.send(SEND, replying(house.general, "answer", &unknown)).await;
    assert_eq!(
        refused["errors"][0]["extensions"],
        json!({ "code": "INVALID", "field": "replyTo", "reason": "REPLY_TARGET" })
    );
    for target in [elsewhere, hidden, deleted] {
        assert_eq!(
            bob.send(SEND, replying(house.general, "answer", &target)).await,
            refused
        );
    }

    // Who may not read history cannot have it read to them by answering.
    let blind = house.channel("blind").await;
    house.deny(blind, Permissions::READ_HISTORY).await;
    let target = house.said(&house.alice, blind, "before your time").await;
    assert_eq!(bob.send(SEND, replying(blind, "answer", &target)).await, refused);
}

#[tokio::test]
async fn not_every_channel_takes_messages() {
    let house = House::new().await;
    let (archive, category, silent) = (
        house.channel("archive").await,
        house.channel("category").await,
        house.channel("silent").await,
    );
    house.archive(archive).await;
    house.make_category(category).await;
    house.deny(silent, Permissions::SEND_MESSAGES).await;
    let bob = house.ask(&house.bob);
    assert_eq!(
        bob.error(SEND, sending(archive, "a")).await,
        json!({ "code": "CONFLICT", "reason": "CHANNEL_ARCHIVED" })
    );
    assert_eq!(
        bob.error(SEND, sending(category, "a")).await,
        json!({ "code": "INVALID", "field": "channelId", "reason": "NOT_FOR_MESSAGES" })
    );
    assert_eq!(
        bob.error(SEND, sending(silent, "a")).await,
        json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" })
    );
    let unknown = bob.send(SEND, sending(unknown_channel(&house), "a")).await;
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(bob.send(SEND, sending(house.hidden, "a")).await, unknown);
    assert_eq!(
        house.nobody().error(SEND, sending(house.general, "a")).await["code"],
        "UNAUTHENTICATED"
    );
}

/// A proof is made again inside the transaction, so what changed after the acceptance counts.
#[tokio::test]
async fn a_permission_is_proved_again_inside_the_transaction() {
    let house = House::new().await;
    let (quiet, slow, closed) = (
        house.channel("quiet").await,
        house.channel("slow").await,
        house.channel("closed").await,
    );
    for channel in [house.general, quiet, slow, closed] {
        house.say(&house.bob, channel, "warm").await;
    }
    let bob = house.ask(&house.bob);
    let now = house.platform.clock.now();
    let send = |channel| bob.send(SEND, sending(channel, "too late"));
    let code = |answers: Vec<serde_json::Value>| answers[0]["errors"][0]["extensions"].clone();

    let forbidden = house
        .meanwhile([send(quiet)], async |tx| {
            overwrite(tx, quiet, house.bob.user, Permissions::SEND_MESSAGES).await;
            let _unheard = record(tx, &house, Subject::Channel(quiet)).await;
        })
        .await;
    assert_eq!(
        code(forbidden),
        json!({ "code": "FORBIDDEN", "reason": "MISSING_PERMISSION" })
    );

    let slowed = house
        .meanwhile([send(slow)], async |tx| {
            alter(tx, slow, |row| row.slowmode_seconds = Set(30)).await;
            let _unheard = record(tx, &house, Subject::Channel(slow)).await;
        })
        .await;
    assert_eq!(code(slowed)["reason"], "SLOW_MODE");

    let archived = house
        .meanwhile([send(closed)], async |tx| {
            alter(tx, closed, |row| row.archived_at = Set(Some(now))).await;
            let _unheard = record(tx, &house, Subject::Channel(closed)).await;
        })
        .await;
    assert_eq!(code(archived)["reason"], "CHANNEL_ARCHIVED");

    // One who is kicked takes nobody with them.
    let carol = house.ask(&house.carol);
    carol.data(SEND, sending(house.general, "warm")).await;
    let fine = carol.send(SEND, sending(house.general, "in time"));
    let kicked = bob.send(SEND, sending(house.general, "too late"));
    let answers = house
        .meanwhile([kicked, fine], async |tx| {
            remove_member(tx, house.guild, house.bob.user).await;
            let _unheard = record(tx, &house, Subject::Member(house.guild, house.bob.user)).await;
        })
        .await;
    assert_eq!(
        answers[0]["errors"][0]["extensions"],
        json!({ "code": "NOT_FOUND" })
    );
    assert_eq!(answers[1]["data"]["sendMessage"]["message"]["content"], "in time");
    assert_eq!(house.counts(house.general).await, (3, 3), "no hole");
}

#[tokio::test]
async fn sends_are_counted_for_each_account_and_address() {
    let house = House::with_sends_per_ten_seconds(3).await;
    for _ in 0..3 {
        house.say(&house.bob, house.general, "a").await;
    }
    let limited = house
        .ask(&house.bob)
        .error(SEND, sending(house.general, "a"))
        .await;
    assert_eq!(limited["code"], "RATE_LIMITED");
    assert_eq!(limited["retryAfter"], 4.0);
    // The same address, another account.
    assert_eq!(
        house
            .ask(&house.carol)
            .error(SEND, sending(house.general, "a"))
            .await["code"],
        "RATE_LIMITED"
    );
    house.world.clock.advance(TimeDelta::seconds(4));
    soon(house.say(&house.bob, house.general, "a")).await;
}
