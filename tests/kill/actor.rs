//! Somebody who edits, deletes and reacts, each message once: so the end of each is known, whatever
//! attempt is still under way somewhere.

use crate::{
    attempt::{Line, Outcome},
    client::mutation,
    ids::message_id,
    ledger::{Fate, Known, Sent, count},
    random::Random,
    recovery::Recovery,
    sender::Sender,
    world::World,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::interval};

const EMOJI: &str = "👍";
/// In how many messages of a hundred each happens.
const REACTED: u64 = 60;
const TAKEN_BACK: u64 = 50;
const EDITED: u64 = 50;
const DELETED: u64 = 40;

/// One actor, who sends as well.
pub(crate) struct Actor {
    sender: Sender,
    line: Line,
    random: Random,
}

impl Actor {
    /// `number` among the people of the world.
    pub(crate) fn new(number: usize, seed: u64, world: &Arc<World>, recovery: &Arc<Recovery>) -> Self {
        Self {
            sender: Sender::new(number, seed, world, recovery),
            line: Line::new(world.people[number].clone(), number, number.is_multiple_of(2)),
            random: Random::seeded(seed ^ (number as u64 + 1) << 40),
        }
    }

    /// Acts until it is told to stop, and then to the end of what is begun.
    pub(crate) async fn run(mut self, rest: Duration, stop: watch::Receiver<bool>) {
        let mut tick = interval(rest.max(Duration::from_millis(1)));
        while !*stop.borrow() {
            if let Some(sent) = self.sender.send().await {
                let fate = self.act(sent).await;
                self.line.client.ledger.fate(fate);
            }
            tick.tick().await;
        }
    }

    async fn act(&mut self, sent: Sent) -> Fate {
        let id = message_id(sent.message);
        let mut fate = Fate {
            message: sent.message,
            content: Known::Surely(Some(sent.nonce.text())),
            reaction: Known::Surely(false),
        };
        if self.of_a_hundred(REACTED) {
            fate.reaction = self.react(&id).await;
        }
        if self.of_a_hundred(EDITED) {
            let edited = format!("{}, edited", sent.nonce.text());
            let input = json!({ "messageId": id, "content": edited });
            let document = mutation("editMessage", "message { content }");
            fate.content = match self.insist("editMessage", &document, input).await {
                Outcome::Done { data, .. } => {
                    let answered = &data["editMessage"]["message"]["content"];
                    if *answered != edited {
                        let ledger = &self.line.client.ledger;
                        ledger.violated(format!(
                            "{id} was edited to {edited:?}; the answer says {answered}"
                        ));
                    }
                    Known::Surely(Some(edited))
                }
                Outcome::Gone | Outcome::Unknown => Known::Unknown,
            };
        }
        if self.of_a_hundred(DELETED) {
            let document = mutation("deleteMessage", "messageId");
            let input = json!({ "messageId": id });
            // Gone: an attempt without an answer did it.
            match self.insist("deleteMessage", &document, input).await {
                Outcome::Done { .. } | Outcome::Gone => {
                    fate.content = Known::Surely(None);
                    fate.reaction = Known::Unknown;
                }
                Outcome::Unknown => (fate.content, fate.reaction) = (Known::Unknown, Known::Unknown),
            }
        }
        fate
    }

    async fn react(&mut self, id: &str) -> Known<bool> {
        let input = json!({ "messageId": id, "emoji": EMOJI });
        let document = mutation("addReaction", "message { id }");
        match self.insist("addReaction", &document, input.clone()).await {
            // A late attempt of the first kind could undo the second, so it must be the only one.
            Outcome::Done { at_once: true, .. } if self.of_a_hundred(TAKEN_BACK) => {}
            Outcome::Done { .. } => return Known::Surely(true),
            Outcome::Gone | Outcome::Unknown => return Known::Unknown,
        }
        let document = mutation("removeReaction", "message { id }");
        match self.insist("removeReaction", &document, input).await {
            Outcome::Done { .. } => Known::Surely(false),
            Outcome::Gone | Outcome::Unknown => Known::Unknown,
        }
    }

    async fn insist(&mut self, what: &str, document: &str, input: Value) -> Outcome {
        let outcome = self.line.insist(what, document, &json!({ "input": input })).await;
        if matches!(outcome, Outcome::Done { .. }) {
            count(&self.line.client.ledger.counts.acts);
        }
        outcome
    }

    fn of_a_hundred(&mut self, part: u64) -> bool {
        self.random.between(0, 100) < part
    }
}
