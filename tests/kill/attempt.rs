//! One mutation, asked again with the same words until it is answered.

use crate::{
    client::{Answer, Client},
    ledger::count,
    socket::Socket,
};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long somebody goes on asking.
const DEADLINE: Duration = Duration::from_secs(20);
/// Between two attempts, twice as long each time.
const BACK_OFF: Duration = Duration::from_millis(20);
const LONGEST_BACK_OFF: Duration = Duration::from_millis(320);

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done {
        data: Value,
        gateway: usize,
        /// No earlier attempt may still be under way.
        at_once: bool,
    },
    /// After an attempt whose answer is unknown: what the mutation is about is gone.
    Gone,
    /// No answer that counts within the deadline.
    Unknown,
}

/// Where somebody asks: HTTP, or a socket to each gateway.
pub(crate) struct Line {
    pub(crate) client: Client,
    sockets: Option<Vec<Option<Socket>>>,
    turn: usize,
    /// Only this gateway is asked.
    only: Option<usize>,
}

impl Line {
    pub(crate) fn new(client: Client, first: usize, by_socket: bool) -> Self {
        let gateways = client.gateways();
        let sockets = by_socket.then(|| (0..gateways).map(|_| None).collect());
        Self {
            client,
            sockets,
            turn: first,
            only: None,
        }
    }

    /// One that asks one gateway, over HTTP.
    pub(crate) fn at(client: Client, gateway: usize) -> Self {
        Self {
            only: Some(gateway),
            ..Self::new(client, gateway, false)
        }
    }

    /// The next gateway.
    fn next(&mut self) -> usize {
        self.turn += 1;
        self.only.unwrap_or(self.turn % self.client.gateways())
    }

    /// One attempt at the next gateway.
    pub(crate) async fn once(&mut self, query: &str, variables: &Value) -> (Answer, usize) {
        let gateway = self.next();
        let answer = match &mut self.sockets {
            Some(sockets) => {
                let socket = &mut sockets[gateway];
                self.client.ask_over(socket, gateway, query, variables).await
            }
            None => self.client.ask(gateway, query, variables).await,
        };
        (answer, gateway)
    }

    /// Asks until there is an answer, at another gateway each time.
    pub(crate) async fn insist(&mut self, what: &str, query: &str, variables: &Value) -> Outcome {
        let ledger = self.client.ledger.clone();
        let deadline = Instant::now() + DEADLINE;
        let (mut back_off, mut uncertain, mut attempts) = (BACK_OFF, false, 0u32);
        while Instant::now() < deadline {
            attempts += 1;
            if attempts > 1 {
                count(&ledger.counts.retries);
                sleep(back_off).await;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            }
            match self.once(query, variables).await {
                (Answer::Data(data), gateway) => {
                    let at_once = !uncertain;
                    return Outcome::Done {
                        data,
                        gateway,
                        at_once,
                    };
                }
                (Answer::None, _) => uncertain = true,
                (Answer::Refused(code, answer), gateway) => {
                    ledger.refused(what, &code);
                    match code.as_str() {
                        "OVERLOADED" | "RATE_LIMITED" => {}
                        // Whether it was done before it became unavailable, nobody says.
                        "UNAVAILABLE" => uncertain = true,
                        "NOT_FOUND" if uncertain => return Outcome::Gone,
                        _ => {
                            uncertain = true;
                            ledger.violated(format!(
                                "{what} of {} through gateway {gateway} was refused with {code}: {answer}; {variables}",
                                self.client.username
                            ));
                        }
                    }
                }
            }
        }
        Outcome::Unknown
    }
}
