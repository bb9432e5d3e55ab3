//! Changes from another process, over gRPC.
//!
//! Requests carry numbers. A beat answers one, once the log was read after it came: so everything
//! committed before the request was sent has been heard, whatever was delayed in between. After a loss
//! the watch comes back with the version of its last beat, gets the sessions that were revoked since,
//! and everything else is checked again.

use super::{Heard, Hub};
use crate::{
    Change, Recorded,
    rpc::{self, Client, DEADLINE},
};
use commons_platform::{ApiError, auth::Tokens};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc},
    time::{self, Instant, MissedTickBehavior},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// How often a beat is asked for.
const PERIOD: Duration = Duration::from_millis(250);

/// How long after the sending of the last request that was answered what was heard is believed.
const FRESH: Duration = Duration::from_millis(800);

/// How long no beat may come before the watch is begun anew.
const SILENCE: Duration = Duration::from_secs(1);

/// Between two attempts to watch; doubles up to the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_millis(400);

/// How many requests may be unanswered.
const REQUESTS: usize = 16;

/// Watches the log of somebody else.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) hub: Arc<Hub>,
    client: Client,
    /// Somebody wants a beat now.
    now: Notify,
}

/// One watch from its opening to its loss.
struct Opened {
    requests: mpsc::Sender<rpc::WatchRequest>,
    sent: VecDeque<(u64, Instant)>,
    number: u64,
    beaten: bool,
}

impl Watcher {
    pub(super) fn new(client: Client, tokens: Arc<Tokens>) -> Self {
        // Nothing is kept here: every answer is asked for.
        let hub = Arc::new(Hub::new(tokens, FRESH, |_: &Heard| {}));
        let now = Notify::new();
        Self { hub, client, now }
    }

    pub(super) fn announce(&self, recorded: &Recorded) {
        for subject in &recorded.subjects {
            self.hub.hear(Change {
                subject: *subject,
                version: recorded.version,
            });
        }
    }

    /// Returns once a beat answered a request that was sent after this call.
    pub(super) async fn read(&self) -> Result<(), ApiError> {
        let asked = Instant::now();
        self.now.notify_one();
        time::timeout(DEADLINE, self.hub.heard(asked))
            .await
            .map_err(ApiError::unavailable)
    }

    /// Watches, and begins anew after each loss. Never ends.
    pub(super) async fn run(self: Arc<Self>) {
        let (mut heard_upto, mut pause, mut failing) = (None, FIRST_PAUSE, false);
        loop {
            let (requests, receiver) = mpsc::channel(REQUESTS);
            let mut opened = Opened {
                requests,
                sent: VecDeque::new(),
                number: 0,
                beaten: false,
            };
            let lost = self.watch(&mut opened, receiver, &mut heard_upto).await;
            if opened.beaten {
                (pause, failing) = (FIRST_PAUSE, false);
            }
            if !failing {
                tracing::warn!(cause = %lost, "changes of access are not heard");
                failing = true;
            }
            time::sleep(pause).await;
            pause = LAST_PAUSE.min(pause * 2);
        }
    }

    /// Watches until the watch is lost, and says why it was.
    async fn watch(
        &self,
        opened: &mut Opened,
        requests: mpsc::Receiver<rpc::WatchRequest>,
        heard_upto: &mut Option<i64>,
    ) -> Status {
        opened.ask(*heard_upto);
        let mut client = self.client.clone();
        let opening = client.watch(ReceiverStream::new(requests));
        let mut replies = match time::timeout(SILENCE, opening).await {
            Ok(Ok(replies)) => replies.into_inner(),
            Ok(Err(status)) => return status,
            Err(_) => return silent(),
        };
        let mut ticks = time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_beat = Instant::now();
        loop {
            let reply = tokio::select! {
                reply = replies.message() => match reply {
                    Ok(Some(reply)) => reply,
                    Ok(None) => return Status::unavailable("the watch ended"),
                    Err(status) => return status,
                },
                _ = ticks.tick() => {
                    opened.ask(None);
                    continue;
                }
                () = self.now.notified() => {
                    opened.ask(None);
                    continue;
                }
                () = time::sleep_until(last_beat + SILENCE) => return silent(),
            };
            for change in reply.changes {
                // What a newer version of this program tells is nobody's here.
                if let Ok(subject) = change.subject.parse() {
                    let version = change.version;
                    self.hub.hear(Change { subject, version });
                }
            }
            if let Some(beat) = reply.beat
                && let Some(sent) = opened.answered(beat.number)
            {
                if !opened.beaten {
                    opened.beaten = true;
                    self.hub.missed();
                    tracing::info!("changes of access are heard");
                }
                *heard_upto = Some(beat.version);
                last_beat = Instant::now();
                self.hub.caught_up(sent);
            }
        }
    }
}

impl Opened {
    /// Asks for a beat, unless too many are asked for already.
    fn ask(&mut self, after: Option<i64>) {
        if self.sent.len() == REQUESTS {
            return;
        }
        let number = self.number;
        let sent = Instant::now();
        if self
            .requests
            .try_send(rpc::WatchRequest { after, number })
            .is_ok()
        {
            self.sent.push_back((number, sent));
            self.number += 1;
        }
    }

    /// When the request that a beat answers was sent.
    fn answered(&mut self, number: u64) -> Option<Instant> {
        loop {
            match self.sent.front() {
                Some((first, _)) if *first <= number => {}
                _ => return None,
            }
            let (first, sent) = self.sent.pop_front()?;
            if first == number {
                return Some(sent);
            }
        }
    }
}

fn silent() -> Status {
    Status::deadline_exceeded("whoever is watched is silent")
}
