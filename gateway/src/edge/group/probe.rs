//! Where a stream stands, asked for those who come in: what the group has seen may be some events behind
//! what their senders have been told.
//!
//! One question is asked at a time; whoever comes meanwhile waits for the next, together.

use super::Group;
use crate::{edge::upstream::Item, reply::Reply};
use commons_platform::{ApiError, Code, task::Guard};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// One question and its answer.
#[derive(Debug)]
pub(super) struct Probe {
    answer: watch::Receiver<Option<Result<(), Reply>>>,
    task: OnceLock<Guard>,
}

impl Probe {
    /// Asks when its turn comes; the group knows the answer before those who wait do.
    pub(super) fn of(group: &Arc<Group>) -> Arc<Self> {
        let (tell, answer) = watch::channel(None);
        let probe = Arc::new(Self {
            answer,
            task: OnceLock::new(),
        });
        let (group, turns) = (Arc::downgrade(group), group.probing.clone());
        let task = Guard::background("stream head", async move {
            // It is never closed.
            let _turn = turns.acquire_owned().await;
            let Some(group) = group.upgrade() else { return };
            let mut upstream = group.upstream(None);
            // Who comes from here on asks anew; those who wait keep this alive.
            let asked = group.state().probe.take();
            drop(asked);
            let answer = loop {
                match upstream.next().await {
                    Item::Head(head) => {
                        let mut state = group.state();
                        state.head = state.head.max(head);
                        break Ok(());
                    }
                    Item::Refused(reply) => break Err(reply),
                    Item::Events(_) | Item::Reset(_) | Item::Aside(_) => {}
                }
            };
            // Nobody may be left to hear it.
            let _unheard = tell.send(Some(answer));
        });
        // Nobody else has it yet.
        let _set = probe.task.set(task);
        probe
    }

    /// The answer, once it is there.
    pub(super) async fn answer(&self) -> Result<(), Reply> {
        let mut answer = self.answer.clone();
        let lost = || {
            let error = ApiError::new(
                Code::Unavailable,
                "where this stream stands cannot be told, try again",
            );
            Err(Reply::refusal(error, ""))
        };
        let answered = answer.wait_for(Option::is_some).await;
        answered.map_or_else(|_| lost(), |answer| answer.clone().unwrap_or_else(lost))
    }
}
