//! What the message domain owes others: it erases guilds, accounts and what a banned member wrote.

use crate::house::{House, SEND, next, said, sending, sending_as, soon, text};
use chrono::TimeDelta;
use commons_entities::{
    ChannelId, UserId,
    message::{message, message_import, message_nonce, reaction},
    stream::{stream, stream_event},
};
use commons_jobs::{Effect, Progress, Runner, export};
use commons_message::service::Duty;
use commons_streams::log;
use futures_util::StreamExt;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

const REACT: &str = "mutation($id: ID!, $emoji: String!) {
    addReaction(input: { messageId: $id, emoji: $emoji }) { message { id } } }";
const FOLLOW: &str = "subscription($channel: ID!) { messageEvents(channelId: $channel) {
    kind: __typename seq ... on MessageDeleted { messageId }
    ... on ReactionRemoved { emoji user { id } message { reactions { count } } } } }";

/// Runs an effect to its end, and once more, which must change nothing.
async fn run(house: &House, effect: &Effect) -> usize {
    let duty = Duty(house.service.clone());
    let mut steps = 0;
    while duty.run(effect).await.unwrap() == Progress::More {
        steps += 1;
        assert!(steps < 1_000, "it ends");
    }
    assert_eq!(duty.run(effect).await.unwrap(), Progress::Done);
    steps
}

async fn react(house: &House, who: &commons_testing::Identity, id: &str, emoji: &str) {
    house
        .ask(who)
        .data(REACT, json!({ "id": id, "emoji": emoji }))
        .await;
}

async fn left(house: &House, channel: ChannelId) -> u64 {
    let rows = message::Entity::find().filter(message::Column::ChannelId.eq(channel));
    rows.count(house.platform.db.read()).await.unwrap()
}

async fn alive(house: &House, author: UserId) -> Vec<Option<String>> {
    let rows = message::Entity::find()
        .filter(message::Column::AuthorId.eq(author))
        .filter(message::Column::DeletedAt.is_null());
    let rows = rows.all(house.platform.db.read()).await.unwrap();
    rows.into_iter().map(|row| row.content).collect()
}

