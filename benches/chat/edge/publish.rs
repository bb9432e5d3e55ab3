//! Sending at a pace, or as fast as sends are answered.

use super::{board::Board, crowd::Crowd, wire};
use crate::{
    client::Client,
    load::closed_loop,
    world::{BODY, send},
};
use anyhow::{Context, ensure};
use commons_platform::task;
use futures_util::future::BoxFuture;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How many send at the same time when there is no pace.
pub(super) const SENDERS: usize = 16;
/// How many messages may be sent that not everybody has. Without such a bound a queue would grow
/// somewhere as long as the measurement lasts, because sending is cheaper than delivering.
const WINDOW: u64 = 64;
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one message over the connection with this number, below [`SENDERS`]; the event's number.
pub(super) type Publisher = Arc<dyn Fn(usize) -> BoxFuture<'static, anyhow::Result<i64>> + Send + Sync>;

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// So many in a second.
    PerSecond(f64),
    /// As fast as sends are answered.
    Saturated,
}

/// What was sent: the events' numbers, and when each send was issued.
pub(super) type Sent = Vec<(i64, Instant)>;

/// Holds senders back until what they sent has arrived, but for a window.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    sent: Arc<AtomicU64>,
    /// Who receives, how often each message is received, and what was received before.
    followed: Option<(Arc<Board>, u64, u64)>,
    window: u64,
}

impl Gate {
    /// For messages that nobody follows.
    pub(super) fn open() -> Self {
        Self {
            sent: Arc::default(),
            followed: None,
            window: WINDOW,
        }
    }

    /// For messages that so many of a crowd receive each.
    pub(super) fn of(crowd: &Crowd, receivers: u64) -> Self {
        let board = crowd.board().clone();
        let before = board.received();
        Self {
            sent: Arc::default(),
            followed: Some((board, receivers, before)),
            window: WINDOW,
        }
    }

    /// The same with another window.
    pub(super) fn window(self, window: u64) -> Self {
        Self { window, ..self }
    }

    async fn pass(&self) -> anyhow::Result<()> {
        let Some((board, receivers, before)) = &self.followed else {
            return Ok(());
        };
        let (place, began) = (self.sent.fetch_add(1, Relaxed) + 1, Instant::now());
        loop {
            let arrived = (board.received() - before) / receivers;
            if place <= arrived + self.window {
                return Ok(());
            }
            board.check()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "{arrived} messages arrived, then nothing for {PATIENCE:?}"
            );
            sleep(LOOK).await;
        }
    }
}

/// Sends for a time; returns when the last send is answered.
///
/// # Errors
/// When a send fails, or nothing arrives any more.
pub(super) async fn publish(pace: Pace, time: Duration, gate: Gate, send: Publisher) -> anyhow::Result<Sent> {
    let sent: Arc<Mutex<Sent>> = Arc::default();
    let issue = {
        let sent = sent.clone();
        move |sender: usize| {
            let (send, sent) = (send.clone(), sent.clone());
            async move {
                let issued = Instant::now();
                let seq = send(sender).await?;
                sent.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((seq, issued));
                anyhow::Ok(())
            }
        }
    };
    match pace {
        Pace::Saturated => {
            let work = move |sender| {
                let (gate, issue) = (gate.clone(), issue.clone());
                async move {
                    gate.pass().await?;
                    issue(sender).await
                }
            };
            closed_loop(SENDERS, time, work).await?;
        }
        Pace::PerSecond(rate) => {
            let mut ticks = interval(Duration::from_secs_f64(rate.recip()));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let (began, mut sends) = (Instant::now(), Vec::new());
            while began.elapsed() < time {
                ticks.tick().await;
                gate.pass().await?;
                sends.push(task::spawn(issue(sends.len() % SENDERS)));
            }
            for send in sends {
                send.await.context("a sender died")??;
            }
        }
    }
    let sent = std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(!sent.is_empty(), "nothing was sent");
    Ok(sent)
}

/// One person who sends into one channel, over a connection for each sender.
///
/// # Errors
/// When a client cannot be made.
pub(super) fn publisher(base: &str, person: &Client, channel: &str) -> anyhow::Result<Publisher> {
    let connections = (0..SENDERS)
        .map(|_| Client::new(base, person.authorization.clone()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let message = send(channel, BODY);
    Ok(Arc::new(move |sender| {
        let (connection, message) = (connections[sender].clone(), message.clone());
        Box::pin(async move { wire::sent(&connection.answer(message).await?) })
    }))
}

/// The highest number.
pub(super) fn last(sent: &[(i64, Instant)]) -> i64 {
    sent.iter().map(|(seq, _)| *seq).max().unwrap_or_default()
}
