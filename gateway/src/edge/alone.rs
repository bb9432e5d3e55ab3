//! Operations that a client has for itself: whatever is not numbered, and numbered subscriptions that
//! cannot be shared.

use super::{
    Edge,
    client::Line,
    engines::Event,
    meter,
    outlet::Refused,
    shape::Numbered,
    upstream::{Caller, Item, Upstream},
};
use crate::{operation::Operation, reply::Reply};
use bytes::Bytes;
use commons_platform::{Code, graphql::Call};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long a client may take until there is room for the next event.
const SLOW: Duration = Duration::from_secs(30);
/// How many events wait here for room; more wait where they come from.
const WAITING: usize = 64;

/// Runs an operation that is not numbered: its answers as they come.
pub(super) async fn answer(edge: Arc<Edge>, line: Line, operation: Operation, call: Call) {
    let id = call.origin.request_id.clone();
    let mut events = match edge.engines.start(operation, call) {
        Ok(events) => events,
        Err(error) => return line.refuse(&Reply::refusal(error, &id)),
    };
    loop {
        match events.recv().await {
            Some(Event::Next(reply)) => {
                if line.answer(&reply.json).await.is_err() {
                    return;
                }
            }
            Some(Event::Error(reply)) => return line.refuse(&reply),
            Some(Event::End) => return line.complete(),
            None => return line.refuse(&Reply::broken(&id)),
        }
    }
}

/// Follows a numbered stream as the client itself; the service behind it checks what they may see.
pub(super) async fn follow(edge: &Edge, line: &Line, numbered: Arc<Numbered>, call: Call) {
    let request_id = call.origin.request_id.clone();
    let caller: Caller = Box::new(move || Ok((call.clone(), None)));
    let after = numbered.after;
    let mut upstream = Upstream::new(
        edge.engines.clone(),
        numbered.clone(),
        caller,
        after,
        request_id.clone(),
    );
    let _counted = meter::upstream();
    let mut upto = after.unwrap_or_default();
    let (mut waiting, mut late) = (VecDeque::<(Option<i64>, Bytes)>::new(), None);
    loop {
        let item = tokio::select! {
            biased;
            item = upstream.next(), if waiting.len() < WAITING => item,
            sent = first(line, &waiting, &mut late), if !waiting.is_empty() => {
                match sent {
                    Some(Ok(())) => meter::delivered(1),
                    Some(Err(_gone)) => return,
                    None => {
                        meter::lagged();
                        return line.lag(upto, &request_id);
                    }
                }
                late = None;
                if let Some((Some(seq), _)) = waiting.pop_front() {
                    upto = seq;
                }
                continue;
            }
        };
        match item {
            Item::Head(head) => {
                waiting.push_back((
                    after.is_none().then_some(head),
                    numbered.head_answer(head, edge.clock.now()),
                ));
            }
            Item::Events(events) => {
                waiting.extend(events.into_iter().map(|seen| (Some(seen.seq), seen.json)))
            }
            Item::Reset(seen) => waiting.push_back((Some(seen.seq), seen.json)),
            Item::Aside(seen) => waiting.push_back((None, seen.json)),
            Item::Refused(reply) if is_lost(&reply) => return line.replace(&reply),
            Item::Refused(reply) => return rest(line, waiting, &reply).await,
        }
    }
}

/// Sends the first of what waits; none when there was no room for too long.
async fn first(
    line: &Line,
    waiting: &VecDeque<(Option<i64>, Bytes)>,
    late: &mut Option<Instant>,
) -> Option<Result<(), Refused>> {
    let (_, answer) = waiting.front()?;
    let late = *late.get_or_insert_with(|| Instant::now() + SLOW);
    timeout_at(late, line.answer(answer)).await.ok()
}

/// Whether the client may not see the stream any more: then nothing of it is sent.
fn is_lost(reply: &Reply) -> bool {
    matches!(
        reply.code,
        Some(Code::NotFound | Code::Forbidden | Code::Unauthenticated)
    )
}

async fn rest(line: &Line, waiting: VecDeque<(Option<i64>, Bytes)>, reply: &Reply) {
    let late = Instant::now() + SLOW;
    for (_, answer) in waiting {
        if !matches!(timeout_at(late, line.answer(&answer)).await, Ok(Ok(()))) {
            break;
        }
    }
    line.refuse(reply);
}
