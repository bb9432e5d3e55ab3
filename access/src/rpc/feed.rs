//! What one watcher is told: the sessions it must know, then every change, and a beat for each request.

use super::generated as rpc;
use crate::{
    Change, LocalAccess,
    changes::{Follower, Heard, Log},
};
use futures_util::{Stream, StreamExt};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tonic::{Status, Streaming};

/// How long a watcher may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// How long a reading may take; a watcher believes nothing older anyway.
const READING: Duration = Duration::from_secs(1);

/// How many changes go into one reply.
const CHANGES: usize = 1000;

/// The replies to one watcher; dropped with its connection.
pub(super) type Replies = Pin<Box<dyn Stream<Item = Result<rpc::WatchReply, Status>> + Send>>;

/// Follows the changes for one watcher.
pub(super) fn replies(
    access: &LocalAccess,
    requests: Streaming<rpc::WatchRequest>,
    place: OwnedSemaphorePermit,
) -> Replies {
    let feed = Feed {
        log: access.log().clone(),
        follower: access.follow(),
        requests,
    };
    feed.replies(place).boxed()
}

struct Feed {
    log: Arc<Log>,
    follower: Follower,
    requests: Streaming<rpc::WatchRequest>,
}

enum Next {
    Heard(Heard),
    Asked(u64),
}

impl Feed {
    fn replies(
        mut self,
        place: OwnedSemaphorePermit,
    ) -> impl Stream<Item = Result<rpc::WatchReply, Status>> + Send {
        async_stream::try_stream! {
            let _place = place;
            let Some(opening) = self.request().await? else { return };
            for some in self.revoked(opening.after).await?.chunks(CHANGES) {
                yield told(some.to_vec(), None);
            }
            let mut next = Some(Next::Asked(opening.number));
            while let Some(this) = next {
                let mut changes = Vec::new();
                let number = match this {
                    Next::Heard(heard) => {
                        changes.push(change(heard)?);
                        None
                    }
                    Next::Asked(number) => Some(number),
                };
                let read = match number {
                    Some(_) => self.read().await,
                    None => None,
                };
                // What the reading found is here by now, and goes before its beat.
                while let Some(heard) = self.follower.ready() {
                    changes.push(change(heard)?);
                    if changes.len() == CHANGES {
                        yield told(std::mem::take(&mut changes), None);
                    }
                }
                let beat = number.zip(read).map(|(number, version)| rpc::Beat { number, version });
                if beat.is_some() || !changes.is_empty() {
                    yield told(changes, beat);
                }
                next = self.next().await?;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Next>, Status> {
        let Self {
            follower, requests, ..
        } = self;
        tokio::select! {
            heard = follower.next() => Ok(heard.map(Next::Heard)),
            asked = request(requests) => Ok(asked?.map(|asked| Next::Asked(asked.number))),
        }
    }

    async fn request(&mut self) -> Result<Option<rpc::WatchRequest>, Status> {
        request(&mut self.requests).await
    }

    async fn revoked(&self, after: Option<i64>) -> Result<Vec<Change>, Status> {
        let unavailable = |cause: String| {
            tracing::warn!(cause, "a watcher cannot be told who was revoked");
            Status::unavailable("the log cannot be read")
        };
        match timeout(READING, self.log.revoked(after)).await {
            Ok(Ok(sessions)) => Ok(sessions),
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(late) => Err(unavailable(late.to_string())),
        }
    }

    /// Reads the log; none when it cannot be read, which its own reader tells already.
    async fn read(&self) -> Option<i64> {
        timeout(READING, self.log.read()).await.ok()?.ok()
    }
}

async fn request(requests: &mut Streaming<rpc::WatchRequest>) -> Result<Option<rpc::WatchRequest>, Status> {
    timeout(SILENCE, requests.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the watcher is silent"))?
}

/// A watcher that fell behind comes back: it must learn which sessions it missed.
fn change(heard: Heard) -> Result<Change, Status> {
    match heard {
        Heard::Change(change) => Ok(change),
        Heard::Missed => Err(Status::aborted("changes were missed")),
    }
}

fn told(changes: Vec<Change>, beat: Option<rpc::Beat>) -> rpc::WatchReply {
    let changes = changes.into_iter().map(|change| rpc::Change {
        subject: change.subject.to_string(),
        version: change.version,
    });
    let changes = changes.collect();
    rpc::WatchReply { changes, beat }
}
