//! Redis goes away under load: nothing is wrong, nothing is skipped, nothing comes late.
//!
//! Each house has a Redis of its own; where tests have none, there is nothing to take away.

use crate::harness::{
    CREATED, Ending, House, PATIENCE, Person, REVOKED_WITHIN, Seen, Socket, by_pages, seen,
};
use commons_platform::task;
use commons_testing::redis::server::Server;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

/// How late an event may come, and how long a send may take.
const LATE: Duration = Duration::from_secs(5);
/// How old what a client reads may be.
const OLD: Duration = Duration::from_secs(2);
/// Between two messages of the one who talks.
const BEAT: Duration = Duration::from_millis(50);
/// How many messages are to be sent in each part of a test.
const WHILE: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn killed() {
    let Some((mut redis, mut scene)) = Scene::set().await else {
        return;
    };
    redis.kill();
    scene.holds().await;
    redis.restart().await;
    scene.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging() {
    let Some((redis, mut scene)) = Scene::set().await else {
        return;
    };
    redis.hang();
    scene.holds().await;
    redis.go_on();
    scene.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wiped() {
    let Some((redis, mut scene)) = Scene::set().await else {
        return;
    };
    redis.wipe().await;
    scene.holds().await;
    redis.wipe().await;
    scene.recovers().await;
}

/// Alice talks in her channel, Dave keeps a record of it, Bob and Carol follow it until they may not.
struct Scene {
    house: House,
    alice: Person,
    bob: Person,
    carol: Person,
    dave: Person,
    guild: String,
    general: String,
    bob_follows: Socket,
    carol_follows: Socket,
    talk: Talk,
    record: JoinHandle<BTreeMap<i64, Instant>>,
}

impl Scene {
    async fn set() -> Option<(Server, Self)> {
        let redis = Server::start().await?;
        let house = House::alone_with(&[("REDIS_URL", &redis.url())]).await;
        let alice = house.register("alice").await;
        let (guild, general) = alice.found("Harbour").await;
        let code = alice.invite(&guild).await;
        let mut people = Vec::new();
        for name in ["bob", "carol", "dave"] {
            let person = house.register(name).await;
            person.join(&code).await;
            people.push(person);
        }
        let [bob, carol, dave] = people.try_into().ok().expect("three were made");
        let talk = Talk::begin(&alice, &general);
        let follows = dave.follow(&general, Some(0)).await;
        let mut scene = Self {
            bob_follows: bob.follow(&general, None).await,
            carol_follows: carol.follow(&general, None).await,
            record: task::spawn(record(follows)),
            house,
            alice,
            bob,
            carol,
            dave,
            guild,
            general,
            talk,
        };
        // Everything is cached that will be.
        scene.talk.goes_on().await;
        scene.reads_what_is_written("Alice").await;
        Some((redis, scene))
    }

    /// What is promised whatever becomes of Redis.
    async fn holds(&mut self) {
        self.talk.goes_on().await;
        self.reads_what_is_written("Alice of the Harbour").await;

        let since = Instant::now();
        let kick = json!({ "guildId": self.guild, "userId": self.bob.id });
        self.alice.mutate("kickMember", kick, "user { id }").await;
        self.sees_nothing(&self.bob, since).await;
        ends(&mut self.bob_follows, since).await;

        let since = Instant::now();
        let overwrite = json!({ "userId": self.carol.id, "deny": ["VIEW_CHANNEL"] });
        let overwrite = json!({ "channelId": self.general, "overwrite": overwrite });
        self.alice
            .mutate("setOverwrite", overwrite, "channel { id }")
            .await;
        self.sees_nothing(&self.carol, since).await;
        ends(&mut self.carol_follows, since).await;
        self.talk.goes_on().await;
    }

    /// Everything goes on afterwards, and Dave has it all, once and in order and in time.
    async fn recovers(mut self) {
        self.talk.goes_on().await;
        self.reads_what_is_written("Alice again").await;
        let sent = self.talk.end().await;
        let received = timeout(PATIENCE, self.record)
            .await
            .expect("the last event comes")
            .unwrap();
        let written = by_pages(&self.dave, &self.general, 0).await;
        let written: Vec<Seen> = written.iter().map(seen).collect();
        assert!(received.keys().eq(written.iter().map(|event| &event.0)));
        let messages = written.iter().filter(|event| event.1 == CREATED);
        assert!(sent.keys().eq(messages.map(|event| &event.0)));
        let late = sent
            .iter()
            .map(|(seq, answered)| received[seq].saturating_duration_since(*answered));
        let late = late.max().expect("she has talked");
        assert!(
            late < LATE,
            "an event came {late:?} after its message was accepted"
        );
        self.house.lives().await;
    }

    /// A new name of Alice is what Dave reads, through another gateway where there is one, and soon.
    async fn reads_what_is_written(&self, name: &str) {
        let input = json!({ "displayName": name });
        self.alice.mutate("updateProfile", input, "user { id }").await;
        let since = Instant::now();
        let query =
            "query($id: ID!) { channel(id: $id) { messages(last: 1) { nodes { author { displayName } } } } }";
        let mut tick = interval(BEAT);
        loop {
            let data = self.dave.data(query, json!({ "id": self.general })).await;
            if data["channel"]["messages"]["nodes"][0]["author"]["displayName"] == name {
                return;
            }
            assert!(since.elapsed() < OLD, "still not {name}: {data:#}");
            tick.tick().await;
        }
    }

    /// Somebody who was put out reads nothing, and soon.
    async fn sees_nothing(&self, person: &Person, since: Instant) {
        let query = "query($id: ID!) { channel(id: $id) { messages(last: 1) { nodes { id } } } }";
        let mut tick = interval(BEAT);
        loop {
            let answer = person.ask(query, json!({ "id": self.general })).await;
            if answer["data"]["channel"] == Value::Null {
                return;
            }
            assert!(since.elapsed() < REVOKED_WITHIN, "{answer:#}");
            tick.tick().await;
        }
    }
}

/// A stream ends in time for one who may not follow it any more.
async fn ends(stream: &mut Socket, since: Instant) {
    let ending = stream.ending("1", |_| {}).await;
    let after = since.elapsed();
    assert_eq!(ending, Ending::Refused("NOT_FOUND".to_owned()), "after {after:?}");
    assert!(after < REVOKED_WITHIN, "{after:?}");
}

/// When each event came, until the last word. Numbers must be dense.
async fn record(mut stream: Socket) -> BTreeMap<i64, Instant> {
    let mut came = BTreeMap::new();
    loop {
        let event = stream.event("1").await["messageEvents"].take();
        let seq = event["seq"].as_i64().unwrap();
        let before = i64::try_from(came.len()).unwrap();
        assert_eq!(seq, before + 1, "a hole or a repetition: {event:#}");
        came.insert(seq, Instant::now());
        if event["message"]["content"] == LAST_WORD {
            return came;
        }
    }
}

const LAST_WORD: &str = "good night";

/// Somebody who sends message after message.
struct Talk {
    count: watch::Receiver<usize>,
    over: watch::Sender<bool>,
    sent: JoinHandle<BTreeMap<i64, Instant>>,
}

impl Talk {
    fn begin(person: &Person, channel: &str) -> Self {
        let (person, channel) = (person.clone(), channel.to_owned());
        let (counted, count) = watch::channel(0);
        let (over, is_over) = watch::channel(false);
        let sent = task::spawn(async move {
            let mut answered = BTreeMap::new();
            let mut beat = interval(BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                let last = *is_over.borrow();
                let word = if last { LAST_WORD } else { "and on" };
                let asked = Instant::now();
                let message = person.send(&channel, word).await;
                let took = asked.elapsed();
                assert!(took < LATE, "a send took {took:?}");
                answered.insert(message["seq"].as_i64().unwrap(), Instant::now());
                counted.send_modify(|count| *count += 1);
                if last {
                    return answered;
                }
            }
        });
        Self { count, over, sent }
    }

    /// Waits for some more messages.
    async fn goes_on(&mut self) {
        let enough = *self.count.borrow() + WHILE;
        let counting = self.count.wait_for(|count| *count >= enough);
        timeout(PATIENCE, counting)
            .await
            .expect("sends go on")
            .expect("no send failed");
    }

    /// When each message was accepted.
    async fn end(self) -> BTreeMap<i64, Instant> {
        self.over.send(true).expect("she talks");
        self.sent.await.unwrap()
    }
}