#[tokio::test]
async fn of_a_deleted_guild_nothing_is_left() {
    let house = House::new().await;
    let db = house.platform.db.clone();
    let bob = house.ask(&house.bob);
    let first = said(bob.data(SEND, sending_as(house.general, "a", "n")).await);
    react(&house, &house.carol, &text(&first["id"]), ":tada:").await;
    house.say_many(&house.bob, house.general, 1_200).await;
    house.said(&house.alice, house.hidden, "secret").await;
    // Another guild's message stays.
    let other =
        commons_testing::seed::guild(&db, &*house.world.clock, house.alice.user, crate::house::EVERYONE)
            .await;
    let elsewhere = commons_testing::seed::channel(&db, &*house.world.clock, other, "elsewhere").await;
    if log::head(db.read(), elsewhere.0).await.unwrap().is_none() {
        log::create(db.writer(), elsewhere.0).await.unwrap();
    }
    house.said(&house.alice, elsewhere, "stays").await;

    let read = "query($id: ID!) { message(id: $id) { content } }";
    let before = bob.data(read, json!({ "id": first["id"] })).await;
    assert_eq!(before["message"]["content"], "a", "and it is cached");
    let steps = run(&house, &Effect::EraseGuild { guild: house.guild }).await;
    assert!(steps >= 6, "in steps of bounded size: {steps}");
    for channel in [house.general, house.hidden] {
        assert_eq!(left(&house, channel).await, 0);
        assert_eq!(log::head(db.read(), channel.0).await.unwrap(), None);
        let events = stream_event::Entity::find().filter(stream_event::Column::StreamId.eq(channel.0));
        assert_eq!(events.count(db.read()).await.unwrap(), 0);
    }
    assert_eq!(reaction::Entity::find().count(db.read()).await.unwrap(), 0);
    assert_eq!(message_nonce::Entity::find().count(db.read()).await.unwrap(), 0);
    assert_eq!(message_import::Entity::find().count(db.read()).await.unwrap(), 0);
    assert_eq!(left(&house, elsewhere).await, 1);
    assert!(
        stream::Entity::find_by_id(elsewhere.0)
            .one(db.read())
            .await
            .unwrap()
            .is_some()
    );
    let after = bob.data(read, json!({ "id": first["id"] })).await;
    assert_eq!(after["message"], Value::Null, "not in a cache either");
    let late = bob.error(SEND, sending(house.general, "late")).await;
    assert_eq!(late["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_banned_members_newest_messages_go_and_everybody_is_told() {
    let house = House::new().await;
    let old = house.said(&house.bob, house.general, "old").await;
    house.world.clock.advance(TimeDelta::seconds(60));
    let since = house.platform.clock.now();
    let new = house.said(&house.bob, house.general, "new").await;
    react(&house, &house.carol, &new, ":tada:").await;
    house.say_many(&house.bob, house.general, 130).await;
    let other = house.channel("other").await;
    house.said(&house.bob, other, "elsewhere").await;
    house.said(&house.carol, house.general, "carol's").await;
    let variables = json!({ "channel": house.general.to_string() });
    let mut live = house.ask(&house.carol).subscribe(FOLLOW, variables);
    assert_eq!(
        next(&mut live).await.unwrap()["data"]["messageEvents"]["kind"],
        "StreamHead"
    );

    let effect = Effect::EraseMessagesOf {
        guild: house.guild,
        user: house.bob.user,
        since,
    };
    assert_eq!(
        run(&house, &effect).await,
        3,
        "131 in one channel, 1 in the other"
    );
    assert_eq!(alive(&house, house.bob.user).await, [Some("old".to_owned())]);
    assert_eq!(alive(&house, house.carol.user).await.len(), 1);
    assert_eq!(
        reaction::Entity::find()
            .count(house.platform.db.read())
            .await
            .unwrap(),
        0
    );
    let told: Vec<Value> = soon(live.by_ref().take(131).collect()).await;
    assert!(
        told.iter()
            .all(|event| event["data"]["messageEvents"]["kind"] == "MessageDeleted")
    );
    assert!(
        told.iter()
            .any(|event| event["data"]["messageEvents"]["messageId"] == *new)
    );
    assert!(
        !told
            .iter()
            .any(|event| event["data"]["messageEvents"]["messageId"] == *old)
    );
    let read = "query($id: ID!) { message(id: $id) { content } }";
    let found = house.ask(&house.carol).data(read, json!({ "id": new })).await;
    assert_eq!(found["message"], Value::Null);
}

#[tokio::test]
async fn a_deleted_accounts_words_stay_unless_it_takes_them_along() {
    let house = House::new().await;
    let user = house.bob.user;
    let of_carol = house.said(&house.carol, house.general, "carol's").await;
    let other = house.channel("other").await;
    for channel in [house.general, other] {
        house.said(&house.bob, channel, "bob's").await;
    }
    react(&house, &house.bob, &of_carol, ":tada:").await;
    react(&house, &house.bob, &of_carol, ":heart:").await;
    react(&house, &house.alice, &of_carol, ":heart:").await;
    let keep = Effect::EraseAccount {
        user,
        erase_messages: false,
    };
    assert_eq!(run(&house, &keep).await, 0);
    assert_eq!(alive(&house, user).await.len(), 2);

    let mut live = house
        .ask(&house.carol)
        .subscribe(FOLLOW, json!({ "channel": house.general.to_string() }));
    next(&mut live).await.unwrap();
    let take = Effect::EraseAccount {
        user,
        erase_messages: true,
    };
    run(&house, &take).await;
    assert_eq!(alive(&house, user).await, []);
    assert_eq!(alive(&house, house.carol.user).await.len(), 1);
    let db = house.platform.db.read();
    assert_eq!(reaction::Entity::find().count(db).await.unwrap(), 1, "alice's");
    let told: Vec<Value> = soon(live.by_ref().take(3).collect()).await;
    let kinds: Vec<&Value> = told
        .iter()
        .map(|event| &event["data"]["messageEvents"]["kind"])
        .collect();
    assert_eq!(kinds, ["MessageDeleted", "ReactionRemoved", "ReactionRemoved"]);
    assert_eq!(told[1]["data"]["messageEvents"]["user"]["id"], user.to_string());
    let groups = &told[2]["data"]["messageEvents"]["message"]["reactions"];
    assert_eq!(*groups, json!([{ "count": 1 }]));
}

#[tokio::test]
async fn an_export_has_what_they_wrote_and_their_reactions() {
    let house = House::new().await;
    let user = house.bob.user;
    let other = house.channel("other").await;
    for channel in [house.general, other] {
        house.say_many(&house.bob, channel, 120).await;
        house.said(&house.carol, channel, "not bob's").await;
    }
    let of_carol = house.said(&house.carol, house.general, "carol's").await;
    react(&house, &house.bob, &of_carol, ":tada:").await;
    react(&house, &house.bob, &of_carol, "👍").await;
    react(&house, &house.carol, &of_carol, "👍").await;
    let gone = house.said(&house.bob, house.general, "gone").await;
    let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }";
    house.ask(&house.bob).data(delete, json!({ "id": gone })).await;

    let db = &house.platform.db;
    let id = commons_entities::ExportId(house.platform.clock.new_id());
    let tx = db.begin().await.unwrap();
    let _begun = export::begin(&tx, id, user, house.platform.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let duty = Duty(house.service.clone());
    let effect = Effect::ExportAccount { export: id, user };
    while duty.run(&effect).await.unwrap() == Progress::More {}
    let parts = commons_entities::job::data_export_part::Entity::find()
        .all(db.read())
        .await
        .unwrap();
    let items = |subject: &str| -> Vec<Value> {
        let parts = parts.iter().filter(|part| part.subject == subject);
        parts
            .flat_map(|part| serde_json::from_str::<Vec<Value>>(&part.body).unwrap())
            .collect()
    };
    let messages = items("messages");
    assert_eq!(messages.len(), 240);
    assert!(
        messages
            .iter()
            .all(|message| message["content"].as_str().unwrap().starts_with('m'))
    );
    assert_eq!(messages[0]["kind"], "DEFAULT");
    let reactions = items("reactions");
    assert_eq!(reactions.len(), 2);
    assert!(
        reactions
            .iter()
            .all(|reaction| reaction["messageId"] == *of_carol)
    );
}

/// The worker does it without being asked twice.
#[tokio::test]
async fn a_job_that_was_put_down_is_done() {
    let house = House::new().await;
    house.said(&house.bob, house.general, "m").await;
    let worker = house.service.work();
    let tx = house.platform.db.begin().await.unwrap();
    let effect = Effect::EraseGuild { guild: house.guild };
    let put = commons_jobs::enqueue(&tx, house.platform.clock.now(), &[effect])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    put.announce(&house.platform.bus).await;
    soon(async {
        while left(&house, house.general).await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    worker.stop().await;
}
