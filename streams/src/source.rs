//! The truth, read with patience: back-off, a deadline, and not all at once.

use crate::{Event, Head, StreamError, log};
use commons_platform::db::Db;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};
use uuid::Uuid;

/// Reads at the same time: after a restart thousands of clients come back at once, and the pool of
/// readers belongs to everybody.
const READS: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The database as followers and subscribers use it.
#[derive(Debug)]
pub(crate) struct Source {
    db: Db,
    turns: Semaphore,
    /// How long a read is tried.
    patience: Duration,
    /// Events of a page.
    page: u32,
}

impl Source {
    pub(crate) fn new(db: Db, patience: Duration, page: u32) -> Self {
        Self {
            db,
            turns: Semaphore::new(READS),
            patience,
            page,
        }
    }

    /// The next events after `after`, at most a page; empty when there are none.
    pub(crate) async fn page(&self, stream: Uuid, after: i64) -> Result<Vec<Arc<Event>>, StreamError> {
        self.patiently(|| log::read(self.db.read(), stream, after, self.page))
            .await
    }

    /// Where the stream stands.
    pub(crate) async fn head(&self, stream: Uuid) -> Result<Head, StreamError> {
        self.patiently(|| log::head(self.db.read(), stream))
            .await?
            .ok_or(StreamError::Unknown(stream))
    }

    /// Tries until it works, or the deadline has passed. Only failures of the database are tried again.
    async fn patiently<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, StreamError>
    where
        F: Future<Output = Result<T, StreamError>>,
    {
        let deadline = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        let mut cause = None;
        loop {
            let one = async {
                let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
                attempt().await
            };
            match tokio::time::timeout_at(deadline, one).await {
                Ok(Err(StreamError::Database(error))) => cause = Some(error),
                Ok(answer) => return answer,
                Err(_) => return Err(StreamError::Unavailable(cause)),
            }
            if Instant::now() + pause >= deadline {
                return Err(StreamError::Unavailable(cause));
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}
