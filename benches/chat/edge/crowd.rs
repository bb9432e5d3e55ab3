//! Many subscribers on one thread of their own, which is all of the machine that they take.

use super::{
    board::{Board, Record},
    follower::{Follower, Place, Ticket},
    line::Way,
};
use anyhow::{Context, ensure};
use commons_platform::task;
use std::{
    net::SocketAddr,
    sync::{Arc, mpsc as blocking},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Builder,
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// Below the queue of new connections that servers have, 1,024 or more.
const DOORS: usize = 1_000;
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// Subscribers; they leave when it is dropped.
#[derive(Debug)]
pub(super) struct Crowd {
    board: Arc<Board>,
    size: usize,
    /// What its thread waits for; dropped, it ends.
    holds: mpsc::Sender<blocking::Receiver<()>>,
    thread: JoinHandle<()>,
}

/// Nobody of a crowd reads while this lives.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "it is dropped")] blocking::Sender<()>);

impl Crowd {
    /// Lets them all connect, at once but for the server's door.
    ///
    /// # Errors
    /// When there is no thread for them.
    pub(super) fn set_out(address: SocketAddr, way: Way, tickets: Vec<Ticket>) -> anyhow::Result<Self> {
        let (board, size) = (Arc::new(Board::new(tickets.len())), tickets.len());
        let place = Arc::new(Place {
            address,
            way,
            doors: Arc::new(Semaphore::new(DOORS)),
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (holds, mut held) = mpsc::channel::<blocking::Receiver<()>>(1);
        let common = board.clone();
        let thread = thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            runtime.block_on(async {
                for (number, ticket) in tickets.into_iter().enumerate() {
                    let follower = Follower::new(number, ticket, place.clone(), common.clone());
                    task::spawn(follower.run());
                }
                while let Some(held) = held.recv().await {
                    // The whole thread waits, until the other end is dropped.
                    let _over = held.recv();
                }
            });
        })?;
        Ok(Self {
            board,
            size,
            holds,
            thread,
        })
    }

    /// Lets none of them read until what this gives is dropped.
    ///
    /// # Errors
    /// When the thread is gone.
    pub(super) async fn hold(&self) -> anyhow::Result<Held> {
        let (hold, held) = blocking::channel();
        ensure!(self.holds.send(held).await.is_ok(), "the crowd's thread died");
        Ok(Held(hold))
    }

    /// The same, and waits until all are live.
    ///
    /// # Errors
    /// When one of them fails, or is not live within a minute.
    pub(super) async fn gather(address: SocketAddr, way: Way, tickets: Vec<Ticket>) -> anyhow::Result<Self> {
        let crowd = Self::set_out(address, way, tickets)?;
        crowd.live().await?;
        Ok(crowd)
    }

    /// How many they are.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// What they have in common.
    pub(super) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Waits until all are live.
    ///
    /// # Errors
    /// When one of them fails, or is not live within a minute.
    pub(super) async fn live(&self) -> anyhow::Result<()> {
        self.until("live", || self.board.live() as u64, self.size as u64)
            .await
    }

    /// Waits until so many messages were received by all together since they came, and not more.
    ///
    /// # Errors
    /// When one of them fails or gets one too many, or they are not there within a minute.
    pub(super) async fn received(&self, deliveries: u64) -> anyhow::Result<()> {
        self.until("received", || self.board.received(), deliveries)
            .await?;
        let received = self.board.received();
        ensure!(received == deliveries, "{received} of {deliveries} were received");
        Ok(())
    }

    /// Waits until all connections have ended, which they may from [`Board::expect_the_end`] on.
    ///
    /// # Errors
    /// When one failed before, or is open after a minute.
    pub(super) async fn gone(&self) -> anyhow::Result<()> {
        self.until("gone", || self.board.gone() as u64, self.size as u64)
            .await
    }

    /// Hangs up; what each of them got.
    ///
    /// # Errors
    /// When one of them failed.
    pub(super) async fn leave(self) -> anyhow::Result<Vec<Record>> {
        let Self {
            board, holds, thread, ..
        } = self;
        board.check()?;
        board.expect_the_end();
        drop(holds);
        let left = spawn_blocking(move || thread.join()).await?;
        ensure!(left.is_ok(), "the crowd's thread died");
        Ok(board.records())
    }

    async fn until(&self, what: &str, count: impl Fn() -> u64, wanted: u64) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.board.check()?;
            let counted = count();
            if counted >= wanted {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{counted} of {wanted} {what} after {PATIENCE:?}"
            );
            look.tick().await;
        }
    }
}

/// Checks that everybody has everything: the last number of each is that of the last message.
///
/// # Errors
/// When one misses messages at the end; holes and repetitions are noticed when they happen.
pub(super) fn complete<'r>(records: impl IntoIterator<Item = &'r Record>, last: i64) -> anyhow::Result<()> {
    for (number, record) in records.into_iter().enumerate() {
        record
            .live
            .with_context(|| format!("follower {number} was never live"))?;
        ensure!(
            record.last == last,
            "follower {number} has the events up to {}, the last one is {last}",
            record.last
        );
    }
    Ok(())
}
