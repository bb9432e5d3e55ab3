//! Somebody who sends, each message with a nonce of its own, until it is acknowledged.

use crate::{
    attempt::{Line, Outcome},
    client::{Answer, mutation},
    ids::uuid_of,
    ledger::{Nonce, Sent, count},
    random::Random,
    recovery::Recovery,
    world::World,
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::interval};

/// One message in so many is sent again after its answer, and one in so many twice at once.
const REPEATED: u64 = 20;
const TWICE_AT_ONCE: u64 = 25;

/// One sender.
pub(crate) struct Sender {
    number: u16,
    turn: u32,
    line: Line,
    /// For what is sent twice at once.
    second: Line,
    world: Arc<World>,
    recovery: Arc<Recovery>,
    random: Random,
}

impl Sender {
    /// Odd ones use sockets, even ones HTTP.
    pub(crate) fn new(number: usize, seed: u64, world: &Arc<World>, recovery: &Arc<Recovery>) -> Self {
        let client = &world.people[number];
        Self {
            number: u16::try_from(number).expect("there are few senders"),
            turn: 0,
            line: Line::new(client.clone(), number, number % 2 == 1),
            second: Line::new(client.clone(), number + 1, false),
            world: world.clone(),
            recovery: recovery.clone(),
            random: Random::seeded(seed ^ (number as u64 + 1) << 32),
        }
    }

    /// Sends until it is told to stop, and then to the end of what is begun.
    pub(crate) async fn run(mut self, rest: Duration, stop: watch::Receiver<bool>) {
        let mut tick = interval(rest.max(Duration::from_millis(1)));
        while !*stop.borrow() {
            self.send().await;
            tick.tick().await;
        }
    }

    /// Sends one message; none when nobody knows whether it is there.
    pub(crate) async fn send(&mut self) -> Option<Sent> {
        self.turn += 1;
        let nonce = Nonce {
            sender: self.number,
            turn: self.turn,
        };
        let channel = self.random.between(0, self.world.channels.len() as u64);
        let channel = usize::try_from(channel).expect("there are few channels");
        let (query, variables) = self.words(nonce, channel);
        let begun = Instant::now();
        let (outcome, second) = if self.random.between(0, TWICE_AT_ONCE) == 0 {
            let (outcome, (second, _)) = tokio::join!(
                self.line.insist("sendMessage", &query, &variables),
                self.second.once(&query, &variables)
            );
            (outcome, Some(second))
        } else {
            (self.line.insist("sendMessage", &query, &variables).await, None)
        };
        let ledger = self.line.client.ledger.clone();
        let Outcome::Done { data, gateway, .. } = outcome else {
            ledger.gave_up(nonce);
            return None;
        };
        let Some(sent) = self.read(nonce, channel, &data) else {
            ledger.violated(format!("the answer to {nonce} is another message: {data}"));
            return None;
        };
        self.recovery.acknowledged(begun, gateway);
        ledger.sent(sent);
        if let Some(second) = second {
            self.is_same(sent, &second);
        }
        if self.random.between(0, REPEATED) == 0 {
            let (again, _) = self.line.once(&query, &variables).await;
            self.is_same(sent, &again);
        }
        Some(sent)
    }

    fn words(&self, nonce: Nonce, channel: usize) -> (String, Value) {
        let input = json!({
            "channelId": self.world.channels[channel].id, "nonce": nonce.to_string(), "content": nonce.text(),
        });
        (
            mutation("sendMessage", "message { id seq nonce content }"),
            json!({ "input": input }),
        )
    }

    fn read(&self, nonce: Nonce, channel: usize, data: &Value) -> Option<Sent> {
        let message = &data["sendMessage"]["message"];
        let is_its_own = message["nonce"] == nonce.to_string() && message["content"] == nonce.text();
        let sent = Sent {
            nonce,
            channel,
            message: uuid_of(message["id"].as_str()?)?,
            seq: message["seq"].as_i64()?,
        };
        is_its_own.then_some(sent)
    }

    /// The same nonce again gives the same message, if it gives anything.
    fn is_same(&self, sent: Sent, answer: &Answer) {
        let ledger = &self.line.client.ledger;
        match answer {
            Answer::Data(data) => {
                count(&ledger.counts.repeated);
                let again = self.read(sent.nonce, sent.channel, data);
                if again != Some(sent) {
                    ledger.violated(format!(
                        "{} was acknowledged as {} (seq {}) and, sent again, as {data}",
                        sent.nonce, sent.message, sent.seq
                    ));
                }
            }
            Answer::Refused(code, answer) => {
                ledger.refused("sendMessage again", code);
                if !matches!(code.as_str(), "UNAVAILABLE" | "OVERLOADED" | "RATE_LIMITED") {
                    ledger.violated(format!("{} sent again was refused: {answer}", sent.nonce));
                }
            }
            Answer::None => {}
        }
    }
}
