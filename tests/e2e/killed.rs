//! The process is killed under load: nothing acknowledged is missing, nothing is there twice.

use crate::harness::{CREATED, House, Person, Random, by_pages, codes, mutation};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet};

const SENDERS: usize = 16;
const ROUNDS: usize = 4;
const LONGEST: Duration = Duration::from_secs(20);

/// What a sender knows when the connection breaks.
struct Sender {
    person: Person,
    channel: String,
    /// Message by nonce.
    acknowledged: BTreeMap<String, String>,
    /// What it has no answer for.
    pending: Option<String>,
}

impl Sender {
    /// One attempt; none when no answer comes.
    async fn attempt(&self, nonce: &str) -> Option<String> {
        let input =
            json!({ "channelId": self.channel, "content": format!("the text of {nonce}"), "nonce": nonce });
        let document = mutation("sendMessage", "message { id nonce content }");
        let request =
            self.person
                .api
                .request(Some(&self.person.token), &document, &json!({ "input": input }));
        let answer: Value = request.send().await.ok()?.json().await.ok()?;
        // A gateway may outlive its services by a moment.
        if codes(&answer).iter().any(|code| code == "UNAVAILABLE") {
            return None;
        }
        let message = &answer["data"]["sendMessage"]["message"];
        assert_eq!(message["content"], format!("the text of {nonce}"), "{answer:#}");
        assert_eq!(message["nonce"], nonce, "{answer:#}");
        message["id"].as_str().map(str::to_owned)
    }

    /// Sends until the connection breaks.
    async fn send_on(mut self, name: String, count: watch::Sender<u64>) -> Self {
        for turn in 0..10_000 {
            let nonce = format!("{name}-{turn}");
            match self.attempt(&nonce).await {
                Some(id) => self.acknowledged.insert(nonce, id),
                None => {
                    self.pending = Some(nonce);
                    break;
                }
            };
            count.send_modify(|count| *count += 1);
        }
        self
    }

    /// Tries again what had no answer, and the last that had one.
    async fn retry(mut self) -> Self {
        if let Some(nonce) = self.pending.take() {
            let id = self.attempt(&nonce).await.expect("the process runs");
            assert_eq!(self.attempt(&nonce).await.as_ref(), Some(&id));
            self.acknowledged.insert(nonce, id);
        }
        if let Some((nonce, id)) = self.acknowledged.last_key_value() {
            assert_eq!(self.attempt(nonce).await.as_ref(), Some(id));
        }
        self
    }
}

#[tokio::test]
async fn kill_9_loses_and_doubles_nothing() {
    let mut house = House::alone().await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    let mut senders: Vec<Sender> = (0..SENDERS)
        .map(|_| Sender {
            person: alice.clone(),
            channel: general.clone(),
            acknowledged: BTreeMap::new(),
            pending: None,
        })
        .collect();
    let mut random = Random::seeded(7);
    let started = Instant::now();
    for round in 0..ROUNDS {
        if round > 1 && started.elapsed() > LONGEST {
            break;
        }
        let enough = random.between(50, 250);
        let count = watch::Sender::new(0);
        let mut sending = JoinSet::new();
        for (number, sender) in senders.drain(..).enumerate() {
            sending.spawn(sender.send_on(format!("{round}-{number}"), count.clone()));
        }
        count
            .subscribe()
            .wait_for(|count| *count >= enough)
            .await
            .unwrap();
        house.kill9().await;
        let stopped = sending.join_all().await;
        assert!(stopped.iter().any(|sender| sender.pending.is_some()));
        house.open().await;
        let retried: JoinSet<Sender> = stopped.into_iter().map(Sender::retry).collect();
        senders = retried.join_all().await;
        is_exact(&alice, &general, &senders).await;
    }
    house.lives().await;
}

/// The stream has each acknowledged message once and no other, with the nonce it was sent with.
async fn is_exact(person: &Person, channel: &str, senders: &[Sender]) {
    let events = by_pages(person, channel, 0).await;
    let wanted: BTreeMap<&str, &str> = senders
        .iter()
        .flat_map(|sender| &sender.acknowledged)
        .map(|(nonce, id)| (id.as_str(), nonce.as_str()))
        .collect();
    let mut found = BTreeMap::new();
    for event in &events {
        assert_eq!(event["__typename"], CREATED);
        let twice = found.insert(
            event["messageId"].as_str().unwrap(),
            event["message"]["nonce"].as_str().unwrap(),
        );
        assert_eq!(twice, None, "{event:#}");
    }
    assert_eq!(found, wanted);
    let nonces: BTreeSet<_> = found.values().collect();
    assert_eq!(nonces.len(), found.len());
    let head = person
        .data(
            "query($id: ID!) { channel(id: $id) { headSeq } }",
            json!({ "id": channel }),
        )
        .await;
    assert_eq!(head["channel"]["headSeq"], events.len());
}
